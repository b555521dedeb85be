//! `hob shell`: a session with commands, on this terminal or with a script. And `hob run --bin`, which is one command in
//! a session of its own.

mod interactive;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use hob::{
    ClockGrant, Host, HostBuilder, Job, Launch, Limits, Permit, RandomGrant, Session, Shell, ShellBuilder,
    Sink, Source,
};

use crate::args::{CommandsArgs, GuestArgs, RunArgs, ShellArgs};
use crate::audit::Log;
use crate::behind::compile_commands_behind;
use crate::grants;
use crate::report::{Done, Failure, USAGE};

/// Memory of a session when nobody says otherwise: all its processes together.
const MEMORY_BYTES: u64 = 2 << 30;

/// Processes of a session when nobody says otherwise.
const PROCESSES: u64 = 256;

/// The shell inside.
const SHELL: &str = "sh";

pub(crate) fn run(args: &ShellArgs) -> Done {
    let opened = open(&args.commands, &args.guest)?;
    let rest = bytes(&args.args);
    let own: Vec<Vec<u8>> = match &args.script {
        Some(script) => [b"-c".to_vec(), script.as_bytes().to_vec()].into_iter().chain(rest).collect(),
        None => rest,
    };
    let on_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let interactive = args.script.is_none() && args.args.is_empty() && on_terminal;
    let launch = launch(&opened.session, SHELL, &args.commands).args(own);
    let done = if interactive { interactive::run(launch, &opened.shell) } else { streams(launch) };
    opened.end(done, &args.commands, &args.guest)
}

/// One command instead of a shell.
pub(crate) fn one(args: &RunArgs) -> Done {
    let opened = open(&args.commands, &args.guest)?;
    let name = args.path().to_str().ok_or_else(|| Failure::new(USAGE, "the name of a command is UTF-8"))?;
    let launch = launch(&opened.session, name, &args.commands).args(bytes(args.args()));
    let done = streams(launch);
    opened.end(done, &args.commands, &args.guest)
}

fn bytes(args: &[OsString]) -> Vec<Vec<u8>> {
    args.iter().map(|arg| arg.as_bytes().to_vec()).collect()
}

/// A session, and the log of what was refused in it.
struct Opened {
    shell: Shell,
    session: Session,
    log: Arc<Log>,
}

impl Opened {
    fn end(self, done: Result<Ended, Failure>, commands: &CommandsArgs, guest: &GuestArgs) -> Done {
        self.session.close();
        // After what the session says of each command: it is what the person is to do.
        let done = done.map(|ended| match ended {
            Ended::Itself(code) => code,
            Ended::Late => {
                eprintln!("hob: deadline exceeded: the command was stopped; --timeout allows it more time");
                124
            }
        });
        compile_commands_behind(&self.shell, &commands.bin, guest);
        if !matches!(done, Ok(0)) {
            self.log.hints().iter().for_each(|hint| eprintln!("hob: {hint}"));
        }
        self.log.finish()?;
        done
    }
}

fn open(commands: &CommandsArgs, guest: &GuestArgs) -> Result<Opened, Failure> {
    let (builder, log) = builder(commands, guest, HostBuilder::pooled_session)?;
    let shell = builder.build()?;
    let session = shell.session_reporting(|command, why| eprintln!("hob: {command}: {why}"))?;
    Ok(Opened { shell, session, log })
}

/// A shell with the commands and grants of the flags, on a host that is `more` than they say, and the log of what is
/// refused in its sessions.
pub(crate) fn builder(
    commands: &CommandsArgs,
    guest: &GuestArgs,
    more: impl FnOnce(HostBuilder) -> HostBuilder,
) -> Result<(ShellBuilder, Arc<Log>), Failure> {
    if guest.record.record.is_some() {
        return Err(Failure::new(
            USAGE,
            "a session is not recorded; --record is for `hob run` of one module",
        ));
    }
    if guest.limits.fuel.is_some() {
        return Err(Failure::new(
            USAGE,
            "a session is bounded by --timeout and --memory; fuel is for `hob run` of one module",
        ));
    }
    let mut policy = grants::policy(&guest.grants);
    // A shell without time and chance is of little use, and neither tells much: both can be taken away by a flag.
    policy.clock = guest.grants.clock.unwrap_or(ClockGrant::Real);
    policy.random = guest.grants.random.unwrap_or(RandomGrant::Real);
    let log = Arc::new(Log::open(&guest.record, &policy.fs)?);
    let defaults = Limits {
        memory_bytes: MEMORY_BYTES,
        host_buffer_bytes: MEMORY_BYTES,
        processes: commands.max_processes.unwrap_or(PROCESSES),
        disk_bytes: commands.disk.unwrap_or(Limits::default().disk_bytes),
        open_files: 16 << 10,
        output_bytes: 1 << 40,
        hard_deadline: None,
        ..Limits::default()
    };
    let host = more(grants::engine(Host::builder(), &guest.engine))
        .compile_behind(true)
        .policy(policy)
        .limits(grants::limits(&guest.limits, defaults))
        .audit(Arc::<Log>::clone(&log))
        .build()?;
    let mut builder = host.shell();
    for path in &commands.bin {
        builder = builder.bin(path)?;
    }
    if let Some(root) = &commands.root {
        builder = builder.root(root)?;
    }
    for (command, tier) in &commands.tier {
        builder = builder.permit(command, Permit::tier(*tier));
    }
    Ok((builder, log))
}

fn launch<'a>(session: &'a Session, command: &str, args: &CommandsArgs) -> Launch<'a> {
    let launch = session.start(command);
    match &args.cwd {
        Some(cwd) => launch.cwd(cwd),
        None => launch,
    }
}

/// A command on the streams of this process.
fn streams(launch: Launch<'_>) -> Result<Ended, Failure> {
    let job = launch.stdin(Source::Host).stdout(Sink::Host).stderr(Sink::Host).spawn()?;
    ended(&job)
}

/// How a command ended.
enum Ended {
    /// With this code.
    Itself(u8),
    /// At its deadline.
    Late,
}

/// Waits for a command.
fn ended(job: &Job) -> Result<Ended, Failure> {
    let exit = job.wait()?;
    Ok(if job.is_late() { Ended::Late } else { Ended::Itself(exit.code) })
}

//! Sessions to misbehave in.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hob::{Choice, ClockGrant, Exit, Host, HostBuilder, Limits, RandomGrant, Session, SharedBuffer, Sink};

use crate::guest::program;

/// What does not end by then never ends.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Programs, and who is told what goes wrong.
pub struct Lab {
    pub shell: hob::Shell,
    pub reports: Arc<Mutex<Vec<String>>>,
    _dir: tempfile::TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub struct Done {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

pub fn host() -> HostBuilder {
    Host::builder()
        .engine(Choice::Wasmtime)
        .clock(ClockGrant::Real)
        .random(RandomGrant::Real)
        .limits(limits())
}

/// Limits of the size of these programs.
pub fn limits() -> Limits {
    Limits { processes: 24, hard_deadline: Some(PATIENCE), ..Limits::default() }
}

/// Programs by name.
pub fn lab(host: HostBuilder, programs: &[(&str, &str)]) -> Lab {
    made(host, programs, |builder| builder)
}

/// As [`lab`], with something more to say about the shell.
pub fn made(
    host: HostBuilder,
    programs: &[(&str, &str)],
    more: impl FnOnce(hob::ShellBuilder) -> hob::ShellBuilder,
) -> Lab {
    let dir = tempfile::tempdir().unwrap();
    for (name, body) in programs {
        std::fs::write(dir.path().join(format!("{name}.wasm")), program(body)).unwrap();
    }
    let builder = host.build().unwrap().shell().bin(dir.path()).unwrap();
    Lab { shell: more(builder).build().unwrap(), reports: Arc::default(), _dir: dir }
}

/// The commands of the second generation, in a session with these limits. Compiled once, and kept.
pub fn commands(limits: Limits) -> Lab {
    let bin = root().join("target/commands/v1/node_modules");
    assert!(bin.is_dir(), "{} is missing; run `cargo xtask commands`", bin.display());
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shell-hostile-cache");
    let host = host().cache_dir(cache).limits(limits).build().unwrap();
    let shell = host.shell().bin(bin).unwrap().build().unwrap();
    Lab { shell, reports: Arc::default(), _dir: tempfile::tempdir().unwrap() }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Lab {
    pub fn session(&self) -> Session {
        let reports = Arc::clone(&self.reports);
        let report =
            move |command: &str, why: &str| reports.lock().unwrap().push(format!("{command}: {why}"));
        self.shell.session_reporting(report).unwrap()
    }

    pub fn reported(&self) -> String {
        self.reports.lock().unwrap().join("\n")
    }
}

/// Runs a command to its end.
pub fn run(session: &Session, command: &str, args: &[&str]) -> Done {
    let (out, err) = (SharedBuffer::default(), SharedBuffer::default());
    let launch = session
        .start(command)
        .args(args.iter().copied())
        .stdout(Sink::Buffer(out.clone()))
        .stderr(Sink::Buffer(err.clone()));
    let exit = launch.spawn().unwrap().wait().unwrap();
    let text = |buffer: SharedBuffer| String::from_utf8_lossy(&buffer.take()).into_owned();
    Done { exit, out: text(out), err: text(err) }
}

/// Runs a script of the shell to its end.
pub fn script(session: &Session, script: &str) -> Done {
    run(session, "sh", &["-c", script])
}

/// The number that a program said under a name.
pub fn said(done: &Done, what: &str) -> u64 {
    let line = done.out.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no `{what}` in {done:?}")).parse().unwrap()
}

/// Waits until something is so.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not so: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many of these this process has: threads (`task`), descriptors (`fd`).
pub fn counted(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// Bytes of this process that are in memory.
pub fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

//! `hob bench shell`: commands in a session beside the same module on the bare engine, and beside the tools of this machine.

mod ends;
mod sessions;
mod streams;

use std::path::PathBuf;

use hob::engine::bare::BareCommand;
use hob::engine::{Allocation, EngineConfig};
use hob::{Choice, ClockGrant, Host, HostBuilder, Limits, RandomGrant, Session, Shell};

use self::streams::{fastest, script};
use super::measure::{Effort, beside};
use super::{Row, Rows};

/// What a short command may take in a running session, in milliseconds and beside the bare engine.
const SHORT_MS: f64 = 5.0;
const SHORT_RATIO: f64 = 3.0;

/// Where the commands are, and how hard to try.
struct Setting<'a> {
    bin: &'a [PathBuf],
    quick: bool,
    dir: PathBuf,
}

pub(super) fn rows(bin: &[PathBuf], quick: bool) -> Rows {
    if bin.is_empty() {
        return Err("there are no commands to measure; --bin says where they are".into());
    }
    let dir = std::env::temp_dir().join(format!("hob-bench-shell-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let rows = measure(&Setting { bin, quick, dir: dir.clone() });
    drop(std::fs::remove_dir_all(&dir));
    rows
}

fn measure(setting: &Setting<'_>) -> Rows {
    // Memory first: what others have let go of would be used again.
    let mut rows = vec![sessions::idle(setting)?, short(setting)?, in_a_loop(setting)?];
    rows.extend(streams::rows(setting)?);
    rows.push(ends::row(setting)?);
    rows.extend(sessions::prompts(setting)?);
    Ok(rows)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Setting<'_> {
    /// A host on which sessions have room for what is measured.
    fn host(&self) -> HostBuilder {
        let limits = Limits {
            memory_bytes: 2 << 30,
            host_buffer_bytes: 2 << 30,
            disk_bytes: 1 << 30,
            output_bytes: 1 << 40,
            hard_deadline: None,
            ..Limits::default()
        };
        Host::builder()
            .engine(Choice::Wasmtime)
            .pooled_session()
            .cache_dir(self.dir.join("cache"))
            .clock(ClockGrant::Real)
            .random(RandomGrant::Real)
            .limits(limits)
    }

    fn shell(&self, host: HostBuilder) -> Result<Shell, String> {
        let builder = host.build().map_err(text)?.shell();
        self.bin
            .iter()
            .try_fold(builder, |builder, path| builder.bin(path))
            .and_then(|all| all.build())
            .map_err(text)
    }

    fn session(&self) -> Result<Session, String> {
        self.shell(self.host())?.session().map_err(text)
    }

    /// A command of the session on the bare engine, as Wasmtime sets it up for whoever says nothing.
    fn bare(&self, session: &Session, command: &str) -> Result<BareCommand, String> {
        let wasm = session.read_file(&format!("/bin/{command}")).map_err(text)?;
        let config = EngineConfig {
            choice: Choice::Wasmtime,
            allocation: Allocation::OnDemand,
            ..EngineConfig::default()
        };
        BareCommand::new(&config, &wasm)
    }
}

/// Runs a command of a session, and refuses to go on when it fails.
fn run(session: &Session, command: &str, args: &[&str]) -> Result<(), String> {
    let job = session.start(command).args(args.iter().copied()).spawn().map_err(text)?;
    let exit = job.wait().map_err(text)?;
    if exit.code == 0 { Ok(()) } else { Err(format!("`{command}` ended with {exit:?}")) }
}

/// A short command: from the call that starts it to its end.
fn short(setting: &Setting<'_>) -> Result<Row, String> {
    let session = setting.session()?;
    let bare = setting.bare(&session, "true")?;
    let (ours, alone) = beside(
        Effort::new(200, setting.quick),
        || run(&session, "true", &[]),
        || match bare.run(&["true"], None)? {
            (0, _) => Ok(()),
            (code, _) => Err(format!("`true` alone ended with {code}")),
        },
    )?;
    let mut row = Row::ratio("`true` in a session", ours / 1e6, alone / 1e6, "ms", SHORT_RATIO);
    row.met = row.met && row.hob <= SHORT_MS;
    row.target = format!("at most {SHORT_MS} ms and {SHORT_RATIO} x bare");
    Ok(row)
}

/// A short command by a shell that does nothing else: for each, what the shell takes to find and start it as well.
fn in_a_loop(setting: &Setting<'_>) -> Result<Row, String> {
    let session = setting.session()?;
    let rounds = if setting.quick { 20 } else { 1000 };
    let with = |command: &str| format!("i=0; while [ $i -lt {rounds} ]; do {command}; i=$((i+1)); done");
    let (command, nothing) = (with("/bin/true"), with(":"));
    let ours = fastest(setting.quick, || script(&session, &command).map(drop))?;
    let without = fastest(setting.quick, || script(&session, &nothing).map(drop))?;
    let each = (ours - without).max(0.0) * 1e3 / f64::from(rounds);
    Ok(Row::amount("`/bin/true` by a shell in a session", each, "ms", SHORT_MS))
}

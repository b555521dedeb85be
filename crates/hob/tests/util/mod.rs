//! What the host tests share: the guests that `cargo xtask guests` built, and hosts on each engine.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod actors;

use std::path::PathBuf;
use std::time::Duration;

use hob::{Choice, ClockGrant, Host, HostBuilder, Limits, Output, RandomGrant, Sink, Source};

pub const BOTH: [Choice; 2] = [Choice::Wasmtime, Choice::Wasmi];

pub const LANGUAGES: [&str; 5] = ["rust", "c", "go", "zig", "as"];

/// A guest built from `guests/NAME`.
pub fn guest(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    let found = ["wasm", "wat"]
        .map(|ending| dir.join(format!("{name}.{ending}")))
        .into_iter()
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("guest {name} is not built; run `cargo xtask guests`"))
}

/// A module of a package from npm.
pub fn npm(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/toolchains/node/node_modules").join(path)
}

/// A host with the grants that carry no authority: streams, a virtual clock, seeded randomness.
pub fn plain(choice: Choice) -> HostBuilder {
    Host::builder()
        .engine(choice)
        .stdio()
        .clock(ClockGrant::Virtual)
        .random(RandomGrant::Seeded(0))
        .limits(limits(20_000))
}

pub fn limits(deadline_ms: u64) -> Limits {
    Limits { hard_deadline: Some(Duration::from_millis(deadline_ms)), ..Limits::default() }
}

/// Runs a guest with input, and keeps what it writes.
pub fn run(host: &Host, name: &str, args: &[&str], input: &[u8]) -> Result<Output, hob::Error> {
    run_file(host, &guest(name), args, input)
}

pub fn run_file(
    host: &Host,
    path: &std::path::Path,
    args: &[&str],
    input: &[u8],
) -> Result<Output, hob::Error> {
    let command = host.load(path)?.command()?;
    let (stdout, stderr) = (hob::SharedBuffer::default(), hob::SharedBuffer::default());
    let run = command
        .start()
        .args(args.iter().map(|arg| arg.as_bytes().to_vec()))
        .stdin(Source::Bytes(input.to_vec()))
        .stdout(Sink::Buffer(stdout.clone()))
        .stderr(Sink::Buffer(stderr.clone()));
    let code = run.wait()?;
    Ok(Output { code, stdout: stdout.take(), stderr: stderr.take() })
}

/// Runs a program in the text format.
pub fn run_text(host: &Host, wat: &str) -> Result<Output, hob::Error> {
    host.load_bytes("guest", wat.as_bytes())?.command()?.run([""; 0])
}

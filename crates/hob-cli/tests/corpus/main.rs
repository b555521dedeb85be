//! What people already run, run here: a corpus of shell scripts on the commands of both generations that are published, and C
//! programs against their native builds. `cargo xtask test` installs and builds what this needs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod case;
mod programs;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use case::Case;

/// What is not done by then waits for ever. The first shell may have to be compiled within it.
const TIME_MAX: Duration = Duration::from_secs(180);

/// How many scripts run at once.
const WORKERS: usize = 2;

#[test]
fn scripts_say_the_same_with_the_commands_of_generation_p() {
    scripts("p", "auto", 270);
}

#[test]
fn scripts_say_the_same_with_the_commands_of_generation_v1() {
    scripts("v1", "auto", 310);
}

/// `auto` interprets what it has not compiled yet, so that a script may run on either engine, or on both.
#[test]
fn scripts_say_the_same_on_the_interpreter_alone() {
    scripts("v1", "wasmi", 310);
}

#[test]
fn the_corpus_is_as_large_as_it_claims() {
    let cases = cases();
    let lines: usize = cases.iter().map(|case| case.script.lines().count()).sum();
    assert!(cases.len() >= 320 && lines >= 1000, "{} cases, {lines} lines", cases.len());
}

fn cases() -> Vec<Case> {
    case::read_all(&root().join("crates/hob-cli/tests/corpus")).unwrap()
}

/// Runs every case that a generation can run, and shows all that fail.
fn scripts(generation: &str, engine: &str, cases_min: usize) {
    let bin = root().join("target/commands").join(generation).join("node_modules");
    assert!(bin.is_dir(), "{} is missing; run `cargo xtask commands`", bin.display());
    let mut cases = cases();
    cases.retain(|case| case.only.as_deref().is_none_or(|only| only == generation));
    assert!(cases.len() >= cases_min, "only {} cases for {generation}", cases.len());
    let queue = Mutex::new(cases.iter());
    let failures: Vec<String> = thread::scope(|scope| {
        let work = || {
            let mut failures = Vec::new();
            loop {
                let Some(case) = queue.lock().unwrap().next() else { return failures };
                failures.extend(script(&bin, engine, case));
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(
        failures.is_empty(),
        "{}\n{} of {} cases fail with generation {generation} on {engine}",
        failures.concat(),
        failures.len(),
        cases.len()
    );
}

fn script(bin: &Path, engine: &str, case: &Case) -> Option<String> {
    let mut hob = hob();
    hob.args(["shell", "--engine", engine, "--bin"]).arg(bin).args(["-c", &case.script]);
    match finish(&mut hob, case.stdin.as_bytes()) {
        Ok(output) => case.difference(output.status.code(), &output.stdout, &output.stderr),
        Err(output) => {
            let late = format!("not done after {} s; ", TIME_MAX.as_secs());
            let so_far = case.difference(output.status.code(), &output.stdout, &output.stderr);
            Some(format!("{late}{}", so_far.unwrap_or_default()))
        }
    }
}

/// The binary, with a cache that later runs find again.
fn hob() -> Command {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpus");
    let mut hob = Command::new(env!("CARGO_BIN_EXE_hob"));
    hob.env("HOB_CACHE_DIR", scratch.join("cache")).env("HOB_KEY_DIR", scratch.join("key"));
    hob
}

/// Runs a program to its end, or ends it when its time is up and answers with what it said until then.
fn finish(command: &mut Command, input: &[u8]) -> Result<Output, Output> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let late = AtomicBool::new(false);
    let output = thread::scope(|scope| {
        // Who does not read its input closes it.
        scope.spawn(move || drop(stdin.unwrap().write_all(input)));
        let stdout = scope.spawn(move || all(stdout.unwrap()));
        let stderr = scope.spawn(move || all(stderr.unwrap()));
        let status = wait(&mut child, &late);
        Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    });
    if late.into_inner() { Err(output) } else { Ok(output) }
}

fn wait(child: &mut Child, late: &AtomicBool) -> std::process::ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > TIME_MAX {
            late.store(true, Ordering::Relaxed);
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn all(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

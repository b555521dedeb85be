//! `hob repl` as a person uses it at a terminal, and as another program uses it through pipes.
#![expect(clippy::unwrap_used, reason = "helpers of tests; the exemption reaches only test functions")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

#[test]
fn a_person_talks_to_actors() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/repl/terminal.py");
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new("python3")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_hob"))
        .arg(scratch.path())
        .env("HOB_CACHE_DIR", scratch.path().join("cache"))
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.ends_with("all as it should be\n"), "{stdout}\n{stderr}");
}

/// What was not said by then is never said.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed when the test is over.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It fails for one that has ended.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn piped() -> Child {
    Command::new(env!("CARGO_BIN_EXE_hob"))
        .arg("repl")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_program_says_a_line_and_reads_what_comes_of_it_before_it_says_the_next() {
    let mut child = Ended(piped());
    let (mut to, from) = (child.0.stdin.take().unwrap(), BufReader::new(child.0.stdout.take().unwrap()));
    let (says, said) = mpsc::channel();
    std::thread::spawn(move || from.lines().try_for_each(|line| says.send(line.unwrap())));
    writeln!(to, "c = spawn counter 0").unwrap();
    for count in 1..4 {
        writeln!(to, "c add").unwrap();
        assert_eq!(said.recv_timeout(PATIENCE), Ok(count.to_string()));
    }
    drop(to);
    // It has closed its output, so it ends.
    assert_eq!(said.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    assert!(child.0.wait().unwrap().success());
}

#[test]
fn what_cannot_be_read_is_no_end() {
    let mut child = piped();
    child.stdin.take().unwrap().write_all(b"list 1\n\xff\nlist 2\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[1]\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("failed to read standard input: a line is no UTF-8"), "{said}");
    assert_eq!(output.status.code(), Some(127));
}

#[test]
fn a_line_that_fails_is_named_by_its_number_and_the_next_is_done() {
    let mut child = piped();
    let long = "a".repeat(100_000);
    let text = format!("nonsense\nlist 1\n\n{long}\n(\nlist \"a\\n\u{1b}\"");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[1]\n[\"a\\n\\u{1b}\"]\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "hob: line 1: unknown-name: nonsense is neither a word nor a name here; `help` lists the words",
            "hob: line 4: syntax: a line has at most 65536 bytes, at byte 0 of the line",
            "hob: line 5: syntax: a `)` is missing, at byte 1 of the line",
        ]
    );
}

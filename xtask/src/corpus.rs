//! Checks the corpus of shell scripts against the shell and the tools of this machine: what the files expect of the commands
//! must be what the originals do. It is a check of the corpus, not of hob, and needs bash and the GNU tools.

#[path = "../../crates/hob-cli/tests/corpus/case.rs"]
mod case;

use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use case::Case;

const USAGE: &str = "usage: cargo xtask corpus --native [PART OF A NAME]";

/// A script that is not done by then waits for ever.
const TIME_MAX: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let part = match args {
        [flag] if flag == "--native" => "",
        [flag, part] if flag == "--native" => part,
        _ => return Err(USAGE.into()),
    };
    let all = case::read_all(&crate::root().join("crates/hob-cli/tests/corpus"))?;
    let lines: usize = all.iter().map(|case| case.script.lines().count()).sum();
    let cases: Vec<&Case> = all.iter().filter(|case| case.native && case.name.contains(part)).collect();
    let queue = Mutex::new(cases.iter());
    let wrong: Vec<String> = thread::scope(|scope| {
        let work = || {
            let mut wrong = Vec::new();
            while let Some(case) = queue.lock().ok().and_then(|mut queue| queue.next().copied()) {
                match natively(case) {
                    Ok(output) => {
                        wrong.extend(case.difference(output.status.code(), &output.stdout, &output.stderr));
                    }
                    Err(error) => wrong.push(format!("== {}\n{error}\n", case.name)),
                }
            }
            wrong
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    println!("{} cases with {lines} lines of script, {} run natively", all.len(), cases.len());
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\n{} of {} cases are not what this machine does",
        wrong.concat(),
        wrong.len(),
        cases.len()
    ))
}

/// Runs a script with bash in a folder of its own, which is its home as well.
fn natively(case: &Case) -> io::Result<Output> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("corpus-{}-{number}", std::process::id()));
    fs::create_dir(&dir)?;
    let mut command = Command::new("bash");
    command.args(["--norc", "--noprofile", "-c", &case.script]).current_dir(&dir).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("HOME", &dir).env("TMPDIR", "/tmp");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let output = child.and_then(|child| wait(child, case.stdin.as_bytes()));
    fs::remove_dir_all(&dir)?;
    output
}

/// Gives a child its input and takes what it says, for as long as it may take.
fn wait(mut child: Child, input: &[u8]) -> io::Result<Output> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        let stdout = scope.spawn(move || all(stdout));
        let stderr = scope.spawn(move || all(stderr));
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if began.elapsed() > TIME_MAX {
                child.kill()?;
            }
            thread::sleep(Duration::from_millis(2));
        };
        let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
        Ok(Output { status, stdout, stderr })
    })
}

fn all(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What was said before an error is still said.
        drop(stream.read_to_end(&mut bytes));
    }
    bytes
}

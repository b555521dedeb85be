//! A shell on the terminal of this process.
//!
//! The person's terminal passes every byte as it is while the shell runs, and is what it was afterwards however that ends;
//! lines, signals and echo are the business of the terminal inside. Two threads carry the bytes, and a change of the
//! window's size is passed on. What is compiled meanwhile stands in the title of the window.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hob::os::RawTerminal;
use hob::{Console, Launch, Shell};

use crate::report::{Failure, HOST};

/// How often the size of the window is looked at while nothing else happens.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn run(launch: Launch<'_>, shell: &Shell) -> Result<super::Ended, Failure> {
    let now = RawTerminal::size();
    let job = launch.terminal(now.0, now.1).interactive().args(["-i"]).spawn()?;
    let Some(console) = job.console() else { return Err(Failure::new(HOST, "there is no terminal")) };
    let wrong = |error: hob::os::OsError| Failure::new(HOST, format!("failed to set the terminal: {error}"));
    let raw = RawTerminal::take().map_err(wrong)?;
    let typing = std::thread::Builder::new().name("hob-typing".into());
    let typed = Arc::clone(&console);
    // It ends with the process: nobody can be made to type.
    typing
        .spawn(move || type_in(&typed))
        .map_err(|error| Failure::new(HOST, format!("no thread to read the terminal on: {error}")))?;
    show(&console, now, shell, || job.try_wait().is_some())?;
    let done = super::ended(&job);
    drop(raw);
    done
}

/// Types what the person types.
fn type_in(console: &Console) {
    let mut stdin = std::io::stdin().lock();
    let mut buf = [0; 4096];
    while let Ok(len) = stdin.read(&mut buf) {
        let typed = buf.get(..len).unwrap_or_default();
        if typed.is_empty() || console.write(typed).is_err() {
            return;
        }
    }
}

/// Shows what the programs write, until the shell has ended and nothing is left to show.
fn show(
    console: &Console,
    mut shown: (u16, u16),
    shell: &Shell,
    is_over: impl Fn() -> bool,
) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let mut buf = [0; 16 << 10];
    let mut title = String::new();
    let wrong =
        |error: std::io::Error| Failure::new(HOST, format!("failed to write to the terminal: {error}"));
    loop {
        let until = Instant::now().checked_add(LOOK);
        let len = console.read(&mut buf, until).unwrap_or(0);
        stdout.write_all(buf.get(..len).unwrap_or_default()).and_then(|()| stdout.flush()).map_err(wrong)?;
        if len == 0 {
            let now = compiling(shell);
            if now != title {
                // The title of the window: nothing on the screen is disturbed by it.
                write!(stdout, "\x1b]0;{now}\x07").and_then(|()| stdout.flush()).map_err(wrong)?;
                title = now;
            }
        }
        let now = RawTerminal::size();
        if now != shown && console.resize(now.0, now.1).is_ok() {
            shown = now;
        }
        if len == 0 && is_over() {
            return Ok(());
        }
    }
}

/// The most commands that are named as being compiled.
const NAMED_MAX: usize = 3;

/// What is still being compiled behind, for whoever wonders why it is slow; empty when nothing is.
fn compiling(shell: &Shell) -> String {
    let names = shell.interpreted();
    let more = if names.len() > NAMED_MAX { ", …" } else { "" };
    let named: Vec<String> =
        names.iter().take(NAMED_MAX).map(|name| hob::escape_guest_text(name, 40)).collect();
    if named.is_empty() { String::new() } else { format!("hob: compiling {}{more}", named.join(", ")) }
}

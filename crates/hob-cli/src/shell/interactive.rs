//! A shell on the terminal of this process.
//!
//! The person's terminal passes every byte as it is while the shell runs, and is what it was afterwards however that ends;
//! lines, signals and echo are the business of the terminal inside. Two threads carry the bytes, and a change of the
//! window's size is passed on.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hob::{Console, Launch};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::report::{Done, Failure, HOST};

/// How often the size of the window is looked at while nothing else happens.
const LOOK: Duration = Duration::from_millis(100);

/// The settings of the person's terminal, given back when dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> Result<Self, Failure> {
        let wrong =
            |error: rustix::io::Errno| Failure::new(HOST, format!("failed to set the terminal: {error}"));
        let before = tcgetattr(std::io::stdin()).map_err(wrong)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin(), OptionalActions::Drain, &raw).map_err(wrong)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone has no settings.
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// Columns and lines of the person's window.
fn size() -> (u16, u16) {
    match tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

pub(super) fn run(launch: Launch<'_>) -> Done {
    let now = size();
    let job = launch.terminal(now.0, now.1).interactive().args(["-i"]).spawn()?;
    let Some(console) = job.console() else { return Err(Failure::new(HOST, "there is no terminal")) };
    let raw = Raw::enter()?;
    let typing = std::thread::Builder::new().name("hob-typing".into());
    let typed = Arc::clone(&console);
    // It ends with the process: nobody can be made to type.
    typing
        .spawn(move || type_in(&typed))
        .map_err(|error| Failure::new(HOST, format!("no thread to read the terminal on: {error}")))?;
    show(&console, now, || job.try_wait().is_some())?;
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
fn show(console: &Console, mut shown: (u16, u16), is_over: impl Fn() -> bool) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let mut buf = [0; 16 << 10];
    let wrong =
        |error: std::io::Error| Failure::new(HOST, format!("failed to write to the terminal: {error}"));
    loop {
        let until = Instant::now().checked_add(LOOK);
        let len = console.read(&mut buf, until).unwrap_or(0);
        stdout.write_all(buf.get(..len).unwrap_or_default()).and_then(|()| stdout.flush()).map_err(wrong)?;
        let now = size();
        if now != shown && console.resize(now.0, now.1).is_ok() {
            shown = now;
        }
        if len == 0 && is_over() {
            return Ok(());
        }
    }
}

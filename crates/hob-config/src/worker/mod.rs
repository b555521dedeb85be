//! The worker: a process that bars itself, reads one request, evaluates it, writes one reply and ends.
//!
//! It bars itself before it reads anything, by itself, because what a process has given up it cannot get back. What it has left
//! is three pipes, memory and processor time, each bounded.

mod bars;
mod evaluate;

use std::io::{Read, Write};
use std::process::ExitCode;
use std::thread;

use crate::limits::ConfigLimit;
use crate::wire::{Asked, Reply};

/// The argument that makes a program a worker.
pub const ASKED: &str = "--hob-config-worker";

/// Is the worker if the first argument of this program is [`ASKED`], and answers what `main` is to return then.
#[must_use]
pub fn run_if_asked() -> Option<ExitCode> {
    (std::env::args().nth(1).as_deref() == Some(ASKED)).then(main)
}

/// Is the worker: reads a request from standard input, and writes the reply to standard output.
#[must_use]
pub fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nobody else can be told.
            let _ = writeln!(std::io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<(), String> {
    bars::nothing_to_open().map_err(|error| format!("failed to give up opening: {error}"))?;
    let mut request = Vec::new();
    std::io::stdin().read_to_end(&mut request).map_err(|error| format!("failed to read: {error}"))?;
    let asked: Asked =
        serde_json::from_slice(&request).map_err(|error| format!("that is no request: {error}"))?;
    drop(request);
    let limits = asked.limits;
    bars::bounded(&limits).map_err(|error| format!("failed to bound itself: {error}"))?;
    let Ok(stack) = usize::try_from(limits.stack_bytes_max) else {
        return Err("the stack has more bytes than there are addresses".into());
    };
    let evaluation = thread::Builder::new().name("nickel".into()).stack_size(stack);
    let evaluation = match evaluation.spawn(move || evaluate::answer(asked)) {
        Ok(evaluation) => evaluation,
        // A stack that the memory has no room for.
        Err(_) => return send(&Reply::Limit { limit: ConfigLimit::Memory }),
    };
    let reply = evaluation.join().map_err(|_| "Nickel panicked".to_owned())?;
    send(&match reply {
        Reply::Done(json) if u64::try_from(json.len()).unwrap_or(u64::MAX) > limits.output_bytes_max => {
            Reply::Limit { limit: ConfigLimit::Output }
        }
        Reply::Refused { refusal, mut message } => {
            // One byte more than is shown, so that the cut is seen.
            message.truncate(message.floor_char_boundary(limits.message_bytes_max.saturating_add(4)));
            Reply::Refused { refusal, message }
        }
        reply => reply,
    })
}

fn send(reply: &Reply) -> Result<(), String> {
    let reply = serde_json::to_vec(reply).map_err(|error| format!("failed to write: {error}"))?;
    std::io::stdout().write_all(&reply).map_err(|error| format!("failed to write: {error}"))
}

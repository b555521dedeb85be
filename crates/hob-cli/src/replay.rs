//! `hob replay`: a recorded run again, without the world.

use std::io::Read;

use hob::{Replay, Replayed, Sink};

use crate::args::ReplayArgs;
use crate::grants;
use crate::report::{Done, Failure, HOST, print};

/// The largest record that is read.
const RECORD_BYTES_MAX: u64 = 4 << 30;

pub(crate) fn run(args: &ReplayArgs) -> Done {
    let shown = args.record.display();
    let wrong = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::new(127, format!("{shown}: no such file")),
        _ => Failure::new(HOST, format!("failed to read {shown}: {error}")),
    };
    let mut record = Vec::new();
    let file = std::fs::File::open(&args.record).map_err(wrong)?;
    file.take(RECORD_BYTES_MAX).read_to_end(&mut record).map_err(wrong)?;
    let replay = match Replay::open(&record, None) {
        // Only a sealed record needs the key, and only then one is made or read.
        Err(error) if matches!(error.kind(), hob::ErrorKind::Replay(hob::ReadError::Sealed)) => {
            Replay::open(&record, Some(&grants::record_key(&args.key)?))
        }
        other => other,
    };
    let replay = replay.map_err(|error| Failure::new(error.exit_code(), format!("{shown}: {error}")))?;
    let replay = match args.timeout {
        Some(timeout) => replay.deadline(timeout),
        None => replay,
    };
    match replay.play(grants::choice(args.engine), Sink::Host, Sink::Host)? {
        Replayed::Code(code) => Ok(code),
        Replayed::Answer(answer) => {
            print(&String::from_utf8_lossy(&answer))?;
            Ok(0)
        }
        Replayed::Fault(fault) => Err(Failure::new(125, format!("{fault}, as it did when it was recorded"))),
        other => Err(Failure::new(HOST, format!("{other:?}"))),
    }
}

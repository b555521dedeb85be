//! A journal played back: the same inputs at the same moments, and the same reads.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::entry::{JournalEntry, Kind};
use crate::driver::{Read, Reads, System};

/// Why a journal cannot be played back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It begins elsewhere, or an entry is missing.
    #[error("entry {index} is of input {entry}, and the system is at input {system}")]
    Gap {
        /// Which entry, from 0.
        index: usize,
        /// Its input.
        entry: u64,
        /// The system's.
        system: u64,
    },
    /// An entry is not known here, or not whole.
    #[error("entry {index} of kind {kind:?} cannot be replayed")]
    Unreadable {
        /// Which entry, from 0.
        index: usize,
        /// What it says it is.
        kind: String,
    },
    /// The machine did not do again what it did.
    #[error("input {input} led elsewhere than before: {why}")]
    Diverged {
        /// Which input.
        input: u64,
        /// What was different.
        why: String,
    },
}

/// Under which key an entry says why nothing was read.
const FAILED: &str = "hob.failed";

pub(super) fn entry_of_read(step: u64, read: Read) -> JournalEntry {
    let (what, result) = read;
    match result {
        Ok(value) => JournalEntry::of_read(step, &what, value),
        Err(why) => {
            let mut entry = JournalEntry::of_read(step, &what, Value::Null);
            entry.payload = None;
            entry.rest.insert(FAILED.into(), json!(why));
            entry
        }
    }
}

fn read_of_entry(entry: &JournalEntry) -> Read {
    let what = entry.correlation_id.clone().unwrap_or_default();
    match entry.rest.get(FAILED).and_then(Value::as_str) {
        Some(why) => (what, Err(why.into())),
        None => (what, Ok(entry.payload.clone().unwrap_or_default())),
    }
}

/// Gives a system the inputs of a journal again. It must be as it was before the first of them. Errors: entries that do not
/// follow one another, and a machine that does something else than before; the system is of no use then.
pub fn replay(
    system: &mut System,
    entries: &[JournalEntry],
    reads: Option<&Reads>,
) -> Result<(), ReplayError> {
    let mut index = 0;
    while let Some(entry) = entries.get(index) {
        let unreadable = || ReplayError::Unreadable { index, kind: entry.kind.as_str().into() };
        let (input, now) = entry.input().ok_or_else(unreadable)?;
        if entry.step != system.inputs() {
            return Err(ReplayError::Gap { index, entry: entry.step, system: system.inputs() });
        }
        let of_input = entries.iter().skip(index + 1);
        let given: VecDeque<Read> =
            of_input.take_while(|read| read.kind == Kind::Random).map(read_of_entry).collect();
        index += 1 + given.len();
        let input_number = entry.step;
        let diverged = |why: String| ReplayError::Diverged { input: input_number, why };
        if reads.is_none() && !given.is_empty() {
            return Err(diverged("it read, and nothing is given to read from".into()));
        }
        if let Some(reads) = reads {
            reads.open(Some(given));
        }
        let done = system.apply(&input, now);
        let same = reads.is_none_or(|reads| reads.close().1);
        done.map_err(|refusal| diverged(refusal.to_string()))?;
        if !same {
            return Err(diverged("it did not read what it read before".into()));
        }
    }
    Ok(())
}

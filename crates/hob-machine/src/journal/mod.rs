//! What came from outside, written down, so that a machine can be brought back to where it was.
//!
//! [`Durable`] drives a system and keeps its journal: what came is durable before anything that it led to leaves. Opened
//! again, it loads the last snapshot, replays what came after it, and hands out what was not acknowledged, under the same
//! numbers.

mod durable;
mod entry;
mod memory;
mod replay;
mod store;

pub use durable::{Durable, DurableError, Setup};
pub use entry::{JournalEntry, Kind};
pub use memory::{Lost, MemoryJournal};
pub use replay::{ReplayError, replay};
pub use store::{JournalStore, Saved};

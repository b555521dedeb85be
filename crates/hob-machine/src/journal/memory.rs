//! A journal in memory: for tests, and for machines that need not survive their process.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{JournalEntry, JournalStore, Saved};

/// Somebody else writes this journal now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal is written by another: it has {has} entries, and {expected} were expected")]
pub struct Lost {
    /// How many entries it has.
    pub has: u64,
    /// How many were expected.
    pub expected: u64,
}

#[derive(Debug, Default)]
struct Kept {
    saved: Saved,
    /// Who writes: the one that loaded last.
    writer: u64,
}

/// A journal in memory. Clones are the same journal, each a writer of its own.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    kept: Arc<Mutex<Kept>>,
    writer: u64,
}

impl Clone for MemoryJournal {
    fn clone(&self) -> Self {
        Self { kept: Arc::clone(&self.kept), writer: 0 }
    }
}

impl MemoryJournal {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn write(&self, at: u64, work: impl FnOnce(&mut Saved)) -> Result<(), Lost> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let has = kept.saved.position();
        if has != at || kept.writer != self.writer {
            return Err(Lost { has, expected: at });
        }
        work(&mut kept.saved);
        Ok(())
    }
}

impl JournalStore for MemoryJournal {
    type Error = Lost;

    fn load(&mut self) -> Result<Saved, Lost> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.writer += 1;
        self.writer = kept.writer;
        Ok(kept.saved.clone())
    }

    fn append(&mut self, at: u64, entries: &[JournalEntry]) -> Result<(), Lost> {
        self.write(at, |saved| saved.entries.extend_from_slice(entries))
    }

    fn checkpoint(&mut self, at: u64, snapshot: &Value) -> Result<(), Lost> {
        self.write(at, |saved| *saved = Saved { snapshot: Some((at, snapshot.clone())), entries: Vec::new() })
    }
}

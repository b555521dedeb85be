//! Where a journal is kept.

use serde_json::Value;

use super::JournalEntry;

/// What a store has of one system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// The last snapshot, and how many entries came before it.
    pub snapshot: Option<(u64, Value)>,
    /// The entries that came after it, in order.
    pub entries: Vec<JournalEntry>,
}

impl Saved {
    /// How many entries there have been, those before the snapshot among them.
    #[must_use]
    pub fn position(&self) -> u64 {
        let before = self.snapshot.as_ref().map_or(0, |(at, _)| *at);
        before.saturating_add(u64::try_from(self.entries.len()).unwrap_or(u64::MAX))
    }
}

/// The journal of one system.
///
/// What [`JournalStore::append`] and [`JournalStore::checkpoint`] returned without error survives whatever happens next; of
/// what they returned an error for nobody knows. An append is whole: all its entries are kept, or none. `at` is the number of
/// entries there have been: a store that has another number refuses, so that of two who write one does not.
pub trait JournalStore {
    /// Why something was not kept.
    type Error: std::error::Error + Send + Sync + 'static;

    /// What is kept. From here on this is who writes.
    fn load(&mut self) -> Result<Saved, Self::Error>;

    /// Keeps entries, durably.
    fn append(&mut self, at: u64, entries: &[JournalEntry]) -> Result<(), Self::Error>;

    /// Keeps a snapshot, durably, and forgets the entries before it.
    fn checkpoint(&mut self, at: u64, snapshot: &Value) -> Result<(), Self::Error>;
}

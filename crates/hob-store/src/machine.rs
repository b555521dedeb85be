//! The journal of a machine as a stream: an entry is a record, both are JSON.

use hob_machine::journal::{JournalEntry, JournalStore, Saved};
use serde_json::Value;

use crate::{Error, Fence, Store};

/// How many records are read at a time.
const PAGE: usize = 1000;

/// Why a journal was not kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The store says so.
    #[error(transparent)]
    Store(#[from] Error),
    /// A record is no entry.
    #[error("record {number} of stream {stream:?} is no entry of a journal: {why}")]
    Record {
        /// Which stream.
        stream: String,
        /// Which record.
        number: u64,
        /// Why not.
        why: String,
    },
    /// It was not loaded, and only who loads it may write it.
    #[error("stream {0:?} was not loaded; load it to write")]
    Unclaimed(String),
}

/// The journal of one machine in a store.
#[derive(Debug)]
pub struct Journal {
    store: Store,
    stream: String,
    fence: Option<Fence>,
}

impl Journal {
    /// The journal in this stream. Loading it claims the stream.
    #[must_use]
    pub fn new(store: &Store, stream: &str) -> Self {
        Self { store: store.clone(), stream: stream.into(), fence: None }
    }

    fn fence(&self) -> Result<&Fence, JournalError> {
        self.fence.as_ref().ok_or_else(|| JournalError::Unclaimed(self.stream.clone()))
    }

    fn wrong(&self, number: u64, why: impl ToString) -> JournalError {
        JournalError::Record { stream: self.stream.clone(), number, why: why.to_string() }
    }
}

impl JournalStore for Journal {
    type Error = JournalError;

    fn load(&mut self) -> Result<Saved, JournalError> {
        self.fence = Some(self.store.claim(&self.stream)?);
        let mut saved = Saved::default();
        let mut number = 0;
        if let Some((at, bytes)) = self.store.last_snapshot(&self.stream)? {
            let snapshot: Value = serde_json::from_slice(&bytes).map_err(|error| self.wrong(at, error))?;
            saved.snapshot = Some((at, snapshot));
            number = at;
        }
        loop {
            let page = self.store.read(&self.stream, number, PAGE)?;
            for record in &page {
                let value: Value =
                    serde_json::from_slice(record).map_err(|error| self.wrong(number, error))?;
                let entry = JournalEntry::from_value(value).map_err(|why| self.wrong(number, why))?;
                saved.entries.push(entry);
                number = number.saturating_add(1);
            }
            if page.len() < PAGE {
                return Ok(saved);
            }
        }
    }

    fn append(&mut self, at: u64, entries: &[JournalEntry]) -> Result<(), JournalError> {
        let records: Vec<String> = entries.iter().map(|entry| entry.to_value().to_string()).collect();
        self.store.append(self.fence()?, at, &records)?;
        Ok(())
    }

    fn checkpoint(&mut self, at: u64, snapshot: &Value) -> Result<(), JournalError> {
        self.store.snapshot(self.fence()?, at, snapshot.to_string().as_bytes())?;
        Ok(())
    }
}

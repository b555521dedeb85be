//! Several writes that are durable together: one wait for the disk.
//!
//! Who has many streams collects what they append for a moment, and is told when it is durable. A write that is refused
//! changes nothing, and the others of its batch can go on.

use redb::{ReadableTable, WriteTransaction};

use crate::store::{RECORD_MAX, RECORDS, RECORDS_MAX, SNAPSHOTS, STREAMS, Stream, within};
use crate::{Error, Fence};

/// Writes that are durable together, or not at all: one that is dropped writes nothing.
pub struct Batch {
    write: WriteTransaction,
    then: Vec<Box<dyn FnOnce() + Send>>,
}

impl Batch {
    pub(crate) fn new(write: WriteTransaction) -> Self {
        Self { write, then: Vec::new() }
    }

    /// As [`crate::Store::append`], durable with the batch.
    pub fn append<R: AsRef<[u8]>>(
        &mut self,
        fence: &Fence,
        expected: u64,
        records: &[R],
    ) -> Result<u64, Error> {
        within("records in one append", records.len(), RECORDS_MAX)?;
        for record in records {
            within("bytes of a record", record.as_ref().len(), RECORD_MAX)?;
        }
        let mut row = self.row(fence)?;
        if row.next != expected {
            return Err(Error::Moved { stream: fence.stream.clone(), expected, next: row.next });
        }
        let mut table = self.write.open_table(RECORDS)?;
        for record in records {
            table.insert((fence.stream.as_str(), row.next), record.as_ref())?;
            row.next = row.next.saturating_add(1);
        }
        drop(table);
        self.put(fence, row)?;
        Ok(row.next)
    }

    /// As [`crate::Store::snapshot`], durable with the batch.
    pub fn snapshot(&mut self, fence: &Fence, at: u64, snapshot: &[u8]) -> Result<(), Error> {
        within("bytes of a snapshot", snapshot.len(), RECORD_MAX)?;
        let first = self.row(fence)?.first;
        if at < first {
            return Err(Error::Forgotten { stream: fence.stream.clone(), wanted: at, first });
        }
        self.truncate(fence, at)?;
        self.write.open_table(SNAPSHOTS)?.insert(fence.stream.as_str(), (at, snapshot))?;
        Ok(())
    }

    /// As [`crate::Store::truncate`], durable with the batch. What was forgotten before stays so.
    pub fn truncate(&mut self, fence: &Fence, first: u64) -> Result<(), Error> {
        let mut row = self.row(fence)?;
        if first > row.next {
            return Err(Error::Moved { stream: fence.stream.clone(), expected: first, next: row.next });
        }
        if first <= row.first {
            return Ok(());
        }
        let stream = fence.stream.as_str();
        let mut table = self.write.open_table(RECORDS)?;
        table.retain_in((stream, row.first)..(stream, first), |_, _| false)?;
        drop(table);
        row.first = first;
        self.put(fence, row)
    }

    /// Does something once the batch is durable. When it fails, it is not done.
    pub fn then(&mut self, work: impl FnOnce() + Send + 'static) {
        self.then.push(Box::new(work));
    }

    /// Waits until all of it is durable. Errors: nobody knows what is.
    pub fn commit(self) -> Result<(), Error> {
        self.write.commit()?;
        self.then.into_iter().for_each(|work| work());
        Ok(())
    }

    fn row(&self, fence: &Fence) -> Result<Stream, Error> {
        let streams = self.write.open_table(STREAMS)?;
        let row = streams.get(fence.stream.as_str())?.map(|row| Stream::of(row.value())).unwrap_or_default();
        if row.claim == fence.claim && row.claim != 0 {
            return Ok(row);
        }
        Err(Error::Fenced { stream: fence.stream.clone(), mine: fence.claim, now: row.claim })
    }

    fn put(&self, fence: &Fence, row: Stream) -> Result<(), Error> {
        self.write.open_table(STREAMS)?.insert(fence.stream.as_str(), row.row())?;
        Ok(())
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("then", &self.then.len()).finish_non_exhaustive()
    }
}

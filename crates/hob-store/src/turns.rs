//! Turns of vats in a [`Store`]: one wait for the disk for all records that come together.

use std::collections::BTreeMap;

use hob_vat::{Append, Claim, Extent, StoreError, TurnStore};
use redb::{ReadableTable, WriteTransaction};

use crate::store::{RECORDS, STREAMS, Stream};
use crate::{Error, Fence, Store};

impl TurnStore for Store {
    fn claim(&self, stream: &str) -> Result<Claim, StoreError> {
        let claims = self.claim_all(&[stream])?;
        claims.first().copied().ok_or_else(|| StoreError::Failed("nothing was claimed".into()))
    }

    fn claim_all(&self, streams: &[&str]) -> Result<Vec<Claim>, StoreError> {
        Ok(self.claims(streams)?.into_iter().map(|row| Claim { fence: row.claim, next: row.next }).collect())
    }

    fn extent(&self, stream: &str) -> Result<Extent, StoreError> {
        let row = self.stream(stream)?.unwrap_or_default();
        Ok(Extent { first: row.first, next: row.next })
    }

    fn read(&self, stream: &str, from: u64, at_most: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(Store::read(self, stream, from, at_most)?)
    }

    fn snapshot(&self, stream: &str) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        Ok(self.last_snapshot(stream)?)
    }

    fn append(&self, entries: &[Append<'_>]) -> Vec<Result<(), StoreError>> {
        self.append_turns(entries).unwrap_or_else(|error| {
            let error = StoreError::from(error);
            entries.iter().map(|_| Err(error.clone())).collect()
        })
    }

    fn replace(&self, stream: &str, fence: u64, at: u64, snapshot: &[u8]) -> Result<(), StoreError> {
        let fence = Fence { stream: stream.into(), claim: fence };
        Ok(Store::snapshot(self, &fence, at, snapshot)?)
    }
}

impl Store {
    /// Errors: of the database; nothing was kept then, or nobody knows what.
    fn append_turns(&self, entries: &[Append<'_>]) -> Result<Vec<Result<(), StoreError>>, Error> {
        let write = self.write()?;
        let results = put(&write, entries)?;
        if results.iter().any(Result::is_ok) {
            write.commit()?;
        } else {
            write.abort()?;
        }
        Ok(results)
    }
}

fn put(write: &WriteTransaction, entries: &[Append<'_>]) -> Result<Vec<Result<(), StoreError>>, Error> {
    let mut streams = write.open_table(STREAMS)?;
    let mut records = write.open_table(RECORDS)?;
    let mut rows: BTreeMap<&str, Stream> = BTreeMap::new();
    let mut results = Vec::with_capacity(entries.len());
    for entry in entries {
        let row = match rows.get_mut(entry.stream) {
            Some(row) => row,
            None => {
                let found = streams.get(entry.stream)?.map(|row| Stream::of(row.value()));
                rows.entry(entry.stream).or_insert(found.unwrap_or_default())
            }
        };
        let allowed = hob_vat::check_append(entry, row.claim, row.next);
        if allowed.is_ok() {
            records.insert((entry.stream, row.next), entry.record)?;
            row.next = row.next.saturating_add(1);
        }
        results.push(allowed);
    }
    for (stream, row) in rows {
        // What nobody claimed stays as it is: not there.
        if row.claim > 0 {
            streams.insert(stream, row.row())?;
        }
    }
    Ok(results)
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Fenced { stream, .. } => Self::Fenced(stream),
            Error::Moved { stream, expected, next } => Self::Moved { stream, next, at: expected },
            Error::Forgotten { stream, .. } => Self::Forgotten(stream),
            Error::TooLarge { what, size, limit } => Self::TooLarge { what, size, limit },
            other => Self::Failed(other.to_string()),
        }
    }
}

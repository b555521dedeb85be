//! Where turns are kept: what a store has to do, and one that keeps them in memory.
//!
//! A vat is a stream of records with one writer. All a store has to do is *fenced compare-and-append*: a record goes to a place
//! that the writer names, if nobody wrote there and nobody took the stream over since. Exactly-once effects follow from that:
//! of two processes that run one vat, one cannot commit, and what is not committed is not released.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Streams of records with one writer each.
pub trait TurnStore: Send + Sync + 'static {
    /// Takes a stream over, making it if need be: whoever wrote it before cannot any more.
    ///
    /// # Errors
    ///
    /// What is wrong with the store.
    fn claim(&self, stream: &str) -> Result<Claim, StoreError>;

    /// Takes several streams over, with one wait for the disk if the store can do so. One claim for each, in order.
    ///
    /// # Errors
    ///
    /// As [`TurnStore::claim`]; which of them were taken over is not known then.
    fn claim_all(&self, streams: &[&str]) -> Result<Vec<Claim>, StoreError> {
        streams.iter().map(|stream| self.claim(stream)).collect()
    }

    /// Which records of a stream there are. A stream that nobody claimed has none. Needs no claim.
    ///
    /// # Errors
    ///
    /// What is wrong with the store.
    fn extent(&self, stream: &str) -> Result<Extent, StoreError>;

    /// Records from `from` on, at most so many. Reading needs no claim.
    ///
    /// # Errors
    ///
    /// What is wrong with the store; records that a snapshot has replaced.
    fn read(&self, stream: &str, from: u64, at_most: usize) -> Result<Vec<Vec<u8>>, StoreError>;

    /// The last snapshot, and the number of the first record after it.
    ///
    /// # Errors
    ///
    /// What is wrong with the store.
    fn snapshot(&self, stream: &str) -> Result<Option<(u64, Vec<u8>)>, StoreError>;

    /// Appends records to several streams. When it returns they survive whatever ends the process or the machine.
    /// One result for each entry, in order; entries of one stream are in the order of their places. An entry that is refused
    /// changes nothing, and the others are kept all the same.
    fn append(&self, entries: &[Append<'_>]) -> Vec<Result<(), StoreError>>;

    /// Keeps what the records before `at` led to, and forgets them.
    ///
    /// # Errors
    ///
    /// Another took the stream over; `at` is beyond the last record, or before what an earlier snapshot replaced; the snapshot is
    /// too large; what is wrong with the store.
    fn replace(&self, stream: &str, fence: u64, at: u64, snapshot: &[u8]) -> Result<(), StoreError>;
}

/// How many bytes a record or a snapshot may have.
pub const RECORD_BYTES_MAX: usize = 128 << 20;
/// How many bytes the name of a stream may have.
pub const STREAM_NAME_MAX: usize = 512;

/// Which records of a stream there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The first that was not replaced by a snapshot.
    pub first: u64,
    /// The number that the next one gets.
    pub next: u64,
}

/// A stream that was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Shown with every append. Never 0.
    pub fence: u64,
    /// The number of the next record.
    pub next: u64,
}

/// A record, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a> {
    /// The stream.
    pub stream: &'a str,
    /// Of the claim.
    pub fence: u64,
    /// The number that the record gets.
    pub at: u64,
    /// The record.
    pub record: &'a [u8],
}

/// Whether a record may go where it is to go, as every store has to decide it: `claim` is the one that counts, 0 if there is none,
/// and `next` the number that the next record gets.
///
/// # Errors
///
/// Another took the stream over, or nobody did; the place is not the next one; the record is too large.
pub fn check_append(entry: &Append<'_>, claim: u64, next: u64) -> Result<(), StoreError> {
    if claim == 0 || claim != entry.fence {
        return Err(StoreError::Fenced(entry.stream.to_owned()));
    }
    if next != entry.at {
        return Err(StoreError::Moved { stream: entry.stream.to_owned(), next, at: entry.at });
    }
    StoreError::within("a record", entry.record.len(), RECORD_BYTES_MAX)
}

/// Why a store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another took the stream over.
    #[error("{0} was taken over by another process")]
    Fenced(String),
    /// The place is not the next one.
    #[error("{stream} has {next} records, and number {at} was to be written")]
    Moved {
        /// The stream.
        stream: String,
        /// How many records it has.
        next: u64,
        /// Where the record was to go.
        at: u64,
    },
    /// The records were replaced by a snapshot.
    #[error("{0}: the records asked for were replaced by a snapshot")]
    Forgotten(String),
    /// A record, a snapshot or a name.
    #[error("{what} of {size} bytes: {limit} are allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The store itself. What it kept of what was asked is not known.
    #[error("{0}")]
    Failed(String),
}

impl StoreError {
    /// Whether so many bytes are allowed for it.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`].
    pub fn within(what: &'static str, size: usize, limit: usize) -> Result<(), Self> {
        if size > limit { Err(Self::TooLarge { what, size, limit }) } else { Ok(()) }
    }
}

/// A store that ends with its process: for tests.
#[derive(Debug, Default)]
pub struct MemoryStore {
    streams: Mutex<BTreeMap<String, Stream>>,
}

#[derive(Debug, Default)]
struct Stream {
    fence: u64,
    first: u64,
    records: Vec<Vec<u8>>,
    snapshot: Option<(u64, Vec<u8>)>,
}

impl Stream {
    fn next(&self) -> u64 {
        self.first.saturating_add(u64::try_from(self.records.len()).unwrap_or(u64::MAX))
    }

    /// Whether who shows this fence may write. Nobody may write what nobody claimed.
    fn check(&self, name: &str, fence: u64) -> Result<(), StoreError> {
        if fence == 0 || self.fence != fence { Err(StoreError::Fenced(name.to_owned())) } else { Ok(()) }
    }
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with<R>(&self, f: impl FnOnce(&mut BTreeMap<String, Stream>) -> R) -> R {
        f(&mut self.streams.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TurnStore for MemoryStore {
    fn claim(&self, stream: &str) -> Result<Claim, StoreError> {
        StoreError::within("a stream's name", stream.len(), STREAM_NAME_MAX)?;
        self.with(|streams| {
            let stream = streams.entry(stream.to_owned()).or_default();
            stream.fence = stream.fence.saturating_add(1);
            Ok(Claim { fence: stream.fence, next: stream.next() })
        })
    }

    fn extent(&self, stream: &str) -> Result<Extent, StoreError> {
        self.with(|streams| {
            let found = streams.get(stream);
            Ok(found.map(|found| Extent { first: found.first, next: found.next() }).unwrap_or_default())
        })
    }

    fn read(&self, stream: &str, from: u64, at_most: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|streams| {
            let Some(found) = streams.get(stream) else { return Ok(Vec::new()) };
            let skip =
                from.checked_sub(found.first).ok_or_else(|| StoreError::Forgotten(stream.to_owned()))?;
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            Ok(found.records.iter().skip(skip).take(at_most).cloned().collect())
        })
    }

    fn snapshot(&self, stream: &str) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        self.with(|streams| Ok(streams.get(stream).and_then(|found| found.snapshot.clone())))
    }

    fn append(&self, entries: &[Append<'_>]) -> Vec<Result<(), StoreError>> {
        self.with(|streams| {
            entries
                .iter()
                .map(|entry| {
                    let Some(stream) = streams.get_mut(entry.stream) else {
                        return check_append(entry, 0, 0);
                    };
                    check_append(entry, stream.fence, stream.next())?;
                    stream.records.push(entry.record.to_vec());
                    Ok(())
                })
                .collect()
        })
    }

    fn replace(&self, stream: &str, fence: u64, at: u64, snapshot: &[u8]) -> Result<(), StoreError> {
        StoreError::within("a snapshot", snapshot.len(), RECORD_BYTES_MAX)?;
        self.with(|streams| {
            let Some(found) = streams.get_mut(stream) else {
                return Err(StoreError::Fenced(stream.to_owned()));
            };
            found.check(stream, fence)?;
            let forget =
                at.checked_sub(found.first).ok_or_else(|| StoreError::Forgotten(stream.to_owned()))?;
            let forget = usize::try_from(forget).unwrap_or(usize::MAX);
            if forget > found.records.len() {
                let (stream, next) = (stream.to_owned(), found.next());
                return Err(StoreError::Moved { stream, next, at });
            }
            found.records.drain(..forget);
            found.first = found.first.max(at);
            found.snapshot = Some((at, snapshot.to_vec()));
            Ok(())
        })
    }
}

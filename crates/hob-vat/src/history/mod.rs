//! Looking back: what a vat was after any of its records, what changed between two, whether the same messages lead to the same
//! state again, and what led to what.
//!
//! All of it reads and nothing is written: no claim is needed, and nobody who runs the vats notices. Records are read one after the
//! other; only the state of one vat is in memory at a time. How far back one can look is decided when a peer is built: a snapshot
//! replaces the records before it ([`PeerBuilder::snapshot_every`](crate::PeerBuilder::snapshot_every)).
//!
//! Places in time are counted in records: [`History::at`] with `n` is the vat after its first `n` records.
//!
//! ```
//! use std::sync::Arc;
//! use hob_vat::{Kinds, MemoryStore, Peer, history::History, library::CELL};
//!
//! let store = Arc::new(MemoryStore::new());
//! let peer = Peer::builder().store(Arc::clone(&store) as _).snapshot_every(None).build()?;
//! let vat = peer.vat("a")?;
//! let cell = vat.run(|turn| turn.spawn(&CELL, "before".into()))?;
//! vat.run(|turn| turn.call(cell, &["after".into()]))?;
//! let history = History::new(&*store);
//! let mut past = history.at(vat.id(), 1)?.actormap(&Kinds::library())?;
//! assert_eq!(past.peek(|turn| turn.call(cell, &[]))?, "before".into());
//! # Ok::<(), hob_vat::Problem>(())
//! ```

mod cause;
mod diff;
mod past;
mod replay;

use std::fmt;
use std::ops::Range;

pub use cause::{Link, Origin, Place, Traced};
pub use diff::{Difference, How};
pub use past::Past;
pub use replay::{Divergence, Replay, Step};

use crate::actormap::Report;
use crate::kinds::Kinds;
use crate::limits::Limits;
use crate::log::{Listing, load, records, store_problem, stream_of};
use crate::message::Message;
use crate::problem::Problem;
use crate::record::TurnRecord;
use crate::reference::VatId;
use crate::store::{Extent, TurnStore};

/// What a store knows of the past of its vats.
#[derive(Clone, Copy)]
pub struct History<'a> {
    store: &'a dyn TurnStore,
    limits: Limits,
}

/// A vat that a store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number.
    pub id: VatId,
    /// Its name.
    pub name: String,
    /// Which of its records are there.
    pub records: Extent,
}

/// A record, and which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the stream of the vat.
    pub number: u64,
    /// What it says.
    pub record: TurnRecord,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TurnRecord { turns, outside, inputs, changes, outbox, failures, .. } = &self.record;
        write!(f, "{}: until turn {turns}, ", self.number)?;
        if *outside {
            f.write_str("of the program, ")?;
        }
        let (inputs, changes) = (inputs.len(), changes.len());
        write!(f, "{inputs} in, {changes} changed, {} out, {} failed", outbox.len(), failures.len())
    }
}

impl<'a> History<'a> {
    /// What this store knows.
    #[must_use]
    pub fn new(store: &'a dyn TurnStore) -> Self {
        Self { store, limits: Limits::default().of_durable() }
    }

    /// The same under the limits that held when it happened. What runs again comes to the same only under the same limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits: limits.of_durable(), ..self }
    }

    /// The vats of the store.
    ///
    /// # Errors
    ///
    /// `store`, `not-a-record`: what is wrong with it.
    pub fn vats(&self) -> Result<Vec<Recorded>, Problem> {
        let vats = Listing::read(self.store)?.vats.into_iter();
        vats.map(|(name, id)| Ok(Recorded { id, name, records: self.extent(id)? })).collect()
    }

    fn extent(&self, vat: VatId) -> Result<Extent, Problem> {
        self.store.extent(&stream_of(vat)).map_err(|error| store_problem(&error))
    }

    /// The records of a vat, as far as they are there. An error is the last that comes.
    ///
    /// # Errors
    ///
    /// `store`; `not-a-record`; records that a snapshot has replaced.
    pub fn log(
        &self,
        vat: VatId,
        range: Range<u64>,
    ) -> impl Iterator<Item = Result<Entry, Problem>> + use<'a> {
        records(self.store, vat, range.start, range.end)
            .map(|read| read.map(|(number, record)| Entry { number, record }))
    }

    /// A record.
    ///
    /// # Errors
    ///
    /// As [`History::log`]; `no-such-record`.
    pub fn record(&self, vat: VatId, number: u64) -> Result<TurnRecord, Problem> {
        let found = records(self.store, vat, number, number.saturating_add(1)).next();
        found.unwrap_or_else(|| Err(no_such(vat, number))).map(|(_, record)| record)
    }

    /// A vat after its first so many records.
    ///
    /// # Errors
    ///
    /// `forgotten`: a snapshot has replaced them; `no-such-record`: there are fewer; `store`, `not-a-record`.
    pub fn at(&self, vat: VatId, records: u64) -> Result<Past, Problem> {
        let state = load(self.store, vat, records, 0)?;
        if state.next == records {
            Ok(Past { vat, state, limits: self.limits })
        } else {
            Err(no_such(vat, records))
        }
    }

    /// Lets a vat of the past handle a message, and what follows from it in this vat, and throws it away.
    /// Messages that waited then are left out.
    ///
    /// # Errors
    ///
    /// As [`History::at`]; `unknown-kind`; `limit`.
    pub fn peek(
        &self,
        vat: VatId,
        records: u64,
        message: Message,
        kinds: &Kinds,
    ) -> Result<Vec<Report>, Problem> {
        let mut map = self.at(vat, records)?.actormap(kinds)?;
        map.queue = crate::queue::Queue::default();
        map.watch();
        map.enqueue(message)?;
        map.churn();
        Ok(map.take_reports())
    }
}

impl fmt::Debug for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn no_such(vat: VatId, number: u64) -> Problem {
    Problem::rule("no-such-record", format!("{vat} has no record {number}"))
}

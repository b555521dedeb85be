//! Which vats a peer has, and which numbers it has given out: one number stands for one vat or session for ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use hob_syrup::{Writer, encode};

use super::Config;
use super::cell::Cell;
use super::core::{Core, Durable};
use crate::actormap::Actormap;
use crate::log::{DIRECTORY, Listing, store_problem, stream_of};
use crate::problem::Problem;
use crate::record::State;
use crate::reference::VatId;
use crate::store::{Append, TurnStore};

/// The number of the first vat.
const FIRST: u32 = 1;
/// How many bytes the name of a vat may have.
const NAME_BYTES_MAX: usize = 512;
/// How many numbers are given out with one record.
const BLOCK: u32 = 256;

/// Which vats there are.
pub(crate) struct Directory {
    names: BTreeMap<String, VatId>,
    next: u32,
    sessions: Numbers,
    volatile: Numbers,
    fence: u64,
    records: u64,
}

/// Numbers of what ends with the process.
struct Numbers {
    label: &'static str,
    next: u32,
    /// Those below this are written down as given out.
    reserved: u32,
    end: u32,
}

impl Directory {
    /// What a store says; one without a store begins empty.
    pub(crate) fn new(listing: Listing, fence: u64, records: u64) -> Self {
        let numbers = |label, first: u32, after: u32, end| {
            let next = after.max(first);
            Numbers { label, next, reserved: next, end }
        };
        let next = listing.vats.iter().map(|(_, id)| id.number().saturating_add(1)).max().unwrap_or(FIRST);
        Self {
            next,
            sessions: numbers("sessions", VatId::FIRST_SESSION, listing.sessions, u32::MAX),
            volatile: numbers("volatile", VatId::FIRST_VOLATILE, listing.volatile, VatId::PROGRAM.number()),
            names: listing.vats.into_iter().collect(),
            fence,
            records,
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<VatId> {
        self.names.get(name).copied()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    /// Makes a vat; in the store, if there is one.
    pub(crate) fn make(
        &mut self,
        name: &str,
        store: Option<&dyn TurnStore>,
        config: &Config,
    ) -> Result<Arc<Cell>, Problem> {
        let number = self.next;
        if number >= VatId::FIRST_VOLATILE {
            return Err(Problem::limit("vats", VatId::FIRST_VOLATILE.into()));
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(Problem::limit("vat-name", NAME_BYTES_MAX.try_into().unwrap_or(u64::MAX)));
        }
        let id = VatId::new(number);
        let core = match store {
            None => {
                self.next += 1;
                Core::volatile(fresh(id, config)?)
            }
            Some(store) => {
                self.append(store, |w| {
                    w.record("vat", |w| {
                        w.int(number);
                        w.str(name);
                    });
                })?;
                // From here on the number is taken, whatever happens.
                self.next += 1;
                let stream = stream_of(id);
                let claim = store.claim(&stream).map_err(|error| store_problem(&error))?;
                Core::durable(Durable::new(stream, claim.fence, claim.next))
            }
        };
        self.names.insert(name.to_owned(), id);
        Ok(Cell::new(id, name, core))
    }

    /// Makes a vat that ends with the process.
    pub(crate) fn make_volatile(
        &mut self,
        store: Option<&dyn TurnStore>,
        config: &Config,
    ) -> Result<Arc<Cell>, Problem> {
        let id = self.number(store, |directory| &mut directory.volatile)?;
        Ok(Cell::new(id, "", Core::volatile(fresh(id, config)?)))
    }

    /// The number of a session.
    pub(crate) fn session(&mut self, store: Option<&dyn TurnStore>) -> Result<VatId, Problem> {
        self.number(store, |directory| &mut directory.sessions)
    }

    fn number(
        &mut self,
        store: Option<&dyn TurnStore>,
        which: fn(&mut Self) -> &mut Numbers,
    ) -> Result<VatId, Problem> {
        let Numbers { label, next, reserved, end } = *which(self);
        if next >= end {
            return Err(Problem::limit(label, end.into()));
        }
        if next >= reserved {
            let reserved = next.saturating_add(BLOCK).min(end);
            if let Some(store) = store {
                self.append(store, |w| w.record(label, |w| w.int(reserved)))?;
            }
            which(self).reserved = reserved;
        }
        which(self).next += 1;
        Ok(VatId::new(next))
    }

    fn append(&mut self, store: &dyn TurnStore, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), Problem> {
        let record = encode(write).map_err(|error| Problem::rule("not-encodable", error.to_string()))?;
        let entry = Append { stream: DIRECTORY, fence: self.fence, at: self.records, record: &record };
        let kept = store.append(&[entry]).into_iter().collect::<Result<Vec<()>, _>>();
        kept.map_err(|error| store_problem(&error))?;
        self.records += 1;
        Ok(())
    }
}

/// A vat with nothing in it but its roots.
fn fresh(id: VatId, config: &Config) -> Result<Actormap, Problem> {
    State::begin().map(id, config.limits, &config.kinds).map(|(map, _)| map)
}

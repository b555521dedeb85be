//! A store that ends the process it belongs to, at an append, before or after it was kept, or in the middle; and that looks whether
//! what it is given may be there at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use hob_vat::record::TurnRecord;
use hob_vat::{Append, Claim, Extent, MemoryStore, StoreError, TurnStore};

/// What happens at an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The process ends before anything is kept.
    Before,
    /// It ends when all is kept, and nobody is told.
    After,
    /// It ends when so many of the entries are kept.
    Between(usize),
    /// One entry is not kept; the process goes on.
    Lost(usize),
    /// One entry is kept and said not to be; the process goes on.
    Unsure(usize),
}

#[derive(Default)]
struct Inner {
    /// Appends until something happens.
    left: Option<(u64, Option<End>)>,
    dead: bool,
    appends: u64,
    /// Messages whose sending is durable: from, to, number.
    sent: BTreeSet<(String, String, u64)>,
    /// The last that was taken in, from one to another.
    taken: BTreeMap<(String, String), u64>,
}

/// The store of a simulation; processes come and go.
#[derive(Default)]
pub(crate) struct Sim {
    pub(crate) kept: Arc<MemoryStore>,
    inner: Mutex<Inner>,
}

impl Sim {
    /// Something happens at the append after so many others.
    pub(crate) fn arm(&self, after: u64, end: End) {
        self.inner.lock().unwrap().left = Some((after, Some(end)));
    }

    /// The process ends now.
    pub(crate) fn die(&self) {
        self.inner.lock().unwrap().dead = true;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.inner.lock().unwrap().dead
    }

    /// A new process begins.
    pub(crate) fn revive(&self) {
        let mut inner = self.inner.lock().unwrap();
        (inner.dead, inner.left) = (false, None);
    }

    pub(crate) fn appends(&self) -> u64 {
        self.inner.lock().unwrap().appends
    }

    fn keep(&self, inner: &mut Inner, entry: &Append<'_>) -> Result<(), StoreError> {
        let results = self.kept.append(&[*entry]);
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        let Some(number) = entry.stream.strip_prefix("vat/") else { return Ok(()) };
        let record = TurnRecord::decode(entry.record).unwrap();
        for input in record.inputs.iter().filter(|input| input.seq != 0) {
            let (from, to) = (input.from.number().to_string(), number.to_owned());
            let durable = inner.sent.contains(&(from.clone(), to.clone(), input.seq));
            assert!(durable, "vat {to} took in what vat {from} had not made durable: {}", input.seq);
            let last = inner.taken.entry((from.clone(), to.clone())).or_default();
            assert_eq!(*last + 1, input.seq, "from {from} to {to}: lost, doubled, or out of order");
            *last = input.seq;
        }
        for sent in record.outbox.iter().filter(|sent| sent.seq != 0) {
            inner.sent.insert((number.to_owned(), sent.to.number().to_string(), sent.seq));
        }
        Ok(())
    }
}

fn ended() -> StoreError {
    StoreError::Failed("the process ended".into())
}

impl TurnStore for Sim {
    fn claim(&self, stream: &str) -> Result<Claim, StoreError> {
        if self.is_dead() { Err(ended()) } else { self.kept.claim(stream) }
    }

    fn extent(&self, stream: &str) -> Result<Extent, StoreError> {
        self.kept.extent(stream)
    }

    fn read(&self, stream: &str, from: u64, at_most: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.kept.read(stream, from, at_most)
    }

    fn snapshot(&self, stream: &str) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        self.kept.snapshot(stream)
    }

    fn append(&self, entries: &[Append<'_>]) -> Vec<Result<(), StoreError>> {
        let mut inner = self.inner.lock().unwrap();
        if inner.dead {
            return entries.iter().map(|_| Err(ended())).collect();
        }
        inner.appends += 1;
        let end = match &mut inner.left {
            Some((0, end)) => end.take(),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        let keep = match end {
            Some(End::Before) => 0,
            Some(End::Between(many)) => many % (entries.len() + 1),
            _ => entries.len(),
        };
        let lost = match end {
            Some(End::Lost(at)) => Some(at % entries.len().max(1)),
            _ => None,
        };
        let mut results: Vec<Result<(), StoreError>> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let kept = at < keep && lost != Some(at);
            results.push(if kept { self.keep(&mut inner, entry) } else { Err(ended()) });
        }
        match end {
            Some(End::Unsure(at)) => {
                let at = at % entries.len().max(1);
                if let Some(result) = results.get_mut(at) {
                    *result = Err(ended());
                }
                results
            }
            Some(End::Lost(_)) | None => results,
            Some(End::Before | End::After | End::Between(_)) => {
                inner.dead = true;
                entries.iter().map(|_| Err(ended())).collect()
            }
        }
    }

    fn replace(&self, stream: &str, fence: u64, at: u64, snapshot: &[u8]) -> Result<(), StoreError> {
        if self.is_dead() { Err(ended()) } else { self.kept.replace(stream, fence, at, snapshot) }
    }
}

//! The streams of a peer in a store, and reading them: names of streams, records one after the other, the list of vats.
//!
//! | stream | what its records are |
//! |---|---|
//! | `peer` | each vat with its name, and which numbers of sessions and of vats that end with the process were given out |
//! | `rest` | vats that have nothing to send again, by the number of their last record |
//! | `vat/N` | what vat N did |

use std::collections::HashSet;

use hob_syrup::{Limits, Mode, Reader};

use crate::codec::not_syrup;
use crate::problem::Problem;
use crate::record::{Snapshot, State, TurnRecord};
use crate::reference::VatId;
use crate::store::{StoreError, TurnStore};

/// Records that are read at once, at most; and at first, when nobody knows yet how long they are.
const READ_AT_ONCE: usize = 256;
const READ_FIRST: usize = 8;
/// What those that are read at once take, if they are as long as those before.
const READ_BYTES: usize = 16 << 20;
/// Which vats there are.
pub(crate) const DIRECTORY: &str = "peer";
/// Which vats have nothing to send again.
pub(crate) const REST: &str = "rest";

/// The stream of a vat.
pub(crate) fn stream_of(id: VatId) -> String {
    format!("vat/{}", id.number())
}

pub(crate) fn store_problem(error: &StoreError) -> Problem {
    Problem::rule("store", error.to_string())
}

/// The bytes of the records of a stream, read a page at a time.
pub(crate) struct Raw<'a> {
    store: &'a dyn TurnStore,
    stream: String,
    next: u64,
    until: u64,
    at_once: usize,
    page: std::vec::IntoIter<Vec<u8>>,
}

impl<'a> Raw<'a> {
    pub(crate) fn new(store: &'a dyn TurnStore, stream: &str, from: u64, until: u64) -> Self {
        let (stream, page) = (stream.to_owned(), Vec::new().into_iter());
        Self { store, stream, next: from, until, at_once: READ_FIRST, page }
    }
}

impl Iterator for Raw<'_> {
    type Item = Result<(u64, Vec<u8>), Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.until {
            return None;
        }
        let record = match self.page.next() {
            Some(record) => record,
            None => {
                let left = usize::try_from(self.until - self.next).unwrap_or(usize::MAX);
                match self.store.read(&self.stream, self.next, left.min(self.at_once)) {
                    Ok(page) => {
                        self.at_once = as_many(&page);
                        self.page = page.into_iter();
                    }
                    Err(error) => {
                        self.until = self.next;
                        return Some(Err(store_problem(&error)));
                    }
                }
                self.page.next()?
            }
        };
        let number = self.next;
        self.next += 1;
        Some(Ok((number, record)))
    }
}

/// How many records are read after these.
fn as_many(page: &[Vec<u8>]) -> usize {
    let bytes = page.iter().map(Vec::len).fold(0, usize::saturating_add);
    let length = bytes.checked_div(page.len()).unwrap_or_default();
    READ_BYTES.checked_div(length).unwrap_or(READ_AT_ONCE).clamp(1, READ_AT_ONCE)
}

/// The records of a vat.
pub(crate) fn records(
    store: &dyn TurnStore,
    id: VatId,
    from: u64,
    until: u64,
) -> impl Iterator<Item = Result<(u64, TurnRecord), Problem>> {
    Raw::new(store, &stream_of(id), from, until).map(move |read| {
        let (number, bytes) = read?;
        let record = TurnRecord::decode(&bytes).map_err(|problem| damaged(id, number, &problem))?;
        Ok((number, record))
    })
}

fn damaged(id: VatId, number: u64, problem: &Problem) -> Problem {
    Problem::rule("not-a-record", format!("record {number} of {id}: {problem}"))
}

/// Reads a vat, up to but without record `until`. What was sent before record `arrived` is known to have arrived.
pub(crate) fn load(store: &dyn TurnStore, id: VatId, until: u64, arrived: u64) -> Result<State, Problem> {
    let stream = stream_of(id);
    let mut state = match store.snapshot(&stream).map_err(|error| store_problem(&error))? {
        Some((at, _)) if at > until => {
            let message = format!("records of {id} before {at} were replaced by a snapshot");
            return Err(Problem::rule("forgotten", message));
        }
        Some((at, bytes)) => State::of(Snapshot::decode(&bytes)?, at),
        None => State::begin(),
    };
    if state.next <= arrived {
        state.unacknowledged.clear();
    }
    for record in records(store, id, state.next, until) {
        let (number, record) = record?;
        state.apply(record).map_err(|problem| damaged(id, number, &problem))?;
        if state.next <= arrived {
            state.unacknowledged.clear();
        }
    }
    state.check(id)?;
    Ok(state)
}

/// What the directory of a peer says.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) vats: Vec<(String, VatId)>,
    /// Numbers of sessions below this may have been given out.
    pub(crate) sessions: u32,
    /// Numbers of vats that end with the process, likewise.
    pub(crate) volatile: u32,
    numbers: HashSet<VatId>,
    named: HashSet<String>,
}

impl Listing {
    pub(crate) fn read(store: &dyn TurnStore) -> Result<Self, Problem> {
        let mut listing = Self::default();
        for record in Raw::new(store, DIRECTORY, 0, u64::MAX) {
            let (number, bytes) = record?;
            listing.add(&bytes).map_err(|problem| {
                Problem::rule("not-a-record", format!("record {number} of {DIRECTORY}: {problem}"))
            })?;
        }
        Ok(listing)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        let mut r = Reader::new(bytes, Mode::Canonical, Limits::default());
        match r.record().map_err(not_syrup)? {
            "vat" => {
                let id = VatId::new(small(&mut r)?);
                let name = r.str().map_err(not_syrup)?;
                // One number is one vat for ever, and so is one name: two would share a stream, or hide each other.
                let free = self.numbers.insert(id) && self.named.insert(name.to_owned());
                if !free || id.number() == 0 || !id.is_durable() {
                    let message = format!("{id} cannot be called {}", name.escape_debug());
                    return Err(Problem::rule("not-a-record", message));
                }
                self.vats.push((name.to_owned(), id));
            }
            // Numbers only go up: what was given out stays given out, whatever is written after it.
            "sessions" => self.sessions = self.sessions.max(small(&mut r)?),
            "volatile" => self.volatile = self.volatile.max(small(&mut r)?),
            other => {
                return Err(Problem::rule(
                    "not-a-record",
                    format!("a record that is {}", other.escape_debug()),
                ));
            }
        }
        r.end().map_err(not_syrup)?;
        r.finish().map_err(not_syrup)
    }
}

pub(crate) fn small(r: &mut Reader<'_>) -> Result<u32, Problem> {
    let number = r.u64().map_err(not_syrup)?;
    u32::try_from(number).map_err(|_| Problem::rule("not-a-record", "a number of over 32 bits".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Append, MemoryStore};

    #[test]
    fn long_records_are_read_one_at_a_time() {
        let check = |lengths: &[usize], expected: usize| {
            let page: Vec<_> = lengths.iter().map(|length| vec![0; *length]).collect();
            assert_eq!(as_many(&page), expected, "{lengths:?}");
        };
        check(&[], READ_AT_ONCE);
        check(&[0, 0], READ_AT_ONCE);
        check(&[READ_BYTES / READ_AT_ONCE], READ_AT_ONCE);
        check(&[READ_BYTES / READ_AT_ONCE + 100], READ_AT_ONCE - 1);
        check(&[READ_BYTES / 4, READ_BYTES / 4], 4);
        check(&[READ_BYTES / 2, READ_BYTES], 1);
        check(&[2 * READ_BYTES], 1);

        // All of them are read, however long.
        let store = MemoryStore::new();
        let fence = store.claim("s").unwrap().fence;
        for at in 0..600_u64 {
            let record = vec![0; if at % 100 == 50 { READ_BYTES / 4 } else { 10 }];
            let entry = Append { stream: "s", fence, at, record: &record };
            store.append(&[entry]).pop().unwrap().unwrap();
        }
        let read: Vec<u64> = Raw::new(&store, "s", 3, 598).map(|read| read.unwrap().0).collect();
        assert_eq!(read, (3..598).collect::<Vec<_>>());
    }

    #[test]
    fn a_directory_that_names_one_vat_twice_is_refused() {
        let check = |records: &[&str], expected: Result<(u32, u32), &str>| {
            let store = MemoryStore::new();
            let fence = store.claim(DIRECTORY).unwrap().fence;
            for (record, at) in records.iter().zip(0..) {
                let record = record.as_bytes();
                store.append(&[Append { stream: DIRECTORY, fence, at, record }]).pop().unwrap().unwrap();
            }
            let read = Listing::read(&store).map(|listing| (listing.sessions, listing.volatile));
            assert_eq!(read.map_err(|problem| problem.to_string()), expected.map_err(str::to_owned));
        };
        check(&["<3'vat1+1\"a>", "<3'vat2+1\"b>"], Ok((0, 0)));
        let twice = "not-a-record: record 1 of peer: not-a-record: vat 1 cannot be called b";
        check(&["<3'vat1+1\"a>", "<3'vat1+1\"b>"], Err(twice));
        let twice = "not-a-record: record 1 of peer: not-a-record: vat 2 cannot be called a";
        check(&["<3'vat1+1\"a>", "<3'vat2+1\"a>"], Err(twice));
        check(
            &["<3'vat0+1\"a>"],
            Err("not-a-record: record 0 of peer: not-a-record: vat 0 cannot be called a"),
        );
        let last = VatId::FIRST_VOLATILE - 1;
        check(&[&format!("<3'vat{last}+1\"a>")], Ok((0, 0)));
        let message = "not-a-record: record 0 of peer: not-a-record: vat 1073741824 cannot be called a";
        check(&[&format!("<3'vat{}+1\"a>", last + 1)], Err(message));
        // What was given out once is given out, whatever follows.
        check(&["<8'sessions9+>", "<8'sessions3+>", "<8'volatile5+>", "<8'volatile4+>"], Ok((9, 5)));
    }
}

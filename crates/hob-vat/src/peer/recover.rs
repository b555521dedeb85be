//! What a store says there is: which vats, and what is in them.
//!
//! The stream `peer` has a record for each start of a peer and for each vat, so that numbers mean the same after a restart; the
//! stream `vat/N` is the vat of that number.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use hob_syrup::{Limits as SyrupLimits, Mode, Reader, encode};

use super::cell::{Cell, Durable, durable_target};
use super::{Config, store_problem};
use crate::actormap::Actormap;
use crate::codec::not_syrup;
use crate::kinds::Kinds;
use crate::limits::Limits;
use crate::message::Content;
use crate::problem::Problem;
use crate::record::{Change, Sent, Snapshot, TurnRecord};
use crate::reference::VatId;
use crate::space::{EXPORTED, Slot, Space, to_usize};
use crate::store::{Append, TurnStore};
use crate::value::Value;

/// Numbers from here on are of vats that end with the process.
pub(crate) const FIRST_VOLATILE: u32 = 1 << 30;
/// The number of the first vat.
const FIRST: u32 = 1;
/// Records that are read at once.
const READ_AT_ONCE: usize = 256;
const DIRECTORY: &str = "peer";

/// Which vats there are.
pub(crate) struct Directory {
    names: BTreeMap<String, VatId>,
    next: u32,
    next_volatile: u32,
    /// How often the store was opened: numbers that must not come again begin with it.
    epoch: u64,
    fence: u64,
    records: u64,
}

impl Directory {
    pub(crate) fn find(&self, name: &str) -> Option<VatId> {
        self.names.get(name).copied()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Makes a vat; in the store, if there is one.
    pub(crate) fn make(
        &mut self,
        name: &str,
        store: Option<&dyn TurnStore>,
        config: &Config,
    ) -> Result<Arc<Cell>, Problem> {
        let number = self.next;
        if number >= FIRST_VOLATILE {
            return Err(Problem::limit("vats", FIRST_VOLATILE.into()));
        }
        let id = VatId::new(number);
        let durable = match store {
            None => None,
            Some(store) => {
                let record = encode(|w| {
                    w.record("vat", |w| {
                        w.int(number);
                        w.str(name);
                    });
                });
                let record = record.map_err(|error| Problem::rule("not-encodable", error.to_string()))?;
                append(store, DIRECTORY, self.fence, self.records, &record)?;
                self.records += 1;
                Some(claim(store, id)?)
            }
        };
        self.next += 1;
        self.names.insert(name.to_owned(), id);
        Ok(Cell::new(id, name, fresh(id, config.limits), durable))
    }

    /// Makes a vat that ends with the process.
    pub(crate) fn make_volatile(&mut self, config: &Config) -> Arc<Cell> {
        let id = VatId::new(self.next_volatile);
        self.next_volatile += 1;
        let mut map = fresh(id, config.limits);
        // What an earlier process called by this number must stay gone.
        map.turn.core.space.births = self.epoch << 32 | 1;
        Cell::new(id, "", map, None)
    }
}

/// A vat with nothing in it but its roots.
fn fresh(id: VatId, limits: Limits) -> Actormap {
    let mut map = Actormap::of_vat(id, limits);
    let kind = crate::kind::KindRef::Static(&crate::roots::ROOTS);
    let space = &mut map.turn.core.space;
    space.slots.push(Slot {
        birth: 0,
        flags: EXPORTED,
        content: Content::Object { kind, state: Value::fields([]) },
    });
    space.births = 1;
    map
}

fn append(store: &dyn TurnStore, stream: &str, fence: u64, at: u64, record: &[u8]) -> Result<(), Problem> {
    let results = store.append(&[Append { stream, fence, at, record }]);
    results.into_iter().collect::<Result<Vec<()>, _>>().map(|_| ()).map_err(|error| store_problem(&error))
}

fn stream_of(id: VatId) -> String {
    format!("vat/{}", id.number())
}

fn claim(store: &dyn TurnStore, id: VatId) -> Result<Durable, Problem> {
    let stream = stream_of(id);
    let claim = store.claim(&stream).map_err(|error| store_problem(&error))?;
    Ok(Durable {
        stream: stream.into(),
        fence: claim.fence,
        next: claim.next,
        since_snapshot: 0,
        cursors: HashMap::new(),
        sent: HashMap::new(),
        unacknowledged: VecDeque::new(),
    })
}

/// The vats of a store, and what each has to send again.
pub(crate) type Recovered = Vec<(Arc<Cell>, Vec<Sent>)>;

/// Opens what a store has. Without one there is nothing yet.
pub(crate) fn open(
    store: Option<&Arc<dyn TurnStore>>,
    config: &Config,
) -> Result<(Directory, Recovered), Problem> {
    let mut directory = Directory {
        names: BTreeMap::new(),
        next: FIRST,
        next_volatile: FIRST_VOLATILE,
        epoch: 0,
        fence: 0,
        records: 0,
    };
    let Some(store) = store else { return Ok((directory, Vec::new())) };
    let claimed = store.claim(DIRECTORY).map_err(|error| store_problem(&error))?;
    (directory.fence, directory.records) = (claimed.fence, claimed.next);
    for (name, id) in list(&**store)? {
        directory.next = directory.next.max(id.number() + 1);
        directory.names.insert(name, id);
    }
    directory.epoch = claimed.next;
    let start = encode(|w| w.record("start", |_| ()));
    let start = start.map_err(|error| Problem::rule("not-encodable", error.to_string()))?;
    append(&**store, DIRECTORY, directory.fence, directory.records, &start)?;
    directory.records += 1;
    let mut cells = Vec::new();
    for (name, id) in &directory.names {
        let mut durable = claim(&**store, *id)?;
        let state = load(&**store, *id, u64::MAX)?;
        let map = state.map(*id, config.limits, &config.kinds)?;
        durable.since_snapshot = state.records;
        durable.cursors = state.cursors.into_iter().collect();
        durable.sent = state.sent.into_iter().collect();
        durable.unacknowledged = state.unacknowledged.clone().into();
        cells.push((Cell::new(*id, name, map, Some(durable)), state.unacknowledged));
    }
    // What has arrived is known to who received it.
    let arrived: HashMap<(VatId, VatId), u64> = cells
        .iter()
        .flat_map(|(cell, _)| {
            let to = cell.id;
            let cursors =
                cell.core().durable.as_ref().map(|durable| durable.cursors.clone()).unwrap_or_default();
            cursors.into_iter().map(move |(from, seq)| ((from, to), seq))
        })
        .collect();
    for (cell, again) in &mut cells {
        again.retain(|sent| arrived.get(&(cell.id, sent.to)).is_none_or(|last| sent.seq > *last));
        if let Some(durable) = &mut cell.core().durable {
            durable.unacknowledged = again.clone().into();
        }
    }
    Ok((directory, cells))
}

/// The vats of a store: names and numbers.
pub(crate) fn list(store: &dyn TurnStore) -> Result<Vec<(String, VatId)>, Problem> {
    let mut vats = Vec::new();
    let mut at = 0;
    loop {
        let records = store.read(DIRECTORY, at, READ_AT_ONCE).map_err(|error| store_problem(&error))?;
        if records.is_empty() {
            return Ok(vats);
        }
        for record in records {
            at += 1;
            let mut r = Reader::new(&record, Mode::Canonical, SyrupLimits::default());
            if r.record().map_err(not_syrup)? == "vat" {
                let number = u32::try_from(r.u64().map_err(not_syrup)?).unwrap_or(u32::MAX);
                vats.push((r.str().map_err(not_syrup)?.to_owned(), VatId::new(number)));
            }
        }
    }
}

/// A vat as its records have it, up to some record.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) turns: u64,
    births: u64,
    places: Vec<Option<Change>>,
    free: Vec<u32>,
    queue: VecDeque<crate::message::Message>,
    cursors: BTreeMap<VatId, u64>,
    sent: BTreeMap<VatId, u64>,
    unacknowledged: Vec<Sent>,
    /// Records since the snapshot.
    records: u64,
    /// The number of the next record.
    pub(crate) next: u64,
}

/// Reads a vat, up to but without record `until`.
pub(crate) fn load(store: &dyn TurnStore, id: VatId, until: u64) -> Result<State, Problem> {
    let stream = stream_of(id);
    let mut state = State::default();
    match store.snapshot(&stream).map_err(|error| store_problem(&error))? {
        Some((at, bytes)) => {
            if at > until {
                let message = format!("records of {id} before {at} were replaced by a snapshot");
                return Err(Problem::rule("forgotten", message));
            }
            state.start(Snapshot::decode(&bytes)?);
            state.next = at;
        }
        None => state.begin(id),
    }
    while state.next < until {
        let many = usize::try_from(until - state.next).unwrap_or(READ_AT_ONCE).min(READ_AT_ONCE);
        let records = store.read(&stream, state.next, many).map_err(|error| store_problem(&error))?;
        if records.is_empty() {
            break;
        }
        for record in records {
            state.apply(TurnRecord::decode(&record)?);
            state.next += 1;
        }
    }
    Ok(state)
}

impl State {
    /// A vat that has no records yet.
    fn begin(&mut self, id: VatId) {
        let map = fresh(id, Limits::default());
        let content = map.turn.core.space.slots.first().and_then(|slot| slot.content.store());
        self.places = vec![content.map(|content| Change { index: 0, birth: 0, outside: EXPORTED, content })];
        self.births = 1;
    }

    fn start(&mut self, snapshot: Snapshot) {
        (self.turns, self.births) = (snapshot.turns, snapshot.births);
        self.places.resize(to_usize(snapshot.places), None);
        self.put(snapshot.contents);
        self.free = snapshot.free;
        self.queue = snapshot.queue.into();
        self.cursors = snapshot.cursors.into_iter().collect();
        self.sent = snapshot.sent.into_iter().collect();
        self.unacknowledged = snapshot.unacknowledged;
    }

    fn put(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Some(place) = self.places.get_mut(to_usize(change.index)) {
                *place = Some(change);
            }
        }
    }

    pub(crate) fn apply(&mut self, record: TurnRecord) {
        (self.turns, self.births) = (record.turns, record.births);
        self.records += 1;
        self.places.resize(to_usize(record.free.places), None);
        self.free.truncate(usize::try_from(record.free.kept).unwrap_or(usize::MAX));
        for index in record.free.tail {
            if let Some(place) = self.places.get_mut(to_usize(index)) {
                *place = None;
            }
            self.free.push(index);
        }
        self.put(record.changes);
        let taken = usize::try_from(record.queue.taken).unwrap_or(usize::MAX).min(self.queue.len());
        self.queue.drain(..taken);
        record.queue.front.into_iter().rev().for_each(|message| self.queue.push_front(message));
        self.queue.extend(record.queue.back);
        for input in record.inputs.iter().filter(|input| input.seq != 0) {
            self.cursors.insert(input.from, input.seq);
        }
        for sent in record.outbox.into_iter().filter(|sent| durable_target(sent.to)) {
            self.sent.insert(sent.to, sent.seq);
            self.unacknowledged.push(sent);
        }
    }

    /// The vat itself.
    pub(crate) fn map(&self, id: VatId, limits: Limits, kinds: &Kinds) -> Result<Actormap, Problem> {
        let mut map = Actormap::of_vat(id, limits);
        let mut space = Space::new(id);
        for place in &self.places {
            space.slots.push(match place {
                None => Slot { birth: u64::MAX, flags: 0, content: Content::Free },
                Some(change) => Slot {
                    birth: change.birth,
                    flags: change.outside,
                    content: kinds.restore(&change.content)?,
                },
            });
        }
        space.free.clone_from(&self.free);
        space.free_low = space.free.len();
        space.births = self.births;
        map.turn.core.space = space;
        map.turns = self.turns;
        map.turn.core.stamps = self.turns.saturating_mul(crate::turn::STAMPS_PER_TURN);
        map.queue = self.queue.iter().cloned().collect();
        Ok(map)
    }
}

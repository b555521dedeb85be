//! A vat as the one thread that runs it has it: its actormap, and what became of it since the last commit.
//!
//! A durable vat that nobody needs for a while is forgotten and read back from its store: see [`super::loaded`].

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use super::cell::{Cell, Inbound};
use super::commit::{Commit, Ticket};
use super::halted;
use crate::actormap::Actormap;
use crate::collect::{Delta, Held};
use crate::limits::{CHURN_BYTES, SEVERED_BYTES};
use crate::log::load;
use crate::message::{Content, Message, Stage};
use crate::problem::Problem;
use crate::record::{Input, Sent, Snapshot, State, TurnRecord};
use crate::reference::VatId;
use crate::value::Value;

/// Places that are taken before a vat is worth a full collection.
const COLLECTED_ABOVE: usize = 1 << 16;
/// Messages that are kept for sending again before it is asked which of them arrived.
const KEPT_UNASKED: usize = 256;

/// What one thread at a time has in hand.
pub(crate) struct Core {
    /// None: it sleeps.
    pub(crate) map: Option<Actormap>,
    pub(crate) held: Held,
    pub(crate) durable: Option<Durable>,
    inputs: Vec<Input>,
    /// Sessions that ended, of which the vat knows something yet, and why they did.
    severed: VecDeque<(VatId, Value)>,
    /// What the turn of the program takes that is to be committed.
    poked: u64,
    /// The program ran a turn, or something else happened that no message tells of.
    pub(crate) outside: bool,
    /// Births and stamps before the turns that are to be committed.
    start: (u64, u64),
    collect_at: usize,
}

/// What a durable vat knows of its stream.
pub(crate) struct Durable {
    pub(crate) stream: Arc<str>,
    pub(crate) fence: u64,
    pub(crate) next: u64,
    /// All that was sent before this record has arrived.
    pub(crate) rested: u64,
    /// What was read of it already and not used.
    pub(crate) stash: Option<Box<State>>,
    /// Messages wait in it while it sleeps.
    pub(crate) pending: bool,
    /// Births and stamps while it sleeps, of which there may have been more than its records know, and births in looks.
    asleep: (u64, u64, u64),
    kept: Kept,
}

/// What of a durable vat is in memory while it is awake.
#[derive(Default)]
struct Kept {
    turns: u64,
    since_snapshot: u64,
    cursors: HashMap<VatId, u64>,
    sent: HashMap<VatId, u64>,
    unacknowledged: VecDeque<Sent>,
    /// How many of those there may be before it is asked which arrived.
    ask_at: usize,
    halted: halted::Kept,
}

impl Durable {
    pub(crate) fn new(stream: String, fence: u64, next: u64) -> Self {
        let (stream, kept) = (stream.into(), Kept::default());
        Self { stream, fence, next, rested: 0, stash: None, pending: false, asleep: (0, 0, 0), kept }
    }
}

impl Core {
    /// One that is durable sleeps until it is needed.
    pub(crate) fn durable(durable: Durable) -> Self {
        Self { durable: Some(durable), ..Self::new(None) }
    }

    pub(crate) fn volatile(map: Actormap) -> Self {
        Self::new(Some(map))
    }

    fn new(map: Option<Actormap>) -> Self {
        Self {
            map,
            held: Held::default(),
            durable: None,
            inputs: Vec::new(),
            severed: VecDeque::new(),
            poked: 0,
            outside: false,
            start: (0, 0),
            collect_at: COLLECTED_ABOVE,
        }
    }

    /// Whether no message waits in it, nor a session that ended.
    pub(crate) fn is_quiet(&self) -> bool {
        match &self.map {
            Some(map) => map.is_quiet() && self.severed.is_empty(),
            None => !self.durable.as_ref().is_some_and(|durable| durable.pending),
        }
    }

    /// How many messages wait in it, and what they take.
    pub(crate) fn queued(&self) -> (usize, u64) {
        self.map.as_ref().map_or((0, 0), |map| (map.queue.len(), map.queue.bytes()))
    }

    /// The actormap, read back from the store if the vat sleeps.
    pub(crate) fn awake(&mut self, cell: &Arc<Cell>, shared: &Shared) -> Result<&mut Actormap, Problem> {
        self.wake(cell, shared)?;
        self.map.as_mut().ok_or_else(|| Problem::rule("asleep", format!("{} sleeps", cell.id)))
    }

    /// Reads it back from the store if it sleeps. When that fails it sleeps on as it was.
    pub(crate) fn wake(&mut self, cell: &Arc<Cell>, shared: &Shared) -> Result<(), Problem> {
        if let Some(problem) = cell.halted() {
            return Err(problem);
        }
        if self.durable.is_some() {
            shared.loaded.touch(cell);
        }
        if self.map.is_some() {
            return Ok(());
        }
        // Before it is looked which sessions there are: whoever ends one then tells this vat, too.
        cell.asleep.store(false, Ordering::SeqCst);
        self.read_back(cell, shared).inspect_err(|_| {
            self.map = None;
            self.severed.clear();
            cell.asleep.store(true, Ordering::SeqCst);
            shared.loaded.forget(cell);
        })
    }

    fn read_back(&mut self, cell: &Arc<Cell>, shared: &Shared) -> Result<(), Problem> {
        let (Some(durable), Some(committer)) = (&mut self.durable, &shared.committer) else { return Ok(()) };
        let state = match durable.stash.take() {
            Some(state) => *state,
            None => load(committer.store(), cell.id, u64::MAX, durable.rested)?,
        };
        if state.next != durable.next {
            let (next, known) = (state.next, durable.next);
            let message = format!("{} has {next} records, and {known} were written here", durable.stream);
            return Err(Problem::rule("store", message));
        }
        let (mut map, upgraded) = state.map(cell.id, shared.config.limits, &shared.config.kinds)?;
        let core = &mut *map.turn.core;
        core.space.births = core.space.births.max(durable.asleep.0);
        core.stamps = core.stamps.max(durable.asleep.1);
        core.space.looks = core.space.looks.max(durable.asleep.2);
        self.start = map.counts();
        durable.pending = false;
        committer.know(cell.id, &state.cursors);
        durable.kept = Kept {
            turns: state.turns,
            since_snapshot: state.since_snapshot,
            cursors: state.cursors.into_iter().collect(),
            sent: state.sent.into_iter().collect(),
            unacknowledged: state.unacknowledged,
            ask_at: KEPT_UNASKED,
            halted: halted::Kept::default(),
        };
        shared.prune(cell.id, &mut durable.kept.unacknowledged);
        self.outside |= upgraded > 0;
        for gone in beyond(&map).into_iter().filter(|vat| shared.is_gone(*vat)) {
            self.severed.push_back((gone, super::gone(gone).reason()));
        }
        self.map = Some(map);
        loop {
            self.sever_some();
            if !self.outside {
                return Ok(());
            }
            self.commit(cell, shared, None, false)?;
        }
    }

    /// Forgets the actormap, which the store has, unless something is under way.
    pub(crate) fn sleep(&mut self, cell: &Arc<Cell>, shared: &Shared) -> bool {
        if !self.is_at_rest(cell, shared) {
            return false;
        }
        let (Some(durable), Some(map)) = (&mut self.durable, &self.map) else { return false };
        let (births, stamps) = map.counts();
        durable.asleep = (births, stamps, map.looks());
        durable.rested = durable.next;
        durable.kept = Kept::default();
        if let Some(committer) = &shared.committer {
            committer.rests(cell.id, durable.next);
        }
        self.map = None;
        self.collect_at = COLLECTED_ABOVE;
        cell.asleep.store(true, Ordering::SeqCst);
        shared.loaded.forget(cell);
        true
    }

    /// Whether it is awake, and the store has all of it, and whatever it sent has arrived for good.
    pub(crate) fn is_at_rest(&mut self, cell: &Cell, shared: &Shared) -> bool {
        let quiet = self.map.as_ref().is_some_and(Actormap::is_quiet) && self.severed.is_empty();
        let Some(durable) = &mut self.durable else { return false };
        shared.prune(cell.id, &mut durable.kept.unacknowledged);
        quiet && self.inputs.is_empty() && !self.outside && durable.kept.unacknowledged.is_empty()
    }

    /// How many records it has, if it sleeps or could.
    pub(crate) fn rests_at(&mut self, cell: &Cell, shared: &Shared) -> Option<u64> {
        let rests = self.is_at_rest(cell, shared);
        let durable = self.durable.as_ref()?;
        (rests || (self.map.is_none() && durable.rested == durable.next)).then_some(durable.next)
    }

    /// Turns begin that are to be committed together.
    pub(crate) fn begin(&mut self) {
        if let Some(map) = &self.map {
            self.start = map.counts();
        }
    }

    /// The program ran a turn.
    pub(crate) fn poked(&mut self) {
        self.poked = self.map.as_ref().map_or(0, Actormap::written);
        self.outside = true;
    }

    /// Runs turns, until so much is done that it is to be committed.
    pub(crate) fn churn(&mut self) -> u32 {
        let mut written = std::mem::take(&mut self.poked);
        if written < CHURN_BYTES {
            written = written.saturating_add(self.sever_some());
        }
        self.map.as_mut().map_or(0, |map| map.churn_within(CHURN_BYTES.saturating_sub(written)))
    }

    /// Breaks what was lost with sessions, as much as is committed together. Returns how much is to be written down.
    fn sever_some(&mut self) -> u64 {
        let mut written = 0_u64;
        while written < CHURN_BYTES
            && let (Some(map), Some((session, reason))) = (&mut self.map, self.severed.front())
        {
            let done = map.sever(*session, reason, SEVERED_BYTES);
            self.outside |= done.is_some();
            let (bytes, more) = done.unwrap_or_default();
            written = written.saturating_add(bytes);
            if more {
                break;
            }
            self.severed.pop_front();
        }
        written
    }

    /// Takes a message in, unless it was taken in before.
    pub(crate) fn accept(&mut self, inbound: Inbound) {
        let Some(map) = &mut self.map else { return };
        match inbound {
            Inbound::Message { from, seq, message } => {
                if let Some(durable) = &mut self.durable {
                    if seq != 0 {
                        let cursor = durable.kept.cursors.entry(from).or_default();
                        // One that is too early comes again in its order: what is missing was sent by a vat that halted.
                        if seq != cursor.saturating_add(1) {
                            return;
                        }
                        *cursor = seq;
                    }
                    self.inputs.push(Input { from, seq, message: message.clone() });
                }
                map.queue.push_back(message);
            }
            Inbound::Severed { session, reason } => self.severed.push_back((session, reason)),
        }
    }

    /// What was done since the last commit is done: it is written down, if it has to be, and what it sent goes out. Returns how
    /// many places became free because nobody reaches them; that is asked for with `collect`, or when there are many.
    pub(crate) fn commit(
        &mut self,
        cell: &Arc<Cell>,
        shared: &Shared,
        ticket: Option<Ticket>,
        collect: bool,
    ) -> Result<usize, Problem> {
        let Some(map) = &mut self.map else { return Ok(0) };
        if let (Some(Durable { kept, .. }), Some(vats)) = (&mut self.durable, shared.halted.vats()) {
            // That another has halted is nothing that a message tells of.
            self.outside |= halted::turn_away(map, &vats, &mut kept.halted, &kept.unacknowledged);
        }
        let delta = map.settle_young(&self.held);
        let mut collected = Vec::new();
        if collect || map.population() > self.collect_at {
            collected = map.collect_full(self.held.keys().copied().collect::<Vec<_>>());
            self.collect_at = (map.population() * 2).max(COLLECTED_ABOVE);
        }
        let freed = collected.len();
        let Some(durable) = &mut self.durable else {
            map.turn.core.space.free_low = map.turn.core.space.free.len();
            map.queue.settle();
            map.failures.clear();
            let outbox = std::mem::take(&mut map.outbox);
            let sent = outbox.into_iter().map(|out| Sent { to: out.to, seq: 0, message: out.message });
            shared.release(cell, sent);
            if let Some(ticket) = ticket {
                ticket.tell(Ok(()));
            }
            return Ok(freed);
        };
        let record = durable.record(map, &delta, collected, std::mem::take(&mut self.inputs));
        let (outside, (start, stamps_start)) = (std::mem::take(&mut self.outside), self.start);
        let record = TurnRecord { outside, start, stamps_start, ..record };
        self.start = map.counts();
        if record.says_nothing(durable.kept.turns) {
            if let Some(ticket) = ticket {
                shared.after_commits(cell, ticket);
            }
            return Ok(freed);
        }
        let bytes = match record.encode() {
            Ok(bytes) => bytes,
            Err(problem) => {
                if let Some(ticket) = ticket {
                    ticket.tell(Err(problem.clone()));
                }
                return Err(problem);
            }
        };
        let at = durable.next;
        durable.next += 1;
        let kept = &mut durable.kept;
        kept.turns = record.turns;
        kept.since_snapshot += 1;
        kept.unacknowledged.extend(record.outbox.iter().filter(|sent| sent.seq != 0).cloned());
        if kept.unacknowledged.len() > kept.ask_at {
            shared.prune(cell.id, &mut kept.unacknowledged);
            // Asking costs as much as there are: it is done again when there are twice as many.
            kept.ask_at = (kept.unacknowledged.len() * 2).max(KEPT_UNASKED);
        }
        let snapshot = match shared.config.snapshot_every {
            Some(every) if kept.since_snapshot >= every => {
                kept.since_snapshot = 0;
                shared.prune(cell.id, &mut kept.unacknowledged);
                kept.snapshot(map).encode().ok()
            }
            _ => None,
        };
        let seen = record.inputs.iter().filter(|input| input.seq != 0);
        shared.submit(Commit {
            cell: Arc::clone(cell),
            stream: Arc::clone(&durable.stream),
            fence: durable.fence,
            at,
            record: bytes,
            seen: seen.map(|input| (input.from, input.seq)).collect(),
            outbox: record.outbox,
            ticket,
            snapshot,
        });
        Ok(freed)
    }
}

impl Durable {
    /// What became of the vat since the last commit.
    fn record(
        &mut self,
        map: &mut Actormap,
        delta: &Delta,
        collected: Vec<u32>,
        inputs: Vec<Input>,
    ) -> TurnRecord {
        let outbox = std::mem::take(&mut map.outbox);
        let outbox = outbox.into_iter().map(|out| self.kept.number(out.to, out.message)).collect();
        let record = map.take_changes(delta);
        TurnRecord { collected, inputs, outbox, ..record }
    }
}

impl Kept {
    fn number(&mut self, to: VatId, message: Message) -> Sent {
        if !to.is_durable() {
            return Sent { to, seq: 0, message };
        }
        let seq = self.sent.entry(to).or_default();
        *seq += 1;
        Sent { to, seq: *seq, message }
    }

    /// All of the vat, as of now.
    fn snapshot(&self, map: &Actormap) -> Snapshot {
        let sorted = |map: &HashMap<VatId, u64>| {
            let mut pairs: Vec<_> = map.iter().map(|(vat, seq)| (*vat, *seq)).collect();
            pairs.sort_unstable();
            pairs
        };
        let space = &map.turn.core.space;
        let places = u32::try_from(space.slots.len()).unwrap_or(u32::MAX);
        Snapshot {
            turns: map.turns,
            births: space.births,
            stamps: map.turn.core.stamps,
            places,
            cursors: sorted(&self.cursors),
            sent: sorted(&self.sent),
            unacknowledged: self.unacknowledged.iter().cloned().collect(),
            contents: (0..places).filter_map(|index| space.change(index)).collect(),
            free: space.free.clone(),
            queue: map.queue.iter().cloned().collect(),
        }
    }
}

/// The sessions, and the vats that are not durable, that promises of a vat wait for or stand for.
fn beyond(map: &Actormap) -> BTreeSet<VatId> {
    let found = map.turn.core.space.slots.iter().filter_map(|slot| match &slot.content {
        Content::Link(to) => Some(to.vat()),
        Content::Promise(waiting) => match waiting.stage() {
            Stage::Question(to) => Some(*to),
            Stage::Closer { to, .. } => Some(to.vat()),
            Stage::Naive => None,
        },
        _ => None,
    });
    found.filter(|vat| !vat.is_durable()).collect()
}

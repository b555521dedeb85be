//! A vat as threads see it: what waits in front of it, and what it is.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Shared;
use super::commit::{Commit, Ticket};
use crate::actormap::Actormap;
use crate::collect::Held;
use crate::message::Message;
use crate::problem::Problem;
use crate::record::{Change, Free, Input, QueueChange, Sent, Snapshot, TurnRecord};
use crate::reference::VatId;
use crate::space::{OUTSIDE, to_usize};
use crate::value::Value;

/// How many messages a vat takes in before it looks whether its time is up.
const TAKEN_AT_ONCE: usize = 1024;
/// Places that are taken before a vat is worth a full collection.
const COLLECTED_ABOVE: usize = 1 << 16;
/// Messages that are kept for sending again before it is asked which of them arrived.
const KEPT_UNASKED: usize = 256;

/// A vat.
pub(crate) struct Cell {
    pub(crate) id: VatId,
    pub(crate) name: String,
    inbox: Mutex<Inbox>,
    pub(crate) scheduled: AtomicBool,
    core: Mutex<Core>,
    /// Records that are not durable yet.
    pub(crate) uncommitted: AtomicU32,
    /// It waits for records to become durable.
    pub(crate) waits_for_commit: AtomicBool,
    /// The number of a vat that it should wait for; 0: none.
    pub(crate) ahead_of: AtomicU32,
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<Inbound>,
    /// Vats that wait for this one to catch up.
    waiters: Vec<Arc<Cell>>,
    halted: bool,
}

/// What comes to a vat.
#[derive(Debug)]
pub(crate) enum Inbound {
    Message {
        from: VatId,
        seq: u64,
        message: Message,
    },
    /// A session ended.
    Severed {
        session: VatId,
        reason: Value,
    },
}

impl Inbound {
    pub(crate) fn into_message(self) -> Option<Message> {
        if let Self::Message { message, .. } = self { Some(message) } else { None }
    }
}

/// What one thread at a time has in hand.
pub(crate) struct Core {
    pub(crate) map: Actormap,
    pub(crate) held: Held,
    pub(crate) durable: Option<Durable>,
    inputs: Vec<Input>,
    pub(crate) outside: bool,
    collect_at: usize,
    pub(crate) halted: Option<Problem>,
}

/// What a durable vat knows of its stream.
pub(crate) struct Durable {
    pub(crate) stream: Arc<str>,
    pub(crate) fence: u64,
    pub(crate) next: u64,
    pub(crate) since_snapshot: u64,
    pub(crate) cursors: HashMap<VatId, u64>,
    pub(crate) sent: HashMap<VatId, u64>,
    pub(crate) unacknowledged: VecDeque<Sent>,
}

impl Cell {
    pub(crate) fn new(id: VatId, name: &str, map: Actormap, durable: Option<Durable>) -> Arc<Self> {
        let core = Core {
            map,
            held: Held::default(),
            durable,
            inputs: Vec::new(),
            outside: false,
            collect_at: COLLECTED_ABOVE,
            halted: None,
        };
        Arc::new(Self {
            id,
            name: name.to_owned(),
            inbox: Mutex::default(),
            scheduled: AtomicBool::new(false),
            core: Mutex::new(core),
            uncommitted: AtomicU32::new(0),
            waits_for_commit: AtomicBool::new(false),
            ahead_of: AtomicU32::new(0),
        })
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages that wait in front of it.
    pub(crate) fn waiting(&self) -> usize {
        self.inbox().messages.len()
    }

    /// Puts messages in front of it; gives them back when it has halted.
    pub(crate) fn put(&self, messages: Vec<Inbound>) -> Result<(), Vec<Inbound>> {
        let mut inbox = self.inbox();
        if inbox.halted {
            return Err(messages);
        }
        inbox.messages.extend(messages);
        Ok(())
    }

    /// Takes what waits, and lets go on who waited for that.
    fn take(&self, shared: &Shared) -> Vec<Inbound> {
        let mut inbox = self.inbox();
        let take = inbox.messages.len().min(TAKEN_AT_ONCE);
        let taken: Vec<_> = inbox.messages.drain(..take).collect();
        if !inbox.waiters.is_empty() && inbox.messages.len() <= shared.mailbox() / 2 {
            let waiters = std::mem::take(&mut inbox.waiters);
            drop(inbox);
            shared.unpark(&waiters);
        }
        taken
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.inbox().messages.is_empty() || !self.core().map.is_quiet()
    }

    /// Makes `sender` wait until this has caught up; says whether it does.
    pub(crate) fn wait_for(&self, sender: &Arc<Self>, shared: &Shared) -> bool {
        let mut inbox = self.inbox();
        if inbox.halted || inbox.messages.len() <= shared.mailbox() / 2 {
            return false;
        }
        inbox.waiters.push(Arc::clone(sender));
        true
    }

    /// It can go on no more: what it did last was not kept.
    pub(crate) fn halt(&self, problem: Problem, shared: &Shared) {
        self.core().halted = Some(problem);
        let mut inbox = self.inbox();
        inbox.halted = true;
        let messages: Vec<_> = inbox.messages.drain(..).collect();
        let waiters = std::mem::take(&mut inbox.waiters);
        drop(inbox);
        shared.unpark(&waiters);
        shared.refuse(self.id, messages);
    }

    /// Runs it for a while. Says whether there is more to do.
    pub(crate) fn run(self: &Arc<Self>, shared: &Shared) -> bool {
        let mut core = self.core();
        let mut turns = 0;
        loop {
            if core.halted.is_some() {
                return false;
            }
            let taken = self.take(shared);
            if taken.is_empty() && core.map.is_quiet() {
                return false;
            }
            taken.into_iter().for_each(|inbound| core.accept(inbound));
            turns += core.map.churn();
            core.commit(self, shared, None);
            let behind = self.uncommitted.load(Ordering::SeqCst) >= shared.config.uncommitted;
            if turns >= shared.config.slice_turns || behind || self.ahead_of.load(Ordering::SeqCst) != 0 {
                return true;
            }
        }
    }
}

impl Core {
    /// Takes a message in, unless it was taken in before.
    fn accept(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Message { from, seq, message } => {
                if let Some(durable) = &mut self.durable {
                    let cursor = durable.cursors.entry(from).or_default();
                    if seq != 0 && seq <= *cursor {
                        return;
                    }
                    *cursor = seq.max(*cursor);
                    self.inputs.push(Input { from, seq, message: message.clone() });
                }
                self.map.queue.push_back(message);
            }
            Inbound::Severed { session, reason } => {
                self.outside = true;
                self.map.sever(session, &reason);
            }
        }
    }

    /// What was done since the last commit is done: it is written down, if it has to be, and what it sent goes out.
    pub(crate) fn commit(&mut self, cell: &Arc<Cell>, shared: &Shared, ticket: Option<Ticket>) {
        let delta = self.map.settle_young(&self.held);
        if self.map.population() > self.collect_at {
            self.map.collect_full(self.held.keys().copied().collect::<Vec<_>>());
            self.collect_at = (self.map.population() * 2).max(COLLECTED_ABOVE);
        }
        let outbox = std::mem::take(&mut self.map.outbox);
        let inputs = std::mem::take(&mut self.inputs);
        let failures = std::mem::take(&mut self.map.failures);
        let outside = std::mem::take(&mut self.outside);
        let space = &mut self.map.turn.core.space;
        let Some(durable) = &mut self.durable else {
            space.free_low = space.free.len();
            self.map.queue.settle();
            let sent = outbox.into_iter().map(|out| Sent { to: out.to, seq: 0, message: out.message });
            shared.release(cell, sent);
            if let Some(ticket) = ticket {
                ticket.tell(Ok(()));
            }
            return;
        };
        let free = space.take_free_delta();
        let queue = self.map.queue.take_change();
        let outbox: Vec<Sent> = outbox.into_iter().map(|out| durable.number(out.to, out.message)).collect();
        let places = delta.born.iter().chain(&delta.changed);
        let mut changes: Vec<Change> = places.filter_map(|index| space.change(*index)).collect();
        changes.sort_unstable_by_key(|change| change.index);
        if inputs.is_empty()
            && changes.is_empty()
            && outbox.is_empty()
            && free.tail.is_empty()
            && queue.is_nothing()
            && !outside
        {
            if let Some(ticket) = ticket {
                shared.after_commits(cell, ticket);
            }
            return;
        }
        let seen: Vec<_> =
            inputs.iter().filter(|input| input.seq != 0).map(|input| (input.from, input.seq)).collect();
        let births = space.births;
        let record = TurnRecord {
            turns: self.map.turns,
            births,
            outside,
            inputs,
            changes,
            free,
            queue,
            outbox,
            failures,
        };
        let bytes = match record.encode() {
            Ok(bytes) => bytes,
            Err(problem) => {
                self.halted = Some(problem.clone());
                if let Some(ticket) = ticket {
                    ticket.tell(Err(problem));
                }
                return;
            }
        };
        let at = durable.next;
        durable.next += 1;
        durable.since_snapshot += 1;
        durable.unacknowledged.extend(record.outbox.iter().filter(|sent| durable_target(sent.to)).cloned());
        if durable.unacknowledged.len() > KEPT_UNASKED {
            shared.prune(cell.id, &mut durable.unacknowledged);
        }
        let (stream, fence) = (Arc::clone(&durable.stream), durable.fence);
        let snapshot = match shared.config.snapshot_every {
            Some(every) if durable.since_snapshot >= every => {
                durable.since_snapshot = 0;
                self.snapshot().encode().ok()
            }
            _ => None,
        };
        let commit = Commit {
            cell: Arc::clone(cell),
            stream,
            fence,
            at,
            record: bytes,
            outbox: record.outbox,
            seen,
            ticket,
            snapshot,
        };
        shared.submit(commit);
    }

    /// All of the vat, as of now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let space = &self.map.turn.core.space;
        let places = u32::try_from(space.slots.len()).unwrap_or(u32::MAX);
        let sorted = |map: &HashMap<VatId, u64>| {
            let mut pairs: Vec<_> = map.iter().map(|(vat, seq)| (*vat, *seq)).collect();
            pairs.sort_unstable();
            pairs
        };
        Snapshot {
            turns: self.map.turns,
            births: space.births,
            places,
            cursors: self.durable.as_ref().map(|durable| sorted(&durable.cursors)).unwrap_or_default(),
            sent: self.durable.as_ref().map(|durable| sorted(&durable.sent)).unwrap_or_default(),
            unacknowledged: self
                .durable
                .as_ref()
                .map(|durable| durable.unacknowledged.iter().cloned().collect())
                .unwrap_or_default(),
            contents: (0..places).filter_map(|index| space.change(index)).collect(),
            free: space.free.clone(),
            queue: self.map.queue.iter().cloned().collect(),
        }
    }
}

impl Durable {
    fn number(&mut self, to: VatId, message: Message) -> Sent {
        if !durable_target(to) {
            return Sent { to, seq: 0, message };
        }
        let seq = self.sent.entry(to).or_default();
        *seq += 1;
        Sent { to, seq: *seq, message }
    }
}

/// Whether messages to it are kept until they arrived: sessions and the program do not outlive the process.
pub(crate) fn durable_target(to: VatId) -> bool {
    !to.is_session() && to != VatId::PROGRAM && to.number() < super::recover::FIRST_VOLATILE
}

impl crate::space::Space {
    /// What is at a place, as a store has it; None when it is free.
    fn change(&self, index: u32) -> Option<Change> {
        let slot = self.slots.get(to_usize(index))?;
        let content = slot.content.store()?;
        Some(Change { index, birth: slot.birth, outside: slot.flags & OUTSIDE, content })
    }

    /// How the list of free places differs from the last time this was asked.
    pub(crate) fn take_free_delta(&mut self) -> Free {
        let kept = self.free_low.min(self.free.len());
        let tail = self.free.get(kept..).unwrap_or_default().to_vec();
        self.free_low = self.free.len();
        Free {
            places: u32::try_from(self.slots.len()).unwrap_or(u32::MAX),
            kept: u64::try_from(kept).unwrap_or(u64::MAX),
            tail,
        }
    }
}

impl crate::queue::Queue {
    /// How it differs from the last time this was asked.
    fn take_change(&mut self) -> QueueChange {
        let change = QueueChange {
            taken: u64::try_from(self.taken()).unwrap_or(u64::MAX),
            front: self.front().cloned().collect(),
            back: self.back().cloned().collect(),
        };
        self.settle();
        change
    }
}

impl QueueChange {
    fn is_nothing(&self) -> bool {
        self.taken == 0 && self.front.is_empty() && self.back.is_empty()
    }
}

//! A vat as threads see it: what waits in front of it, and who runs it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::Shared;
use super::core::Core;
use super::entrance::{Room, Undelivered};
use crate::limits::{Limits, TAKEN_BYTES};
use crate::message::Message;
use crate::problem::Problem;
use crate::reference::VatId;
use crate::value::Value;

/// How many messages a vat takes in before it looks whether its time is up.
const TAKEN_AT_ONCE: usize = 1024;

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
    /// Its actormap is in the store and not in memory.
    pub(crate) asleep: AtomicBool,
    /// When it was used last, as [`super::loaded::Loaded`] counts.
    pub(crate) used: AtomicU64,
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<Inbound>,
    /// What they take.
    bytes: u64,
    /// How many messages were in the vat itself when that was noted last, and what they took.
    inside: (usize, u64),
    /// Vats that wait for this one to catch up.
    waiters: Vec<Arc<Cell>>,
    /// Why it can go on no more.
    halted: Option<Problem>,
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
    /// What it takes in a record, at most.
    fn cost(&self) -> u64 {
        if let Self::Message { message, .. } = self { message.cost() } else { 0 }
    }

    pub(crate) fn into_message(self) -> Option<Message> {
        if let Self::Message { message, .. } = self { Some(message) } else { None }
    }

    /// The same if its sender does not keep it until it has arrived.
    pub(crate) fn unless_kept(self) -> Option<Self> {
        if matches!(self, Self::Message { seq, .. } if seq != 0) { None } else { Some(self) }
    }
}

impl Inbox {
    fn put(&mut self, inbound: Inbound) {
        self.bytes = self.bytes.saturating_add(inbound.cost());
        self.messages.push_back(inbound);
    }

    /// Takes what a vat takes in at once: so many messages, and the first of them whatever it takes.
    fn take(&mut self) -> Vec<Inbound> {
        let (mut many, mut bytes) = (0, 0_u64);
        for inbound in self.messages.iter().take(TAKEN_AT_ONCE) {
            let more = bytes.saturating_add(inbound.cost());
            if many > 0 && more > TAKEN_BYTES {
                break;
            }
            (many, bytes) = (many + 1, more);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        self.inside = (self.inside.0.saturating_add(many), self.inside.1.saturating_add(bytes));
        self.messages.drain(..many).collect()
    }

    /// Whether there is no more in front of the vat than half of what it may be.
    fn is_low(&self, limits: &Limits) -> bool {
        self.messages.len() <= mailbox(limits) / 2 && self.bytes <= limits.mailbox_bytes / 2
    }
}

fn mailbox(limits: &Limits) -> usize {
    usize::try_from(limits.mailbox).unwrap_or(usize::MAX)
}

impl Cell {
    pub(crate) fn new(id: VatId, name: &str, core: Core) -> Arc<Self> {
        Arc::new(Self {
            id,
            name: name.to_owned(),
            inbox: Mutex::default(),
            scheduled: AtomicBool::new(false),
            asleep: AtomicBool::new(core.map.is_none()),
            core: Mutex::new(core),
            uncommitted: AtomicU32::new(0),
            waits_for_commit: AtomicBool::new(false),
            ahead_of: AtomicU32::new(0),
            used: AtomicU64::new(0),
        })
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The inside, unless somebody is at it.
    pub(crate) fn try_core(&self) -> Option<MutexGuard<'_, Core>> {
        match self.core.try_lock() {
            Ok(core) => Some(core),
            Err(TryLockError::Poisoned(core)) => Some(core.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Whether nothing waits in front of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.inbox().messages.is_empty()
    }

    /// Whether more waits in front of it than may.
    pub(crate) fn is_overfull(&self, limits: &Limits) -> bool {
        let inbox = self.inbox();
        inbox.messages.len() > mailbox(limits) || inbox.bytes > limits.mailbox_bytes
    }

    /// Why it can go on no more, if that is so.
    pub(crate) fn halted(&self) -> Option<Problem> {
        self.inbox().halted.clone()
    }

    /// Puts messages in front of it; gives them back when it has halted.
    pub(crate) fn put(&self, messages: Vec<Inbound>) -> Result<(), (Problem, Vec<Inbound>)> {
        let mut inbox = self.inbox();
        if let Some(problem) = &inbox.halted {
            return Err((problem.clone(), messages));
        }
        messages.into_iter().for_each(|inbound| inbox.put(inbound));
        Ok(())
    }

    /// Puts a message from outside in front of it, if no more wait then than may, here and inside.
    pub(crate) fn put_if_room(
        &self,
        from: VatId,
        message: Message,
        limits: &Limits,
    ) -> Result<(), Undelivered> {
        let mut inbox = self.inbox();
        if let Some(problem) = &inbox.halted {
            return Err(Undelivered::Refused(message, problem.clone()));
        }
        let (many, bytes) = inbox.inside;
        if inbox.messages.len().saturating_add(many) >= mailbox(limits) {
            return Err(Undelivered::Full(message, Room::Messages));
        }
        // One alone always has room.
        let bytes = bytes.saturating_add(inbox.bytes);
        if bytes > 0 && bytes.saturating_add(message.cost()) > limits.mailbox_bytes {
            return Err(Undelivered::Full(message, Room::Bytes));
        }
        inbox.put(Inbound::Message { from, seq: 0, message });
        Ok(())
    }

    /// So many messages are in the vat itself, and take so much.
    pub(crate) fn note(&self, inside: (usize, u64)) {
        self.inbox().inside = inside;
    }

    /// Takes what waits, and lets go on who waited for that.
    pub(crate) fn take(&self, shared: &Shared) -> Vec<Inbound> {
        let mut inbox = self.inbox();
        let taken = inbox.take();
        if !inbox.waiters.is_empty() && inbox.is_low(&shared.config.limits) {
            let waiters = std::mem::take(&mut inbox.waiters);
            drop(inbox);
            shared.unpark(&waiters);
        }
        taken
    }

    pub(crate) fn has_work(&self) -> bool {
        let mail = {
            let inbox = self.inbox();
            if inbox.halted.is_some() {
                return false;
            }
            !inbox.messages.is_empty()
        };
        mail || !self.core().is_quiet()
    }

    /// Makes `sender` wait until this has caught up; says whether it does.
    pub(crate) fn wait_for(&self, sender: &Arc<Self>, shared: &Shared) -> bool {
        let mut inbox = self.inbox();
        if inbox.halted.is_some() || inbox.is_low(&shared.config.limits) {
            return false;
        }
        inbox.waiters.push(Arc::clone(sender));
        true
    }

    /// It can go on no more: what it did last was not kept, or what the store has of it cannot be read.
    ///
    /// It must not wait for whoever runs the vat: that one may wait for records that are to become durable after this.
    pub(crate) fn halt(&self, problem: Problem, shared: &Shared) {
        // Before anybody finds out by sending to it.
        shared.halted.add(self.id);
        let mut inbox = self.inbox();
        let problem = inbox.halted.get_or_insert(problem).clone();
        let messages: Vec<_> = inbox.messages.drain(..).collect();
        inbox.bytes = 0;
        let waiters = std::mem::take(&mut inbox.waiters);
        drop(inbox);
        shared.unpark(&waiters);
        shared.refuse(self.id, &problem, messages);
        shared.replies.fail(self.id, &problem);
    }

    /// Runs it for a while. Says whether there is more to do.
    pub(crate) fn run(self: &Arc<Self>, shared: &Shared) -> bool {
        let done = self.slice(shared);
        done.unwrap_or_else(|problem| {
            self.halt(problem, shared);
            false
        })
    }

    /// Whether it has halted, or nothing waits in front of it or in it.
    fn is_done(&self, core: &Core) -> bool {
        let inbox = self.inbox();
        inbox.halted.is_some() || (inbox.messages.is_empty() && core.is_quiet())
    }

    fn slice(self: &Arc<Self>, shared: &Shared) -> Result<bool, Problem> {
        let mut core = self.core();
        let mut turns = 0;
        loop {
            if self.is_done(&core) {
                return Ok(false);
            }
            core.wake(self, shared)?;
            core.begin();
            self.take(shared).into_iter().for_each(|inbound| core.accept(inbound));
            turns += core.churn();
            core.commit(self, shared, None, false)?;
            self.note(core.queued());
            let behind = self.uncommitted.load(Ordering::SeqCst) >= shared.config.uncommitted;
            if turns >= shared.config.slice_turns || behind || self.ahead_of.load(Ordering::SeqCst) != 0 {
                return Ok(true);
            }
        }
    }

    /// Forgets what the store has of it, if nothing is under way. Says whether it sleeps now.
    pub(crate) fn sleep(self: &Arc<Self>, shared: &Shared) -> bool {
        let Some(mut core) = self.try_core() else { return false };
        let busy = {
            let inbox = self.inbox();
            inbox.halted.is_some() || !inbox.messages.is_empty() || !inbox.waiters.is_empty()
        };
        !busy && self.uncommitted.load(Ordering::SeqCst) == 0 && core.sleep(self, shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Body;
    use crate::reference::{Facet, Ref};

    fn inbound(bytes: usize) -> Inbound {
        let (from, to) = (VatId::new(1), Ref::new(VatId::new(2), 0, 0, Facet::Object));
        let message = Message { to, body: Body::Fulfill("x".repeat(bytes).into()), resolver: None };
        Inbound::Message { from, seq: 0, message }
    }

    #[test]
    fn what_waits_in_front_of_a_vat_is_weighed() {
        let cell = Cell::new(VatId::new(2), "a", Core::volatile(crate::Actormap::new()));
        let cost = inbound(1000).cost();
        let limits =
            |mailbox, messages| Limits { mailbox, mailbox_bytes: messages * cost, ..Limits::default() };
        cell.put((0..10).map(|_| inbound(1000)).collect()).unwrap();
        let check = |limits: &Limits, overfull: bool, low: bool| {
            assert_eq!(
                (cell.is_overfull(limits), cell.inbox().is_low(limits)),
                (overfull, low),
                "{limits:?}"
            );
        };
        check(&limits(10, 10), false, false);
        check(&limits(9, 10), true, false);
        check(&limits(10, 9), true, false);
        check(&limits(20, 20), false, true);
        check(&limits(20, 19), false, false);
        check(&limits(19, 20), false, false);
        // In the vat they count for who comes from outside, and for nobody else.
        assert_eq!(cell.inbox().take().len(), 10);
        check(&limits(0, 0), false, true);
        let from_outside = |limits: &Limits| {
            let message = inbound(1000).into_message()?;
            cell.put_if_room(VatId::new(1), message, limits).err().map(|refused| match refused {
                Undelivered::Full(_, room) => Some(room),
                Undelivered::Refused(..) => None,
            })
        };
        assert_eq!(from_outside(&limits(10, 11)), Some(Some(Room::Messages)));
        assert_eq!(from_outside(&limits(11, 10)), Some(Some(Room::Bytes)));
        assert_eq!(from_outside(&limits(11, 11)), None);
        cell.note((0, 0));
        assert_eq!(cell.inbox().take().len(), 1);
    }

    #[test]
    fn a_vat_takes_in_so_much_at_once() {
        let mut inbox = Inbox::default();
        let mut check = |messages: &[usize], expected: &[usize]| {
            messages.iter().for_each(|bytes| inbox.put(inbound(*bytes)));
            for many in expected {
                assert_eq!(inbox.take().len(), *many, "{messages:?}");
            }
            assert_eq!((inbox.messages.len(), inbox.bytes), (0, 0));
        };
        let own = usize::try_from(inbound(0).cost()).unwrap_or_default();
        let half = (usize::try_from(TAKEN_BYTES).unwrap_or_default() / 2 - own) / 3;
        check(&[half, half, 0], &[2, 1]);
        check(&[half, half + 2, 0], &[1, 2]);
        // The first whatever it takes.
        check(&[3 * half, 0], &[1, 1]);
        check(&vec![0; TAKEN_AT_ONCE + 1], &[TAKEN_AT_ONCE, 1]);
    }
}

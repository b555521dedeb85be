//! A vat as threads see it: what waits in front of it, and who runs it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::Shared;
use super::core::Core;
use super::entrance::Undelivered;
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
    /// How many messages were in the vat itself when that was noted last.
    inside: usize,
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
    pub(crate) fn into_message(self) -> Option<Message> {
        if let Self::Message { message, .. } = self { Some(message) } else { None }
    }

    /// The same if its sender does not keep it until it has arrived.
    pub(crate) fn unless_kept(self) -> Option<Self> {
        if matches!(self, Self::Message { seq, .. } if seq != 0) { None } else { Some(self) }
    }
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

    /// Messages that wait in front of it.
    pub(crate) fn waiting(&self) -> usize {
        self.inbox().messages.len()
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
        inbox.messages.extend(messages);
        Ok(())
    }

    /// Puts a message from outside in front of it, if no more than `allowed` wait then, here and inside.
    pub(crate) fn put_if_room(
        &self,
        from: VatId,
        message: Message,
        allowed: usize,
    ) -> Result<(), Undelivered> {
        let mut inbox = self.inbox();
        if let Some(problem) = &inbox.halted {
            return Err(Undelivered::Refused(message, problem.clone()));
        }
        if inbox.messages.len().saturating_add(inbox.inside) >= allowed {
            return Err(Undelivered::Full(message));
        }
        inbox.messages.push_back(Inbound::Message { from, seq: 0, message });
        Ok(())
    }

    /// So many messages are in the vat itself.
    pub(crate) fn note(&self, inside: usize) {
        self.inbox().inside = inside;
    }

    /// Takes what waits, and lets go on who waited for that.
    pub(crate) fn take(&self, shared: &Shared) -> Vec<Inbound> {
        let mut inbox = self.inbox();
        let take = inbox.messages.len().min(TAKEN_AT_ONCE);
        inbox.inside = inbox.inside.saturating_add(take);
        let taken: Vec<_> = inbox.messages.drain(..take).collect();
        if !inbox.waiters.is_empty() && inbox.messages.len() <= shared.mailbox() / 2 {
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
        if inbox.halted.is_some() || inbox.messages.len() <= shared.mailbox() / 2 {
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

//! The places of a vat, and how to take back what was done to them.
//!
//! Everything is changed in place. What it was before is noted, so that a turn, or a call within it, is taken back exactly:
//! places, what waits in front of promises, and the list of free places are as before. Only the count of births goes on: a
//! reference made by what was taken back must not reach what is made next. A look, of which nothing may remain, takes births of
//! its own for that.
//!
//! A place is *young* until the churn that made it is committed, and an old place that was touched since is *changed*: what a
//! commit has to look at is these two lists and nothing else.

use crate::limits::Limits;
use crate::message::{Content, Listener, Message, Stage};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};

#[derive(Clone, Debug)]
pub(crate) struct Space {
    pub(crate) vat: VatId,
    pub(crate) slots: Vec<Slot>,
    pub(crate) free: Vec<u32>,
    /// The list of free places up to here is as it was at the last commit.
    pub(crate) free_low: usize,
    pub(crate) births: u64,
    /// Births in looks. Never written down: what they belong to ends with the look.
    pub(crate) looks: u64,
    undo: Vec<Undo>,
    pub(crate) young: Vec<u32>,
    pub(crate) changed: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) birth: u64,
    pub(crate) flags: u8,
    pub(crate) content: Content,
}

/// Made since the last commit.
pub(crate) const YOUNG: u8 = 1;
/// Old, and touched since the last commit.
pub(crate) const CHANGED: u8 = 2;
/// Reached by the collection that runs.
pub(crate) const MARKED: u8 = 4;
/// Somebody outside the vat may refer to it.
pub(crate) const EXPORTED: u8 = 8;
/// Somebody outside the vat may resolve it. Ends when it is resolved.
pub(crate) const RESOLVABLE: u8 = 16;
/// What makes a place a root.
pub(crate) const OUTSIDE: u8 = EXPORTED | RESOLVABLE;

/// Births from here on are those of looks. No vat counts so far by itself.
pub(crate) const FIRST_LOOK: u64 = 1 << 61;

/// What the next turn finds as it is after a look, and taking a turn back does not restore.
pub(crate) struct Look {
    births: u64,
    free_low: usize,
    changed: usize,
}

#[derive(Clone, Debug)]
enum Undo {
    Replaced {
        index: u32,
        content: Content,
        flags: u8,
    },
    /// More waits for a promise than did.
    Waits {
        index: u32,
        messages: usize,
        listeners: usize,
    },
    /// A promise that goes where another goes was shown a shorter way.
    Pointed {
        index: u32,
        to: Ref,
    },
    /// A place was taken: from the free ones, or a new one.
    Born {
        index: u32,
        fresh: bool,
    },
}

impl Space {
    pub(crate) fn new(vat: VatId) -> Self {
        Self {
            vat,
            slots: Vec::new(),
            free: Vec::new(),
            free_low: 0,
            births: 0,
            looks: FIRST_LOOK,
            undo: Vec::new(),
            young: Vec::new(),
            changed: Vec::new(),
        }
    }

    pub(crate) fn bear(&mut self, content: Content, facet: Facet, limits: &Limits) -> Result<Ref, Problem> {
        let slot = Slot { birth: self.births, flags: YOUNG, content };
        let (index, fresh) = match self.free.pop() {
            Some(index) => {
                self.free_low = self.free_low.min(self.free.len());
                if let Some(place) = self.slots.get_mut(to_usize(index)) {
                    *place = slot;
                }
                (index, false)
            }
            None => {
                let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
                if index >= limits.objects {
                    return Err(Problem::limit("objects", limits.objects.into()));
                }
                self.slots.push(slot);
                (index, true)
            }
        };
        self.undo.push(Undo::Born { index, fresh });
        self.young.push(index);
        let reference = Ref::new(self.vat, index, self.births, facet);
        self.births += 1;
        Ok(reference)
    }

    pub(crate) fn is_near(&self, reference: Ref) -> bool {
        reference.vat() == self.vat
    }

    /// What a near reference refers to.
    #[inline]
    pub(crate) fn get(&self, reference: Ref) -> Result<&Content, Problem> {
        match self.slots.get(to_usize(reference.index())) {
            Some(slot) if slot.birth == reference.birth() && !matches!(slot.content, Content::Free) => {
                Ok(&slot.content)
            }
            _ => Err(Problem::stale(reference)),
        }
    }

    /// Puts something in the place of what a reference refers to. The reference must be good.
    pub(crate) fn replace(&mut self, reference: Ref, content: Content) {
        let index = reference.index();
        if let Some(slot) = self.slots.get_mut(to_usize(index)) {
            let flags = slot.flags;
            if !matches!(content, Content::Promise(_)) {
                slot.flags &= !RESOLVABLE;
            }
            let content = std::mem::replace(&mut slot.content, content);
            self.undo.push(Undo::Replaced { index, content, flags });
            touch(slot, index, &mut self.changed);
        }
    }

    /// Takes what waits for a promise, leaving `content`.
    pub(crate) fn take_waiting(&mut self, promise: Ref, content: Content) -> Option<crate::message::Waiting> {
        let Ok(Content::Promise(waiting)) = self.get(promise) else { return None };
        let waiting = waiting.cloned();
        self.replace(promise, content);
        Some(waiting)
    }

    /// Whether it is a promise of which nobody said anything, and for which nothing waits.
    pub(crate) fn nobody_waits(&self, promise: Ref) -> bool {
        matches!(self.get(promise), Ok(Content::Promise(pending)) if pending.is_bare())
    }

    /// A message waits for a promise.
    pub(crate) fn wait(&mut self, promise: Ref, message: Message, limits: &Limits) -> Result<(), Problem> {
        self.push(promise, limits, |messages, _| messages.push(message))
    }

    /// Somebody waits to be told of a promise.
    pub(crate) fn listen(
        &mut self,
        promise: Ref,
        listener: Listener,
        limits: &Limits,
    ) -> Result<(), Problem> {
        self.push(promise, limits, |_, listeners| listeners.push(listener))
    }

    /// A promise is settled with another. That is not counted against what may wait: promises are counted already, and
    /// one that could not follow would never be settled.
    pub(crate) fn follow(&mut self, promise: Ref, follower: Ref) -> Result<(), Problem> {
        let limits = Limits { waiting: u32::MAX, ..Limits::default() };
        self.listen(promise, Listener { who: follower, partial: false }, &limits)
    }

    /// The near promise that a near promise goes to, if it does.
    pub(crate) fn closer(&self, promise: Ref) -> Option<Ref> {
        match self.get(promise) {
            Ok(Content::Promise(waiting)) => match *waiting.stage() {
                Stage::Closer { to, .. } if self.is_near(to) => Some(to),
                _ => None,
            },
            _ => None,
        }
    }

    /// The promise goes to another one, which is on its way anyhow.
    pub(crate) fn shorten(&mut self, promise: Ref, to: Ref) {
        let index = promise.index();
        if let Some(slot) = self.slots.get_mut(to_usize(index))
            && let Content::Promise(waiting) = &mut slot.content
            && let Some(Stage::Closer { to: now, .. }) = waiting.stage_mut()
        {
            self.undo.push(Undo::Pointed { index, to: *now });
            *now = to;
            touch(slot, index, &mut self.changed);
        }
    }

    fn push(
        &mut self,
        promise: Ref,
        limits: &Limits,
        push: impl FnOnce(&mut Vec<Message>, &mut Vec<Listener>),
    ) -> Result<(), Problem> {
        let index = promise.index();
        let Some(slot) = self.slots.get_mut(to_usize(index)) else { return Err(Problem::stale(promise)) };
        let Content::Promise(pending) = &mut slot.content else { return Err(Problem::stale(promise)) };
        let waiting = pending.waiting();
        let (messages, listeners) = (waiting.messages.len(), waiting.listeners.len());
        if messages + listeners >= usize::try_from(limits.waiting).unwrap_or(usize::MAX) {
            return Err(Problem::limit("waiting", limits.waiting.into()));
        }
        self.undo.push(Undo::Waits { index, messages, listeners });
        push(&mut waiting.messages, &mut waiting.listeners);
        touch(slot, index, &mut self.changed);
        Ok(())
    }

    /// A place to come back to.
    pub(crate) fn savepoint(&self) -> usize {
        self.undo.len()
    }

    /// Takes back all since the savepoint.
    pub(crate) fn undo_to(&mut self, savepoint: usize) {
        while self.undo.len() > savepoint {
            match self.undo.pop() {
                Some(Undo::Replaced { index, content, flags }) => {
                    if let Some(slot) = self.slots.get_mut(to_usize(index)) {
                        slot.content = content;
                        slot.flags |= flags & RESOLVABLE;
                    }
                }
                Some(Undo::Waits { index, messages, listeners }) => {
                    if let Some(Slot { content: Content::Promise(waiting), .. }) =
                        self.slots.get_mut(to_usize(index))
                    {
                        waiting.truncate(messages, listeners);
                    }
                }
                Some(Undo::Pointed { index, to }) => {
                    if let Some(Slot { content: Content::Promise(waiting), .. }) =
                        self.slots.get_mut(to_usize(index))
                        && let Some(Stage::Closer { to: now, .. }) = waiting.stage_mut()
                    {
                        *now = to;
                    }
                }
                Some(Undo::Born { index, fresh }) => {
                    self.young.pop();
                    if fresh {
                        self.slots.pop();
                    } else {
                        self.release(index);
                    }
                }
                None => {}
            }
        }
    }

    /// From here on until [`Space::looked`] nothing may remain of what is done.
    pub(crate) fn look(&mut self) -> Look {
        let births = std::mem::replace(&mut self.births, self.looks);
        Look { births, free_low: self.free_low, changed: self.changed.len() }
    }

    /// What was done since was taken back; now it leaves no trace either.
    pub(crate) fn looked(&mut self, look: Look) {
        self.looks = std::mem::replace(&mut self.births, look.births);
        self.free_low = look.free_low;
        for index in self.changed.drain(look.changed..) {
            if let Some(slot) = self.slots.get_mut(to_usize(index)) {
                slot.flags &= !CHANGED;
            }
        }
    }

    /// Whether what a reference refers to was replaced since the savepoint.
    pub(crate) fn was_replaced(&self, reference: Ref, savepoint: usize) -> bool {
        let since = self.undo.get(savepoint..).unwrap_or_default();
        since.iter().any(|undo| matches!(undo, Undo::Replaced { index, .. } if *index == reference.index()))
    }

    /// What was done stays.
    pub(crate) fn forget(&mut self) {
        self.undo.clear();
    }

    /// A place becomes free.
    pub(crate) fn release(&mut self, index: u32) {
        if let Some(slot) = self.slots.get_mut(to_usize(index)) {
            *slot = Slot { birth: u64::MAX, flags: 0, content: Content::Free };
            self.free.push(index);
        }
    }

    /// Somebody outside may refer to it from now on.
    pub(crate) fn export(&mut self, reference: Ref) {
        let flag = match reference.facet() {
            Facet::Object | Facet::Promise => EXPORTED,
            Facet::Resolver | Facet::Follower => RESOLVABLE,
        };
        if self.is_near(reference)
            && let Some(slot) = self.slots.get_mut(to_usize(reference.index()))
            && slot.birth == reference.birth()
            && slot.flags & flag == 0
        {
            slot.flags |= flag;
            touch(slot, reference.index(), &mut self.changed);
        }
    }

    /// How many places are taken.
    pub(crate) fn population(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

fn touch(slot: &mut Slot, index: u32, changed: &mut Vec<u32>) {
    if slot.flags & (YOUNG | CHANGED) == 0 {
        slot.flags |= CHANGED;
        changed.push(index);
    }
}

/// An index as one of this machine, whose words are at least that wide.
pub(crate) fn to_usize(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

//! The places of a vat, and how to take back what was done to them.
//!
//! Everything is changed in place. What it was before is noted, so that a turn, or a call within it, is taken back exactly:
//! places, what waits in front of promises, and the list of free places are as before. Only the count of births goes on: a
//! reference made by what was taken back must not reach what is made next. A look, of which nothing may remain, takes births of
//! its own for that.
//!
//! A place is *young* until the churn that made it is committed, and an old place that was touched since is *changed*: what a
//! commit has to look at is these two lists and nothing else.

use crate::limits::{Limits, check_bytes, cost};
use crate::message::{Content, Listener, Message, Stage, Waiting};
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
    pub(crate) costs: Costs,
    /// What all messages that wait for promises take.
    pub(crate) waiting: u64,
    pub(crate) young: Vec<u32>,
    pub(crate) changed: Vec<u32>,
    /// How many of those there were before this turn.
    changed_before: usize,
}

/// What is to be written down takes in a record, at most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Costs {
    /// By how much this turn made it more: what it made and sent, and how places grew. Taken back with the turn.
    turn: i64,
    /// What waited for promises and now goes on. It has its own limit: what waits for a promise must not keep it from being settled.
    ahead: u64,
    /// Old places as they were when they were touched first since the last commit. Taken back with the turn, too.
    touched: u64,
    /// Of which before this turn.
    touched_before: u64,
}

impl Costs {
    fn begin(&mut self) {
        (self.turn, self.ahead, self.touched_before) = (0, 0, self.touched);
    }

    /// A commit wrote it all down.
    pub(crate) fn written(&mut self) {
        *self = Self::default();
    }

    /// Of this turn, with what waited before it.
    pub(crate) fn all_of_turn(&self) -> u64 {
        self.of_turn().saturating_add(self.ahead)
    }

    /// Of this turn.
    pub(crate) fn of_turn(&self) -> u64 {
        (self.touched - self.touched_before).saturating_add_signed(self.turn)
    }

    pub(crate) fn add(&mut self, cost: u64) {
        self.turn = self.turn.saturating_add_unsigned(cost);
    }

    pub(crate) fn go_ahead(&mut self, cost: u64) {
        self.ahead = self.ahead.saturating_add(cost);
    }

    fn replace(&mut self, old: u64, new: u64) {
        self.turn = self.turn.saturating_sub_unsigned(old).saturating_add_unsigned(new);
    }
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

/// A place to come back to. The default is the beginning of the turn.
#[derive(Clone, Copy, Default)]
pub(crate) struct Savepoint {
    undo: usize,
    cost: i64,
    ahead: u64,
    touched: u64,
    changed: usize,
}

/// What the next turn finds as it is after a look, and taking a turn back does not restore.
pub(crate) struct Look {
    births: u64,
    free_low: usize,
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
            costs: Costs::default(),
            waiting: 0,
            young: Vec::new(),
            changed: Vec::new(),
            changed_before: 0,
        }
    }

    pub(crate) fn bear(&mut self, content: Content, facet: Facet, limits: &Limits) -> Result<Ref, Problem> {
        self.spend(content.cost(), limits)?;
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

    /// Counts what is to be written down. Errors: `turn-bytes`; nothing is counted then.
    pub(crate) fn spend(&mut self, cost: u64, limits: &Limits) -> Result<(), Problem> {
        self.can_spend(cost, limits)?;
        self.costs.add(cost);
        Ok(())
    }

    /// Whether so much more may be written down. Errors: `turn-bytes`.
    #[inline]
    pub(crate) fn can_spend(&self, cost: u64, limits: &Limits) -> Result<(), Problem> {
        check_bytes("turn-bytes", self.costs.of_turn().saturating_add(cost), limits.turn_bytes)
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
            touch(slot, index, &mut self.changed, &mut self.costs);
            self.costs.replace(slot.content.cost(), content.cost());
            let (before, now) = (slot.content.waiting_cost(), content.waiting_cost());
            self.waiting = self.waiting.saturating_sub(before).saturating_add(now);
            let content = std::mem::replace(&mut slot.content, content);
            self.undo.push(Undo::Replaced { index, content, flags });
        }
    }

    /// Takes what waits for a promise, leaving `content`.
    pub(crate) fn take_waiting(&mut self, promise: Ref, content: Content) -> Option<Waiting> {
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
        let cost = message.cost();
        let waiting = self.waiting.saturating_add(cost);
        check_bytes("waiting-bytes", waiting, limits.waiting_bytes)?;
        self.push(promise, limits, cost, |waiting| waiting.messages.push(message))?;
        self.waiting = waiting;
        Ok(())
    }

    /// Somebody waits to be told of a promise.
    pub(crate) fn listen(
        &mut self,
        promise: Ref,
        listener: Listener,
        limits: &Limits,
    ) -> Result<(), Problem> {
        self.push(promise, limits, cost::REFERENCE, |waiting| waiting.listeners.push(listener))
    }

    /// A promise is settled with another. That is not counted against what may wait: promises are counted already, and
    /// one that could not follow would never be settled.
    pub(crate) fn follow(&mut self, promise: Ref, follower: Ref) -> Result<(), Problem> {
        let limits = Limits { waiting: u32::MAX, turn_bytes: u64::MAX, ..Limits::default() };
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
            touch(slot, index, &mut self.changed, &mut self.costs);
        }
    }

    fn push(
        &mut self,
        promise: Ref,
        limits: &Limits,
        cost: u64,
        push: impl FnOnce(&mut Waiting),
    ) -> Result<(), Problem> {
        let index = promise.index();
        let Some(Slot { content: Content::Promise(pending), .. }) = self.slots.get(to_usize(index)) else {
            return Err(Problem::stale(promise));
        };
        let (messages, listeners) = (pending.messages().len(), pending.listeners().len());
        if messages + listeners >= usize::try_from(limits.waiting).unwrap_or(usize::MAX) {
            return Err(Problem::limit("waiting", limits.waiting.into()));
        }
        self.spend(cost, limits)?;
        if let Some(slot) = self.slots.get_mut(to_usize(index)) {
            touch(slot, index, &mut self.changed, &mut self.costs);
            if let Content::Promise(pending) = &mut slot.content {
                self.undo.push(Undo::Waits { index, messages, listeners });
                push(pending.waiting());
            }
        }
        Ok(())
    }

    /// A place to come back to.
    pub(crate) fn savepoint(&self) -> Savepoint {
        let Costs { turn: cost, ahead, touched, .. } = self.costs;
        Savepoint { undo: self.undo.len(), cost, ahead, touched, changed: self.changed.len() }
    }

    /// Takes back all since the savepoint.
    pub(crate) fn undo_to(&mut self, savepoint: Savepoint) {
        (self.costs.turn, self.costs.ahead) = (savepoint.cost, savepoint.ahead);
        self.costs.touched = savepoint.touched.max(self.costs.touched_before);
        self.untouch(savepoint.changed.max(self.changed_before));
        while self.undo.len() > savepoint.undo {
            match self.undo.pop() {
                Some(Undo::Replaced { index, content, flags }) => {
                    if let Some(slot) = self.slots.get_mut(to_usize(index)) {
                        let (now, before) = (slot.content.waiting_cost(), content.waiting_cost());
                        self.waiting = self.waiting.saturating_sub(now).saturating_add(before);
                        slot.content = content;
                        slot.flags |= flags & RESOLVABLE;
                    }
                }
                Some(Undo::Waits { index, messages, listeners }) => {
                    if let Some(Slot { content: Content::Promise(waiting), .. }) =
                        self.slots.get_mut(to_usize(index))
                    {
                        let gone = waiting.messages().get(messages..).unwrap_or_default();
                        let gone = gone.iter().map(Message::cost).fold(0, u64::saturating_add);
                        self.waiting = self.waiting.saturating_sub(gone);
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
                        // What waited for it was taken back before.
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
        Look { births, free_low: self.free_low }
    }

    /// What was done since was taken back; now it leaves no trace either.
    pub(crate) fn looked(&mut self, look: Look) {
        self.looks = std::mem::replace(&mut self.births, look.births);
        self.free_low = look.free_low;
    }

    /// Only so many have changed: the others are as they were, and need not be written down. A turn that failed could make them more
    /// than a record holds otherwise.
    fn untouch(&mut self, changed: usize) {
        for index in self.changed.drain(changed.min(self.changed.len())..) {
            if let Some(slot) = self.slots.get_mut(to_usize(index)) {
                slot.flags &= !CHANGED;
            }
        }
    }

    /// Whether what a reference refers to was replaced since the savepoint.
    pub(crate) fn was_replaced(&self, reference: Ref, savepoint: Savepoint) -> bool {
        let since = self.undo.get(savepoint.undo..).unwrap_or_default();
        since.iter().any(|undo| matches!(undo, Undo::Replaced { index, .. } if *index == reference.index()))
    }

    /// A turn begins.
    pub(crate) fn begin(&mut self) {
        self.forget();
        self.costs.begin();
        self.changed_before = self.changed.len();
    }

    /// What was done stays.
    pub(crate) fn forget(&mut self) {
        self.undo.clear();
    }

    /// A place becomes free.
    pub(crate) fn release(&mut self, index: u32) {
        if let Some(slot) = self.slots.get_mut(to_usize(index)) {
            self.waiting = self.waiting.saturating_sub(slot.content.waiting_cost());
            *slot = Slot { birth: u64::MAX, flags: 0, content: Content::Free };
            self.free.push(index);
        }
    }

    /// Somebody outside may refer to it from now on.
    pub(crate) fn export(&mut self, reference: Ref) {
        let flag = facet_flag(reference);
        if self.is_near(reference)
            && let Some(slot) = self.slots.get_mut(to_usize(reference.index()))
            && slot.birth == reference.birth()
            && slot.flags & flag == 0
        {
            slot.flags |= flag;
            touch(slot, reference.index(), &mut self.changed, &mut self.costs);
        }
    }

    /// What has to be written down when somebody outside may refer to it. Nothing when that is so already, or it is written anyhow.
    pub(crate) fn export_cost(&self, reference: Ref) -> u64 {
        match self.slots.get(to_usize(reference.index())) {
            Some(slot)
                if self.is_near(reference)
                    && slot.birth == reference.birth()
                    && slot.flags & (YOUNG | CHANGED | facet_flag(reference)) == 0 =>
            {
                slot.content.cost()
            }
            _ => 0,
        }
    }

    /// What a record says is at a place, whatever was there.
    pub(crate) fn set(&mut self, index: u32, now: Slot) {
        if let Some(slot) = self.slots.get_mut(to_usize(index)) {
            let (before, after) = (slot.content.waiting_cost(), now.content.waiting_cost());
            self.waiting = self.waiting.saturating_sub(before).saturating_add(after);
            *slot = now;
        }
    }

    /// Counts what waits for promises, once all of them are there.
    pub(crate) fn count_waiting(&mut self) {
        let costs = self.slots.iter().map(|slot| slot.content.waiting_cost());
        self.waiting = costs.fold(0, u64::saturating_add);
    }

    /// How many places are taken.
    pub(crate) fn population(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

/// What a place is once somebody outside has this reference.
fn facet_flag(reference: Ref) -> u8 {
    match reference.facet() {
        Facet::Object | Facet::Promise => EXPORTED,
        Facet::Resolver | Facet::Follower => RESOLVABLE,
    }
}

/// Before an old place changes.
fn touch(slot: &mut Slot, index: u32, changed: &mut Vec<u32>, costs: &mut Costs) {
    if slot.flags & (YOUNG | CHANGED) == 0 {
        slot.flags |= CHANGED;
        changed.push(index);
        costs.touched = costs.touched.saturating_add(slot.content.cost());
    }
}

/// An index as one of this machine, whose words are at least that wide.
pub(crate) fn to_usize(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

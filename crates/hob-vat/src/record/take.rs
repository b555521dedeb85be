//! What becomes a record: how an actormap differs from what it was at the last commit.

use super::{Change, Free, QueueChange, TurnRecord};
use crate::actormap::Actormap;
use crate::collect::Delta;
use crate::queue::Queue;
use crate::space::{OUTSIDE, Space, to_usize};

impl TurnRecord {
    /// Whether nothing happened that a restart has to know of; `turns` were run until the last record.
    pub(crate) fn says_nothing(&self, turns: u64) -> bool {
        self.turns == turns
            && self.inputs.is_empty()
            && self.changes.is_empty()
            && self.collected.is_empty()
            && self.outbox.is_empty()
            && self.free.tail.is_empty()
            && self.queue.is_nothing()
    }
}

impl Actormap {
    /// Births and stamps.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.turn.core.space.births, self.turn.core.stamps)
    }

    /// Births in looks.
    pub(crate) fn looks(&self) -> u64 {
        self.turn.core.space.looks
    }

    /// How it differs from the last time this was asked: a record without what only a peer knows.
    pub(crate) fn take_changes(&mut self, delta: &Delta) -> TurnRecord {
        let failures = std::mem::take(&mut self.failures);
        let queue = self.queue.take_change();
        let stamps = self.turn.core.stamps;
        let space = &mut self.turn.core.space;
        let free = space.take_free_delta();
        let places = delta.born.iter().chain(&delta.changed);
        let mut changes: Vec<Change> = places.filter_map(|index| space.change(*index)).collect();
        changes.sort_unstable_by_key(|change| change.index);
        TurnRecord {
            turns: self.turns,
            births: space.births,
            stamps,
            changes,
            free,
            queue,
            failures,
            ..TurnRecord::default()
        }
    }
}

impl Space {
    /// What is at a place, as a store has it; None when it is free.
    pub(crate) fn change(&self, index: u32) -> Option<Change> {
        let slot = self.slots.get(to_usize(index))?;
        let content = slot.content.store()?;
        Some(Change { index, birth: slot.birth, outside: slot.flags & OUTSIDE, content })
    }

    /// How the list of free places differs from the last time this was asked.
    fn take_free_delta(&mut self) -> Free {
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

impl Queue {
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

//! Which actors and promises nobody can reach any more.
//!
//! Two collections. The *young* one ends every churn: what the churn made and nobody kept (most of all promises that were
//! answered) goes before anything is recorded, at a cost that depends on what the churn touched and not on the size of the
//! vat. It can do so because every old place that may have learned of a young one is in the list of changed ones. The *full* one
//! looks at everything.
//!
//! Roots are what outsiders may refer to: what left the vat in a message, and what is held by name.

use std::collections::HashMap;

use crate::actormap::Actormap;
use crate::message::Content;
use crate::reference::Ref;
use crate::space::{CHANGED, MARKED, OUTSIDE, Space, YOUNG, to_usize};

/// What a commit has to write down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    /// Places made since the last commit that are still there, in ascending order.
    pub(crate) born: Vec<u32>,
    /// Old places that changed, in ascending order.
    pub(crate) changed: Vec<u32>,
}

/// What is held from outside by name, and how often.
pub(crate) type Held = HashMap<Ref, u32>;

impl Actormap {
    /// Ends a churn: forgets what it made and nobody kept, and says what changed.
    pub(crate) fn settle_young(&mut self, held: &Held) -> Delta {
        let space = &mut self.turn.core.space;
        space.costs.written();
        let mut marker = Marker { only: YOUNG, ..Marker::default() };
        // What waited at the last commit can know nothing that was made since.
        for message in self.queue.front().chain(self.queue.back()) {
            message.visit_refs(&mut |found| marker.reach(space, found));
        }
        for out in &self.outbox {
            out.message.visit_refs(&mut |found| marker.reach(space, found));
        }
        let young = std::mem::take(&mut space.young);
        if held.len() < young.len() {
            held.keys().for_each(|found| marker.reach(space, *found));
        }
        for index in &young {
            let Some(slot) = space.slots.get(to_usize(*index)) else { continue };
            let reference = Ref::new(space.vat, *index, slot.birth, crate::reference::Facet::Object);
            let is_held = || {
                use crate::reference::Facet::{Object, Promise, Resolver};
                [Object, Promise, Resolver]
                    .iter()
                    .any(|facet| held.contains_key(&reference.with_facet(*facet)))
            };
            if slot.flags & OUTSIDE != 0 || (held.len() >= young.len() && is_held()) {
                marker.reach(space, reference);
            }
        }
        let mut changed = std::mem::take(&mut space.changed);
        for index in &changed {
            marker.visit(space, *index);
        }
        marker.finish(space);
        let mut born = Vec::new();
        // Backwards, so that the list of free places is in the order in which they would be taken again.
        for index in young.into_iter().rev() {
            let Some(slot) = space.slots.get_mut(to_usize(index)) else { continue };
            if slot.flags & MARKED == 0 {
                space.release(index);
            } else {
                slot.flags &= !(MARKED | YOUNG);
                born.push(index);
            }
        }
        for index in &changed {
            if let Some(slot) = space.slots.get_mut(to_usize(*index)) {
                slot.flags &= !CHANGED;
            }
        }
        born.sort_unstable();
        changed.sort_unstable();
        Delta { born, changed }
    }

    /// Forgets everything that cannot be reached from `roots`, from waiting messages, or from outside. Returns which places
    /// became free.
    pub(crate) fn collect_full(&mut self, roots: impl IntoIterator<Item = Ref>) -> Vec<u32> {
        let freed = self.unreachable(roots);
        self.forget(&freed);
        freed
    }

    /// Frees places, in this order.
    pub(crate) fn forget(&mut self, places: &[u32]) {
        let space = &mut self.turn.core.space;
        places.iter().for_each(|index| space.release(*index));
        // What became free has no flags any more.
        let Space { slots, young, changed, .. } = space;
        let flagged =
            |index: &u32, flag| slots.get(to_usize(*index)).is_some_and(|slot| slot.flags & flag != 0);
        young.retain(|index| flagged(index, YOUNG));
        changed.retain(|index| flagged(index, CHANGED));
    }

    /// Places of what cannot be reached from `roots`, from waiting messages, or from outside.
    pub(crate) fn unreachable(&mut self, roots: impl IntoIterator<Item = Ref>) -> Vec<u32> {
        let space = &mut self.turn.core.space;
        let mut marker = Marker::default();
        roots.into_iter().for_each(|root| marker.reach(space, root));
        for message in self.queue.iter() {
            message.visit_refs(&mut |found| marker.reach(space, found));
        }
        for out in &self.outbox {
            out.message.visit_refs(&mut |found| marker.reach(space, found));
        }
        for index in 0..u32::try_from(space.slots.len()).unwrap_or(u32::MAX) {
            if space.slots.get(to_usize(index)).is_some_and(|slot| slot.flags & OUTSIDE != 0) {
                marker.mark(space, index);
            }
        }
        marker.finish(space);
        let mut found = Vec::new();
        for (slot, index) in space.slots.iter_mut().zip(0..) {
            if slot.flags & MARKED != 0 {
                slot.flags &= !MARKED;
            } else if !matches!(slot.content, Content::Free) {
                found.push(index);
            }
        }
        // Backwards, so that those in front are taken again first.
        found.reverse();
        found
    }

    /// Forgets every actor and promise that can be reached neither from `roots`, nor by a waiting message, nor by anybody
    /// outside. Returns how many.
    pub fn collect(&mut self, roots: &[Ref]) -> usize {
        self.collect_full(roots.iter().copied()).len()
    }
}

#[derive(Default)]
struct Marker {
    /// Only places with this flag are marked; 0: all.
    only: u8,
    todo: Vec<u32>,
    found: Vec<Ref>,
}

impl Marker {
    fn reach(&mut self, space: &mut Space, found: Ref) {
        if space.is_near(found)
            && space.slots.get(to_usize(found.index())).is_some_and(|slot| slot.birth == found.birth())
        {
            self.mark(space, found.index());
        }
    }

    fn mark(&mut self, space: &mut Space, index: u32) {
        if let Some(slot) = space.slots.get_mut(to_usize(index))
            && slot.flags & MARKED == 0
            && slot.flags & self.only == self.only
        {
            slot.flags |= MARKED;
            self.todo.push(index);
        }
    }

    /// Marks what a place refers to.
    fn visit(&mut self, space: &mut Space, index: u32) {
        let mut found = std::mem::take(&mut self.found);
        if let Some(slot) = space.slots.get(to_usize(index)) {
            slot.content.visit_refs(&mut |reference| found.push(reference));
        }
        found.drain(..).for_each(|reference| self.reach(space, reference));
        self.found = found;
    }

    fn finish(&mut self, space: &mut Space) {
        while let Some(index) = self.todo.pop() {
            self.visit(space, index);
        }
    }
}

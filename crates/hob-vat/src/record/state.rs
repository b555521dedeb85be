//! A vat as its records have it: what one record after the other leads to, without any code of actors.

use std::collections::{BTreeMap, VecDeque};

use super::{Change, Sent, Snapshot, Stored, TurnRecord};
use crate::actormap::Actormap;
use crate::kinds::Kinds;
use crate::limits::Limits;
use crate::message::{Content, Message};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};
use crate::space::{CHANGED, EXPORTED, Slot, Space, to_usize};
use crate::value::Value;

/// A vat as its records have it, up to some record.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) turns: u64,
    pub(crate) births: u64,
    pub(crate) stamps: u64,
    pub(crate) places: Vec<Option<Change>>,
    pub(crate) free: Vec<u32>,
    pub(crate) queue: VecDeque<Message>,
    pub(crate) cursors: BTreeMap<VatId, u64>,
    pub(crate) sent: BTreeMap<VatId, u64>,
    pub(crate) unacknowledged: VecDeque<Sent>,
    /// Records since the snapshot.
    pub(crate) since_snapshot: u64,
    /// The number of the next record.
    pub(crate) next: u64,
}

impl State {
    /// A vat that has no records yet: nothing but its roots.
    pub(crate) fn begin() -> Self {
        let kind = crate::kind::KindRef::Static(&crate::roots::ROOTS);
        let content = Content::Object { kind, state: Value::fields([]) }.store();
        let roots = content.map(|content| Change { index: 0, birth: 0, outside: EXPORTED, content });
        Self { places: vec![roots], births: 1, ..Self::default() }
    }

    /// A vat that a snapshot stands for, after so many records.
    pub(crate) fn of(snapshot: Snapshot, at: u64) -> Self {
        let mut state = Self {
            turns: snapshot.turns,
            births: snapshot.births,
            stamps: snapshot.stamps,
            free: snapshot.free,
            queue: snapshot.queue.into(),
            cursors: snapshot.cursors.into_iter().collect(),
            sent: snapshot.sent.into_iter().collect(),
            unacknowledged: snapshot.unacknowledged.into(),
            next: at,
            ..Self::default()
        };
        state.places.resize(to_usize(snapshot.places), None);
        state.put(snapshot.contents);
        state
    }

    fn put(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Some(place) = self.places.get_mut(to_usize(change.index)) {
                *place = Some(change);
            }
        }
    }

    /// What it is after one more record.
    pub(crate) fn apply(&mut self, record: TurnRecord) -> Result<(), Problem> {
        record.follows(self.places.len(), self.free.len())?;
        (self.turns, self.births, self.stamps) = (record.turns, record.births, record.stamps);
        self.since_snapshot += 1;
        self.next += 1;
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
        for sent in record.outbox.into_iter().filter(|sent| sent.seq != 0) {
            self.sent.insert(sent.to, sent.seq);
            self.unacknowledged.push_back(sent);
        }
        Ok(())
    }

    /// What is at a place, and a reference to it.
    pub(crate) fn place(&self, vat: VatId, index: u32) -> Option<(Ref, &Change)> {
        let change = self.places.get(to_usize(index))?.as_ref()?;
        let facet =
            if matches!(change.content, Stored::Object { .. }) { Facet::Object } else { Facet::Promise };
        Some((Ref::new(vat, index, change.birth, facet), change))
    }

    /// The vat itself: kinds found, states upgraded. What was upgraded counts as changed. Says how many were.
    pub(crate) fn map(
        &self,
        vat: VatId,
        limits: Limits,
        kinds: &Kinds,
    ) -> Result<(Actormap, usize), Problem> {
        let mut map = Actormap::of_vat(vat, limits);
        let mut space = Space::new(vat);
        for (place, index) in self.places.iter().zip(0..) {
            let Some(change) = place else {
                space.slots.push(Slot { birth: u64::MAX, flags: 0, content: Content::Free });
                continue;
            };
            let (content, upgraded) = kinds.restore(&change.content, &limits).map_err(|problem| {
                let actor = Ref::new(vat, index, change.birth, Facet::Object);
                problem.of_actor(actor)
            })?;
            let flags = if upgraded { change.outside | CHANGED } else { change.outside };
            if upgraded {
                space.changed.push(index);
            }
            space.slots.push(Slot { birth: change.birth, flags, content });
        }
        space.count_waiting();
        space.free.clone_from(&self.free);
        space.free_low = space.free.len();
        space.births = self.births;
        let upgraded = space.changed.len();
        map.turn.core.space = space;
        map.turns = self.turns;
        map.turn.core.stamps = self.stamps;
        map.queue = self.queue.iter().cloned().collect();
        Ok((map, upgraded))
    }
}

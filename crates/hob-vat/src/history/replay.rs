//! Running records again: the messages that came in, on the state as it was, and whether the same comes of them.
//!
//! What a record cannot tell is what the program itself did in a vat ([`Vat::run`](crate::Vat::run)), the end of a session, and
//! upgrades. Such records are applied as they are, and said to be.

use super::{History, no_such};
use crate::actormap::{Actormap, Trace};
use crate::collect::Held;
use crate::kinds::Kinds;
use crate::log::{load, records};
use crate::problem::Problem;
use crate::record::{Change, Sent, Stored, TurnRecord};
use crate::reference::VatId;
use crate::space::{CHANGED, Slot, YOUNG, to_usize};

/// How one record was gone over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was run again, and the same came of it.
    Same(u64),
    /// The program had a hand in it: it was taken as it is.
    Applied(u64),
    /// It was run again, and something else came of it. Nothing follows.
    Differs(Divergence),
}

/// The first thing that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// In which record.
    pub record: u64,
    /// What it is about.
    pub what: String,
    /// What was written down.
    pub then: String,
    /// What came of it now.
    pub now: String,
}

/// Goes over records one after the other.
pub struct Replay<'a> {
    vat: VatId,
    map: Actormap,
    kinds: &'a Kinds,
    /// The list of free places as the records have it.
    free: Vec<u32>,
    records: Box<dyn Iterator<Item = Result<(u64, TurnRecord), Problem>> + 'a>,
    over: bool,
}

impl<'a> History<'a> {
    /// Runs records `from` up to and without `to` again, one with each step.
    ///
    /// # Errors
    ///
    /// As [`History::at`]; `unknown-kind`; what an upgrade says.
    pub fn replay<'k>(&self, vat: VatId, from: u64, to: u64, kinds: &'k Kinds) -> Result<Replay<'k>, Problem>
    where
        'a: 'k,
    {
        let state = load(self.store, vat, from, 0)?;
        if state.next != from {
            return Err(no_such(vat, from));
        }
        let (mut map, _) = state.map(vat, self.limits, kinds)?;
        // What was upgraded here was upgraded then, too, if it was: a record says so.
        map.settle_young(&Held::default());
        let records = Box::new(records(self.store, vat, from, to));
        Ok(Replay { vat, map, kinds, free: state.free, records, over: false })
    }
}

impl Iterator for Replay<'_> {
    type Item = Result<Step, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let step = self.records.next()?.and_then(|(number, record)| self.step(number, &record));
        self.over = !matches!(step, Ok(Step::Same(_) | Step::Applied(_)));
        Some(step)
    }
}

impl Replay<'_> {
    fn step(&mut self, number: u64, record: &TurnRecord) -> Result<Step, Problem> {
        record.follows(self.map.turn.core.space.slots.len(), self.free.len())?;
        self.free.truncate(usize::try_from(record.free.kept).unwrap_or(usize::MAX));
        self.free.extend_from_slice(&record.free.tail);
        if record.outside {
            self.map.apply(record, &self.free, self.kinds)?;
            return Ok(Step::Applied(number));
        }
        let differs = |what: String, then: String, now: String| {
            Ok(Step::Differs(Divergence { record: number, what, then, now }))
        };
        self.map.rerun(record);
        let delta = self.map.settle_young(&Held::default());
        if !record.collected.is_empty() {
            let unreachable = self.map.unreachable([]);
            if let Some(index) = record.collected.iter().find(|index| !unreachable.contains(index)) {
                return differs(format!("place {index}"), "collected".into(), "reached".into());
            }
            self.map.forget(&record.collected);
        }
        let outbox = std::mem::take(&mut self.map.outbox);
        let touched: Vec<u32> = delta.born.iter().chain(&delta.changed).copied().collect();
        let now = self.map.take_changes(&delta);
        let pairs = [
            ("turns", record.turns, now.turns),
            ("births", record.births, now.births),
            ("stamps", record.stamps, now.stamps),
        ];
        for (what, then, now) in pairs {
            if then != now {
                return differs(what.into(), then.to_string(), now.to_string());
            }
        }
        let sent = |it: Option<&Sent>| it.map_or("nothing".into(), |it| format!("{:?}", it.message));
        for at in 0..record.outbox.len().max(outbox.len()) {
            let then = record.outbox.get(at);
            let now = outbox.get(at).map(|out| Sent {
                to: out.to,
                seq: then.map_or(0, |then| then.seq),
                message: out.message.clone(),
            });
            if then != now.as_ref() {
                return differs(format!("message {at} that went out"), sent(then), sent(now.as_ref()));
            }
        }
        if record.failures != now.failures {
            return differs(
                "turns that failed".into(),
                format!("{:?}", record.failures),
                format!("{:?}", now.failures),
            );
        }
        if record.queue != now.queue {
            return differs("the queue".into(), format!("{:?}", record.queue), format!("{:?}", now.queue));
        }
        // Below what both left alone they are the same.
        let same = usize::try_from(record.free.kept.min(now.free.kept)).unwrap_or(usize::MAX);
        let free = &self.map.turn.core.space.free;
        if record.free.places != now.free.places || self.free.get(same..) != free.get(same..) {
            let (then, now) = (format!("{:?}", record.free), format!("{:?}", now.free));
            return differs("places".into(), then, now);
        }
        if let Some((index, then, now)) = self.differing(record, &touched) {
            let vat = self.vat;
            return differs(format!("place {index} of {vat}"), then, now);
        }
        Ok(Step::Same(number))
    }

    /// The first place that is not as the record has it.
    fn differing(&self, record: &TurnRecord, touched: &[u32]) -> Option<(u32, String, String)> {
        let space = &self.map.turn.core.space;
        let show =
            |change: Option<&Change>| change.map_or("nothing".into(), |it| format!("{:?}", it.content));
        for then in &record.changes {
            let now = space.change(then.index);
            if now.as_ref() != Some(then) {
                return Some((then.index, show(Some(then)), show(now.as_ref())));
            }
        }
        for index in touched {
            if record.changes.binary_search_by_key(index, |change| change.index).is_err()
                && let Some(now) = space.change(*index)
            {
                return Some((*index, "as it was before".into(), show(Some(&now))));
            }
        }
        None
    }
}

impl Actormap {
    /// Handles the messages of a record again, in as many turns as it took.
    pub(super) fn rerun(&mut self, record: &TurnRecord) {
        self.turn.core.space.births = record.start;
        self.turn.core.stamps = record.stamps_start;
        if let Some(Trace { queue, outbox, .. }) = &mut self.trace {
            outbox.clear();
            *queue = std::iter::repeat_n(u32::MAX, self.queue.len()).collect();
            queue.extend((0..).take(record.inputs.len()));
        }
        for input in &record.inputs {
            self.queue.push_back(input.message.clone());
        }
        while self.turns < record.turns {
            let Some(message) = self.queue.pop_front() else { break };
            self.turn(message);
        }
    }

    /// Becomes what a record says it became.
    fn apply(&mut self, record: &TurnRecord, free: &[u32], kinds: &Kinds) -> Result<(), Problem> {
        let limits = *self.turn.limits();
        let space = &mut self.turn.core.space;
        let empty = Slot { birth: u64::MAX, flags: 0, content: crate::message::Content::Free };
        space.slots.resize(to_usize(record.free.places), empty.clone());
        for index in &record.free.tail {
            space.set(*index, empty.clone());
        }
        for Change { index, birth, outside, content } in &record.changes {
            let (content, _) = kinds.restore(content, &limits)?;
            space.set(*index, Slot { birth: *birth, flags: *outside & !(YOUNG | CHANGED), content });
        }
        space.free = free.to_vec();
        space.free_low = free.len();
        space.births = record.births;
        self.turn.core.stamps = record.stamps;
        self.turns = record.turns;
        let taken = usize::try_from(record.queue.taken).unwrap_or(usize::MAX);
        let left = self.queue.iter().skip(taken);
        self.queue = record.queue.front.iter().chain(left).chain(&record.queue.back).cloned().collect();
        Ok(())
    }
}

impl Stored {
    /// What it is, in one word: `object`, `promise`, `link`, `encased` or `broken`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Object { .. } => "object",
            Self::Promise(_) => "promise",
            Self::Link(_) => "link",
            Self::Encased(_) => "encased",
            Self::Broken(_) => "broken",
        }
    }
}

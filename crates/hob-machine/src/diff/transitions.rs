//! The transitions of a state: which is which, and what is different about them.

use super::{Class, Differ};
use crate::chart::{NodeId, Semantics, TransitionId};
use crate::document::model::{State, Transition};
use crate::name::Name;
use crate::problem::below;

/// Above how many pairs two lists are matched by place.
const PAIRS_MAX: usize = 1_000_000;

/// A transition, and what it was compiled to unless it only forbids.
#[derive(Clone, Copy)]
pub(super) struct Way<'m> {
    pub(super) model: &'m Transition,
    pub(super) id: Option<TransitionId>,
}

/// What a transition is for: those that are for the same come one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
struct For<'m> {
    on: &'m Name,
    without_event: bool,
    any: bool,
    forbids: bool,
}

impl<'m> For<'m> {
    fn of(transition: &'m Transition) -> Self {
        Self {
            on: &transition.on,
            without_event: transition.event_less,
            any: transition.wildcard,
            forbids: transition.forbidden,
        }
    }
}

fn ways<'m>(state: &'m State, ids: &[TransitionId]) -> Vec<Way<'m>> {
    let mut ids = ids.iter().copied();
    let way = |model: &'m Transition| Way { model, id: if model.forbidden { None } else { ids.next() } };
    state.transitions.iter().map(way).collect()
}

impl Differ<'_> {
    pub(super) fn transitions(&mut self, was: &State, is: &State, old: NodeId, new: NodeId) {
        let before = ways(was, &self.old.node(old).transitions);
        let after = ways(is, &self.new.node(new).transitions);
        let mut kinds: Vec<For<'_>> = Vec::new();
        for way in before.iter().chain(&after) {
            if !kinds.contains(&For::of(way.model)) {
                kinds.push(For::of(way.model));
            }
        }
        for kind in kinds {
            let is_kind = |way: &&Way<'_>| For::of(way.model) == kind;
            let old_ways: Vec<Way<'_>> = before.iter().filter(is_kind).copied().collect();
            let new_ways: Vec<Way<'_>> = after.iter().filter(is_kind).copied().collect();
            self.group(&old_ways, &new_ways, old);
        }
        self.order(&before, &after, was, is);
    }

    /// Transitions for the same, in order.
    fn group(&mut self, before: &[Way<'_>], after: &[Way<'_>], old: NodeId) {
        let pairs = self.pairs(before, after);
        let mut last_matched = 0;
        for (old_place, new_place) in &pairs {
            last_matched =
                last_matched.max(new_place.filter(|_| old_place.is_some()).map_or(0, |place| place + 1));
        }
        for (old_place, new_place) in pairs {
            let was = old_place.and_then(|place| before.get(place));
            let is = new_place.and_then(|place| after.get(place));
            match (was, is) {
                (Some(was), Some(is)) => {
                    let is_last = new_place.is_some_and(|place| place + 1 == after.len());
                    self.transition(was, is, is_last);
                }
                (Some(was), None) => {
                    let message = format!("{} is gone", shown(was.model));
                    self.removed(Class::Breaking, "transition_removed", &was.model.at, message);
                }
                (None, Some(is)) => {
                    let first = new_place.is_some_and(|place| place < last_matched);
                    let (class, why) = self.addition(is.model, old, first);
                    let message = format!("{} is new{why}", shown(is.model));
                    self.added(class, "transition_added", &is.model.at, message);
                }
                (None, None) => {}
            }
        }
    }

    /// What it means that a state has one more.
    fn addition(&self, is: &Transition, old: NodeId, first: bool) -> (Class, &'static str) {
        if is.event_less {
            return (Class::Breaking, ", and needs no event");
        }
        if is.after.is_some() {
            return (Class::Breaking, ", and comes by itself");
        }
        if first {
            return (Class::Breaking, ", and comes before others for the same event");
        }
        let event = self.old.events.get(&is.on).copied().filter(|_| !is.wildcard);
        let handled = |state: NodeId| {
            let handlers = &self.old.node(state).handlers;
            match is.wildcard {
                true => !handlers.by_event.is_empty() || !handlers.any.is_empty() || handlers.forbids_all,
                false => {
                    handlers.forbid(event)
                        || !handlers.any.is_empty()
                        || (state != old && !handlers.of(event).is_empty())
                }
            }
        };
        let around = self.old.spine(old).skip(1).any(handled);
        let own = !is.wildcard && handled(old);
        match around || own {
            true => (Class::Breaking, ", and takes an event that was handled otherwise"),
            false if is.forbidden => (Class::Additive, ", and nothing was for the event"),
            false => (Class::Additive, ""),
        }
    }

    /// Which is which: what is alike stays together, the rest is matched in order between.
    fn pairs(&self, before: &[Way<'_>], after: &[Way<'_>]) -> Vec<(Option<usize>, Option<usize>)> {
        let old: Vec<String> = before.iter().map(|way| self.signature(way, true)).collect();
        let new: Vec<String> = after.iter().map(|way| self.signature(way, false)).collect();
        let anchors =
            if old.len().saturating_mul(new.len()) > PAIRS_MAX { Vec::new() } else { common(&old, &new) };
        let mut pairs = Vec::new();
        let (mut i, mut j) = (0, 0);
        for (a, b) in anchors.into_iter().chain([(old.len(), new.len())]) {
            while i < a || j < b {
                pairs.push(((i < a).then_some(i), (j < b).then_some(j)));
                i += usize::from(i < a);
                j += usize::from(j < b);
            }
            if a < old.len() && b < new.len() {
                pairs.push((Some(a), Some(b)));
                (i, j) = (a + 1, b + 1);
            }
        }
        pairs
    }

    /// Where it leads and what it asks, in the words of the new version.
    fn signature(&self, way: &Way<'_>, old: bool) -> String {
        let chart = if old { self.old } else { self.new };
        let Some(id) = way.id else { return String::new() };
        format!("{:?} {}", self.targets(id, old), self.guard_key(chart, id, old))
    }

    fn targets(&self, id: TransitionId, old: bool) -> Vec<Name> {
        let chart = if old { self.old } else { self.new };
        let names = chart.transition(id).targets.iter().map(|target| &chart.node(*target).name);
        names.map(|name| self.names.get(name).filter(|_| old).unwrap_or(name).clone()).collect()
    }

    fn transition(&mut self, was: &Way<'_>, is: &Way<'_>, is_last: bool) {
        let (old, new) = (was.model, is.model);
        if let (Some(old_id), Some(new_id)) = (was.id, is.id) {
            let (before, after) = (self.targets(old_id, true), self.targets(new_id, false));
            if before != after {
                let names = |names: &[Name]| match names {
                    [] => "nowhere".to_owned(),
                    names => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                };
                let message =
                    format!("{} leads to {} instead of {}", shown(new), names(&after), names(&before));
                self.changed(
                    Class::Breaking,
                    "target_changed",
                    &below(&old.at, "to"),
                    &below(&new.at, "to"),
                    message,
                );
            }
            self.guard(was, is, is_last);
        }
        let (old_at, new_at) = (below(&old.at, "effects"), below(&new.at, "effects"));
        self.actions(&format!("effects of {}", shown(new)), (&old_at, &old.effects), (&new_at, &new.effects));
        let (old_at, new_at) = (below(&old.at, "assigns"), below(&new.at, "assigns"));
        self.assigns(&format!("assigns of {}", shown(new)), (&old_at, &old.assigns), (&new_at, &new.assigns));
        if (old.internal, old.reenter) != (new.internal, new.reenter) {
            let message = format!("{} leaves and enters otherwise", shown(new));
            self.changed(Class::Breaking, "transition_kind_changed", &old.at, &new.at, message);
        }
        if old.raise != new.raise {
            let message = format!("{} raises other events", shown(new));
            self.changed(
                Class::Breaking,
                "raise_changed",
                &below(&old.at, "raise"),
                &below(&new.at, "raise"),
                message,
            );
        }
        if old.after != new.after {
            let nanos =
                |after: Option<i64>| after.map_or("no delay".to_owned(), |nanos| format!("{nanos} ns"));
            let message =
                format!("{} comes after {} instead of {}", shown(new), nanos(new.after), nanos(old.after));
            self.changed(
                Class::Breaking,
                "delay_changed",
                &below(&old.at, "after"),
                &below(&new.at, "after"),
                message,
            );
        }
        if old.meta != new.meta {
            let message = format!("what is kept with {} differs", shown(new));
            self.changed(Class::Cosmetic, "meta_changed", &old.at, &new.at, message);
        }
    }

    /// By the W3C's rules transitions are tried in the order of the document, whichever events they are for.
    fn order(&mut self, before: &[Way<'_>], after: &[Way<'_>], was: &State, is: &State) {
        if self.new.semantics() != Semantics::Scxml {
            return;
        }
        let kinds = |ways: &[Way<'_>]| {
            ways.iter().map(|way| (way.model.on.clone(), way.model.event_less)).collect::<Vec<_>>()
        };
        let (old, new) = (kinds(before), kinds(after));
        let kept = |these: &[(Name, bool)], those: &[(Name, bool)]| {
            these.iter().filter(|kind| those.contains(kind)).cloned().collect::<Vec<_>>()
        };
        if kept(&old, &new) != kept(&new, &old) {
            let message = format!("transitions of {} are tried in another order", is.name);
            let at = |state: &State| below(&state.at, "transitions");
            self.changed(Class::Breaking, "transitions_reordered", &at(was), &at(is), message);
        }
    }
}

/// A longest common subsequence, by places.
fn common(old: &[String], new: &[String]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    let mut lengths = vec![0_usize; (old.len() + 1) * width];
    let at = |lengths: &[usize], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let length = match a == b {
                true => at(&lengths, i + 1, j + 1) + 1,
                false => at(&lengths, i + 1, j).max(at(&lengths, i, j + 1)),
            };
            if let Some(place) = lengths.get_mut(i * width + j) {
                *place = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while let (Some(a), Some(b)) = (old.get(i), new.get(j)) {
        if a == b {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// A transition, in a sentence.
pub(super) fn shown(transition: &Transition) -> String {
    let on = match transition {
        Transition { event_less: true, .. } => "without event".to_owned(),
        Transition { wildcard: true, .. } => "for any event".to_owned(),
        Transition { on, .. } => format!("on {on}"),
    };
    let what = if transition.forbidden { "what forbids" } else { "the transition" };
    format!("{what} {on} from {}", transition.from)
}

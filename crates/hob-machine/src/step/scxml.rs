//! Steps by the W3C's rules: what is selected, and in which order it happens.
//!
//! Source: the State Chart XML recommendation (1 September 2015), appendix D. Every active leaf selects, what conflicts is
//! removed, all that is left is taken at once; states are left and entered one by one, so that what runs for one sees the
//! configuration as it is at that moment; services start once the step has come to rest. `on` is a list of event descriptors,
//! which match what begins with them. What a document of ours calls re-entering is the recommendation's external transition.
//!
//! What fails in a state or a transition does not fail the step here: the rest of that list is left out and the event
//! `error.execution` raised, as the recommendation has it. An event that nobody wants is an error, though the recommendation
//! drops it in silence: whoever sends it may ignore that.

use smallvec::SmallVec;

use super::ask::Verdict;
use super::enter::Nodes;
use super::raised::Raised;
use super::run::Place;
use super::scxml_enter::Entry;
use super::settle::ALWAYS;
use super::{Stepper, Stepping};
use crate::binding::Bound;
use crate::chart::shape::ROOT;
use crate::chart::{ActionId, AssignId, Chart, Kind, NodeId, TransitionId, Use};
use crate::error::StepError;
use crate::instance::{Context, Leaves};
use crate::origin::EventKind;
use crate::position::Position;

type Enabled = SmallVec<[TransitionId; 4]>;

/// Whether one of a list of event descriptors is for an event.
pub(crate) fn matches(descriptors: &str, event: &str) -> bool {
    descriptors.split_ascii_whitespace().any(|descriptor| {
        let prefix =
            descriptor.strip_suffix(".*").or_else(|| descriptor.strip_suffix('.')).unwrap_or(descriptor);
        prefix == "*"
            || event.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

impl<'a> Stepper<'a> {
    pub(super) fn begin_scxml(&mut self, states: &[NodeId]) -> Stepping {
        self.begin_data()?;
        let mut entry = Entry::default();
        self.plan_entry(ROOT, states, &mut entry);
        self.enter_planned(&mut entry)?;
        self.settle_scxml()
    }

    pub(super) fn handle_scxml(&mut self) -> Stepping {
        if self.has_ended() {
            return Err(StepError::Final { state: self.place(), event: self.event() });
        }
        let heeded = self.chart.heeds && self.heed()?;
        let enabled = self.enabled()?;
        if !enabled.is_empty() {
            self.microstep(&enabled)?;
        } else if self.raised.is_empty() && !heeded {
            return Err(self.unhandled());
        }
        self.settle_scxml()
    }

    /// Whether a final state at the top is active: then nothing happens any more.
    fn has_ended(&self) -> bool {
        self.active.child(self.chart, ROOT).is_some_and(|top| self.chart.node(top).kind == Kind::Final)
    }

    fn settle_scxml(&mut self) -> Stepping {
        let mut microsteps = 0;
        while !self.has_ended() {
            let enabled = if self.chart.node(ROOT).eventless_inside {
                self.without_event(Self::enabled)?
            } else {
                Enabled::new()
            };
            if !enabled.is_empty() {
                self.count(&mut microsteps)?;
                self.note(|_| ALWAYS.into());
                self.without_event(|stepper| stepper.microstep(&enabled))?;
            } else if let Some(raised) = self.next_raised() {
                self.count(&mut microsteps)?;
                self.note(|_| raised.event.to_string());
                self.internal(raised, |stepper| {
                    let enabled = stepper.enabled()?;
                    if enabled.is_empty() { Ok(()) } else { stepper.microstep(&enabled) }
                })?;
            } else {
                let started = std::mem::take(&mut self.to_start);
                started.iter().try_for_each(|state| self.start_invoked(*state))?;
                // What could not be started says so.
                if self.raised.is_empty() {
                    return Ok(());
                }
            }
        }
        self.end()
    }

    /// What every active leaf selects, without what conflicts.
    fn enabled(&mut self) -> Stepping<Enabled> {
        let chart: &'a Chart = self.chart;
        let mut leaves = Nodes::new();
        self.active.leaves(chart, ROOT, &mut |leaf| leaves.push(leaf));
        let mut enabled = Enabled::new();
        for leaf in leaves {
            if let Some(transition) = self.first_enabled(leaf)?
                && !enabled.contains(&transition)
            {
                enabled.push(transition);
            }
        }
        Ok(self.without_conflicts(&enabled))
    }

    fn first_enabled(&mut self, leaf: NodeId) -> Stepping<Option<TransitionId>> {
        let chart: &'a Chart = self.chart;
        for state in chart.spine(leaf) {
            if self.now.is_some() && chart.node(state).handlers.forbid(self.event_id()) {
                return Ok(None);
            }
            for id in &chart.node(state).transitions {
                if self.is_for_event(*id) && self.agrees(*id)? {
                    return Ok(Some(*id));
                }
            }
        }
        Ok(None)
    }

    fn is_for_event(&self, id: TransitionId) -> bool {
        let transition = self.chart.transition(id);
        let eventless = self.chart.node(transition.source).eventless.contains(&id);
        match &self.now {
            None => eventless,
            Some(_) if eventless => false,
            Some((event, number)) => match (transition.event, transition.on.as_str(), event.as_str()) {
                (None, ..) => self.chart.node(transition.source).handlers.any.contains(&id),
                (Some(_), Some(descriptors), Some(event)) => matches(descriptors, event),
                (of, ..) => of == *number,
            },
        }
    }

    /// A guard without an answer is a no, and an event that says so.
    fn agrees(&mut self, id: TransitionId) -> Stepping<bool> {
        match self.ask(id) {
            Ok(Verdict::Yes) => Ok(true),
            Ok(Verdict::No(_)) => Ok(false),
            Err(StepError::GuardError { cause, .. }) => {
                self.tell(cause, ("transition", self.chart.transition(id).position));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Of two that leave the same state only one is taken: the one from further inside, else the one that came first.
    fn without_conflicts(&self, enabled: &Enabled) -> Enabled {
        let chart = self.chart;
        if enabled.len() < 2 {
            return enabled.clone();
        }
        let mut kept: SmallVec<[(TransitionId, Option<NodeId>); 4]> = SmallVec::new();
        for id in enabled {
            // All that is active inside a domain is left. Of two domains one is around the other, or they share nothing.
            let domain = self.scxml_domain(*id);
            let source = chart.transition(*id).source;
            let conflicts = |(_, other): &(TransitionId, Option<NodeId>)| match (domain, *other) {
                (Some(a), Some(b)) => chart.is_within(a, b) || chart.is_within(b, a),
                _ => false,
            };
            let inside = |other: TransitionId| {
                let other = chart.transition(other).source;
                source != other && chart.is_within(source, other)
            };
            if kept.iter().any(|each| conflicts(each) && !inside(each.0)) {
                continue;
            }
            kept.retain(|each| !conflicts(each));
            kept.push((*id, domain));
        }
        kept.into_iter().map(|(id, _)| id).collect()
    }

    /// The state inside which a transition leaves everything; `None` when it leaves nothing.
    fn scxml_domain(&self, id: TransitionId) -> Option<NodeId> {
        let chart = self.chart;
        let transition = chart.transition(id);
        if transition.internal {
            return None;
        }
        let source = transition.source;
        let mut targets = Leaves::new();
        self.resolve(&transition.targets, &mut targets, &mut |_| {});
        let inside = |around: NodeId| {
            targets.iter().all(|target| *target != around && chart.is_within(*target, around))
        };
        if targets.is_empty() {
            return None;
        }
        if !transition.reenter && chart.node(source).kind == Kind::Compound && inside(source) {
            return Some(source);
        }
        let mut around = source;
        while around != ROOT {
            around = chart.parent(around);
            let node = chart.node(around);
            // A region of one state stands for that state.
            let compound =
                node.kind == Kind::Compound || (node.kind == Kind::Region && node.children.len() > 1);
            if compound && inside(around) {
                return Some(around);
            }
        }
        Some(ROOT)
    }

    fn microstep(&mut self, enabled: &Enabled) -> Stepping {
        let chart: &'a Chart = self.chart;
        let domains: SmallVec<[Option<NodeId>; 4]> =
            enabled.iter().map(|id| self.scxml_domain(*id)).collect();
        let mut exits: Nodes = domains.iter().flatten().flat_map(|domain| self.exits(*domain)).collect();
        exits.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(first) = enabled.first() {
            self.matched(chart.transition(*first).source);
        }
        self.leave_scxml(&exits)?;
        for id in enabled {
            let transition = chart.transition(*id);
            self.list(&transition.effects, &transition.assigns, Place::State(transition.source))?;
            for event in &transition.raise {
                self.note(|_| format!("raise.{event}"));
                self.raised.push(Raised::new(event.clone(), None, EventKind::Internal));
            }
        }
        let mut entry = Entry::default();
        for (id, domain) in enabled.iter().zip(&domains) {
            if let Some(domain) = domain {
                self.plan_entry(*domain, &chart.transition(*id).targets, &mut entry);
            }
        }
        self.enter_planned(&mut entry)
    }

    /// Runs a list. The first of it that fails ends it, as far as the next block, and is told in an event.
    pub(super) fn list(&mut self, actions: &[ActionId], assigns: &[AssignId], place: Place) -> Stepping {
        let mut failed = false;
        for action in actions {
            let bound = self.machine.actions.get(action.0 as usize);
            if matches!(bound, Some(Bound::Block)) {
                failed = false;
            } else if !failed {
                let done = self.actions(std::slice::from_ref(action), place);
                failed = self.is_told(done, ("action", position(&self.chart.actions, action.0)))?;
            }
        }
        for assign in assigns {
            if !failed {
                let kept = Context::clone(&self.context);
                let done = self.assigns(std::slice::from_ref(assign), place);
                failed = self.is_told(done, ("assign", position(&self.chart.assigns, assign.0)))?;
                if failed {
                    self.context = kept;
                }
            }
        }
        Ok(())
    }
}

fn position(uses: &[Use], index: u32) -> Option<Position> {
    uses.get(index as usize)?.position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors() {
        for (descriptors, event, expected) in [
            ("a", "a", true),
            ("a", "a.b", true),
            ("a", "ab", false),
            ("a.*", "a.b.c", true),
            ("a.*", "a", true),
            ("a.", "a.b", true),
            ("*", "x.y", true),
            ("b a", "a", true),
            ("", "a", false),
            ("foo.bar", "foo", false),
        ] {
            assert_eq!(matches(descriptors, event), expected, "{descriptors} {event}");
        }
    }
}

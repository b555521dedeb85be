//! Steps by the W3C's rules.
//!
//! Source: the State Chart XML recommendation (1 September 2015), appendix D: every active leaf selects, what conflicts is
//! removed, all that is left is taken at once. `on` is a list of event descriptors, which match what begins with them. What a
//! document of ours calls re-entering is the recommendation's external transition. An event that nobody wants is an error
//! here, though the recommendation drops it in silence: whoever sends it may ignore that.

use smallvec::SmallVec;

use super::ask::Verdict;
use super::enter::Nodes;
use super::run::Place;
use super::settle::ALWAYS;
use super::{Stepper, Stepping};
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId, TransitionId};
use crate::error::StepError;
use crate::instance::Leaves;
use crate::name::Name;

/// Raised when a guard has no answer.
const ERROR_EXECUTION: &str = "error.execution";

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
        let entered = self.fill(ROOT, states);
        self.arrive(&entered)?;
        self.raise_done(&entered)?;
        self.settle_scxml()
    }

    pub(super) fn handle_scxml(&mut self) -> Stepping {
        if self
            .active
            .first_leaf(self.chart, ROOT)
            .is_some_and(|leaf| self.chart.node(leaf).kind == Kind::Final && self.chart.parent(leaf) == ROOT)
        {
            return Err(StepError::Final { state: self.place(), event: self.event() });
        }
        let enabled = self.enabled()?;
        if enabled.is_empty() {
            return Err(self.unhandled());
        }
        self.microstep(&enabled)?;
        self.settle_scxml()
    }

    fn settle_scxml(&mut self) -> Stepping {
        let mut microsteps = 0;
        loop {
            let enabled = if self.chart.node(ROOT).eventless_inside {
                self.without_event(Self::enabled)?
            } else {
                Enabled::new()
            };
            if !enabled.is_empty() {
                self.count(&mut microsteps)?;
                self.note(|_| ALWAYS.into());
                self.without_event(|stepper| stepper.microstep(&enabled))?;
            } else if let Some((event, data)) = self.next_raised() {
                self.count(&mut microsteps)?;
                self.note(|_| event.to_string());
                self.internal(event, data, |stepper| {
                    let enabled = stepper.enabled()?;
                    if enabled.is_empty() { Ok(()) } else { stepper.microstep(&enabled) }
                })?;
            } else {
                return Ok(());
            }
        }
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
                self.raised.push((Name::from(ERROR_EXECUTION), Some(cause.into())));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Of two that leave the same state only one is taken: the one from further inside, else the one that came first.
    fn without_conflicts(&self, enabled: &Enabled) -> Enabled {
        let chart = self.chart;
        let mut kept: SmallVec<[(TransitionId, Nodes); 4]> = SmallVec::new();
        for id in enabled {
            let exits = self.scxml_domain(*id).map(|domain| self.exits(domain)).unwrap_or_default();
            let source = chart.transition(*id).source;
            let conflicts =
                |(_, other): &(TransitionId, Nodes)| exits.iter().any(|state| other.contains(state));
            let inside = |other: TransitionId| {
                let other = chart.transition(other).source;
                source != other && chart.is_within(source, other)
            };
            if kept.iter().any(|each| conflicts(each) && !inside(each.0)) {
                continue;
            }
            kept.retain(|each| !conflicts(each));
            kept.push((*id, exits));
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
        let targets = self.scxml_targets(id);
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

    fn scxml_targets(&self, id: TransitionId) -> Leaves {
        self.chart.transition(id).targets.iter().flat_map(|target| self.aim(*target).targets).collect()
    }

    fn microstep(&mut self, enabled: &Enabled) -> Stepping {
        let chart: &'a Chart = self.chart;
        let moves: SmallVec<[(TransitionId, NodeId, Leaves); 4]> = enabled
            .iter()
            .filter_map(|id| self.scxml_domain(*id).map(|domain| (*id, domain, self.scxml_targets(*id))))
            .collect();
        let mut exits: Nodes = moves.iter().flat_map(|(_, domain, _)| self.exits(*domain)).collect();
        exits.sort_unstable_by(|a, b| b.cmp(a));
        exits.dedup();
        if let Some(first) = enabled.first() {
            let source = chart.transition(*first).source;
            self.matched(source);
            self.leave(&exits, source, Place::State(source))?;
        }
        moves.iter().for_each(|(_, domain, _)| self.clear(*domain));
        for id in enabled {
            let source = chart.transition(*id).source;
            self.act(*id, Place::State(source))?;
        }
        let mut entered: Nodes =
            moves.iter().flat_map(|(_, domain, targets)| self.fill(*domain, targets)).collect();
        entered.sort_unstable();
        self.arrive(&entered)?;
        self.raise_done(&entered)
    }

    fn raise_done(&mut self, entered: &Nodes) -> Stepping {
        let chart: &'a Chart = self.chart;
        for id in entered.iter().filter(|id| chart.node(**id).kind == Kind::Final) {
            let around = chart.parent(*id);
            if around == ROOT {
                continue;
            }
            self.done_event(around)?;
            // A region of one state stands for that state.
            let mut outer = chart.parent(around);
            while chart.node(outer).kind == Kind::Region {
                outer = chart.parent(outer);
            }
            if chart.node(outer).kind == Kind::Parallel && self.is_in_final(outer) {
                self.done_event(outer)?;
            }
        }
        Ok(())
    }

    fn done_event(&mut self, state: NodeId) -> Stepping {
        let node = self.chart.node(state);
        let event = Name::from(format!("done.state.{}", node.label));
        self.note(|_| format!("raise.{event}"));
        self.raised.push((event, None));
        self.actions(&node.on_done, Place::State(state))
    }

    fn is_in_final(&self, state: NodeId) -> bool {
        let chart = self.chart;
        match chart.node(state).kind {
            Kind::Parallel => chart.node(state).children.iter().all(|region| self.is_in_final(*region)),
            Kind::Region | Kind::Compound => self.active.child(chart, state).is_some_and(|child| {
                let node = chart.node(child);
                let wrapper = chart.node(state).kind == Kind::Region && chart.node(state).children.len() == 1;
                node.kind == Kind::Final || (wrapper && self.is_in_final(child))
            }),
            _ => false,
        }
    }
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

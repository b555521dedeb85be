//! What the reference kernel does differently, for machines that rely on it: `crucible-1.0`.
//!
//! * Of nested parallel states the innermost is asked first, then the one around it, each region by its first leaf alone; in a
//!   region `forbidden`, `internal` and `reenter` do not count, and a target around the leaf is entered again.
//! * Re-entering a state around the leaf runs the entry of what was active in it, too.
//! * What is complete is looked at only when the target itself is final, and never after a transition without event in a region.
//! * What was raised goes before transitions without event; a raised event that guards refuse or that comes to a final leaf
//!   fails the step.
//!
//! What it does to configurations that are none afterwards is not here: those machines are done right in either mode.

use super::ask::Verdict;
use super::enter::Nodes;
use super::run::Place;
use super::settle::ALWAYS;
use super::{Stepper, Stepping};
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId, TransitionId};
use crate::error::StepError;
use crate::instance::Context;

impl<'a> Stepper<'a> {
    pub(super) fn fire_compat(&mut self) -> Stepping {
        if let Some(parallel) = self.innermost() {
            return self.broadcast(parallel);
        }
        let Some(leaf) = self.active.first_leaf(self.chart, ROOT) else { return Err(self.unhandled()) };
        if self.chart.node(leaf).kind == Kind::Final {
            return Err(StepError::Final { state: self.place(), event: self.event() });
        }
        let mut refused = None;
        if self.climb_compat(leaf, &mut refused)? {
            return Ok(());
        }
        Err(refused.map_or_else(|| self.unhandled(), |guard| StepError::GuardFailed { guard }))
    }

    pub(super) fn settle_compat(&mut self) -> Stepping {
        let mut microsteps = 0;
        loop {
            if let Some(raised) = self.next_raised() {
                self.count(&mut microsteps)?;
                self.note(|_| raised.event.to_string());
                match self.internal(raised, Self::fire_compat) {
                    Err(StepError::NoTransition { .. }) => {}
                    done => done?,
                }
            } else if let Some((transition, leaf)) = self.eventless() {
                self.count(&mut microsteps)?;
                self.note(|_| ALWAYS.into());
                self.without_event(|stepper| match stepper.innermost() {
                    Some(parallel) if stepper.chart.is_within(leaf, parallel) => {
                        stepper.take_in_region(transition, leaf, parallel)
                    }
                    _ => stepper.commit(transition, leaf),
                })?;
            } else {
                return Ok(());
            }
        }
    }

    /// The deepest active state with several regions; of two the first.
    fn innermost(&self) -> Option<NodeId> {
        let chart = self.chart;
        let mut best: Option<NodeId> = None;
        self.active.leaves(chart, ROOT, &mut |leaf| {
            let deepest = chart.spine(leaf).find(|around| chart.is_orthogonal(*around));
            if let Some(deepest) = deepest
                && best.is_none_or(|best| chart.node(deepest).depth > chart.node(best).depth)
            {
                best = Some(deepest);
            }
        });
        best
    }

    fn broadcast(&mut self, parallel: NodeId) -> Stepping {
        let chart: &'a Chart = self.chart;
        self.matched(parallel);
        self.offered = Some(Context::clone(&self.context));
        let mut handled = false;
        for region in &chart.node(parallel).children {
            let Some(leaf) = self.active.first_leaf(chart, *region) else { continue };
            if self.fire_region(leaf, parallel)? {
                handled = true;
                self.note(|_| format!("region:{}", chart.node(*region).label));
            }
        }
        self.offered = None;
        if handled {
            if self.active.is_active(chart, parallel) && self.is_complete(parallel) {
                self.finish_parallel(parallel, &mut Nodes::new())?;
            }
            return Ok(());
        }
        let around = chart.spine(parallel).skip(1).find(|around| chart.is_orthogonal(*around));
        if let Some(around) = around {
            return self.broadcast(around);
        }
        if self.climb_compat(parallel, &mut None)? { Ok(()) } else { Err(self.unhandled()) }
    }

    fn fire_region(&mut self, leaf: NodeId, parallel: NodeId) -> Stepping<bool> {
        let chart: &'a Chart = self.chart;
        let event = self.event_id();
        let mut state = leaf;
        while state != parallel {
            for transition in chart.node(state).handlers.of(event) {
                if matches!(self.ask(*transition)?, Verdict::Yes) {
                    self.take_in_region(*transition, leaf, parallel)?;
                    return Ok(true);
                }
            }
            state = chart.parent(state);
        }
        Ok(false)
    }

    fn climb_compat(&mut self, from: NodeId, refused: &mut Option<String>) -> Stepping<bool> {
        let chart: &'a Chart = self.chart;
        let event = self.event_id();
        for state in chart.spine(from) {
            let handlers = &chart.node(state).handlers;
            if handlers.forbid(event) {
                self.matched(state);
                self.note(|this| format!("forbidden.{}@{}", this.event(), chart.node(state).label));
                return Ok(true);
            }
            for transition in handlers.of(event) {
                match self.ask(*transition)? {
                    Verdict::No(guard) => *refused = Some(guard),
                    Verdict::Yes => {
                        self.matched(state);
                        self.commit(*transition, from)?;
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn take_in_region(&mut self, id: TransitionId, leaf: NodeId, parallel: NodeId) -> Stepping {
        let Some(target) = self.chart.transition(id).targets.first() else {
            return self.act(id, Place::Transition(leaf, leaf));
        };
        let aim = self.aim(*target);
        let domain = self.domain(leaf, aim.to, false);
        self.move_to(id, leaf, domain, aim.to, &aim.targets, false)?;
        if self.chart.node(aim.to).kind == Kind::Final {
            let mut inside = aim.to;
            while let Some(around) = self.chart.state_around(inside).filter(|around| *around != parallel) {
                if !self.completes_one(inside, around)? {
                    break;
                }
                inside = around;
            }
        }
        Ok(())
    }

    fn commit(&mut self, id: TransitionId, from: NodeId) -> Stepping {
        let Some(target) = self.chart.transition(id).targets.first().filter(|_| !self.stays(id, from)) else {
            return self.act(id, Place::Transition(from, from));
        };
        let aim = self.aim(*target);
        let reenter = self.chart.transition(id).reenter;
        let domain = self.domain(from, aim.to, reenter);
        let again = reenter && self.chart.is_within(from, aim.to);
        self.move_to(id, from, domain, aim.to, &aim.targets, again)?;
        if self.chart.node(aim.to).kind == Kind::Final {
            let mut inside = aim.to;
            while let Some(around) = self.chart.state_around(inside) {
                if !self.completes_one(inside, around)? {
                    break;
                }
                inside = around;
            }
        }
        Ok(())
    }

    fn move_to(
        &mut self,
        id: TransitionId,
        from: NodeId,
        domain: NodeId,
        to: NodeId,
        targets: &[NodeId],
        again: bool,
    ) -> Stepping {
        let place = Place::Transition(from, to);
        let exits = self.exits(domain);
        self.leave(&exits, from, place)?;
        self.clear(domain);
        self.act(id, place)?;
        let mut entered = self.fill(domain, targets);
        if again {
            // What was active on the way from the target to the leaf is entered, and is not active.
            let stale: Nodes = self.chart.spine(from).take_while(|state| *state != to).collect();
            let stale = stale.into_iter().filter(|state| self.chart.node(*state).kind != Kind::Region).rev();
            entered.insert_many(1, stale);
        }
        self.arrive(&entered)
    }

    /// A state with children is complete when any active leaf inside is final, a parallel one when the first of each region is.
    pub(super) fn is_complete_compat(&self, node: NodeId) -> bool {
        let chart = self.chart;
        let is_final = |leaf: NodeId| chart.node(leaf).kind == Kind::Final;
        match chart.node(node).kind {
            Kind::Final => true,
            Kind::Parallel => {
                let regions = &chart.node(node).children;
                regions.iter().all(|region| self.active.first_leaf(chart, *region).is_some_and(is_final))
            }
            Kind::Compound => {
                let mut complete = false;
                self.active.leaves(chart, node, &mut |leaf| complete |= is_final(leaf));
                complete
            }
            _ => false,
        }
    }
}

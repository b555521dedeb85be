//! What is complete, and what follows from that.
//!
//! A state is complete when what is active inside it has come to a final state: of a parallel state, in each region. What is listed for it runs when a final state is entered, from the inside out as far as states are complete. A
//! parallel state is looked at once, after all its regions have moved.

use super::enter::Nodes;
use super::run::Place;
use super::{Stepper, Stepping};
use crate::chart::{Kind, NodeId, Semantics};

impl Stepper<'_> {
    /// Looks from each final state that was entered outwards, up to a parallel state, which is looked at later.
    pub(super) fn completes(&mut self, entered: &Nodes) -> Stepping {
        for id in entered {
            if self.chart.node(*id).kind == Kind::Final {
                self.complete_from(*id)?;
            }
        }
        Ok(())
    }

    fn complete_from(&mut self, leaf: NodeId) -> Stepping {
        let mut inside = leaf;
        while let Some(around) = self.chart.state_around(inside) {
            if self.chart.is_orthogonal(around) {
                if !self.completed.contains(&around) {
                    self.completed.push(around);
                }
                return Ok(());
            }
            if !self.completes_one(inside, around)? {
                return Ok(());
            }
            inside = around;
        }
        Ok(())
    }

    /// Whether `around` is complete now; what is listed for it runs then.
    pub(super) fn completes_one(&mut self, inside: NodeId, around: NodeId) -> Stepping<bool> {
        self.note(|this| format!("done.{}", this.chart.node(inside).label));
        if !self.is_complete(around) {
            return Ok(false);
        }
        let chart = self.chart;
        self.actions(&chart.node(around).on_done, Place::State(around))?;
        Ok(true)
    }

    /// Looks at the parallel states that were put off.
    pub(super) fn finish_completed(&mut self) -> Stepping {
        let mut seen = Nodes::new();
        while !self.completed.is_empty() {
            // The innermost first: those around it may become complete with it.
            let Some(place) = (0..self.completed.len()).max_by_key(|place| {
                self.completed.get(*place).map(|id| (self.chart.node(*id).depth, u32::MAX - id.0))
            }) else {
                return Ok(());
            };
            let parallel = self.completed.swap_remove(place);
            if seen.contains(&parallel) || !self.is_complete(parallel) {
                continue;
            }
            seen.push(parallel);
            self.finish_parallel(parallel, &mut seen)?;
        }
        Ok(())
    }

    /// A parallel state that is complete, and those around it as far as they are.
    pub(super) fn finish_parallel(&mut self, parallel: NodeId, seen: &mut Nodes) -> Stepping {
        let chart = self.chart;
        self.note(|_| format!("done.{}", chart.node(parallel).label));
        self.actions(&chart.node(parallel).on_done, Place::State(parallel))?;
        let mut inside = parallel;
        while let Some(around) = chart.state_around(inside) {
            if seen.contains(&around) || !self.completes_one(inside, around)? {
                return Ok(());
            }
            seen.push(around);
            inside = around;
        }
        Ok(())
    }

    /// Whether a state is complete.
    pub(super) fn is_complete(&self, node: NodeId) -> bool {
        if self.chart.semantics == Semantics::Crucible {
            self.is_complete_compat(node)
        } else {
            self.is_done(node)
        }
    }

    /// Whether everything active inside a state has come to a final one.
    fn is_done(&self, node: NodeId) -> bool {
        let chart = self.chart;
        match chart.node(node).kind {
            Kind::Final => true,
            Kind::Parallel => chart.node(node).children.iter().all(|region| self.is_done(*region)),
            Kind::Compound | Kind::Region | Kind::Root => {
                self.active.child(chart, node).is_some_and(|child| self.is_done(child))
            }
            Kind::Atomic | Kind::History(_) => false,
        }
    }
}

//! Leaving and entering by the W3C's rules: state by state, each with what it lists, starts and stops.
//!
//! What is entered is planned from the top down before anything of it happens, so that it is a configuration whatever the
//! targets are. Source: the State Chart XML recommendation, appendix D, `exitStates`, `enterStates`, `isInFinalState`.

use serde_json::Value;
use smallvec::SmallVec;

use super::enter::Nodes;
use super::raised::Raised;
use super::run::Place;
use super::{Stepper, Stepping};
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId};
use crate::document::model::History;
use crate::instance::Leaves;
use crate::name::Name;
use crate::origin::EventKind;

/// What will be entered.
#[derive(Default)]
pub(super) struct Entry {
    states: Nodes,
    /// Those of which no target says what is active inside.
    by_default: Nodes,
    /// History states that had nothing to remember.
    unremembered: SmallVec<[NodeId; 2]>,
}

impl<'a> Stepper<'a> {
    /// What targets stand for, once history states have said what they remember; those that remember nothing are told.
    pub(super) fn resolve(
        &self,
        targets: &[NodeId],
        found: &mut Leaves,
        unremembered: &mut dyn FnMut(NodeId),
    ) {
        let chart = self.chart;
        for target in targets {
            let node = chart.node(*target);
            let Kind::History(history) = node.kind else {
                found.push(*target);
                continue;
            };
            let of = node.parent;
            match (self.active.remembered(of), history) {
                (Some(leaves), History::Deep) => found.extend(leaves.iter().copied()),
                (Some(leaves), History::Shallow) => {
                    let region = chart.node(of).kind == Kind::Parallel;
                    let child = leaves.first().and_then(|leaf| chart.child_toward(of, *leaf));
                    found.extend(if region { Some(of) } else { child });
                }
                (None, _) => {
                    unremembered(*target);
                    // A default is further inside, or no history state: this ends.
                    match (&*node.more_defaults, node.default) {
                        ([], None) => found.push(of),
                        ([], Some(default)) => self.resolve(&[default], found, unremembered),
                        (defaults, _) => self.resolve(defaults, found, unremembered),
                    }
                }
            }
        }
    }

    /// Plans what becomes active inside `domain`.
    pub(super) fn plan_entry(&self, domain: NodeId, targets: &[NodeId], entry: &mut Entry) {
        let mut resolved = Leaves::new();
        self.resolve(targets, &mut resolved, &mut |history| entry.unremembered.push(history));
        self.plan_inside(domain, &resolved, entry);
    }

    fn plan_inside(&self, inside: NodeId, targets: &[NodeId], entry: &mut Entry) {
        let chart: &'a Chart = self.chart;
        let node = chart.node(inside);
        match node.kind {
            Kind::Parallel => {
                for region in &node.children {
                    self.plan_inside(*region, targets, entry);
                }
            }
            Kind::Root | Kind::Region | Kind::Compound => {
                let toward = |targets: &[NodeId]| {
                    let inner = |target: &&NodeId| **target != inside && chart.is_within(**target, inside);
                    targets.iter().find(inner).and_then(|target| chart.child_toward(inside, *target))
                };
                if let Some(child) = toward(targets) {
                    entry.states.push(child);
                    return self.plan_inside(child, targets, entry);
                }
                entry.by_default.push(inside);
                let mut initial = Leaves::new();
                self.resolve(&node.initial, &mut initial, &mut |history| entry.unremembered.push(history));
                if let Some(child) = toward(&initial) {
                    entry.states.push(child);
                    self.plan_inside(child, &initial, entry);
                }
            }
            Kind::Atomic | Kind::Final | Kind::History(_) => {}
        }
    }

    pub(super) fn enter_planned(&mut self, entry: &mut Entry) -> Stepping {
        let chart: &'a Chart = self.chart;
        entry.states.sort_unstable();
        for id in &entry.states {
            if let Some(slot) = chart.node(chart.parent(*id)).slot {
                self.set_child(slot, *id);
            }
            let node = chart.node(*id);
            if let Some(trace) = &mut self.trace {
                trace.entered_states.push(std::sync::Arc::clone(&node.label));
            }
            self.list(&node.on_entry, &node.on_entry_assign, Place::State(*id))?;
            if entry.by_default.contains(id) {
                self.list(&node.on_initial, &[], Place::State(*id))?;
            }
            for history in entry.unremembered.iter().filter(|history| chart.parent(**history) == *id) {
                let history = chart.node(*history);
                self.list(&history.on_entry, &history.on_entry_assign, Place::State(*id))?;
            }
            self.start_timers(*id)?;
            if !(node.services.is_empty() && node.actors.is_empty()) {
                self.to_start.push(*id);
            }
            if node.kind == Kind::Final {
                self.raise_done(*id)?;
            }
        }
        Ok(())
    }

    pub(super) fn leave_scxml(&mut self, exits: &Nodes) -> Stepping {
        let chart: &'a Chart = self.chart;
        for id in exits {
            if matches!(chart.node(*id).kind, Kind::Compound | Kind::Parallel) {
                let mut leaves = Leaves::new();
                self.active.leaves(chart, *id, &mut |leaf| leaves.push(leaf));
                self.remember(*id, leaves);
            }
        }
        for id in exits {
            self.run_exit(*id)?;
            if let Some(slot) = chart.node(chart.parent(*id)).slot {
                self.set_child(slot, ROOT);
            }
        }
        Ok(())
    }

    fn run_exit(&mut self, id: NodeId) -> Stepping {
        let node = self.chart.node(id);
        if let Some(trace) = &mut self.trace {
            trace.exited_states.push(std::sync::Arc::clone(&node.label));
        }
        self.list(&node.on_exit, &node.on_exit_assign, Place::State(id))?;
        match self.to_start.iter().position(|state| *state == id) {
            // What has not begun need not be stopped.
            Some(place) => {
                self.to_start.remove(place);
                self.stop_timers(id)
            }
            None => self.stop(&Nodes::from_slice(&[id]), id),
        }
    }

    /// The machine has come to its end: everything runs its exit. What is active stays, for whoever looks.
    pub(super) fn end(&mut self) -> Stepping {
        self.raised.clear();
        let mut exits = self.exits(ROOT);
        exits.sort_unstable_by(|a, b| b.cmp(a));
        exits.iter().try_for_each(|id| self.run_exit(*id))?;
        self.raised.clear();
        Ok(())
    }

    /// What follows from a final state having been entered.
    fn raise_done(&mut self, id: NodeId) -> Stepping {
        let chart: &'a Chart = self.chart;
        let around = chart.parent(id);
        let data = self.done_data(id)?;
        if around == ROOT {
            return Ok(());
        }
        if chart.node(around).kind == Kind::Region {
            // Regions of several states are not the recommendation's; they have no event of their own.
            return self.parallel_done(chart.parent(around));
        }
        self.done_event(around, data)?;
        match chart.state_around(around) {
            Some(outer) if chart.node(outer).kind == Kind::Parallel => self.parallel_done(outer),
            _ => Ok(()),
        }
    }

    fn parallel_done(&mut self, parallel: NodeId) -> Stepping {
        if self.is_in_final(parallel) { self.done_event(parallel, None) } else { Ok(()) }
    }

    fn done_event(&mut self, state: NodeId, data: Option<Value>) -> Stepping {
        let node = self.chart.node(state);
        let event = Name::from(format!("done.state.{}", node.label));
        self.note(|_| format!("raise.{event}"));
        self.raised.push(Raised::new(event, data, EventKind::Platform));
        self.list(&node.on_done, &[], Place::State(state))
    }

    fn is_in_final(&self, state: NodeId) -> bool {
        let chart = self.chart;
        match chart.node(state).kind {
            Kind::Parallel => chart.node(state).children.iter().all(|region| self.is_in_final(*region)),
            Kind::Region | Kind::Compound => self.active.child(chart, state).is_some_and(|child| {
                let node = chart.node(child);
                // A region of one state stands for that state.
                let wrapper = chart.node(state).kind == Kind::Region && chart.node(state).children.len() == 1;
                node.kind == Kind::Final || (wrapper && self.is_in_final(child))
            }),
            _ => false,
        }
    }
}

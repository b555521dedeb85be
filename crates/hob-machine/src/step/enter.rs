//! What is left and what is entered: worked out on the tree, so that what comes of it is always a configuration.

use smallvec::SmallVec;

use super::{Stepper, Undo};
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId};
use crate::document::model::History;
use crate::instance::Leaves;

/// States in the order in which they are left or entered.
pub(super) type Nodes = SmallVec<[NodeId; 16]>;

/// Where a transition leads, once history states have said what they remember.
pub(super) struct Aim {
    /// The state that is aimed at, or the one whose history it is.
    pub(super) to: NodeId,
    /// What must be active afterwards.
    pub(super) targets: Leaves,
}

impl<'a> Stepper<'a> {
    /// What a target stands for.
    pub(super) fn aim(&self, target: NodeId) -> Aim {
        let node = self.chart.node(target);
        let Kind::History(history) = node.kind else {
            return Aim { to: target, targets: Leaves::from_slice(&[target]) };
        };
        let to = node.parent;
        let targets = match self.active.remembered(to) {
            Some(leaves) if history == History::Deep => leaves.clone(),
            // The child of the state whose history it is that held the first of them.
            Some(leaves) => {
                let child = leaves.first().and_then(|leaf| self.chart.child_toward(to, *leaf));
                child.into_iter().collect()
            }
            None => match node.default {
                Some(default) => Leaves::from_slice(&[default]),
                None => Leaves::from_slice(&self.chart.node(to).initial),
            },
        };
        Aim { to, targets }
    }

    /// The state inside which everything that is active is left by a transition from `from`.
    pub(super) fn domain(&self, from: NodeId, to: NodeId, reenter: bool) -> NodeId {
        let chart = self.chart;
        if reenter && chart.is_within(from, to) {
            return chart.parent(to);
        }
        let common = chart.common(from, to);
        if chart.node(common).kind != Kind::Parallel {
            return common;
        }
        // From the parallel state itself only the region that it leads into is concerned; from inside another region all are.
        match chart.child_toward(common, to) {
            Some(region) if common == from => region,
            _ if common == ROOT => ROOT,
            _ => chart.parent(common),
        }
    }

    /// The active states inside `domain`, from the inside out and regions in order.
    pub(super) fn exits(&self, domain: NodeId) -> Nodes {
        let mut exits = Nodes::new();
        self.collect_exits(domain, &mut exits);
        exits
    }

    fn collect_exits(&self, inside: NodeId, exits: &mut Nodes) {
        let chart = self.chart;
        let mut leave = |child: NodeId| {
            self.collect_exits(child, exits);
            if chart.node(child).kind != Kind::Region {
                exits.push(child);
            }
        };
        match chart.node(inside).kind {
            Kind::Parallel => chart.node(inside).children.iter().for_each(|region| leave(*region)),
            _ => self.active.child(chart, inside).into_iter().for_each(leave),
        }
    }

    /// Nothing is active inside `domain` any more.
    pub(super) fn clear(&mut self, domain: NodeId) {
        let chart = self.chart;
        if chart.node(domain).kind == Kind::Parallel {
            for region in &chart.node(domain).children {
                self.clear(*region);
            }
        } else if let Some(child) = self.active.child(chart, domain) {
            self.clear(child);
            if let Some(slot) = chart.node(domain).slot {
                self.set_child(slot, ROOT);
            }
        }
    }

    /// Makes `targets` active inside `domain`, with all that must be active beside them; returns what was entered.
    pub(super) fn fill(&mut self, domain: NodeId, targets: &[NodeId]) -> Nodes {
        let mut entered = Nodes::new();
        self.fill_inside(domain, targets, &mut entered);
        entered
    }

    fn fill_inside(&mut self, inside: NodeId, targets: &[NodeId], entered: &mut Nodes) {
        let chart: &'a Chart = self.chart;
        let node = chart.node(inside);
        match node.kind {
            Kind::Parallel => {
                for region in &node.children {
                    self.fill_inside(*region, targets, entered);
                }
            }
            Kind::Root | Kind::Region | Kind::Compound => {
                let aimed = |targets: &[NodeId]| {
                    let target =
                        targets.iter().find(|target| **target != inside && chart.is_within(**target, inside));
                    target.and_then(|target| chart.child_toward(inside, *target))
                };
                let (child, targets) = match aimed(targets) {
                    Some(child) => (child, targets),
                    None => match aimed(&node.initial) {
                        Some(child) => (child, &*node.initial),
                        None => return,
                    },
                };
                if let Some(slot) = node.slot {
                    let old = self.active.put(slot, child);
                    self.undo.push(Undo::Child(slot, old));
                }
                entered.push(child);
                self.fill_inside(child, targets, entered);
            }
            Kind::Atomic | Kind::Final | Kind::History(_) => {}
        }
    }
}

//! One machine that runs: which states are active, what it remembers, and nothing else.
//!
//! An instance is small, because everything that does not change is in the [`Machine`] that many share.

use std::sync::Arc;

use serde_json::Value;
use smallvec::SmallVec;

use crate::binding::Machine;
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId};
use crate::name::Name;

/// Which leaves were active inside a state when it was left last.
pub(crate) type Leaves = SmallVec<[NodeId; 2]>;

/// What a machine knows beside where it is, shared with steps that may have to put it back. Without weak references, so that asking
/// whether anybody else sees it is one look.
pub(crate) type Context = triomphe::Arc<Value>;

/// A machine that runs.
#[derive(Clone, Debug)]
pub struct Instance {
    pub(crate) machine: Arc<Machine>,
    pub(crate) active: Active,
    pub(crate) context: Context,
}

/// A configuration, and those that history states lead back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Active {
    /// For each state that has one, which child is active; the root when none is.
    slots: SmallVec<[NodeId; 4]>,
    history: Vec<(NodeId, Leaves)>,
}

impl Active {
    pub(crate) fn none(chart: &Chart) -> Self {
        Self { slots: SmallVec::from_elem(ROOT, chart.slots), history: Vec::new() }
    }

    /// The active child of a state that has one of several.
    pub(crate) fn child(&self, chart: &Chart, node: NodeId) -> Option<NodeId> {
        let slot = chart.node(node).slot?;
        self.slots.get(slot as usize).copied().filter(|child| *child != ROOT)
    }

    /// Makes a child the active one, or none; returns which was.
    pub(crate) fn put(&mut self, slot: u32, child: NodeId) -> NodeId {
        self.slots.get_mut(slot as usize).map_or(ROOT, |place| std::mem::replace(place, child))
    }

    pub(crate) fn is_active(&self, chart: &Chart, node: NodeId) -> bool {
        if matches!(chart.node(node).kind, Kind::History(_)) {
            return false;
        }
        let mut node = node;
        while node != ROOT {
            let parent = chart.parent(node);
            if chart.node(parent).kind != Kind::Parallel && self.child(chart, parent) != Some(node) {
                return false;
            }
            node = parent;
        }
        true
    }

    /// The active leaves inside `node`, in the order of the document.
    pub(crate) fn leaves(&self, chart: &Chart, node: NodeId, found: &mut impl FnMut(NodeId)) {
        match chart.node(node).kind {
            Kind::Parallel => {
                for region in &chart.node(node).children {
                    self.leaves(chart, *region, found);
                }
            }
            Kind::Root | Kind::Region | Kind::Compound => {
                if let Some(child) = self.child(chart, node) {
                    self.leaves(chart, child, found);
                }
            }
            Kind::Atomic | Kind::Final | Kind::History(_) => found(node),
        }
    }

    /// The first active leaf inside `node`.
    pub(crate) fn first_leaf(&self, chart: &Chart, node: NodeId) -> Option<NodeId> {
        let mut node = node;
        loop {
            node = match chart.node(node).kind {
                Kind::Parallel => *chart.node(node).children.first()?,
                Kind::Root | Kind::Region | Kind::Compound => self.child(chart, node)?,
                Kind::Atomic | Kind::Final | Kind::History(_) => return Some(node),
            };
        }
    }

    pub(crate) fn remembered(&self, node: NodeId) -> Option<&Leaves> {
        self.history.iter().find(|(of, _)| *of == node).map(|(_, leaves)| leaves)
    }

    /// Remembers, or forgets; returns what was remembered.
    pub(crate) fn remember(&mut self, node: NodeId, leaves: Option<Leaves>) -> Option<Leaves> {
        let place = self.history.iter().position(|(of, _)| *of == node);
        match (place, leaves) {
            (Some(place), Some(leaves)) => {
                self.history.get_mut(place).map(|(_, old)| std::mem::replace(old, leaves))
            }
            (Some(place), None) => Some(self.history.swap_remove(place).1),
            (None, Some(leaves)) => {
                self.history.push((node, leaves));
                None
            }
            (None, None) => None,
        }
    }

    pub(crate) fn history(&self) -> &[(NodeId, Leaves)] {
        &self.history
    }
}

impl Instance {
    /// What it shares with others.
    #[must_use]
    pub fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// What it remembers.
    #[must_use]
    pub fn context(&self) -> &Value {
        &self.context
    }

    /// The active leaves, in the order of the document.
    #[must_use]
    pub fn configuration(&self) -> Vec<Name> {
        let chart = &self.machine.chart;
        let mut names = Vec::new();
        self.active.leaves(chart, ROOT, &mut |leaf| names.push(chart.node(leaf).name.clone()));
        names
    }

    /// Every active state, those around before those inside.
    #[must_use]
    pub fn active_states(&self) -> Vec<Name> {
        let chart = &self.machine.chart;
        let active =
            chart.nodes().filter(|(id, node)| node.kind != Kind::Region && self.active.is_active(chart, *id));
        active.map(|(_, node)| node.name.clone()).collect()
    }

    /// The first active leaf.
    #[must_use]
    pub fn current(&self) -> Option<&Name> {
        let chart = &self.machine.chart;
        self.active.first_leaf(chart, ROOT).map(|leaf| &chart.node(leaf).name)
    }

    /// Whether a state is active.
    #[must_use]
    pub fn is_in(&self, state: &Name) -> bool {
        let chart = &self.machine.chart;
        chart.state(state).is_some_and(|state| self.active.is_active(chart, state))
    }

    /// Whether every active leaf is final.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let chart = &self.machine.chart;
        let mut done = true;
        self.active.leaves(chart, ROOT, &mut |leaf| done &= chart.node(leaf).kind == Kind::Final);
        done
    }
}

//! Which states could be active by the shape of a chart alone.
//!
//! More than can be, never less: every transition of a state that could be active is taken to be taken. It stands in where an
//! exploration gave up, and is no more than a walk along the transitions.

use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId};

/// For each state whether it could be active, by its number.
pub(super) fn states(chart: &Chart) -> Vec<bool> {
    let count = chart.nodes().count() + 1;
    let mut walk = Walk { chart, possible: vec![false; count], next: Vec::new() };
    walk.enter(ROOT);
    while let Some(state) = walk.next.pop() {
        for id in &chart.node(state).transitions {
            for target in &chart.transition(*id).targets {
                walk.enter(*target);
            }
        }
    }
    walk.possible
}

struct Walk<'a> {
    chart: &'a Chart,
    possible: Vec<bool>,
    next: Vec<NodeId>,
}

impl Walk<'_> {
    /// A state, those around it, and where each of them that is new begins.
    fn enter(&mut self, state: NodeId) {
        let mut stack = vec![state];
        while let Some(state) = stack.pop() {
            let Some(seen) = self.possible.get_mut(state.0 as usize).filter(|seen| !**seen) else { continue };
            *seen = true;
            let node = self.chart.node(state);
            self.next.push(state);
            stack.push(node.parent);
            stack.extend(node.initial.iter().chain(&node.default));
            if node.kind == Kind::Parallel {
                stack.extend(&node.children);
            }
        }
    }
}

//! Whether leaves can be active together: one child in every compound state, every region of every parallel one.

use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId};
use crate::instance::Active;

/// Makes `leaves` active inside `inside`, and nothing else. Errors: why they cannot be, in words.
pub(super) fn activate(
    chart: &Chart,
    active: &mut Active,
    inside: NodeId,
    leaves: &[NodeId],
) -> Result<(), String> {
    let label = |node: NodeId| chart.node(node).label.to_string();
    for leaf in leaves {
        let mut node = *leaf;
        while node != inside {
            let parent = chart.parent(node);
            if let Some(slot) = chart.node(parent).slot {
                let other = active.put(slot, node);
                if other != ROOT && other != node {
                    return Err(format!("{} and {} cannot be active together", label(other), label(node)));
                }
            }
            node = parent;
        }
    }
    // Whatever is active and has states inside has an active one.
    let mut left = vec![inside];
    let mut found = Vec::new();
    while let Some(node) = left.pop() {
        match chart.node(node).kind {
            Kind::Parallel => left.extend(&chart.node(node).children),
            Kind::Root | Kind::Region | Kind::Compound => match active.child(chart, node) {
                Some(child) => left.push(child),
                None if node == ROOT => return Err("no state is active".into()),
                None => return Err(format!("nothing inside {} is active", label(node))),
            },
            Kind::Atomic | Kind::Final | Kind::History(_) => found.push(node),
        }
    }
    if found.len() == leaves.len() { Ok(()) } else { Err("a state is listed twice".into()) }
}

//! Who is inside whom.

use super::{Chart, Kind, NodeId};

/// What holds the states at the top.
pub(crate) const ROOT: NodeId = NodeId(0);

impl Chart {
    pub(crate) fn parent(&self, node: NodeId) -> NodeId {
        self.node(node).parent
    }

    /// The state around this one; regions and the root are none.
    pub(crate) fn state_around(&self, node: NodeId) -> Option<NodeId> {
        let mut around = self.parent(node);
        while self.node(around).kind == Kind::Region {
            around = self.parent(around);
        }
        (around != ROOT).then_some(around)
    }

    /// Whether `node` is `around` or inside it.
    pub(crate) fn is_within(&self, node: NodeId, around: NodeId) -> bool {
        node.0 >= around.0 && node.0 < self.node(around).end
    }

    /// The innermost that both are within, one of the two perhaps.
    pub(crate) fn common(&self, a: NodeId, b: NodeId) -> NodeId {
        let mut common = a;
        while !self.is_within(b, common) {
            common = self.parent(common);
        }
        common
    }

    /// The child of `around` that `node` is within.
    pub(crate) fn child_toward(&self, around: NodeId, node: NodeId) -> Option<NodeId> {
        let children = &self.node(around).children;
        let after = children.partition_point(|child| *child <= node);
        let child = *children.get(after.checked_sub(1)?)?;
        self.is_within(node, child).then_some(child)
    }

    /// Whether several things are active in it at the same time.
    pub(crate) fn is_orthogonal(&self, node: NodeId) -> bool {
        let node = self.node(node);
        node.kind == Kind::Parallel && node.children.len() > 1
    }

    /// The state, then those around it, out to the root, which is not one of them.
    pub(crate) fn spine(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let mut next = node;
        std::iter::from_fn(move || {
            let this = next;
            if this == ROOT {
                return None;
            }
            next = self.parent(this);
            Some(this)
        })
    }
}

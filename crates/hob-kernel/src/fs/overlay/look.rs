//! From a name to what has it, across the layers. Whoever calls holds the lock of names.

use std::sync::{Arc, Weak};

use hob_os::{Errno, Result};

use super::body::{Body, Lower, Place};
use super::marks::{is_opaque, is_whiteout, origin};
use super::{Union, some};
use crate::fs::{Kind, NodeRef};
use crate::wait::lock;

impl Union {
    /// What has a name in a directory, if anything does.
    pub(super) fn find(self: &Arc<Self>, at: &Arc<Body>, name: &[u8]) -> Result<Option<Arc<Body>>> {
        let (upper, lowers) = at.layers()?;
        let above = upper.map_or(Ok(None), |upper| some(upper.lookup(name)))?;
        let Some(above) = above else {
            let found = below(&lowers, name)?;
            if found.is_empty() {
                return Ok(None);
            }
            let body = self.body(None, found)?;
            let place = Place { above: at.clone(), name: name.into() };
            let mut state = body.state();
            // The last one found is surely there. What it replaces is dropped outside the lock.
            let _old = if state.upper.is_none() { state.place.replace(place) } else { Some(place) };
            drop(state);
            return Ok(Some(body));
        };
        if is_whiteout(&above)? {
            return Ok(None);
        }
        let mut found = Vec::new();
        if above.kind() == Kind::Directory && !is_opaque(&above)? {
            found = below(&lowers, name)?;
            found.retain(|lower| lower.node.kind() == Kind::Directory);
        }
        self.body(Some(above), found).map(Some)
    }

    /// The body that stands for these nodes: the one that is alive, or a new one.
    pub(super) fn body(self: &Arc<Self>, upper: Option<NodeRef>, lowers: Vec<Lower>) -> Result<Arc<Body>> {
        let lower = lowers.first();
        let kept = upper.as_ref().map_or(Ok(None), |upper| origin(upper, self.life))?;
        let ids = [upper.as_ref().map(|node| node.id()), lower.map(|lower| lower.node.id())];
        let kind = upper.as_ref().or(lower.map(|lower| &lower.node)).ok_or(Errno::Stale)?.kind();

        let mut known = lock(&self.known);
        for id in ids.iter().flatten() {
            if let Some(body) = known.bodies.get(id).and_then(Weak::upgrade) {
                return Ok(body);
            }
        }
        let number = match (kept, lower, ids.first()) {
            (Some(number), _, _) => number,
            (_, Some(lower), _) => known.numbers.pack(lower.layer, lower.node.id().inode),
            (_, _, Some(Some(id))) => known.numbers.pack(0, id.inode),
            _ => return Err(Errno::Stale.into()),
        };
        let body = Arc::new(Body::new(self, kind, number, upper, lowers));
        for id in ids.into_iter().flatten() {
            known.bodies.insert(id, Arc::downgrade(&body));
        }
        Ok(body)
    }

    /// Whether lower layers show something under a name of a directory.
    pub(super) fn shows_below(&self, at: &Body, name: &[u8]) -> Result<bool> {
        let lowers = at.state().lowers.clone();
        Ok(!below(&lowers, name)?.is_empty())
    }
}

/// What has a name in the lower layers: a file, or directories that are one.
fn below(lowers: &[Lower], name: &[u8]) -> Result<Vec<Lower>> {
    let mut found = Vec::new();
    for lower in lowers {
        let Some(node) = some(lower.node.lookup(name))? else { continue };
        if is_whiteout(&node)? {
            break;
        }
        let directory = node.kind() == Kind::Directory;
        if !directory && !found.is_empty() {
            break;
        }
        let last = !directory || is_opaque(&node)?;
        found.push(Lower { layer: lower.layer, node });
        if last {
            break;
        }
    }
    Ok(found)
}

//! What an object of an overlay stands for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hob_os::{Errno, Result};

use super::Union;
use super::numbers::Numbers;
use crate::fs::{Kind, NodeRef};
use crate::wait::lock;

/// A node of a lower layer, and the number of that layer, counted from 1. The upper layer is 0.
#[derive(Clone, Debug)]
pub(super) struct Lower {
    pub(super) layer: u64,
    pub(super) node: NodeRef,
}

/// Where something of a lower layer is, to copy it there.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) above: Arc<Body>,
    pub(super) name: Arc<[u8]>,
}

/// What an object stands for. It has no way back to the overlay but a weak one: the overlay keeps some of them.
pub(super) struct Body {
    union: Weak<Union>,
    pub(super) kind: Kind,
    pub(super) number: u64,
    state: Mutex<State>,
    /// Places in the listing of this directory.
    pub(super) cookies: Mutex<Numbers>,
}

pub(super) struct State {
    pub(super) upper: Option<NodeRef>,
    /// Where it comes from: one node for what is no directory. Stays when it is copied up, and so do the places in a
    /// listing.
    pub(super) lowers: Arc<[Lower]>,
    /// How many of the names of what is no directory are gone or copied in its lower layer.
    pub(super) covered: u64,
    /// A directory without a name.
    pub(super) removed: bool,
    /// Until it is copied up.
    pub(super) place: Option<Place>,
}

impl Body {
    pub(super) fn new(
        union: &Arc<Union>,
        kind: Kind,
        number: u64,
        upper: Option<NodeRef>,
        lowers: Vec<Lower>,
    ) -> Self {
        let state = State { upper, lowers: lowers.into(), covered: 0, removed: false, place: None };
        Self {
            union: Arc::downgrade(union),
            kind,
            number,
            state: Mutex::new(state),
            cookies: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn upper(&self) -> Option<NodeRef> {
        self.state().upper.clone()
    }

    /// The node whose metadata it shows: the upper one, or the top one of the lower.
    pub(super) fn shown(&self) -> Result<NodeRef> {
        let state = self.state();
        let lower = || state.lowers.first().map(|lower| lower.node.clone());
        Ok(state.upper.clone().or_else(lower).ok_or(Errno::Stale)?)
    }

    /// The layers of a directory that has a name. Errors: [`Errno::NotDir`], [`Errno::Noent`].
    pub(super) fn layers(&self) -> Result<(Option<NodeRef>, Arc<[Lower]>)> {
        if self.kind != Kind::Directory {
            return Err(Errno::NotDir.into());
        }
        let state = self.state();
        if state.removed {
            return Err(Errno::Noent.into());
        }
        Ok((state.upper.clone(), state.lowers.clone()))
    }

    /// How many names of what is no directory are left in its lower layer.
    pub(super) fn names_below(&self) -> Result<u64> {
        let (lowers, covered) = {
            let state = self.state();
            (state.lowers.clone(), state.covered)
        };
        match lowers.first() {
            Some(lower) if self.kind != Kind::Directory => {
                Ok(lower.node.stat()?.links.max(1).saturating_sub(covered))
            }
            _ => Ok(0),
        }
    }

    /// How many names what is no directory has.
    pub(super) fn links(&self) -> Result<u64> {
        let above = self.upper().map_or(Ok(0), |upper| upper.stat().map(|stat| stat.links))?;
        Ok(self.names_below()?.saturating_add(above))
    }
}

impl Drop for Body {
    /// Not left to the compiler, which would recurse along the places.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(union) = self.union.upgrade() {
            let lower = state.lowers.first().map(|lower| &lower.node);
            let mut known = lock(&union.known);
            for node in state.upper.iter().chain(lower) {
                // Another body may have taken the place of this one already.
                if known.bodies.get(&node.id()).is_some_and(|body| body.strong_count() == 0) {
                    known.bodies.remove(&node.id());
                }
            }
        }
        let mut next = state.place.take();
        while let Some(place) = next {
            next = Arc::into_inner(place.above).and_then(|mut body| {
                body.state.get_mut().unwrap_or_else(PoisonError::into_inner).place.take()
            });
        }
    }
}

//! A writable tree over read-only ones.
//!
//! Looking a name up asks the upper layer first, then the lower ones from top to bottom; directories of one name are one
//! directory. What is changed is first copied to the upper layer, whole; what is removed is hidden by a *whiteout* there,
//! and a directory that hides all below it is *opaque*. Both are kept in the upper layer as overlayfs keeps them, a
//! character device 0/0 and the attribute `trusted.overlay.opaque`, and guests see neither. Lower layers may have them too,
//! and must not change.
//!
//! ```text
//!   OverlayNode ──▶ Body: number, kind, and the nodes it stands for
//!      │              ├─ upper: where it is changed, once it was copied
//!      ▼              └─ lowers: where it comes from; several for a directory
//!   Union: the upper root, which bodies are alive, and the lock of names
//! ```
//!
//! What it promises:
//!
//! * An object stays what it is when it is copied up: its identity, its other names, and whoever has it open.
//! * A change is whole or did not happen; nothing is stored but in the upper layer, and so under its quota.
//! * Names below are never reached around a whiteout.
//! * A listing goes on where it was while entries come, go and are copied up.
//!
//! An object of a lower layer keeps the number it has there, with that of its layer; the upper layer's are as they are. A
//! copy keeps its number in `trusted.overlay.origin`, which is good for this overlay's life and not saved. Hard links of a
//! lower layer are known while the overlay lives, too; saved and restored, a changed one is a file of its own.
//!
//! Locks: the lock of names is held to look up (shared) and to change names or copy (alone). A body's own lock is held
//! only to look at or replace what it stands for, never while a layer is asked.

mod body;
mod copy;
mod file;
mod list;
mod look;
mod marks;
mod names;
mod node;
mod numbers;
mod rename;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock, Weak};

use hob_os::{Errno, Result};

use super::mem::MemNode;
use super::{Kind, NodeId, NodeRef};
use body::{Body, Lower};
use node::OverlayNode;
use numbers::Numbers;

/// Lower layers of one overlay: `inval`.
pub const LAYERS_MAX: usize = 1024;

/// A writable tree over read-only ones.
#[derive(Debug)]
pub struct Overlay;

impl Overlay {
    /// The root of `upper` over `lowers`, the top one first. `upper` is a directory of a [`MemFs`](super::mem::MemFs) that
    /// nobody else changes; `device` is a number no other file system has.
    ///
    /// # Errors
    ///
    /// [`Errno::NotDir`] when one of them is no directory, [`Errno::Inval`] when there are more than [`LAYERS_MAX`] or the
    /// upper one is not in memory, [`Errno::Nospc`] when that has no room for one object more.
    #[expect(clippy::new_ret_no_self, reason = "an overlay is used through its root")]
    pub fn new(device: u64, upper: NodeRef, lowers: Vec<NodeRef>) -> Result<NodeRef> {
        if lowers.len() > LAYERS_MAX {
            return Err(Errno::Inval.into());
        }
        if lowers.iter().chain([&upper]).any(|root| root.kind() != Kind::Directory) {
            return Err(Errno::NotDir.into());
        }
        let whiteout = memory(&upper)?.make_loose(marks::WHITEOUT, marks::WHITEOUT_ATTRIBUTES)?;
        let lowers: Vec<Lower> = (1..).zip(lowers).map(|(layer, node)| Lower { layer, node }).collect();
        static LIVES: AtomicU64 = AtomicU64::new(1);
        let union = Arc::new(Union {
            device,
            life: LIVES.fetch_add(1, Ordering::Relaxed),
            upper: upper.clone(),
            whiteout,
            names: RwLock::new(()),
            known: Mutex::default(),
        });
        let body = union.body(Some(upper), lowers)?;
        Ok(Arc::new(OverlayNode { union, body }))
    }
}

/// What all nodes of one overlay share.
struct Union {
    device: u64,
    /// Tells the numbers kept in the upper layer by this overlay from those of an earlier one.
    life: u64,
    upper: NodeRef,
    /// The one object that all whiteouts are names of.
    whiteout: NodeRef,
    /// The lock of names.
    names: RwLock<()>,
    known: Mutex<Known>,
}

/// Which bodies there are. Locked last, and nothing is dropped under its lock.
#[derive(Default)]
struct Known {
    /// The bodies alive, by the nodes they stand for.
    bodies: HashMap<NodeId, Weak<Body>>,
    /// Objects of a lower layer that were changed through one name and have others there, by their node there.
    pinned: HashMap<NodeId, Arc<Body>>,
    numbers: Numbers,
}

/// The upper layer's own type. Errors: [`Errno::Inval`].
fn memory(node: &NodeRef) -> Result<&MemNode> {
    Ok(node.as_any().downcast_ref::<MemNode>().ok_or(Errno::Inval)?)
}

/// What has a name, if anything does.
fn some(found: Result<NodeRef>) -> Result<Option<NodeRef>> {
    match found {
        Ok(node) => Ok(Some(node)),
        Err(error) if matches!(error.errno(), Errno::Noent | Errno::NotDir) => Ok(None),
        Err(error) => Err(error),
    }
}

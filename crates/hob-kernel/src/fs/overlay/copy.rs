//! Copying to the upper layer, before the first change. Whoever calls holds the lock of names alone.
//!
//! A copy is made without a name, filled, and only then named: nobody ever finds half of one, and one that fails gives
//! everything back. Directories above it are copied first, without what is in them.

use std::sync::Arc;

use hob_os::{Errno, Result};

use super::body::{Body, Place};
use super::marks::{is_hidden, set_origin};
use super::{Union, memory, some};
use crate::fs::mem::{ENTRY_BYTES, NODE_BYTES};
use crate::fs::{Attributes, Change, File, Kind, New, NodeRef, Space, Stat, Time};
use crate::wait::lock;

/// Bytes copied at once.
const COPY_BYTES: usize = 64 << 10;
/// Zeros of this length are not copied.
const HOLE_BYTES: usize = 4096;

impl Union {
    /// The upper node of an object, copied if need be. Of a file, only bytes before `size_max` need be copied.
    pub(super) fn copy_up(self: &Arc<Self>, body: &Arc<Body>, size_max: u64) -> Result<NodeRef> {
        let mut ways = Vec::new();
        let mut next = Some(body.clone());
        while let Some(at) = next {
            let place = {
                let state = at.state();
                if state.upper.is_some() {
                    break;
                }
                state.place.clone()
            };
            next = place.map(|place| place.above);
            ways.push(at);
        }
        while let Some(at) = ways.pop() {
            self.copy_one(&at, size_max)?;
        }
        Ok(body.upper().ok_or(Errno::Stale)?)
    }

    /// Copies one object, whose directory is in the upper layer.
    fn copy_one(self: &Arc<Self>, body: &Arc<Body>, size_max: u64) -> Result<()> {
        let lower = body.shown()?;
        let stat = lower.stat()?;
        let attributes = Attributes { mode: stat.mode, uid: stat.uid, gid: stat.gid };
        let target;
        let new = match body.kind {
            Kind::File => New::File,
            Kind::Directory => New::Directory,
            Kind::Link => {
                target = lower.read_link()?;
                New::Link(&target)
            }
            Kind::Fifo => New::Fifo,
            Kind::Character => New::Character(stat.device),
            Kind::Block => New::Block(stat.device),
            Kind::Socket => New::Socket,
        };
        let upper = memory(&self.upper)?.make_loose(new, attributes)?;
        if body.kind == Kind::File {
            copy_bytes(&*lower.clone().open(false)?, &*upper.clone().open(true)?, size_max)?;
        }
        for name in lower.attributes().unwrap_or_default() {
            if !is_hidden(&name) {
                upper.set_attribute(&name, &lower.attribute(&name)?, false, false)?;
            }
        }
        set_origin(&upper, self.life, body.number)?;
        upper.change(&times(&stat))?;

        let place = body.state().place.clone();
        let named = match place {
            Some(place) => name_copy(&place, &upper)?,
            None => false,
        };
        let _place = {
            let mut state = body.state();
            state.upper = Some(upper.clone());
            state.covered += u64::from(named && body.kind != Kind::Directory);
            state.place.take()
        };
        lock(&self.known).bodies.insert(upper.id(), Arc::downgrade(body));
        self.settle(body)
    }

    /// Makes sure that what is found under a name is in the upper layer, under that name.
    pub(super) fn name_up(
        self: &Arc<Self>,
        at: &Arc<Body>,
        name: &[u8],
        body: &Arc<Body>,
    ) -> Result<NodeRef> {
        let upper = self.copy_up(body, u64::MAX)?;
        let above = self.copy_up(at, u64::MAX)?;
        if some(above.lookup(name))?.is_none() {
            memory(&above)?.put(name, &upper)?;
            self.cover(body)?;
        }
        Ok(upper)
    }

    /// One name of an object in its lower layer is gone or copied.
    pub(super) fn cover(&self, body: &Arc<Body>) -> Result<()> {
        body.state().covered += 1;
        self.settle(body)
    }

    /// Keeps an object that was changed while its lower layer has more names for it; also if one of those is outside of
    /// what the overlay shows, which it cannot know.
    pub(super) fn settle(&self, body: &Arc<Body>) -> Result<()> {
        let lower = {
            let state = body.state();
            let Some(lower) = state.lowers.first() else { return Ok(()) };
            lower.node.id()
        };
        let keep = body.names_below()? > 0;
        let mut known = lock(&self.known);
        // Dropped after the lock.
        let _old = if keep { known.pinned.insert(lower, body.clone()) } else { known.pinned.remove(&lower) };
        drop(known);
        Ok(())
    }

    /// Copies a directory with everything in it, so that it can be moved.
    pub(super) fn copy_tree(self: &Arc<Self>, body: &Arc<Body>) -> Result<()> {
        if body.state().lowers.is_empty() {
            return Ok(());
        }
        self.has_room_for(body)?;
        let mut ways = vec![body.clone()];
        while let Some(at) = ways.pop() {
            let upper = self.copy_up(&at, u64::MAX)?;
            let before = upper.stat()?;
            for name in self.all_names(&at)? {
                let Some(found) = self.find(&at, &name)? else { continue };
                self.name_up(&at, &name, &found)?;
                if found.kind == Kind::Directory && !found.state().lowers.is_empty() {
                    ways.push(found);
                }
            }
            upper.change(&times(&before))?;
        }
        Ok(())
    }

    /// Refuses early what would fill the upper layer in vain. Counts no more than what a copy takes.
    fn has_room_for(self: &Arc<Self>, body: &Arc<Body>) -> Result<()> {
        let Space { bytes, bytes_used, inodes, inodes_used } = self.upper.space()?;
        let (mut bytes, mut inodes) = (bytes.saturating_sub(bytes_used), inodes.saturating_sub(inodes_used));
        let mut ways = vec![body.clone()];
        while let Some(at) = ways.pop() {
            for name in self.all_names(&at)? {
                let Some(found) = self.find(&at, &name)? else { continue };
                if found.upper().is_none() {
                    let stat = found.shown()?.stat()?;
                    let held = if found.kind == Kind::File {
                        stat.size.min(stat.blocks.saturating_mul(512))
                    } else {
                        0
                    };
                    let cost = (NODE_BYTES + ENTRY_BYTES).saturating_add(held);
                    bytes = bytes.checked_sub(cost).ok_or(Errno::Nospc)?;
                    // An object with several names is counted once at most.
                    let counts = u64::from(stat.links <= 1 || found.kind == Kind::Directory);
                    inodes = inodes.checked_sub(counts).ok_or(Errno::Nospc)?;
                }
                if found.kind == Kind::Directory && !found.state().lowers.is_empty() {
                    ways.push(found);
                }
            }
        }
        Ok(())
    }
}

/// Names a copy as the original is, unless that name is gone.
fn name_copy(place: &Place, upper: &NodeRef) -> Result<bool> {
    let Ok((Some(above), _)) = place.above.layers() else { return Ok(false) };
    if some(above.lookup(&place.name))?.is_some() {
        return Ok(false);
    }
    let before = above.stat()?;
    memory(&above)?.put(&place.name, upper)?;
    above.change(&times(&before))?;
    Ok(true)
}

fn times(stat: &Stat) -> Change {
    Change { accessed: Time::At(stat.accessed), modified: Time::At(stat.modified), ..Change::default() }
}

fn copy_bytes(from: &dyn File, to: &dyn File, size_max: u64) -> Result<()> {
    let size = from.size()?.min(size_max);
    let mut buf = vec![0; COPY_BYTES];
    for number in 0.. {
        let Some(run) = from.extent(number)?.filter(|run| run.start < size) else { break };
        let mut at = run.start;
        let end = if run.unwritten { at } else { run.end.min(size) };
        while at < end {
            let want = usize::try_from(end - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            let got = from.read_at(buf.get_mut(..want).unwrap_or_default(), at)?;
            if got == 0 {
                break;
            }
            for piece in buf.get(..got).unwrap_or_default().chunks(HOLE_BYTES) {
                if piece.iter().any(|byte| *byte != 0) && to.write_at(piece, at)? < piece.len() {
                    return Err(Errno::Nospc.into());
                }
                at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            }
        }
    }
    to.resize(size)
}

//! Listing directories across layers.
//!
//! An entry's place is the one it has in the highest lower layer with its name, or else the one in the upper layer; lower
//! layers are listed first. Lower layers never change, so an entry keeps its place when it is copied up, removed and made
//! again. Stops: entries listed twice, or not at all, because somebody wrote meanwhile.

use std::sync::Arc;

use hob_os::Result;

use super::body::{Body, Lower};
use super::marks::{is_opaque, is_whiteout, origin};
use super::{Union, some};
use crate::fs::{Kind, NodeRef};
use crate::wait::lock;

/// Entries looked at under one hold of the lock of names.
const BATCH: usize = 64;

/// The first place of a listing that is an entry's.
const FIRST: u64 = 3;

/// One entry.
pub(super) struct Listed {
    pub(super) next: u64,
    pub(super) inode: u64,
    pub(super) kind: Kind,
    pub(super) name: Vec<u8>,
}

/// Some entries.
pub(super) struct Batch {
    pub(super) entries: Vec<Listed>,
    /// Where the next batch begins; none after the last.
    pub(super) next: Option<u64>,
}

impl Union {
    /// Some entries from a place on. Whoever calls holds the lock of names.
    pub(super) fn batch(&self, at: &Body, from: u64) -> Result<Batch> {
        let (upper, lowers) = at.layers()?;
        // The layers in the order they are listed in, and which of them hide each.
        let mut layers: Vec<(u64, NodeRef)> =
            lowers.iter().map(|lower| (lower.layer, lower.node.clone())).collect();
        layers.extend(upper.clone().map(|upper| (0, upper)));
        let from = if from < FIRST {
            layers.first().map(|(layer, _)| (*layer, 0))
        } else {
            lock(&at.cookies).unpack(from)
        };
        let begin = from.and_then(|(from, _)| layers.iter().position(|(layer, _)| *layer == from));
        let (Some(begin), Some((_, mut inner))) = (begin, from) else {
            return Ok(Batch { entries: Vec::new(), next: None });
        };
        for (index, (layer, node)) in layers.iter().enumerate().skip(begin) {
            let raw = some_of(node, inner)?;
            inner = 0;
            let Some(last) = raw.last().map(|entry| entry.next) else { continue };
            let hiding = lowers.get(..index).unwrap_or(&lowers);
            let mut entries = Vec::new();
            for mut entry in raw {
                let next = lock(&at.cookies).pack(*layer, entry.next);
                if let Some((inode, kind)) = self.shown(upper.as_ref(), hiding, (*layer, node), &entry)? {
                    entry = Listed { next, inode, kind, ..entry };
                    entries.push(entry);
                }
            }
            return Ok(Batch { entries, next: Some(lock(&at.cookies).pack(*layer, last)) });
        }
        Ok(Batch { entries: Vec::new(), next: None })
    }

    /// Whether nothing shows in a directory. Whoever calls holds the lock of names.
    pub(super) fn is_empty(&self, at: &Body) -> Result<bool> {
        let mut from = Some(0);
        while let Some(place) = from {
            let batch = self.batch(at, place)?;
            if !batch.entries.is_empty() {
                return Ok(false);
            }
            from = batch.next;
        }
        Ok(true)
    }

    /// The number and kind of an entry of one layer, unless it is listed elsewhere or hidden.
    fn shown(
        &self,
        upper: Option<&NodeRef>,
        hiding: &[Lower],
        (layer, at): (u64, &NodeRef),
        entry: &Listed,
    ) -> Result<Option<(u64, Kind)>> {
        for lower in hiding {
            if some(lower.node.lookup(&entry.name))?.is_some() {
                return Ok(None);
            }
        }
        let number = |layer, inode| lock(&self.known).numbers.pack(layer, inode);
        let above = upper.map_or(Ok(None), |upper| some(upper.lookup(&entry.name)))?;
        let Some(above) = above else {
            let is_hidden = layer == 0
                || entry.kind == Kind::Character
                    && some(at.lookup(&entry.name))?.is_none_or(|node| is_whiteout(&node).unwrap_or(true));
            return Ok((!is_hidden).then(|| (number(layer, entry.inode), entry.kind)));
        };
        if is_whiteout(&above)? {
            return Ok(None);
        }
        let kind = above.kind();
        let merged = kind == Kind::Directory && entry.kind == kind && layer != 0 && !is_opaque(&above)?;
        let inode = match origin(&above, self.life)? {
            Some(inode) => inode,
            None if merged => number(layer, entry.inode),
            None => number(0, above.id().inode),
        };
        Ok(Some((inode, kind)))
    }

    /// All names that show in a directory. Whoever calls holds the lock of names.
    pub(super) fn all_names(&self, at: &Arc<Body>) -> Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        let mut from = Some(0);
        while let Some(place) = from {
            let batch = self.batch(at, place)?;
            names.extend(batch.entries.into_iter().map(|entry| entry.name));
            from = batch.next;
        }
        Ok(names)
    }
}

/// Some entries of one layer. They are looked at later: the layer may be locked while it lists.
fn some_of(node: &NodeRef, from: u64) -> Result<Vec<Listed>> {
    let mut entries = Vec::new();
    node.list(from, &mut |entry| {
        if entries.len() == BATCH {
            return false;
        }
        let name = entry.name.to_vec();
        entries.push(Listed { next: entry.next, inode: entry.inode, kind: entry.kind, name });
        true
    })?;
    Ok(entries)
}

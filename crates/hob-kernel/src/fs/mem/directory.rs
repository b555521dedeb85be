//! The entries of a directory: by name for whoever looks one up, by the number they were added under for whoever lists.
//!
//! The number is what a listing remembers. It is never used again, so a listing neither skips nor repeats an entry because
//! others came or went; a name that is given another object keeps its number.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::MemNode;
use crate::fs::Kind;

/// The first number: those below stand for the start, `.` and `..`.
const FIRST: u64 = 3;

/// Entries copied at once for a listing.
const BATCH: usize = 64;

/// The entries of one directory.
#[derive(Debug)]
pub(super) struct Directory {
    names: BTreeMap<Arc<[u8]>, Slot>,
    order: BTreeMap<u64, Arc<[u8]>>,
    next: u64,
    directories: u64,
    /// It has no name any more, and takes no entries.
    pub(super) removed: bool,
}

#[derive(Debug)]
struct Slot {
    number: u64,
    node: Arc<MemNode>,
}

/// An entry, with where a listing goes on after it.
pub(super) struct Listed {
    pub(super) next: u64,
    pub(super) name: Arc<[u8]>,
    pub(super) node: Arc<MemNode>,
}

impl Default for Directory {
    fn default() -> Self {
        Self { names: BTreeMap::new(), order: BTreeMap::new(), next: FIRST, directories: 0, removed: false }
    }
}

impl Directory {
    pub(super) fn get(&self, name: &[u8]) -> Option<&Arc<MemNode>> {
        self.names.get(name).map(|slot| &slot.node)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// How many of its entries are directories.
    pub(super) fn directories(&self) -> u64 {
        self.directories
    }

    /// Gives a name to an object, and returns the one that had it.
    pub(super) fn set(&mut self, name: &[u8], node: Arc<MemNode>) -> Option<Arc<MemNode>> {
        self.count(node.kind, true);
        if let Some(slot) = self.names.get_mut(name) {
            let old = std::mem::replace(&mut slot.node, node);
            self.count(old.kind, false);
            return Some(old);
        }
        let (name, number): (Arc<[u8]>, _) = (name.into(), self.next);
        self.next += 1;
        self.order.insert(number, name.clone());
        self.names.insert(name, Slot { number, node });
        None
    }

    /// Takes a name away, and returns the object that had it.
    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Arc<MemNode>> {
        let slot = self.names.remove(name)?;
        self.order.remove(&slot.number);
        self.count(slot.node.kind, false);
        Some(slot.node)
    }

    /// Some entries from a number on.
    pub(super) fn batch(&self, from: u64) -> Vec<Listed> {
        let listed = |(number, name): (&u64, &Arc<[u8]>)| {
            let node = self.names.get(name)?.node.clone();
            Some(Listed { next: number + 1, name: name.clone(), node })
        };
        self.order.range(from..).filter_map(listed).take(BATCH).collect()
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> Vec<Arc<MemNode>> {
        self.order.clear();
        std::mem::take(&mut self.names).into_values().map(|slot| slot.node).collect()
    }

    fn count(&mut self, kind: Kind, more: bool) {
        if kind == Kind::Directory {
            self.directories = if more { self.directories + 1 } else { self.directories.saturating_sub(1) };
        }
    }
}

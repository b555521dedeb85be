//! A file system in memory: what a session writes, and lower layers that are built as it starts.
//!
//! ```text
//!   MemFs ──▶ MemNode ─ state (one lock a node): metadata, attributes and one of
//!     │          ├─ Directory   names by name, and by the number they were added under
//!     │          ├─ Bytes       pages of a regular file; holes cost nothing
//!     │          └─ a link's target, a device's number
//!     └─ Quota    room for bytes and objects, taken before anything is stored
//! ```
//!
//! What it promises:
//!
//! * Nothing is stored that the quota has no room for, however many write at once; what ends is given back, to the byte.
//! * A change is whole or did not happen. A write alone may be short, as POSIX has it.
//! * An object without names lives while somebody uses it.
//! * No directory ever ends up below itself, and a tree of any depth is dropped without recursion.
//! * A listing goes on where it was while entries come and go.
//!
//! Locks: whoever holds the lock of a directory takes at most that of one object that is no directory. Only what moves or
//! removes directories holds several of them, and first takes the one lock of the tree; so no two ever wait for each other.

mod bytes;
mod directory;
mod file;
mod node;
mod quota;
mod rename;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hob_cap::Ledger;
use hob_os::Result;

use super::{Attributes, Kind, NodeRef, Space};
use crate::time::Clock;
use node::Body;
pub use node::MemNode;
use quota::Quota;

/// What one object costs besides what it holds, in bytes of the quota.
pub const NODE_BYTES: u64 = 256;

/// What one name in a directory, or of an extended attribute, costs besides itself, in bytes of the quota.
pub const ENTRY_BYTES: u64 = 64;

/// What a file's bytes are stored in: its room is a multiple of this.
pub const UNIT_BYTES: u64 = bytes::UNIT;

/// How a file system in memory is set up.
#[derive(Clone, Debug)]
pub struct MemConfig {
    /// The number no other file system of the kernel has.
    pub device: u64,
    /// Bytes it holds at most: stored bytes of files in units of [`UNIT_BYTES`], names, targets of links, attributes,
    /// and [`NODE_BYTES`] and [`ENTRY_BYTES`] for each object and name.
    pub bytes_max: u64,
    /// Objects it holds at most, the root included.
    pub inodes_max: u64,
    /// What stamps them.
    pub clock: Clock,
    /// An account that all its bytes are charged to besides, as [`HostBuffer`](hob_cap::Limit::HostBuffer).
    pub ledger: Option<Arc<Ledger>>,
}

/// What all nodes of one file system share.
#[derive(Debug)]
struct Shared {
    device: u64,
    clock: Clock,
    quota: Quota,
    next_inode: AtomicU64,
    /// Held by whoever moves or removes directories.
    tree: Mutex<()>,
}

impl Shared {
    fn inode(&self) -> u64 {
        self.next_inode.fetch_add(1, Ordering::Relaxed)
    }
}

/// A file system in memory.
#[derive(Clone, Debug)]
pub struct MemFs {
    shared: Arc<Shared>,
    root: Arc<MemNode>,
}

impl MemFs {
    /// An empty one: a root directory of user 0, mode `0o755`.
    ///
    /// # Errors
    ///
    /// [`Errno::Nospc`](hob_os::Errno::Nospc) when there is no room for the root; a limit of the ledger.
    pub fn new(config: MemConfig) -> Result<Self> {
        let MemConfig { device, bytes_max, inodes_max, clock, ledger } = config;
        let quota = Quota::new(bytes_max, inodes_max, ledger);
        let shared =
            Arc::new(Shared { device, clock, quota, next_inode: AtomicU64::new(1), tree: Mutex::new(()) });
        let attributes = Attributes { mode: 0o755, uid: 0, gid: 0 };
        let root = MemNode::new(&shared, Kind::Directory, Body::directory(), 0, attributes)?;
        Ok(Self { shared, root })
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> NodeRef {
        self.root.clone()
    }

    /// How much room it has.
    #[must_use]
    pub fn space(&self) -> Space {
        self.shared.quota.space()
    }
}

/// The cost of a name, in a directory or of an attribute.
fn entry_cost(name: &[u8]) -> u64 {
    ENTRY_BYTES.saturating_add(length(name))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

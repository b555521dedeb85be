//! A granted directory of the host.
//!
//! ```text
//!   HostNode ── hob_os::tree::Object   one thing, held open by the host
//!      └─ Grant ── text                as records name it
//!            └─── Inodes               (device, inode) of the host ▶ one number
//! ```
//!
//! Everything that touches the host happens in [`hob_os::tree`]; here its objects become nodes.
//!
//! What it promises:
//!
//! * A link is text, as on any file system: the walk resolves it in the session's own tree, and an absolute one leads to
//!   the session's own path, never to the host's.
//! * Numbers of objects are told apart though several file systems of the host lie below one grant.
//! * Owners are told by what they mean to the session: what belongs to the user who runs it belongs to the session's user ([`USER`]), everything
//!   else to root. The host's own numbers would mean nothing among the session's users, or worse, something: user 1000 of
//!   the host need not be who runs the session. Modes stay as they are, so that what the host would refuse the session
//!   refuses first, and in doubt is the stricter: a group of the host counts for nobody but root. The host has the last
//!   word in any case.
//! * What is made belongs to the user who runs the session, whoever asked; owners are not changed.
//! * Pipes, devices and sockets of the host are seen, with no device number, and never opened.
//!
//! A use goes on the record by the caller, under the grant's text.
//!
//! [`USER`]: crate::process::identity::USER

mod file;
mod inodes;
mod node;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use hob_cap::{Access, FsGrant};
use hob_os::HostDir;
use hob_os::Result;
use hob_os::tree::Object;

use crate::fs::NodeRef;
use inodes::Inodes;
use node::HostNode;

/// A granted directory of the host, as a file system.
#[derive(Debug)]
pub struct HostFs {
    device: u64,
    text: String,
    inodes: Inodes,
}

impl HostFs {
    /// The root of a granted directory, for a session with one grant. `device` is the number no other file system of the
    /// kernel has.
    ///
    /// Errors: [`Errno::Perm`](hob_os::Errno::Perm) for a directory on a file system that operates the host's kernel.
    pub fn root(device: u64, dir: HostDir, grant: &FsGrant) -> Result<NodeRef> {
        Self::node(device, grant, Object::root(&dir, grant.access)?)
    }

    /// The roots of all granted directories of a session, in order, each with the number of its file system. They know of
    /// each other: a directory that is the root of a grant keeps the lesser access wherever another grant leads to it, and
    /// no name is taken from under a grant.
    ///
    /// Errors: as [`HostFs::root`].
    pub fn roots(grants: &[(u64, HostDir, &FsGrant)]) -> Result<Vec<NodeRef>> {
        let dirs: Vec<(&HostDir, Access)> =
            grants.iter().map(|(_, dir, grant)| (dir, grant.access)).collect();
        let objects = Object::roots(&dirs)?;
        grants
            .iter()
            .zip(objects)
            .map(|((device, _, grant), object)| Self::node(*device, grant, object))
            .collect()
    }

    /// The root of a directory that lies in what was granted, as [`HostFs::root`]; `others` are all that was granted, which
    /// keep the lesser access wherever they lie below it.
    ///
    /// Errors: as [`HostFs::root`].
    pub fn within(
        device: u64,
        dir: &HostDir,
        grant: &FsGrant,
        others: &[(&HostDir, Access)],
    ) -> Result<NodeRef> {
        let all: Vec<(&HostDir, Access)> = others.iter().copied().chain([(dir, grant.access)]).collect();
        let root = Object::roots(&all)?.pop().ok_or(hob_os::Errno::Inval)?;
        Self::node(device, grant, root)
    }

    fn node(device: u64, grant: &FsGrant, root: Object) -> Result<NodeRef> {
        let fs = Self { device, text: grant.to_string(), inodes: Inodes::new(root.id().device) };
        Ok(HostNode::new(&Arc::new(fs), root)?)
    }
}

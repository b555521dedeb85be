//! One object of the host as a node.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use hob_cap::Access;
use hob_os::tree::{Identity, Meta, Named, Object, Rename};
use hob_os::{Errno, Result, SetTime};

use super::HostFs;
use super::file::HostFile;
use crate::fs::{
    Attributes, Change, Entry, File, Kind, New, Node, NodeId, NodeRef, RenameHow, Space, Stat, Time,
};
use crate::process::identity::USER;

/// Who owns what does not belong to the user who runs the session.
const ROOT: u32 = 0;

/// One object of the host.
pub(super) struct HostNode {
    fs: Arc<HostFs>,
    object: Object,
    inode: u64,
}

impl HostNode {
    pub(super) fn new(fs: &Arc<HostFs>, object: Object) -> Result<Arc<Self>> {
        let inode = fs.inodes.number(object.id())?;
        Ok(Arc::new(Self { fs: Arc::clone(fs), object, inode }))
    }

    fn sibling(&self, object: Object) -> Result<NodeRef> {
        Ok(Self::new(&self.fs, object)?)
    }

    /// A node of this file system. Errors: [`Errno::Xdev`].
    fn same_fs<'a>(&self, node: &'a NodeRef) -> Result<&'a Self> {
        let node = node.as_any().downcast_ref::<Self>().ok_or(Errno::Xdev)?;
        if Arc::ptr_eq(&node.fs, &self.fs) { Ok(node) } else { Err(Errno::Xdev.into()) }
    }
}

impl fmt::Debug for HostNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostNode({:?} {}:{})", self.kind(), self.fs.device, self.inode)
    }
}

impl Node for HostNode {
    fn id(&self) -> NodeId {
        NodeId { device: self.fs.device, inode: self.inode }
    }

    fn kind(&self) -> Kind {
        kind(self.object.kind())
    }

    fn stat(&self) -> Result<Stat> {
        let meta = self.object.stat()?;
        let owner = owner(&meta);
        Ok(Stat {
            id: self.id(),
            kind: self.kind(),
            mode: meta.mode,
            links: meta.links,
            uid: owner,
            gid: owner,
            device: 0,
            size: meta.size,
            blocks: meta.blocks,
            accessed: meta.accessed,
            modified: meta.modified,
            changed: meta.changed,
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read_only(&self) -> bool {
        self.object.access() == Access::Read
    }

    fn grant(&self) -> Option<String> {
        Some(self.fs.text.clone())
    }

    fn open(self: Arc<Self>, write: bool) -> Result<Arc<dyn File>> {
        Ok(Arc::new(HostFile(self.object.open(write)?)))
    }

    /// Errors: [`Errno::Perm`] for another owner than it has.
    fn change(&self, change: &Change) -> Result<()> {
        if change.uid.is_some() || change.gid.is_some() {
            let owner = owner(&self.object.stat()?);
            if [change.uid, change.gid].into_iter().flatten().any(|id| id != owner) {
                return Err(Errno::Perm.into());
            }
        }
        if let Some(mode) = change.mode {
            self.object.set_mode(mode)?;
        }
        if (change.accessed, change.modified) != (Time::Keep, Time::Keep) {
            self.object.set_times(time(change.accessed), time(change.modified))?;
        }
        Ok(())
    }

    fn read_link(&self) -> Result<Vec<u8>> {
        self.object.read_link()
    }

    fn lookup(&self, name: &[u8]) -> Result<NodeRef> {
        self.sibling(self.object.lookup(name)?)
    }

    fn list(&self, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        let device = self.object.id().device;
        self.object.list(from, &mut |entry| {
            let inode = self.fs.inodes.number(Identity { device, inode: entry.inode }).unwrap_or(0);
            sink(Entry { next: entry.next, inode, kind: kind(entry.kind), name: entry.name })
        })
    }

    /// The owner is the user who runs the session, whatever `attributes` say, and the host's umask takes its bits.
    /// Errors: [`Errno::Perm`] for pipes, devices and sockets: the host has no use for a guest's.
    fn make(&self, name: &[u8], new: New<'_>, attributes: Attributes) -> Result<NodeRef> {
        let new = match new {
            New::File => Named::File,
            New::Directory => Named::Directory,
            New::Link(text) => Named::Link(text),
            New::Fifo | New::Character(_) | New::Block(_) | New::Socket => return Err(Errno::Perm.into()),
        };
        self.sibling(self.object.make(name, new, attributes.mode)?)
    }

    fn make_unnamed(&self, attributes: Attributes) -> Result<NodeRef> {
        self.sibling(self.object.make_unnamed(attributes.mode)?)
    }

    fn link(&self, name: &[u8], node: &NodeRef) -> Result<()> {
        self.object.link(name, &self.same_fs(node)?.object)
    }

    fn unlink(&self, name: &[u8], directory: bool) -> Result<()> {
        self.object.unlink(name, directory)
    }

    fn rename(&self, name: &[u8], to: &NodeRef, to_name: &[u8], how: RenameHow) -> Result<()> {
        let how = match how {
            RenameHow::Replace => Rename::Replace,
            RenameHow::Keep => Rename::Keep,
            RenameHow::Exchange => Rename::Exchange,
        };
        self.object.rename(name, &self.same_fs(to)?.object, to_name, how)
    }

    /// What others keep from this session counts as used.
    fn space(&self) -> Result<Space> {
        let room = self.object.room()?;
        Ok(Space {
            bytes: room.bytes,
            bytes_used: room.bytes.saturating_sub(room.bytes_free),
            inodes: room.inodes,
            inodes_used: room.inodes.saturating_sub(room.inodes_free),
        })
    }
}

/// User and group as the session sees them.
fn owner(meta: &Meta) -> u32 {
    if meta.own { USER } else { ROOT }
}

fn kind(kind: hob_os::tree::Kind) -> Kind {
    use hob_os::tree::Kind as Host;
    match kind {
        Host::File => Kind::File,
        Host::Directory => Kind::Directory,
        Host::Link => Kind::Link,
        Host::Fifo => Kind::Fifo,
        Host::Character => Kind::Character,
        Host::Block => Kind::Block,
        Host::Socket => Kind::Socket,
    }
}

fn time(time: Time) -> SetTime {
    match time {
        Time::Keep => SetTime::Keep,
        Time::Now => SetTime::Now,
        Time::At(nanoseconds) => SetTime::At(nanoseconds),
    }
}

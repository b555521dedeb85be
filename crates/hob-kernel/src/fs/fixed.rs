//! A tree that is built once and then never changes: the files of an image, a directory of commands.
//!
//! What it promises: an answer depends on nothing but what was built. All sessions that show it share it; what each has of
//! its own is the number of the device.

mod build;

use std::any::Any;
use std::sync::Arc;

use hob_os::{Errno, Result};

use super::stored::Stored;
use super::{Entry, File, Kind, Node, NodeId, NodeRef, Space, Stat};
use crate::limits::LINKS_MAX;
pub(crate) use build::Builder;

/// The first number of a listing: those below stand for the start, `.` and `..`.
const FIRST: u64 = 3;

/// The unit in which room is counted.
const BLOCK_BYTES: u64 = 512;

/// Metadata of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Permission bits.
    pub(crate) mode: u16,
    /// The owner.
    pub(crate) uid: u32,
    /// Its group.
    pub(crate) gid: u32,
    /// All its times, in nanoseconds since 1970.
    pub(crate) time: u64,
}

/// What an object is.
#[derive(Debug)]
pub(crate) enum Body {
    File(Stored),
    Directory(Vec<Child>),
    Link(Box<[u8]>),
    Fifo,
    Character(u64),
    Block(u64),
}

/// One entry of a directory; they are sorted by name.
#[derive(Debug)]
pub(crate) struct Child {
    name: Box<[u8]>,
    item: usize,
}

#[derive(Debug)]
struct Item {
    body: Body,
    meta: Meta,
    links: u64,
}

/// The tree. Item 0 is its root.
#[derive(Debug)]
pub(crate) struct FixedTree {
    items: Vec<Item>,
    bytes: u64,
}

impl FixedTree {
    /// Its root.
    pub(crate) fn root(self: &Arc<Self>, device: u64) -> NodeRef {
        Arc::new(FixedNode { tree: Arc::clone(self), device, item: 0 })
    }

    /// The bytes of the regular file that a path of the tree leads to. Links are followed inside the tree, and `..` above
    /// the root is the root.
    pub(crate) fn file(&self, path: &[u8]) -> Option<&Stored> {
        let mut rest: Vec<Vec<u8>> = path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect();
        let (mut trail, mut links) = (vec![0], 0);
        while let Some(name) = rest.pop() {
            match name.as_slice() {
                b"" | b"." => {}
                b".." => {
                    if trail.len() > 1 {
                        trail.pop();
                    }
                }
                name => {
                    let item = self.child(*trail.last()?, name)?;
                    match &self.items.get(item)?.body {
                        Body::Link(text) => {
                            links += 1;
                            if links > LINKS_MAX {
                                return None;
                            }
                            if text.starts_with(b"/") {
                                trail.truncate(1);
                            }
                            rest.extend(text.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
                        }
                        _ => trail.push(item),
                    }
                }
            }
        }
        match &self.items.get(*trail.last()?)?.body {
            Body::File(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn child(&self, item: usize, name: &[u8]) -> Option<usize> {
        let Body::Directory(children) = &self.items.get(item)?.body else { return None };
        let at = children.binary_search_by(|child| child.name.as_ref().cmp(name)).ok()?;
        Some(children.get(at)?.item)
    }
}

/// One object, as one session sees it.
#[derive(Debug)]
struct FixedNode {
    tree: Arc<FixedTree>,
    device: u64,
    item: usize,
}

impl FixedNode {
    fn item(&self) -> Result<&Item> {
        Ok(self.tree.items.get(self.item).ok_or(Errno::Io)?)
    }

    fn children(&self) -> Result<&[Child]> {
        match &self.item()?.body {
            Body::Directory(children) => Ok(children),
            _ => Err(Errno::NotDir.into()),
        }
    }
}

impl Node for FixedNode {
    fn id(&self) -> NodeId {
        NodeId { device: self.device, inode: inode(self.item) }
    }

    fn kind(&self) -> Kind {
        self.item().map_or(Kind::File, |item| item.body.kind())
    }

    fn stat(&self) -> Result<Stat> {
        let Item { body, meta, links } = self.item()?;
        let size = body.size();
        Ok(Stat {
            id: self.id(),
            kind: body.kind(),
            mode: meta.mode,
            links: *links,
            uid: meta.uid,
            gid: meta.gid,
            device: match body {
                Body::Character(device) | Body::Block(device) => *device,
                _ => 0,
            },
            size,
            blocks: size.div_ceil(BLOCK_BYTES),
            accessed: meta.time,
            modified: meta.time,
            changed: meta.time,
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn immutable(&self) -> Option<u64> {
        match &self.item().ok()?.body {
            Body::File(bytes) => bytes.immutable(),
            _ => None,
        }
    }

    fn open(self: Arc<Self>, write: bool) -> Result<Arc<dyn File>> {
        match &self.item()?.body {
            Body::File(_) if write => Err(Errno::Rofs.into()),
            Body::File(bytes) => Ok(Arc::new(bytes.clone())),
            Body::Directory(_) => Err(Errno::IsDir.into()),
            _ => Err(Errno::Nxio.into()),
        }
    }

    fn read_link(&self) -> Result<Vec<u8>> {
        match &self.item()?.body {
            Body::Link(text) => Ok(text.to_vec()),
            _ => Err(Errno::Inval.into()),
        }
    }

    fn lookup(&self, name: &[u8]) -> Result<NodeRef> {
        self.children()?;
        let item = self.tree.child(self.item, name).ok_or(Errno::Noent)?;
        Ok(Arc::new(Self { tree: Arc::clone(&self.tree), device: self.device, item }))
    }

    fn list(&self, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        let from = usize::try_from(from.saturating_sub(FIRST)).map_err(|_| Errno::Inval)?;
        for (next, child) in (FIRST + 1..).zip(self.children()?).skip(from) {
            let kind = self.tree.items.get(child.item).ok_or(Errno::Io)?.body.kind();
            if !sink(Entry { next, inode: inode(child.item), kind, name: &child.name }) {
                break;
            }
        }
        Ok(())
    }

    fn space(&self) -> Result<Space> {
        let (bytes, inodes) = (self.tree.bytes, inode(self.tree.items.len()) - 1);
        Ok(Space { bytes, bytes_used: bytes, inodes, inodes_used: inodes })
    }
}

/// Numbers of objects begin at 1.
fn inode(item: usize) -> u64 {
    u64::try_from(item).unwrap_or(u64::MAX - 1) + 1
}

impl Body {
    fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::File,
            Self::Directory(_) => Kind::Directory,
            Self::Link(_) => Kind::Link,
            Self::Fifo => Kind::Fifo,
            Self::Character(_) => Kind::Character,
            Self::Block(_) => Kind::Block,
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::File(bytes) => bytes.len(),
            Self::Link(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            _ => 0,
        }
    }
}

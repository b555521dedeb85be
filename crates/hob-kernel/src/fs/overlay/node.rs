//! A node of an overlay, as everyone else sees it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use hob_os::{Errno, Result};

use super::Union;
use super::body::Body;
use super::file::OverlayFile;
use super::marks::{attribute, is_hidden};
use crate::fs::{Attributes, Change, Entry, File, Kind, New, Node, NodeId, NodeRef, RenameHow, Space, Stat};

/// A node of an overlay. There may be several of one object; all stand for the same body.
#[derive(Clone)]
pub(super) struct OverlayNode {
    pub(super) union: Arc<Union>,
    pub(super) body: Arc<Body>,
}

impl OverlayNode {
    fn node(&self, body: Arc<Body>) -> NodeRef {
        Arc::new(Self { union: self.union.clone(), body })
    }

    fn looking(&self) -> RwLockReadGuard<'_, ()> {
        self.union.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> RwLockWriteGuard<'_, ()> {
        self.union.names.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node of this overlay. Errors: [`Errno::Xdev`].
    fn same_fs<'a>(&self, node: &'a NodeRef) -> Result<&'a Self> {
        let node = node.as_any().downcast_ref::<Self>().ok_or(Errno::Xdev)?;
        if !Arc::ptr_eq(&node.union, &self.union) {
            return Err(Errno::Xdev.into());
        }
        Ok(node)
    }

    /// The upper node, copied if need be.
    pub(super) fn copied(&self, size_max: u64) -> Result<NodeRef> {
        if let Some(upper) = self.body.upper() {
            return Ok(upper);
        }
        let _names = self.changing();
        self.union.copy_up(&self.body, size_max)
    }
}

impl fmt::Debug for OverlayNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OverlayNode({:?} {}:{})", self.body.kind, self.union.device, self.body.number)
    }
}

impl Node for OverlayNode {
    fn id(&self) -> NodeId {
        NodeId { device: self.union.device, inode: self.body.number }
    }

    fn kind(&self) -> Kind {
        self.body.kind
    }

    fn stat(&self) -> Result<Stat> {
        let mut stat = self.body.shown()?.stat()?;
        stat.id = self.id();
        if self.body.kind != Kind::Directory {
            stat.links = self.body.links()?;
            return Ok(stat);
        }
        let state = self.body.state();
        if state.removed {
            stat.links = 0;
        } else if state.lowers.len() + usize::from(state.upper.is_some()) > 1 {
            // Nobody counted the directories in it; 1 says so.
            stat.links = 1;
        }
        Ok(stat)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read_only(&self) -> bool {
        false
    }

    fn immutable(&self) -> Option<u64> {
        let state = self.body.state();
        let lower = if state.upper.is_none() { state.lowers.first().cloned() } else { None };
        drop(state);
        lower.and_then(|lower| lower.node.immutable())
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<Arc<dyn File>> {
        match self.body.kind {
            Kind::File => Ok(Arc::new(OverlayFile::new((*self).clone())?)),
            Kind::Directory => Err(Errno::IsDir.into()),
            _ => Err(Errno::Nxio.into()),
        }
    }

    fn change(&self, change: &Change) -> Result<()> {
        if *change == Change::default() {
            return Ok(());
        }
        self.copied(u64::MAX)?.change(change)
    }

    fn read_link(&self) -> Result<Vec<u8>> {
        self.body.shown()?.read_link()
    }

    fn lookup(&self, name: &[u8]) -> Result<NodeRef> {
        let _names = self.looking();
        let found = self.union.find(&self.body, name)?.ok_or(Errno::Noent)?;
        Ok(self.node(found))
    }

    fn list(&self, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        let mut from = Some(from);
        while let Some(place) = from {
            let batch = {
                let _names = self.looking();
                match self.union.batch(&self.body, place) {
                    Err(error) if error.errno() == Errno::Noent => return Ok(()),
                    batch => batch?,
                }
            };
            for entry in &batch.entries {
                let entry =
                    Entry { next: entry.next, inode: entry.inode, kind: entry.kind, name: &entry.name };
                if !sink(entry) {
                    return Ok(());
                }
            }
            from = batch.next;
        }
        Ok(())
    }

    fn make(&self, name: &[u8], new: New<'_>, attributes: Attributes) -> Result<NodeRef> {
        let _names = self.changing();
        Ok(self.node(self.union.make(&self.body, name, new, attributes)?))
    }

    fn make_unnamed(&self, attributes: Attributes) -> Result<NodeRef> {
        let _names = self.changing();
        Ok(self.node(self.union.make_unnamed(&self.body, attributes)?))
    }

    fn link(&self, name: &[u8], node: &NodeRef) -> Result<()> {
        let node = self.same_fs(node)?;
        let _names = self.changing();
        self.union.link(&self.body, name, &node.body)
    }

    fn unlink(&self, name: &[u8], directory: bool) -> Result<()> {
        let _names = self.changing();
        self.union.unlink(&self.body, name, directory)
    }

    fn rename(&self, name: &[u8], to: &NodeRef, to_name: &[u8], how: RenameHow) -> Result<()> {
        let to = self.same_fs(to)?;
        let _names = self.changing();
        self.union.rename((&self.body, name), (&to.body, to_name), how)
    }

    fn space(&self) -> Result<Space> {
        self.union.upper.space()
    }

    fn attribute(&self, name: &[u8]) -> Result<Vec<u8>> {
        if is_hidden(name) {
            return Err(Errno::NoData.into());
        }
        Ok(attribute(&self.body.shown()?, name)?.ok_or(Errno::NoData)?)
    }

    fn set_attribute(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<()> {
        if is_hidden(name) {
            return Err(Errno::Perm.into());
        }
        self.copied(u64::MAX)?.set_attribute(name, value, create, replace)
    }

    fn remove_attribute(&self, name: &[u8]) -> Result<()> {
        if is_hidden(name) {
            return Err(Errno::NoData.into());
        }
        self.copied(u64::MAX)?.remove_attribute(name)
    }

    fn attributes(&self) -> Result<Vec<Vec<u8>>> {
        let mut names = match self.body.shown()?.attributes() {
            Err(error) if error.errno() == Errno::NotSup => Vec::new(),
            names => names?,
        };
        names.retain(|name| !is_hidden(name));
        Ok(names)
    }
}

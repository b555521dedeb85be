//! One object of a file system in memory: its metadata, and what it holds.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use hob_os::{Errno, Result};

use super::bytes::Bytes;
use super::directory::Directory;
use super::file::MemFile;
use super::{NODE_BYTES, Shared, entry_cost, length};
use crate::fs::{
    Attributes, Change, Entry, File, Kind, New, Node, NodeId, NodeRef, RenameHow, Space, Stat, Time,
};
use crate::limits::{ATTRIBUTE_BYTES_MAX, ATTRIBUTE_NAME_BYTES_MAX};
use crate::time::Clock;
use crate::wait::lock;

/// What the size of a directory is a multiple of.
const DIRECTORY_UNIT: u64 = 4096;

/// How long the time of the last read may be wrong, in nanoseconds: it is kept as Linux does by default (`relatime`).
const READ_STALE_NS: u64 = 24 * 60 * 60 * 1_000_000_000;

/// One object of a file system in memory.
pub struct MemNode {
    me: Weak<MemNode>,
    pub(super) shared: Arc<Shared>,
    inode: u64,
    pub(super) kind: Kind,
    pub(super) state: Mutex<State>,
    /// Of a directory, the one above; changes only under the lock of the tree.
    pub(super) parent: Mutex<Weak<MemNode>>,
}

/// What can change of a node.
#[derive(Debug)]
pub(super) struct State {
    mode: u16,
    uid: u32,
    gid: u32,
    /// Names, for what is no directory.
    pub(super) links: u64,
    /// Whether it may get a name though it has none.
    pub(super) linkable: bool,
    accessed: u64,
    modified: u64,
    changed: u64,
    attributes: BTreeMap<Box<[u8]>, Box<[u8]>>,
    /// Bytes taken from the quota, besides those of [`Body::File`].
    pub(super) charged: u64,
    pub(super) body: Body,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Body {
    File(Bytes),
    Directory(Box<Directory>),
    Link(Box<[u8]>),
    Device(u64),
    Other,
}

impl Body {
    pub(super) fn directory() -> Self {
        Self::Directory(Box::default())
    }
}

impl State {
    /// The entries. Errors: [`Errno::NotDir`].
    pub(super) fn entries(&self) -> Result<&Directory> {
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(Errno::NotDir.into()),
        }
    }

    /// The entries of a directory that can still get some. Errors: [`Errno::NotDir`], [`Errno::Noent`].
    pub(super) fn entries_mut(&mut self) -> Result<&mut Directory> {
        match &mut self.body {
            Body::Directory(directory) if directory.removed => Err(Errno::Noent.into()),
            Body::Directory(directory) => Ok(directory),
            _ => Err(Errno::NotDir.into()),
        }
    }

    pub(super) fn modified_now(&mut self, now: u64) {
        self.modified = now;
        self.changed = now;
    }

    pub(super) fn changed_now(&mut self, now: u64) {
        self.changed = now;
    }

    pub(super) fn read_now(&mut self, clock: &Clock) {
        let now = clock.now();
        let stale = now.saturating_sub(self.accessed) >= READ_STALE_NS;
        if stale || self.accessed <= self.modified || self.accessed <= self.changed {
            self.accessed = now;
        }
    }
}

impl MemNode {
    /// Makes a node without names, whose body costs `held` bytes. Errors: the quota.
    pub(super) fn new(
        shared: &Arc<Shared>,
        kind: Kind,
        body: Body,
        held: u64,
        attributes: Attributes,
    ) -> Result<Arc<Self>> {
        let charged = NODE_BYTES.saturating_add(held);
        shared.quota.take_node(charged)?;
        let now = shared.clock.now();
        let state = State {
            mode: attributes.mode & 0o7777,
            uid: attributes.uid,
            gid: attributes.gid,
            links: 0,
            linkable: false,
            accessed: now,
            modified: now,
            changed: now,
            attributes: BTreeMap::new(),
            charged,
            body,
        };
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            shared: shared.clone(),
            inode: shared.inode(),
            kind,
            state: Mutex::new(state),
            parent: Mutex::default(),
        }))
    }

    /// The same node, to be kept.
    pub(super) fn shared_self(&self) -> Result<Arc<Self>> {
        Ok(self.me.upgrade().ok_or(Errno::Stale)?)
    }

    /// A node of this file system. Errors: [`Errno::Xdev`].
    pub(super) fn same_fs<'a>(&self, node: &'a NodeRef) -> Result<&'a Self> {
        let node = node.as_any().downcast_ref::<Self>().ok_or(Errno::Xdev)?;
        if !Arc::ptr_eq(&node.shared, &self.shared) {
            return Err(Errno::Xdev.into());
        }
        Ok(node)
    }

    /// Makes an object without a name, whatever it is.
    pub(in crate::fs) fn make_loose(&self, new: New<'_>, attributes: Attributes) -> Result<NodeRef> {
        Ok(self.create(new, attributes)?)
    }

    /// Whether a file without a name may be given one.
    pub(in crate::fs) fn is_linkable(&self) -> bool {
        lock(&self.state).linkable
    }

    /// Gives an object a name in this directory in place of what had it, which may be a directory if it is empty. Needs
    /// room only if nothing had the name. The object may have lost all its names; if it is a directory, it never had one.
    pub(in crate::fs) fn put(&self, name: &[u8], node: &NodeRef) -> Result<()> {
        let node = self.same_fs(node)?.shared_self()?;
        let _tree = lock(&self.shared.tree);
        let now = self.shared.clock.now();
        let mut state = lock(&self.state);
        match state.entries_mut()?.get(name).cloned() {
            Some(old) if Arc::ptr_eq(&old, &node) => return Ok(()),
            Some(old) if old.kind == Kind::Directory => old.retire(now)?,
            Some(old) => old.lose_name(now),
            None => self.pay(&mut state, entry_cost(name))?,
        }
        if node.kind == Kind::Directory {
            *lock(&node.parent) = self.me.clone();
        } else {
            let mut named = lock(&node.state);
            named.links = named.links.saturating_add(1);
            named.linkable = false;
            named.changed_now(now);
        }
        state.entries_mut()?.set(name, node);
        state.modified_now(now);
        Ok(())
    }

    fn create(&self, new: New<'_>, attributes: Attributes) -> Result<Arc<Self>> {
        let (kind, body, held) = match new {
            New::File => (Kind::File, Body::File(Bytes::default()), 0),
            New::Directory => (Kind::Directory, Body::directory(), 0),
            New::Link(target) => (Kind::Link, Body::Link(target.into()), length(target)),
            New::Fifo => (Kind::Fifo, Body::Other, 0),
            New::Character(number) => (Kind::Character, Body::Device(number), 0),
            New::Block(number) => (Kind::Block, Body::Device(number), 0),
            New::Socket => (Kind::Socket, Body::Other, 0),
        };
        Self::new(&self.shared, kind, body, held, attributes)
    }

    fn unlink_directory(&self, name: &[u8]) -> Result<()> {
        let _tree = lock(&self.shared.tree);
        let mut state = lock(&self.state);
        let node = state.entries()?.get(name).ok_or(Errno::Noent)?.clone();
        if node.kind != Kind::Directory {
            return Err(Errno::NotDir.into());
        }
        let now = self.shared.clock.now();
        node.retire(now)?;
        self.take_out(&mut state, name, now)
    }

    /// Marks a directory as removed. Errors: [`Errno::NotEmpty`].
    pub(super) fn retire(&self, now: u64) -> Result<()> {
        let mut state = lock(&self.state);
        let entries = state.entries_mut()?;
        if !entries.is_empty() {
            return Err(Errno::NotEmpty.into());
        }
        entries.removed = true;
        state.changed_now(now);
        *lock(&self.parent) = Weak::new();
        Ok(())
    }

    fn take_out(&self, state: &mut State, name: &[u8], now: u64) -> Result<()> {
        state.entries_mut()?.remove(name);
        state.modified_now(now);
        self.pay_back(state, entry_cost(name));
        Ok(())
    }

    /// Gives back what this node was charged for.
    pub(super) fn pay_back(&self, state: &mut State, bytes: u64) {
        state.charged = state.charged.saturating_sub(bytes);
        self.shared.quota.give(bytes);
    }

    /// Takes room for what this node holds.
    pub(super) fn pay(&self, state: &mut State, bytes: u64) -> Result<()> {
        self.shared.quota.take(bytes)?;
        state.charged += bytes;
        Ok(())
    }

    /// One name less, for what is no directory.
    pub(super) fn lose_name(&self, now: u64) {
        let mut state = lock(&self.state);
        state.links = state.links.saturating_sub(1);
        state.changed_now(now);
    }

    /// Gives everything back, and hands over what was below. Does nothing the second time.
    fn bury(&mut self) -> Vec<Arc<Self>> {
        let state = self.state.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (bytes, below) = match &mut state.body {
            Body::File(bytes) => (bytes.clear(), Vec::new()),
            Body::Directory(directory) => (0, directory.drain()),
            _ => (0, Vec::new()),
        };
        let charged = std::mem::take(&mut state.charged);
        if charged > 0 {
            self.shared.quota.give_node(charged.saturating_add(bytes));
        }
        below
    }
}

impl Drop for MemNode {
    /// Not left to the compiler: it would recurse, and a deep tree would overflow the stack of the host.
    fn drop(&mut self) {
        let mut below = self.bury();
        while let Some(node) = below.pop() {
            if let Some(mut node) = Arc::into_inner(node) {
                below.append(&mut node.bury());
            }
        }
    }
}

impl fmt::Debug for MemNode {
    /// Not what is below, which has no bound.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemNode({:?} {}:{})", self.kind, self.shared.device, self.inode)
    }
}

impl Node for MemNode {
    fn id(&self) -> NodeId {
        NodeId { device: self.shared.device, inode: self.inode }
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn stat(&self) -> Result<Stat> {
        let state = lock(&self.state);
        let mut stat = Stat {
            id: self.id(),
            kind: self.kind,
            mode: state.mode,
            links: state.links,
            uid: state.uid,
            gid: state.gid,
            device: 0,
            size: 0,
            blocks: 0,
            accessed: state.accessed,
            modified: state.modified,
            changed: state.changed,
        };
        match &state.body {
            Body::File(bytes) => {
                stat.size = bytes.size();
                stat.blocks = bytes.stored() / 512;
            }
            Body::Directory(directory) => {
                stat.links = if directory.removed { 0 } else { 2 + directory.directories() };
                let entries = u64::try_from(directory.len()).unwrap_or(u64::MAX);
                // In the units of an ordinary disk: programs take a directory of no bytes for an odd thing.
                let units = entries.saturating_mul(super::ENTRY_BYTES).div_ceil(DIRECTORY_UNIT).max(1);
                stat.size = units.saturating_mul(DIRECTORY_UNIT);
            }
            Body::Link(target) => stat.size = length(target),
            Body::Device(number) => stat.device = *number,
            Body::Other => {}
        }
        Ok(stat)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read_only(&self) -> bool {
        false
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<Arc<dyn File>> {
        match self.kind {
            Kind::File => Ok(Arc::new(MemFile::new(self))),
            Kind::Directory => Err(Errno::IsDir.into()),
            _ => Err(Errno::Nxio.into()),
        }
    }

    fn change(&self, change: &Change) -> Result<()> {
        if *change == Change::default() {
            return Ok(());
        }
        let now = self.shared.clock.now();
        let mut state = lock(&self.state);
        let state = &mut *state;
        state.mode = change.mode.map_or(state.mode, |mode| mode & 0o7777);
        state.uid = change.uid.unwrap_or(state.uid);
        state.gid = change.gid.unwrap_or(state.gid);
        for (field, time) in [(&mut state.accessed, change.accessed), (&mut state.modified, change.modified)]
        {
            match time {
                Time::Keep => {}
                Time::Now => *field = now,
                Time::At(at) => *field = at,
            }
        }
        state.changed_now(now);
        Ok(())
    }

    fn read_link(&self) -> Result<Vec<u8>> {
        let mut state = lock(&self.state);
        state.read_now(&self.shared.clock);
        match &state.body {
            Body::Link(target) => Ok(target.to_vec()),
            _ => Err(Errno::Inval.into()),
        }
    }

    fn lookup(&self, name: &[u8]) -> Result<NodeRef> {
        let state = lock(&self.state);
        Ok(state.entries()?.get(name).ok_or(Errno::Noent)?.clone())
    }

    fn list(&self, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        let mut from = from;
        loop {
            let batch = {
                let mut state = lock(&self.state);
                state.read_now(&self.shared.clock);
                state.entries()?.batch(from)
            };
            if batch.is_empty() {
                return Ok(());
            }
            for entry in batch {
                let node = &entry.node;
                if !sink(Entry { next: entry.next, inode: node.inode, kind: node.kind, name: &entry.name }) {
                    return Ok(());
                }
                from = entry.next;
            }
        }
    }

    fn make(&self, name: &[u8], new: New<'_>, attributes: Attributes) -> Result<NodeRef> {
        let mut state = lock(&self.state);
        if state.entries_mut()?.get(name).is_some() {
            return Err(Errno::Exist.into());
        }
        let node = self.create(new, attributes)?;
        self.pay(&mut state, entry_cost(name))?;
        if node.kind == Kind::Directory {
            *lock(&node.parent) = self.me.clone();
        } else {
            lock(&node.state).links = 1;
        }
        state.entries_mut()?.set(name, node.clone());
        state.modified_now(self.shared.clock.now());
        Ok(node)
    }

    fn make_unnamed(&self, attributes: Attributes) -> Result<NodeRef> {
        lock(&self.state).entries_mut()?;
        let node = self.create(New::File, attributes)?;
        lock(&node.state).linkable = true;
        Ok(node)
    }

    fn link(&self, name: &[u8], node: &NodeRef) -> Result<()> {
        let node = self.same_fs(node)?.shared_self()?;
        if node.kind == Kind::Directory {
            return Err(Errno::Perm.into());
        }
        let now = self.shared.clock.now();
        let mut state = lock(&self.state);
        if state.entries_mut()?.get(name).is_some() {
            return Err(Errno::Exist.into());
        }
        let mut linked = lock(&node.state);
        if linked.links == 0 && !linked.linkable {
            return Err(Errno::Noent.into());
        }
        let links = linked.links.checked_add(1).ok_or(Errno::Mlink)?;
        self.pay(&mut state, entry_cost(name))?;
        linked.links = links;
        linked.linkable = false;
        linked.changed_now(now);
        drop(linked);
        state.entries_mut()?.set(name, node);
        state.modified_now(now);
        Ok(())
    }

    fn unlink(&self, name: &[u8], directory: bool) -> Result<()> {
        if directory {
            return self.unlink_directory(name);
        }
        let mut state = lock(&self.state);
        let node = state.entries()?.get(name).ok_or(Errno::Noent)?.clone();
        if node.kind == Kind::Directory {
            return Err(Errno::IsDir.into());
        }
        let now = self.shared.clock.now();
        node.lose_name(now);
        self.take_out(&mut state, name, now)
    }

    fn rename(&self, name: &[u8], to: &NodeRef, to_name: &[u8], how: RenameHow) -> Result<()> {
        self.rename_to(name, self.same_fs(to)?, to_name, how)
    }

    fn space(&self) -> Result<Space> {
        Ok(self.shared.quota.space())
    }

    fn attribute(&self, name: &[u8]) -> Result<Vec<u8>> {
        Ok(lock(&self.state).attributes.get(name).ok_or(Errno::NoData)?.to_vec())
    }

    fn set_attribute(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<()> {
        if name.is_empty() || name.len() > ATTRIBUTE_NAME_BYTES_MAX {
            return Err(Errno::Inval.into());
        }
        if value.len() > ATTRIBUTE_BYTES_MAX {
            return Err(Errno::TooBig.into());
        }
        let mut state = lock(&self.state);
        let had = state.attributes.get(name).map(|value| entry_cost(name) + length(value));
        if create && had.is_some() {
            return Err(Errno::Exist.into());
        }
        if replace && had.is_none() {
            return Err(Errno::NoData.into());
        }
        let (had, need) = (had.unwrap_or(0), entry_cost(name) + length(value));
        self.pay(&mut state, need.saturating_sub(had))?;
        self.pay_back(&mut state, had.saturating_sub(need));
        state.attributes.insert(name.into(), value.into());
        state.changed_now(self.shared.clock.now());
        Ok(())
    }

    fn remove_attribute(&self, name: &[u8]) -> Result<()> {
        let mut state = lock(&self.state);
        let value = state.attributes.remove(name).ok_or(Errno::NoData)?;
        self.pay_back(&mut state, entry_cost(name) + length(&value));
        state.changed_now(self.shared.clock.now());
        Ok(())
    }

    fn attributes(&self) -> Result<Vec<Vec<u8>>> {
        Ok(lock(&self.state).attributes.keys().map(|name| name.to_vec()).collect())
    }
}

//! From a path to a place in the tree.
//!
//! A path is walked name by name, here and nowhere else: mounts, `..`, symbolic links and search permission are decided
//! once for all file systems. A [`Place`] remembers how it was reached, so `..` is where one came from and never asks a
//! file system for a parent. A link is text that is walked in the session's own tree: whatever it says, it leads to
//! nothing that was not granted.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hob_os::{Errno, Result};

use crate::fs::procfs::{self, Jump};
use crate::fs::{Kind, NodeId, NodeRef};
use crate::limits::{DEPTH_MAX, LINKS_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX};
use crate::process::Identity;

/// A node, and how it was reached.
#[derive(Debug)]
pub struct Place {
    /// The node.
    pub node: NodeRef,
    parent: Option<Arc<Place>>,
    name: Box<[u8]>,
    depth: usize,
}

impl Place {
    /// The root of a tree.
    #[must_use]
    pub fn root(node: NodeRef) -> Arc<Self> {
        Arc::new(Self { node, parent: None, name: Box::default(), depth: 0 })
    }

    /// What lies below this place under a name.
    #[must_use]
    pub fn child(self: &Arc<Self>, name: &[u8], node: NodeRef) -> Arc<Self> {
        Arc::new(Self { node, parent: Some(Arc::clone(self)), name: name.into(), depth: self.depth + 1 })
    }

    /// Where it was reached from; the root's is itself.
    #[must_use]
    pub fn parent(self: &Arc<Self>) -> Arc<Self> {
        self.parent.as_ref().map_or_else(|| Arc::clone(self), Arc::clone)
    }

    /// Its name; the root's is empty.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its absolute path, without links.
    #[must_use]
    pub fn path(&self) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = self;
        while let Some(parent) = &at.parent {
            names.push(&at.name);
            at = parent;
        }
        if names.is_empty() {
            return b"/".to_vec();
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        path
    }

    /// The absolute path of a name in this directory.
    #[must_use]
    pub fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path();
        if !name.is_empty() {
            if path.last() != Some(&b'/') {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        path
    }

    /// Whether `other` is this place or lies below it.
    #[must_use]
    pub fn contains(&self, other: &Arc<Self>) -> bool {
        let mut at = Some(other);
        while let Some(place) = at {
            if place.node.id() == self.node.id() {
                return true;
            }
            at = place.parent.as_ref();
        }
        false
    }
}

impl Drop for Place {
    /// Takes long chains apart without recursion.
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(place) = next {
            next = match Arc::try_unwrap(place) {
                Ok(mut last) => last.parent.take(),
                Err(_) => None,
            };
        }
    }
}

/// A tree with what is mounted in it.
#[derive(Debug)]
pub struct Tree {
    /// Where absolute paths begin.
    pub root: Arc<Place>,
    /// With what is covered, which stays there as long as it is.
    mounts: RwLock<HashMap<NodeId, (Arc<Place>, Mount)>>,
}

/// Something mounted.
#[derive(Clone, Debug)]
pub struct Mount {
    /// What is seen there.
    pub root: NodeRef,
    /// Where.
    pub path: Vec<u8>,
    /// What it comes from, as `/proc/mounts` shows it.
    pub source: String,
    /// What kind of file system it is.
    pub kind: &'static str,
    /// Whether it is not written, whatever the file system allows.
    pub read_only: bool,
}

impl Tree {
    /// A tree without mounts.
    #[must_use]
    pub fn new(root: NodeRef) -> Self {
        Self { root: Place::root(root), mounts: RwLock::default() }
    }

    /// Shows `mount` in place of a directory.
    pub fn mount(&self, over: &Arc<Place>, mount: Mount) -> Result<()> {
        if over.node.kind() != Kind::Directory {
            return Err(Errno::NotDir.into());
        }
        let mut mounts = self.mounts.write().unwrap_or_else(PoisonError::into_inner);
        mounts.insert(over.node.id(), (Arc::clone(over), mount));
        Ok(())
    }

    /// Everything mounted, by path.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        let mounts = self.mounts.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Mount> = mounts.values().map(|(_, mount)| mount.clone()).collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all
    }

    /// Whether a place may not be changed, whoever asks: what is mounted there, or the file system itself, says so.
    #[must_use]
    pub fn read_only(&self, place: &Place) -> bool {
        place.node.read_only() || self.mount_of(place).is_some_and(|mount| mount.read_only)
    }

    /// Whether something is mounted at a place.
    #[must_use]
    pub fn is_mount_point(&self, node: NodeId) -> bool {
        let mounts = self.mounts.read().unwrap_or_else(PoisonError::into_inner);
        mounts.contains_key(&node) || mounts.values().any(|(_, mount)| mount.root.id() == node)
    }

    fn mount_of(&self, place: &Place) -> Option<Mount> {
        let device = place.node.id().device;
        let mounts = self.mounts.read().unwrap_or_else(PoisonError::into_inner);
        mounts.values().map(|(_, mount)| mount).find(|mount| mount.root.id().device == device).cloned()
    }

    /// What is seen where a node is: itself, or what is mounted over it.
    #[must_use]
    pub fn shown(&self, node: NodeRef) -> NodeRef {
        let mounts = self.mounts.read().unwrap_or_else(PoisonError::into_inner);
        match mounts.get(&node.id()) {
            Some((_, mount)) => Arc::clone(&mount.root),
            None => node,
        }
    }
}

/// What to do with a symbolic link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// Follow it.
    Follow,
    /// It is what is meant. With a slash behind it, it is followed all the same.
    Keep,
}

/// Where a path leads.
#[derive(Debug)]
pub struct Found {
    /// The directory the last name is in.
    pub dir: Arc<Place>,
    /// The last name; empty for the root and for what ends in `.` or `..`.
    pub name: Vec<u8>,
    /// What is there, if there is something.
    pub place: Option<Arc<Place>>,
    /// Whether the path ended in a slash: it means a directory.
    pub slash: bool,
}

impl Found {
    /// What is there. Errors: [`Errno::Noent`]; [`Errno::NotDir`] for a path that ends in a slash and is none.
    pub fn existing(self) -> Result<Arc<Place>> {
        let place = self.place.ok_or(Errno::Noent)?;
        if self.slash && place.node.kind() != Kind::Directory {
            return Err(Errno::NotDir.into());
        }
        Ok(place)
    }
}

/// Who walks.
#[derive(Clone, Copy, Debug)]
pub struct Walker<'a> {
    /// The tree.
    pub tree: &'a Tree,
    /// With whose permissions.
    pub who: &'a Identity,
    /// Which process it is: `/proc/self`.
    pub me: u32,
}

impl Walker<'_> {
    /// Walks a path, from `base` unless it is absolute.
    ///
    /// Errors: [`Errno::Noent`] for an empty path or a directory that is not there; [`Errno::NotDir`];
    /// [`Errno::Acces`] without permission to search; [`Errno::Loop`] for more than [`LINKS_MAX`] links;
    /// [`Errno::NameTooLong`]; [`Errno::Inval`] for NUL.
    pub fn find(&self, base: &Arc<Place>, path: &[u8], last: Last) -> Result<Found> {
        if path.is_empty() {
            return Err(Errno::Noent.into());
        }
        if path.len() >= PATH_BYTES_MAX {
            return Err(Errno::NameTooLong.into());
        }
        if path.contains(&0) {
            return Err(Errno::Inval.into());
        }
        let mut at = Arc::clone(if path.starts_with(b"/") { &self.tree.root } else { base });
        let mut rest = path.to_vec();
        let mut links = 0;
        loop {
            let (name, after) = first(&rest);
            let is_last = first(after).0.is_empty();
            let slash = is_last && !after.is_empty();
            match name {
                b"" => {
                    let slash = rest.ends_with(b"/");
                    return Ok(Found { dir: at.parent(), name: Vec::new(), place: Some(at), slash });
                }
                b"." | b".." => {
                    self.search(&at)?;
                    if name == b".." {
                        at = at.parent();
                    }
                }
                name if name.len() > NAME_BYTES_MAX => return Err(Errno::NameTooLong.into()),
                name => {
                    self.search(&at)?;
                    let node = match at.node.lookup(name) {
                        Ok(node) => self.tree.shown(node),
                        Err(error) if error.errno() == Errno::Noent && is_last => {
                            return Ok(Found { dir: at, name: name.to_vec(), place: None, slash });
                        }
                        Err(error) => return Err(error),
                    };
                    let follow = !is_last || slash || last == Last::Follow;
                    if node.kind() == Kind::Link && follow {
                        links += 1;
                        if links > LINKS_MAX {
                            return Err(Errno::Loop.into());
                        }
                        match procfs::jump(&node, self.me)? {
                            Jump::Text(text) => {
                                rest = spliced(&text, after)?;
                                if text.starts_with(b"/") {
                                    at = Arc::clone(&self.tree.root);
                                }
                                continue;
                            }
                            Jump::Place(place) => at = place,
                            Jump::Stays if is_last => {
                                let place = Some(at.child(name, node));
                                return Ok(Found { dir: at, name: name.to_vec(), place, slash });
                            }
                            Jump::Stays => return Err(Errno::NotDir.into()),
                        }
                    } else {
                        let place = at.child(name, node);
                        if place.depth > DEPTH_MAX {
                            return Err(Errno::NameTooLong.into());
                        }
                        if is_last {
                            let found = Found {
                                dir: at,
                                name: name.to_vec(),
                                place: Some(Arc::clone(&place)),
                                slash,
                            };
                            return Ok(found);
                        }
                        at = place;
                    }
                }
            }
            rest = after.to_vec();
        }
    }

    /// Permission to look for names in a directory.
    fn search(&self, place: &Arc<Place>) -> Result<()> {
        if place.node.kind() != Kind::Directory {
            return Err(Errno::NotDir.into());
        }
        self.who.need(&place.node.stat()?, 1)
    }
}

/// What remains to be walked after the text of a link took its place.
fn spliced(text: &[u8], after: &[u8]) -> Result<Vec<u8>> {
    if text.is_empty() {
        return Err(Errno::Noent.into());
    }
    let rest = [text, after].concat();
    if rest.len() >= 2 * PATH_BYTES_MAX {
        return Err(Errno::NameTooLong.into());
    }
    Ok(rest)
}

/// The first name of a path without the slashes before it, and what follows it.
fn first(path: &[u8]) -> (&[u8], &[u8]) {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    let path = path.split_at(start).1;
    path.split_at(path.iter().position(|byte| *byte == b'/').unwrap_or(path.len()))
}

//! The granted directories, and which grant speaks for a directory reached through another one.
//!
//! Two grants may overlap: `/data` writable and `/data/secret` read-only. For one path the longest
//! matching guest prefix decides, however the guest got there. So a walk asks here at every directory
//! it enters, and a directory becomes another grant's in two ways:
//!
//! * *by guest path*: below `/data`, the name `secret` **is** the second grant, as with a mount;
//! * *by identity*: a directory that is the root of another grant on the host, reached by any other
//!   name (a symbolic link, a renamed parent, a bind mount), keeps that grant's access. When neither
//!   guest path lies inside the other, the lesser access holds.
//!
//! Stops: writing to a read-only grant through a wider writable one; carrying a file between grants
//! with a link or a rename (crossing is refused by comparing regions).

use std::os::fd::OwnedFd;
use std::sync::Arc;

use hob_cap::{Access, FsGrant, GuestPath};
use rustix::fs::Stat;

use crate::{Errno, Result};

/// What makes a file system object itself on this host: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ObjectId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl ObjectId {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}

/// One grant with its open root.
#[derive(Debug)]
pub(crate) struct Region {
    guest: GuestPath,
    access: Access,
    root: Arc<OwnedFd>,
    id: ObjectId,
    label: String,
}

/// An open directory, and the grant that speaks for it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) fd: Arc<OwnedFd>,
    pub(crate) id: ObjectId,
    /// The index of its grant.
    pub(crate) region: usize,
    /// What may be done in it.
    pub(crate) access: Access,
    /// Its guest path; kept only when there is more than one grant.
    guest: Vec<u8>,
}

impl Node {
    /// The same directory through another descriptor of it.
    pub(crate) fn through(&self, fd: OwnedFd) -> Self {
        Self { fd: Arc::new(fd), ..self.clone() }
    }
}

/// Every directory grant of one guest.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    list: Vec<Region>,
}

impl Regions {
    /// Adds a grant with its open root. Two grants with one guest path are refused: nothing could
    /// tell which of them a path means.
    pub(crate) fn add(&mut self, grant: &FsGrant, root: OwnedFd, id: ObjectId) -> Result<()> {
        if self.list.iter().any(|region| region.guest == grant.guest) {
            return Err(Errno::Exist.into());
        }
        let access = match grant.access {
            Access::Read => "ro",
            Access::ReadWrite => "rw",
        };
        self.list.push(Region {
            guest: grant.guest.clone(),
            access: grant.access,
            root: Arc::new(root),
            id,
            label: format!("fs {}:{access}", grant.guest.as_str()),
        });
        Ok(())
    }

    /// How many grants there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The root of a grant.
    pub(crate) fn root(&self, region: usize) -> Option<Node> {
        let found = self.list.get(region)?;
        Some(self.node(region, found, found.access))
    }

    /// The guest path of a grant.
    pub(crate) fn guest(&self, region: usize) -> Option<&GuestPath> {
        self.list.get(region).map(|region| &region.guest)
    }

    /// The grant as an audit record names it.
    pub(crate) fn label(&self, region: usize) -> Option<&str> {
        self.list.get(region).map(|region| region.label.as_str())
    }

    /// Whether an object is the root of some grant.
    pub(crate) fn is_root(&self, id: ObjectId) -> bool {
        self.list.iter().any(|region| region.id == id)
    }

    /// The grant whose guest path is `name` below `parent`, as if it were mounted there.
    pub(crate) fn mounted(&self, parent: &Node, name: &[u8]) -> Option<Node> {
        if self.list.len() < 2 {
            return None;
        }
        let path = below(&parent.guest, name);
        let (index, region) =
            self.list.iter().enumerate().find(|(_, region)| region.guest.as_str().as_bytes() == path)?;
        Some(self.node(index, region, region.access))
    }

    /// The directory `fd`, found as `name` below `parent`, with the grant that speaks for it.
    pub(crate) fn enter(&self, parent: &Node, name: &[u8], fd: OwnedFd, id: ObjectId) -> Node {
        let fd = Arc::new(fd);
        if self.list.len() < 2 {
            return Node { fd, id, region: parent.region, access: parent.access, guest: Vec::new() };
        }
        let others = || {
            self.list.iter().enumerate().filter(|(index, region)| region.id == id && *index != parent.region)
        };
        let inside = others()
            .filter(|(_, region)| {
                self.guest(parent.region).is_some_and(|outer| outer.contains(&region.guest))
            })
            .max_by_key(|(_, region)| region.guest.as_str().len());
        if let Some((index, region)) = inside {
            return Node { fd, ..self.node(index, region, region.access) };
        }
        let Some((index, region)) = others().min_by_key(|(_, region)| region.access) else {
            let guest = below(&parent.guest, name);
            return Node { fd, id, region: parent.region, access: parent.access, guest };
        };
        Node { fd, ..self.node(index, region, region.access.min(parent.access)) }
    }

    /// What may be done to the object `id` named in `parent`: less than in `parent` when it is the
    /// root of another grant that gives less.
    pub(crate) fn access_to(&self, parent: &Node, id: ObjectId) -> Access {
        let roots = self.list.iter().filter(|region| region.id == id).map(|region| region.access);
        roots.fold(parent.access, Access::min)
    }

    fn node(&self, index: usize, region: &Region, access: Access) -> Node {
        let guest = if self.list.len() < 2 { Vec::new() } else { region.guest.as_str().as_bytes().to_vec() };
        Node { fd: Arc::clone(&region.root), id: region.id, region: index, access, guest }
    }
}

/// The guest path of `name` in the directory with guest path `parent`.
fn below(parent: &[u8], name: &[u8]) -> Vec<u8> {
    match parent {
        b"." => name.to_vec(),
        b"/" => [b"/", name].concat(),
        _ => [parent, b"/", name].concat(),
    }
}

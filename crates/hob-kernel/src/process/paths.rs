//! Names: making, removing, renaming, linking.

use std::sync::Arc;

use hob_os::{Errno, Result};

use crate::fs::walk::{Found, Last, Place};
use crate::fs::{Kind, New, RenameHow, Stat, procfs};
use crate::process::{Base, Process};

impl Process {
    fn find(&self, base: Base, path: &[u8], last: Last) -> Result<Found> {
        self.check()?;
        let base = self.base(base, path)?;
        self.walk(|walker| walker.find(&base, path, last))
    }

    /// What is at a path.
    pub(crate) fn existing(&self, base: Base, path: &[u8], follow: bool) -> Result<Arc<Place>> {
        let last = if follow { Last::Follow } else { Last::Keep };
        self.find(base, path, last)?.existing()
    }

    /// Makes something. Errors: [`Errno::Exist`]; [`Errno::Perm`] for a device from anyone but root, and for any device
    /// whose number could mean something; those of walking and permission.
    pub fn make(&self, base: Base, path: &[u8], new: New<'_>, mode: u16) -> Result<()> {
        if matches!(new, New::Character(_) | New::Block(_)) && !self.identity().is_root() {
            return Err(Errno::Perm.into());
        }
        let found = self.find(base, path, Last::Keep)?;
        if found.place.is_some() {
            return Err(Errno::Exist.into());
        }
        if found.slash && new != New::Directory {
            return Err(Errno::Noent.into());
        }
        self.may_change(&found.dir, &found.name)?;
        let mut attributes = self.attributes(mode, &found.dir)?;
        if matches!(new, New::Link(_)) {
            attributes.mode = 0o777;
        } else if new == New::Directory {
            attributes.mode |= found.dir.node.stat()?.mode & 0o2000;
        }
        self.record_name("create", &found.dir, &found.name)?;
        found.dir.node.make(&found.name, new, attributes).map(drop)
    }

    /// Makes a symbolic link. Errors: [`Errno::Noent`] for an empty target; [`Errno::NameTooLong`].
    pub fn make_link(&self, target: &[u8], base: Base, path: &[u8]) -> Result<()> {
        if target.is_empty() {
            return Err(Errno::Noent.into());
        }
        if target.len() >= crate::limits::PATH_BYTES_MAX {
            return Err(Errno::NameTooLong.into());
        }
        self.make(base, path, New::Link(target), 0o777)
    }

    /// The target of a symbolic link. Errors: [`Errno::Inval`] for anything else.
    pub fn read_link(&self, base: Base, path: &[u8]) -> Result<Vec<u8>> {
        let place = self.existing(base, path, false)?;
        self.may_look(&place)?;
        self.record("read", &place)?;
        match procfs::text(&place.node, self.me.pid)? {
            Some(text) => Ok(text),
            None => place.node.read_link(),
        }
    }

    /// Takes a name away. Errors: [`Errno::IsDir`], [`Errno::NotDir`], [`Errno::NotEmpty`], [`Errno::Busy`] where
    /// something is mounted; [`Errno::Inval`] for a path that ends in `.`.
    pub fn remove(&self, base: Base, path: &[u8], directory: bool) -> Result<()> {
        let found = self.find(base, path, Last::Keep)?;
        let place = found.place.as_ref().ok_or(Errno::Noent)?;
        let is_directory = place.node.kind() == Kind::Directory;
        if directory && !is_directory {
            return Err(Errno::NotDir.into());
        }
        if !directory && is_directory {
            return Err(Errno::IsDir.into());
        }
        if found.slash && !is_directory {
            return Err(Errno::NotDir.into());
        }
        if found.name.is_empty() {
            return Err(if path.ends_with(b".") { Errno::Inval } else { Errno::Busy }.into());
        }
        if self.kernel.tree.is_mount_point(place.node.id()) {
            return Err(Errno::Busy.into());
        }
        self.may_change(&found.dir, &found.name)?;
        self.sticky(&found.dir, &place.node.stat()?)?;
        self.record_name("remove", &found.dir, &found.name)?;
        found.dir.node.unlink(&found.name, directory)
    }

    /// Gives a file one more name. Errors: [`Errno::Exist`]; [`Errno::Perm`] for a directory; [`Errno::Xdev`].
    pub fn link(&self, from: Base, old: &[u8], follow: bool, to: Base, new: &[u8]) -> Result<()> {
        let place = self.existing(from, old, follow)?;
        self.link_place(&place, to, new)
    }

    /// As [`Process::link`], of an open file that may have no name yet.
    pub fn link_open(&self, fd: u32, to: Base, new: &[u8]) -> Result<()> {
        let place = self.description(fd)?.place.clone().ok_or(Errno::Noent)?;
        self.link_place(&place, to, new)
    }

    fn link_place(&self, place: &Arc<Place>, to: Base, new: &[u8]) -> Result<()> {
        if place.node.kind() == Kind::Directory {
            return Err(Errno::Perm.into());
        }
        let found = self.find(to, new, Last::Keep)?;
        if found.place.is_some() {
            return Err(Errno::Exist.into());
        }
        if found.slash {
            return Err(Errno::Noent.into());
        }
        if found.dir.node.id().device != place.node.id().device {
            return Err(Errno::Xdev.into());
        }
        self.may_write(place)?;
        self.may_change(&found.dir, &found.name)?;
        self.record_name("link", &found.dir, &found.name)?;
        found.dir.node.link(&found.name, &place.node)
    }

    /// Gives something another name. Errors: [`Errno::Xdev`], [`Errno::NotEmpty`], [`Errno::IsDir`],
    /// [`Errno::NotDir`], [`Errno::Exist`]; [`Errno::Inval`] for a directory below itself; [`Errno::Busy`].
    pub fn rename(&self, from: Base, old: &[u8], to: Base, new: &[u8], how: RenameHow) -> Result<()> {
        let (source, target) = (self.find(from, old, Last::Keep)?, self.find(to, new, Last::Keep)?);
        let place = source.place.as_ref().ok_or(Errno::Noent)?;
        if source.name.is_empty() || target.name.is_empty() {
            return Err(Errno::Busy.into());
        }
        let is_directory = place.node.kind() == Kind::Directory;
        if (source.slash || (target.slash && target.place.is_none())) && !is_directory {
            return Err(Errno::NotDir.into());
        }
        if source.dir.node.id().device != target.dir.node.id().device {
            return Err(Errno::Xdev.into());
        }
        let busy = |place: &Place| self.kernel.tree.is_mount_point(place.node.id());
        if busy(place) || target.place.as_ref().is_some_and(|place| busy(place)) {
            return Err(Errno::Busy.into());
        }
        if is_directory && place.contains(&target.dir) {
            return Err(Errno::Inval.into());
        }
        if let Some(other) = &target.place {
            if how == RenameHow::Exchange && other.contains(&source.dir) {
                return Err(Errno::Inval.into());
            }
            self.sticky(&target.dir, &other.node.stat()?)?;
        }
        self.may_change(&source.dir, &source.name)?;
        self.may_change(&target.dir, &target.name)?;
        self.sticky(&source.dir, &place.node.stat()?)?;
        self.record_name("rename", &source.dir, &source.name)?;
        self.record_name("rename", &target.dir, &target.name)?;
        source.dir.node.rename(&source.name, &target.dir.node, &target.name, how)
    }

    /// In a directory with the sticky bit only who owns a thing or the directory takes its name away.
    fn sticky(&self, dir: &Arc<Place>, thing: &Stat) -> Result<()> {
        let parent = dir.node.stat()?;
        let who = self.identity();
        if parent.mode & 0o1000 == 0 || who.is_root() || [parent.uid, thing.uid].contains(&who.euid()) {
            Ok(())
        } else {
            Err(Errno::Perm.into())
        }
    }
}

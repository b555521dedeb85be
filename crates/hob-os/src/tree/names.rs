//! Making, linking, moving and removing names.
//!
//! All of these work on one name in one open directory. What a name means may change between look and use, so what is made
//! is used through the descriptor that made it, and what is linked is linked by its own.
//!
//! Stops: carrying something out of a read-only place by a link or a move; taking away the root of a narrower grant; making
//! pipes and devices on the host.

use std::os::fd::OwnedFd;
use std::sync::Mutex;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno as Sys;

use super::object::{Kind, Object, check};
use crate::fs::path::PATH_BYTES_MAX;
use crate::fs::step::{QUIET, step};
use crate::{Errno, Result};

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// An empty regular file.
    File,
    /// An empty directory.
    Directory,
    /// A symbolic link with this text.
    Link(&'a [u8]),
}

/// How to rename.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rename {
    /// What had the new name is gone.
    #[default]
    Replace,
    /// Nothing may have the new name.
    Keep,
    /// Both must exist, and change places.
    Exchange,
}

impl Object {
    /// Makes an object with this name. Of `mode` the permission bits count, less what the host's umask takes; a link has
    /// none. Who made a file opens it once whatever its mode, through what this returns.
    ///
    /// Errors: [`Errno::Exist`]; [`Errno::Rofs`]; [`Errno::Stale`] when somebody else put another object in its place at
    /// the same moment.
    pub fn make(&self, name: &[u8], new: Named<'_>, mode: u16) -> Result<Self> {
        check(name)?;
        self.writable()?;
        let kind = match new {
            Named::File => return self.make_file(name, permissions(mode)),
            Named::Directory => {
                rustix::fs::mkdirat(self.fd(), name, permissions(mode))?;
                Kind::Directory
            }
            Named::Link(text) => {
                check_text(text)?;
                rustix::fs::symlinkat(text, self.fd(), name)?;
                Kind::Link
            }
        };
        let made = self.found(step(self.fd(), name)?)?;
        if made.kind() == kind { Ok(made) } else { Err(Errno::Stale.into()) }
    }

    /// Makes a regular file without a name, which goes with its last user unless it is linked. Errors: [`Errno::Rofs`];
    /// [`Errno::NotSup`] where the host's file system has no such files.
    pub fn make_unnamed(&self, mode: u16) -> Result<Self> {
        self.writable()?;
        let flags = OFlags::TMPFILE | OFlags::RDWR | QUIET;
        match rustix::fs::openat(self.fd(), ".", flags, permissions(mode)) {
            // What a kernel answers that does not know such files.
            Err(Sys::ISDIR) => Err(Errno::NotSup.into()),
            fd => self.born(fd?),
        }
    }

    fn make_file(&self, name: &[u8], mode: Mode) -> Result<Self> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | QUIET;
        self.born(rustix::fs::openat(self.fd(), name, flags, mode)?)
    }

    /// The file behind the descriptor that made it.
    fn born(&self, fd: OwnedFd) -> Result<Self> {
        let mut made = self.found(fd.try_clone()?)?;
        made.born = Mutex::new(Some(fd));
        Ok(made)
    }

    /// Gives an object one more name in this directory.
    ///
    /// Errors: [`Errno::Exist`]; [`Errno::Perm`] for a directory; [`Errno::Xdev`] for another grant's object;
    /// [`Errno::Rofs`] unless both may be changed; [`Errno::Noent`] for what has no name left.
    pub fn link(&self, name: &[u8], object: &Self) -> Result<()> {
        check(name)?;
        self.same(object)?;
        if object.kind() == Kind::Directory {
            return Err(Errno::Perm.into());
        }
        super::again::link(object.fd(), self.fd(), name)
    }

    /// Takes a name away: that of an empty directory, or that of anything else.
    ///
    /// Errors: [`Errno::IsDir`], [`Errno::NotDir`], [`Errno::NotEmpty`]; [`Errno::Rofs`]; [`Errno::Busy`] for the root of
    /// a grant.
    pub fn unlink(&self, name: &[u8], directory: bool) -> Result<()> {
        check(name)?;
        self.writable()?;
        let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        self.no_root(name)?;
        Ok(rustix::fs::unlinkat(self.fd(), name, flags)?)
    }

    /// Moves a name of this directory to another directory.
    ///
    /// Errors: [`Errno::Xdev`] for another grant's directory; [`Errno::Rofs`] unless both may be changed;
    /// [`Errno::Busy`] for the root of a grant; [`Errno::Exist`]; those of POSIX.
    pub fn rename(&self, name: &[u8], to: &Self, to_name: &[u8], how: Rename) -> Result<()> {
        check(name)?;
        check(to_name)?;
        self.same(to)?;
        self.no_root(name)?;
        to.no_root(to_name)?;
        let flags = match how {
            Rename::Replace => RenameFlags::empty(),
            Rename::Keep => RenameFlags::NOREPLACE,
            Rename::Exchange => RenameFlags::EXCHANGE,
        };
        Ok(rustix::fs::renameat_with(self.fd(), name, to.fd(), to_name, flags)?)
    }

    /// Refuses to carry a name between grants, or out of or into what only reads.
    fn same(&self, other: &Self) -> Result<()> {
        if !self.same_grant(other) {
            return Err(Errno::Xdev.into());
        }
        self.writable()?;
        other.writable()
    }
}

/// The mode of a new object: nothing but permissions.
fn permissions(mode: u16) -> Mode {
    Mode::from_raw_mode(u32::from(mode & 0o777))
}

/// Refuses what is no text of a link.
fn check_text(text: &[u8]) -> Result<()> {
    match text {
        b"" => Err(Errno::Noent.into()),
        text if text.contains(&0) => Err(Errno::Inval.into()),
        text if text.len() >= PATH_BYTES_MAX => Err(Errno::NameTooLong.into()),
        _ => Ok(()),
    }
}

//! One name in one open directory: the only step down there is.
//!
//! Whatever walks the host's files, by a guest's descriptors or as a tree of objects, takes every step through here. A
//! step opens one name to look at, follows nothing and acts on nothing, and what it found is what is used from then on.
//!
//! Stops: a name that is swapped for a link between look and use; entering a file system that operates the kernel.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType as SysType, Mode, OFlags, Stat};
use rustix::io::Errno as Sys;

use crate::Result;
use crate::fs::pseudo;
use crate::region::ObjectId;

/// The longest name, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// How the kernel opens a regular file besides reading and writing: never waiting, never taking over a terminal.
pub(crate) const QUIET: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Opens one name, whatever it is, for nothing but to look at it.
pub(crate) fn step(dir: impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?)
}

/// Refuses an object that was reached across a mount onto a kernel file system.
pub(crate) fn crossed(from: ObjectId, object: impl AsFd, stat: &Stat) -> Result<()> {
    if stat.st_dev == from.device { Ok(()) } else { pseudo::refuse(object) }
}

/// The text of a symbolic link, or `None` for anything else or nothing.
pub(crate) fn link_text(dir: impl AsFd, name: &[u8]) -> Result<Option<Vec<u8>>> {
    match rustix::fs::readlinkat(dir, name, Vec::new()) {
        Ok(text) => Ok(Some(text.into_bytes())),
        Err(Sys::INVAL | Sys::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What kind of object metadata is of.
pub(crate) fn kind(stat: &Stat) -> SysType {
    SysType::from_raw_mode(stat.st_mode)
}

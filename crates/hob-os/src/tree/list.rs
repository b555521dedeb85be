//! Listing a directory.
//!
//! Entries are streamed from the kernel, and where a listing goes on is the kernel's own position: nothing is kept, however
//! large the directory, and the position stays good while others make and remove entries.

use std::os::fd::OwnedFd;
use std::sync::{MutexGuard, PoisonError};

use rustix::fs::{AtFlags, FileType as SysType, Mode, OFlags, statat};

use super::object::{Kind, Object};
use crate::fs::readdir::stream;
use crate::fs::step;
use crate::{Errno, Result};

/// Positions of the kernel are moved up by this: 0, 1 and 2 are the caller's, who lists `.` and `..`.
const FIRST: u64 = 3;

/// One entry, lent to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Where the listing goes on after it; at least 3.
    pub next: u64,
    /// The number of the object on its device. Where something is mounted, that of what is below it.
    pub inode: u64,
    /// What it is.
    pub kind: Kind,
    /// Its name, in whatever bytes.
    pub name: &'a [u8],
}

impl Object {
    /// Lists this directory without `.` and `..`, from `from` on, until `sink` returns `false`; what is below 3 is the
    /// start. An entry `sink` did not want is listed again from the `next` before it.
    ///
    /// Errors: [`Errno::NotDir`]; [`Errno::Acces`]; [`Errno::Inval`] for what is no position.
    pub fn list(&self, from: u64, sink: &mut dyn FnMut(Listed<'_>) -> bool) -> Result<()> {
        if self.kind() != Kind::Directory {
            return Err(Errno::NotDir.into());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // Nobody else reads through it meanwhile: it has one position.
        let dir = match self.listing().take() {
            Some(dir) => dir,
            None => rustix::fs::openat(self.fd(), ".", flags, Mode::empty())?,
        };
        let ended = stream(&dir, from.saturating_sub(FIRST), &mut |entry| {
            if matches!(entry.name, b"." | b"..") {
                return Ok(true);
            }
            let Some(kind) = self.kind_of(entry.name, entry.kind)? else { return Ok(true) };
            let next = entry.next.checked_add(FIRST).ok_or(Errno::Overflow)?;
            Ok(sink(Listed { next, inode: entry.inode, kind, name: entry.name }))
        })?;
        if !ended {
            *self.listing() = Some(dir);
        }
        Ok(())
    }

    /// The kind of an entry; `None` for one that is gone by now.
    fn kind_of(&self, name: &[u8], told: SysType) -> Result<Option<Kind>> {
        if told != SysType::Unknown {
            return Ok(Some(Kind::of(told)?));
        }
        match statat(self.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Kind::of(step::kind(&stat))?)),
            Err(_) => Ok(None),
        }
    }

    fn listing(&self) -> MutexGuard<'_, Option<OwnedFd>> {
        self.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

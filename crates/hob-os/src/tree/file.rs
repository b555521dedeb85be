//! The bytes of an open regular file.
//!
//! A file is opened by its descriptor, after a look at what it is, and looked at again: what was checked is what is used.
//! Its own position in the kernel serves appending and looking for holes, each under a lock; reading and writing name
//! theirs.
//!
//! Stops: an open that waits or acts, of a pipe, a device or a terminal; two that append overwriting each other; new code
//! in a program that runs with its owner's rights.

use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use hob_cap::Access;
use rustix::fs::{FallocateFlags, OFlags, SeekFrom, seek};
use rustix::io::{Errno as Sys, ReadWriteFlags, retry_on_intr};

use super::again;
use super::object::{Kind, Object};
use crate::fs::step::{self, QUIET};
use crate::{Errno, OsError, Result};

/// How many stored runs one call passes over.
const RUNS_PER_CALL: u32 = 1 << 16;

/// A stored run of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// An open regular file.
#[derive(Debug)]
pub struct File {
    fd: OwnedFd,
    access: Access,
    /// Held by whoever uses the kernel's position; with it, where the walk of stored runs is.
    position: Mutex<Cursor>,
    /// Whether runs may have moved since.
    moved: AtomicBool,
}

/// The run with this number is the first one that ends after this byte.
#[derive(Debug, Default)]
struct Cursor {
    index: u32,
    at: u64,
}

impl Object {
    /// Opens the bytes of a regular file, to read and, with `write`, to write.
    ///
    /// Errors: [`Errno::IsDir`]; [`Errno::Loop`] for a link; [`Errno::Perm`] for a pipe, device or socket, and for writing
    /// what has set-id bits; [`Errno::Rofs`]; [`Errno::Acces`] by the host's modes, except for who just made it.
    pub fn open(&self, write: bool) -> Result<File> {
        match self.kind() {
            Kind::File => {}
            Kind::Directory => return Err(Errno::IsDir.into()),
            Kind::Link => return Err(Errno::Loop.into()),
            _ => return Err(Errno::Perm.into()),
        }
        if write {
            self.writable()?;
            if self.stat()?.mode & 0o6000 != 0 {
                return Err(Errno::Perm.into());
            }
        }
        let born = self.born.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fd = match born {
            Some(fd) => fd,
            None => self.reopen(write)?,
        };
        let stat = rustix::fs::fstat(&fd)?;
        if !step::kind(&stat).is_file() || !self.is(&stat) {
            return Err(Errno::Stale.into());
        }
        Ok(File { fd, access: self.access(), position: Mutex::default(), moved: AtomicBool::new(false) })
    }

    fn reopen(&self, write: bool) -> Result<OwnedFd> {
        if !write {
            return again::open(self.fd(), OFlags::RDONLY | QUIET);
        }
        match again::open(self.fd(), OFlags::RDWR | QUIET) {
            // What may be written need not be readable.
            Err(OsError::Errno(Errno::Acces)) => again::open(self.fd(), OFlags::WRONLY | QUIET),
            fd => fd,
        }
    }
}

impl File {
    /// Reads from `offset`; 0 is the end.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        Ok(retry_on_intr(|| rustix::io::pread(&self.fd, &mut *buf, offset))?)
    }

    /// Writes at `offset`, with zeros before it if it lies behind the end.
    pub fn write_at(&self, buf: &[u8], offset: u64) -> Result<usize> {
        self.changing()?;
        Ok(retry_on_intr(|| rustix::io::pwrite(&self.fd, buf, offset))?)
    }

    /// Writes at the end, in one piece even when others append too. Returns how much, and where the end was then.
    pub fn append(&self, buf: &[u8]) -> Result<(usize, u64)> {
        self.changing()?;
        if buf.is_empty() {
            return Ok((0, self.size()?));
        }
        let _position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        let bufs = [IoSlice::new(buf)];
        // At the position, which the kernel moves to the end first, and leaves behind what was written.
        let here = u64::MAX;
        let done = retry_on_intr(|| rustix::io::pwritev2(&self.fd, &bufs, here, ReadWriteFlags::APPEND))?;
        Ok((done, rustix::fs::tell(&self.fd)?))
    }

    /// How long it is.
    pub fn size(&self) -> Result<u64> {
        Ok(u64::try_from(rustix::fs::fstat(&self.fd)?.st_size).unwrap_or(0))
    }

    /// Makes it this long, with zeros at the end if it grows. Errors: [`Errno::Fbig`].
    pub fn resize(&self, size: u64) -> Result<()> {
        self.changing()?;
        if i64::try_from(size).is_err() {
            return Err(Errno::Fbig.into());
        }
        Ok(retry_on_intr(|| rustix::fs::ftruncate(&self.fd, size))?)
    }

    /// Makes sure that there is room for these bytes; it grows if they lie behind the end and `keep_size` is off.
    pub fn reserve(&self, offset: u64, len: u64, keep_size: bool) -> Result<()> {
        self.allocate(
            if keep_size { FallocateFlags::KEEP_SIZE } else { FallocateFlags::empty() },
            offset,
            len,
        )
    }

    /// Makes these bytes zero and gives their room back; the size stays.
    pub fn punch(&self, offset: u64, len: u64) -> Result<()> {
        self.allocate(FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, len)
    }

    /// Moves everything from `offset` on by `len`, leaving zeros. Errors: [`Errno::Inval`] unless both are multiples of
    /// the file system's block.
    pub fn insert(&self, offset: u64, len: u64) -> Result<()> {
        self.allocate(FallocateFlags::INSERT_RANGE, offset, len)
    }

    /// Takes these bytes out; what follows moves down. Errors: as for [`File::insert`].
    pub fn collapse(&self, offset: u64, len: u64) -> Result<()> {
        self.allocate(FallocateFlags::COLLAPSE_RANGE, offset, len)
    }

    /// Errors: [`Errno::NotSup`] where the host's file system cannot.
    fn allocate(&self, how: FallocateFlags, offset: u64, len: u64) -> Result<()> {
        self.changing()?;
        if offset.checked_add(len).is_none_or(|end| i64::try_from(end).is_err()) {
            return Err(Errno::Fbig.into());
        }
        Ok(retry_on_intr(|| rustix::fs::fallocate(&self.fd, how, offset, len))?)
    }

    /// The stored run of bytes with this number, counted from 0. Asking for one after the other costs as much as each of
    /// them. Errors: [`Errno::Overflow`] for one that is too far from the one before.
    pub fn run(&self, index: u32) -> Result<Option<Run>> {
        let mut cursor = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        if self.moved.swap(false, Ordering::AcqRel) || index < cursor.index {
            *cursor = Cursor::default();
        }
        for _ in 0..RUNS_PER_CALL {
            let start = match seek(&self.fd, SeekFrom::Data(cursor.at)) {
                Ok(start) => start,
                Err(Sys::NXIO) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let end = seek(&self.fd, SeekFrom::Hole(start))?;
            if cursor.index == index {
                return Ok((start < end).then_some(Run { start, end }));
            }
            *cursor = Cursor { index: cursor.index + 1, at: end };
        }
        Err(Errno::Overflow.into())
    }

    /// Makes sure that it survives the host; `data` leaves out metadata that reading does not need.
    pub fn sync(&self, data: bool) -> Result<()> {
        let synced = if data { rustix::fs::fdatasync(&self.fd) } else { rustix::fs::fsync(&self.fd) };
        Ok(synced?)
    }

    /// Refuses unless the grant allows changes. Errors: [`Errno::Rofs`].
    fn changing(&self) -> Result<()> {
        self.moved.store(true, Ordering::Release);
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::Read => Err(Errno::Rofs.into()),
        }
    }
}

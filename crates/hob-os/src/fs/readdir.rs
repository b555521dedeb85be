//! Listing a directory.
//!
//! Entries are streamed from the kernel through one small buffer on the stack, and the kernel's own
//! position after an entry is its cookie: a directory of a million entries takes no memory here, a cookie
//! stays good while others create and remove entries, and a guest can go back. Names that are not UTF-8
//! are left out, because no path a guest can write would reach them.
//!
//! Stops: exhausting the host's memory with a large directory; reading the inode of the directory above
//! a grant from `..`.

use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::fs::{FileType as SysType, RawDir, SeekFrom, seek};

use crate::fs::meta::kind;
use crate::{DirEntry, Errno, Result, Rights, World};

/// The bytes of entries read from the kernel at once.
const BUFFER_BYTES: usize = 8192;

/// How many entries are read between two looks at the stop token.
const ENTRIES_PER_CHECK: u32 = 256;

impl World {
    /// Lists a directory from `cookie` on, 0 being the start, until `sink` returns `false` or there
    /// are no more entries. `.` and `..` are listed. An entry `sink` did not want is not consumed:
    /// the cookie before it lists it again.
    pub fn readdir(
        &mut self,
        fd: u32,
        cookie: u64,
        sink: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        let dir = descriptor.dir()?;
        descriptor.need(Rights::FD_READDIR)?;
        let mut seen: u32 = 0;
        stream(&dir.node.fd, cookie, &mut |entry| {
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(ENTRIES_PER_CHECK) {
                self.waiter.check()?;
            }
            if std::str::from_utf8(entry.name).is_err() {
                return Ok(true);
            }
            let at_root = entry.name == b".." && self.regions.is_root(dir.node.id);
            let inode = if at_root { dir.node.id.inode } else { entry.inode };
            Ok(sink(DirEntry { next: entry.next, inode, kind: kind(entry.kind), name: entry.name }))
        })?;
        Ok(())
    }
}

/// One entry, as the kernel tells it.
pub(crate) struct RawEntry<'a> {
    /// The kernel's position after it.
    pub(crate) next: u64,
    pub(crate) inode: u64,
    /// Unknown on file systems that do not keep it in the directory.
    pub(crate) kind: SysType,
    pub(crate) name: &'a [u8],
}

/// Hands the entries of an open directory to `sink`, from a position of the kernel on, until it returns `false`.
/// Returns whether there are no more.
pub(crate) fn stream(
    dir: impl AsFd,
    from: u64,
    sink: &mut dyn FnMut(RawEntry<'_>) -> Result<bool>,
) -> Result<bool> {
    if i64::try_from(from).is_err() {
        return Err(Errno::Inval.into());
    }
    seek(&dir, SeekFrom::Start(from))?;
    let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
    let mut entries = RawDir::new(&dir, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let (next, inode, kind) = (entry.next_entry_cookie(), entry.ino(), entry.file_type());
        if !sink(RawEntry { next, inode, kind, name: entry.file_name().to_bytes() })? {
            return Ok(false);
        }
    }
    Ok(true)
}

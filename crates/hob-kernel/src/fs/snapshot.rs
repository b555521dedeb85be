//! A tree as bytes, and back: a tar archive as POSIX has it (`pax`), so that anyone can look into one with `tar`.
//!
//! The same tree gives the same bytes: entries come in the order of their names, every directory before what is in it, and
//! nothing is said of when or by whom. What tar itself has no words for is said in the ways that are in use:
//!
//! | what | how |
//! |---|---|
//! | long names, large numbers, times with nanoseconds | records `path`, `linkpath`, `size`, `uid`, `gid`, `mtime` |
//! | more names of one object | the first is the object, the others are links to it |
//! | extended attributes | records `SCHILY.xattr.NAME`; `%` and `=` in a name are `%25` and `%3D`, as GNU tar has it |
//! | holes: pages of zeros | `GNU.sparse` 1.0 |
//! | a name that an overlay hides | an empty file `.wh.NAME`, as in layers of OCI images |
//! | a directory that hides what is below | an empty file `.wh..wh..opq` in it |
//! | a file that is called so by itself | record `HOB.kind=literal` |
//! | a whiteout of a name that begins with `.wh.` | record `HOB.kind=whiteout` |
//! | a socket | a fifo with the record `HOB.kind=socket` |
//! | a device whose number is not one of Linux | record `HOB.device` |
//!
//! Not kept: when something was last read, since writing a snapshot reads; when metadata last changed; room reserved and
//! not written; and what an overlay notes for its own life.
//!
//! Reading is strict: what is not written here is refused, with the rule and where. It is bounded by the file system it
//! reads into, whose quota is taken before anything is stored, and follows no link. Stops: archives that reach outside the
//! tree, that claim sizes they do not have, or that cost more than they may.
//!
//! The codec is our own: those for unpacking onto a host read leniently and know neither offsets nor bounds.

mod header;
mod read;
mod records;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;

use hob_os::OsError;

pub use read::read;
pub use write::write;

/// Bytes of the path of an entry. A tree that is deeper cannot be written: every entry repeats the names above it.
pub const PATH_BYTES_MAX: usize = crate::limits::PATH_BYTES_MAX;

/// What archives are made of.
const BLOCK: u64 = 512;
/// Zeros of this length, at a multiple of it, are a hole.
const PAGE: u64 = 4096;

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Why a snapshot could not be written or read.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The bytes could not be read or written.
    Io(std::io::Error),
    /// The archive breaks a rule of the format.
    Malformed {
        /// Where the entry that does begins, in bytes.
        offset: u64,
        /// The rule.
        rule: &'static str,
    },
    /// The tree could not be read or made: the quota, or a name that is there already.
    Tree {
        /// Where in the archive.
        offset: u64,
        /// Why.
        error: OsError,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "failed to transfer the snapshot: {error}"),
            Self::Malformed { offset, rule } => write!(f, "not a snapshot, at byte {offset}: {rule}"),
            Self::Tree { offset, error } => write!(f, "failed at byte {offset} of the snapshot: {error}"),
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Tree { error, .. } => Some(error),
            Self::Malformed { .. } => None,
        }
    }
}

impl From<std::io::Error> for SnapshotError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

//! What one descriptor may be used for.
//!
//! The bit layout is WASI preview 1's, so that its adapter copies the number; nothing else depends on
//! it. Rights narrow and never widen. They are a second lock in front of the grant, not the grant
//! itself: a descriptor under a read-only grant does not write even if a bug gave it the right to,
//! because the effect is checked against the grant as well (an open with `truncate` and only read
//! rights must not empty a read-only file).

use hob_cap::Access;

/// A set of rights: the operations a descriptor may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Rights(u64);

macro_rules! rights {
    ($($name:ident = $bit:literal $doc:literal,)*) => {
        impl Rights {
            $(#[doc = $doc] pub const $name: Self = Self(1 << $bit);)*
        }
    };
}

rights! {
    FD_DATASYNC = 0 "Flush file data.",
    FD_READ = 1 "Read, or receive.",
    FD_SEEK = 2 "Move the offset; implies `FD_TELL`.",
    FD_FDSTAT_SET_FLAGS = 3 "Change descriptor flags.",
    FD_SYNC = 4 "Flush file data and metadata.",
    FD_TELL = 5 "Ask for the offset.",
    FD_WRITE = 6 "Write, or send.",
    FD_ADVISE = 7 "Announce an access pattern.",
    FD_ALLOCATE = 8 "Reserve space.",
    PATH_CREATE_DIRECTORY = 9 "Create directories below.",
    PATH_CREATE_FILE = 10 "Create files below, with an open.",
    PATH_LINK_SOURCE = 11 "Hard-link from below.",
    PATH_LINK_TARGET = 12 "Hard-link to below.",
    PATH_OPEN = 13 "Open below.",
    FD_READDIR = 14 "List the directory.",
    PATH_READLINK = 15 "Read symbolic links below.",
    PATH_RENAME_SOURCE = 16 "Rename from below.",
    PATH_RENAME_TARGET = 17 "Rename to below.",
    PATH_FILESTAT_GET = 18 "Ask for metadata below.",
    PATH_FILESTAT_SET_SIZE = 19 "Truncate below, with an open.",
    PATH_FILESTAT_SET_TIMES = 20 "Set times below.",
    FD_FILESTAT_GET = 21 "Ask for metadata of the open object.",
    FD_FILESTAT_SET_SIZE = 22 "Set the size of the open file.",
    FD_FILESTAT_SET_TIMES = 23 "Set times of the open object.",
    PATH_SYMLINK = 24 "Create symbolic links below.",
    PATH_REMOVE_DIRECTORY = 25 "Remove directories below.",
    PATH_UNLINK_FILE = 26 "Unlink files below.",
    POLL_FD_READWRITE = 27 "Wait for the descriptor.",
    SOCK_SHUTDOWN = 28 "Shut a socket down.",
    SOCK_ACCEPT = 29 "Accept connections.",
}

impl Rights {
    /// No right at all.
    pub const NONE: Self = Self(0);
    /// Every right there is.
    pub const ALL: Self = Self((1 << 30) - 1);
    /// What can be done with an open regular file.
    pub const FILE: Self = Self::FD_DATASYNC
        .or(Self::FD_READ)
        .or(Self::FD_SEEK)
        .or(Self::FD_FDSTAT_SET_FLAGS)
        .or(Self::FD_SYNC)
        .or(Self::FD_TELL)
        .or(Self::FD_WRITE)
        .or(Self::FD_ADVISE)
        .or(Self::FD_ALLOCATE)
        .or(Self::FD_FILESTAT_GET)
        .or(Self::FD_FILESTAT_SET_SIZE)
        .or(Self::FD_FILESTAT_SET_TIMES)
        .or(Self::POLL_FD_READWRITE);
    /// What can be done with an open directory.
    pub const DIRECTORY: Self = Self::FD_DATASYNC
        .or(Self::FD_FDSTAT_SET_FLAGS)
        .or(Self::FD_SYNC)
        .or(Self::FD_ADVISE)
        .or(Self::PATH_CREATE_DIRECTORY)
        .or(Self::PATH_CREATE_FILE)
        .or(Self::PATH_LINK_SOURCE)
        .or(Self::PATH_LINK_TARGET)
        .or(Self::PATH_OPEN)
        .or(Self::FD_READDIR)
        .or(Self::PATH_READLINK)
        .or(Self::PATH_RENAME_SOURCE)
        .or(Self::PATH_RENAME_TARGET)
        .or(Self::PATH_FILESTAT_GET)
        .or(Self::PATH_FILESTAT_SET_SIZE)
        .or(Self::PATH_FILESTAT_SET_TIMES)
        .or(Self::FD_FILESTAT_GET)
        .or(Self::FD_FILESTAT_SET_TIMES)
        .or(Self::PATH_SYMLINK)
        .or(Self::PATH_REMOVE_DIRECTORY)
        .or(Self::PATH_UNLINK_FILE)
        .or(Self::POLL_FD_READWRITE);
    /// What can be done with a byte stream such as standard input and output, before direction.
    pub const STREAM: Self = Self::FD_FDSTAT_SET_FLAGS.or(Self::FD_FILESTAT_GET).or(Self::POLL_FD_READWRITE);
    /// What can be done with a connected socket.
    pub const SOCKET: Self = Self::STREAM.or(Self::FD_READ).or(Self::FD_WRITE).or(Self::SOCK_SHUTDOWN);
    /// What can be done with a listening socket.
    pub const LISTENER: Self = Self::STREAM.or(Self::FD_READ).or(Self::SOCK_ACCEPT);
    /// The rights that change something in a file system.
    pub const MUTATING: Self = Self::FD_WRITE
        .or(Self::FD_ALLOCATE)
        .or(Self::FD_FILESTAT_SET_SIZE)
        .or(Self::FD_FILESTAT_SET_TIMES)
        .or(Self::PATH_CREATE_DIRECTORY)
        .or(Self::PATH_CREATE_FILE)
        .or(Self::PATH_LINK_SOURCE)
        .or(Self::PATH_LINK_TARGET)
        .or(Self::PATH_RENAME_SOURCE)
        .or(Self::PATH_RENAME_TARGET)
        .or(Self::PATH_FILESTAT_SET_SIZE)
        .or(Self::PATH_FILESTAT_SET_TIMES)
        .or(Self::PATH_SYMLINK)
        .or(Self::PATH_REMOVE_DIRECTORY)
        .or(Self::PATH_UNLINK_FILE);

    /// The set with these bits; bits with no meaning are dropped.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The set as a number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// This set without the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether every right of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What remains of the set where a grant gives only `access`.
    #[must_use]
    pub const fn under(self, access: Access) -> Self {
        match access {
            Access::Read => self.without(Self::MUTATING),
            Access::ReadWrite => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_access_leaves_nothing_that_changes_a_file_system() {
        for set in [Rights::FILE, Rights::DIRECTORY, Rights::ALL] {
            assert_eq!(set.under(Access::Read).and(Rights::MUTATING), Rights::NONE);
            assert_eq!(set.under(Access::ReadWrite), set);
        }
    }

    #[test]
    fn a_directory_has_no_right_to_bytes() {
        let bytes = Rights::FD_READ.or(Rights::FD_WRITE).or(Rights::FD_SEEK).or(Rights::FD_TELL);
        assert_eq!(Rights::DIRECTORY.and(bytes), Rights::NONE);
        assert_eq!(Rights::DIRECTORY.and(Rights::FD_FILESTAT_SET_SIZE), Rights::NONE);
    }

    #[test]
    fn unknown_bits_are_dropped() {
        assert_eq!(Rights::from_bits(u64::MAX), Rights::ALL);
    }
}

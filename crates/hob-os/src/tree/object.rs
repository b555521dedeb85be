//! One object below a granted directory, held open.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};

use hob_cap::Access;
use rustix::fs::{FileType as SysType, Stat};

use crate::fs::meta::{since_epoch, wide};
use crate::fs::step::{self, NAME_BYTES_MAX, crossed, link_text, step};
use crate::grant::root_of;
use crate::region::ObjectId;
use crate::{Errno, HostDir, OsError, Result};

/// What makes an object itself on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The host's number of the file system.
    pub device: u64,
    /// The object's number on it.
    pub inode: u64,
}

/// What kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe; never opened.
    Fifo,
    /// A character device; never opened.
    Character,
    /// A block device; never opened.
    Block,
    /// A socket with a name; never opened.
    Socket,
}

/// Metadata. Times are nanoseconds since 1970; an earlier time is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Which object.
    pub id: Identity,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with set-id and sticky: at most `0o7777`.
    pub mode: u16,
    /// How many names it has.
    pub links: u64,
    /// Who owns it, by the host's number.
    pub uid: u32,
    /// Its group, by the host's number.
    pub gid: u32,
    /// Whether the user this process runs as owns it.
    pub own: bool,
    /// Bytes; of a link, those of its text.
    pub size: u64,
    /// Room taken, in units of 512 bytes.
    pub blocks: u64,
    /// When it was last read.
    pub accessed: u64,
    /// When it was last written.
    pub modified: u64,
    /// When its metadata last changed.
    pub changed: u64,
}

/// Room on the file system of an object, in bytes and objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes it holds at most.
    pub bytes: u64,
    /// Bytes this process can still take.
    pub bytes_free: u64,
    /// Objects it holds at most.
    pub inodes: u64,
    /// Objects this process can still make.
    pub inodes_free: u64,
}

/// An object below a granted directory, held open. It is the same object whatever its names become.
pub struct Object {
    fd: OwnedFd,
    id: ObjectId,
    kind: Kind,
    access: Access,
    grant: Arc<Grant>,
    /// Of a file that was just made: its bytes, for whoever made it, whatever its mode.
    pub(super) born: Mutex<Option<OwnedFd>>,
    /// Of a directory: where a listing that is under way reads on.
    pub(super) listing: Mutex<Option<OwnedFd>>,
}

/// The grant that objects were reached through.
#[derive(Debug)]
struct Grant {
    /// The roots of all grants of one guest, this one's included.
    roots: Arc<[(ObjectId, Access)]>,
}

impl Object {
    /// The root of a granted directory that no other grant of the same guest overlaps.
    ///
    /// Errors: [`Errno::Perm`] on a file system that operates the kernel.
    pub fn root(dir: &HostDir, access: Access) -> Result<Self> {
        Self::roots(&[(dir, access)])?.pop().ok_or(Errno::Inval.into())
    }

    /// The roots of all granted directories of one guest, in order. A directory below one of them that is the root of
    /// another keeps the lesser access of both, under whatever name, and is not moved or removed.
    ///
    /// Errors: as for one.
    pub fn roots(grants: &[(&HostDir, Access)]) -> Result<Vec<Self>> {
        let mut open = Vec::new();
        for (dir, access) in grants {
            let fd = root_of(dir)?;
            let id = ObjectId::of(&rustix::fs::fstat(&fd)?);
            open.push((fd, id, *access));
        }
        let roots: Arc<[_]> = open.iter().map(|(_, id, access)| (*id, *access)).collect();
        let object = |(fd, id, access)| {
            let grant = Arc::new(Grant { roots: Arc::clone(&roots) });
            Self::new(fd, id, Kind::Directory, access, grant)
        };
        Ok(open.into_iter().map(object).collect())
    }

    fn new(fd: OwnedFd, id: ObjectId, kind: Kind, access: Access, grant: Arc<Grant>) -> Self {
        Self { fd, id, kind, access, grant, born: Mutex::default(), listing: Mutex::default() }
    }

    /// Which object it is. Asks nobody.
    #[must_use]
    pub fn id(&self) -> Identity {
        Identity { device: self.id.device, inode: self.id.inode }
    }

    /// What it is. Never changes, and asks nobody.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What may be done with it and below it.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Whether both were reached through the same grant.
    #[must_use]
    pub fn same_grant(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.grant, &other.grant)
    }

    /// The object with this name. A link is found, not followed.
    ///
    /// Errors: [`Errno::Noent`], [`Errno::NotDir`], [`Errno::Acces`]; [`Errno::Perm`] on a file system that operates the
    /// kernel; [`Errno::Inval`] and [`Errno::NameTooLong`] for what is no name.
    pub fn lookup(&self, name: &[u8]) -> Result<Self> {
        check(name)?;
        self.found(step(&self.fd, name)?)
    }

    /// The object behind a descriptor that was opened in this directory.
    pub(super) fn found(&self, fd: OwnedFd) -> Result<Self> {
        let stat = rustix::fs::fstat(&fd)?;
        crossed(self.id, &fd, &stat)?;
        let (id, kind) = (ObjectId::of(&stat), Kind::of(step::kind(&stat))?);
        Ok(Self::new(fd, id, kind, self.access_to(id), Arc::clone(&self.grant)))
    }

    /// What may be done with an object in this directory: less than here if another grant, whose root it is, gives less.
    fn access_to(&self, id: ObjectId) -> Access {
        let of_it = self.grant.roots.iter().filter(|(root, _)| *root == id);
        of_it.map(|(_, access)| *access).fold(self.access, Access::min)
    }

    /// Refuses to take the root of a grant away from under it.
    pub(super) fn no_root(&self, name: &[u8]) -> Result<()> {
        if self.grant.roots.len() < 2 {
            return Ok(());
        }
        match self.lookup(name) {
            Ok(object) if self.grant.roots.iter().any(|(root, _)| *root == object.id) => {
                Err(Errno::Busy.into())
            }
            Err(OsError::Errno(Errno::Noent)) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Its metadata.
    pub fn stat(&self) -> Result<Meta> {
        Ok(Meta::of(&rustix::fs::fstat(&self.fd)?, self.kind))
    }

    /// The text of a symbolic link. Errors: [`Errno::Inval`] for anything else.
    pub fn read_link(&self) -> Result<Vec<u8>> {
        if self.kind != Kind::Link {
            return Err(Errno::Inval.into());
        }
        Ok(link_text(&self.fd, b"")?.ok_or(Errno::Inval)?)
    }

    /// How much room its file system has.
    pub fn room(&self) -> Result<Room> {
        let told = rustix::fs::fstatvfs(&self.fd)?;
        let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
        Ok(Room {
            bytes: bytes(told.f_blocks),
            bytes_free: bytes(told.f_bavail),
            inodes: told.f_files,
            inodes_free: told.f_favail,
        })
    }

    /// Refuses unless the grant allows changes. Errors: [`Errno::Rofs`].
    pub(super) fn writable(&self) -> Result<()> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::Read => Err(Errno::Rofs.into()),
        }
    }

    /// Whether metadata is that of this very object.
    pub(super) fn is(&self, stat: &Stat) -> bool {
        ObjectId::of(stat) == self.id
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({:?} {}:{} {})", self.kind, self.id.device, self.id.inode, self.access)
    }
}

impl Kind {
    /// Errors: [`Errno::Nodev`] for what has no name in POSIX.
    pub(super) fn of(kind: SysType) -> Result<Self> {
        Ok(match kind {
            SysType::RegularFile => Self::File,
            SysType::Directory => Self::Directory,
            SysType::Symlink => Self::Link,
            SysType::Fifo => Self::Fifo,
            SysType::CharacterDevice => Self::Character,
            SysType::BlockDevice => Self::Block,
            SysType::Socket => Self::Socket,
            SysType::Unknown => return Err(Errno::Nodev.into()),
        })
    }
}

impl Meta {
    fn of(stat: &Stat, kind: Kind) -> Self {
        Self {
            id: Identity { device: stat.st_dev, inode: stat.st_ino },
            kind,
            mode: u16::try_from(stat.st_mode & 0o7777).unwrap_or(0),
            links: wide(stat.st_nlink),
            uid: stat.st_uid,
            gid: stat.st_gid,
            own: stat.st_uid == rustix::process::geteuid().as_raw(),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            blocks: u64::try_from(stat.st_blocks).unwrap_or(0),
            accessed: since_epoch(stat.st_atime, stat.st_atime_nsec),
            modified: since_epoch(stat.st_mtime, stat.st_mtime_nsec),
            changed: since_epoch(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// Refuses what is no name of an entry: empty, `.` and `..`, with a slash or NUL, too long.
pub(super) fn check(name: &[u8]) -> Result<()> {
    match name {
        b"" => Err(Errno::Noent.into()),
        b"." | b".." => Err(Errno::Inval.into()),
        name if name.contains(&b'/') || name.contains(&0) => Err(Errno::Inval.into()),
        name if name.len() > NAME_BYTES_MAX => Err(Errno::NameTooLong.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_name() {
        for (name, errno) in [
            (b"".as_slice(), Errno::Noent),
            (b".", Errno::Inval),
            (b"..", Errno::Inval),
            (b"/", Errno::Inval),
            (b"a/b", Errno::Inval),
            (b"a\0", Errno::Inval),
            (&[b'a'; 256], Errno::NameTooLong),
        ] {
            assert_eq!(check(name), Err(errno.into()), "{name:?}");
        }
        for name in [b"...".as_slice(), b"..a", b"\xff\n", &[b'a'; 255]] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }
}

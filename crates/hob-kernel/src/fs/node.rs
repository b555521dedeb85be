//! What every kind of file system offers.
//!
//! A [`Node`] is one object of a tree: a file, a directory, a link, a device. It is named by its identity ([`NodeId`]),
//! never by a path, so that it stays what it is while names change around it. Methods take one name, never a path, and
//! the caller has already checked permissions, read-only mounts and name length; a file system checks only what it
//! alone can know. None of them waits.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use hob_os::{Errno, Result};

/// A node, shared.
pub type NodeRef = Arc<dyn Node>;

/// Which object, within one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId {
    /// The file system: a number no other one of the kernel has.
    pub device: u64,
    /// The object on it.
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
    /// A named pipe.
    Fifo,
    /// A character device; which one is its device number.
    Character,
    /// A block device.
    Block,
    /// A socket with a name.
    Socket,
}

/// Metadata. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Which object.
    pub id: NodeId,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with set-id and sticky: at most `0o7777`.
    pub mode: u16,
    /// How many names it has.
    pub links: u64,
    /// Who owns it.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Of a device, which one: [`device_number`](crate::fs::dev::device_number).
    pub device: u64,
    /// Bytes; of a link, those of its target.
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

/// What to do with one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// Leave it.
    #[default]
    Keep,
    /// Set it to the present.
    Now,
    /// Set it to this.
    At(u64),
}

/// What to change of a node's metadata; everything off changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Permission bits.
    pub mode: Option<u16>,
    /// The owner.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
    /// When it was last read.
    pub accessed: Time,
    /// When it was last written.
    pub modified: Time,
}

/// Permission bits and owner of a new node: the umask is already applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits.
    pub mode: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum New<'a> {
    /// An empty regular file.
    File,
    /// An empty directory.
    Directory,
    /// A symbolic link with this target.
    Link(&'a [u8]),
    /// A named pipe.
    Fifo,
    /// A character device with this number.
    Character(u64),
    /// A block device with this number.
    Block(u64),
    /// A socket with a name.
    Socket,
}

/// How to rename.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenameHow {
    /// What had the new name is gone: a file for anything but a directory, an empty directory for a directory.
    #[default]
    Replace,
    /// Nothing may have the new name: [`Errno::Exist`].
    Keep,
    /// Both must exist, and change places.
    Exchange,
}

/// One entry of a directory, lent to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where a listing goes on after this entry. Stays good while others make and remove entries. At least 3: 0, 1 and 2
    /// are the start and `.` and `..`, which the walk lists.
    pub next: u64,
    /// The object.
    pub inode: u64,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: &'a [u8],
}

/// Room on a file system, in bytes and objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// Bytes it holds at most.
    pub bytes: u64,
    /// Bytes in use.
    pub bytes_used: u64,
    /// Objects it holds at most.
    pub inodes: u64,
    /// Objects in use.
    pub inodes_used: u64,
}

/// A run of bytes of a file that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// Whether room is there but was never written.
    pub unwritten: bool,
}

/// One object of a file system.
///
/// Errors are those of POSIX for the call of the same name. What a kind of file system does not have keeps its default,
/// which is the errno a caller would expect: [`Errno::NotDir`] for names below what is no directory, [`Errno::Rofs`] for
/// changes, [`Errno::NotSup`] for extended attributes.
pub trait Node: Send + Sync + Debug {
    /// Which object it is. Costs nothing.
    fn id(&self) -> NodeId;

    /// What it is. Costs nothing; never changes.
    fn kind(&self) -> Kind;

    /// Its metadata.
    fn stat(&self) -> Result<Stat>;

    /// For a file system that must know its own nodes, in `link` and `rename`.
    fn as_any(&self) -> &dyn Any;

    /// Whether nothing below can be changed, whoever asks.
    fn read_only(&self) -> bool {
        true
    }

    /// What its bytes are called for ever, if they never change: lets programs be compiled once.
    fn immutable(&self) -> Option<u64> {
        None
    }

    /// The grant through which it is reached, when it is not of the session alone: then its use is recorded.
    fn grant(&self) -> Option<String> {
        None
    }

    /// The bytes of a regular file. `write` is false when nobody will write through the answer, and a file system that
    /// copies on write need not.
    fn open(self: Arc<Self>, write: bool) -> Result<Arc<dyn File>> {
        let _ = write;
        Err(if self.kind() == Kind::Directory { Errno::IsDir } else { Errno::Nxio }.into())
    }

    /// Changes metadata.
    fn change(&self, change: &Change) -> Result<()> {
        let _ = change;
        Err(Errno::Rofs.into())
    }

    /// The target of a symbolic link.
    fn read_link(&self) -> Result<Vec<u8>> {
        Err(Errno::Inval.into())
    }

    /// The object with this name in this directory. Names are neither empty nor `.` nor `..`.
    fn lookup(&self, name: &[u8]) -> Result<NodeRef> {
        let _ = name;
        Err(Errno::NotDir.into())
    }

    /// Entries from `from` on, 0 being the start, until `sink` returns `false`. An entry `sink` did not want is listed
    /// again from the `next` before it.
    fn list(&self, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        let _ = (from, sink);
        Err(Errno::NotDir.into())
    }

    /// Makes an object with this name. Errors: [`Errno::Exist`].
    fn make(&self, name: &[u8], new: New<'_>, attributes: Attributes) -> Result<NodeRef> {
        let _ = (name, new, attributes);
        Err(Errno::Rofs.into())
    }

    /// Makes a regular file without a name, which goes with its last user unless it is linked.
    fn make_unnamed(&self, attributes: Attributes) -> Result<NodeRef> {
        let _ = attributes;
        Err(Errno::NotSup.into())
    }

    /// Gives an object of the same file system one more name. Errors: [`Errno::Xdev`] for another one's object.
    fn link(&self, name: &[u8], node: &NodeRef) -> Result<()> {
        let _ = (name, node);
        Err(Errno::Rofs.into())
    }

    /// Takes a name away. `directory` says which of both it must be: [`Errno::NotDir`], [`Errno::IsDir`]; a directory
    /// must be empty.
    fn unlink(&self, name: &[u8], directory: bool) -> Result<()> {
        let _ = (name, directory);
        Err(Errno::Rofs.into())
    }

    /// Moves a name of this directory to another directory of the same file system. The walk has made sure that no
    /// directory is moved below itself.
    fn rename(&self, name: &[u8], to: &NodeRef, to_name: &[u8], how: RenameHow) -> Result<()> {
        let _ = (name, to, to_name, how);
        Err(Errno::Rofs.into())
    }

    /// How much room its file system has.
    fn space(&self) -> Result<Space> {
        Ok(Space::default())
    }

    /// The value of an extended attribute. Errors: [`Errno::NoData`] when it is not there.
    fn attribute(&self, name: &[u8]) -> Result<Vec<u8>> {
        let _ = name;
        Err(Errno::NotSup.into())
    }

    /// Sets an extended attribute. `create`: it must not be there; `replace`: it must.
    fn set_attribute(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<()> {
        let _ = (name, value, create, replace);
        Err(Errno::NotSup.into())
    }

    /// Takes an extended attribute away.
    fn remove_attribute(&self, name: &[u8]) -> Result<()> {
        let _ = name;
        Err(Errno::NotSup.into())
    }

    /// The names of all extended attributes.
    fn attributes(&self) -> Result<Vec<Vec<u8>>> {
        Err(Errno::NotSup.into())
    }
}

/// The bytes of an open regular file. Offsets and lengths are in bytes; nothing waits but for the disk.
pub trait File: Send + Sync + Debug {
    /// Reads from `offset`; 0 is the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes at `offset`, with zeros before it if it lies behind the end. Errors: the quota; [`Errno::Fbig`].
    fn write_at(&self, buf: &[u8], offset: u64) -> Result<usize> {
        let _ = (buf, offset);
        Err(Errno::Rofs.into())
    }

    /// Writes at the end, whole even when others append too. Returns how much, and where the end is then.
    fn append(&self, buf: &[u8]) -> Result<(usize, u64)> {
        let _ = buf;
        Err(Errno::Rofs.into())
    }

    /// How long it is.
    fn size(&self) -> Result<u64>;

    /// Makes it this long, with zeros at the end if it grows.
    fn resize(&self, size: u64) -> Result<()> {
        let _ = size;
        Err(Errno::Rofs.into())
    }

    /// Makes sure that there is room for these bytes; it grows if they lie behind the end and `keep_size` is off.
    fn reserve(&self, offset: u64, len: u64, keep_size: bool) -> Result<()> {
        let _ = (offset, len, keep_size);
        Err(Errno::NotSup.into())
    }

    /// Makes these bytes zero and gives their room back; the size stays.
    fn punch(&self, offset: u64, len: u64) -> Result<()> {
        let _ = (offset, len);
        Err(Errno::NotSup.into())
    }

    /// Moves everything from `offset` on by `len`, leaving zeros.
    fn insert(&self, offset: u64, len: u64) -> Result<()> {
        let _ = (offset, len);
        Err(Errno::NotSup.into())
    }

    /// Takes these bytes out; what follows moves down.
    fn collapse(&self, offset: u64, len: u64) -> Result<()> {
        let _ = (offset, len);
        Err(Errno::NotSup.into())
    }

    /// The stored run of bytes with this number, counted from 0.
    fn extent(&self, index: u32) -> Result<Option<Extent>> {
        let size = self.size()?;
        Ok((index == 0 && size > 0).then_some(Extent { start: 0, end: size, unwritten: false }))
    }

    /// Makes sure that it survives the host; `data` leaves out metadata that reading does not need.
    fn sync(&self, data: bool) -> Result<()> {
        let _ = data;
        Ok(())
    }
}

//! Open file descriptions: what descriptors stand for. Shared by descriptors that were duplicated or inherited, and with
//! it the offset and the flags.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use hob_cap::{Ledger, Limit};
use hob_os::{Errno, FileType, Result};

use crate::fd::lock::Locks;
use crate::fd::stream::Stream;
use crate::fs::walk::Place;
use crate::fs::{File, Kind, NodeId, NodeRef};
use crate::net::Socket;
use crate::tty::{Master, Slave};

/// What was opened.
#[derive(Debug)]
pub enum Object {
    /// A regular file.
    File(NodeRef, Arc<dyn File>),
    /// A directory.
    Directory(Arc<Place>),
    /// A pipe, a stream of the host.
    Stream(Arc<dyn Stream>),
    /// The end of a terminal that programs use.
    Terminal(Arc<Slave>),
    /// The end of a terminal that plays the person.
    Master(Arc<Master>),
    /// A socket.
    Socket(Arc<Socket>),
    /// A device without a state of its own, by its number.
    Device(u64),
}

/// The flags of a description that may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Every write goes to the end.
    pub append: bool,
    /// A call that would wait says [`Errno::Again`] instead.
    pub nonblock: bool,
    /// Reads and writes go past caches; here it changes nothing but is remembered.
    pub direct: bool,
    /// A write returns when it is on the disk.
    pub sync: bool,
}

impl Flags {
    fn bits(self) -> u8 {
        u8::from(self.append)
            | u8::from(self.nonblock) << 1
            | u8::from(self.direct) << 2
            | u8::from(self.sync) << 3
    }

    fn of(bits: u8) -> Self {
        Self { append: bits & 1 != 0, nonblock: bits & 2 != 0, direct: bits & 4 != 0, sync: bits & 8 != 0 }
    }
}

/// An open file description.
#[derive(Debug)]
pub struct Description {
    /// What was opened.
    pub object: Object,
    /// Where it was found, for whoever asks for its name. A pipe has no place.
    pub place: Option<Arc<Place>>,
    /// Whether it may be read.
    pub readable: bool,
    /// Whether it may be written.
    pub writable: bool,
    /// Which description it is; no two of a process's life are the same.
    pub id: u64,
    flags: AtomicU8,
    /// Where reading and writing goes on. A file is read and written under it, so that those who share it take turns.
    pub(crate) offset: Mutex<u64>,
    /// Where a lock of the whole file is to be given back.
    locked: OnceLock<(Arc<Locks>, NodeId)>,
    _room: Room,
}

/// Room for one open file, given back when dropped.
#[derive(Debug)]
pub struct Room(Arc<Ledger>);

impl Room {
    /// Takes room. Errors: the open files limit of the session.
    pub fn take(ledger: &Arc<Ledger>) -> Result<Self> {
        ledger.charge(Limit::OpenFiles, 1)?;
        Ok(Self(Arc::clone(ledger)))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.release(Limit::OpenFiles, 1);
    }
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Description {
    /// Something that was opened.
    #[must_use]
    pub fn new(
        room: Room,
        object: Object,
        place: Option<Arc<Place>>,
        (readable, writable): (bool, bool),
        flags: Flags,
    ) -> Arc<Self> {
        Arc::new(Self {
            object,
            place,
            readable,
            writable,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            flags: AtomicU8::new(flags.bits()),
            offset: Mutex::new(0),
            locked: OnceLock::new(),
            _room: room,
        })
    }

    /// Locks of the whole file are given back when it goes.
    pub(crate) fn locks(&self, locks: &Arc<Locks>, file: NodeId) {
        // One that is noted already is the same.
        let _same = self.locked.set((Arc::clone(locks), file));
    }

    /// Its flags now.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags::of(self.flags.load(Ordering::Acquire))
    }

    /// Changes its flags, for everyone who shares it.
    pub fn set_flags(&self, flags: Flags) {
        self.flags.store(flags.bits(), Ordering::Release);
    }

    /// What it is, in the words of a descriptor.
    #[must_use]
    pub fn kind(&self) -> FileType {
        match &self.object {
            Object::File(..) => FileType::RegularFile,
            Object::Directory(_) => FileType::Directory,
            Object::Stream(stream) => stream.kind(),
            Object::Socket(socket) => Stream::kind(&**socket),
            Object::Terminal(_) | Object::Master(_) | Object::Device(_) => FileType::CharacterDevice,
        }
    }

    /// The node behind it, if it has one: a pipe and a socket have none.
    #[must_use]
    pub fn node(&self) -> Option<&NodeRef> {
        match &self.object {
            Object::File(node, _) => Some(node),
            _ => self.place.as_ref().map(|place| &place.node),
        }
    }

    /// The open directory. Errors: [`Errno::NotDir`].
    pub fn directory(&self) -> Result<&Arc<Place>> {
        match &self.object {
            Object::Directory(place) => Ok(place),
            _ => Err(Errno::NotDir.into()),
        }
    }

    /// The bytes of a regular file. Errors: [`Errno::IsDir`]; [`Errno::Spipe`] for what has no offsets.
    pub fn file(&self) -> Result<&Arc<dyn File>> {
        match &self.object {
            Object::File(_, file) => Ok(file),
            Object::Directory(_) => Err(Errno::IsDir.into()),
            _ => Err(Errno::Spipe.into()),
        }
    }

    /// The socket. Errors: [`Errno::NotSock`].
    pub fn socket(&self) -> Result<&Arc<Socket>> {
        match &self.object {
            Object::Socket(socket) => Ok(socket),
            _ => Err(Errno::NotSock.into()),
        }
    }

    /// What waits and becomes ready, if it does.
    #[must_use]
    pub fn stream(&self) -> Option<&dyn Stream> {
        match &self.object {
            Object::Stream(stream) => Some(&**stream),
            Object::Socket(socket) => Some(&**socket),
            Object::Terminal(slave) => Some(&**slave),
            Object::Master(master) => Some(&**master),
            _ => None,
        }
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        if let Some((locks, file)) = self.locked.get() {
            locks.release_whole(*file, self.id);
        }
    }
}

/// What a node of this kind is, in the words of a descriptor.
#[must_use]
pub fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::File => FileType::RegularFile,
        Kind::Directory => FileType::Directory,
        Kind::Link => FileType::SymbolicLink,
        Kind::Character => FileType::CharacterDevice,
        Kind::Block => FileType::BlockDevice,
        Kind::Socket => FileType::SocketStream,
        Kind::Fifo => FileType::Unknown,
    }
}

//! The values a guest exchanges with its [`World`](crate::World).
//!
//! Plain data, in no contract's layout: an adapter maps them to numbers.

use crate::{Errno, Rights};

/// What kind of object a descriptor or a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// Something without a better name: a pipe, or bytes in the host's memory.
    Unknown,
    /// A block device.
    BlockDevice,
    /// A character device, for example a terminal.
    CharacterDevice,
    /// A directory.
    Directory,
    /// A regular file.
    RegularFile,
    /// A datagram socket.
    SocketDgram,
    /// A stream socket.
    SocketStream,
    /// A symbolic link.
    SymbolicLink,
}

/// The switches of an open descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct FdFlags {
    /// Every write goes to the end.
    pub append: bool,
    /// A write returns when its data is on the disk.
    pub dsync: bool,
    /// A call that would wait returns [`Errno::Again`] instead.
    pub nonblock: bool,
    /// A read returns what is on the disk.
    pub rsync: bool,
    /// A write returns when its data and metadata are on the disk.
    pub sync: bool,
    /// Reads and writes go past caches. Not in preview 1.
    pub direct: bool,
}

/// How to open a name; everything off is "an existing object, no rights".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenHow {
    /// Follow a symbolic link in the last place.
    pub follow: bool,
    /// Create a regular file where there is none.
    pub create: bool,
    /// Fail unless this call creates the file.
    pub exclusive: bool,
    /// Fail unless it is a directory.
    pub directory: bool,
    /// Empty the file.
    pub truncate: bool,
    /// Rights asked for the new descriptor; what is not applicable or not granted is left out, except
    /// that asking to write where the grant only reads is refused.
    pub rights: Rights,
    /// Rights asked for descriptors opened through the new one.
    pub inheriting: Rights,
    /// Switches of the new descriptor.
    pub flags: FdFlags,
}

/// What a descriptor is and may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FdStat {
    /// What it stands for.
    pub kind: FileType,
    /// Its switches.
    pub flags: FdFlags,
    /// What it may be used for.
    pub rights: Rights,
    /// What descriptors opened through it may be used for.
    pub inheriting: Rights,
}

/// Metadata of an object in a file system. Times are nanoseconds since 1970; an earlier time is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// The device.
    pub device: u64,
    /// The number of the object on its device.
    pub inode: u64,
    /// What it is.
    pub kind: FileType,
    /// How many names it has.
    pub links: u64,
    /// Its size in bytes; of a symbolic link, the length of its target.
    pub size: u64,
    /// When it was last read, in nanoseconds.
    pub accessed: u64,
    /// When it was last written, in nanoseconds.
    pub modified: u64,
    /// When its metadata last changed, in nanoseconds.
    pub changed: u64,
}

/// What to do with one time of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetTime {
    /// Leave it.
    #[default]
    Keep,
    /// Set it to the present, by the guest's clock.
    Now,
    /// Set it to this many nanoseconds since 1970.
    At(u64),
}

/// Where an offset counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whence {
    /// The start of the file.
    Start,
    /// The present offset.
    Current,
    /// The end of the file.
    End,
}

/// An announced access pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the six names of posix_fadvise say all there is to say")]
pub enum Advice {
    Normal,
    Sequential,
    Random,
    WillNeed,
    DontNeed,
    NoReuse,
}

/// One entry of a directory, lent to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirEntry<'a> {
    /// The cookie that continues the listing after this entry.
    pub next: u64,
    /// The number of the object on its device; of `..` at the root of a grant, the root's own.
    pub inode: u64,
    /// What it is.
    pub kind: FileType,
    /// Its name: UTF-8, without `/` and NUL.
    pub name: &'a [u8],
}

/// Which clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockId {
    /// Nanoseconds since 1970.
    Realtime,
    /// Nanoseconds since the guest started; never goes back.
    Monotonic,
}

/// One thing to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscription {
    /// The guest's own number, given back with the event.
    pub userdata: u64,
    /// What to wait for.
    pub what: Interest,
}

/// What a [`Subscription`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// A time.
    Clock {
        /// Which clock.
        clock: ClockId,
        /// Nanoseconds: from now, or by the clock when `absolute`.
        timeout: u64,
        /// Whether `timeout` is a reading of the clock.
        absolute: bool,
    },
    /// Until a read would not wait.
    Read(u32),
    /// Until a write would not wait.
    Write(u32),
}

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The number of the subscription.
    pub userdata: u64,
    /// What kind of subscription it answers.
    pub kind: EventKind,
    /// Why the subscription could not be served.
    pub error: Option<Errno>,
    /// Bytes ready to read, when that is known.
    pub bytes: u64,
    /// The other end is gone.
    pub hangup: bool,
}

/// The kind of subscription an [`Event`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A time was reached.
    Clock,
    /// A read would not wait.
    Read,
    /// A write would not wait.
    Write,
}

/// How to receive from a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecvFlags {
    /// Leave the data in the socket.
    pub peek: bool,
    /// Wait until the buffer is full, the stream ends or an error happens.
    pub wait_all: bool,
}

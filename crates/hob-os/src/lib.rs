//! What a guest sees of a machine: descriptors, files, streams, clocks, entropy, sockets and waiting.
//!
//! This crate makes every system call that is made for a guest, and knows neither an engine nor a
//! contract: [`World`] has one method per thing a guest can ask for, over plain Rust values. [`tree`] serves a
//! kernel that walks paths itself: the objects below a granted directory, one by one.
//!
//! ```
//! use hob_os::{Sink, SharedBuffer, World};
//!
//! let out = SharedBuffer::default();
//! let mut world = World::builder().arg("greet").stdout(Sink::Buffer(out.clone())).build()?;
//! world.write(1, b"hello")?;
//! assert_eq!(out.take(), b"hello");
//! # Ok::<(), hob_os::OsError>(())
//! ```
//!
//! What it promises:
//!
//! * A path never leaves the directory it was granted: names are resolved one at a time, through open
//!   directories, never followed by the kernel, and `..` never asks the kernel for a parent.
//! * A read-only grant is never written, whatever flags, rights, links or other grants are used.
//! * Only regular files and directories are opened; a pipe, device or socket in a grant is refused
//!   before it can block or act, and so is everything on `proc`, `sys` and their kind.
//! * Every wait ends at the hard deadline, and at once when the guest is stopped.
//! * Nothing outside is reached but what a grant names ([`egress`]).
//! * Open descriptors and output count against the guest's ledger.

mod addresses;
mod audit;
mod builder;
mod clock;
mod descriptor;
pub mod egress;
mod entropy;
mod errno;
mod fs;
mod grant;
mod held;
mod host_stream;
mod io;
mod person;
mod poll;
mod region;
mod rights;
mod sock;
mod stdio;
mod table;
pub mod tree;
mod types;
mod wait;
mod world;

pub use cap_std::fs::Dir as HostDir;

pub use addresses::addresses_are_limited;
pub use audit::{Audit, Note, Target};
pub use builder::{Socket, WorldBuilder};
pub use clock::{Clock, VIRTUAL_EPOCH_NS, VIRTUAL_STEP_NS};
pub use entropy::Entropy;
pub use errno::{Errno, OsError, Result};
pub use grant::{GrantOpenError, open_grant};
pub use held::{FileVersion, Held, HeldFile, HeldFolder, HeldKind, HeldName};
pub use host_stream::{HostInput, HostOutput};
pub use person::{QuietTerminal, RawTerminal};
pub use poll::SUBSCRIPTIONS_MAX;
pub use rights::Rights;
pub use stdio::{Callback, SharedBuffer, Sink, Source};
pub use types::{
    Advice, ClockId, DirEntry, Event, EventKind, FdFlags, FdStat, FileStat, FileType, Interest, OpenHow,
    RecvFlags, SetTime, Subscription, Whence,
};
pub use wait::{Waiter, Waker, Watch, Woken};
pub use world::{TRANSFER_BYTES_MAX, World};

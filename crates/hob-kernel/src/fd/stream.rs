//! What can be read and written without an offset: pipes, terminals, sockets, streams of the host.

use std::fmt::Debug;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use hob_cap::Ledger;
use hob_os::{FileType, Result};

use crate::wait::WaitQueue;

/// Who uses an object, for objects that treat callers differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The process.
    pub pid: u32,
    /// Its group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// Whether it blocks or ignores the signal that stops a background process which reads from its terminal.
    pub ignores_input_stop: bool,
    /// Whether it blocks or ignores the signal that stops a background process which writes to its terminal.
    pub ignores_output_stop: bool,
    /// Whether nobody is there to continue its group: then those signals would stop it for ever.
    pub orphaned: bool,
}

/// What can be done without waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// A read would not wait: there are bytes, or the end.
    pub read: bool,
    /// A write would not wait: there is room, or nobody to take it.
    pub write: bool,
    /// The other end is gone.
    pub hangup: bool,
    /// Something went wrong that the next call will say.
    pub error: bool,
    /// Bytes that can be read at once.
    pub bytes: u64,
}

/// An object to read from or write to. It never waits: it says [`Errno::Again`](hob_os::Errno::Again), and wakes its
/// queue when that may have changed.
pub trait Stream: Send + Sync + Debug {
    /// What it is, as a descriptor.
    fn kind(&self) -> FileType;

    /// Reads at least one byte, or 0 at the end.
    fn try_read(&self, caller: &Caller, buf: &mut [u8]) -> Result<usize>;

    /// Writes at least one byte, unless `buf` is empty.
    fn try_write(&self, caller: &Caller, buf: &[u8]) -> Result<usize>;

    /// What could be done now.
    fn ready(&self) -> Ready;

    /// Woken whenever [`Stream::ready`] may have changed.
    fn queue(&self) -> &WaitQueue;

    /// Which pipe it is an end of, if it is one.
    fn pipe(&self) -> Option<u64> {
        None
    }

    /// Makes room for more in a pipe that is full, at the expense of the ledger. Errors: it is no pipe; the ledger says
    /// no.
    fn enlarge(&self, ledger: &Arc<Ledger>) -> Result<()> {
        let _ = ledger;
        Err(hob_os::Errno::Inval.into())
    }

    /// The stream of the host behind it, which must be waited for as well.
    fn host(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

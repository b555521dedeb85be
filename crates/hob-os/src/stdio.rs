//! Where standard input comes from, and where standard output and error go.
//!
//! Output counts against `Limit::Output` byte by byte: exactly the allowed number of bytes comes out,
//! and the write after that fails. A host stream is shared with other programs, so its flags are never
//! changed; a read or write waits for readiness first and then asks the kernel not to wait.

use std::fmt;
use std::io::IsTerminal;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use hob_cap::{Ledger, Limit};
use rustix::io::{Errno as Sys, ReadWriteFlags};

use crate::wait::{Waiter, Watch};
use crate::{Errno, FileType, Result, TRANSFER_BYTES_MAX};

/// The most bytes written at once to a stream that cannot be asked not to wait.
const CAREFUL_BYTES: usize = 4096;

/// The offset that means "where the stream is" to the vectored system calls.
const HERE: u64 = u64::MAX;

/// Where standard input comes from.
#[derive(Debug, Default)]
pub enum Source {
    /// Nothing: the first read is the end.
    #[default]
    Empty,
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// The standard input of this process.
    Host,
    /// An open descriptor of this process, for example the reading end of a pipe.
    Fd(OwnedFd),
}

/// Where standard output or standard error goes.
#[derive(Default)]
pub enum Sink {
    /// Nowhere; the bytes still count as output.
    #[default]
    Discard,
    /// Into memory of the host, counted as a host buffer as well.
    Buffer(SharedBuffer),
    /// The stream of this process with the same number.
    Host,
    /// An open descriptor of this process, for example the writing end of a pipe.
    Fd(OwnedFd),
    /// A function of the embedder, called with each piece as the guest writes it; it should not wait.
    Callback(Callback),
    /// Into another sink, and what that took is shown to a function as well.
    Tapped(Box<Self>, Callback),
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discard => "Discard",
            Self::Buffer(_) => "Buffer",
            Self::Host => "Host",
            Self::Fd(_) => "Fd",
            Self::Callback(_) => "Callback",
            Self::Tapped(..) => "Tapped",
        })
    }
}

/// A function that takes output.
pub type Callback = Box<dyn FnMut(&[u8]) + Send>;

/// Output kept in memory, shared between a [`World`](crate::World) and its embedder.
#[derive(Debug, Clone, Default)]
pub struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl SharedBuffer {
    /// Takes what was written so far and leaves the buffer empty.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many bytes are waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn push(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }
}

/// An open standard input.
#[derive(Debug)]
pub(crate) enum Input {
    Bytes { bytes: Vec<u8>, offset: usize },
    Stream(OwnedFd),
}

/// An open standard output or error.
pub(crate) struct Output {
    to: To,
    ledger: Arc<Ledger>,
    /// Bytes of `Limit::HostBuffer` this output holds.
    held: u64,
    /// Who is shown what was written.
    taps: Vec<Callback>,
}

enum To {
    Discard,
    Buffer(SharedBuffer),
    Stream(OwnedFd),
    Callback(Callback),
}

impl Input {
    /// Opens a source. Errors: the host's descriptor cannot be duplicated.
    pub(crate) fn open(source: Source) -> Result<Self> {
        Ok(match source {
            Source::Empty => Self::Bytes { bytes: Vec::new(), offset: 0 },
            Source::Bytes(bytes) => Self::Bytes { bytes, offset: 0 },
            Source::Host => Self::Stream(std::io::stdin().as_fd().try_clone_to_owned()?),
            Source::Fd(fd) => Self::Stream(fd),
        })
    }

    /// Reads what there is, at least one byte unless the end is reached; waits for it unless
    /// `nonblock`.
    pub(crate) fn read(&mut self, buf: &mut [u8], nonblock: bool, waiter: &Waiter) -> Result<usize> {
        match self {
            Self::Bytes { bytes, offset } => {
                let rest = bytes.get(*offset..).unwrap_or_default();
                let len = rest.len().min(buf.len());
                if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
                    to.copy_from_slice(from);
                }
                *offset += len;
                Ok(len)
            }
            Self::Stream(fd) => loop {
                let mut watches = [Watch::readable(fd.as_fd())];
                if nonblock {
                    if !waiter.probe(&mut watches)? {
                        return Err(Errno::Again.into());
                    }
                } else {
                    waiter.wait(&mut watches, None)?;
                }
                match read_now(fd, buf) {
                    Err(Sys::AGAIN | Sys::INTR) => {}
                    other => return Ok(other?),
                }
            },
        }
    }

    /// The host descriptor to wait for; without one, input is always ready.
    pub(crate) fn stream(&self) -> Option<&OwnedFd> {
        match self {
            Self::Bytes { .. } => None,
            Self::Stream(fd) => Some(fd),
        }
    }

    /// How many bytes are ready, as far as that is known.
    pub(crate) fn ready_bytes(&self) -> u64 {
        match self {
            Self::Bytes { bytes, offset } => bytes.len().saturating_sub(*offset) as u64,
            Self::Stream(fd) => rustix::io::ioctl_fionread(fd).unwrap_or(0),
        }
    }

    pub(crate) fn kind(&self) -> FileType {
        kind(self.stream())
    }
}

impl Output {
    /// Opens a sink; `host` is the stream of this process that `Sink::Host` means.
    pub(crate) fn open(sink: Sink, host: impl AsFd, ledger: Arc<Ledger>) -> Result<Self> {
        let (mut sink, mut taps) = (sink, Vec::new());
        while let Sink::Tapped(inner, tap) = sink {
            taps.push(tap);
            sink = *inner;
        }
        let to = match sink {
            Sink::Discard | Sink::Tapped(..) => To::Discard,
            Sink::Buffer(buffer) => To::Buffer(buffer),
            Sink::Host => To::Stream(host.as_fd().try_clone_to_owned()?),
            Sink::Fd(fd) => To::Stream(fd),
            Sink::Callback(call) => To::Callback(call),
        };
        Ok(Self { to, ledger, held: 0, taps })
    }

    /// Writes some of `buf`, at least one byte unless it is empty; waits for room unless `nonblock`.
    /// Errors: the output limit is reached, the reader is gone, the guest was stopped.
    pub(crate) fn write(&mut self, buf: &[u8], nonblock: bool, waiter: &Waiter) -> Result<usize> {
        let buf = buf.get(..self.room(buf.len())).unwrap_or_default();
        let asked = buf.len() as u64;
        self.ledger.charge(Limit::Output, asked)?;
        let written = self.push(buf, nonblock, waiter);
        let done = *written.as_ref().unwrap_or(&0) as u64;
        self.ledger.release(Limit::Output, asked.saturating_sub(done));
        if let Ok(done) = written {
            let taken = buf.get(..done).unwrap_or(buf);
            self.taps.iter_mut().for_each(|tap| tap(taken));
        }
        written
    }

    /// The host descriptor to wait for; without one, output is always ready.
    pub(crate) fn stream(&self) -> Option<&OwnedFd> {
        match &self.to {
            To::Stream(fd) => Some(fd),
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> FileType {
        kind(self.stream())
    }

    /// How many of `len` bytes may be written: all, or what is left of the limit. Nothing left is not
    /// 0 but `len`, so that charging it fails and says how much was missing.
    fn room(&self, len: usize) -> usize {
        let len = len.min(TRANSFER_BYTES_MAX);
        let left = self.ledger.allowed(Limit::Output).saturating_sub(self.ledger.used(Limit::Output));
        match usize::try_from(left) {
            Ok(left) if left > 0 => len.min(left),
            _ => len,
        }
    }

    fn push(&mut self, buf: &[u8], nonblock: bool, waiter: &Waiter) -> Result<usize> {
        match &mut self.to {
            To::Discard => Ok(buf.len()),
            To::Buffer(buffer) => {
                self.ledger.charge(Limit::HostBuffer, buf.len() as u64)?;
                self.held = self.held.saturating_add(buf.len() as u64);
                buffer.push(buf);
                Ok(buf.len())
            }
            To::Callback(call) => {
                call(buf);
                Ok(buf.len())
            }
            To::Stream(_) if buf.is_empty() => Ok(0),
            To::Stream(fd) => loop {
                let mut watches = [Watch::writable(fd.as_fd())];
                if nonblock {
                    if !waiter.probe(&mut watches)? {
                        return Err(Errno::Again.into());
                    }
                } else {
                    waiter.wait(&mut watches, None)?;
                }
                match write_now(fd, buf) {
                    Err(Sys::AGAIN | Sys::INTR) => {}
                    other => return Ok(other?),
                }
            },
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.ledger.release(Limit::HostBuffer, self.held);
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

/// A terminal is a character device, which is how a guest's `isatty` knows it. What else a stream of
/// the host is, is not the guest's business.
fn kind(stream: Option<&OwnedFd>) -> FileType {
    match stream {
        Some(fd) if fd.is_terminal() => FileType::CharacterDevice,
        _ => FileType::Unknown,
    }
}

/// Reads without waiting where the kernel can promise that for this kind of stream; elsewhere it has
/// just said that a read would not wait.
fn read_now(fd: &OwnedFd, buf: &mut [u8]) -> rustix::io::Result<usize> {
    let mut bufs = [std::io::IoSliceMut::new(buf)];
    match rustix::io::preadv2(fd, &mut bufs, HERE, ReadWriteFlags::NOWAIT) {
        Err(Sys::OPNOTSUPP | Sys::INVAL | Sys::NOSYS | Sys::SPIPE) => rustix::io::read(fd, buf),
        Err(Sys::AGAIN) if is_regular(fd) => rustix::io::read(fd, buf),
        other => other,
    }
}

/// Writes without waiting where the kernel can promise that; elsewhere little enough to fit.
fn write_now(fd: &OwnedFd, buf: &[u8]) -> rustix::io::Result<usize> {
    let bufs = [std::io::IoSlice::new(buf)];
    match rustix::io::pwritev2(fd, &bufs, HERE, ReadWriteFlags::NOWAIT) {
        Err(Sys::OPNOTSUPP | Sys::INVAL | Sys::NOSYS | Sys::SPIPE) => {
            rustix::io::write(fd, buf.get(..buf.len().min(CAREFUL_BYTES)).unwrap_or(buf))
        }
        Err(Sys::AGAIN) if is_regular(fd) => rustix::io::write(fd, buf),
        other => other,
    }
}

fn is_regular(fd: &OwnedFd) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file())
}

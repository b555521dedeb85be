//! Reading and writing.
//!
//! A file is read and written at the offset that everyone shares who shares the description, under its lock. A stream
//! waits, unless its description or its caller says not to; a write to one is whole unless a signal comes in between.
//! A write where nobody reads raises the signal for that, as POSIX has it.

use std::io::SeekFrom;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use hob_os::{Errno, OsError, Result};

use crate::fd::{Caller, Description, Descriptor, Object, Stream};
use crate::fs::dev;
use crate::limits::TRANSFER_BYTES_MAX;
use crate::process::{Proc, Process, Signal};
use crate::wait::lock;

/// The largest offset: one that fits a signed number.
const OFFSET_MAX: u64 = i64::MAX as u64;

impl Process {
    /// Reads at the offset and moves it; 0 is the end. Errors: [`Errno::Badf`], [`Errno::IsDir`], [`Errno::Again`],
    /// [`Errno::Intr`].
    pub fn read(&self, fd: u32, buf: &mut [u8]) -> Result<usize> {
        self.check()?;
        let description = self.description(fd)?;
        self.read_from(&description, buf)
    }

    pub(crate) fn read_from(&self, description: &Arc<Description>, buf: &mut [u8]) -> Result<usize> {
        if !description.readable {
            return Err(Errno::Badf.into());
        }
        self.goes_on();
        let buf = start_mut(buf);
        match &description.object {
            Object::Directory(_) => Err(Errno::IsDir.into()),
            Object::File(_, file) => {
                let mut offset = lock(&description.offset);
                let done = file.read_at(buf, *offset)?;
                *offset = offset.saturating_add(size(done));
                Ok(done)
            }
            Object::Device(device) => self.read_device(*device, buf),
            Object::Terminal(slave) => {
                let caller = self.terminal_caller();
                self.read_terminal(description, slave, &caller, buf, None)
            }
            Object::Stream(_) | Object::Socket(_) | Object::Master(_) => {
                let stream = description.stream().ok_or(Errno::Badf)?;
                let caller = self.caller_of(stream);
                let until = self.read_until(description);
                self.on_stream(description, stream, false, until, || stream.try_read(&caller, buf))
            }
        }
    }

    /// Writes at the offset, or at the end, and moves it. Errors: [`Errno::Badf`], [`Errno::Pipe`], [`Errno::Again`],
    /// [`Errno::Intr`] before anything was written; those of the file system.
    pub fn write(&self, fd: u32, buf: &[u8]) -> Result<usize> {
        self.check()?;
        let description = self.description(fd)?;
        let written = self.write_to(&description, buf);
        if let Err(error) = &written
            && error.errno() == Errno::Pipe
        {
            self.raise(Signal::PIPE);
        }
        written
    }

    fn write_to(&self, description: &Arc<Description>, buf: &[u8]) -> Result<usize> {
        if !description.writable {
            return Err(Errno::Badf.into());
        }
        let buf = start(buf);
        match &description.object {
            Object::Directory(_) => Err(Errno::Badf.into()),
            Object::File(_, file) => {
                let mut offset = lock(&description.offset);
                if description.flags().append {
                    let buf = self.within_file_size(buf, file.size()?)?;
                    let (done, end) = file.append(buf)?;
                    *offset = end;
                    return Ok(done);
                }
                let buf = self.within_file_size(buf, *offset)?;
                let done = file.write_at(buf, *offset)?;
                *offset = offset.saturating_add(size(done));
                Ok(done)
            }
            Object::Device(dev::FULL) if !buf.is_empty() => Err(Errno::Nospc.into()),
            Object::Device(_) => Ok(buf.len()),
            Object::Stream(_) | Object::Socket(_) | Object::Terminal(_) | Object::Master(_) => {
                let stream = description.stream().ok_or(Errno::Badf)?;
                let caller = self.caller_of(stream);
                let mut done = 0;
                loop {
                    let rest = buf.get(done..).unwrap_or_default();
                    let wrote = self.on_stream(description, stream, true, None, || {
                        match stream.try_write(&caller, rest) {
                            Err(OsError::Errno(Errno::Again)) if self.nobody_will_read(stream) => {
                                stream.enlarge(self.kernel.ledger())?;
                                stream.try_write(&caller, rest)
                            }
                            other => other,
                        }
                    });
                    match wrote {
                        Ok(more) => done += more,
                        // What was written is said; the rest of the story the next call tells.
                        Err(OsError::Errno(_)) if done > 0 => return Ok(done),
                        Err(error) => return Err(error),
                    }
                    if done >= buf.len() || description.flags().nonblock {
                        return Ok(done);
                    }
                }
            }
        }
    }

    /// Reads at `offset` and leaves the descriptor's own alone. Errors: [`Errno::Spipe`] for what has no offsets.
    pub fn read_at(&self, fd: u32, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.check()?;
        let description = self.description(fd)?;
        let file = description.file()?;
        if !description.readable {
            return Err(Errno::Badf.into());
        }
        in_range(offset)?;
        file.read_at(start_mut(buf), offset)
    }

    /// Writes at `offset` and leaves the descriptor's own alone. Errors: [`Errno::Spipe`] for what has no offsets.
    pub fn write_at(&self, fd: u32, buf: &[u8], offset: u64) -> Result<usize> {
        self.check()?;
        let description = self.description(fd)?;
        let file = description.file()?;
        if !description.writable {
            return Err(Errno::Badf.into());
        }
        in_range(offset)?;
        let buf = self.within_file_size(start(buf), offset)?;
        file.write_at(buf, offset)
    }

    /// Moves the offset, and says where it is. Errors: [`Errno::Spipe`]; [`Errno::Inval`] for a place before the start.
    pub fn seek(&self, fd: u32, to: SeekFrom) -> Result<u64> {
        self.check()?;
        let description = self.description(fd)?;
        let mut offset = lock(&description.offset);
        let moved = match (&description.object, to) {
            (_, SeekFrom::Start(at)) => Some(at),
            (_, SeekFrom::Current(by)) => offset.checked_add_signed(by),
            (Object::File(_, file), SeekFrom::End(by)) => file.size()?.checked_add_signed(by),
            (_, SeekFrom::End(_)) => None,
        };
        if !matches!(description.object, Object::File(..) | Object::Directory(_)) {
            return Err(Errno::Spipe.into());
        }
        let moved = moved.filter(|at| *at <= OFFSET_MAX).ok_or(Errno::Inval)?;
        *offset = moved;
        Ok(moved)
    }

    /// Makes a file this long. Errors: [`Errno::Inval`] for a descriptor that does not write.
    pub fn resize(&self, fd: u32, len: u64) -> Result<()> {
        self.check()?;
        let description = self.description(fd)?;
        if !description.writable {
            return Err(Errno::Inval.into());
        }
        if len > OFFSET_MAX || len > lock(&self.me.state).limits.file_size() {
            return Err(Errno::Fbig.into());
        }
        description.file().map_err(|_| Errno::Inval)?.resize(len)
    }

    /// Writes out what is held back. Errors: [`Errno::Inval`] for what has nothing to write out.
    pub fn sync(&self, fd: u32, data: bool) -> Result<()> {
        self.check()?;
        let description = self.description(fd)?;
        match &description.object {
            Object::File(_, file) => file.sync(data),
            Object::Directory(_) => Ok(()),
            _ => Err(Errno::Inval.into()),
        }
    }

    /// Whether everyone who could read from a full pipe waits for a child, or is this process itself: then waiting would
    /// be for ever.
    fn nobody_will_read(&self, stream: &dyn Stream) -> bool {
        let Some(pipe) = stream.pipe() else { return false };
        let all: Vec<Arc<Proc>> = lock(&self.kernel.family).all().cloned().collect();
        let reads = |one: &Descriptor| {
            one.description.readable && one.description.stream().and_then(Stream::pipe) == Some(pipe)
        };
        let mut someone = false;
        for proc in all {
            let holds = lock(&proc.descriptors).iter().any(|(_, one)| reads(one));
            if holds && proc.pid != self.me.pid && !proc.waits.load(Ordering::Acquire) {
                return false;
            }
            someone |= holds;
        }
        someone
    }

    /// The wait of one try on a stream.
    pub(crate) fn on_stream<T>(
        &self,
        description: &Description,
        stream: &dyn Stream,
        write: bool,
        until: Option<Instant>,
        mut attempt: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        if description.flags().nonblock {
            return attempt();
        }
        let host: Vec<_> = stream.host().map(|fd| (fd, write)).into_iter().collect();
        match self.block(&[stream.queue()], &host, until, attempt) {
            Err(OsError::Errno(Errno::TimedOut)) if until.is_some() => Err(Errno::Again.into()),
            other => other,
        }
    }

    /// Who uses a stream: terminals want to know more.
    pub(crate) fn caller_of(&self, stream: &dyn Stream) -> Caller {
        if stream.kind() == hob_os::FileType::CharacterDevice {
            self.terminal_caller()
        } else {
            self.caller()
        }
    }

    fn read_until(&self, description: &Description) -> Option<Instant> {
        let Object::Socket(socket) = &description.object else { return None };
        socket.options().receive_timeout.and_then(|time| Instant::now().checked_add(time))
    }

    fn read_device(&self, device: u64, buf: &mut [u8]) -> Result<usize> {
        match device {
            dev::ZERO | dev::FULL => {
                buf.fill(0);
                Ok(buf.len())
            }
            dev::RANDOM | dev::URANDOM => {
                self.random_fill(buf)?;
                Ok(buf.len())
            }
            _ => Ok(0),
        }
    }

    /// As much of a write as the limit on the size of files leaves room for. Errors: [`Errno::Fbig`], and the signal.
    fn within_file_size<'a>(&self, buf: &'a [u8], offset: u64) -> Result<&'a [u8]> {
        let max = lock(&self.me.state).limits.file_size().min(OFFSET_MAX);
        let room = usize::try_from(max.saturating_sub(offset)).unwrap_or(usize::MAX);
        if room == 0 && !buf.is_empty() {
            if max < OFFSET_MAX
                && let Some(signal) = Signal::new(25)
            {
                self.raise(signal);
            }
            return Err(Errno::Fbig.into());
        }
        Ok(buf.get(..room).unwrap_or(buf))
    }
}

fn in_range(offset: u64) -> Result<()> {
    if offset > OFFSET_MAX { Err(Errno::Inval.into()) } else { Ok(()) }
}

fn start(buf: &[u8]) -> &[u8] {
    buf.get(..TRANSFER_BYTES_MAX).unwrap_or(buf)
}

fn start_mut(buf: &mut [u8]) -> &mut [u8] {
    let len = buf.len().min(TRANSFER_BYTES_MAX);
    buf.split_at_mut(len).0
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

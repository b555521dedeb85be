//! The ends of a session that whoever holds it has in hand: streams of the host, pipes and terminals to feed and to read.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Instant;

use hob_cap::StopToken;
use hob_os::{Errno, FileType, HostInput, HostOutput, OsError, Result, Sink, Source, Waiter};

use crate::fd::{Caller, Description, Flags, Object, Ready, Room, Stream};
use crate::pipe::{Pipe, Reader, Writer};
use crate::process::{Started, Status};
use crate::tty::{Master, Size};
use crate::wait::WaitQueue;
use crate::{Kernel, wait};

/// Bytes of the host, as a stream.
#[derive(Debug)]
struct Incoming {
    input: HostInput,
    queue: WaitQueue,
}

/// A sink of the host, as a stream.
#[derive(Debug)]
struct Outgoing {
    output: HostOutput,
    queue: WaitQueue,
}

impl Stream for Incoming {
    fn kind(&self) -> FileType {
        self.input.kind()
    }

    fn try_read(&self, _: &Caller, buf: &mut [u8]) -> Result<usize> {
        self.input.try_read(buf)
    }

    fn try_write(&self, _: &Caller, _: &[u8]) -> Result<usize> {
        Err(Errno::Badf.into())
    }

    fn ready(&self) -> Ready {
        let (read, bytes) = self.input.ready();
        Ready { read, bytes, ..Ready::default() }
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn host(&self) -> Option<BorrowedFd<'_>> {
        self.input.host()
    }
}

impl Stream for Outgoing {
    fn kind(&self) -> FileType {
        self.output.kind()
    }

    fn try_read(&self, _: &Caller, _: &mut [u8]) -> Result<usize> {
        Err(Errno::Badf.into())
    }

    fn try_write(&self, _: &Caller, buf: &[u8]) -> Result<usize> {
        self.output.try_write(buf)
    }

    fn ready(&self) -> Ready {
        Ready { write: self.output.ready(), ..Ready::default() }
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn host(&self) -> Option<BorrowedFd<'_>> {
        self.output.host()
    }
}

/// The end of a pipe that feeds a process. Dropping it is the end of its input.
#[derive(Debug)]
pub struct Feed {
    writer: Arc<Writer>,
    waiter: Waiter,
}

/// The ends of two pipes that take what a process writes. Dropping it tells the process that nobody reads.
#[derive(Debug)]
pub struct Outlet {
    readers: [Arc<Reader>; 2],
    waiter: Waiter,
    /// Bytes that are still taken before the end of the process is told; `None` before it is known, 0 once it is told.
    left: Option<usize>,
    told: bool,
}

/// What comes out of an [`Outlet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// So many bytes of standard output.
    Output(usize),
    /// So many bytes of standard error.
    Error(usize),
    /// The process ended. What it started in the background may still write.
    Ended(Status),
    /// Nobody writes any more, and the process has ended.
    Over,
}

/// Bytes taken after the end of a process before it is told, so that who writes on in the background hides it from nobody:
/// more than was in the pipes.
const AFTER_END_BYTES: usize = 1 << 20;

/// The end of a terminal that plays the person. Dropping it hangs up.
#[derive(Debug)]
pub struct Console {
    master: Arc<Master>,
    reader: Waiter,
    writer: Waiter,
}

/// Who the host is to a stream: nobody in particular.
const HOST: Caller = Caller {
    pid: 0,
    group: 0,
    session: 0,
    ignores_input_stop: true,
    ignores_output_stop: true,
    orphaned: false,
};

impl Feed {
    /// Writes all of it; waits while the process does not read. Errors: [`Errno::Pipe`] when nobody reads any more.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        write_all(&*self.writer, &self.waiter, bytes)
    }
}

impl Outlet {
    /// Waits for something to be written, or for the end of the process, which is told once and after all it wrote.
    /// Errors: [`Errno::TimedOut`] at `until`.
    pub fn hear(&mut self, process: &Started, buf: &mut [u8], until: Option<Instant>) -> Result<Heard> {
        let Self { readers: [output, error], waiter, left, told } = self;
        let queues = [output.queue(), error.queue(), process.ended()];
        let attempt = || {
            // Asked before the pipes are looked at: what it wrote before it ended is then in them.
            let status = process.proc().status();
            if status.is_some() && left.is_none() {
                *left = Some(AFTER_END_BYTES);
            }
            if let (Some(status), Some(0), false) = (status, *left, *told) {
                *told = true;
                return Ok(Heard::Ended(status));
            }
            let mut open = false;
            for (stream, heard) in [(&*output, Heard::Output as fn(usize) -> Heard), (&*error, Heard::Error)]
            {
                match stream.try_read(&HOST, buf) {
                    Ok(0) => {}
                    Ok(len) => {
                        *left = left.map(|left| left.saturating_sub(len));
                        return Ok(heard(len));
                    }
                    Err(OsError::Errno(Errno::Again)) => open = true,
                    Err(other) => return Err(other),
                }
            }
            match status {
                Some(status) if !*told => {
                    *told = true;
                    Ok(Heard::Ended(status))
                }
                Some(_) if !open => Ok(Heard::Over),
                _ => Err(Errno::Again.into()),
            }
        };
        wait::block(waiter, &queues, &[], until, || Ok(()), attempt)
    }
}

impl Console {
    /// What the programs wrote, at least one byte; 0 when nobody has the terminal open any more, or at `until`.
    pub fn read(&self, buf: &mut [u8], until: Option<Instant>) -> Result<usize> {
        let queues = [self.master.queue()];
        let read = || self.master.try_read(&HOST, buf);
        match wait::block(&self.reader, &queues, &[], until, || Ok(()), read) {
            Err(OsError::Errno(Errno::Io | Errno::TimedOut)) => Ok(0),
            other => other,
        }
    }

    /// Types all of it; waits while the terminal is full.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        write_all(&*self.master, &self.writer, bytes)
    }

    /// Makes the window this size.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        self.master.control(&HOST).set_size(Size { columns, rows, ..Size::default() })
    }

    /// The number of the terminal.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.master.terminal().number()
    }
}

fn write_all(stream: &dyn Stream, waiter: &Waiter, bytes: &[u8]) -> Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let write = || stream.try_write(&HOST, rest);
        let done = wait::block(waiter, &[stream.queue()], &[], None, || Ok(()), write)?;
        rest = rest.get(done..).unwrap_or_default();
    }
    Ok(())
}

impl Kernel {
    fn description(&self, object: Object, access: (bool, bool)) -> Result<Arc<Description>> {
        Ok(Description::new(Room::take(self.ledger())?, object, None, access, Flags::default()))
    }

    /// A source of the host, as something to read.
    pub fn input(&self, source: Source) -> Result<Arc<Description>> {
        let incoming = Incoming { input: HostInput::open(source)?, queue: WaitQueue::default() };
        self.description(Object::Stream(Arc::new(incoming)), (true, false))
    }

    /// A sink of the host, as something to write to; `error` says whether the host's own would be standard error.
    pub fn output(&self, sink: Sink, error: bool) -> Result<Arc<Description>> {
        let output = HostOutput::open(sink, error, Arc::clone(self.ledger()))?;
        let outgoing = Outgoing { output, queue: WaitQueue::default() };
        self.description(Object::Stream(Arc::new(outgoing)), (false, true))
    }

    /// Something to read, and the end that feeds it. The feeding ends with `stop`.
    pub fn feed(&self, stop: StopToken) -> Result<(Feed, Arc<Description>)> {
        let pipe = Arc::new(Pipe::default());
        let feed = Feed { writer: pipe.writer(), waiter: Waiter::new(stop) };
        Ok((feed, self.description(Object::Stream(pipe.reader()), (true, false))?))
    }

    /// Two things to write to, standard output and standard error, and the end that takes what is written. The taking ends
    /// with `stop`.
    pub fn outlet(&self, stop: StopToken) -> Result<(Outlet, [Arc<Description>; 2])> {
        let pipes = [Arc::new(Pipe::default()), Arc::new(Pipe::default())];
        let readers = pipes.each_ref().map(|pipe| pipe.reader());
        let [output, error] = pipes.each_ref().map(|pipe| Object::Stream(pipe.writer()));
        let write = (false, true);
        let descriptions = [self.description(output, write)?, self.description(error, write)?];
        Ok((Outlet { readers, waiter: Waiter::new(stop), left: None, told: false }, descriptions))
    }

    /// A terminal of this size, and the end that plays the person, who leaves with `stop`.
    pub fn console(
        self: &Arc<Self>,
        columns: u16,
        rows: u16,
        stop: &StopToken,
    ) -> Result<(Console, Arc<Description>)> {
        let (master, slave) = self.terminals().open_pair()?;
        let console =
            Console { master, reader: Waiter::new(stop.clone()), writer: Waiter::new(stop.clone()) };
        console.resize(columns, rows)?;
        Ok((console, self.description(Object::Terminal(slave), (true, true))?))
    }
}

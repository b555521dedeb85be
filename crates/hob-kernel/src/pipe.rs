//! Pipes: 64 KiB between those who write and those who read.
//!
//! A write of at most [`PIPE_ATOMIC_BYTES`] is whole or waits. When the last reader is gone a write says
//! [`Errno::Pipe`]; when the last writer is gone a read says the end. Ends are counted by their descriptions, so that a
//! kill closes what a process held.
//!
//! Shells that are built without `fork` write a whole here-document into a pipe before they start who reads it, and wait
//! for a command before they read what it wrote. Where nobody who could read will before the writer goes on, waiting
//! would be for ever: such a pipe is made larger instead ([`crate::process`] decides that), at the ledger's expense.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hob_cap::{Ledger, Limit};
use hob_os::{Errno, FileType, Result};

use crate::fd::stream::{Caller, Ready, Stream};
use crate::limits::{PIPE_ATOMIC_BYTES, PIPE_BYTES};
use crate::wait::{WaitQueue, lock};

/// A pipe. A named one is opened again and again.
#[derive(Debug)]
pub(crate) struct Pipe {
    id: u64,
    state: Mutex<State>,
    queue: WaitQueue,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Default for Pipe {
    fn default() -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, state: Mutex::default(), queue: WaitQueue::default() }
    }
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    /// Bytes it holds beyond the usual, and who pays for them.
    extra: usize,
    paid: Option<Arc<Ledger>>,
    readers: usize,
    writers: usize,
    /// How often an end was opened, so that who waits for the other end to be opened sees one that came and went.
    reads_opened: u64,
    writes_opened: u64,
}

/// An end to read from.
#[derive(Debug)]
pub(crate) struct Reader(Arc<Pipe>);

/// An end to write to.
#[derive(Debug)]
pub(crate) struct Writer(Arc<Pipe>);

impl State {
    fn room(&self) -> usize {
        (PIPE_BYTES + self.extra).saturating_sub(self.bytes.len())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(ledger) = &self.paid {
            ledger.release(Limit::HostBuffer, u64::try_from(self.extra).unwrap_or(0));
        }
    }
}

impl Pipe {
    /// A new end to read from.
    pub(crate) fn reader(self: &Arc<Self>) -> Arc<Reader> {
        let mut state = lock(&self.state);
        state.readers += 1;
        state.reads_opened += 1;
        drop(state);
        self.queue.wake();
        Arc::new(Reader(Arc::clone(self)))
    }

    /// A new end to write to.
    pub(crate) fn writer(self: &Arc<Self>) -> Arc<Writer> {
        let mut state = lock(&self.state);
        state.writers += 1;
        state.writes_opened += 1;
        drop(state);
        self.queue.wake();
        Arc::new(Writer(Arc::clone(self)))
    }

    /// How many have it open to read, and to write.
    pub(crate) fn ends(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.readers, state.writers)
    }

    /// How often it was opened to read, and to write.
    pub(crate) fn opened(&self) -> (u64, u64) {
        let state = lock(&self.state);
        (state.reads_opened, state.writes_opened)
    }

    /// Woken whenever something changes.
    pub(crate) fn queue(&self) -> &WaitQueue {
        &self.queue
    }
}

impl Stream for Reader {
    fn kind(&self) -> FileType {
        FileType::Unknown
    }

    fn try_read(&self, _: &Caller, buf: &mut [u8]) -> Result<usize> {
        let mut state = lock(&self.0.state);
        if state.bytes.is_empty() {
            return if state.writers == 0 || buf.is_empty() { Ok(0) } else { Err(Errno::Again.into()) };
        }
        let was_full = state.room() < PIPE_ATOMIC_BYTES;
        let mut done = 0;
        while done < buf.len() {
            let (front, _) = state.bytes.as_slices();
            let take = front.len().min(buf.len() - done);
            let (Some(from), Some(to)) = (front.get(..take), buf.get_mut(done..done + take)) else { break };
            if take == 0 {
                break;
            }
            to.copy_from_slice(from);
            state.bytes.drain(..take);
            done += take;
        }
        let has_room = state.room() >= PIPE_ATOMIC_BYTES;
        drop(state);
        if was_full && has_room {
            self.0.queue.wake();
        }
        Ok(done)
    }

    fn try_write(&self, _: &Caller, _: &[u8]) -> Result<usize> {
        Err(Errno::Badf.into())
    }

    fn ready(&self) -> Ready {
        let state = lock(&self.0.state);
        let hangup = state.writers == 0;
        let bytes = u64::try_from(state.bytes.len()).unwrap_or(u64::MAX);
        Ready { read: bytes > 0 || hangup, hangup, bytes, ..Ready::default() }
    }

    fn queue(&self) -> &WaitQueue {
        &self.0.queue
    }

    fn pipe(&self) -> Option<u64> {
        Some(self.0.id)
    }
}

impl Stream for Writer {
    fn kind(&self) -> FileType {
        FileType::Unknown
    }

    fn try_read(&self, _: &Caller, _: &mut [u8]) -> Result<usize> {
        Err(Errno::Badf.into())
    }

    fn try_write(&self, _: &Caller, buf: &[u8]) -> Result<usize> {
        let mut state = lock(&self.0.state);
        if state.readers == 0 {
            return Err(Errno::Pipe.into());
        }
        let room = state.room();
        let take = buf.len().min(room);
        if (buf.len() <= PIPE_ATOMIC_BYTES && take < buf.len()) || (take == 0 && !buf.is_empty()) {
            return Err(Errno::Again.into());
        }
        let was_empty = state.bytes.is_empty();
        state.bytes.extend(buf.get(..take).unwrap_or_default());
        drop(state);
        if was_empty && take > 0 {
            self.0.queue.wake();
        }
        Ok(take)
    }

    fn ready(&self) -> Ready {
        let state = lock(&self.0.state);
        let broken = state.readers == 0;
        let write = broken || state.room() >= PIPE_ATOMIC_BYTES;
        Ready { write, error: broken, ..Ready::default() }
    }

    fn queue(&self) -> &WaitQueue {
        &self.0.queue
    }

    fn pipe(&self) -> Option<u64> {
        Some(self.0.id)
    }

    fn enlarge(&self, ledger: &Arc<Ledger>) -> Result<()> {
        ledger.charge(Limit::HostBuffer, u64::try_from(PIPE_BYTES).unwrap_or(0))?;
        let mut state = lock(&self.0.state);
        state.extra += PIPE_BYTES;
        state.paid.get_or_insert_with(|| Arc::clone(ledger));
        Ok(())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        lock(&self.0.state).readers -= 1;
        self.0.queue.wake();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        lock(&self.0.state).writers -= 1;
        self.0.queue.wake();
    }
}

/// Both ends of a named pipe, for whoever opens it to read and write.
#[derive(Debug)]
pub(crate) struct Both {
    reader: Arc<Reader>,
    writer: Arc<Writer>,
}

impl Both {
    pub(crate) fn new(reader: Arc<Reader>, writer: Arc<Writer>) -> Self {
        Self { reader, writer }
    }
}

impl Stream for Both {
    fn kind(&self) -> FileType {
        FileType::Unknown
    }

    fn try_read(&self, caller: &Caller, buf: &mut [u8]) -> Result<usize> {
        self.reader.try_read(caller, buf)
    }

    fn try_write(&self, caller: &Caller, buf: &[u8]) -> Result<usize> {
        self.writer.try_write(caller, buf)
    }

    fn ready(&self) -> Ready {
        let (read, write) = (self.reader.ready(), self.writer.ready());
        Ready { write: write.write, error: write.error, ..read }
    }

    fn queue(&self) -> &WaitQueue {
        self.reader.queue()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Caller = Caller {
        pid: 2,
        group: 2,
        session: 2,
        ignores_input_stop: false,
        ignores_output_stop: false,
        orphaned: false,
    };

    #[test]
    fn a_pipe_holds_64_kib_and_not_one_more() {
        let pipe = Arc::new(Pipe::default());
        let (read, write) = (pipe.reader(), pipe.writer());
        assert_eq!(write.try_write(&ME, &vec![7; PIPE_BYTES + 1]), Ok(PIPE_BYTES));
        assert_eq!(write.try_write(&ME, &[7]), Err(Errno::Again.into()));
        let mut buf = vec![0; PIPE_BYTES + 1];
        assert_eq!(read.try_read(&ME, &mut buf), Ok(PIPE_BYTES));
        assert_eq!(read.try_read(&ME, &mut buf), Err(Errno::Again.into()));
        drop(write);
        assert_eq!(read.try_read(&ME, &mut buf), Ok(0));
    }

    #[test]
    fn a_pipe_that_was_made_larger_is_paid_for_until_it_goes() {
        let ledger = Arc::new(Ledger::new(&hob_cap::Limits::default()));
        let pipe = Arc::new(Pipe::default());
        let (read, write) = (pipe.reader(), pipe.writer());
        assert_eq!(write.try_write(&ME, &vec![7; 2 * PIPE_BYTES]), Ok(PIPE_BYTES));
        write.enlarge(&ledger).unwrap();
        assert_eq!(write.try_write(&ME, &vec![7; 2 * PIPE_BYTES]), Ok(PIPE_BYTES));
        assert_eq!(ledger.used(Limit::HostBuffer), PIPE_BYTES as u64);
        drop((pipe, read, write));
        assert_eq!(ledger.used(Limit::HostBuffer), 0);
    }

    #[test]
    fn a_small_write_is_whole_or_waits() {
        let pipe = Arc::new(Pipe::default());
        let (read, write) = (pipe.reader(), pipe.writer());
        assert_eq!(write.try_write(&ME, &vec![7; PIPE_BYTES - 100]), Ok(PIPE_BYTES - 100));
        assert_eq!(write.try_write(&ME, &[1; 101]), Err(Errno::Again.into()));
        assert_eq!(write.try_write(&ME, &vec![1; PIPE_ATOMIC_BYTES + 1]), Ok(100));
        drop(read);
        assert_eq!(write.try_write(&ME, &[1]), Err(Errno::Pipe.into()));
    }
}

//! Connections: two flows of bytes, one each way.
//!
//! A flow holds at most [`SOCKET_BYTES`]. Each end can stop writing (the other then reads to the end) and stop reading; an
//! end that goes with bytes unread resets the connection, so that the other learns that they were lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hob_os::{Errno, Result};

use super::passed::{Parcel, Passed};
use crate::fd::Ready;
use crate::limits::SOCKET_BYTES;
use crate::wait::{WaitQueue, lock};

/// One end of a connection. Dropped, it is closed.
#[derive(Debug)]
pub(super) struct End {
    incoming: Arc<Flow>,
    outgoing: Arc<Flow>,
    abort: AtomicBool,
}

/// One direction.
#[derive(Debug)]
struct Flow {
    state: Mutex<State>,
    reader: Arc<WaitQueue>,
    writer: Arc<WaitQueue>,
    /// Whether a writer is told that nobody listens, as on sockets of one machine.
    tells: bool,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    /// Bytes that were taken so far: the position of the first one that is held.
    taken: u64,
    /// What was passed, by the position of the byte it came with.
    parcels: VecDeque<(u64, Parcel)>,
    /// Nothing more is written.
    ended: bool,
    /// The reader does not want to read any more.
    deaf: bool,
    /// The reader is gone.
    gone: bool,
    /// What the reader's end is told once, when everything is read.
    error: Option<Errno>,
}

impl End {
    /// Both ends of a connection. `local` says that both are of the family that has names of files.
    pub(super) fn pair(local: bool, one: &Arc<WaitQueue>, other: &Arc<WaitQueue>) -> (Self, Self) {
        let flow = |reader: &Arc<WaitQueue>, writer: &Arc<WaitQueue>| {
            let (reader, writer) = (Arc::clone(reader), Arc::clone(writer));
            Arc::new(Flow { state: Mutex::default(), reader, writer, tells: local })
        };
        let (there, back) = (flow(other, one), flow(one, other));
        let end = |incoming: &Arc<Flow>, outgoing: &Arc<Flow>| Self {
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            abort: AtomicBool::new(false),
        };
        (end(&back, &there), end(&there, &back))
    }

    /// Reads; 0 is the end. A read does not go on into bytes that something else was passed with.
    pub(super) fn read(&self, buf: &mut [u8], peek: bool) -> Result<(usize, Vec<Passed>)> {
        let (len, passed) = self.incoming.read(buf, peek)?;
        if len > 0 && !peek {
            self.incoming.writer.wake();
        }
        Ok((len, passed))
    }

    /// Writes what fits. `parcel` is asked for only if something does.
    pub(super) fn write(&self, buf: &[u8], parcel: impl FnOnce() -> Result<Option<Parcel>>) -> Result<usize> {
        if let Some(error) = self.take_error() {
            return Err(error.into());
        }
        let len = self.outgoing.write(buf, parcel)?;
        if len > 0 {
            self.outgoing.reader.wake();
        }
        Ok(len)
    }

    /// What was passed and waits to be read here.
    pub(super) fn parcels(&self) -> Vec<u64> {
        lock(&self.incoming.state).parcels.iter().map(|(_, parcel)| parcel.key()).collect()
    }

    pub(super) fn shutdown(&self, read: bool, write: bool) {
        if read {
            lock(&self.incoming.state).deaf = true;
        }
        if write {
            lock(&self.outgoing.state).ended = true;
        }
        // Both sides may wait for either.
        self.incoming.reader.wake();
        self.incoming.writer.wake();
    }

    /// What went wrong, told once.
    pub(super) fn take_error(&self) -> Option<Errno> {
        lock(&self.incoming.state).error.take()
    }

    /// From now on closing it resets the connection, whatever is read.
    pub(super) fn abort(&self, abort: bool) {
        self.abort.store(abort, Ordering::Relaxed);
    }

    pub(super) fn ready(&self) -> Ready {
        let (read, bytes, ended, error) = {
            let state = lock(&self.incoming.state);
            let ends = state.ended || state.deaf || state.error.is_some();
            (
                ends || !state.bytes.is_empty(),
                state.bytes.len(),
                state.ended || state.deaf,
                state.error.is_some(),
            )
        };
        let out = lock(&self.outgoing.state);
        let closed = out.gone || out.ended;
        Ready {
            read,
            write: closed || error || out.bytes.len() < SOCKET_BYTES,
            hangup: closed && ended,
            error,
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let (unread, parcels) = {
            let mut state = lock(&self.incoming.state);
            state.gone = true;
            let bytes = std::mem::take(&mut state.bytes);
            (!bytes.is_empty(), std::mem::take(&mut state.parcels))
        };
        {
            let mut state = lock(&self.outgoing.state);
            if (unread || *self.abort.get_mut()) && !state.gone {
                state.error = Some(Errno::ConnReset);
            }
            state.ended = true;
        }
        self.outgoing.reader.wake();
        // What was passed may hold sockets; their ends are dropped here, under no lock.
        drop(parcels);
    }
}

impl Flow {
    fn read(&self, buf: &mut [u8], peek: bool) -> Result<(usize, Vec<Passed>)> {
        let mut state = lock(&self.state);
        if buf.is_empty() {
            return Ok((0, Vec::new()));
        }
        if state.bytes.is_empty() {
            return match state.error.take() {
                Some(error) => Err(error.into()),
                None if state.ended || state.deaf => Ok((0, Vec::new())),
                None => Err(Errno::Again.into()),
            };
        }
        let first = state.taken;
        let barrier = state.parcels.iter().map(|(at, _)| *at).find(|at| *at > first);
        let most = barrier.and_then(|at| usize::try_from(at - first).ok()).unwrap_or(usize::MAX);
        let len = buf.len().min(state.bytes.len()).min(most);
        copy_out(&state.bytes, buf.split_at_mut(len).0);
        let here = state.parcels.front().is_some_and(|(at, _)| *at == first);
        if peek {
            let passed = state.parcels.front().filter(|_| here).map(|(_, parcel)| parcel.look());
            return Ok((len, passed.unwrap_or_default()));
        }
        state.bytes.drain(..len);
        state.taken += u64::try_from(len).unwrap_or(u64::MAX);
        let parcel = if here { state.parcels.pop_front() } else { None };
        drop(state);
        Ok((len, parcel.map(|(_, parcel)| parcel.open()).unwrap_or_default()))
    }

    fn write(&self, buf: &[u8], parcel: impl FnOnce() -> Result<Option<Parcel>>) -> Result<usize> {
        let mut state = lock(&self.state);
        if state.ended || state.gone || (state.deaf && self.tells) {
            return Err(Errno::Pipe.into());
        }
        let room = SOCKET_BYTES.saturating_sub(state.bytes.len());
        let len = buf.len().min(room);
        if state.deaf || buf.is_empty() {
            // The other machine would take it and throw it away.
            return Ok(buf.len());
        }
        if len == 0 {
            return Err(Errno::Again.into());
        }
        if let Some(parcel) = parcel()? {
            let at = state.taken + u64::try_from(state.bytes.len()).unwrap_or(u64::MAX);
            state.parcels.push_back((at, parcel));
        }
        state.bytes.extend(buf.iter().take(len));
        Ok(len)
    }
}

/// Copies the first bytes of a queue; there are at least as many as `buf` takes.
fn copy_out(bytes: &VecDeque<u8>, buf: &mut [u8]) {
    let (front, back) = bytes.as_slices();
    let (one, other) = buf.split_at_mut(front.len().min(buf.len()));
    for (part, from) in [(one, front), (other, back)] {
        if let Some(from) = from.get(..part.len()) {
            part.copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::passed::Transit;
    use super::*;

    fn pair(local: bool) -> (End, End) {
        End::pair(local, &Arc::default(), &Arc::default())
    }

    fn write(end: &End, bytes: &[u8]) -> Result<usize> {
        end.write(bytes, || Ok(None))
    }

    fn read(end: &End, len: usize) -> Result<Vec<u8>> {
        let mut buf = vec![0; len];
        let (len, _) = end.read(&mut buf, false)?;
        buf.truncate(len);
        Ok(buf)
    }

    #[test]
    fn bytes_go_both_ways_up_to_the_limit() {
        let (a, b) = pair(false);
        assert_eq!(read(&a, 1), Err(Errno::Again.into()));
        assert_eq!(write(&a, &[1; SOCKET_BYTES + 5]), Ok(SOCKET_BYTES));
        assert_eq!(write(&a, &[1]), Err(Errno::Again.into()));
        assert!(!a.ready().write && b.ready().write);
        assert_eq!(write(&b, b"back"), Ok(4));
        assert_eq!(b.ready().bytes, 65536);
        assert_eq!(read(&b, 10), Ok(vec![1; 10]));
        assert_eq!(write(&a, &[2; 20]), Ok(10));
        assert_eq!(read(&a, 10), Ok(b"back".to_vec()));
    }

    #[test]
    fn half_closed_is_closed_one_way() {
        let (a, b) = pair(false);
        assert_eq!(write(&a, b"last"), Ok(4));
        a.shutdown(false, true);
        assert_eq!(write(&a, b"x"), Err(Errno::Pipe.into()));
        assert_eq!(read(&b, 9), Ok(b"last".to_vec()));
        assert_eq!(read(&b, 9), Ok(vec![]));
        assert!(!b.ready().hangup);
        assert_eq!(write(&b, b"answer"), Ok(6));
        b.shutdown(false, true);
        assert!(b.ready().hangup && a.ready().hangup);
        assert_eq!(read(&a, 9), Ok(b"answer".to_vec()));
        assert_eq!(read(&a, 9), Ok(vec![]));
    }

    #[test]
    fn nobody_listens() {
        let (a, b) = pair(false);
        b.shutdown(true, false);
        assert_eq!(write(&a, &[0; 1 << 20]), Ok(1 << 20));
        assert_eq!(read(&b, 1), Ok(vec![]));
        let (a, b) = pair(true);
        assert_eq!(write(&a, b"x"), Ok(1));
        b.shutdown(true, false);
        assert_eq!(write(&a, b"y"), Err(Errno::Pipe.into()));
        assert_eq!(read(&b, 9), Ok(b"x".to_vec()));
    }

    #[test]
    fn closing_ends_or_resets() {
        let (a, b) = pair(false);
        assert_eq!(write(&b, b"left"), Ok(4));
        drop(b);
        assert_eq!(write(&a, b"x"), Err(Errno::Pipe.into()));
        assert_eq!(read(&a, 9), Ok(b"left".to_vec()));
        assert_eq!(read(&a, 9), Ok(vec![]));

        let (a, b) = pair(false);
        assert_eq!(write(&b, b"left"), Ok(4));
        assert_eq!(write(&a, b"unread"), Ok(6));
        drop(b);
        assert!(a.ready().error && a.ready().hangup);
        assert_eq!(read(&a, 9), Ok(b"left".to_vec()));
        assert_eq!(read(&a, 9), Err(Errno::ConnReset.into()));
        assert_eq!(read(&a, 9), Ok(vec![]));
        assert_eq!(write(&a, b"x"), Err(Errno::Pipe.into()));

        let (a, b) = pair(false);
        b.abort(true);
        drop(b);
        assert_eq!(write(&a, b"x"), Err(Errno::ConnReset.into()));
        assert_eq!(write(&a, b"x"), Err(Errno::Pipe.into()));
    }

    #[test]
    fn what_is_passed_comes_with_its_byte() {
        let transit = Arc::<Transit>::default();
        let (a, b) = pair(true);
        let thing: Passed = Arc::new(7);
        let pass = || transit.take(std::slice::from_ref(&thing));
        assert_eq!(write(&a, b"one"), Ok(3));
        assert_eq!(a.write(b"two", pass), Ok(3));
        assert_eq!(write(&a, b"three"), Ok(5));
        assert_eq!(a.write(b"four", pass), Ok(4));
        let get = |len: usize, peek: bool| {
            let mut buf = vec![0; len];
            let (len, passed) = b.read(&mut buf, peek).unwrap();
            (String::from_utf8_lossy(&buf[..len]).into_owned(), passed.len())
        };
        assert_eq!(get(99, false), ("one".into(), 0));
        assert_eq!(get(2, true), ("tw".into(), 1));
        assert_eq!(get(2, false), ("tw".into(), 1));
        assert_eq!(get(99, false), ("othree".into(), 0));
        assert_eq!(transit.count(), 1);
        drop(b);
        assert_eq!((transit.count(), Arc::strong_count(&thing)), (0, 1));
        assert_eq!(a.write(b"five", pass), Err(Errno::ConnReset.into()));
        assert_eq!(transit.count(), 0);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_in_order(
            steps in proptest::collection::vec((any::<bool>(), 1usize..3000), 1..60)
        ) {
            let (a, b) = pair(false);
            let (mut sent, mut seen) = (0u8, 0u8);
            for (writes, len) in steps {
                if writes {
                    let bytes: Vec<u8> = (0..len).scan(sent, |next, _| {
                        let now = *next;
                        *next = next.wrapping_add(1);
                        Some(now)
                    }).collect();
                    if let Ok(done) = write(&a, &bytes) {
                        sent = bytes.get(done).copied().unwrap_or_else(|| bytes[done - 1].wrapping_add(1));
                    }
                } else if let Ok(bytes) = read(&b, len) {
                    for byte in bytes {
                        prop_assert_eq!(byte, seen);
                        seen = seen.wrapping_add(1);
                    }
                }
            }
        }
    }
}

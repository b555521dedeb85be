//! Datagrams that wait to be received.
//!
//! Bounded three ways: datagrams and bytes at one socket, and bytes in the session. Past a bound a datagram of the network
//! is lost, as datagrams may be; one of a pair waits, and never is.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hob_os::{Errno, Result};

use super::address::Address;
use super::passed::{Parcel, Passed};
use crate::fd::Ready;
use crate::limits::{
    DATAGRAM_OVERHEAD_BYTES, DATAGRAM_QUEUE_BYTES_MAX, DATAGRAM_SESSION_BYTES_MAX, DATAGRAMS_MAX,
};
use crate::wait::{WaitQueue, lock};

/// What datagrams of one session take.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicUsize);

impl Budget {
    fn take(self: &Arc<Self>, bytes: usize) -> Option<Room> {
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= DATAGRAM_SESSION_BYTES_MAX);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Room { budget: Arc::clone(self), bytes })
    }

    /// Bytes in use.
    pub(super) fn used(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// Room that a datagram takes while it waits.
#[derive(Debug)]
struct Room {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// The datagrams that wait at one socket.
#[derive(Debug)]
pub(super) struct Inbox {
    state: Mutex<State>,
    reader: Arc<WaitQueue>,
    budget: Arc<Budget>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Datagram>,
    bytes: usize,
    /// Who may send, if not everyone.
    only: Option<SocketAddr>,
    /// The other end of the pair, who waits for room.
    writer: Option<Arc<WaitQueue>>,
    /// Nobody will send any more.
    ended: bool,
    /// Nobody will receive any more.
    gone: bool,
    deaf: bool,
    error: Option<Errno>,
}

#[derive(Debug)]
struct Datagram {
    from: Address,
    bytes: Box<[u8]>,
    parcel: Option<Parcel>,
    room: Room,
}

/// A datagram that was received, or looked at.
#[derive(Debug)]
pub(super) struct Got {
    /// Bytes that found room.
    pub(super) len: usize,
    /// Bytes it has.
    pub(super) full: usize,
    pub(super) from: Address,
    pub(super) passed: Vec<Passed>,
}

impl Inbox {
    pub(super) fn new(reader: &Arc<WaitQueue>, budget: &Arc<Budget>) -> Self {
        Self { state: Mutex::default(), reader: Arc::clone(reader), budget: Arc::clone(budget) }
    }

    /// A datagram of the network: it arrives or is lost. `false` says that nobody is there.
    pub(super) fn deliver(&self, from: SocketAddr, shown: Address, bytes: &[u8]) -> bool {
        let mut state = lock(&self.state);
        if state.gone || state.only.is_some_and(|only| only != from) {
            return false;
        }
        if state.deaf || state.full(bytes.len()) {
            return true;
        }
        let Some(room) = self.budget.take(bytes.len() + DATAGRAM_OVERHEAD_BYTES) else { return true };
        state.push(Datagram { from: shown, bytes: bytes.into(), parcel: None, room });
        drop(state);
        self.reader.wake();
        true
    }

    /// A datagram of the other end of a pair. Errors: [`Errno::Again`] until there is room; [`Errno::Nobufs`] when the
    /// session has none; [`Errno::ConnRefused`] when this end is gone; those of `parcel`.
    pub(super) fn put(&self, bytes: &[u8], parcel: impl FnOnce() -> Result<Option<Parcel>>) -> Result<()> {
        let mut state = lock(&self.state);
        if state.gone {
            return Err(Errno::ConnRefused.into());
        }
        if state.deaf || state.ended {
            return Err(Errno::Pipe.into());
        }
        if state.full(bytes.len()) {
            return Err(Errno::Again.into());
        }
        let room = self.budget.take(bytes.len() + DATAGRAM_OVERHEAD_BYTES).ok_or(Errno::Nobufs)?;
        let parcel = parcel()?;
        state.push(Datagram { from: Address::Unnamed, bytes: bytes.into(), parcel, room });
        drop(state);
        self.reader.wake();
        Ok(())
    }

    /// Receives one datagram; what does not fit into `buf` is lost. `None` is that nothing will come any more.
    pub(super) fn receive(&self, buf: &mut [u8], peek: bool) -> Result<Option<Got>> {
        let mut state = lock(&self.state);
        if let Some(error) = state.error.take() {
            return Err(error.into());
        }
        let Some(datagram) = state.queue.front() else {
            return match (state.deaf, state.ended) {
                (true, _) => Ok(None),
                (_, true) => Err(Errno::ConnReset.into()),
                _ => Err(Errno::Again.into()),
            };
        };
        let (full, len) = (datagram.bytes.len(), datagram.bytes.len().min(buf.len()));
        if let (Some(to), Some(from)) = (buf.get_mut(..len), datagram.bytes.get(..len)) {
            to.copy_from_slice(from);
        }
        if peek {
            let passed = datagram.parcel.as_ref().map(Parcel::look).unwrap_or_default();
            return Ok(Some(Got { len, full, from: datagram.from.clone(), passed }));
        }
        let Some(datagram) = state.queue.pop_front() else { return Err(Errno::Again.into()) };
        state.bytes = state.bytes.saturating_sub(full);
        let writer = state.writer.clone();
        drop(state);
        drop(datagram.room);
        if let Some(writer) = writer {
            writer.wake();
        }
        let passed = datagram.parcel.map(Parcel::open).unwrap_or_default();
        Ok(Some(Got { len, full, from: datagram.from, passed }))
    }

    /// Who waits for room here.
    pub(super) fn set_writer(&self, writer: &Arc<WaitQueue>) {
        lock(&self.state).writer = Some(Arc::clone(writer));
    }

    /// From now on only this peer is heard.
    pub(super) fn only(&self, peer: Option<SocketAddr>) {
        lock(&self.state).only = peer;
    }

    /// What the next call is told.
    pub(super) fn fail(&self, error: Errno) {
        lock(&self.state).error = Some(error);
        self.reader.wake();
    }

    pub(super) fn take_error(&self) -> Option<Errno> {
        lock(&self.state).error.take()
    }

    pub(super) fn deafen(&self) {
        let writer = {
            let mut state = lock(&self.state);
            state.deaf = true;
            state.writer.clone()
        };
        self.reader.wake();
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// The other end of the pair sends no more.
    pub(super) fn end(&self) {
        lock(&self.state).ended = true;
        self.reader.wake();
    }

    /// What was passed and waits to be received here.
    pub(super) fn parcels(&self) -> Vec<u64> {
        lock(&self.state).queue.iter().filter_map(|one| one.parcel.as_ref()).map(Parcel::key).collect()
    }

    /// Nobody will receive here any more.
    pub(super) fn leave(&self) {
        let (queue, writer) = {
            let mut state = lock(&self.state);
            state.gone = true;
            state.bytes = 0;
            (std::mem::take(&mut state.queue), state.writer.take())
        };
        if let Some(writer) = writer {
            writer.wake();
        }
        // What was passed may hold sockets: it goes under no lock.
        drop(queue);
    }

    /// Whether a datagram of a pair would find room, or nobody.
    pub(super) fn takes(&self) -> bool {
        let state = lock(&self.state);
        state.gone || state.deaf || state.ended || !state.full(1)
    }

    pub(super) fn is_gone(&self) -> bool {
        lock(&self.state).gone
    }

    /// As for reading; writing is up to whoever asks.
    pub(super) fn ready(&self) -> Ready {
        let state = lock(&self.state);
        let first = state.queue.front().map_or(0, |datagram| datagram.bytes.len());
        let ends = state.deaf || state.ended || state.error.is_some();
        Ready {
            read: ends || !state.queue.is_empty(),
            write: true,
            hangup: state.ended,
            error: state.error.is_some(),
            bytes: u64::try_from(first).unwrap_or(u64::MAX),
        }
    }
}

impl State {
    fn full(&self, len: usize) -> bool {
        self.queue.len() >= DATAGRAMS_MAX || self.bytes.saturating_add(len) > DATAGRAM_QUEUE_BYTES_MAX
    }

    fn push(&mut self, datagram: Datagram) {
        self.bytes = self.bytes.saturating_add(datagram.bytes.len());
        self.queue.push_back(datagram);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox(budget: &Arc<Budget>) -> Inbox {
        Inbox::new(&Arc::default(), budget)
    }

    fn from() -> SocketAddr {
        "127.0.0.1:1".parse().unwrap()
    }

    fn deliver(inbox: &Inbox, bytes: &[u8]) -> bool {
        inbox.deliver(from(), Address::Ip(from()), bytes)
    }

    #[test]
    fn a_queue_holds_so_many_and_loses_the_rest() {
        let budget = Arc::<Budget>::default();
        let inbox = inbox(&budget);
        assert!((0..DATAGRAMS_MAX + 10).all(|_| deliver(&inbox, b"x")));
        let mut buf = [0; 4];
        let count = std::iter::from_fn(|| inbox.receive(&mut buf, false).ok().flatten()).count();
        assert_eq!((count, budget.used()), (DATAGRAMS_MAX, 0));
        assert_eq!(inbox.receive(&mut buf, false).err(), Some(Errno::Again.into()));
    }

    #[test]
    fn bytes_are_bounded_at_a_socket_and_in_the_session() {
        let budget = Arc::<Budget>::default();
        let boxes: Vec<Inbox> = (0..40).map(|_| inbox(&budget)).collect();
        for inbox in &boxes {
            assert!((0..100).all(|_| deliver(inbox, &[0; 60_000])));
        }
        assert!(budget.used() <= DATAGRAM_SESSION_BYTES_MAX);
        let mut buf = [];
        let counts: Vec<usize> = boxes
            .iter()
            .map(|inbox| std::iter::from_fn(|| inbox.receive(&mut buf, false).ok().flatten()).count())
            .collect();
        assert_eq!(counts[0], DATAGRAM_QUEUE_BYTES_MAX / 60_000);
        assert_eq!(counts.iter().sum::<usize>(), DATAGRAM_SESSION_BYTES_MAX / 60_128);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_pair_waits_for_room() {
        let budget = Arc::<Budget>::default();
        let inbox = inbox(&budget);
        let full = (0..).find(|_| inbox.put(&[0; 1000], || Ok(None)).is_err()).unwrap();
        assert_eq!(full, DATAGRAM_QUEUE_BYTES_MAX / 1000);
        assert_eq!(inbox.put(&[0; 1000], || Ok(None)), Err(Errno::Again.into()));
        let got = inbox.receive(&mut [0; 10], false).unwrap().unwrap();
        assert_eq!((got.len, got.full), (10, 1000));
        assert_eq!(inbox.put(&[0; 1000], || Ok(None)), Ok(()));
        inbox.leave();
        assert_eq!(inbox.put(&[0; 1000], || Ok(None)), Err(Errno::ConnRefused.into()));
        assert_eq!(budget.used(), 0);
    }
}

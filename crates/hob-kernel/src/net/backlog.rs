//! Connections that wait to be accepted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use hob_os::{Errno, Result};

use super::address::Address;
use super::flow::End;
use super::network::Ticket;
use crate::wait::{WaitQueue, lock};

/// The connections that wait at one listening socket.
#[derive(Debug)]
pub(super) struct Backlog {
    state: Mutex<State>,
    queue: Arc<WaitQueue>,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Waiting>,
    max: usize,
    closed: bool,
}

/// The accepting end of a connection nobody has accepted yet. It counts as a socket: whoever connects and goes away
/// leaves no more behind than a socket may.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) end: End,
    pub(super) queue: Arc<WaitQueue>,
    pub(super) local: Address,
    pub(super) peer: Address,
    pub(super) ticket: Ticket,
}

impl Backlog {
    pub(super) fn new(queue: &Arc<WaitQueue>, max: usize) -> Self {
        let state = State { waiting: VecDeque::new(), max, closed: false };
        Self { state: Mutex::new(state), queue: Arc::clone(queue) }
    }

    pub(super) fn set_max(&self, max: usize) {
        lock(&self.state).max = max;
    }

    /// Adds a connection. Errors: [`Errno::ConnRefused`] when there are too many, or nobody accepts them any more.
    pub(super) fn push(&self, waiting: Waiting) -> Result<()> {
        let refused = {
            let mut state = lock(&self.state);
            if state.closed || state.waiting.len() >= state.max {
                Some(waiting)
            } else {
                state.waiting.push_back(waiting);
                None
            }
        };
        if refused.is_some() {
            return Err(Errno::ConnRefused.into());
        }
        self.queue.wake();
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<Waiting> {
        lock(&self.state).waiting.pop_front()
    }

    /// What was passed and waits to be read by whoever accepts.
    pub(super) fn parcels(&self) -> Vec<u64> {
        lock(&self.state).waiting.iter().flat_map(|waiting| waiting.end.parcels()).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.state).waiting.is_empty()
    }

    /// Nobody accepts any more: who waits is reset.
    pub(super) fn close(&self) {
        let waiting = {
            let mut state = lock(&self.state);
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        waiting.iter().for_each(|waiting| waiting.end.abort(true));
    }
}

//! What others see of a process: shared by its thread, its parent, those who signal it and `/proc`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use hob_cap::{Permit, StopReason, StopToken, Wake};
use hob_os::Waker;

use crate::fd::Descriptors;
use crate::fs::walk::Place;
use crate::process::signal::Default as Usual;
use crate::process::{Action, Identity, Signal, Signals, Status};
use crate::wait::{WaitQueue, lock};

/// A process, alive or just ended.
#[derive(Debug)]
pub struct Proc {
    /// Its number.
    pub pid: u32,
    /// Its group and its session, as the tree of processes has them.
    pub(crate) group: AtomicU32,
    pub(crate) session: AtomicU32,
    /// What ends it, and nobody else.
    pub stop: StopToken,
    pub(crate) _tie: Option<Wake>,
    /// Its descriptors.
    pub(crate) descriptors: Mutex<Descriptors>,
    pub(crate) state: Mutex<State>,
    /// Set when a signal may have to be seen to: a look at this is all a call costs that is not disturbed.
    pub(crate) attention: AtomicBool,
    /// Whether it has waited for a child, or asked for one, since it last read something.
    pub(crate) waits: AtomicBool,
    /// Woken when a child changes.
    pub(crate) children: WaitQueue,
    /// Woken when it ends.
    pub(crate) ended: WaitQueue,
    pub(crate) waker: Waker,
    pub(crate) started: Instant,
}

/// The parts of a process that change together.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) env: Vec<Vec<u8>>,
    pub(crate) exe: Option<Arc<Place>>,
    pub(crate) cwd: Arc<Place>,
    pub(crate) umask: u16,
    pub(crate) who: Identity,
    pub(crate) permit: Arc<Permit>,
    pub(crate) signals: Signals,
    pub(crate) stopped: Option<Signal>,
    pub(crate) limits: crate::process::ResourceLimits,
    /// How it will have ended once its thread is done, when that is decided from outside.
    pub(crate) fate: Option<Status>,
    /// How it ended.
    pub(crate) status: Option<Status>,
    /// Why, in words, when it was not its own doing.
    pub(crate) why: Option<String>,
    pub(crate) did_exec: bool,
}

/// What sending a signal did, for the parent to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Nothing the parent would notice.
    Quietly,
    /// It stopped.
    Stopped(Signal),
    /// It goes on.
    Continued,
}

impl Proc {
    /// Its group.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.group.load(Ordering::Acquire)
    }

    /// Its session.
    #[must_use]
    pub fn session(&self) -> u32 {
        self.session.load(Ordering::Acquire)
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        lock(&self.state).status
    }

    /// Why it ended, in words, when it was not its own doing: a trap, a limit.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        lock(&self.state).why.clone()
    }

    /// Sends a signal. What ends or stops it takes effect at once, wherever it is; what it handles itself waits for its
    /// next call.
    pub(crate) fn send(&self, signal: Signal) -> Sent {
        let mut state = lock(&self.state);
        if state.status.is_some() {
            return Sent::Quietly;
        }
        if signal == Signal::KILL {
            self.end(&mut state, Status::Signaled { signal, core: false });
            return Sent::Quietly;
        }
        let mut sent = Sent::Quietly;
        if signal == Signal::CONT {
            state.signals.pending &= !STOPS;
            if state.stopped.take().is_some() {
                sent = Sent::Continued;
            }
            self.stop.resume();
        } else if signal.default() == Usual::Stop {
            state.signals.pending &= !Signal::CONT.bit();
        }
        if state.signals.ignores(signal) {
            self.waker.wake();
            return sent;
        }
        let default = state.signals.action(signal) == Action::Default;
        if !state.signals.blocks(signal) && (default || signal.is_final()) {
            match signal.default() {
                Usual::Ignore | Usual::Continue => {}
                Usual::End => self.end(&mut state, Status::Signaled { signal, core: false }),
                Usual::Core => self.end(&mut state, Status::Signaled { signal, core: true }),
                Usual::Stop => sent = self.halt(&mut state, signal),
            }
        } else {
            state.signals.pending |= signal.bit();
            self.attention.store(true, Ordering::Release);
        }
        drop(state);
        self.waker.wake();
        sent
    }

    /// Ends it as if by `status`, wherever it is.
    pub(crate) fn end(&self, state: &mut State, status: Status) {
        state.fate.get_or_insert(status);
        self.stop.stop(StopReason::Killed);
    }

    /// Stops it until it is continued.
    pub(crate) fn halt(&self, state: &mut State, signal: Signal) -> Sent {
        let was = state.stopped.replace(signal);
        self.stop.pause();
        self.attention.store(true, Ordering::Release);
        if was.is_none() { Sent::Stopped(signal) } else { Sent::Quietly }
    }
}

/// Signals that stop.
const STOPS: u64 = 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21;

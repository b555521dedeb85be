//! Signals as the program they come to sees them.
//!
//! A handler runs at a *safe point*: before or after a call, on the program's own thread, called by whoever runs the
//! program. What ends or stops a process does not wait for one.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hob_cap::ClockGrant;
use hob_os::{Errno, OsError, Result};

use crate::process::signal::Default as Usual;
use crate::process::{Action, Delivery, Process, Signal, Status};
use crate::wait::{WaitQueue, lock};

/// How a mask is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskChange {
    /// These are blocked too.
    Block(u64),
    /// These are not blocked any more.
    Unblock(u64),
    /// Exactly these are blocked.
    Set(u64),
}

impl Process {
    /// The handler to run now, if a signal came that has one. Waits while the process is stopped. The caller runs the
    /// handler and then says so with [`Process::handled`]. Errors: the process is being ended.
    pub fn take_signal(&self) -> Result<Option<Delivery>> {
        if !self.me.attention.load(Ordering::Acquire) {
            return Ok(None);
        }
        loop {
            self.check()?;
            let mut state = lock(&self.me.state);
            if state.stopped.is_some() {
                drop(state);
                self.waiter.wait_once(&mut [], None)?;
                continue;
            }
            let Some(signal) = state.signals.next() else {
                self.me.attention.store(false, Ordering::Release);
                // One that came in between has set it again, or is seen here.
                if state.signals.next().is_some() {
                    self.me.attention.store(true, Ordering::Release);
                }
                return Ok(None);
            };
            match state.signals.action(signal) {
                Action::Handler { mask, flags } if !signal.is_final() => {
                    return Ok(Some(state.signals.begin(signal, mask, flags)));
                }
                _ => {
                    state.signals.pending &= !signal.bit();
                    self.usual(state, signal);
                }
            }
        }
    }

    /// The handler returned: the mask is what it was.
    pub fn handled(&self, delivery: Delivery) {
        lock(&self.me.state).signals.set_mask(delivery.mask_before);
        self.me.attention.store(true, Ordering::Release);
    }

    /// Says what a signal does from now on. Errors: [`Errno::Inval`] for one that nobody can catch.
    pub fn set_action(&self, signal: Signal, action: Action) -> Result<()> {
        if signal.is_final() && action != Action::Default {
            return Err(Errno::Inval.into());
        }
        lock(&self.me.state).signals.set_action(signal, action);
        Ok(())
    }

    /// Changes which signals wait, and says which did. Those nobody can block are left out.
    pub fn mask(&self, change: Option<MaskChange>) -> u64 {
        let mut state = lock(&self.me.state);
        let before = state.signals.mask;
        match change {
            None => {}
            Some(MaskChange::Block(set)) => state.signals.set_mask(before | set),
            Some(MaskChange::Unblock(set)) => state.signals.set_mask(before & !set),
            Some(MaskChange::Set(set)) => state.signals.set_mask(set),
        }
        drop(state);
        self.me.attention.store(true, Ordering::Release);
        before
    }

    /// Sends a signal to itself, for a fault of its own making such as writing where nobody reads.
    pub(crate) fn raise(&self, signal: Signal) {
        self.kernel.signal(&self.me, signal);
    }

    /// Waits: until `attempt` does not say [`Errno::Again`], or a signal with a handler comes ([`Errno::Intr`]).
    pub(crate) fn block<T>(
        &self,
        queues: &[&WaitQueue],
        host: &[(BorrowedFd<'_>, bool)],
        until: Option<Instant>,
        attempt: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        crate::wait::block(&self.waiter, queues, host, until, || self.interrupted(), attempt)
    }

    /// Whether a wait must end: a signal with a handler came. Waits itself while the process is stopped.
    fn interrupted(&self) -> Result<()> {
        if !self.me.attention.load(Ordering::Acquire) {
            return Ok(());
        }
        loop {
            self.check()?;
            let mut state = lock(&self.me.state);
            if state.stopped.is_some() {
                drop(state);
                self.waiter.wait_once(&mut [], None)?;
                continue;
            }
            let Some(signal) = state.signals.next() else { return Ok(()) };
            if matches!(state.signals.action(signal), Action::Handler { .. }) && !signal.is_final() {
                return Err(Errno::Intr.into());
            }
            state.signals.pending &= !signal.bit();
            self.usual(state, signal);
        }
    }

    /// Does what a signal does by default.
    fn usual(&self, mut state: std::sync::MutexGuard<'_, super::proc::State>, signal: Signal) {
        let stopped = match signal.default() {
            _ if state.signals.action(signal) == Action::Ignore => return,
            Usual::Ignore | Usual::Continue => return,
            Usual::End => {
                self.me.end(&mut state, Status::Signaled { signal, core: false });
                return;
            }
            Usual::Core => {
                self.me.end(&mut state, Status::Signaled { signal, core: true });
                return;
            }
            Usual::Stop => self.me.halt(&mut state, signal),
        };
        drop(state);
        if stopped != super::proc::Sent::Quietly {
            self.kernel.told(&self.me, stopped);
        }
    }

    /// Sleeps. Returns how much was left when a signal with a handler came. A clock that does not go by itself is not
    /// waited for: it moves. Errors: it is being ended.
    pub fn sleep(&self, time: Duration) -> Result<Duration> {
        self.check()?;
        {
            let mut clock = lock(&self.kernel.clock);
            match clock.grant() {
                ClockGrant::None => return Ok(Duration::ZERO),
                ClockGrant::Virtual => {
                    clock.advance(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
                    return Ok(Duration::ZERO);
                }
                ClockGrant::Coarse | ClockGrant::Real => {}
            }
        }
        let Some(until) = Instant::now().checked_add(time) else { return Err(Errno::Inval.into()) };
        match self.block::<()>(&[], &[], Some(until), || Err(Errno::Again.into())) {
            Err(OsError::Errno(Errno::TimedOut)) => Ok(Duration::ZERO),
            Err(OsError::Errno(Errno::Intr)) => Ok(until.saturating_duration_since(Instant::now())),
            Err(other) => Err(other),
            Ok(()) => Ok(Duration::ZERO),
        }
    }

    /// How long it is until the alarm, and how long between further ones; both zero without one.
    #[must_use]
    pub fn alarm(&self) -> (Duration, Duration) {
        self.kernel.alarms.get(self.me.pid).unwrap_or_default()
    }

    /// Sets the alarm. Errors: a time beyond what can be expressed.
    pub fn set_alarm(&self, after: Duration, every: Duration) -> Result<()> {
        self.kernel.alarms.set(&self.kernel, self.me.pid, after, every)
    }
}

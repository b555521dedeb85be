//! Waiting that always ends.
//!
//! Every wait of a guest happens here: `poll(2)` on what the guest waits for *and* on an eventfd that
//! the guest's [`StopToken`] rings, with a timeout of no more than the time left to the hard deadline.
//! Who waits for nothing of the host waits on a futex instead, and never has an eventfd. Nothing spins.
//! Stops: a guest that sleeps, reads a silent pipe or accepts on an idle socket past its deadline, and a
//! kill that would have to wait for the guest's input.
//!
//! What is not a descriptor of the host rings the same bell: a [`Waker`] is registered with whatever
//! will change, *then* the guest looks whether it already has, and only then does it wait. A wake that
//! comes in between is kept, so that none is lost.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hob_cap::{StopToken, Wake};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno as Sys;
use rustix::thread::futex;

use crate::{Errno, OsError, Result};

/// The waits of one guest: one thread at a time waits here.
#[derive(Debug)]
pub struct Waiter {
    stop: StopToken,
    bell: OnceLock<Bell>,
    /// Whether a wait was ended for the soft deadline.
    warned: AtomicBool,
    began: Instant,
}

/// What a stop rings, and the registration that rings it.
struct Bell {
    waker: Waker,
    _wake: Wake,
}

/// Ends the present wait of one guest, or its next one. Clones wake the same guest.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Ring>);

#[derive(Debug)]
struct Ring {
    state: AtomicU32,
    /// Made with the first wait that watches a descriptor of the host.
    fd: OnceLock<OwnedFd>,
}

/// Nobody waits and nothing happened.
const IDLE: u32 = 0;
/// The guest waits for this number to change.
const PARKED: u32 = 1;
/// The guest waits for descriptors of the host, and the eventfd among them.
const POLLING: u32 = 2;
/// Something happened that no wait has seen yet.
const RUNG: u32 = 3;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Something watched is ready.
    Ready,
    /// Somebody rang.
    Rung,
    /// The time has come.
    Time,
}

impl Waker {
    fn new() -> Self {
        Self(Arc::new(Ring { state: AtomicU32::new(IDLE), fd: OnceLock::new() }))
    }

    /// Wakes the guest. Costs a system call only when it waits.
    pub fn wake(&self) {
        match (self.0.state.swap(RUNG, Ordering::AcqRel), self.0.fd.get()) {
            (PARKED, _) => {
                // The address is ours, so there is nothing to fail.
                let _woken = futex::wake(&self.0.state, futex::Flags::PRIVATE, 1);
            }
            (POLLING, Some(fd)) => {
                // A full counter means that it already rings, so the result does not matter.
                let _rings = rustix::io::write(fd, &1u64.to_ne_bytes());
            }
            _ => {}
        }
    }

    /// Whether both wake the same guest.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Begins to wait in this way, unless something happened already; that is then seen.
    fn begin(&self, way: u32) -> bool {
        self.0.state.compare_exchange(IDLE, way, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Waits until somebody rings, for no longer than this.
    fn sleep(&self, time: Option<Duration>) {
        let time = time.map(|time| Timespec::try_from(time).unwrap_or(LONGEST));
        // However it ended, whoever waits looks at the clock and at who rang.
        let _ended = futex::wait(&self.0.state, futex::Flags::PRIVATE, PARKED, time.as_ref());
    }

    /// The eventfd. Errors: the host has no descriptors left.
    fn fd(&self) -> Result<&OwnedFd> {
        if let Some(fd) = self.0.fd.get() {
            return Ok(fd);
        }
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(self.0.fd.get_or_init(|| fd))
    }

    /// Whether something happened since it was last asked; forgets it.
    fn take(&self) -> bool {
        self.0.state.swap(IDLE, Ordering::AcqRel) == RUNG
    }

    /// Silences the eventfd, which may have been rung later than the ring was seen.
    fn silence(fd: &OwnedFd) {
        let mut count = [0; 8];
        // Nothing to read is as good.
        let _drained = rustix::io::read(fd, &mut count);
    }
}

impl std::fmt::Debug for Bell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bell").field("waker", &self.waker).finish_non_exhaustive()
    }
}

/// One host descriptor to wait for, and afterwards what is ready about it.
pub struct Watch<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    pub(crate) events: PollFlags,
    pub(crate) ready: PollFlags,
}

impl<'a> Watch<'a> {
    /// Waits until `fd` has something to read, or its other end is gone.
    pub fn readable(fd: BorrowedFd<'a>) -> Self {
        Self { fd, events: PollFlags::IN, ready: PollFlags::empty() }
    }

    /// Waits until `fd` takes more, or its other end is gone.
    pub fn writable(fd: BorrowedFd<'a>) -> Self {
        Self { fd, events: PollFlags::OUT, ready: PollFlags::empty() }
    }
}

impl Waiter {
    /// Waits that end with `stop`.
    #[must_use]
    pub fn new(stop: StopToken) -> Self {
        Self { stop, bell: OnceLock::new(), warned: AtomicBool::new(false), began: Instant::now() }
    }

    /// The token that ends the waits.
    #[must_use]
    pub fn token(&self) -> &StopToken {
        &self.stop
    }

    /// How long ago the waits began.
    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Fails when the guest is being ended: one atomic load.
    pub fn check(&self) -> Result<()> {
        self.stop.reason().map_or(Ok(()), |reason| Err(OsError::Stopped(reason)))
    }

    /// What wakes this guest.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.bell().waker.clone()
    }

    /// Waits until one of `watches` is ready or `until` has come; `None` is no time limit of its own.
    /// Returns whether something is ready. Errors: the guest was stopped, or its deadline passed.
    pub fn wait(&self, watches: &mut [Watch<'_>], until: Option<Instant>) -> Result<bool> {
        loop {
            match self.wait_once(watches, until)? {
                Woken::Ready => return Ok(true),
                Woken::Time => return Ok(false),
                Woken::Rung => {}
            }
        }
    }

    /// As [`Waiter::wait`], and ends also when somebody rings the [`Waker`], or rang it since the last wait.
    pub fn wait_once(&self, watches: &mut [Watch<'_>], until: Option<Instant>) -> Result<Woken> {
        let waker = &self.bell().waker;
        loop {
            let now = Instant::now();
            self.check_at(now)?;
            self.soft_once(now)?;
            let mut end = earliest(until, self.stop.hard_deadline());
            if !self.warned.load(Ordering::Relaxed) {
                end = earliest(end, self.stop.soft_deadline());
            }
            let left = end.map(|end| end.saturating_duration_since(now));
            let bell = if watches.is_empty() { None } else { Some(waker.fd()?) };
            if !waker.begin(if bell.is_some() { POLLING } else { PARKED }) {
                waker.take();
                self.check()?;
                return Ok(Woken::Rung);
            }
            let Some(bell) = bell else {
                waker.sleep(left);
                if let Some(woken) = self.woken(waker.take(), until)? {
                    return Ok(woken);
                }
                continue;
            };
            let ready = poll_all(watches, Some(bell), left);
            let rung = waker.take();
            let (ready, rings) = ready?;
            if rings {
                Waker::silence(bell);
            }
            if ready {
                self.check()?;
                return Ok(Woken::Ready);
            }
            if let Some(woken) = self.woken(rung, until)? {
                return Ok(woken);
            }
        }
    }

    /// Why a wait ended in which nothing of the host became ready; `None` when it goes on.
    fn woken(&self, rung: bool, until: Option<Instant>) -> Result<Option<Woken>> {
        let now = Instant::now();
        self.check_at(now)?;
        self.soft_once(now)?;
        Ok(if rung {
            Some(Woken::Rung)
        } else if until.is_some_and(|until| until <= now) {
            Some(Woken::Time)
        } else {
            None
        })
    }

    /// Asks which of `watches` are ready now, without waiting.
    pub fn probe(&self, watches: &mut [Watch<'_>]) -> Result<bool> {
        self.check()?;
        poll_all(watches, None, Some(Duration::ZERO)).map(|(ready, _)| ready)
    }

    /// Ends the first wait that reaches the soft deadline with [`Errno::Intr`], as a signal would, so
    /// that a guest can finish in order; later waits last until the hard one.
    fn soft_once(&self, now: Instant) -> Result<()> {
        let due = self.stop.soft_deadline().is_some_and(|soft| soft <= now);
        if due && !self.warned.swap(true, Ordering::Relaxed) { Err(Errno::Intr.into()) } else { Ok(()) }
    }

    fn check_at(&self, now: Instant) -> Result<()> {
        self.check()?;
        self.stop.check_at(now).map_or(Ok(()), |reason| Err(OsError::Stopped(reason)))
    }

    /// What a stop rings, made on the first wait.
    fn bell(&self) -> &Bell {
        self.bell.get_or_init(|| {
            let waker = Waker::new();
            let ring = waker.clone();
            let wake = self.stop.on_stop(Arc::new(move || ring.wake()));
            Bell { waker, _wake: wake }
        })
    }
}

/// One `poll(2)`: fills in what is ready and says whether anything watched is, and whether the bell rang. An
/// interruption by a signal counts as nothing ready.
fn poll_all(
    watches: &mut [Watch<'_>],
    bell: Option<&OwnedFd>,
    timeout: Option<Duration>,
) -> Result<(bool, bool)> {
    let mut fds: Vec<PollFd<'_>> =
        watches.iter().map(|watch| PollFd::from_borrowed_fd(watch.fd, watch.events)).collect();
    if let Some(bell) = bell {
        fds.push(PollFd::new(bell, PollFlags::IN));
    }
    let timeout = timeout.map(|time| Timespec::try_from(time).unwrap_or(LONGEST));
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) => {}
        Err(Sys::INTR) => return Ok((false, false)),
        Err(error) => return Err(error.into()),
    }
    let mut any = false;
    for (watch, fd) in watches.iter_mut().zip(&fds) {
        watch.ready = fd.revents();
        any |= !watch.ready.is_empty();
    }
    let rung = fds.get(watches.len()).is_some_and(|fd| !fd.revents().is_empty());
    Ok((any, rung))
}

/// A wait no host lives long enough to see the end of.
const LONGEST: Timespec = Timespec { tv_sec: i64::MAX, tv_nsec: 0 };

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

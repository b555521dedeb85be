//! Waiting that always ends.
//!
//! Every wait of a guest happens here: `poll(2)` on what the guest waits for *and* on an eventfd that
//! the guest's [`StopToken`] rings, with a timeout of no more than the time left to the hard deadline.
//! Nothing spins. Stops: a guest that sleeps, reads a silent pipe or accepts on an idle socket past its
//! deadline, and a kill that would have to wait for the guest's input.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hob_cap::{StopToken, Wake};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno as Sys;

use crate::{Errno, OsError, Result};

/// The waits of one guest.
#[derive(Debug)]
pub(crate) struct Waiter {
    stop: StopToken,
    bell: OnceLock<Bell>,
    /// Whether a wait was ended for the soft deadline.
    warned: AtomicBool,
    began: Instant,
}

/// The eventfd a stop rings, and the registration that rings it.
struct Bell {
    fd: Arc<OwnedFd>,
    _wake: Wake,
}

impl std::fmt::Debug for Bell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bell").field("fd", &self.fd).finish_non_exhaustive()
    }
}

/// One host descriptor to wait for, and afterwards what is ready about it.
pub(crate) struct Watch<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    pub(crate) events: PollFlags,
    pub(crate) ready: PollFlags,
}

impl<'a> Watch<'a> {
    /// Waits until `fd` has something to read, or its other end is gone.
    pub(crate) fn readable(fd: BorrowedFd<'a>) -> Self {
        Self { fd, events: PollFlags::IN, ready: PollFlags::empty() }
    }

    /// Waits until `fd` takes more, or its other end is gone.
    pub(crate) fn writable(fd: BorrowedFd<'a>) -> Self {
        Self { fd, events: PollFlags::OUT, ready: PollFlags::empty() }
    }
}

impl Waiter {
    /// Waits that end with `stop`.
    pub(crate) fn new(stop: StopToken) -> Self {
        Self { stop, bell: OnceLock::new(), warned: AtomicBool::new(false), began: Instant::now() }
    }

    /// The token that ends the waits.
    pub(crate) fn token(&self) -> &StopToken {
        &self.stop
    }

    /// How long ago the waits began.
    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Fails when the guest is being ended: one atomic load.
    pub(crate) fn check(&self) -> Result<()> {
        self.stop.reason().map_or(Ok(()), |reason| Err(OsError::Stopped(reason)))
    }

    /// Waits until one of `watches` is ready or `until` has come; `None` is no time limit of its own.
    /// Returns whether something is ready. Errors: the guest was stopped, or its deadline passed.
    pub(crate) fn wait(&self, watches: &mut [Watch<'_>], until: Option<Instant>) -> Result<bool> {
        let bell = self.bell()?;
        loop {
            let now = Instant::now();
            self.check_at(now)?;
            self.soft_once(now)?;
            let mut end = earliest(until, self.stop.hard_deadline());
            if !self.warned.load(Ordering::Relaxed) {
                end = earliest(end, self.stop.soft_deadline());
            }
            if poll_all(watches, Some(&bell.fd), end.map(|end| end.saturating_duration_since(now)))? {
                self.check()?;
                return Ok(true);
            }
            let now = Instant::now();
            self.check_at(now)?;
            self.soft_once(now)?;
            if until.is_some_and(|until| until <= now) {
                return Ok(false);
            }
        }
    }

    /// Asks which of `watches` are ready now, without waiting.
    pub(crate) fn probe(&self, watches: &mut [Watch<'_>]) -> Result<bool> {
        self.check()?;
        poll_all(watches, None, Some(Duration::ZERO))
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

    /// The eventfd, made on the first wait: a guest that never waits never has one.
    fn bell(&self) -> Result<&Bell> {
        if let Some(bell) = self.bell.get() {
            return Ok(bell);
        }
        let fd = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let ring = Arc::clone(&fd);
        let wake = self.stop.on_stop(Arc::new(move || {
            // A full counter means that it already rings, so the result does not matter.
            let _rings = rustix::io::write(&*ring, &1u64.to_ne_bytes());
        }));
        Ok(self.bell.get_or_init(|| Bell { fd, _wake: wake }))
    }
}

/// One `poll(2)`: fills in what is ready and says whether anything watched is. An interruption by a
/// signal counts as nothing ready.
fn poll_all(watches: &mut [Watch<'_>], bell: Option<&OwnedFd>, timeout: Option<Duration>) -> Result<bool> {
    let mut fds: Vec<PollFd<'_>> =
        watches.iter().map(|watch| PollFd::from_borrowed_fd(watch.fd, watch.events)).collect();
    if let Some(bell) = bell {
        fds.push(PollFd::new(bell, PollFlags::IN));
    }
    let timeout = timeout.map(|time| Timespec::try_from(time).unwrap_or(LONGEST));
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) => {}
        Err(Sys::INTR) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let mut any = false;
    for (watch, fd) in watches.iter_mut().zip(&fds) {
        watch.ready = fd.revents();
        any |= !watch.ready.is_empty();
    }
    Ok(any)
}

/// A wait no host lives long enough to see the end of.
const LONGEST: Timespec = Timespec { tv_sec: i64::MAX, tv_nsec: 0 };

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

//! Waiting: queues that whoever changes something wakes.
//!
//! The one pattern, kept in [`block`] so that nobody writes it twice: register with the queues, try, and only if that
//! says [`Errno::Again`] wait until one of them is woken. A wake between the try and the wait is kept by the
//! [`Waker`], so none is lost. Stops: lost wake-ups, polling, waits that a kill does not end.

use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hob_os::{Errno, OsError, Result, Waiter, Waker, Watch, Woken};

/// Those who wait for one object.
#[derive(Debug, Default)]
pub struct WaitQueue(Mutex<Vec<Waker>>);

impl WaitQueue {
    /// Wakes everyone. Call it after the change, outside the lock of the object where that is easy.
    pub fn wake(&self) {
        // Who is woken takes itself off the list at once, and should not have to wait for that.
        let wakers = lock(&self.0).clone();
        wakers.iter().for_each(Waker::wake);
    }

    fn add(&self, waker: &Waker) {
        lock(&self.0).push(waker.clone());
    }

    fn remove(&self, waker: &Waker) {
        let mut list = lock(&self.0);
        if let Some(index) = list.iter().position(|other| other.same(waker)) {
            list.swap_remove(index);
        }
    }
}

/// Keeps a waker in queues, until dropped.
pub struct Registered<'a> {
    queues: &'a [&'a WaitQueue],
    waker: Waker,
}

impl<'a> Registered<'a> {
    /// Registers with every queue.
    #[must_use]
    pub fn new(waiter: &Waiter, queues: &'a [&'a WaitQueue]) -> Self {
        let waker = waiter.waker();
        queues.iter().for_each(|queue| queue.add(&waker));
        Self { queues, waker }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.queues.iter().for_each(|queue| queue.remove(&self.waker));
    }
}

/// Tries until the answer is not [`Errno::Again`], waiting in between for one of the queues or descriptors of the
/// host. `interrupted` is asked before every wait, and ends it with what it says: a signal that came.
///
/// Errors: those of `attempt`; [`Errno::TimedOut`] at `until`; those of `interrupted`; the guest is stopped.
pub fn block<T>(
    waiter: &Waiter,
    queues: &[&WaitQueue],
    host: &[(BorrowedFd<'_>, bool)],
    until: Option<Instant>,
    mut interrupted: impl FnMut() -> Result<()>,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    match attempt() {
        Err(OsError::Errno(Errno::Again)) => {}
        done => return done,
    }
    let _registered = Registered::new(waiter, queues);
    loop {
        match attempt() {
            Err(OsError::Errno(Errno::Again)) => {}
            done => return done,
        }
        interrupted()?;
        let mut watches: Vec<Watch<'_>> = host
            .iter()
            .map(|(fd, write)| if *write { Watch::writable(*fd) } else { Watch::readable(*fd) })
            .collect();
        if waiter.wait_once(&mut watches, until)? == Woken::Time {
            return Err(Errno::TimedOut.into());
        }
    }
}

/// Locks, whatever a thread that panicked left behind: every change under these locks is whole.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

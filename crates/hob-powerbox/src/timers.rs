//! What happens later: one thread for all of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::lanes::Job;

/// Jobs and when they are due.
#[derive(Default)]
pub(crate) struct Timers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    jobs: BTreeMap<u64, Job>,
    next: u64,
    thread: Option<JoinHandle<()>>,
    stopped: bool,
}

/// A job that waits for its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerId(u64);

impl Timers {
    /// Does a job when its time has come, on the thread of all timers. None when there is no thread.
    pub(crate) fn at(&self, when: Instant, job: Job) -> Option<TimerId> {
        let mut state = self.0.lock();
        if state.stopped {
            return None;
        }
        if state.thread.is_none() {
            let shared = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("hob-timers".into());
            state.thread = Some(thread.spawn(move || shared.work()).ok()?);
        }
        let id = state.next;
        state.next += 1;
        state.due.push(Reverse((when, id)));
        state.jobs.insert(id, job);
        self.0.changed.notify_all();
        Some(TimerId(id))
    }

    /// It will not be done. Its place in the order is let go of when its time comes.
    pub(crate) fn cancel(&self, id: TimerId) {
        let job = self.0.lock().jobs.remove(&id.0);
        drop(job);
    }

    /// Nothing is done any more.
    pub(crate) fn stop(&self) {
        let jobs = {
            let mut state = self.0.lock();
            state.stopped = true;
            state.due.clear();
            self.0.changed.notify_all();
            std::mem::take(&mut state.jobs)
        };
        drop(jobs);
    }

    /// Waits for the thread.
    pub(crate) fn join(&self) {
        let thread = self.0.lock().thread.take();
        let me = std::thread::current().id();
        thread.filter(|thread| thread.thread().id() != me).into_iter().for_each(|thread| drop(thread.join()));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        while !state.stopped {
            let Some(Reverse((when, id))) = state.due.peek().copied() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = when.saturating_duration_since(Instant::now());
            if !left.is_zero() && state.jobs.contains_key(&id) {
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            state.due.pop();
            if let Some(job) = state.jobs.remove(&id) {
                drop(state);
                // One that panics ends alone: the others are waited for.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
            }
        }
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_job_that_panics_ends_itself_alone() {
        let timers = Timers::default();
        let (told, hear) = channel();
        let now = Instant::now();
        assert!(timers.at(now, Box::new(|| panic!("on purpose"))).is_some());
        assert!(timers.at(now, Box::new(move || assert!(told.send(()).is_ok()))).is_some());
        assert_eq!(hear.recv_timeout(std::time::Duration::from_secs(30)), Ok(()));
        timers.stop();
        timers.join();
        assert_eq!(timers.at(now, Box::new(|| {})), None, "nothing is done any more");
    }
}

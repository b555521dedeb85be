//! The threads that processes run on.
//!
//! To start a thread takes longer than a short program runs, so one whose process has ended waits a moment for the next.
//! A session that is quiet has none, and neither has one that was shut down.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use hob_os::{Errno, Result};

use crate::wait::lock;

/// Bytes of stack of a thread; only what is used is there.
const STACK_BYTES: usize = 8 << 20;

/// How long a thread waits for the next process.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many threads wait, at most.
const IDLE_MAX: usize = 8;

/// What a thread does.
type Work = Box<dyn FnOnce() + Send>;

/// The threads of one kernel.
#[derive(Debug, Default)]
pub(crate) struct Threads(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Handed over to threads that wait, and not begun yet.
    work: Vec<Work>,
    /// Threads that wait, those among them that work was handed to.
    idle: usize,
    closed: bool,
}

impl Threads {
    /// Does this on a thread of its own. Errors: [`Errno::Again`] when the host has no thread for it; the work is dropped.
    pub(crate) fn run(&self, work: Work) -> Result<()> {
        {
            let mut state = lock(&self.0.state);
            if state.idle > state.work.len() {
                state.work.push(work);
                drop(state);
                self.0.changed.notify_one();
                return Ok(());
            }
        }
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("hob-process".into()).stack_size(STACK_BYTES);
        let begin = move || {
            work();
            while let Some(work) = shared.next() {
                work();
            }
        };
        thread.spawn(begin).map(drop).map_err(|_| Errno::Again.into())
    }

    /// No thread waits any more.
    pub(crate) fn close(&self) {
        lock(&self.0.state).closed = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// What a thread does next; `None` when it is to end.
    fn next(&self) -> Option<Work> {
        let mut state = lock(&self.state);
        if state.closed || state.idle >= IDLE_MAX {
            return None;
        }
        state.idle += 1;
        let nothing = |state: &mut State| state.work.is_empty() && !state.closed;
        let waited = self.changed.wait_timeout_while(state, PATIENCE, nothing);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.idle -= 1;
        state.work.pop()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_is_used_again_and_goes_when_nobody_needs_it() {
        let threads = Threads::default();
        let (said, heard) = channel();
        let who = || {
            let said = said.clone();
            threads.run(Box::new(move || said.send(std::thread::current().id()).unwrap())).unwrap();
            heard.recv().unwrap()
        };
        let first = who();
        while lock(&threads.0.state).idle == 0 {
            std::thread::yield_now();
        }
        assert_eq!(who(), first);
        threads.close();
        while Arc::strong_count(&threads.0) > 1 {
            std::thread::yield_now();
        }
        // Work that comes after that is done all the same.
        assert_ne!(who(), first);
    }

    #[test]
    fn as_many_run_at_once_as_there_is_work() {
        let threads = Threads::default();
        let barrier = Arc::new(std::sync::Barrier::new(21));
        for _ in 0..3 {
            for _ in 0..20 {
                let barrier = Arc::clone(&barrier);
                threads
                    .run(Box::new(move || {
                        barrier.wait();
                    }))
                    .unwrap();
            }
            barrier.wait();
        }
    }
}

//! Waiting for children.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hob_os::{Errno, OsError, Result};

use crate::process::{Change, Process, Which};
use crate::wait::{WaitQueue, lock};

/// How long the answer takes to one who asks again at once.
const PATIENCE: Duration = Duration::from_millis(1);

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitFor {
    /// Which children.
    pub which: Which,
    /// Whether to come back at once when none has anything to tell.
    pub at_once: bool,
    /// Whether a child that stopped is told of.
    pub stops: bool,
    /// Whether a child that goes on is told of.
    pub continues: bool,
}

impl WaitFor {
    /// Waiting for the end of what `pid` names, as `waitpid` reads it.
    #[must_use]
    pub fn ends(pid: i32, own_group: u32) -> Self {
        let which = match pid {
            -1 => Which::Any,
            0 => Which::Group(own_group),
            ..=-2 => Which::Group(pid.unsigned_abs()),
            pid => Which::Child(pid.unsigned_abs()),
        };
        Self { which, at_once: false, stops: false, continues: false }
    }
}

impl Process {
    /// Waits for a child and says what became of it; `None` when `at_once` and nothing did. One that ended is gone
    /// then. Errors: [`Errno::Child`]; [`Errno::Intr`] for a signal with a handler.
    pub fn wait_child(&self, what: WaitFor) -> Result<Option<(u32, Change)>> {
        self.check()?;
        let look = || self.kernel.child_change(self.me.pid, what.which, what.stops, what.continues);
        let queues: [&WaitQueue; 1] = [&self.me.children];
        let wait = |until| self.block(&queues, &[], until, || look()?.map(Some).ok_or(Errno::Again.into()));
        if what.at_once {
            return self.look_again(look()?, || wait(Instant::now().checked_add(PATIENCE)));
        }
        self.me.waits.store(true, Ordering::Release);
        self.wake_writers();
        let waited = wait(None);
        self.me.waits.store(false, Ordering::Release);
        waited
    }

    /// A program that asks again and again without waiting would keep the machine busy: when it asks again at once, the
    /// answer takes a moment.
    fn look_again(
        &self,
        seen: Option<(u32, Change)>,
        wait: impl FnOnce() -> Result<Option<(u32, Change)>>,
    ) -> Result<Option<(u32, Change)>> {
        if seen.is_some() {
            self.looked.set(None);
            return Ok(seen);
        }
        let before = self.looked.replace(Some(Instant::now()));
        if before.is_none_or(|before| before.elapsed() > PATIENCE) {
            return Ok(None);
        }
        let waited = match wait() {
            Err(OsError::Errno(Errno::TimedOut | Errno::Intr)) => Ok(None),
            other => other,
        };
        self.looked.set(Some(Instant::now()));
        waited
    }

    /// Who writes into a pipe that this process would read from may have to know that it will not for now.
    fn wake_writers(&self) {
        let open: Vec<_> = lock(&self.me.descriptors)
            .iter()
            .filter(|(_, one)| one.description.readable)
            .map(|(_, one)| Arc::clone(&one.description))
            .collect();
        for stream in open.iter().filter_map(|one| one.stream()).filter(|one| one.pipe().is_some()) {
            stream.queue().wake();
        }
    }
}

//! Waiting for children.

use hob_os::{Errno, Result};

use crate::process::{Change, Process, Which};
use crate::wait::WaitQueue;

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
        if what.at_once {
            return look();
        }
        let queues: [&WaitQueue; 1] = [&self.me.children];
        self.block(&queues, &[], None, || look()?.map(Some).ok_or(Errno::Again.into()))
    }
}

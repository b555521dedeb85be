//! Processes: what a running program is, and everything it can ask for.
//!
//! A [`Process`] is used by the thread that runs the program; what others see of it is its [`Proc`]. The methods, by
//! subject:
//!
//! ```text
//! run       start, spawn, exec, exit: from a file to a thread and back      spawn load run
//! family    parents, groups, sessions, waiting, signals to others           family wait
//! signals   actions, masks, handlers, alarms                                action signals alarm
//! bytes     read, write, seek, sockets, terminals                           io
//! names     open, stat, make, rename, remove                                paths meta
//! readiness poll                                                            poll
//! identity  users, groups, umask, resource limits                           identity resource
//! ```

pub mod action;
mod alarm;
mod descriptors;
mod family;
pub mod identity;
mod io;
mod load;
pub mod meta;
mod open;
mod paths;
mod poll;
mod proc;
mod resource;
mod run;
mod seen;
pub mod signal;
pub mod signals;
pub mod sockets;
mod spawn;
mod status;
mod terminal;
mod threads;
mod wait;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use hob_os::{Errno, Result, Waiter};

use crate::Kernel;
use crate::fd::Caller;
use crate::fs::walk::{Place, Walker};
use crate::wait::lock;

pub use action::{Action, Delivery, Signals};
pub use alarm::Alarms;
pub use family::{Family, INIT, Which};
pub use identity::Identity;
pub use load::{Command, Program, Refused, Runner};
pub use open::{Base, How};
pub use poll::{Interest, Polled};
pub use proc::Proc;
pub use resource::ResourceLimits;
pub use run::{Ending, Finished, Start, Started};
pub use seen::Seen;
pub use signal::Signal;
pub use spawn::{FileAction, Lookup, Spawn};
pub use status::{Change, Status};
pub(crate) use threads::Threads;
pub use wait::WaitFor;

/// A running program, as its own thread has it.
#[derive(Debug)]
pub struct Process {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) me: Arc<Proc>,
    pub(crate) waiter: Waiter,
    /// What takes over when this program is done, after a successful `exec`.
    next: Option<load::Image>,
    quota: Option<Arc<run::Quota>>,
    /// When it last asked for a child without waiting, and there was nothing to tell.
    looked: Cell<Option<Instant>>,
}

impl Process {
    /// The kernel.
    #[must_use]
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// What others see of it.
    #[must_use]
    pub fn proc(&self) -> &Arc<Proc> {
        &self.me
    }

    /// Its arguments, its own name first.
    #[must_use]
    pub fn args(&self) -> Vec<Vec<u8>> {
        lock(&self.me.state).args.clone()
    }

    /// Its environment, `KEY=VALUE` each.
    #[must_use]
    pub fn env(&self) -> Vec<Vec<u8>> {
        lock(&self.me.state).env.clone()
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.me.pid
    }

    /// Its parent's number.
    #[must_use]
    pub fn parent(&self) -> u32 {
        lock(&self.kernel.family).parent(self.me.pid).unwrap_or(INIT)
    }

    /// Fails when it is being ended: one atomic load.
    pub fn check(&self) -> Result<()> {
        self.waiter.check()
    }

    /// Says that it failed at a limit, for whoever looks after the session: it learns no more itself than a number.
    pub fn limited(&self, limit: &hob_cap::LimitExceeded) {
        let name = lock(&self.me.state).args.first().cloned().unwrap_or_default();
        self.kernel.limited(&name, limit);
    }

    /// Its working directory.
    #[must_use]
    pub fn cwd(&self) -> Arc<Place> {
        Arc::clone(&lock(&self.me.state).cwd)
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        lock(&self.me.state).who.clone()
    }

    /// Changes who it is.
    pub fn change_identity(&self, change: impl FnOnce(&mut Identity) -> Result<()>) -> Result<()> {
        change(&mut lock(&self.me.state).who)
    }

    /// The bits a new file does not get, and changes them.
    pub fn umask(&self, mask: Option<u16>) -> u16 {
        let mut state = lock(&self.me.state);
        let before = state.umask;
        if let Some(mask) = mask {
            state.umask = mask & 0o777;
        }
        before
    }

    /// The soft and hard limit of a resource. Errors: [`Errno::Inval`].
    pub fn resource_limit(&self, resource: u32) -> Result<(u64, u64)> {
        lock(&self.me.state).limits.get(resource)
    }

    /// Sets them. Errors as `setrlimit`.
    pub fn set_resource_limit(&self, resource: u32, soft: u64, hard: u64) -> Result<()> {
        let mut state = lock(&self.me.state);
        let root = state.who.is_root();
        state.limits.set(resource, soft, hard, root)
    }

    /// The group of a process, 0 being this one.
    pub fn group(&self, pid: u32) -> Result<u32> {
        if pid == 0 { Ok(self.me.group()) } else { self.kernel.group_of(pid) }
    }

    /// The session of a process, 0 being this one.
    pub fn session(&self, pid: u32) -> Result<u32> {
        if pid == 0 { Ok(self.me.session()) } else { self.kernel.session_of(pid) }
    }

    /// Puts a process into a group; 0 is this process, and a group of the process's own number.
    pub fn set_group(&self, pid: u32, group: u32) -> Result<()> {
        let pid = if pid == 0 { self.me.pid } else { pid };
        self.kernel.set_group(&self.me, pid, if group == 0 { pid } else { group })
    }

    /// Begins a session of its own.
    pub fn set_session(&self) -> Result<u32> {
        self.kernel.set_session(&self.me)
    }

    /// Sends a signal as `kill` does; `None` only asks. Errors: not permitted; [`Errno::Srch`]; [`Errno::Perm`].
    pub fn kill(&self, target: i32, signal: Option<Signal>) -> Result<()> {
        let who = {
            let state = lock(&self.me.state);
            let own = target.unsigned_abs() == self.me.pid && target > 0;
            if !own && state.permit.children.is_none() {
                return Err(Errno::Acces.into());
            }
            state.who.clone()
        };
        self.kernel.kill(&self.me, &who, target, signal)
    }

    /// Random bytes, as the session was granted them.
    pub fn random_fill(&self, buf: &mut [u8]) -> Result<()> {
        let mut entropy = lock(&self.kernel.entropy);
        self.kernel.audit.first_random(&entropy)?;
        entropy.fill(buf, &self.waiter)
    }

    /// Reads a clock, in nanoseconds.
    pub fn clock_now(&self, clock: hob_os::ClockId) -> Result<u64> {
        self.check()?;
        let mut own = lock(&self.kernel.clock);
        self.kernel.audit.first_clock(&own)?;
        Ok(own.read(clock))
    }

    /// How strong the clocks are.
    #[must_use]
    pub fn clock_grant(&self) -> hob_cap::ClockGrant {
        lock(&self.kernel.clock).grant()
    }

    /// The resolution of a clock in nanoseconds.
    #[must_use]
    pub fn clock_resolution(&self, clock: hob_os::ClockId) -> u64 {
        lock(&self.kernel.clock).resolution(clock)
    }

    /// Who uses an object.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            pid: self.me.pid,
            group: self.me.group(),
            session: self.me.session(),
            ignores_input_stop: false,
            ignores_output_stop: false,
            orphaned: false,
        }
    }

    /// Who uses a terminal: what it does about being stopped matters there.
    pub(crate) fn terminal_caller(&self) -> Caller {
        let caller = self.caller();
        let ignores = {
            let state = lock(&self.me.state);
            [Signal::TTIN, Signal::TTOU]
                .map(|signal| state.signals.ignores(signal) || state.signals.blocks(signal))
        };
        let orphaned = lock(&self.kernel.family).orphaned(caller.group);
        let [ignores_input_stop, ignores_output_stop] = ignores;
        Caller { ignores_input_stop, ignores_output_stop, orphaned, ..caller }
    }

    /// Walks with this process's permissions.
    pub(crate) fn walk<T>(&self, work: impl FnOnce(&Walker<'_>) -> Result<T>) -> Result<T> {
        let who = self.identity();
        work(&Walker { tree: &self.kernel.tree, who: &who, me: self.me.pid })
    }
}

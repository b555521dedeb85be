//! A process from its first moment to its last.
//!
//! One thread runs one process at a time; when another program takes over, the thread goes on with it. However the thread ends,
//! the process ends too: its descriptors are closed, its locks and alarms given back, its parent told.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hob_cap::{Ledger, Limit, Permit, StopReason, StopToken, Wake};
use hob_os::{Errno, Result, Waiter};

use crate::Kernel;
use crate::fd::{Description, Descriptor, Descriptors};
use crate::fs::walk::Place;
use crate::process::load::{Command, Image};
use crate::process::proc::State;
use crate::process::{
    INIT, Identity, Lookup, Proc, Process, ResourceLimits, Signal, Signals, Status, identity,
};
use crate::wait::{WaitQueue, lock};

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Exit(u8),
    /// Another program takes over.
    Exec,
    /// By a fault of its own, which is as if by this signal.
    Fault(Signal, String),
    /// It was stopped from outside.
    Stopped(StopReason),
}

/// A program that is done.
#[derive(Debug)]
pub struct Finished {
    /// Its process, unless it is lost with the program; needed when another program takes over.
    pub process: Option<Process>,
    /// How it ended.
    pub ending: Ending,
}

/// A first process of a session, to be started from outside.
#[derive(Debug)]
pub struct Start {
    /// What to run.
    pub lookup: Lookup,
    /// Arguments, its own name first.
    pub args: Vec<Vec<u8>>,
    /// The environment, `KEY=VALUE` each.
    pub env: Vec<Vec<u8>>,
    /// Where.
    pub cwd: Vec<u8>,
    /// Descriptors from 0 on.
    pub descriptors: Vec<Arc<Description>>,
    /// As whom.
    pub identity: Identity,
    /// Within what.
    pub permit: Permit,
    /// What ends it; its deadline with it. Others may be ended by the same token: a signal to this process is none to
    /// them.
    pub stop: StopToken,
    /// The terminal that controls it, if it is to have one.
    pub terminal: Option<u32>,
    /// Whether what is typed to end or stop a program means the programs it starts, and not itself.
    pub shell: bool,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            lookup: Lookup::Exact(Vec::new()),
            args: Vec::new(),
            env: Vec::new(),
            cwd: b"/".to_vec(),
            descriptors: Vec::new(),
            identity: Identity::of(identity::USER, identity::USER),
            permit: Permit::full(),
            stop: StopToken::never(),
            terminal: None,
            shell: false,
        }
    }
}

/// What is typed to end or stop a program.
const TYPED: [Signal; 5] = [Signal::INT, Signal::QUIT, Signal::TSTP, Signal::TTIN, Signal::TTOU];

/// A process that was started from outside.
#[derive(Clone, Debug)]
pub struct Started {
    kernel: Arc<Kernel>,
    proc: Arc<Proc>,
}

impl Started {
    /// What others see of it.
    #[must_use]
    pub fn proc(&self) -> &Arc<Proc> {
        &self.proc
    }

    /// Woken when it ends.
    pub(crate) fn ended(&self) -> &WaitQueue {
        &self.proc.ended
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.kernel.signal(&self.proc, signal);
    }

    /// Waits until it ended, for as long as `waiter` may. Errors: `waiter` was stopped; [`Errno::TimedOut`] at `until`.
    pub fn wait(&self, waiter: &Waiter, until: Option<Instant>) -> Result<Status> {
        let queues: [&WaitQueue; 1] = [&self.proc.ended];
        crate::wait::block(
            waiter,
            &queues,
            &[],
            until,
            || Ok(()),
            || self.proc.status().ok_or(Errno::Again.into()),
        )
    }
}

/// How many processes a permit lets one process and its descendants be.
#[derive(Debug)]
pub(crate) struct Quota {
    max: u32,
    used: AtomicU32,
    outer: Option<Arc<Quota>>,
}

impl Quota {
    /// What a permit of this many leaves within `outer`, of which `used` are there. One that is no narrower is the same
    /// quota: else each process of a long line would add one to all that come after it.
    fn within(outer: Option<Arc<Self>>, max: Option<u32>, used: u32) -> Option<Arc<Self>> {
        match max {
            Some(max) if outer.as_ref().is_none_or(|outer| max < outer.max) => {
                Some(Arc::new(Self { max, used: AtomicU32::new(used), outer }))
            }
            _ => outer,
        }
    }

    fn take(self: &Arc<Self>) -> Result<()> {
        let more = |used: u32| (used < self.max).then_some(used + 1);
        if self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_err() {
            return Err(Errno::Again.into());
        }
        match &self.outer {
            None => Ok(()),
            Some(outer) => outer.take().inspect_err(|_| {
                self.used.fetch_sub(1, Ordering::AcqRel);
            }),
        }
    }

    fn give(&self) {
        self.used.fetch_sub(1, Ordering::AcqRel);
        if let Some(outer) = &self.outer {
            outer.give();
        }
    }
}

/// Room for one process, given back when dropped: when the process is gone, which one that ended is once its parent has
/// asked for it.
#[derive(Debug)]
pub(crate) struct Seat {
    ledger: Arc<Ledger>,
    quota: Option<Arc<Quota>>,
}

impl Seat {
    fn take(ledger: &Arc<Ledger>, quota: Option<&Arc<Quota>>) -> Result<Self> {
        ledger.charge(Limit::Processes, 1)?;
        if let Some(quota) = quota
            && let Err(error) = quota.take()
        {
            ledger.release(Limit::Processes, 1);
            return Err(error);
        }
        Ok(Self { ledger: Arc::clone(ledger), quota: quota.cloned() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.ledger.release(Limit::Processes, 1);
        if let Some(quota) = &self.quota {
            quota.give();
        }
    }
}

/// Everything a new process begins with.
pub(crate) struct Birth {
    pub(crate) parent: u32,
    /// The group; `None` is one of its own.
    pub(crate) group: Option<u32>,
    /// The session; `None` is one of its own.
    pub(crate) session: Option<u32>,
    pub(crate) image: Image,
    pub(crate) cwd: Arc<Place>,
    pub(crate) umask: u16,
    pub(crate) who: Identity,
    pub(crate) permit: Permit,
    pub(crate) signals: Signals,
    pub(crate) limits: ResourceLimits,
    pub(crate) descriptors: Descriptors,
    pub(crate) stop: StopToken,
    /// What ties it to the token of whoever started it from outside.
    pub(crate) tie: Option<Wake>,
    pub(crate) quota: Option<Arc<Quota>>,
    pub(crate) terminal: Option<u32>,
}

impl Kernel {
    /// Starts a first process: a child of the kernel itself, with a session of its own. Errors: those of finding and
    /// loading the program; a limit.
    pub fn start(self: &Arc<Self>, start: Start) -> Result<Started> {
        // Finding a program is walking, and walking is done by a process. What the program may do says nothing of whether
        // it may be started: that is who starts it from outside to decide.
        let init = self.visitor(start.identity.clone(), Permit::full());
        let cwd = init.directory_at(&self.tree.root, &start.cwd)?;
        let command = Command { args: start.args, env: start.env, cwd: cwd.path() };
        let image = init.image(&start.lookup, command, &cwd)?;
        let permit = init.permit_of(&image, &cwd, &start.permit)?;
        let mut descriptors = Descriptors::default();
        for (fd, description) in (0..).zip(start.descriptors) {
            descriptors.replace(fd, Descriptor::new(description));
        }
        let (stop, tie) = start.stop.child();
        let proc = self.bear(Birth {
            parent: INIT,
            group: None,
            session: None,
            image,
            cwd,
            umask: 0o022,
            who: start.identity,
            permit,
            signals: Signals::shielded(if start.shell { &TYPED } else { &[] }),
            limits: ResourceLimits::default(),
            descriptors,
            stop,
            tie: Some(tie),
            quota: None,
            terminal: start.terminal,
        })?;
        Ok(Started { kernel: Arc::clone(self), proc })
    }

    /// A process that never runs: whom the files of the session are looked at and changed as, from outside. Its working
    /// directory is the root.
    pub fn visitor(self: &Arc<Self>, who: Identity, permit: Permit) -> Process {
        let waiter = Waiter::new(StopToken::never());
        let proc = Proc {
            pid: INIT,
            group: AtomicU32::new(INIT),
            session: AtomicU32::new(INIT),
            stop: StopToken::never(),
            _tie: None,
            descriptors: Mutex::default(),
            state: Mutex::new(State {
                args: Vec::new(),
                env: Vec::new(),
                exe: None,
                cwd: Arc::clone(&self.tree.root),
                umask: 0o022,
                who,
                permit: Arc::new(permit),
                signals: Signals::default(),
                stopped: None,
                limits: ResourceLimits::default(),
                fate: None,
                status: None,
                why: None,
                did_exec: false,
            }),
            attention: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            children: WaitQueue::default(),
            ended: WaitQueue::default(),
            waker: waiter.waker(),
            started: Instant::now(),
        };
        Process {
            kernel: Arc::clone(self),
            me: Arc::new(proc),
            waiter,
            next: None,
            quota: None,
            looked: Cell::new(None),
        }
    }

    /// Makes a process and lets it run. Errors: the limit on processes; [`Errno::Again`] at that of a permit or without a
    /// thread; the parent or the whole session is being ended.
    pub(crate) fn bear(self: &Arc<Self>, birth: Birth) -> Result<Arc<Proc>> {
        let Birth { parent, group, session, image, permit, quota, terminal, .. } = birth;
        let quota = Quota::within(quota, permit.processes, 0);
        let seat = Seat::take(self.ledger(), quota.as_ref())?;
        let waiter = Waiter::new(birth.stop.clone());
        let waker = waiter.waker();
        let proc = {
            let mut family = lock(&self.family);
            family.may_grow(parent)?;
            let pid = family.number()?;
            let proc = Arc::new(Proc {
                pid,
                group: AtomicU32::new(group.unwrap_or(pid)),
                session: AtomicU32::new(session.unwrap_or(pid)),
                stop: birth.stop,
                _tie: birth.tie,
                descriptors: Mutex::new(birth.descriptors),
                state: Mutex::new(State {
                    args: image.command.args,
                    env: image.command.env,
                    exe: Some(image.exe),
                    cwd: birth.cwd,
                    umask: birth.umask,
                    who: birth.who,
                    permit: Arc::new(permit),
                    signals: birth.signals,
                    stopped: None,
                    limits: birth.limits,
                    fate: None,
                    status: None,
                    why: None,
                    did_exec: false,
                }),
                attention: AtomicBool::new(true),
                waits: AtomicBool::new(false),
                children: WaitQueue::default(),
                ended: WaitQueue::default(),
                waker,
                started: Instant::now(),
            });
            family.add(Arc::clone(&proc), parent, seat);
            proc
        };
        let program = image.program;
        let process = Process {
            kernel: Arc::clone(self),
            me: Arc::clone(&proc),
            waiter,
            next: None,
            quota,
            looked: Cell::new(None),
        };
        if let Some(terminal) = terminal {
            process.take_terminal(terminal);
        }
        let end = End { kernel: Arc::clone(self), proc: Arc::clone(&proc) };
        let run = move || {
            let end = end;
            let mut finished = program.run(process);
            while let Finished { process: Some(mut process), ending: Ending::Exec } = finished {
                let Some(image) = process.next.take() else {
                    finished = Finished { process: None, ending: Ending::Exec };
                    break;
                };
                process.became(&image);
                finished = image.program.run(process);
            }
            // The process goes first: what it holds must be closed before anyone hears that it ended.
            drop(finished.process);
            end.with(finished.ending);
        };
        if let Err(error) = self.threads.run(Box::new(run)) {
            // The closure is gone, and with it the process has ended; nobody has seen its number, or ever will.
            lock(&self.family).forget(proc.pid);
            return Err(error);
        }
        Ok(proc)
    }
}

/// Ends a process, whatever happens to its thread.
struct End {
    kernel: Arc<Kernel>,
    proc: Arc<Proc>,
}

impl End {
    fn with(self, ending: Ending) {
        {
            let mut state = lock(&self.proc.state);
            let (status, why) = match ending {
                Ending::Exit(code) => (Status::Exited(code), None),
                Ending::Exec => (Status::Exited(126), Some("another program was to take over".to_owned())),
                Ending::Fault(signal, why) => (Status::Signaled { signal, core: false }, Some(why)),
                Ending::Stopped(StopReason::HardDeadline) => (
                    Status::Signaled { signal: Signal::XCPU, core: false },
                    Some(format!("{} limit exceeded: its time is up", Limit::HardDeadline)),
                ),
                Ending::Stopped(_) => (Status::Signaled { signal: Signal::KILL, core: false }, None),
            };
            let fated = state.fate.is_some();
            state.fate.get_or_insert(status);
            if !fated {
                state.why = why;
            }
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Self { kernel, proc } = self;
        kernel.alarms.forget(proc.pid);
        let descriptors = std::mem::take(&mut *lock(&proc.descriptors));
        drop(descriptors);
        kernel.sweep_passed();
        kernel.locks.release_process(proc.pid);
        kernel.release_terminal(proc);
        let (status, report) = {
            let mut state = lock(&proc.state);
            let lost = Status::Signaled { signal: Signal::KILL, core: false };
            let status = *state.fate.get_or_insert(lost);
            state.signals.pending = 0;
            let name = state.args.first().cloned().unwrap_or_default();
            (status, state.why.clone().map(|why| (name, why)))
        };
        if let Some((name, why)) = report {
            kernel.runner.report(&name, &why);
        }
        // Whoever hears that it ended finds its room free.
        kernel.ended(proc, status, || lock(&proc.state).status = Some(status));
        proc.ended.wake();
        kernel.emptied.wake();
    }
}

impl Process {
    /// What a program that takes over begins with.
    fn became(&mut self, image: &Image) {
        let mut state = lock(&self.me.state);
        self.quota = Quota::within(self.quota.take(), state.permit.processes, 1);
        state.args.clone_from(&image.command.args);
        state.env.clone_from(&image.command.env);
        state.exe = Some(Arc::clone(&image.exe));
        state.signals.exec();
        state.did_exec = true;
    }

    /// How long it has been there.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.me.started.elapsed()
    }
}

//! What all processes of one session share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use hob_cap::{AuditSink, ClockGrant, Ledger, Limit, LimitExceeded, Limits, Permit, RandomGrant, StopReason};
use hob_os::egress::Egress;
use hob_os::{Audit, Entropy, Errno, Result};

use crate::fd::Description;
use crate::fd::lock::Locks;
use crate::fs::walk::{Mount, Place, Tree};
use crate::fs::{Attributes, Kind, New, NodeId, NodeRef};
use crate::net::Network;
use crate::pipe::Pipe;
use crate::process::{Alarms, Family, Runner, Threads};
use crate::time::Clock;
use crate::tty::Terminals;
use crate::wait::lock;

/// The kernel of one session. It lives as long as a process of it or whoever holds it.
pub struct Kernel {
    pub(crate) tree: Tree,
    pub(crate) family: Mutex<Family>,
    pub(crate) terminals: OnceLock<Terminals>,
    /// Which terminal controls a session.
    pub(crate) controlling: Mutex<HashMap<u32, u32>>,
    pub(crate) network: Network,
    pub(crate) locks: Arc<Locks>,
    pub(crate) fifos: Mutex<HashMap<NodeId, Weak<Pipe>>>,
    pub(crate) alarms: Alarms,
    pub(crate) clock: Mutex<hob_os::Clock>,
    pub(crate) entropy: Mutex<Entropy>,
    pub(crate) audit: Audit,
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) threads: Threads,
    /// Woken when a process ends.
    pub(crate) emptied: crate::wait::WaitQueue,
    limits_told: Mutex<Vec<Limit>>,
    ledger: Arc<Ledger>,
    hostname: String,
    permits: Arc<dyn Permits>,
}

/// Which command may do what, before its parent narrows it.
pub trait Permits: Send + Sync {
    /// The permit of a command, by the last name of its path.
    fn permit(&self, command: &str) -> Permit;
}

/// Every command may do everything the session may.
#[derive(Debug)]
pub struct Everything;

impl Permits for Everything {
    fn permit(&self, _: &str) -> Permit {
        Permit::full()
    }
}

/// Sets up a [`Kernel`].
#[must_use]
pub struct KernelBuilder {
    root: NodeRef,
    mounts: Vec<Mount>,
    runner: Arc<dyn Runner>,
    clock: ClockGrant,
    random: RandomGrant,
    ledger: Option<Arc<Ledger>>,
    audit: Option<Arc<dyn AuditSink>>,
    egress: Egress,
    hostname: String,
    permits: Arc<dyn Permits>,
}

impl KernelBuilder {
    /// Shows a file system at a path; directories that are not there are made.
    pub fn mount(mut self, mount: Mount) -> Self {
        self.mounts.push(mount);
        self
    }

    /// The clock; none without it.
    pub fn clock(mut self, grant: ClockGrant) -> Self {
        self.clock = grant;
        self
    }

    /// Randomness; none without it.
    pub fn random(mut self, grant: RandomGrant) -> Self {
        self.random = grant;
        self
    }

    /// What the use of all processes counts against; the default limits without it.
    pub fn ledger(mut self, ledger: Arc<Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Where uses of authority are recorded; nowhere without it.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// What may be reached over the network; nothing without it.
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = egress;
        self
    }

    /// The name of the machine that processes see.
    pub fn hostname(mut self, name: &str) -> Self {
        name.clone_into(&mut self.hostname);
        self
    }

    /// What each command may do.
    pub fn permits(mut self, permits: Arc<dyn Permits>) -> Self {
        self.permits = permits;
        self
    }

    /// Puts it together. Errors: a mount point that cannot be made.
    pub fn build(self) -> Result<Arc<Kernel>> {
        let kernel = Arc::new(Kernel {
            tree: Tree::new(self.root),
            family: Mutex::default(),
            terminals: OnceLock::new(),
            controlling: Mutex::default(),
            network: Network::new(&self.hostname, self.egress.sockets(self.audit.clone())),
            locks: Arc::default(),
            fifos: Mutex::default(),
            alarms: Alarms::default(),
            clock: Mutex::new(hob_os::Clock::new(self.clock)),
            entropy: Mutex::new(Entropy::new(self.random)),
            audit: Audit::new(self.audit),
            runner: self.runner,
            threads: Threads::default(),
            emptied: crate::wait::WaitQueue::default(),
            limits_told: Mutex::default(),
            ledger: self.ledger.unwrap_or_else(|| Arc::new(Ledger::new(&Limits::default()))),
            hostname: self.hostname,
            permits: self.permits,
        });
        for mount in self.mounts {
            kernel.mount(mount)?;
        }
        Ok(kernel)
    }
}

impl Kernel {
    /// A kernel whose files are those below `root` and whose programs run through `runner`.
    pub fn builder(root: NodeRef, runner: Arc<dyn Runner>) -> KernelBuilder {
        KernelBuilder {
            root,
            mounts: Vec::new(),
            runner,
            clock: ClockGrant::None,
            random: RandomGrant::None,
            ledger: None,
            audit: None,
            egress: Egress::none(),
            hostname: "hob".into(),
            permits: Arc::new(Everything),
        }
    }

    /// What all processes use together.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The tree of files.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The name of the machine.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// The terminals.
    #[must_use]
    pub fn terminals(self: &Arc<Self>) -> &Terminals {
        self.terminals.get_or_init(|| Terminals::new(Arc::new(Groups(Arc::downgrade(self)))))
    }

    /// Shows a file system at its path. Directories that are not there are made. Errors: they cannot be made.
    pub fn mount(&self, mount: Mount) -> Result<()> {
        let place = self.make_directories(&mount.path)?;
        self.tree.mount(&place, mount)
    }

    /// The directory with this path; what is missing of it is made, for everyone to read. Links are not followed.
    pub fn make_directories(&self, path: &[u8]) -> Result<Arc<Place>> {
        let mut at = Arc::clone(&self.tree.root);
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            let node = match at.node.lookup(name) {
                Err(error) if error.errno() == Errno::Noent => {
                    let attributes = Attributes { mode: 0o755, uid: 0, gid: 0 };
                    at.node.make(name, New::Directory, attributes)?
                }
                other => other?,
            };
            at = at.child(name, self.tree.shown(node));
            if at.node.kind() != Kind::Directory {
                return Err(Errno::NotDir.into());
            }
        }
        Ok(at)
    }

    /// Ends every process. No other is started any more.
    pub fn shut_down(&self) {
        let mut family = lock(&self.family);
        family.close();
        self.threads.close();
        for proc in family.all() {
            proc.stop.stop(StopReason::HostShutdown);
            proc.stop.resume();
        }
    }

    /// Waits until no process is left, as long as `stop` and `until` let it. Returns whether none is.
    pub fn wait_empty(&self, stop: &hob_cap::StopToken, until: Option<std::time::Instant>) -> bool {
        let waiter = hob_os::Waiter::new(stop.clone());
        let empty = || {
            if lock(&self.family).all().next().is_none() { Ok(()) } else { Err(Errno::Again.into()) }
        };
        crate::wait::block(&waiter, &[&self.emptied], &[], until, || Ok(()), empty).is_ok()
    }

    pub(crate) fn permit(&self, command: &str) -> Permit {
        self.permits.permit(command)
    }

    /// Says that a command failed at a limit, once for each limit: a program that is refused again and again is no news.
    pub(crate) fn limited(&self, command: &[u8], limit: &LimitExceeded) {
        let mut told = lock(&self.limits_told);
        if !told.contains(&limit.limit) {
            told.push(limit.limit);
            drop(told);
            self.runner.report(command, &limit.to_string());
        }
    }

    /// Lets go of descriptors that were passed and nobody can receive any more. Returns whether there were any.
    pub(crate) fn sweep_passed(&self) -> bool {
        self.network.sweep(|passed| passed.downcast_ref::<Description>()?.socket().ok().cloned())
    }

    /// The pipe behind a named one.
    pub(crate) fn fifo(&self, id: NodeId) -> Arc<Pipe> {
        let mut fifos = lock(&self.fifos);
        if let Some(pipe) = fifos.get(&id).and_then(Weak::upgrade) {
            return pipe;
        }
        fifos.retain(|_, pipe| pipe.strong_count() > 0);
        let pipe = Arc::new(Pipe::default());
        fifos.insert(id, Arc::downgrade(&pipe));
        pipe
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").field("hostname", &self.hostname).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for KernelBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KernelBuilder").finish_non_exhaustive()
    }
}

/// The process groups, as terminals reach them.
#[derive(Debug)]
struct Groups(Weak<Kernel>);

impl crate::tty::Groups for Groups {
    fn signal_group(&self, group: u32, signal: crate::process::Signal) {
        if let Some(kernel) = self.0.upgrade() {
            kernel.signal_group(group, signal);
        }
    }

    fn signal_leader(&self, session: u32, signal: crate::process::Signal) {
        let Some(kernel) = self.0.upgrade() else { return };
        let leader = lock(&kernel.family).get(session).cloned();
        if let Some(leader) = leader {
            kernel.signal(&leader, signal);
        }
    }

    fn session_of(&self, group: u32) -> Option<u32> {
        let kernel = self.0.upgrade()?;
        let family = lock(&kernel.family);
        family.all().find(|proc| proc.group() == group).map(|proc| proc.session())
    }
}

/// The clock that stamps files by what a session was granted.
#[must_use]
pub fn file_clock(grant: ClockGrant) -> Clock {
    let clock = hob_os::Clock::new(grant);
    Clock::new(move || clock.peek(hob_os::ClockId::Realtime))
}

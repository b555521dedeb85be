//! Putting together what a guest sees.
//!
//! A builder starts with nothing: no arguments, no environment, empty input, discarded output, no
//! directory, no clock, no entropy. Descriptors 0, 1 and 2 are the three streams; granted directories
//! follow from 3 in the order given, then granted sockets.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use cap_std::fs::Dir as CapDir;
use hob_cap::{Access, AuditSink, ClockGrant, FsGrant, Ledger, Limits, RandomGrant, StopToken};
use rustix::net::SocketType;
use rustix::net::sockopt::{socket_acceptconn, socket_type};

use crate::audit::Audit;
use crate::clock::Clock;
use crate::descriptor::{Descriptor, Dir, Object};
use crate::egress::Egress;
use crate::entropy::Entropy;
use crate::grant::root_of;
use crate::region::{ObjectId, Regions};
use crate::stdio::{Input, Output};
use crate::table::Table;
use crate::wait::Waiter;
use crate::{Errno, FdFlags, Result, Rights, Sink, Source, World};

/// A socket handed to a guest. The guest gets exclusive use of it.
#[derive(Debug)]
pub enum Socket {
    /// A listening stream socket, to accept from. It is made non-blocking.
    Listener(OwnedFd),
    /// A connected stream socket.
    Stream(OwnedFd),
}

/// Everything a [`World`] will contain.
#[must_use]
pub struct WorldBuilder {
    args: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    stdin: Source,
    stdout: Sink,
    stderr: Sink,
    dirs: Vec<(CapDir, FsGrant)>,
    sockets: Vec<Socket>,
    clock: ClockGrant,
    random: RandomGrant,
    ledger: Option<Arc<Ledger>>,
    stop: Option<StopToken>,
    audit: Option<Arc<dyn AuditSink>>,
    egress: Egress,
}

impl WorldBuilder {
    pub(crate) fn new() -> Self {
        Self {
            args: Vec::new(),
            env: Vec::new(),
            stdin: Source::Empty,
            stdout: Sink::Discard,
            stderr: Sink::Discard,
            dirs: Vec::new(),
            sockets: Vec::new(),
            clock: ClockGrant::None,
            random: RandomGrant::None,
            ledger: None,
            stop: None,
            audit: None,
            egress: Egress::none(),
        }
    }

    /// Adds one argument; the first is the program's name.
    pub fn arg(mut self, arg: impl Into<Vec<u8>>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<Vec<u8>>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds environment variables.
    pub fn env<K: Into<Vec<u8>>, V: Into<Vec<u8>>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.env.extend(pairs.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// Where descriptor 0 reads from.
    pub fn stdin(mut self, source: Source) -> Self {
        self.stdin = source;
        self
    }

    /// Where descriptor 1 writes to.
    pub fn stdout(mut self, sink: Sink) -> Self {
        self.stdout = sink;
        self
    }

    /// Where descriptor 2 writes to.
    pub fn stderr(mut self, sink: Sink) -> Self {
        self.stderr = sink;
        self
    }

    /// Hands the guest a directory, open as [`open_grant`](crate::open_grant) opens it, under the
    /// guest path and with the access of its grant.
    pub fn preopen(mut self, dir: CapDir, grant: &FsGrant) -> Self {
        self.dirs.push((dir, grant.clone()));
        self
    }

    /// Hands the guest a socket.
    pub fn socket(mut self, socket: Socket) -> Self {
        self.sockets.push(socket);
        self
    }

    /// The strength of the clocks; none without it.
    pub fn clock(mut self, grant: ClockGrant) -> Self {
        self.clock = grant;
        self
    }

    /// The kind of entropy; none without it.
    pub fn random(mut self, grant: RandomGrant) -> Self {
        self.random = grant;
        self
    }

    /// What the guest's use counts against; the default limits without it.
    pub fn ledger(mut self, ledger: Arc<Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// What ends the guest; nothing without it.
    pub fn stop(mut self, stop: StopToken) -> Self {
        self.stop = Some(stop);
        self
    }

    /// What may be reached over the network; nothing without it.
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = egress;
        self
    }

    /// Where uses of authority are recorded; nowhere without it.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// Puts it all together. Errors: [`Errno::Inval`] for an argument, key or value with NUL, a key
    /// that is empty or has `=`, or a socket that is not what it was said to be; [`Errno::Exist`] for
    /// two directories with one guest path; [`Errno::Perm`] for a directory on a kernel file system;
    /// the open files limit; an audit record that could not be written.
    pub fn build(self) -> Result<World> {
        let ledger = self.ledger.unwrap_or_else(|| Arc::new(Ledger::new(&Limits::default())));
        let audit = Audit::new(self.audit);
        if self.args.iter().any(|arg| arg.contains(&0)) {
            return Err(Errno::Inval.into());
        }
        let mut world = World {
            args: self.args,
            environ: environ(&self.env, &audit)?,
            table: Table::new(Arc::clone(&ledger)),
            regions: Regions::default(),
            clock: Clock::new(self.clock),
            entropy: Entropy::new(self.random),
            waiter: Arc::new(Waiter::new(self.stop.unwrap_or_else(StopToken::never))),
            ledger,
            audit,
            egress: self.egress,
        };
        world.add(Object::Input(Input::open(self.stdin)?), Rights::STREAM.or(Rights::FD_READ))?;
        world.add_output(self.stdout, std::io::stdout())?;
        world.add_output(self.stderr, std::io::stderr())?;
        world.add_dirs(&self.dirs)?;
        for socket in self.sockets {
            world.add_socket(socket)?;
        }
        Ok(world)
    }
}

impl fmt::Debug for WorldBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorldBuilder").finish_non_exhaustive()
    }
}

impl World {
    fn add(&mut self, object: Object, rights: Rights) -> Result<()> {
        self.add_with(object, rights, Rights::NONE)
    }

    fn add_with(&mut self, object: Object, rights: Rights, inheriting: Rights) -> Result<()> {
        let ticket = self.table.ticket()?;
        let descriptor = Descriptor { object, rights, inheriting, flags: FdFlags::default() };
        self.table.insert(ticket, descriptor).map(drop)
    }

    fn add_output(&mut self, sink: Sink, host: impl AsFd) -> Result<()> {
        let output = Output::open(sink, host, Arc::clone(&self.ledger))?;
        self.add(Object::Output(output), Rights::STREAM.or(Rights::FD_WRITE))
    }

    /// All regions first: which grant speaks for a directory depends on all of them.
    fn add_dirs(&mut self, dirs: &[(CapDir, FsGrant)]) -> Result<()> {
        for (dir, grant) in dirs {
            let root = root_of(dir)?;
            let id = ObjectId::of(&rustix::fs::fstat(&root)?);
            self.regions.add(grant, root, id)?;
        }
        for (index, (_, grant)) in dirs.iter().enumerate() {
            let node = self.regions.root(index).ok_or(Errno::Inval)?;
            let preopen = Some(grant.guest.as_str().to_owned());
            let rights = Rights::DIRECTORY.under(grant.access);
            self.add_with(Object::Dir(Dir { node, preopen }), rights, inheriting(grant.access))?;
        }
        Ok(())
    }

    fn add_socket(&mut self, socket: Socket) -> Result<()> {
        let (fd, listens) = match &socket {
            Socket::Listener(fd) => (fd, true),
            Socket::Stream(fd) => (fd, false),
        };
        if socket_type(fd)? != SocketType::STREAM || socket_acceptconn(fd)? != listens {
            return Err(Errno::Inval.into());
        }
        match socket {
            Socket::Listener(fd) => {
                rustix::io::ioctl_fionbio(&fd, true)?;
                self.add_with(Object::Listener(fd), Rights::LISTENER, Rights::SOCKET)
            }
            Socket::Stream(fd) => self.add(Object::Socket(fd), Rights::SOCKET),
        }
    }
}

/// What may be asked for below a granted directory. Asking to write below a read-only one is allowed
/// so that the answer is a refused open: a C library leaves out what it may not ask for, and its
/// program would learn only from its first write that the file is not writable.
fn inheriting(access: Access) -> Rights {
    Rights::DIRECTORY.or(Rights::FILE).under(access).or(Rights::FD_WRITE)
}

fn environ(pairs: &[(Vec<u8>, Vec<u8>)], audit: &Audit) -> Result<Vec<Vec<u8>>> {
    let mut environ = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        if key.is_empty() || key.contains(&b'=') || key.contains(&0) || value.contains(&0) {
            return Err(Errno::Inval.into());
        }
        audit.environ(key)?;
        environ.push([key.as_slice(), b"=", value].concat());
    }
    Ok(environ)
}

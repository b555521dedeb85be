//! Sockets as processes use them.

use std::sync::Arc;
use std::time::Instant;

use hob_cap::Connections;
use hob_os::{Errno, OsError, Result, Watch};

use crate::fd::{Description, Descriptor, Flags, Object, Room};
use crate::fs::{Kind, New};
use crate::net::{Address, Destination, Domain, Passed, Received, Socket, SocketType};
use crate::process::{Base, Process, Signal};
use crate::wait::lock;

/// How to send or receive once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// What is received stays.
    pub peek: bool,
    /// It does not wait.
    pub at_once: bool,
    /// It waits until the buffer is full.
    pub whole: bool,
    /// Nobody is signalled when the other end is gone.
    pub quiet: bool,
}

impl Process {
    /// Refuses sockets where the permit allows no connections.
    fn may_connect(&self) -> Result<()> {
        if lock(&self.me.state).permit.net == Connections::None { Err(Errno::Acces.into()) } else { Ok(()) }
    }

    /// Refuses what the permit leaves out of the session's grants.
    fn may_reach(&self, to: &Address, kind: SocketType) -> Result<()> {
        let permit = Arc::clone(&lock(&self.me.state).permit);
        let Connections::Only(grants) = &permit.net else { return Ok(()) };
        let (host, port) = match to {
            Address::Ip(at) if at.ip().is_loopback() || at.ip().is_unspecified() => return Ok(()),
            Address::Ip(at) => (hob_cap::HostPattern::Address(at.ip()).to_string(), at.port()),
            Address::Host(name, port) => (name.clone(), *port),
            _ => return Ok(()),
        };
        let scheme = match kind {
            SocketType::Stream => hob_cap::Scheme::Tcp,
            SocketType::Datagram => hob_cap::Scheme::Udp,
        };
        if grants.iter().any(|grant| grant.matches(scheme, &host, port, "")) {
            Ok(())
        } else {
            Err(Errno::Acces.into())
        }
    }

    /// Waits until a descriptor of the host has something to say, for an answer to a name.
    fn pause(&self) -> impl FnMut(std::os::fd::BorrowedFd<'_>) -> Result<()> + '_ {
        |fd| self.waiter.wait(&mut [Watch::readable(fd)], None).map(drop)
    }

    fn install_socket(&self, socket: Arc<Socket>, nonblock: bool, close_on_exec: bool) -> Result<u32> {
        let room = Room::take(self.kernel.ledger())?;
        let flags = Flags { nonblock, ..Flags::default() };
        let description = Description::new(room, Object::Socket(socket), None, (true, true), flags);
        self.install(0, Descriptor { close_on_exec, ..Descriptor::new(description) })
    }

    /// Tries, and once more if it was too much and something could be let go of.
    fn with_room<T>(&self, attempt: impl Fn() -> Result<T>) -> Result<T> {
        match attempt() {
            Err(OsError::Errno(Errno::Nfile | Errno::Nobufs) | OsError::Limit(_))
                if self.kernel.sweep_passed() =>
            {
                attempt()
            }
            other => other,
        }
    }

    /// A socket. Errors: the permit allows none; limits.
    pub fn socket(
        &self,
        domain: Domain,
        kind: SocketType,
        nonblock: bool,
        close_on_exec: bool,
    ) -> Result<u32> {
        self.check()?;
        self.may_connect()?;
        self.with_room(|| {
            self.install_socket(self.kernel.network.socket(domain, kind)?, nonblock, close_on_exec)
        })
    }

    /// Two sockets that are each other's ends. Errors: limits; the permit allows nobody to talk to.
    pub fn socket_pair(&self, kind: SocketType, nonblock: bool, close_on_exec: bool) -> Result<(u32, u32)> {
        self.check()?;
        self.may_talk()?;
        self.with_room(|| {
            let (one, other) = self.kernel.network.pair(kind)?;
            let first = self.install_socket(one, nonblock, close_on_exec)?;
            match self.install_socket(other, nonblock, close_on_exec) {
                Ok(second) => Ok((first, second)),
                Err(error) => {
                    drop(lock(&self.me.descriptors).close(first));
                    Err(error)
                }
            }
        })
    }

    fn socket_at(&self, fd: u32) -> Result<(Arc<Description>, Arc<Socket>)> {
        self.check()?;
        let description = self.description(fd)?;
        let socket = Arc::clone(description.socket()?);
        Ok((description, socket))
    }

    /// Asks a socket. Errors: [`Errno::NotSock`]; those of the question.
    pub fn with_socket<T>(&self, fd: u32, ask: impl FnOnce(&Socket) -> Result<T>) -> Result<T> {
        let (_, socket) = self.socket_at(fd)?;
        ask(&socket)
    }

    /// Gives a socket a name. Errors: the permit allows no connections; those of the name; [`Errno::AddrInUse`].
    pub fn bind(&self, fd: u32, to: &Address) -> Result<()> {
        let (_, socket) = self.socket_at(fd)?;
        self.may_connect()?;
        let Address::Path(path) = to else { return socket.bind(to) };
        match self.make(Base::Here, path, New::Socket, 0o777) {
            Err(error) if error.errno() == Errno::Exist => return Err(Errno::AddrInUse.into()),
            other => other?,
        }
        let place = self.existing(Base::Here, path, false)?;
        socket.bind_node(place.node.id(), path)
    }

    /// Connects. Errors: [`Errno::Acces`] where no grant or permit allows it; those of the connection;
    /// [`Errno::InProgress`] for one that does not wait.
    pub fn connect(&self, fd: u32, to: &Address) -> Result<()> {
        let (description, socket) = self.socket_at(fd)?;
        let destination = self.destination(&socket, to)?;
        match socket.connect(&destination) {
            Err(OsError::Errno(Errno::InProgress)) if !description.flags().nonblock => {
                self.on_stream(&description, &*socket, true, None, || match socket.try_connect_done() {
                    Err(OsError::Errno(Errno::InProgress)) => Err(Errno::Again.into()),
                    other => other,
                })
            }
            Err(OsError::Errno(Errno::Again)) if !description.flags().nonblock => {
                self.on_stream(&description, &*socket, true, None, || socket.connect(&destination))
            }
            other => other,
        }
    }

    fn destination(&self, socket: &Arc<Socket>, to: &Address) -> Result<Destination> {
        self.may_connect()?;
        if let Address::Path(path) = to {
            let place = self.existing(Base::Here, path, true)?;
            if place.node.kind() != Kind::Socket {
                return Err(Errno::ConnRefused.into());
            }
            self.walk(|walker| walker.who.need(&place.node.stat()?, 2))?;
            return Ok(Destination::node(place.node.id(), path));
        }
        self.may_reach(to, socket.socket_type())?;
        socket.destination(to, &mut self.pause())
    }

    /// Takes a connection that waits. Returns its descriptor and who it is from.
    pub fn accept(&self, fd: u32) -> Result<(u32, Address)> {
        let (description, socket) = self.socket_at(fd)?;
        let until = socket.options().receive_timeout.and_then(|time| Instant::now().checked_add(time));
        let accepted = self.on_stream(&description, &*socket, false, until, || socket.try_accept())?;
        let peer = accepted.peer_name().unwrap_or(Address::Unnamed);
        Ok((self.install_socket(accepted, false, false)?, peer))
    }

    /// Sends. Errors: [`Errno::Pipe`], after the signal unless `how` is quiet; those of the socket.
    pub fn send(
        &self,
        fd: u32,
        buf: &[u8],
        to: Option<&Address>,
        passed: &[u32],
        how: Transfer,
    ) -> Result<usize> {
        let (description, socket) = self.socket_at(fd)?;
        let destination = to.map(|to| self.destination(&socket, to)).transpose()?;
        let passed: Vec<Passed> =
            passed.iter().map(|fd| self.description(*fd).map(|one| one as Passed)).collect::<Result<_>>()?;
        let attempt = || self.with_room(|| socket.try_send_to(buf, destination.as_ref(), &passed));
        let sent =
            if how.at_once { attempt() } else { self.on_stream(&description, &*socket, true, None, attempt) };
        if let Err(error) = &sent
            && error.errno() == Errno::Pipe
            && !how.quiet
        {
            self.raise(Signal::PIPE);
        }
        sent
    }

    /// Receives. Errors: those of the socket; [`Errno::Again`].
    pub fn receive(&self, fd: u32, buf: &mut [u8], how: Transfer) -> Result<Received> {
        let (description, socket) = self.socket_at(fd)?;
        let until = socket.options().receive_timeout.and_then(|time| Instant::now().checked_add(time));
        if how.whole && !how.peek && !how.at_once {
            let mut done = 0;
            let received =
                self.on_stream(&description, &*socket, false, until, || socket.try_recv_all(buf, &mut done));
            return match received {
                Err(OsError::Errno(_)) if done > 0 => Ok(()),
                other => other,
            }
            .map(|()| Received { len: done, full: done, ..Received::default() });
        }
        let mut attempt = || socket.try_recv_from(buf, how.peek);
        if how.at_once { attempt() } else { self.on_stream(&description, &*socket, false, until, attempt) }
    }

    /// Makes descriptors of what was passed. What finds no room is closed; the answer says whether that happened.
    pub fn install_passed(&self, passed: Vec<Passed>, room: usize, close_on_exec: bool) -> (Vec<u32>, bool) {
        let (mut installed, mut cut) = (Vec::new(), false);
        for one in passed {
            let Ok(description) = one.downcast::<Description>() else { continue };
            let descriptor = Descriptor { close_on_exec, ..Descriptor::new(description) };
            match if installed.len() < room { self.install(0, descriptor).ok() } else { None } {
                Some(fd) => installed.push(fd),
                None => cut = true,
            }
        }
        (installed, cut)
    }

    /// Ends one or both directions.
    pub fn shutdown(&self, fd: u32, read: bool, write: bool) -> Result<()> {
        self.with_socket(fd, |socket| socket.shutdown(read, write))
    }

    /// The addresses of a host. Errors: [`Errno::Acces`] where no grant allows asking for it.
    pub fn addresses(&self, host: &[u8], family: Option<Domain>) -> Result<Vec<std::net::IpAddr>> {
        self.check()?;
        self.may_connect()?;
        self.kernel.network.addresses(host, family, &mut self.pause())
    }
}

//! The way outside: what is decided about in `hob-os`, and used here.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hob_os::egress::{Admission, Pause, Transport};
use hob_os::{Errno, OsError, Result};

use super::address::{Address, socket_address};
use super::name::loopback_like;
use super::network::fill;
use super::registry::Ports;
use super::socket::{Destination, Socket, State, To};
use super::{Domain, SocketType, refused};
use crate::wait::lock;

impl Socket {
    /// Looks at where something shall go to: what is inside the session, what is allowed outside. May wait for the
    /// answer to a name, in `pause`, and must therefore not be called from within an attempt of
    /// [`block`](crate::wait::block).
    ///
    /// Errors: [`Errno::Acces`] when no grant allows it, or the name leads where it may not; [`Errno::Noent`] for a name
    /// without address; [`Errno::Inval`] for what names no place to send to, and for a name in the tree of files, which
    /// the walk finds ([`Destination::node`]); [`Errno::AfNoSupport`].
    pub fn destination(&self, to: &Address, pause: Pause<'_>) -> Result<Destination> {
        let to = match (to, self.domain) {
            (Address::Abstract(name), Domain::Unix) => To::Abstract(name.clone()),
            (_, Domain::Unix) => return Err(Errno::Inval.into()),
            (Address::Ip(SocketAddr::V6(_)), Domain::Inet) => return Err(Errno::AfNoSupport.into()),
            (Address::Ip(at), _) => self.place(socket_address(at.ip().to_canonical(), at.port()))?,
            (Address::Host(name, port), _) if self.net.is_own_name(name) => To::Inside(self.own_place(*port)),
            (Address::Host(name, port), _) => {
                let admitted = self.net.outside.admit_name(self.transport(), name, *port, pause);
                To::Outside(admitted.map_err(|error| refused(&error))?)
            }
            _ => return Err(Errno::AfNoSupport.into()),
        };
        Ok(Destination(to))
    }

    fn place(&self, at: SocketAddr) -> Result<To> {
        let address = at.ip();
        if address.is_unspecified() || address.is_loopback() {
            // To send to no address in particular is to send to oneself.
            let address = if address.is_loopback() { address } else { loopback_like(address) };
            return Ok(To::Inside(socket_address(address, at.port())));
        }
        if let Some(known) = self.udp.get().and_then(|udp| udp.admission(at)) {
            return Ok(To::Outside(known));
        }
        let admitted = self.net.outside.admit_address(self.transport(), at);
        admitted.map(To::Outside).map_err(|error| refused(&error))
    }

    /// Where this session is for this socket: IPv6 if something is there, IPv4 otherwise.
    fn own_place(&self, port: u16) -> SocketAddr {
        let v6 = socket_address(Ipv6Addr::LOCALHOST.into(), port);
        let ports = if self.kind == SocketType::Stream { Ports::Tcp } else { Ports::Udp };
        if self.domain == Domain::Inet6 && self.net.registry.at(ports, v6).is_some() {
            return v6;
        }
        socket_address(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port)
    }

    /// A place on the loopback of the host, if a grant names it; asked when nothing of the session is there.
    pub(super) fn host_loopback(&self, transport: Transport, at: SocketAddr) -> Result<Option<Admission>> {
        if let Some(known) = self.udp.get().and_then(|udp| udp.admission(at)) {
            return Ok(Some(known));
        }
        if !self.net.outside.covers(transport, at) {
            return Ok(None);
        }
        self.net.outside.admit_address(transport, at).map(Some).map_err(|error| refused(&error))
    }

    /// Begins a connection outside.
    pub(super) fn connect_outside(&self, state: &mut State, admission: &Admission) -> Result<()> {
        self.ensure_bound(state)?;
        let v6 = self.domain == Domain::Inet6;
        let made = self.net.outside.connect(admission, v6).map_err(|error| refused(&error))?;
        state.peer = Some(Address::Ip(made.peer()));
        if self.tcp.set(made).is_err() {
            return Err(Errno::Already.into());
        }
        state.connecting = true;
        self.queue.wake();
        match self.connected(state) {
            Err(OsError::Errno(Errno::Again)) => Err(Errno::InProgress.into()),
            done => done,
        }
    }

    /// Finishes a connection that is [`Errno::InProgress`]. Errors: [`Errno::Again`] until the host's socket can be
    /// written to; why the connection did not come about, once; [`Errno::NotConn`].
    pub fn try_connect_done(&self) -> Result<()> {
        let mut state = lock(&self.state);
        if state.connecting {
            return self.connected(&mut state);
        }
        if state.peer.is_some() { Ok(()) } else { Err(Errno::NotConn.into()) }
    }

    /// Looks whether a connection has come about.
    pub(super) fn connected(&self, state: &mut State) -> Result<()> {
        let tcp = self.tcp.get().ok_or(Errno::NotConn)?;
        match tcp.connected() {
            Err(OsError::Errno(Errno::Again)) => Err(Errno::Again.into()),
            Ok(()) => {
                state.connecting = false;
                Ok(())
            }
            Err(error) => {
                state.connecting = false;
                state.peer = None;
                Err(error)
            }
        }
    }

    pub(super) fn send_outside(&self, admission: &Admission, buf: &[u8]) -> Result<()> {
        let v6 = self.domain == Domain::Inet6;
        let fresh = self.udp.get().is_none();
        let udp = fill(&self.udp, || self.net.outside.datagrams(v6).map_err(|error| refused(&error)))?;
        if fresh {
            // Whoever waits to receive has one more thing to wait for.
            self.queue.wake();
        }
        udp.send_to(admission, buf).map_err(|error| refused(&error))
    }

    fn transport(&self) -> Transport {
        match self.kind {
            SocketType::Stream => Transport::Tcp,
            SocketType::Datagram => Transport::Udp,
        }
    }
}

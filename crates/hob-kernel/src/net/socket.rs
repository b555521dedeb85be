//! One socket: making it, listening, accepting, connecting, closing.
//!
//! Names are in [`name`](super::name), bytes in [`transfer`](super::transfer), the way outside in
//! [`outside`](super::outside).

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use hob_os::egress::{Admission, TcpSocket, Transport, UdpSocket};
use hob_os::{Errno, Result};

use super::address::Address;
use super::backlog::{Backlog, Waiting};
use super::flow::End;
use super::inbox::Inbox;
use super::name::{Local, loopback_like};
use super::network::{Shared, Ticket};
use super::options::{Options, SetOption};
use super::registry::{Door, Place, Ports};
use super::{Domain, SocketType};
use crate::fs::NodeId;
use crate::limits::BACKLOG_MAX;
use crate::wait::{WaitQueue, lock};

/// A socket. It is closed when the last of its holders lets go of it.
pub struct Socket {
    pub(super) net: Arc<Shared>,
    pub(super) id: u64,
    pub(super) domain: Domain,
    pub(super) kind: SocketType,
    pub(super) queue: Arc<WaitQueue>,
    pub(super) state: Mutex<State>,
    /// The connection, if it is one inside the session.
    pub(super) end: OnceLock<End>,
    /// Of datagrams: what waits here, and in a pair the other one's.
    pub(super) inbox: Option<Arc<Inbox>>,
    pub(super) partner: Option<Arc<Inbox>>,
    /// The way outside, once there is one.
    pub(super) tcp: OnceLock<TcpSocket>,
    pub(super) udp: OnceLock<UdpSocket>,
    _ticket: Ticket,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) local: Option<Local>,
    pub(super) peer: Option<Address>,
    /// Where datagrams go that say nothing else.
    pub(super) target: Option<Destination>,
    pub(super) backlog: Option<Arc<Backlog>>,
    pub(super) options: Options,
    /// A connection outside is being made.
    pub(super) connecting: bool,
    /// Datagrams are not sent any more.
    pub(super) mute: bool,
}

/// Where a socket can connect or send to: an address that was looked at, and, outside, allowed.
#[derive(Clone, Debug)]
pub struct Destination(pub(super) To);

#[derive(Clone, Debug)]
pub(super) enum To {
    /// On the loopback network. IPv4 inside IPv6 is IPv4 here.
    Inside(SocketAddr),
    Outside(Admission),
    Node(NodeId, Vec<u8>),
    Abstract(Vec<u8>),
}

impl Destination {
    /// A socket with the name of a file, which the walk found; `path` is how it was named.
    #[must_use]
    pub fn node(node: NodeId, path: &[u8]) -> Self {
        Self(To::Node(node, path.to_vec()))
    }
}

impl Socket {
    pub(super) fn new(
        net: &Arc<Shared>,
        domain: Domain,
        kind: SocketType,
        queue: Arc<WaitQueue>,
        ticket: Ticket,
    ) -> Self {
        let inbox = (kind == SocketType::Datagram).then(|| Arc::new(Inbox::new(&queue, &net.budget)));
        Self {
            net: Arc::clone(net),
            id: net.id(),
            domain,
            kind,
            queue,
            state: Mutex::default(),
            end: OnceLock::new(),
            inbox,
            partner: None,
            tcp: OnceLock::new(),
            udp: OnceLock::new(),
            _ticket: ticket,
        }
    }

    pub(super) fn pair(net: &Arc<Shared>, kind: SocketType) -> Result<(Arc<Self>, Arc<Self>)> {
        let new = || net.ticket().map(|ticket| Self::new(net, Domain::Unix, kind, Arc::default(), ticket));
        let (mut one, mut other) = (new()?, new()?);
        match kind {
            SocketType::Stream => {
                let (here, there) = End::pair(true, &one.queue, &other.queue);
                (one.end, other.end) = (here.into(), there.into());
            }
            SocketType::Datagram => {
                for (inbox, writer) in [(&one.inbox, &other.queue), (&other.inbox, &one.queue)] {
                    inbox.iter().for_each(|inbox| inbox.set_writer(writer));
                }
                (one.partner, other.partner) = (other.inbox.clone(), one.inbox.clone());
            }
        }
        for socket in [&one, &other] {
            lock(&socket.state).peer = Some(Address::Unnamed);
        }
        Ok((Arc::new(one), Arc::new(other)))
    }

    /// Which addresses it has.
    #[must_use]
    pub fn domain(&self) -> Domain {
        self.domain
    }

    /// What it carries.
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.kind
    }

    /// Begins to accept connections, or changes how many may wait: at least 1, at most [`BACKLOG_MAX`]; the next one is
    /// refused. Errors: [`Errno::NotSup`] for datagrams; [`Errno::Inval`] for a socket that is connected, or has no name
    /// and needs one; [`Errno::AddrInUse`].
    pub fn listen(&self, backlog: u32) -> Result<()> {
        if self.kind != SocketType::Stream {
            return Err(Errno::NotSup.into());
        }
        let max = usize::try_from(backlog).unwrap_or(BACKLOG_MAX).clamp(1, BACKLOG_MAX);
        let mut state = lock(&self.state);
        if let Some(backlog) = &state.backlog {
            backlog.set_max(max);
            return Ok(());
        }
        if self.is_taken(&state) {
            return Err(Errno::Inval.into());
        }
        if self.domain == Domain::Unix {
            state.local.as_ref().ok_or(Errno::Inval)?;
        } else {
            self.ensure_bound(&mut state)?;
        }
        let new = Arc::new(Backlog::new(&self.queue, max));
        let binding = state.local.as_ref().and_then(|local| local.binding.as_ref()).ok_or(Errno::Inval)?;
        binding.open(Door::Listener(Arc::clone(&new)))?;
        state.backlog = Some(new);
        Ok(())
    }

    /// Whether it accepts connections.
    #[must_use]
    pub fn listens(&self) -> bool {
        lock(&self.state).backlog.is_some()
    }

    /// Accepts the connection that waits longest. Errors: [`Errno::Again`]; [`Errno::Inval`] for a socket that does not
    /// listen; [`Errno::NotSup`] for datagrams.
    pub fn try_accept(&self) -> Result<Arc<Self>> {
        if self.kind != SocketType::Stream {
            return Err(Errno::NotSup.into());
        }
        let backlog = lock(&self.state).backlog.clone().ok_or(Errno::Inval)?;
        let Waiting { end, queue, local, peer, ticket } = backlog.pop().ok_or(Errno::Again)?;
        let accepted = Self::new(&self.net, self.domain, self.kind, queue, ticket);
        {
            let mut state = lock(&accepted.state);
            state.local = Some(Local { name: local, place: None, binding: None });
            state.peer = Some(peer);
        }
        let _unused = accepted.end.set(end);
        Ok(Arc::new(accepted))
    }

    /// Connects. Inside the session that is done at once. Errors: [`Errno::InProgress`] for a connection outside, which
    /// [`Socket::try_connect_done`] finishes; [`Errno::ConnRefused`]; [`Errno::IsConn`]; [`Errno::Already`];
    /// [`Errno::Nfile`] when the other end would be one socket too many.
    pub fn connect(&self, to: &Destination) -> Result<()> {
        let mut state = lock(&self.state);
        if self.kind == SocketType::Datagram {
            return self.connect_datagrams(&mut state, to);
        }
        if state.connecting {
            return Err(Errno::Already.into());
        }
        if self.end.get().is_some() || state.backlog.is_some() {
            return Err(Errno::IsConn.into());
        }
        if self.tcp.get().is_some() {
            // A connection that failed is not made again with the same socket.
            return Err(if state.peer.is_some() { Errno::IsConn } else { Errno::Inval }.into());
        }
        match (&to.0, self.domain) {
            (To::Node(node, path), Domain::Unix) => {
                self.join(&mut state, self.net.registry.at_node(*node), Address::Path(path.clone()))
            }
            (To::Abstract(name), Domain::Unix) => {
                self.join(&mut state, self.net.registry.at_abstract(name), Address::Abstract(name.clone()))
            }
            (To::Inside(at), Domain::Inet | Domain::Inet6) => match self.net.registry.at(Ports::Tcp, *at) {
                None => match self.host_loopback(Transport::Tcp, *at)? {
                    Some(admission) => self.connect_outside(&mut state, &admission),
                    None => Err(Errno::ConnRefused.into()),
                },
                door => {
                    self.ensure_bound(&mut state)?;
                    self.settle(&mut state, loopback_like(at.ip()));
                    self.join(&mut state, door, Address::Ip(*at))
                }
            },
            (To::Outside(admission), Domain::Inet | Domain::Inet6) => {
                self.connect_outside(&mut state, admission)
            }
            _ => Err(Errno::AfNoSupport.into()),
        }
    }

    /// Connects to a socket with the name of a file; the walk found the node, and `path` is how it was named.
    pub fn connect_node(&self, node: NodeId, path: &[u8]) -> Result<()> {
        self.connect(&Destination::node(node, path))
    }

    /// Makes the two ends of a connection and puts the other one where it will be accepted.
    fn join(&self, state: &mut State, door: Option<Door>, to: Address) -> Result<()> {
        let Some(Door::Listener(backlog)) = door else { return Err(Errno::ConnRefused.into()) };
        let ticket = self.net.ticket()?;
        let queue = Arc::<WaitQueue>::default();
        let (here, there) = End::pair(self.domain == Domain::Unix, &self.queue, &queue);
        let peer = state.local.as_ref().map_or(Address::Unnamed, |local| local.name.clone());
        here.abort(state.options.aborts());
        backlog.push(Waiting { end: there, queue, local: to.clone(), peer, ticket })?;
        state.peer = Some(to);
        let _unused = self.end.set(here);
        self.queue.wake();
        Ok(())
    }

    fn connect_datagrams(&self, state: &mut State, to: &Destination) -> Result<()> {
        let inbox = self.inbox.as_ref().filter(|_| self.partner.is_none()).ok_or(Errno::IsConn)?;
        self.ensure_bound(state)?;
        let (peer, place) = match &to.0 {
            To::Inside(at) => (*at, Some(loopback_like(at.ip()))),
            To::Outside(admission) => (admission.address().ok_or(Errno::HostUnreach)?, None),
            _ => return Err(Errno::AfNoSupport.into()),
        };
        if let Some(place) = place {
            self.settle(state, place);
        }
        inbox.only(Some(peer));
        state.peer = Some(Address::Ip(peer));
        state.target = Some(to.clone());
        Ok(())
    }

    /// The address seen by a peer becomes definite.
    fn settle(&self, state: &mut State, source: std::net::IpAddr) {
        let Some(local) = &mut state.local else { return };
        if !matches!(local.place, Some(Place::One(_)))
            && let Address::Ip(address) = &mut local.name
        {
            address.set_ip(source);
        }
    }

    /// Stops reading, writing, or both. Errors: [`Errno::Inval`] for neither; [`Errno::NotConn`].
    pub fn shutdown(&self, read: bool, write: bool) -> Result<()> {
        if !read && !write {
            return Err(Errno::Inval.into());
        }
        let mut state = lock(&self.state);
        if let Some(end) = self.end.get() {
            end.shutdown(read, write);
        } else if let Some(tcp) = self.tcp.get() {
            tcp.shutdown(read, write)?;
        } else if let Some(backlog) = state.backlog.take() {
            // The door stays, and nobody is behind it.
            backlog.close();
        } else if let (Some(inbox), Some(_)) = (&self.inbox, &state.peer) {
            if read {
                inbox.deafen();
            }
            if write {
                state.mute = true;
                if let Some(partner) = &self.partner {
                    partner.end();
                }
            }
        } else {
            return Err(Errno::NotConn.into());
        }
        drop(state);
        self.queue.wake();
        Ok(())
    }

    /// What is set.
    #[must_use]
    pub fn options(&self) -> Options {
        lock(&self.state).options
    }

    /// Sets something.
    pub fn set_option(&self, option: SetOption) {
        let mut state = lock(&self.state);
        state.options.set(option);
        if let (SetOption::Linger(_), Some(end)) = (option, self.end.get()) {
            end.abort(state.options.aborts());
        }
    }

    /// What went wrong, told once: `SO_ERROR`.
    #[must_use]
    pub fn take_error(&self) -> Option<Errno> {
        let mut state = lock(&self.state);
        if state.connecting {
            return match self.connected(&mut state) {
                Ok(()) => None,
                Err(error) => Some(error.errno()).filter(|errno| *errno != Errno::Again),
            };
        }
        drop(state);
        let inside = self.end.get().and_then(End::take_error);
        inside
            .or_else(|| self.inbox.as_ref().and_then(|inbox| inbox.take_error()))
            .or_else(|| self.tcp.get().and_then(TcpSocket::take_error))
    }

    /// What was passed and waits to be received here.
    pub(super) fn parcels(&self) -> Vec<u64> {
        let backlog = lock(&self.state).backlog.clone();
        let here = self.end.get().map(End::parcels).unwrap_or_default();
        let datagrams = self.inbox.as_ref().map(|inbox| inbox.parcels()).unwrap_or_default();
        let behind = backlog.map(|backlog| backlog.parcels()).unwrap_or_default();
        [here, datagrams, behind].concat()
    }

    /// Whether it is part of a connection, or about to be.
    pub(super) fn is_taken(&self, state: &State) -> bool {
        state.connecting || self.end.get().is_some() || self.tcp.get().is_some()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let state = lock(&self.state);
        let backlog = state.backlog.clone();
        if let (true, Some(tcp)) = (state.options.aborts(), self.tcp.get()) {
            tcp.abort();
        }
        drop(state);
        if let Some(backlog) = backlog {
            backlog.close();
        }
        if let Some(inbox) = &self.inbox {
            inbox.leave();
        }
        if let Some(partner) = &self.partner {
            partner.end();
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id)
            .field("domain", &self.domain)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

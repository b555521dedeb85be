//! The names of a socket: binding, and telling them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use hob_os::{Errno, Result};

use super::address::{Address, nowhere, seen_by, socket_address};
use super::registry::{Binding, Door, Place, Ports};
use super::socket::{Socket, State};
use super::{Domain, SocketType};
use crate::fs::NodeId;
use crate::wait::lock;

/// The name a socket has.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) name: Address,
    /// Of a port: where.
    pub(super) place: Option<Place>,
    /// `None` for what was accepted: the name is the listener's.
    pub(super) binding: Option<Binding>,
}

impl Socket {
    /// Takes a name. Errors: [`Errno::Inval`] for a socket that has one, and for a name in the tree of files, which is for
    /// [`Socket::bind_node`]; [`Errno::AddrInUse`]; [`Errno::AddrNotAvail`] for an address that is not on the loopback
    /// network; [`Errno::AfNoSupport`] for one of another family.
    pub fn bind(&self, to: &Address) -> Result<()> {
        let mut state = lock(&self.state);
        self.may_bind(&state)?;
        match (to, self.domain) {
            (Address::Ip(at), Domain::Inet | Domain::Inet6) => self.bind_port(&mut state, *at),
            (Address::Host(name, port), Domain::Inet | Domain::Inet6) if self.net.is_own_name(name) => {
                self.bind_port(&mut state, socket_address(self.own_address(), *port))
            }
            (Address::Host(..), Domain::Inet | Domain::Inet6) => Err(Errno::AddrNotAvail.into()),
            (Address::Abstract(name), Domain::Unix) => self.bind_abstract(&mut state, Some(name.clone())),
            (Address::Autobind, Domain::Unix) => self.bind_abstract(&mut state, None),
            (Address::Path(_) | Address::Unnamed, Domain::Unix) => Err(Errno::Inval.into()),
            _ => Err(Errno::AfNoSupport.into()),
        }
    }

    /// Takes the name of a node that the walk made for it; `path` is how it was named.
    pub fn bind_node(&self, node: NodeId, path: &[u8]) -> Result<()> {
        let mut state = lock(&self.state);
        if self.domain != Domain::Unix {
            return Err(Errno::AfNoSupport.into());
        }
        self.may_bind(&state)?;
        let binding = self.net.registry.take_node(node, self.id);
        let name = Address::Path(path.to_vec());
        state.local = Some(Local { name, place: None, binding: Some(binding) });
        Ok(())
    }

    /// Its own name.
    #[must_use]
    pub fn local_name(&self) -> Address {
        let state = lock(&self.state);
        state.local.as_ref().map_or_else(|| nowhere(self.domain), |local| self.shown(&local.name))
    }

    /// The name of the other end. Errors: [`Errno::NotConn`].
    pub fn peer_name(&self) -> Result<Address> {
        let state = lock(&self.state);
        let peer = state.peer.as_ref().filter(|_| !state.connecting).ok_or(Errno::NotConn)?;
        Ok(self.shown(peer))
    }

    /// Has a port, whichever. Does nothing for a socket that has one.
    pub(super) fn ensure_bound(&self, state: &mut State) -> Result<()> {
        if state.local.is_some() {
            return Ok(());
        }
        let any: IpAddr = match self.domain {
            Domain::Inet => Ipv4Addr::UNSPECIFIED.into(),
            Domain::Inet6 => Ipv6Addr::UNSPECIFIED.into(),
            Domain::Unix => return Ok(()),
        };
        self.bind_port(state, socket_address(any, 0))
    }

    fn may_bind(&self, state: &State) -> Result<()> {
        let named = state.local.is_some() || self.partner.is_some() || self.is_taken(state);
        if named { Err(Errno::Inval.into()) } else { Ok(()) }
    }

    fn bind_port(&self, state: &mut State, at: SocketAddr) -> Result<()> {
        let address = at.ip().to_canonical();
        if self.domain == Domain::Inet && at.is_ipv6() {
            return Err(Errno::AfNoSupport.into());
        }
        let place = match address {
            IpAddr::V4(v4) if v4.is_unspecified() => Place::Any4,
            IpAddr::V6(v6) if v6.is_unspecified() => Place::Any,
            address if address.is_loopback() => Place::One(address),
            _ => return Err(Errno::AddrNotAvail.into()),
        };
        let (ports, door) = match &self.inbox {
            Some(inbox) => (Ports::Udp, Door::Inbox(Arc::clone(inbox))),
            None => (Ports::Tcp, Door::Shut),
        };
        debug_assert_eq!(ports == Ports::Udp, self.kind == SocketType::Datagram);
        let who = (self.id, state.options.reuse_address);
        let (port, binding) = self.net.registry.take_port(ports, (place, at.port()), who, door)?;
        let name = Address::Ip(socket_address(address, port));
        state.local = Some(Local { name, place: Some(place), binding: Some(binding) });
        Ok(())
    }

    fn bind_abstract(&self, state: &mut State, name: Option<Vec<u8>>) -> Result<()> {
        let (name, binding) = self.net.registry.take_abstract(name, self.id)?;
        state.local = Some(Local { name: Address::Abstract(name), place: None, binding: Some(binding) });
        Ok(())
    }

    /// The loopback address of its family.
    pub(super) fn own_address(&self) -> IpAddr {
        match self.domain {
            Domain::Inet6 => Ipv6Addr::LOCALHOST.into(),
            _ => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// An address as this socket shows it.
    pub(super) fn shown(&self, address: &Address) -> Address {
        match address {
            Address::Ip(at) => Address::Ip(seen_by(self.domain, *at)),
            other => other.clone(),
        }
    }
}

/// The source of what is sent to a loopback address.
pub(super) fn loopback_like(to: IpAddr) -> IpAddr {
    match to {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

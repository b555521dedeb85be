//! Who has which name: ports, names in the tree of files, names outside of it.
//!
//! The table holds doors, never sockets: what is behind a name is a queue of connections or of datagrams, and it goes
//! with the [`Binding`] of the socket that has the name.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use hob_os::{Errno, Result};

use super::backlog::Backlog;
use super::inbox::Inbox;
use crate::fs::NodeId;
use crate::wait::lock;

/// Ports for sockets that ask for any.
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// How many names the kernel makes up: five hexadecimal digits.
const AUTOBIND_NAMES: u32 = 1 << 20;

/// Which ports: those of connections or those of datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    Tcp,
    Udp,
}

/// At which addresses a port is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Every IPv4 address.
    Any4,
    /// Every address, those of IPv4 too.
    Any,
    /// This one.
    One(IpAddr),
}

impl Place {
    fn has(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Any4 => address.is_ipv4(),
            Self::One(own) => own == address,
        }
    }

    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::One(one), place) | (place, Self::One(one)) => place.has(one),
            _ => true,
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::One(_) => 2,
            Self::Any4 => 1,
            Self::Any => 0,
        }
    }
}

/// What is behind a name.
#[derive(Clone, Debug)]
pub(super) enum Door {
    /// Nothing yet: the name is kept.
    Shut,
    Listener(Arc<Backlog>),
    Inbox(Arc<Inbox>),
}

#[derive(Debug)]
struct Bound {
    id: u64,
    place: Place,
    reuse: bool,
    door: Door,
}

/// The name of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Port(Ports, u16),
    Node(NodeId),
    Abstract(Vec<u8>),
}

/// All names of one session.
#[derive(Debug)]
pub(super) struct Registry(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    tcp: BTreeMap<u16, Vec<Bound>>,
    udp: BTreeMap<u16, Vec<Bound>>,
    nodes: HashMap<NodeId, (u64, Door)>,
    abstracts: HashMap<Vec<u8>, (u64, Door)>,
    /// Where the search for a free port, or a free name, goes on.
    next_port: u16,
    next_name: u32,
}

/// A name that a socket has, until dropped.
#[derive(Debug)]
pub(super) struct Binding {
    registry: Arc<Registry>,
    id: u64,
    key: Key,
}

impl Registry {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Names { next_port: *EPHEMERAL.start(), ..Names::default() }))
    }

    /// Takes a port, or any port for 0. Errors: [`Errno::AddrInUse`].
    pub(super) fn take_port(
        self: &Arc<Self>,
        ports: Ports,
        (place, port): (Place, u16),
        (id, reuse): (u64, bool),
        door: Door,
    ) -> Result<(u16, Binding)> {
        let mut names = lock(&self.0);
        let first = names.next_port;
        let table = names.table(ports);
        let port = if port == 0 {
            let free = |port: &u16| !conflicts(table, ports, *port, place, false);
            let upper = (first..=*EPHEMERAL.end()).find(free);
            let port = upper.or_else(|| (*EPHEMERAL.start()..first).find(free)).ok_or(Errno::AddrInUse)?;
            names.next_port = if port == *EPHEMERAL.end() { *EPHEMERAL.start() } else { port + 1 };
            port
        } else if conflicts(table, ports, port, place, reuse) {
            return Err(Errno::AddrInUse.into());
        } else {
            port
        };
        names.table(ports).entry(port).or_default().push(Bound { id, place, reuse, door });
        Ok((port, self.binding(id, Key::Port(ports, port))))
    }

    /// Takes the name of a node of the tree of files, which was made for this socket.
    pub(super) fn take_node(self: &Arc<Self>, node: NodeId, id: u64) -> Binding {
        lock(&self.0).nodes.insert(node, (id, Door::Shut));
        self.binding(id, Key::Node(node))
    }

    /// Takes a name outside the tree of files; `None` is any. Errors: [`Errno::AddrInUse`].
    pub(super) fn take_abstract(
        self: &Arc<Self>,
        name: Option<Vec<u8>>,
        id: u64,
    ) -> Result<(Vec<u8>, Binding)> {
        let mut names = lock(&self.0);
        let name = match name {
            Some(name) if names.abstracts.contains_key(&name) => return Err(Errno::AddrInUse.into()),
            Some(name) => name,
            None => {
                let first = names.next_name;
                let free = |number: u32| {
                    let name = format!("{:05x}", number % AUTOBIND_NAMES).into_bytes();
                    (!names.abstracts.contains_key(&name)).then_some((number, name))
                };
                let found = (first..first + AUTOBIND_NAMES).find_map(free);
                let (number, name) = found.ok_or(Errno::AddrInUse)?;
                names.next_name = (number + 1) % AUTOBIND_NAMES;
                name
            }
        };
        names.abstracts.insert(name.clone(), (id, Door::Shut));
        Ok((name.clone(), self.binding(id, Key::Abstract(name))))
    }

    /// What is at an address of the network, the closest match first and then the youngest.
    pub(super) fn at(&self, ports: Ports, to: SocketAddr) -> Option<Door> {
        let mut names = lock(&self.0);
        let bound = names.table(ports).get(&to.port())?;
        let fits = bound.iter().filter(|bound| bound.place.has(to.ip()) && !matches!(bound.door, Door::Shut));
        fits.max_by_key(|bound| bound.place.rank()).map(|bound| bound.door.clone())
    }

    pub(super) fn at_node(&self, node: NodeId) -> Option<Door> {
        lock(&self.0).nodes.get(&node).map(|(_, door)| door.clone())
    }

    pub(super) fn at_abstract(&self, name: &[u8]) -> Option<Door> {
        lock(&self.0).abstracts.get(name).map(|(_, door)| door.clone())
    }

    /// How many names are taken.
    pub(super) fn count(&self) -> usize {
        let names = lock(&self.0);
        let ports = |table: &BTreeMap<u16, Vec<Bound>>| table.values().map(Vec::len).sum::<usize>();
        ports(&names.tcp) + ports(&names.udp) + names.nodes.len() + names.abstracts.len()
    }

    fn binding(self: &Arc<Self>, id: u64, key: Key) -> Binding {
        Binding { registry: Arc::clone(self), id, key }
    }
}

impl Names {
    fn table(&mut self, ports: Ports) -> &mut BTreeMap<u16, Vec<Bound>> {
        match ports {
            Ports::Tcp => &mut self.tcp,
            Ports::Udp => &mut self.udp,
        }
    }
}

/// Whether somebody else has a port at one of these addresses, and does not share it. Sockets that both ask to reuse
/// addresses share ports of datagrams, and ports of connections until one of them listens.
fn conflicts(table: &BTreeMap<u16, Vec<Bound>>, ports: Ports, port: u16, place: Place, reuse: bool) -> bool {
    table.get(&port).is_some_and(|bound| {
        bound.iter().any(|bound| {
            let shares =
                bound.reuse && reuse && (ports == Ports::Udp || !matches!(bound.door, Door::Listener(_)));
            bound.place.meets(place) && !shares
        })
    })
}

impl Binding {
    /// Opens the door. Errors: [`Errno::AddrInUse`] when another one that shares the port listens already.
    pub(super) fn open(&self, door: Door) -> Result<()> {
        let mut names = lock(&self.registry.0);
        match &self.key {
            Key::Port(ports, port) => {
                let bound = names.table(*ports).entry(*port).or_default();
                let place = bound.iter().find(|bound| bound.id == self.id).map(|bound| bound.place);
                let place = place.ok_or(Errno::Inval)?;
                let taken = bound.iter().any(|bound| {
                    bound.id != self.id && bound.place.meets(place) && matches!(bound.door, Door::Listener(_))
                });
                if taken {
                    return Err(Errno::AddrInUse.into());
                }
                if let Some(own) = bound.iter_mut().find(|bound| bound.id == self.id) {
                    own.door = door;
                }
            }
            Key::Node(node) => {
                if let Some((_, own)) = names.nodes.get_mut(node).filter(|(id, _)| *id == self.id) {
                    *own = door;
                }
            }
            Key::Abstract(name) => {
                if let Some((_, own)) = names.abstracts.get_mut(name).filter(|(id, _)| *id == self.id) {
                    *own = door;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        let mut names = lock(&self.registry.0);
        match &self.key {
            Key::Port(ports, port) => {
                let table = names.table(*ports);
                if let Some(bound) = table.get_mut(port) {
                    bound.retain(|bound| bound.id != self.id);
                    if bound.is_empty() {
                        table.remove(port);
                    }
                }
            }
            // A node may be somebody else's by now: its number was used again.
            Key::Node(node) => {
                if names.nodes.get(node).is_some_and(|(id, _)| *id == self.id) {
                    names.nodes.remove(node);
                }
            }
            Key::Abstract(name) => {
                names.abstracts.remove(name);
            }
        }
    }
}

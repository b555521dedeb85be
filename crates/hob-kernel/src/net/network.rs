//! The network of one session.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use hob_os::egress::{Pause, Sockets};
use hob_os::{Errno, Result};

use super::address::host_of;
use super::inbox::Budget;
use super::passed::{Passed, Transit};
use super::registry::Registry;
use super::socket::Socket;
use super::{Domain, SocketType, refused};
use crate::limits::SOCKETS_MAX;

/// The network of one session: its own loopback, its own names, and a way outside as granted. Dropped, it lets go of
/// every descriptor that is still on its way through a socket.
pub struct Network(Arc<Shared>);

/// What all sockets of a session share.
pub(super) struct Shared {
    pub(super) registry: Arc<Registry>,
    pub(super) budget: Arc<Budget>,
    pub(super) transit: Arc<Transit>,
    pub(super) outside: Sockets,
    host_name: String,
    sockets: Arc<AtomicUsize>,
    next_id: AtomicU64,
}

/// One socket of those a session may have, until dropped.
#[derive(Debug)]
pub(super) struct Ticket(Arc<AtomicUsize>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Network {
    /// A network in which nobody is yet. `host_name` is what the session calls itself; `outside` is the way outside.
    #[must_use]
    pub fn new(host_name: &str, outside: Sockets) -> Self {
        Self(Arc::new(Shared {
            registry: Arc::new(Registry::new()),
            budget: Arc::default(),
            transit: Arc::default(),
            outside,
            host_name: host_name.to_ascii_lowercase(),
            sockets: Arc::default(),
            next_id: AtomicU64::new(1),
        }))
    }

    /// A socket. Errors: [`Errno::ProtoNoSupport`] for datagrams with names of files, which exist only in pairs;
    /// [`Errno::Nfile`] past [`SOCKETS_MAX`].
    pub fn socket(&self, domain: Domain, kind: SocketType) -> Result<Arc<Socket>> {
        if (domain, kind) == (Domain::Unix, SocketType::Datagram) {
            return Err(Errno::ProtoNoSupport.into());
        }
        Ok(Arc::new(Socket::new(&self.0, domain, kind, Arc::default(), self.0.ticket()?)))
    }

    /// Two sockets without names, each the other's peer. Errors: [`Errno::Nfile`].
    pub fn pair(&self, kind: SocketType) -> Result<(Arc<Socket>, Arc<Socket>)> {
        Socket::pair(&self.0, kind)
    }

    /// The addresses of a host, as a program asks for them: numbers as they are, this session by its name and as
    /// `localhost`, everything else by grant. `family` leaves out the other one.
    ///
    /// May wait for an answer, in `pause`. Errors: [`Errno::Acces`] for a name no grant covers, which is then asked of
    /// nobody; [`Errno::Noent`] for one that has no address, or none of the family; [`Errno::Inval`] for what is no name.
    pub fn addresses(&self, host: &[u8], family: Option<Domain>, pause: Pause<'_>) -> Result<Vec<IpAddr>> {
        let host = host.split(|byte| *byte == 0).next().unwrap_or_default();
        let host = std::str::from_utf8(host).map_err(|_| Errno::Inval)?;
        let all = match host_of(host).ok_or(Errno::Inval)? {
            Ok(address) => vec![address],
            Err(name) if self.0.is_own_name(&name) => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Err(name) => self.0.outside.lookup(&name, pause).map_err(|error| refused(&error))?,
        };
        let wanted = |address: &IpAddr| match family {
            Some(Domain::Inet) => address.is_ipv4(),
            Some(Domain::Inet6) => address.is_ipv6(),
            _ => true,
        };
        let found: Vec<IpAddr> = all.into_iter().filter(wanted).collect();
        if found.is_empty() { Err(Errno::Noent.into()) } else { Ok(found) }
    }

    /// Lets go of what was passed and nobody can receive any more. `socket` says which socket a thing is. Returns whether
    /// there was any.
    pub fn sweep(&self, socket: impl Fn(&Passed) -> Option<Arc<Socket>>) -> bool {
        self.0.transit.count() > 0 && self.0.transit.sweep(socket)
    }

    /// Sockets there are, connections that wait to be accepted among them.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.0.sockets.load(Ordering::Acquire)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.0.transit.close();
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(&self.0).finish()
    }
}

impl Shared {
    /// Counts one more socket. Errors: [`Errno::Nfile`].
    pub(super) fn ticket(&self) -> Result<Ticket> {
        let more = |count: usize| (count < SOCKETS_MAX).then_some(count + 1);
        let taken = self.sockets.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.map(|_| Ticket(Arc::clone(&self.sockets))).map_err(|_| Errno::Nfile.into())
    }

    /// A number no other socket of the session ever had.
    pub(super) fn id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether a name, in lower case, is this session's (RFC 6761, section 6.3, and the name it was given).
    pub(super) fn is_own_name(&self, name: &str) -> bool {
        name == "localhost" || name.ends_with(".localhost") || name == self.host_name
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("names", &self.registry.count())
            .field("datagram_bytes", &self.budget.used())
            .field("passed", &self.transit.count())
            .finish_non_exhaustive()
    }
}

/// Sets a cell whose value is made first; whoever was first wins.
pub(super) fn fill<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

//! Connections, datagrams and lookups of one session, each of them by grant.
//!
//! It is the decision of [`admit`](super::admit), and an [`Admission`] is the proof that it was made: only that can be
//! connected or sent to, and it holds the very addresses that were looked at. The record is made before a name is asked
//! for and before anything is sent.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hob_cap::{AuditSink, HostPattern, Scheme, escape_guest_text};

use super::Egress;
use super::address::{AddressKind, kind};
use super::admit::Admitted;
use super::error::{EgressError, EgressErrorKind, bad};
use super::names::Names;
use super::own::is_own;
use super::record::{Shown, recorded};
use super::resolve::{Pause, resolve};
use super::socket::{TcpSocket, UdpSocket};
use super::target::{Host, Target, parse_host};
use crate::audit::Audit;
use crate::{Errno, OsError};

type Result<T> = std::result::Result<T, EgressError>;

/// The most addresses that are told of one name.
const ADDRESSES_MAX: usize = 64;

/// What goes over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A connection.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Transport {
    fn scheme(self) -> Scheme {
        match self {
            Self::Tcp => Scheme::Tcp,
            Self::Udp => Scheme::Udp,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A place outside that may be connected or sent to.
#[derive(Clone, Debug)]
pub struct Admission {
    transport: Transport,
    addresses: Vec<Admitted>,
}

impl Admission {
    /// The first of its addresses.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.addresses.first().map(|admitted| admitted.socket)
    }

    pub(crate) fn addresses(&self, transport: Transport) -> Result<&[Admitted]> {
        if self.transport == transport { Ok(&self.addresses) } else { Err(bad("it was allowed otherwise")) }
    }
}

/// The way outside of one session. Clones are the same one.
#[derive(Clone)]
pub struct Sockets {
    egress: Egress,
    audit: Audit,
    names: Arc<Mutex<Names>>,
}

impl Egress {
    /// The sockets of a session that may reach this. Uses are recorded in `audit`, or nowhere.
    #[must_use]
    pub fn sockets(&self, audit: Option<Arc<dyn AuditSink>>) -> Sockets {
        Sockets { egress: self.clone(), audit: Audit::new(audit), names: Arc::default() }
    }
}

impl Sockets {
    /// No way outside.
    #[must_use]
    pub fn none() -> Self {
        Egress::none().sockets(None)
    }

    /// Decides about a name and a port. The name is looked up only if a grant covers it; `pause` waits for the answer.
    ///
    /// # Errors
    ///
    /// No grant covers it, or the name leads where it may not; it does not resolve; those of `pause`.
    pub fn admit_name(
        &self,
        transport: Transport,
        name: &str,
        port: u16,
        pause: Pause<'_>,
    ) -> Result<Admission> {
        let target = target(transport, parse_host(name)?, port);
        let admission = self.record(&target, transport, |note| {
            self.egress.grant(&target, "")?;
            note()?;
            let addresses = self.egress.admit(&target, "", pause)?;
            not_own(&addresses)?;
            Ok(Admission { transport, addresses })
        })?;
        if let Host::Name(name) = &target.host {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            admission.addresses.iter().for_each(|admitted| names.remember(name, admitted.socket.ip()));
        }
        Ok(admission)
    }

    /// Decides about an address and a port: by a grant that names the address, or one for a name that led to it.
    ///
    /// # Errors
    ///
    /// No grant covers it.
    pub fn admit_address(&self, transport: Transport, at: SocketAddr) -> Result<Admission> {
        let address = at.ip().to_canonical();
        let (target, named) = self.target_of(transport, address, at.port());
        self.record(&target, transport, |note| {
            self.egress.grant(&target, "")?;
            let named = named?;
            note()?;
            let addresses = vec![Admitted { socket: SocketAddr::new(address, at.port()), named }];
            not_own(&addresses)?;
            Ok(Admission { transport, addresses })
        })
    }

    /// Whether a grant covers an address. Nothing is done, so nothing is recorded.
    #[must_use]
    pub fn covers(&self, transport: Transport, at: SocketAddr) -> bool {
        let (target, named) = self.target_of(transport, at.ip().to_canonical(), at.port());
        self.egress.grant(&target, "").is_ok() && named.is_ok()
    }

    /// The addresses of a name that some grant covers, for whatever purpose. They are what [`Sockets::admit_address`] is
    /// asked about afterwards; an address that is not public is told only if a grant names it.
    ///
    /// # Errors
    ///
    /// As [`Sockets::admit_name`].
    pub fn lookup(&self, name: &str, pause: Pause<'_>) -> Result<Vec<IpAddr>> {
        let Host::Name(name) = parse_host(name)? else { return Err(bad("an address is no name")) };
        let shown = Shown(escape_guest_text(&name, 260));
        let grant = self.egress.grants.iter().find(|grant| grant.host.matches(&name));
        let flag = grant.map(|grant| format!("--net '{grant}'"));
        let found = recorded(&self.audit, "dns", &shown, flag.as_deref(), |note| {
            if grant.is_none() {
                return Err(EgressError::new(EgressErrorKind::Denied(format!(
                    "the name `{}` is not granted; --net 'tcp://{name}:PORT' would allow it",
                    shown.0
                ))));
            }
            note.allowed()?;
            let mut found = resolve(&self.egress.resolver, &name, pause)?;
            found.truncate(ADDRESSES_MAX);
            found.iter().try_for_each(|address| self.may_tell(&name, *address))?;
            Ok(found)
        })?;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        found.iter().for_each(|address| names.remember(&name, *address));
        Ok(found)
    }

    /// Begins to connect, without waiting, to the first of the admitted addresses that there is a way to: of IPv4 only,
    /// unless `v6`.
    ///
    /// # Errors
    ///
    /// There is no way to any of them.
    pub fn connect(&self, admission: &Admission, v6: bool) -> Result<TcpSocket> {
        let mut last = EgressError::new(EgressErrorKind::Os(Errno::HostUnreach));
        for admitted in admission.addresses(Transport::Tcp)? {
            if !v6 && admitted.socket.is_ipv6() {
                continue;
            }
            match TcpSocket::begin(admitted.socket) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    /// A socket for datagrams.
    ///
    /// # Errors
    ///
    /// The machine has none.
    pub fn datagrams(&self, v6: bool) -> Result<UdpSocket> {
        UdpSocket::open(v6).map_err(EgressError::from)
    }

    /// What a connection to an address is, to a grant: the address, or the first granted name that led to it. And whether
    /// a grant speaks for the address itself, or why the name may not lead there.
    fn target_of(&self, transport: Transport, address: IpAddr, port: u16) -> (Target, Result<bool>) {
        let own = target(transport, Host::Address(address), port);
        if self.egress.grant(&own, "").is_ok() {
            return (own, Ok(true));
        }
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner).of(address);
        for name in names {
            let named = target(transport, Host::Name(name.clone()), port);
            if self.egress.grant(&named, "").is_ok() {
                let checked = self.egress.check(&named, &name, address, "");
                return (named, checked);
            }
        }
        (own, Ok(false))
    }

    /// Whether a guest may know that a name leads to an address.
    fn may_tell(&self, name: &str, address: IpAddr) -> Result<()> {
        let what = kind(address);
        let granted = || self.egress.grants.iter().any(|grant| grant.host == HostPattern::Address(address));
        let fine = match what {
            AddressKind::Public => name != "localhost",
            AddressKind::Loopback => name == "localhost",
            _ => false,
        };
        if fine || granted() {
            return Ok(());
        }
        let why = format!("`{name}` leads to {address}, {what}, which no grant names");
        Err(EgressError::new(EgressErrorKind::Address(why)))
    }

    fn record<T>(
        &self,
        target: &Target,
        transport: Transport,
        work: impl FnOnce(&dyn Fn() -> Result<()>) -> Result<T>,
    ) -> Result<T> {
        let shown = Shown(target.shown());
        let grant = self.egress.grant(target, "").map(|grant| format!("--net '{grant}'")).ok();
        recorded(&self.audit, transport.name(), &shown, grant.as_deref(), |note| work(&|| note.allowed()))
    }
}

/// Connections and datagrams have no path.
fn target(transport: Transport, host: Host, port: u16) -> Target {
    Target { scheme: transport.scheme(), host, port, path: String::new() }
}

/// Refuses addresses that look public and are this machine's. One that there is no way to is no matter here.
fn not_own(addresses: &[Admitted]) -> Result<()> {
    for admitted in addresses.iter().filter(|admitted| !admitted.named) {
        if is_own(admitted.socket).unwrap_or(false) {
            let why = format!(
                "{} is this machine; a --net that names the address would allow it",
                admitted.socket.ip()
            );
            return Err(EgressError::new(EgressErrorKind::Address(why)));
        }
    }
    Ok(())
}

impl From<Errno> for EgressError {
    fn from(errno: Errno) -> Self {
        OsError::from(errno).into()
    }
}

impl std::fmt::Debug for Sockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sockets").field("egress", &self.egress).finish_non_exhaustive()
    }
}

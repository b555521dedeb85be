//! Outbound network: the one place that decides what a guest may reach, and the HTTP client and the sockets behind it.
//!
//! ```text
//! a URL ──target──▶ scheme, host, port ──admit: grants──▶ a name that may be looked up ──resolve──▶ addresses
//!       ──admit: kinds of address──▶ addresses that may be connected to ──transport──▶ exactly those
//! ```
//!
//! Every redirect goes through the whole of it again. What it stops:
//!
//! * a lookup as a way out: a name that no grant covers is never resolved;
//! * a name that leads inside: an address that is private, loopback, link-local, of a cloud's metadata service or
//!   otherwise not public is refused unless a grant names that very address (the name `localhost` grants loopback);
//! * rebinding: the addresses that were checked are the ones that are connected to;
//! * spellings that parsers disagree about: user info, backslashes, numbers in disguise, zones;
//! * redirects that leave what is granted, downgrade to plain HTTP, or carry credentials elsewhere;
//! * answers without end: headers, bodies (as sent and unpacked), redirects and time are bounded, and every wait ends
//!   with the guest's stop token.

mod address;
mod admit;
mod error;
mod http;
mod names;
mod own;
mod record;
mod resolve;
mod socket;
mod sockets;
mod target;
mod transport;

use std::sync::Arc;

use hob_cap::{Limits, NetGrant, Scheme};

pub use address::AddressKind;
pub use error::{EgressError, EgressErrorKind};
pub use http::{HttpRequest, HttpResponse};
pub use resolve::{FixedResolver, Pause, Resolver, SystemResolver};
pub use socket::{Datagram, SocketReady, TcpSocket, UdpSocket};
pub use sockets::{Admission, Sockets, Transport};

/// What one guest may reach over the network, and how names are resolved for it.
#[derive(Clone)]
pub struct Egress {
    pub(crate) grants: Arc<Vec<NetGrant>>,
    pub(crate) resolver: Arc<dyn Resolver>,
    /// Certificates that sign for servers, besides or instead of the usual ones; DER.
    pub(crate) roots: Option<Arc<Vec<Vec<u8>>>>,
    pub(crate) limits: Limits,
}

impl Egress {
    /// What these grants name, resolved by the system.
    #[must_use]
    pub fn new(grants: Vec<NetGrant>, limits: &Limits) -> Self {
        Self {
            grants: Arc::new(grants),
            resolver: Arc::new(SystemResolver),
            roots: None,
            limits: limits.clone(),
        }
    }

    /// Nothing at all.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new(), &Limits::default())
    }

    /// Resolves names by `resolver`.
    #[must_use]
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Trusts servers whose certificates these sign, DER each, and no others.
    #[must_use]
    pub fn roots(mut self, roots: Vec<Vec<u8>>) -> Self {
        self.roots = Some(Arc::new(roots));
        self
    }

    /// Scheme and port with which a host is granted: HTTPS before HTTP. For contracts that name only a host.
    #[must_use]
    pub fn origin_of(&self, host: &str) -> Option<(Scheme, u16)> {
        let of = |scheme: Scheme, default: u16| {
            let grant =
                self.grants.iter().find(|grant| grant.scheme == scheme && grant.host.matches(host))?;
            Some((scheme, grant.port.unwrap_or(default)))
        };
        of(Scheme::Https, 443).or_else(|| of(Scheme::Http, 80))
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("grants", &self.grants).finish_non_exhaustive()
    }
}

//! The decision: may this guest reach that host, and at which addresses.

use std::net::{IpAddr, SocketAddr};

use hob_cap::{HostPattern, NetGrant, Scheme};

use super::Egress;
use super::address::{AddressKind, kind};
use super::error::{EgressError, EgressErrorKind};
use super::resolve::{Pause, resolve};
use super::target::{Host, Target};

/// The most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// An address that may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) socket: SocketAddr,
    /// Whether a grant named this address, rather than a name that leads to it.
    pub(crate) named: bool,
}

impl Egress {
    /// The grant that covers a request. Nothing is looked up.
    pub(crate) fn grant(&self, target: &Target, method: &str) -> Result<&NetGrant, EgressError> {
        let host = target.host.text();
        let covers = |grant: &&NetGrant| grant.matches(target.scheme, &host, target.port, method);
        self.grants.iter().find(covers).ok_or_else(|| {
            let flag = flag(target.scheme, &host, target.port, method);
            EgressError::new(EgressErrorKind::Denied(format!(
                "{} is not granted; {flag} would allow it",
                format!("{method} {}", target.shown()).trim_start()
            )))
        })
    }

    /// The addresses a granted request may connect to: every one of them is public, or granted by name of address.
    pub(crate) fn admit(
        &self,
        target: &Target,
        method: &str,
        pause: Pause<'_>,
    ) -> Result<Vec<Admitted>, EgressError> {
        self.grant(target, method)?;
        let found = match &target.host {
            // An address was granted as the address it is.
            Host::Address(address) => vec![(*address, true)],
            Host::Name(name) => {
                let found = resolve(&self.resolver, name, pause)?;
                let check = |address| Ok((address, self.check(target, name, address, method)?));
                found.into_iter().map(check).collect::<Result<_, EgressError>>()?
            }
        };
        Ok(found
            .into_iter()
            .take(ADDRESSES_MAX)
            .map(|(address, named)| Admitted { socket: SocketAddr::new(address, target.port), named })
            .collect())
    }

    /// Refuses a name that leads to an address which is not public, even beside others that are: whoever answers for the
    /// name would choose which one is used. Gives whether a grant speaks for the address itself.
    pub(crate) fn check(
        &self,
        target: &Target,
        name: &str,
        address: IpAddr,
        method: &str,
    ) -> Result<bool, EgressError> {
        let kind = kind(address);
        let loopback = kind == AddressKind::Loopback && self.grants_localhost(target, name, method);
        if loopback || self.names(target, address, method) {
            return Ok(true);
        }
        // The name `localhost` leads nowhere else.
        if kind == AddressKind::Public && name != "localhost" {
            return Ok(false);
        }
        let host = Host::Address(address).text();
        Err(EgressError::new(EgressErrorKind::Address(format!(
            "`{name}` leads to {address}, {kind}; {} would allow it",
            flag(target.scheme, &host, target.port, method)
        ))))
    }

    /// Whether a grant names this very address.
    fn names(&self, target: &Target, address: IpAddr, method: &str) -> bool {
        let host = Host::Address(address).text();
        self.grants.iter().any(|grant| {
            grant.host == HostPattern::Address(address)
                && grant.matches(target.scheme, &host, target.port, method)
        })
    }

    /// The name `localhost` is this machine (RFC 6761), so who grants the name grants that.
    fn grants_localhost(&self, target: &Target, name: &str, method: &str) -> bool {
        name == "localhost"
            && self.grants.iter().any(|grant| {
                grant.host == HostPattern::Name("localhost".into())
                    && grant.matches(target.scheme, name, target.port, method)
            })
    }
}

/// The flag that would allow a request; connections have no method.
fn flag(scheme: Scheme, host: &str, port: u16, method: &str) -> String {
    match method {
        "" => format!("--net '{scheme}://{host}:{port}'"),
        method => format!("--net '[{method}] {scheme}://{host}:{port}'"),
    }
}

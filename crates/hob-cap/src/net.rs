//! Outbound network grants: which scheme, host, port and method a guest may reach.
//!
//! A pattern has one spelling and one meaning. Whatever two programs could read differently is refused when the pattern
//! is read, and never matched when a guest asks. Stops: `good.example@evil.example`, `evilgood.example` slipping past a
//! suffix test, `2130706433` and `0x7f.1` for 127.0.0.1, a homograph for a known name, a path or backslash that one
//! parser takes for the end of the host and another for part of it.
//!
//! This module decides about names only. Which addresses a granted name may resolve to is decided where it is resolved.

mod host;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use host::HostPattern;

use crate::grant::GrantError;

/// Outbound connections: every combination of the scheme, a host, a port and a method that the parts match.
///
/// Written `[METHOD,METHOD] SCHEME://HOST:PORT`. Without methods it is every method; without a port it is the scheme's own;
/// `*` is every port; `*.example.com` is every name below `example.com`, and not `example.com` itself.
///
/// ```
/// use hob_cap::{NetGrant, Scheme};
/// let grant = NetGrant::parse("[GET,HEAD] https://*.example.com")?;
/// assert!(grant.matches(Scheme::Https, "api.example.com", 443, Some("GET")));
/// assert!(!grant.matches(Scheme::Https, "example.com", 443, Some("GET")));
/// assert!(!grant.matches(Scheme::Https, "api.example.com", 443, Some("POST")));
/// assert!(NetGrant::parse("https://good.example@evil.example").is_err());
/// # Ok::<(), hob_cap::GrantError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetGrant {
    /// The protocol.
    pub scheme: Scheme,
    /// The hosts.
    pub host: HostPattern,
    /// The ports.
    pub port: PortPattern,
    /// The methods; for a scheme without methods, [`Methods::any`].
    pub methods: Methods,
}

/// A protocol a guest may speak to another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// HTTP without encryption.
    Http,
    /// HTTP over TLS.
    Https,
    /// A plain connection.
    Tcp,
}

/// One port or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortPattern {
    /// This port. 0 is no port and matches nothing.
    Is(u16),
    /// Every port.
    Any,
}

/// The methods of HTTP that a grant covers: some, or every one. Never none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Methods(BTreeSet<String>);

/// The longest method name, in bytes.
const METHOD_BYTES_MAX: usize = 32;

impl NetGrant {
    /// Reads `[METHOD,METHOD] SCHEME://HOST:PORT`.
    ///
    /// # Errors
    ///
    /// What is wrong with the pattern, and where there is one, what to write instead.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        Self::read(text)
            .map_err(|why| GrantError::new(text, "network grant ([METHODS] SCHEME://HOST:PORT)", why))
    }

    /// Whether this grant covers a connection. `host` is a name, an IPv4 address or an IPv6 address with or without
    /// brackets; one that is spelled in any doubtful way matches nothing. Does not allocate.
    #[must_use]
    pub fn matches(&self, scheme: Scheme, host: &str, port: u16, method: Option<&str>) -> bool {
        self.scheme == scheme
            && self.port.matches(port)
            && self.methods.matches(method)
            && self.host.matches(host)
    }

    fn read(text: &str) -> Result<Self, String> {
        let (methods, rest) = match text.strip_prefix('[') {
            Some(rest) => {
                let (list, rest) = rest.split_once(']').ok_or("the list of methods has no `]`")?;
                (Methods::read(list)?, rest.trim_start_matches(' '))
            }
            None => (Methods::any(), text),
        };
        if rest.is_empty() {
            return Err("the host is missing".into());
        }
        if rest.contains('\\') {
            return Err("it holds a backslash, which some programs read as `/`".into());
        }
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("it holds white space or a control character".into());
        }
        let (scheme, authority) = rest
            .split_once("://")
            .ok_or("the scheme is missing; write https://, http:// or tcp:// before the host")?;
        let scheme = Scheme::read(scheme)?;
        if authority.contains('@') {
            return Err("it holds `@`; a grant names a host, never a user or password".into());
        }
        if authority.contains(['/', '?', '#']) {
            return Err("it goes on after the host and port; a grant covers whole hosts, not paths".into());
        }
        let (host, port) = host::split_port(authority)?;
        let port = match (port, scheme.default_port()) {
            (Some(port), _) => PortPattern::read(port)?,
            (None, Some(port)) => PortPattern::Is(port),
            (None, None) => {
                return Err(format!("{scheme} has no port of its own; write one after the host, or `:*`"));
            }
        };
        if scheme == Scheme::Tcp && methods != Methods::any() {
            return Err("tcp has no methods".into());
        }
        Ok(Self { scheme, host: HostPattern::read(host)?, port, methods })
    }

    /// The largest grant within both, if they have anything in common.
    pub(crate) fn meet(&self, other: &Self) -> Option<Self> {
        if self.scheme != other.scheme {
            return None;
        }
        let host = lesser(&self.host, &other.host, HostPattern::covers)?.clone();
        let port = *lesser(&self.port, &other.port, PortPattern::covers)?;
        let methods = self.methods.meet(&other.methods)?;
        Some(Self { scheme: self.scheme, host, port, methods })
    }

    /// Whether this grant covers everything that `other` does, methods aside.
    pub(crate) fn covers_place(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host.covers(&other.host) && self.port.covers(&other.port)
    }
}

/// The one of two that lies within the other: patterns either nest or have nothing in common.
fn lesser<'a, T>(a: &'a T, b: &'a T, covers: impl Fn(&T, &T) -> bool) -> Option<&'a T> {
    if covers(a, b) {
        return Some(b);
    }
    covers(b, a).then_some(a)
}

impl Scheme {
    /// The port of this protocol, where it has one of its own.
    #[must_use]
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https => Some(443),
            Self::Tcp => None,
        }
    }

    /// The name, as it stands before `://`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
        }
    }

    fn read(text: &str) -> Result<Self, String> {
        [Self::Http, Self::Https, Self::Tcp]
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| "the scheme is none of http, https and tcp".into())
    }
}

impl PortPattern {
    /// Whether it covers a port. Port 0 is covered by nothing.
    #[must_use]
    pub fn matches(self, port: u16) -> bool {
        port != 0 && (self == Self::Any || self == Self::Is(port))
    }

    fn covers(&self, other: &Self) -> bool {
        *self == Self::Any || self == other
    }

    fn read(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        match text.parse() {
            Ok(port) if plain => Ok(Self::Is(port)),
            _ => Err("its port is no number from 1 to 65535, and not `*` for every port".into()),
        }
    }
}

impl Methods {
    /// Every method.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// These methods, in upper case; an empty list is every method.
    ///
    /// # Errors
    ///
    /// When one of them is no method: 1 to 32 letters, digits, `-` or `_`.
    pub fn of<'a>(methods: impl IntoIterator<Item = &'a str>) -> Result<Self, GrantError> {
        let method = |method: &'a str| {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if (1..=METHOD_BYTES_MAX).contains(&method.len()) && method.bytes().all(good) {
                return Ok(method.to_ascii_uppercase());
            }
            Err(GrantError::new(method, "method", "write 1 to 32 letters, such as GET"))
        };
        methods.into_iter().map(method).collect::<Result<_, _>>().map(Self)
    }

    /// Whether every method is covered.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request with this method, or one without any, is covered. Methods differ by case, as in HTTP.
    #[must_use]
    pub fn matches(&self, method: Option<&str>) -> bool {
        self.is_any() || method.is_some_and(|method| self.0.contains(method))
    }

    fn read(list: &str) -> Result<Self, String> {
        let list = list.trim_matches(' ');
        if list.is_empty() {
            return Ok(Self::any());
        }
        Self::of(list.split(',').map(|method| method.trim_matches(' '))).map_err(|error| error.to_string())
    }

    /// One set for each method, or the one that covers every method: the parts that no two sets share piecemeal.
    pub(crate) fn parts(&self) -> Vec<Self> {
        if self.is_any() {
            return vec![Self::any()];
        }
        self.0.iter().map(|method| Self(BTreeSet::from([method.clone()]))).collect()
    }

    /// Whether it covers everything that `other` does.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.is_any() || (!other.is_any() && self.0.is_superset(&other.0))
    }

    /// What either covers.
    pub(crate) fn join(&self, other: &Self) -> Self {
        if self.is_any() || other.is_any() { Self::any() } else { Self(&self.0 | &other.0) }
    }

    /// What both cover, if anything: an empty set would mean every method.
    fn meet(&self, other: &Self) -> Option<Self> {
        if self.is_any() || other.is_any() {
            return Some(Self(&self.0 | &other.0));
        }
        let both = &self.0 & &other.0;
        (!both.is_empty()).then_some(Self(both))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        write!(f, "[{}]", names.join(","))
    }
}

/// As it is written: `[GET] https://example.com:8443`.
impl fmt::Display for NetGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.methods.is_any() {
            write!(f, "{} ", self.methods)?;
        }
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            PortPattern::Any => f.write_str(":*"),
            PortPattern::Is(port) if self.scheme.default_port() == Some(port) => Ok(()),
            PortPattern::Is(port) => write!(f, ":{port}"),
        }
    }
}

impl TryFrom<String> for NetGrant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        Self::parse(&text)
    }
}

impl From<NetGrant> for String {
    fn from(grant: NetGrant) -> Self {
        grant.to_string()
    }
}

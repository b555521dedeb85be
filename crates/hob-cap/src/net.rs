//! Outbound network grants: which scheme, host, port and method.
//!
//! A pattern is read once, strictly, into a form that can be compared; nothing is matched on text. Every spelling that
//! parsers disagree about (user info, a backslash, numbers that are addresses in disguise, a star in the middle, names
//! that only look like others) is refused when the grant is read, not guessed at when a request is made.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::grant::GrantError;

/// What a guest may reach over the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetGrant {
    /// The scheme.
    pub scheme: Scheme,
    /// The host or hosts.
    pub host: HostPattern,
    /// The port; `None` is any.
    pub port: Option<u16>,
    /// The HTTP methods, in capitals; empty is any. Only for `http` and `https`.
    pub methods: BTreeSet<String>,
}

/// How a connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// HTTP over TLS.
    Https,
    /// Plain HTTP.
    Http,
    /// A TCP connection.
    Tcp,
    /// UDP datagrams.
    Udp,
}

/// Which hosts a grant names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// This name, in lower case, without a trailing dot.
    Name(String),
    /// Every name below this one, and not the name itself: `*.example.com`.
    Below(String),
    /// This address.
    Address(IpAddr),
}

impl NetGrant {
    /// Reads `[METHOD,METHOD] SCHEME://HOST[:PORT]`; the methods may be left out, and then any is granted. Without a port
    /// the scheme's own is meant; `:*` is any port. `tcp` and `udp` name their port.
    ///
    /// ```
    /// use hob_cap::NetGrant;
    /// let grant = NetGrant::parse("[GET] https://*.example.com")?;
    /// assert_eq!(grant.to_string(), "[GET] https://*.example.com:443");
    /// # Ok::<(), hob_cap::GrantError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What a network grant looks like.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let wrong = |why: &str| GrantError::new(text, "network grant ([METHODS] SCHEME://HOST[:PORT])", why);
        let (methods, rest) = methods(text.trim()).map_err(wrong)?;
        let (scheme, rest) =
            rest.split_once("://").ok_or_else(|| wrong("the scheme is missing, such as `https://`"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "tcp" => Scheme::Tcp,
            "udp" => Scheme::Udp,
            _ => return Err(wrong("the scheme is none of https, http, tcp, udp")),
        };
        if !methods.is_empty() && !matches!(scheme, Scheme::Https | Scheme::Http) {
            return Err(wrong("only http and https have methods"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(rest).map_err(wrong)?;
        let port = match (port, scheme) {
            (Some("*"), _) => None,
            (Some(port), _) => {
                Some(parse_port(port).ok_or_else(|| wrong("the port is none of 1 to 65535 or `*`"))?)
            }
            (None, Scheme::Https) => Some(443),
            (None, Scheme::Http) => Some(80),
            (None, _) => return Err(wrong("a port is needed, such as `:5432`")),
        };
        let host = HostPattern::parse(host).map_err(|why| wrong(&why))?;
        Ok(Self { scheme, host, port, methods })
    }

    /// Whether this grant covers a request. `host` is a name in any case, with or without the final dot, or an address
    /// (IPv6 in brackets); a pattern, or any other spelling that needs guessing, is covered by nothing. Does not allocate.
    #[must_use]
    pub fn matches(&self, scheme: Scheme, host: &str, port: u16, method: &str) -> bool {
        self.scheme == scheme
            && port != 0
            && self.port.is_none_or(|own| own == port)
            && (self.methods.is_empty() || self.methods.contains(method))
            && self.host.matches(host)
    }

    /// Whether everything `other` names is named here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.host.covers(&other.host)
            && (self.port.is_none() || self.port == other.port)
            && (self.methods.is_empty()
                || (!other.methods.is_empty() && other.methods.is_subset(&self.methods)))
    }

    /// What both name.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let port = match (self.port, other.port) {
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b),
        };
        let methods = match (self.methods.is_empty(), other.methods.is_empty()) {
            (true, _) => other.methods.clone(),
            (_, true) => self.methods.clone(),
            _ => {
                let both: BTreeSet<String> = self.methods.intersection(&other.methods).cloned().collect();
                if both.is_empty() {
                    return None;
                }
                both
            }
        };
        let host = self.host.meet(&other.host)?;
        (self.scheme == other.scheme).then_some(Self { scheme: self.scheme, host, port, methods })
    }

    /// Whether one point of the space of requests is covered; `None` stands for a port or method nobody names.
    pub(crate) fn covers_point(
        &self,
        scheme: Scheme,
        host: &HostPattern,
        port: Option<u16>,
        method: Option<&str>,
    ) -> bool {
        self.scheme == scheme
            && self.host.covers(host)
            && (self.port.is_none() || self.port == port)
            && (self.methods.is_empty() || method.is_some_and(|method| self.methods.contains(method)))
    }
}

impl HostPattern {
    /// Reads a name, `*.` and a name, or an address (IPv6 in brackets).
    ///
    /// # Errors
    ///
    /// Which rule the host breaks.
    pub fn parse(host: &str) -> Result<Self, String> {
        if let Some(inner) = host.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or("the bracket of the IPv6 address is not closed")?;
            let address: Ipv6Addr =
                inner.parse().map_err(|_| "the brackets hold no IPv6 address (zones are not accepted)")?;
            return match address.to_ipv4_mapped() {
                Some(v4) => Err(format!("it is an IPv4 address in disguise; write {v4}")),
                None => Ok(Self::Address(IpAddr::V6(address))),
            };
        }
        let (below, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if !name.is_ascii() {
            return Err("the name is not ASCII; write its punycode form (xn--…), so that no letter is mistaken for another".into());
        }
        if let Some(why) = name_fault(&name) {
            return Err(why.into());
        }
        let last = name.rsplit('.').next().unwrap_or_default();
        if is_number(last) {
            let address: Ipv4Addr =
                name.parse().map_err(|_| "an IPv4 address is four decimal numbers".to_owned())?;
            return if below {
                Err("an address has nothing below it".into())
            } else {
                Ok(Self::Address(IpAddr::V4(address)))
            };
        }
        Ok(if below { Self::Below(name) } else { Self::Name(name) })
    }

    /// Whether this names a host that a guest wants to reach. Does not allocate.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let name = host.strip_suffix('.').unwrap_or(host);
        match self {
            Self::Name(own) => name.eq_ignore_ascii_case(own),
            Self::Below(own) => {
                let cut = name.len().checked_sub(own.len()).filter(|cut| *cut > 1);
                let parts = cut.and_then(|cut| name.split_at_checked(cut));
                parts.is_some_and(|(front, end)| front.ends_with('.') && end.eq_ignore_ascii_case(own))
                    && name_fault(name).is_none()
            }
            Self::Address(IpAddr::V4(own)) => name.parse() == Ok(*own),
            Self::Address(IpAddr::V6(own)) => {
                let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
                inner.is_some_and(|inner| inner.parse() == Ok(*own))
            }
        }
    }

    /// Whether every host `other` names is named here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Below(own), Self::Name(other)) => is_below(other, own),
            (Self::Below(own), Self::Below(other)) => own == other || is_below(other, own),
            _ => self == other,
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        if self.covers(other) { Some(other.clone()) } else { other.covers(self).then(|| self.clone()) }
    }
}

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// What is wrong with a name, if anything.
fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("the host is missing");
    }
    if name.len() > 253 {
        return Some("the name is longer than 253 bytes");
    }
    if name.contains('*') {
        return Some("`*` stands only for whole labels at the beginning: `*.example.com`");
    }
    let odd = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let bad = |label: &str| {
        label.is_empty()
            || label.len() > 63
            || label.starts_with('-')
            || label.ends_with('-')
            || label.contains(odd)
    };
    name.split('.')
        .any(bad)
        .then_some("a name is labels of letters, digits and hyphens; no user, path, query or backslash")
}

/// Whether programs take a name that ends in this label for an IPv4 address.
fn is_number(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit()) || label.starts_with("0x")
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), &'static str> {
    let after_host = match text.find(']') {
        Some(end) => end + 1,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at_checked(after_host).ok_or("the host is malformed")?;
    match port {
        "" => Ok((host, None)),
        port => {
            port.strip_prefix(':').map(|port| (host, Some(port))).ok_or("only a port may follow the host")
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

fn methods(text: &str) -> Result<(BTreeSet<String>, &str), &'static str> {
    // A bracket at the beginning holds methods; an IPv6 address stands behind a scheme.
    let Some(rest) = text.strip_prefix('[') else { return Ok((BTreeSet::new(), text)) };
    let (list, rest) = rest.split_once(']').ok_or("the bracket of the methods is not closed")?;
    if list.trim().is_empty() {
        return Ok((BTreeSet::new(), rest.trim_start()));
    }
    let methods: BTreeSet<String> =
        list.split(',').map(|method| method.trim().to_ascii_uppercase()).collect();
    if methods.iter().any(|method| method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        return Err("methods are words such as GET, with commas between them");
    }
    Ok((methods, rest.trim_start()))
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for NetGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.methods.is_empty() {
            let methods: Vec<&str> = self.methods.iter().map(String::as_str).collect();
            write!(f, "[{}] ", methods.join(","))?;
        }
        write!(f, "{}://{}:", self.scheme, self.host)?;
        match self.port {
            Some(port) => port.fmt(f),
            None => f.write_str("*"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_into_one_form_or_refused() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(NetGrant::parse(text).map(|grant| grant.to_string()).ok().as_deref(), want, "{text}");
        };
        check("https://example.com", Some("https://example.com:443"));
        check("HTTPS://Example.COM./", Some("https://example.com:443"));
        check("http://example.com:*", Some("http://example.com:*"));
        check("https://*.example.com:8443", Some("https://*.example.com:8443"));
        check("[get, POST] https://a.b", Some("[GET,POST] https://a.b:443"));
        check("tcp://db.local:5432", Some("tcp://db.local:5432"));
        check("http://127.0.0.1:80", Some("http://127.0.0.1:80"));
        check("http://[::1]:80", Some("http://[::1]:80"));
        check("http://[::0001]", Some("http://[::1]:80"));
        check("https://xn--bcher-kva.example", Some("https://xn--bcher-kva.example:443"));
        for refused in [
            "",
            "example.com",
            "https://",
            "ftp://a",
            "https://good@evil",
            "https://a/b",
            "https://a?b",
            "https://a\\b",
            "https://a\tb",
            "https://a.*.b",
            "https://*",
            "https://a*",
            "https://*.",
            "http://2130706433",
            "http://0x7f.1",
            "http://0177.0.0.1",
            "http://127.1",
            "http://1.2.3.256",
            "http://*.1.2.3.4",
            "http://[fe80::1%eth0]",
            "http://[::1",
            "https://bücher.example",
            "https://a:0",
            "https://a:65536",
            "https://a:+80",
            "https://a:",
            "https://a:80:80",
            "tcp://a",
            "[GET] tcp://a:1",
            "[GE T] https://a",
            "https://a..b",
            "https://-a.b",
            "https://[::1]x",
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn matching_goes_by_labels() {
        let check = |pattern: &str, host: &str, want: bool| {
            let grant = NetGrant::parse(pattern).unwrap();
            assert_eq!(grant.matches(Scheme::Https, host, 443, "GET"), want, "{pattern} {host}");
        };
        check("https://example.com", "EXAMPLE.com.", true);
        check("https://example.com", "good.example.com", false);
        check("https://example.com", "evilexample.com", false);
        check("https://example.com", "example.com.evil", false);
        check("https://*.example.com", "a.example.com", true);
        check("https://*.example.com", "a.b.example.com", true);
        check("https://*.example.com", "example.com", false);
        check("https://*.example.com", "evilexample.com", false);
        check("https://example.com:8443", "example.com", false);
        check("http://example.com:443", "example.com", false);
        check("[POST] https://example.com", "example.com", false);
        check("[GET] https://example.com", "example.com", true);
    }
}

//! Where a URL leads: read once, strictly, into parts that are compared and never text that is matched.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use hob_cap::{HostPattern, Scheme};

use super::error::{EgressError, bad};

/// The longest URL, in bytes.
const URL_BYTES_MAX: usize = 8192;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// Path and query, beginning with `/`.
    pub(crate) path: String,
}

/// A host that is one name or one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Name(String),
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl Target {
    /// Reads `http://HOST[:PORT][/PATH][?QUERY]` or `https://…`. Nothing is repaired.
    pub(crate) fn parse(url: &str) -> Result<Self, EgressError> {
        if url.len() > URL_BYTES_MAX {
            return Err(bad(format!("a URL is at most {URL_BYTES_MAX} bytes")));
        }
        if let Some(odd) = url.chars().find(|c| {
            !c.is_ascii_graphic() || matches!(c, '\\' | '"' | '<' | '>' | '`' | '^' | '{' | '|' | '}')
        }) {
            return Err(bad(format!("a URL does not hold {odd:?}; write it as %XX")));
        }
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| bad("a URL begins with http:// or https://"))?;
        let (scheme, default) = match scheme.to_ascii_lowercase().as_str() {
            "https" => (Scheme::Https, 443),
            "http" => (Scheme::Http, 80),
            _ => return Err(bad("a URL begins with http:// or https://")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(bad("a URL names no user"));
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None => default,
            Some(port) => {
                let digits =
                    !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
                port.parse()
                    .ok()
                    .filter(|port| digits && *port > 0)
                    .ok_or_else(|| bad("a port is 1 to 65535"))?
            }
        };
        // A fragment stays with whoever wrote it.
        let path = path.split_once('#').map_or(path, |(path, _)| path);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, host: parse_host(host)?, port, path })
    }

    /// The URL of what a `Location` header names.
    pub(crate) fn join(&self, location: &str) -> Result<Self, EgressError> {
        if location.contains("://") {
            return Self::parse(location);
        }
        let scheme = self.scheme;
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        let base = self.path.split('?').next().unwrap_or("/");
        let path = match location.as_bytes().first() {
            Some(b'/') => location.to_owned(),
            Some(b'?') => format!("{base}{location}"),
            _ => {
                let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("{folder}/{location}")
            }
        };
        Self::parse(&format!("{scheme}://{}:{}{path}", self.host, self.port))
    }

    /// Whether another request would go to the same place.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host == other.host && self.port == other.port
    }

    /// The whole URL.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}:{}{}", self.scheme, self.host, self.port, self.path)
    }

    /// The URL as records show it: a query may hold what is nobody's business.
    pub(crate) fn shown(&self) -> String {
        let path = match self.path.split_once('?') {
            Some((path, _)) => format!("{path}?…"),
            None => self.path.clone(),
        };
        hob_cap::escape_guest_text(&format!("{}://{}:{}{path}", self.scheme, self.host, self.port), 300)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), EgressError> {
    let end = match authority.find(']') {
        Some(end) => end + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end).ok_or_else(|| bad("the host is malformed"))?;
    match port.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if port.is_empty() => Ok((host, None)),
        None => Err(bad("only a port follows the host")),
    }
}

/// The spellings of a host are those of a grant: the same function reads both.
pub(crate) fn parse_host(host: &str) -> Result<Host, EgressError> {
    match HostPattern::parse(host)
        .map_err(|why| bad(format!("the host `{}`: {why}", hob_cap::escape_guest_text(host, 100))))?
    {
        HostPattern::Name(name) => Ok(Host::Name(name)),
        HostPattern::Address(address) => Ok(Host::Address(address)),
        HostPattern::Below(_) => Err(bad("a host is one name, and no pattern")),
    }
}

impl Host {
    /// As grants are asked about it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Address(IpAddr::V6(address)) => format!("[{}]", v6(*address)),
            other => other.to_string(),
        }
    }
}

fn v6(address: Ipv6Addr) -> String {
    address.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_or_refused_and_never_repaired() {
        let check = |url: &str, want: Option<&str>| {
            assert_eq!(Target::parse(url).ok().map(|target| target.url()).as_deref(), want, "{url}");
        };
        check("https://example.com", Some("https://example.com:443/"));
        check("HTTP://Example.COM./a?b#c", Some("http://example.com:80/a?b"));
        check("https://example.com:8443?x", Some("https://example.com:8443/?x"));
        check("http://127.0.0.1:80/", Some("http://127.0.0.1:80/"));
        check("http://[::1]:8080/", Some("http://[::1]:8080/"));
        check("https://good.example.com@evil.com/", None);
        check("https://good.example.com\\@evil.com/", None);
        check("https://exa mple.com/", None);
        check("https://example.com/\t", None);
        check("https://example.com:0/", None);
        check("https://example.com:/", None);
        check("https://example.com:99999/", None);
        check("https://example.com:+80/", None);
        check("https://*.example.com/", None);
        check("https://2130706433/", None);
        check("https://0x7f.1/", None);
        check("https://0177.0.0.1/", None);
        check("https://127.1/", None);
        check("http://[fe80::1%eth0]/", None);
        check("http://[::ffff:127.0.0.1]/", None);
        check("https://ex\u{e4}mple.com/", None);
        check("https://exаmple.com/", None);
        check("https://example.com\u{0}.evil.com/", None);
        check("https://example.com/a\r\nX: y", None);
        check("ftp://example.com/", None);
        check("//example.com/", None);
        check("https:///x", None);
        check("", None);
        check(&format!("https://example.com/{}", "a".repeat(8192)), None);
    }

    #[test]
    fn locations_are_joined_as_they_are_meant() {
        let base = Target::parse("https://a.example:444/x/y?z").unwrap_or_else(|error| panic!("{error}"));
        let check = |location: &str, want: &str| {
            assert_eq!(base.join(location).map(|target| target.url()), Ok(want.into()), "{location}");
        };
        check("https://b.example/q", "https://b.example:443/q");
        check("//b.example/q", "https://b.example:443/q");
        check("/q", "https://a.example:444/q");
        check("q", "https://a.example:444/x/q");
        check("?q", "https://a.example:444/x/y?q");
    }
}

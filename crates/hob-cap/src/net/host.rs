//! Host patterns: a name, every name below a name, or an address, each with exactly one spelling.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::grant::GrantError;

/// Which hosts a network grant covers. Two patterns nest or have nothing in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(Kind);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    /// This name: lower case, no trailing dot.
    Name(String),
    /// Every name below this one, at any depth.
    Below(String),
    /// This address.
    V4(Ipv4Addr),
    /// This address.
    V6(Ipv6Addr),
}

/// The longest name of the DNS, in bytes.
const NAME_BYTES_MAX: usize = 253;
/// The longest label of a name, in bytes.
const LABEL_BYTES_MAX: usize = 63;

impl HostPattern {
    /// Reads a name, `*.` and a name, an IPv4 address, or an IPv6 address in brackets.
    ///
    /// # Errors
    ///
    /// What is wrong with it: a `*` elsewhere, an address in an unusual notation, a name that is not ASCII.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        Self::read(text).map_err(|why| GrantError::new(text, "host", why))
    }

    /// Whether it covers a host, written in any case, with or without the final dot, an IPv6 address with or without
    /// brackets. Text that is no host in its usual notation is covered by nothing. Does not allocate.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match &self.0 {
            Kind::Name(name) => host.eq_ignore_ascii_case(name),
            Kind::Below(name) => is_below(host, name) && fault(host).is_none() && !ends_in_number(host),
            Kind::V4(address) => host.parse() == Ok(*address),
            Kind::V6(address) => {
                let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                bare.parse() == Ok(*address)
            }
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        if let Some(bracketed) = text.strip_prefix('[') {
            return read_v6(bracketed).map(|address| Self(Kind::V6(address)));
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.contains('*') {
            return Err("`*` stands only at the start, as in `*.example.com`".into());
        }
        if let Some(why) = fault(name) {
            return Err(why.into());
        }
        if ends_in_number(name) {
            return match name.parse() {
                Ok(address) if !below => Ok(Self(Kind::V4(address))),
                _ => Err("it is a number, but no IPv4 address in the form 192.0.2.1".into()),
            };
        }
        let name = name.to_ascii_lowercase();
        match (below, name.contains('.')) {
            (false, _) => Ok(Self(Kind::Name(name))),
            (true, false) => {
                Err("it covers a whole top-level domain; name at least two labels after `*.`".into())
            }
            (true, true) if name.len() + 2 > NAME_BYTES_MAX => {
                Err("no name below it is short enough to exist".into())
            }
            (true, true) => Ok(Self(Kind::Below(name))),
        }
    }

    /// Whether it covers every host that `other` does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Below(outer), Kind::Name(inner) | Kind::Below(inner)) if is_below(inner, outer) => true,
            _ => self == other,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => f.write_str(name),
            Kind::Below(name) => write!(f, "*.{name}"),
            Kind::V4(address) => write!(f, "{address}"),
            Kind::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Cuts `HOST:PORT` where the port starts; an IPv6 address keeps its brackets.
pub(super) fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or("its IPv6 address has no `]`")?;
        let (host, rest) = authority.split_at_checked(end + 1).ok_or("its IPv6 address has no `]`")?;
        return match (rest, rest.strip_prefix(':')) {
            ("", _) => Ok((host, None)),
            (_, Some(port)) => Ok((host, Some(port))),
            _ => Err("something other than a port follows its IPv6 address".into()),
        };
    }
    match authority.split_once(':') {
        None => Ok((authority, None)),
        Some((_, rest)) if rest.contains(':') => {
            Err("it holds more than one `:`; an IPv6 address is written in brackets, as in [2001:db8::1]"
                .into())
        }
        Some((host, port)) => Ok((host, Some(port))),
    }
}

/// Whether `host` ends in a dot and `name`, case aside, with something before it.
fn is_below(host: &str, name: &str) -> bool {
    let Some(cut) = host.len().checked_sub(name.len()).filter(|cut| *cut > 1) else { return false };
    match host.split_at_checked(cut) {
        Some((front, end)) => front.ends_with('.') && end.eq_ignore_ascii_case(name),
        None => false,
    }
}

/// What is wrong with a name, if anything.
fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("the host is missing");
    }
    if !name.is_ascii() {
        return Some(
            "its host is not ASCII, and letters that look alike hide another host; write its punycode form (xn--…)",
        );
    }
    if name.len() > NAME_BYTES_MAX {
        return Some("its host is longer than 253 bytes");
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Some("its host holds something other than letters, digits, `-`, `_` and `.`");
    }
    let bad = |label: &str| {
        label.is_empty() || label.len() > LABEL_BYTES_MAX || label.starts_with('-') || label.ends_with('-')
    };
    name.split('.')
        .any(bad)
        .then_some("a part of its host is empty, longer than 63 bytes, or starts or ends with `-`")
}

/// Whether programs take a name for an IPv4 address: its last label is a number, decimal, octal or hexadecimal.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).as_bytes();
    match last {
        [b'0', b'x' | b'X', hex @ ..] => hex.iter().all(u8::is_ascii_hexdigit),
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

fn read_v6(bracketed: &str) -> Result<Ipv6Addr, String> {
    let text = bracketed.strip_suffix(']').ok_or("its IPv6 address has no `]` at the end")?;
    if text.contains('%') {
        return Err(
            "its IPv6 address has a zone, which only this machine understands; write it without `%`".into()
        );
    }
    let address: Ipv6Addr = text.parse().map_err(|_| "what stands in brackets is no IPv6 address")?;
    match address.to_ipv4_mapped() {
        Some(v4) => Err(format!("it is an IPv4 address in disguise; write {v4}")),
        None => Ok(address),
    }
}

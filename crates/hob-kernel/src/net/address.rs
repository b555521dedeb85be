//! Addresses as the contract of commands writes them: text, read once and strictly.
//!
//! | text | what it is |
//! |---|---|
//! | `127.0.0.1:80`, `[::1]:80`, `::1:80` | an address and a port; the port stands behind the last colon |
//! | `example.com:80` | a name and a port |
//! | `unix:/run/x`, `/run/x` | a name in the tree of files |
//! | `unix-path-hex:2f78` | the same, for names that are no text |
//! | `unix-abstract:6162` | a name outside the tree of files |
//! | `unix-autobind`, `unix-unnamed` | a name the kernel makes up; no name |
//!
//! A NUL ends the text, as it does in C. What is printed reads back as what it was. Nothing is repaired: numbers in
//! disguise (`2130706433`, `0x7f.1`, `0177.0.0.1`), zones, names that are not ASCII and ports that are no number are
//! [`Errno::Inval`], so that what was checked and what is connected to cannot be two things.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use hob_cap::HostPattern;
use hob_os::{Errno, Result};

use super::Domain;
use crate::limits::UNIX_NAME_BYTES_MAX;

/// An address of a socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and a port. An IPv4 address inside an IPv6 one stays as it was written.
    Ip(SocketAddr),
    /// A name, in lower case and without a final dot, and a port.
    Host(String, u16),
    /// A name in the tree of files: never empty, without NUL.
    Path(Vec<u8>),
    /// A name outside the tree of files.
    Abstract(Vec<u8>),
    /// A name outside the tree of files that the kernel makes up.
    Autobind,
    /// No name: the other end of a pair, or of a socket that was never bound.
    Unnamed,
}

impl Address {
    /// Reads an address for a socket of `domain`. Errors: [`Errno::Inval`].
    pub fn parse(text: &[u8], domain: Domain) -> Result<Self> {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        match domain {
            Domain::Unix => unix(text),
            Domain::Inet | Domain::Inet6 => {
                std::str::from_utf8(text).ok().and_then(inet).ok_or_else(|| Errno::Inval.into())
            }
        }
    }
}

fn unix(text: &[u8]) -> Result<Address> {
    let of_hex = |digits: &[u8]| unhex(digits).ok_or(Errno::Inval);
    let address = if text == b"unix-autobind" {
        Address::Autobind
    } else if text == b"unix-unnamed" {
        Address::Unnamed
    } else if let Some(digits) = text.strip_prefix(b"unix-abstract:") {
        let name = of_hex(digits)?;
        if name.len() > UNIX_NAME_BYTES_MAX {
            return Err(Errno::Inval.into());
        }
        Address::Abstract(name)
    } else if let Some(digits) = text.strip_prefix(b"unix-path-hex:") {
        Address::Path(of_hex(digits)?)
    } else {
        Address::Path(text.strip_prefix(b"unix:").unwrap_or(text).to_vec())
    };
    match &address {
        Address::Path(path) if path.is_empty() || path.contains(&0) => Err(Errno::Inval.into()),
        _ => Ok(address),
    }
}

fn inet(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = port.parse().ok().filter(|_| digits)?;
    match host_of(host)? {
        Ok(address) => Some(Address::Ip(socket_address(address, port))),
        Err(name) => Some(Address::Host(name, port)),
    }
}

/// An address, or else a name; `None` is neither.
pub(super) fn host_of(host: &str) -> Option<std::result::Result<IpAddr, String>> {
    let inner = host.strip_prefix('[').map_or(Some(host), |rest| rest.strip_suffix(']'))?;
    if inner.contains(':') || inner.len() != host.len() {
        return inner.parse::<Ipv6Addr>().ok().map(|address| Ok(IpAddr::V6(address)));
    }
    match HostPattern::parse(host).ok()? {
        HostPattern::Address(address) => Some(Ok(address)),
        HostPattern::Name(name) => Some(Err(name)),
        HostPattern::Below(_) => None,
    }
}

/// An address and a port, without flow and scope.
pub(super) fn socket_address(address: IpAddr, port: u16) -> SocketAddr {
    match address {
        IpAddr::V4(address) => SocketAddr::V4(SocketAddrV4::new(address, port)),
        IpAddr::V6(address) => SocketAddr::V6(SocketAddrV6::new(address, port, 0, 0)),
    }
}

/// As a socket of `domain` sees it: an IPv4 address is an IPv4 address inside an IPv6 one to an IPv6 socket.
pub(super) fn seen_by(domain: Domain, address: SocketAddr) -> SocketAddr {
    match (domain, address.ip()) {
        (Domain::Inet6, IpAddr::V4(v4)) => {
            let inside = if v4.is_unspecified() { Ipv6Addr::UNSPECIFIED } else { v4.to_ipv6_mapped() };
            socket_address(IpAddr::V6(inside), address.port())
        }
        _ => address,
    }
}

/// The address of nothing, to a socket of `domain`.
pub(super) fn nowhere(domain: Domain) -> Address {
    match domain {
        Domain::Inet => Address::Ip(socket_address(Ipv4Addr::UNSPECIFIED.into(), 0)),
        Domain::Inet6 => Address::Ip(socket_address(Ipv6Addr::UNSPECIFIED.into(), 0)),
        Domain::Unix => Address::Unnamed,
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(SocketAddr::V4(address)) => write!(f, "{}:{}", address.ip(), address.port()),
            Self::Ip(SocketAddr::V6(address)) => write!(f, "[{}]:{}", address.ip(), address.port()),
            Self::Host(name, port) => write!(f, "{name}:{port}"),
            Self::Path(path) => match std::str::from_utf8(path) {
                Ok(path) => write!(f, "unix:{path}"),
                Err(_) => write!(f, "unix-path-hex:{}", Hex(path)),
            },
            Self::Abstract(name) => write!(f, "unix-abstract:{}", Hex(name)),
            Self::Autobind => f.write_str("unix-autobind"),
            Self::Unnamed => f.write_str("unix-unnamed"),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(domain: Domain, text: &[u8], want: Option<&str>) {
        let got = Address::parse(text, domain).ok().map(|address| address.to_string());
        assert_eq!(got.as_deref(), want, "{domain:?} {}", text.escape_ascii());
    }

    #[test]
    fn internet_addresses() {
        let check = |text: &str, want: Option<&str>| check(Domain::Inet, text.as_bytes(), want);
        check("127.0.0.1:80", Some("127.0.0.1:80"));
        check("0.0.0.0:0", Some("0.0.0.0:0"));
        check("[::1]:8080", Some("[::1]:8080"));
        check("::1:8080", Some("[::1]:8080"));
        check(":::8080", Some("[::]:8080"));
        check("2001:db8::2:443", Some("[2001:db8::2]:443"));
        check("[::ffff:127.0.0.1]:1", Some("[::ffff:127.0.0.1]:1"));
        check("Example.COM.:443", Some("example.com:443"));
        check("localhost:1\u{0}.evil:2", Some("localhost:1"));
        check("a:065535", None);
        for wrong in [
            "",
            ":",
            ":80",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:+1",
            "127.0.0.1: 1",
            "127.0.0.1:0x50",
            "127.1:80",
            "0177.0.0.1:80",
            "2130706433:80",
            "0x7f.1:80",
            "[::1]80",
            "[::1",
            "::1]:80",
            "[127.0.0.1]:80",
            "[fe80::1%eth0]:80",
            "fe80::1%1:80",
            "a b:80",
            "*.a:80",
            "*:80",
            "a@b:80",
            "a/b:80",
            "exаmple.com:80",
            "unix:/tmp/x",
            "\u{0}127.0.0.1:80",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn unix_addresses() {
        let check = |text: &[u8], want: Option<&str>| check(Domain::Unix, text, want);
        check(b"unix:/run/x", Some("unix:/run/x"));
        check(b"/run/x", Some("unix:/run/x"));
        check(b"x\0junk", Some("unix:x"));
        check(b"unix:a:1", Some("unix:a:1"));
        check(b"unix-path-hex:2F78ff", Some("unix-path-hex:2f78ff"));
        check(b"/\xff", Some("unix-path-hex:2fff"));
        check(b"unix-abstract:00616200", Some("unix-abstract:00616200"));
        check(b"unix-abstract:", Some("unix-abstract:"));
        check(b"unix-autobind", Some("unix-autobind"));
        check(b"unix-unnamed", Some("unix-unnamed"));
        for wrong in [
            &b""[..],
            b"unix:",
            b"\0abc",
            b"unix-path-hex:",
            b"unix-path-hex:2",
            b"unix-path-hex:2g",
            b"unix-path-hex:+1",
            b"unix-path-hex:2f00",
            b"unix-abstract:0",
        ] {
            check(wrong, None);
        }
        check(format!("unix-abstract:{}", "61".repeat(UNIX_NAME_BYTES_MAX + 1)).as_bytes(), None);
        assert!(
            Address::parse(
                format!("unix-abstract:{}", "61".repeat(UNIX_NAME_BYTES_MAX)).as_bytes(),
                Domain::Unix
            )
            .is_ok()
        );
    }

    fn some_address() -> impl Strategy<Value = (Domain, Address)> {
        let ip = |(address, port): (IpAddr, u16)| (Domain::Inet6, Address::Ip(socket_address(address, port)));
        prop_oneof![
            (any::<[u8; 4]>().prop_map(IpAddr::from), any::<u16>()).prop_map(ip),
            (any::<[u16; 8]>().prop_map(IpAddr::from), any::<u16>()).prop_map(ip),
            ("[a-z]([a-z0-9-]{0,9}[a-z])?(\\.[a-z]{1,9}){0,3}", any::<u16>())
                .prop_map(|(name, port)| (Domain::Inet, Address::Host(name, port))),
            proptest::collection::vec(1u8..=255, 1..120)
                .prop_map(|path| (Domain::Unix, Address::Path([b"/", path.as_slice()].concat()))),
            proptest::collection::vec(any::<u8>(), 0..=UNIX_NAME_BYTES_MAX)
                .prop_map(|name| (Domain::Unix, Address::Abstract(name))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back((domain, address) in some_address()) {
            prop_assert_eq!(Address::parse(address.to_string().as_bytes(), domain), Ok(address));
        }

        #[test]
        fn no_text_is_too_odd(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            for domain in [Domain::Inet, Domain::Inet6, Domain::Unix] {
                if let Ok(address) = Address::parse(&text, domain) {
                    prop_assert_eq!(Address::parse(address.to_string().as_bytes(), domain), Ok(address));
                }
            }
        }
    }
}

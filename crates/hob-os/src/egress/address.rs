//! What kind of place an address is. Only public ones are reached without being named.
//!
//! Source: the IANA special-purpose address registries (RFC 6890 and what updates it), and the addresses of the metadata
//! services of large clouds. An IPv4 address inside an IPv6 one is looked at as what it is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressKind {
    /// A place anybody can reach.
    Public,
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// This link, which is where metadata services of clouds are.
    LinkLocal,
    /// A metadata service.
    Metadata,
    /// No single place: unspecified, broadcast, multicast.
    NoPlace,
    /// Reserved for something else: documentation, benchmarks, translation, the future.
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a metadata service",
            Self::NoPlace => "no address of one place",
            Self::Reserved => "a reserved address",
        })
    }
}

/// The kind of an address.
pub(crate) fn kind(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

/// Metadata services that are not link-local.
const METADATA: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];

fn v4(address: Ipv4Addr) -> AddressKind {
    use AddressKind::{LinkLocal, Loopback, Metadata, NoPlace, Private, Public, Reserved};
    if METADATA.contains(&address) {
        return Metadata;
    }
    match address.octets() {
        [0, ..] => NoPlace,
        [127, ..] => Loopback,
        [10, ..] | [192, 168, ..] => Private,
        [172, b, ..] if (16..32).contains(&b) => Private,
        [100, b, ..] if (64..128).contains(&b) => Private,
        [169, 254, 169, 254] => Metadata,
        [169, 254, ..] => LinkLocal,
        [192, 0, 0, 192] => Metadata,
        [192, 0, 0, _] | [192, 0, 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reserved,
        [198, 18 | 19, ..] => Reserved,
        [a, ..] if (224..240).contains(&a) => NoPlace,
        [255, 255, 255, 255] => NoPlace,
        [a, ..] if a >= 240 => Reserved,
        _ => Public,
    }
}

fn v6(address: Ipv6Addr) -> AddressKind {
    use AddressKind::{LinkLocal, Loopback, Metadata, NoPlace, Private, Public, Reserved};
    let inside = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        // What carries an IPv4 address is at best as public as that; it is no ordinary place even then.
        match v4(Ipv4Addr::new(a, b, c, d)) {
            Public => Reserved,
            other => other,
        }
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => NoPlace,
        [0, 0, 0, 0, 0, 0, 0, 1] => Loopback,
        // Mapped and compatible, NAT64 (both prefixes), 6to4.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => inside(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, .., high, low] => inside(high, low),
        [0x2002, high, low, ..] => inside(high, low),
        // ISATAP, under any prefix.
        [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => inside(high, low),
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Metadata,
        [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254] => Metadata,
        [a, ..] if a & 0xfe00 == 0xfc00 => Private,
        [a, ..] if a & 0xffc0 == 0xfe80 => LinkLocal,
        [a, ..] if a & 0xffc0 == 0xfec0 => Private,
        [a, ..] if a & 0xff00 == 0xff00 => NoPlace,
        // Teredo, ORCHID, benchmarks, documentation, discard.
        [0x2001, b, ..] if b < 0x0200 => Reserved,
        [0x2001, 0x0db8, ..] | [0x3fff, ..] | [0x0100, 0, 0, 0, ..] => Reserved,
        [a, ..] if a & 0xe000 == 0x2000 => Public,
        _ => Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_what_they_are() {
        use AddressKind::{LinkLocal, Loopback, Metadata, NoPlace, Private, Public, Reserved};
        let check = |text: &str, want: AddressKind| {
            let address: IpAddr = text.parse().unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(kind(address), want, "{text}");
        };
        for public in
            ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1"]
        {
            check(public, Public);
        }
        for public in ["2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"] {
            check(public, Public);
        }
        for loopback in [
            "127.0.0.1",
            "127.255.255.255",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2606:4700::5efe:7f00:1",
        ] {
            check(loopback, Loopback);
        }
        for private in
            ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255"]
        {
            check(private, Private);
        }
        for private in [
            "fc00::1",
            "fdff::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b:1::a00:1",
            "2002:a00:1::",
        ] {
            check(private, Private);
        }
        for metadata in
            ["169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "64:ff9b::a9fe:a9fe"]
        {
            check(metadata, Metadata);
        }
        check("169.254.1.1", LinkLocal);
        check("fe80::1", LinkLocal);
        check("febf::1", LinkLocal);
        for none in ["0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "239.255.255.255", "::", "ff02::1"]
        {
            check(none, NoPlace);
        }
        for reserved in
            ["192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1", "2001:db8::1", "2001::1"]
        {
            check(reserved, Reserved);
        }
        for reserved in ["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::", "100::1", "4000::1"] {
            check(reserved, Reserved);
        }
    }
}

//! Whether an address that looks public is one of this machine.
//!
//! Stops: a port of this machine that is open to its own address only, reached by way of that address. Nothing is sent to
//! find out: a datagram socket that is connected says which source it would use, and it is the destination only here.

use std::net::SocketAddr;

use rustix::io::Result;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, getsockname, socket_with};

/// Whether `address` is one of this machine.
pub(crate) fn is_own(address: SocketAddr) -> Result<bool> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    connect(&socket, &address)?;
    let source = SocketAddr::try_from(getsockname(&socket)?)?;
    Ok(source.ip().to_canonical() == address.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_knows_itself() {
        let check = |text: &str, want| assert_eq!(is_own(text.parse().unwrap()), Ok(want), "{text}");
        check("127.0.0.1:80", true);
    }
}

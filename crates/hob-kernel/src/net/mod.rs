//! Sockets: a network inside the session, and a way outside as granted.
//!
//! ```text
//!  text ──address──▶ Address ──Socket::destination──▶ Destination ──Socket::connect, try_send_to──▶
//!     inside:  registry (who has which name) ──▶ backlog (connections to accept) · inbox (datagrams)
//!                                            └─▶ flow (two directions of bytes) · passed (descriptors under way)
//!     outside: hob-os, which decides, and connects to exactly what it decided about
//! ```
//!
//! * The loopback network (`127.0.0.0/8`, `::1`, and `0.0.0.0` and `::` to bind to) is the session's own. Nobody outside
//!   reaches it, and through it nobody reaches the host: where nothing of the session listens, a connection is refused,
//!   unless a grant names that very address and port of the host (`tcp://127.0.0.1:5432`, or `tcp://localhost:5432`).
//!   So a session can neither scan the host's own ports nor take them. Datagrams are the same.
//! * Nothing can be bound to any other address: [`Errno::AddrNotAvail`].
//! * Everything else is outside. A name is looked up, and an address connected to, only by grant; `hob-os` says which
//!   addresses a name may lead to, and connects to the ones it looked at. A refusal is [`Errno::Acces`].
//! * Sockets with names of files are bound to nodes, which the walk finds; their names outside the tree of files are the
//!   session's own.
//!
//! Nothing waits here, with one exception that says so: [`Socket::destination`] and [`Network::addresses`] wait for the
//! answer to a name, in a function of their caller's. Everything is bounded: see [`crate::limits`].

pub mod address;

mod backlog;
mod flow;
mod inbox;
mod name;
mod network;
mod options;
mod outside;
mod passed;
mod registry;
mod socket;
mod transfer;

pub use address::Address;
pub use hob_os::egress::Pause;
pub use network::Network;
pub use options::{Options, SetOption};
pub use passed::Passed;
pub use socket::{Destination, Socket};
pub use transfer::Received;

use hob_os::egress::EgressError;
use hob_os::{Errno, OsError};

/// Which addresses a socket has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// IPv4.
    Inet,
    /// IPv6, and IPv4 inside it.
    Inet6,
    /// Names of files, and others inside one machine.
    Unix,
}

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketType {
    /// Bytes in order.
    Stream,
    /// Messages, each for itself.
    Datagram,
}

/// What a program is told about a way outside that is not there: a refusal is `acces`, as a firewall would say it.
fn refused(error: &EgressError) -> OsError {
    match error.os() {
        OsError::Errno(Errno::NotCapable) => Errno::Acces.into(),
        other => other,
    }
}

//! What the tests share: a session, and doing things with its sockets as a kernel would.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hob_cap::{Limits, NetGrant, StopToken};
use hob_kernel::fd::Stream;
use hob_kernel::net::{Address, Destination, Domain, Network, Socket, SocketType};
use hob_kernel::wait::block;
use hob_os::egress::{Egress, FixedResolver, Sockets};
use hob_os::{Errno, Result, Waiter, Watch};

pub(crate) fn network() -> Network {
    Network::new("box", Sockets::none())
}

pub(crate) fn granted(grants: &[String], resolver: FixedResolver) -> Network {
    let grants = grants.iter().map(|grant| NetGrant::parse(grant).unwrap()).collect();
    let egress = Egress::new(grants, &Limits::default()).resolver(Arc::new(resolver));
    Network::new("box", egress.sockets(None))
}

pub(crate) fn pause(bell: BorrowedFd<'_>) -> Result<()> {
    let waiter = Waiter::new(StopToken::never());
    let until = Instant::now() + Duration::from_secs(10);
    waiter.wait(&mut [Watch::readable(bell)], Some(until)).map(drop)
}

pub(crate) fn address(socket: &Socket, text: &str) -> Address {
    Address::parse(text.as_bytes(), socket.domain()).unwrap()
}

pub(crate) fn to(socket: &Socket, text: &str) -> Result<Destination> {
    socket.destination(&address(socket, text), &mut pause)
}

pub(crate) fn connect(socket: &Socket, text: &str) -> Result<()> {
    socket.connect(&to(socket, text)?)
}

pub(crate) fn bound(net: &Network, kind: SocketType, text: &str) -> Arc<Socket> {
    let socket = net.socket(Domain::Inet6, kind).unwrap();
    socket.bind(&address(&socket, text)).unwrap();
    socket
}

pub(crate) fn tcp(net: &Network) -> Arc<Socket> {
    net.socket(Domain::Inet, SocketType::Stream).unwrap()
}

pub(crate) fn udp(net: &Network) -> Arc<Socket> {
    net.socket(Domain::Inet, SocketType::Datagram).unwrap()
}

pub(crate) fn send(socket: &Socket, bytes: &[u8]) -> Result<usize> {
    socket.try_send_to(bytes, None, &[])
}

pub(crate) fn receive(socket: &Socket) -> Result<Vec<u8>> {
    let mut buf = vec![0; 1 << 17];
    let got = socket.try_recv_from(&mut buf, false)?;
    buf.truncate(got.len);
    Ok(buf)
}

pub(crate) fn err<T>(errno: Errno) -> Result<T> {
    Err(errno.into())
}

/// Waits as the kernel would.
pub(crate) fn wait<T>(socket: &Socket, write: bool, attempt: impl FnMut() -> Result<T>) -> Result<T> {
    let waiter = Waiter::new(StopToken::never());
    let until = Instant::now() + Duration::from_secs(10);
    let host: Vec<_> = socket.host().map(|fd| (fd, write)).into_iter().collect();
    block(&waiter, &[socket.queue()], &host, Some(until), || Ok(()), attempt)
}

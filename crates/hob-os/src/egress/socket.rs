//! Sockets of the host, for what was admitted. No call waits: each says [`Errno::Again`](crate::Errno::Again), and the
//! descriptor says when that may have changed.
//!
//! A datagram socket takes answers only from where it sent to: nobody else on the network is heard through it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno as Sys;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, bind, connect, getpeername, recv,
    recvfrom, send, sendto, shutdown, socket_with, sockopt,
};

use super::error::{EgressError, EgressErrorKind};
use super::sockets::{Admission, Transport};
use crate::{Errno, Result};

/// Places one datagram socket may send to.
const PEERS_MAX: usize = 64;

/// Datagrams of strangers that are thrown away at one go.
const STRANGERS_MAX: usize = 64;

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// What can be done with a socket without waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketReady {
    /// There is something to receive, or the end.
    pub read: bool,
    /// There is room to send.
    pub write: bool,
    /// The connection is over.
    pub hangup: bool,
    /// The next call says what went wrong.
    pub error: bool,
    /// Bytes that can be received at once.
    pub bytes: u64,
}

/// A connection, or one being made.
#[derive(Debug)]
pub struct TcpSocket {
    fd: OwnedFd,
    peer: SocketAddr,
}

impl TcpSocket {
    /// Begins to connect. Errors: there is no way there.
    pub(crate) fn begin(peer: SocketAddr) -> Result<Self> {
        let family = if peer.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let fd = socket_with(family, SocketType::STREAM, FLAGS, None)?;
        match connect(&fd, &peer) {
            Ok(()) | Err(Sys::INPROGRESS | Sys::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // What a program sends at once goes at once.
        sockopt::set_tcp_nodelay(&fd, true)?;
        Ok(Self { fd, peer })
    }

    /// Where it leads.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// To be waited for.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Whether the connection has come about. Errors: [`Errno::Again`] until it is known; why it did not, once;
    /// [`Errno::ConnRefused`] afterwards.
    pub fn connected(&self) -> Result<()> {
        if !look(&self.fd)?.intersects(PollFlags::OUT | PollFlags::ERR | PollFlags::HUP) {
            return Err(Errno::Again.into());
        }
        sockopt::socket_error(&self.fd)??;
        match getpeername(&self.fd) {
            Ok(_) => Ok(()),
            Err(Sys::NOTCONN) => Err(Errno::ConnRefused.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Receives; 0 is the end.
    pub fn receive(&self, buf: &mut [u8], peek: bool) -> Result<usize> {
        let mut how = RecvFlags::DONTWAIT;
        how.set(RecvFlags::PEEK, peek);
        Ok(recv(&self.fd, buf, how)?.1)
    }

    /// Sends what fits. A peer that is gone is [`Errno::Pipe`], never a signal.
    pub fn send(&self, buf: &[u8]) -> Result<usize> {
        Ok(send(&self.fd, buf, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
    }

    /// Stops reading, writing, or both.
    pub fn shutdown(&self, read: bool, write: bool) -> Result<()> {
        let how = match (read, write) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(Errno::Inval.into()),
        };
        Ok(shutdown(&self.fd, how)?)
    }

    /// Makes closing it reset the connection.
    pub fn abort(&self) {
        // If it cannot be set, closing is only more polite.
        let _set = sockopt::set_socket_linger(&self.fd, Some(Duration::ZERO));
    }

    /// What went wrong, told once.
    #[must_use]
    pub fn take_error(&self) -> Option<Errno> {
        sockopt::socket_error(&self.fd).ok()?.err().map(Errno::from)
    }

    /// What can be done now.
    #[must_use]
    pub fn ready(&self) -> SocketReady {
        let flags = look(&self.fd).unwrap_or(PollFlags::ERR);
        ready(&self.fd, flags)
    }
}

/// A socket for datagrams, to and from places it was allowed to send to.
#[derive(Debug)]
pub struct UdpSocket {
    fd: OwnedFd,
    v6: bool,
    peers: Mutex<Vec<(SocketAddr, Admission)>>,
}

/// A datagram that was received, or looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Bytes that found room.
    pub len: usize,
    /// Bytes it has.
    pub full: usize,
    /// Who sent it.
    pub from: SocketAddr,
}

impl UdpSocket {
    pub(crate) fn open(v6: bool) -> Result<Self> {
        let (family, any) = if v6 {
            (AddressFamily::INET6, IpAddr::from(Ipv6Addr::UNSPECIFIED))
        } else {
            (AddressFamily::INET, IpAddr::from(Ipv4Addr::UNSPECIFIED))
        };
        let fd = socket_with(family, SocketType::DGRAM, FLAGS, None)?;
        if v6 {
            sockopt::set_ipv6_v6only(&fd, false)?;
        }
        bind(&fd, &SocketAddr::new(any, 0))?;
        Ok(Self { fd, v6, peers: Mutex::default() })
    }

    /// To be waited for.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Sends one datagram, whole.
    ///
    /// # Errors
    ///
    /// As those of a send; [`Errno::Nobufs`] for a place too many.
    pub fn send_to(&self, to: &Admission, buf: &[u8]) -> std::result::Result<(), EgressError> {
        let unreachable = || EgressError::new(EgressErrorKind::Os(Errno::HostUnreach));
        let admitted = to.addresses(Transport::Udp)?;
        let to_v4 = |at: &&super::admit::Admitted| self.v6 || at.socket.is_ipv4();
        let at = admitted.iter().find(to_v4).ok_or_else(unreachable)?.socket;
        {
            let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
            if peers.iter().all(|(peer, _)| *peer != at) {
                if peers.len() >= PEERS_MAX {
                    return Err(Errno::Nobufs.into());
                }
                peers.push((at, to.clone()));
            }
        }
        let wire = match at.ip() {
            IpAddr::V4(v4) if self.v6 => SocketAddr::new(v4.to_ipv6_mapped().into(), at.port()),
            _ => at,
        };
        match sendto(&self.fd, buf, SendFlags::DONTWAIT | SendFlags::NOSIGNAL, &wire) {
            Ok(_) => Ok(()),
            Err(error) => Err(Errno::from(error).into()),
        }
    }

    /// What was allowed about a place that was sent to before.
    #[must_use]
    pub fn admission(&self, at: SocketAddr) -> Option<Admission> {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.iter().find(|(peer, _)| *peer == at).map(|(_, admission)| admission.clone())
    }

    /// Receives one datagram from `only`, or from anywhere that was sent to. Errors: [`Errno::Again`].
    pub fn receive_from(&self, buf: &mut [u8], peek: bool, only: Option<SocketAddr>) -> Result<Datagram> {
        let room = buf.len();
        self.skip_strangers(only)?;
        let mut how = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
        how.set(RecvFlags::PEEK, peek);
        let (_, full, from) = recvfrom(&self.fd, buf, how)?;
        // Another thread may have taken the one that was looked at.
        let from = source(from).filter(|from| self.hears(*from, only)).ok_or(Errno::Again)?;
        Ok(Datagram { len: full.min(room), full, from })
    }

    /// What can be done now, by someone who hears `only`.
    #[must_use]
    pub fn ready(&self, only: Option<SocketAddr>) -> SocketReady {
        let ours = self.skip_strangers(only).is_ok();
        let flags = look(&self.fd).unwrap_or(PollFlags::ERR);
        let ready = ready(&self.fd, flags);
        SocketReady { read: ready.read && ours, bytes: if ours { ready.bytes } else { 0 }, ..ready }
    }

    /// Throws away what strangers sent, until one of ours is next. Errors: [`Errno::Again`] when none is.
    fn skip_strangers(&self, only: Option<SocketAddr>) -> Result<()> {
        for _ in 0..STRANGERS_MAX {
            let (_, _, from) = recvfrom(&self.fd, &mut [0; 1], RecvFlags::DONTWAIT | RecvFlags::PEEK)?;
            if source(from).is_some_and(|from| self.hears(from, only)) {
                return Ok(());
            }
            recvfrom(&self.fd, &mut [0; 1], RecvFlags::DONTWAIT)?;
        }
        Err(Errno::Again.into())
    }

    fn hears(&self, from: SocketAddr, only: Option<SocketAddr>) -> bool {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        only.is_none_or(|only| only == from) && peers.iter().any(|(peer, _)| *peer == from)
    }
}

/// Who sent a datagram; an IPv4 address inside an IPv6 one as what it is.
fn source(from: Option<rustix::net::SocketAddrAny>) -> Option<SocketAddr> {
    let from = SocketAddr::try_from(from?).ok()?;
    Some(SocketAddr::new(from.ip().to_canonical(), from.port()))
}

/// What is ready about a descriptor, without waiting.
fn look(fd: &OwnedFd) -> Result<PollFlags> {
    let mut fds = [PollFd::new(fd, PollFlags::IN | PollFlags::OUT)];
    loop {
        match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(_) => return Ok(fds.iter().map(PollFd::revents).collect()),
            Err(Sys::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn ready(fd: &OwnedFd, flags: PollFlags) -> SocketReady {
    let read = flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR);
    let bytes = if read { rustix::io::ioctl_fionread(fd).unwrap_or(0) } else { 0 };
    SocketReady {
        read,
        write: flags.intersects(PollFlags::OUT | PollFlags::HUP | PollFlags::ERR),
        hangup: flags.contains(PollFlags::HUP),
        error: flags.contains(PollFlags::ERR),
        bytes,
    }
}

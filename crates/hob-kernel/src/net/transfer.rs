//! Bytes through a socket: sending, receiving, readiness.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use hob_os::egress::{SocketReady, Transport};
use hob_os::{Errno, FileType, Result};

use super::SocketType;
use super::address::{Address, socket_address};
use super::name::loopback_like;
use super::passed::Passed;
use super::registry::{Door, Place, Ports};
use super::socket::{Destination, Socket, To};
use crate::fd::{Caller, Ready, Stream};
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::wait::{WaitQueue, lock};

/// What was received.
#[derive(Default)]
pub struct Received {
    /// Bytes that found room; 0 from a stream is the end.
    pub len: usize,
    /// Bytes of the datagram, those that found no room and are lost among them.
    pub full: usize,
    /// Who sent the datagram.
    pub from: Option<Address>,
    /// Descriptors that came with it.
    pub passed: Vec<Passed>,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received")
            .field("len", &self.len)
            .field("full", &self.full)
            .field("from", &self.from)
            .field("passed", &self.passed.len())
            .finish()
    }
}

impl Socket {
    /// Sends: to where it is connected, or `to` a destination. A stream takes what fits, at least one byte of some; a
    /// datagram goes whole. `passed` goes with the first byte, or with the datagram; it is taken only if that is.
    ///
    /// Errors: [`Errno::Again`]; [`Errno::Pipe`], for which the caller raises the signal; [`Errno::ConnReset`];
    /// [`Errno::NotConn`]; [`Errno::IsConn`] for a destination on a connection; [`Errno::DestAddrReq`];
    /// [`Errno::MsgSize`]; for `passed`, [`Errno::Inval`] outside the family that has names of files or for no bytes of a
    /// stream to go with, and [`Errno::Nobufs`] when too much is under way.
    pub fn try_send_to(&self, buf: &[u8], to: Option<&Destination>, passed: &[Passed]) -> Result<usize> {
        let local = self.domain == super::Domain::Unix;
        if !passed.is_empty() && (!local || (self.kind == SocketType::Stream && buf.is_empty())) {
            return Err(Errno::Inval.into());
        }
        if self.kind == SocketType::Datagram {
            return self.send_datagram(buf, to, passed);
        }
        if let Some(end) = self.end.get() {
            if to.is_some() {
                return Err(Errno::IsConn.into());
            }
            return end.write(buf, || self.net.transit.take(passed));
        }
        match self.tcp.get() {
            Some(_) if to.is_some() => Err(Errno::IsConn.into()),
            Some(tcp) => {
                self.try_connect_done()?;
                tcp.send(buf)
            }
            None => Err(Errno::NotConn.into()),
        }
    }

    /// Receives; with `peek` nothing is taken. From a stream, bytes up to the next that something was passed with.
    ///
    /// Errors: [`Errno::Again`]; [`Errno::ConnReset`]; [`Errno::NotConn`].
    pub fn try_recv_from(&self, buf: &mut [u8], peek: bool) -> Result<Received> {
        if self.kind == SocketType::Datagram {
            return self.receive_datagram(buf, peek);
        }
        if let Some(end) = self.end.get() {
            let (len, passed) = end.read(buf, peek)?;
            return Ok(Received { len, full: len, from: None, passed });
        }
        let tcp = self.tcp.get().ok_or(Errno::NotConn)?;
        self.try_connect_done()?;
        let len = tcp.receive(buf, peek)?;
        Ok(Received { len, full: len, ..Received::default() })
    }

    /// Goes on receiving into `buf` from `done` on, until it is full or the end has come; for `MSG_WAITALL`. What came so
    /// far is counted in `done` even when the answer is [`Errno::Again`]: whoever stops waiting has that much. A datagram
    /// is never waited for twice. What is passed is let go of.
    pub fn try_recv_all(&self, buf: &mut [u8], done: &mut usize) -> Result<()> {
        loop {
            let rest = buf.get_mut(*done..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            let got = self.try_recv_from(rest, false)?;
            *done += got.len;
            if got.len == 0 || self.kind == SocketType::Datagram {
                return Ok(());
            }
        }
    }

    fn send_datagram(&self, buf: &[u8], to: Option<&Destination>, passed: &[Passed]) -> Result<usize> {
        if buf.len() > DATAGRAM_BYTES_MAX {
            return Err(Errno::MsgSize.into());
        }
        let inbox = self.inbox.as_ref().ok_or(Errno::NotConn)?;
        let mut state = lock(&self.state);
        if state.mute {
            return Err(Errno::Pipe.into());
        }
        if let Some(partner) = &self.partner {
            if to.is_some() {
                return Err(Errno::IsConn.into());
            }
            drop(state);
            partner.put(buf, || self.net.transit.take(passed))?;
            return Ok(buf.len());
        }
        if let Some(error) = inbox.take_error() {
            return Err(error.into());
        }
        let connected = to.is_none();
        let to = to.or(state.target.as_ref()).cloned().ok_or(Errno::DestAddrReq)?;
        self.ensure_bound(&mut state)?;
        let local = state.local.as_ref().ok_or(Errno::Inval)?;
        match to.0 {
            To::Inside(at) => {
                let source = match (&local.name, local.place) {
                    (Address::Ip(own), Some(Place::One(_))) => *own,
                    (Address::Ip(own), _) => socket_address(loopback_like(at.ip()), own.port()),
                    _ => return Err(Errno::Inval.into()),
                };
                drop(state);
                match self.net.registry.at(Ports::Udp, at) {
                    // A receiver may be whoever sends, so no lock is held.
                    Some(Door::Inbox(there)) if there.deliver(source, Address::Ip(source), buf) => {}
                    // Somebody is there, and hears only others.
                    Some(_) => {}
                    None => match self.host_loopback(Transport::Udp, at)? {
                        Some(admission) => self.send_outside(&admission, buf)?,
                        None if connected => inbox.fail(Errno::ConnRefused),
                        None => {}
                    },
                }
            }
            To::Outside(admission) => {
                drop(state);
                self.send_outside(&admission, buf)?;
            }
            _ => return Err(Errno::AfNoSupport.into()),
        }
        Ok(buf.len())
    }

    fn receive_datagram(&self, buf: &mut [u8], peek: bool) -> Result<Received> {
        let inbox = self.inbox.as_ref().ok_or(Errno::NotConn)?;
        let again = match inbox.receive(buf, peek) {
            Ok(None) => return Ok(Received::default()),
            Ok(Some(got)) => {
                let from = Some(self.shown(&got.from));
                return Ok(Received { len: got.len, full: got.full, from, passed: got.passed });
            }
            Err(error) => error,
        };
        match self.udp.get() {
            Some(udp) if again.errno() == Errno::Again => {
                let only = self.only();
                let got = udp.receive_from(buf, peek, only)?;
                let from = Some(self.shown(&Address::Ip(got.from)));
                Ok(Received { len: got.len, full: got.full, from, passed: Vec::new() })
            }
            _ => Err(again),
        }
    }

    /// The only one who is heard, if datagrams are connected.
    fn only(&self) -> Option<SocketAddr> {
        match &lock(&self.state).peer {
            Some(Address::Ip(peer)) => Some(*peer),
            _ => None,
        }
    }
}

impl Stream for Socket {
    fn kind(&self) -> FileType {
        match self.kind {
            SocketType::Stream => FileType::SocketStream,
            SocketType::Datagram => FileType::SocketDgram,
        }
    }

    fn try_read(&self, _: &Caller, buf: &mut [u8]) -> Result<usize> {
        self.try_recv_from(buf, false).map(|received| received.len)
    }

    fn try_write(&self, _: &Caller, buf: &[u8]) -> Result<usize> {
        self.try_send_to(buf, None, &[])
    }

    fn ready(&self) -> Ready {
        let (backlog, mute) = {
            let state = lock(&self.state);
            (state.backlog.clone(), state.mute)
        };
        if let Some(end) = self.end.get() {
            return end.ready();
        }
        if let Some(backlog) = backlog {
            return Ready { read: !backlog.is_empty(), ..Ready::default() };
        }
        if let Some(inbox) = &self.inbox {
            let own = inbox.ready();
            let write = self.partner.as_ref().is_none_or(|partner| partner.takes()) || mute;
            let outside = self.udp.get().map(|udp| udp.ready(self.only())).unwrap_or_default();
            return Ready {
                read: own.read || outside.read,
                write: write && (self.udp.get().is_none() || outside.write),
                hangup: own.hangup || self.partner.as_ref().is_some_and(|partner| partner.is_gone()),
                error: own.error,
                bytes: if own.bytes > 0 { own.bytes } else { outside.bytes },
            };
        }
        match self.tcp.get() {
            Some(tcp) => {
                let SocketReady { read, write, hangup, error, bytes } = tcp.ready();
                Ready { read, write, hangup, error, bytes }
            }
            // A stream that is not connected: nothing waits for anything, and every call says so.
            None => Ready { write: true, hangup: true, ..Ready::default() },
        }
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn host(&self) -> Option<BorrowedFd<'_>> {
        self.tcp.get().map(|tcp| tcp.fd()).or_else(|| self.udp.get().map(|udp| udp.fd()))
    }
}

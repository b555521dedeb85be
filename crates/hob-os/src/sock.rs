//! Sockets that were handed to the guest: accepting, receiving, sending, shutting down.
//!
//! A guest cannot make a socket here; it can use the ones it was granted. No call waits in the kernel:
//! each asks not to wait, and waits for readiness together with the stop token when it would have to.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno as Sys;
use rustix::net::{RecvFlags as SysRecvFlags, SendFlags, Shutdown, SocketFlags, accept_with};

use crate::descriptor::{Descriptor, Object};
use crate::wait::{Waiter, Watch};
use crate::{Errno, FdFlags, RecvFlags, Result, Rights, TRANSFER_BYTES_MAX, World};

impl World {
    /// Accepts a connection on a granted listening socket, waiting for one unless the listener is
    /// `nonblock`. `flags` are those of the new descriptor.
    pub fn accept(&mut self, fd: u32, flags: FdFlags) -> Result<u32> {
        self.waiter.check()?;
        let audit = self.audit.clone();
        audit.watch("accept", &fd, |note| {
            note.grant(Some("socket"));
            let descriptor = self.table.get(fd)?;
            let Object::Listener(listener) = &descriptor.object else { return Err(Errno::NotSock.into()) };
            descriptor.need(Rights::SOCK_ACCEPT)?;
            let (nonblock, inheriting) = (descriptor.flags.nonblock, descriptor.inheriting);
            let ticket = self.table.ticket()?;
            note.allowed()?;
            let socket = loop {
                match accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                    Ok(socket) => break socket,
                    Err(Sys::AGAIN) if nonblock => return Err(Errno::Again.into()),
                    Err(Sys::AGAIN) => {
                        self.waiter.wait(&mut [Watch::readable(listener.as_fd())], None)?;
                    }
                    Err(Sys::INTR | Sys::CONNABORTED) => self.waiter.check()?,
                    Err(error) => return Err(error.into()),
                }
            };
            let rights = Rights::SOCKET.and(inheriting);
            let object = Object::Socket(socket);
            let flags = FdFlags { nonblock: flags.nonblock, ..FdFlags::default() };
            self.table.insert(ticket, Descriptor { object, rights, inheriting: Rights::NONE, flags })
        })
    }

    /// Receives into the start of `buf`; 0 bytes is the end of the stream.
    pub fn recv(&mut self, fd: u32, buf: &mut [u8], flags: RecvFlags) -> Result<usize> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        let socket = descriptor.socket()?;
        descriptor.need(Rights::FD_READ)?;
        let len = buf.len().min(TRANSFER_BYTES_MAX);
        let buf = buf.split_at_mut(len).0;
        receive(socket, buf, flags, descriptor.flags.nonblock, &self.waiter)
    }

    /// Sends from the start of `buf` and returns how many bytes.
    pub fn send(&mut self, fd: u32, buf: &[u8]) -> Result<usize> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        let socket = descriptor.socket()?;
        descriptor.need(Rights::FD_WRITE)?;
        let buf = buf.get(..TRANSFER_BYTES_MAX).unwrap_or(buf);
        send(socket, buf, descriptor.flags.nonblock, &self.waiter)
    }

    /// Ends a connection in one or both directions. Errors: [`Errno::Inval`] for neither.
    pub fn shutdown(&mut self, fd: u32, read: bool, write: bool) -> Result<()> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        let socket = descriptor.socket()?;
        descriptor.need(Rights::SOCK_SHUTDOWN)?;
        let how = match (read, write) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(Errno::Inval.into()),
        };
        Ok(rustix::net::shutdown(socket, how)?)
    }
}

impl Descriptor {
    fn socket(&self) -> Result<&OwnedFd> {
        match &self.object {
            Object::Socket(socket) => Ok(socket),
            Object::Listener(_) => Err(Errno::NotConn.into()),
            _ => Err(Errno::NotSock.into()),
        }
    }
}

/// Receives what there is, waiting for something unless `nonblock`.
pub(crate) fn receive(
    socket: &OwnedFd,
    buf: &mut [u8],
    flags: RecvFlags,
    nonblock: bool,
    waiter: &Waiter,
) -> Result<usize> {
    let mut how = SysRecvFlags::DONTWAIT;
    how.set(SysRecvFlags::PEEK, flags.peek);
    let mut len = 0;
    loop {
        let rest = buf.get_mut(len..).unwrap_or_default();
        let room = rest.len();
        match rustix::net::recv(socket, rest, how) {
            Ok((got, _)) => {
                len += got;
                let more = flags.wait_all && !flags.peek && got > 0 && got < room;
                if !more {
                    return Ok(len);
                }
            }
            Err(Sys::AGAIN) if nonblock && len > 0 => return Ok(len),
            Err(Sys::AGAIN) if nonblock => return Err(Errno::Again.into()),
            Err(Sys::AGAIN) => {
                waiter.wait(&mut [Watch::readable(socket.as_fd())], None)?;
            }
            Err(Sys::INTR) => waiter.check()?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends what fits, waiting for room unless `nonblock`. A peer that is gone is [`Errno::Pipe`], never
/// a signal.
pub(crate) fn send(socket: &OwnedFd, buf: &[u8], nonblock: bool, waiter: &Waiter) -> Result<usize> {
    loop {
        match rustix::net::send(socket, buf, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(len) => return Ok(len),
            Err(Sys::AGAIN) if nonblock => return Err(Errno::Again.into()),
            Err(Sys::AGAIN) => {
                waiter.wait(&mut [Watch::writable(socket.as_fd())], None)?;
            }
            Err(Sys::INTR) => waiter.check()?,
            Err(error) => return Err(error.into()),
        }
    }
}

//! Connections to addresses that were admitted, with waits that end when the guest does.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, time,
};

use super::admit::Admitted;
use super::own::is_own;
use crate::wait::{Waiter, Watch};
use crate::{OsError, Result};

/// The least size of the buffers of a connection. The one for input has to hold all headers at once.
const BUFFER_BYTES: usize = 64 << 10;

/// What a connection is made and bounded by. Clones speak of the same one.
#[derive(Clone)]
pub(crate) struct Dial(Arc<Inner>);

struct Inner {
    addresses: Vec<Admitted>,
    waiter: Arc<Waiter>,
    until: Instant,
    header_bytes: usize,
    /// Bytes that may still come in, packed and wrapped as they are.
    left: Mutex<u64>,
    /// What ended it, when that was not the network.
    ended: Mutex<Option<Ended>>,
}

/// Why a connection was ended by this side.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    Os(OsError),
    Time,
    TooMuch,
    /// The other side, or somebody between, ended it where nothing ends.
    Cut,
    /// A public address turned out to be one of this machine.
    Own(IpAddr),
}

impl Dial {
    pub(crate) fn new(
        addresses: Vec<Admitted>,
        waiter: Arc<Waiter>,
        until: Instant,
        bytes_max: u64,
        header_bytes: usize,
    ) -> Self {
        let (left, ended) = (Mutex::new(bytes_max), Mutex::default());
        Self(Arc::new(Inner { addresses, waiter, until, header_bytes, left, ended }))
    }

    /// Why the connection was ended by this side, if it was.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.0.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&self, why: Ended) -> ureq::Error {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        io::Error::from(io::ErrorKind::TimedOut).into()
    }

    /// Waits until the socket is ready, the guest ends, or `until` has come.
    fn wait(&self, watch: Watch<'_>, until: Instant) -> std::result::Result<(), ureq::Error> {
        match self.0.waiter.wait(&mut [watch], Some(until.min(self.0.until))) {
            Ok(true) => Ok(()),
            Ok(false) if Instant::now() < self.0.until => {
                Err(io::Error::from(io::ErrorKind::TimedOut).into())
            }
            Ok(false) => Err(self.end(Ended::Time)),
            Err(error) => Err(self.end(Ended::Os(error))),
        }
    }

    fn open(&self, admitted: &Admitted, until: Instant) -> std::result::Result<OwnedFd, ureq::Error> {
        let address = admitted.socket;
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let failed = |errno: rustix::io::Errno| ureq::Error::from(io::Error::from(errno));
        if !admitted.named && is_own(address).map_err(failed)? {
            return Err(self.end(Ended::Own(address.ip().to_canonical())));
        }
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None).map_err(failed)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => {}
            Err(rustix::io::Errno::INPROGRESS) => {
                self.wait(Watch::writable(socket.as_fd()), until)?;
                rustix::net::sockopt::socket_error(&socket).map_err(failed)?.map_err(failed)?;
            }
            Err(errno) => return Err(failed(errno)),
        }
        // Small requests are not held back for more.
        rustix::net::sockopt::set_tcp_nodelay(&socket, true).map_err(failed)?;
        Ok(socket)
    }

    fn count(&self, bytes: usize) -> std::result::Result<(), ureq::Error> {
        let mut left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(u64::try_from(bytes).unwrap_or(u64::MAX)) {
            Some(rest) => {
                *left = rest;
                Ok(())
            }
            None => {
                drop(left);
                Err(self.end(Ended::TooMuch))
            }
        }
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("addresses", &self.0.addresses).finish_non_exhaustive()
    }
}

/// The name was resolved and checked already: what is connected to is what was checked.
impl Resolver for Dial {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        for address in self.0.addresses.iter().take(8) {
            addresses.push(address.socket);
        }
        Ok(addresses)
    }
}

impl Connector for Dial {
    type Out = Wire;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> std::result::Result<Option<Wire>, ureq::Error> {
        let mut last = ureq::Error::HostNotFound;
        let mut left = u32::try_from(self.0.addresses.len()).unwrap_or(u32::MAX);
        for address in &self.0.addresses {
            // Each address gets its share of the time, so that a silent one does not use up what the next would need.
            let share = self.0.until.saturating_duration_since(Instant::now()) / left.max(1);
            left = left.saturating_sub(1);
            match self.open(address, Instant::now() + share) {
                Ok(socket) => {
                    let buffers = LazyBuffers::new(
                        BUFFER_BYTES.max(self.0.header_bytes.saturating_add(1024)),
                        BUFFER_BYTES,
                    );
                    return Ok(Some(Wire { socket, buffers, dial: self.clone() }));
                }
                Err(error) if self.ended().is_some() => return Err(error),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// An open connection.
pub(crate) struct Wire {
    socket: OwnedFd,
    buffers: LazyBuffers,
    dial: Dial,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

/// When ureq would have a wait end.
fn until(timeout: &NextTimeout) -> Instant {
    let after = match timeout.after {
        time::Duration::Exact(after) => after,
        time::Duration::NotHappening => Duration::from_secs(24 * 60 * 60),
    };
    Instant::now() + after
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(
        &mut self,
        amount: usize,
        timeout: NextTimeout,
    ) -> std::result::Result<(), ureq::Error> {
        let until = until(&timeout);
        let output = self.buffers.output();
        let mut rest = output.get(..amount).unwrap_or(output);
        while !rest.is_empty() {
            match rustix::net::send(&self.socket, rest, SendFlags::NOSIGNAL) {
                Ok(done) => rest = rest.get(done..).unwrap_or_default(),
                Err(rustix::io::Errno::AGAIN) => {
                    self.dial.wait(Watch::writable(self.socket.as_fd()), until)?
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(io::Error::from(errno).into()),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> std::result::Result<bool, ureq::Error> {
        let until = until(&timeout);
        loop {
            let room = self.buffers.input_append_buf();
            match rustix::net::recv(&self.socket, room, RecvFlags::empty()) {
                Ok((_, done)) => {
                    self.dial.count(done)?;
                    self.buffers.input_appended(done);
                    return Ok(done > 0);
                }
                Err(rustix::io::Errno::AGAIN) => {
                    self.dial.wait(Watch::readable(self.socket.as_fd()), until)?
                }
                Err(rustix::io::Errno::INTR) => {}
                // The client would take it for the end of a body.
                Err(rustix::io::Errno::CONNRESET | rustix::io::Errno::CONNABORTED) => {
                    return Err(self.dial.end(Ended::Cut));
                }
                Err(errno) => return Err(io::Error::from(errno).into()),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // No connection is used for a second request.
        false
    }
}

/// Notices an end that TLS did not sign. The client takes it for the end of a body without a length, so whoever can cut the
/// wire could cut the body.
#[derive(Debug)]
pub(crate) struct Whole(pub(crate) Dial);

/// A connection, perhaps under TLS, whose end is looked at.
#[derive(Debug)]
pub(crate) struct Ending<T> {
    dial: Dial,
    inner: T,
}

impl<In: Transport> Connector<In> for Whole {
    type Out = Ending<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        inner: Option<In>,
    ) -> std::result::Result<Option<Self::Out>, ureq::Error> {
        Ok(inner.map(|inner| Ending { dial: self.0.clone(), inner }))
    }
}

impl<T: Transport> Transport for Ending<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(
        &mut self,
        amount: usize,
        timeout: NextTimeout,
    ) -> std::result::Result<(), ureq::Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> std::result::Result<bool, ureq::Error> {
        self.inner.await_input(timeout).map_err(|error| match error {
            ureq::Error::Io(cut) if cut.kind() == io::ErrorKind::UnexpectedEof => self.dial.end(Ended::Cut),
            error => error,
        })
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Looks whether the guest was stopped while the network was waited for.
pub(crate) fn check(waiter: &Waiter) -> Result<()> {
    waiter.check()
}

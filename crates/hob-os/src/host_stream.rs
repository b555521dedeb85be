//! Streams of the host as something that never waits: what a kernel puts behind a descriptor.
//!
//! Whoever uses one waits elsewhere, for its queue and for [`HostInput::host`] or [`HostOutput::host`]. Output is charged
//! to the ledger byte by byte, as for a single guest.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use hob_cap::{Ledger, StopToken};

use crate::stdio::{Input, Output};
use crate::wait::Waiter;
use crate::{FileType, Result, Sink, Source};

/// A source of bytes.
#[derive(Debug)]
pub struct HostInput {
    input: Mutex<Input>,
    host: Option<std::os::fd::OwnedFd>,
    waiter: Waiter,
    kind: FileType,
}

/// A sink for bytes.
#[derive(Debug)]
pub struct HostOutput {
    output: Mutex<Output>,
    host: Option<std::os::fd::OwnedFd>,
    waiter: Waiter,
    kind: FileType,
}

impl HostInput {
    /// Opens a source. Errors: the host's descriptor cannot be duplicated.
    pub fn open(source: Source) -> Result<Self> {
        let input = Input::open(source)?;
        let host = input.stream().map(|fd| fd.try_clone()).transpose()?;
        let kind = input.kind();
        Ok(Self { input: Mutex::new(input), host, waiter: Waiter::new(StopToken::never()), kind })
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> FileType {
        self.kind
    }

    /// Reads what there is. Errors: [`Errno::Again`](crate::Errno::Again) when there is nothing yet.
    pub fn try_read(&self, buf: &mut [u8]) -> Result<usize> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner).read(buf, true, &self.waiter)
    }

    /// Whether a read would say something else than to try again, and how many bytes are there.
    #[must_use]
    pub fn ready(&self) -> (bool, u64) {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = match input.stream() {
            None => true,
            Some(fd) => self.waiter.probe(&mut [crate::Watch::readable(fd.as_fd())]).unwrap_or(true),
        };
        (ready, input.ready_bytes())
    }

    /// What to wait for, if anything has to be.
    #[must_use]
    pub fn host(&self) -> Option<BorrowedFd<'_>> {
        self.host.as_ref().map(AsFd::as_fd)
    }
}

impl HostOutput {
    /// Opens a sink; `error` says whether the host's own stream would be standard error.
    pub fn open(sink: Sink, error: bool, ledger: Arc<Ledger>) -> Result<Self> {
        let output = if error {
            Output::open(sink, std::io::stderr(), ledger)?
        } else {
            Output::open(sink, std::io::stdout(), ledger)?
        };
        let host = output.stream().map(|fd| fd.try_clone()).transpose()?;
        let kind = output.kind();
        Ok(Self { output: Mutex::new(output), host, waiter: Waiter::new(StopToken::never()), kind })
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> FileType {
        self.kind
    }

    /// Writes some of it. Errors: [`Errno::Again`](crate::Errno::Again); the output limit.
    pub fn try_write(&self, buf: &[u8]) -> Result<usize> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).write(buf, true, &self.waiter)
    }

    /// Whether a write would say something else than to try again.
    #[must_use]
    pub fn ready(&self) -> bool {
        match &self.host {
            None => true,
            Some(fd) => self.waiter.probe(&mut [crate::Watch::writable(fd.as_fd())]).unwrap_or(true),
        }
    }

    /// What to wait for, if anything has to be.
    #[must_use]
    pub fn host(&self) -> Option<BorrowedFd<'_>> {
        self.host.as_ref().map(AsFd::as_fd)
    }
}

//! Waiting for several things at once.

use std::sync::Arc;
use std::time::Instant;

use hob_os::{Errno, OsError, Result};

use crate::fd::{Description, Ready};
use crate::process::Process;
use crate::wait::WaitQueue;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Which descriptor.
    pub fd: u32,
    /// Until a read would not wait.
    pub read: bool,
    /// Until a write would not wait.
    pub write: bool,
}

/// What there is to say about one interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// What is ready of what was asked for; the end of the other side and errors unasked.
    pub ready: Ready,
    /// The descriptor is not open.
    pub invalid: bool,
}

impl Polled {
    /// Whether there is anything to say.
    #[must_use]
    pub fn any(&self) -> bool {
        let Ready { read, write, hangup, error, .. } = self.ready;
        self.invalid || read || write || hangup || error
    }
}

impl Process {
    /// Waits until there is something to say about at least one interest, or `until` has come; `None` is for ever.
    /// Errors: [`Errno::Intr`].
    pub fn poll(&self, interests: &[Interest], until: Option<Instant>) -> Result<Vec<Polled>> {
        self.check()?;
        if interests.iter().any(|interest| interest.read) {
            self.goes_on();
        }
        let open: Vec<Option<Arc<Description>>> =
            interests.iter().map(|interest| self.description(interest.fd).ok()).collect();
        let streams = || open.iter().flatten().filter_map(|one| one.stream());
        let queues: Vec<&WaitQueue> = streams().map(|stream| stream.queue()).collect();
        let mut host = Vec::new();
        for (interest, description) in interests.iter().zip(&open) {
            let Some(fd) = description.as_ref().and_then(|one| one.stream()).and_then(|one| one.host())
            else {
                continue;
            };
            if interest.read {
                host.push((fd, false));
            }
            if interest.write {
                host.push((fd, true));
            }
        }
        let look = || {
            let all: Vec<Polled> =
                interests.iter().zip(&open).map(|(interest, one)| look_at(interest, one.as_ref())).collect();
            if all.iter().any(Polled::any) { Ok(all) } else { Err(Errno::Again.into()) }
        };
        match self.block(&queues, &host, until, look) {
            Err(OsError::Errno(Errno::TimedOut)) => Ok(vec![Polled::default(); interests.len()]),
            other => other,
        }
    }
}

fn look_at(interest: &Interest, description: Option<&Arc<Description>>) -> Polled {
    let Some(description) = description else { return Polled { invalid: true, ..Polled::default() } };
    let ready = match description.stream() {
        Some(stream) => stream.ready(),
        // A file never waits.
        None => Ready { read: true, write: true, bytes: bytes(description), ..Ready::default() },
    };
    let ready = Ready { read: ready.read && interest.read, write: ready.write && interest.write, ..ready };
    Polled { ready, invalid: false }
}

fn bytes(description: &Description) -> u64 {
    let size = description.file().and_then(|file| file.size()).unwrap_or(0);
    size.saturating_sub(*crate::wait::lock(&description.offset))
}

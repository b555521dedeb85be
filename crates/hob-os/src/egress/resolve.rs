//! Names to addresses, without waiting longer than the guest may.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use super::error::{EgressError, EgressErrorKind};
use crate::Result;

/// How whoever asks waits for the answer to a name: until the descriptor is readable, or as long as it likes. What it
/// fails with is what the question fails with.
pub type Pause<'a> = &'a mut dyn FnMut(BorrowedFd<'_>) -> Result<()>;

/// Turns names into addresses. May take its time: it runs on a thread of its own.
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of a name.
    ///
    /// # Errors
    ///
    /// When there are none, or nobody can be asked.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}

/// A table of names, for tests and for embedders that know their hosts.
#[derive(Clone, Debug, Default)]
pub struct FixedResolver(BTreeMap<String, Vec<IpAddr>>);

impl FixedResolver {
    /// A table with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a name.
    #[must_use]
    pub fn name(mut self, name: &str, addresses: &[IpAddr]) -> Self {
        self.0.insert(name.to_ascii_lowercase(), addresses.to_vec());
        self
    }
}

impl Resolver for FixedResolver {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Lookups that may be under way in this process. A lookup that nobody waits for any more goes on until the system gives
/// up; guests that start one after the other must not pile them up.
const LOOKUPS_MAX: usize = 64;

static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

struct Ticket;

impl Ticket {
    fn take() -> Option<Self> {
        let more = |count: usize| (count < LOOKUPS_MAX).then_some(count + 1);
        LOOKUPS.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Self)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        LOOKUPS.fetch_sub(1, Ordering::AcqRel);
    }
}

type Answer = Arc<Mutex<Option<io::Result<Vec<IpAddr>>>>>;

/// Resolves a name; the wait is `pause`.
pub(crate) fn resolve(
    resolver: &Arc<dyn Resolver>,
    name: &str,
    pause: Pause<'_>,
) -> std::result::Result<Vec<IpAddr>, EgressError> {
    let not_found = |why: &str| {
        EgressError::new(EgressErrorKind::NotFound(format!(
            "{}: {why}",
            hob_cap::escape_guest_text(name, 260)
        )))
    };
    let ticket = Ticket::take().ok_or_else(|| not_found("too many lookups are under way"))?;
    let bell: Arc<OwnedFd> = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map(Arc::new)
        .map_err(|error| not_found(&error.to_string()))?;
    let answer = Answer::default();
    let work = {
        let (resolver, name, bell, answer) =
            (Arc::clone(resolver), name.to_owned(), Arc::clone(&bell), Arc::clone(&answer));
        move || {
            let _ticket = ticket;
            let found = resolver.resolve(&name);
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            let _rings = rustix::io::write(&*bell, &1u64.to_ne_bytes());
        }
    };
    let spawned = std::thread::Builder::new().name("hob-resolve".into()).spawn(work);
    spawned.map_err(|error| not_found(&error.to_string()))?;
    pause(bell.as_fd())?;
    let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    match answer {
        Some(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Some(Ok(_)) => Err(not_found("it has no address")),
        None => Err(not_found("nobody answered in time")),
        Some(Err(error)) => Err(not_found(&error.to_string())),
    }
}

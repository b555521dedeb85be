//! Records of the authority a guest uses.
//!
//! An operation that needs a grant runs inside [`Audit::watch`]. It names the grant with [`Note::grant`],
//! and calls [`Note::allowed`] once it is authorised and *before* it takes effect; if that record cannot be written the call fails and nothing
//! has happened. A refusal, a reached limit or a failure is recorded when the operation ends. Without a
//! sink nothing is formatted and nothing is allocated.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hob_cap::{AuditEvent, AuditSink, ClockGrant, Outcome, RandomGrant, escape_guest_bytes};

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::{Errno, OsError, Result};

/// The longest target in a record, in characters before escaping.
const TARGET_CHARS_MAX: usize = 512;

/// Where the records of one guest go.
#[derive(Clone, Default)]
pub struct Audit {
    sink: Option<Arc<dyn AuditSink>>,
    firsts: Arc<Firsts>,
}

/// Which once-only records were made.
#[derive(Debug, Default)]
struct Firsts {
    clock: AtomicBool,
    random: AtomicBool,
}

/// The record of one operation under way.
pub struct Note<'a> {
    audit: &'a Audit,
    what: &'static str,
    target: &'a dyn Target,
    grant: Cell<Option<&'a str>>,
}

/// What an operation is about, as text from the guest.
pub trait Target {
    /// The text, escaped and bounded.
    fn text(&self) -> String;
}

impl Target for &[u8] {
    fn text(&self) -> String {
        escape_guest_bytes(self, TARGET_CHARS_MAX)
    }
}

/// Two names: from, to.
impl Target for (&[u8], &[u8]) {
    fn text(&self) -> String {
        format!("{} -> {}", self.0.text(), self.1.text())
    }
}

/// A descriptor.
impl Target for u32 {
    fn text(&self) -> String {
        format!("descriptor {self}")
    }
}

impl Audit {
    /// Records into `sink`, or nowhere.
    pub fn new(sink: Option<Arc<dyn AuditSink>>) -> Self {
        Self { sink, firsts: Arc::default() }
    }

    /// Runs an operation and records how it ended, unless it ended well: that was recorded by
    /// [`Note::allowed`].
    pub fn watch<'a, T>(
        &'a self,
        what: &'static str,
        target: &'a dyn Target,
        operation: impl FnOnce(&Note<'a>) -> Result<T>,
    ) -> Result<T> {
        let note = Note { audit: self, what, target, grant: Cell::new(None) };
        let result = operation(&note);
        if let Err(error) = &result {
            note.record(outcome(error), Some(error))?;
        }
        result
    }

    /// Records that an environment variable was handed to the guest.
    pub fn environ(&self, key: &[u8]) -> Result<()> {
        self.granted("env", &key, "env")
    }

    /// Records the first reading of the host's clock.
    pub fn first_clock(&self, clock: &Clock) -> Result<()> {
        match clock.grant() {
            ClockGrant::Real => self.first(&self.firsts.clock, "clock", "clock real"),
            ClockGrant::Coarse => self.first(&self.firsts.clock, "clock", "clock coarse"),
            ClockGrant::Virtual | ClockGrant::None => Ok(()),
        }
    }

    /// Records the first use of the host's entropy, and every refusal.
    pub fn first_random(&self, entropy: &Entropy) -> Result<()> {
        match entropy.grant() {
            RandomGrant::Real => self.first(&self.firsts.random, "random", "random real"),
            RandomGrant::None => self.watch("random", &NOTHING, |_| Err(Errno::NotCapable.into())),
            RandomGrant::Seeded(_) => Ok(()),
        }
    }

    fn first(&self, done: &AtomicBool, what: &'static str, grant: &'static str) -> Result<()> {
        if self.sink.is_none() || done.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.granted(what, &NOTHING, grant)?;
        done.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn granted(&self, what: &'static str, target: &dyn Target, grant: &'static str) -> Result<()> {
        self.watch(what, target, |note| {
            note.grant(Some(grant));
            note.allowed()
        })
    }
}

impl<'a> Note<'a> {
    /// Names the grant that speaks for what the operation is about.
    pub fn grant(&self, grant: Option<&'a str>) {
        self.grant.set(grant);
    }

    /// Records that the operation is allowed and is about to take effect.
    pub fn allowed(&self) -> Result<()> {
        if self.audit.sink.is_some() { self.record(Outcome::Allowed, None) } else { Ok(()) }
    }

    fn record(&self, outcome: Outcome, error: Option<&OsError>) -> Result<()> {
        let Some(sink) = &self.audit.sink else { return Ok(()) };
        let event = AuditEvent {
            what: self.what,
            target: self.target.text(),
            grant: self.grant.get().map(str::to_owned),
            outcome,
            detail: error.map(ToString::to_string),
        };
        // An unrecorded use of authority is worse than a failed call.
        sink.record(&event).map_err(|_| OsError::Errno(Errno::Io))
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("on", &self.sink.is_some()).finish()
    }
}

/// The target of an operation that is about nothing in particular.
const NOTHING: &[u8] = b"";

fn outcome(error: &OsError) -> Outcome {
    match error {
        OsError::Errno(Errno::Perm | Errno::NotCapable | Errno::Xdev) => Outcome::Denied,
        OsError::Limit(_) => Outcome::Limited,
        OsError::Errno(_) | OsError::Stopped(_) => Outcome::Failed,
    }
}

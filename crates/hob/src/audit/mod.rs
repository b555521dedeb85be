//! The audit log: one line of JSON for each use of authority, each chained to the one before.
//!
//! A line holds its number, the time, the run and who ran, what was done under which grant and what came of it, the code
//! of the line before, and its own: an HMAC-SHA256 under the user's key. Beside the log lies `LOG.head`, which says how
//! long the log is and how its last line is coded. Changing, removing, inserting or reordering lines breaks the chain;
//! cutting the log short contradicts the head; and whoever has not the key can mend neither.
//!
//! Fails closed: room on the disk is taken before an event is accepted, so that a use of authority that was allowed can
//! always be written down. A log that cannot take room, such as a pipe, is written event by event.

mod chain;
mod file;

pub use chain::{AuditProblem, AuditSummary};

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hob_cap::{AuditError, AuditEvent, AuditSink};
use hob_engine::UserKey;

use chain::Key;
use file::LogFile;

/// An audit log, open to be appended to. Several processes may append to one file.
///
/// ```
/// use std::sync::Arc;
/// let dir = tempfile::tempdir().unwrap();
/// let (path, key) = (dir.path().join("audit.jsonl"), hob::UserKey::open(&dir.path().join("key")).unwrap());
/// let log = Arc::new(hob::AuditLog::open(&path, &key).unwrap());
/// let host = hob::Host::builder().env("LANG", "C").audit(log.clone()).build()?;
/// host.load_bytes("m", br#"(module (func (export "_start")))"#)?.command()?.run([""; 0])?;
/// log.finish().unwrap();
/// assert_eq!(hob::AuditLog::verify(&path, &key).unwrap().lines, 1);
/// # Ok::<(), hob::Error>(())
/// ```
pub struct AuditLog {
    state: Mutex<State>,
}

struct State {
    file: LogFile,
    run: String,
    who: String,
    /// Events that were accepted and not written yet.
    pending: Vec<String>,
    pending_bytes: u64,
    problem: Option<AuditError>,
}

impl AuditLog {
    /// Opens a log, which is made where there is none.
    ///
    /// ```
    /// let dir = tempfile::tempdir().unwrap();
    /// let key = hob::UserKey::open(&dir.path().join("key")).unwrap();
    /// assert!(hob::AuditLog::open(&dir.path().join("no/such/dir/log"), &key).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or there is no room to write to it.
    pub fn open(path: &Path, key: &UserKey) -> Result<Self, AuditError> {
        let mut run = [0; 8];
        getrandom::fill(&mut run).map_err(|error| AuditError(error.to_string()))?;
        let state = State {
            file: LogFile::open(path, Key::new(key))?,
            run: run.iter().map(|byte| format!("{byte:02x}")).collect(),
            who: String::new(),
            pending: Vec::new(),
            pending_bytes: 0,
            problem: None,
        };
        Ok(Self { state: Mutex::new(state) })
    }

    /// Says who uses authority from now on: a name, and what pins it down.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let key = hob::UserKey::open(&dir.path().join("key")).unwrap();
    /// hob::AuditLog::open(&dir.path().join("log"), &key).unwrap().set_who("linter@1.2.0");
    /// ```
    pub fn set_who(&self, who: &str) {
        self.state().who = hob_cap::escape_guest_text(who, 200);
    }

    /// Writes out what was accepted.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let key = hob::UserKey::open(&dir.path().join("key")).unwrap();
    /// hob::AuditLog::open(&dir.path().join("log"), &key).unwrap().finish().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// When something could not be written, now or before.
    pub fn finish(&self) -> Result<(), AuditError> {
        let mut state = self.state();
        state.write_out()?;
        state.file.give_room_back();
        Ok(())
    }

    /// Checks every line of a log.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let key = hob::UserKey::open(&dir.path().join("key")).unwrap();
    /// assert!(hob::AuditLog::verify(&dir.path().join("none"), &key).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line.
    pub fn verify(path: &Path, key: &UserKey) -> Result<AuditSummary, AuditProblem> {
        file::verify(path, &Key::new(key))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditSink for AuditLog {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        let mut state = self.state();
        if let Some(problem) = &state.problem {
            return Err(problem.clone());
        }
        let body = chain::body(&state.run, &state.who, event)?;
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX).saturating_add(chain::LINE_BYTES_MORE);
        if !state.file.has_room(state.pending_bytes.saturating_add(bytes)) {
            state.write_out()?;
        }
        state.pending.push(body);
        state.pending_bytes = state.pending_bytes.saturating_add(bytes);
        if !state.file.has_room(state.pending_bytes) {
            state.write_out()?;
        }
        Ok(())
    }
}

impl State {
    fn write_out(&mut self) -> Result<(), AuditError> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        self.file.append(&pending).inspect_err(|error| self.problem = Some(error.clone()))
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        // Whoever wants to know whether it was written calls `finish`.
        drop(self.finish());
    }
}

//! Where audit events go on the command line: every one to `--audit FILE`, refusals also into a hint at the end.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use hob::{Access, AuditError, AuditEvent, AuditSink, FsGrant, Outcome};

use crate::report::{Failure, HOST};

/// The most refusals a hint names.
const HINTS_MAX: usize = 5;

/// Takes down events of one run.
pub(crate) struct Log {
    file: Option<Mutex<File>>,
    dirs: Vec<FsGrant>,
    refused: Mutex<Vec<String>>,
}

impl Log {
    /// Opens the file, to append to. `dirs` are the directories the guest has.
    pub(crate) fn open(path: Option<&Path>, dirs: &[FsGrant]) -> Result<Self, Failure> {
        let open = |path: &Path| {
            let file = OpenOptions::new().append(true).create(true).open(path);
            file.map_err(|error| {
                Failure::new(HOST, format!("failed to open the audit log {}: {error}", path.display()))
            })
        };
        Ok(Self {
            file: path.map(open).transpose()?.map(Mutex::new),
            dirs: dirs.to_vec(),
            refused: Mutex::default(),
        })
    }

    /// What was refused, as lines for a person; empty when nothing was.
    pub(crate) fn hints(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AuditSink for Log {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        if event.outcome == Outcome::Denied {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            let hint = hint(event, &self.dirs);
            if refused.len() < HINTS_MAX && !refused.contains(&hint) {
                refused.push(hint);
            }
        }
        let Some(file) = &self.file else { return Ok(()) };
        let mut line = serde_json::to_vec(event).map_err(|error| AuditError(error.to_string()))?;
        line.push(b'\n');
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(|error| AuditError(error.to_string()))
    }
}

/// What was refused, and the flag that would allow it.
fn hint(event: &AuditEvent, dirs: &[FsGrant]) -> String {
    let allow = match event.what {
        "random" => "--random grants the host's randomness".to_owned(),
        "clock" => "--clock grants the host's clocks".to_owned(),
        _ => {
            let read_only = dirs.iter().filter(|grant| grant.access == Access::Read);
            let writable: Vec<String> = read_only
                .map(|grant| FsGrant { access: Access::ReadWrite, ..grant.clone() }.to_string())
                .collect();
            match writable.as_slice() {
                [] => "--dir HOST::GUEST[:rw] grants a directory".to_owned(),
                flags => format!("{} would allow writing", flags.join(" or ")),
            }
        }
    };
    let target = if event.target.is_empty() { String::new() } else { format!(" {}", event.target) };
    format!("refused: {}{target}; {allow}", event.what)
}

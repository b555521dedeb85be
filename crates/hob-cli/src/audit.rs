//! Where audit events go on the command line: every one to `--audit FILE`, refusals also into a hint at the end. And
//! `hob audit`, which checks such a file.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hob::{Access, AuditError, AuditEvent, AuditLog, AuditSink, FsGrant, Outcome, UserKey};

use crate::args::{AuditArgs, AuditCommand, KeyArgs, RecordArgs};
use crate::report::{Done, Failure, HOST, print, print_json};

/// The most refusals a hint names.
const HINTS_MAX: usize = 5;

/// Takes down events of one run.
pub(crate) struct Log {
    file: Option<AuditLog>,
    dirs: Vec<FsGrant>,
    refused: Mutex<Vec<String>>,
}

impl Log {
    /// Opens the file, to append to. `dirs` are the directories the guest has.
    pub(crate) fn open(args: &RecordArgs, dirs: &[FsGrant]) -> Result<Self, Failure> {
        let open = |path: &PathBuf| {
            let log = AuditLog::open(path, &key(&args.key)?);
            log.map_err(|error| Failure::new(HOST, format!("failed to open the audit log: {}", error.0)))
        };
        Ok(Self {
            file: args.audit.as_ref().map(open).transpose()?,
            dirs: dirs.to_vec(),
            refused: Mutex::default(),
        })
    }

    /// Says who uses authority from now on: a name, and the digest of the module.
    pub(crate) fn set_who(&self, name: &str, digest: &[u8; 32]) {
        if let Some(file) = &self.file {
            let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            file.set_who(&format!("{name} sha256:{digest}…"));
        }
    }

    /// What was refused, as lines for a person; empty when nothing was.
    pub(crate) fn hints(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes out what is left. A run whose log is not whole did not go well, whatever the guest says.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let Some(file) = &self.file else { return Ok(()) };
        file.finish().map_err(|error| Failure::new(HOST, error))
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
        self.file.as_ref().map_or(Ok(()), |file| file.record(event))
    }
}

/// The user's key.
pub(crate) fn key(args: &KeyArgs) -> Result<UserKey, Failure> {
    let from = |key: &str| std::env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = || from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local/share")));
    let dir = args.key_dir.clone().or_else(|| base().map(|base| base.join("hob")));
    let dir = dir.ok_or_else(|| {
        Failure::new(HOST, "there is no place for a key: neither --key-dir, XDG_DATA_HOME nor HOME is set")
    })?;
    UserKey::open(&dir).map_err(|error| Failure::new(HOST, format!("the key cannot be used: {error}")))
}

/// `hob audit`.
pub(crate) fn run(args: &AuditArgs) -> Done {
    let AuditCommand::Verify { key: key_args, json, log } = &args.command;
    let verified = AuditLog::verify(log, &key(key_args)?);
    if *json {
        let (lines, unsealed) = verified.as_ref().map_or((0, 0), |seen| (seen.lines, seen.unsealed));
        let problem = verified.as_ref().err().map(ToString::to_string);
        print_json(&serde_json::json!({
            "holds": verified.is_ok(), "lines": lines, "unsealed": unsealed, "problem": problem
        }))?;
    }
    match verified {
        Ok(summary) => {
            if !json {
                print(&format!("{}: {summary}\n", log.display()))?;
            }
            Ok(0)
        }
        Err(_) if *json => Ok(1),
        Err(problem) => Err(Failure::new(1, format!("{}: {problem}", log.display()))),
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

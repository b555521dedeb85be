//! The chain: how a line is coded, and how a log is checked.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac};
use hob_cap::{AuditError, AuditEvent};
use hob_engine::UserKey;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Bytes of a line beyond its body: the number, the two codes and what holds them.
pub(super) const LINE_BYTES_MORE: u64 = 200;

/// The code before the first line.
pub(super) const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The key of audit logs, worked in already.
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new(key: &UserKey) -> Self {
        // A key of any length is a key for HMAC.
        let mac = Hmac::<Sha256>::new_from_slice(&key.derive("audit log"));
        Self(mac.unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default())))
    }

    /// The code of a text, in hexadecimal.
    pub(super) fn code(&self, purpose: &str, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(purpose.as_bytes());
        mac.update(text.as_bytes());
        let digits = b"0123456789abcdef";
        let digit = |half: u8| char::from(digits.get(usize::from(half)).copied().unwrap_or(b'0'));
        mac.finalize().into_bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

/// What a line says, without its place in the chain: members of a JSON object, without the braces.
pub(super) fn body(run: &str, who: &str, event: &AuditEvent) -> Result<String, AuditError> {
    #[derive(Serialize)]
    struct Body<'a> {
        time_ms: u64,
        run: &'a str,
        who: &'a str,
        #[serde(flatten)]
        event: &'a AuditEvent,
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let text = serde_json::to_string(&Body { time_ms, run, who, event });
    let text = text.map_err(|error| AuditError(error.to_string()))?;
    let members = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    members.map(str::to_owned).ok_or_else(|| AuditError("an event is not an object".into()))
}

/// A line of the log, without its end, and its code.
pub(super) fn line(key: &Key, number: u64, body: &str, previous: &str) -> (String, String) {
    let open = format!(r#"{{"seq":{number},{body},"prev":"{previous}""#);
    let code = key.code("line", &open);
    (format!(r#"{open},"mac":"{code}"}}"#), code)
}

/// Where a log ends: how many lines it has, and the code of the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) lines: u64,
    pub(super) last: String,
    mac: String,
}

impl Head {
    pub(super) fn new(key: &Key, lines: u64, last: String) -> Self {
        let mac = key.code("head", &format!("{lines} {last}"));
        Self { lines, last, mac }
    }

    /// Whether a log that ends with this line is what the head was made for.
    pub(super) fn is_end(&self, key: &Key, lines: u64, last: &str) -> bool {
        self.holds(key) && self.lines == lines && self.last == last
    }

    fn holds(&self, key: &Key) -> bool {
        self.mac == key.code("head", &format!("{} {}", self.lines, self.last))
    }
}

/// What a log that holds comes to.
///
/// ```
/// let summary = hob::AuditSummary { lines: 3, unsealed: 0 };
/// assert_eq!(summary.to_string(), "3 lines, each chained to the one before");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSummary {
    /// How many lines it has.
    pub lines: u64,
    /// How many of them stand behind the last one the head knows: the run that wrote them did not end in order.
    pub unsealed: u64,
}

impl fmt::Display for AuditSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lines, each chained to the one before", self.lines)?;
        if self.unsealed > 0 {
            write!(f, "; the last {} were written by a run that did not end in order", self.unsealed)?;
        }
        Ok(())
    }
}

/// Why a log does not hold.
///
/// ```
/// let problem = hob::AuditProblem::Truncated { lines: 2, sealed: 3 };
/// assert!(problem.to_string().contains("2 lines"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditProblem {
    /// It could not be read.
    #[error("failed to read {path}: {why}")]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// A line is not what a log holds.
    #[error("line {line}: {why}")]
    Line {
        /// Which line, from 1 on.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The head is missing or was not made with this key.
    #[error("the head of the log, {path}, {why}: nothing tells whether the log was cut short")]
    Head {
        /// The file of the head.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The log ends before the line its head names.
    #[error("the log was cut short: it has {lines} lines, and had {sealed}")]
    Truncated {
        /// How many lines it has.
        lines: u64,
        /// How many it had when its head was written.
        sealed: u64,
    },
    /// The log ends elsewhere than its head says.
    #[error("line {line} is another than the one the head of the log names")]
    Replaced {
        /// The last line the head knows.
        line: u64,
    },
}

/// What is looked at in a line.
#[derive(Deserialize)]
struct Line {
    seq: u64,
    prev: String,
    mac: String,
}

/// Checks one line after another.
pub(super) struct Checker<'a> {
    key: &'a Key,
    pub(super) lines: u64,
    pub(super) last: String,
}

impl<'a> Checker<'a> {
    pub(super) fn new(key: &'a Key) -> Self {
        Self { key, lines: 0, last: FIRST.into() }
    }

    /// Checks the next line, without its end.
    pub(super) fn next(&mut self, text: &str) -> Result<(), AuditProblem> {
        let line = self.lines + 1;
        let wrong = |why: &str| AuditProblem::Line { line, why: why.into() };
        let read: Line = serde_json::from_str(text).map_err(|_| wrong("it is no line of an audit log"))?;
        if read.seq != line {
            let why = format!("it has the number {}: lines were removed, inserted or reordered", read.seq);
            return Err(AuditProblem::Line { line, why });
        }
        if read.prev != self.last {
            return Err(wrong("it follows another line than the one before it"));
        }
        let tail = format!(r#","mac":"{}"}}"#, read.mac);
        let open =
            text.strip_suffix(&tail).ok_or_else(|| wrong("it was changed, or written with another key"))?;
        if self.key.code("line", open) != read.mac {
            return Err(wrong("it was changed, or written with another key"));
        }
        self.lines = line;
        self.last = read.mac;
        Ok(())
    }

    /// Compares the end of the log with its head; `sealed` is the code of the line the head names, if there is one.
    pub(super) fn finish(
        self,
        head: &Head,
        head_path: &str,
        sealed: Option<&str>,
    ) -> Result<AuditSummary, AuditProblem> {
        if !head.holds(self.key) {
            let why = "was changed, or written with another key".into();
            return Err(AuditProblem::Head { path: head_path.into(), why });
        }
        if self.lines < head.lines {
            return Err(AuditProblem::Truncated { lines: self.lines, sealed: head.lines });
        }
        if head.lines > 0 && sealed != Some(&head.last) {
            return Err(AuditProblem::Replaced { line: head.lines });
        }
        Ok(AuditSummary { lines: self.lines, unsealed: self.lines - head.lines })
    }
}

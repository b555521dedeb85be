//! What is wrong with a machine, and where: a JSON pointer (RFC 6901) to each place.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// It runs, and perhaps not as its author thinks.
    Warning,
    /// It cannot be run.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The rule, as one word that does not change.
    pub code: &'static str,
    /// Where: a JSON pointer into the document.
    pub at: String,
    /// What, and what would be allowed.
    pub message: String,
}

impl Problem {
    /// One that keeps the machine from running.
    pub fn error(code: &'static str, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, at: at.into(), message: message.into() }
    }

    /// One that does not.
    pub fn warning(code: &'static str, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, code, at: at.into(), message: message.into() }
    }

    /// Something worth knowing.
    pub fn info(code: &'static str, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Info, code, at: at.into(), message: message.into() }
    }

    /// Whether it keeps the machine from running.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let at = if self.at.is_empty() { "the document" } else { &self.at };
        write!(f, "{severity} at {at}: {} ({})", self.message, self.code)
    }
}

/// All that keeps a machine from being loaded: at least one error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub Vec<Problem>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.0.iter().filter(|problem| problem.is_error());
        let Some(first) = errors.next() else { return f.write_str("the machine is refused") };
        write!(f, "{first}")?;
        match errors.count() {
            0 => Ok(()),
            1 => f.write_str("; and one error more"),
            more => write!(f, "; and {more} errors more"),
        }
    }
}

impl std::error::Error for Refused {}

/// A pointer to a field or an item below `at`.
#[must_use]
pub(crate) fn below(at: &str, token: impl fmt::Display) -> String {
    let token = token.to_string().replace('~', "~0").replace('/', "~1");
    format!("{at}/{token}")
}

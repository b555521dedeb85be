//! What an analysis finds: one thing, where it stands, what else it concerns, and what shows it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::explore::GaveUp;
use super::witness::Witness;
use crate::problem::Severity;

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How bad it is. Nothing found here keeps a machine from running.
    pub severity: Severity,
    /// The rule, as one word that does not change.
    pub code: &'static str,
    /// Where: a JSON pointer into the document.
    pub at: String,
    /// What, and what would be otherwise.
    pub message: String,
    /// Other places that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
    /// How the machine comes there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// A context in which it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
}

impl Finding {
    pub(super) fn new(
        severity: Severity,
        code: &'static str,
        at: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (at, message) = (at.into(), message.into());
        Self { severity, code, at, message, related: Vec::new(), witness: None, context: None }
    }

    pub(super) fn related(self, related: impl IntoIterator<Item = String>) -> Self {
        Self { related: related.into_iter().collect(), ..self }
    }

    pub(super) fn witness(self, witness: Witness) -> Self {
        Self { witness: Some(witness), ..self }
    }
}

impl fmt::Display for Finding {
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

/// All that was found in a machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// In the order of the rules, and of the document.
    pub findings: Vec<Finding>,
    /// How many configurations were looked at.
    pub configurations: usize,
    /// How many different steps between them.
    pub transitions: usize,
    /// The limit that was come to; then only what is sure without the rest is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<GaveUp>,
}

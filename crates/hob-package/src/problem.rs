//! Problems: what is wrong with a package, where, and which rule says so.

use serde::Serialize;

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A rule of the system whose format it is; its own host refuses the package too.
    Upstream,
    /// A rule of hob's: upstream takes the package.
    Hob,
}

/// A rule, by its name.
pub type Rule = &'static str;

/// One thing that is wrong with a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file it is in.
    pub file: String,
    /// The line, from 1 on, where there is one.
    pub line: Option<usize>,
    /// The rule that is broken.
    pub rule: Rule,
    /// What is wrong. Text of the package in it is escaped and bounded.
    pub message: String,
    /// Whose rule it is.
    pub origin: Origin,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", hob_cap::escape_guest_text(&self.file, 200))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {} [{}]", self.message, self.rule)
    }
}

/// The most problems that are kept.
const PROBLEMS_MAX: usize = 200;

/// Problems as they are found.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(
        &mut self,
        origin: Origin,
        rule: Rule,
        file: &str,
        line: Option<usize>,
        message: impl Into<String>,
    ) {
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(Problem { file: file.into(), line, rule, message: message.into(), origin });
        }
    }

    pub(crate) fn upstream(
        &mut self,
        rule: Rule,
        file: &str,
        line: Option<usize>,
        message: impl Into<String>,
    ) {
        self.add(Origin::Upstream, rule, file, line, message);
    }

    pub(crate) fn hob(&mut self, rule: Rule, file: &str, line: Option<usize>, message: impl Into<String>) {
        self.add(Origin::Hob, rule, file, line, message);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

/// Text of a package, fit to show in a message.
pub(crate) fn shown(text: &str) -> String {
    hob_cap::escape_guest_text(text, 120)
}

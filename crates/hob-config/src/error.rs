//! Why there is no configuration.

use serde::{Deserialize, Serialize};

use crate::limits::ConfigLimit;

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nickel refused it. The message is Nickel's own, bounded and escaped: it quotes contract and configuration.
    #[error("{}{}", message.trim_end(), may_import(*refusal, importable))]
    Refused {
        /// At what.
        refusal: Refusal,
        /// Nickel's message, of several lines.
        message: String,
        /// The names of the sources that may be imported.
        importable: Vec<String>,
    },
    /// An evaluation wanted more than it may use.
    #[error("{} limit exceeded: {allowed} allowed", limit.name())]
    Limit {
        /// Which limit.
        limit: ConfigLimit,
        /// What it is.
        allowed: u64,
    },
    /// A source has a name that cannot be one.
    #[error("{}", bad_name(name, *twice))]
    Name {
        /// The name, escaped.
        name: String,
        /// It is the name of another source too.
        twice: bool,
    },
    /// The worker could not be started, ended otherwise than by a limit, or said what no worker says.
    #[error("the worker that evaluates configurations failed: {0}")]
    Worker(String),
}

/// At what Nickel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// A source is not of its format.
    Syntax,
    /// A type that a source states does not hold.
    Type,
    /// An import that was not granted, or that is not of its format.
    Import,
    /// The configuration violates the contract.
    Contract,
    /// Evaluation failed otherwise: a field without a value, an endless recursion, a name that stands for nothing.
    Evaluation,
    /// The result is no JSON: a function, a number too large.
    Export,
}

fn may_import(refusal: Refusal, importable: &[String]) -> String {
    match (refusal, importable) {
        (Refusal::Import, []) => "\nnothing may be imported".into(),
        (Refusal::Import, names) => format!("\nwhat may be imported: {}", names.join(", ")),
        _ => String::new(),
    }
}

fn bad_name(name: &str, twice: bool) -> String {
    if twice {
        format!("two sources are called `{name}`; names must differ")
    } else {
        format!(
            "`{name}` cannot be the name of a source: use letters, digits, `.`, `-`, `_`, parted by `/`, at most 128 bytes"
        )
    }
}

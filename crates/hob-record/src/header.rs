//! The header of a record: what was run, and how.

use serde::{Deserialize, Serialize};

/// The version of the format. A reader refuses every other one.
pub const VERSION: u16 = 2;

/// What was run, and how. In a sealed record what the guest was given is not here: it is sealed with the events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of hob that recorded.
    pub hob: String,
    /// The name the module was loaded under.
    pub name: String,
    /// SHA-256 of the module, in hexadecimal.
    pub module: String,
    /// How it was run.
    pub how: How,
    /// Bytes of memories, tables and host buffers the guest was allowed.
    pub memory_bytes: u64,
    /// Elements its tables were allowed.
    pub table_elements: u64,
    /// When the events are sealed: the random bytes that make their key this record's own, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
}

/// How a module was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum How {
    /// As a command.
    Run {
        /// The function it begins with.
        entry: String,
    },
    /// One decision of the json contract.
    Eval {
        /// The request.
        request: Vec<u8>,
    },
    /// One exported function with numbers, as text.
    Call {
        /// Which function.
        export: String,
        /// Its arguments, each as `type:value`.
        args: Vec<String>,
    },
    /// One function of a plugin.
    Plugin {
        /// Which function.
        export: String,
        /// The request of a JSON function.
        request: Option<Vec<u8>>,
    },
}

impl How {
    /// The same without what the guest was given.
    pub(crate) fn bare(&self) -> Self {
        match self {
            Self::Run { entry } => Self::Run { entry: entry.clone() },
            Self::Eval { .. } => Self::Eval { request: Vec::new() },
            Self::Call { export, .. } => Self::Call { export: export.clone(), args: Vec::new() },
            Self::Plugin { export, request } => {
                Self::Plugin { export: export.clone(), request: request.as_ref().map(|_| Vec::new()) }
            }
        }
    }
}

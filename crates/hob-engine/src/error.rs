//! Why a module could not be loaded or linked. Every variant names the rule that was broken and what would be allowed.

use std::fmt;

use hob_cap::LimitExceeded;

use crate::module::FuncType;

/// Why bytes did not become a [`Module`](crate::Module).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text format could not be read.
    #[error("not valid WebAssembly text: {0}")]
    Text(String),
    /// Neither the binary nor the text format.
    #[error(
        "neither a WebAssembly module (it would begin with \\0asm) nor WebAssembly text (it would begin with `(module`)"
    )]
    NotWasm,
    /// A component where a core module was expected.
    #[error("this is a component; only core modules are accepted here")]
    Component,
    /// The module is not valid, or uses a feature that is not accepted.
    #[error("not a valid module, at byte {offset}: {message}")]
    Invalid {
        /// Where in the binary.
        offset: u64,
        /// What is wrong there.
        message: String,
    },
    /// The module is larger than the compile limits allow.
    #[error(transparent)]
    Limit(LimitExceeded),
    /// Compilation did not end in time.
    #[error("compiling took longer than {limit_ms} ms; --engine wasmi runs the module without compiling it")]
    CompileTime {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The engine could not be set up or refused a module that is valid: a fault of the host.
    #[error("the engine failed: {0}")]
    Engine(String),
}

impl From<LimitExceeded> for LoadError {
    fn from(limit: LimitExceeded) -> Self {
        Self::Limit(limit)
    }
}

/// Why a module's imports could not be met.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// No host function of that name is in the table.
    Unknown {
        /// The import's module name; text of the guest, escaped.
        module: String,
        /// The import's own name; text of the guest, escaped.
        name: String,
        /// Host modules that the table does hold.
        known_modules: Vec<String>,
        /// A name in the table that is the same but for case.
        similar: Option<String>,
    },
    /// The table holds the name with another type.
    Type {
        /// The import's module name; text of the guest, escaped.
        module: String,
        /// The import's own name; text of the guest, escaped.
        name: String,
        /// The type the module declares.
        asked: Box<FuncType>,
        /// The type the host function has.
        offered: Box<FuncType>,
    },
    /// The import is not a function.
    NotAFunction {
        /// The import's module name; text of the guest, escaped.
        module: String,
        /// The import's own name; text of the guest, escaped.
        name: String,
        /// What it is instead.
        kind: &'static str,
    },
    /// The engine refused what the table allowed: a fault of the host.
    Engine(String),
}

impl std::error::Error for LinkError {}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { module, name, known_modules, similar } => {
                write!(f, "the module imports `{module}.{name}`, which no grant provides")?;
                if let Some(similar) = similar {
                    write!(f, "; names are case-sensitive, `{similar}` exists")?;
                } else if known_modules.is_empty() {
                    f.write_str("; nothing may be imported here")?;
                } else {
                    write!(f, "; functions may be imported from: {}", known_modules.join(", "))?;
                }
                Ok(())
            }
            Self::Type { module, name, asked, offered } => {
                write!(f, "the module imports `{module}.{name}` as {asked}; the host function is {offered}")
            }
            Self::NotAFunction { module, name, kind } => {
                write!(f, "the module imports the {kind} `{module}.{name}`; only functions may be imported")
            }
            Self::Engine(message) => write!(f, "the engine failed to link: {message}"),
        }
    }
}

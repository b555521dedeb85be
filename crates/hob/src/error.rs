//! One error for everything the facade does.

use std::fmt;

use hob_abi::Mismatch;
use hob_abi::json::NoVerdict;
use hob_abi::tool::BadAnswer;
use hob_cap::{GrantError, LimitTooHigh};
use hob_engine::{Fault, FaultKind, LinkError, LoadError};
use hob_record::{Divergence, ReadError};

/// Why something did not work. One pointer wide.
///
/// ```
/// let host = hob::Host::builder().build()?;
/// let error = host.load_bytes("x", b"no module").err().unwrap();
/// assert!(matches!(error.kind(), hob::ErrorKind::Load(_)));
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Error {
    kind: Box<ErrorKind>,
}

/// The kinds of failure.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file is not there.
    NotFound(String),
    /// The file could not be read.
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The bytes are no module that may be loaded.
    Load(LoadError),
    /// The module imports what no grant provides.
    Link(LinkError),
    /// The module does not have the exports of the contract it is used under.
    Contract {
        /// The contract's name and version.
        contract: &'static str,
        /// Every export that does not fit.
        mismatches: Vec<Mismatch>,
    },
    /// There is no function of that name to call.
    NoFunction {
        /// The name that was asked for; escaped.
        export: String,
        /// What there is.
        have: String,
    },
    /// A grant cannot be given.
    Grant(String),
    /// Something failed inside a session.
    Shell {
        /// What was to be done.
        what: String,
        /// Why it was not.
        errno: hob_os::Errno,
    },
    /// What was written in a session could not be kept, or taken up again.
    Snapshot(String),
    /// A limit is set higher than it may be.
    Limit(LimitTooHigh),
    /// The guest ended other than by returning.
    Fault(Fault),
    /// A guard's response is no verdict.
    Verdict(NoVerdict),
    /// A package has problems; the list is not empty.
    Package(Vec<hob_package::Problem>),
    /// A value does not fit the schema of a package.
    Schema {
        /// Whether it was going in, or coming out.
        input: bool,
        /// Where it does not fit.
        violation: hob_package::Violation,
    },
    /// Bytes that must be JSON are none.
    Json {
        /// Whether they were going in, or coming out.
        input: bool,
        /// What is wrong with them.
        why: String,
    },
    /// A package is used as something it is not.
    WrongKind(String),
    /// A tool ended with another exit code than 0.
    ToolFailed {
        /// The code.
        code: u8,
        /// What it wrote to standard error; text of the guest, escaped and bounded.
        stderr: String,
    },
    /// A tool answered what its kind may not answer.
    Answer(hob_abi::tool::BadAnswer),
    /// A run could not be recorded.
    Record(String),
    /// A file is no record that can be played.
    Replay(ReadError),
    /// A replay did something else than what was recorded.
    Diverged(Divergence),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind: Box::new(kind) }
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The guest's fault, if that is what it was.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match &*self.kind {
            ErrorKind::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// The exit code of the command line for this error: 124 deadline, 125 trap or limit, 126 refused, 127 not found.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match &*self.kind {
            ErrorKind::NotFound(_) | ErrorKind::Shell { errno: hob_os::Errno::Noent, .. } => 127,
            ErrorKind::Fault(fault) if fault.is_deadline() => 124,
            ErrorKind::Fault(fault) => match fault.kind() {
                FaultKind::Exit(code) => code.to_le_bytes()[0],
                _ => 125,
            },
            ErrorKind::Verdict(_) | ErrorKind::Diverged(_) | ErrorKind::Answer(_) => 125,
            // What a guest answers is its fault; what it is given is refused.
            ErrorKind::Schema { input: false, .. } | ErrorKind::Json { input: false, .. } => 125,
            ErrorKind::ToolFailed { code, .. } => *code,
            _ => 126,
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            ErrorKind::NotFound(path) => write!(f, "{path}: no such file"),
            ErrorKind::Read { path, why } => write!(f, "failed to read {path}: {why}"),
            ErrorKind::Load(error) => error.fmt(f),
            ErrorKind::Link(error) => error.fmt(f),
            ErrorKind::Contract { contract, mismatches } => {
                write!(f, "the module does not fit the contract {contract}")?;
                mismatches.iter().try_for_each(|mismatch| write!(f, "; {mismatch}"))
            }
            ErrorKind::NoFunction { export, have } => {
                write!(f, "no function is exported as `{export}`; there are: {have}")
            }
            ErrorKind::Grant(why) | ErrorKind::Snapshot(why) => f.write_str(why),
            ErrorKind::Shell { what, errno } => write!(f, "failed to {what}: {errno}"),
            ErrorKind::Limit(error) => error.fmt(f),
            ErrorKind::Fault(fault) => fault.fmt(f),
            ErrorKind::Verdict(error) => error.fmt(f),
            ErrorKind::Package(problems) => {
                write!(f, "the package has {} problems", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
            ErrorKind::Schema { input, violation } => {
                write!(f, "the {} does not fit: {violation}", side(*input))
            }
            ErrorKind::Json { input, why } => write!(f, "the {} is no JSON: {why}", side(*input)),
            ErrorKind::WrongKind(why) => f.write_str(why),
            ErrorKind::ToolFailed { code, stderr } => write!(f, "the tool ended with code {code}: {stderr}"),
            ErrorKind::Answer(answer) => answer.fmt(f),
            ErrorKind::Record(why) => f.write_str(why),
            ErrorKind::Replay(error) => error.fmt(f),
            ErrorKind::Diverged(divergence) => divergence.fmt(f),
        }
    }
}

fn side(input: bool) -> &'static str {
    if input { "input" } else { "output" }
}

macro_rules! from {
    ($($source:ty => $variant:ident),*) => { $(
        impl From<$source> for Error {
            fn from(source: $source) -> Self {
                Self::new(ErrorKind::$variant(source))
            }
        }
    )* };
}

from!(
    LoadError => Load, LinkError => Link, LimitTooHigh => Limit, Fault => Fault, NoVerdict => Verdict,
    ReadError => Replay, Divergence => Diverged, BadAnswer => Answer
);

impl From<GrantError> for Error {
    fn from(error: GrantError) -> Self {
        Self::new(ErrorKind::Grant(error.to_string()))
    }
}

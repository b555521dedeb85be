//! What ended a guest: one small error type for every way a running guest can stop.
//!
//! A `Fault` travels through both engines as their host error, so that a host function that refuses, exits or exceeds a
//! limit is seen by the caller exactly as it was raised.

use std::fmt;

use hob_cap::{LimitExceeded, StopReason};

/// Why a guest ended. One pointer wide, so that results stay cheap on the hot path.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: Box<FaultKind>,
}

/// The ways a guest can end other than by returning.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The guest did something WebAssembly forbids, or said `unreachable`.
    Trap {
        /// What it did.
        trap: Trap,
        /// The guest's own functions, innermost first; text of the guest, at most 16 lines of 120 characters.
        backtrace: Vec<String>,
        /// The last growth that a limit refused before that: most guests that cannot get memory trap.
        refused: Option<LimitExceeded>,
    },
    /// The guest asked to exit with this code.
    Exit(u32),
    /// A named limit was exceeded.
    Limit(LimitExceeded),
    /// The guest was stopped from outside: a deadline passed, or someone stopped it.
    Stopped(StopReason),
    /// A host function panicked. The message is the panic's.
    HostPanic(String),
    /// A host function could not go on, for a reason that is neither the guest's nor a limit: the audit log refused, for
    /// example.
    Host(String),
    /// The guest broke the contract it was loaded under, for example by handing out a pointer past its memory.
    Contract(String),
    /// The instance ended before this call.
    Ended,
}

/// What WebAssembly forbade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trap {
    /// The guest said `unreachable`; most toolchains compile a panic to this.
    Unreachable,
    /// An access past the end of a memory.
    MemoryOutOfBounds,
    /// An access past the end of a table.
    TableOutOfBounds,
    /// An indirect call to nothing.
    IndirectCallToNull,
    /// An indirect call to a function of another type.
    BadSignature,
    /// An integer operation whose result does not fit.
    IntegerOverflow,
    /// A division by zero.
    IntegerDivisionByZero,
    /// A float that is no integer was converted to one.
    BadConversionToInteger,
    /// The guest's stack is full.
    StackOverflow,
    /// Any other trap.
    Other,
}

impl Fault {
    /// Makes a fault of `kind`.
    #[cold]
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { kind: Box::new(kind) }
    }

    /// The guest asked to exit.
    #[cold]
    #[must_use]
    pub fn exit(code: u32) -> Self {
        Self::new(FaultKind::Exit(code))
    }

    /// The guest broke its contract; `what` names the rule.
    #[cold]
    #[must_use]
    pub fn contract(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Contract(what.into()))
    }

    /// A host function could not go on.
    #[cold]
    #[must_use]
    pub fn host(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Host(what.into()))
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &FaultKind {
        &self.kind
    }

    /// The exit code, when the guest asked to exit.
    #[must_use]
    pub fn exit_code(&self) -> Option<u32> {
        match *self.kind {
            FaultKind::Exit(code) => Some(code),
            _ => None,
        }
    }

    /// Whether a deadline ended the guest.
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        matches!(*self.kind, FaultKind::Stopped(StopReason::HardDeadline))
    }

    pub(crate) fn trap(trap: Trap, backtrace: Vec<String>, refused: Option<LimitExceeded>) -> Self {
        Self::new(FaultKind::Trap { trap, backtrace, refused })
    }
}

impl From<LimitExceeded> for Fault {
    fn from(limit: LimitExceeded) -> Self {
        Self::new(FaultKind::Limit(limit))
    }
}

impl From<StopReason> for Fault {
    fn from(reason: StopReason) -> Self {
        Self::new(FaultKind::Stopped(reason))
    }
}

impl std::error::Error for Fault {}

impl wasmi::errors::HostError for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            FaultKind::Trap { trap, backtrace, refused } => {
                write!(f, "guest trapped: {trap}")?;
                if let Some(refused) = refused {
                    write!(f, ", after a growth was refused: {refused}")?;
                }
                for frame in backtrace {
                    write!(f, "\n  in {frame}")?;
                }
                Ok(())
            }
            FaultKind::Exit(code) => write!(f, "guest exited with code {code}"),
            FaultKind::Limit(limit) => limit.fmt(f),
            FaultKind::Stopped(StopReason::HardDeadline) => {
                f.write_str("deadline exceeded: the guest was stopped; --timeout allows it more time")
            }
            FaultKind::Stopped(reason) => write!(f, "guest was stopped: {reason:?}"),
            FaultKind::HostPanic(message) => write!(f, "a host function panicked: {message}"),
            FaultKind::Host(what) => f.write_str(what),
            FaultKind::Contract(what) => write!(f, "guest broke its contract: {what}"),
            FaultKind::Ended => f.write_str("the instance has already ended; make a new one"),
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "unreachable",
            Self::MemoryOutOfBounds => "memory access out of bounds",
            Self::TableOutOfBounds => "table access out of bounds",
            Self::IndirectCallToNull => "indirect call to null",
            Self::BadSignature => "indirect call to a function of another type",
            Self::IntegerOverflow => "integer overflow",
            Self::IntegerDivisionByZero => "integer division by zero",
            Self::BadConversionToInteger => "float is no integer",
            Self::StackOverflow => "stack overflow",
            Self::Other => "trap",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_pointer_wide() {
        assert_eq!(size_of::<Fault>(), size_of::<usize>());
    }
}

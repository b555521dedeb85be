//! Limits a package names for itself.

use std::time::Duration;

use hob_cap::Limits;

/// What a package says of its limits; what it does not name stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsPatch {
    /// Bytes of memories, tables and host buffers together.
    pub memory_bytes: Option<u64>,
    /// From when on waits end early.
    pub soft_deadline: Option<Duration>,
    /// When a call is ended.
    pub hard_deadline: Option<Duration>,
    /// Units of fuel.
    pub fuel: Option<u64>,
    /// Bytes of output.
    pub output_bytes: Option<u64>,
}

impl LimitsPatch {
    /// These limits, with what the package names.
    #[must_use]
    pub fn apply(&self, limits: Limits) -> Limits {
        Limits {
            memory_bytes: self.memory_bytes.unwrap_or(limits.memory_bytes),
            soft_deadline: self.soft_deadline.or(limits.soft_deadline),
            hard_deadline: self.hard_deadline.or(limits.hard_deadline),
            fuel: self.fuel.or(limits.fuel),
            output_bytes: self.output_bytes.unwrap_or(limits.output_bytes),
            ..limits
        }
    }
}

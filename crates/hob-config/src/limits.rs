//! What one evaluation may use.

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// What those who read JSON usually allow, and `serde_json` does.
const DEPTH_MAX: u64 = 127;

/// What one evaluation may use. There is no way to say "without limit".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Milliseconds from the start of the worker to its last byte.
    pub time_ms_max: u64,
    /// Bytes of address space of the worker, its program included.
    pub memory_bytes_max: u64,
    /// Bytes of the stack that Nickel runs on; part of the memory.
    pub stack_bytes_max: u64,
    /// Bytes of all sources and their names.
    pub source_bytes_max: u64,
    /// Bytes of the JSON that comes out.
    pub output_bytes_max: u64,
    /// Bytes of a message that are shown.
    pub message_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time_ms_max: 5_000,
            memory_bytes_max: 512 << 20,
            stack_bytes_max: 64 << 20,
            source_bytes_max: 1 << 20,
            output_bytes_max: 1 << 20,
            message_bytes_max: 8 << 10,
        }
    }
}

/// A limit by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigLimit {
    /// [`Limits::time_ms_max`].
    Time,
    /// [`Limits::memory_bytes_max`].
    Memory,
    /// [`Limits::stack_bytes_max`].
    Stack,
    /// [`Limits::source_bytes_max`].
    Source,
    /// [`Limits::output_bytes_max`].
    Output,
    /// How deep the JSON that comes out is nested: 127, always.
    Depth,
}

impl ConfigLimit {
    /// Its name; if it can be set, that of its field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time_ms_max",
            Self::Memory => "memory_bytes_max",
            Self::Stack => "stack_bytes_max",
            Self::Source => "source_bytes_max",
            Self::Output => "output_bytes_max",
            Self::Depth => "depth_max",
        }
    }
}

impl Limits {
    fn allowed(&self, limit: ConfigLimit) -> u64 {
        match limit {
            ConfigLimit::Time => self.time_ms_max,
            ConfigLimit::Memory => self.memory_bytes_max,
            ConfigLimit::Stack => self.stack_bytes_max,
            ConfigLimit::Source => self.source_bytes_max,
            ConfigLimit::Output => self.output_bytes_max,
            ConfigLimit::Depth => DEPTH_MAX,
        }
    }

    pub(crate) fn check(&self, limit: ConfigLimit, wanted: u64) -> Result<(), ConfigError> {
        if wanted > self.allowed(limit) { Err(self.exceeded(limit)) } else { Ok(()) }
    }

    pub(crate) fn exceeded(&self, limit: ConfigLimit) -> ConfigError {
        ConfigError::Limit { limit, allowed: self.allowed(limit) }
    }
}

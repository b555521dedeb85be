//! What a worker gives up, by limits of the system that it cannot raise again.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::limits::Limits;

/// No descriptor more than the three that are there: no file, no socket, no pipe. No bytes to files, and no core of what it
/// knows if it dies.
pub(super) fn nothing_to_open() -> io::Result<()> {
    for resource in [Resource::Nofile, Resource::Fsize, Resource::Core] {
        most(resource, 0)?;
    }
    Ok(())
}

/// So much memory, and so much time of the processor: whoever asked ends a worker by the clock, and if nobody is left to do so,
/// it ends nevertheless.
pub(super) fn bounded(limits: &Limits) -> io::Result<()> {
    most(Resource::As, limits.memory_bytes_max)?;
    most(Resource::Cpu, limits.time_ms_max.div_ceil(1_000).saturating_add(1))
}

fn most(resource: Resource, amount: u64) -> io::Result<()> {
    setrlimit(resource, Rlimit { current: Some(amount), maximum: Some(amount) })?;
    Ok(())
}

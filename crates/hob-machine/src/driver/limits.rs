//! What a system of machines may hold, each limit with its name.

use crate::step::Limits;

/// What a system may hold.
#[derive(Clone, Copy, Debug)]
pub struct SystemLimits {
    /// Machines that live at the same time, the first one among them.
    pub machines: usize,
    /// How deep machines may start machines; at most [`DEPTH_MAX`].
    pub depth: usize,
    /// Events that wait for one machine.
    pub mailbox: usize,
    /// Timers of one machine.
    pub timers: usize,
    /// Services that run for one machine.
    pub services: usize,
    /// How much may wait with events, with timers and for the host, of all machines together: a unit for each value and each
    /// name, and one for every 64 bytes of text. A step that adds at most 64 is not held to it.
    pub data: usize,
    /// Effects that the host has not acknowledged. At it nothing goes on until the host has.
    pub outputs: usize,
    /// Steps that one input may lead to. What is left goes on with the next input.
    pub steps: usize,
    /// What one step may do.
    pub step: Limits,
}

/// How deep machines may start machines, whatever is asked for: a snapshot nests as deep.
pub const DEPTH_MAX: usize = 16;

impl Default for SystemLimits {
    fn default() -> Self {
        Self {
            machines: 1000,
            depth: 8,
            mailbox: 1000,
            timers: 1000,
            services: 1000,
            data: 4 << 20,
            outputs: 10_000,
            steps: 10_000,
            step: Limits::default(),
        }
    }
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit {name:?}: {allowed} are allowed")]
pub struct Exceeded {
    /// Which: a field of [`SystemLimits`].
    pub name: &'static str,
    /// How many are allowed.
    pub allowed: usize,
}

pub(super) fn within(name: &'static str, count: usize, allowed: usize) -> Result<(), Exceeded> {
    if count > allowed { Err(Exceeded { name, allowed }) } else { Ok(()) }
}

//! What one vat may use. Each limit has a name, which errors say, and a default.

use crate::problem::Problem;
use crate::value::Value;

/// The limits of a vat.
///
/// ```
/// let limits = hob_vat::Limits { sends_per_turn: 10, ..Default::default() };
/// assert_eq!(limits.call_depth, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `message-bytes`: what the arguments of one message weigh.
    pub message_bytes: u32,
    /// `state-bytes`: what the state of one actor weighs.
    pub state_bytes: u32,
    /// `value-depth`: levels of a value that is sent or kept. What is above [`VALUE_DEPTH_MAX`] counts as that.
    pub value_depth: u32,
    /// `call-depth`: near calls inside each other.
    pub call_depth: u32,
    /// `calls-per-turn`: near calls of one turn, and steps from one promise to the next.
    pub calls_per_turn: u32,
    /// `sends-per-turn`: messages that one turn sends.
    pub sends_per_turn: u32,
    /// `turns-per-churn`: turns until what was done is committed, even if more messages are waiting.
    pub turns_per_churn: u32,
    /// `objects`: actors and promises of the vat.
    pub objects: u32,
    /// `mailbox`: messages that wait. Of those in front of the vat and in it for their turn, one more is refused to the program and to
    /// sessions; another vat that sends it waits. Of those in it and on their way out, a turn that would send more fails. Answers, and
    /// news of promises, are not refused a turn: each takes the place of a message that was handled.
    pub mailbox: u32,
    /// `waiting`: messages and listeners that wait for one promise.
    pub waiting: u32,
    /// `fuel-per-turn`: units of work of guests in one turn. A unit is about one WebAssembly instruction.
    pub fuel_per_turn: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            state_bytes: 16 << 20,
            value_depth: 96,
            call_depth: 64,
            calls_per_turn: 10_000_000,
            sends_per_turn: 1_000_000,
            turns_per_churn: 4096,
            objects: 16 << 20,
            mailbox: 1 << 20,
            waiting: 1 << 16,
            fuel_per_turn: 1_000_000_000,
        }
    }
}

/// Levels of a value that a record can hold: those of the record itself come on top.
pub const VALUE_DEPTH_MAX: u32 = 112;

impl Limits {
    /// Whether what a message carries is within limits.
    pub(crate) fn check_message(&self, weight: u32, depth: u32) -> Result<(), Problem> {
        check("message-bytes", weight, self.message_bytes)?;
        check("value-depth", depth, self.value_depth.min(VALUE_DEPTH_MAX))
    }

    /// Whether a value is within the limits of a message.
    pub(crate) fn check_value(&self, value: &Value) -> Result<(), Problem> {
        let meta = value.meta();
        self.check_message(meta.weight, meta.depth)
    }

    /// Whether a state is within limits.
    pub(crate) fn check_state(&self, state: &Value) -> Result<(), Problem> {
        let meta = state.meta();
        check("state-bytes", meta.weight, self.state_bytes)?;
        check("value-depth", meta.depth, self.value_depth.min(VALUE_DEPTH_MAX))
    }
}

pub(crate) fn check(name: &'static str, have: u32, allowed: u32) -> Result<(), Problem> {
    if have > allowed { Err(Problem::limit(name, allowed.into())) } else { Ok(()) }
}

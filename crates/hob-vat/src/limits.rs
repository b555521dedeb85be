//! What one vat may use. Each limit has a name, which errors say, and a default.

use crate::problem::Problem;
use crate::store::RECORD_BYTES_MAX;
use crate::value::Value;

/// The limits of a vat.
///
/// ```
/// let limits = hob_vat::Limits { sends_per_turn: 10, ..Default::default() };
/// assert_eq!(limits.call_depth, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `message-bytes`: what the arguments of one message weigh. Of a durable vat what is above [`MESSAGE_BYTES_MAX`]
    /// counts as that.
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
    /// `turn-bytes`: what a turn makes, changes and sends takes in a record, as far as can be said before it is written: 160 bytes for
    /// a message, 192 for an actor, 96 for a promise, and three for each that a value weighs. Of a durable vat what is above
    /// [`TURN_BYTES_MAX`] counts as that, so that a turn always fits in a record.
    pub turn_bytes: u64,
    /// `turns-per-churn`: turns until what was done is committed, even if more messages are waiting.
    pub turns_per_churn: u32,
    /// `objects`: actors and promises of the vat.
    pub objects: u32,
    /// `mailbox`: messages that wait. Of those in front of the vat and in it for their turn, one more is refused to the program and to
    /// sessions; another vat that sends it waits. Of those in it and on their way out, a turn that would send more fails. Answers, and
    /// news of promises, are not refused a turn: each takes the place of a message that was handled.
    pub mailbox: u32,
    /// `mailbox-bytes`: the same messages, counted as `turn-bytes` counts them, without those that earlier turns of the same churn sent to
    /// others.
    pub mailbox_bytes: u64,
    /// `waiting`: messages and listeners that wait for one promise.
    pub waiting: u32,
    /// `waiting-bytes`: what the messages take that wait for all promises of the vat, counted as `turn-bytes` counts them. Of a durable
    /// vat what is above [`WAITING_BYTES_MAX`] counts as that.
    pub waiting_bytes: u64,
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
            turn_bytes: 1 << 30,
            turns_per_churn: 4096,
            objects: 16 << 20,
            mailbox: 1 << 20,
            mailbox_bytes: 1 << 30,
            waiting: 1 << 16,
            waiting_bytes: 256 << 20,
            fuel_per_turn: 1_000_000_000,
        }
    }
}

/// Levels of a value that a record can hold: those of the record itself come on top.
pub const VALUE_DEPTH_MAX: u32 = 112;

/// What one message of a durable vat weighs at most.
pub const MESSAGE_BYTES_MAX: u32 = 4 << 20;

/// What a turn of a durable vat writes at most.
pub const TURN_BYTES_MAX: u64 = 56 << 20;

/// What waits for promises of a durable vat at most.
pub const WAITING_BYTES_MAX: u64 = 16 << 20;

/// What turns write until they are committed, but for the last of them.
pub(crate) const CHURN_BYTES: u64 = 4 << 20;

/// What is broken at once when a session ends, but for the last promise. Nothing else is done with it.
pub(crate) const SEVERED_BYTES: u64 = 16 << 20;

/// What a vat takes in at once, but for the last message.
pub(crate) const TAKEN_BYTES: u64 = 4 << 20;

/// How many are told at once that a promise is broken for which too many wait. Nothing else happens in that turn.
pub(crate) const TOLD_AT_ONCE: usize = 1 << 13;

/// A record holds what was taken in, twice if it still waits; the turns until the last, that one, what went on by it, and what it
/// answers.
const _: () = {
    let message = cost::MESSAGE + cost::of_weight(MESSAGE_BYTES_MAX);
    // The reason is short: that of `turn-bytes`.
    let told = TOLD_AT_ONCE as u64 * (cost::MESSAGE + cost::of_weight(128));
    let record =
        2 * (TAKEN_BYTES + message) + CHURN_BYTES + TURN_BYTES_MAX + told + WAITING_BYTES_MAX + message;
    assert!(record < RECORD_BYTES_MAX as u64);
    assert!(SEVERED_BYTES < TURN_BYTES_MAX);
};

impl Limits {
    /// The same, with which everything fits in a record.
    pub(crate) fn of_durable(self) -> Self {
        Self {
            message_bytes: self.message_bytes.min(MESSAGE_BYTES_MAX),
            turn_bytes: self.turn_bytes.min(TURN_BYTES_MAX),
            waiting_bytes: self.waiting_bytes.min(WAITING_BYTES_MAX),
            ..self
        }
    }

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

/// What something takes in a record, at most: a look at it instead of writing it.
///
/// A reference takes 50 bytes and weighs 24 in its list, a tag takes 22 beside its name and weighs 8: nothing takes more than three
/// bytes for each that it weighs.
pub(crate) mod cost {
    /// A message, with whom it is for, who waits for it, and where it goes or comes from.
    pub(crate) const MESSAGE: u64 = 160;
    /// A promise.
    pub(crate) const PROMISE: u64 = 96;
    /// An actor, whose kind the program has given a short name.
    pub(crate) const ACTOR: u64 = 192;
    /// A listener, or a promise that another went past.
    pub(crate) const REFERENCE: u64 = 80;

    pub(crate) const fn of_weight(weight: u32) -> u64 {
        3 * (weight as u64 + 8)
    }
}

pub(crate) fn check_bytes(name: &'static str, have: u64, allowed: u64) -> Result<(), Problem> {
    if have > allowed { Err(Problem::limit(name, allowed)) } else { Ok(()) }
}

pub(crate) fn check(name: &'static str, have: u32, allowed: u32) -> Result<(), Problem> {
    if have > allowed { Err(Problem::limit(name, allowed.into())) } else { Ok(()) }
}

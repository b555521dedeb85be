//! Why a step did not happen. A step that fails changes nothing and asks for nothing.

use crate::trace::Outcome;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// No transition is for the event.
    #[error("in {state:?} nothing is for the event {event:?}")]
    NoTransition {
        /// The first active leaf.
        state: String,
        /// The event.
        event: String,
    },
    /// The machine is done.
    #[error("{state:?} is final, so the event {event:?} is for nobody")]
    Final {
        /// The first active leaf.
        state: String,
        /// The event.
        event: String,
    },
    /// Guards said no.
    #[error("guard {guard:?} said no")]
    GuardFailed {
        /// The one that said no last.
        guard: String,
    },
    /// A guard had no answer, which is neither yes nor no.
    #[error("guard {guard:?} has no answer: {cause}")]
    GuardError {
        /// Which.
        guard: String,
        /// Why.
        cause: String,
    },
    /// An action failed.
    #[error("action {action:?} of {place} failed: {cause}")]
    ActionFailed {
        /// Which.
        action: String,
        /// The transition or the state that it belongs to.
        place: String,
        /// Why.
        cause: String,
    },
    /// A change of the context failed.
    #[error("assign {assign:?} of {place} failed: {cause}")]
    AssignFailed {
        /// Which.
        assign: String,
        /// The transition or the state that it belongs to.
        place: String,
        /// Why.
        cause: String,
    },
    /// Events that the machine raises for itself and transitions without event do not come to an end.
    #[error(
        "the step did not come to rest within {limit} microsteps (at {state:?}): raised events or transitions without event go round in a circle"
    )]
    Overflow {
        /// How many are allowed.
        limit: u32,
        /// The first active leaf.
        state: String,
    },
    /// A step asks for too much.
    #[error("the step asks for more than {limit} effects")]
    Effects {
        /// How many are allowed.
        limit: usize,
    },
    /// Scripts of a data model do too much.
    #[error("all scripts of the step take more than {limit} steps")]
    Work {
        /// How many are allowed.
        limit: u32,
    },
    /// What a step sends and raises has too much with it.
    #[error("the data of what the step sends and raises weigh more than {limit}")]
    Data {
        /// How much is allowed: a unit for each value and each name, and one for every 64 bytes of text.
        limit: usize,
    },
    /// What a step leaves in the context nests too deeply to be kept.
    #[error("a value in the context nests deeper than {limit}")]
    DeepContext {
        /// How deep it may.
        limit: usize,
    },
    /// What goes with an effect nests too deeply to be kept.
    #[error("what goes with {effect} nests deeper than {limit}")]
    DeepEffect {
        /// Of which kind: an action's name, or the wire's word.
        effect: String,
        /// How deep it may.
        limit: usize,
    },
    /// There is no such state.
    #[error("there is no state {0:?}")]
    NoState(String),
    /// Nothing says where the machine begins.
    #[error("nothing says where the machine begins")]
    NoInitial,
}

impl StepError {
    /// Which outcome a trace gives it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::GuardFailed { .. } => Outcome::GuardFailed,
            Self::GuardError { .. } => Outcome::GuardError,
            Self::ActionFailed { .. }
            | Self::Effects { .. }
            | Self::Data { .. }
            | Self::Work { .. }
            | Self::DeepEffect { .. } => Outcome::EffectError,
            Self::AssignFailed { .. } | Self::DeepContext { .. } => Outcome::AssignFailed,
            _ => Outcome::InvalidTransition,
        }
    }

    /// Whether the event was simply not for this configuration.
    #[must_use]
    pub fn is_unhandled(&self) -> bool {
        matches!(self, Self::NoTransition { .. } | Self::Final { .. } | Self::GuardFailed { .. })
    }
}

//! What a step did, in order: for people, for pictures, for comparing two kernels.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Something, or deliberately nothing, was done.
    Success,
    /// No transition is for the event.
    #[default]
    InvalidTransition,
    /// Guards said no.
    GuardFailed,
    /// A guard had no answer.
    GuardError,
    /// Whoever is asked before a step said no.
    PolicyDenied,
    /// An action failed.
    EffectError,
    /// A change of the context failed.
    AssignFailed,
}

impl Outcome {
    /// The number that the wire has for it.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::InvalidTransition => 1,
            Self::GuardFailed => 2,
            Self::GuardError => 3,
            Self::PolicyDenied => 4,
            Self::EffectError => 5,
            Self::AssignFailed => 6,
        }
    }

    /// The word that the wire has for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::InvalidTransition => "invalidTransition",
            Self::GuardFailed => "guardFailed",
            Self::GuardError => "guardPanic",
            Self::PolicyDenied => "policyDenied",
            Self::EffectError => "effectError",
            Self::AssignFailed => "assignFailed",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

/// What one step did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// Which machine.
    pub machine: Arc<str>,
    /// The event.
    pub event: String,
    /// The same, as JSON.
    pub event_payload: Value,
    /// The first leaf before.
    pub from_state: Arc<str>,
    /// Guards, in the order in which they were asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guards_evaluated: Vec<String>,
    /// Effects, by the names of their actions; after a colon the kind of those that every machine has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects_emitted: Vec<String>,
    /// Changes of the context.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assigns_applied: Vec<String>,
    /// What else happened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub microsteps: Vec<String>,
    /// The state that had the transition.
    pub matched_at: Arc<str>,
    /// States, as they were left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exited_states: Vec<Arc<str>>,
    /// States, as they were entered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entered_states: Vec<Arc<str>>,
    /// How it ended.
    pub outcome: Outcome,
}

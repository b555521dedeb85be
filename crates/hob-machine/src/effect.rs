//! What a step asks of the world, as data.
//!
//! A machine does nothing itself: whoever drives it carries out what a step returned. On the wire an effect is an envelope
//! `{kind, payload}`, with the kinds of the reference implementation; unknown kinds are kept.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::chart::{Invoked, Node, Timer};
use crate::document::model::Ref;
use crate::name::Name;
use crate::weight::{Unfit, name, nests_within, weigh};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// What an action of the host returned.
    Action {
        /// Which action.
        name: Arc<str>,
        /// What it returned.
        value: Value,
    },
    /// Raise an event for the machine itself: it is handled in the same step and never leaves it.
    Raise {
        /// The event.
        event: Name,
        /// What comes with it.
        data: Option<Value>,
    },
    /// Fire an event later.
    ScheduleAfter {
        /// The timer.
        id: Arc<str>,
        /// Nanoseconds from now.
        delay_nanos: i64,
        /// The event.
        event: Name,
        /// The state that waits for it.
        state: Name,
    },
    /// Do not fire it after all.
    CancelScheduled {
        /// The timer.
        id: Arc<str>,
    },
    /// Run a service.
    StartService(Arc<Start>),
    /// Stop it.
    StopService {
        /// Which.
        id: Arc<str>,
    },
    /// Run another machine.
    SpawnActor(Arc<Start>),
    /// Stop it.
    StopActor {
        /// Which.
        id: Arc<str>,
    },
    /// Send an event to another machine.
    SendTo {
        /// Its number.
        target: Arc<str>,
        /// What others call it, when no number is given.
        system_id: Arc<str>,
        /// The event.
        event: Value,
    },
    /// Send an event to the machine that started this one.
    SendParent {
        /// The event.
        event: Value,
    },
    /// Send an event to whoever sent the one that is handled.
    Respond {
        /// The event.
        event: Value,
    },
    /// Send an event as SCXML does: to the machine itself, to the one that started it, to one that it started, or to a session.
    Send(Arc<Sending>),
    /// Send the event that is handled on.
    Forward {
        /// To whom.
        target: Arc<str>,
        /// What others call it, when no number is given.
        system_id: Arc<str>,
    },
}

/// An event that is sent as SCXML does.
#[derive(Clone, Debug, PartialEq)]
pub struct Sending {
    /// To whom: empty for the machine itself, `#_parent`, `#_` and what it calls a session that it started, or `#_scxml_` and the
    /// number of a session.
    pub target: Arc<str>,
    /// The event.
    pub event: Name,
    /// What comes with it.
    pub data: Option<Value>,
    /// Nanoseconds from now.
    pub delay_nanos: i64,
    /// What its sender calls it; `None` when it does not.
    pub id: Option<Arc<str>>,
}

/// What is started, and what it says when it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// What it is called.
    pub id: Arc<str>,
    /// What runs.
    pub src: Arc<Ref>,
    /// What it is given.
    pub input: Arc<Map<String, Value>>,
    /// The event when it is done; empty when none.
    pub on_done: Name,
    /// The event when it failed; empty when none.
    pub on_error: Name,
    /// What others call it.
    pub system_id: Option<Arc<str>>,
    /// The state it runs for; `None` when an action started it.
    pub state: Option<Name>,
}

impl Timer {
    /// What entering its state asks for.
    pub(crate) fn schedule(&self, node: &Node) -> Effect {
        Effect::ScheduleAfter {
            id: Arc::clone(&self.id),
            delay_nanos: self.delay_nanos,
            event: self.event.clone(),
            state: node.name.clone(),
        }
    }
}

impl Invoked {
    /// What entering its state asks for.
    pub(crate) fn start(&self, node: &Node) -> Arc<Start> {
        Arc::new(Start {
            id: Arc::clone(&self.id),
            src: Arc::clone(&self.src),
            input: Arc::clone(&self.input),
            on_done: self.on_done.clone(),
            on_error: self.on_error.clone(),
            system_id: self.system_id.clone(),
            state: Some(node.name.clone()),
        })
    }
}

impl Effect {
    /// What is left of an allowance once what goes with it is taken from it.
    pub(crate) fn pay(&self, left: usize) -> Result<usize, Unfit> {
        let all = |data: Option<&Value>, left| data.map_or(Ok(left), |data| weigh(data, usize::MAX, left));
        match self {
            Self::Action { value, .. } => all(Some(value), left),
            Self::Raise { event, data } => {
                all(data.as_ref(), name(event.as_str().unwrap_or_default(), left)?)
            }
            Self::Send(send) => {
                let event = send.event.as_str().unwrap_or_default();
                let names = [&send.target, event, send.id.as_deref().unwrap_or_default()];
                all(send.data.as_ref(), names.into_iter().try_fold(left, |left, text| name(text, left))?)
            }
            Self::CancelScheduled { id } => name(id, left),
            Self::SendTo { event, .. } | Self::SendParent { event } | Self::Respond { event } => {
                all(Some(event), left)
            }
            Self::SpawnActor(start) | Self::StartService(start) => {
                let mut given = start.input.values().chain(start.src.params.values());
                given.try_fold(name(&start.src.name, left)?, |left, value| all(Some(value), left))
            }
            _ => Ok(left),
        }
    }

    /// Whether what goes with it nests at most so deep.
    pub(crate) fn nests_within(&self, depth: usize) -> bool {
        let within = |value: &Value| nests_within(value, depth);
        match self {
            Self::Action { value, .. } => within(value),
            Self::Raise { data, .. } => data.as_ref().is_none_or(within),
            Self::Send(send) => send.data.as_ref().is_none_or(within),
            Self::SendTo { event, .. } | Self::SendParent { event } | Self::Respond { event } => {
                within(event)
            }
            Self::SpawnActor(start) | Self::StartService(start) => {
                start.input.values().chain(start.src.params.values()).all(within)
            }
            _ => true,
        }
    }

    /// Which of the wire's kinds it is; `None` of what an action of the host returned.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        Some(match self {
            Self::Action { .. } => return None,
            Self::Raise { .. } => "hob.raise",
            Self::ScheduleAfter { .. } => "crucible.scheduleAfter",
            Self::CancelScheduled { .. } => "crucible.cancelScheduled",
            Self::StartService(_) => "crucible.startService",
            Self::StopService { .. } => "crucible.stopService",
            Self::SpawnActor(_) => "crucible.spawnActor",
            Self::StopActor { .. } => "crucible.stopActor",
            Self::SendTo { .. } => "crucible.sendTo",
            Self::SendParent { .. } => "crucible.sendParent",
            Self::Respond { .. } => "crucible.respondToSender",
            Self::Send(_) => "hob.send",
            Self::Forward { .. } => "crucible.forwardEvent",
        })
    }

    /// What an error calls it.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Action { name, .. } => name,
            other => other.kind().unwrap_or_default(),
        }
    }

    /// As on the wire: an envelope, or what an action returned.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let Some(kind) = self.kind() else {
            return if let Self::Action { value, .. } = self { value.clone() } else { Value::Null };
        };
        let mut payload = Map::new();
        let mut put = |key: &str, value: Value| {
            if value != Value::Null && value != json!("") {
                payload.insert(key.into(), value);
            }
        };
        match self {
            Self::Action { .. } => {}
            Self::Raise { event, data } => {
                put("event", event.to_value());
                put("data", data.clone().unwrap_or_default());
            }
            Self::ScheduleAfter { id, delay_nanos, event, state } => {
                put("id", json!(id));
                put("delay", json!(delay_nanos));
                put("event", event.to_value());
                put("state", state.to_value());
            }
            Self::CancelScheduled { id } | Self::StopService { id } | Self::StopActor { id } => {
                put("id", json!(id))
            }
            Self::StartService(start) | Self::SpawnActor(start) => {
                put("id", json!(start.id));
                put("src", source(&start.src));
                put(
                    "input",
                    if start.input.is_empty() { Value::Null } else { Value::Object((*start.input).clone()) },
                );
                put("onDone", start.on_done.to_value());
                put("onError", start.on_error.to_value());
                put("systemId", json!(start.system_id));
                put("state", start.state.as_ref().map(Name::to_value).unwrap_or_default());
            }
            Self::SendTo { target, system_id, event } => {
                put("targetId", json!(target));
                put("systemId", json!(system_id));
                put("event", event.clone());
            }
            Self::SendParent { event } | Self::Respond { event } => put("event", event.clone()),
            Self::Send(send) => {
                put("target", json!(send.target));
                put("event", send.event.to_value());
                put("data", send.data.clone().unwrap_or_default());
                put("delay", json!(send.delay_nanos));
                put("id", json!(send.id));
            }
            Self::Forward { target, system_id } => {
                put("targetId", json!(target));
                put("systemId", json!(system_id));
            }
        }
        json!({"kind": kind, "payload": payload})
    }
}

fn source(src: &Ref) -> Value {
    let mut value = Map::new();
    value.insert("name".into(), json!(src.name));
    if !src.params.is_empty() {
        value.insert("params".into(), Value::Object(src.params.clone()));
    }
    Value::Object(value)
}

//! Actions that every machine has: they need no host.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::chart::Use;
use crate::document::model::Ref;
use crate::effect::{Effect, Start};
use crate::name::Name;

/// What such names begin with.
const PREFIXES: [&str; 2] = ["crucible.", "hob."];

/// An action that does nothing: a failure by the rules of SCXML ends the list as far as the next one of these.
pub(crate) const BLOCK: &str = "hob.block";

/// Whether an action of this name is one of them, or would be.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What it does. `None` when there is none of this name.
pub(crate) fn effect(action: &Use) -> Option<Effect> {
    let text =
        |key: &str| -> Arc<str> { action.params.get(key).and_then(Value::as_str).unwrap_or_default().into() };
    let value = |key: &str| action.params.get(key).cloned().unwrap_or_default();
    let name = |key: &str| action.params.get(key).and_then(Name::from_value).unwrap_or_else(Name::empty);
    let map = |key: &str| match action.params.get(key) {
        Some(Value::Object(map)) => map.clone(),
        _ => Map::new(),
    };
    Some(match &*action.name {
        "hob.raise" => Effect::Raise { event: name("event"), data: action.params.get("data").cloned() },
        "hob.schedule" => Effect::ScheduleAfter {
            id: text("id"),
            delay_nanos: action.params.get("delay").and_then(Value::as_i64).unwrap_or_default().max(0),
            event: name("event"),
            state: Name::empty(),
        },
        "crucible.cancel" => Effect::CancelScheduled { id: text("id") },
        "crucible.spawn" => {
            let src = match action.params.get("src") {
                Some(Value::Object(src)) => {
                    let name = src.get("name").and_then(Value::as_str).unwrap_or_default().into();
                    let params = src.get("params").and_then(Value::as_object).cloned().unwrap_or_default();
                    Ref { at: action.at.clone(), name, params, position: None }
                }
                _ => Ref { at: action.at.clone(), name: text("src").to_string(), ..Ref::default() },
            };
            Effect::SpawnActor(Arc::new(Start {
                id: text("id"),
                src: Arc::new(src),
                input: Arc::new(map("input")),
                on_done: name("onDone"),
                on_error: name("onError"),
                system_id: Some(text("systemId")).filter(|id| !id.is_empty()),
                state: None,
            }))
        }
        "crucible.stopActor" => Effect::StopActor { id: text("id") },
        "crucible.sendTo" => {
            Effect::SendTo { target: text("target"), system_id: text("systemId"), event: value("event") }
        }
        "crucible.sendParent" => Effect::SendParent { event: value("event") },
        "crucible.respond" => Effect::Respond { event: value("event") },
        "crucible.forwardTo" => Effect::Forward { target: text("target"), system_id: text("systemId") },
        _ => return None,
    })
}

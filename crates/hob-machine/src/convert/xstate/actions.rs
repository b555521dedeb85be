//! Actions, in both directions.

use serde_json::{Value, json};

use super::super::Notes;
use super::super::make::{Object, reference};
use super::guards::object;
use super::tree::Tree;
use crate::document::model;
use crate::json::Json;
use crate::problem::{Problem, below};

/// What a list of actions becomes: those that do something, and those that change the context.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) actions: Vec<Object>,
    pub(super) assigns: Vec<Object>,
}

/// Nanoseconds of one millisecond.
const MILLI: i64 = 1_000_000;

/// XState's name, ours, and parameters that have another name there.
type Builtin = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What XState calls an action of ours; parameters keep their names unless they are listed.
const BUILTINS: [Builtin; 8] = [
    ("xstate.raise", "hob.raise", &[]),
    ("xstate.cancel", "crucible.cancel", &[("sendId", "id")]),
    ("xstate.sendTo", "crucible.sendTo", &[("to", "target"), ("targetId", "target")]),
    ("xstate.sendParent", "crucible.sendParent", &[]),
    ("xstate.respond", "crucible.respond", &[]),
    ("xstate.forwardTo", "crucible.forwardTo", &[("to", "target")]),
    ("xstate.spawnChild", "crucible.spawn", &[]),
    ("xstate.stopChild", "crucible.stopActor", &[("actorRef", "id")]),
];

/// Reads one action or a list of them.
pub(super) fn read(tree: Option<&Tree>, at: &str, notes: &mut Notes) -> Listed {
    let mut listed = Listed::default();
    let Some(tree) = tree else { return listed };
    for (index, item) in tree.items().iter().enumerate() {
        let at = if matches!(tree, Tree::List(_)) { below(at, index) } else { at.to_owned() };
        if let Some(name) = item.as_str() {
            follows(&listed, &at, notes);
            listed.actions.push(reference(name, Object::new()));
            continue;
        }
        let Some(of) = item.get("type").and_then(Tree::as_str) else {
            let message = "an action is a name or an object with a type; this one is left out";
            notes.add(Problem::warning("left_out", at, message));
            continue;
        };
        if of == "xstate.assign" {
            let message =
                "what it assigns is the parameter of the assign xstate.assign, which the host has to bind";
            notes.add(Problem::warning("assign", at, message));
            listed.assigns.push(reference(of, everything(item)));
            continue;
        }
        follows(&listed, &at, notes);
        listed.actions.push(builtin(of, item, &at, notes).unwrap_or_else(|| {
            for (key, _) in item.fields().iter().filter(|(key, _)| key != "type" && key != "params") {
                notes.add(Problem::warning(
                    "left_out",
                    at.as_str(),
                    format!("{key:?} of an action is left out"),
                ));
            }
            reference(of, object(item.get("params"), &at, notes))
        }));
    }
    listed
}

fn follows(listed: &Listed, at: &str, notes: &mut Notes) {
    if !listed.assigns.is_empty() {
        let message = "actions run before changes of the context here, and this one came after one";
        notes.add(Problem::warning("order", at, message));
    }
}

/// Everything beside the type.
fn everything(item: &Tree) -> Object {
    let mut params = Object::new();
    for (key, value) in item.fields().iter().filter(|(key, _)| key != "type" && key != "params") {
        params.put(key, value.to_json());
    }
    for (key, value) in item.get("params").map(Tree::fields).unwrap_or_default() {
        params.put(key, value.to_json());
    }
    params
}

fn builtin(of: &str, item: &Tree, at: &str, notes: &mut Notes) -> Option<Object> {
    let (_, ours, renamed) = BUILTINS.iter().find(|(theirs, ..)| *theirs == of)?;
    let mut params = Object::new();
    for (key, value) in everything(item).0 {
        let key = renamed.iter().find(|(from, _)| **from == *key).map_or(key.as_str(), |(_, to)| to);
        params.0.insert(key.into(), value);
    }
    // An event is an object with a type there, and a name with data here.
    let event = params.0.get("event").cloned();
    if let Some(Json::Object(fields)) = event
        && let Some(Json::Text(name)) = fields.get("type").cloned()
        && (*ours == "hob.raise" || fields.len() == 1)
    {
        let mut data = Object(fields);
        data.0.remove("type");
        params.put("event", name);
        params.put("data", data);
    }
    let Some(delay) = params.0.remove("delay") else { return Some(reference(ours, params)) };
    let millis = match &delay {
        Json::Number(text) => text.parse::<i64>().ok().and_then(|millis| millis.checked_mul(MILLI)),
        _ => None,
    };
    match millis.filter(|millis| *millis >= 0) {
        Some(nanos) if *ours == "hob.raise" && !params.0.contains_key("data") => {
            params.put("delay", nanos);
            if !params.0.contains_key("id") {
                params.put("id", format!("raise:{at}"));
            }
            Some(reference("hob.schedule", params))
        }
        _ => {
            let message = format!("{of} with the delay {delay} is the action {of} of the host");
            notes.add(Problem::warning("delay", at, message));
            Some(reference(of, everything(item)))
        }
    }
}

/// Writes actions, then changes of the context.
pub(super) fn write(actions: &[model::Ref], assigns: &[model::Ref]) -> Vec<Tree> {
    actions.iter().chain(assigns).map(one).collect()
}

/// Milliseconds, with what is left of one behind a point.
pub(super) fn millis(nanos: i64) -> Value {
    if nanos % MILLI == 0 {
        return json!(nanos / MILLI);
    }
    let text = format!("{}.{:06}", nanos / MILLI, nanos % MILLI);
    text.parse::<f64>().map_or(Value::Null, |millis| json!(millis))
}

fn one(action: &model::Ref) -> Tree {
    let mut params = action.params.clone();
    let mut fields = Vec::new();
    let name = if action.name == "hob.schedule" { "hob.raise" } else { &action.name };
    if action.name == "xstate.assign" {
        fields.push(("type".into(), Tree::text("xstate.assign")));
        fields.extend(params.iter().map(|(key, value)| (key.clone(), Tree::from_value(value))));
        return Tree::Object(fields);
    }
    let Some((theirs, _, renamed)) = BUILTINS.iter().find(|(_, ours, _)| *ours == name) else {
        fields.push(("type".into(), Tree::text(name)));
        if !params.is_empty() {
            fields.push(("params".into(), Tree::from_value(&Value::Object(params))));
        }
        return Tree::Object(fields);
    };
    fields.push(("type".into(), Tree::text(*theirs)));
    if let Some(Value::String(event)) = params.get("event").cloned() {
        let mut whole = match params.remove("data") {
            Some(Value::Object(data)) => data,
            _ => serde_json::Map::new(),
        };
        whole.insert("type".into(), json!(event));
        params.insert("event".into(), Value::Object(whole));
    }
    if let Some(delay) = params.get("delay").and_then(Value::as_i64) {
        params.insert("delay".into(), millis(delay));
    }
    for (key, value) in &params {
        let key = renamed.iter().find(|(_, to)| **to == *key).map_or(key.as_str(), |(from, _)| from);
        fields.push((key.to_owned(), Tree::from_value(value)));
    }
    Tree::Object(fields)
}

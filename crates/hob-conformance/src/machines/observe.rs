//! Comparing what a machine did with what was recorded.

use hob::machine::{Failed, Instance, Step, Trace};
use serde_json::{Value, json};

/// Keys of a recorded trace that say how upstream's language calls its types; the rest of each entry counts.
const TYPED: &str = "effectsEmitted";

pub(super) fn started(expected: &Value, instance: &Instance, step: &Step) -> Result<(), String> {
    place(expected, instance)?;
    effects(expected, step)?;
    same("context", expected.get("context"), instance.context())
}

pub(super) fn stepped(
    expected: &Value,
    instance: &Instance,
    stepped: &Result<Step, Failed>,
) -> Result<(), String> {
    let outcome = expected.get("outcome").and_then(Value::as_str).unwrap_or("");
    let trace = match stepped {
        Ok(step) => step.trace.as_deref(),
        Err(failed) => failed.trace.as_deref(),
    };
    let trace = trace.ok_or("there is no trace")?;
    if trace.outcome.as_str() != outcome {
        let error = stepped.as_ref().err().map(ToString::to_string).unwrap_or_default();
        return Err(format!("upstream ends with `{outcome}`, hob with `{}` {error}", trace.outcome.as_str()));
    }
    place(expected, instance)?;
    match stepped {
        Ok(step) => effects(expected, step)?,
        Err(_) => same("effects", expected.get("effects"), &json!([]))?,
    }
    same("context", expected.get("context"), instance.context())?;
    let done = expected.get("inFinal").and_then(Value::as_bool).unwrap_or(false);
    same("inFinal", Some(&json!(done)), &json!(instance.is_done()))?;
    expected.get("trace").map_or(Ok(()), |expected| compare_trace(expected, trace))
}

/// Everything that a recorded snapshot holds; and what is restored from ours is the same instance.
pub(super) fn snapshot(expected: &Value, instance: &Instance) -> Result<(), String> {
    let snapshot = instance.snapshot();
    let ours = snapshot.to_value();
    for key in expected.as_object().into_iter().flat_map(serde_json::Map::keys) {
        same(key, expected.get(key), ours.get(key).unwrap_or(&Value::Null))?;
    }
    let restored = Instance::restore(instance.machine(), &snapshot).map_err(|error| error.to_string())?;
    same("restored", Some(&ours), &restored.snapshot().to_value())
}

fn place(expected: &Value, instance: &Instance) -> Result<(), String> {
    same("configuration", expected.get("configuration"), &json!(instance.configuration()))?;
    same("state", expected.get("state"), &json!(instance.current()))
}

fn effects(expected: &Value, step: &Step) -> Result<(), String> {
    let ours: Vec<Value> = step.effects.iter().map(hob::machine::Effect::to_value).collect();
    same("effects", expected.get("effects"), &Value::Array(ours))
}

fn compare_trace(expected: &Value, trace: &Trace) -> Result<(), String> {
    let ours = serde_json::to_value(trace).map_err(|error| error.to_string())?;
    let keys = expected.as_object().into_iter().chain(ours.as_object()).flat_map(serde_json::Map::keys);
    for key in keys {
        let (theirs, ours) = (expected.get(key), ours.get(key).unwrap_or(&Value::Null));
        if key == TYPED {
            let theirs = theirs.map(names);
            same(key, theirs.as_ref(), &names(ours))?;
        } else {
            same(key, theirs, ours)?;
        }
    }
    Ok(())
}

/// Entries without the name of a type of upstream's language behind the colon.
fn names(list: &Value) -> Value {
    let strip = |entry: &str| match entry.split_once(':') {
        Some((name, kind)) if !kind.starts_with("crucible.") => name.to_owned(),
        _ => entry.to_owned(),
    };
    list.as_array().map_or(Value::Null, |list| list.iter().filter_map(Value::as_str).map(strip).collect())
}

/// What is not there is the same as nothing, or an empty list or object: upstream writes an empty context both ways.
fn same(what: &str, theirs: Option<&Value>, ours: &Value) -> Result<(), String> {
    let nothing = |value: &Value| value.is_null() || *value == json!([]) || *value == json!({});
    let theirs = theirs.unwrap_or(&Value::Null);
    if theirs == ours || (nothing(theirs) && nothing(ours)) {
        return Ok(());
    }
    Err(format!("{what}: upstream has {}, hob {}", short(theirs), short(ours)))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

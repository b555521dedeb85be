//! What the recorded machines call: the functions that upstream's kernel had when it was recorded.

use hob::machine::{Failure, Registry};
use serde_json::{Value, json};

pub(super) fn registry() -> Registry {
    Registry::new()
        .guard("yes", |_| Ok(true))
        .guard("no", |_| Ok(false))
        .guard("boom", |_| Err(Failure::from("guard boom")))
        .guard("ctx", |call| {
            let key = call.params.get("k").and_then(Value::as_str).unwrap_or_default();
            Ok(call.context.get(key).is_some_and(|value| Some(value) == call.params.get("v")))
        })
        .action("emit", |call| Ok(Some(json!({"emit": call.params.get("m").cloned().unwrap_or_default()}))))
        .action("fail", |_| Err(Failure::from("action failed")))
        .assign("log", |call, context| {
            let said = call.params.get("m").cloned().unwrap_or_default();
            match field(context, "log")? {
                Value::Array(log) => log.push(said),
                log => *log = json!([said]),
            }
            Ok(())
        })
        .assign("event", |call, context| {
            let event = || call.event.map(hob::machine::Name::to_value).unwrap_or_default();
            *field(context, "event")? = call.data.cloned().unwrap_or_else(event);
            Ok(())
        })
        .assign("note", |call, context| {
            *field(context, "note")? = call.params.get("v").cloned().unwrap_or_default();
            Ok(())
        })
        .assign("boom", |_, _| Err(Failure::from("assign boom")))
}

fn field<'a>(context: &'a mut Value, key: &str) -> Result<&'a mut Value, Failure> {
    let fields = context.as_object_mut().ok_or_else(|| Failure::from("the context is no object"))?;
    Ok(fields.entry(key).or_insert(Value::Null))
}

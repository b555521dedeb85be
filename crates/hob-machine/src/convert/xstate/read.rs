//! From XState to a document.

use super::super::make::Object;
use super::super::{BYTES_MAX, Converted};
use super::names::Index;
use super::states::Reader;
use super::tree::Tree;
use crate::document::Document;
use crate::json::Json;
use crate::problem::{Problem, Refused};

/// Keys of the root that make it a state of its own.
const OF_A_STATE: [&str; 7] = ["on", "entry", "exit", "always", "after", "invoke", "onDone"];

/// Reads a machine. Errors: text that is no JSON or over the limits, and a machine without states.
///
/// ```
/// use hob_machine::convert::xstate;
///
/// let machine = xstate::import(r#"{"id": "door", "initial": "shut", "states": {"shut": {"on": {"push": "open"}}, "open": {}}}"#)?;
/// assert!(machine.notes.is_empty());
/// # Ok::<(), hob_machine::Refused>(())
/// ```
pub fn import(text: &str) -> Result<Converted<Document>, Refused> {
    let refused = |code, message: String| Refused(vec![Problem::error(code, "", message)]);
    if text.len() > BYTES_MAX {
        let message = format!("the text has {} bytes; {BYTES_MAX} are allowed", text.len());
        return Err(refused("too_large", message));
    }
    let root: Tree = serde_json::from_str(text).map_err(|error| refused("not_json", error.to_string()))?;
    if root.get("states").is_none_or(|states| states.fields().is_empty()) {
        return Err(refused("no_states", "a machine has states: an object under \"states\"".into()));
    }
    let index = Index::new(&root);
    let mut reader = Reader::new(&index);
    let is_state = OF_A_STATE.iter().any(|key| root.get(key).is_some())
        || root.get("type").and_then(Tree::as_str).is_some_and(|of| of != "compound")
        || index.entry(0).is_some_and(|root| root.children.iter().any(|child| reader.is_history(*child)));
    let mut machine = Object::new();
    machine.put("schemaVersion", "1.0");
    machine.put("name", root.get("id").and_then(Tree::as_str).unwrap_or("machine"));
    machine.put("version", root.get("version").and_then(Tree::as_str));
    machine.put("hasInitial", true);
    machine.meta("hob.semantics", "scxml");
    machine.meta("hob.context", root.get("context").map(Tree::to_json));
    if is_state {
        let mut state = reader.state(0);
        state.meta("hob.root", true);
        machine.put("initial", index.name_of(0));
        machine.put("states", vec![state]);
    } else {
        let (targets, actions) = reader.initial(0);
        machine.put("initial", targets.first().map(String::as_str));
        if targets.len() > 1 {
            machine.meta("hob.initial", targets);
        }
        if !actions.is_empty() {
            let message = "actions of the first transition of a machine have no place here, and are left out";
            reader.note(Problem::warning("left_out", "/initial", message));
        }
        machine.put("states", reader.children(0));
        machine.meta("hob.xstate", reader.kept(0));
    }
    let document = Document::from_json(Json::Object(machine.0))?;
    Ok(Converted { result: document, notes: reader.finish() })
}

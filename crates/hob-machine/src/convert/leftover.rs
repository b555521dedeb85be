//! What of a document has no place in another format: keys that are unknown, and known ones that nothing there says.

use super::Notes;
use crate::json::Json;
use crate::position;
use crate::problem::{Problem, below};

const MACHINE: &[&str] =
    &["schemaVersion", "id", "name", "version", "states", "initial", "hasInitial", "meta"];
const STATE: &[&str] = &[
    "name",
    "transitions",
    "onEntry",
    "onExit",
    "isFinal",
    "onDone",
    "onEntryAssign",
    "onExitAssign",
    "children",
    "initialChild",
    "regions",
    "historyType",
    "historyDefault",
    "invoke",
    "meta",
];
const REGION: &[&str] = &["name", "states", "initialChild", "meta"];
const TRANSITION: &[&str] = &[
    "from",
    "to",
    "on",
    "guards",
    "effects",
    "assigns",
    "guardExpr",
    "internal",
    "eventLess",
    "after",
    "wildcard",
    "forbidden",
    "reenter",
    "raise",
    "meta",
    position::KEY,
];
const INVOCATION: &[&str] = &["id", "src", "input", "onDone", "onError", "kind", "systemId"];
const REFERENCE: &[&str] = &["name", "params", position::KEY];

/// Names everything that is not carried over, below a machine.
pub(super) fn report(machine: &Json, notes: &mut Notes) {
    keys(machine, "", MACHINE, notes);
    states(machine, "states", "", notes);
}

/// Recursion ends where nesting of JSON does.
fn states(around: &Json, key: &str, at: &str, notes: &mut Notes) {
    each(around, key, at, |state, at| {
        keys(state, &at, STATE, notes);
        for refs in ["onEntry", "onExit", "onDone", "onEntryAssign", "onExitAssign"] {
            each(state, refs, &at, |item, at| keys(item, &at, REFERENCE, notes));
        }
        each(state, "invoke", &at, |item, at| keys(item, &at, INVOCATION, notes));
        each(state, "transitions", &at, |item, at| {
            keys(item, &at, TRANSITION, notes);
            for refs in ["guards", "effects", "assigns"] {
                each(item, refs, &at, |item, at| keys(item, &at, REFERENCE, notes));
            }
        });
        states(state, "children", &at, notes);
        each(state, "regions", &at, |region, at| {
            keys(region, &at, REGION, notes);
            states(region, "states", &at, notes);
        });
    });
}

fn each<'a>(around: &'a Json, key: &str, at: &str, mut visit: impl FnMut(&'a Json, String)) {
    let Json::Object(fields) = around else { return };
    let Some(Json::List(items)) = fields.get(key) else { return };
    let at = below(at, key);
    items.iter().enumerate().for_each(|(index, item)| visit(item, below(&at, index)));
}

fn keys(object: &Json, at: &str, known: &[&str], notes: &mut Notes) {
    let Json::Object(fields) = object else { return };
    for (key, value) in fields {
        if !known.contains(&key.as_str()) && *value != Json::Null {
            let message = format!("{key:?} has no place in the other format, and is left out");
            notes.add(Problem::warning("left_out", below(at, key), message));
        }
    }
}

//! Guards, in both directions.

use serde_json::{Map, Value, json};

use super::super::Notes;
use super::super::make::{Object, guard, reference};
use super::tree::Tree;
use crate::document::model::{self, GuardNode};
use crate::json::Json;
use crate::problem::Problem;

/// Where an expression that XState has no word for stands.
const EXPR: &str = "hob.expr";

/// What a guard is here. `None` when it cannot be read, which is noted.
pub(super) fn read(
    tree: &Tree,
    at: &str,
    notes: &mut Notes,
    state: &dyn Fn(&Tree) -> Option<String>,
) -> Option<Object> {
    if let Some(name) = tree.as_str() {
        return Some(leaf(reference(name, Object::new())));
    }
    let unreadable = |notes: &mut Notes, why: &str| {
        notes.add(Problem::error("guard", at, format!("{why}; the transition is never taken")));
        Some(super::super::make::never())
    };
    let Some(of) = tree.get("type").and_then(Tree::as_str) else {
        return unreadable(notes, "a guard is a name or an object with a type");
    };
    let params = tree.get("params");
    let inside = |key: &str| tree.get(key).or_else(|| params.and_then(|params| params.get(key)));
    match of {
        "xstate.and" | "xstate.or" | "and" | "or" if inside("guards").is_some() => {
            let parts = inside("guards").map(Tree::items).unwrap_or_default();
            let parts: Option<Vec<Object>> = parts.iter().map(|part| read(part, at, notes, state)).collect();
            match parts {
                Some(parts) if !parts.is_empty() => Some(guard(of.trim_start_matches("xstate."), parts)),
                _ => unreadable(notes, "it joins no guards"),
            }
        }
        "xstate.not" | "not" if inside("guards").or_else(|| inside("guard")).is_some() => {
            match inside("guards").or_else(|| inside("guard")).map(Tree::items).unwrap_or_default() {
                [one] => Some(guard("not", vec![read(one, at, notes, state)?])),
                _ => unreadable(notes, "it turns around one guard"),
            }
        }
        "xstate.stateIn" | "stateIn" => {
            match inside("stateValue").or_else(|| inside("state")).and_then(state) {
                Some(name) => {
                    let mut asked = Object::new();
                    asked.put("op", "stateIn");
                    asked.put("in", name);
                    Some(asked)
                }
                None => unreadable(notes, "stateIn names a state by its id or its path in stateValue"),
            }
        }
        EXPR => match inside("expr").map(Tree::to_json) {
            Some(Json::Object(fields)) => Some(Object(fields)),
            _ => unreadable(notes, "hob.expr has an expression under params.expr"),
        },
        name => {
            for (key, _) in tree.fields().iter().filter(|(key, _)| key != "type" && key != "params") {
                notes.add(Problem::warning("left_out", at, format!("{key:?} of a guard is left out")));
            }
            Some(leaf(reference(name, object(params, at, notes))))
        }
    }
}

/// Parameters, which are an object here.
pub(super) fn object(params: Option<&Tree>, at: &str, notes: &mut Notes) -> Object {
    match params.map(Tree::to_json) {
        None => Object::new(),
        Some(Json::Object(fields)) => Object(fields),
        Some(other) => {
            let message = format!("parameters are an object here; {} stands under \"value\"", other.kind());
            notes.add(Problem::warning("params", at, message));
            let mut params = Object::new();
            params.put("value", other);
            params
        }
    }
}

pub(super) fn leaf(named: Object) -> Object {
    let mut leaf = Object::new();
    leaf.put("op", "leaf");
    leaf.put("ref", named);
    leaf
}

/// All guards of a transition as one.
pub(super) fn write(transition: &model::Transition, id: &dyn Fn(&crate::Name) -> String) -> Option<Tree> {
    let named = transition.guards.iter().map(named);
    let mut all: Vec<Tree> =
        named.chain(transition.guard_expr.as_ref().map(|node| expression(node, id))).collect();
    match all.len() {
        0 | 1 => all.pop(),
        _ => Some(joined("xstate.and", all)),
    }
}

fn expression(node: &GuardNode, id: &dyn Fn(&crate::Name) -> String) -> Tree {
    let children = || node.children.iter().map(|child| expression(child, id)).collect();
    match (node.op.as_str(), &node.reference, &node.state) {
        ("leaf", Some(reference), _) => named(reference),
        ("stateIn", _, Some(state)) => Tree::Object(vec![
            ("type".into(), Tree::text("xstate.stateIn")),
            ("stateValue".into(), Tree::text(format!("#{}", id(state)))),
        ]),
        ("and" | "or" | "not", ..) => joined(&format!("xstate.{}", node.op), children()),
        _ => Tree::Object(vec![
            ("type".into(), Tree::text(EXPR)),
            ("params".into(), Tree::from_value(&json!({"expr": whole(node)}))),
        ]),
    }
}

fn joined(of: &str, guards: Vec<Tree>) -> Tree {
    Tree::Object(vec![("type".into(), Tree::text(of)), ("guards".into(), Tree::List(guards))])
}

fn named(reference: &model::Ref) -> Tree {
    let mut fields = vec![("type".into(), Tree::text(reference.name.as_str()))];
    if !reference.params.is_empty() {
        fields.push(("params".into(), Tree::from_value(&Value::Object(reference.params.clone()))));
    }
    Tree::Object(fields)
}

/// An expression as documents have it.
fn whole(node: &GuardNode) -> Value {
    let literal = |literal: &model::Literal| json!({"type": literal.kind.as_str(), "value": literal.value});
    let mut fields = Map::new();
    fields.insert("op".into(), json!(node.op));
    if !node.path.is_empty() {
        fields.insert("path".into(), json!(node.path));
    }
    if let Some(of) = &node.literal {
        fields.insert("literal".into(), literal(of));
    }
    if !node.set.is_empty() {
        fields.insert("set".into(), node.set.iter().map(literal).collect());
    }
    if !node.children.is_empty() {
        fields.insert("children".into(), node.children.iter().map(whole).collect());
    }
    Value::Object(fields)
}

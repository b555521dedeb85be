//! Guards, from what the document says to what is evaluated: names resolved, kinds checked against the schema.

use serde_json::Value;

use super::build::Builder;
use crate::document::model::{ContextSchema, FieldKind, GuardNode};
use crate::guard::value::Compare;
use crate::guard::{Expr, Source, value};
use crate::problem::{Problem, below};

const OPS: &str = "leaf, stateIn, and, or, not, eq, ne, lt, le, gt, ge and in";

/// What is wrong is added to the problems; such a guard is `None`.
pub(super) fn compile(node: &GuardNode, builder: &mut Builder<'_>) -> Option<Expr> {
    let malformed = |at: &str, message: String| Problem::error("malformed_guard", at, message);
    match node.op.as_str() {
        "leaf" => {
            let Some(reference) = node.reference.as_ref().filter(|reference| !reference.name.is_empty())
            else {
                builder.problems.push(malformed(&node.at, "a leaf names its guard in ref".into()));
                return None;
            };
            Some(Expr::Named(builder.guard(reference)))
        }
        "stateIn" => {
            let Some(name) = &node.state else {
                builder.problems.push(malformed(&node.at, "stateIn names a state in `in`".into()));
                return None;
            };
            let Some(state) = builder.by_name.get(name).copied() else {
                let message = format!("there is no state {name}");
                builder.problems.push(Problem::error("undeclared_target", below(&node.at, "in"), message));
                return None;
            };
            Some(Expr::StateIn { state, label: format!("stateIn({name})") })
        }
        op @ ("and" | "or") => {
            if node.children.is_empty() {
                builder.problems.push(malformed(&node.at, format!("{op} joins one guard at least")));
                return None;
            }
            let children: Vec<_> = node.children.iter().map(|child| compile(child, builder)).collect();
            let children: Box<[Expr]> = children.into_iter().collect::<Option<_>>()?;
            Some(if op == "and" { Expr::And(children) } else { Expr::Or(children) })
        }
        "not" => match node.children.as_slice() {
            [child] => compile(child, builder).map(|child| Expr::Not(Box::new(child))),
            children => {
                let message = format!("not turns one guard around and here are {}", children.len());
                builder.problems.push(malformed(&node.at, message));
                None
            }
        },
        "in" => one_of(node, builder),
        op => match Compare::named(op) {
            Some(op) => compare(op, node, builder),
            None => {
                let message = match op {
                    "field" | "literal" => format!("a {op} is a value and no guard; a comparison holds it"),
                    _ => format!("unknown guard op {op:?}; there are {OPS}"),
                };
                builder.problems.push(malformed(&below(&node.at, "op"), message));
                None
            }
        },
    }
}

fn compare(op: Compare, node: &GuardNode, builder: &mut Builder<'_>) -> Option<Expr> {
    let [left, right] = node.children.as_slice() else {
        let message = format!("{} compares two values and here are {}", node.op, node.children.len());
        builder.problems.push(Problem::error("malformed_guard", &node.at, message));
        return None;
    };
    let (Some(from), Some(to)) = (source(left, builder), source(right, builder)) else { return None };
    if let (Some(a), Some(b)) = (kind(left, builder), kind(right, builder))
        && !comparable(a, b)
    {
        let message = format!("cannot compare {} and {} with {}", a.as_str(), b.as_str(), node.op);
        builder.problems.push(Problem::error("guard_type", &node.at, message));
    }
    Some(Expr::Compare { op, left: from, right: to, label: show(node) })
}

fn one_of(node: &GuardNode, builder: &mut Builder<'_>) -> Option<Expr> {
    let [child] = node.children.as_slice() else {
        let message = format!("in looks for one value and here are {}", node.children.len());
        builder.problems.push(Problem::error("malformed_guard", &node.at, message));
        return None;
    };
    if node.set.is_empty() {
        let message = "in looks in a set of one value at least";
        builder.problems.push(Problem::error("malformed_guard", below(&node.at, "set"), message));
        return None;
    }
    let from = source(child, builder)?;
    if let Some(of) = kind(child, builder) {
        for (index, literal) in
            node.set.iter().enumerate().filter(|(_, literal)| !comparable(of, literal.kind))
        {
            let at = below(&below(&node.at, "set"), index);
            let message = format!("{} is never a value of kind {}", value::show(literal), of.as_str());
            builder.problems.push(Problem::error("guard_type", at, message));
        }
    }
    let set: Box<[Value]> = node.set.iter().map(value::literal).collect();
    Some(Expr::OneOf { value: from, set, label: show(node) })
}

fn source(node: &GuardNode, builder: &mut Builder<'_>) -> Option<Source> {
    let message = match (node.op.as_str(), &node.literal) {
        ("literal", Some(literal)) => return Some(Source::Literal(value::literal(literal))),
        ("field", _) if !node.path.is_empty() => {
            return Some(Source::Field(node.path.split('.').map(String::from).collect()));
        }
        ("literal", None) => "a literal has a value".to_owned(),
        ("field", _) => "a field has a path".to_owned(),
        (op, _) => format!("a comparison is between fields and literals, and {op:?} is neither"),
    };
    builder.problems.push(Problem::error("malformed_guard", &node.at, message));
    None
}

/// What it holds, as far as the schema says; a field that it does not know is a problem.
fn kind(node: &GuardNode, builder: &mut Builder<'_>) -> Option<FieldKind> {
    let schema: &ContextSchema = builder.machine.context.as_ref()?;
    if let Some(literal) = &node.literal {
        return Some(literal.kind);
    }
    let kind = schema.field_at(&node.path);
    if kind.is_none() {
        let message = format!("the context has no field {:?}", node.path);
        builder.problems.push(Problem::error("unknown_field", below(&node.at, "path"), message));
    }
    kind
}

fn comparable(a: FieldKind, b: FieldKind) -> bool {
    let numeric = |kind| matches!(kind, FieldKind::Int | FieldKind::Float);
    let textual = |kind| matches!(kind, FieldKind::String | FieldKind::Enum);
    a == b
        || (numeric(a) && numeric(b))
        || (textual(a) && textual(b))
        || a == FieldKind::Any
        || b == FieldKind::Any
}

/// A guard as traces and pictures show it.
#[must_use]
pub(crate) fn show(node: &GuardNode) -> String {
    let all = |separator: &str| node.children.iter().map(show).collect::<Vec<_>>().join(separator);
    match node.op.as_str() {
        "leaf" => node.reference.as_ref().map_or_else(|| "?".into(), |reference| reference.name.clone()),
        "stateIn" => {
            node.state.as_ref().map_or_else(|| "stateIn(?)".into(), |name| format!("stateIn({name})"))
        }
        "field" => node.path.clone(),
        "literal" => node.literal.as_ref().map_or_else(|| "?".into(), value::show),
        "in" => {
            let set: Vec<String> = node.set.iter().map(value::show).collect();
            format!("{} in [{}]", all(","), set.join(","))
        }
        op if Compare::named(op).is_some() => all(&format!(" {op} ")),
        op => format!("{op}({})", all(",")),
    }
}

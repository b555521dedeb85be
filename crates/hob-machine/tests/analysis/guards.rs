//! What is said of guards, held against contexts.

use hob_machine::analysis::{Agrees, Guards};
use hob_machine::{Chart, Instance, Machine, Registry};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::chart_of;

fn field(path: &str) -> Value {
    json!({"op": "field", "path": path})
}

fn is(op: &str, path: &str, kind: &str, value: Value) -> Value {
    json!({"op": op, "children": [field(path), {"op": "literal", "literal": {"type": kind, "value": value}}]})
}

fn all(children: Value) -> Value {
    json!({"op": "and", "children": children})
}

fn either(children: Value) -> Value {
    json!({"op": "or", "children": children})
}

fn not(child: Value) -> Value {
    json!({"op": "not", "children": [child]})
}

/// A machine with one guard, from `a` to `b` on `go`.
fn with(guard: &Value, context: &Value) -> Chart {
    chart_of(&json!({"context": context, "states": [
        {"name": "a", "transitions": [{"to": "b", "on": "go", "guardExpr": guard}]}, {"name": "b"}]}))
}

/// Whether the guard can pass and can refuse: `yes`, `no`, `both`, or `?` where that is not known.
fn check(guard: Value, context: Value, expected: &str) {
    let chart = with(&guard, &context);
    let guards = Guards::new(&chart);
    let (_, node) = chart.nodes().next().unwrap();
    let id = node.transitions().next().unwrap();
    let found = match (guards.can_pass(id), guards.can_refuse(id)) {
        (Agrees::Never, _) => "no",
        (_, Agrees::Never) => "yes",
        (Agrees::Example { .. }, Agrees::Example { .. }) => "both",
        (Agrees::Capped, _) | (_, Agrees::Capped) => "capped",
        _ => "?",
    };
    assert_eq!(found, expected, "{guard}");
}

#[test]
fn numbers() {
    let none = || Value::Null;
    check(is("gt", "n", "int", json!(5)), none(), "both");
    check(all(json!([is("gt", "n", "int", json!(5)), is("lt", "n", "int", json!(5))])), none(), "no");
    check(all(json!([is("ge", "n", "int", json!(5)), is("le", "n", "int", json!(5))])), none(), "both");
    check(all(json!([is("eq", "n", "int", json!(1.9)), is("lt", "n", "int", json!(1))])), none(), "no");
    check(all(json!([is("eq", "n", "int", json!(1)), is("ne", "n", "int", json!(1))])), none(), "no");
    check(either(json!([is("ge", "n", "int", json!(5)), is("lt", "n", "int", json!(6))])), none(), "yes");
    // What is no number is neither 5 nor not below it.
    check(either(json!([is("eq", "n", "int", json!(5)), is("ne", "n", "int", json!(5))])), none(), "yes");
    check(all(json!([is("gt", "n", "int", json!(5)), is("eq", "n", "string", json!("x"))])), none(), "no");
    let between = all(json!([is("gt", "n", "int", json!(5)), is("lt", "n", "int", json!(6))]));
    check(between.clone(), none(), "both");
    check(between, json!({"fields": [{"name": "n", "kind": "int"}]}), "no");
}

#[test]
fn lengths_of_time_are_strings() {
    let none = || Value::Null;
    check(
        all(json!([is("eq", "d", "string", json!("1h")), is("ne", "d", "duration", json!("60m"))])),
        none(),
        "no",
    );
    check(
        all(json!([is("lt", "d", "duration", json!("2m")), is("gt", "d", "duration", json!("90s"))])),
        none(),
        "both",
    );
    check(
        all(json!([is("lt", "d", "duration", json!("90s")), is("gt", "d", "duration", json!("2m"))])),
        json!({"fields": [{"name": "d", "kind": "duration"}]}),
        "no",
    );
    // A string that is none compares byte by byte: "5" is above "2m" and below "90s".
    check(
        all(json!([is("lt", "d", "duration", json!("90s")), is("gt", "d", "duration", json!("2m"))])),
        none(),
        "both",
    );
    check(
        all(json!([is("gt", "d", "string", json!("paid")), is("le", "d", "duration", json!("5s"))])),
        none(),
        "no",
    );
}

#[test]
fn sets_and_choices() {
    let one_of = |values: &[&str]| {
        let set: Vec<Value> = values.iter().map(|value| json!({"type": "enum", "value": value})).collect();
        json!({"op": "in", "children": [field("s")], "set": set})
    };
    let schema = json!({"fields": [{"name": "s", "kind": "enum", "enum": ["a", "b", "c"]}]});
    check(one_of(&["a", "b"]), schema.clone(), "both");
    check(one_of(&["a", "b", "c"]), schema.clone(), "yes");
    check(not(either(json!([one_of(&["a", "b"]), is("eq", "s", "enum", json!("c"))]))), schema.clone(), "no");
    check(one_of(&["a", "b", "c"]), Value::Null, "both");
    check(all(json!([one_of(&["a"]), one_of(&["b"])])), Value::Null, "no");
    let nullable = json!({"fields": [{"name": "s", "kind": "enum", "enum": ["a"], "nullable": true}]});
    check(one_of(&["a"]), nullable, "both");
    check(
        either(json!([is("eq", "t", "bool", json!(true)), is("eq", "t", "bool", json!(false))])),
        json!({"fields": [{"name": "t", "kind": "bool"}]}),
        "yes",
    );
}

#[test]
fn two_fields() {
    let two = |op: &str, a: &str, b: &str| json!({"op": op, "children": [field(a), field(b)]});
    let none = || Value::Null;
    check(all(json!([two("lt", "a", "b"), two("lt", "b", "a")])), none(), "no");
    check(all(json!([two("le", "a", "b"), two("le", "b", "a"), two("ne", "a", "b")])), none(), "no");
    check(two("lt", "a", "a"), none(), "no");
    check(two("ne", "a", "a"), none(), "?");
}

#[test]
fn states_and_names() {
    let none = || Value::Null;
    let named = json!({"op": "leaf", "ref": {"name": "g"}});
    check(all(json!([named, not(named.clone())])), none(), "no");
    check(either(json!([named, not(named.clone())])), none(), "yes");
    check(json!({"op": "stateIn", "in": "a"}), none(), "yes");
    check(json!({"op": "stateIn", "in": "b"}), none(), "no");
}

#[test]
fn too_many_cases_are_said_to_be() {
    let pair = |n: usize| {
        either(json!([
            is("eq", &format!("f{n}"), "int", json!(0)),
            is("eq", &format!("g{n}"), "int", json!(0))
        ]))
    };
    check(all((0..12).map(pair).collect()), Value::Null, "both");
    check(all((0..13).map(pair).collect()), Value::Null, "capped");
}

/// Values that matter to the guards below.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3..4i64).prop_map(|n| json!(n)),
        Just(json!(0.5)),
        prop::sample::select(vec!["1s", "1000ms", "2m", "90s", "0", "a", "b", "5", ""])
            .prop_map(|text| json!(text)),
        prop::bool::ANY.prop_map(|value| json!(value)),
        Just(Value::Null),
        Just(json!([])),
    ]
}

fn guard() -> impl Strategy<Value = Value> {
    let literal = prop_oneof![
        (-2..3i64).prop_map(|n| json!({"type": "int", "value": n})),
        prop::sample::select(vec!["1s", "2m", "a", "0"])
            .prop_map(|text| json!({"type": "string", "value": text})),
        prop::bool::ANY.prop_map(|value| json!({"type": "bool", "value": value})),
    ];
    let path = prop::sample::select(vec!["x", "y"]);
    let op = prop::sample::select(vec!["eq", "ne", "lt", "le", "gt", "ge"]);
    let operand = prop_oneof![3 => literal.clone(), 1 => path.clone().prop_map(|path| json!(path))];
    let leaf = prop_oneof![
        4 => (op, path.clone(), operand, prop::bool::ANY).prop_map(|(op, path, other, turned)| {
            let other = if other.is_string() { field(other.as_str().unwrap()) } else { json!({"op": "literal", "literal": other}) };
            let sides = if turned { json!([other, field(path)]) } else { json!([field(path), other]) };
            json!({"op": op, "children": sides})
        }),
        1 => (path, prop::collection::vec(literal, 1..3))
            .prop_map(|(path, set)| json!({"op": "in", "children": [field(path)], "set": set})),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| all(json!(parts))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| either(json!(parts))),
            inner.prop_map(not),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// What is said never to pass does not, what is said never to refuse does not, and examples are ones.
    #[test]
    fn verdicts_hold_in_every_context(guard in guard(), contexts in prop::collection::vec((value(), value()), 64)) {
        let chart = with(&guard, &Value::Null);
        let (pass, refuse) = {
            let guards = Guards::new(&chart);
            let id = chart.nodes().next().unwrap().1.transitions().next().unwrap();
            (guards.can_pass(id), guards.can_refuse(id))
        };
        let machine = Machine::bind(chart, &Registry::new()).unwrap();
        // `None` when the guard has no answer.
        let says = |context: &Value| {
            let (mut instance, _) = Instance::start(&machine, context.clone()).unwrap();
            match instance.fire(&"go".into()) {
                Ok(_) => Some(true),
                Err(failed) if failed.error.is_unhandled() => Some(false),
                Err(_) => None,
            }
        };
        for (x, y) in contexts {
            let context = json!({"x": x, "y": y});
            let said = says(&context);
            prop_assert!(said != Some(true) || !pass.is_never(), "{} passes", context);
            prop_assert!(said != Some(false) || !refuse.is_never(), "{} refuses", context);
        }
        for (verdict, wanted) in [(pass, true), (refuse, false)] {
            if let Agrees::Example { context, .. } = verdict {
                prop_assert_eq!(says(&context), Some(wanted), "{}", context);
            }
        }
    }
}

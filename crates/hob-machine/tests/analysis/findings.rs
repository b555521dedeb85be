//! What an analysis finds, machine by machine.

use hob_machine::analysis::{Bounds, analyze};
use serde_json::{Value, json};

use crate::{chart_of, explore, recorded};

/// Every finding as its code and its place, with the places it refers to.
fn check(machine: &Value, expected: &[&str]) {
    let chart = chart_of(machine);
    let report = analyze(&chart, &Bounds::default()).unwrap();
    for finding in &report.findings {
        if let Some(witness) = &finding.witness {
            explore(&chart).replay(witness).unwrap();
        }
    }
    let found: Vec<String> = report
        .findings
        .iter()
        .map(|finding| {
            let related: Vec<&str> = finding.related.iter().map(String::as_str).collect();
            format!("{} {} {}", finding.code, finding.at, related.join(" ")).trim_end().to_owned()
        })
        .collect();
    assert_eq!(found, expected, "{}", serde_json::to_string_pretty(&report).unwrap());
}

fn states(states: Value) -> Value {
    json!({ "states": states })
}

fn to(to: &str, on: &str) -> Value {
    json!({"to": to, "on": on})
}

fn guarded(to: &str, on: &str, guard: &str) -> Value {
    json!({"to": to, "on": on, "guards": [{"name": guard}]})
}

fn compare(op: &str, value: i64) -> Value {
    json!({"op": op, "children": [{"op": "field", "path": "n"},
        {"op": "literal", "literal": {"type": "int", "value": value}}]})
}

fn when(to: &str, on: &str, guard: &Value) -> Value {
    json!({"to": to, "on": on, "guardExpr": guard})
}

#[test]
fn nothing_to_find() {
    check(
        &states(json!([
            {"name": "a", "transitions": [guarded("b", "go", "g"), to("a2", "go")]},
            {"name": "a2", "transitions": [to("a", "go")]},
            {"name": "b", "isFinal": true},
        ])),
        &[],
    );
}

#[test]
fn states_and_transitions_that_are_for_nothing() {
    check(
        &states(json!([
            {"name": "a", "transitions": [to("b", "go"), guarded("a", "go", "g")]},
            {"name": "b", "transitions": [to("a", "go")]},
            {"name": "lost", "initialChild": "inner", "transitions": [to("a", "x")], "children": [{"name": "inner"}]},
        ])),
        &[
            "unreachable_state /states/2",
            "dead_transition /states/0/transitions/1 /states/0/transitions/0",
            "dead_transition /states/2/transitions/0",
        ],
    );
}

#[test]
fn what_forbids_and_what_takes_all() {
    check(
        &states(json!([
            {"name": "a", "initialChild": "a1", "transitions": [to("b", "go"), to("b", "out")], "children": [
                {"name": "a1", "transitions": [{"on": "go", "forbidden": true}, {"to": "a1", "wildcard": true, "on": "", "reenter": true}]}]},
            {"name": "b", "transitions": [to("a", "x"), {"on": "x", "forbidden": true}, to("a", "y")]},
        ])),
        &[
            "unreachable_state /states/1",
            "dead_transition /states/0/transitions/0",
            "dead_transition /states/0/transitions/1 /states/0/children/0/transitions/1",
            "dead_transition /states/1/transitions/0 /states/1/transitions/1",
            "dead_transition /states/1/transitions/2",
        ],
    );
}

#[test]
fn steps_that_do_not_end() {
    check(
        &states(json!([
            {"name": "a", "transitions": [to("b", "go")]},
            {"name": "b", "transitions": [{"to": "c", "eventLess": true}]},
            {"name": "c", "transitions": [{"to": "b", "eventLess": true}]},
        ])),
        &["livelock /states/1/transitions/0 /states/2/transitions/0", "dead_end /states/0"],
    );
    check(
        &states(json!([
            {"name": "a", "transitions": [{"to": "a", "on": "go", "raise": ["go"]}, to("b", "end")]},
            {"name": "b", "isFinal": true},
        ])),
        &["livelock /states/0/transitions/0"],
    );
}

#[test]
fn ends_that_are_none() {
    check(
        &states(json!([
            {"name": "a", "transitions": [to("b", "go"), to("stuck", "err"), to("round", "r")]},
            {"name": "b", "isFinal": true},
            {"name": "stuck"},
            {"name": "round", "transitions": [to("trip", "r")]},
            {"name": "trip", "transitions": [to("round", "r")]},
        ])),
        &[
            "dead_end /states/2",
            "cannot_reach_final /states/2",
            "cannot_reach_final /states/3",
            "cannot_reach_final /states/4",
        ],
    );
}

#[test]
fn guards_that_decide_nothing() {
    let never = json!({"op": "and", "children": [compare("gt", 5), compare("lt", 3)]});
    let ever = json!({"op": "or", "children": [compare("ge", 5), compare("lt", 5)]});
    let partly = json!({"op": "or", "children": [never, {"op": "leaf", "ref": {"name": "g"}}]});
    check(
        &states(json!([
            {"name": "a", "transitions": [when("b", "x", &never), when("b", "y", &ever), to("a", "y"), when("b", "z", &partly)]},
            {"name": "b", "transitions": [to("a", "back")]},
        ])),
        &[
            "dead_transition /states/0/transitions/0",
            "dead_transition /states/0/transitions/2 /states/0/transitions/1",
            "guard_contradiction /states/0/transitions/0/guardExpr",
            "guard_tautology /states/0/transitions/1/guardExpr",
            "guard_contradiction /states/0/transitions/3/guardExpr/children/0",
        ],
    );
}

#[test]
fn transitions_that_compete() {
    let of = |a: &Value, b: &Value| {
        states(json!([
            {"name": "a", "transitions": [when("b", "x", a), when("c", "x", b)]},
            {"name": "b", "transitions": [to("a", "back")]},
            {"name": "c", "transitions": [to("a", "back")]},
        ]))
    };
    check(&of(&compare("lt", 5), &compare("ge", 5)), &[]);
    let competing = ["nondeterminism /states/0/transitions/1 /states/0/transitions/0"];
    check(&of(&compare("le", 5), &compare("ge", 5)), &competing);
    check(&of(&compare("le", 5), &json!({"op": "leaf", "ref": {"name": "g"}})), &competing);
    let g = json!({"op": "leaf", "ref": {"name": "g"}});
    check(&of(&g, &json!({"op": "not", "children": [g]})), &[]);
}

#[test]
fn a_graph_that_is_not_whole_claims_less() {
    let chart = chart_of(&states(json!([
        {"name": "a", "transitions": [to("b", "go")]},
        {"name": "b", "transitions": [to("c", "go")]},
        {"name": "c"},
        {"name": "lost"},
    ])));
    let report = analyze(&chart, &Bounds { configurations: 1, ..Bounds::default() }).unwrap();
    let found: Vec<&str> = report.findings.iter().map(|finding| finding.at.as_str()).collect();
    assert_eq!(found, ["/states/3"]);
    assert!(report.gave_up.is_some());
}

#[test]
fn recorded_machines_are_analyzed() {
    let mut codes = std::collections::BTreeMap::new();
    for chart in recorded() {
        let report = analyze(&chart, &Bounds::default()).unwrap();
        for finding in &report.findings {
            *codes.entry(finding.code).or_insert(0) += 1;
            if let Some(witness) = &finding.witness {
                explore(&chart).replay(witness).unwrap();
            }
        }
    }
    assert!(codes.contains_key("dead_end") && codes.contains_key("dead_transition"), "{codes:?}");
}

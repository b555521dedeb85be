//! The whole tree is looked at, and everything that is wrong is named with its place.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use hob_machine::{Chart, Document};

/// The codes and places of what is wrong with the states of a machine that begins in `a`.
#[track_caller]
fn check(states: &str, expected: &[&str]) {
    let text = format!(r#"{{"name":"m","initial":"a","hasInitial":true,"states":[{states}]}}"#);
    let document = Document::parse(&text).unwrap();
    let problems = Chart::load(&document).err().map(|refused| refused.0).unwrap_or_default();
    let found: Vec<String> =
        problems.iter().map(|problem| format!("{} {}", problem.code, problem.at)).collect();
    assert_eq!(found, expected, "{problems:#?}");
}

#[test]
fn shapes() {
    check(r#"{"name":"a"}"#, &[]);
    check(r#"{"name":"b"}"#, &["undeclared_target /initial"]);
    check(
        r#"{"name":"a"},{"name":"p","children":[{"name":"a"}],"initialChild":"a"}"#,
        &["duplicate_state /states/1/children/0/name"],
    );
    check(
        r#"{"name":"a","children":[{"name":"c"}],"initialChild":"c","regions":[{"name":"r","initialChild":"d","states":[{"name":"d"}]}]}"#,
        &["children_and_regions /states/0", "undeclared_target /states/0/initialChild"][..1],
    );
    check(r#"{"name":"a","children":[{"name":"c"}]}"#, &["missing_initial /states/0/initialChild"]);
    check(
        r#"{"name":"a","children":[{"name":"c"}],"initialChild":"b"},{"name":"b"}"#,
        &["initial_outside /states/0/initialChild"],
    );
    check(
        r#"{"name":"a","regions":[{"name":"r","states":[{"name":"x"}]},{"name":"r","initialChild":"y","states":[{"name":"y"}]}]}"#,
        &["duplicate_region /states/0/regions/1/name", "missing_initial /states/0/regions/0/initialChild"],
    );
    check(
        r#"{"name":"a","regions":[{"name":"r","states":[]}]}"#,
        &["no_states /states/0/regions/0/states", "missing_initial /states/0/regions/0/initialChild"],
    );
    check(
        r#"{"name":"a","isFinal":true,"transitions":[{"to":"a","on":"e"}]}"#,
        &["final_transitions /states/0/transitions"],
    );
    check(r#"{"name":"a"},{"name":"h","historyType":1}"#, &["history_place /states/1"]);
    check(
        r#"{"name":"a","children":[{"name":"h","historyType":1,"historyDefault":"z"},{"name":"c"}],"initialChild":"c"},{"name":"z"}"#,
        &["history_default /states/0/children/0/historyDefault"],
    );
}

#[test]
fn transitions() {
    let of = |transition: &str| {
        format!(
            r#"{{"name":"a","children":[{{"name":"c","transitions":[{transition}]}}],"initialChild":"c"}}"#
        )
    };
    check(&of(r#"{"to":"a","on":"e"}"#), &[]);
    check(&of(r#"{"to":"nowhere","on":"e"}"#), &["undeclared_target /states/0/children/0/transitions/0/to"]);
    check(&of(r#"{"to":"","on":"e"}"#), &["undeclared_target /states/0/children/0/transitions/0/to"]);
    check(
        &of(r#"{"to":"","on":"e","internal":true}"#),
        &["undeclared_target /states/0/children/0/transitions/0/to"],
    );
    check(&of(r#"{"to":"","wildcard":true}"#), &[]);
    check(&of(r#"{"to":"","on":"e","forbidden":true}"#), &[]);
    check(
        &of(r#"{"to":"","on":"e","forbidden":true,"raise":["x"]}"#),
        &["forbidden /states/0/children/0/transitions/0"],
    );
    check(&of(r#"{"to":"a","on":"t","after":-1}"#), &["delay /states/0/children/0/transitions/0/after"]);
    check(
        &of(r#"{"to":"a","on":"","after":1,"eventLess":true}"#),
        &["delay /states/0/children/0/transitions/0/after"],
    );
}

#[test]
fn guards() {
    let of =
        |guard: &str| format!(r#"{{"name":"a","transitions":[{{"to":"a","on":"e","guardExpr":{guard}}}]}}"#);
    let at = "/states/0/transitions/0/guardExpr";
    for (guard, code, below) in [
        (r#"{"op":"leaf"}"#, "malformed_guard", ""),
        (r#"{"op":"stateIn"}"#, "malformed_guard", ""),
        (r#"{"op":"stateIn","in":"nowhere"}"#, "undeclared_target", "/in"),
        (r#"{"op":"and","children":[]}"#, "malformed_guard", ""),
        (r#"{"op":"not","children":[]}"#, "malformed_guard", ""),
        (r#"{"op":"xor","children":[]}"#, "malformed_guard", "/op"),
        (r#"{"op":"field","path":"x"}"#, "malformed_guard", "/op"),
        (r#"{"op":"eq","children":[{"op":"field","path":"x"}]}"#, "malformed_guard", ""),
        (
            r#"{"op":"eq","children":[{"op":"field","path":""},{"op":"literal","literal":{"type":"int","value":1}}]}"#,
            "malformed_guard",
            "/children/0",
        ),
        (
            r#"{"op":"eq","children":[{"op":"field","path":"x"},{"op":"literal"}]}"#,
            "malformed_guard",
            "/children/1",
        ),
        (r#"{"op":"in","set":[],"children":[{"op":"field","path":"x"}]}"#, "malformed_guard", "/set"),
        (
            r#"{"op":"and","children":[{"op":"not","children":[{"op":"or","children":[]}]}]}"#,
            "malformed_guard",
            "/children/0/children/0",
        ),
    ] {
        check(&of(guard), &[&format!("{code} {at}{below}")]);
    }
}

#[test]
fn guards_are_checked_against_the_schema() {
    let check = |guard: &str, expected: &[&str]| {
        let text = format!(
            r#"{{"name":"m","initial":"a","hasInitial":true,"context":{{"fields":[
                {{"name":"total","kind":"float"}},{{"name":"status","kind":"enum","enum":["open","paid"]}},
                {{"name":"who","kind":"object","fields":[{{"name":"age","kind":"int"}}]}},
                {{"name":"tags","kind":"map","elem":{{"name":"","kind":"string"}}}}]}},
                "states":[{{"name":"a","transitions":[{{"to":"a","on":"e","guardExpr":{guard}}}]}}]}}"#
        );
        let problems =
            Chart::load(&Document::parse(&text).unwrap()).err().map(|refused| refused.0).unwrap_or_default();
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, expected, "{guard}: {problems:#?}");
    };
    let compare = |path: &str, kind: &str, value: &str| {
        format!(
            r#"{{"op":"eq","children":[{{"op":"field","path":"{path}"}},{{"op":"literal","literal":{{"type":"{kind}","value":{value}}}}}]}}"#
        )
    };
    check(&compare("total", "int", "1"), &[]);
    check(&compare("status", "string", "\"paid\""), &[]);
    check(&compare("who.age", "float", "1.5"), &[]);
    check(&compare("tags.any", "string", "\"x\""), &[]);
    check(&compare("total", "string", "\"x\""), &["guard_type"]);
    check(&compare("missing", "int", "1"), &["unknown_field"]);
    check(&compare("who.name", "int", "1"), &["unknown_field"]);
}

#[test]
fn nesting_ends_at_its_limit() {
    let nested = |depth: usize| {
        let mut state = r#"{"name":"s1"}"#.to_owned();
        for level in 2..=depth {
            state = format!(r#"{{"name":"s{level}","initialChild":"s{}","children":[{state}]}}"#, level - 1);
        }
        let text = format!(r#"{{"name":"m","initial":"s{depth}","hasInitial":true,"states":[{state}]}}"#);
        Document::parse(&text).map(|document| Chart::load(&document).is_ok())
    };
    // A document nests two levels deep for each state, and 128 are allowed.
    assert_eq!(nested(63), Ok(true));
    assert!(nested(64).is_err());
}

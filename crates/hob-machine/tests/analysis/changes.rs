//! What changed between two versions, change by change.

use hob_machine::diff::{Restore, diff};
use serde_json::{Value, json};

use crate::chart_of;

/// The step and the changes, as class, code and places.
fn check(old: &Value, new: &Value, step: &str, changes: &[&str]) {
    let found = diff(&chart_of(old), &chart_of(new));
    let shown: Vec<String> = found
        .changes
        .iter()
        .map(|change| {
            let at = |place: &Option<String>| place.clone().unwrap_or("-".into());
            format!("{:?} {} {} {}", change.class, change.code, at(&change.old), at(&change.new))
        })
        .collect();
    assert_eq!(shown, changes, "{}", serde_json::to_string_pretty(&found).unwrap());
    assert_eq!(format!("{:?}", found.step), step);
}

fn restores(old: &Value, new: &Value, expected: &str) {
    let found = diff(&chart_of(old), &chart_of(new)).restore;
    let codes = |obstacles: &[hob_machine::diff::Obstacle]| {
        obstacles.iter().map(|obstacle| format!(" {} {}", obstacle.code, obstacle.at)).collect::<String>()
    };
    let shown = match &found {
        Restore::All => "all".to_owned(),
        Restore::Some(obstacles) => format!("some{}", codes(obstacles)),
        Restore::None(obstacles) => format!("none{}", codes(obstacles)),
    };
    assert_eq!(shown, expected);
}

fn states(states: Value) -> Value {
    json!({ "states": states })
}

fn to(to: &str, on: &str) -> Value {
    json!({"to": to, "on": on})
}

/// `a` with these transitions, and `b`.
fn from_a(transitions: Value) -> Value {
    states(json!([{"name": "a", "transitions": transitions}, {"name": "b"}]))
}

fn when(to: &str, op: &str, value: i64) -> Value {
    json!({"to": to, "on": "go", "guardExpr": {"op": op, "children": [{"op": "field", "path": "n"},
        {"op": "literal", "literal": {"type": "int", "value": value}}]}})
}

#[test]
fn the_machine() {
    let with = |key: &str, value: Value| {
        let mut machine = from_a(json!([]));
        machine[key] = value;
        machine
    };
    let plain = from_a(json!([]));
    check(&plain, &plain, "None", &[]);
    check(&plain, &with("version", json!("2")), "Patch", &["Cosmetic version_changed /version /version"]);
    check(&plain, &with("meta", json!({"color": 1})), "Patch", &["Cosmetic meta_changed /meta /meta"]);
    check(&plain, &with("name", json!("n")), "Major", &["Breaking machine_renamed /name /name"]);
    check(&plain, &with("initial", json!("b")), "Major", &["Breaking initial_changed /initial /initial"]);
    check(
        &plain,
        &with("meta", json!({"hob.semantics": "scxml"})),
        "Major",
        &["Breaking semantics_changed /meta /meta"],
    );
}

#[test]
fn states_come_and_go() {
    let ab = from_a(json!([to("b", "go")]));
    let abc = states(
        json!([{"name": "a", "transitions": [to("b", "go")]}, {"name": "b"}, {"name": "c", "isFinal": true}]),
    );
    check(&ab, &abc, "Minor", &["Additive state_added - /states/2"]);
    check(&abc, &ab, "Major", &["Breaking state_removed /states/2 -"]);
    let renamed = states(json!([{"name": "a", "transitions": [to("B", "go")]}, {"name": "B"}]));
    check(&ab, &renamed, "Major", &["Breaking state_renamed /states/1 /states/1"]);
    let moved = states(json!([{"name": "a", "transitions": [to("b", "go")]},
        {"name": "c", "initialChild": "b", "children": [{"name": "b"}]}]));
    check(
        &ab,
        &moved,
        "Major",
        &["Breaking state_moved /states/1 /states/1/children/0", "Additive state_added - /states/1"],
    );
    let ended =
        states(json!([{"name": "a", "transitions": [to("b", "go")]}, {"name": "b", "isFinal": true}]));
    check(&ab, &ended, "Major", &["Breaking kind_changed /states/1 /states/1"]);
}

#[test]
fn transitions_come_and_go() {
    let go = from_a(json!([to("b", "go")]));
    let at = "/states/0/transitions/0";
    let more = from_a(json!([to("b", "go"), to("b", "other")]));
    check(&go, &more, "Minor", &["Additive transition_added - /states/0/transitions/1"]);
    check(&more, &go, "Major", &["Breaking transition_removed /states/0/transitions/1 -"]);
    check(
        &go,
        &from_a(json!([to("a", "go")])),
        "Major",
        &[&format!("Breaking target_changed {at}/to {at}/to")],
    );
    let always = from_a(json!([to("b", "go"), {"to": "b", "eventLess": true}]));
    check(&go, &always, "Major", &["Breaking transition_added - /states/0/transitions/1"]);
    let guarded = json!({"to": "a", "on": "go", "guards": [{"name": "g"}]});
    check(
        &go,
        &from_a(json!([guarded, to("b", "go")])),
        "Major",
        &[
            &format!("Breaking transition_added - {at}"),
            &format!("Additive requirement_added - {at}/guards/0"),
        ],
    );
    let forbids = from_a(json!([to("b", "go"), {"on": "other", "forbidden": true}]));
    check(&go, &forbids, "Minor", &["Additive transition_added - /states/0/transitions/1"]);
    // An event that a state around handles is taken from it.
    let nested = |inner: Value| {
        states(json!([{"name": "p", "initialChild": "a", "transitions": [to("b", "go")],
            "children": [{"name": "a", "transitions": inner}]}, {"name": "b"}]))
    };
    check(
        &nested(json!([])),
        &nested(json!([to("b", "go")])),
        "Major",
        &["Breaking transition_added - /states/0/children/0/transitions/0"],
    );
    // The order between events does not count.
    let turned = from_a(json!([to("b", "other"), to("b", "go")]));
    check(&more, &turned, "None", &[]);
}

#[test]
fn guards_by_what_they_say() {
    let of = |guard: Value| from_a(json!([guard]));
    let at = "/states/0/transitions/0";
    let guard = |class: &str, code: &str| format!("{class} {code} {at} {at}");
    check(&of(when("b", "gt", 5)), &of(when("b", "gt", 3)), "Minor", &[&guard("Additive", "guard_widened")]);
    check(&of(when("b", "gt", 3)), &of(when("b", "gt", 5)), "Major", &[&guard("Breaking", "guard_narrowed")]);
    check(&of(when("b", "gt", 3)), &of(when("b", "lt", 5)), "Major", &[&guard("Breaking", "guard_changed")]);
    let mut negated = when("b", "le", 5);
    negated["guardExpr"] = json!({"op": "not", "children": [negated["guardExpr"]]});
    check(&of(when("b", "gt", 5)), &of(negated), "Patch", &[&guard("Cosmetic", "guard_rewritten")]);
    // Before another for the same event a wider guard takes from it.
    let two = |value: i64| from_a(json!([when("b", "gt", value), to("a", "go")]));
    check(&two(5), &two(3), "Major", &[&guard("Breaking", "guard_widened")]);
}

#[test]
fn what_is_done() {
    let of = |effects: Value| from_a(json!([{"to": "b", "on": "go", "effects": effects}]));
    let at = "/states/0/transitions/0/effects";
    let one = json!([{"name": "mail"}]);
    let two = json!([{"name": "mail"}, {"name": "mail", "params": {"to": "x"}}]);
    check(&of(one.clone()), &of(two.clone()), "Minor", &[&format!("Additive actions_added {at} {at}")]);
    check(&of(two), &of(one), "Major", &[&format!("Breaking actions_changed {at} {at}")]);
    let of = |assigns: Value| states(json!([{"name": "a", "onEntryAssign": assigns}]));
    check(
        &of(json!([])),
        &of(json!([{"name": "count"}])),
        "Major",
        &[
            "Breaking assigns_changed /states/0/onEntryAssign /states/0/onEntryAssign",
            "Additive requirement_added - /states/0/onEntryAssign/0",
        ],
    );
    let of = |invoke: Value| states(json!([{"name": "a", "invoke": invoke}]));
    let service = |done: &str| json!([{"id": "s", "src": {"name": "fetch"}, "onDone": done, "onError": ""}]);
    check(
        &of(service("ok")),
        &of(service("done")),
        "Major",
        &["Breaking invocation_changed /states/0/invoke/0 /states/0/invoke/0"],
    );
    let after = |nanos: i64| from_a(json!([{"to": "b", "on": "late", "after": nanos}]));
    let at = "/states/0/transitions/0/after";
    check(&after(1), &after(2), "Major", &[&format!("Breaking delay_changed {at} {at}")]);
}

#[test]
fn contexts() {
    let of = |fields: Value| json!({"context": {"fields": fields}, "states": [{"name": "a"}]});
    let n = |kind: &str| json!([{"name": "n", "kind": kind}]);
    let at = "/context/fields/0";
    check(&of(n("int")), &of(n("float")), "Minor", &[&format!("Additive field_kind_changed {at} {at}")]);
    check(&of(n("float")), &of(n("int")), "Major", &[&format!("Breaking field_kind_changed {at} {at}")]);
    restores(&of(n("int")), &of(n("float")), "all");
    restores(&of(n("float")), &of(n("int")), &format!("none field_narrowed {at}"));
    let more = json!([{"name": "n", "kind": "int"}, {"name": "o", "kind": "int", "nullable": true}]);
    check(&of(n("int")), &of(more), "Minor", &["Additive field_added - /context/fields/1"]);
    let choices = |choices: Value| json!([{"name": "s", "kind": "enum", "enum": choices}]);
    let (few, many) = (of(choices(json!(["a"]))), of(choices(json!(["a", "b"]))));
    check(&few, &many, "Minor", &[&format!("Additive field_widened {at} {at}")]);
    check(&many, &few, "Major", &[&format!("Breaking field_narrowed {at} {at}")]);
    check(&of(choices(json!([]))), &few, "Major", &[&format!("Breaking field_narrowed {at} {at}")]);
    restores(&many, &few, &format!("none field_narrowed {at}"));
}

#[test]
fn what_was_stored() {
    let ab = from_a(json!([to("b", "go")]));
    let a = states(json!([{"name": "a"}]));
    restores(&ab, &ab, "all");
    restores(&a, &ab, "all");
    restores(&ab, &a, "some state_removed /states/1");
    let inside =
        states(json!([{"name": "a", "initialChild": "c", "children": [{"name": "c"}]}, {"name": "b"}]));
    restores(&ab, &inside, "some kind_changed /states/0");
    let deeper =
        states(json!([{"name": "p", "initialChild": "a", "children": [{"name": "a"}]}, {"name": "b"}]));
    restores(&ab, &deeper, "all");
    let region =
        |name: &str, state: &str| json!({"name": name, "initialChild": state, "states": [{"name": state}]});
    let one = states(json!([{"name": "p", "regions": [region("r", "a")]}]));
    let two = states(json!([{"name": "p", "regions": [region("r", "a"), region("s", "b")]}]));
    restores(&one, &two, "some state_moved /states/0/regions/0/states/0");
    let after = |event: &str| from_a(json!([{"to": "b", "on": event, "after": 5}]));
    restores(&after("late"), &after("later"), "some timer_lost /states/0");
}

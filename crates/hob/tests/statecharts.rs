//! Guards, actions and changes of the context that are modules: an error is an error wherever it stands, the deadline of a
//! step reaches the guest, and no call sees what another left behind.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use hob::machine::{Chart, Document, Event, Instance, Limits, Machine, Outcome, Registry, StepError};
use hob::{Asks, Behavior, Host, RandomGrant};
use serde_json::{Value, json};

/// A guest that answers what stands at 16, or does `body` instead.
fn guest(answer: &str, body: &str) -> String {
    let data = answer.replace('\\', "\\\\").replace('"', "\\\"");
    let body = if body.is_empty() {
        format!("(i64.const {})", (16_u64 << 32) | answer.len() as u64)
    } else {
        body.to_owned()
    };
    format!(
        r#"(module (memory (export "memory") 1) (global $calls (mut i32) (i32.const 0)) (data (i32.const 16) "{data}")
            (func (export "alloc") (param i32) (result i32) (i32.const 4096))
            (func (export "eval") (param $at i32) (param $len i32) (result i64) {body}))"#
    )
}

fn behavior(host: &Host, wat: &str) -> Behavior {
    host.load_bytes("guest", wat.as_bytes()).unwrap().behavior().unwrap()
}

fn host() -> Host {
    Host::builder().build().unwrap()
}

/// `a` to `b` on `e` when this guard says so.
fn machine(guard: Value, registry: &Registry) -> Arc<Machine> {
    let document = json!({"name": "m", "initial": "a", "hasInitial": true, "states": [
        {"name": "a", "transitions": [{"from": "a", "to": "b", "on": "e", "guardExpr": guard,
            "effects": [{"name": "tell", "params": {"x": 1}}], "assigns": [{"name": "change"}]}]},
        {"name": "b"}]});
    let chart = Chart::load(&Document::parse(&document.to_string()).unwrap()).unwrap();
    Machine::bind(chart, registry).unwrap()
}

fn plain() -> Registry {
    Registry::new().action("tell", |_| Ok(None)).assign("change", |_, _| Ok(()))
}

fn leaf() -> Value {
    json!({"op": "leaf", "kind": "rich", "ref": {"name": "guard"}})
}

fn not(guard: Value) -> Value {
    json!({"op": "not", "children": [guard]})
}

#[test]
fn a_broken_guard_decides_nothing_not_even_turned_around() {
    let host = host();
    for wat in [
        guest("", "unreachable"),
        guest("nope", ""),
        guest("[true]", ""),
        guest("{\"ok\":1}", ""),
        guest("{\"ok\":true}x", ""),
        guest("", "(i64.const 0xffffffff0000000b)"),
        guest("", "(i64.const 0)"),
    ] {
        let registry = plain().guard("guard", behavior(&host, &wat).as_guard(Asks::Context));
        for guard in [leaf(), not(leaf()), json!({"op": "or", "children": [leaf(), not(leaf())]})] {
            let (mut instance, _) = Instance::start(&machine(guard, &registry), json!({})).unwrap();
            let failed = instance.fire_with(&"e".into(), &Limits::default(), true).unwrap_err();
            assert!(
                matches!(&failed.error, StepError::GuardError { guard, .. } if guard == "guard"),
                "{wat}: {failed}"
            );
            assert_eq!(failed.trace.unwrap().outcome, Outcome::GuardError);
            assert_eq!(instance.configuration(), ["a".into()]);
        }
    }
}

#[test]
fn the_deadline_of_a_step_reaches_the_guest_and_the_next_step_works() {
    let host = host();
    let wat = guest(
        "{\"ok\":true}",
        "(if (i32.eq (i32.load8_u (i32.add (local.get $at) (i32.const 11))) (i32.const 49))
        (then (loop (br 0)))) (i64.const 0x100000000b)",
    );
    let registry = plain().guard("guard", behavior(&host, &wat).as_guard(Asks::Context));
    let machine = machine(leaf(), &registry);
    let (mut instance, _) = Instance::start(&machine, json!(1)).unwrap();
    let began = Instant::now();
    let limits = Limits { deadline: Some(began + Duration::from_millis(50)), ..Limits::default() };
    let failed = instance.fire_with(&"e".into(), &limits, false).unwrap_err();
    assert!(failed.to_string().contains("deadline"), "{failed}");
    assert_eq!(instance.configuration(), ["a".into()]);
    // A context that does not make the guest loop: the same guard decides.
    let (mut instance, _) = Instance::start(&machine, json!(2)).unwrap();
    instance.fire_with(&"e".into(), &Limits::default(), false).unwrap();
    assert_eq!(instance.configuration(), ["b".into()]);
}

#[test]
fn no_call_sees_what_another_left_behind() {
    // Says yes to the first call of an instance, and no to every later one.
    let wat = guest(
        "{\"ok\":true}",
        "(if (global.get $calls) (then (return (i64.const 0x1800000000))))
        (global.set $calls (i32.const 1)) (i64.const 0x100000000b)",
    );
    // Whether answers are kept or not: with randomness granted each call is a call.
    for host in [host(), Host::builder().random(RandomGrant::Real).build().unwrap()] {
        let registry = plain().guard("guard", behavior(&host, &wat).as_guard(Asks::Context));
        let machine = machine(leaf(), &registry);
        for number in 0..3 {
            let (mut instance, _) = Instance::start(&machine, json!({"n": number % 2})).unwrap();
            instance.fire(&"e".into()).unwrap();
        }
    }
}

#[test]
fn what_a_guest_is_told() {
    // Echoes its request as the new context.
    let wat = r#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"context\":")
        (func (export "alloc") (param i32) (result i32) (i32.const 27))
        (func (export "eval") (param $at i32) (param $len i32) (result i64)
            (i32.store8 (i32.add (local.get $at) (local.get $len)) (i32.const 125))
            (i64.or (i64.const 0x1000000000) (i64.extend_i32_u (i32.add (local.get $len) (i32.const 12))))))"#;
    let host = host();
    let told = |asks| {
        let registry =
            plain().guard("guard", |_| Ok(true)).assign("change", behavior(&host, wat).as_assign(asks));
        let (mut instance, _) = Instance::start(&machine(leaf(), &registry), json!({"a": "<é>"})).unwrap();
        instance.fire(&Event { name: "e".into(), data: Some(json!([7])) }).unwrap();
        instance.context().clone()
    };
    assert_eq!(told(Asks::Context), json!({"context": {"a": "<é>"}}));
    assert_eq!(
        told(Asks::Everything),
        json!({"context": {"a": "<é>"}, "name": "change", "params": {}, "event": "e", "data": [7]})
    );
}

#[test]
fn actions_and_services() {
    let host = host();
    let with = |answer: &str| {
        let registry = Registry::new()
            .guard("guard", |_| Ok(true))
            .action("tell", behavior(&host, &guest(answer, "")).as_action(Asks::Everything))
            .assign("change", |_, _| Ok(()));
        let (mut instance, _) = Instance::start(&machine(leaf(), &registry), json!({})).unwrap();
        let done = instance.fire(&"e".into());
        let effects = |step: hob::machine::Step| {
            step.effects.iter().map(hob::machine::Effect::to_value).collect::<Vec<_>>()
        };
        done.map(effects).map_err(|failed| failed.to_string())
    };
    assert_eq!(with(r#"{"effect":{"mail":1}}"#), Ok(vec![json!({"mail": 1})]));
    assert_eq!(with("{}"), Ok(vec![]));
    assert_eq!(
        with(r#"{"error":"no\u001b[31m ink"}"#),
        Err("action \"tell\" of a->b failed: no\\u{1b}[31m ink".into())
    );
    assert!(with("[]").unwrap_err().contains("must be a JSON object"));
}

#[test]
fn what_is_not_bound_is_named_with_its_place() {
    let document = json!({"name": "m", "initial": "a", "hasInitial": true, "states": [{"name": "a", "children": [
        {"name": "c", "onEntry": [{"name": "tell"}], "transitions": [{"to": "a", "on": "e", "guardExpr": not(leaf())}]}],
        "initialChild": "c"}]});
    let chart = Chart::load(&Document::parse(&document.to_string()).unwrap()).unwrap();
    let refused = Machine::bind(chart, &Registry::new().guard("other", |_| Ok(true))).unwrap_err();
    let said: Vec<String> = refused.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "error at /states/0/children/0/transitions/0/guardExpr/children/0/ref/name: no guard \"guard\" was given; \
         there are other (unbound)",
            "error at /states/0/children/0/onEntry/0/name: no action \"tell\" was given; there are none (unbound)",
        ]
    );
}

//! A step that fails is as if it had never been; one that succeeds is the same whatever came before; steps allocate nothing
//! when there is nothing to say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::registry;
use hob_machine::{Chart, Document, Event, Instance, Limits, Machine, Semantics};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Counts what a thread allocates.
struct Counting;

thread_local!(static COUNT: Cell<u64> = const { Cell::new(0) });

#[allow(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is passed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn bind(document: &str, semantics: Semantics) -> Option<std::sync::Arc<Machine>> {
    let chart = Chart::load_as(&Document::parse(document).unwrap(), semantics).ok()?;
    Machine::bind(chart, &registry()).ok()
}

#[test]
fn a_step_without_effects_allocates_nothing() {
    let text = r#"{"name":"m","initial":"p","hasInitial":true,"states":[
        {"name":"p","initialChild":"a","transitions":[{"to":"P","on":"out"}],"children":[
            {"name":"a","transitions":[{"to":"b","on":"n","guards":[{"name":"yes"}]}]},
            {"name":"b","transitions":[{"to":"a","on":"n","guardExpr":{"op":"ge","children":[
                {"op":"field","path":"total"},{"op":"literal","literal":{"type":"int","value":1}}]}}]}]},
        {"name":"P","transitions":[{"to":"p","on":"back"}],"regions":[
            {"name":"R1","initialChild":"x","states":[{"name":"x","transitions":[{"to":"y","on":"e"}]},{"name":"y"}]},
            {"name":"R2","initialChild":"u","states":[{"name":"u","transitions":[{"to":"v","on":"e"}]},{"name":"v"}]}]}]}"#;
    let machine = bind(text, Semantics::Hob).unwrap();
    let (mut instance, _) = Instance::start(&machine, json!({"total": 5})).unwrap();
    let events: Vec<Event> = ["n", "n", "n", "out", "e", "back"].map(Event::from).into();
    for event in events.iter().chain(&events) {
        instance.fire(event).unwrap();
    }
    let before = COUNT.with(Cell::get);
    for event in &events {
        instance.fire(event).unwrap();
    }
    assert_eq!(COUNT.with(Cell::get) - before, 0);
}

/// A machine out of numbers: states in a tree, transitions between any of them, some that fail.
fn machines() -> impl Strategy<Value = Value> {
    let shape = proptest::collection::vec((0usize..6, 0usize..4, any::<bool>()), 3..14);
    let ways = proptest::collection::vec((0usize..40, 0usize..40, 0usize..4, 0usize..9), 4..30);
    (shape, ways).prop_map(|(shape, ways)| build(&shape, &ways))
}

fn build(shape: &[(usize, usize, bool)], ways: &[(usize, usize, usize, usize)]) -> Value {
    let names: Vec<String> = (0..shape.len()).map(|number| format!("s{number}")).collect();
    // Each state stands below an earlier one, or at the top.
    let parent_of =
        |number: usize| (number > 0 && shape[number].0 != 0).then(|| shape[number].0 * 7 % number);
    let emit = |said: String| json!([{"name": "emit", "params": {"m": said}}]);
    let build_one = |number: usize, inside: Vec<Value>| -> Value {
        let name = &names[number];
        let mut transitions = Vec::new();
        for (source, target, event, kind) in ways {
            if source % shape.len() != number {
                continue;
            }
            let mut way = json!({"from": name, "to": names[target % shape.len()], "on": format!("e{event}")});
            match kind {
                0 => way["effects"] = json!([{"name": "emit", "params": {"m": "t"}}, {"name": "fail"}]),
                1 => way["assigns"] = json!([{"name": "set", "params": {"x": target}}, {"name": "break"}]),
                2 => way["guards"] = json!([{"name": "boom"}]),
                3 => way["raise"] = json!(["e1"]),
                4 => way["assigns"] = json!([{"name": "set", "params": {"x": target}}]),
                5 => way["reenter"] = json!(true),
                _ => {}
            }
            transitions.push(way);
        }
        let mut state = json!({"name": name, "transitions": transitions, "onEntry": emit(format!("in:{name}")),
            "onExit": emit(format!("out:{name}")), "onDone": emit(format!("done:{name}"))});
        if inside.is_empty() {
            if shape[number].2 && shape[number].1 == 0 {
                state = json!({"name": name, "isFinal": true});
            }
        } else if inside.len() > 1 && shape[number].2 {
            let regions = inside.into_iter().enumerate();
            let region = |(index, child): (usize, Value)| json!({"name": format!("r{index}"), "initialChild": child["name"], "states": [child]});
            state["regions"] = regions.map(region).collect();
        } else {
            state["initialChild"] = inside[0]["name"].clone();
            state["children"] = inside.into();
        }
        state
    };
    let mut inside: Vec<Vec<Value>> = vec![Vec::new(); shape.len()];
    let mut top = Vec::new();
    for number in (0..shape.len()).rev() {
        let children = std::mem::take(&mut inside[number]);
        let state = build_one(number, children);
        match parent_of(number) {
            Some(parent) => inside[parent].insert(0, state),
            None => top.insert(0, state),
        }
    }
    json!({"name": "random", "initial": top[0]["name"], "hasInitial": true, "states": top})
}

/// What no configuration may be without: one active child in each active state, all regions of each active parallel one.
fn assert_legal(document: &Value, instance: &Instance) {
    let active = instance.active_states();
    let is_active = |state: &Value| active.iter().any(|name| name.to_value() == state["name"]);
    fn walk(state: &Value, is_active: &dyn Fn(&Value) -> bool) {
        let list = |key: &str| state[key].as_array().cloned().unwrap_or_default();
        let children = list("children");
        let count = children.iter().filter(|child| is_active(child)).count();
        assert_eq!(
            count,
            usize::from(is_active(state) && !children.is_empty()),
            "children of {}",
            state["name"]
        );
        for region in list("regions") {
            let states = region["states"].as_array().unwrap();
            let count = states.iter().filter(|child| is_active(child)).count();
            assert_eq!(count, usize::from(is_active(state)), "region of {}", state["name"]);
            states.iter().for_each(|child| walk(child, is_active));
        }
        children.iter().for_each(|child| walk(child, is_active));
    }
    let top = document["states"].as_array().unwrap();
    assert_eq!(top.iter().filter(|state| is_active(state)).count(), 1);
    top.iter().for_each(|state| walk(state, &is_active));
}

fn observe(instance: &Instance) -> (String, Value, bool) {
    (common::show(&instance.active_states()), instance.context().clone(), instance.is_done())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn configurations_are_legal_and_failures_leave_nothing(
        document in machines(),
        events in proptest::collection::vec(0usize..4, 1..20),
        semantics in prop_oneof![Just(Semantics::Hob), Just(Semantics::Crucible), Just(Semantics::Scxml)],
    ) {
        let Some(machine) = bind(&document.to_string(), semantics) else { return Ok(()) };
        let limits = Limits { microsteps: 50, ..Limits::default() };
        let Ok((mut instance, _)) = Instance::start_with(&machine, json!({}), None, &limits, false) else { return Ok(()) };
        assert_legal(&document, &instance);
        let (mut twin, _) = Instance::start_with(&machine, json!({}), None, &limits, true).unwrap();
        for event in events {
            let event = Event::from(format!("e{event}"));
            let before = observe(&instance);
            let whole = instance.clone();
            match instance.fire_with(&event, &limits, false) {
                Ok(step) => {
                    assert_legal(&document, &instance);
                    // With a trace or without, a second instance does the same.
                    let other = twin.fire_with(&event, &limits, true).unwrap();
                    prop_assert_eq!(step.effects, other.effects);
                }
                Err(failed) => {
                    prop_assert_eq!(observe(&instance), before);
                    prop_assert_eq!(twin.fire_with(&event, &limits, true).unwrap_err().error, failed.error);
                    // What history states lead back to is as it was, too: the future is the same.
                    prop_assert_eq!(format!("{whole:?}"), format!("{instance:?}"));
                }
            }
            prop_assert_eq!(observe(&instance), observe(&twin));
        }
    }

    #[test]
    fn a_document_comes_out_as_it_went_in(document in machines()) {
        let text = document.to_string();
        prop_assert_eq!(Document::parse(&text).unwrap().to_string(), text);
    }
}

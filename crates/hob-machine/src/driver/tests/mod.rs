//! Tests of the driver: what machines do together, and every limit at it and one past it.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use serde_json::{Value, json};

use super::*;
use crate::snapshot::{Migrations, RestoreError, Snapshot};
use crate::{Chart, Document, Event, Machine, Registry, StepError, VALUE_DEPTH_MAX};

fn machine(states: &Value) -> Arc<Machine> {
    let document = json!({"name": "m", "states": states, "initial": states[0]["name"], "hasInitial": true});
    let chart = Chart::load(&Document::parse(&document.to_string()).unwrap()).unwrap();
    let registry = Registry::new()
        .action("say", |call| Ok(Some(json!([call.params, call.data]))))
        .action("fail", |_| Err("it cannot".into()))
        .assign("keep", |call, context| {
            context["kept"] = json!([call.event, call.data]);
            Ok(())
        });
    Machine::bind(chart, &registry).unwrap()
}

fn system(limits: SystemLimits, kinds: &[(&str, Value)]) -> System {
    let mut machines = Machines::new();
    for (name, states) in kinds {
        machines = machines.with(*name, &machine(states));
    }
    System::new("it", &machines, kinds[0].0, limits).unwrap()
}

fn begun(kinds: &[(&str, Value)]) -> System {
    let mut system = system(SystemLimits::default(), kinds);
    system.start(json!({}), 0).unwrap();
    system
}

fn at(system: &System) -> String {
    system.root().unwrap().configuration().iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// What the host was asked for, as `number kind`.
fn asked(system: &mut System) -> Vec<String> {
    system
        .drain()
        .iter()
        .map(|output| format!("{} {}", output.id, output.to_value()["kind"].as_str().unwrap()))
        .collect()
}

/// A transition that stays, and does one thing of every machine.
fn does(on: &str, from: &str, name: &str, params: &Value) -> Value {
    json!({"on": on, "from": from, "to": from, "internal": true, "effects": [{"name": name, "params": params}]})
}

/// The same system, once it has been a snapshot.
fn again(system: &System, kinds: &[(&str, Value)]) -> System {
    let machines =
        kinds.iter().fold(Machines::new(), |machines, (name, states)| machines.with(*name, &machine(states)));
    let snapshot = system.snapshot().unwrap().to_value();
    let load = |limits| System::load("it", &machines, kinds[0].0, limits, snapshot, &Migrations::new(), 0);
    load(SystemLimits::default()).unwrap()
}

fn timed() -> Value {
    json!([
        {"name": "p", "initialChild": "a", "transitions": [{"from": "p", "to": "late", "on": "t", "after": 100}],
         "children": [
            {"name": "a", "transitions": [{"from": "a", "to": "b", "on": "go", "after": 30}]},
            {"name": "b"}]},
        {"name": "late"}])
}

#[test]
fn timers_fire_when_they_are_due_and_once() {
    let mut system = begun(&[("m", timed())]);
    assert_eq!(system.next_deadline(), Some(30));
    for (now, expected) in
        [(29, "a"), (30, "b"), (30, "b"), (99, "b"), (5, "b"), (100, "late"), (5000, "late")]
    {
        system.advance(now).unwrap();
        assert_eq!(at(&system), expected, "{now}");
    }
    assert_eq!(system.next_deadline(), None);
}

#[test]
fn timers_that_expired_while_nobody_ran_fire_in_order_before_what_comes() {
    let kinds = [("m", timed())];
    let system = begun(&kinds);
    let mut restored = again(&system, &kinds);
    assert_eq!(restored.next_deadline(), Some(30), "the timer of the compound state is there, too");
    assert_eq!(restored.timers().map(|(deadline, ..)| deadline).collect::<Vec<_>>(), [30, 100]);
    let drive = restored.send("go", 1000).unwrap();
    let events: Vec<String> =
        drive.steps.iter().map(|step| step.event.as_ref().unwrap().to_string()).collect();
    assert_eq!(events, ["go", "t", "go"]);
    assert_eq!(at(&restored), "late");
    assert!(matches!(drive.fault(), Some(fault) if fault.is_unhandled()), "the event came too late");
}

#[test]
fn a_clock_that_goes_back_makes_old_timers_wait_and_no_new_one() {
    let mut system = begun(&[(
        "m",
        json!([{"name": "a", "transitions": [{"from": "a", "to": "b", "on": "x", "after": 10},
                                             {"from": "a", "to": "a", "on": "again", "reenter": true}]},
               {"name": "b"}]),
    )]);
    system.advance(-1000).unwrap();
    assert_eq!((at(&system), system.next_deadline()), ("a".into(), Some(10)));
    system.send("again", -500).unwrap();
    assert_eq!(system.next_deadline(), Some(-490));
    system.advance(-490).unwrap();
    assert_eq!(at(&system), "b");
}

fn served() -> Value {
    json!([
        {"name": "a", "invoke": [{"src": {"name": "work"}, "input": {"x": 1}, "onDone": "ok", "onError": "no"}],
         "transitions": [{"from": "a", "to": "b", "on": "ok", "assigns": [{"name": "keep"}]},
                         {"from": "a", "to": "c", "on": "no", "assigns": [{"name": "keep"}]},
                         {"from": "a", "to": "c", "on": "leave"}]},
        {"name": "b"}, {"name": "c", "transitions": [{"from": "c", "to": "a", "on": "back"}]}])
}

#[test]
fn services_come_to_something() {
    for (result, state, kept) in [
        (Ok(json!({"r": 42})), "b", json!(["ok", {"r": 42}])),
        (Err(json!("broken")), "c", json!(["no", "broken"])),
    ] {
        let mut system = begun(&[("m", served())]);
        let run = system.services().next().unwrap().1.run.clone();
        assert_eq!(asked(&mut system), ["it/0/0 crucible.startService"]);
        system.service_done(&run, result.clone(), 1).unwrap();
        assert_eq!((at(&system).as_str(), &system.root().unwrap().context()["kept"]), (state, &kept));
        system.service_done(&run, result, 2).unwrap();
        assert_eq!(system.dropped().late, 1, "a second result is for nobody");
    }
}

#[test]
fn what_a_stopped_service_comes_to_is_dropped_and_counted() {
    let mut system = begun(&[("m", served())]);
    let first = system.services().next().unwrap().1.run.clone();
    system.send("leave", 1).unwrap();
    assert_eq!(asked(&mut system), ["it/0/0 crucible.startService", "it/1/0 crucible.stopService"]);
    system.send("back", 2).unwrap();
    system.service_done(&first, Ok(json!(1)), 3).unwrap();
    assert_eq!((at(&system).as_str(), system.dropped().late), ("a", 1), "it is the second run's time");
    let second = system.services().next().unwrap().1.run.clone();
    system.service_done(&second, Ok(json!(1)), 4).unwrap();
    assert_eq!(at(&system), "b");
}

#[test]
fn leaving_a_parallel_state_stops_what_compounds_in_its_regions_started() {
    let inside = json!([{"name": "c", "initialChild": "d", "children": [{"name": "d"}],
                         "invoke": [{"src": {"name": "work"}, "onDone": "x", "onError": ""}]}]);
    let kinds = [(
        "m",
        json!([{"name": "p", "transitions": [{"from": "p", "to": "q", "on": "out"}],
                "regions": [{"name": "r", "initialChild": "c", "states": inside},
                            {"name": "s", "initialChild": "e", "states": [{"name": "e"}]}]},
               {"name": "q"}]),
    )];
    let system = begun(&kinds);
    let mut restored = again(&system, &kinds);
    assert_eq!(restored.services().count(), 1);
    restored.send("out", 1).unwrap();
    assert_eq!(asked(&mut restored), ["it/0/0 crucible.startService", "it/1/0 crucible.stopService"]);
    assert_eq!(restored.services().count(), 0);
}

fn parent() -> Value {
    json!([
        {"name": "a",
         "invoke": [{"id": "kid", "kind": 1, "src": {"name": "kid"}, "input": {"n": 7}, "systemId": "everyone",
                     "onDone": "done", "onError": "bad"}],
         "transitions": [
            does("ask", "a", "crucible.sendTo", &json!({"target": "kid", "event": "ask"})),
            does("call", "a", "crucible.sendTo", &json!({"systemId": "everyone", "event": {"name": "tell", "data": 3}})),
            does("pass", "a", "crucible.forwardTo", &json!({"target": "kid"})),
            does("stop", "a", "crucible.stopActor", &json!({"id": "kid"})),
            {"from": "a", "to": "a", "on": "answer", "assigns": [{"name": "keep"}]},
            {"from": "a", "to": "b", "on": "done", "assigns": [{"name": "keep"}]},
            {"from": "a", "to": "c", "on": "bad", "assigns": [{"name": "keep"}]}]},
        {"name": "b"}, {"name": "c"}])
}

fn kid() -> Value {
    json!([
        {"name": "k", "invoke": [{"src": {"name": "work"}, "onDone": "", "onError": ""}],
         "transitions": [
            does("ask", "k", "crucible.respond", &json!({"event": "answer"})),
            does("tell", "k", "crucible.sendParent", &json!({"event": {"name": "answer", "data": "told"}})),
            {"from": "k", "to": "k", "on": "pass", "internal": true, "assigns": [{"name": "keep"}]},
            {"from": "k", "to": "f", "on": "end"},
            does("break", "k", "fail", &json!({}))]},
        {"name": "f", "isFinal": true}])
}

#[test]
fn machines_that_other_machines_start() {
    let check = |event: &str, to: Option<&str>, expected: &str, kept: Value| {
        let kinds = [("m", parent()), ("kid", kid())];
        let mut system = again(&begun(&kinds), &kinds);
        match to {
            Some(to) => system.send_to(to, event, 1).unwrap(),
            None => system.send(event, 1).unwrap(),
        };
        assert_eq!(
            (at(&system).as_str(), &system.root().unwrap().context()["kept"]),
            (expected, &kept),
            "{event}"
        );
        system
    };
    check("ask", None, "a", json!(["answer", null]));
    check("call", None, "a", json!(["answer", "told"]));
    let system = check("pass", None, "a", Value::Null);
    assert_eq!(system.instances().nth(1).unwrap().1.context(), &json!({"n": 7, "kept": ["pass", null]}));
    let mut system = check("end", Some("kid"), "b", json!(["done", {"n": 7}]));
    let said = ["it#1/0/0 crucible.startService", "it#1/1/0 crucible.stopService"];
    assert_eq!(asked(&mut system), said);
    assert_eq!(system.instances().count(), 1);
    let why = json!({"error": "action \"fail\" of k->k failed: it cannot"});
    check("break", Some("everyone"), "c", json!(["bad", why]));
    let mut system = check("stop", None, "a", Value::Null);
    assert_eq!(asked(&mut system), ["it#1/0/0 crucible.startService", "it/1/0 crucible.stopService"]);
    system.send("ask", 2).unwrap();
    assert_eq!(system.dropped().undelivered, 1);
    assert_eq!(system.send_to("kid", "ask", 3).unwrap_err(), Refusal::NoAddressee("kid".into()));
}

#[test]
fn a_failure_that_no_machine_wants_is_the_hosts() {
    let spawn =
        |params: Value| json!([{"name": "a", "transitions": [does("go", "a", "crucible.spawn", &params)]}]);
    let check = |params: Value, expected: Value| {
        let mut system =
            begun(&[("m", spawn(params)), ("kid", json!([{"name": "k", "onEntry": [{"name": "fail"}]}]))]);
        system.send("go", 1).unwrap();
        let said: Vec<Value> =
            system.drain().iter().map(|output| output.to_value()["payload"].clone()).collect();
        assert_eq!(said, [expected]);
        assert_eq!(system.instances().count(), 1);
    };
    let why = "action \"fail\" of k failed: it cannot";
    check(json!({"src": "kid", "id": "x"}), json!({"id": "x", "src": "kid", "error": {"error": why}}));
    let why = "there is no machine \"none\"; there are kid, m";
    check(json!({"src": "none", "id": "x"}), json!({"id": "x", "src": "none", "error": {"error": why}}));
}

#[test]
fn the_first_machine_answers_the_host_and_ends() {
    let mut system = begun(&[(
        "m",
        json!([{"name": "a", "transitions": [does("hello", "a", "crucible.respond", &json!({"event": "hi"})),
                                             {"from": "a", "to": "f", "on": "end"},
                                             {"from": "a", "to": "f", "on": "t", "after": 5}]},
               {"name": "f", "isFinal": true}]),
    )]);
    system.send("hello", 1).unwrap();
    assert_eq!(asked(&mut system), ["it/1/0 hob.message"]);
    system.send("end", 2).unwrap();
    assert_eq!(
        (system.status(), system.output(), system.next_deadline()),
        (Status::Done, Some(&json!({})), None)
    );
    let drive = system.send("hello", 3).unwrap();
    assert!(matches!(drive.fault(), Some(Fault::Step(StepError::Final { .. }))));
}

#[test]
fn what_is_acknowledged_is_not_handed_out_again() {
    let kinds = [("m", json!([{"name": "a", "transitions": [does("go", "a", "say", &json!({}))]}]))];
    let mut system = begun(&kinds);
    for now in 1..=3 {
        system.send("go", now).unwrap();
    }
    assert_eq!(asked(&mut system).len(), 3);
    assert_eq!(asked(&mut system).len(), 0);
    system.acknowledge(&["it/2/0".into(), "it/9/9".into()], 4).unwrap();
    system.send("go", 5).unwrap();
    assert_eq!(asked(&mut system), ["it/4/0 hob.action"]);
    let mut restored = again(&system, &kinds);
    assert_eq!(asked(&mut restored), ["it/1/0 hob.action", "it/3/0 hob.action", "it/4/0 hob.action"]);
}

/// Everything that a limit counts is made by one event; `count` of it is allowed, and one more is not.
fn check_limit(
    name: &'static str,
    limits: SystemLimits,
    allowed: usize,
    make: impl Fn(usize) -> (&'static str, Value),
) {
    for (count, fits) in [(allowed, true), (allowed + 1, false)] {
        let effects: Vec<Value> =
            (0..count).map(&make).map(|(name, params)| json!({"name": name, "params": params})).collect();
        let go = json!({"on": "go", "from": "a", "to": "a", "internal": true, "effects": effects});
        let kid = json!([{"name": "k"}]);
        let mut system = system(limits, &[("m", json!([{"name": "a", "transitions": [go]}])), ("kid", kid)]);
        system.start(json!({}), 0).unwrap();
        let drive = system.send("go", 1).unwrap();
        let expected = (!fits).then_some(Fault::Exceeded(Exceeded {
            name,
            allowed: match name {
                "machines" => allowed + 1,
                _ => allowed,
            },
        }));
        let fault = drive.fault().filter(|fault| !fault.is_unhandled());
        assert_eq!(fault, expected.as_ref(), "{count}");
        if !fits {
            assert_eq!(system.instances().count(), 1, "nothing of the step was done");
            assert!(system.is_idle());
        }
    }
}

#[test]
fn limits_of_what_a_step_starts() {
    let limits = SystemLimits { machines: 4, mailbox: 3, ..SystemLimits::default() };
    check_limit("machines", limits, 3, |n| ("crucible.spawn", json!({"src": "kid", "id": format!("k{n}")})));
    let limits = SystemLimits { machines: 100, ..limits };
    check_limit("mailbox", limits, 3, |n| {
        ("crucible.spawn", json!({"src": "none", "id": format!("k{n}"), "onError": "bad"}))
    });
}

#[test]
fn limits_of_timers_and_services() {
    let entered = |key: &str, part: fn(usize) -> Value, count: usize| {
        let parts: Vec<Value> = (0..count).map(part).collect();
        json!([{"name": "a", "transitions": [{"from": "a", "to": "b", "on": "go"}]}, {"name": "b", key: parts}])
    };
    let timer = |n: usize| json!({"from": "b", "to": "a", "on": format!("t{n}"), "after": 10});
    let service = |_: usize| json!({"src": {"name": "work"}, "onDone": "", "onError": ""});
    let limits = SystemLimits { timers: 3, services: 3, ..SystemLimits::default() };
    for (name, key, part) in
        [("timers", "transitions", timer as fn(usize) -> Value), ("services", "invoke", service)]
    {
        for (count, expected) in [(3, None), (4, Some(Fault::Exceeded(Exceeded { name, allowed: 3 })))] {
            let mut system = system(limits, &[("m", entered(key, part, count))]);
            system.start(json!({}), 0).unwrap();
            assert_eq!(system.send("go", 1).unwrap().fault(), expected.as_ref());
            assert_eq!(at(&system), if expected.is_none() { "b" } else { "a" });
        }
    }
}

#[test]
fn limit_of_depth() {
    for (depth, machines) in [(3, 3), (4, 4), (DEPTH_MAX + 5, DEPTH_MAX)] {
        let nested = json!([{"name": "a", "invoke": [{"kind": 1, "src": {"name": "m"}, "onDone": "", "onError": ""}]}]);
        let mut system = system(SystemLimits { depth, ..SystemLimits::default() }, &[("m", nested)]);
        system.start(json!({}), 0).unwrap();
        // The one past the limit could not begin, and nobody wanted to know but the host.
        assert_eq!(system.instances().count(), machines - 1);
        assert_eq!(asked(&mut system).len(), 1);
    }
}

#[test]
fn limits_of_a_mailbox_steps_and_outputs() {
    // Two machines that send each other the same event for ever.
    let ping = json!([{"name": "a", "invoke": [{"id": "kid", "kind": 1, "src": {"name": "kid"}, "onDone": "", "onError": ""}],
                       "transitions": [does("go", "a", "crucible.sendTo", &json!({"target": "kid", "event": "go"}))]}]);
    let pong = json!([{"name": "k", "transitions": [does("go", "k", "crucible.sendParent", &json!({"event": "go"}))]}]);
    let limits = SystemLimits { steps: 10, mailbox: 3, ..SystemLimits::default() };
    let mut one = system(limits, &[("m", ping), ("kid", pong)]);
    one.start(json!({}), 0).unwrap();
    let drive = one.send("go", 1).unwrap();
    assert_eq!((drive.steps.len(), drive.more), (10, true));
    let say = json!([{"name": "a", "transitions": [does("go", "a", "say", &json!({}))]}]);
    let mut two = system(SystemLimits { outputs: 2, mailbox: 3, ..SystemLimits::default() }, &[("m", say)]);
    two.start(json!({}), 0).unwrap();
    assert!(!two.send("go", 1).unwrap().more);
    assert!(!two.send("go", 2).unwrap().more);
    let drive = two.send("go", 3).unwrap();
    assert_eq!((drive.steps.len(), drive.more), (0, true), "nothing goes on until the host has acknowledged");
    assert!(two.send("go", 3).unwrap().more);
    assert!(two.send("go", 3).unwrap().more);
    let full = Refusal::Exceeded(Exceeded { name: "mailbox", allowed: 3 });
    assert_eq!(two.send("go", 3).unwrap_err(), full);
    let drive = two.acknowledge(&["it/1/0".into()], 4).unwrap();
    assert_eq!((drive.steps.len(), drive.more), (1, true));
}

#[test]
fn what_a_step_reads_is_bounded() {
    let reads = Reads::new(|_| Ok(json!(1)));
    reads.open(None);
    assert!((0..READS_MAX).all(|_| reads.read("x").is_ok()));
    assert!(reads.read("x").is_err());
    assert_eq!(reads.close().0.len(), READS_MAX);

    let deep =
        |depth| Reads::new(move |_| Ok(nested(depth))).read("x").map(drop).map_err(|failure| failure.0);
    assert_eq!(deep(VALUE_DEPTH_MAX), Ok(()));
    assert_eq!(deep(VALUE_DEPTH_MAX + 1), Err(format!("\"x\" nests deeper than {VALUE_DEPTH_MAX}")));
}

#[test]
fn a_snapshot_without_a_driver_begins_again_what_was_pending() {
    let kinds = [("m", timed())];
    let bare = begun(&kinds).root().unwrap().snapshot().to_value();
    let machines = Machines::new().with("m", &machine(&kinds[0].1));
    let load = |snapshot| {
        System::load("it", &machines, "m", SystemLimits::default(), snapshot, &Migrations::new(), 500)
    };
    let system = load(bare).unwrap();
    assert_eq!(system.timers().map(|(deadline, ..)| deadline).collect::<Vec<_>>(), [530, 600]);
}

#[test]
fn snapshots_of_systems_are_looked_at() {
    let kinds = [("m", parent()), ("kid", kid())];
    let good = begun(&kinds).snapshot().unwrap().to_value();
    let machines =
        kinds.iter().fold(Machines::new(), |all, (name, states)| all.with(*name, &machine(states)));
    let check = |pointer: &str, value: Value, expected: &str| {
        let mut snapshot = good.clone();
        *snapshot.pointer_mut(pointer).unwrap() = value;
        let loaded =
            System::load("it", &machines, "m", SystemLimits::default(), snapshot, &Migrations::new(), 0);
        assert_eq!(loaded.unwrap_err().to_string(), expected);
    };
    check(
        "/hob/system/name",
        json!("she"),
        "at /hob/system/name: the snapshot is of \"she\"; this is \"it\"",
    );
    check("/actors/kid/hob/machine", json!(0), "at /actors/kid/hob: its number is one of another machine");
    check("/actors/kid/hob/machine", json!(99), "at /actors/kid/hob: its number is one of another machine");
    check(
        "/actors/kid/child/configuration",
        json!(["z"]),
        "at /actors/kid/child/configuration/0: the machine has no state \"z\"",
    );
    check("/actors/kid/src", json!(1), "at /actors/kid/src: it is a string");
    check("/hob/system/outputs", json!([{}]), "at /hob/system/outputs/0/payload: it is missing");
}

/// A value that nests so deep.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inside, _| json!([inside]))
}

#[test]
fn what_nests_too_deeply_to_be_kept_does_not_come_in_and_is_not_made() {
    let states = json!([{"name": "a", "invoke": [{"src": {"name": "work"}, "onDone": "done"}], "transitions": [
        {"on": "done", "from": "a", "to": "a", "internal": true},
        {"on": "keep", "from": "a", "to": "a", "internal": true, "assigns": [{"name": "keep"}]},
        does("say", "a", "say", &json!({}))]}]);
    let kinds = [("m", states)];
    let event = |name: &str, depth| Event { name: name.into(), data: Some(nested(depth)) };

    // The context: a field of it is a value.
    let mut system = system(SystemLimits::default(), &kinds);
    let deep = StepError::DeepContext { limit: VALUE_DEPTH_MAX };
    assert_eq!(
        system.start(json!({"n": nested(VALUE_DEPTH_MAX + 1)}), 0).unwrap_err(),
        Refusal::Start(Fault::Step(deep.clone()))
    );
    system.start(json!({"n": nested(VALUE_DEPTH_MAX)}), 0).unwrap();

    // What comes in.
    let refused = |what| Refusal::Deep { what };
    let outside = "what comes with the event";
    assert_eq!(system.send(event("none", VALUE_DEPTH_MAX + 1), 0).unwrap_err(), refused(outside));
    system.send(event("none", VALUE_DEPTH_MAX), 0).unwrap();
    let run = system.services().next().unwrap().1.run.clone();
    let result = |depth| Err(nested(depth));
    let service = "what the service came to";
    assert_eq!(system.service_done(&run, result(VALUE_DEPTH_MAX + 1), 0).unwrap_err(), refused(service));
    system.service_done(&run, result(VALUE_DEPTH_MAX), 0).unwrap();

    // What steps make: "keep" puts the data in a list of a field of the context, "say" in a list.
    let before = system.snapshot().unwrap().to_value();
    let drive = system.send(event("keep", VALUE_DEPTH_MAX), 0).unwrap();
    assert_eq!(drive.fault(), Some(&Fault::Step(deep)));
    let drive = system.send(event("say", VALUE_DEPTH_MAX), 0).unwrap();
    let said = StepError::DeepEffect { effect: "say".into(), limit: VALUE_DEPTH_MAX };
    assert_eq!(drive.fault(), Some(&Fault::Step(said)));
    assert_eq!(system.snapshot().unwrap().to_value()["context"], before["context"]);
    assert_eq!(system.drain().len(), 1, "only the service was asked for");
    for name in ["keep", "say"] {
        assert!(system.send(event(name, VALUE_DEPTH_MAX - 1), 0).unwrap().fault().is_none());
    }
    assert_eq!(again(&system, &kinds).snapshot(), system.snapshot());
}

/// The deepest there is: a machine started by a machine, as often as that goes, each of which holds the deepest of everything.
#[test]
fn the_deepest_system_can_be_written_and_read_again() {
    let deepest = nested(VALUE_DEPTH_MAX);
    let input = json!({"in": deepest});
    let spawn = json!({"src": "m", "id": "kid", "input": input});
    let states = json!([{
        "name": "a",
        "invoke": [{"src": {"name": "work", "params": {"p": deepest}}, "input": input}],
        "transitions": [
            does("more", "a", "crucible.spawn", &spawn),
            {"on": "later", "from": "a", "to": "a", "internal": true, "after": 1000},
            {"on": "keep", "from": "a", "to": "a", "internal": true, "assigns": [{"name": "keep"}]}]}]);
    let kinds = [("m", states)];
    let limits = SystemLimits { depth: DEPTH_MAX, ..SystemLimits::default() };
    let mut system = system(limits, &kinds);
    system.start(json!({}), 0).unwrap();
    let names =
        |system: &System| -> Vec<String> { system.instances().map(|(name, _)| name.into()).collect() };
    for _ in 1..DEPTH_MAX {
        let last = names(&system).pop().unwrap();
        assert!(system.send_to(&last, "more", 0).unwrap().fault().is_none(), "{last}");
    }
    let names = names(&system);
    assert_eq!(names.len(), DEPTH_MAX);
    let event = |depth| Event { name: "keep".into(), data: Some(nested(depth)) };
    for name in &names {
        assert!(system.send_to(name, event(VALUE_DEPTH_MAX - 1), 0).unwrap().fault().is_none(), "{name}");
    }
    let snapshot = system.snapshot().unwrap();
    let text = snapshot.to_text().unwrap();
    assert_eq!(Snapshot::parse(&text).unwrap(), snapshot);
    let machines = Machines::new().with("m", &machine(&kinds[0].1));
    let value = snapshot.to_value();
    let load = |value| System::load("it", &machines, "m", limits, value, &Migrations::new(), 0);
    assert_eq!(load(value.clone()).unwrap().snapshot(), Some(snapshot));

    // What is not known here is kept, and stands one deep.
    let with = |depth| {
        let mut value = value.clone();
        value["else"] = nested(depth);
        load(value).map(|system| system.snapshot().unwrap().to_text().is_ok())
    };
    let limit = crate::snapshot::DEPTH_MAX;
    assert!(with(limit - 1).unwrap());
    assert_eq!(with(limit).unwrap_err(), LoadError::Restore(RestoreError::Deep { limit }));
}

//! Sessions of SCXML as machines of a driver: what they say to each other, and that a snapshot and a journal hold all of it.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use hob_machine::convert::scxml;
use hob_machine::driver::{Fault, Input, Machines, Refusal, System, SystemLimits};
use hob_machine::journal::{JournalEntry, replay};
use hob_machine::snapshot::Migrations;
use hob_machine::{Chart, Effect, Event, Instance, Machine, Registry, ecmascript};
use proptest::prelude::*;
use serde_json::{Value, json};

const MILLI: i64 = 1_000_000;

fn in_scxml(body: &str) -> String {
    format!("<scxml xmlns='http://www.w3.org/2005/07/scxml' datamodel='ecmascript'>{body}</scxml>")
}

/// The machine of a text under the name `first`, with those of other texts under theirs; and its first context.
fn machines(text: &str, others: &[(&str, &str)]) -> (Machines, Value) {
    let document = scxml::import(text).unwrap().result;
    let registry = ecmascript::register(Registry::new());
    let machine = Machine::bind(Chart::load(&document).unwrap(), &registry).unwrap();
    let (context, errors) = ecmascript::begin(&document);
    assert!(errors.is_empty(), "{errors:?}");
    let mut machines = ecmascript::sessions(Machines::new().with("first", &machine), Registry::new());
    for (name, text) in others {
        let document = scxml::import(text).unwrap().result;
        machines = machines.with_session(*name, ecmascript::session(&document, &Registry::new()).unwrap());
    }
    (machines, context)
}

fn begun(body: &str, limits: SystemLimits) -> System {
    let (machines, context) = machines(&in_scxml(body), &[]);
    let mut system = System::new("s", &machines, "first", limits).unwrap();
    system.start(context, 0).unwrap();
    system
}

fn at(system: &System) -> String {
    let names = system.root().unwrap().configuration();
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Where a machine is after events and at last some time.
fn check(body: &str, events: &[&str], millis: i64, expected: &str) {
    let mut system = begun(body, SystemLimits::default());
    for event in events {
        system.send(*event, 0).unwrap();
    }
    system.advance(millis * MILLI).unwrap();
    assert_eq!(at(&system), expected, "{body}");
}

fn child(body: &str) -> String {
    format!("<content><scxml datamodel='ecmascript'>{body}</scxml></content>")
}

/// Everything that a session can have to do with another, at different moments.
fn busy() -> String {
    let grandchild = child(
        "<state id='g'><onentry><send event='grow' target='#_parent' delay='30ms' id='g1'><param name='by' expr='2'/></send></onentry>
         <transition event='enough' target='gf'/></state><final id='gf'><donedata><param name='was' expr='7'/></donedata></final>",
    );
    let child = child(&format!(
        "<datamodel><data id='n' expr='0'/><data id='got' expr='[]'/></datamodel>
         <state id='c'><onentry><send event='hello' target='#_parent'/></onentry>
         <invoke type='scxml' id='grand'>{grandchild}<finalize><assign location='n' expr='n + _event.data.by'/></finalize></invoke>
         <transition event='ask'><send targetexpr='_event.origin' event='answer'><param name='n' expr='n'/></send>
           <assign location='got' expr='got.concat([_event.name, _event.type])'/></transition>
         <transition event='go.on'><send target='#_grand' event='enough'/></transition>
         <transition event='done.invoke.grand' target='cf'><assign location='got' expr='_event.data'/></transition></state>
         <final id='cf'><donedata><content expr='got'/></donedata></final>"
    ));
    in_scxml(&format!(
        "<datamodel><data id='log' expr='[]'/><data id='start' expr='5'/></datamodel>
         <state id='a'><invoke type='scxml' id='child' autoforward='true'><param name='n' expr='start'/>{child}</invoke>
           <onentry><send event='tick' delay='20ms' id='t'/></onentry>
           <transition event='hello'><send target='#_child' event='ask'/></transition>
           <transition event='answer done.invoke.child tick error' ><assign location='log'
             expr='log.concat([[_event.name, _event.type, _event.invokeid, _event.sendid, _event.data]])'/></transition>
           <transition event='leave' target='b'/></state>
         <state id='b'><transition event='back' target='a'/></state>"
    ))
}

#[test]
fn what_sessions_say_to_each_other() {
    let (machines, context) = machines(&busy(), &[]);
    let mut system = System::new("s", &machines, "first", SystemLimits::default()).unwrap();
    system.start(context, 0).unwrap();
    system.advance(40 * MILLI).unwrap();
    system.send("ask", 41 * MILLI).unwrap();
    system.send("go.on", 42 * MILLI).unwrap();
    let log = system.root().unwrap().context().get("log").cloned();
    let expected = json!([
        ["answer", "external", "child", null, {"n": 5}],
        ["tick", "external", null, "t", null],
        ["done.invoke.child", "external", "child", null, {"was": 7}],
    ]);
    assert_eq!(log, Some(expected));
    assert_eq!(system.instances().count(), 1, "both have ended");
}

fn limits(steps: usize) -> SystemLimits {
    SystemLimits { steps, ..SystemLimits::default() }
}

fn input(number: u8) -> (Input, i64) {
    let event = |name: &str| Input::Event { to: None, event: Event::from(name) };
    match number % 7 {
        0 => (event("ask"), 1),
        1 => (event("go.on"), 3),
        2 => (event("leave"), 2),
        3 => (event("back"), 1),
        4 => (event("hello"), 0),
        5 => (Input::Time, 12),
        _ => (Input::Time, 1),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A system that was a snapshot after every input, and one that was played back from its journal, are as the one that ran
    /// through; however little of an input is done at a time.
    #[test]
    fn a_snapshot_and_a_journal_hold_sessions(
        numbers in proptest::collection::vec(any::<u8>(), 1..24),
        steps in 1usize..6,
    ) {
        let (machines, context) = machines(&busy(), &[]);
        let fresh = || System::new("s", &machines, "first", limits(steps)).unwrap();
        let mut straight = fresh();
        let mut restored: Option<System> = None;
        let mut journal = Vec::new();
        let mut now = 0;
        let inputs = std::iter::once((Input::Start { context }, 0)).chain(numbers.into_iter().map(input));
        for (input, millis) in inputs {
            now += millis * MILLI;
            journal.push(JournalEntry::of_input(straight.inputs(), &input, now));
            straight.apply(&input, now).unwrap();
            let mut other = restored.take().unwrap_or_else(fresh);
            other.apply(&input, now).unwrap();
            let snapshot = other.snapshot().unwrap().to_value();
            let text = snapshot.to_string();
            let read = serde_json::from_str(&text).unwrap();
            let loaded =
                System::load("s", &machines, "first", limits(steps), read, &Migrations::new(), now).unwrap();
            prop_assert_eq!(loaded.snapshot().unwrap().to_value(), snapshot);
            restored = Some(loaded);
        }
        let end = straight.snapshot().unwrap().to_value();
        prop_assert_eq!(restored.unwrap().snapshot().unwrap().to_value(), end.clone());
        let journal: Vec<JournalEntry> = journal
            .iter()
            .map(|entry| JournalEntry::from_value(entry.to_value()).unwrap())
            .collect();
        let mut again = fresh();
        replay(&mut again, &journal, None).unwrap();
        prop_assert_eq!(again.snapshot().unwrap().to_value(), end);
    }
}

#[test]
fn what_cannot_be_started_or_reached_is_an_event() {
    let invoke = |invoke: &str| {
        format!(
            "<datamodel><data id='v' expr=\"'x'\"/></datamodel><state id='a'>{invoke}
             <transition event='error.execution' target='execution'/>
             <transition event='error.communication' target='communication'/>
             <transition event='done.invoke' target='done'/></state>
             <state id='execution'/><state id='communication'/><state id='done'/>"
        )
    };
    let done = child("<final id='f'/>");
    for (element, expected) in [
        (format!("<invoke type='scxml'>{done}</invoke>"), "done"),
        (format!("<invoke>{done}</invoke>"), "done"),
        (format!("<invoke typeexpr=\"'http://www.w3.org/TR/scxml/'\">{done}</invoke>"), "done"),
        (format!("<invoke typeexpr=\"'other'\">{done}</invoke>"), "execution"),
        (format!("<invoke namelist='nothing'>{done}</invoke>"), "execution"),
        ("<invoke type='scxml'/>".into(), "execution"),
        ("<invoke type='scxml' src='nobody'/>".into(), "communication"),
        ("<invoke type='scxml' srcexpr='v'/>".into(), "communication"),
        ("<invoke type='scxml'><content>no machine</content></invoke>".into(), "communication"),
        ("<invoke type='scxml'><content expr='v'/></invoke>".into(), "communication"),
        ("<onentry><send event='e' target='#_nobody'/></onentry>".into(), "communication"),
        ("<onentry><send event='e' target='#_scxml_nobody'/></onentry>".into(), "communication"),
        // There may be such a session; the driver knows that there is none.
        ("<onentry><send event='e' target='#_scxml_s#9'/></onentry>".into(), "communication"),
        ("<onentry><send event='e' target='#_scxml_s#9' delay='1ms'/></onentry>".into(), "communication"),
        ("<onentry><send event='e' target='nobody'/></onentry>".into(), "execution"),
    ] {
        check(&invoke(&element), &[], 5, expected);
    }
}

#[test]
fn a_machine_is_started_by_its_name() {
    let text = in_scxml(
        "<state id='a'><invoke type='scxml' src='other'><param name='v' expr='3'/></invoke>
         <transition event='done.invoke' cond='_event.data.v == 3' target='b'/></state><state id='b'/>",
    );
    let other = in_scxml(
        "<datamodel><data id='v' expr='1'/></datamodel><final id='f'><donedata><param name='v' location='v'/></donedata></final>",
    );
    let (machines, context) = machines(&text, &[("other", &other)]);
    let mut system = System::new("s", &machines, "first", SystemLimits::default()).unwrap();
    system.start(context, 0).unwrap();
    assert_eq!(at(&system), "b");
}

/// A session that is left is over: what it would have said does not come. One that had ended has said so.
#[test]
fn a_session_ends_with_its_state() {
    let of = |inside: &str| {
        let child = child(inside);
        format!(
            "<state id='a'><invoke type='scxml'>{child}</invoke><transition event='leave' target='b'/></state>
             <state id='b'><transition event='late done.invoke' target='c'/></state><state id='c'/>"
        )
    };
    let sends = "<state id='x'><onentry><send event='late' target='#_parent' delay='1ms'/></onentry></state>";
    check(&of(sends), &["leave"], 10, "b");
    let says = "<final id='f'><onentry><send event='go' target='#_parent'/></onentry></final>";
    let body = of(says).replace("event='leave'", "event='go'");
    check(&body, &[], 0, "c");
}

/// What is sent later is cancelled by its id, all of it; what has none stays.
#[test]
fn what_is_sent_later_is_cancelled_by_its_id() {
    let check = |cancel: &str, left: usize| {
        let body = format!(
            "<datamodel><data id='n' expr='[1,2]'/><data id='none' expr=\"''\"/><data id='i' expr=\"'i'\"/></datamodel>
             <state id='a'><onentry><foreach array='n' item='k'><send event='x' id='i' delay='1s'><param name='k' expr='k'/></send>
             <send event='y' delay='1s'><param name='k' expr='k'/></send></foreach></onentry>
             <transition event='e'>{cancel}</transition></state>"
        );
        let mut system = begun(&body, SystemLimits::default());
        assert_eq!(system.timers().count(), 4);
        system.send("e", 0).unwrap();
        assert_eq!(system.timers().count(), left, "{cancel}");
    };
    check("<cancel sendid='i'/>", 2);
    check("<cancel sendidexpr='i'/>", 2);
    check("<cancel sendidexpr='none'/>", 4);
    check("<cancel sendid='other'/>", 4);
}

/// A session that is stopped leaves its states from the inside out, and those that it started before it.
#[test]
fn a_session_that_is_stopped_leaves_its_states() {
    let log = |text: &str| {
        format!("<onexit><log expr=\"'{text}'\"/><send event='late' target='#_parent'/></onexit>")
    };
    let grandchild = child(&format!("<state id='g'>{}</state>", log("g")));
    let child = child(&format!(
        "<state id='c'>{}<state id='d'>{}<invoke type='scxml'>{grandchild}</invoke></state></state>",
        log("c"),
        log("d")
    ));
    let body = format!(
        "<state id='a'><invoke type='scxml'>{child}</invoke><transition event='leave' target='b'/></state>
         <state id='b'><transition event='late' target='c'/></state><state id='c'/>"
    );
    let mut system = begun(&body, SystemLimits::default());
    assert_eq!(system.outputs().count(), 0);
    system.send("leave", 0).unwrap();
    let said: Vec<Value> = system.outputs().map(|output| output.to_value()).collect();
    let said: Vec<Option<&str>> =
        said.iter().map(|output| output.pointer("/payload/value/value").and_then(Value::as_str)).collect();
    assert_eq!(said, [Some("g"), Some("d"), Some("c")]);
    assert_eq!((at(&system), system.instances().count()), ("b".into(), 1));
}

#[test]
fn limits_count_what_is_sent() {
    let many = |delay: &str| {
        format!(
            "<datamodel><data id='n' expr='[1,2,3]'/></datamodel>
             <state id='a'><transition event='e'><foreach array='n' item='i'><send event='x' {delay}><param name='i' expr='i'/></send>
             </foreach></transition></state>"
        )
    };
    let fault = |body: &str, limits: SystemLimits| {
        let mut system = begun(body, limits);
        let before = system.snapshot().unwrap().to_value();
        let drive = system.send("e", 0).unwrap();
        let fault = drive.fault().filter(|fault| !fault.is_unhandled()).map(ToString::to_string);
        if fault.is_some() {
            let after = system.snapshot().unwrap().to_value();
            assert_eq!(after.get("context"), before.get("context"));
            assert_eq!(system.timers().count(), 0);
        }
        fault
    };
    let timers = |timers| SystemLimits { timers, ..SystemLimits::default() };
    assert_eq!(fault(&many("delay='1s'"), timers(3)), None);
    assert_eq!(fault(&many("delay='1s'"), timers(2)).unwrap(), "limit \"timers\": 2 are allowed");
    // Who cancels has the place again, even in the same step.
    let again = |id: &str| {
        let send = format!("<send event='x' {id} delay='1s'/>");
        let body = format!(
            "<state id='a'><transition event='e'>{send}</transition>
             <transition event='again'><cancel sendid='i'/>{send}</transition></state>"
        );
        let mut system = begun(&body, timers(1));
        system.send("e", 0).unwrap();
        let drive = system.send("again", 0).unwrap();
        let fault = drive.fault().map(ToString::to_string);
        assert_eq!(system.timers().count(), 1);
        fault
    };
    assert_eq!(again("id='i'"), None);
    assert_eq!(again("").unwrap(), "limit \"timers\": 1 are allowed");
    // Of what waits, what is with it counts too: each of these is 201 values and a name, and one for the event and the target.
    let heavy = "<datamodel><data id='n' expr='[]'/></datamodel><script>n[198] = 1;</script>
         <state id='a'><transition event='e'><send event='x' delay='1s' namelist='n'/></transition></state>";
    let sends = |data: usize| {
        let mut system = begun(heavy, SystemLimits { data, ..SystemLimits::default() });
        let faults = (0..3).map(|_| system.send("e", 0).unwrap().fault().map(ToString::to_string));
        faults.collect::<Vec<_>>()
    };
    let full = |data: usize| Some(format!("limit \"data\": {data} are allowed"));
    assert_eq!(sends(1000), [None, None, None]);
    let least = (200..1000).find(|data| sends(*data)[2].is_none()).unwrap();
    assert_eq!(sends(least - 1), [None, None, full(least - 1)]);
    assert!((600..620).contains(&least), "{least}");
    let mailbox = |mailbox| SystemLimits { mailbox, ..SystemLimits::default() };
    assert_eq!(fault(&many(""), mailbox(3)), None);
    assert_eq!(fault(&many(""), mailbox(2)).unwrap(), "limit \"mailbox\": 2 are allowed");
}

/// Each session that runs has a place kept for the event of its end.
#[test]
fn the_ends_of_sessions_have_places() {
    let invokes = format!("<invoke type='scxml'>{}</invoke>", child("<final id='f'/>")).repeat(3);
    let body = format!("<state id='a'>{invokes}</state>");
    let begin = |mailbox| {
        let (machines, context) = machines(&in_scxml(&body), &[]);
        let limits = SystemLimits { mailbox, ..SystemLimits::default() };
        System::new("s", &machines, "first", limits).unwrap().start(context, 0).map(drop)
    };
    assert_eq!(begin(3), Ok(()));
    assert!(matches!(begin(2), Err(Refusal::Start(Fault::Exceeded(of))) if of.name == "mailbox"));
}

/// A machine whose step would start one too deep fails, which whoever started it hears of.
#[test]
fn sessions_start_sessions_only_so_deep() {
    let nested = |levels: usize| {
        (0..levels).fold("<final id='f'/>".to_owned(), |inside, _| {
            let child = child(&inside);
            format!(
                "<state id='a'><invoke type='scxml'>{child}</invoke><transition event='done.invoke' target='f'/>
                 <transition event='error deep' target='f'><send event='deep' target='#_parent'/></transition></state>
                 <final id='f'/>"
            )
        })
    };
    let deep = |levels: usize| begun(&nested(levels), SystemLimits::default()).outputs().count();
    let allowed = SystemLimits::default().depth;
    assert_eq!((deep(allowed - 1), deep(allowed)), (0, 1));
}

/// What is for the host comes out: a machine without parent has it for one.
#[test]
fn the_host_is_the_parent_of_the_first() {
    let system = begun(
        "<state id='a'><onentry><send event='e' target='#_parent'><param name='x' expr='1'/></send></onentry></state>",
        SystemLimits::default(),
    );
    let said: Vec<Value> = system.outputs().map(|output| output.to_value()).collect();
    let said: Vec<&Value> = said.iter().filter_map(|output| output.pointer("/payload/event")).collect();
    assert_eq!(said, [&json!({"name": "e", "data": {"x": 1}})]);
}

/// Without a driver what is sent is an effect, and without a data model what is invoked is the host's.
#[test]
fn what_is_sent_and_invoked_is_data() {
    let text = in_scxml(
        "<state id='a'><onentry><send event='e' target='#_parent' delay='2ms' id='i'><param name='x' expr='1'/></send></onentry>
         <invoke type='scxml' id='c'><content><scxml/></content></invoke></state>",
    );
    let document = scxml::import(&text).unwrap().result;
    let chart = Chart::load(&document).unwrap();
    let with = Machine::bind(chart, &ecmascript::register(Registry::new())).unwrap();
    let (_, step) = Instance::start(&with, ecmascript::begin(&document).0).unwrap();
    let values: Vec<Value> = step.effects.iter().map(Effect::to_value).collect();
    assert_eq!(
        values.first().unwrap(),
        &json!({"kind": "hob.send", "payload": {"target": "#_parent", "event": "e", "data": {"x": 1}, "delay": 2 * MILLI, "id": "i"}})
    );
    assert_eq!(values.get(1).unwrap().pointer("/payload/src/params/text"), Some(&json!("<scxml/>")));
    let registry = Registry::new().action("scxml.send", |_| Ok(None));
    let without = Machine::bind(Chart::load(&document).unwrap(), &registry).unwrap();
    let (_, step) = Instance::start(&without, json!({})).unwrap();
    let names: Vec<&str> = step.effects.iter().filter_map(Effect::kind).collect();
    assert_eq!(names, ["crucible.spawnActor"]);
}

#[test]
fn files_are_what_the_caller_says() {
    let text = in_scxml(
        "<datamodel><data id='d' src='d.json'/><data id='n' src='none'/></datamodel><script src='s.js'/>
         <state id='a'><invoke type='scxml' src='m.scxml'/></state>",
    );
    let mut asked = Vec::new();
    let converted = scxml::import_with(&text, |src| {
        asked.push(src.to_owned());
        match src {
            "d.json" => Ok("[1, 2]".into()),
            "s.js" => Ok("var s = d.length;".into()),
            "m.scxml" => Ok("<?xml version='1.0'?><scxml/>".into()),
            other => Err(format!("no {other}")),
        }
    })
    .unwrap();
    asked.sort();
    assert_eq!(asked, ["d.json", "m.scxml", "none", "s.js"]);
    let refused: Vec<&str> = converted
        .notes
        .iter()
        .filter(|note| note.code == "not_fetched")
        .map(|note| note.message.as_str())
        .collect();
    assert_eq!(refused, ["\"none\" is not there: no none"]);
    let (context, errors) = ecmascript::begin(&converted.result);
    assert_eq!(context.get("d"), Some(&json!([1, 2])));
    assert_eq!(context.get("s"), Some(&json!(2)));
    assert_eq!(errors, ["<data id=\"n\">: \"none\" is not fetched"]);
    let document: Value = serde_json::from_str(&converted.result.to_string()).unwrap();
    let source = document.pointer("/states/0/invoke/0/src/params/content/text");
    assert_eq!(source, Some(&json!("<scxml/>")));
}

/// Data of a state that are bound late have no value before, get it once, and go out as they came in.
#[test]
fn late_data() {
    let text = "<scxml xmlns='http://www.w3.org/2005/07/scxml' binding='late'><datamodel><data id='seen' expr='[]'/></datamodel>
        <state id='a'><onentry><assign location='seen' expr='seen.concat([typeof v])'/></onentry>
          <transition event='e' target='b'/></state>
        <state id='b'><datamodel><data id='v' expr='1'/></datamodel>
          <onentry><assign location='v' expr='v + 1'/><assign location='seen' expr='seen.concat([v])'/></onentry>
          <transition event='e' target='a'/></state></scxml>";
    let document = scxml::import(text).unwrap().result;
    let machine =
        Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new())).unwrap();
    let (mut instance, _) = Instance::start(&machine, ecmascript::begin(&document).0).unwrap();
    for _ in 0..3 {
        instance.fire(&"e".into()).unwrap();
    }
    assert_eq!(instance.context().get("seen"), Some(&json!(["undefined", 2, "number", 3])));
    let out = scxml::export(&document).unwrap().result;
    assert!(out.contains("<datamodel>\n      <data expr=\"1\" id=\"v\"/>"), "{out}");
}

/// What went wrong with the data is the first that a machine hears of.
#[test]
fn errors_before_the_first_state() {
    let text = in_scxml(
        "<datamodel>\n<data id='v' expr='no'/></datamodel><state id='a'><onentry><raise event='r'/></onentry>
         <transition event='error.execution' cond='_event.data.line == 2 &amp;&amp; _event.type == \"platform\"' target='b'/>
         <transition event='r' target='c'/></state><state id='b'/><state id='c'/>",
    );
    let document = scxml::import(&text).unwrap().result;
    let (context, errors) = ecmascript::begin(&document);
    assert_eq!(errors, ["<data id=\"v\">: no is not defined"]);
    let machine =
        Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new())).unwrap();
    let (instance, _) = Instance::start(&machine, context).unwrap();
    assert_eq!(instance.configuration(), ["b".into()]);
    assert_eq!(instance.context().get("hob.errors"), None);
}

/// What a snapshot says of events is looked at before it is taken.
#[test]
fn a_snapshot_with_an_event_that_is_none_is_refused() {
    let body = "<state id='a'><onentry><send event='x' delay='1s' id='i'><param name='p' expr='1'/></send>
        <send event='y'><param name='p' expr='1'/></send></onentry></state>";
    let (machines, context) = machines(&in_scxml(body), &[]);
    let mut system = System::new("s", &machines, "first", limits(1)).unwrap();
    system.start(context, 0).unwrap();
    let snapshot = system.snapshot().unwrap().to_value();
    let load = |place: &str, value: Value| {
        let mut snapshot = snapshot.clone();
        *snapshot.pointer_mut(place).unwrap() = value;
        let loaded = System::load("s", &machines, "first", limits(1), snapshot, &Migrations::new(), 0);
        loaded.map(drop).map_err(|error| error.to_string())
    };
    let (origin, send) = ("/mailboxes/s/0/origin", "/hob/timers/0/send");
    assert_eq!(load(origin, json!({"address": "#_scxml_x", "kind": "platform"})), Ok(()));
    for (place, wrong) in [
        (origin, json!(7)),
        (origin, json!({"kind": "odd"})),
        (send, json!(7)),
        (send, json!({})),
        (send, json!({"target": 7})),
        (send, json!({"target": "", "delay": -1})),
    ] {
        let error = load(place, wrong.clone()).unwrap_err();
        assert!(error.contains(place), "{wrong}: {error}");
    }
}

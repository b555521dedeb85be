//! What the W3C's rules say and the public suites do not ask: each case names the step of appendix D that it is about.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use hob_machine::convert::scxml;
use hob_machine::{Chart, Document, Effect, Instance, Machine, Registry, ecmascript};
use serde_json::json;

/// Runs a machine through events; what is active then, and what was done, in order.
fn check(body: &str, events: &[&str], expected: &str) {
    let text =
        format!("<scxml xmlns='http://www.w3.org/2005/07/scxml' xmlns:hob='urn:hob:machine'>{body}</scxml>");
    let machine = scxml::import(&text).unwrap().result;
    let registry = Registry::new()
        .action("say", |call| Ok(call.params.get("text").cloned()))
        .action("fail", |_| Err("no".into()))
        .guard("broken", |_| Err("no answer".into()))
        .assign("half", |_, context| {
            *context = json!({"half": true});
            Err("in the middle".into())
        });
    let machine = Machine::bind(Chart::load(&machine).unwrap(), &registry).unwrap();
    let (mut instance, step) = Instance::start(&machine, json!({})).unwrap();
    let mut said = Vec::new();
    let mut note = |effects: Vec<Effect>| {
        for effect in effects {
            match effect {
                Effect::Action { value, .. } => said.push(value.as_str().unwrap_or("?").to_owned()),
                Effect::StartService(start) => said.push(format!("start {}", start.id)),
                Effect::StopService { id } => said.push(format!("stop {id}")),
                _ => {}
            }
        }
    };
    note(step.effects);
    for event in events {
        match instance.fire(&(*event).into()) {
            Ok(step) => note(step.effects),
            Err(failed) => assert!(failed.error.is_unhandled(), "{failed}"),
        }
    }
    assert_eq!(*instance.context(), json!({}), "{body}");
    let active: Vec<String> = instance.configuration().iter().map(ToString::to_string).collect();
    assert_eq!(format!("{} | {}", active.join(" "), said.join(" ")), expected, "{body}");
}

fn say(text: &str) -> String {
    format!("<hob:action name='say' params='{{\"text\":\"{text}\"}}'/>")
}

#[test]
fn history_of_a_parallel_state() {
    let body = "<state id='out'><transition event='in' target='h'/></state>
        <parallel id='p'><transition event='leave' target='out'/>
          <history id='h' type='deep'><transition target='a2'/></history>
          <state id='a'><state id='a1'><transition event='x' target='a2'/></state><state id='a2'/></state>
          <state id='b'><state id='b1'><transition event='x' target='b2'/></state><state id='b2'/></state></parallel>";
    check(body, &["in"], "a2 b1 | ");
    check(body, &["in", "x", "leave", "in"], "a2 b2 | ");
    let shallow = body.replace(" type='deep'", "");
    check(&shallow, &["in", "x", "leave", "in"], "a1 b1 | ");
}

#[test]
fn a_history_state_of_the_state_that_is_left_remembers_it() {
    let body = "<state id='p' initial='x'><history id='h'><transition target='x'/></history>
        <state id='x'><transition event='n' target='y'/></state><state id='y'/>
        <transition event='again' target='h'/></state>";
    check(body, &["n", "again"], "y | ");
}

#[test]
fn what_an_initial_and_a_history_transition_list_runs_after_the_entry() {
    let (entry, initial, default) = (say("entry"), say("initial"), say("default"));
    let body = format!(
        "<state id='p'><onentry>{entry}</onentry><initial><transition target='h'>{initial}</transition></initial>
         <history id='h'><transition target='x'>{default}</transition></history>
         <state id='x'/><transition event='leave' target='q'/></state>
         <state id='q'><transition event='back' target='p'/><transition event='in' target='x'/></state>"
    );
    check(&body, &[], "x | entry initial default");
    check(&body, &["leave", "back"], "x | entry initial default entry initial");
    check(&body, &["leave", "in"], "x | entry initial default entry");
}

#[test]
fn a_parallel_state_is_done_once_all_regions_are_in() {
    let done = say("done");
    let body = format!(
        "<parallel id='p'><transition event='done.state.p'>{done}</transition>
         <state id='a'><state id='a1'><transition event='e' target='af'/></state><final id='af'/></state>
         <state id='b'><state id='b1'><transition event='e' target='bf'/></state><final id='bf'/></state></parallel>"
    );
    check(&body, &["e"], "af bf | done");
}

#[test]
fn nothing_happens_after_a_final_state_at_the_top_but_exits() {
    let (exit, late) = (say("exit"), say("late"));
    let body = format!(
        "<state id='a'><transition event='e' target='f'/></state>
         <final id='f'><onentry><raise event='late'/></onentry><onexit>{exit}</onexit></final>
         <state id='b'><transition event='late'>{late}</transition></state>"
    );
    check(&body, &["e", "late"], "f | exit");
}

#[test]
fn a_failure_ends_its_list_and_is_an_event() {
    let (before, after) = (say("before"), say("after"));
    for failing in ["<hob:action name='fail'/>", "<hob:assign name='half'/>"] {
        let body = format!(
            "<state id='a'><onentry>{before}{failing}</onentry><transition event='error.execution' target='b'/></state>
             <state id='b'/>"
        );
        check(&body, &[], "b | before");
    }
    let body = format!(
        "<state id='a'><onentry><hob:action name='fail'/>{after}</onentry>
         <transition event='error.execution' target='b'/></state><state id='b'/>"
    );
    check(&body, &[], "b | ");
}

#[test]
fn a_guard_without_an_answer_is_an_event_though_nobody_wanted_the_first() {
    let body = "<state id='a'><transition event='e' cond='hob.guard(\"broken\")' target='c'/>
        <transition event='error.execution' target='b'/></state><state id='b'/><state id='c'/>";
    check(body, &["e"], "b | ");
}

#[test]
fn services_start_when_the_machine_has_come_to_rest() {
    let body = "<state id='a'><invoke type='s' id='ia'/><transition target='b'/></state>
        <state id='b'><invoke type='s' id='ib'/><transition event='e' target='c'/></state><state id='c'/>";
    check(body, &[], "b | start ib");
    check(body, &["e"], "c | start ib stop ib");
}

#[test]
fn a_state_is_seen_as_it_is_at_that_moment() {
    let body =
        "<state id='a'><onentry><raise event='e'/></onentry><initial><transition target='a1'/></initial>
        <transition event='e' cond=\"In('a1')\" target='b'/><state id='a1'/></state><state id='b'/>";
    check(body, &[], "b | ");
}

#[test]
fn targets_that_cannot_be_active_together_are_refused() {
    let refused = |meta: &str, state: &str| {
        let text = format!(
            r#"{{"name":"m","initial":"a","hasInitial":true,"meta":{{"hob.semantics":"scxml"{meta}}},"states":[
            {{"name":"a","transitions":[{{"to":"a","on":"e","reenter":true{state}}}]}},{{"name":"b"}},
            {{"name":"p","regions":[{{"name":"r","initialChild":"x","states":[{{"name":"x"}}]}},
            {{"name":"s","initialChild":"y","states":[{{"name":"y"}}]}}]}}]}}"#
        );
        let document = Document::parse(&text).unwrap();
        Chart::load(&document).err().map_or("loads".into(), |refused| refused.to_string())
    };
    let targets = |list: &str| refused("", &format!(r#","meta":{{"hob.targets":{list}}}"#));
    assert_eq!(targets(r#"["x","y"]"#), "loads");
    assert!(targets(r#"["a","b"]"#).contains("a and b are never active at the same time"));
    assert!(targets(r#"["p","x"]"#).contains("(targets)"));
    assert!(targets(r#"["x","x"]"#).contains("(targets)"));
    assert!(targets("7").contains("(wrong_type)"));
    assert_eq!(refused(r#","hob.initial":["x","y"]"#, ""), "loads");
    assert!(refused(r#","hob.initial":["a","y"]"#, "").contains("(targets)"));
}

/// Outside of SCXML a state that begins with a history state would be active itself.
#[test]
fn a_state_begins_with_a_history_state_in_scxml_alone() {
    let text = |semantics: &str, initial: &str, default: &str| {
        let text = format!(
            r#"{{"name":"m","initial":"p","hasInitial":true,"meta":{{"hob.semantics":"{semantics}"}},"states":[
            {{"name":"p","initialChild":"{initial}","children":[{{"name":"h","historyType":1,"historyDefault":"{default}"}},
            {{"name":"g","historyType":2,"historyDefault":"x"}},{{"name":"x"}}]}}]}}"#
        );
        let document = Document::parse(&text).unwrap();
        Chart::load(&document).err().map_or("loads".into(), |refused| refused.to_string())
    };
    assert_eq!(text("scxml", "h", "x"), "loads");
    assert!(text("hob", "h", "x").contains("(history_initial)"));
    assert!(text("hob", "x", "g").contains("(history_default)"));
    assert!(text("scxml", "x", "g").contains("(history_default)"));
}

/// An error says which element failed, the innermost one, and where in the source it stood.
#[test]
fn an_error_says_where_it_stood() {
    let check = |state: &str, expected: serde_json::Value| {
        let text = format!(
            "<scxml xmlns='http://www.w3.org/2005/07/scxml' xmlns:hob='urn:hob:machine'><datamodel><data id='said'/></datamodel>\n\
             <state id='a'>{state}\n<transition event='error.execution'><assign location='said' expr='_event.data'/></transition>\n\
             </state></scxml>"
        );
        let document = scxml::import(&text).unwrap().result;
        let registry = ecmascript::register(Registry::new()).action("fail", |_| Err("no".into()));
        let machine = Machine::bind(Chart::load(&document).unwrap(), &registry).unwrap();
        let (mut instance, _) = Instance::start(&machine, ecmascript::begin(&document).0).unwrap();
        drop(instance.fire(&"e".into()));
        assert_eq!(instance.context()["said"], expected, "{state}");
    };
    let record = |reason: &str, tag: &str, line: u32, column: u32| json!({"reason": reason, "tagname": tag, "line": line, "column": column});
    check("<onentry><log expr='no'/></onentry>", record("no is not defined", "log", 2, 24));
    check(
        "<onentry>\n<if cond='true'>\n <script>no();</script></if></onentry>",
        record("no is not defined, or no function that is understood", "script", 4, 2),
    );
    check("<onentry>\n<if cond='no'/></onentry>", record("no is not defined", "if", 3, 1));
    check(
        "<onentry><foreach array='[1]' item='i'>\n<log expr='no'/></foreach></onentry>",
        record("no is not defined", "log", 3, 1),
    );
    check("\n  <transition event='e' cond='no'/>", record("no is not defined", "transition", 3, 3));
    check("<onentry>\n<hob:action name='fail'/></onentry>", record("no", "action", 3, 1));
}

/// Where something stood is for people: a machine whose source moved is the same.
#[test]
fn positions_do_not_count_as_a_difference() {
    let of = |between: &str| {
        let body = format!(
            "<scxml xmlns='http://www.w3.org/2005/07/scxml'>{between}<state id='a'><onentry><if cond='x'>{between}<log expr='1'/>
             </if></onentry><transition event='e' cond='x'/></state></scxml>"
        );
        Chart::load(&scxml::import(&body).unwrap().result).unwrap()
    };
    assert_eq!(hob_machine::diff::diff(&of(""), &of("\n\n ")).changes, []);
}

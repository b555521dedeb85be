//! Machines of other formats: what maps, what is noted and where, what is refused, and how expressions come out.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use hob_machine::convert::{BYTES_MAX, DEPTH_MAX, scxml, xstate};
use hob_machine::{Chart, Document, Event, Instance, Limits, Machine, Problem, Registry, ecmascript};
use serde_json::{Value, json};

fn shown(notes: &[Problem]) -> Vec<String> {
    notes.iter().map(|note| format!("{} {}", note.at, note.code)).collect()
}

fn in_scxml(body: &str) -> String {
    format!("<scxml xmlns='http://www.w3.org/2005/07/scxml'>\n{body}</scxml>")
}

#[test]
fn what_scxml_has_and_a_document_has_not_is_noted_where_it_stands() {
    let check = |body: &str, expected: &[&str]| {
        assert_eq!(shown(&scxml::import(&in_scxml(body)).unwrap().notes), expected, "{body}");
    };
    check("<state id='a'/>", &[]);
    check("<state/>", &["2:1 made_up_name"]);
    check("<state id='a' colour='red'/>", &["2:1 unknown_attribute"]);
    check("<state id='a'><banana/></state>", &["2:15 unknown_element"]);
    check("<state id='a'><transition event='e' target='b'/></state>", &["2:15 undeclared_target"]);
    check("<state id='a'><transition cond='x == 1'/></state>", &["2:15 data_model"]);
    check("<state id='a'><onentry><assign location='x'/></onentry></state>", &["2:24 data_model"]);
    check("<state id='a'><onentry>\n<send event='e' delay='1s'/></onentry></state>", &["3:1 timer_id"]);
    check("<state id='a'><onentry><raise event='e'/><send event='f'/></onentry></state>", &[]);
}

#[test]
fn hostile_xml_is_refused() {
    let check = |text: &str, code: &str| {
        let refused = scxml::import(text).unwrap_err();
        assert_eq!(refused.0.first().map(|problem| problem.code), Some(code), "{refused}");
    };
    check("", "not_xml");
    check("<scxml><state></scxml>", "not_xml");
    check("<html/>", "not_scxml");
    check("<!DOCTYPE scxml [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><scxml>&a;</scxml>", "dtd");
    check("<!DOCTYPE scxml [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><scxml>&b;</scxml>", "dtd");
    let nested = |depth: usize| "<state>".repeat(depth) + &"</state>".repeat(depth);
    // The root of the document, and the outermost element, count too.
    assert!(scxml::import(&in_scxml(&nested(DEPTH_MAX - 1))).is_ok());
    check(&in_scxml(&nested(DEPTH_MAX)), "nesting");
    let long = |size: usize| format!("<scxml>{}</scxml>", " ".repeat(size - 15));
    assert!(scxml::import(&long(BYTES_MAX)).is_ok());
    check(&long(BYTES_MAX + 1), "too_large");
}

#[test]
fn targets_of_xstate() {
    let check = |target: &str, expected: &str| {
        let text = json!({"id": "m", "initial": "a", "states": {
            "a": {"initial": "x", "states": {"x": {}, "y": {"id": "other"}}, "on": {"e": {"target": target}}},
            "b": {"initial": "x", "states": {"x": {}}}}});
        let document = xstate::import(&text.to_string()).unwrap().result;
        let value: Value = serde_json::from_str(&document.to_string()).unwrap();
        let found = value.pointer("/states/0/transitions/0/to").cloned();
        assert_eq!(found, Some(json!(expected)), "{target}");
    };
    check("b", "b");
    check("b.x", "m.b.x");
    check(".x", "m.a.x");
    check("#other", "other");
    check("#m.b.x", "m.b.x");
    check("#m.b", "b");
}

#[test]
fn what_xstate_has_and_a_document_has_not_is_noted_where_it_stands() {
    let check = |states: Value, expected: &[&str]| {
        let text = json!({"id": "m", "initial": "a", "states": states});
        assert_eq!(shown(&xstate::import(&text.to_string()).unwrap().notes), expected, "{states}");
    };
    check(json!({"a": {"on": {"e": null, "f": {"actions": ["x"]}, "*": []}, "tags": ["t"]}}), &[]);
    check(json!({"a": {"on": {"e": "b"}}}), &["/states/a/on/e undeclared_target"]);
    check(json!({"a": {"after": {"soon": "a"}}}), &["/states/a/after/soon delay"]);
    check(json!({"a": {"output": 1}}), &["/states/a/output kept"]);
    check(
        json!({"a": {"entry": [{"type": "xstate.assign"}, "x"]}}),
        &["/states/a/entry/0 assign", "/states/a/entry/1 order"],
    );
    check(json!({"a": {"on": {"e": {"guard": 7, "target": "a"}}}}), &["/states/a/on/e/guard guard"]);
    check(json!({"a": {"on": {"e.f": "a", "e": "a"}}}), &["/states/a/on/e.f event_prefix"]);
    for text in ["", "[]", "{}", "{\"states\":{}}", &"[".repeat(100_000)] {
        assert!(xstate::import(text).is_err());
    }
}

/// A machine by hob's own rules is written so that the other format does the same.
#[test]
fn a_document_by_our_own_rules_goes_out_and_comes_back() {
    let text = r#"{"name":"m","initial":"a","hasInitial":true,"colour":"red","states":[
        {"name":"a","initialChild":"a1","children":[{"name":"a1"},{"name":"a2"}],"transitions":[
        {"wildcard":true,"to":"b"},{"on":"stop","forbidden":true,"to":""},{"on":"go","to":"a2"},
        {"on":"late","after":5000000,"to":"b"},{"on":"stay","to":"a"}]},{"name":"b"}]}"#;
    let document = Document::parse(text).unwrap();
    let run = |document: &Document, events: &[&str]| {
        let chart = Chart::load(document).unwrap();
        let (mut instance, _) =
            Instance::start(&Machine::bind(chart, &Registry::new()).unwrap(), json!({})).unwrap();
        events.iter().for_each(|event| drop(instance.fire(&(*event).into())));
        instance.configuration().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let by_scxml = scxml::export(&document).unwrap();
    let by_xstate = xstate::export(&document).unwrap();
    assert_eq!(shown(&by_scxml.notes), ["/colour left_out"]);
    assert_eq!(shown(&by_xstate.notes), ["/colour left_out"]);
    let again =
        [scxml::import(&by_scxml.result).unwrap().result, xstate::import(&by_xstate.result).unwrap().result];
    let cases: [&[&str]; 5] = [&["stop"], &["go"], &["go", "stay"], &["other"], &["go", "stop", "go"]];
    for events in cases {
        for again in &again {
            assert_eq!(run(again, events), run(&document, events), "{events:?}\n{again}");
        }
    }
}

#[test]
fn expressions() {
    let check = |expr: &str, expected: &str| {
        let text = format!(
            "<scxml xmlns='http://www.w3.org/2005/07/scxml'><datamodel><data id='r'/><data id='x' expr='{{a: [1, 2], n: 3}}'/>
             </datamodel><script>function twice(v) {{ if (v > 100) {{ return 'much'; }} return v * 2; }}</script>
             <state id='s'><transition event='e'><assign location='r' expr=\"{}\"/></transition></state></scxml>",
            expr.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
        );
        let document = scxml::import(&text).unwrap().result;
        let (context, errors) = ecmascript::begin(&document);
        assert!(errors.is_empty(), "{errors:?}");
        let machine =
            Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new())).unwrap();
        let (mut instance, _) = Instance::start(&machine, context).unwrap();
        let event = Event { name: "e".into(), data: Some(json!({"k": 7})) };
        let failed = instance.fire_with(&event, &hob_machine::Limits::default(), true).unwrap();
        let failed = failed.trace.unwrap().microsteps.iter().any(|step| step.contains("error.execution"));
        let found = if failed { "error".into() } else { instance.context()["r"].to_string() };
        assert_eq!(found, expected, "{expr}");
    };
    check("1 + 2 * 3 - -4", "11");
    check("'a' + 1", "\"a1\"");
    check("x.a[1] + x.n % 2", "3");
    check("twice(21) + _event.data.k", "49");
    check("twice(200)", "\"much\"");
    check("typeof nothing === 'undefined' && !(1 == '2')", "true");
    check("x.n > 2 ? [].concat(x.a, [3]) : null", "[1,2,3]");
    check("JSON.stringify({a: 1})", "\"{\\\"a\\\":1}\"");
    check("nothing", "error");
    check("nothing.more", "error");
    check("x === x", "error");
    check("new Date()", "error");
    check("function(a) { return a + 1; }(2)", "3");
    check("(function(a, b) { if (a) return b; return 0; })(1, 'yes')", "\"yes\"");
    check("typeof function() {}", "\"function\"");
    check("f = function(n) { return n ? n + f(n - 1) : 0; }, f(3)", "error");
    check("this", "error");
    check("new twice(2)", "{}");
    check("'abcdef'.slice(1, 3) + 'abcdef'.slice(-2) + 'abc'.slice(5)", "\"bcef\"");
    check("x.a instanceof Array && x instanceof Object && !(x instanceof Array)", "true");
    check("x instanceof Date", "error");
    check("In('s') && !In('t')", "true");
    check("while (true) {}", "error");
    check(&"(".repeat(1000), "error");
    check(&("1".to_owned() + &" + 1".repeat(1000)), "error");
}

/// A function that calls itself, and text that doubles, come to an end.
#[test]
fn expressions_end() {
    let check = |script: &str, expected: &str| {
        let text = in_scxml(&format!("<script>{script}</script><state id='s'/>"));
        let (_, errors) = ecmascript::begin(&scxml::import(&text).unwrap().result);
        assert!(errors.iter().any(|error| error.contains(expected)), "{errors:?}");
    };
    check("function f(n) { return f(n) + f(n); } f(1);", "calls nest deeper than 32");
    // Each bracket and each chain is allowed; all of them together are too deep.
    let chains = format!("{}1{}", "(".repeat(40), format!("{})", " + 1".repeat(40)).repeat(40));
    check(&format!("var d = {chains};"), "nests deeper");
    check("var f = function(n) { return f(n) + f(n); }; f(1);", "calls nest deeper than 32");
    // What is read again and again takes steps.
    let long = format!("var f = function() {{ /*{}*/ return 1; }};", " ".repeat(40_000));
    check(&(long + &"f(); ".repeat(60)), "steps");
    check("this = 1;", "cannot be written");
    check("function f(n) { if (n == 0) { return 1; } return f(n - 1) + f(n - 1); } f(25);", "steps");
    check(&format!("var t = 'x'; {}", "t = t + t; ".repeat(30)), "a value grows beyond 65536");
    check(&format!("var x = [1]; {}", "x = [x, x]; ".repeat(30)), "a value grows beyond 65536");
    check(&format!("var x = [1]; {}", "x = x.concat(x); ".repeat(30)), "a value grows beyond 65536");
    check(&format!("var x = {{}}; {}", "x.y = [x, x]; ".repeat(30)), "a value grows beyond 65536");
    check(&format!("var x = [1]; {}", "x = [x]; ".repeat(200)), "a value nests deeper than 64");
    check("var x = []; x[65536] = 1;", "an array has at most 65536 items");
    // In place, what all variables weigh is what counts.
    let places: String = (0..4).map(|number| format!("var v{number} = []; v{number}[65535] = 1; ")).collect();
    check(&places, "all variables together grow beyond 262144");
    check("var x = 1; x.y = 2;", "is of is no object");
    check("var x = [1]; x.y = 2;", "an array has numbers for keys");
    check("var x = {}; x.y.z = 2;", "cannot be written");
    check("var x; x.y;", "is read of undefined");
    check("var t = 't'; t = t.u.v;", "is read of undefined");
    let many: String = (0..200).map(|number| format!("var v{number} = x; ")).collect();
    check(&format!("var x = []; x[2000] = 1; {many}"), "all variables together grow beyond 262144");
}

/// What many scripts do in one step is bounded together, and what reading them takes counts.
#[test]
fn scripts_of_a_step_end_together() {
    let text = in_scxml(
        "<datamodel><data id='n' expr='[1]'/><data id='error' expr=\"''\"/></datamodel><script>n[9000] = 1;</script>
         <state id='s'><transition event='e'><foreach array='n' item='i'><if cond='i == 9'/></foreach><raise event='e'/></transition>
         <transition event='error.execution' target='t'><assign location='error' expr='_event.data.reason'/></transition></state>
         <state id='t'/>",
    );
    let document = scxml::import(&text).unwrap().result;
    let machine =
        Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new())).unwrap();
    let check = |work: u32, expected: &str| {
        let limits = Limits { work, microsteps: 50, ..Limits::default() };
        let (mut instance, _) = Instance::start(&machine, ecmascript::begin(&document).0).unwrap();
        let fired = instance.fire_with(&"e".into(), &limits, false);
        let said = match fired {
            Ok(_) => instance.context()["error"].as_str().unwrap_or_default().to_owned(),
            Err(failed) => failed.error.to_string(),
        };
        assert!(said.contains(expected), "{said}");
    };
    check(10_000_000, "did not come to rest within 50 microsteps");
    check(100_000, "all scripts of the step take more than 100000 steps");
}

/// What a host gives may be larger than what a script may make. Only what is read of it is copied, and paid for.
#[test]
fn large_data_of_the_host_can_be_read() {
    let text = in_scxml(
        "<datamodel><data id='n'/><data id='sum' expr='0'/></datamodel>
         <state id='s'>
         <transition event='e' cond='_event.name == \"e\" &amp;&amp; _event.data.list[66000] == 7 &amp;&amp; n.length == 100000'>
           <assign location='sum' expr='sum + _event.data.list.length'/></transition>
         <transition event='each'><foreach array='_event.data' item='v' index='k'>
           <assign location='sum' expr='sum + n[k] + v'/></foreach></transition></state>",
    );
    let document = scxml::import(&text).unwrap().result;
    let machine =
        Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new())).unwrap();
    let mut given = serde_json::Map::new();
    given.insert("n".into(), json!(vec![1; 100_000]));
    let (context, errors) = ecmascript::begin_with(&document, &given);
    assert!(errors.is_empty(), "{errors:?}");
    let (mut instance, _) = Instance::start(&machine, context).unwrap();
    let list: Vec<u32> = vec![7; 66_001];
    instance.fire(&Event { name: "e".into(), data: Some(json!({"list": list})) }).unwrap();
    assert_eq!(instance.context()["sum"], 66_001);
    instance.fire(&Event { name: "each".into(), data: Some(json!(vec![2; 4000])) }).unwrap();
    assert_eq!(instance.context()["sum"], 66_001 + 4000 * 3);
}

/// What a step may raise, send and hand on, at each limit and one past it.
#[test]
fn what_a_step_hands_on_is_limited() {
    let body = "<datamodel><data id='n' expr='[1,2,3]'/></datamodel>
         <state id='s'><transition event='raise'><raise event='x'/><raise event='x'/><raise event='x'/></transition>
         <transition event='send'><send event='x' namelist='n'/><send event='x' namelist='n'/></transition>
         <transition event='x'/></state>";
    let document = scxml::import(&in_scxml(body)).unwrap().result;
    let machine =
        Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new())).unwrap();
    let check = |event: &str, limits: Limits, expected: Option<&str>| {
        let (mut instance, _) = Instance::start(&machine, ecmascript::begin(&document).0).unwrap();
        let fired = instance.fire_with(&event.into(), &limits, false);
        assert_eq!(fired.err().map(|failed| failed.error.to_string()).as_deref(), expected);
    };
    let effects = |effects| Limits { effects, ..Limits::default() };
    check("raise", effects(3), None);
    check("raise", effects(2), Some("the step asks for more than 2 effects"));
    // Each: the event, no target and no id; a map, a name, a list and three numbers.
    let data = |data| Limits { data, ..Limits::default() };
    check("send", data(18), None);
    check("send", data(17), Some("the data of what the step sends and raises weigh more than 17"));
}

#[test]
fn a_guard_changes_nothing_that_stays() {
    let text = in_scxml(
        "<datamodel><data id='n' expr='1'/><data id='list' expr='[1]'/></datamodel>
         <script>function f() { n = 5; list[0] = 7; return list[0] == 7; }</script>
         <state id='s'><transition event='e' cond='f()' target='t'/></state><state id='t'/>",
    );
    let document = scxml::import(&text).unwrap().result;
    let machine =
        Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new())).unwrap();
    let (mut instance, _) = Instance::start(&machine, ecmascript::begin(&document).0).unwrap();
    instance.fire(&"e".into()).unwrap();
    assert!(instance.is_in(&"t".into()));
    assert_eq!((&instance.context()["n"], &instance.context()["list"]), (&json!(1), &json!([1])));
}

/// What the data model keeps for itself is not the document's.
#[test]
fn what_is_the_models_own_is_not_the_documents() {
    for id in ["hob.sends", "hob.errors", "hob.output", "hob.scripts", "_sessionid", "_event"] {
        for binding in ["early", "late"] {
            let text = format!(
                "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' datamodel='ecmascript' binding='{binding}'>
                 <state id='s'><datamodel><data id='{id}' expr='18446744073709551615'/><data id='x'/></datamodel>
                 <onentry><send idlocation='x' event='e' delay='1s'/></onentry>
                 <transition event='error.execution' target='t'/></state>
                 <state id='t'/></scxml>"
            );
            let document = scxml::import(&text).unwrap().result;
            let (context, _) = ecmascript::begin(&document);
            assert_ne!(context[id], json!(18446744073709551615_u64), "{id}");
            let machine =
                Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new()));
            let (instance, _) = Instance::start(&machine.unwrap(), context).unwrap();
            assert!(instance.is_in(&"t".into()), "{id} {binding}");
        }
    }
}

/// Content that does little, very often, ends too: elements take steps as expressions do.
#[test]
fn content_ends() {
    let check = |body: &str, expected: &str| {
        let text = in_scxml(&format!(
            "<datamodel><data id='n' expr='[1]'/><data id='error' expr=\"''\"/></datamodel>
             <script>{} n[40000] = 1;</script>
             <state id='s'><onentry>{body}</onentry>
             <transition event='error.execution' target='t'><assign location='error' expr='_event.data.reason'/></transition></state>
             <state id='t'/>",
            "n = n.concat(n); ".repeat(2)
        ));
        let document = scxml::import(&text).unwrap().result;
        let (context, errors) = ecmascript::begin(&document);
        assert!(errors.is_empty(), "{errors:?}");
        let machine = Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new()));
        let done = Instance::start(&machine.unwrap(), context);
        let said = match &done {
            Ok((instance, _)) => instance.context()["error"].as_str().unwrap_or_default().to_owned(),
            Err(failed) => failed.error.to_string(),
        };
        assert!(said.contains(expected), "{said}");
    };
    let each = |inside: &str| format!("<foreach array='n' item='i'>{inside}</foreach>");
    check(&each(&each("")), "it takes more than 100000 steps");
    check(&each("<log/><log/>"), "it takes more than 100000 steps");
    check(&each("<raise event='x'/>"), "did not come to rest within 10000 microsteps");
    check(&each("<raise event='x'/>").repeat(3), "more than 100000 effects");
    // With its name, its target and no id, each of these weighs 1024: as many as there may be, and one more.
    let name = "x".repeat(1021 * 64);
    let said = |count: usize| {
        let text = in_scxml(&format!(
            "<datamodel><data id='n' expr='[1]'/></datamodel><script>n[{}] = 1;</script>
             <state id='s'><onentry><foreach array='n' item='i'><send event='{name}'/></foreach></onentry>
             <transition event='error.execution' target='t'/></state><state id='t'/>",
            count - 1
        ));
        let document = scxml::import(&text).unwrap().result;
        let machine = Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new()));
        let (instance, step) = Instance::start(&machine.unwrap(), ecmascript::begin(&document).0).unwrap();
        (step.effects.len(), instance.is_in(&"t".into()))
    };
    assert_eq!((said(1024), said(1025)), ((1024, false), (1024, true)));
    let sends = "<raise event='x'/><send event='y' namelist='n'/>".repeat(40);
    check(&sends, "the data of what the step sends and raises weigh more than 1048576");
}

/// A function is a value, which is stored as it is written; `new` runs one on an object.
#[test]
fn functions_are_values() {
    let text = in_scxml(
        "<datamodel><data id='f' expr='function(n) { return n + 1; }'/><data id='p'/></datamodel>
         <script>function Point(x) { this.x = x; this.y = f(x); }</script>
         <state id='s'><transition event='e'><assign location='p' expr='new Point(f(1));'/></transition></state>",
    );
    let document = scxml::import(&text).unwrap().result;
    let (context, errors) = ecmascript::begin(&document);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(context["f"], json!({"hob.function": "function(n) { return n + 1; }"}));
    let machine =
        Machine::bind(Chart::load(&document).unwrap(), &ecmascript::register(Registry::new())).unwrap();
    let (mut instance, _) = Instance::start(&machine, context).unwrap();
    instance.fire(&"e".into()).unwrap();
    assert_eq!(instance.context()["p"], json!({"x": 2, "y": 3}));
}

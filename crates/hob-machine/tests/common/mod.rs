//! Machines written short: one line for each state, indented below the one it is in; the first of several is the initial one.
//!
//! `|name` is a region, `name!` a final state, `name@` and `name@@` shallow and deep history. After a colon come transitions:
//! `event>target`, with `?guard` behind, `+event` to raise, `!` to re-enter; `~` for no event, `*` for any, `event>-` forbids.
//! Every state says `in:` and `out:` and, complete, `done:`; every transition says `event>target`.
#![allow(dead_code, reason = "not every test uses all of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]

use std::sync::Arc;

use hob_machine::{
    Chart, Document, Effect, Event, Failure, Instance, Limits, Machine, Name, Registry, Semantics, Step,
};
use serde_json::{Value, json};

struct Line<'a> {
    indent: usize,
    name: &'a str,
    transitions: Vec<&'a str>,
}

pub(crate) fn document(text: &str) -> Document {
    let lines: Vec<Line<'_>> = text.lines().filter(|line| !line.trim().is_empty()).map(line).collect();
    let states = states(&lines);
    let initial = states[0]["name"].clone();
    let machine = json!({"name": "m", "initial": initial, "hasInitial": true, "states": states});
    Document::parse(&machine.to_string()).unwrap()
}

fn line(text: &str) -> Line<'_> {
    let (name, transitions) = text.split_once(':').unwrap_or((text, ""));
    let indent = name.len() - name.trim_start().len();
    Line { indent, name: name.trim(), transitions: transitions.split_whitespace().collect() }
}

fn blocks<'a, 'b>(lines: &'b [Line<'a>]) -> Vec<(&'b Line<'a>, &'b [Line<'a>])> {
    let Some(first) = lines.first() else { return Vec::new() };
    let mut starts: Vec<usize> =
        (0..lines.len()).filter(|index| lines[*index].indent == first.indent).collect();
    starts.push(lines.len());
    starts.windows(2).map(|pair| (&lines[pair[0]], &lines[pair[0] + 1..pair[1]])).collect()
}

fn states(lines: &[Line<'_>]) -> Vec<Value> {
    blocks(lines).into_iter().map(|(line, inside)| state(line, inside)).collect()
}

fn state(line: &Line<'_>, inside: &[Line<'_>]) -> Value {
    let (name, history) = match line.name {
        deep if deep.ends_with("@@") => (deep.trim_end_matches('@'), 2),
        shallow if shallow.ends_with('@') => (shallow.trim_end_matches('@'), 1),
        name => (name, 0),
    };
    let is_final = name.ends_with('!');
    let name = name.trim_end_matches('!');
    if history > 0 {
        return json!({"name": name, "historyType": history});
    }
    let emit = |said: String| json!([{"name": "emit", "params": {"m": said}}]);
    let mut state = json!({
        "name": name, "isFinal": is_final,
        "onEntry": emit(format!("in:{name}")), "onExit": emit(format!("out:{name}")), "onDone": emit(format!("done:{name}")),
        "transitions": line.transitions.iter().map(|text| transition(name, text)).collect::<Vec<_>>(),
    });
    let regions: Vec<_> = blocks(inside);
    if regions.first().is_some_and(|(line, _)| line.name.starts_with('|')) {
        let region = |(line, inside): (&Line<'_>, &[Line<'_>])| {
            let states = states(inside);
            json!({"name": &line.name[1..], "initialChild": first(&states), "states": states})
        };
        state["regions"] = regions.into_iter().map(region).collect();
    } else if !inside.is_empty() {
        let children = states(inside);
        state["initialChild"] = first(&children);
        state["children"] = children.into();
    }
    state
}

fn first(states: &[Value]) -> Value {
    states.iter().find(|state| state.get("historyType").is_none()).unwrap()["name"].clone()
}

fn transition(from: &str, text: &str) -> Value {
    let end = text.find(['?', '+', '!']).unwrap_or(text.len());
    let (way, mut rest) = text.split_at(end);
    let (on, to) = way.split_once('>').unwrap();
    if to == "-" {
        return json!({"from": from, "on": on, "to": "", "forbidden": true});
    }
    let mut transition = json!({"from": from, "to": to, "effects": [{"name": "emit", "params": {"m": way}}]});
    transition["on"] = if on == "~" || on == "*" { "".into() } else { on.into() };
    transition["eventLess"] = (on == "~").into();
    transition["wildcard"] = (on == "*").into();
    let (mut guards, mut raise) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let end = rest[1..].find(['?', '+', '!']).map_or(rest.len(), |end| end + 1);
        let (part, after) = rest.split_at(end);
        match part.split_at(1) {
            ("?", guard) => guards.push(json!({"name": guard})),
            ("+", event) => raise.push(json!(event)),
            _ => transition["reenter"] = true.into(),
        }
        rest = after;
    }
    transition["guards"] = guards.into();
    transition["raise"] = raise.into();
    transition
}

/// Guards `yes`, `no` and `boom`, and any that says whether a field of the context is true; actions `emit` and `fail`.
pub(crate) fn registry() -> Registry {
    let field = |key: &'static str| {
        move |call: &hob_machine::Call<'_>| Ok::<_, Failure>(call.context[key].as_bool().unwrap_or(false))
    };
    Registry::new()
        .guard("yes", |_| Ok(true))
        .guard("no", |_| Ok(false))
        .guard("boom", |_| Err(Failure::from("boom")))
        .guard("a", field("a"))
        .guard("b", field("b"))
        .action("emit", |call| Ok(call.params.get("m").cloned()))
        .action("fail", |_| Err(Failure::from("failed")))
        .assign("set", |call, context| {
            for (key, value) in call.params {
                context[key] = value.clone();
            }
            Ok(())
        })
        .assign("break", |_, context| {
            *context = json!("broken");
            Err(Failure::from("broken"))
        })
}

pub(crate) fn machine(text: &str, semantics: Semantics) -> Arc<Machine> {
    let chart =
        Chart::load_as(&document(text), semantics).unwrap_or_else(|refused| panic!("{:#?}", refused.0));
    Machine::bind(chart, &registry()).unwrap()
}

pub(crate) fn show(names: &[Name]) -> String {
    names.iter().map(Name::to_string).collect::<Vec<_>>().join(" ")
}

pub(crate) fn said(step: &Step) -> String {
    let said = step.effects.iter().map(|effect| match effect {
        Effect::Action { value, .. } => value.as_str().unwrap_or("?").to_owned(),
        other => other.kind().unwrap_or_default().to_owned(),
    });
    said.collect::<Vec<_>>().join(" ")
}

/// Sends events, one after the other; of each the effects, and what is active afterwards.
pub(crate) fn run(machine: &Arc<Machine>, events: &str) -> Vec<String> {
    let (mut instance, step) = Instance::start(machine, json!({})).unwrap();
    let mut lines = vec![format!("{} = {}", said(&step), show(&instance.configuration()))];
    for event in events.split_whitespace() {
        let line = match instance.fire_with(&Event::from(event), &Limits::default(), true) {
            Ok(step) => format!("{event}: {} = {}", said(&step), show(&instance.configuration())),
            Err(failed) => format!("{event}: {} = {}", failed.error, show(&instance.configuration())),
        };
        lines.push(line);
    }
    lines
}

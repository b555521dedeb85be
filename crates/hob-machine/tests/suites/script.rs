//! Runs one test of a suite: a machine in SCXML, and a script of events with the configurations that must follow.
//!
//! Time is a number here: a delayed event comes when the script, or the lack of anything else to do, has moved it far enough.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use hob_machine::convert::scxml;
use hob_machine::{Chart, Document, Effect, Event, Instance, Machine, Name, Registry, ecmascript};
use serde_json::Value;

/// How many events a machine may send itself in one test.
const EVENTS_MAX: usize = 10_000;

/// The machine with the scripts that it names by file in it: fetching is for whoever loads a machine.
fn fetched(document: &Document, machine: &Path) -> Result<Document, String> {
    let mut value: Value = serde_json::from_str(&document.to_string()).map_err(|error| error.to_string())?;
    let mut places = vec![&mut value];
    while let Some(place) = places.pop() {
        let is_script = |fields: &serde_json::Map<String, Value>| {
            let src = fields.get("src").and_then(Value::as_str).filter(|src| src.ends_with(".js"))?;
            std::fs::read_to_string(machine.with_file_name(src)).ok()
        };
        match place {
            Value::Object(fields) => {
                if let Some(text) = is_script(fields) {
                    fields.remove("src");
                    fields.insert("text".into(), text.into());
                }
                places.extend(fields.values_mut());
            }
            Value::Array(items) => places.extend(items),
            _ => {}
        }
    }
    Document::parse(&value.to_string()).map_err(|refused| refused.to_string())
}

/// A machine without the lines and columns that its parts come from.
pub(crate) fn without_positions(document: &Document) -> Value {
    let mut value: Value = serde_json::from_str(&document.to_string()).unwrap();
    let mut places = vec![&mut value];
    while let Some(place) = places.pop() {
        match place {
            Value::Object(fields) => {
                fields.remove("hob.at");
                places.extend(fields.values_mut());
            }
            Value::Array(items) => places.extend(items),
            _ => {}
        }
    }
    value
}

/// What is done with a machine between reading and running it.
pub(crate) type Through = fn(Document) -> Result<Document, String>;

/// Runs it. Errors: why it does not pass, in one line that does not change from run to run.
pub(crate) fn run(machine: &Path, script: &Path, through: Through) -> Result<(), String> {
    let text = std::fs::read_to_string(machine).map_err(|error| error.to_string())?;
    let script = std::fs::read_to_string(script).map_err(|error| error.to_string())?;
    let script: Value = serde_json::from_str(&script).map_err(|error| error.to_string())?;
    play(&text, machine, &script, through)
}

/// Runs what the script calls `legacySemantics`. Whether it has that. Errors: as [`run`].
pub(crate) fn run_legacy(machine: &Path, script: &Path) -> Result<bool, String> {
    let text = std::fs::read_to_string(machine).map_err(|error| error.to_string())?;
    let script = std::fs::read_to_string(script).map_err(|error| error.to_string())?;
    let script: Value = serde_json::from_str(&script).map_err(|error| error.to_string())?;
    match script.get("legacySemantics") {
        Some(script) => play(&text, machine, script, Ok).map(|()| true),
        None => Ok(false),
    }
}

fn play(text: &str, machine: &Path, script: &Value, through: Through) -> Result<(), String> {
    let imported = scxml::import(text).map_err(|refused| format!("refused: {refused}"))?;
    let invokes = imported.notes.iter().any(|note| note.code == "invoke");
    if invokes {
        return Err("invoke: a session that starts others".into());
    }
    let source = fetched(&imported.result, machine)?;
    let document = through(source.clone())?;
    let chart = Chart::load(&document).map_err(|refused| format!("refused: {refused}"))?;
    let registry = ecmascript::register(Registry::new());
    let (context, errors) = ecmascript::begin(&source);
    let machine = Machine::bind(chart, &registry).map_err(|refused| {
        let named = refused.0.iter().filter_map(|problem| problem.message.split('"').nth(1));
        let named: BTreeSet<&str> = named.collect();
        format!("data model: {}", named.into_iter().collect::<Vec<_>>().join(", "))
    })?;
    let mut session = Session::start(&machine, context)?;
    for error in errors {
        session.fire(&Event { name: "error.execution".into(), data: Some(error.into()) })?;
    }
    let events = script["events"].as_array().ok_or("the script has no events")?;
    // A script without events is for a machine that comes to its end by itself.
    if events.is_empty() {
        session.pass(u64::MAX)?;
    }
    session.expect(&script["initialConfiguration"], "at the beginning")?;
    for (index, step) in events.iter().enumerate() {
        let after = step["after"].as_u64().unwrap_or(0);
        session.pass(session.now + after * 1_000_000)?;
        let event = &step["event"];
        let name = event["name"].as_str().ok_or("an event has no name")?;
        session.fire(&Event { name: name.into(), data: event.get("data").cloned() })?;
        session.pass(session.now)?;
        session.expect(&step["nextConfiguration"], &format!("after event {index}, {name}"))?;
    }
    Ok(())
}

struct Session {
    instance: Instance,
    now: u64,
    /// When, and which timer.
    pending: Vec<(u64, Arc<str>, Event)>,
    left: usize,
}

impl Session {
    fn start(machine: &Arc<Machine>, context: Value) -> Result<Self, String> {
        let (instance, step) = Instance::start(machine, context).map_err(|failed| failed.to_string())?;
        let mut session = Self { instance, now: 0, pending: Vec::new(), left: EVENTS_MAX };
        session.carry_out(step.effects);
        Ok(session)
    }

    fn fire(&mut self, event: &Event) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("it does not come to rest")?;
        match self.instance.fire(event) {
            Ok(step) => {
                self.carry_out(step.effects);
                Ok(())
            }
            // The recommendation drops an event that nobody wants.
            Err(failed) if failed.error.is_unhandled() => Ok(()),
            Err(failed) => Err(failed.to_string()),
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::ScheduleAfter { id, delay_nanos, event, .. } => {
                    let due = self.now + u64::try_from(delay_nanos).unwrap_or(0);
                    self.pending.push((due, id, Event::from(event)));
                }
                Effect::CancelScheduled { id } => self.pending.retain(|(_, of, _)| *of != id),
                Effect::Action { name, value } if &*name == "scxml.send" => {
                    let due = self.now + value["delay"].as_u64().unwrap_or(0);
                    let data = value.get("data").filter(|data| !data.is_null()).cloned();
                    let event = Event { name: value["event"].as_str().unwrap_or_default().into(), data };
                    self.pending.push((due, value["id"].as_str().unwrap_or_default().into(), event));
                }
                _ => {}
            }
        }
    }

    /// Lets time pass, and fires what comes due, in order.
    fn pass(&mut self, until: u64) -> Result<(), String> {
        loop {
            let due = self.pending.iter().enumerate().filter(|(_, (due, ..))| *due <= until);
            let Some(first) = due.min_by_key(|(index, (due, ..))| (*due, *index)).map(|(index, _)| index)
            else {
                break;
            };
            let (due, _, event) = self.pending.remove(first);
            self.now = self.now.max(due);
            self.fire(&event)?;
        }
        if until != u64::MAX {
            self.now = until;
        }
        Ok(())
    }

    fn expect(&self, expected: &Value, when: &str) -> Result<(), String> {
        let active: BTreeSet<String> = self.instance.configuration().iter().map(Name::to_string).collect();
        let names = expected.as_array().into_iter().flatten().filter_map(Value::as_str);
        let expected: BTreeSet<String> = names.map(str::to_owned).collect();
        if active == expected { Ok(()) } else { Err(format!("{when}: {active:?} and not {expected:?}")) }
    }
}

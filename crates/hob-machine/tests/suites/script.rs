//! Runs one test of a suite: a machine in SCXML, and a script of events with the configurations that must follow.
//!
//! A system drives the machine and the sessions that it starts. Time is a number here: a delayed event comes when the script,
//! or the lack of anything else to do, has moved it far enough.

use std::collections::BTreeSet;
use std::path::Path;

use hob_machine::convert::scxml;
use hob_machine::driver::{Drive, Machines, Refusal, System, SystemLimits};
use hob_machine::{Chart, Document, Event, Machine, Name, Registry, ecmascript};
use serde_json::Value;

/// How many times a machine may want to be driven again in one test.
const DRIVES_MAX: usize = 1000;

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
    let script = std::fs::read_to_string(script).map_err(|error| error.to_string())?;
    let script: Value = serde_json::from_str(&script).map_err(|error| error.to_string())?;
    play(machine, &script, through)
}

/// Runs what the script calls `legacySemantics`. Whether it has that. Errors: as [`run`].
pub(crate) fn run_legacy(machine: &Path, script: &Path) -> Result<bool, String> {
    let script = std::fs::read_to_string(script).map_err(|error| error.to_string())?;
    let script: Value = serde_json::from_str(&script).map_err(|error| error.to_string())?;
    match script.get("legacySemantics") {
        Some(script) => play(machine, script, Ok).map(|()| true),
        None => Ok(false),
    }
}

/// A file beside another, by the name that a machine has for it.
fn beside(machine: &Path, src: &str) -> Result<String, String> {
    let name = src.strip_prefix("file:").unwrap_or(src);
    std::fs::read_to_string(machine.with_file_name(name)).map_err(|error| error.to_string())
}

fn import(machine: &Path) -> Result<Document, String> {
    let text = std::fs::read_to_string(machine).map_err(|error| error.to_string())?;
    let imported = scxml::import_with(&text, |src| beside(machine, src));
    Ok(imported.map_err(|refused| format!("refused: {refused}"))?.result)
}

/// The machines that those of a folder start by a name that they work out.
fn named(machines: Machines, machine: &Path) -> Machines {
    let test = machine.file_name().unwrap().to_string_lossy().replace(".txml.scxml", "");
    let name = format!("{test}sub1.scxml");
    match import(&machine.with_file_name(&name)) {
        Ok(document) => {
            let session = ecmascript::session(&document, &Registry::new()).unwrap();
            machines.with_session(format!("file:{name}"), session)
        }
        Err(_) => machines,
    }
}

fn play(machine: &Path, script: &Value, through: Through) -> Result<(), String> {
    let source = import(machine)?;
    let document = through(source.clone())?;
    let chart = Chart::load(&document).map_err(|refused| format!("refused: {refused}"))?;
    let registry = ecmascript::register(Registry::new());
    let (context, _) = ecmascript::begin(&source);
    let bound = Machine::bind(chart, &registry).map_err(|refused| {
        let named = refused.0.iter().filter_map(|problem| problem.message.split('"').nth(1));
        let named: BTreeSet<&str> = named.collect();
        format!("data model: {}", named.into_iter().collect::<Vec<_>>().join(", "))
    })?;
    let machines = named(Machines::new().with("test", &bound), machine);
    let machines = ecmascript::sessions(machines, Registry::new());
    // Scripts look at the machine after its first step, before what it sent itself comes.
    let limits = SystemLimits { steps: 1, ..SystemLimits::default() };
    let system = System::new("test", &machines, "test", limits).unwrap();
    let mut session = Session { system, now: 0 };
    session.drive(|system, now| system.start(context, now))?;
    let events = script["events"].as_array().ok_or("the script has no events")?;
    // A script without events is for a machine that comes to its end by itself.
    if events.is_empty() {
        session.pass(i64::MAX)?;
    }
    session.expect(&script["initialConfiguration"], "at the beginning")?;
    for (index, step) in events.iter().enumerate() {
        let after = step["after"].as_i64().unwrap_or(0);
        session.pass(session.now + after * 1_000_000)?;
        let event = &step["event"];
        let name = event["name"].as_str().ok_or("an event has no name")?;
        let event = Event { name: name.into(), data: event.get("data").cloned() };
        session.drive(|system, now| system.send(event, now))?;
        session.pass(session.now)?;
        session.expect(&step["nextConfiguration"], &format!("after event {index}, {name}"))?;
    }
    Ok(())
}

struct Session {
    system: System,
    now: i64,
}

impl Session {
    /// Drives the system. The recommendation drops an event that nobody wants.
    fn drive(
        &mut self,
        input: impl FnOnce(&mut System, i64) -> Result<Drive, Refusal>,
    ) -> Result<(), String> {
        let drive = input(&mut self.system, self.now).map_err(|refusal| refusal.to_string())?;
        let mut faults = drive.steps.iter().filter_map(|step| step.fault.as_ref());
        match faults.find(|fault| !fault.is_unhandled()) {
            Some(fault) => Err(fault.to_string()),
            None => Ok(()),
        }
    }

    /// Lets time pass, moment by moment.
    fn pass(&mut self, until: i64) -> Result<(), String> {
        for _ in 0..DRIVES_MAX {
            if self.system.is_idle() {
                let Some(due) = self.system.next_deadline().filter(|due| *due <= until) else {
                    if until != i64::MAX {
                        self.now = until;
                    }
                    return Ok(());
                };
                self.now = self.now.max(due);
            }
            self.drive(|system, now| system.advance(now))?;
        }
        Err("it does not come to rest".into())
    }

    fn expect(&self, expected: &Value, when: &str) -> Result<(), String> {
        let root = self.system.root().ok_or("it has not begun")?;
        let active: BTreeSet<String> = root.configuration().iter().map(Name::to_string).collect();
        let names = expected.as_array().into_iter().flatten().filter_map(Value::as_str);
        let expected: BTreeSet<String> = names.map(str::to_owned).collect();
        if active == expected { Ok(()) } else { Err(format!("{when}: {active:?} and not {expected:?}")) }
    }
}

//! What a machine names, from flags: modules, constants, and actions that are told as they are.

use std::path::Path;
use std::sync::Arc;

use hob::machine::driver::Machines;
use hob::machine::{Chart, Document, Machine, Registry, ecmascript};
use hob::{Asks, Behavior};
use serde_json::{Value, json};

use super::args::{BindArgs, SourceArgs};
use super::events;
use super::source::{self, refusal};
use crate::args::GuestArgs;
use crate::report::{Failure, USAGE};
use crate::subject;

/// A machine with all it names.
pub(super) struct Bound {
    pub(super) machine: Arc<Machine>,
    registry: Registry,
    /// What it came from, when that has a data model of its own: SCXML's.
    data: Option<Document>,
}

impl Bound {
    /// What it remembers at first: what was given. With a data model it is what the document says, and what was given takes the
    /// place of data of that name.
    pub(super) fn context(&self, given: Option<&str>) -> Result<Value, Failure> {
        let context = events::context(given)?;
        let Some(document) = &self.data else { return Ok(context) };
        let Value::Object(input) = &context else {
            return Err(Failure::new(
                USAGE,
                "the context of this machine is its data: a JSON object, by their names",
            ));
        };
        Ok(ecmascript::begin_with(document, input).0)
    }

    /// Adds it to the machines of a system. With a data model it begins with its data, whoever starts it, and may start machines
    /// whose text it holds.
    pub(super) fn add_to(&self, machines: Machines, name: &str) -> Machines {
        let Some(document) = &self.data else { return machines.with(name, &self.machine) };
        let session = ecmascript::bound_session(&self.machine, document);
        ecmascript::sessions(machines.with_session(name, session), self.registry.clone())
    }
}

pub(super) fn bind(source: &SourceArgs, args: &BindArgs) -> Result<Bound, Failure> {
    let read = source::read(&source.file)?;
    let refused = |refused| refusal(&source.file, &refused);
    let chart = source::load(&read.document, source.semantics).map_err(refused)?;
    let has_data = ecmascript::is_used(&chart, &read.document);
    let registry = registry(&chart, args, has_data)?;
    let machine = Machine::bind(chart, &registry).map_err(refused)?;
    Ok(Bound { machine, registry, data: has_data.then_some(read.document) })
}

fn registry(chart: &Chart, args: &BindArgs, has_data: bool) -> Result<Registry, Failure> {
    let asks = if args.ask_everything { Asks::Everything } else { Asks::Context };
    let mut registry = Registry::new();
    // What an action is named and told is what the host has to know.
    let known = |name: &str| hob::machine::is_reserved(name) || (has_data && ecmascript::is_own(name));
    for name in chart.action_names().filter(|name| !known(name)) {
        registry =
            registry.action(name, |call| Ok(Some(json!({"action": call.name, "params": call.params}))));
    }
    // What is named by a flag is that, whatever a data model makes of the name.
    if has_data {
        registry = ecmascript::register(registry);
    }
    for (name, value) in &args.guard {
        registry = match value.as_str() {
            "true" => registry.guard(name, |_| Ok(true)),
            "false" => registry.guard(name, |_| Ok(false)),
            path => registry.guard(name, behavior(path, &args.guest)?.as_guard(asks)),
        };
    }
    for (name, path) in &args.action {
        registry = registry.action(name, behavior(path, &args.guest)?.as_action(asks));
    }
    for (name, value) in &args.assign {
        registry = match value.as_str() {
            "none" => registry.assign(name, |_, _| Ok(())),
            path => registry.assign(name, behavior(path, &args.guest)?.as_assign(asks)),
        };
    }
    Ok(registry)
}

pub(super) fn behavior(path: &str, guest: &GuestArgs) -> Result<Behavior, Failure> {
    Ok(subject::open(Path::new(path), guest)?.loaded.behavior()?)
}

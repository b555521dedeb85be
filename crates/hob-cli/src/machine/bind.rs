//! What a machine names, from flags: modules, constants, and actions that are told as they are.

use std::path::Path;
use std::sync::Arc;

use hob::machine::{Chart, Machine, Registry};
use hob::{Asks, Behavior};
use serde_json::json;

use super::args::{BindArgs, SourceArgs};
use super::source::{self, refusal};
use crate::args::GuestArgs;
use crate::report::Failure;
use crate::subject;

pub(super) fn bind(source: &SourceArgs, args: &BindArgs) -> Result<Arc<Machine>, Failure> {
    let chart = source::chart(source)?;
    let registry = registry(&chart, args)?;
    Machine::bind(chart, &registry).map_err(|refused| refusal(&source.file, &refused))
}

pub(super) fn registry(chart: &Chart, args: &BindArgs) -> Result<Registry, Failure> {
    let asks = if args.ask_everything { Asks::Everything } else { Asks::Context };
    let mut registry = Registry::new();
    // What an action is named and told is what the host has to know.
    for name in chart.action_names().filter(|name| !hob::machine::is_reserved(name)) {
        registry =
            registry.action(name, |call| Ok(Some(json!({"action": call.name, "params": call.params}))));
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

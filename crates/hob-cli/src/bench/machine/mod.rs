//! Statecharts: steps of flat, hierarchical, parallel and guarded machines, each beside XState on the same machine and events.
//!
//! XState is measured in a process of its own by `xstate.mjs`, with the package from the `node_modules` that is named; without
//! one the rows stand alone. Both send the same events in the same order to one actor that lives through all of them.

mod charts;
mod memory;
mod xstate;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hob::machine::{Chart, Document, Event, Instance, Machine, Registry};
use serde_json::json;

use super::measure::{Effort, alone};
use super::{Row, Rows};
use charts::{Bench, CASES};

/// How much faster than XState.
const NATIVE: f64 = 1.0 / 10.0;
const WASM: f64 = 1.0 / 5.0;

/// How much longer a step in one region may take when there are many others.
const OTHER_REGIONS: f64 = 1.5;

pub(super) fn rows(modules: &[PathBuf], quick: bool) -> Rows {
    let beside = match modules.first() {
        Some(folder) => Some(xstate::measure(folder, quick)?),
        None => None,
    };
    let mut rows = Vec::new();
    for case in CASES {
        let nanos = step(case, &registry(case)?, quick)?;
        let target = if case.wasm { WASM } else { NATIVE };
        rows.push(match beside.as_ref().and_then(|beside| beside.get(case.xstate)) {
            Some(xstate) => Row::ratio(case.row, nanos, *xstate, "ns", target).beside("XState"),
            None => Row::amount(case.row, nanos, "ns", f64::INFINITY),
        });
    }
    let regions = |count| -> Result<f64, String> {
        let text = charts::regions(count);
        alone_on(&text, &["ping0", "pong0"], &Registry::new(), quick)
    };
    let (few, many) = (regions(2)?, regions(1000)?);
    rows.push(Row::ratio("step in one of 1000 regions, beside one of 2", many, few, "ns", OTHER_REGIONS));
    rows.push(memory::row(quick)?);
    Ok(rows)
}

fn registry(case: &Bench) -> Result<Registry, String> {
    let native = Registry::new()
        .guard("enough", |call| Ok(call.context["amount"].as_i64().is_some_and(|amount| amount >= 10)))
        .assign("count", |_, context| {
            if let Some(count) = context.get_mut("count") {
                *count = json!(count.as_i64().unwrap_or(0) + 1);
            }
            Ok(())
        });
    if !case.wasm {
        return Ok(native);
    }
    let text = |error: hob::Error| error.to_string();
    let host = hob::Host::builder().engine(hob::Choice::Wasmtime).pooled(4).build().map_err(text)?;
    let guard = host.load_bytes("enough", charts::GUARD).map_err(text)?.behavior().map_err(text)?;
    Ok(native.guard("enough", guard.as_guard(hob::Asks::Context)))
}

fn step(case: &Bench, registry: &Registry, quick: bool) -> Result<f64, String> {
    alone_on(&(case.machine)(), case.events, registry, quick)
}

fn alone_on(document: &str, events: &[&str], registry: &Registry, quick: bool) -> Result<f64, String> {
    let (mut instance, events) =
        (start(document, registry)?, events.iter().map(|name| Event::from(*name)).collect());
    let events: Vec<Event> = events;
    let mut next = 0;
    alone(Effort::new(20_000, quick), || {
        let event = events.get(next).ok_or("there are no events")?;
        next = (next + 1) % events.len();
        instance.fire(event).map(drop).map_err(|failed| failed.to_string())
    })
}

fn start(document: &str, registry: &Registry) -> Result<Instance, String> {
    let machine = bind(document, registry)?;
    let (instance, _) =
        Instance::start(&machine, json!({"amount": 50, "count": 0})).map_err(|error| error.to_string())?;
    Ok(instance)
}

fn bind(document: &str, registry: &Registry) -> Result<Arc<Machine>, String> {
    let document = Document::parse(document).map_err(|error| error.to_string())?;
    let chart = Chart::load(&document).map_err(|error| error.to_string())?;
    Machine::bind(chart, registry).map_err(|error| error.to_string())
}

/// Where the script is run from, so that it finds the package.
fn folder(modules: &Path) -> PathBuf {
    if modules.ends_with("node_modules") {
        modules.parent().unwrap_or(modules).into()
    } else {
        modules.into()
    }
}

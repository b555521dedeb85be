//! What is said of machines before they run, held against machines that run.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod changes;
mod findings;
mod guards;
mod properties;
mod random;

use hob_machine::analysis::{Bounds, Exploration};
use hob_machine::{Chart, Document};
use serde_json::{Value, json};

/// A machine from the parts of its document that matter.
fn chart(states: &Value) -> Chart {
    chart_of(&json!({"states": states}))
}

fn chart_of(machine: &Value) -> Chart {
    let mut whole = json!({"name": "m", "hasInitial": true, "initial": machine["states"][0]["name"]});
    for (key, value) in machine.as_object().unwrap() {
        whole[key] = value.clone();
    }
    Chart::load(&Document::parse(&whole.to_string()).unwrap()).unwrap()
}

fn explore(chart: &Chart) -> Exploration<'_> {
    Exploration::of(chart, &Bounds::default()).unwrap()
}

/// The machines of the reference kernel's behaviour that load here.
fn recorded() -> Vec<Chart> {
    let machines: Vec<Value> = serde_json::from_str(include_str!("machines.json")).unwrap();
    let load = |machine: &Value| Chart::load(&Document::parse(&machine.to_string()).ok()?).ok();
    let charts: Vec<Chart> = machines.iter().filter_map(load).collect();
    assert!(charts.len() > 60, "{}", charts.len());
    charts
}

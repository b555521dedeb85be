//! The suite `crucible-machines`: a JSON list of machines, each with the events it was sent and what upstream's kernel did.
//!
//! Each machine is stepped twice: by upstream's rules, which must give the same states, effects in the same order, context
//! and trace; and by ours, which may differ only where a row of `docs/exceptions.md` says so. What upstream brings into
//! configurations that no statechart has is refused when it is loaded, or done right, in both.

mod host;
mod observe;
mod why;

use std::path::Path;

use hob::machine::{Chart, Document, Instance, Machine, Name, Refused, Semantics};
use serde::Deserialize;
use serde_json::Value;

use crate::tally::{Tally, Verdict};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    machine: Value,
    #[serde(default)]
    context: Option<Value>,
    #[serde(default)]
    initial: Option<Value>,
    #[serde(default)]
    steps: Vec<Sent>,
    load_error: Option<String>,
    quench_error: Option<String>,
    cast_panic: Option<String>,
    #[serde(default)]
    cast: Option<Value>,
    #[serde(default)]
    results: Vec<Value>,
    #[serde(default)]
    snapshot: Option<Value>,
}

#[derive(Clone, Deserialize)]
struct Sent {
    event: Name,
    #[serde(default)]
    data: Option<Value>,
}

pub(crate) fn run(path: &Path, tally: &mut Tally) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let cases: Vec<Case> =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for case in &cases {
        tally.verdict(&format!("{} round trip", case.name), round_trip(case));
        for semantics in [Semantics::Crucible, Semantics::Hob] {
            let name = format!("{} as {}", case.name, semantics.as_str());
            tally.verdict(&name, check(case, semantics));
        }
    }
    Ok(())
}

/// What is read comes out as it was, keys sorted.
fn round_trip(case: &Case) -> Verdict {
    let text = case.machine.to_string();
    match Document::parse(&text) {
        Ok(document) if document.to_string() == text => Verdict::Passed,
        Ok(document) => Verdict::Failed(format!("`{text}` became `{document}`")),
        Err(_) if case.load_error.is_some() => Verdict::Passed,
        Err(refused) => Verdict::Failed(refused.to_string()),
    }
}

fn check(case: &Case, semantics: Semantics) -> Verdict {
    let machine = match load(case, semantics) {
        Ok(_) if case.load_error.is_some() || case.quench_error.is_some() => {
            let said = case.load_error.as_ref().or(case.quench_error.as_ref());
            return Verdict::Failed(format!("upstream refuses it: {}", said.map_or("", String::as_str)));
        }
        Ok(machine) => machine,
        Err(_) if case.load_error.is_some() || case.quench_error.is_some() => return Verdict::Passed,
        Err(refused) => {
            return match why::refused(&refused) {
                Some(id) => Verdict::Exception(id),
                None => Verdict::Failed(refused.to_string()),
            };
        }
    };
    let start =
        case.initial.as_ref().and_then(Name::from_value).filter(|name| name.as_str() != Some("-none-"));
    let context = case.context.clone().unwrap_or_else(|| serde_json::json!({}));
    let started = Instance::start_with(&machine, context, start.as_ref(), &Default::default(), true);
    let differs = |why: String| match why::differs(&case.machine, semantics) {
        Some(id) => Verdict::Exception(id),
        None => Verdict::Failed(why),
    };
    let (mut instance, step) = match started {
        Ok(_) if case.cast_panic.is_some() => return Verdict::Exception("cast-initial"),
        Ok(started) => started,
        Err(_) if case.cast_panic.is_some() => return Verdict::Passed,
        Err(failed) => return differs(format!("it does not start: {failed}")),
    };
    if let Some(cast) = &case.cast
        && let Err(why) = observe::started(cast, &instance, &step)
    {
        return differs(format!("start: {why}"));
    }
    for (number, (sent, expected)) in case.steps.iter().zip(&case.results).enumerate() {
        let event = hob::machine::Event { name: sent.event.clone(), data: sent.data.clone() };
        let stepped = instance.fire_with(&event, &Default::default(), true);
        if let Err(why) = observe::stepped(expected, &instance, &stepped) {
            return differs(format!("step {} ({}): {why}", number + 1, sent.event));
        }
    }
    match case.snapshot.as_ref().map(|snapshot| observe::snapshot(snapshot, &instance)) {
        Some(Err(why)) => differs(format!("snapshot: {why}")),
        _ => Verdict::Passed,
    }
}

fn load(case: &Case, semantics: Semantics) -> Result<std::sync::Arc<Machine>, Refused> {
    let document = Document::parse(&case.machine.to_string())?;
    let chart = Chart::load_as(&document, semantics)?;
    Machine::bind(chart, &host::registry())
}

//! `hob machine step`: one step, from a snapshot to a snapshot. Nothing is kept between.

use hob::machine::snapshot::Snapshot;
use hob::machine::{Effect, Instance, Limits};
use serde_json::{Value, json};

use super::args::StepArgs;
use super::events::{self, Sent};
use super::{bind, source};
use crate::report::{Done, Failure, HOST, USAGE, print_json};

pub(crate) fn run(args: &StepArgs) -> Done {
    let bound = bind::bind(&args.source, &args.bind)?;
    let machine = &bound.machine;
    let host = |error: &dyn std::fmt::Display| Failure::new(HOST, error);
    let limits = Limits::default();
    let started = match &args.snapshot {
        None => Instance::start_with(machine, bound.context(args.context.as_deref())?, None, &limits, true),
        Some(file) => {
            let snapshot = Snapshot::parse(&source::text(file)?).map_err(|error| host(&error))?;
            Ok((
                Instance::restore(machine, &snapshot).map_err(|error| host(&error))?,
                hob::machine::Step::default(),
            ))
        }
    };
    let (mut instance, begun) = match started {
        Ok(started) => started,
        Err(failed) => {
            print_json(&json!({"error": failed.to_string(), "trace": failed.trace}))?;
            return Ok(1);
        }
    };
    let Some(text) = &args.event else { return print_step(&instance, Ok(begun)) };
    let Sent::Event(event) = events::one(text)? else {
        return Err(Failure::new(USAGE, "time passes in `hob machine run`; a step is of an event"));
    };
    let stepped = instance.fire_with(&event, &limits, true);
    print_step(&instance, stepped)
}

fn print_step(instance: &Instance, stepped: Result<hob::machine::Step, hob::machine::Failed>) -> Done {
    let (effects, trace, error) = match stepped {
        Ok(step) => (step.effects.iter().map(Effect::to_value).collect(), step.trace, None),
        Err(failed) => (Vec::<Value>::new(), failed.trace, Some(failed.error.to_string())),
    };
    print_json(&json!({
        "configuration": instance.configuration(),
        "context": instance.context(),
        "effects": effects,
        "trace": trace,
        "error": error,
        "done": instance.is_done(),
        "snapshot": instance.snapshot().to_value(),
    }))?;
    Ok(u8::from(error.is_some()))
}

//! What the page is told: the whole of what it shows, after each request.

use hob_machine::Effect;
use serde_json::{Value, json};

use super::play::{Moment, Play, known};
use super::session::Session;

/// How many effects of one step are shown.
const EFFECTS_MAX: usize = 500;

pub(super) fn of(session: &Session) -> Value {
    json!({
        "machines": session.machines,
        "problems": session.problems,
        "play": session.play.as_ref().map(play),
    })
}

fn play(play: &Play) -> Value {
    let chart = play.machine.chart();
    let Some(now) = play.now() else { return Value::Null };
    let active = now.instance.active_states();
    let places = active.iter().filter_map(|name| chart.state(name)).map(|id| chart.node(id).at.as_str());
    let guards: Vec<Value> =
        known(&play.answers).iter().map(|(name, yes)| json!({"name": name, "yes": yes})).collect();
    let events: Vec<Value> = play
        .enabled()
        .into_iter()
        .map(|(event, enabled)| json!({"event": event, "enabled": enabled}))
        .collect();
    let timers: Vec<Value> = now
        .clock
        .timers
        .iter()
        .map(|timer| {
            let left = timer.due_nanos.saturating_sub(now.clock.now_nanos);
            json!({"id": timer.id, "event": timer.event, "state": timer.state, "left": left})
        })
        .collect();
    let started: Vec<Value> = now
        .clock
        .started
        .iter()
        .map(|start| {
            json!({"id": start.id, "src": start.src.name, "onDone": start.on_done, "onError": start.on_error})
        })
        .collect();
    json!({
        "name": chart.name(),
        "version": chart.version(),
        "semantics": chart.semantics().as_str(),
        "configuration": now.instance.configuration(),
        "active": places.collect::<Vec<_>>(),
        "done": now.instance.is_done(),
        "context": now.instance.context(),
        "events": events,
        "guards": guards,
        "timers": timers,
        "started": started,
        "now": now.clock.now_nanos,
        "at": play.at,
        "moments": play.moments.iter().map(line).collect::<Vec<_>>(),
        "step": step(now),
    })
}

/// A step in the list of all.
fn line(moment: &Moment) -> Value {
    json!({
        "event": moment.event,
        "byClock": moment.by_clock,
        "failed": moment.error.is_some(),
        "configuration": moment.instance.configuration(),
        "now": moment.clock.now_nanos,
    })
}

fn step(moment: &Moment) -> Value {
    let effects: Vec<Value> = moment.effects.iter().take(EFFECTS_MAX).map(effect).collect();
    json!({
        "event": moment.event,
        "data": moment.data,
        "error": moment.error,
        "trace": moment.trace,
        "effects": effects,
        "effectsLeftOut": moment.effects.len() - effects.len(),
    })
}

fn effect(effect: &Effect) -> Value {
    match effect {
        // What nothing is bound to says what it was told.
        Effect::Action { name, value } => {
            json!({"name": name, "value": value.get("params").unwrap_or(value)})
        }
        other => {
            let payload = other.to_value().get_mut("payload").map(Value::take);
            json!({"name": other.kind(), "value": payload})
        }
    }
}

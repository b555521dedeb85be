//! One turn: a letter is handled, by one step of one machine, and what the step asks for is done.

use std::sync::Arc;

use serde_json::{Value, json};

use super::actor::{Body, FIRST, Key, Letter, Life, Sender};
use super::inputs::{Drive, Fault, Stepped};
use super::output::wanted;
use super::{EffectId, System};
use crate::chart::Semantics;
use crate::effect::Effect;
use crate::error::StepError;
use crate::instance::Instance;
use crate::name::Name;
use crate::origin::{EventKind, Origin};
use crate::snapshot::Status;
use crate::step::{Event, Step};

/// Whose turn it is, and at what.
pub(super) struct Turn {
    pub(super) key: Key,
    pub(super) name: Arc<str>,
    pub(super) step: u64,
    /// How many effects left the system in this step.
    pub(super) place: u64,
    pub(super) now: i64,
    pub(super) sender: Sender,
    pub(super) event: Option<(Name, Option<Value>)>,
    pub(super) origin: Origin,
    pub(super) traced: bool,
}

impl Turn {
    /// The number of the next effect.
    pub(super) fn number(&mut self) -> EffectId {
        self.place += 1;
        EffectId::new(&self.name, self.step, self.place - 1)
    }
}

impl System {
    /// Goes on until nothing waits and nothing is due, as far as limits allow.
    pub(super) fn run(&mut self, now: i64, traced: bool, drive: &mut Drive) {
        while drive.steps.len() < self.limits.steps && self.outbox.len() < self.limits.outputs {
            if let Some((_, key)) = self.ready.pop_front() {
                let letter = self.actors.get_mut(&key).and_then(|actor| actor.mailbox.pop_front());
                if let Some(letter) = letter {
                    self.handle(key, letter, now, traced, drive);
                }
            } else if let Some((deadline, number, key)) = self.due.first().copied()
                && deadline <= now
            {
                self.due.pop_first();
                let Some(actor) = self.actors.get_mut(&key) else { continue };
                let Some(place) = actor.timers.iter().position(|timer| timer.number == number) else {
                    continue;
                };
                let timer = actor.timers.remove(place);
                if let Some(send) = &timer.send {
                    if let Some(mut turn) = self.turn(key, Sender::Nobody, None, now, traced) {
                        self.deliver(&mut turn, send);
                    }
                    continue;
                }
                let origin = self.origin_of_timer(key, &timer);
                self.post_from(key, Body::Event(timer.event, None), Sender::Nobody, origin);
            } else {
                return;
            }
        }
    }

    fn handle(&mut self, key: Key, letter: Letter, now: i64, traced: bool, drive: &mut Drive) {
        let origin = letter.origin;
        let (event, sender) = match letter.body {
            Body::Begin => return self.begin_turn(key, None, now, traced, drive),
            Body::Event(name, data) => (Some((name, data)), letter.sender),
            Body::Service(run, result) => (self.service_ended(key, &run, result), letter.sender),
            Body::Child(child, result) => (self.child_ended(key, child, result), letter.sender),
        };
        let Some((name, data)) = event else { return };
        let Some(mut turn) = self.turn(key, sender, Some((name.clone(), data.clone())), now, traced) else {
            return;
        };
        turn.origin = origin;
        let result = self.fire(&mut turn, Event { name: name.clone(), data });
        self.conclude(turn, result, Some(name), drive);
    }

    pub(super) fn turn(
        &mut self,
        key: Key,
        sender: Sender,
        event: Option<(Name, Option<Value>)>,
        now: i64,
        traced: bool,
    ) -> Option<Turn> {
        let actor = self.actors.get_mut(&key)?;
        if matches!(actor.life, Life::Ended) {
            self.dropped.undelivered += 1;
            return None;
        }
        let step = actor.steps;
        actor.steps += 1;
        let (name, origin) = (Arc::clone(&actor.name), Origin::default());
        Some(Turn { key, name, step, place: 0, now, sender, event, origin, traced })
    }

    /// The event that a service comes to, when it still runs and somebody wants to know.
    fn service_ended(
        &mut self,
        key: Key,
        run: &EffectId,
        result: Result<Value, Value>,
    ) -> Option<(Name, Option<Value>)> {
        let actor = self.actors.get_mut(&key)?;
        let Some(place) = actor.services.iter().position(|service| service.run == *run) else {
            self.dropped.late += 1;
            return None;
        };
        let service = actor.services.remove(place);
        told(&service.start.on_done, &service.start.on_error, result)
    }

    fn child_ended(
        &mut self,
        key: Key,
        child: Key,
        result: Result<Value, Value>,
    ) -> Option<(Name, Option<Value>)> {
        let ended = self
            .actors
            .get(&child)
            .is_some_and(|actor| actor.parent == Some(key) && matches!(actor.life, Life::Ended));
        if !ended {
            self.dropped.late += 1;
            return None;
        }
        let start = self.forget(child)?;
        told(&start.on_done, &start.on_error, result)
    }

    fn fire(&mut self, turn: &mut Turn, event: Event) -> Result<Step, Fault> {
        let limits = self.limits.step;
        let Some(actor) = self.actors.get_mut(&turn.key) else { return Ok(Step::default()) };
        let Life::Runs(instance) = &mut actor.life else { return Ok(Step::default()) };
        if turn.key == FIRST && self.status == Status::Done {
            let state = instance.current().map(Name::to_string).unwrap_or_default();
            return Err(StepError::Final { state, event: event.name.to_string() }.into());
        }
        let before = instance.clone();
        let step = instance
            .fire_from(&event, turn.origin.clone(), &limits, turn.traced)
            .map_err(|failed| failed.error)?;
        if let Err(exceeded) = self.afford(turn.key, turn.sender, &step.effects) {
            if let Some(actor) = self.actors.get_mut(&turn.key) {
                actor.life = Life::Runs(before);
            }
            return Err(exceeded.into());
        }
        Ok(step)
    }

    /// A machine's first step.
    pub(super) fn begin_turn(
        &mut self,
        key: Key,
        context: Option<Value>,
        now: i64,
        traced: bool,
        drive: &mut Drive,
    ) {
        let Some(mut turn) = self.turn(key, Sender::Nobody, None, now, traced) else { return };
        let result = self.begun(&mut turn, context);
        self.conclude(turn, result, None, drive);
    }

    fn begun(&mut self, turn: &mut Turn, context: Option<Value>) -> Result<Step, Fault> {
        let Some(actor) = self.actors.get(&turn.key) else { return Ok(Step::default()) };
        let startable = self.machines.of(&actor.start.src).map_err(Fault::Begin)?;
        let context = match context {
            Some(context) => context,
            None => {
                let session = self.session_of(turn.key);
                startable.context(&actor.start.input, &session).map_err(|failure| Fault::Begin(failure.0))?
            }
        };
        let begun = Instance::start_with(&startable.machine, context, None, &self.limits.step, turn.traced);
        let (instance, step) = begun.map_err(|failed| failed.error)?;
        self.afford(turn.key, turn.sender, &step.effects)?;
        if let Some(actor) = self.actors.get_mut(&turn.key) {
            actor.life = Life::Runs(instance);
        }
        Ok(step)
    }

    /// What a step led to: its effects, the end of its machine, or the failure of it.
    fn conclude(
        &mut self,
        mut turn: Turn,
        result: Result<Step, Fault>,
        event: Option<Name>,
        drive: &mut Drive,
    ) {
        let mut stepped =
            Stepped { machine: Arc::clone(&turn.name), event, fault: None, effects: Vec::new(), trace: None };
        match result {
            Ok(step) => {
                stepped.trace = step.trace;
                if turn.traced {
                    stepped.effects = step.effects.iter().map(Effect::to_value).collect();
                }
                self.perform(&mut turn, step.effects);
                let over = self.actors.get(&turn.key).and_then(|actor| actor.instance()).is_some_and(is_over);
                if over {
                    self.finish(&mut turn);
                }
            }
            Err(fault) => {
                if turn.key != FIRST && !fault.is_unhandled() {
                    self.fail(&mut turn, &fault);
                }
                stepped.fault = Some(fault);
            }
        }
        drive.steps.push(stepped);
    }

    /// A machine is done: nothing that it started goes on, and its parent is told.
    fn finish(&mut self, turn: &mut Turn) {
        let Some(actor) = self.actors.get(&turn.key) else { return };
        let startable = self.machines.of(&actor.start.src).ok();
        let output = startable.zip(actor.instance()).map(|(of, instance)| of.output(instance.context()));
        let output = output.unwrap_or_default();
        if turn.key == FIRST {
            self.wind_up(turn, FIRST);
            self.status = Status::Done;
            self.output = Some(output);
        } else {
            self.end(turn, Ok(output));
        }
    }

    /// A machine that another started failed: it is stopped. Its parent is told; when it has no event for that, the host is.
    fn fail(&mut self, turn: &mut Turn, fault: &Fault) {
        let error = json!({"error": fault.to_string()});
        let start = self.actors.get(&turn.key).map(|actor| Arc::clone(&actor.start));
        if let Some(start) = start.filter(|start| start.on_error.is_empty()) {
            self.report(turn, &start, error.clone());
        }
        self.end(turn, Err(error));
    }

    fn end(&mut self, turn: &mut Turn, result: Result<Value, Value>) {
        let key = turn.key;
        self.wind_up(turn, key);
        self.drop_letters(key);
        let Some(actor) = self.actors.get(&key) else { return };
        let (start, parent) = (Arc::clone(&actor.start), actor.parent);
        let event = if result.is_ok() { &start.on_done } else { &start.on_error };
        match (parent, wanted(event)) {
            // That a session ended is an event like any other: it comes, also when the state that started it was left.
            (Some(parent), Some(event)) if self.speaks(parent) => {
                let kind = if result.is_ok() { EventKind::External } else { EventKind::Platform };
                let origin = Origin { kind, ..self.origin(parent, Sender::Machine(key)) };
                let data = Some(result.unwrap_or_else(|error| error)).filter(|data| !data.is_null());
                self.forget(key);
                self.post_from(parent, Body::Event(event, data), Sender::Machine(key), origin);
            }
            (Some(parent), Some(_)) => {
                if let Some(actor) = self.actors.get_mut(&key) {
                    actor.life = Life::Ended;
                }
                if let Some(id) = &start.system_id {
                    self.by_system_id.remove(id);
                }
                self.post(parent, Body::Child(key, result), Sender::Machine(key));
            }
            _ => drop(self.forget(key)),
        }
    }
}

/// The event for what something came to, with that as its data.
fn told(on_done: &Name, on_error: &Name, result: Result<Value, Value>) -> Option<(Name, Option<Value>)> {
    let (event, data) = match result {
        Ok(output) => (on_done, output),
        Err(error) => (on_error, error),
    };
    Some((wanted(event)?, Some(data)))
}

/// Whether nothing can happen to an instance any more.
fn is_over(instance: &Instance) -> bool {
    let chart = instance.machine().chart();
    let at_top = || {
        instance
            .current()
            .and_then(|leaf| chart.state(leaf))
            .is_some_and(|leaf| chart.state_around(leaf).is_none())
    };
    instance.is_done() && (chart.semantics() != Semantics::Scxml || at_top())
}

//! Doing what a step asks for: timers, services, machines, letters. Nothing here can fail; what can was looked at before.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::actor::{Actor, Body, Key, Life, Sender, Timer};
use super::output::wanted;
use super::turn::Turn;
use super::{Ask, EffectId, Output, Running, System};
use crate::effect::{Effect, Start};
use crate::name::Name;

impl System {
    pub(super) fn perform(&mut self, turn: &mut Turn, effects: Vec<Effect>) {
        for effect in effects {
            self.perform_one(turn, effect);
        }
    }

    fn perform_one(&mut self, turn: &mut Turn, effect: Effect) {
        match effect {
            Effect::Action { name, value } => drop(self.emit(turn, Ask::Action { name, value })),
            // Handled in the step that raised it.
            Effect::Raise { .. } => {}
            Effect::ScheduleAfter { id, delay_nanos, event, state } => {
                self.cancel_where(turn.key, |timer| timer.id == id && timer.send.is_none());
                let number = self.next_timer;
                self.next_timer += 1;
                let deadline = turn.now.saturating_add(delay_nanos);
                if let Some(actor) = self.actors.get_mut(&turn.key) {
                    actor.timers.push(Timer { id, deadline, number, event, state, send: None });
                    self.due.insert((deadline, number, turn.key));
                }
            }
            Effect::CancelScheduled { id } => self.cancel(turn.key, &id),
            Effect::StartService(start) => {
                // Of one name one runs: who starts it again has stopped it.
                self.stop_service(turn, turn.key, &start.id);
                let run = self.emit(turn, Ask::StartService(Arc::clone(&start)));
                if let Some(actor) = self.actors.get_mut(&turn.key) {
                    actor.services.push(Running { run, start, settled: false });
                }
            }
            Effect::StopService { id } => self.stop_service(turn, turn.key, &id),
            Effect::SpawnActor(start) => self.spawn(turn, start),
            Effect::StopActor { id } => {
                let child = self.actors.get(&turn.key).and_then(|actor| actor.children.get(&id)).copied();
                if let Some(child) = child {
                    self.stop(turn, child);
                }
            }
            Effect::SendTo { target, system_id, event } => {
                match self.resolve(turn.key, &target, &system_id) {
                    Some(to) => self.send_letter(to, event, Sender::Machine(turn.key)),
                    None => self.dropped.undelivered += 1,
                }
            }
            Effect::SendParent { event } => match self.actors.get(&turn.key).and_then(|actor| actor.parent) {
                Some(parent) => self.send_letter(parent, event, Sender::Machine(turn.key)),
                None => drop(self.emit(turn, Ask::Message { event })),
            },
            Effect::Respond { event } => match turn.sender {
                Sender::Machine(to) => self.send_letter(to, event, Sender::Machine(turn.key)),
                Sender::Host => drop(self.emit(turn, Ask::Message { event })),
                Sender::Nobody => self.dropped.undelivered += 1,
            },
            Effect::Send(send) => self.send_event(turn, send),
            Effect::Forward { target, system_id } => {
                match (self.forwarded(turn.key, &target, &system_id), turn.event.clone()) {
                    (Some(to), Some((name, data))) => {
                        // It is the event as it came, and says so.
                        let origin = turn.origin.clone();
                        self.post_from(to, Body::Event(name, data), Sender::Machine(turn.key), origin);
                    }
                    _ => self.dropped.undelivered += 1,
                }
            }
        }
    }

    pub(super) fn emit(&mut self, turn: &mut Turn, ask: Ask) -> EffectId {
        let id = turn.number();
        self.outbox.push(Output { id: id.clone(), machine: Arc::clone(&turn.name), ask });
        id
    }

    /// Tells the host of a machine that failed.
    pub(super) fn report(&mut self, turn: &mut Turn, start: &Start, error: Value) {
        let ask = Ask::Failed { id: Arc::clone(&start.id), src: start.src.name.clone(), error };
        self.emit(turn, ask);
    }

    fn send_letter(&mut self, to: Key, event: Value, sender: Sender) {
        match event_of(event) {
            Some((name, data)) => self.post(to, Body::Event(name, data), sender),
            None => self.dropped.undelivered += 1,
        }
    }

    /// Timers of a name: an action's or a state's, of which there is one, and what is sent later, of which there may be more.
    fn cancel(&mut self, key: Key, id: &str) {
        let is = |timer: &Timer| &*timer.id == id && (timer.send.is_none() || !id.is_empty());
        self.cancel_where(key, is);
    }

    fn cancel_where(&mut self, key: Key, is: impl Fn(&Timer) -> bool) {
        let Some(actor) = self.actors.get_mut(&key) else { return };
        while let Some(place) = actor.timers.iter().position(&is) {
            let timer = actor.timers.remove(place);
            self.due.remove(&(timer.deadline, timer.number, key));
        }
    }

    fn stop_service(&mut self, turn: &mut Turn, key: Key, id: &str) {
        let Some(actor) = self.actors.get_mut(&key) else { return };
        if let Some(place) = actor.services.iter().position(|service| &*service.start.id == id) {
            let service = actor.services.remove(place);
            self.stopped(turn, key, service);
        }
    }

    /// A service that came to something needs no stopping; what it came to is for nobody.
    fn stopped(&mut self, turn: &mut Turn, key: Key, service: Running) {
        if service.settled {
            self.withdraw(key, |body| matches!(body, Body::Service(run, _) if *run == service.run));
        } else {
            self.emit(turn, Ask::StopService { run: service.run });
        }
    }

    /// Takes a letter back that tells of something that was stopped: nothing but what runs has a place in a mailbox.
    fn withdraw(&mut self, key: Key, is: impl Fn(&Body) -> bool) {
        let Some(actor) = self.actors.get_mut(&key) else { return };
        let Some(place) = actor.mailbox.iter().position(|letter| is(&letter.body)) else { return };
        if let Some(letter) = actor.mailbox.remove(place) {
            self.ready.retain(|(number, _)| *number != letter.number);
            self.dropped.late += 1;
        }
    }

    fn spawn(&mut self, turn: &mut Turn, start: Arc<Start>) {
        let Some(parent) = self.actors.get(&turn.key) else { return };
        let found = self.machines.of(&start.src);
        let taken = start.system_id.as_ref().filter(|id| self.by_system_id.contains_key(*id));
        let wrong = if let Err(wrong) = found {
            Some(wrong)
        } else if parent.children.contains_key(&start.id) {
            Some(format!("a machine {:?} runs already", start.id))
        } else {
            taken.map(|id| format!("another machine is called {id:?}"))
        };
        if let Some(wrong) = wrong {
            let error = json!({"error": wrong});
            match wanted(&start.on_error) {
                Some(event) => self.post(turn.key, Body::Event(event, Some(error)), Sender::Nobody),
                None => self.report(turn, &start, error),
            }
            return;
        }
        let key = Key(self.next_key);
        self.next_key += 1;
        let depth = parent.depth + 1;
        if let Some(id) = &start.system_id {
            self.by_system_id.insert(Arc::clone(id), key);
        }
        if let Some(parent) = self.actors.get_mut(&turn.key) {
            parent.children.insert(Arc::clone(&start.id), key);
        }
        let actor = Actor {
            parent: Some(turn.key),
            depth,
            name: self.name_of(key),
            start,
            life: Life::Begins,
            mailbox: VecDeque::new(),
            timers: Vec::new(),
            services: Vec::new(),
            children: BTreeMap::new(),
            steps: 0,
        };
        self.actors.insert(key, actor);
        self.post(key, Body::Begin, Sender::Machine(turn.key));
    }

    pub(super) fn name_of(&self, key: Key) -> Arc<str> {
        if key == super::actor::FIRST {
            Arc::clone(&self.name)
        } else {
            format!("{}#{}", self.name, key.0).into()
        }
    }

    /// Nothing that a machine started goes on.
    pub(super) fn wind_up(&mut self, turn: &mut Turn, key: Key) {
        let Some(actor) = self.actors.get_mut(&key) else { return };
        let children: Vec<Key> = actor.children.values().copied().collect();
        let (timers, services) = (std::mem::take(&mut actor.timers), std::mem::take(&mut actor.services));
        for child in children {
            self.stop(turn, child);
        }
        for service in services {
            self.stopped(turn, key, service);
        }
        for timer in timers {
            self.due.remove(&(timer.deadline, timer.number, key));
        }
    }

    /// Stops a machine and all below it, those inside before those around.
    fn stop(&mut self, turn: &mut Turn, key: Key) {
        for key in self.family(key).into_iter().rev() {
            self.leave(turn.now, key);
            let Some(actor) = self.actors.get_mut(&key) else { continue };
            let (timers, services) = (std::mem::take(&mut actor.timers), std::mem::take(&mut actor.services));
            for service in services {
                self.stopped(turn, key, service);
            }
            for timer in timers {
                self.due.remove(&(timer.deadline, timer.number, key));
            }
            self.drop_letters(key);
            if let Some(parent) = self.actors.get(&key).and_then(|actor| actor.parent) {
                self.withdraw(parent, |body| matches!(body, Body::Child(child, _) if *child == key));
            }
            self.forget(key);
        }
    }

    pub(super) fn drop_letters(&mut self, key: Key) {
        let Some(actor) = self.actors.get_mut(&key) else { return };
        let letters = std::mem::take(&mut actor.mailbox);
        for letter in &letters {
            match letter.body {
                Body::Begin => {}
                Body::Event(..) => self.dropped.undelivered += 1,
                Body::Service(..) | Body::Child(..) => self.dropped.late += 1,
            }
        }
        if !letters.is_empty() {
            self.ready.retain(|(_, of)| *of != key);
        }
    }

    /// A machine is no more. What it was asked for.
    pub(super) fn forget(&mut self, key: Key) -> Option<Arc<Start>> {
        let actor = self.actors.remove(&key)?;
        if let Some(id) = &actor.start.system_id
            && self.by_system_id.get(id) == Some(&key)
        {
            self.by_system_id.remove(id);
        }
        if let Some(parent) = actor.parent.and_then(|parent| self.actors.get_mut(&parent)) {
            parent.children.remove(&actor.start.id);
        }
        Some(actor.start)
    }
}

/// An event as a document writes it: its name, or an object of a name and data.
fn event_of(event: Value) -> Option<(Name, Option<Value>)> {
    match event {
        Value::Object(mut fields) => {
            let name = fields.remove("name").or_else(|| fields.remove("type"))?;
            Some((Name::from_value(&name)?, fields.remove("data")))
        }
        scalar => Some((Name::from_value(&scalar)?, None)),
    }
}

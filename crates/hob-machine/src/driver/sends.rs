//! Events between sessions of SCXML: who is meant, what is said of where an event comes from, and what becomes of one that
//! reaches nobody.
//!
//! Source: the State Chart XML recommendation, 6.2 and C.1.

use std::sync::Arc;

use serde_json::{Value, json};

use super::actor::{Body, FIRST, Key, Life, Sender, Timer};
use super::turn::Turn;
use super::{Ask, System};
use crate::binding::Machine;
use crate::chart::Semantics;
use crate::effect::{Effect, Sending};
use crate::name::Name;
use crate::origin::{EventKind, Origin};

/// What stands before the number of a session in an address.
pub(crate) const ADDRESS: &str = "#_scxml_";

/// What the first machine of a system is called by the others.
pub(crate) const FIRST_SESSION: &str = "session";

/// Ids of timers that the importer made up begin so; no event tells of them.
const MADE_UP: &str = "send:";

/// Whom an event reaches.
pub(super) enum Reached {
    Machine(Key),
    /// The one that started the first machine.
    Host,
    Nobody,
}

impl System {
    /// What a machine is called in an address.
    pub(super) fn session_of(&self, key: Key) -> Arc<str> {
        if key == FIRST { FIRST_SESSION.into() } else { self.name_of(key) }
    }

    pub(super) fn reached(&self, from: Key, target: &str) -> Reached {
        let Some(actor) = self.actors.get(&from) else { return Reached::Nobody };
        let found = if let Some(session) = target.strip_prefix(ADDRESS) {
            let is = |key: &&Key| *session == *self.session_of(**key);
            self.actors.keys().find(is).copied().filter(|key| self.lives(*key))
        } else {
            match target.strip_prefix("#_") {
                _ if target.is_empty() => Some(from),
                Some("parent") if actor.parent.is_none() => return Reached::Host,
                Some("parent") => actor.parent,
                Some(child) => actor.children.get(child).copied().filter(|child| self.lives(*child)),
                None => None,
            }
        };
        found.map_or(Reached::Nobody, Reached::Machine)
    }

    /// Whether a machine steps by the rules of SCXML.
    pub(super) fn speaks(&self, key: Key) -> bool {
        let Some(actor) = self.actors.get(&key) else { return false };
        let is_scxml = |machine: &Machine| machine.chart().semantics() == Semantics::Scxml;
        match &actor.life {
            Life::Runs(instance) => is_scxml(instance.machine()),
            Life::Begins => self.machines.of(&actor.start.src).is_ok_and(|of| is_scxml(&of.machine)),
            Life::Ended => false,
        }
    }

    /// What is said of where a letter comes from; nothing among machines that step by other rules.
    pub(super) fn origin(&self, to: Key, sender: Sender) -> Origin {
        let Sender::Machine(key) = sender else { return Origin::default() };
        if !(self.speaks(key) || self.speaks(to)) {
            return Origin::default();
        }
        let child = self.actors.get(&key).filter(|actor| actor.parent == Some(to));
        let address = Some(format!("{ADDRESS}{}", self.session_of(key)).into());
        Origin { invoke_id: child.map(|child| Arc::clone(&child.start.id)), address, ..Origin::default() }
    }

    /// An event that an action scheduled, or a state.
    pub(super) fn origin_of_timer(&self, key: Key, timer: &Timer) -> Origin {
        if !self.speaks(key) {
            return Origin::default();
        }
        let named = timer.state.is_empty() && !timer.id.is_empty() && !timer.id.starts_with(MADE_UP);
        Origin { send_id: named.then(|| Arc::clone(&timer.id)), ..self.origin(key, Sender::Machine(key)) }
    }

    /// Sends an event, now or later.
    pub(super) fn send_event(&mut self, turn: &mut Turn, send: Arc<Sending>) {
        if send.delay_nanos <= 0 {
            return self.deliver(turn, &send);
        }
        let number = self.next_timer;
        self.next_timer += 1;
        let deadline = turn.now.saturating_add(send.delay_nanos);
        let Some(actor) = self.actors.get_mut(&turn.key) else { return };
        let (id, event, state) = (send.id.clone().unwrap_or_default(), send.event.clone(), Name::empty());
        actor.timers.push(Timer { id, deadline, number, event, state, send: Some(send) });
        self.due.insert((deadline, number, turn.key));
    }

    pub(super) fn deliver(&mut self, turn: &mut Turn, send: &Sending) {
        let Sending { target, event, data, id, .. } = send;
        match self.reached(turn.key, target) {
            Reached::Machine(to) => {
                let sender = Sender::Machine(turn.key);
                let origin = Origin { send_id: id.clone(), ..self.origin(to, sender) };
                self.post_from(to, Body::Event(event.clone(), data.clone()), sender, origin);
            }
            Reached::Host => {
                let event = match data {
                    Some(data) => json!({"name": event, "data": data}),
                    None => event.to_value(),
                };
                self.emit(turn, Ask::Message { event });
            }
            Reached::Nobody => {
                let data = json!({"reason": format!("{target} cannot be reached")});
                let origin = Origin { send_id: id.clone(), ..Origin::of_kind(EventKind::Platform) };
                self.failed_to(turn.key, "error.communication".into(), data, origin);
            }
        }
    }

    /// A session that is stopped leaves its states. What that asks of the host is done; nobody hears anything else of it any more.
    pub(super) fn leave(&mut self, now: i64, key: Key) {
        if !self.speaks(key) {
            return;
        }
        let limits = self.limits.step;
        let Some(mut turn) = self.turn(key, Sender::Nobody, None, now, false) else { return };
        let Some(Life::Runs(instance)) = self.actors.get_mut(&key).map(|actor| &mut actor.life) else {
            return;
        };
        for effect in instance.leave(&limits).map(|step| step.effects).unwrap_or_default() {
            if let Effect::Action { name, value } = effect {
                self.emit(&mut turn, Ask::Action { name, value });
            }
        }
    }

    fn failed_to(&mut self, key: Key, event: Name, data: Value, origin: Origin) {
        self.post_from(key, Body::Event(event, Some(data)), Sender::Nobody, origin);
    }

    /// Whom a forwarded event goes to: by the rules of SCXML to what the machine itself started, and to nobody else.
    pub(super) fn forwarded(&self, from: Key, target: &str, system_id: &str) -> Option<Key> {
        if !self.speaks(from) {
            return self.resolve(from, target, system_id);
        }
        let child = self.actors.get(&from)?.children.get(target).copied();
        child.filter(|child| self.lives(*child))
    }
}

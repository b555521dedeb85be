//! A snapshot of a whole system: the first machine's, with everything else inside.
//!
//! Machines that were started stand under `actors`, by what their parent calls them, as the reference implementation has
//! it; letters under `mailboxes`, services under `inFlightServices`. When timers are due, and the numbers that make the
//! numbers of effects, stand under `hob`.

use serde_json::{Map, Value, json};

use super::actor::{Actor, FIRST, Life};
use super::wire::{of_letter, of_service, of_start, of_timer};
use super::{Output, System};
use crate::snapshot::{Pending, Snapshot};

impl System {
    /// What this system is now. `None` before it began.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        let first = self.actors.get(&FIRST)?;
        let mut snapshot = self.machine(first)?;
        snapshot.status = self.status;
        snapshot.output = self.output.clone();
        for child in first.children.values() {
            if let Some(actor) = self.actors.get(child) {
                snapshot.actors.insert(actor.start.id.to_string(), self.envelope(actor, child.0));
            }
        }
        for actor in self.actors.values().filter(|actor| !actor.mailbox.is_empty()) {
            let letters: Vec<Value> = actor.mailbox.iter().map(of_letter).collect();
            snapshot.mailboxes.insert(actor.name.to_string(), Value::Array(letters));
        }
        let outputs: Vec<Value> = self.outbox.iter().map(Output::to_value).collect();
        snapshot.hob.insert(
            "system".into(),
            json!({
                "name": self.name,
                "root": self.root,
                "nextMachine": self.next_key,
                "nextLetter": self.next_letter,
                "nextTimer": self.next_timer,
                "inputs": self.inputs,
                "late": self.dropped.late,
                "undelivered": self.dropped.undelivered,
                "outputs": outputs,
            }),
        );
        snapshot.rest = self.rest.clone();
        Some(snapshot)
    }

    fn machine(&self, actor: &Actor) -> Option<Snapshot> {
        let mut snapshot = actor.instance()?.snapshot();
        snapshot.pending = Pending {
            timers: actor.timers.iter().map(|timer| timer.id.to_string()).collect(),
            services: actor.services.iter().map(|service| service.start.id.to_string()).collect(),
            actors: actor.children.keys().map(ToString::to_string).collect(),
        };
        snapshot.in_flight_services = actor.services.iter().map(of_service).collect();
        let timers: Vec<Value> = actor.timers.iter().map(of_timer).collect();
        snapshot.hob.insert("timers".into(), Value::Array(timers));
        snapshot.hob.insert("steps".into(), json!(actor.steps));
        Some(snapshot)
    }

    /// A machine that another started. It goes as deep as machines start machines, which is bounded.
    fn envelope(&self, actor: &Actor, key: u64) -> Value {
        let mut hob = Map::new();
        hob.insert("machine".into(), json!(key));
        hob.insert("steps".into(), json!(actor.steps));
        let mut map = of_start(&actor.start, hob);
        let child = self.machine(actor).map(|snapshot| snapshot.to_value());
        map.insert("resumed".into(), json!(child.is_some()));
        map.insert("done".into(), json!(matches!(actor.life, Life::Ended)));
        if let Some(child) = child {
            map.insert("child".into(), child);
        }
        let children = actor.children.values().filter_map(|key| Some((self.actors.get(key)?, key.0)));
        let children: Vec<Value> = children.map(|(child, key)| self.envelope(child, key)).collect();
        if !children.is_empty() {
            map.insert("children".into(), Value::Array(children));
        }
        Value::Object(map)
    }
}

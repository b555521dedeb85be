//! A system from a snapshot: machines, timers with the moments at which they are due, services, mailboxes, numbers.
//!
//! A snapshot that was made without a driver of hob says only what was pending: timers begin again with their whole delay,
//! services are asked for again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::actor::{Actor, FIRST, Key, Life, Sender};
use super::limits::within;
use super::turn::Turn;
use super::wire::{Fields, to_letter, to_service, to_start, to_timer};
use super::{Exceeded, Machines, Output, Refusal, Running, System, SystemLimits};
use crate::document::model::Ref;
use crate::effect::{Effect, Start};
use crate::instance::Instance;
use crate::name::Name;
use crate::origin::Origin;
use crate::problem::below;
use crate::snapshot::{MigrationError, Migrations, RestoreError, Snapshot, check_depth};

/// Why a snapshot is not taken for a system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Of a machine in it.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// It is of another version, and could not be made into one of this.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The system cannot be made.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It holds more than is allowed.
    #[error("the snapshot holds too much: {0}")]
    Exceeded(#[from] Exceeded),
    /// It is of another system.
    #[error("at /hob/system/{field}: the snapshot is of {snapshot:?}; this is {system:?}")]
    Other {
        /// What differs.
        field: &'static str,
        /// The snapshot's.
        snapshot: String,
        /// This system's.
        system: String,
    },
}

impl System {
    /// The system that a snapshot was taken of. No action runs. `now` counts only for a snapshot that does not say when timers
    /// are due. Errors: what is wrong with it, and where.
    pub fn load(
        name: &str,
        machines: &Machines,
        root: &str,
        limits: SystemLimits,
        snapshot: Value,
        migrations: &Migrations,
        now: i64,
    ) -> Result<Self, LoadError> {
        let mut system = Self::new(name, machines, root, limits)?;
        check_depth(&snapshot)?;
        let (snapshot, instance) =
            system.instance(&Ref { name: root.into(), ..Ref::default() }, snapshot, migrations, "")?;
        system.status = snapshot.status;
        system.output = snapshot.output.clone();
        system.rest = snapshot.rest.clone();
        system.next_key = 1;
        let hob = Value::Object(snapshot.hob.clone());
        let ours = Fields::of(&hob, "/hob")?.object("system")?;
        if let Some(ours) = &ours {
            system.numbers(ours)?;
        }
        let start = Start {
            id: Arc::clone(&system.name),
            src: Arc::new(Ref { name: root.into(), ..Ref::default() }),
            input: Arc::default(),
            on_done: Name::empty(),
            on_error: Name::empty(),
            system_id: None,
            state: None,
        };
        let mut first = system.actor(None, 1, FIRST, Arc::new(start));
        first.life = Life::Runs(instance);
        system.belongings(&mut first, &snapshot, "")?;
        system.actors.insert(FIRST, first);
        for (id, envelope) in &snapshot.actors {
            system.envelope_of(FIRST, 2, envelope, &below("/actors", id), migrations)?;
        }
        system.letters(&snapshot.mailboxes)?;
        system.index()?;
        if ours.is_none() {
            system.resume(&snapshot, now)?;
        }
        Ok(system)
    }

    fn instance(
        &self,
        src: &Ref,
        mut snapshot: Value,
        migrations: &Migrations,
        at: &str,
    ) -> Result<(Snapshot, Instance), LoadError> {
        let startable = self
            .machines
            .of(src)
            .map_err(|_| Refusal::NoMachine { name: src.name.clone(), known: self.machines.known() })?;
        let version = snapshot.get("machineVersion").and_then(Value::as_str).unwrap_or_default();
        let wanted = startable.machine.chart.version().unwrap_or_default();
        if version != wanted && migrations.concern(&startable.machine.chart.name) {
            snapshot = migrations.apply(snapshot, wanted)?;
        }
        let snapshot = Snapshot::from_value(snapshot).map_err(|error| error.inside(at))?;
        let instance = Instance::restore(&startable.machine, &snapshot).map_err(|error| error.inside(at))?;
        Ok((snapshot, instance))
    }

    fn numbers(&mut self, from: &Fields<'_>) -> Result<(), LoadError> {
        for (field, ours) in [("name", self.name.to_string()), ("root", self.root.clone())] {
            let theirs = from.needed(field)?;
            if theirs != ours {
                return Err(LoadError::Other { field, snapshot: theirs.into(), system: ours });
            }
        }
        self.next_key = from.number("nextMachine")?;
        self.next_letter = from.number("nextLetter")?;
        self.next_timer = from.number("nextTimer")?;
        self.inputs = from.number("inputs")?;
        self.dropped.late = from.number("late")?;
        self.dropped.undelivered = from.number("undelivered")?;
        for (at, output) in from.list("outputs")? {
            self.outbox.push(Output::from_value(output, at)?);
        }
        Ok(())
    }

    fn actor(&self, parent: Option<Key>, depth: usize, key: Key, start: Arc<Start>) -> Actor {
        Actor {
            parent,
            depth,
            name: self.name_of(key),
            start,
            life: Life::Begins,
            mailbox: VecDeque::new(),
            timers: Vec::new(),
            services: Vec::new(),
            children: BTreeMap::new(),
            steps: 0,
        }
    }

    /// Timers and services of one machine.
    fn belongings(&self, actor: &mut Actor, snapshot: &Snapshot, at: &str) -> Result<(), LoadError> {
        let hob = Value::Object(snapshot.hob.clone());
        let hob = Fields::of(&hob, below(at, "hob"))?;
        actor.steps = hob.number("steps")?;
        for (at, timer) in hob.list("timers")? {
            actor.timers.push(to_timer(timer, at)?);
        }
        within("timers", actor.timers.len(), self.limits.timers)?;
        let services = below(at, "inFlightServices");
        for (index, service) in snapshot.in_flight_services.iter().enumerate() {
            // One without a run was started by another driver; it is asked for again.
            if let (Some(run), start, settled) = to_service(service, below(&services, index))? {
                actor.services.push(Running { run, start, settled });
            }
        }
        within("services", actor.services.len(), self.limits.services)?;
        Ok(())
    }

    /// A machine that another started, and those that it started: as deep as is allowed, and no deeper.
    fn envelope_of(
        &mut self,
        parent: Key,
        depth: usize,
        envelope: &Value,
        at: &str,
        migrations: &Migrations,
    ) -> Result<(), LoadError> {
        within("depth", depth, self.limits.depth)?;
        within("machines", self.actors.len() + 1, self.limits.machines)?;
        let from = Fields::of(envelope, at)?;
        let start = Arc::new(to_start(&from)?);
        let hob = from.object("hob")?;
        let done = from.get("done").and_then(Value::as_bool).unwrap_or_default();
        let (key, steps) = match &hob {
            Some(hob) => (Key(hob.number("machine")?), hob.number("steps")?),
            // Of another driver, which tells the parent at once.
            None if done => return Ok(()),
            None => {
                self.next_key += 1;
                (Key(self.next_key - 1), 0)
            }
        };
        if key == FIRST || key.0 >= self.next_key || self.actors.contains_key(&key) {
            return Err(RestoreError::field(from.place("hob"), "its number is one of another machine").into());
        }
        let mut actor = self.actor(Some(parent), depth, key, Arc::clone(&start));
        actor.steps = steps;
        if done {
            actor.life = Life::Ended;
        } else if let Some(child) = from.get("child") {
            let at = below(at, "child");
            let (snapshot, instance) = self.instance(&start.src, child.clone(), migrations, &at)?;
            actor.life = Life::Runs(instance);
            self.belongings(&mut actor, &snapshot, &at)?;
            if hob.is_none() {
                actor.steps = 0;
            }
        }
        if let Some(id) = start.system_id.as_ref().filter(|_| !done)
            && self.by_system_id.insert(Arc::clone(id), key).is_some()
        {
            return Err(RestoreError::field(from.place("systemId"), "another machine is called so").into());
        }
        let twice = self
            .actors
            .get_mut(&parent)
            .and_then(|parent| parent.children.insert(Arc::clone(&start.id), key))
            .is_some();
        if twice {
            return Err(RestoreError::field(from.place("id"), "another machine is called so").into());
        }
        self.actors.insert(key, actor);
        for (at, child) in from.list("children")? {
            self.envelope_of(key, depth + 1, child, &at, migrations)?;
        }
        Ok(())
    }

    fn letters(&mut self, mailboxes: &Map<String, Value>) -> Result<(), LoadError> {
        let at = "/mailboxes";
        let boxes = Fields { map: mailboxes, at: at.into() };
        let mut order = BTreeMap::new();
        for name in mailboxes.keys() {
            let Some(key) = self.actors.iter().find(|(_, actor)| *actor.name == **name).map(|(key, _)| *key)
            else {
                return boxes.wrong(name, "there is no machine of this name").map_err(LoadError::from);
            };
            for (at, letter) in boxes.list(name)? {
                let letter = to_letter(letter, at.clone())?;
                if letter.number >= self.next_letter || order.insert(letter.number, key).is_some() {
                    return Err(RestoreError::field(at, "its number is one of another letter").into());
                }
                let Some(actor) = self.actors.get_mut(&key) else { continue };
                if actor.mailbox.back().is_some_and(|before| before.number > letter.number) {
                    return Err(RestoreError::field(at, "letters are in the order of their numbers").into());
                }
                actor.mailbox.push_back(letter);
                // Letters of the system itself come on top: a timer's, and one for each service and machine.
                let ended = actor.mailbox.iter().filter(|letter| letter.origin.invoke_id.is_some()).count();
                let own = 1 + actor.services.len() + actor.children.len() + ended.min(self.limits.mailbox);
                within("mailbox", actor.mailbox.len(), self.limits.mailbox.saturating_add(own))?;
            }
        }
        self.ready = order.into_iter().collect();
        Ok(())
    }

    fn index(&mut self) -> Result<(), LoadError> {
        let mut numbers = BTreeSet::new();
        for (key, actor) in &self.actors {
            for timer in &actor.timers {
                if timer.number >= self.next_timer || !numbers.insert(timer.number) {
                    let message = format!("the number of timer {:?} is one of another timer", timer.id);
                    return Err(RestoreError::field("/hob/timers", message).into());
                }
                self.due.insert((timer.deadline, timer.number, *key));
            }
        }
        Ok(())
    }

    /// Begins again what was pending, for a snapshot that says no more than that.
    fn resume(&mut self, snapshot: &Snapshot, now: i64) -> Result<(), LoadError> {
        let keys: Vec<Key> = self.actors.keys().copied().collect();
        let pending = |ids: &[String], id: &str| ids.iter().any(|pending| pending == id);
        for key in keys {
            let Some(actor) = self.actors.get_mut(&key) else { continue };
            let Some(instance) = actor.instance() else {
                if matches!(actor.life, Life::Begins) {
                    self.post(key, super::actor::Body::Begin, Sender::Nobody);
                }
                continue;
            };
            let mut effects = instance.resume_effects();
            // Of the first machine is said what was running; a timer of a state around leaves is never among that.
            effects.retain(|effect| match effect {
                Effect::StartService(start) if key == FIRST => {
                    snapshot.pending.services.is_empty() || pending(&snapshot.pending.services, &start.id)
                }
                Effect::SpawnActor(start) => !actor.children.contains_key(&start.id),
                _ => true,
            });
            let (name, step) = (Arc::clone(&actor.name), actor.steps);
            actor.steps += 1;
            self.afford(key, Sender::Nobody, &effects)?;
            let mut turn = Turn {
                key,
                name,
                step,
                place: 0,
                now,
                sender: Sender::Nobody,
                event: None,
                origin: Origin::default(),
                traced: false,
            };
            self.perform(&mut turn, effects);
        }
        Ok(())
    }
}

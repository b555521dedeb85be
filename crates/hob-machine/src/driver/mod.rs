//! Machines that run: what steps ask for is done here, as far as it needs no world.
//!
//! A [`System`] owns one machine and those that it starts. It keeps their timers, by the moment at which they are due; their
//! services, until the host says what they came to; their mailboxes. It has no clock: every input says when it comes. What it
//! cannot do itself it hands out as [`Output`]s, each with a number that is its own for ever.
//!
//! One step at a time. Letters are handled in the order in which they were posted, across all machines; when none is left, the
//! timer that is due first fires. An input first lets the time pass: what was due before an event came fires before it.
//!
//! Policy for time: a timer that became due while nobody drove the system fires with the next input, once, in the order of
//! deadlines. A clock that goes back only makes timers wait that were set before it did; none fires twice.
//!
//! A step that would pass a limit does not happen, as one whose action fails does not. Results of services that were stopped
//! and letters to nobody are dropped and counted.
//!
//! `limits` names what is bounded, `kinds` which machines there are, `inputs` what comes in, `turn` takes one step, `perform`
//! does what it asks for, `sends` carries events between sessions of SCXML, `afford` looks beforehand whether it may, `save` and `load` make snapshots of a whole system.

mod actor;
mod address;
mod afford;
mod inputs;
mod kinds;
mod limits;
mod load;
mod output;
mod perform;
mod reads;
mod save;
mod sends;
#[cfg(test)]
mod tests;
mod turn;
mod wire;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value};

pub use inputs::{Drive, Fault, Input, Refusal, Stepped};
pub(crate) use kinds::{INLINE, TEXT};
pub use kinds::{Machines, Session};
pub use limits::{DEPTH_MAX, Exceeded, SystemLimits};
pub use load::LoadError;
pub use output::{Ask, EffectId, Output, Running};
pub(crate) use reads::Read;
pub use reads::{READS_MAX, Reads};

use actor::{Actor, Body, FIRST, Key, Letter, Sender};
use output::Outbox;
pub(crate) use sends::{ADDRESS, FIRST_SESSION};

use crate::instance::Instance;
use crate::name::Name;
use crate::origin::Origin;
use crate::snapshot::Status;

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Results of services, and ends of machines, that had been stopped.
    pub late: u64,
    /// Events for machines that are not there.
    pub undelivered: u64,
}

/// A machine and those that it starts.
#[derive(Clone, Debug)]
pub struct System {
    name: Arc<str>,
    root: String,
    machines: Machines,
    limits: SystemLimits,
    actors: BTreeMap<Key, Actor>,
    /// Who is called what by everyone.
    by_system_id: BTreeMap<Arc<str>, Key>,
    /// Whose turn it is: one entry a letter.
    ready: VecDeque<(u64, Key)>,
    due: BTreeSet<(i64, u64, Key)>,
    outbox: Outbox,
    /// Numbers for machines, for letters and for timers.
    next_key: u64,
    next_letter: u64,
    next_timer: u64,
    inputs: u64,
    dropped: Dropped,
    status: Status,
    output: Option<Value>,
    /// For whom a place in a mailbox is kept, while the time passes before an event.
    expected: Option<Key>,
    /// What a snapshot had that is not known here.
    rest: Map<String, Value>,
}

impl System {
    /// A system whose first machine is `root` of `machines`. It begins with [`Input::Start`]. `name` makes the numbers of its
    /// effects; whoever keeps several systems gives each its own. Errors: a name that is empty or has `#` in it, which stands
    /// before the numbers of further machines, and a machine that is not there.
    pub fn new(name: &str, machines: &Machines, root: &str, limits: SystemLimits) -> Result<Self, Refusal> {
        if name.is_empty() || name.contains('#') {
            return Err(Refusal::Name(name.into()));
        }
        if machines.named(root).is_none() {
            return Err(Refusal::NoMachine { name: root.into(), known: machines.known() });
        }
        let limits = SystemLimits { depth: limits.depth.min(DEPTH_MAX), ..limits };
        Ok(Self {
            name: name.into(),
            root: root.into(),
            machines: machines.clone(),
            limits,
            actors: BTreeMap::new(),
            by_system_id: BTreeMap::new(),
            ready: VecDeque::new(),
            due: BTreeSet::new(),
            outbox: Outbox::default(),
            next_key: 0,
            next_letter: 0,
            next_timer: 0,
            inputs: 0,
            dropped: Dropped::default(),
            status: Status::Running,
            output: None,
            expected: None,
            rest: Map::new(),
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first machine; `None` before it began.
    #[must_use]
    pub fn root(&self) -> Option<&Instance> {
        self.actors.get(&FIRST).and_then(Actor::instance)
    }

    /// Every machine that runs, by the name that its effects bear.
    pub fn instances(&self) -> impl Iterator<Item = (&str, &Instance)> {
        self.actors.values().filter_map(|actor| Some((&*actor.name, actor.instance()?)))
    }

    /// How far the first machine has come.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// What it came to, when it is done.
    #[must_use]
    pub fn output(&self) -> Option<&Value> {
        self.output.as_ref()
    }

    /// How many inputs were taken.
    #[must_use]
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// What was dropped.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// When the system wants to be driven again, in nanoseconds since the epoch. A moment that has passed means at once.
    #[must_use]
    pub fn next_deadline(&self) -> Option<i64> {
        self.due.first().map(|(deadline, ..)| *deadline)
    }

    /// Timers that are set, the one that is due first at the front: when, whose, which, and its event.
    pub fn timers(&self) -> impl Iterator<Item = (i64, &str, &str, &Name)> {
        self.due.iter().filter_map(|(deadline, number, key)| {
            let actor = self.actors.get(key)?;
            let timer = actor.timers.iter().find(|timer| timer.number == *number)?;
            Some((*deadline, &*actor.name, &*timer.id, &timer.event))
        })
    }

    /// Services that run, and the machine each runs for. A host that was started again looks here for those it has to run.
    pub fn services(&self) -> impl Iterator<Item = (&str, &Running)> {
        self.actors.values().flat_map(|actor| actor.services.iter().map(|service| (&*actor.name, service)))
    }

    /// What the host has to do and was not told yet since this system was made or loaded.
    pub fn drain(&mut self) -> Vec<Output> {
        self.outbox.drain()
    }

    /// What the host has not acknowledged.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.outbox.iter()
    }

    /// Whether nothing waits but timers and the host.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty()
    }

    fn post(&mut self, to: Key, body: Body, sender: Sender) {
        let origin = self.origin(to, sender);
        self.post_from(to, body, sender, origin);
    }

    fn post_from(&mut self, to: Key, body: Body, sender: Sender, origin: Origin) {
        let number = self.next_letter;
        if let Some(actor) = self.actors.get_mut(&to) {
            self.next_letter += 1;
            actor.mailbox.push_back(Letter { number, body, sender, origin });
            self.ready.push_back((number, to));
        } else {
            self.dropped.undelivered += 1;
        }
    }
}

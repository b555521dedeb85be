//! What comes in, and what came of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::actor::{Actor, Body, FIRST, Life, Sender};
use super::limits::within;
use super::{EffectId, Exceeded, System};
use crate::effect::Start;
use crate::error::StepError;
use crate::name::Name;
use crate::step::Event;
use crate::trace::Trace;
use crate::weight::{VALUE_DEPTH_MAX, nests_within};

/// Something that comes to a system.
#[derive(Clone, Debug)]
pub enum Input {
    /// The first machine begins.
    Start {
        /// What it remembers then.
        context: Value,
    },
    /// An event.
    Event {
        /// For whom: a machine's name, what everyone calls it, or what its parent does; `None` for the first.
        to: Option<String>,
        /// The event.
        event: Event,
    },
    /// Time passes.
    Time,
    /// A service came to something.
    Service {
        /// Which run of it.
        run: EffectId,
        /// What it came to, or why it failed.
        result: Result<Value, Value>,
    },
    /// The host did what it was asked for.
    Acknowledge {
        /// The numbers of what it did.
        ids: Vec<EffectId>,
    },
}

/// One step that was taken, or was not.
#[derive(Clone, Debug)]
pub struct Stepped {
    /// Whose.
    pub machine: Arc<str>,
    /// The event; `None` when the machine began.
    pub event: Option<Name>,
    /// Why it was not taken.
    pub fault: Option<Fault>,
    /// What it asked for, as on the wire, when a trace was asked for.
    pub effects: Vec<Value>,
    /// What it did, when that was asked for.
    pub trace: Option<Box<Trace>>,
}

/// Why a step was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The machine says so.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A limit of the system.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// There is no way to begin.
    #[error("{0}")]
    Begin(String),
}

impl Fault {
    /// Whether the event was simply not for the machine as it is.
    #[must_use]
    pub fn is_unhandled(&self) -> bool {
        matches!(self, Self::Step(error) if error.is_unhandled())
    }
}

/// What an input led to.
#[derive(Clone, Debug, Default)]
pub struct Drive {
    /// Step by step.
    pub steps: Vec<Stepped>,
    /// Whether something is left to do now: for more steps than are allowed, or because the host has to acknowledge first.
    pub more: bool,
}

impl Drive {
    /// The first step that was not taken.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.steps.iter().find_map(|step| step.fault.as_ref())
    }
}

/// Why an input was not taken. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A system has a name.
    #[error("{0:?} is no name of a system: it has one character at least, and no #")]
    Name(String),
    /// There is no such machine to start.
    #[error("there is no machine {name:?}; {known}")]
    NoMachine {
        /// Which.
        name: String,
        /// What there is.
        known: String,
    },
    /// It began before.
    #[error("the system has begun before")]
    Begun,
    /// It has not begun.
    #[error("the system has not begun: its first input is a start")]
    NotBegun,
    /// The first machine cannot begin.
    #[error("the first machine cannot begin: {0}")]
    Start(Fault),
    /// There is nobody of this name.
    #[error("there is no machine {0:?} in the system")]
    NoAddressee(String),
    /// What comes with it nests too deeply to be kept.
    #[error("{what} nests deeper than {VALUE_DEPTH_MAX}")]
    Deep {
        /// Which part of the input.
        what: &'static str,
    },
    /// A limit.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

impl Input {
    /// Whether what comes with it can be kept. What a machine begins with its first step looks at.
    fn can_be_kept(&self) -> Result<(), Refusal> {
        let (what, value) = match self {
            Self::Event { event: Event { data: Some(data), .. }, .. } => ("what comes with the event", data),
            Self::Service { result: Ok(value) | Err(value), .. } => ("what the service came to", value),
            _ => return Ok(()),
        };
        if nests_within(value, VALUE_DEPTH_MAX) { Ok(()) } else { Err(Refusal::Deep { what }) }
    }
}

impl System {
    /// Begins. Errors: what the first machine's first step says; the system is as new then.
    pub fn start(&mut self, context: Value, now: i64) -> Result<Drive, Refusal> {
        self.apply(&Input::Start { context }, now)
    }

    /// Sends an event to the first machine.
    pub fn send(&mut self, event: impl Into<Event>, now: i64) -> Result<Drive, Refusal> {
        self.apply(&Input::Event { to: None, event: event.into() }, now)
    }

    /// Sends an event to a machine: by its name, by what everyone calls it, or by what its parent does.
    pub fn send_to(&mut self, to: &str, event: impl Into<Event>, now: i64) -> Result<Drive, Refusal> {
        self.apply(&Input::Event { to: Some(to.into()), event: event.into() }, now)
    }

    /// Lets the time pass, and goes on with what is left.
    pub fn advance(&mut self, now: i64) -> Result<Drive, Refusal> {
        self.apply(&Input::Time, now)
    }

    /// Says what a run of a service came to. Of a run that was stopped, or said so before, it is dropped and counted.
    pub fn service_done(
        &mut self,
        run: &EffectId,
        result: Result<Value, Value>,
        now: i64,
    ) -> Result<Drive, Refusal> {
        self.apply(&Input::Service { run: run.clone(), result }, now)
    }

    /// Says that the host did these: they are not handed out again.
    pub fn acknowledge(&mut self, ids: &[EffectId], now: i64) -> Result<Drive, Refusal> {
        self.apply(&Input::Acknowledge { ids: ids.to_vec() }, now)
    }

    /// Takes an input. Errors leave everything as it was.
    pub fn apply(&mut self, input: &Input, now: i64) -> Result<Drive, Refusal> {
        self.apply_traced(input, now, false)
    }

    /// As [`System::apply`], and every step says what it did.
    pub fn apply_traced(&mut self, input: &Input, now: i64, traced: bool) -> Result<Drive, Refusal> {
        input.can_be_kept()?;
        let begun = !self.actors.is_empty();
        let mut drive = Drive::default();
        match input {
            Input::Start { .. } if begun => return Err(Refusal::Begun),
            Input::Start { context } => self.begin(context, now, traced, &mut drive)?,
            _ if !begun => return Err(Refusal::NotBegun),
            Input::Event { to, event } => {
                let to = match to {
                    None => FIRST,
                    Some(to) => self.find(to).ok_or_else(|| Refusal::NoAddressee(to.clone()))?,
                };
                let waiting = self.actors.get(&to).map_or(0, |actor| actor.mailbox.len());
                within("mailbox", waiting + 1, self.limits.mailbox)?;
                self.expected = Some(to);
                self.run(now, traced, &mut drive);
                self.expected = None;
                self.post(to, Body::Event(event.name.clone(), event.data.clone()), Sender::Host);
            }
            Input::Time => {}
            Input::Service { run, result } => {
                self.run(now, traced, &mut drive);
                self.settle(run, result);
            }
            Input::Acknowledge { ids } => ids.iter().for_each(|id| self.outbox.acknowledge(id)),
        }
        self.run(now, traced, &mut drive);
        self.inputs += 1;
        drive.more = !self.ready.is_empty() || self.next_deadline().is_some_and(|deadline| deadline <= now);
        Ok(drive)
    }

    fn begin(&mut self, context: &Value, now: i64, traced: bool, drive: &mut Drive) -> Result<(), Refusal> {
        let fresh = self.clone();
        within("machines", 1, self.limits.machines)?;
        let start = Start {
            id: Arc::clone(&self.name),
            src: Arc::new(crate::document::model::Ref { name: self.root.clone(), ..Default::default() }),
            input: Arc::default(),
            on_done: Name::empty(),
            on_error: Name::empty(),
            system_id: None,
            state: None,
        };
        self.next_key = 1;
        let actor = Actor {
            parent: None,
            depth: 1,
            name: Arc::clone(&self.name),
            start: Arc::new(start),
            life: Life::Begins,
            mailbox: VecDeque::new(),
            timers: Vec::new(),
            services: Vec::new(),
            children: BTreeMap::new(),
            steps: 0,
        };
        self.actors.insert(FIRST, actor);
        self.begin_turn(FIRST, Some(context.clone()), now, traced, drive);
        if let Some(fault) = drive.fault().cloned() {
            *self = fresh;
            return Err(Refusal::Start(fault));
        }
        Ok(())
    }

    fn settle(&mut self, run: &EffectId, result: &Result<Value, Value>) {
        let of = |actor: &mut Actor| {
            let service =
                actor.services.iter_mut().find(|service| service.run == *run && !service.settled)?;
            service.settled = true;
            Some(())
        };
        let found = self.actors.iter_mut().find_map(|(key, actor)| of(actor).map(|()| *key));
        match found {
            Some(key) => self.post(key, Body::Service(run.clone(), result.clone()), Sender::Host),
            None => self.dropped.late += 1,
        }
    }
}

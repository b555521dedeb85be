//! What a host has to do, and how it is told exactly once.
//!
//! Every effect that leaves a system has a number made of the machine it came from, that machine's step and its place in
//! the step. A replay makes the same numbers, so that a host which remembers what it has done can tell; what it has
//! acknowledged it is not told again.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::effect::Start;
use crate::name::Name;

/// The number of an effect: `<machine>/<step>/<place>`. The same after a replay, and never that of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EffectId(Arc<str>);

impl EffectId {
    pub(crate) fn new(machine: &str, step: u64, place: u64) -> Self {
        Self(format!("{machine}/{step}/{place}").into())
    }

    /// The number, as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for EffectId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a host has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// What an action of the host returned.
    Action {
        /// Which action.
        name: Arc<str>,
        /// What it returned.
        value: Value,
    },
    /// Run a service. Its run is called after the effect that asked for it.
    StartService(Arc<Start>),
    /// Stop a run of a service; what it still comes to is dropped.
    StopService {
        /// Which run.
        run: EffectId,
    },
    /// An event for whoever drives the system: the first machine's `sendParent`, or a `respond` to the host.
    Message {
        /// The event.
        event: Value,
    },
    /// A machine failed, and the one that started it has no event for that.
    Failed {
        /// What its parent calls it.
        id: Arc<str>,
        /// What ran.
        src: String,
        /// Why.
        error: Value,
    },
}

/// One thing that a host has to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its number.
    pub id: EffectId,
    /// The machine that it is for.
    pub machine: Arc<str>,
    /// What.
    pub ask: Ask,
}

/// A service that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// Its run: the number of the effect that asked for it.
    pub run: EffectId,
    /// What was asked for.
    pub start: Arc<Start>,
    /// Whether it came to something, which waits to be handled.
    pub settled: bool,
}

/// What was not acknowledged yet, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Output>,
    /// How many of those, from the front, were handed out since this was made.
    handed: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, output: Output) {
        self.waiting.push_back(output);
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Output> {
        self.waiting.iter()
    }

    pub(crate) fn drain(&mut self) -> Vec<Output> {
        let fresh = self.waiting.iter().skip(self.handed).cloned().collect();
        self.handed = self.waiting.len();
        fresh
    }

    /// What is acknowledged is forgotten; a number that is not here was so before.
    pub(crate) fn acknowledge(&mut self, id: &EffectId) {
        if let Some(place) = self.waiting.iter().position(|output| output.id == *id) {
            self.waiting.remove(place);
            if place < self.handed {
                self.handed -= 1;
            }
        }
    }
}

/// Whether an event is there to be fired, or its place is empty.
pub(crate) fn wanted(event: &Name) -> Option<Name> {
    (!event.is_empty()).then(|| event.clone())
}

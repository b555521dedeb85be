//! One machine of a system, and what waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::output::{EffectId, Running};
use crate::effect::{Sending, Start};
use crate::instance::Instance;
use crate::name::Name;
use crate::origin::Origin;

/// The number of a machine in its system, in the order in which they were started; the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) u64);

/// The first machine of a system.
pub(crate) const FIRST: Key = Key(0);

/// How far a machine is.
#[derive(Clone, Debug)]
pub(crate) enum Life {
    /// It was asked for and begins with its next turn.
    Begins,
    /// It runs.
    Runs(Instance),
    /// It is done or has failed, and its parent has not been told yet.
    Ended,
}

/// One machine.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) parent: Option<Key>,
    pub(crate) depth: usize,
    /// What it is called in numbers of effects: unlike any other of the system, ever.
    pub(crate) name: Arc<str>,
    /// What was asked for.
    pub(crate) start: Arc<Start>,
    pub(crate) life: Life,
    pub(crate) mailbox: VecDeque<Letter>,
    pub(crate) timers: Vec<Timer>,
    pub(crate) services: Vec<Running>,
    /// By what it calls them.
    pub(crate) children: BTreeMap<Arc<str>, Key>,
    /// How many steps it was asked for.
    pub(crate) steps: u64,
}

impl Actor {
    pub(crate) fn instance(&self) -> Option<&Instance> {
        if let Life::Runs(instance) = &self.life { Some(instance) } else { None }
    }
}

/// An event that comes later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timer {
    pub(crate) id: Arc<str>,
    /// When, in nanoseconds since the epoch.
    pub(crate) deadline: i64,
    /// Of two with one deadline the one that was set first fires first.
    pub(crate) number: u64,
    pub(crate) event: Name,
    pub(crate) state: Name,
    /// What is sent then, when it is not simply the event, to the machine itself.
    pub(crate) send: Option<Arc<Sending>>,
}

/// Something that waits for a machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    /// In which order letters are handled, across all machines.
    pub(crate) number: u64,
    pub(crate) body: Body,
    pub(crate) sender: Sender,
    pub(crate) origin: Origin,
}

/// Who is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A timer, or the system.
    Nobody,
    Host,
    Machine(Key),
}

/// What it says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// Begin.
    Begin,
    /// An event.
    Event(Name, Option<Value>),
    /// A service came to something; an event only when it still runs.
    Service(EffectId, Result<Value, Value>),
    /// A machine that was started ended.
    Child(Key, Result<Value, Value>),
}

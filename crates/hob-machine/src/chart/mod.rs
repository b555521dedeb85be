//! A machine, compiled: states, transitions and what they name as numbers, in tables that every instance shares.
//!
//! States are numbered in the order of the document, parents before children, so that a state's descendants are the numbers
//! from its own up to its end. Regions are states here, without actions, so that every state that is active has exactly one
//! active child, or, when it is parallel, all of them. A number is made here and nowhere else, and counts in one chart only.

mod build;
mod guards;
pub(crate) mod session;
mod several;
pub(crate) mod shape;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::document::Document;
use crate::document::model::{self, History};
use crate::guard::Expr;
use crate::name::Name;
use crate::position::Position;
use crate::problem::Refused;

/// A state of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

/// A transition of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransitionId(pub(crate) u32);

/// An event that a chart has transitions for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub(crate) u32);

/// One place where a guard of the host is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardId(pub(crate) u32);

/// One place where an action is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionId(pub(crate) u32);

/// One place where a change of the context is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignId(pub(crate) u32);

/// By which rules a machine steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Semantics {
    /// The reference kernel's, with its errors mended: `docs/statecharts.md` lists each difference.
    #[default]
    Hob,
    /// The reference kernel's as they are, on every configuration that it keeps legal.
    Crucible,
    /// Those of the W3C's SCXML recommendation: selection, conflicts, order.
    Scxml,
}

impl Semantics {
    /// What documents and flags call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hob => "hob",
            Self::Crucible => "crucible-1.0",
            Self::Scxml => "scxml",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        [Self::Hob, Self::Crucible, Self::Scxml].into_iter().find(|each| each.as_str() == text)
    }
}

/// What a state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What holds the states at the top.
    Root,
    /// Nothing inside.
    Atomic,
    /// Nothing inside, and being in it means being done.
    Final,
    /// States inside, one of them active.
    Compound,
    /// Regions inside, all of them active.
    Parallel,
    /// One of the parts of a parallel state.
    Region,
    /// A way back to what was active.
    History(History),
}

/// One state.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is called, in a trace.
    pub label: Arc<str>,
    /// Its name.
    pub name: Name,
    /// Where it stands in the document.
    pub at: String,
    /// What it is.
    pub kind: Kind,
    pub(crate) parent: NodeId,
    /// One past the last state inside.
    pub(crate) end: u32,
    pub(crate) depth: u32,
    /// Where an instance keeps which child is active.
    pub(crate) slot: Option<u32>,
    pub(crate) children: Vec<NodeId>,
    /// What is entered when nothing says what: inside a compound state or a region.
    pub(crate) initial: Vec<NodeId>,
    /// Of a history state with nothing to remember.
    pub(crate) default: Option<NodeId>,
    /// The same, when it leads to several at once.
    pub(crate) more_defaults: Vec<NodeId>,
    pub(crate) on_entry: Vec<ActionId>,
    /// When it is entered without a target inside, after `on_entry`. SCXML has these.
    pub(crate) on_initial: Vec<ActionId>,
    pub(crate) on_exit: Vec<ActionId>,
    pub(crate) on_done: Vec<ActionId>,
    pub(crate) on_entry_assign: Vec<AssignId>,
    pub(crate) on_exit_assign: Vec<AssignId>,
    /// All of its own, in the order of the document.
    pub(crate) transitions: Vec<TransitionId>,
    pub(crate) handlers: Handlers,
    /// Its own that need no event.
    pub(crate) eventless: Vec<TransitionId>,
    pub(crate) timers: Vec<Timer>,
    pub(crate) services: Vec<Invoked>,
    pub(crate) actors: Vec<Invoked>,
    /// Of a final state: what works out its data.
    pub(crate) done_data: Option<session::HookId>,
    /// Of a parallel state: which regions an event can be for.
    pub(crate) offered: Offered,
    /// Whether it, or a state inside, has transitions without event.
    pub(crate) eventless_inside: bool,
}

impl Node {
    /// Its own transitions, in the order of the document.
    pub fn transitions(&self) -> impl Iterator<Item = TransitionId> {
        self.transitions.iter().copied()
    }

    /// Whether it is never active under its own name: a region, a history state, the root.
    pub(crate) fn is_pseudo(&self) -> bool {
        matches!(self.kind, Kind::Root | Kind::Region | Kind::History(_))
    }
}

/// Which of a state's own transitions an event is for, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handlers {
    pub(crate) by_event: Vec<(EventId, Vec<TransitionId>)>,
    pub(crate) any: Vec<TransitionId>,
    pub(crate) forbids: Vec<EventId>,
    pub(crate) forbids_all: bool,
}

impl Handlers {
    pub(crate) fn of(&self, event: Option<EventId>) -> &[TransitionId] {
        let specific = event.and_then(|event| self.by_event.iter().find(|(of, _)| *of == event));
        specific.map_or(&self.any, |(_, transitions)| transitions)
    }

    pub(crate) fn forbid(&self, event: Option<EventId>) -> bool {
        self.forbids_all || event.is_some_and(|event| self.forbids.contains(&event))
    }
}

/// Looked up while a machine runs.
pub(crate) type Table<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Which regions of a parallel state have something for an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offered {
    pub(crate) by_event: Table<EventId, Vec<NodeId>>,
    pub(crate) any: Vec<NodeId>,
    pub(crate) eventless: Vec<NodeId>,
}

impl Offered {
    pub(crate) fn of(&self, event: Option<EventId>) -> &[NodeId] {
        event.and_then(|event| self.by_event.get(&event)).unwrap_or(&self.any)
    }
}

/// An event that comes by itself.
#[derive(Clone, Debug)]
pub(crate) struct Timer {
    pub(crate) id: Arc<str>,
    pub(crate) delay_nanos: i64,
    pub(crate) event: Name,
}

/// What runs as long as its state is active.
#[derive(Clone, Debug)]
pub(crate) struct Invoked {
    pub(crate) id: Arc<str>,
    pub(crate) src: Arc<model::Ref>,
    pub(crate) input: Arc<Map<String, Value>>,
    pub(crate) on_done: Name,
    pub(crate) on_error: Name,
    pub(crate) system_id: Option<Arc<str>>,
    /// What starting it takes, when it is a session of SCXML.
    pub(crate) session: Option<session::Session>,
}

/// One transition.
#[derive(Clone, Debug)]
pub struct Transition {
    /// Where it stands in the document.
    pub at: String,
    pub(crate) source: NodeId,
    pub(crate) targets: Vec<NodeId>,
    /// What it is for; `None` of any event, and of none.
    pub(crate) event: Option<EventId>,
    pub(crate) on: Name,
    pub(crate) guards: Vec<GuardId>,
    pub(crate) guard: Option<Expr>,
    pub(crate) effects: Vec<ActionId>,
    pub(crate) assigns: Vec<AssignId>,
    pub(crate) raise: Vec<Name>,
    pub(crate) internal: bool,
    pub(crate) reenter: bool,
    pub(crate) position: Option<Position>,
}

/// One place where something of the host is named.
#[derive(Clone, Debug)]
pub struct Use {
    /// What.
    pub name: Arc<str>,
    /// What it is told.
    pub params: Map<String, Value>,
    /// Where it stands in the document.
    pub at: String,
    /// Where it stood in the source that the document was made from.
    pub position: Option<Position>,
}

/// A machine, compiled.
#[derive(Debug)]
pub struct Chart {
    pub(crate) name: Arc<str>,
    pub(crate) id: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) semantics: Semantics,
    nodes: Vec<Node>,
    transitions: Vec<Transition>,
    pub(crate) by_name: HashMap<Name, NodeId>,
    pub(crate) events: Table<Name, EventId>,
    pub(crate) event_names: Vec<Name>,
    /// How many states an instance keeps a child of.
    pub(crate) slots: usize,
    pub(crate) guards: Vec<Use>,
    pub(crate) actions: Vec<Use>,
    pub(crate) assigns: Vec<Use>,
    pub(crate) services: Vec<Use>,
    pub(crate) machines: Vec<Use>,
    /// Places of the data model, which a host need not have.
    pub(crate) hooks: Vec<Use>,
    pub(crate) begin: Option<session::HookId>,
    /// Whether anything is told of events from outside before they are handled.
    pub(crate) heeds: bool,
    source: model::Machine,
}

impl Chart {
    /// Reads, checks and compiles a document. Errors: everything that keeps it from running, each with its place.
    pub fn load(document: &Document) -> Result<Self, Refused> {
        let (machine, mut problems) = document.read();
        let chart = build::build(machine, &mut problems);
        match chart {
            Some(chart) if !problems.iter().any(crate::Problem::is_error) => Ok(chart),
            _ => Err(Refused(problems)),
        }
    }

    /// As [`Chart::load`], by these rules, whatever the document says.
    pub fn load_as(document: &Document, semantics: Semantics) -> Result<Self, Refused> {
        let (machine, mut problems) = document.read();
        let chart = build::build_as(machine, semantics, &mut problems);
        match chart {
            Some(chart) if !problems.iter().any(crate::Problem::is_error) => Ok(chart),
            _ => Err(Refused(problems)),
        }
    }

    /// Everything that is wrong with a document, what keeps it from running and what does not.
    #[must_use]
    pub fn problems(document: &Document) -> Vec<crate::Problem> {
        let (machine, mut problems) = document.read();
        build::build(machine, &mut problems);
        problems
    }

    /// The actions it names, each once, in the order of the document.
    pub fn action_names(&self) -> impl Iterator<Item = &str> {
        names(&self.actions)
    }

    /// The guards it names, each once.
    pub fn guard_names(&self) -> impl Iterator<Item = &str> {
        names(&self.guards)
    }

    /// The changes of the context it names, each once.
    pub fn assign_names(&self) -> impl Iterator<Item = &str> {
        names(&self.assigns)
    }

    /// The services it names, each once.
    pub fn service_names(&self) -> impl Iterator<Item = &str> {
        names(&self.services)
    }

    /// The machines it starts, each once.
    pub fn machine_names(&self) -> impl Iterator<Item = &str> {
        names(&self.machines)
    }

    /// Compiles a machine that was read and checked, and changed since in ways that keep it whole.
    pub(crate) fn of_model(machine: model::Machine, semantics: Semantics) -> Result<Self, Refused> {
        let mut problems = Vec::new();
        match build::build_as(machine, semantics, &mut problems) {
            Some(chart) if !problems.iter().any(crate::Problem::is_error) => Ok(chart),
            _ => Err(Refused(problems)),
        }
    }

    /// What the machine is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which version of itself it is.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// By which rules it steps.
    #[must_use]
    pub fn semantics(&self) -> Semantics {
        self.semantics
    }

    /// The machine as it was read.
    #[must_use]
    pub fn source(&self) -> &model::Machine {
        &self.source
    }

    /// The state of this name.
    #[must_use]
    pub fn state(&self, name: &Name) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }

    /// The events that have transitions, in the order in which the document names them.
    #[must_use]
    pub fn events(&self) -> &[Name] {
        &self.event_names
    }

    /// Every place where a guard of the host is named.
    #[must_use]
    pub fn guards(&self) -> &[Use] {
        &self.guards
    }

    /// Every place where an action is named, those that every machine has too.
    #[must_use]
    pub fn actions(&self) -> &[Use] {
        &self.actions
    }

    /// Every place where a change of the context is named.
    #[must_use]
    pub fn assigns(&self) -> &[Use] {
        &self.assigns
    }

    /// One state.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "only the chart makes numbers of its states")]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// One transition.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "only the chart makes numbers of its transitions")]
    pub fn transition(&self, id: TransitionId) -> &Transition {
        &self.transitions[id.0 as usize]
    }

    /// All states but the root, in the order of the document.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0u32..).map(NodeId).zip(&self.nodes).skip(1)
    }
}

fn names(uses: &[Use]) -> impl Iterator<Item = &str> {
    let mut seen = std::collections::HashSet::new();
    uses.iter().map(|each| &*each.name).filter(move |name| seen.insert(*name))
}

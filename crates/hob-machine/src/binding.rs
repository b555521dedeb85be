//! What a machine names, bound to what the host has: one registry for guards, actions and changes of the context.
//!
//! A machine does nothing that was not given to it under the name that its document uses. Whether a function is a Rust
//! closure or a module in a sandbox makes no difference here: it gets a [`Call`] and returns, or fails.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::builtin;
use crate::chart::{Chart, Invoked, Use};
use crate::effect::Effect;
use crate::instance::Active;
use crate::name::Name;
use crate::origin::Origin;
use crate::position::Position;
use crate::problem::{Problem, Refused, below};

/// What a function of the host is told.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Under which name it was called.
    pub name: &'a str,
    /// What the document tells it, at this place.
    pub params: &'a Map<String, Value>,
    /// What the machine remembers.
    pub context: &'a Value,
    /// The event that is handled; `None` while a machine begins.
    pub event: Option<&'a Name>,
    /// What came with the event.
    pub data: Option<&'a Value>,
    /// Where it stood in the source that the document was made from, when that is known.
    pub position: Option<Position>,
    /// Where the event comes from.
    pub origin: &'a Origin,
    /// What is active.
    pub here: Here<'a>,
    /// When the step must be over. Who can take long looks at it.
    pub deadline: Option<Instant>,
    /// What a data model may still do in this step.
    pub(crate) work: &'a Work,
}

/// Steps that a data model may take, all its scripts together, in one step of a machine.
#[derive(Debug)]
pub(crate) struct Work {
    most: u32,
    left: Cell<Option<u32>>,
}

impl Work {
    pub(crate) fn of(most: u32) -> Self {
        Self { most, left: Cell::new(Some(most)) }
    }

    /// Takes so many. Errors: how many there were, when they are too few; from then on there are none.
    pub(crate) fn take(&self, steps: u32) -> Result<(), u32> {
        self.left.set(self.left.get().and_then(|left| left.checked_sub(steps)));
        self.is_enough()
    }

    /// Whether nobody asked for more than there was. Errors: how many there were.
    pub(crate) fn is_enough(&self) -> Result<(), u32> {
        self.left.get().map(drop).ok_or(self.most)
    }
}

/// What is active while a function of the host is called.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    pub(crate) chart: &'a Chart,
    pub(crate) active: &'a Active,
}

impl Here<'_> {
    /// Whether a state is active at this moment.
    #[must_use]
    pub fn is_in(&self, state: &Name) -> bool {
        self.chart.state(state).is_some_and(|state| self.active.is_active(self.chart, state))
    }

    /// Whether a state that is active invokes something of this name.
    #[must_use]
    pub fn invokes(&self, id: &str) -> bool {
        let named = |invoked: &Invoked| &*invoked.id == id;
        self.chart
            .nodes()
            .any(|(state, node)| node.actors.iter().any(named) && self.active.is_active(self.chart, state))
    }
}

impl fmt::Debug for Here<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Here")
    }
}

/// Why a function of the host has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl<E: Into<String>> From<E> for Failure {
    fn from(message: E) -> Self {
        Self(message.into())
    }
}

/// Why executable content failed, as the event that tells the machine of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentFailure {
    /// Why, for people.
    pub reason: String,
    /// The event.
    pub event: Name,
    /// What comes with it.
    pub data: Value,
    /// The id of the event that could not be sent.
    pub send_id: Option<Arc<str>>,
}

impl fmt::Display for ContentFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ContentFailure {}

/// Says whether a transition may be taken. Must depend on nothing but the call.
pub type Guard = dyn Fn(&Call<'_>) -> Result<bool, Failure> + Send + Sync;
/// Returns what is to be done in the world, if anything.
pub type Action = dyn Fn(&Call<'_>) -> Result<Option<Value>, Failure> + Send + Sync;
/// Changes a context. What it did to it before it failed is undone.
pub type Assign = dyn Fn(&Call<'_>, &mut Value) -> Result<(), Failure> + Send + Sync;

/// Does both, in an order of its own: the executable content of other formats. What it raises is handled in the same step. By
/// the rules of SCXML what it did before it failed stays done.
pub type Content =
    dyn Fn(&Call<'_>, &mut Value, &mut Vec<Effect>) -> Result<(), ContentFailure> + Send + Sync;

/// Functions of the host, by name.
///
/// ```
/// use hob_machine::Registry;
///
/// let registry = Registry::new().guard("paid", |call| Ok(call.context["status"] == "paid"));
/// assert_eq!(registry.guard_names().collect::<Vec<_>>(), ["paid"]);
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    guards: BTreeMap<String, Arc<Guard>>,
    actions: BTreeMap<String, Arc<Action>>,
    assigns: BTreeMap<String, Arc<Assign>>,
    contents: BTreeMap<String, Arc<Content>>,
}

impl Registry {
    /// One without anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a guard.
    #[must_use]
    pub fn guard(
        mut self,
        name: impl Into<String>,
        guard: impl Fn(&Call<'_>) -> Result<bool, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.guards.insert(name.into(), Arc::new(guard));
        self
    }

    /// Adds an action.
    #[must_use]
    pub fn action(
        mut self,
        name: impl Into<String>,
        action: impl Fn(&Call<'_>) -> Result<Option<Value>, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.actions.insert(name.into(), Arc::new(action));
        self
    }

    /// Adds a change of the context. In the call, `context` is as it was when the step began.
    #[must_use]
    pub fn assign(
        mut self,
        name: impl Into<String>,
        assign: impl Fn(&Call<'_>, &mut Value) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.assigns.insert(name.into(), Arc::new(assign));
        self
    }

    /// Adds executable content: it stands where an action stands.
    #[must_use]
    pub fn content(
        mut self,
        name: impl Into<String>,
        content: impl Fn(&Call<'_>, &mut Value, &mut Vec<Effect>) -> Result<(), ContentFailure>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.contents.insert(name.into(), Arc::new(content));
        self
    }

    /// The names of the guards.
    pub fn guard_names(&self) -> impl Iterator<Item = &str> {
        self.guards.keys().map(String::as_str)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("guards", &self.guards.keys())
            .field("actions", &self.actions.keys())
            .field("assigns", &self.assigns.keys())
            .finish()
    }
}

/// An action, bound.
pub(crate) enum Bound {
    /// One that every machine has.
    Builtin(Effect),
    Host(Arc<Action>),
    Content(Arc<Content>),
    /// What failed before it does not keep what comes after it from running.
    Block,
}

/// A chart and what it names: everything that instances share.
pub struct Machine {
    pub(crate) chart: Arc<Chart>,
    pub(crate) guards: Vec<Arc<Guard>>,
    pub(crate) actions: Vec<Bound>,
    pub(crate) assigns: Vec<Arc<Assign>>,
    /// Where the host has something for a place of the data model.
    pub(crate) hooks: Vec<Option<Arc<Content>>>,
}

impl Machine {
    /// Binds a chart. Errors: everything that the chart names and the registry has not, each with its place.
    pub fn bind(chart: impl Into<Arc<Chart>>, registry: &Registry) -> Result<Arc<Self>, Refused> {
        let chart = chart.into();
        let mut problems = Vec::new();
        let guards = find(&chart.guards, &registry.guards, "guard", &mut problems);
        let assigns = find(&chart.assigns, &registry.assigns, "assign", &mut problems);
        let mut actions = Vec::with_capacity(chart.actions.len());
        for action in &chart.actions {
            let host = || registry.actions.get(&*action.name).cloned().map(Bound::Host);
            let content = || registry.contents.get(&*action.name).cloned().map(Bound::Content);
            let block = (&*action.name == builtin::BLOCK).then_some(Bound::Block);
            match block.or_else(|| builtin::effect(action).map(Bound::Builtin)).or_else(host).or_else(content)
            {
                Some(bound) => actions.push(bound),
                None => problems.push(unbound(action, "action", registry.actions.keys())),
            }
        }
        if problems.is_empty() {
            let hook = |hook: &Use| registry.contents.get(&*hook.name).cloned();
            let hooks = chart.hooks.iter().map(hook).collect();
            Ok(Arc::new(Self { chart, guards, actions, assigns, hooks }))
        } else {
            Err(Refused(problems))
        }
    }

    /// The chart.
    #[must_use]
    pub fn chart(&self) -> &Arc<Chart> {
        &self.chart
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("name", &self.chart.name).finish_non_exhaustive()
    }
}

fn find<T: ?Sized>(
    uses: &[Use],
    registered: &BTreeMap<String, Arc<T>>,
    kind: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Arc<T>> {
    let bound = uses.iter().filter_map(|wanted| {
        let found = registered.get(&*wanted.name).cloned();
        if found.is_none() {
            problems.push(unbound(wanted, kind, registered.keys()));
        }
        found
    });
    bound.collect()
}

fn unbound<'a>(wanted: &Use, kind: &str, known: impl Iterator<Item = &'a String>) -> Problem {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let known =
        if known.is_empty() { "there are none".into() } else { format!("there are {}", known.join(", ")) };
    let message = format!("no {kind} {:?} was given; {known}", wanted.name);
    Problem::error("unbound", below(&wanted.at, "name"), message)
}

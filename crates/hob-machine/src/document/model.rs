//! A machine as its document says it, read into types and not checked yet.
//!
//! Every part knows where it stands, so that whoever finds something wrong can say where.

use serde_json::{Map, Value};

use crate::name::Name;
use crate::position::Position;

/// A whole machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// A name in the world, as its author gave it.
    pub id: Option<String>,
    /// What it is called.
    pub name: String,
    /// Which version of itself it is.
    pub version: Option<String>,
    /// What its context holds.
    pub context: Option<ContextSchema>,
    /// The states at the top.
    pub states: Vec<State>,
    /// Where it begins.
    pub initial: Option<Name>,
    /// What its author keeps with it.
    pub meta: Map<String, Value>,
}

/// One state.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Where it stands.
    pub at: String,
    /// What it is called: unlike any other state of the machine.
    pub name: Name,
    /// Who looks after it.
    pub owned_by: Option<String>,
    /// In the order in which they are tried.
    pub transitions: Vec<Transition>,
    /// Actions when it is entered.
    pub on_entry: Vec<Ref>,
    /// Actions when it is left.
    pub on_exit: Vec<Ref>,
    /// Whether being in it means being done.
    pub is_final: bool,
    /// Actions when what is inside is done.
    pub on_done: Vec<Ref>,
    /// Changes of the context when it is entered.
    pub on_entry_assign: Vec<Ref>,
    /// Changes of the context when it is left.
    pub on_exit_assign: Vec<Ref>,
    /// The states inside, of which one is active.
    pub children: Vec<State>,
    /// Which of them is active first.
    pub initial_child: Option<Name>,
    /// The regions inside, all of which are active.
    pub regions: Vec<Region>,
    /// What it remembers, when it is a history state.
    pub history: Option<History>,
    /// Where it leads when there is nothing to remember.
    pub history_default: Option<Name>,
    /// What runs as long as it is active.
    pub invoke: Vec<Invocation>,
    /// What its author keeps with it.
    pub meta: Map<String, Value>,
}

/// What a history state remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Which child of its parent was active.
    Shallow,
    /// Which leaves below its parent were.
    Deep,
}

/// One of several parts that are active at the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Where it stands.
    pub at: String,
    /// What it is called, among the regions of its state.
    pub name: String,
    /// The states inside, of which one is active.
    pub states: Vec<State>,
    /// Which of them is active first.
    pub initial_child: Option<Name>,
    /// What its author keeps with it.
    pub meta: Map<String, Value>,
}

/// A way from a state.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the format has these switches")]
pub struct Transition {
    /// Where it stands.
    pub at: String,
    /// The state that has it; what the document says here is repeated and does not count.
    pub from: Name,
    /// Where it leads; empty when nowhere.
    pub to: Name,
    /// Which event it is for; empty when for none.
    pub on: Name,
    /// Named guards, all of which must pass.
    pub guards: Vec<Ref>,
    /// A guard that must pass too.
    pub guard_expr: Option<GuardNode>,
    /// Actions.
    pub effects: Vec<Ref>,
    /// Changes of the context.
    pub assigns: Vec<Ref>,
    /// It leaves and enters nothing.
    pub internal: bool,
    /// It needs no event.
    pub event_less: bool,
    /// It is for an event that comes by itself, so many nanoseconds after the state was entered.
    pub after: Option<i64>,
    /// It is for every event.
    pub wildcard: bool,
    /// The event is not for this state, and for none above it.
    pub forbidden: bool,
    /// It leaves and enters even where it would otherwise not.
    pub reenter: bool,
    /// Events it raises, for the machine itself.
    pub raise: Vec<Name>,
    /// Where it stood in the source that the document was made from.
    pub position: Option<Position>,
    /// What its author keeps with it.
    pub meta: Map<String, Value>,
}

/// Something of the host, by its name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ref {
    /// Where it stands.
    pub at: String,
    /// What it is called.
    pub name: String,
    /// What it is told.
    pub params: Map<String, Value>,
    /// Where it stood in the source that the document was made from.
    pub position: Option<Position>,
}

/// What runs as long as a state is active.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// Where it stands.
    pub at: String,
    /// What it is called, when not after its place.
    pub id: Option<String>,
    /// What runs.
    pub src: Ref,
    /// What it is given.
    pub input: Map<String, Value>,
    /// The event when it is done; empty when none.
    pub on_done: Name,
    /// The event when it failed; empty when none.
    pub on_error: Name,
    /// What it is.
    pub kind: InvocationKind,
    /// What others call it.
    pub system_id: Option<String>,
}

/// What an invocation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationKind {
    /// A service of the host.
    Service,
    /// Another machine.
    Machine,
}

/// A guard as an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardNode {
    /// Where it stands.
    pub at: String,
    /// What it does.
    pub op: String,
    /// Which guard, of a `leaf`.
    pub reference: Option<Ref>,
    /// Which state, of a `stateIn`.
    pub state: Option<Name>,
    /// Where in the context, of a `field`.
    pub path: String,
    /// Which value, of a `literal`.
    pub literal: Option<Literal>,
    /// Which values, of an `in`.
    pub set: Vec<Literal>,
    /// What it is made of.
    pub children: Vec<GuardNode>,
}

/// A value that stands in a guard.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// What it is.
    pub kind: FieldKind,
    /// The value itself.
    pub value: Value,
}

/// What a context holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContextSchema {
    /// Field by field.
    pub fields: Vec<SchemaField>,
}

/// One field of a context.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaField {
    /// What it is called.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it may hold nothing.
    pub nullable: bool,
    /// What it holds, of an object.
    pub fields: Vec<SchemaField>,
    /// What each holds, of a list or a map.
    pub elem: Option<Box<SchemaField>>,
    /// The values there are, of an enumeration.
    pub choices: Vec<String>,
}

/// What a field or a literal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A string.
    String,
    /// An integer.
    Int,
    /// A number.
    Float,
    /// A boolean.
    Bool,
    /// A length of time, as in `1m30s`.
    Duration,
    /// A moment.
    Time,
    /// An object with named fields.
    Object,
    /// A list.
    List,
    /// An object with keys of any name.
    Map,
    /// One of several strings.
    Enum,
    /// Anything.
    Any,
}

impl FieldKind {
    /// What documents call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Duration => "duration",
            Self::Time => "time",
            Self::Object => "object",
            Self::List => "list",
            Self::Map => "map",
            Self::Enum => "enum",
            Self::Any => "any",
        }
    }

    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::String,
        Self::Int,
        Self::Float,
        Self::Bool,
        Self::Duration,
        Self::Time,
        Self::Object,
        Self::List,
        Self::Map,
        Self::Enum,
        Self::Any,
    ];
}

impl ContextSchema {
    /// The field at a dotted path. `None` when there is none; through a field of any kind every path leads.
    #[must_use]
    pub fn field_at(&self, path: &str) -> Option<FieldKind> {
        let mut fields = &self.fields;
        let mut kind = FieldKind::Object;
        let mut elem: Option<&SchemaField> = None;
        for segment in path.split('.') {
            let field = match kind {
                FieldKind::Any => return Some(FieldKind::Any),
                FieldKind::Map => elem?,
                _ => fields.iter().find(|field| field.name == segment)?,
            };
            kind = field.kind;
            fields = &field.fields;
            elem = field.elem.as_deref();
        }
        Some(kind)
    }
}

impl Machine {
    /// Every state, parents before children, in the order of the document.
    pub fn all_states(&self) -> impl Iterator<Item = &State> {
        let mut stack: Vec<&State> = self.states.iter().rev().collect();
        std::iter::from_fn(move || {
            let state = stack.pop()?;
            stack.extend(state.inside().rev());
            Some(state)
        })
    }
}

impl State {
    /// The states right inside, those of its regions too.
    pub fn inside(&self) -> impl DoubleEndedIterator<Item = &Self> {
        self.children.iter().chain(self.regions.iter().flat_map(|region| &region.states))
    }
}

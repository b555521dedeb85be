//! What an actor does: a kind is code, a state is a value, and an actor is both.
//!
//! Keeping them apart is what makes the rest simple. Taking back a turn puts old values back; a store keeps values; an actor
//! that sleeps is a value; an upgrade is a function from value to value. A kind that closes over references of its own hides
//! them from all that, so it should not: references belong into the state.

use std::sync::Arc;

use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

/// The code of actors.
///
/// ```
/// use hob_vat::{Actormap, Answer, Kind, Me, Problem, Turn, Value};
///
/// /// Counts how often it was called.
/// struct Counter;
///
/// impl Kind for Counter {
///     fn name(&self) -> &str {
///         "counter"
///     }
///     fn call(&self, _: &mut Turn, me: Me<'_>, _: &[Value]) -> Result<Answer, Problem> {
///         let next = Value::from(me.state().as_i64().unwrap_or(0) + 1);
///         Ok(me.becomes(next.clone()).saying(next))
///     }
/// }
///
/// let mut map = Actormap::new();
/// let counter = map.poke(|turn| turn.spawn(&Counter, 0.into()))?;
/// map.poke(|turn| turn.call(counter, &[]))?;
/// assert_eq!(map.peek(|turn| turn.call(counter, &[]))?, 2.into());
/// assert_eq!(map.peek(|turn| turn.call(counter, &[]))?, 2.into());
/// # Ok::<(), Problem>(())
/// ```
pub trait Kind: Send + Sync + 'static {
    /// The name that a store knows it by: unique among the kinds of a vat.
    fn name(&self) -> &str;

    /// The version of the states it makes.
    fn version(&self) -> u32 {
        0
    }

    /// One call: answers with a value, and with what the actor becomes if it changes.
    ///
    /// # Errors
    ///
    /// Whatever the caller shall be told; nothing that the call did remains.
    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem>;

    /// A state of an older version as one of this.
    ///
    /// # Errors
    ///
    /// What cannot be upgraded. The default upgrades nothing.
    fn upgrade(&self, from: u32, state: Value) -> Result<Value, Problem> {
        let _ = state;
        Err(Problem::rule(
            "no-upgrade",
            format!("{} {} cannot read a state of version {from}", self.name(), self.version()),
        ))
    }
}

/// A kind, shared by its actors.
#[derive(Clone)]
pub enum KindRef {
    /// One that is part of the program.
    Static(&'static dyn Kind),
    /// One that was made while it runs.
    Shared(Arc<dyn Kind>),
}

impl std::ops::Deref for KindRef {
    type Target = dyn Kind;

    fn deref(&self) -> &(dyn Kind + 'static) {
        match self {
            Self::Static(kind) => *kind,
            Self::Shared(kind) => &**kind,
        }
    }
}

impl<K: Kind> From<&'static K> for KindRef {
    fn from(kind: &'static K) -> Self {
        Self::Static(kind)
    }
}

impl<K: Kind> From<Arc<K>> for KindRef {
    fn from(kind: Arc<K>) -> Self {
        Self::Shared(kind)
    }
}

impl std::fmt::Debug for KindRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What an actor is when it is called: its state, and the right to become something else.
///
/// Only this object's own `Me` makes it become anything: an answer that was made with another's is refused.
#[derive(Clone, Copy)]
pub struct Me<'a> {
    pub(crate) state: &'a Value,
    pub(crate) object: Ref,
}

impl<'a> Me<'a> {
    /// What it keeps.
    #[must_use]
    pub fn state(&self) -> &'a Value {
        self.state
    }

    /// The actor itself.
    #[must_use]
    pub fn itself(&self) -> Ref {
        self.object
    }

    /// The actor goes on with this state.
    #[must_use]
    pub fn becomes(&self, state: Value) -> Answer {
        Answer { value: Value::Undefined, next: Some(Next { object: self.object, kind: None, state }) }
    }

    /// The actor goes on as another kind.
    #[must_use]
    pub fn becomes_a(&self, kind: impl Into<KindRef>, state: Value) -> Answer {
        Answer {
            value: Value::Undefined,
            next: Some(Next { object: self.object, kind: Some(kind.into()), state }),
        }
    }
}

/// What a call answers, and what the actor becomes.
#[derive(Debug)]
pub struct Answer {
    pub(crate) value: Value,
    pub(crate) next: Option<Next>,
}

/// What an actor becomes, sealed for it alone.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) object: Ref,
    /// None: the kind it is.
    pub(crate) kind: Option<KindRef>,
    pub(crate) state: Value,
}

impl Answer {
    /// The same with a value for the caller.
    #[must_use]
    pub fn saying(self, value: impl Into<Value>) -> Self {
        Self { value: value.into(), ..self }
    }
}

impl<V: Into<Value>> From<V> for Answer {
    fn from(value: V) -> Self {
        Self { value: value.into(), next: None }
    }
}

/// A kind made of a function: for tests, and for what need not survive the process.
pub(crate) struct FromFn<F> {
    pub(crate) name: &'static str,
    pub(crate) f: F,
}

impl<F> Kind for FromFn<F>
where
    F: Fn(&mut Turn, Me<'_>, &[Value]) -> Result<Answer, Problem> + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        self.name
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        (self.f)(turn, me, args)
    }
}

/// A kind from a function and a name. A store cannot find it again after a restart.
///
/// ```
/// use hob_vat::{Actormap, Value, kind_fn};
///
/// let mut map = Actormap::new();
/// let echo = map.poke(|turn| turn.spawn(kind_fn("echo", |_, _, args| Ok(Value::list(args.to_vec()).into())), ().into()))?;
/// assert_eq!(map.peek(|turn| turn.call(echo, &[1.into()]))?, Value::list([1.into()]));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
pub fn kind_fn<F>(name: &'static str, f: F) -> KindRef
where
    F: Fn(&mut Turn, Me<'_>, &[Value]) -> Result<Answer, Problem> + Send + Sync + 'static,
{
    KindRef::Shared(Arc::new(FromFn { name, f }))
}

/// Makes actors of a kind: `['spawn state]` answers a new one.
///
/// To hold it is the right to run that code, and no other.
#[must_use]
pub fn maker(kind: KindRef) -> KindRef {
    KindRef::Shared(Arc::new(Maker { name: format!("{MAKES}{}", kind.name()), kind }))
}

/// What the names of makers begin with; the name of what they make follows.
pub(crate) const MAKES: &str = "make:";

struct Maker {
    name: String,
    kind: KindRef,
}

impl Kind for Maker {
    fn name(&self) -> &str {
        &self.name
    }

    fn call(&self, turn: &mut Turn, _: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        match args {
            [spawn, rest @ ..] if spawn.as_name() == Some("spawn") && rest.len() < 2 => {
                turn.spawn(self.kind.clone(), rest.first().cloned().unwrap_or_default()).map(Answer::from)
            }
            _ => Err(Problem::no_method(args, &["spawn [state]"])),
        }
    }

    /// It keeps nothing, so one stands in for another.
    fn upgrade(&self, from: u32, state: Value) -> Result<Value, Problem> {
        match (from, &state) {
            (0, Value::Undefined) => Ok(state),
            _ => Err(Problem::rule("no-upgrade", format!("{} keeps no state", self.name))),
        }
    }
}

//! Guards: whether a transition may be taken.
//!
//! A guard is a named function of the host, a comparison of fields of the context, a question about the configuration, or
//! any of these joined by and, or, not. It is compiled once, names resolved, and evaluated without allocating. An error is an
//! error wherever it stands: `not` does not make a yes of it.

pub mod duration;
pub mod value;

use serde_json::Value;

use crate::chart::{GuardId, NodeId};
use value::{Compare, Operand};

/// A guard, ready to be evaluated.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A function of the host.
    Named(GuardId),
    /// Whether a state is active.
    StateIn {
        /// Which.
        state: NodeId,
        /// How it is shown.
        label: String,
    },
    /// All of them, as far as the first that does not.
    And(Box<[Expr]>),
    /// One of them, as far as the first that does.
    Or(Box<[Expr]>),
    /// Not.
    Not(Box<Expr>),
    /// Two values compared.
    Compare {
        /// How.
        op: Compare,
        /// What.
        left: Source,
        /// With what.
        right: Source,
        /// How it is shown.
        label: String,
    },
    /// A value that is one of several.
    OneOf {
        /// What.
        value: Source,
        /// Of which.
        set: Box<[Value]>,
        /// How it is shown.
        label: String,
    },
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// It stands in the guard.
    Literal(Value),
    /// It is in the context, at this path.
    Field(Box<[String]>),
}

impl Source {
    fn get<'a>(&'a self, context: &'a Value) -> Result<Operand<'a>, String> {
        match self {
            Self::Literal(value) => Ok(Operand::of(value)),
            Self::Field(path) => value::at_path(context, path).map(Operand::of),
        }
    }
}

/// What a guard asks while it is evaluated.
pub(crate) trait Ask {
    /// Why an answer is missing.
    type Error;

    /// Whether a function of the host agrees.
    fn named(&mut self, guard: GuardId) -> Result<bool, Self::Error>;
    /// Whether a state is active.
    fn is_active(&mut self, state: NodeId, label: &str) -> bool;
    /// That a comparison is made; returns what it is made on.
    fn context(&mut self, label: &str) -> &Value;
    /// A comparison that cannot be made.
    fn wrong(&mut self, label: &str, why: String) -> Self::Error;
    /// A guard that said no, as long as nobody turned that around.
    fn said_no(&mut self, label: Label<'_>);
}

/// What said no.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label<'a> {
    /// A function of the host.
    Named(GuardId),
    /// An expression.
    Shown(&'a str),
    /// A negation of what said yes.
    Not,
}

impl Expr {
    pub(crate) fn evaluate<A: Ask>(&self, ask: &mut A) -> Result<bool, A::Error> {
        let (holds, label) = match self {
            Self::Named(guard) => (ask.named(*guard)?, Label::Named(*guard)),
            Self::StateIn { state, label } => (ask.is_active(*state, label), Label::Shown(label)),
            Self::And(all) => {
                for each in all {
                    if !each.evaluate(ask)? {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
            Self::Or(any) => {
                for each in any {
                    if each.evaluate(ask)? {
                        return Ok(true);
                    }
                }
                return Ok(false);
            }
            Self::Not(inner) => (!inner.evaluate(ask)?, Label::Not),
            Self::Compare { op, left, right, label } => {
                let context = ask.context(label);
                let both = left.get(context).and_then(|left| Ok((left, right.get(context)?)));
                match both.and_then(|(left, right)| op.holds(left, right)) {
                    Ok(holds) => (holds, Label::Shown(label)),
                    Err(why) => return Err(ask.wrong(label, why)),
                }
            }
            Self::OneOf { value, set, label } => match value.get(ask.context(label)) {
                Ok(found) => {
                    (set.iter().any(|each| value::equal(found, Operand::of(each))), Label::Shown(label))
                }
                Err(why) => return Err(ask.wrong(label, why)),
            },
        };
        if !holds {
            ask.said_no(label);
        }
        Ok(holds)
    }
}

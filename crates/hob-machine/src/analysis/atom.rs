//! Guards as formulas over atoms: the questions that have an answer of their own.
//!
//! Two places that ask the same of the same are one atom, because a guard depends on nothing but what it is told. All that
//! is said about guards without running a machine, and all that is assumed while running one, is said of atoms.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::chart::{Chart, GuardId, NodeId, TransitionId};
use crate::guard::value::Compare;
use crate::guard::{Expr, Source};

/// A question that has one answer.
#[derive(Clone, Debug)]
pub(crate) enum Atom {
    /// What a function of the host says.
    Named,
    /// Whether a state is active.
    StateIn(NodeId),
    /// How two values compare.
    Compare { op: Compare, left: Source, right: Source },
    /// Whether a value is one of several.
    OneOf { value: Source, set: Box<[Value]> },
}

/// The number of an atom among [`Atoms`].
pub(crate) type AtomId = usize;

/// A guard, over atoms.
#[derive(Clone, Debug)]
pub(crate) enum Formula {
    Atom(AtomId),
    And(Vec<Formula>),
    Or(Vec<Formula>),
    Not(Box<Formula>),
}

/// All that the guards of some charts ask.
#[derive(Default)]
pub(crate) struct Atoms {
    list: Vec<(Atom, String)>,
    known: HashMap<String, AtomId>,
}

impl Atoms {
    pub(crate) fn get(&self, id: AtomId) -> Option<&Atom> {
        self.list.get(id).map(|(atom, _)| atom)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// As traces show it.
    pub(crate) fn label(&self, id: AtomId) -> &str {
        self.list.get(id).map_or("", |(_, label)| label)
    }

    /// The questions for states.
    pub(crate) fn states(&self) -> impl Iterator<Item = (AtomId, NodeId)> {
        self.list.iter().enumerate().filter_map(|(id, (atom, _))| match atom {
            Atom::StateIn(state) => Some((id, *state)),
            _ => None,
        })
    }

    fn add(&mut self, atom: Atom, label: &str) -> AtomId {
        self.add_as(format!("{atom:?}"), atom, label)
    }

    fn add_as(&mut self, key: String, atom: Atom, label: &str) -> AtomId {
        let next = self.list.len();
        let id = *self.known.entry(key).or_insert(next);
        if id == next {
            self.list.push((atom, label.to_owned()));
        }
        id
    }

    pub(crate) fn named(&mut self, chart: &Chart, guard: GuardId) -> AtomId {
        let (name, params) = match chart.guards.get(guard.0 as usize) {
            Some(wanted) => (wanted.name.to_string(), wanted.params.clone()),
            None => (String::new(), Map::new()),
        };
        let label = match params.is_empty() {
            true => name.clone(),
            false => format!("{name}({})", Value::Object(params.clone())),
        };
        self.add_as(format!("{name:?} {}", Value::Object(params)), Atom::Named, &label)
    }

    /// An expression as a formula. It nests no deeper than a document may.
    pub(crate) fn formula(&mut self, chart: &Chart, expr: &Expr) -> Formula {
        let all = |atoms: &mut Self, parts: &[Expr]| -> Vec<Formula> {
            parts.iter().map(|part| atoms.formula(chart, part)).collect()
        };
        match expr {
            Expr::Named(guard) => Formula::Atom(self.named(chart, *guard)),
            Expr::StateIn { state, label } => Formula::Atom(self.add(Atom::StateIn(*state), label)),
            Expr::And(parts) => Formula::And(all(self, parts)),
            Expr::Or(parts) => Formula::Or(all(self, parts)),
            Expr::Not(inner) => Formula::Not(Box::new(self.formula(chart, inner))),
            Expr::Compare { op, left, right, label } => {
                let atom = Atom::Compare { op: *op, left: left.clone(), right: right.clone() };
                Formula::Atom(self.add(atom, label))
            }
            Expr::OneOf { value, set, label } => {
                Formula::Atom(self.add(Atom::OneOf { value: value.clone(), set: set.clone() }, label))
            }
        }
    }

    /// All that a transition asks before it is taken.
    pub(crate) fn of_transition(&mut self, chart: &Chart, id: TransitionId) -> Formula {
        let transition = chart.transition(id);
        let mut parts: Vec<Formula> =
            transition.guards.iter().map(|guard| Formula::Atom(self.named(chart, *guard))).collect();
        parts.extend(transition.guard.as_ref().map(|expr| self.formula(chart, expr)));
        Formula::And(parts)
    }
}

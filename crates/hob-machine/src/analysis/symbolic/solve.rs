//! Whether the answers of a clause can be given together, and by which context.
//!
//! Field by field with [`Domain`]; two fields compared with each other by what is left of their order; states by the shape of
//! the chart. What does not fit is surely impossible. What fits may still be impossible, so an example is tried out on the
//! guards themselves before anybody is told of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::dnf::Clause;
use super::domain::Domain;
use crate::analysis::atom::{Atom, AtomId, Atoms};
use crate::chart::{Chart, Kind, NodeId};
use crate::document::model::{ContextSchema, FieldKind, SchemaField};
use crate::guard::Source;
use crate::guard::value::{Compare, Operand, equal};

/// How two fields may relate: less, equal and in order, equal without order, greater, neither.
const ANY_ORDER: u8 = 0b1_1111;
const LESS: u8 = 0b0_0001;
const SAME: u8 = 0b0_0010;
const ALIKE: u8 = 0b0_0100;
const GREATER: u8 = 0b0_1000;
const APART: u8 = 0b1_0000;

/// Puts together what single answers say.
pub(crate) struct Solver<'a> {
    pub(crate) chart: &'a Chart,
    pub(crate) atoms: &'a Atoms,
}

type Path = Box<[String]>;

/// What a clause leaves of each field.
#[derive(Default)]
struct Left {
    fields: BTreeMap<Path, Domain>,
    orders: BTreeMap<(Path, Path), u8>,
    states: Vec<(NodeId, bool)>,
}

impl Solver<'_> {
    /// Whether these answers surely cannot be given together while `inside` is active.
    pub(crate) fn is_impossible(&self, clause: &[(AtomId, bool)], inside: Option<NodeId>) -> bool {
        self.left(clause, inside).is_none()
    }

    /// A context in which the answers of a clause may be given; `None` when it is surely impossible.
    pub(crate) fn example(&self, clause: &Clause, inside: Option<NodeId>) -> Option<Value> {
        let left = self.left(clause, inside)?;
        let mut context = Value::Object(Map::new());
        for (path, domain) in &left.fields {
            put(&mut context, path, domain.pick().unwrap_or_default());
        }
        Some(context)
    }

    fn left(&self, clause: &[(AtomId, bool)], inside: Option<NodeId>) -> Option<Left> {
        let mut left = Left::default();
        left.states.extend(inside.map(|state| (state, true)));
        for (id, answer) in clause {
            let possible = match self.atoms.get(*id) {
                Some(Atom::StateIn(state)) => self.state(&mut left, *state, *answer),
                Some(Atom::Compare { op, left: from, right: to }) => {
                    self.compare(&mut left, *op, from, to, *answer)
                }
                Some(Atom::OneOf { value: Source::Literal(value), set }) => {
                    set.iter().any(|each| equal(Operand::of(value), Operand::of(each))) == *answer
                }
                Some(Atom::OneOf { value: Source::Field(path), set }) => {
                    let domain = self.domain(&mut left, path);
                    domain.one_of(set, *answer);
                    !domain.is_empty()
                }
                Some(Atom::Named) | None => true,
            };
            if !possible {
                return None;
            }
        }
        Some(left)
    }

    fn state(&self, left: &mut Left, state: NodeId, active: bool) -> bool {
        let fits = |(other, other_active): &(NodeId, bool)| match (active, other_active) {
            (true, true) => self.can_both_be_active(state, *other),
            (true, false) => !self.chart.is_within(state, *other),
            (false, true) => !self.chart.is_within(*other, state),
            (false, false) => true,
        };
        let possible = left.states.iter().all(fits);
        left.states.push((state, active));
        possible
    }

    fn can_both_be_active(&self, a: NodeId, b: NodeId) -> bool {
        let common = self.chart.common(a, b);
        common == a || common == b || self.chart.node(common).kind == Kind::Parallel
    }

    fn domain<'l>(&self, left: &'l mut Left, path: &[String]) -> &'l mut Domain {
        let schema = self.chart.source().context.as_ref();
        left.fields
            .entry(path.into())
            .or_insert_with(|| schema.map_or_else(Domain::any, |schema| Domain::of(field_at(schema, path))))
    }

    fn compare(&self, left: &mut Left, op: Compare, from: &Source, to: &Source, answer: bool) -> bool {
        match (from, to) {
            (Source::Literal(from), Source::Literal(to)) => {
                op.holds(Operand::of(from), Operand::of(to)) == Ok(answer)
            }
            (Source::Field(path), Source::Literal(value)) => {
                let domain = self.domain(left, path);
                domain.compared(op, value, answer);
                !domain.is_empty()
            }
            (Source::Literal(value), Source::Field(path)) => {
                let domain = self.domain(left, path);
                domain.compared(turned(op), value, answer);
                !domain.is_empty()
            }
            (Source::Field(a), Source::Field(b)) => {
                let (key, op) = match a <= b {
                    true => ((a.clone(), b.clone()), op),
                    false => ((b.clone(), a.clone()), turned(op)),
                };
                self.domain(left, a);
                self.domain(left, b);
                let begin = if a == b { SAME | ALIKE | APART } else { ANY_ORDER };
                let order = left.orders.entry(key).or_insert(begin);
                *order &= allowed(op, answer);
                *order != 0
            }
        }
    }
}

/// What an answer leaves of the order of two fields.
fn allowed(op: Compare, answer: bool) -> u8 {
    match (op, answer) {
        (Compare::Eq, true) | (Compare::Ne, false) => SAME | ALIKE,
        (Compare::Eq, false) | (Compare::Ne, true) => LESS | GREATER | APART,
        (Compare::Lt, true) | (Compare::Ge, false) => LESS,
        (Compare::Le, true) | (Compare::Gt, false) => LESS | SAME,
        (Compare::Gt, true) | (Compare::Le, false) => GREATER,
        (Compare::Ge, true) | (Compare::Lt, false) => GREATER | SAME,
    }
}

/// The same comparison, sides exchanged.
fn turned(op: Compare) -> Compare {
    match op {
        Compare::Eq => Compare::Eq,
        Compare::Ne => Compare::Ne,
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
    }
}

/// What a schema says of a field; `None` when it says nothing.
fn field_at<'s>(schema: &'s ContextSchema, path: &[String]) -> Option<&'s SchemaField> {
    let mut fields = &schema.fields;
    let mut field: Option<&SchemaField> = None;
    for segment in path {
        let next = match field {
            Some(around) if around.kind == FieldKind::Any => return None,
            Some(around) if around.kind == FieldKind::Map => around.elem.as_deref()?,
            _ => fields.iter().find(|field| field.name == *segment)?,
        };
        fields = &next.fields;
        field = Some(next);
    }
    field
}

/// Puts a value at a path. Where one path leads through another the later one counts.
fn put(context: &mut Value, path: &[String], value: Value) {
    let mut place = context;
    for segment in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(fields) = place else { return };
        place = fields.entry(segment.clone()).or_insert(Value::Null);
    }
    *place = value;
}

//! Trying an example out: the comparisons are made as the kernel makes them, in the order in which it makes them.

use serde_json::Value;

use crate::analysis::atom::{Atom, AtomId, Atoms, Formula};
use crate::guard::Source;
use crate::guard::value::{self, Operand};

/// What a formula says in a context, when `told` is what hosts and states answer; what nobody told says no.
/// `None` when a comparison has no answer.
pub(super) fn answer(
    formula: &Formula,
    atoms: &Atoms,
    context: &Value,
    told: &[(AtomId, bool)],
) -> Option<bool> {
    let ask = |part: &Formula| answer(part, atoms, context, told);
    match formula {
        Formula::And(parts) => {
            for part in parts {
                if !ask(part)? {
                    return Some(false);
                }
            }
            Some(true)
        }
        Formula::Or(parts) => {
            for part in parts {
                if ask(part)? {
                    return Some(true);
                }
            }
            Some(false)
        }
        Formula::Not(inner) => ask(inner).map(|yes| !yes),
        Formula::Atom(id) => match atoms.get(*id)? {
            atom if is_told(atom) => {
                Some(told.iter().find(|(of, _)| of == id).is_some_and(|(_, answer)| *answer))
            }
            Atom::Compare { op, left, right } => {
                let (left, right) = (get(left, context)?, get(right, context)?);
                op.holds(Operand::of(left), Operand::of(right)).ok()
            }
            Atom::OneOf { value, set } => {
                let found = Operand::of(get(value, context)?);
                Some(set.iter().any(|each| value::equal(found, Operand::of(each))))
            }
            _ => None,
        },
    }
}

/// Whether the answer of an atom does not depend on the context, as far as is known here.
pub(super) fn is_told(atom: &Atom) -> bool {
    matches!(atom, Atom::Named | Atom::StateIn(_))
}

fn get<'v>(source: &'v Source, context: &'v Value) -> Option<&'v Value> {
    match source {
        Source::Literal(value) => Some(value),
        Source::Field(path) => value::at_path(context, path).ok(),
    }
}

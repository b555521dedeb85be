//! A formula as clauses, one of which must hold.
//!
//! A clause lists which atoms say yes and which no. What is asked first does not count here: `or(a, b)` becomes `a` and `b`,
//! though `b` is asked only after `a` said no. That makes clauses weaker than the guard and never stronger, so that what no
//! clause allows no guard allows. Stops: guards whose clauses would fill the memory, by a number of them.

use crate::analysis::atom::{AtomId, Formula};

/// Which atoms say yes, and which no, by their numbers.
pub(crate) type Clause = Vec<(AtomId, bool)>;

/// How many clauses a guard may become.
pub const CLAUSES_MAX: usize = 4096;

/// A formula has more than [`CLAUSES_MAX`] clauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capped;

/// The clauses of a formula that says `wanted`. None at all: it never does.
pub(crate) fn clauses(formula: &Formula, wanted: bool) -> Result<Vec<Clause>, Capped> {
    match (formula, wanted) {
        (Formula::Atom(atom), _) => Ok(vec![vec![(*atom, wanted)]]),
        (Formula::Not(inner), _) => clauses(inner, !wanted),
        (Formula::And(parts), true) | (Formula::Or(parts), false) => {
            let mut product: Vec<Clause> = vec![Vec::new()];
            for part in parts {
                product = both(&product, &clauses(part, wanted)?)?;
            }
            Ok(product)
        }
        (Formula::And(parts), false) | (Formula::Or(parts), true) => {
            let mut sum = Vec::new();
            for part in parts {
                sum.extend(clauses(part, wanted)?);
                if sum.len() > CLAUSES_MAX {
                    return Err(Capped);
                }
            }
            Ok(sum)
        }
    }
}

/// What one of each allows together.
pub(crate) fn both(left: &[Clause], right: &[Clause]) -> Result<Vec<Clause>, Capped> {
    let mut product = Vec::new();
    for a in left {
        for b in right {
            product.extend(joined(a, b));
            if product.len() > CLAUSES_MAX {
                return Err(Capped);
            }
        }
    }
    Ok(product)
}

/// `None` when one says yes where the other says no.
fn joined(a: &[(AtomId, bool)], b: &[(AtomId, bool)]) -> Option<Clause> {
    let mut all: Clause = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.dedup();
    let clash = all.windows(2).any(|pair| matches!(pair, [(one, _), (two, _)] if one == two));
    (!clash).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(formula: &Formula, yes: &[&[(AtomId, bool)]], no: &[&[(AtomId, bool)]]) {
        let of = |wanted| clauses(formula, wanted).unwrap_or_default();
        assert_eq!(of(true), yes, "{formula:?}");
        assert_eq!(of(false), no, "not {formula:?}");
    }

    fn atom(id: AtomId) -> Formula {
        Formula::Atom(id)
    }

    fn not(inner: Formula) -> Formula {
        Formula::Not(Box::new(inner))
    }

    #[test]
    fn clauses_of_formulas() {
        check(&atom(0), &[&[(0, true)]], &[&[(0, false)]]);
        check(&Formula::And(Vec::new()), &[&[]], &[]);
        check(&Formula::And(vec![atom(0), not(atom(0))]), &[], &[&[(0, false)], &[(0, true)]]);
        check(
            &Formula::And(vec![atom(1), Formula::Or(vec![atom(0), not(atom(1))])]),
            &[&[(0, true), (1, true)]],
            &[&[(1, false)], &[(0, false), (1, true)]],
        );
    }

    #[test]
    fn too_many_clauses_are_said_to_be() {
        let either = |id: AtomId| Formula::Or(vec![atom(2 * id), atom(2 * id + 1)]);
        let both = |many: usize| Formula::And((0..many).map(either).collect());
        assert_eq!(clauses(&both(12), true).map(|clauses| clauses.len()), Ok(CLAUSES_MAX));
        assert_eq!(clauses(&both(13), true), Err(Capped));
    }
}

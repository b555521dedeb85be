//! What can be said about guards without running anything.
//!
//! [`Guards`] knows what every transition of a chart asks and answers whether a guard never agrees, always does, or can agree
//! together with another. The answers count for every context that is as the schema says, and for named guards of which nothing
//! is known but that they answer the same when they are asked the same. What is said never to be is surely not; for what is
//! said to be there is a context that was tried out. Between the two stands [`Agrees::Unknown`], and a guard that has more than
//! [`CLAUSES_MAX`] clauses is [`Agrees::Capped`] and not guessed at.

mod dnf;
mod domain;
mod range;
mod solve;
mod trial;

use serde::Serialize;
use serde_json::Value;

use super::atom::{AtomId, Atoms, Formula};
use crate::chart::{Chart, NodeId, TransitionId};
use crate::guard::Expr;
pub use dnf::CLAUSES_MAX;
use dnf::{Capped, Clause};
pub(crate) use solve::Solver;

/// Whether something can be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "agrees")]
pub enum Agrees {
    /// It surely cannot.
    Never,
    /// It can, as this was tried out.
    Example {
        /// A context.
        context: Value,
        /// What named guards and questions for states answer.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        answers: Vec<(String, bool)>,
    },
    /// Nothing is against it, and no example was found.
    Unknown,
    /// There are more than [`CLAUSES_MAX`] cases.
    Capped,
}

impl Agrees {
    /// Whether it surely cannot be.
    #[must_use]
    pub fn is_never(&self) -> bool {
        *self == Self::Never
    }
}

/// The guards of a chart.
pub struct Guards<'a> {
    chart: &'a Chart,
    atoms: Atoms,
    of: Vec<(TransitionId, Formula)>,
}

impl<'a> Guards<'a> {
    /// Reads all guards of a chart.
    #[must_use]
    pub fn new(chart: &'a Chart) -> Self {
        let mut atoms = Atoms::default();
        let ids = chart.nodes().flat_map(|(_, node)| node.transitions.iter().copied());
        let mut of: Vec<_> = ids.map(|id| (id, atoms.of_transition(chart, id))).collect();
        of.sort_by_key(|(id, _)| *id);
        Self { chart, atoms, of }
    }

    pub(crate) fn formula(&self, id: TransitionId) -> Option<&Formula> {
        let place = self.of.binary_search_by_key(&id, |(of, _)| *of).ok()?;
        self.of.get(place).map(|(_, formula)| formula)
    }

    /// Whether the guards of a transition can agree.
    #[must_use]
    pub fn can_pass(&self, id: TransitionId) -> Agrees {
        self.all(&[(id, true)])
    }

    /// Whether they can refuse.
    #[must_use]
    pub fn can_refuse(&self, id: TransitionId) -> Agrees {
        self.all(&[(id, false)])
    }

    /// Whether the guards of two transitions of one state can agree in the same moment.
    #[must_use]
    pub fn can_both_pass(&self, a: TransitionId, b: TransitionId) -> Agrees {
        self.all(&[(a, true), (b, true)])
    }

    /// Whether a part of the guard of a transition can say yes, or no.
    pub(crate) fn part(&mut self, of: TransitionId, part: &Expr, answer: bool) -> Agrees {
        let formula = self.atoms.formula(self.chart, part);
        self.agrees(&[(&formula, answer)], Some(self.chart.transition(of).source))
    }

    fn all(&self, wanted: &[(TransitionId, bool)]) -> Agrees {
        let formulas: Vec<(&Formula, bool)> =
            wanted.iter().filter_map(|(id, answer)| Some((self.formula(*id)?, *answer))).collect();
        let source = wanted.first().map(|(id, _)| self.chart.transition(*id).source);
        self.agrees(&formulas, source)
    }

    fn agrees(&self, formulas: &[(&Formula, bool)], inside: Option<NodeId>) -> Agrees {
        match self.possible(formulas, inside) {
            Err(Capped) => Agrees::Capped,
            Ok(clauses) if clauses.is_empty() => Agrees::Never,
            Ok(clauses) => {
                let mut examples = clauses.iter().filter_map(|clause| self.tried(clause, formulas, inside));
                examples.next().unwrap_or(Agrees::Unknown)
            }
        }
    }

    /// The clauses that are not surely impossible.
    fn possible(&self, formulas: &[(&Formula, bool)], inside: Option<NodeId>) -> Result<Vec<Clause>, Capped> {
        let solver = Solver { chart: self.chart, atoms: &self.atoms };
        let mut product: Vec<Clause> = vec![Vec::new()];
        for (formula, answer) in formulas {
            product = dnf::both(&product, &dnf::clauses(formula, *answer)?)?;
        }
        product.retain(|clause| !solver.is_impossible(clause, inside));
        Ok(product)
    }

    fn tried(
        &self,
        clause: &Clause,
        formulas: &[(&Formula, bool)],
        inside: Option<NodeId>,
    ) -> Option<Agrees> {
        let solver = Solver { chart: self.chart, atoms: &self.atoms };
        let context = solver.example(clause, inside)?;
        // States around the one that asks are active, whether a clause says so or not.
        let around = self
            .atoms
            .states()
            .filter(|(_, state)| inside.is_some_and(|inside| self.chart.is_within(inside, *state)));
        let told: Clause = clause.iter().copied().chain(around.map(|(id, _)| (id, true))).collect();
        let holds = |(formula, answer): &(&Formula, bool)| {
            trial::answer(formula, &self.atoms, &context, &told) == Some(*answer)
        };
        if !formulas.iter().all(holds) {
            return None;
        }
        let told = |(id, answer): &(AtomId, bool)| {
            let told = trial::is_told(self.atoms.get(*id)?);
            told.then(|| (self.atoms.label(*id).to_owned(), *answer))
        };
        Some(Agrees::Example { context, answers: clause.iter().filter_map(told).collect() })
    }
}

/// Whether one guard says yes wherever another does, of charts that call their states and fields alike. `None`: not known.
pub(crate) fn implies(chart: &Chart, atoms: &Atoms, from: &Formula, to: &Formula) -> Option<bool> {
    let solver = Solver { chart, atoms };
    let yes = dnf::clauses(from, true).ok()?;
    let no = dnf::clauses(to, false).ok()?;
    let both = dnf::both(&yes, &no).ok()?;
    Some(both.iter().all(|clause| solver.is_impossible(clause, None)))
}

//! Guards of two versions, compared by what they say and not by how they are written.

use super::transitions::{Way, shown};
use super::{Class, Differ};
use crate::analysis::atom::{Atoms, Formula};
use crate::analysis::symbolic::implies;
use crate::chart::{Chart, TransitionId};
use crate::guard::Expr;

impl Differ<'_> {
    pub(super) fn guard(&mut self, was: &Way<'_>, is: &Way<'_>, is_last: bool) {
        let (Some(old_id), Some(new_id)) = (was.id, is.id) else { return };
        let mut atoms = Atoms::default();
        let old = self.formula(self.old, old_id, true, &mut atoms);
        let new = atoms.of_transition(self.new, new_id);
        if format!("{old:?}") == format!("{new:?}") {
            return;
        }
        let wider = implies(self.new, &atoms, &old, &new) == Some(true);
        let narrower = implies(self.new, &atoms, &new, &old) == Some(true);
        let what = shown(is.model);
        let (class, code, message) = match (wider, narrower) {
            (true, true) => (
                Class::Cosmetic,
                "guard_rewritten",
                format!("the guard of {what} says the same in other words"),
            ),
            (true, false) if is_last => {
                (Class::Additive, "guard_widened", format!("the guard of {what} agrees more often"))
            }
            (true, false) => {
                let message = format!(
                    "the guard of {what} agrees more often, before others for the same event are asked"
                );
                (Class::Breaking, "guard_widened", message)
            }
            (false, true) => {
                (Class::Breaking, "guard_narrowed", format!("the guard of {what} agrees less often"))
            }
            (false, false) => (Class::Breaking, "guard_changed", format!("the guard of {what} is another")),
        };
        self.changed(class, code, &was.model.at, &is.model.at, message);
    }

    /// So that two that are equal ask the same.
    pub(super) fn guard_key(&self, chart: &Chart, id: TransitionId, old: bool) -> String {
        let mut atoms = Atoms::default();
        let formula = self.formula(chart, id, old, &mut atoms);
        let labels: Vec<&str> = (0..atoms.len()).map(|id| atoms.label(id)).collect();
        format!("{formula:?} {labels:?}")
    }

    fn formula(&self, chart: &Chart, id: TransitionId, old: bool, atoms: &mut Atoms) -> Formula {
        let transition = chart.transition(id);
        let mut parts: Vec<Formula> =
            transition.guards.iter().map(|guard| Formula::Atom(atoms.named(chart, *guard))).collect();
        if let Some(expr) = &transition.guard {
            let expr = if old { self.translated(expr) } else { expr.clone() };
            parts.push(atoms.formula(chart, &expr));
        }
        Formula::And(parts)
    }

    /// A guard of the old version, asking for the states of the new one. One that is gone is never active.
    fn translated(&self, expr: &Expr) -> Expr {
        let all = |parts: &[Expr]| parts.iter().map(|part| self.translated(part)).collect();
        match expr {
            Expr::And(parts) => Expr::And(all(parts)),
            Expr::Or(parts) => Expr::Or(all(parts)),
            Expr::Not(inner) => Expr::Not(Box::new(self.translated(inner))),
            Expr::StateIn { state, .. } => {
                let name = &self.old.node(*state).name;
                let new = self.names.get(name).and_then(|name| Some((self.new.state(name)?, name)));
                match new {
                    Some((state, name)) => Expr::StateIn { state, label: format!("stateIn({name})") },
                    None => Expr::Or(Box::default()),
                }
            }
            other => other.clone(),
        }
    }
}

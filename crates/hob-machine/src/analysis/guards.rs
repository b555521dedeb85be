//! Guards that decide nothing, and transitions that compete.

use super::finding::Finding;
use super::symbolic::{Agrees, CLAUSES_MAX, Guards};
use crate::chart::{Chart, Transition, TransitionId};
use crate::document::model::{self, GuardNode};
use crate::guard::Expr;
use crate::problem::Severity;

pub(super) fn find(chart: &Chart, guards: &mut Guards<'_>, found: &mut Vec<Finding>) {
    let sources: Vec<&model::Transition> = chart
        .source()
        .all_states()
        .flat_map(|state| state.transitions.iter().filter(|transition| !transition.forbidden))
        .collect();
    let ids: Vec<TransitionId> =
        chart.nodes().flat_map(|(_, node)| node.transitions.iter().copied()).collect();
    for (id, source) in ids.iter().zip(&sources) {
        decides(chart, guards, *id, source, found);
    }
    for (_, node) in chart.nodes() {
        // Those for any event come after each list of those for one, and are compared once.
        let specific = |of: &[TransitionId]| -> Vec<TransitionId> {
            of.iter().copied().filter(|id| chart.transition(*id).event.is_some()).collect()
        };
        for (_, of) in &node.handlers.by_event {
            compete(chart, guards, &specific(of), found);
        }
        compete(chart, guards, &node.handlers.any, found);
        compete(chart, guards, &node.eventless, found);
    }
}

fn decides(
    chart: &Chart,
    guards: &mut Guards<'_>,
    id: TransitionId,
    source: &model::Transition,
    found: &mut Vec<Finding>,
) {
    let transition = chart.transition(id);
    if !is_guarded(transition) {
        return;
    }
    let at = match (&source.guard_expr, source.guards.is_empty()) {
        (Some(node), true) => node.at.clone(),
        _ => transition.at.clone(),
    };
    let pass = guards.can_pass(id);
    if pass.is_never() {
        let message = "the guards of this transition never agree, whatever the context";
        found.push(Finding::new(Severity::Warning, "guard_contradiction", at, message));
        return;
    }
    if pass == Agrees::Capped {
        let message = format!("the guard has more than {CLAUSES_MAX} cases and was not looked into");
        found.push(Finding::new(Severity::Info, "guard_capped", at, message));
        return;
    }
    if guards.can_refuse(id).is_never() {
        let message = "the guards of this transition always agree, where they have an answer at all";
        found.push(Finding::new(Severity::Warning, "guard_tautology", at, message));
        return;
    }
    if let (Some(node), Some(expr)) = (&source.guard_expr, &transition.guard) {
        parts(guards, id, node, expr, found);
    }
}

/// Parts of a guard that say the same in every context; of nested ones the outermost.
fn parts(guards: &mut Guards<'_>, id: TransitionId, node: &GuardNode, expr: &Expr, found: &mut Vec<Finding>) {
    let inner: &[Expr] = match expr {
        Expr::And(parts) | Expr::Or(parts) => parts,
        Expr::Not(inner) => std::slice::from_ref(&**inner),
        _ => return,
    };
    for (node, part) in node.children.iter().zip(inner) {
        let (code, message) = if guards.part(id, part, true).is_never() {
            ("guard_contradiction", "this part of the guard never says yes")
        } else if guards.part(id, part, false).is_never() {
            ("guard_tautology", "this part of the guard never says no")
        } else {
            parts(guards, id, node, part, found);
            continue;
        };
        found.push(Finding::new(Severity::Info, code, &node.at, message));
    }
}

/// Transitions for the same event, both with guards, that can both be meant. One without a guard is what else is done.
fn compete(chart: &Chart, guards: &Guards<'_>, group: &[TransitionId], found: &mut Vec<Finding>) {
    for (place, a) in group.iter().enumerate() {
        for b in group.iter().skip(place + 1).take(COMPETING_MAX) {
            let (first, second) = (chart.transition(*a), chart.transition(*b));
            if !is_guarded(first) || !is_guarded(second) || first.event != second.event {
                continue;
            }
            let of = match first.event {
                Some(_) => format!("on {}", first.on),
                None if chart.node(first.source).eventless.contains(a) => "without event".to_owned(),
                None => "for any event".to_owned(),
            };
            let finding = |severity, message: String| {
                Finding::new(severity, "nondeterminism", &second.at, message).related([first.at.clone()])
            };
            match guards.can_both_pass(*a, *b) {
                Agrees::Never => {}
                Agrees::Example { context, answers } if answers.is_empty() => {
                    let message =
                        format!("two transitions {of} can both agree; the one that comes first is taken");
                    let found_one = finding(Severity::Warning, message);
                    found.push(Finding { context: Some(context), ..found_one });
                }
                _ => {
                    let message = format!(
                        "nothing says that two transitions {of} exclude each other; the one that comes first is taken"
                    );
                    found.push(finding(Severity::Info, message));
                }
            }
        }
    }
}

/// With how many that come later a transition is compared.
const COMPETING_MAX: usize = 64;

pub(super) fn is_guarded(transition: &Transition) -> bool {
    !transition.guards.is_empty() || transition.guard.is_some()
}

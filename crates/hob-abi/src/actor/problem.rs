//! How what a guest does wrong is told: as a problem of the kernel, with one word for the rule and bounded text.
//!
//! The same fault is told in the same words on both engines, because who called the actor sees them and may act on them:
//! backtraces, which only one engine has, stay out.

use hob_cap::Limit;
use hob_engine::{Fault, FaultKind};
use hob_vat::Problem;

/// Characters of what a guest wrote that a problem shows.
const TEXT_CHARS_MAX: usize = 400;

/// The problem that a fault of a guest is to its caller: `trap`, `contract` or `limit`; `host` when it was none of the guest's.
#[cold]
#[must_use]
pub fn problem_of(fault: &Fault, fuel_per_turn: u64) -> Problem {
    let rule = |rule, text: String| Problem::rule(rule, text);
    match fault.kind() {
        FaultKind::Trap { trap, refused: None, .. } => rule("trap", format!("guest trapped: {trap}")),
        FaultKind::Trap { trap, refused: Some(refused), .. } => rule(
            "trap",
            format!("guest trapped: {trap}, after the limit {} refused it more", refused.limit.name()),
        ),
        FaultKind::Exit(code) => rule("trap", format!("guest exited with code {code}")),
        FaultKind::Limit(over) if over.limit == Limit::Fuel => out_of_fuel(fuel_per_turn),
        FaultKind::Limit(over) => {
            rule("limit", format!("{} limit exceeded: {} allowed", over.limit.name(), over.allowed))
        }
        FaultKind::Stopped(_) => rule("limit", "hard-deadline limit exceeded: the guest was stopped".into()),
        FaultKind::Contract(what) => rule("contract", hob_cap::escape_guest_text(what, TEXT_CHARS_MAX)),
        FaultKind::HostPanic(what) | FaultKind::Host(what) => {
            rule("host", hob_cap::escape_guest_text(what, TEXT_CHARS_MAX))
        }
        _ => rule("host", hob_cap::escape_guest_text(&fault.to_string(), TEXT_CHARS_MAX)),
    }
}

#[cold]
pub(super) fn out_of_fuel(allowed: u64) -> Problem {
    Problem::rule("limit", format!("fuel-per-turn limit exceeded: {allowed} allowed"))
}

/// The guest gave the host other bytes than the contract says.
#[cold]
pub(super) fn contract(what: &str) -> Problem {
    Problem::rule("contract", what.into())
}

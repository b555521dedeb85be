//! What changed between two policies: the question before an update is accepted.

use serde::Serialize;

use crate::policy::Policy;

/// The grants of two policies, compared. Each item is the flag that gives the grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyDiff {
    /// Grants of the new policy that the old one did not cover.
    pub widened: Vec<String>,
    /// Grants of the old policy that the new one no longer covers.
    pub narrowed: Vec<String>,
    /// Grants of the new policy that the old one covered.
    pub kept: Vec<String>,
}

impl PolicyDiff {
    /// Whether the new policy grants anything that the old one did not.
    #[must_use]
    pub fn is_wider(&self) -> bool {
        !self.widened.is_empty()
    }
}

/// Compares two policies grant by grant.
///
/// ```
/// use hob_cap::{ClockGrant, Policy, diff};
/// let old = Policy { clock: ClockGrant::Coarse, ..Policy::none() };
/// let new = Policy { clock: ClockGrant::Real, ..Policy::none() };
/// assert_eq!(diff(&old, &new).widened, ["--clock=real"]);
/// ```
#[must_use]
pub fn diff(old: &Policy, new: &Policy) -> PolicyDiff {
    let mut diff = PolicyDiff::default();
    for (name, item) in new.items() {
        if old.allows(&item) { diff.kept.push(name) } else { diff.widened.push(name) }
    }
    for (name, item) in old.items() {
        if !new.allows(&item) {
            diff.narrowed.push(name);
        }
    }
    diff
}

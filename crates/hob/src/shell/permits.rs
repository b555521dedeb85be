//! Which command may do what: an exact name before the longest pattern, before everyone else.

use std::sync::{PoisonError, RwLock};

use hob_cap::Permit;
use hob_kernel::Permits;

/// Rules, in the order they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules(Vec<(String, Permit)>);

impl Rules {
    /// Adds a rule for a name, or for all names that a pattern with one or more `*` fits.
    pub(super) fn add(&mut self, pattern: &str, permit: Permit) {
        self.0.push((pattern.into(), permit));
    }
}

impl Permits for Rules {
    fn permit(&self, command: &str) -> Permit {
        let exact = self.0.iter().rev().find(|(pattern, _)| pattern == command);
        let longest = || {
            let fitting =
                self.0.iter().filter(|(pattern, _)| pattern.contains('*') && fits(pattern, command));
            fitting.max_by_key(|(pattern, _)| pattern.len())
        };
        exact.or_else(longest).map_or_else(Permit::full, |(_, permit)| permit.clone())
    }
}

/// The rules of one session: those of its shell, narrowed by its own.
#[derive(Debug)]
pub(super) struct SessionRules {
    shell: Rules,
    own: RwLock<Rules>,
}

impl SessionRules {
    pub(super) fn new(shell: Rules) -> Self {
        Self { shell, own: RwLock::default() }
    }

    /// Adds a rule of its own.
    pub(super) fn add(&self, pattern: &str, permit: Permit) {
        self.own.write().unwrap_or_else(PoisonError::into_inner).add(pattern, permit);
    }
}

impl Permits for SessionRules {
    fn permit(&self, command: &str) -> Permit {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner).permit(command);
        self.shell.permit(command).meet(&own)
    }
}

/// Whether a pattern fits a name: each `*` stands for any characters, or none.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use hob_cap::Tier;

    use super::*;

    #[test]
    fn an_exact_name_comes_before_the_longest_pattern() {
        let mut rules = Rules::default();
        for (pattern, tier) in [("*", Tier::Isolated), ("g*", Tier::ReadOnly), ("grep", Tier::ReadWrite)] {
            rules.add(pattern, Permit::tier(tier));
        }
        let check = |name, tier| assert_eq!(rules.permit(name), Permit::tier(tier), "{name}");
        check("grep", Tier::ReadWrite);
        check("gzip", Tier::ReadOnly);
        check("ls", Tier::Isolated);
        assert_eq!(Rules::default().permit("ls"), Permit::full());
    }

    #[test]
    fn a_star_is_any_characters() {
        let check = |pattern, name, want| assert_eq!(fits(pattern, name), want, "{pattern} {name}");
        check("*", "", true);
        check("a*c", "abc", true);
        check("a*c", "ac", true);
        check("a*c", "ab", false);
        check("a*b*c", "axxbyyc", true);
        check("a*b*c", "axxcyyc", false);
        check("abc", "abc", true);
        check("ab", "abc", false);
    }
}

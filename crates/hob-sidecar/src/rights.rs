//! What a client lets its machine do, within what the flags grant: the permissions and tiers of the protocol as permits.
//!
//! A subject is allowed or denied as a whole; what is not mentioned is denied. Rules for single paths, hosts or operations,
//! and asking, are refused by name rather than understood half.

use hob::{Children, Connections, Files, Permit, Tier};

use crate::protocol::{Mode, Permissions, Scope, WireTier};
use crate::refusal::Refusal;

/// What a machine may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Look at and change files.
    pub(crate) files: bool,
    /// Connect to what `--net` grants.
    pub(crate) network: bool,
    /// Start programs.
    pub(crate) children: bool,
    /// Have its processes looked at.
    pub(crate) processes: bool,
    /// Be handed environment variables.
    pub(crate) env: bool,
}

impl Rights {
    pub(crate) fn of(permissions: &Permissions) -> Result<Self, Refusal> {
        // Nothing here is a tool, so nothing is denied with it.
        is_allowed("tool", permissions.tool.as_ref())?;
        Ok(Self {
            files: is_allowed("fs", permissions.fs.as_ref())?,
            network: is_allowed("network", permissions.network.as_ref())?,
            children: is_allowed("childProcess", permissions.child_process.as_ref())?,
            processes: is_allowed("process", permissions.process.as_ref())?,
            env: is_allowed("env", permissions.env.as_ref())?,
        })
    }

    /// What a program may do; `written` is what it may change when the root is read-only.
    pub(crate) fn permit(&self, written: Option<Files>) -> Permit {
        let all = Permit::full();
        let write = written.unwrap_or(Files::All);
        Permit {
            read: if self.files { Files::All } else { Files::none() },
            write: if self.files { write } else { Files::none() },
            children: if self.children { Children::Any } else { Children::Only(Default::default()) },
            net: if self.network { Connections::All } else { Connections::None },
            ..all
        }
    }
}

fn is_allowed(subject: &str, scope: Option<&Scope>) -> Result<bool, Refusal> {
    let mode = match scope {
        None => Mode::Deny,
        Some(Scope::Mode(mode)) => *mode,
        Some(Scope::Rules(set)) if set.rules.is_empty() => set.default.unwrap_or(Mode::Deny),
        Some(Scope::Rules(_)) => {
            return Err(Refusal::unsupported(format!(
                "permissions.{subject}: rules; use \"allow\" or \"deny\""
            )));
        }
    };
    match mode {
        Mode::Allow => Ok(true),
        Mode::Deny => Ok(false),
        Mode::Ask => {
            Err(Refusal::unsupported(format!("permissions.{subject}: \"ask\"; use \"allow\" or \"deny\"")))
        }
    }
}

/// The tier that a client names.
pub(crate) fn tier(tier: WireTier) -> Tier {
    match tier {
        WireTier::Full => Tier::Full,
        WireTier::ReadWrite => Tier::ReadWrite,
        WireTier::ReadOnly => Tier::ReadOnly,
        WireTier::Isolated => Tier::Isolated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Rule, RuleSet};

    fn fs(scope: Option<Scope>) -> Permissions {
        Permissions { fs: scope, network: None, child_process: None, process: None, env: None, tool: None }
    }

    #[test]
    fn what_is_not_allowed_is_denied() {
        assert_eq!(Rights::of(&fs(None)), Ok(Rights::default()));
        assert!(Rights::of(&fs(Some(Scope::Mode(Mode::Allow)))).unwrap().files);
        let set = |default| Scope::Rules(RuleSet { default, rules: Vec::new() });
        assert!(!Rights::of(&fs(Some(set(None)))).unwrap().files);
        assert!(Rights::of(&fs(Some(set(Some(Mode::Allow))))).unwrap().files);
        assert_eq!(Rights::default().permit(None).read, Files::none());
        let all = Rights { files: true, network: true, children: true, processes: true, env: true };
        assert_eq!(all.permit(None), Permit::full());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(Rights::of(&fs(Some(Scope::Mode(Mode::Ask)))).is_err());
        let rule = Rule { mode: Mode::Deny, operations: vec!["*".into()], subjects: vec!["/etc/**".into()] };
        let rules = Scope::Rules(RuleSet { default: Some(Mode::Allow), rules: vec![rule] });
        assert!(Rights::of(&fs(Some(rules))).is_err());
    }
}

//! Policies: everything one guest is granted, and what another asks for.
//!
//! A policy denotes a set of authorities, and policies are compared as sets: `a` is within `b` when every path, host,
//! variable and object that `a` reaches is reached by `b`, with at least as much access. [`Policy::attenuate`] is the
//! intersection, so it only ever narrows. The laws of that algebra are property tests.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::grant::{Access, ClockGrant, EnvGrant, FsGrant, HostObject, RandomGrant, StdioGrant};
use crate::lattice;
use crate::net::NetGrant;
use crate::path::GuestPath;

/// What a guest is granted. The default is nothing at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Subtrees of file systems. For one path the grant with the longest guest path decides.
    pub fs: Vec<FsGrant>,
    /// Guest paths below which nothing is granted, though a wider grant would cover them. Attenuation makes these where
    /// two policies show different things at one path.
    pub hidden: BTreeSet<GuestPath>,
    /// Environment variables; of several with one key the last counts.
    pub env: Vec<EnvGrant>,
    /// Outbound network.
    pub net: Vec<NetGrant>,
    /// The clock.
    pub clock: ClockGrant,
    /// Randomness.
    pub random: RandomGrant,
    /// Standard streams.
    pub stdio: StdioGrant,
    /// Writing to the host's log.
    pub log: bool,
    /// Host objects.
    pub objects: BTreeSet<HostObject>,
}

/// What a package asks for, in the terms of what it could be granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Request(pub Policy);

/// One item that was asked for, and whether a policy grants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What was asked for, as the flag that would grant it.
    pub asked: String,
    /// Whether it is granted.
    pub granted: bool,
    /// The grant that covers it, or what would have to be added.
    pub why: String,
}

impl Policy {
    /// A policy that grants nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether everything `other` grants is granted here.
    #[must_use]
    pub fn allows(&self, other: &Self) -> bool {
        lattice::fs_within(other, self)
            && env(other).iter().all(|(key, value)| env(self).get(key) == Some(value))
            && lattice::net_within(&other.net, &self.net)
            && other.clock <= self.clock
            && random_within(other.random, self.random)
            && stdio_within(other.stdio, self.stdio)
            && (self.log || !other.log)
            && other.objects.is_subset(&self.objects)
    }

    /// What both policies grant: the most that is within each of them.
    #[must_use]
    pub fn attenuate(&self, to: &Self) -> Self {
        let (fs, hidden) = lattice::fs_meet(self, to);
        let other = env(to);
        let env = env(self).into_iter().filter(|(key, value)| other.get(key) == Some(value));
        Self {
            fs,
            hidden,
            env: env.map(|(key, value)| EnvGrant { key: key.into(), value: value.map(Into::into) }).collect(),
            net: lattice::net_meet(&self.net, &to.net),
            clock: self.clock.min(to.clock),
            random: random_meet(self.random, to.random),
            stdio: StdioGrant {
                stdin: self.stdio.stdin && to.stdio.stdin,
                stdout: self.stdio.stdout && to.stdio.stdout,
                stderr: self.stdio.stderr && to.stdio.stderr,
            },
            log: self.log && to.log,
            objects: self.objects.intersection(&to.objects).cloned().collect(),
        }
    }

    /// Explains, item by item, whether this policy grants what is asked.
    #[must_use]
    pub fn check(&self, request: &Request) -> Vec<Verdict> {
        let single = |asked: String, item: Self| {
            let granted = self.allows(&item);
            let why =
                if granted { "granted".to_owned() } else { format!("not granted; `{asked}` would grant it") };
            Verdict { asked, granted, why }
        };
        request.0.items().into_iter().map(|(asked, item)| single(asked, item)).collect()
    }

    /// Every grant by itself, with the flag that gives it.
    #[must_use]
    pub fn items(&self) -> Vec<(String, Self)> {
        let mut items = Vec::new();
        for (index, grant) in self.fs.iter().enumerate() {
            // A grant that shows nothing, hidden or overruled by a later one at its path, is no item.
            let overruled = self.fs.iter().skip(index + 1).any(|later| later.guest == grant.guest);
            if overruled || self.hidden.contains(&grant.guest) {
                continue;
            }
            // What a wider grant shows is shown but where a narrower one or a hidden path takes over.
            let inside = |path: &GuestPath| grant.guest != *path && grant.guest.contains(path);
            let hidden =
                self.fs.iter().map(|other| &other.guest).chain(&self.hidden).filter(|path| inside(path));
            let hidden = hidden.cloned().collect();
            items.push((grant.to_string(), Self { fs: vec![grant.clone()], hidden, ..Self::default() }));
        }
        for (key, value) in env(self) {
            let grant = EnvGrant { key: key.into(), value: value.map(Into::into) };
            items.push((grant.to_string(), Self { env: vec![grant], ..Self::default() }));
        }
        for grant in &self.net {
            items.push((format!("--net '{grant}'"), Self { net: vec![grant.clone()], ..Self::default() }));
        }
        if self.clock != ClockGrant::None {
            items.push((self.clock.to_string(), Self { clock: self.clock, ..Self::default() }));
        }
        if self.random != RandomGrant::None {
            items.push((self.random.to_string(), Self { random: self.random, ..Self::default() }));
        }
        let StdioGrant { stdin, stdout, stderr } = self.stdio;
        let none = StdioGrant::default();
        for (on, name, stdio) in [
            (stdin, "stdin", StdioGrant { stdin: true, ..none }),
            (stdout, "stdout", StdioGrant { stdout: true, ..none }),
            (stderr, "stderr", StdioGrant { stderr: true, ..none }),
        ] {
            if on {
                items.push((name.into(), Self { stdio, ..Self::default() }));
            }
        }
        if self.log {
            items.push(("log".into(), Self { log: true, ..Self::default() }));
        }
        for object in &self.objects {
            let objects = BTreeSet::from([object.clone()]);
            items.push((format!("object {}", object.0), Self { objects, ..Self::default() }));
        }
        items
    }

    /// The access to one guest path, and which grant decides it.
    #[must_use]
    pub fn access(&self, path: &GuestPath) -> Option<(Access, &FsGrant)> {
        let grant = self
            .fs
            .iter()
            .filter(|grant| grant.guest.contains(path))
            .max_by_key(|grant| depth(&grant.guest))?;
        let hides = |hidden: &&GuestPath| hidden.contains(path) && depth(hidden) >= depth(&grant.guest);
        if self.hidden.iter().any(|hidden| hides(&hidden)) { None } else { Some((grant.access, grant)) }
    }
}

/// How many components a path has; of two that contain one path, the deeper is the narrower.
pub(crate) fn depth(path: &GuestPath) -> usize {
    match path.as_str() {
        "/" | "." => 0,
        text => text.split('/').filter(|part| !part.is_empty()).count(),
    }
}

fn env(policy: &Policy) -> BTreeMap<&str, Option<&str>> {
    policy.env.iter().map(|grant| (grant.key.as_str(), grant.value.as_deref())).collect()
}

fn random_within(a: RandomGrant, b: RandomGrant) -> bool {
    a == RandomGrant::None || b == RandomGrant::Real || a == b
}

fn random_meet(a: RandomGrant, b: RandomGrant) -> RandomGrant {
    match (random_within(a, b), random_within(b, a)) {
        (true, _) => a,
        (_, true) => b,
        _ => RandomGrant::None,
    }
}

fn stdio_within(a: StdioGrant, b: StdioGrant) -> bool {
    (b.stdin || !a.stdin) && (b.stdout || !a.stdout) && (b.stderr || !a.stderr)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fs(text: &str) -> Policy {
        Policy { fs: vec![FsGrant::parse(text).unwrap()], ..Policy::default() }
    }

    #[test]
    fn a_verdict_names_the_flag_that_would_grant_it() {
        let policy = Policy { clock: ClockGrant::Coarse, ..fs("data::/data:ro") };
        let request = Request(Policy { clock: ClockGrant::Real, ..fs("data::/data:rw") });
        let refused: Vec<String> = policy.check(&request).into_iter().map(|verdict| verdict.why).collect();
        assert_eq!(
            refused,
            [
                "not granted; `--dir data::/data:rw` would grant it",
                "not granted; `--clock=real` would grant it"
            ]
        );
        let request = Request(Policy { clock: ClockGrant::Virtual, ..fs("data/sub::/data/sub:ro") });
        assert!(policy.check(&request).iter().all(|verdict| verdict.granted));
    }

    #[test]
    fn the_narrower_grant_decides() {
        let policy = Policy {
            fs: vec![FsGrant::parse("d::/d:rw").unwrap(), FsGrant::parse("d/x::/d/x:ro").unwrap()],
            ..Policy::default()
        };
        let access = |path: &str| policy.access(&GuestPath::new(path).unwrap()).map(|(access, _)| access);
        assert_eq!(access("/d/y"), Some(Access::ReadWrite));
        assert_eq!(access("/d/x/y"), Some(Access::Read));
        assert_eq!(access("/e"), None);
        // Writing below /d is more than this policy grants, because of /d/x.
        assert!(!policy.allows(&fs("d::/d:rw")));
        assert!(policy.allows(&fs("d::/d:ro")));
        assert!(policy.allows(&fs("d/y::/d/y:rw")));
    }
}

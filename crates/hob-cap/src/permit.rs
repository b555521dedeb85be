//! What one command of a session may do with what the session was granted.
//!
//! A session's policy says what there is: directories, hosts, a clock. A [`Permit`] says how much of it one program may
//! use, and how many others it may start. A child runs under what its own permit *and* its parent's allow
//! ([`Permit::meet`]), so a permit is never widened by starting something. The laws are property tests.
//!
//! The four tiers of agentOS are permits: [`Permit::tier`].

use std::collections::BTreeSet;
use std::fmt;

use crate::net::NetGrant;
use crate::path::GuestPath;

/// Which part of the tree of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// All of it.
    All,
    /// What lies at or below one of these paths, links followed; empty is nothing.
    Below(BTreeSet<GuestPath>),
    /// What lies at or below the directory the program is started in, links followed.
    Here,
}

/// Which programs may be started, by the last name of their path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Children {
    /// Any.
    Any,
    /// These; empty is none.
    Only(BTreeSet<String>),
}

/// Which connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connections {
    /// All that the session was granted, and those inside the session.
    All,
    /// These of them, and those inside the session.
    Only(BTreeSet<NetGrant>),
    /// None, not even a socket.
    None,
}

/// What one program may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// What it may look at and read.
    pub read: Files,
    /// What it may change.
    pub write: Files,
    /// What it may start, and with it pipes to and signals for others.
    pub children: Children,
    /// How many processes it and its descendants may be at once; `None` is as many as the session.
    pub processes: Option<u32>,
    /// What it may connect to.
    pub net: Connections,
}

/// The permission tiers of agentOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Reads below its working directory; writes nothing but its standard streams.
    Isolated,
    /// Reads everything; writes nothing but its standard streams.
    ReadOnly,
    /// Reads and writes everything; starts nothing, connects to nothing.
    ReadWrite,
    /// Everything the session may.
    Full,
}

impl Tier {
    /// Every tier, the narrowest first.
    pub const ALL: [Self; 4] = [Self::Isolated, Self::ReadOnly, Self::ReadWrite, Self::Full];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
            Self::Full => "full",
        }
    }

    /// The tier of this name. One that is not known is the narrowest, as upstream has it.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|tier| tier.name() == name).unwrap_or(Self::Isolated)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Files {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::Below(BTreeSet::new())
    }

    fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, one) | (one, Self::All) => one.clone(),
            (Self::Here, Self::Here) => Self::Here,
            // Where a program is started is not known here, so nothing is; settle it first with [`Permit::at`].
            (Self::Here, Self::Below(_)) | (Self::Below(_), Self::Here) => Self::none(),
            (Self::Below(a), Self::Below(b)) => {
                let inside = |path: &&GuestPath, all: &BTreeSet<GuestPath>| {
                    all.iter().any(|outer| outer.contains(path))
                };
                let from_a = a.iter().filter(|path| inside(path, b));
                let from_b = b.iter().filter(|path| inside(path, a));
                Self::Below(from_a.chain(from_b).cloned().collect())
            }
        }
    }

    fn at(&self, here: &GuestPath) -> Self {
        match self {
            Self::Here => Self::Below(BTreeSet::from([here.clone()])),
            other => other.clone(),
        }
    }

    /// Whether everything here is in `other` too.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) | (Self::Here, Self::Here) => true,
            (Self::Below(a), Self::Below(b)) => {
                a.iter().all(|path| b.iter().any(|outer| outer.contains(path)))
            }
            (Self::Below(a), Self::Here) => a.is_empty(),
            _ => false,
        }
    }

    /// Whether a path is in it: absolute, without links, `.` or `..`.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Here => false,
            Self::Below(paths) => paths.iter().any(|outer| {
                let outer = outer.as_str();
                outer == "/"
                    || path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }),
        }
    }
}

impl Children {
    /// Whether a program of this name may be started.
    #[must_use]
    pub fn allow(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// Whether none may.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }

    fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, one) | (one, Self::Any) => one.clone(),
            (Self::Only(a), Self::Only(b)) => Self::Only(a.intersection(b).cloned().collect()),
        }
    }

    fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Any) => true,
            (Self::Only(a), Self::Only(b)) => a.is_subset(b),
            (Self::Any, Self::Only(_)) => false,
        }
    }
}

impl Connections {
    fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::All, one) | (one, Self::All) => one.clone(),
            (Self::Only(a), Self::Only(b)) => {
                Self::Only(a.iter().flat_map(|one| b.iter().filter_map(|other| one.meet(other))).collect())
            }
        }
    }

    fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, _) | (_, Self::All) => true,
            (Self::Only(a), Self::Only(b)) => a.iter().all(|one| b.iter().any(|outer| outer.covers(one))),
            _ => false,
        }
    }
}

impl Permit {
    /// Everything the session may.
    #[must_use]
    pub fn full() -> Self {
        Self {
            read: Files::All,
            write: Files::All,
            children: Children::Any,
            processes: None,
            net: Connections::All,
        }
    }

    /// What a tier allows.
    #[must_use]
    pub fn tier(tier: Tier) -> Self {
        let alone =
            Self { children: Children::Only(BTreeSet::new()), net: Connections::None, ..Self::full() };
        match tier {
            Tier::Full => Self::full(),
            Tier::ReadWrite => alone,
            Tier::ReadOnly => Self { write: Files::none(), ..alone },
            Tier::Isolated => Self { read: Files::Here, write: Files::none(), ..alone },
        }
    }

    /// What both allow.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        let processes = match (self.processes, other.processes) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, None) | (None, one) => one,
        };
        Self {
            read: self.read.meet(&other.read),
            write: self.write.meet(&other.write),
            children: self.children.meet(&other.children),
            processes,
            net: self.net.meet(&other.net),
        }
    }

    /// The same for a program that is started in `here`: nothing in it depends on that any more.
    #[must_use]
    pub fn at(&self, here: &GuestPath) -> Self {
        Self { read: self.read.at(here), write: self.write.at(here), ..self.clone() }
    }

    /// Whether everything it allows is allowed by `other` too.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        self.read.within(&other.read)
            && self.write.within(&other.write)
            && self.children.within(&other.children)
            && self.net.within(&other.net)
            && match (self.processes, other.processes) {
                (_, None) => true,
                (Some(a), Some(b)) => a <= b,
                (None, Some(_)) => false,
            }
    }
}

//! Which code the actors of a store are made of: kinds by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use arcstr::ArcStr;

use crate::actormap::guarded;
use crate::kind::KindRef;
use crate::limits::Limits;
use crate::message::Content;
use crate::problem::Problem;
use crate::record::{Pending, Stored};

/// Kinds by name. A store holds no code: what it names must be here when it is opened.
///
/// ```
/// let kinds = hob_vat::Kinds::library();
/// assert!(kinds.get("hob.cell").is_some());
/// ```
#[derive(Clone, Default)]
pub struct Kinds {
    named: BTreeMap<ArcStr, KindRef>,
    others: Option<Arc<Find>>,
}

/// Finds a kind by its name.
type Find = dyn Fn(&str) -> Option<KindRef> + Send + Sync;

/// How many makers of makers a name of a store may stand for.
const MAKERS_MAX: u32 = 8;

impl Kinds {
    /// Those that the kernel itself needs, and no others.
    #[must_use]
    pub fn new() -> Self {
        Self::default().with(&crate::on::ON).with(&crate::roots::ROOTS)
    }

    /// Those of the library.
    #[must_use]
    pub fn library() -> Self {
        crate::library::kinds().fold(Self::new(), Self::with)
    }

    /// The same with one more. Of two of one name the last counts.
    #[must_use]
    pub fn with(mut self, kind: impl Into<KindRef>) -> Self {
        let kind = kind.into();
        self.named.insert(kind.name().into(), kind);
        self
    }

    /// The same, and asks `find` for kinds that have no name here.
    #[must_use]
    pub fn or_else(mut self, find: impl Fn(&str) -> Option<KindRef> + Send + Sync + 'static) -> Self {
        self.others = Some(Arc::new(find));
        self
    }

    /// The kind of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<KindRef> {
        let (mut name, mut makes) = (name, 0);
        while let Some(made) = name.strip_prefix(crate::kind::MAKES) {
            (name, makes) = (made, makes + 1);
        }
        // A store may name what no program made: makers of makers without end.
        if makes > MAKERS_MAX {
            return None;
        }
        let kind = self.find(name)?;
        Some((0..makes).fold(kind, |kind, _| crate::kind::maker(kind)))
    }

    fn find(&self, name: &str) -> Option<KindRef> {
        self.named.get(name).cloned().or_else(|| self.others.as_ref().and_then(|find| find(name)))
    }

    /// What a store has, as what a vat has: kinds found, states upgraded. Says whether one was upgraded.
    pub(crate) fn restore(&self, stored: &Stored, limits: &Limits) -> Result<(Content, bool), Problem> {
        let content = match stored {
            Stored::Object { kind: name, version, state } => {
                let kind = self.get(name).ok_or_else(|| {
                    Problem::rule(
                        "unknown-kind",
                        format!("the store has actors of kind {name}, which is not registered"),
                    )
                })?;
                if *version != kind.version() {
                    let state = guarded(|| kind.upgrade(*version, state.clone()))?;
                    limits.check_state(&state)?;
                    return Ok((Content::Object { kind, state }, true));
                }
                Content::Object { kind, state: state.clone() }
            }
            Stored::Promise(Pending(waiting)) => Content::Promise(waiting.clone()),
            Stored::Link(to) => Content::Link(*to),
            Stored::Encased(value) => Content::Encased(value.clone()),
            Stored::Broken(reason) => Content::Broken(reason.clone()),
        };
        Ok((content, false))
    }
}

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.named.keys()).finish()
    }
}

impl Content {
    /// What a store has of it; None when nothing is there.
    pub(crate) fn store(&self) -> Option<Stored> {
        Some(match self {
            Self::Free => return None,
            Self::Object { kind, state } => {
                Stored::Object { kind: kind.name().into(), version: kind.version(), state: state.clone() }
            }
            Self::Promise(waiting) => Stored::Promise(Pending(waiting.clone())),
            Self::Link(to) => Stored::Link(*to),
            Self::Encased(value) => Stored::Encased(value.clone()),
            Self::Broken(reason) => Stored::Broken(reason.clone()),
        })
    }
}

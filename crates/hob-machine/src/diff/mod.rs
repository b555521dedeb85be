//! What changed between two versions of a machine, and what that means for those who use it.
//!
//! States are matched by name, and by what they do when only the name is another; transitions by state, event and order. Each
//! change has its places in both documents and is breaking, additive or cosmetic:
//!
//! * **breaking**: an event that was handled is handled otherwise or not at all, an effect that came comes no more, something
//!   happens by itself that did not, or a context that was allowed no longer is;
//! * **additive**: what was possible is as it was, and there is more;
//! * **cosmetic**: nothing that a machine does depends on it.
//!
//! Where it is not known which of them a change is, it is the more severe one. Guards that are written differently are compared
//! by what they say (`analysis::symbolic`). The versioning rules of semver.org make a step of the worst change. Whether an
//! instance that was stored by the old version can go on with the new one is another question, and answered beside.

mod context;
mod guards;
mod lists;
mod matching;
mod restore;
mod states;
mod transitions;

use std::fmt;

use serde::Serialize;

use crate::chart::Chart;
pub use restore::{Obstacle, Restore};

/// What a change means for those who use a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Nothing that it does depends on it.
    Cosmetic,
    /// There is more than there was.
    Additive,
    /// Something is not as it was.
    Breaking,
}

/// How a version goes on after changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Nothing changed.
    None,
    /// The third number.
    Patch,
    /// The second number.
    Minor,
    /// The first number.
    Major,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it means.
    pub class: Class,
    /// What kind of change, as one word that does not change.
    pub code: &'static str,
    /// Where in the old document; `None` of what is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// Where in the new document; `None` of what is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// What changed.
    pub message: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            Class::Breaking => "breaking",
            Class::Additive => "additive",
            Class::Cosmetic => "cosmetic",
        };
        let shown = |at: &str| if at.is_empty() { "the document".to_owned() } else { at.to_owned() };
        write!(f, "{class}: {} ({}", self.message, self.code)?;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if old == new => write!(f, " at {})", shown(old)),
            (Some(old), Some(new)) => write!(f, " at {}, now {})", shown(old), shown(new)),
            (Some(old), None) => write!(f, " at {})", shown(old)),
            (None, Some(new)) => write!(f, " now at {})", shown(new)),
            (None, None) => f.write_str(")"),
        }
    }
}

/// What changed between two versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// In the order of the documents.
    pub changes: Vec<Change>,
    /// What that makes of the version.
    pub step: Step,
    /// Whether what the old version stored can be restored into the new one.
    pub restore: Restore,
}

/// Compares two versions of a machine.
#[must_use]
pub fn diff(old: &Chart, new: &Chart) -> Diff {
    let mut differ = Differ { old, new, names: matching::states(old, new), changes: Vec::new() };
    differ.machine();
    differ.states();
    differ.context();
    differ.requirements();
    let worst = differ.changes.iter().map(|change| change.class).max();
    let step = match worst {
        None => Step::None,
        Some(Class::Cosmetic) => Step::Patch,
        Some(Class::Additive) => Step::Minor,
        Some(Class::Breaking) => Step::Major,
    };
    Diff { step, restore: restore::restore(old, new), changes: differ.changes }
}

/// Two versions, and what was found so far.
struct Differ<'a> {
    old: &'a Chart,
    new: &'a Chart,
    names: matching::Names,
    changes: Vec<Change>,
}

impl Differ<'_> {
    fn changed(&mut self, class: Class, code: &'static str, old: &str, new: &str, message: String) {
        self.changes.push(Change { class, code, old: Some(old.into()), new: Some(new.into()), message });
    }

    fn added(&mut self, class: Class, code: &'static str, new: &str, message: String) {
        self.changes.push(Change { class, code, old: None, new: Some(new.into()), message });
    }

    fn removed(&mut self, class: Class, code: &'static str, old: &str, message: String) {
        self.changes.push(Change { class, code, old: Some(old.into()), new: None, message });
    }
}

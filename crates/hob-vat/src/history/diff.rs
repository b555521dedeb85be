//! What became of actors and promises between two records.

use std::collections::BTreeMap;

use super::{History, no_such};
use crate::log::{load, records};
use crate::problem::Problem;
use crate::record::{Change, State, Stored};
use crate::reference::{Facet, Ref, VatId};
use crate::space::to_usize;

/// Something that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is about.
    pub what: Ref,
    /// What became of it.
    pub how: How,
}

/// What became of an actor or a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// It is new.
    Born(Stored),
    /// It has another state, or another kind, or something else waits for it.
    Changed {
        /// What it was.
        before: Stored,
        /// What it is.
        after: Stored,
    },
    /// It was a promise of which nothing final was known.
    Settled {
        /// What waited for it.
        before: Stored,
        /// What it was kept or broken with.
        after: Stored,
    },
    /// Nobody reached it any more, or a promise was settled and everybody told.
    Collected(Stored),
}

impl History<'_> {
    /// What became of a vat from its first `before` records to its first `after`, in the order of places. What was born and collected
    /// in between is not in it.
    ///
    /// # Errors
    ///
    /// As [`History::at`].
    pub fn diff(&self, vat: VatId, before: u64, after: u64) -> Result<Vec<Difference>, Problem> {
        let mut state = load(self.store, vat, before, 0)?;
        if state.next != before || after < before {
            return Err(no_such(vat, before));
        }
        // Only what was touched is kept twice.
        let mut touched: BTreeMap<u32, Option<Change>> = BTreeMap::new();
        for record in records(self.store, vat, before, after) {
            let record = record?.1;
            let places = record.changes.iter().map(|change| &change.index).chain(&record.free.tail);
            for index in places {
                touched
                    .entry(*index)
                    .or_insert_with(|| state.places.get(to_usize(*index)).cloned().flatten());
            }
            state.apply(record)?;
        }
        if state.next != after {
            return Err(no_such(vat, after));
        }
        Ok(touched.into_iter().flat_map(|(index, old)| differences(vat, &state, index, old)).collect())
    }
}

fn differences(vat: VatId, state: &State, index: u32, old: Option<Change>) -> Vec<Difference> {
    let new = state.places.get(to_usize(index)).cloned().flatten();
    let of = |change: &Change| {
        let facet =
            if matches!(change.content, Stored::Object { .. }) { Facet::Object } else { Facet::Promise };
        Ref::new(vat, index, change.birth, facet)
    };
    let collected = |old: Change| Difference { what: of(&old), how: How::Collected(old.content) };
    let born = |new: Change| Difference { what: of(&new), how: How::Born(new.content) };
    match (old, new) {
        (Some(old), Some(new)) if old.birth != new.birth => vec![collected(old), born(new)],
        (Some(old), Some(new)) if old.content == new.content => Vec::new(),
        (Some(old), Some(new)) => {
            let (what, before, after) = (of(&new), old.content, new.content);
            let settled = matches!(before, Stored::Promise(_)) && !matches!(after, Stored::Promise(_));
            let how = if settled { How::Settled { before, after } } else { How::Changed { before, after } };
            vec![Difference { what, how }]
        }
        (Some(old), None) => vec![collected(old)],
        (None, Some(new)) => vec![born(new)],
        (None, None) => Vec::new(),
    }
}

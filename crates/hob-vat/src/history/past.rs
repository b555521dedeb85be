//! A vat as it was: raw, as its records have it, or as an actormap that can be asked.

use crate::actormap::Actormap;
use crate::kinds::Kinds;
use crate::limits::Limits;
use crate::message::Message;
use crate::problem::Problem;
use crate::record::{State, Stored};
use crate::reference::{Ref, VatId};

/// A vat after some of its records. No code of actors is needed to look at it.
#[derive(Clone, Debug)]
pub struct Past {
    pub(super) vat: VatId,
    pub(super) state: State,
    pub(crate) limits: Limits,
}

impl Past {
    /// Which vat.
    #[must_use]
    pub fn vat(&self) -> VatId {
        self.vat
    }

    /// After how many records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.state.next
    }

    /// How many turns it had run.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.state.turns
    }

    /// Actors and promises, in the order of their places.
    pub fn places(&self) -> impl Iterator<Item = (Ref, &Stored)> {
        let indices = 0..u32::try_from(self.state.places.len()).unwrap_or(u32::MAX);
        indices.filter_map(|index| {
            let (reference, change) = self.state.place(self.vat, index)?;
            Some((reference, &change.content))
        })
    }

    /// What a reference referred to, as it was kept; None when it was not there.
    #[must_use]
    pub fn get(&self, reference: Ref) -> Option<&Stored> {
        if reference.vat() != self.vat {
            return None;
        }
        let (_, change) = self.state.place(self.vat, reference.index())?;
        (change.birth == reference.birth()).then_some(&change.content)
    }

    /// The reference that a name was published for.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Ref> {
        match &self.state.place(self.vat, 0)?.1.content {
            Stored::Object { state, .. } => state.as_struct()?.get(name)?.as_ref(),
            _ => None,
        }
    }

    /// The names that were published.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let roots = self.state.place(self.vat, 0).and_then(|(_, roots)| match &roots.content {
            Stored::Object { state, .. } => state.as_struct(),
            _ => None,
        });
        roots.into_iter().flat_map(|names| names.iter().map(|(name, _)| &**name))
    }

    /// Messages that waited for a turn.
    pub fn queue(&self) -> impl Iterator<Item = &Message> {
        self.state.queue.iter()
    }

    /// The vat itself, to be asked, or to go on another way. What it does from there reaches nobody.
    ///
    /// # Errors
    ///
    /// `unknown-kind`; what an upgrade says, and of which actor.
    pub fn actormap(&self, kinds: &Kinds) -> Result<Actormap, Problem> {
        self.state.map(self.vat, self.limits, kinds).map(|(map, _)| map)
    }
}

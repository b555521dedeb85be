//! Actors whose code is exchanged in place: their references stay good, and their states are what the new code makes of them.
//!
//! Stops: a vat of which some actors were moved and some were not, and a new version of which nobody knows before whether it can
//! read what is there.

use crate::actormap::guarded;
use crate::history::Past;
use crate::kind::{KindRef, MAKES, maker};
use crate::limits::Limits;
use crate::message::Content;
use crate::problem::Problem;
use crate::record::Stored;
use crate::reference::{Facet, Ref};
use crate::turn::Turn;
use crate::value::Value;

/// What became, or would become, of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// Which.
    pub actor: Ref,
    /// The name of the kind that it was of.
    pub from: String,
    /// The version of its state.
    pub version: u32,
    /// Its new state, or why there is none.
    pub state: Result<Value, Problem>,
}

/// What takes the place of a kind. Who makes actors of a kind makes them of its successor.
fn successor(name: &str, to: &dyn Fn(&str) -> Option<KindRef>) -> Option<KindRef> {
    to(name).or_else(|| name.strip_prefix(MAKES).and_then(to).map(maker))
}

/// A state of a kind as one of another.
fn converted(
    (old, version): (&str, u32),
    new: &KindRef,
    state: &Value,
    limits: &Limits,
) -> Result<Value, Problem> {
    let state = if old == new.name() && version == new.version() {
        state.clone()
    } else {
        guarded(|| new.upgrade(version, state.clone()))?
    };
    limits.check_state(&state)?;
    Ok(state)
}

impl Turn {
    /// Replaces the kind of an actor in place, and its state with what the kind makes of it. References to it stay good.
    ///
    /// # Errors
    ///
    /// `not-callable`: it is no actor of this vat; what the kind's upgrade says.
    pub(crate) fn upgrade(&mut self, actor: Ref, kind: KindRef) -> Result<(), Problem> {
        if !self.core.space.is_near(actor) {
            return Err(Problem::far(actor));
        }
        let Content::Object { kind: old, state } = self.core.space.get(actor)? else {
            return Err(Problem::not_callable("a promise"));
        };
        let state = converted((old.name(), old.version()), &kind, state, &self.core.limits);
        let state = state.map_err(|problem| problem.of_actor(actor))?;
        self.core.space.replace(actor, Content::Object { kind, state });
        Ok(())
    }

    /// The same for all actors whose kind has a successor. Says how many they were.
    pub(crate) fn upgrade_all(&mut self, to: &dyn Fn(&str) -> Option<KindRef>) -> Result<usize, Problem> {
        let space = &self.core.space;
        let found = space.slots.iter().zip(0..).filter_map(|(slot, index)| match &slot.content {
            Content::Object { kind, .. } => {
                let actor = Ref::new(space.vat, index, slot.birth, Facet::Object);
                Some((actor, successor(kind.name(), to)?))
            }
            _ => None,
        });
        let found: Vec<(Ref, KindRef)> = found.collect();
        let many = found.len();
        found.into_iter().try_for_each(|(actor, kind)| self.upgrade(actor, kind))?;
        Ok(many)
    }
}

impl Past {
    /// What would become of the actors whose kind has a successor, in the order of their places. Nothing is changed, and the code of
    /// what they are now is not needed.
    #[must_use]
    pub fn upgraded(&self, to: impl Fn(&str) -> Option<KindRef>) -> Vec<Upgraded> {
        let found = self.places().filter_map(|(actor, stored)| {
            let Stored::Object { kind, version, state } = stored else { return None };
            let new = successor(kind, &to)?;
            let state = converted((kind, *version), &new, state, &self.limits);
            Some(Upgraded { actor, from: kind.to_string(), version: *version, state })
        });
        found.collect()
    }
}

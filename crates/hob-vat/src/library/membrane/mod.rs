//! Lending a whole world: whatever is reached through what was lent is lent too, and all of it is taken back at once.
//!
//! A membrane has an inside and an outside. Everything that crosses is exchanged, in both directions, wherever it stands in
//! lists, structs and tags: in arguments, answers, what promises come to, and reasons.
//!
//! | what crosses | what arrives |
//! |---|---|
//! | data | the same |
//! | an actor, near or far, or the right to resolve a promise | a wrapper that calls it through the membrane; the same one each time |
//! | a promise | a promise of the other side, for what the first comes to, exchanged; the same one each time |
//! | a sealed box | a box of the membrane with that box in it: nobody opens it, and it can be told from others |
//! | what arrived from the other side, going back | what it was |
//!
//! Boxes are exchanged even if they hold only data: two sides that share a brand could put a reference into one, and nobody who
//! only looks at the outside of a box can know. Going back a box is what it was, so that an unsealer on its own side opens it,
//! also when it is asked from the other one.
//!
//! A reason that a *near call* fails with is exchanged too, but what did not cross before does not cross in it: a call that
//! fails leaves nothing behind, also no wrappers. An error stands in its place.
//!
//! Revocation is immediate: no call, answer or news passes after it, whatever was on its way. A call that is going on while the membrane
//! is revoked is not undone, as that would undo the revocation; its answer is a broken promise. Promises of the membrane that still
//! wait are broken, a few hundred each turn. What remains on either side is good for nothing; that wrappers are compared
//! equal is all they are.
//!
//! A membrane keeps what crossed until it is revoked.

mod core;
mod wrap;

pub(super) use self::core::{CORE, RELAY};
pub(super) use wrap::{REVOKER, WRAPPER};

use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

/// What stands for `inside` on the outside, and the right to end it all: called without arguments, any number of times.
///
/// ```
/// use hob_vat::{Actormap, Value, kind_fn, library};
///
/// let mut map = Actormap::new();
/// let (maker, revoker) = map.poke(|turn| {
///     let kind = kind_fn("maker", |turn, _, _| Ok(library::counter(turn, 0)?.into()));
///     let maker = turn.spawn(kind, ().into())?;
///     library::membrane(turn, maker)
/// })?;
/// let counter = map.poke(|turn| turn.call(maker, &[]))?.as_ref().ok_or(hob_vat::Problem::refused("no counter"))?;
/// let add = [Value::symbol("add")];
/// assert_eq!(map.poke(|turn| turn.call(counter, &add))?, 1.into());
/// map.poke(|turn| turn.call(revoker, &[]))?;
/// assert!(map.poke(|turn| turn.call(counter, &add)).is_err());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn membrane(turn: &mut Turn, inside: Ref) -> Result<(Ref, Ref), Problem> {
    let state = self::core::start(turn)?;
    let core = turn.spawn(&CORE, state)?;
    let front = turn.call(core, &[Value::symbol("out"), inside.into()])?;
    let front = front.as_ref().ok_or_else(super::parts::bad_state)?;
    Ok((front, turn.spawn(&REVOKER, core.into())?))
}

#[cfg(test)]
mod tests;

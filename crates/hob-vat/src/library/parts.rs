//! What the actors of the library are made with: kinds from functions, parts of states, forwarding.

use crate::kind::Me;
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::{Standing, Turn};
use crate::value::Value;

/// A kind that is a function of the turn, the actor and the arguments.
macro_rules! kind {
    ($(#[$doc:meta])* $vis:vis static $item:ident: $type:ident = $name:literal, $call:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        $vis struct $type;

        $(#[$doc])*
        $vis static $item: $type = $type;

        impl $crate::kind::Kind for $type {
            fn name(&self) -> &str {
                $name
            }

            fn call(
                &self,
                turn: &mut $crate::turn::Turn,
                me: $crate::kind::Me<'_>,
                args: &[$crate::value::Value],
            ) -> Result<$crate::kind::Answer, $crate::problem::Problem> {
                $call(turn, me, args)
            }
        }
    };
}

pub(super) use kind;

/// Calls what is near and known; sends to what is far, or not known yet. The answer is a value, or a promise for one.
///
/// ```
/// use hob_vat::{Actormap, library};
///
/// let mut map = Actormap::new();
/// let cell = map.poke(|turn| turn.spawn(&library::CELL, 5.into()))?;
/// assert_eq!(map.peek(|turn| library::forward(turn, cell, &[]))?, 5.into());
/// let promised = map.peek(|turn| {
///     let (promise, _) = turn.promise()?;
///     library::forward(turn, promise, &[])
/// })?;
/// assert!(promised.as_ref().is_some_and(|answer| answer.is_promise()));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// What the callee says; `limit`, as [`Turn::send`].
pub fn forward(turn: &mut Turn, to: Ref, args: &[Value]) -> Result<Value, Problem> {
    match turn.standing(to)? {
        Standing::Far(_) | Standing::Unresolved => turn.send(to, args).map(Value::Ref),
        Standing::Object(_) | Standing::Value(_) | Standing::Broken(_) => turn.call(to, args),
    }
}

/// A part of a state that is a list.
pub(super) fn part(me: Me<'_>, at: usize) -> Result<&Value, Problem> {
    item(me.state(), at)
}

/// A part of a state that is a reference.
pub(super) fn part_ref(me: Me<'_>, at: usize) -> Result<Ref, Problem> {
    part(me, at)?.as_ref().ok_or_else(bad_state)
}

/// A part of a state that is an integer.
pub(super) fn part_int(me: Me<'_>, at: usize) -> Result<i64, Problem> {
    part(me, at)?.as_i64().ok_or_else(bad_state)
}

/// The reference that a state is.
pub(super) fn state_ref(me: Me<'_>) -> Result<Ref, Problem> {
    me.state().as_ref().ok_or_else(bad_state)
}

/// An item of a list that one of the library's own actors made.
pub(super) fn item(list: &Value, at: usize) -> Result<&Value, Problem> {
    list.as_list().and_then(|parts| parts.get(at)).ok_or_else(bad_state)
}

/// A reference in a list that one of the library's own actors made.
pub(super) fn item_ref(list: &Value, at: usize) -> Result<Ref, Problem> {
    item(list, at)?.as_ref().ok_or_else(bad_state)
}

/// An integer in a list that one of the library's own actors made.
pub(super) fn item_int(list: &Value, at: usize) -> Result<i64, Problem> {
    item(list, at)?.as_i64().ok_or_else(bad_state)
}

/// A state that its kind did not make.
#[cold]
pub(super) fn bad_state() -> Problem {
    Problem::rule("bad-state", "the state is none of this kind".into())
}

/// The name of the method and its arguments.
pub(super) fn method(args: &[Value]) -> (Option<&str>, &[Value]) {
    match args.split_first() {
        Some((first, rest)) => (first.as_name(), rest),
        None => (None, &[]),
    }
}

/// An integer that is 0 or more.
pub(super) fn natural(value: &Value) -> Option<i64> {
    value.as_i64().filter(|it| *it >= 0)
}

/// Revoked: what was lent is lent no more.
#[cold]
pub(super) fn revoked() -> Problem {
    Problem::rule("revoked", "the right to use this was taken back".into())
}

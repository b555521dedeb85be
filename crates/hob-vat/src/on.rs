//! What shall happen when a promise is settled.
//!
//! Handlers are actors. Each gets a turn of its own when the time comes, and what it answers is what the promise of
//! [`Turn::on`] is kept with; if it fails, that promise is broken. Without a handler for what happened, the value or the reason
//! goes through.

use crate::kind::{Answer, Kind, Me};
use crate::message::{Body, Message};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::{List, Value};

/// Handlers of a promise.
///
/// ```
/// use hob_vat::{Actormap, On, Value, kind_fn, library::CELL};
///
/// let mut map = Actormap::new();
/// let seen = map.poke(|turn| {
///     let seen = turn.spawn(&CELL, ().into())?;
///     let (promise, resolver) = turn.promise()?;
///     turn.on(promise, On::fulfilled(seen))?;
///     turn.fulfill(resolver, 7)?;
///     Ok(seen)
/// })?;
/// map.churn();
/// assert_eq!(map.peek(|turn| turn.call(seen, &[]))?, 7.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct On {
    /// Sent the value.
    pub fulfilled: Option<Ref>,
    /// Sent the reason.
    pub broken: Option<Ref>,
    /// Sent nothing, after either.
    pub finally: Option<Ref>,
}

impl On {
    /// A handler for the value.
    #[must_use]
    pub fn fulfilled(handler: Ref) -> Self {
        Self { fulfilled: Some(handler), ..Self::default() }
    }

    /// The same with a handler for the reason.
    #[must_use]
    pub fn or_broken(self, handler: Ref) -> Self {
        Self { broken: Some(handler), ..self }
    }

    /// The same with a handler that is sent nothing, after either.
    #[must_use]
    pub fn finally(self, handler: Ref) -> Self {
        Self { finally: Some(handler), ..self }
    }
}

impl Turn {
    /// Does something when a promise is settled. The promise returned is for what the handler answers.
    ///
    /// # Errors
    ///
    /// `limit`, as [`Turn::send`].
    pub fn on(&mut self, vow: Ref, on: On) -> Result<Ref, Problem> {
        let (promise, resolver) = self.promise()?;
        self.on_with(vow, on, Some(resolver))?;
        Ok(promise)
    }

    /// The same when nobody wants what the handler answers.
    ///
    /// # Errors
    ///
    /// `limit`, as [`Turn::send`].
    pub fn on_only(&mut self, vow: Ref, on: On) -> Result<(), Problem> {
        self.on_with(vow, on, None)
    }

    fn on_with(&mut self, vow: Ref, on: On, resolver: Option<Ref>) -> Result<(), Problem> {
        let state = [on.fulfilled, on.broken, on.finally, resolver];
        let state = state.map(|part| part.map_or(Value::Undefined, Value::Ref));
        let listener = self.spawn(&ON, Value::List(List::from(state)))?;
        self.listen(vow, listener, false)
    }
}

/// Listens once. The state is `[fulfilled broken finally resolver]`, undefined where there is none.
#[derive(Debug)]
pub(crate) struct Listening;

/// What is to be written down at most beside the news: that it has listened, that the handler goes without, and `finally`.
const FORGETS: u64 = 4 << 10;

pub(crate) static ON: Listening = Listening;

impl Kind for Listening {
    fn name(&self) -> &str {
        "hob.on"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let part = |at: usize| me.state().as_list().and_then(|parts| parts.get(at)).and_then(Value::as_ref);
        let (handler, news, value) = match (args.first().and_then(Value::as_name), args) {
            (Some("fulfill"), [_, value]) => (part(0), Body::Fulfill(value.clone()), value),
            (Some("break"), [_, reason]) => (part(1), Body::Break(reason.clone()), reason),
            _ => return Err(Problem::no_method(args, &["fulfill", "break"])),
        };
        let resolver = part(3);
        // Not counted against what the turn may send, nor measured again: what arrived as news goes on as it is. A handler that
        // could not be told would leave the promise for its answer open for ever.
        let told = turn.attempt(|turn| {
            match (handler, resolver) {
                (Some(to), resolver) => {
                    let body = Body::Args(List::from([value.clone()]));
                    turn.core.push(Message { to, body, resolver });
                }
                (None, Some(to)) => turn.core.push(Message { to, body: news, resolver: None }),
                (None, None) => {}
            }
            // With what becomes of this actor, and of whom it is told to.
            turn.core.fits_with(FORGETS)
        });
        if let (Err(limit), Some(to)) = (told, resolver) {
            turn.core.push(Message { to, body: Body::Break(limit.reason()), resolver: None });
        }
        if let Some(to) = part(2) {
            turn.core.push(Message { to, body: Body::Args(List::empty()), resolver: None });
        }
        // What was told once is told no more.
        Ok(me.becomes(Value::Undefined))
    }
}

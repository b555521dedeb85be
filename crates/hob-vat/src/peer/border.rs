//! What comes in over a session: held to what the session was given, measured, and answered when it is refused.
//!
//! Whoever is behind a session may say anything. Three things are looked at, in this order, before a vat sees any of it:
//!
//! 1. *Given.* A reference in it is one of the session's own, or was in a message that was handed to this session, or the program
//!    introduced it. Births are counted, so they can be guessed; guessing is of no use. The right to settle a promise is spent with
//!    its use.
//! 2. *Size.* `message-bytes` and `value-depth`, as for what a turn sends.
//! 3. *Room.* `mailbox`: what waits in front of the vat and in it.
//!
//! What is refused is refused alone: who waits for what it would have led to is told why, and nothing else happens.
//! What a vat waits for and cannot be told is broken instead, so that the wait ends.
//!
//! A sealed box is passed on as it is: nobody can make one of a brand that they do not have, and nobody sees what is in it. So what
//! is in a box was not given with it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Shared;
use super::cell::Inbound;
use super::entrance::Undelivered;
use super::gone;
use crate::message::{Body, Content, Message};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};
use crate::session::{FarSide, Session};

/// How many references a session has before it is asked which of them still mean something.
const KEPT_UNASKED: usize = 4096;

/// A session, and what it was given.
pub(crate) struct Border {
    id: VatId,
    session: Arc<dyn Session>,
    given: Mutex<Given>,
}

#[derive(Default)]
struct Given {
    refs: HashSet<Ref>,
    /// How many there may be before it is asked again.
    ask_at: usize,
}

impl Border {
    pub(crate) fn new(id: VatId, session: Arc<dyn Session>) -> Arc<Self> {
        Arc::new(Self { id, session, given: Mutex::default() })
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it may name these.
    pub(crate) fn give(&self, shared: &Shared, each: impl FnOnce(&mut dyn FnMut(Ref))) {
        let mut given = self.given();
        each(&mut |found| {
            if found.vat() != self.id {
                given.refs.insert(found);
            }
        });
        if given.refs.len() > given.ask_at.max(KEPT_UNASKED) {
            given.refs.retain(|reference| shared.may_mean_something(*reference));
            // Asking costs as much as there are: it is done again when there are twice as many.
            given.ask_at = given.refs.len() * 2;
        }
    }

    fn has(&self, reference: Ref) -> bool {
        reference.vat() == self.id || self.given().refs.contains(&reference)
    }

    /// Whether it was given all that a message names.
    fn check(&self, message: &Message) -> Result<(), Problem> {
        let given = self.given();
        let mut unknown = None;
        message.visit_bare(&mut |found| {
            if found.vat() != self.id && !given.refs.contains(&found) {
                unknown.get_or_insert(found);
            }
        });
        unknown.map_or(Ok(()), |found| {
            Err(Problem::rule("not-given", format!("{found} was never given to {}", self.id)))
        })
    }

    /// Hands messages over, and with them what they name.
    pub(crate) fn deliver(&self, shared: &Shared, messages: Vec<Message>) {
        self.give(shared, |visit| messages.iter().for_each(|message| message.visit_bare(visit)));
        self.session.deliver(messages);
    }
}

impl Shared {
    /// Takes in a message of a session. Everything that comes in over one comes through here.
    pub(crate) fn offer(&self, border: &Border, message: Message) -> Result<(), Undelivered> {
        let to = message.to;
        let settles = message.is_answer() && !matches!(message.body, Body::Args(_));
        let fits = border.check(&message).and_then(|()| message.check(&self.config.limits));
        let cell = fits.and_then(|()| self.cell(to.vat()).ok_or_else(|| gone(to.vat())));
        let cell = match cell {
            Ok(cell) => cell,
            Err(problem) => return Err(Undelivered::Refused(message, problem)),
        };
        cell.put_if_room(border.id, message, &self.config.limits)?;
        self.ready.schedule(&cell);
        if settles {
            border.given().refs.remove(&to);
        }
        Ok(())
    }

    /// Takes in a message of a session, or tells who waits for what comes of it why not. An error when there is nobody to tell.
    pub(crate) fn hand_in_over(&self, far: FarSide, message: Message) -> Result<(), Undelivered> {
        let Some(border) = self.border(far.id()) else {
            return Err(Undelivered::Refused(message, gone(far.id())));
        };
        let refused = match self.offer(&border, message) {
            Ok(()) => return Ok(()),
            // A vat waits for it, and the session may say what comes of that wait: that nothing does.
            Err(Undelivered::Refused(message, problem)) if message.is_answer() && border.has(message.to) => {
                let body = Body::Break(problem.reason());
                let broken = Message { to: message.to, body, resolver: None };
                return self.offer(&border, broken).map_err(|_| Undelivered::Refused(message, problem));
            }
            Err(refused) => refused,
        };
        if self.tell_over(&border, &refused) { Ok(()) } else { Err(refused) }
    }

    /// Tells who waits for what comes of a message why nothing does. Says whether there was anybody, and they could be told.
    fn tell_over(&self, border: &Border, refused: &Undelivered) -> bool {
        // Whom it may not name it may not have told anything.
        let Some(to) = refused.message().waits().filter(|waits| border.has(*waits)) else { return false };
        let reason = refused.problem(&self.config.limits).reason();
        let message = Message { to, body: Body::Break(reason), resolver: None };
        if self.cell(to.vat()).is_some() {
            return self.hand_in(border.id, message).is_ok();
        }
        self.deliver(to.vat(), vec![Inbound::Message { from: border.id, seq: 0, message }]);
        true
    }

    /// Whether there is still something that a reference refers to, as far as can be said without waiting for anybody.
    fn may_mean_something(&self, reference: Ref) -> bool {
        let Some(cell) = self.cell(reference.vat()) else { return !self.is_gone(reference.vat()) };
        let Some(core) = cell.try_core() else { return true };
        let Some(map) = &core.map else { return true };
        match (reference.facet(), map.turn.core.space.get(reference)) {
            (Facet::Object | Facet::Promise, found) => found.is_ok(),
            (Facet::Resolver | Facet::Follower, found) => matches!(found, Ok(Content::Promise(_))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Peer, Value, library::CELL};

    struct Nobody;

    impl Session for Nobody {
        fn deliver(&self, _: Vec<Message>) {}
    }

    /// What a session was given is forgotten when it means nothing any more, and nothing else is.
    #[test]
    fn what_is_gone_is_not_kept_for_a_session() {
        let peer = Peer::builder().threads(0).build().unwrap();
        let vat = peer.vat("a").unwrap();
        let far = peer.connect(Arc::new(Nobody)).unwrap();
        let kept = vat.run(|turn| turn.spawn(&CELL, 1.into())).unwrap();
        let (promise, resolver) = vat.run(crate::Turn::promise).unwrap();
        let all: Value = Value::list([kept.into(), promise.into(), resolver.into()]);
        peer.introduce(far, &all).unwrap();
        let border = peer.shared.border(far.id()).unwrap();
        for _ in 0..3 * KEPT_UNASKED {
            let lost = vat.run(|turn| turn.spawn(&CELL, 1.into())).unwrap();
            vat.release(lost);
            peer.introduce(far, &lost.into()).unwrap();
            if lost.index().is_multiple_of(64) {
                vat.collect().unwrap();
            }
        }
        vat.collect().unwrap();
        assert!(border.given().refs.len() <= KEPT_UNASKED + 1);
        assert!([kept, promise, resolver].into_iter().all(|reference| border.has(reference)));
        // The right to settle a promise that is settled is worth nothing, and the promise is.
        vat.run(|turn| turn.fulfill(resolver, 1)).unwrap();
        assert!(!peer.shared.may_mean_something(resolver) && peer.shared.may_mean_something(promise));
    }
}

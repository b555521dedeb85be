//! A turn: what an actor can do while it handles a message.
//!
//! A turn is all or nothing. What it changed, made and sent becomes visible when it ends well; when it fails nothing of it
//! remains, and whoever waits for its result is told why. A near call within it is all or nothing too: a caller that deals
//! with the failure of a call finds everything as it was before the call. (In Goblins, what the callee's callees did would
//! remain. Nobody who handles an error expects that.)
//!
//! Messages that a turn sends wait until it ends. They are delivered in the order they were sent.

use std::collections::HashSet;

use crate::kind::{KindRef, Me};
use crate::limits::{Limits, check, check_bytes};
use crate::message::{Body, Content, Listener, Message, Pending, Stage};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};
use crate::space::{self, Space};
use crate::value::{List, Value};

/// What an actor can do while it handles a message.
///
/// It can be moved: a guest's host functions hold it while the guest runs.
#[derive(Debug)]
pub struct Turn {
    pub(crate) core: Box<Core>,
}

/// A vat's inside, at rest or in a turn.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub(crate) space: Space,
    pub(crate) limits: Limits,
    /// Messages of this turn, in the order they were sent.
    pub(crate) out: Vec<Out>,
    /// Messages that waited for a promise and go before all others: they were sent earlier.
    pub(crate) ahead: Vec<Message>,
    /// Messages that waited, here or on their way out, when the turn began.
    waiting: u32,
    /// What those take.
    waiting_bytes: u64,
    /// What the messages of this turn take.
    sent_bytes: u64,
    depth: u32,
    calls: u32,
    pub(crate) fuel: u64,
    /// Numbers given out by [`Turn::stamp`], and how many there were before this turn.
    pub(crate) stamps: u64,
    stamps_before: u64,
}

/// A message, and the vat it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Out {
    pub(crate) to: VatId,
    pub(crate) message: Message,
}

/// What a message led to.
pub(crate) enum Delivered {
    /// A value, for whoever waits for one.
    Value(Value),
    /// It went on to somewhere else, and so did the right to answer.
    Passed,
}

impl Turn {
    pub(crate) fn new(vat: VatId, limits: Limits) -> Self {
        let fuel = limits.fuel_per_turn;
        let core = Core {
            space: Space::new(vat),
            limits,
            out: Vec::new(),
            ahead: Vec::new(),
            waiting: 0,
            waiting_bytes: 0,
            sent_bytes: 0,
            depth: 0,
            calls: 0,
            fuel,
            stamps: 0,
            stamps_before: 0,
        };
        Self { core: Box::new(core) }
    }

    /// A turn in a vat of nothing: what stands in for one that a guest holds.
    #[must_use]
    pub fn hollow() -> Self {
        Self::new(VatId::new(u32::MAX), Limits { objects: 0, ..Limits::default() })
    }

    /// Makes an actor.
    ///
    /// # Errors
    ///
    /// `limit`: objects, turn-bytes, state-bytes, value-depth.
    pub fn spawn(&mut self, kind: impl Into<KindRef>, state: Value) -> Result<Ref, Problem> {
        self.core.limits.check_state(&state)?;
        let content = Content::Object { kind: kind.into(), state };
        self.core.space.bear(content, Facet::Object, &self.core.limits)
    }

    /// Calls something near, and waits for its answer. A promise that was kept is called through; one that stands for a
    /// value is that value.
    ///
    /// # Errors
    ///
    /// What the callee says; `not-near`, `not-callable`, `stale-reference`; `limit`: call-depth, calls-per-turn.
    pub fn call(&mut self, to: Ref, args: &[Value]) -> Result<Value, Problem> {
        let mut at = to;
        loop {
            if !self.core.space.is_near(at) {
                return Err(Problem::far(to));
            }
            let content = self.core.space.get(at)?;
            match (at.facet(), content) {
                (Facet::Resolver | Facet::Follower, _) => {
                    let savepoint = self.core.savepoint();
                    let done = self.core.settle_by_args(at, args);
                    if done.is_err() {
                        self.core.undo_to(savepoint);
                    }
                    return done.map(|()| Value::Undefined);
                }
                (_, Content::Object { kind, state }) => {
                    let (kind, state) = (kind.clone(), state.clone());
                    return self.invoke(at, &kind, &state, args);
                }
                (_, Content::Link(next)) => at = linked(to, at, *next)?,
                (_, Content::Encased(value)) => return Ok(value.clone()),
                (_, Content::Broken(reason)) => return Err(Problem::refused(reason.clone())),
                (_, Content::Promise(waiting)) => match waiting.stage() {
                    Stage::Closer { to: next, .. } if !self.core.space.is_near(*next) => at = *next,
                    _ => return Err(Problem::not_callable("a promise that nobody has kept yet")),
                },
                (_, Content::Free) => return Err(Problem::stale(to)),
            }
        }
    }

    /// Sends a message. The promise is for what comes of it.
    ///
    /// # Errors
    ///
    /// `limit`: sends-per-turn, turn-bytes, mailbox, mailbox-bytes, message-bytes, value-depth, objects.
    pub fn send(&mut self, to: Ref, args: impl Into<List>) -> Result<Ref, Problem> {
        let (promise, resolver) = self.promise()?;
        self.core.post(Message { to, body: Body::Args(args.into()), resolver: Some(resolver) })?;
        Ok(promise)
    }

    /// Sends a message whose result nobody wants.
    ///
    /// # Errors
    ///
    /// `limit`: sends-per-turn, turn-bytes, mailbox, mailbox-bytes, message-bytes, value-depth.
    pub fn send_only(&mut self, to: Ref, args: impl Into<List>) -> Result<(), Problem> {
        self.core.post(Message { to, body: Body::Args(args.into()), resolver: None })
    }

    /// Makes a promise, and the right to keep or break it, once.
    ///
    /// # Errors
    ///
    /// `limit`: objects, turn-bytes.
    pub fn promise(&mut self) -> Result<(Ref, Ref), Problem> {
        let content = Content::Promise(Pending::default());
        let promise = self.core.space.bear(content, Facet::Promise, &self.core.limits)?;
        Ok((promise, promise.with_facet(Facet::Resolver)))
    }

    /// Keeps a promise. If the value is a promise itself, the one becomes whatever comes of the other.
    ///
    /// # Errors
    ///
    /// `limit`, as [`Turn::send`].
    pub fn fulfill(&mut self, resolver: Ref, value: impl Into<Value>) -> Result<(), Problem> {
        self.core.post(Message { to: resolver, body: Body::Fulfill(value.into()), resolver: None })
    }

    /// Breaks a promise.
    ///
    /// # Errors
    ///
    /// `limit`, as [`Turn::send`].
    pub fn break_with(&mut self, resolver: Ref, reason: impl Into<Value>) -> Result<(), Problem> {
        self.core.post(Message { to: resolver, body: Body::Break(reason.into()), resolver: None })
    }

    /// `listener` is sent `['fulfill value]` or `['break reason]`, once, when that is known. With `partial` also when the
    /// promise was resolved to another promise, which is the value then.
    ///
    /// # Errors
    ///
    /// `limit`, as [`Turn::send`].
    pub fn listen(&mut self, to: Ref, listener: Ref, partial: bool) -> Result<(), Problem> {
        self.core.post(Message { to, body: Body::Listen { listener, partial }, resolver: None })
    }

    /// A value in a box. Who is given `brand` opens it; nobody else can, nor see what is in it.
    #[must_use]
    pub fn seal(&self, brand: Ref, content: Value) -> Value {
        Value::sealed(brand, content)
    }

    /// What is in a box that was sealed with `brand`; None when it was sealed with another, or is none.
    #[must_use]
    pub fn unseal(&self, brand: Ref, sealed: &Value) -> Option<Value> {
        match sealed {
            Value::Sealed(sealed) if sealed.brand == brand => Some(sealed.content.clone()),
            _ => None,
        }
    }

    /// Runs `f`; if it fails, what it did is taken back and the turn goes on.
    ///
    /// # Errors
    ///
    /// What `f` says.
    pub fn attempt<R>(&mut self, f: impl FnOnce(&mut Self) -> Result<R, Problem>) -> Result<R, Problem> {
        let savepoint = self.core.savepoint();
        let done = f(self);
        if done.is_err() {
            self.core.undo_to(savepoint);
        }
        done
    }

    /// Whether it is in this vat, so that it can be called.
    #[must_use]
    pub fn is_near(&self, reference: Ref) -> bool {
        self.core.space.is_near(reference)
    }

    /// What a near reference stands for, as far as is known.
    ///
    /// # Errors
    ///
    /// `stale-reference`.
    pub fn standing(&self, reference: Ref) -> Result<Standing, Problem> {
        self.core.standing(reference)
    }

    /// Fuel that the turn has left: units of work of guests.
    #[must_use]
    pub fn fuel(&self) -> u64 {
        self.core.fuel
    }

    /// Takes fuel from the turn.
    ///
    /// # Errors
    ///
    /// `limit`: fuel-per-turn.
    pub fn spend(&mut self, fuel: u64) -> Result<(), Problem> {
        match self.core.fuel.checked_sub(fuel) {
            Some(left) => {
                self.core.fuel = left;
                Ok(())
            }
            None => {
                self.core.fuel = 0;
                Err(Problem::limit("fuel-per-turn", self.core.limits.fuel_per_turn))
            }
        }
    }

    /// A number that nobody in this vat has got before, unless in a turn that was taken back: what tells handles of one turn
    /// from those of another. From 1 on.
    pub fn stamp(&mut self) -> u64 {
        self.core.stamps += 1;
        self.core.stamps
    }

    /// The limits of the vat.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    fn invoke(
        &mut self,
        object: Ref,
        kind: &KindRef,
        state: &Value,
        args: &[Value],
    ) -> Result<Value, Problem> {
        let core = &mut *self.core;
        check("call-depth", core.depth.saturating_add(1), core.limits.call_depth)?;
        core.count_call()?;
        let depth = core.depth;
        core.depth += 1;
        let savepoint = core.savepoint();
        let answer = kind.call(self, Me { state, object }, args);
        let core = &mut *self.core;
        // What panicked further in did not come past here.
        core.depth = depth;
        let done = answer.and_then(|answer| {
            let Some(next) = answer.next else { return Ok(answer.value) };
            if next.object != object {
                return Err(Problem::rule(
                    "wrong-become",
                    "an actor answers what only another may become".into(),
                ));
            }
            if core.space.was_replaced(object, savepoint.space) {
                return Err(Problem::rule(
                    "re-entered",
                    "the actor became something in a call within this one, which would be lost".into(),
                ));
            }
            core.limits.check_state(&next.state)?;
            let kind = next.kind.unwrap_or_else(|| kind.clone());
            core.space.replace(object, Content::Object { kind, state: next.state });
            core.space.can_spend(0, &core.limits)?;
            Ok(answer.value)
        });
        if done.is_err() {
            core.undo_to(savepoint);
        }
        done
    }

    /// One message, within a turn that was begun.
    pub(crate) fn deliver(&mut self, message: Message) -> Result<Delivered, Problem> {
        let mut at = message.to;
        loop {
            if !self.core.space.is_near(at) {
                return self.core.pass_far(at.vat(), Message { to: at, ..message });
            }
            let content = self.core.space.get(at)?;
            match (at.facet(), content, &message.body) {
                // What resolves is no promise: it is what it is.
                (Facet::Resolver | Facet::Follower, _, Body::Listen { listener, .. }) => {
                    self.core.tell(*listener, Body::Fulfill(at.into()));
                    return Ok(Delivered::Passed);
                }
                (Facet::Resolver | Facet::Follower, _, body) => {
                    let body = body.clone();
                    return self.core.settle(at, body).map(|()| Delivered::Value(Value::Undefined));
                }
                (_, Content::Link(next), _) => at = linked(message.to, at, *next)?,
                (_, Content::Object { .. }, Body::Listen { listener, .. }) => {
                    self.core.tell(*listener, Body::Fulfill(at.into()));
                    return Ok(Delivered::Passed);
                }
                (_, Content::Encased(value), Body::Listen { listener, .. }) => {
                    let news = Body::Fulfill(value.clone());
                    self.core.tell(*listener, news);
                    return Ok(Delivered::Passed);
                }
                (_, Content::Broken(reason), Body::Listen { listener, .. }) => {
                    let news = Body::Break(reason.clone());
                    self.core.tell(*listener, news);
                    return Ok(Delivered::Passed);
                }
                (_, Content::Object { kind, state }, body) => {
                    let (kind, state) = (kind.clone(), state.clone());
                    let value = match body {
                        Body::Args(args) => self.invoke(at, &kind, &state, args),
                        Body::Fulfill(value) => {
                            let args = [Value::Symbol(arcstr::literal!("fulfill")), value.clone()];
                            self.invoke(at, &kind, &state, &args)
                        }
                        Body::Break(reason) => {
                            let args = [Value::Symbol(arcstr::literal!("break")), reason.clone()];
                            self.invoke(at, &kind, &state, &args)
                        }
                        Body::Listen { .. } => Ok(Value::Undefined),
                    };
                    return value.map(Delivered::Value);
                }
                (_, Content::Encased(value), _) => return Ok(Delivered::Value(value.clone())),
                (_, Content::Broken(reason), _) => return Err(Problem::refused(reason.clone())),
                (_, Content::Promise(waiting), body) => match (waiting.stage(), body) {
                    // It is told at once, as it would have been if it had listened before.
                    (Stage::Closer { to, .. }, Body::Listen { listener, partial: true }) => {
                        let news = Body::Fulfill((*to).into());
                        self.core.tell(*listener, news);
                        return Ok(Delivered::Passed);
                    }
                    (_, Body::Listen { listener, partial }) => {
                        let listener = Listener { who: *listener, partial: *partial };
                        self.core.space.listen(at, listener, &self.core.limits)?;
                        return Ok(Delivered::Passed);
                    }
                    (Stage::Closer { to, .. }, _) if self.core.is_question(*to) => at = *to,
                    (Stage::Question(session), _) if session.is_session() => {
                        return self.core.pass_far(*session, Message { to: at, ..message });
                    }
                    _ => {
                        let message = Message { to: at, ..message };
                        self.core.space.wait(at, message, &self.core.limits)?;
                        return Ok(Delivered::Passed);
                    }
                },
                (_, Content::Free, _) => return Err(Problem::stale(at)),
            }
        }
    }
}

/// How far a reference got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is an actor of this vat.
    Object(Ref),
    /// It is in another vat, or behind a session.
    Far(Ref),
    /// It is a promise that is neither kept nor broken.
    Unresolved,
    /// It is a promise kept with a value.
    Value(Value),
    /// It is a promise that was broken.
    Broken(Value),
}

impl Core {
    /// A turn begins while so many messages wait.
    pub(crate) fn begin(&mut self, waiting: usize, bytes: u64) {
        self.waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        self.waiting_bytes = bytes;
        self.space.begin();
        self.out.clear();
        self.sent_bytes = 0;
        self.ahead.clear();
        (self.depth, self.calls, self.fuel) = (0, 0, self.limits.fuel_per_turn);
        self.stamps_before = self.stamps;
    }

    fn savepoint(&self) -> Savepoint {
        Savepoint {
            space: self.space.savepoint(),
            out: self.out.len(),
            ahead: self.ahead.len(),
            sent: self.sent_bytes,
        }
    }

    fn undo_to(&mut self, savepoint: Savepoint) {
        self.space.undo_to(savepoint.space);
        self.out.truncate(savepoint.out);
        self.sent_bytes = savepoint.sent;
        self.ahead.truncate(savepoint.ahead);
    }

    /// Takes the whole turn back.
    pub(crate) fn undo_all(&mut self) {
        self.undo_to(Savepoint::default());
        self.depth = 0;
        self.stamps = self.stamps_before;
    }

    pub(crate) fn count_call(&mut self) -> Result<(), Problem> {
        check("calls-per-turn", self.calls.saturating_add(1), self.limits.calls_per_turn)?;
        self.calls += 1;
        Ok(())
    }

    /// Sends when the turn ends well.
    pub(crate) fn post(&mut self, message: Message) -> Result<(), Problem> {
        let sent = u32::try_from(self.out.len()).unwrap_or(u32::MAX).saturating_add(1);
        check("sends-per-turn", sent, self.limits.sends_per_turn)?;
        check("mailbox", self.waiting.saturating_add(sent), self.limits.mailbox)?;
        message.check(&self.limits)?;
        let cost = message.cost();
        let bytes = self.waiting_bytes.saturating_add(self.sent_bytes).saturating_add(cost);
        check_bytes("mailbox-bytes", bytes, self.limits.mailbox_bytes)?;
        // What `go` counts is looked at before.
        self.space.can_spend(cost, &self.limits)?;
        self.push(message);
        Ok(())
    }

    pub(crate) fn push(&mut self, message: Message) {
        self.go(message.to.vat(), message);
    }

    /// A message that came here leaves the vat.
    fn pass_far(&mut self, to: VatId, message: Message) -> Result<Delivered, Problem> {
        self.go(to, message);
        Ok(Delivered::Passed)
    }

    /// A message goes out. If its answer is a promise here and it goes to another machine, messages to that promise can follow it
    /// there at once.
    fn go(&mut self, to: VatId, message: Message) {
        if to.is_session()
            && let Some(resolver) = message.resolver
            && self.space.is_near(resolver)
            && resolver.facet() == Facet::Resolver
        {
            self.ask(resolver.with_facet(Facet::Promise), to);
        } else if !to.is_durable()
            && self.space.vat.is_durable()
            && let Some(resolver) = message.resolver
            && resolver.facet() == Facet::Resolver
        {
            self.rely(resolver.with_facet(Facet::Promise), to);
        }
        let cost = message.cost();
        self.space.costs.add(cost);
        self.sent_bytes = self.sent_bytes.saturating_add(cost);
        self.out.push(Out { to, message });
    }

    /// Whether all that the turn did fits in a record, what is known outside from now on among it.
    pub(crate) fn fits(&self) -> Result<(), Problem> {
        self.fits_with(0)
    }

    /// The same with so much more.
    pub(crate) fn fits_with(&self, more: u64) -> Result<(), Problem> {
        let mut cost = self.space.costs.of_turn().saturating_add(more);
        let mut seen = HashSet::new();
        for out in self.out.iter().filter(|out| out.to != self.space.vat) {
            out.message.visit_refs(&mut |found| {
                let more = self.space.export_cost(found);
                // However often it is named, it is written down once.
                if more > 0 && seen.insert(found.index()) {
                    cost = cost.saturating_add(more);
                }
            });
        }
        check_bytes("turn-bytes", cost, self.limits.turn_bytes)
    }

    pub(crate) fn standing(&self, reference: Ref) -> Result<Standing, Problem> {
        let mut at = reference;
        loop {
            if !self.space.is_near(at) {
                return Ok(Standing::Far(at));
            }
            match self.space.get(at)? {
                _ if matches!(at.facet(), Facet::Resolver | Facet::Follower) => {
                    return Ok(Standing::Object(at));
                }
                Content::Object { .. } => return Ok(Standing::Object(at)),
                Content::Link(next) => at = linked(reference, at, *next)?,
                Content::Encased(value) => return Ok(Standing::Value(value.clone())),
                Content::Broken(reason) => return Ok(Standing::Broken(reason.clone())),
                Content::Promise(_) => return Ok(Standing::Unresolved),
                Content::Free => return Err(Problem::stale(at)),
            }
        }
    }
}

/// Where a promise leads that stands for an object. One that a vat made stands for no other promise of it; in a damaged record one
/// might stand for itself, and a search would not end.
fn linked(to: Ref, at: Ref, next: Ref) -> Result<Ref, Problem> {
    let again = at.facet() != Facet::Promise || (next.vat() == at.vat() && next.facet() == Facet::Promise);
    if again { Err(Problem::stale(to)) } else { Ok(next) }
}

/// A place to come back to. The default is the beginning of the turn.
#[derive(Clone, Copy, Default)]
struct Savepoint {
    space: space::Savepoint,
    out: usize,
    sent: u64,
    ahead: usize,
}

#[cfg(test)]
mod tests;

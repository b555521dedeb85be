//! What comes of messages: answers, and what happens to those who wait when something is taken back or all ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use hob_cap::Limit;
use hob_vat::{Body, Message, Problem, Ref, Value};

use super::{Desk, Out, State, closed, refuse, revoked, weight};
use crate::limits::exceeded;
use crate::object::{Done, Reply, Thing, no_thread};
use crate::tree::Position;

impl Desk {
    /// Answers a message, unless what it went to was taken back.
    pub(crate) fn settle(self: &Arc<Self>, number: u64, done: Done) {
        let (mut made, mut narrowed, mut out) = (None, None, Out::new());
        let (message, leaving) = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let Some(pending) = state.pending.get_mut(&number).filter(|pending| !pending.claimed) else {
                drop(guard);
                drop(done);
                return;
            };
            pending.claimed = true;
            if pending.timer.take().is_some() {
                state.timers = state.timers.saturating_sub(1);
            }
            let (object, resolver, held) = (pending.object, pending.resolver, pending.held);
            let value = match done {
                Ok(Reply::Value(value)) => Ok(value),
                Ok(Reply::Later) => Ok(Value::Undefined),
                Err(problem) => Err(problem),
                Ok(Reply::Narrowed(thing)) => {
                    // What nobody is told of is not made.
                    let added = match resolver {
                        Some(_) => self.add(state, &thing, Some(object)).map(|(position, reference)| {
                            made = Some(position);
                            Value::Ref(reference)
                        }),
                        None => Ok(Value::Undefined),
                    };
                    narrowed = Some(thing);
                    added
                }
            };
            // An answer takes the place of what was asked with; what is more than that counts. So nothing that was done is refused
            // for its answer, which is short.
            let value = value.and_then(|value| {
                let more = u64::from(value.weight()).saturating_sub(held);
                self.charge(more)?;
                self.ledger.release(Limit::HostBuffer, more);
                Ok(value)
            });
            self.ledger.release(Limit::HostBuffer, held);
            state.open = state.open.saturating_sub(1);
            if let (Some(position), Some(resolver)) = (made, resolver) {
                self.go_to(state, number, resolver, position, &mut out);
            }
            let body = match value {
                Ok(value) => Body::Fulfill(value),
                Err(problem) => Body::Break(problem.reason()),
            };
            (resolver.map(|to| Message { to, body, resolver: None }), state.leave(out))
        };
        drop(narrowed);
        match message {
            Some(message) => self.hand_in(message, Some(number)),
            None => self.finish(number),
        }
        self.hand_in_all(leaving);
    }

    /// The answer of a message is an object: what waited behind it is for that, and so is what is sent to its promise from now on.
    ///
    /// It is done before anybody hears of the answer. Whoever hears of it can send to the object itself, and what they sent to the
    /// promise before would come after that.
    fn go_to(
        self: &Arc<Self>,
        state: &mut State,
        number: u64,
        resolver: Ref,
        position: Position,
        out: &mut Out,
    ) {
        state.tree.answers(resolver.place(), position);
        let Some(pending) = state.pending.get_mut(&number) else { return };
        let behind = std::mem::take(&mut pending.behind);
        for message in self.let_go(state, behind) {
            self.enqueue(state, position, message, out);
        }
    }

    /// The answer of a message was handed in. What waited behind it and is for no object here goes back to where that is known.
    pub(super) fn finish(self: &Arc<Self>, number: u64) {
        let leaving = {
            let mut state = self.lock();
            let Some(pending) = state.pending.remove(&number) else { return };
            if let Some(resolver) = pending.resolver {
                state.asked.remove(&resolver.place());
            }
            let out = self.let_go(&mut state, pending.behind);
            state.leave(out)
        };
        self.hand_in_all(leaving);
    }

    /// Messages that wait behind another one no more.
    fn let_go(&self, state: &mut State, behind: Vec<Message>) -> Vec<Message> {
        state.behind = state.behind.saturating_sub(behind.len());
        behind.iter().for_each(|message| self.ledger.release(Limit::HostBuffer, weight(message)));
        behind
    }

    /// Answers a message when its time has come.
    pub(crate) fn answer_at(
        self: &Arc<Self>,
        number: u64,
        when: Instant,
        value: Value,
    ) -> Result<(), Problem> {
        let mut state = self.lock();
        if state.timers >= self.limits.timers {
            return Err(exceeded("timers", self.limits.timers));
        }
        let desk = Arc::clone(self);
        let job = Box::new(move || desk.settle(number, Ok(Reply::Value(value))));
        // It is not answered before the lock is given back, so the timer is known by then.
        let timer = self.timers.at(when, job).ok_or_else(no_thread)?;
        match state.pending.get_mut(&number) {
            Some(pending) => {
                pending.timer = Some(timer);
                state.timers += 1;
            }
            None => self.timers.cancel(timer),
        }
        Ok(())
    }

    /// Takes an object back, with all that was narrowed from it. False when there is none.
    pub(crate) fn revoke(self: &Arc<Self>, position: Position) -> bool {
        let (taken, leaving) = {
            let mut state = self.lock();
            let taken = state.tree.take(position);
            let gone: HashSet<Position> = taken.iter().map(|(position, _)| *position).collect();
            let out = self.abandon(&mut state, &revoked(), |object| gone.contains(&object));
            (taken, state.leave(out))
        };
        self.hand_in_all(leaving);
        self.end_all(&taken);
        !taken.is_empty()
    }

    /// Objects that were taken out of the tree.
    fn end_all(&self, taken: &[(Position, Arc<dyn Thing>)]) {
        taken.iter().for_each(|(_, thing)| thing.end());
        self.ledger.release(Limit::Handles, u64::try_from(taken.len()).unwrap_or(u64::MAX));
    }

    /// Nobody will answer these messages any more: who waits is told so.
    fn abandon(&self, state: &mut State, problem: &Problem, which: impl Fn(Position) -> bool) -> Out {
        let lost = state.pending.iter().filter(|(_, pending)| !pending.claimed && which(pending.object));
        let mut lost: Vec<u64> = lost.map(|(number, _)| *number).collect();
        lost.sort_unstable();
        let mut out = Out::new();
        for number in lost {
            let Some(pending) = state.pending.remove(&number) else { continue };
            if let Some(resolver) = pending.resolver {
                state.asked.remove(&resolver.place());
            }
            if let Some(timer) = pending.timer {
                state.timers = state.timers.saturating_sub(1);
                self.timers.cancel(timer);
            }
            state.open = state.open.saturating_sub(1);
            self.ledger.release(Limit::HostBuffer, pending.held);
            refuse(pending.resolver, problem, &mut out);
            out.extend(self.let_go(state, pending.behind));
        }
        out
    }

    pub(crate) fn revoke_reference(self: &Arc<Self>, reference: Ref) -> bool {
        let position = self.line.get().and_then(|(far, _)| far.position(reference));
        position.is_some_and(|(position, _)| !reference.is_promise() && self.revoke(position))
    }

    /// Ends everything, and waits until it has ended.
    pub(crate) fn close(self: &Arc<Self>) {
        self.end(&closed());
        self.lanes.join();
        self.timers.stop();
        self.timers.join();
    }

    /// Ends everything: who waits is told why, and whoever sends later too.
    pub(super) fn end(self: &Arc<Self>, problem: &Problem) {
        let (taken, leaving) = {
            let mut state = self.lock();
            if state.closed.replace(problem.clone()).is_some() {
                return;
            }
            let given = state.tree.given();
            let taken: Vec<_> = given.into_iter().flat_map(|position| state.tree.take(position)).collect();
            let out = self.abandon(&mut state, problem, |_| true);
            (taken, state.leave(out))
        };
        self.hand_in_all(leaving);
        self.end_all(&taken);
        self.lanes.stop();
        if let Some((_, entrance)) = self.line.get() {
            // Promises that nobody was told of are broken with it.
            entrance.sever(&problem.reason());
        }
    }
}

//! How promises become what they stand for.
//!
//! ```text
//! naive ────┬──▶ closer ──┬──▶ link (an object, near or far) · encased (a value) · broken
//! question ─┘    ▲   └────┘
//!                └ one promise after another; a circle breaks it
//! ```
//!
//! Messages that wait go where the promise goes when that is known, before anything sent later. Those for a promise of another
//! vat wait here until it is settled: only answers are pipelined over a wire. Promises that follow one another here are settled
//! together. Listeners are told once; who asked for partial news is told of the next promise, and may listen to that.

use std::collections::HashSet;

use crate::limits::{TOLD_AT_ONCE, cost};
use crate::message::{Body, Content, Listener, Message, Stage, Waiting};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};
use crate::turn::{Core, Standing};
use crate::value::Value;

impl Core {
    /// A resolver is called, or sent to, like any object: `['fulfill value]` or `['break reason]`.
    pub(crate) fn settle_by_args(&mut self, resolver: Ref, args: &[Value]) -> Result<(), Problem> {
        let body = match (args.first().and_then(Value::as_name), args) {
            (Some("fulfill" | "break"), [_, value]) if self.limits.check_value(value).is_err() => {
                return self.limits.check_value(value);
            }
            (Some("fulfill"), [_, value]) => Body::Fulfill(value.clone()),
            (Some("break"), [_, reason]) => Body::Break(reason.clone()),
            (Some("fulfill" | "break"), _) => {
                return Err(Problem::bad_args("a resolver's method", "one value"));
            }
            _ => return Err(Problem::no_method(args, &["fulfill", "break"])),
        };
        self.settle(resolver, body)
    }

    /// Settles a promise by its resolver, or by what the promise it follows has come to.
    pub(crate) fn settle(&mut self, resolver: Ref, body: Body) -> Result<(), Problem> {
        // An object that resolves is no promise: it is what it is, also when it has resolved.
        if let Body::Listen { listener, .. } = body {
            return self.post(Message { to: listener, body: Body::Fulfill(resolver.into()), resolver: None });
        }
        let promise = resolver.with_facet(Facet::Promise);
        let follows = resolver.facet() == Facet::Follower;
        let closer = match self.space.get(promise)? {
            Content::Promise(waiting) => matches!(waiting.stage(), Stage::Closer { .. }),
            _ if follows => return Ok(()),
            _ => return Err(already_resolved()),
        };
        if closer != follows {
            return if follows { Ok(()) } else { Err(already_resolved()) };
        }
        match body {
            Body::Args(args) => self.settle_by_args(resolver, &args),
            Body::Break(reason) => self.finish(promise, Content::Broken(reason)),
            Body::Fulfill(Value::Ref(next)) => self.point(promise, next),
            Body::Fulfill(value) => self.finish(promise, Content::Encased(value)),
            Body::Listen { .. } => Ok(()),
        }
    }

    /// The promise stands for what `next` stands for.
    fn point(&mut self, promise: Ref, next: Ref) -> Result<(), Problem> {
        let end = match next.facet() {
            Facet::Promise => match self.end_of(next) {
                Ok(end) => end,
                Err(limit) => return self.finish(promise, Content::Broken(limit.reason())),
            },
            _ => next,
        };
        if end == promise {
            return self.finish(promise, circle());
        }
        if end.facet() != Facet::Promise {
            return self.finish(promise, Content::Link(end));
        }
        if !self.space.is_near(end) {
            return self.follow(promise, end);
        }
        match self.space.get(end) {
            Ok(Content::Promise(_)) => self.follow(promise, end),
            Ok(settled) => {
                let settled = settled.clone();
                self.finish(promise, settled)
            }
            // What it was to stand for is gone. Whoever waits for it is told so.
            Err(gone) => self.finish(promise, Content::Broken(gone.reason())),
        }
    }

    /// The last of the near promises that lead from this one to the next. The way is shorter for who asks again; but a turn that
    /// is taken back makes it as long as it was, so each step counts as a call.
    fn end_of(&mut self, promise: Ref) -> Result<Ref, Problem> {
        let mut end = promise;
        while self.space.is_near(end)
            && let Some(next) = self.space.closer(end)
        {
            self.count_call()?;
            end = next;
        }
        let mut at = promise;
        while self.space.is_near(at)
            && let Some(next) = self.space.closer(at)
            && next != end
        {
            self.space.shorten(at, end);
            at = next;
        }
        Ok(end)
    }

    /// The promise goes where another goes, which nobody knows yet.
    ///
    /// What waits for it stays: when the other is settled, so are all that follow it. Only the answer to a question takes messages
    /// at once.
    fn follow(&mut self, promise: Ref, to: Ref) -> Result<(), Problem> {
        let near = self.space.is_near(to);
        let Ok(Content::Promise(waiting)) = self.space.get(promise) else { return Ok(()) };
        if !near && let Stage::Closer { history, .. } = waiting.stage() {
            if history.contains(&to) {
                return self.finish(promise, circle());
            }
            if history.len() >= FAR_STEPS_MAX {
                let reason = format!("it led from one promise of others to the next {FAR_STEPS_MAX} times");
                return self.finish(promise, Content::Broken(Value::error("promise-too-far", &reason)));
            }
        }
        let Some(Waiting { stage, messages, listeners }) = self.space.take_waiting(promise, Content::Free)
        else {
            return Ok(());
        };
        let mut history = if let Stage::Closer { history, .. } = stage { history } else { Vec::new() };
        let (told, listeners): (Vec<_>, Vec<_>) =
            listeners.into_iter().partition(|listener| listener.partial);
        if !near {
            history.push(to);
        }
        let waiting = Waiting { stage: Stage::Closer { to, history }, messages, listeners };
        self.space.replace(promise, Content::Promise(waiting.into()));
        let follower = promise.with_facet(Facet::Follower);
        if near {
            self.space.follow(to, follower)?;
        } else {
            let body = Body::Listen { listener: follower, partial: true };
            self.push(Message { to, body, resolver: None });
        }
        told.into_iter().for_each(|listener| self.tell(listener.who, Body::Fulfill(to.into())));
        if self.is_question(to) {
            self.send_after(to, vec![promise]);
        }
        Ok(())
    }

    fn finish(&mut self, promise: Ref, content: Content) -> Result<(), Problem> {
        self.settled(promise, content);
        Ok(())
    }

    /// A promise is the answer to a question from now on: messages to it can follow there, and so can those to promises that
    /// follow it.
    pub(crate) fn ask(&mut self, promise: Ref, session: VatId) {
        let Ok(Content::Promise(waiting)) = self.space.get(promise) else { return };
        if !matches!(waiting.stage(), Stage::Naive) {
            return;
        }
        let Some(Waiting { messages, listeners, .. }) = self.space.take_waiting(promise, Content::Free)
        else {
            return;
        };
        let followers = self.followers(&listeners);
        let asked = Waiting { stage: Stage::Question(session), messages: Vec::new(), listeners };
        self.space.replace(promise, Content::Promise(asked.into()));
        self.go_ahead(messages);
        self.send_after(promise, followers);
    }

    /// Only a vat that ends with the process can settle a promise of one that does not: it is broken when that is gone.
    pub(crate) fn rely(&mut self, promise: Ref, on: VatId) {
        if !self.space.is_near(promise) {
            return;
        }
        if let Ok(Content::Promise(waiting)) = self.space.get(promise)
            && matches!(waiting.stage(), Stage::Naive)
        {
            let asked = Waiting { stage: Stage::Question(on), ..waiting.cloned() };
            self.space.replace(promise, Content::Promise(asked.into()));
        }
    }

    /// What waited was sent earlier than what is sent now.
    fn go_ahead(&mut self, messages: Vec<Message>) {
        messages.iter().for_each(|message| self.space.costs.go_ahead(message.cost()));
        self.ahead.extend(messages);
    }

    /// What waits for these promises, and for those that follow them, goes where the question went.
    fn send_after(&mut self, question: Ref, mut todo: Vec<Ref>) {
        // A peer can ask us to tell one promise of another that is already told of it: each is seen to once.
        let mut seen = HashSet::new();
        while let Some(promise) = todo.pop() {
            if !seen.insert(promise) {
                continue;
            }
            let Some(Waiting { mut stage, messages, listeners }) =
                self.space.take_waiting(promise, Content::Free)
            else {
                continue;
            };
            todo.extend(self.followers(&listeners));
            if let Stage::Closer { to, .. } = &mut stage {
                *to = question;
            }
            let waiting = Waiting { stage, messages: Vec::new(), listeners };
            self.space.replace(promise, Content::Promise(waiting.into()));
            self.go_ahead(messages);
        }
    }

    /// The near promises among listeners.
    fn followers(&self, listeners: &[Listener]) -> Vec<Ref> {
        let near = listeners.iter().map(|listener| listener.who).filter(|who| self.is_follower(*who));
        near.map(|who| who.with_facet(Facet::Promise)).collect()
    }

    fn is_follower(&self, reference: Ref) -> bool {
        self.space.is_near(reference) && reference.facet() == Facet::Follower
    }

    pub(crate) fn is_question(&self, promise: Ref) -> bool {
        self.space.is_near(promise)
            && matches!(self.space.get(promise),
                Ok(Content::Promise(waiting)) if matches!(waiting.stage(), Stage::Question(to) if to.is_session()))
    }

    /// Nothing more will come of the promise, nor of those that follow it.
    fn settled(&mut self, promise: Ref, content: Content) {
        // Most promises are settled before anybody waits for them.
        if self.space.nobody_waits(promise) {
            return self.space.replace(promise, content);
        }
        let content = if let Err(limit) = self.can_tell(promise, &content) {
            let broken = Content::Broken(limit.reason());
            if self.can_tell(promise, &broken).is_err() {
                return self.break_some(promise, &limit.reason());
            }
            broken
        } else {
            content
        };
        let news = match &content {
            Content::Link(to) => Body::Fulfill((*to).into()),
            Content::Broken(reason) => Body::Break(reason.clone()),
            Content::Encased(value) => Body::Fulfill(value.clone()),
            Content::Free | Content::Object { .. } | Content::Promise(_) => return,
        };
        let mut todo = vec![promise];
        while let Some(promise) = todo.pop() {
            let Some(waiting) = self.space.take_waiting(promise, content.clone()) else { continue };
            todo.extend(self.followers(&waiting.listeners));
            self.go_ahead(waiting.messages);
            for listener in waiting.listeners {
                if !self.is_follower(listener.who) {
                    self.tell(listener.who, news.clone());
                }
            }
        }
    }

    /// The turn that was to settle this, by its resolver, was too large. It is broken instead: nobody else would ever settle it, and who
    /// waits for it would wait for ever. Nothing happens if it is no resolver of an open promise.
    ///
    /// That is not counted against what a turn may do. It is no more than who waits for one promise, or what is told at once.
    pub(crate) fn give_up(&mut self, resolver: Ref, why: Value) {
        if let Ok(Standing::Object(at)) = self.standing(resolver)
            && matches!(at.facet(), Facet::Resolver | Facet::Follower)
        {
            // Nobody can be told that it was settled before.
            let _ = self.settle(at, Body::Break(why));
        }
    }

    /// More wait for a promise, and for those that follow it, than can be told in one turn even that it is broken: some are told, then
    /// others in turns to come. Those that follow are told as if they were others.
    fn break_some(&mut self, promise: Ref, why: &Value) {
        let Ok(Content::Promise(pending)) = self.space.get(promise) else { return };
        let Waiting { stage, messages, mut listeners } = pending.cloned();
        let rest = listeners.split_off(listeners.len().min(TOLD_AT_ONCE));
        if rest.is_empty() {
            self.space.replace(promise, Content::Broken(why.clone()));
            self.go_ahead(messages);
        } else {
            let closer = matches!(stage, Stage::Closer { .. });
            let facet = if closer { Facet::Follower } else { Facet::Resolver };
            let waiting = Waiting { stage, messages, listeners: rest };
            self.space.replace(promise, Content::Promise(waiting.into()));
            self.tell(promise.with_facet(facet), Body::Break(why.clone()));
        }
        listeners.iter().for_each(|listener| self.tell(listener.who, Body::Break(why.clone())));
    }

    /// Whether all who wait for a promise can be told in one turn what it is settled with. Errors: `turn-bytes`.
    fn can_tell(&self, promise: Ref, content: &Content) -> Result<(), Problem> {
        let Ok(Content::Promise(waiting)) = self.space.get(promise) else { return Ok(()) };
        let cost = content.cost().saturating_add(cost::MESSAGE);
        let mut told = 1_u64;
        let mut todo = self.followers(waiting.listeners());
        if todo.is_empty() {
            told = told.saturating_add(many(waiting.listeners()));
        } else {
            let mut seen = HashSet::new();
            todo.push(promise);
            while let Some(promise) = todo.pop() {
                if let Ok(Content::Promise(waiting)) = self.space.get(promise)
                    && seen.insert(promise)
                {
                    todo.extend(self.followers(waiting.listeners()));
                    told = told.saturating_add(1).saturating_add(many(waiting.listeners()));
                }
            }
        }
        self.space.can_spend(cost.saturating_mul(told), &self.limits)
    }

    /// Promises that wait for a session, and those that stand for something behind it.
    pub(crate) fn lost(&self, session: VatId) -> Vec<Ref> {
        let is_lost = |content: &Content| match content {
            Content::Link(to) => to.vat() == session,
            Content::Promise(waiting) => match waiting.stage() {
                Stage::Question(to) => *to == session,
                Stage::Closer { to, .. } => to.vat() == session,
                Stage::Naive => false,
            },
            _ => false,
        };
        let slots = self.space.slots.iter().zip(0_u32..).filter(|(slot, _)| is_lost(&slot.content));
        slots.map(|(slot, index)| Ref::new(self.space.vat, index, slot.birth, Facet::Promise)).collect()
    }

    /// Breaks promises that were lost with a session, until so much is to be written down. Says whether any are left.
    pub(crate) fn sever(&mut self, lost: Vec<Ref>, reason: &Value, bytes: u64) -> bool {
        for promise in lost {
            if self.space.costs.all_of_turn() >= bytes {
                return true;
            }
            let broken = Content::Broken(reason.clone());
            if matches!(self.space.get(promise), Ok(Content::Link(_))) {
                self.space.replace(promise, broken);
            } else {
                self.settled(promise, broken);
            }
        }
        false
    }

    /// News are not counted against what the turn may send: how many there are was bounded when they were asked for.
    pub(crate) fn tell(&mut self, listener: Ref, news: Body) {
        self.push(Message { to: listener, body: news, resolver: None });
    }
}

/// How many promises of others one promise goes past until it is settled.
const FAR_STEPS_MAX: usize = 1024;

fn many(listeners: &[Listener]) -> u64 {
    u64::try_from(listeners.len()).unwrap_or(u64::MAX)
}

fn circle() -> Content {
    Content::Broken(Value::error("promise-cycle", "the promise was resolved to itself"))
}

fn already_resolved() -> Problem {
    Problem::rule("already-resolved", "the promise was kept or broken before".into())
}

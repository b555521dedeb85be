//! How promises become what they stand for.
//!
//! ```text
//! naive ────┬──▶ closer ──┬──▶ link (an object, near or far) · encased (a value) · broken
//! question ─┘    ▲   └────┘
//!                └ one promise after another; a circle breaks it
//! ```
//!
//! Messages that wait go where the promise goes, before anything sent later. Those for a promise of another vat wait here until
//! it is settled: only answers are pipelined over a wire. Listeners are told once; who asked for partial news is told of the next
//! promise, and may listen to that.

use crate::message::{Body, Content, Listener, Message, Stage, Waiting};
use crate::problem::Problem;
use crate::reference::{Facet, Ref};
use crate::turn::Core;
use crate::value::Value;

impl Core {
    /// A resolver is called, or sent to, like any object: `['fulfill value]` or `['break reason]`.
    pub(crate) fn settle_by_args(&mut self, resolver: Ref, args: &[Value]) -> Result<(), Problem> {
        let body = match (args.first().and_then(Value::as_name), args) {
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
            Content::Promise(waiting) => matches!(waiting.stage, Stage::Closer { .. }),
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
        let mut at = next;
        loop {
            if at == promise || self.has_been(promise, at) {
                let reason = Value::error("promise-cycle", "the promise was resolved to itself");
                return self.finish(promise, Content::Broken(reason));
            }
            if at.facet() != Facet::Promise {
                return self.finish(promise, Content::Link(at));
            }
            if !self.space.is_near(at) {
                return self.follow(promise, at);
            }
            match self.space.get(at)? {
                Content::Link(further) => at = *further,
                Content::Promise(waiting) => match &waiting.stage {
                    Stage::Closer { to, .. } if self.space.is_near(*to) => at = *to,
                    _ => return self.follow(promise, at),
                },
                settled => {
                    let settled = settled.clone();
                    return self.finish(promise, settled);
                }
            }
        }
    }

    fn has_been(&self, promise: Ref, at: Ref) -> bool {
        match self.space.get(promise) {
            Ok(Content::Promise(waiting)) => match &waiting.stage {
                Stage::Closer { history, .. } => history.contains(&at),
                _ => false,
            },
            _ => false,
        }
    }

    /// The promise goes where another goes, which nobody knows yet.
    fn follow(&mut self, promise: Ref, to: Ref) -> Result<(), Problem> {
        let Some(Waiting { stage, messages, mut listeners }) =
            self.space.take_waiting(promise, Content::Free)
        else {
            return Ok(());
        };
        let mut history = if let Stage::Closer { history, .. } = stage { history } else { Vec::new() };
        history.push(to);
        let limit = usize::try_from(self.limits.waiting).unwrap_or(usize::MAX);
        if history.len() > limit {
            return Err(Problem::limit("waiting", self.limits.waiting.into()));
        }
        let told: Vec<Listener> = listeners.iter().copied().filter(|listener| listener.partial).collect();
        listeners.retain(|listener| !listener.partial);
        let near = self.space.is_near(to);
        let (stays, moves) = if near { (Vec::new(), messages) } else { (messages, Vec::new()) };
        let waiting = Waiting { stage: Stage::Closer { to, history }, messages: stays, listeners };
        self.space.replace(promise, Content::Promise(Box::new(waiting)));
        let follower = promise.with_facet(Facet::Follower);
        if near {
            for message in moves {
                self.space.wait(to, Message { to, ..message }, &self.limits)?;
            }
            self.space.listen(to, Listener { who: follower, partial: true }, &self.limits)?;
        } else {
            self.push(Message {
                to,
                body: Body::Listen { listener: follower, partial: true },
                resolver: None,
            });
        }
        told.into_iter().for_each(|listener| self.tell(listener, Body::Fulfill(to.into())));
        Ok(())
    }

    /// Nothing more will come of the promise.
    pub(crate) fn finish(&mut self, promise: Ref, content: Content) -> Result<(), Problem> {
        let news = match &content {
            Content::Link(to) => Body::Fulfill((*to).into()),
            Content::Broken(reason) => Body::Break(reason.clone()),
            Content::Encased(value) => Body::Fulfill(value.clone()),
            Content::Free | Content::Object { .. } | Content::Promise(_) => return Ok(()),
        };
        let Some(waiting) = self.space.take_waiting(promise, content) else { return Ok(()) };
        self.ahead.extend(waiting.messages);
        waiting.listeners.into_iter().for_each(|listener| self.tell(listener, news.clone()));
        Ok(())
    }

    /// News are not counted against what the turn may send: how many there are was bounded when they were asked for.
    fn tell(&mut self, listener: Listener, news: Body) {
        self.push(Message { to: listener.who, body: news, resolver: None });
    }
}

fn already_resolved() -> Problem {
    Problem::rule("already-resolved", "the promise was kept or broken before".into())
}

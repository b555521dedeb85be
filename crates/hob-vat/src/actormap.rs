//! An actormap: actors, promises, and the messages between them, as one value.
//!
//! It is a vat without threads, time or neighbours: what is run in it is decided by who holds it. It can be looked at
//! ([`Actormap::peek`]), changed ([`Actormap::poke`]), copied ([`Actormap::fork`]) and joined with a copy again
//! ([`Actormap::merge`]). A vat drives one; tests and time travel drive others.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::limits::{Limits, check_bytes};
use crate::message::{Body, Message};
use crate::problem::Problem;
use crate::queue::Queue;
use crate::record::Failure;
use crate::reference::{Ref, VatId};
use crate::turn::{Delivered, Out, Turn};
use crate::value::Value;

/// Actors, promises, and the messages between them.
///
/// ```
/// use hob_vat::{Actormap, Value, library::CELL};
///
/// let mut map = Actormap::new();
/// let cell = map.poke(|turn| turn.spawn(&CELL, "a".into()))?;
/// map.poke(|turn| turn.send_only(cell, ["b".into()]))?;
/// assert_eq!(map.peek(|turn| turn.call(cell, &[]))?, "a".into());
/// map.churn();
/// assert_eq!(map.peek(|turn| turn.call(cell, &[]))?, "b".into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
#[derive(Debug)]
pub struct Actormap {
    pub(crate) turn: Turn,
    /// Messages for this vat, in the order they are delivered.
    pub(crate) queue: Queue,
    /// Messages for others, of turns that ended well.
    pub(crate) outbox: Vec<Out>,
    /// Turns that were run.
    pub(crate) turns: u64,
    /// Shared with its forks until it changes, so that a fork knows whether it is still one.
    state: Arc<()>,
    /// What it was forked from, as it was then.
    forked_from: Option<Arc<()>>,
    pub(crate) reports: Option<Vec<Report>>,
    /// Turns that failed since this was looked at.
    pub(crate) failures: Vec<Failure>,
    /// Which message led to which, for who looks back.
    pub(crate) trace: Option<Trace>,
}

/// Which of the messages that came in together led to what: each is a number, and whatever a turn sends has the number of the message
/// that the turn handled.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Of each message in the queue.
    pub(crate) queue: VecDeque<u32>,
    /// Of each in the outbox.
    pub(crate) outbox: Vec<u32>,
    now: u32,
}

/// How many failures are kept for who asks.
const FAILURES_KEPT: usize = 1024;

/// What one turn did, for who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The number of the turn in its vat.
    pub turn: u64,
    /// What it handled.
    pub message: Message,
    /// What came of it: a value, nothing yet (the message waits, or went on), or why it failed.
    pub outcome: Outcome,
    /// What it sent.
    pub sent: Vec<Message>,
}

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A value.
    Done(Value),
    /// The message went on, or waits.
    Passed,
    /// Nothing remains of the turn.
    Failed(Problem),
}

impl Default for Actormap {
    fn default() -> Self {
        Self::new()
    }
}

impl Actormap {
    /// An empty one. Its references mean nothing to another, though they may look alike.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty one with limits.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self::of_vat(VatId::new(0), limits)
    }

    pub(crate) fn of_vat(vat: VatId, limits: Limits) -> Self {
        Self {
            turn: Turn::new(vat, limits),
            queue: Queue::default(),
            outbox: Vec::new(),
            turns: 0,
            state: Arc::default(),
            forked_from: None,
            reports: None,
            failures: Vec::new(),
            trace: None,
        }
    }

    /// Runs `f` as a turn. What it sent waits for [`Actormap::churn`].
    ///
    /// # Errors
    ///
    /// What `f` says; nothing it did remains then.
    pub fn poke<R>(&mut self, f: impl FnOnce(&mut Turn) -> Result<R, Problem>) -> Result<R, Problem> {
        self.begin();
        self.change();
        match guarded(|| f(&mut self.turn)).and_then(|done| self.turn.core.fits().map(|()| done)) {
            Ok(done) => {
                self.keep();
                Ok(done)
            }
            Err(problem) => {
                self.turn.core.undo_all();
                Err(problem)
            }
        }
    }

    /// Runs `f` as a turn, and takes back all it did. What happens afterwards is what would have happened without it, to the last
    /// number; a reference to what was made in it refers to nothing any more.
    ///
    /// # Errors
    ///
    /// What `f` says.
    pub fn peek<R>(&mut self, f: impl FnOnce(&mut Turn) -> Result<R, Problem>) -> Result<R, Problem> {
        self.begin();
        let look = self.turn.core.space.look();
        let done = guarded(|| f(&mut self.turn));
        self.turn.core.undo_all();
        self.turn.core.space.looked(look);
        done
    }

    /// Puts a message at the end of the queue.
    ///
    /// # Errors
    ///
    /// `limit`: mailbox, mailbox-bytes, message-bytes, value-depth.
    pub fn enqueue(&mut self, message: Message) -> Result<(), Problem> {
        let allowed = self.turn.limits().mailbox;
        if self.queue.len() >= usize::try_from(allowed).unwrap_or(usize::MAX) {
            return Err(Problem::limit("mailbox", allowed.into()));
        }
        message.check(self.turn.limits())?;
        let bytes = self.queue.bytes().saturating_add(message.cost());
        check_bytes("mailbox-bytes", bytes, self.turn.limits().mailbox_bytes)?;
        self.change();
        self.queue.push_back(message);
        Ok(())
    }

    /// Runs turns until no message is left, or as many as a churn may have. Returns how many it ran.
    pub fn churn(&mut self) -> u32 {
        self.churn_within(u64::MAX)
    }

    /// As [`Actormap::churn`], and no more once so much is to be written down.
    pub(crate) fn churn_within(&mut self, bytes: u64) -> u32 {
        let (mut ran, mut written) = (0, 0_u64);
        while ran < self.turn.limits().turns_per_churn && written < bytes {
            let Some(message) = self.queue.pop_front() else { break };
            let failed = self.failures.len();
            self.turn(message);
            let failures = self.failures.get(failed..).unwrap_or_default().iter().map(Failure::cost);
            written = failures.fold(written, u64::saturating_add);
            written = written.saturating_add(self.written());
            ran += 1;
        }
        ran
    }

    fn begin(&mut self) {
        self.turn.core.begin(self.queue.len() + self.outbox.len(), self.queue.bytes());
    }

    /// Whether no message is left.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.queue.is_empty()
    }

    /// A copy, which can be changed without changing this one.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            turn: Turn { core: self.turn.core.clone() },
            queue: self.queue.clone(),
            outbox: self.outbox.clone(),
            turns: self.turns,
            state: Arc::default(),
            forked_from: Some(Arc::clone(&self.state)),
            reports: None,
            failures: Vec::new(),
            trace: None,
        }
    }

    /// Takes over what a fork of this became.
    ///
    /// # Errors
    ///
    /// `stale-fork`: this was changed since; nothing happens then.
    pub fn merge(&mut self, fork: Self) -> Result<(), Problem> {
        if !fork.forked_from.is_some_and(|state| Arc::ptr_eq(&state, &self.state)) {
            return Err(Problem::rule("stale-fork", "what was forked has changed since".into()));
        }
        let births = fork.turn.core.space.births.max(self.turn.core.space.births);
        (self.turn, self.queue, self.outbox, self.turns) = (fork.turn, fork.queue, fork.outbox, fork.turns);
        self.turn.core.space.births = births;
        self.state = Arc::default();
        Ok(())
    }

    /// It is no longer what its forks were forked from.
    pub(crate) fn change(&mut self) {
        if Arc::strong_count(&self.state) > 1 {
            self.state = Arc::default();
        }
    }

    /// The number of the vat it belongs to.
    #[must_use]
    pub fn vat(&self) -> VatId {
        self.turn.core.space.vat
    }

    /// Actors and promises that it holds.
    #[must_use]
    pub fn population(&self) -> usize {
        self.turn.core.space.population()
    }

    /// Turns that were run in it.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// From now on what each turn did is kept for [`Actormap::take_reports`].
    pub fn watch(&mut self) {
        self.reports.get_or_insert_default();
    }

    /// What turns did since this was asked last.
    pub fn take_reports(&mut self) -> Vec<Report> {
        self.reports.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A session ended: what waits for it, and what stood for something behind it, is broken, until so much is to be written down. Says
    /// how much that is, and whether there is more to break; nothing if there was nothing.
    pub(crate) fn sever(&mut self, session: VatId, reason: &Value, bytes: u64) -> Option<(u64, bool)> {
        let lost = self.turn.core.lost(session);
        // It is kept with each of them.
        let reason = match self.turn.limits().check_value(reason) {
            Ok(()) => reason.clone(),
            Err(limit) => limit.reason(),
        };
        if lost.is_empty() {
            return None;
        }
        self.turns += 1;
        self.change();
        self.begin();
        let more = self.turn.core.sever(lost, &reason, bytes);
        self.keep();
        Some((self.written(), more))
    }

    /// What is to be written down of the turn that ended last.
    pub(crate) fn written(&self) -> u64 {
        self.turn.core.space.costs.all_of_turn()
    }

    /// Handles one message.
    pub(crate) fn turn(&mut self, message: Message) {
        self.turns += 1;
        self.change();
        if let Some(trace) = &mut self.trace {
            trace.now = trace.queue.pop_front().unwrap_or(u32::MAX);
        }
        self.begin();
        let watched = self.reports.is_some().then(|| message.clone());
        let to = message.to;
        // Who wants to be told what came of the promise is told, too, that it could not listen.
        let resolver = message.waits();
        let asks = matches!(message.body, Body::Listen { .. });
        let done = guarded(|| self.turn.deliver(message)).and_then(|delivered| {
            if let Delivered::Value(value) = &delivered {
                self.turn.limits().check_value(value)?;
            }
            Ok(delivered)
        });
        // A reason is a value that is sent, too. One that is too large is replaced by a reason that says so.
        let done = done.map_err(|problem| match self.turn.limits().check_value(&problem.reason()) {
            Ok(()) => problem,
            Err(limit) => limit,
        });
        let mut outcome = match done {
            Ok(Delivered::Passed) => Outcome::Passed,
            Ok(Delivered::Value(value)) => Outcome::Done(value),
            Err(problem) => self.fail(to, problem),
        };
        self.answer(resolver, &outcome);
        if let Err(limit) = self.turn.core.fits() {
            let settles = matches!(outcome, Outcome::Done(_)) && !asks;
            let reason = limit.reason();
            outcome = self.fail(to, limit);
            if settles {
                self.turn.core.give_up(to, reason);
            }
            self.answer(resolver, &outcome);
        }
        if let Some(message) = watched
            && let Some(reports) = &mut self.reports
        {
            let sent = self.turn.core.out.iter().map(|out| out.message.clone()).collect();
            reports.push(Report { turn: self.turns, message, outcome, sent });
        }
        self.keep();
    }

    /// Nothing remains of the turn but that it failed.
    fn fail(&mut self, to: Ref, problem: Problem) -> Outcome {
        self.turn.core.undo_all();
        // A turn that failed and whose reason is too much to tell failed once.
        if self.failures.last().is_some_and(|failure| failure.turn == self.turns) {
            self.failures.pop();
        }
        if self.failures.len() < FAILURES_KEPT {
            self.failures.push(Failure { turn: self.turns, to, reason: problem.reason() });
        }
        Outcome::Failed(problem)
    }

    /// Tells who waits for it what came of the turn.
    fn answer(&mut self, resolver: Option<Ref>, outcome: &Outcome) {
        let Some(to) = resolver else { return };
        let body = match outcome {
            Outcome::Done(value) => Body::Fulfill(value.clone()),
            Outcome::Failed(problem) => Body::Break(problem.reason()),
            Outcome::Passed => return,
        };
        self.turn.core.push(Message { to, body, resolver: None });
    }

    /// The turn ended well: what it did stays, and what it sent goes out.
    fn keep(&mut self) {
        let core = &mut *self.turn.core;
        core.space.forget();
        while let Some(message) = core.ahead.pop() {
            if let Some(trace) = &mut self.trace {
                trace.queue.push_front(trace.now);
            }
            self.queue.push_front(message);
        }
        for out in core.out.drain(..) {
            let near = out.to == core.space.vat;
            if let Some(trace) = &mut self.trace {
                if near { trace.queue.push_back(trace.now) } else { trace.outbox.push(trace.now) }
            }
            if near {
                self.queue.push_back(out.message);
            } else {
                out.message.visit_refs(&mut |reference| core.space.export(reference));
                self.outbox.push(out);
            }
        }
    }
}

/// A panic in an actor that is part of the program fails the turn, not the vat.
pub(crate) fn guarded<R>(f: impl FnOnce() -> Result<R, Problem>) -> Result<R, Problem> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(ToString::to_string);
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Problem::rule("panic", said))
    })
}

/// Something that may hold references, which stay good while it is held.
pub trait Holds {
    /// Calls `visit` with every reference in it.
    fn visit_refs(&self, visit: &mut dyn FnMut(Ref));
}

impl Holds for Value {
    fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        Value::visit_refs(self, visit);
    }
}

impl Holds for Ref {
    fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        visit(*self);
    }
}

impl<T: Holds> Holds for Vec<T> {
    fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        self.iter().for_each(|item| item.visit_refs(visit));
    }
}

impl<T: Holds> Holds for Option<T> {
    fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        self.iter().for_each(|item| item.visit_refs(visit));
    }
}

impl<T: Holds, const N: usize> Holds for [T; N] {
    fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        self.iter().for_each(|item| item.visit_refs(visit));
    }
}

impl<A: Holds, B: Holds> Holds for (A, B) {
    fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        self.0.visit_refs(visit);
        self.1.visit_refs(visit);
    }
}

impl<A: Holds, B: Holds, C: Holds> Holds for (A, B, C) {
    fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        self.0.visit_refs(visit);
        self.1.visit_refs(visit);
        self.2.visit_refs(visit);
    }
}

macro_rules! holds_nothing {
    ($($it:ty),*) => {$(
        impl Holds for $it {
            fn visit_refs(&self, _: &mut dyn FnMut(Ref)) {}
        }
    )*};
}

holds_nothing!((), bool, i32, i64, u32, u64, usize, f64, String);

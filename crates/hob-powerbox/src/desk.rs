//! The desk: where messages to objects arrive, wait, and are answered.
//!
//! A message is *pending* from when it is taken until its answer is handed in. Messages that went to a promise whose answer is not
//! there yet wait *behind* the message it answers, and go on, in their order, to what that came to. Answers are handed in outside of the
//! lock, and no object is called or dropped under it: an object locks its part of the machine first, and then asks here.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hob_cap::{AuditSink, Ledger, Limit, StopToken};
use hob_os::{World, WorldBuilder};
use hob_vat::{Body, Entrance, FarSide, List, Message, Problem, Ref, Session, Undelivered, Value};

use crate::lanes::{LaneId, Lanes};
use crate::limits::{Limits, exceeded};
use crate::object::{Ask, Done, Reply, Thing, misuse, no_thread};
use crate::outbound::Network;
use crate::timers::{TimerId, Timers};
use crate::tree::{Place, Position, Tree};

/// How long an answer waits until it is handed in again to a vat that had no room for it.
const AGAIN: Duration = Duration::from_millis(10);

pub(crate) struct Desk {
    pub(crate) limits: Limits,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) audit: Option<Arc<dyn AuditSink>>,
    pub(crate) network: Network,
    pub(crate) lanes: Lanes,
    timers: Timers,
    line: OnceLock<(FarSide, Entrance)>,
    state: Mutex<State>,
    next_lane: AtomicU64,
}

#[derive(Default)]
struct State {
    tree: Tree,
    pending: HashMap<u64, Pending>,
    /// Which pending message a promise is the answer to.
    asked: HashMap<Place, u64>,
    /// Messages that wait behind pending ones.
    behind: usize,
    /// Messages that are to be handed in again.
    late: usize,
    timers: usize,
    taken: u64,
    closed: Option<Problem>,
}

/// A message that was taken and not answered.
struct Pending {
    object: Position,
    args: Option<List>,
    resolver: Option<Ref>,
    /// What it holds of the ledger.
    held: u64,
    behind: Vec<Message>,
    timer: Option<TimerId>,
    /// It is being answered.
    claimed: bool,
}

/// The desk as a peer sees it.
pub(crate) struct Door(pub(crate) Arc<Desk>);

impl Session for Door {
    fn deliver(&self, messages: Vec<Message>) {
        messages.into_iter().for_each(|message| self.0.take(message));
    }
}

/// Messages that go out when the lock is given back.
type Out = Vec<Message>;

impl Desk {
    pub(crate) fn new(limits: Limits, audit: Option<Arc<dyn AuditSink>>, network: Network) -> Self {
        Self {
            ledger: Arc::new(Ledger::new(&limits.ledger())),
            lanes: Lanes::new(limits.requests),
            limits,
            audit,
            network,
            timers: Timers::default(),
            line: OnceLock::new(),
            state: Mutex::default(),
            next_lane: AtomicU64::new(0),
        }
    }

    /// Says where answers go. It is done once, before there is anything to answer.
    pub(crate) fn open(&self, far: FarSide, entrance: Entrance) {
        let _ = self.line.set((far, entrance));
    }

    /// The number of a lane of its own.
    pub(crate) fn lane(&self) -> LaneId {
        LaneId(self.next_lane.fetch_add(1, Ordering::Relaxed))
    }

    /// A world to be, that counts and records here and ends with `stop`.
    pub(crate) fn world(&self, stop: &StopToken) -> WorldBuilder {
        let world = World::builder().ledger(Arc::clone(&self.ledger)).stop(stop.clone());
        match &self.audit {
            Some(sink) => world.audit(Arc::clone(sink)),
            None => world,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a reference for an object of the program's.
    pub(crate) fn give(&self, thing: Arc<dyn Thing>) -> Result<Ref, Problem> {
        self.add(&mut self.lock(), &thing, None).map(|(_, made)| made)
    }

    fn add(
        &self,
        state: &mut State,
        thing: &Arc<dyn Thing>,
        parent: Option<Position>,
    ) -> Result<(Position, Ref), Problem> {
        let (far, _) = self.line.get().ok_or_else(closed)?;
        if let Some(problem) = &state.closed {
            return Err(problem.clone());
        }
        let full = || exceeded("objects", self.limits.objects);
        self.ledger.charge(Limit::Handles, 1).map_err(|_| full())?;
        let added = state.tree.add(Arc::clone(thing), parent);
        let position = added.ok_or_else(|| {
            self.ledger.release(Limit::Handles, 1);
            full()
        })?;
        Ok((position, far.object(position, 0)))
    }

    /// How many messages were taken; None while one of them is not answered.
    pub(crate) fn answered(&self) -> Option<u64> {
        let state = self.lock();
        (state.pending.is_empty() && state.behind == 0 && state.late == 0).then_some(state.taken)
    }

    fn take(self: &Arc<Self>, message: Message) {
        let Some((far, _)) = self.line.get() else { return };
        let mut out = Out::new();
        match message.body {
            Body::Args(_) => self.admit(&mut self.lock(), *far, message, &mut out),
            Body::Listen { listener, .. } => {
                out.push(Message { to: listener, body: Body::Fulfill(message.to.into()), resolver: None });
            }
            // Nothing here is a promise.
            Body::Fulfill(_) | Body::Break(_) => {}
        }
        self.hand_in_all(out);
    }

    fn admit(self: &Arc<Self>, state: &mut State, far: FarSide, message: Message, out: &mut Out) {
        state.taken += 1;
        if let Some(problem) = &state.closed {
            refuse(message.resolver, problem, out);
            return;
        }
        if let Some((position, _)) = far.position(message.to) {
            self.enqueue(state, position, message, out);
            return;
        }
        let place = message.to.place();
        if let Some(number) = state.asked.get(&place).copied() {
            if let Err(problem) = self.has_room(state, &message) {
                refuse(message.resolver, &problem, out);
            } else if let Some(pending) = state.pending.get_mut(&number) {
                state.behind += 1;
                pending.behind.push(message);
            }
        } else if let Some(position) = state.tree.answer_to(&place) {
            self.enqueue(state, position, message, out);
        } else {
            // Its answer is known to the vat by now, and is nothing of ours.
            out.push(message);
        }
    }

    /// Takes room for one more message.
    fn has_room(&self, state: &State, message: &Message) -> Result<u64, Problem> {
        if state.pending.len().saturating_add(state.behind) >= self.limits.pending {
            return Err(exceeded("pending", self.limits.pending));
        }
        let held = weight(message);
        self.charge(held).map(|()| held)
    }

    fn charge(&self, bytes: u64) -> Result<(), Problem> {
        let full = |_| exceeded("bytes-in-flight", self.limits.bytes_in_flight);
        self.ledger.charge(Limit::HostBuffer, bytes).map_err(full)
    }

    /// Puts a message at the end of the lane of an object.
    fn enqueue(self: &Arc<Self>, state: &mut State, position: Position, message: Message, out: &mut Out) {
        let Some(object) = state.tree.get(position) else {
            let problem = if state.tree.was(position) { revoked() } else { unknown() };
            refuse(message.resolver, &problem, out);
            return;
        };
        let (lane, class) = object.thing.lane();
        let held = match self.has_room(state, &message) {
            Ok(held) => held,
            Err(problem) => {
                refuse(message.resolver, &problem, out);
                return;
            }
        };
        let Message { body: Body::Args(args), resolver, .. } = message else { return };
        let number = state.taken;
        state.taken += 1;
        let desk = Arc::clone(self);
        if !self.lanes.push(lane, class, Box::new(move || desk.perform(number))) {
            self.ledger.release(Limit::HostBuffer, held);
            refuse(resolver, &no_thread(), out);
            return;
        }
        let pending = Pending {
            object: position,
            args: Some(args),
            resolver,
            held,
            behind: Vec::new(),
            timer: None,
            claimed: false,
        };
        state.pending.insert(number, pending);
        if let Some(resolver) = resolver {
            state.asked.insert(resolver.place(), number);
        }
    }

    /// Handles a message whose turn has come.
    fn perform(self: &Arc<Self>, number: u64) {
        let found = {
            let mut state = self.lock();
            let State { pending, tree, .. } = &mut *state;
            pending.get_mut(&number).and_then(|pending| {
                let object = tree.get(pending.object)?;
                Some((Arc::clone(&object.thing), pending.args.take()?, pending.object))
            })
        };
        let Some((thing, args, position)) = found else { return };
        let ask = Ask { desk: Arc::clone(self), number };
        self.work(number, || self.call(&*thing, &ask, position, &args));
    }

    /// Does some work for a message, and answers it unless somebody else will.
    pub(crate) fn work(self: &Arc<Self>, number: u64, work: impl FnOnce() -> Done) {
        let failed = || Err(Problem::rule("failed", "what should have done it ended in a panic".into()));
        match catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| failed()) {
            Ok(Reply::Later) => {}
            done => self.settle(number, done),
        }
    }

    fn call(self: &Arc<Self>, thing: &dyn Thing, ask: &Ask, position: Position, args: &[Value]) -> Done {
        match (args.first().and_then(Value::as_name), args) {
            (Some("methods"), [_]) => {
                Ok(Value::list(thing.methods().iter().map(|form| Value::from(*form))).into())
            }
            (Some("end"), [_]) if self.lock().tree.is_given(position) => Err(Problem::rule(
                "not-permitted",
                "only what was narrowed can be ended by who has it".into(),
            )),
            (Some("end"), [_]) => {
                ask.settle(Ok(Value::Undefined.into()));
                self.revoke(position);
                Ok(Reply::Later)
            }
            (Some(method), _) => {
                thing.call(ask, method, args.get(1..).unwrap_or_default()).map_err(|problem| {
                    // Which arguments it takes, or which methods there are, is known here.
                    if problem == wrong() { misuse(thing.methods(), args) } else { problem }
                })
            }
            (None, _) => Err(misuse(thing.methods(), args)),
        }
    }

    pub(crate) fn is_wanted(&self, number: u64) -> bool {
        self.lock().pending.contains_key(&number)
    }

    /// Answers a message, unless what it went to was taken back.
    pub(crate) fn settle(self: &Arc<Self>, number: u64, done: Done) {
        let (mut made, mut narrowed) = (None, None);
        let message = {
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
            let (object, resolver) = (pending.object, pending.resolver);
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
            let value = value.and_then(|value| {
                let bytes = u64::from(value.weight());
                self.charge(bytes)?;
                if let Some(pending) = state.pending.get_mut(&number) {
                    pending.held = pending.held.saturating_add(bytes);
                }
                Ok(value)
            });
            let body = match value {
                Ok(value) => Body::Fulfill(value),
                Err(problem) => Body::Break(problem.reason()),
            };
            resolver.map(|to| Message { to, body, resolver: None })
        };
        drop(narrowed);
        match message {
            Some(message) => self.hand_in(message, Some((number, made))),
            None => self.finish(number, made),
        }
    }

    /// A message was answered; what waited behind it goes on.
    fn finish(self: &Arc<Self>, number: u64, made: Option<Position>) {
        let mut out = Out::new();
        {
            let mut guard = self.lock();
            let state = &mut *guard;
            let Some(pending) = state.pending.remove(&number) else { return };
            let place = pending.resolver.map(Ref::place);
            if let Some(place) = place {
                state.asked.remove(&place);
            }
            self.ledger.release(Limit::HostBuffer, pending.held);
            if let (Some(place), Some(made)) = (place, made) {
                state.tree.answers(place, made);
            }
            for message in self.let_go(state, pending.behind) {
                match made {
                    Some(position) => self.enqueue(state, position, message, &mut out),
                    None => out.push(message),
                }
            }
        }
        self.hand_in_all(out);
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
        let (taken, out) = {
            let mut state = self.lock();
            let taken = state.tree.take(position);
            let gone: std::collections::HashSet<Position> =
                taken.iter().map(|(position, _)| *position).collect();
            (taken, self.abandon(&mut state, &revoked(), |object| gone.contains(&object)))
        };
        self.hand_in_all(out);
        taken.iter().for_each(|(_, thing)| thing.end());
        self.ledger.release(Limit::Handles, u64::try_from(taken.len()).unwrap_or(u64::MAX));
        !taken.is_empty()
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

    /// Ends everything: who waits is told, and whoever sends later too.
    pub(crate) fn close(self: &Arc<Self>) {
        let problem = closed();
        let (taken, out) = {
            let mut state = self.lock();
            if state.closed.replace(problem.clone()).is_some() {
                return;
            }
            let given = state.tree.given();
            let taken: Vec<_> = given.into_iter().flat_map(|position| state.tree.take(position)).collect();
            (taken, self.abandon(&mut state, &problem, |_| true))
        };
        self.hand_in_all(out);
        taken.iter().for_each(|(_, thing)| thing.end());
        self.lanes.stop();
        if let Some((_, entrance)) = self.line.get() {
            // Promises that nobody was told of are broken with it.
            entrance.sever(&problem.reason());
        }
        self.lanes.join();
        self.timers.stop();
        self.timers.join();
    }

    fn hand_in_all(self: &Arc<Self>, out: Out) {
        out.into_iter().for_each(|message| self.hand_in(message, None));
    }

    /// Hands a message in, now or when there is room, and then finishes what it is the answer to.
    fn hand_in(self: &Arc<Self>, message: Message, answers: Option<(u64, Option<Position>)>) {
        let Some((_, entrance)) = self.line.get() else { return };
        match entrance.deliver(message) {
            Ok(()) => {}
            Err(Undelivered::Full(message)) => {
                let desk = Arc::clone(self);
                self.lock().late += 1;
                let again = move || {
                    desk.hand_in(message, answers);
                    let mut state = desk.lock();
                    state.late = state.late.saturating_sub(1);
                };
                // When there are no timers any more the session is severed, which tells who waits.
                let _ = self.timers.at(Instant::now() + AGAIN, Box::new(again));
                return;
            }
            Err(Undelivered::Refused(message, problem)) => {
                // What is too large is not answered; that it was is.
                let waits = match message.body {
                    Body::Fulfill(_) => Some(message.to),
                    Body::Args(_) => message.resolver,
                    Body::Break(_) | Body::Listen { .. } => None,
                };
                let mut out = Out::new();
                refuse(waits, &problem, &mut out);
                if let Some(broken) = out.pop() {
                    self.hand_in(broken, answers);
                    return;
                }
            }
        }
        if let Some((number, made)) = answers {
            self.finish(number, made);
        }
    }
}

/// Who waits for an answer is told why there is none.
fn refuse(resolver: Option<Ref>, problem: &Problem, out: &mut Out) {
    out.extend(resolver.map(|to| Message { to, body: Body::Break(problem.reason()), resolver: None }));
}

fn weight(message: &Message) -> u64 {
    match &message.body {
        Body::Args(args) => args.iter().map(|value| u64::from(value.weight())).fold(16, u64::saturating_add),
        _ => 0,
    }
}

/// What a thing says to arguments that it does not know; who called it says it better.
#[cold]
pub(crate) fn wrong() -> Problem {
    Problem::rule("bad-arguments", String::new())
}

fn revoked() -> Problem {
    Problem::rule("revoked", "the right to use this was taken back".into())
}

fn unknown() -> Problem {
    Problem::rule("stale-reference", "there is no such object behind this session".into())
}

fn closed() -> Problem {
    Problem::rule("closed", "the powerbox that this was an object of has ended".into())
}

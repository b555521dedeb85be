//! The desk: where messages to objects arrive, wait, and are answered.
//!
//! A message is *pending* from when it is taken until its answer is handed in; what it holds of limits is given back before that, so
//! that whoever is answered has it again. Messages that went to a promise whose answer is not
//! there yet wait *behind* the message it answers, and go on, in their order, to what that came to: before anybody hears of it, so that
//! nothing that is sent later overtakes them. Answers are handed in outside of the
//! lock, and no object is called or dropped under it: an object locks its part of the machine first, and then asks here.

mod late;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hob_cap::{AuditSink, Ledger, Limit, StopToken};
use hob_os::{World, WorldBuilder};
use hob_vat::{Body, Entrance, FarSide, List, Message, Problem, Ref, Session, Value, VatId};

use late::Line;

use crate::lanes::{LaneId, Lanes};
use crate::limits::{Limits, exceeded};
use crate::object::{Ask, Done, Reply, Thing, misuse, no_thread};
use crate::outbound::Network;
use crate::timers::{TimerId, Timers};
use crate::tree::{Place, Position, Tree};

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
    /// Pending messages of which it is not known yet what they come to.
    open: usize,
    /// Messages that wait behind pending ones.
    behind: usize,
    /// Messages that are to be handed in again, by the vat that has no room for them. One that has a line has a timer, too.
    lines: HashMap<VatId, Line>,
    /// How many those are, with what is being handed in.
    late: usize,
    /// Messages that are handed in as soon as the lock is given back.
    leaving: usize,
    timers: usize,
    /// Messages that came over the session, each once.
    taken: u64,
    /// The number of the next pending message.
    next: u64,
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

/// The same, counted: until they are handed in, somebody is not answered.
#[must_use]
struct Leaving(Out);

impl State {
    /// What goes out when the lock is given back.
    fn leave(&mut self, out: Out) -> Leaving {
        self.leaving = self.leaving.saturating_add(out.len());
        Leaving(out)
    }
}

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
        let counted = [state.pending.len(), state.behind, state.late, state.leaving];
        counted.iter().all(|waiting| *waiting == 0).then_some(state.taken)
    }

    fn take(self: &Arc<Self>, message: Message) {
        let Some((far, _)) = self.line.get() else { return };
        let leaving = {
            let (mut state, mut out) = (self.lock(), Out::new());
            state.taken += 1;
            match message.body {
                Body::Args(_) => self.admit(&mut state, *far, message, &mut out),
                Body::Listen { listener, .. } => {
                    out.push(Message {
                        to: listener,
                        body: Body::Fulfill(message.to.into()),
                        resolver: None,
                    });
                }
                // Nothing here is a promise.
                Body::Fulfill(_) | Body::Break(_) => {}
            }
            state.leave(out)
        };
        self.hand_in_all(leaving);
    }

    fn admit(self: &Arc<Self>, state: &mut State, far: FarSide, message: Message, out: &mut Out) {
        if let Some(problem) = &state.closed {
            refuse(message.resolver, problem, out);
            return;
        }
        if let Some((position, _)) = far.position(message.to) {
            self.enqueue(state, position, message, out);
            return;
        }
        let place = message.to.place();
        // Also while that it is this object is still on its way to the vat.
        if let Some(position) = state.tree.answer_to(&place) {
            self.enqueue(state, position, message, out);
        } else if let Some(number) = state.asked.get(&place).copied() {
            if let Err(problem) = self.has_room(state, &message) {
                refuse(message.resolver, &problem, out);
            } else if let Some(pending) = state.pending.get_mut(&number) {
                state.behind += 1;
                pending.behind.push(message);
            }
        } else {
            // Its answer is known to the vat by now, and is nothing of ours.
            out.push(message);
        }
    }

    /// Takes room for one more message.
    fn has_room(&self, state: &State, message: &Message) -> Result<u64, Problem> {
        let there = state.open.saturating_add(state.behind);
        if there >= self.limits.pending {
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
        let number = state.next;
        state.next += 1;
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
        state.open += 1;
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
        // Nothing of the object is left here when it is answered.
        self.work(number, move || ask.desk.call(&*thing, &ask, position, &args));
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
}

/// Who waits for an answer is told why there is none.
fn refuse(resolver: Option<Ref>, problem: &Problem, out: &mut Out) {
    out.extend(resolver.map(|to| broken(to, problem)));
}

fn broken(to: Ref, problem: &Problem) -> Message {
    Message { to, body: Body::Break(problem.reason()), resolver: None }
}

fn weight(message: &Message) -> u64 {
    match &message.body {
        Body::Args(args) => args.iter().map(|value| u64::from(value.weight())).fold(16, u64::saturating_add),
        Body::Fulfill(value) | Body::Break(value) => u64::from(value.weight()),
        Body::Listen { .. } => 0,
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

//! Instances of one module, each as it was made whenever a message comes.
//!
//! Making an instance costs more than most messages. So the module is loaded in the form that can be put back
//! ([`hob_engine::Engine::load_resettable`]); an instance that has answered goes back to where it was before its first
//! message, and waits for the next. Where that cannot be done exactly, it is dropped and another is made.
//!
//! Nobody can tell which of the two happened: the world is made anew for every message, and what it takes in fuel to make an
//! instance is charged to every turn, whether one was made for it or not.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hob_abi::actor::{Answered, HasSeat, Ready, Room, Seat, problem_of};
use hob_cap::Limits;
use hob_engine::{BackendKind, Bounds, Fault, Linked};
use hob_vat::{KindRef, Limits as VatLimits, Me, Problem, Turn, Value};

use super::nest::{self, Nest};
use super::resident::Live;

/// Instances that wait.
const IDLE_MAX: usize = 16;

/// Bytes of memory of one that waits, at most; a copy of it is kept besides.
const MEMORY_BYTES_MAX: usize = 16 << 20;

/// After how many instances in a row that could not be put back nobody tries any more.
const WASTED_MAX: u32 = 8;

/// The data of an instance, made of a seat.
pub(super) trait Chair: HasSeat + Send + Sized {
    /// The data of a new instance.
    fn set_up(seat: Seat, bounds: &Bounds) -> Result<Self, Fault>;

    /// What else there is is made anew.
    fn renew(&mut self, bounds: &Bounds) -> Result<(), Fault>;
}

/// Where instances come from.
pub(super) struct Pool<S: Chair> {
    linked: Linked<S>,
    limits: Limits,
    handles_max: u32,
    idle: Mutex<Vec<Waiting<S>>>,
    /// Of resident actors: instances that are what an image says.
    live: Mutex<Vec<Live<S>>>,
    /// Instances that could not be put back, in a row.
    wasted: AtomicU32,
}

/// An instance as it is before its first message.
pub(super) struct Waiting<S: HasSeat> {
    pub(super) ready: Ready<S>,
    /// Fuel that it took to get there.
    pub(super) beginning: u64,
    pub(super) marked: bool,
}

impl<S: Chair> Pool<S> {
    pub(super) fn new(linked: Linked<S>, limits: Limits) -> Self {
        let handles_max = u32::try_from(limits.handles).unwrap_or(u32::MAX);
        let (idle, live) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        Self { linked, limits, handles_max, idle, live, wasted: AtomicU32::new(0) }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn live(&self) -> MutexGuard<'_, Vec<Live<S>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles one message.
    pub(super) fn turn(
        &self,
        turn: &mut Turn,
        own: KindRef,
        me: Me<'_>,
        args: &[Value],
    ) -> Result<Answered, Problem> {
        nest::within(&self.limits, |nest| {
            let mut waiting = self.take(nest, turn.fuel()).map_err(|fault| {
                // How much a guest used that never was there is not known.
                let _spent = turn.spend(turn.fuel());
                problem_of(&fault, turn.limits().fuel_per_turn)
            })?;
            turn.spend(waiting.beginning)?;
            waiting.ready.seat().write_turn(turn, me.itself(), me.state(), args)?;
            let fuel = turn.fuel();
            let renewed = renew(&mut waiting, nest.bounds(fuel));
            renewed.map_err(|fault| problem_of(&fault, turn.limits().fuel_per_turn))?;
            let done = waiting.ready.turn(turn, own, fuel);
            self.give_back(waiting);
            done
        })
    }

    /// Makes a state of an older version into one of this.
    pub(super) fn upgrade(&self, from: u32, state: &Value) -> Result<Answered, Problem> {
        let VatLimits { fuel_per_turn: fuel, state_bytes, value_depth, .. } = VatLimits::default();
        let room = Room { weight: state_bytes, depth: value_depth };
        nest::within(&self.limits, |nest| {
            let told = |fault: Fault| problem_of(&fault, fuel);
            let mut waiting = self.take(nest, fuel).map_err(told)?;
            waiting.ready.seat().write_upgrade(from, state)?;
            renew(&mut waiting, nest.bounds(fuel)).map_err(told)?;
            let done = waiting.ready.upgrade(room, fuel);
            self.give_back(waiting);
            done
        })
    }

    pub(super) fn take(&self, nest: &Nest, fuel: u64) -> Result<Waiting<S>, Fault> {
        if let Some(waiting) = self.waiting() {
            return Ok(waiting);
        }
        let bounds = nest.bounds(fuel);
        let data = S::set_up(Seat::new(self.handles_max), &bounds)?;
        let mut ready = Ready::new(self.linked.instantiate(data, bounds)?)?;
        let instance = ready.instance();
        let beginning = instance.fuel_used();
        let small = instance.view().is_some_and(|memory| memory.size() <= MEMORY_BYTES_MAX);
        let marked = small && self.wasted.load(Ordering::Relaxed) < WASTED_MAX && instance.mark();
        Ok(Waiting { ready, beginning, marked })
    }

    fn waiting(&self) -> Option<Waiting<S>> {
        let mut idle = self.idle();
        let mut waiting = idle.pop()?;
        if waiting.ready.instance().backend() == BackendKind::Wasmi
            && self.linked.module().backend() == BackendKind::Wasmtime
        {
            // What was interpreted at first is compiled now.
            let old = std::mem::take(&mut *idle);
            drop(idle);
            drop((waiting, old));
            return None;
        }
        Some(waiting)
    }

    fn give_back(&self, mut waiting: Waiting<S>) {
        if !waiting.marked || !waiting.ready.instance().reset() {
            self.wasted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.wasted.load(Ordering::Relaxed) != 0 {
            self.wasted.store(0, Ordering::Relaxed);
        }
        if waiting.ready.instance().rest() {
            let mut idle = self.idle();
            if idle.len() < IDLE_MAX {
                idle.push(waiting);
                return;
            }
            drop(idle);
        }
        drop(waiting);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Waiting<S>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn renew<S: Chair>(waiting: &mut Waiting<S>, bounds: Bounds) -> Result<(), Fault> {
    let instance = waiting.ready.instance();
    instance.data_mut().renew(&bounds)?;
    instance.renew(bounds)
}

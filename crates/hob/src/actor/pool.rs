//! Instances of one module, one for each message; and the seats, whose buffers are used again.

use std::sync::Mutex;

use hob_abi::actor::{Answered, HasSeat, Ready, Seat, problem_of};
use hob_cap::Limits;
use hob_engine::{Bounds, Fault, Linked};
use hob_vat::{KindRef, Limits as VatLimits, Me, Problem, Turn, Value};

use super::nest::{self, Nest};

/// Seats that are kept while nobody sits on them.
const IDLE_MAX: usize = 16;

/// The data of an instance, made of a seat.
pub(super) trait Chair: HasSeat + Send + Sized {
    /// The data of a new instance.
    fn set_up(seat: Seat, bounds: &Bounds) -> Result<Self, Fault>;

    /// The seat again.
    fn take_down(self) -> Seat;
}

/// Where instances come from.
pub(super) struct Pool<S: Chair> {
    linked: Linked<S>,
    limits: Limits,
    idle: Mutex<Vec<Seat>>,
}

impl<S: Chair> Pool<S> {
    pub(super) fn new(linked: Linked<S>, limits: Limits) -> Self {
        Self { linked, limits, idle: Mutex::new(Vec::new()) }
    }

    /// Handles one message.
    pub(super) fn turn(
        &self,
        turn: &mut Turn,
        handles_max: u32,
        own: KindRef,
        me: Me<'_>,
        args: &[Value],
    ) -> Result<Answered, Problem> {
        let mut seat = self.seat(handles_max);
        seat.write_turn(turn, me, args)?;
        nest::within(&self.limits, |nest| {
            let (fuel, allowed) = (turn.fuel(), turn.limits().fuel_per_turn);
            let mut ready = match self.ready(seat, nest, fuel) {
                Ok(ready) => ready,
                Err(fault) => {
                    // How much a guest used that never was there is not known.
                    turn.spend(fuel)?;
                    return Err(problem_of(&fault, allowed));
                }
            };
            let done = ready.turn(turn, own, fuel);
            self.keep(ready.into_data().take_down());
            done
        })
    }

    /// Makes a state of an older version into one of this.
    pub(super) fn upgrade(&self, handles_max: u32, from: u32, state: &Value) -> Result<Answered, Problem> {
        let mut seat = self.seat(handles_max);
        seat.write_upgrade(from, state)?;
        let VatLimits { fuel_per_turn: fuel, state_bytes, .. } = VatLimits::default();
        nest::within(&self.limits, |nest| {
            let mut ready = self.ready(seat, nest, fuel).map_err(|fault| problem_of(&fault, fuel))?;
            let done = ready.upgrade(state_bytes, fuel);
            self.keep(ready.into_data().take_down());
            done
        })
    }

    fn ready(&self, seat: Seat, nest: &Nest, fuel: u64) -> Result<Ready<S>, Fault> {
        let bounds = nest.bounds(fuel);
        let data = S::set_up(seat, &bounds)?;
        Ready::new(self.linked.instantiate(data, bounds)?)
    }

    fn seat(&self, handles_max: u32) -> Seat {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        idle.unwrap_or_else(|| Seat::new(handles_max))
    }

    fn keep(&self, seat: Seat) {
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < IDLE_MAX
        {
            idle.push(seat);
        }
    }
}

//! One message through an instance: make room, copy in, run, read the answer; and the turn goes home, whatever happened.

use hob_engine::{Fault, FaultKind, Func, Instance};
use hob_vat::{KindRef, Problem, Turn};

use super::host::pay_turn;
use super::problem::{contract, problem_of};
use super::seat::{HasSeat, Seat};
use super::wire::{Answered, Room, read_answer};
use crate::json::{initialize, no_memory, unpack};

type Handler = Func<(u32, u32), u64>;

/// An instance that can handle messages.
pub struct Ready<S: HasSeat> {
    instance: Instance<S>,
    alloc: Func<u32, u32>,
    turn: Handler,
    upgrade: Option<Handler>,
}

impl<S: HasSeat> Ready<S> {
    /// Initializes an instance, whose seat is empty meanwhile, and finds its exports.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest.
    pub fn new(mut instance: Instance<S>) -> Result<Self, Fault> {
        initialize(&mut instance)?;
        let (alloc, turn) = (instance.func("alloc")?, instance.func("turn")?);
        let upgrade = if instance.has_func("upgrade") { Some(instance.func("upgrade")?) } else { None };
        Ok(Self { instance, alloc, turn, upgrade })
    }

    /// The instance.
    pub fn instance(&mut self) -> &mut Instance<S> {
        &mut self.instance
    }

    /// What the host functions of the instance work on.
    pub fn seat(&mut self) -> &mut Seat {
        self.instance.data_mut().seat()
    }

    /// Handles the message that lies in the seat. `fuel` is what the instance was given, all that `turn` had; what is left
    /// of it is what `turn` has afterwards.
    ///
    /// # Errors
    ///
    /// What the guest did wrong.
    pub fn turn(&mut self, turn: &mut Turn, kind: KindRef, fuel: u64) -> Result<Answered, Problem> {
        let allowed = turn.limits().fuel_per_turn;
        let limits = turn.limits();
        let room = Room {
            weight: limits.state_bytes.saturating_add(limits.message_bytes),
            depth: limits.value_depth,
        };
        let away = Away::leave(&mut self.instance, turn, kind);
        let done = exchange(away.instance, &self.alloc, &self.turn, room);
        drop(away);
        let exhausted = matches!(&done, Err(Ended::Fault(fault)) if is_out_of_fuel(fault));
        let left = if exhausted { 0 } else { fuel.saturating_sub(self.instance.fuel_used()) };
        turn.spend(turn.fuel().saturating_sub(left))?;
        match done {
            Ok((answered, bytes)) => {
                pay_turn(turn, bytes)?;
                answered
            }
            Err(Ended::Fault(fault)) => Err(problem_of(&fault, allowed)),
            Err(Ended::Problem(problem)) => Err(problem),
        }
    }

    /// Makes a state of this version of the one that lies in the seat. There is no turn: the guest can do nothing but compute.
    ///
    /// # Errors
    ///
    /// What the guest did wrong; `no-upgrade` when it exports no `upgrade`.
    pub fn upgrade(&mut self, room: Room, fuel: u64) -> Result<Answered, Problem> {
        let Some(handler) = &self.upgrade else {
            return Err(Problem::rule("no-upgrade", "the module exports no `upgrade`".into()));
        };
        let done = exchange(&mut self.instance, &self.alloc, handler, room);
        self.seat().clear();
        match done {
            Ok((answered, _)) => answered,
            Err(Ended::Fault(fault)) => Err(problem_of(&fault, fuel)),
            Err(Ended::Problem(problem)) => Err(problem),
        }
    }
}

enum Ended {
    Fault(Fault),
    Problem(Problem),
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A turn that is away: it lies in a seat, and goes home when this ends, also when it ends by a panic.
struct Away<'a, S: HasSeat> {
    instance: &'a mut Instance<S>,
    home: &'a mut Turn,
}

impl<'a, S: HasSeat> Away<'a, S> {
    fn leave(instance: &'a mut Instance<S>, home: &'a mut Turn, kind: KindRef) -> Self {
        let turn = std::mem::replace(home, Turn::hollow());
        instance.data_mut().seat().sit(turn, kind);
        Self { instance, home }
    }
}

impl<S: HasSeat> Drop for Away<'_, S> {
    fn drop(&mut self) {
        if let Some(turn) = self.instance.data_mut().seat().rise() {
            *self.home = turn;
        }
    }
}

/// Copies the message in and reads the answer; how many bytes that has is for whoever pays.
fn exchange<S: HasSeat>(
    instance: &mut Instance<S>,
    alloc: &Func<u32, u32>,
    handler: &Handler,
    room: Room,
) -> Result<(Result<Answered, Problem>, usize), Ended> {
    let message = std::mem::take(&mut instance.data_mut().seat().message);
    let sent = send(instance, alloc, &message);
    instance.data_mut().seat().message = message;
    let packed = instance.call_func(handler, sent?)?;
    let (at, length) = unpack(packed);
    // Memory and seat cannot be borrowed at once.
    let seat = instance.data_mut().seat();
    let mut handles = std::mem::replace(&mut seat.handles, super::Handles::new(0));
    let mut memory = instance.view().ok_or_else(no_memory)?;
    let answered = match memory.bytes(at, length) {
        Ok(bytes) => Ok((read_answer(bytes, &mut handles, room), bytes.len())),
        Err(wrong) => Err(Ended::Problem(contract(&format!("the answer at {at}, {length}: {wrong}")))),
    };
    instance.data_mut().seat().handles = handles;
    answered
}

fn send<S: HasSeat>(
    instance: &mut Instance<S>,
    alloc: &Func<u32, u32>,
    message: &[u8],
) -> Result<(u32, u32), Ended> {
    let length = u32::try_from(message.len())
        .map_err(|_| Ended::Problem(Problem::rule("limit", "message and state are 4 GiB and more".into())))?;
    let at = instance.call_func(alloc, length)?;
    if at == 0 {
        return Err(Ended::Problem(contract("`alloc` answered 0")));
    }
    let mut memory = instance.view().ok_or_else(no_memory)?;
    let written = memory.write(at, message);
    written.map_err(|wrong| Ended::Problem(contract(&format!("`alloc` answered {at}: {wrong}"))))?;
    Ok((at, length))
}

fn is_out_of_fuel(fault: &Fault) -> bool {
    matches!(fault.kind(), FaultKind::Limit(over) if over.limit == hob_cap::Limit::Fuel)
}

//! The functions of `hob_actor`.
//!
//! Each reads what it is given straight from the guest's memory, asks the kernel, and answers a number. What the guest may
//! not do is an answer with a reason; what it cannot even say (a region outside of its memory) ends it.
//!
//! Work of the host is paid for with the guest's fuel, the same on both engines: a fixed price for a call, and one for each
//! byte that is read or written. So a guest that asks without end runs out as one that computes without end does.

use hob_cap::{ClockGrant, Policy, RandomGrant};
use hob_engine::{Ctx, Fault, HostTable, OutOfBounds, Reach};
use hob_vat::{KindRef, On, Problem, Ref, Turn, Value};

use super::handles::Handles;
use super::seat::{HasSeat, Seat};
use super::wire::{Room, read_message, read_one};
use super::{MODULE, problem};

/// Fuel that a call of a host function takes, and each byte that crosses.
const CALL_FUEL: u64 = 100;
pub(super) const BYTE_FUEL: u64 = 2;

type Done<T> = Result<T, Problem>;

/// What modules are given of WASI: the functions are there, and reach nothing. The clock stands still, randomness is the same
/// every time.
#[must_use]
pub fn inert_policy() -> Policy {
    Policy { clock: ClockGrant::None, random: RandomGrant::Seeded(0), ..Policy::none() }
}

/// Adds the functions of this contract.
pub fn add_to<T: HasSeat>(table: &mut HostTable<T>) {
    let reach = || Reach::Granted("references that the actor holds".into());
    table
        .func(MODULE, "send", reach(), |ctx: &mut Ctx<'_, T>, at: u32, len: u32| {
            asked(ctx, at, len, |bytes, seat| {
                let (turn, _, handles) = seat.parts()?;
                let [to, args] = read_message(bytes, handles, message_room(turn))?;
                let promise = turn.send(reference(&to)?, list(args)?)?;
                given(handles, promise)
            })
        })
        .func(MODULE, "send_only", reach(), |ctx: &mut Ctx<'_, T>, at: u32, len: u32| {
            asked(ctx, at, len, |bytes, seat| {
                let (turn, _, handles) = seat.parts()?;
                let [to, args] = read_message(bytes, handles, message_room(turn))?;
                turn.send_only(reference(&to)?, list(args)?).map(|()| 0)
            })
        })
        .func(MODULE, "call", reach(), call)
        .func(MODULE, "spawn", Reach::Nothing, |ctx: &mut Ctx<'_, T>, at: u32, len: u32| {
            asked(ctx, at, len, |bytes, seat| {
                let (turn, kind, handles) = seat.parts()?;
                let state = read_one(bytes, handles, state_room(turn))?;
                let made = turn.spawn(KindRef::clone(kind), state)?;
                given(handles, made)
            })
        })
        .func(MODULE, "promise", Reach::Nothing, promise)
        .func(MODULE, "resolve", reach(), |ctx: &mut Ctx<'_, T>, at: u32, len: u32| {
            asked(ctx, at, len, |bytes, seat| settle(bytes, seat, Turn::fulfill))
        })
        .func(MODULE, "break", reach(), |ctx: &mut Ctx<'_, T>, at: u32, len: u32| {
            asked(ctx, at, len, |bytes, seat| settle(bytes, seat, Turn::break_with))
        })
        .func(MODULE, "on", reach(), |ctx: &mut Ctx<'_, T>, at: u32, len: u32| {
            asked(ctx, at, len, |bytes, seat| {
                let (turn, _, handles) = seat.parts()?;
                let [vow, fulfilled, broken, finally] = read_message(bytes, handles, message_room(turn))?;
                let on = On {
                    fulfilled: handler(&fulfilled)?,
                    broken: handler(&broken)?,
                    finally: handler(&finally)?,
                };
                let promise = turn.on(reference(&vow)?, on)?;
                given(handles, promise)
            })
        })
        .func(MODULE, "drop", Reach::Nothing, |ctx: &mut Ctx<'_, T>, handle: u64| {
            ctx.burn(CALL_FUEL)?;
            let seat = ctx.data().seat();
            let done = seat.handles.drop(handle).map(|()| 0);
            Ok::<i64, Fault>(told(seat, done))
        })
        .func(MODULE, "take", Reach::Nothing, |ctx: &mut Ctx<'_, T>, at: u32| {
            let length = ctx.data().seat().reply.len();
            pay(ctx, length)?;
            let (mut memory, data) = ctx.split()?;
            memory.write(at, &data.seat().reply).map_err(outside)?;
            Ok::<i64, Fault>(i64::try_from(length).unwrap_or(i64::MAX))
        })
        .func(MODULE, "fuel", Reach::Nothing, |ctx: &mut Ctx<'_, T>| {
            ctx.burn(CALL_FUEL)?;
            Ok::<i64, Fault>(i64::try_from(ctx.fuel_left().unwrap_or(u64::MAX)).unwrap_or(i64::MAX))
        });
}

/// Calls something near. The guest's fuel is the turn's, so what it has used is taken from the turn before, and what the
/// callee has used is taken from the guest after.
fn call<T: HasSeat>(ctx: &mut Ctx<'_, T>, at: u32, len: u32) -> Result<i64, Fault> {
    pay(ctx, usize::try_from(len).unwrap_or(usize::MAX))?;
    let (mut memory, data) = ctx.split()?;
    let bytes = memory.bytes(at, len).map_err(outside)?;
    let seat = data.seat();
    let asked = seat.parts().and_then(|(turn, _, handles)| {
        let [to, args] = read_message(bytes, handles, message_room(turn))?;
        let to = reference(&to)?;
        Ok((to, list(args)?))
    });
    let (to, args) = match asked {
        Ok(asked) => asked,
        Err(problem) => return Ok(seat.refuse(&problem)),
    };
    let left = ctx.fuel_left();
    let seat = ctx.data().seat();
    let done = seat.parts().and_then(|(turn, _, _)| {
        turn.spend(turn.fuel().saturating_sub(left.unwrap_or(u64::MAX)))?;
        Ok((turn.call(to, &args), turn.fuel()))
    });
    let (done, fuel) = match done {
        Ok(done) => done,
        Err(problem) => return Ok(seat.refuse(&problem)),
    };
    let length = match done {
        Ok(value) => seat.reply(&value).unwrap_or_else(|problem| seat.refuse(&problem)),
        Err(problem) => seat.refuse(&problem),
    };
    if let Some(left) = left {
        ctx.burn(left.saturating_sub(fuel))?;
    }
    Ok(length)
}

/// Makes a promise, and writes both handles to 16 bytes.
fn promise<T: HasSeat>(ctx: &mut Ctx<'_, T>, at: u32) -> Result<i64, Fault> {
    ctx.burn(CALL_FUEL)?;
    let (mut memory, data) = ctx.split()?;
    let place = memory.bytes_mut(at, 16).map_err(outside)?;
    let seat = data.seat();
    let made = seat.parts().and_then(|(turn, _, handles)| {
        let (promise, resolver) = turn.promise()?;
        Ok([handles.name(&promise.into())?, handles.name(&resolver.into())?])
    });
    match made {
        Ok(made) => {
            for (place, handle) in place.chunks_exact_mut(8).zip(made) {
                place.copy_from_slice(&handle.to_bits().to_le_bytes());
            }
            Ok(0)
        }
        Err(problem) => Ok(seat.refuse(&problem)),
    }
}

fn settle(bytes: &[u8], seat: &mut Seat, how: fn(&mut Turn, Ref, Value) -> Result<(), Problem>) -> Done<i64> {
    let (turn, _, handles) = seat.parts()?;
    let [resolver, value] = read_message(bytes, handles, message_room(turn))?;
    how(turn, reference(&resolver)?, value).map(|()| 0)
}

/// Reads bytes of the guest and lets `f` do something with them. What it refuses, the guest is told.
fn asked<T: HasSeat>(
    ctx: &mut Ctx<'_, T>,
    at: u32,
    len: u32,
    f: impl FnOnce(&[u8], &mut Seat) -> Done<i64>,
) -> Result<i64, Fault> {
    pay(ctx, usize::try_from(len).unwrap_or(usize::MAX))?;
    let (mut memory, data) = ctx.split()?;
    let bytes = memory.bytes(at, len).map_err(outside)?;
    let seat = data.seat();
    let done = f(bytes, seat);
    Ok(told(seat, done))
}

pub(super) fn told(seat: &mut Seat, done: Done<i64>) -> i64 {
    done.unwrap_or_else(|problem| seat.refuse(&problem))
}

fn message_room(turn: &Turn) -> Room {
    let limits = turn.limits();
    Room { weight: limits.message_bytes, depth: limits.value_depth }
}

fn state_room(turn: &Turn) -> Room {
    let limits = turn.limits();
    Room { weight: limits.state_bytes, depth: limits.value_depth }
}

pub(super) fn pay<T: HasSeat>(ctx: &mut Ctx<'_, T>, bytes: usize) -> Result<(), Fault> {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    ctx.burn(bytes.saturating_mul(BYTE_FUEL).saturating_add(CALL_FUEL))
}

fn given(handles: &mut Handles, reference: Ref) -> Done<i64> {
    Ok(handles.name(&reference.into())?.to_bits().cast_signed())
}

fn reference(value: &Value) -> Done<Ref> {
    value
        .as_ref()
        .ok_or_else(|| Problem::rule("not-a-reference", "what is sent to must be a reference".into()))
}

fn handler(value: &Value) -> Done<Option<Ref>> {
    match value {
        Value::Bool(false) => Ok(None),
        other => reference(other).map(Some),
    }
}

fn list(value: Value) -> Done<hob_vat::List> {
    match value {
        Value::List(list) => Ok(list),
        _ => Err(Problem::rule("bad-arguments", "the arguments of a message are a list".into())),
    }
}

#[cold]
pub(super) fn outside(error: OutOfBounds) -> Fault {
    Fault::contract(error.to_string())
}

/// Takes the price of bytes that cross outside of host functions from a turn.
pub(super) fn pay_turn(turn: &mut Turn, bytes: usize) -> Done<()> {
    let fuel = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(BYTE_FUEL);
    if fuel > turn.fuel() {
        let allowed = turn.limits().fuel_per_turn;
        let _spent = turn.spend(turn.fuel());
        return Err(problem::out_of_fuel(allowed));
    }
    turn.spend(fuel)
}

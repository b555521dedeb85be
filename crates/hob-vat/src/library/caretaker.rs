//! Lending: a reference that works until it is taken back.
//!
//! Revocation is immediate. What was sent through the caretaker and has not reached its target is refused: what is on its way to the
//! caretaker, and what waits for a promise that the target is. What has left for another machine cannot be called back.
//!
//! A near call that fails takes back what was done in it, a revocation too: who revokes while called by somebody leaves it to them
//! whether it ever happened.
//!
//! What the target answers is not lent but given: who answers with references to others has lent them for good. A
//! [membrane](super::membrane()) lends those too.

use super::cell::CELL;
use super::parts::{forward, kind, part, part_ref, revoked, state_ref};
use crate::kind::{Answer, Me};
use crate::on::On;
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::{Standing, Turn};
use crate::value::Value;

kind! {
    /// What a borrower has. The state is `[cell way]`: the cell holds the target until it is revoked; the way is where messages go,
    /// and undefined when that is the target.
    pub(super) static FRONT: Front = "hob.caretaker", |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
        let target = lent(turn, part_ref(me, 0)?)?;
        let way = part(me, 1)?.as_ref().unwrap_or(target);
        forward(turn, way, args).map(Answer::from)
    }
}

kind! {
    /// What messages that waited for a promised target come to: it looks again. The state is the cell.
    pub(super) static GATE: Gate = "hob.caretaker.gate", |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
        let target = lent(turn, state_ref(me)?)?;
        forward(turn, target, args).map(Answer::from)
    }
}

kind! {
    /// Listens to a promised target. The state is `[cell resolver gate]`.
    pub(super) static OPENER: Opener = "hob.caretaker.opener", open
}

kind! {
    /// The right to revoke. The state is `[cell way resolver]`.
    pub(super) static REVOKER: Revoker = "hob.caretaker.revoker", revoke
}

fn lent(turn: &mut Turn, cell: Ref) -> Result<Ref, Problem> {
    turn.call(cell, &[])?.as_ref().ok_or_else(revoked)
}

fn open(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    if lent(turn, part_ref(me, 0)?).is_ok() {
        let (resolver, gate) = (part_ref(me, 1)?, part_ref(me, 2)?);
        match (args.first().and_then(Value::as_name), args) {
            (Some("fulfill"), [_, _]) => turn.fulfill(resolver, gate)?,
            (Some("break"), [_, reason]) => turn.break_with(resolver, reason.clone())?,
            _ => return Err(Problem::no_method(args, &["fulfill", "break"])),
        }
    }
    Ok(().into())
}

fn revoke(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    if !args.is_empty() {
        return Err(Problem::bad_args("a revoker", "nothing"));
    }
    turn.call(part_ref(me, 0)?, &[Value::Undefined])?;
    if let (Some(way), Some(resolver)) = (part(me, 1)?.as_ref(), part(me, 2)?.as_ref())
        && turn.standing(way)? == Standing::Unresolved
    {
        turn.break_with(resolver, revoked().reason())?;
    }
    Ok(().into())
}

/// A reference that stands for `target`, and the right to end that: called without arguments, any number of times.
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let (lent, revoker) = map.poke(|turn| {
///     let counter = library::counter(turn, 0)?;
///     library::caretaker(turn, counter)
/// })?;
/// assert_eq!(map.poke(|turn| turn.call(lent, &[Value::symbol("add")]))?, 1.into());
/// map.poke(|turn| turn.call(revoker, &[]))?;
/// let refused = map.poke(|turn| turn.call(lent, &[Value::symbol("add")])).unwrap_err();
/// assert_eq!(refused.rule_name(), Some("revoked"));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects; `stale-reference`.
pub fn caretaker(turn: &mut Turn, target: Ref) -> Result<(Ref, Ref), Problem> {
    let cell = turn.spawn(&CELL, target.into())?;
    let (mut way, mut end) = (Value::Undefined, Value::Undefined);
    if turn.standing(target)? == Standing::Unresolved {
        let gate = turn.spawn(&GATE, cell.into())?;
        let (promise, resolver) = turn.promise()?;
        let state = Value::list([cell.into(), resolver.into(), gate.into()]);
        let opener = turn.spawn(&OPENER, state)?;
        turn.listen(target, opener, false)?;
        (way, end) = (promise.into(), resolver.into());
    }
    let front = turn.spawn(&FRONT, Value::list([cell.into(), way.clone()]))?;
    let revoker = turn.spawn(&REVOKER, Value::list([cell.into(), way, end]))?;
    Ok((front, revoker))
}

/// The same, and it ends by itself at a time of this clock, or when the clock breaks its promise.
///
/// # Errors
///
/// `limit`, as [`Turn::send`].
pub fn caretaker_until(turn: &mut Turn, target: Ref, clock: Ref, time: i64) -> Result<(Ref, Ref), Problem> {
    let (front, revoker) = caretaker(turn, target)?;
    let due = turn.send(clock, [Value::symbol("at"), time.into()])?;
    turn.on_only(due, On::default().finally(revoker))?;
    Ok((front, revoker))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::library::tests::Stage;

    fn lend(promised: bool) -> Stage {
        let mut stage = Stage::new();
        let echo = stage.echo("echo");
        stage.make(["front", "revoke", "resolver"], |turn| {
            let (promise, resolver) = turn.promise()?;
            let (front, revoker) = caretaker(turn, if promised { promise } else { echo })?;
            Ok([front, revoker, resolver])
        });
        stage
    }

    #[test]
    fn what_is_lent_ends_at_once() {
        lend(false).run(
            "front 1 => [1]
             front 2 ~> done
             done ?= [2]
             front 3 ~> late
             revoke 1 => !bad-arguments
             revoke => undefined
             late ?= !revoked
             front 4 => !revoked
             front 5 ~> later
             later ?= !revoked
             revoke => undefined",
        );
    }

    #[test]
    fn a_promised_target_is_reached_in_order() {
        let mut stage = lend(true);
        stage.run(
            "front 1 => @one
             front 2 ~> two
             one ?= ?
             resolver 'fulfill $echo ~> done
             front 3 ~> three
             three ?= [3]
             one ?= [1]
             two ?= [2]
             front 4 => [4]
             revoke => undefined
             front 5 => !revoked",
        );
    }

    #[test]
    fn what_waits_for_a_promised_target_is_refused() {
        lend(true).run(
            "front 1 => @one
             front 2 ~> two
             two ?= ?
             revoke => undefined
             one ?= !revoked
             two ?= !revoked
             resolver 'fulfill $echo => undefined
             front 3 => !revoked",
        );
        // The promise is kept, and before what waits for it gets there it is revoked.
        lend(true).run(
            "front 1 => @one
             resolver 'fulfill $echo => undefined
             revoke => undefined
             one ?= !revoked",
        );
        lend(true).run(
            "front 1 => @one
             resolver 'break <error 1> => undefined
             one ?= !?
             front 2 => !?",
        );
    }

    #[test]
    fn it_ends_by_the_clock() {
        let mut stage = Stage::new();
        let echo = stage.echo("echo");
        stage.make(["front", "revoke", "drive"], |turn| {
            let (clock, driver) = crate::library::clock(turn, 0)?;
            let (front, revoker) = caretaker_until(turn, echo, clock, 10)?;
            Ok([front, revoker, driver])
        });
        stage.run(
            "drive 'advance 9 ~> a
             a ?= 9
             front 1 => [1]
             drive 'advance 1 ~> b
             b ?= 10
             front 2 => !revoked",
        );
    }

    proptest! {
        /// Steps: 0 calls, 1 sends, 2 churns, 3 revokes. Nothing reaches the target after the revoke.
        #[test]
        fn nothing_passes_after_the_revoke(steps in prop::collection::vec(0_u8..4, 1..30), promised: bool, kept in 0_usize..30) {
            let mut stage = Stage::new();
            let [counter, front, revoker, resolver] = stage.make(["counter", "f", "r", "x"], |turn| {
                let counter = crate::library::counter(turn, 0)?;
                let (promise, resolver) = turn.promise()?;
                let (front, revoker) = caretaker(turn, if promised { promise } else { counter })?;
                Ok([counter, front, revoker, resolver])
            });
            let (add, get) = ([Value::symbol("add")], [Value::symbol("get")]);
            let mut at_revoke = None;
            for (at, step) in steps.into_iter().enumerate() {
                if promised && at == kept {
                    stage.map.poke(|turn| turn.fulfill(resolver, counter)).unwrap();
                }
                match step {
                    0 => prop_assert_eq!(stage.map.poke(|turn| turn.call(front, &add)).is_err(), at_revoke.is_some()),
                    1 => stage.map.poke(|turn| turn.send_only(front, add.clone())).unwrap(),
                    2 => stage.quiet(),
                    _ => {
                        stage.map.poke(|turn| turn.call(revoker, &[])).unwrap();
                        let count = stage.map.peek(|turn| turn.call(counter, &get)).unwrap();
                        at_revoke.get_or_insert(count);
                    }
                }
            }
            stage.quiet();
            let count = stage.map.peek(|turn| turn.call(counter, &get)).unwrap();
            prop_assert_eq!(at_revoke.unwrap_or(count.clone()), count);
        }
    }
}

//! So many messages in a time, and no more.
//!
//! A bucket holds tokens; a message takes one; a clock fills it up again. What finds no token is refused at once: `rate-limited`.
//!
//! Messages are always sent on, near or not: a near call that fails would give its token back, and so failing would be free.

use super::clock::now;
use super::parts::{kind, part, part_int, part_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// The state is `[target clock capacity units tokens since]`: one token comes in each of so many units of time, counted from `since`.
    pub(super) static LIMITER: Limiter = "hob.rate-limiter", call
}

fn call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let (target, clock) = (part_ref(me, 0)?, part_ref(me, 1)?);
    let (capacity, units) = (part_int(me, 2)?, part_int(me, 3)?.max(1));
    let (tokens, since) = (part_int(me, 4)?, part_int(me, 5)?);
    let time = now(turn, clock)?.max(since);
    let come = time.saturating_sub(since) / units;
    // A full bucket does not save up time.
    let (tokens, since) = match tokens.saturating_add(come) {
        full if full >= capacity => (capacity, time),
        some => (some, since.saturating_add(come.saturating_mul(units))),
    };
    if tokens < 1 {
        return Err(Problem::rule(
            "rate-limited",
            format!("the next may come at {}", since.saturating_add(units)),
        ));
    }
    let answer = turn.send(target, args)?;
    let numbers = [capacity, units, tokens - 1, since].map(Value::from);
    let state = [part(me, 0)?.clone(), part(me, 1)?.clone()].into_iter().chain(numbers);
    Ok(me.becomes(Value::list(state)).saying(answer))
}

/// What `target` can be sent: `capacity` messages at once, and one more in each `units` of the near clock's time. Answers promises.
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let (limited, driver) = map.poke(|turn| {
///     let (clock, driver) = library::clock(turn, 0)?;
///     let cell = turn.spawn(&library::CELL, 5.into())?;
///     Ok((library::rate_limiter(turn, cell, clock, 1, 10)?, driver))
/// })?;
/// map.poke(|turn| turn.call(limited, &[]))?;
/// assert_eq!(map.poke(|turn| turn.call(limited, &[])).unwrap_err().rule_name(), Some("rate-limited"));
/// map.poke(|turn| turn.call(driver, &[Value::symbol("advance"), 10.into()]))?;
/// map.poke(|turn| turn.call(limited, &[]))?;
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// What the clock says; `limit`: objects.
pub fn rate_limiter(
    turn: &mut Turn,
    target: Ref,
    clock: Ref,
    capacity: u32,
    units: u32,
) -> Result<Ref, Problem> {
    let time = now(turn, clock)?;
    let state =
        [target.into(), clock.into(), capacity.into(), units.max(1).into(), capacity.into(), time.into()];
    turn.spawn(&LIMITER, Value::list(state))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kind::kind_fn;
    use crate::library::clock;
    use crate::library::tests::Stage;

    fn stage(capacity: u32, units: u32, from: i64) -> Stage {
        let mut stage = Stage::new();
        let echo = stage.echo("echo");
        stage.make(["limited", "fails", "drive"], |turn| {
            let (clock, drive) = clock(turn, from)?;
            let failing = turn.spawn(kind_fn("fails", |_, _, _| Err(Problem::refused("no"))), ().into())?;
            let fails = rate_limiter(turn, failing, clock, capacity, units)?;
            Ok([rate_limiter(turn, echo, clock, capacity, units)?, fails, drive])
        });
        stage
    }

    #[test]
    fn tokens_go_and_come() {
        stage(2, 10, -5).run(
            "limited 1 => @one
             limited 2 ~> two
             one ?= [1]
             two ?= [2]
             limited 3 => !rate-limited
             drive 'advance 9 => 4
             limited 3 => !rate-limited
             drive 'advance 1 => 5
             limited 3 => @three
             three ?= [3]
             limited 4 => !rate-limited
             drive 'advance 15 => 20
             limited 4 => @unused
             limited 5 => !rate-limited
             drive 'advance 5 => 25
             limited 5 => @unused
             drive 'advance 1000 => 1025
             limited 6 => @unused
             limited 7 => @unused
             limited 8 => !rate-limited",
        );
    }

    #[test]
    fn failing_is_not_free() {
        stage(2, 10, 0).run(
            "fails => @one
             one ?= !?
             fails ~> two
             two ?= !?
             fails => !rate-limited",
        );
        stage(0, 1, 0).run("limited => !rate-limited\ndrive 'advance 100 => 100\nlimited => !rate-limited");
        stage(1, 1, i64::MIN).run("limited => @a\ndrive 'set 9223372036854775807 => 9223372036854775807\nlimited => @b\nlimited => !rate-limited");
    }

    proptest! {
        /// In any time no more goes through than the bucket holds and what came since.
        #[test]
        fn the_rate_is_kept(capacity in 0_u32..5, units in 1_u32..20, steps in prop::collection::vec((0_i64..30, 0_u8..6), 1..30)) {
            let mut stage = stage(capacity, units, 0);
            let (limited, drive) = (stage.named("limited"), stage.named("drive"));
            let (mut time, mut passed) = (0, Vec::new());
            for (by, tries) in steps {
                time += by;
                stage.map.poke(|turn| turn.call(drive, &[Value::symbol("advance"), by.into()])).unwrap();
                for _ in 0..tries {
                    if stage.map.poke(|turn| turn.call(limited, &[])).is_ok() {
                        passed.push(time);
                    }
                }
            }
            for (at, from) in passed.iter().enumerate() {
                for (count, to) in (1..).zip(&passed[at..]) {
                    prop_assert!(count <= i64::from(capacity) + (to - from) / i64::from(units) + 1);
                }
            }
        }
    }
}

//! Time as a capability: a clock that says what time it is and promises to tell when it is later, and the right to move it.
//!
//! Nothing in a vat knows the time by itself. The host moves the clock as it likes: by a real clock, or in a test by hand. Units are the
//! host's too; milliseconds are usual. The same movements lead to the same state.
//!
//! Timers are kept in the order they are due, in actors of a few dozen each: setting one touches two actors whatever their number.

use super::parts::{bad_state, item, item_int, item_ref, kind, method, part, part_int, state_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

/// Timers of one drawer. Each is a time, a resolver and a value.
const DRAWER_TIMERS: usize = 64;
const TIMER: usize = 3;
/// Timers that are told in one turn.
const TOLD_PER_TURN: usize = 1024;

kind! {
    /// What time it is, and promises of later. The state is the works.
    pub(super) static CLOCK: Clock = "hob.clock", read
}

kind! {
    /// The right to move a clock. The state is the works.
    pub(super) static DRIVER: Driver = "hob.clock.driver", drive
}

kind! {
    /// The works. The state is `[now [time drawer …]]`: the first time in each drawer, and the drawer.
    pub(super) static WORKS: Works = "hob.clock.works", works
}

kind! {
    /// Timers in the order they are due. The state is `[time resolver value …]`.
    pub(super) static DRAWER: Drawer = "hob.clock.drawer", drawer
}

fn read(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let works = state_ref(me)?;
    let now = turn.call(works, &[Value::symbol("now")])?;
    let (time, value) = match method(args) {
        (Some("now"), []) => return Ok(now.into()),
        (Some("at"), [time, value @ ..]) if value.len() < 2 => (time.as_i64(), value.first()),
        (Some("after"), [units, value @ ..]) if value.len() < 2 => {
            let later = |units: i64| now.as_i64().and_then(|now| now.checked_add(units));
            (units.as_i64().and_then(later), value.first())
        }
        (Some("now" | "at" | "after"), _) => {
            return Err(Problem::bad_args("a clock", "now, at time, or after units"));
        }
        _ => return Err(Problem::no_method(args, &["now", "at", "after"])),
    };
    let time = time.ok_or_else(|| Problem::bad_args("a timer", "an integer of 64 bits"))?;
    let (promise, resolver) = turn.promise()?;
    let value = value.cloned().unwrap_or_default();
    if now.as_i64().is_some_and(|now| time <= now) {
        turn.fulfill(resolver, value)?;
    } else {
        turn.call(works, &[Value::symbol("insert"), time.into(), resolver.into(), value])?;
    }
    Ok(promise.into())
}

fn drive(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let works = state_ref(me)?;
    let now = turn.call(works, &[Value::symbol("now")])?.as_i64().ok_or_else(bad_state)?;
    let time = match method(args) {
        (Some("advance"), [units]) => units.as_i64().and_then(|units| now.checked_add(units)),
        (Some("set"), [time]) => time.as_i64(),
        _ => return Err(Problem::no_method(args, &["advance", "set"])),
    };
    match time {
        Some(time) if time >= now => {
            turn.call(works, &[Value::symbol("move"), time.into()]).map(Answer::from)
        }
        Some(_) => Err(Problem::rule("time-goes-back", format!("it is {now} already"))),
        None => Err(Problem::bad_args("moving a clock", "an integer of 64 bits")),
    }
}

fn works(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let now = part_int(me, 0)?;
    let index = part(me, 1)?.as_list().ok_or_else(bad_state)?;
    let keep = |now: i64, index: Vec<Value>| me.becomes(Value::list([now.into(), Value::list(index)]));
    match method(args) {
        (Some("insert"), timer @ [time, _, _]) => {
            let due = time.as_i64().ok_or_else(bad_state)?;
            // The last drawer that begins at this time or before, so that timers of one time stay in order.
            let (drawers, _) = index.as_chunks::<2>();
            let after =
                drawers.partition_point(|[first, _]| first.as_i64().is_some_and(|first| first <= due));
            let at = after.saturating_sub(1);
            let Some([first, found]) = drawers.get(at) else {
                let drawer = turn.spawn(&DRAWER, Value::list(timer.to_vec()))?;
                return Ok(keep(now, vec![time.clone(), drawer.into()]));
            };
            let split = turn.call(found.as_ref().ok_or_else(bad_state)?, timer)?;
            let is_earlier = first.as_i64().is_some_and(|first| first > due);
            if !is_earlier && split == Value::Undefined {
                // Most often only the drawer changes.
                return Ok(().into());
            }
            let mut index = index.to_vec();
            if is_earlier && let Some(first) = index.get_mut(at * 2) {
                *first = due.into();
            }
            if split != Value::Undefined {
                let second = [item_int(&split, 0)?.into(), item_ref(&split, 1)?.into()];
                index.splice(at * 2 + 2..at * 2 + 2, second);
            }
            Ok(keep(now, index))
        }
        (Some("move"), [time]) => {
            turn.send_only(me.itself(), [Value::symbol("tell")])?;
            Ok(keep(time.as_i64().ok_or_else(bad_state)?, index.to_vec()).saying(time.clone()))
        }
        (Some("tell"), []) => tell(turn, me, now, index),
        (Some("now"), []) => Ok(now.into()),
        _ => Err(bad_state()),
    }
}

/// Keeps the promises that are due, the earliest first.
fn tell(turn: &mut Turn, me: Me<'_>, now: i64, index: &[Value]) -> Result<Answer, Problem> {
    let mut told = 0;
    let mut gone = 0;
    for entry in index.chunks(2) {
        let [first, Value::Ref(drawer)] = entry else { return Err(bad_state()) };
        if first.as_i64().is_none_or(|first| first > now) {
            break;
        }
        if told >= TOLD_PER_TURN {
            turn.send_only(me.itself(), [Value::symbol("tell")])?;
            break;
        }
        let due = turn.call(*drawer, &[now.into()])?;
        for timer in item(&due, 0)?.as_list().unwrap_or_default().chunks(TIMER) {
            let [_, Value::Ref(resolver), value] = timer else { return Err(bad_state()) };
            turn.fulfill(*resolver, value.clone())?;
            told += 1;
        }
        if *item(&due, 1)? == true.into() {
            gone += 2;
        }
    }
    let left = index.iter().skip(gone).cloned();
    Ok(me.becomes(Value::list([now.into(), Value::list(left)])))
}

/// One argument takes out what is due; three put a timer in, and answer `[time drawer]` when that made a second drawer of it.
fn drawer(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let timers = me.state().as_list().ok_or_else(bad_state)?;
    let due = args.first().and_then(Value::as_i64).ok_or_else(bad_state)?;
    let after = |due: i64| {
        let time = |timer: &[Value]| timer.first().and_then(Value::as_i64).unwrap_or(i64::MAX);
        timers.chunks(TIMER).take_while(|timer| time(timer) <= due).count() * TIMER
    };
    if args.len() == 1 {
        let (told, left) = timers.split_at_checked(after(due)).ok_or_else(bad_state)?;
        let said = Value::list([Value::list(told.to_vec()), left.is_empty().into()]);
        return Ok(me.becomes(Value::list(left.to_vec())).saying(said));
    }
    let mut next = timers.to_vec();
    let at = after(due);
    next.splice(at..at, args.iter().cloned());
    if next.len() <= DRAWER_TIMERS * TIMER {
        return Ok(me.becomes(Value::list(next)).saying(Value::Undefined));
    }
    let second = next.split_off(DRAWER_TIMERS / 2 * TIMER);
    let first = second.first().cloned().unwrap_or_default();
    let second = turn.spawn(&DRAWER, Value::list(second))?;
    Ok(me.becomes(Value::list(next)).saying(Value::list([first, second.into()])))
}

/// A clock, and the right to move it.
///
/// The clock:
///
/// | method | answers |
/// |---|---|
/// | `now` | the time |
/// | `at time [value]` | a promise for the value, kept when the time has come |
/// | `after units [value]` | the same, from now on |
///
/// The right to move it:
///
/// `advance units` and `set time` answer the time that it is then. Time does not go back.
///
/// ```
/// use hob_vat::{Actormap, Standing, Value, library};
///
/// let mut map = Actormap::new();
/// let (clock, driver) = map.poke(|turn| library::clock(turn, 0))?;
/// let args = [Value::symbol("after"), 10.into(), "tea".into()];
/// let tea = map.poke(|turn| turn.call(clock, &args))?.as_ref().ok_or(hob_vat::Problem::refused("no promise"))?;
/// map.poke(|turn| turn.call(driver, &[Value::symbol("advance"), 10.into()]))?;
/// map.churn();
/// assert_eq!(map.peek(|turn| turn.standing(tea))?, Standing::Value("tea".into()));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn clock(turn: &mut Turn, now: i64) -> Result<(Ref, Ref), Problem> {
    let works = turn.spawn(&WORKS, Value::list([now.into(), Value::list([])]))?;
    Ok((turn.spawn(&CLOCK, works.into())?, turn.spawn(&DRIVER, works.into())?))
}

/// The time that a near clock says.
pub(super) fn now(turn: &mut Turn, clock: Ref) -> Result<i64, Problem> {
    let said = turn.call(clock, &[Value::symbol("now")])?;
    said.as_i64().ok_or_else(|| Problem::rule("not-a-clock", "a clock answers now with an integer".into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::library::tests::Stage;
    use crate::{List, kind_fn};

    #[test]
    fn promises_are_kept_when_it_is_time() {
        let mut stage = Stage::new();
        stage.make(["clock", "drive"], |turn| clock(turn, 100).map(<[Ref; 2]>::from));
        stage.run(
            "clock 'now => 100
             clock 'at 100 1 => @past
             past ?= 1
             clock 'at 105 'a => @a
             clock 'after 10 => @b
             drive 'advance 4 => 104
             a ?= ?
             drive 'set 105 => 105
             a ?= 'a
             b ?= ?
             drive 'set 104 => !time-goes-back
             drive 'advance -1 => !time-goes-back
             drive 'advance 'x => !bad-arguments
             drive 'advance 9223372036854775807 => !bad-arguments
             clock 'after 9223372036854775807 => !bad-arguments
             clock 'advance 5 => !no-method
             clock 'at => !bad-arguments
             drive 'advance 5 => 110
             b ?= undefined
             clock 'now => 110",
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn timers_are_told_in_order(times in prop::collection::vec(1_i64..500, 1..3000), step in 1_i64..600) {
            let mut stage = Stage::new();
            let [clock, drive, log] = stage.make(["clock", "drive", "log"], |turn| {
                let (clock, drive) = clock(turn, 0)?;
                let kind = kind_fn("log", |_, me: Me<'_>, args| match args {
                    [] => Ok(me.state().clone().into()),
                    _ => {
                        let mut all = me.state().as_list().unwrap().to_vec();
                        all.push(args[0].clone());
                        Ok(me.becomes(List::from(all).into()))
                    }
                });
                Ok([clock, drive, turn.spawn(kind, Value::list([]))?])
            });
            let mut expected: Vec<(i64, i64)> = Vec::new();
            for (at, time) in (0..).zip(&times) {
                expected.push((*time, at));
                stage.map.poke(|turn| {
                    let pair = Value::list([(*time).into(), at.into()]);
                    let due = turn.call(clock, &[Value::symbol("at"), (*time).into(), pair])?;
                    turn.on_only(due.as_ref().unwrap(), crate::On::fulfilled(log))
                }).unwrap();
            }
            expected.sort_unstable();
            let mut now = 0;
            while now < 500 {
                now += step;
                stage.map.poke(|turn| turn.call(drive, &[Value::symbol("advance"), step.into()])).unwrap();
                stage.quiet();
                let told = stage.map.peek(|turn| turn.call(log, &[])).unwrap();
                let due = expected.iter().take_while(|(time, _)| *time <= now);
                let due = Value::list(due.map(|(time, at)| Value::list([(*time).into(), (*at).into()])));
                prop_assert_eq!(told, due);
            }
        }
    }
}

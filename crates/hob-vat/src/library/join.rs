//! Many promises as one: all of them, or the first.

use super::parts::{item_ref, kind, part, part_int, part_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::{List, Value};

kind! {
    /// Waits until no part is missing. The state is `[resolver missing [part …]]`, undefined when it is done. Parts are values that
    /// need no waiting, in boxes of a list, or [`PART`]s.
    pub(super) static ALL_OF: AllOf = "hob.all-of", gather
}

kind! {
    /// Waits for one promise. The state is `[all-of]`, and the value in two lists when it is there.
    pub(super) static PART: Part = "hob.all-of.part", keep
}

kind! {
    /// Waits for the first of several. The state is the resolver, undefined when it is done.
    pub(super) static RACE: Race = "hob.race", first
}

fn gather(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    if *me.state() == Value::Undefined {
        return Ok(().into());
    }
    let resolver = part_ref(me, 0)?;
    match args {
        [reason] => turn.break_with(resolver, reason.clone())?,
        _ => {
            let missing = part_int(me, 1)? - 1;
            let parts = part(me, 2)?;
            if missing > 0 {
                return Ok(me.becomes(Value::list([resolver.into(), missing.into(), parts.clone()])));
            }
            let parts = parts.as_list().unwrap_or_default();
            let mut values = Vec::with_capacity(parts.len());
            for part in parts {
                values.push(match part {
                    Value::Ref(part) => turn.call(*part, &[])?,
                    known => super::parts::item(known, 0)?.clone(),
                });
            }
            turn.fulfill(resolver, List::from(values))?;
        }
    }
    Ok(me.becomes(Value::Undefined))
}

fn keep(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    match (args.first().and_then(Value::as_name), args, me.state().as_list()) {
        // Read by who gathers, once the value is there.
        (_, [], Some([Value::List(value)])) => Ok(value.first().cloned().unwrap_or_default().into()),
        (Some("fulfill"), [_, value], Some([Value::Ref(all)])) => {
            // All is called at the end: it may ask this actor at once, so that must have the value by then.
            turn.send_only(*all, [])?;
            Ok(me.becomes(Value::list([Value::list([value.clone()])])))
        }
        (Some("break"), [_, reason], Some([Value::Ref(_)])) => {
            turn.call(item_ref(me.state(), 0)?, std::slice::from_ref(reason))?;
            Ok(().into())
        }
        _ => Ok(().into()),
    }
}

fn first(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let Some(resolver) = me.state().as_ref() else { return Ok(().into()) };
    match (args.first().and_then(Value::as_name), args) {
        (Some("fulfill"), [_, value]) => turn.fulfill(resolver, value.clone())?,
        (Some("break"), [_, reason]) => turn.break_with(resolver, reason.clone())?,
        _ => return Err(Problem::no_method(args, &["fulfill", "break"])),
    }
    Ok(me.becomes(Value::Undefined))
}

fn promise_of(value: &Value) -> Option<Ref> {
    value.as_ref().filter(|reference| reference.is_promise())
}

/// A promise for a list of what `values` come to, in their order. What is no promise is there already. The first promise that
/// breaks breaks it, for the same reason.
///
/// ```
/// use hob_vat::{Actormap, Standing, Value, library};
///
/// let mut map = Actormap::new();
/// let all = map.poke(|turn| {
///     let cell = turn.spawn(&library::CELL, 5.into())?;
///     let later = turn.send(cell, [])?;
///     library::all_of(turn, &[1.into(), later.into()])
/// })?;
/// map.churn();
/// assert_eq!(map.peek(|turn| turn.standing(all))?, Standing::Value(Value::list([1.into(), 5.into()])));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`, as [`Turn::send`].
pub fn all_of(turn: &mut Turn, values: &[Value]) -> Result<Ref, Problem> {
    let (promise, resolver) = turn.promise()?;
    let missing = values.iter().filter(|value| promise_of(value).is_some()).count();
    if missing == 0 {
        turn.fulfill(resolver, List::from(values))?;
        return Ok(promise);
    }
    // Who gathers knows the parts and the parts know it: it is made first, and told of them.
    let all = turn.spawn(&STARTING, Value::Undefined)?;
    let mut parts = Vec::with_capacity(values.len());
    for value in values {
        parts.push(match promise_of(value) {
            Some(promise) => {
                let part = turn.spawn(&PART, Value::list([all.into()]))?;
                turn.listen(promise, part, false)?;
                part.into()
            }
            None => Value::list([value.clone()]),
        });
    }
    let missing = u64::try_from(missing).unwrap_or(u64::MAX);
    turn.call(all, &[resolver.into(), missing.into(), Value::list(parts)])?;
    Ok(promise)
}

kind! {
    /// Becomes who gathers when it is told what.
    pub(super) static STARTING: Starting = "hob.all-of.starting", |_: &mut Turn, me: Me<'_>, args: &[Value]| -> Result<Answer, Problem> {
        Ok(me.becomes_a(&ALL_OF, Value::list(args.to_vec())))
    }
}

/// A promise for what the first of `values` comes to that is kept or broken. With none of them it is broken: `nothing-to-race`.
///
/// ```
/// use hob_vat::{Actormap, Standing, library};
///
/// let mut map = Actormap::new();
/// let won = map.poke(|turn| {
///     let (never, _) = turn.promise()?;
///     let cell = turn.spawn(&library::CELL, 5.into())?;
///     let soon = turn.send(cell, [])?;
///     library::race(turn, &[never.into(), soon.into()])
/// })?;
/// map.churn();
/// assert_eq!(map.peek(|turn| turn.standing(won))?, Standing::Value(5.into()));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`, as [`Turn::send`].
pub fn race(turn: &mut Turn, values: &[Value]) -> Result<Ref, Problem> {
    let (promise, resolver) = turn.promise()?;
    if let Some(here) = values.iter().find(|value| promise_of(value).is_none()) {
        turn.fulfill(resolver, here.clone())?;
    } else if values.is_empty() {
        turn.break_with(resolver, Value::error("nothing-to-race", "a race of nothing has no winner"))?;
    } else {
        let race = turn.spawn(&RACE, resolver.into())?;
        for promise in values.iter().filter_map(promise_of) {
            turn.listen(promise, race, false)?;
        }
    }
    Ok(promise)
}

kind! {
    /// Joins for actors that are not written in Rust: `['all-of value …]` and `['race value …]` answer promises. It has no state.
    pub static JOINER: Joiner = "hob.joiner", |turn: &mut Turn, _: Me<'_>, args: &[Value]| match super::parts::method(args) {
        (Some("all-of"), values) => all_of(turn, values).map(Answer::from),
        (Some("race"), values) => race(turn, values).map(Answer::from),
        _ => Err(Problem::no_method(args, &["all-of", "race"])),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::library::tests::Stage;
    use crate::turn::Standing;

    fn stage() -> Stage {
        let mut stage = Stage::new();
        stage.make(["a", "keep-a", "b", "keep-b", "join", "object"], |turn| {
            let (a, keep_a) = turn.promise()?;
            let (b, keep_b) = turn.promise()?;
            let object = turn.spawn(&crate::library::CELL, ().into())?;
            Ok([a, keep_a, b, keep_b, turn.spawn(&JOINER, ().into())?, object])
        });
        stage
    }

    #[test]
    fn all_of_them() {
        stage().run(
            "join 'all-of => @none
             none ?= []
             join 'all-of 1 $object => @here
             here ?= [1 $object]
             join 'all-of $a 2 $b $a => @all
             all ?= ?
             keep-b 'fulfill $object => undefined
             all ?= ?
             keep-a 'fulfill [] => undefined
             all ?= [[] 2 $object []]
             join 'all-of $a $b => @again
             again ?= [[] $object]",
        );
        stage().run(
            "join 'all-of $a $b => @all
             keep-b 'break <why 1> => undefined
             all ?= !?
             keep-a 'break 2 => undefined
             all ?= !?
             join 'all-of $b 1 => @again
             again ?= !?",
        );
        stage().run(
            "join 'all-of $a $b => @all
             keep-a 'fulfill $b => undefined
             keep-b 'fulfill 1 => undefined
             all ?= [1 1]",
        );
    }

    #[test]
    fn the_first_of_them() {
        stage().run(
            "join 'race => @none
             none ?= !nothing-to-race
             join 'race $a 5 => @here
             here ?= 5
             join 'race $a $b => @won
             won ?= ?
             keep-b 'fulfill 2 => undefined
             keep-a 'fulfill 1 => undefined
             won ?= 2
             join => !no-method",
        );
        stage().run(
            "join 'race $a $b => @won
             keep-a 'break 1 => undefined
             won ?= !?
             keep-b 'fulfill 1 => undefined
             won ?= !?",
        );
    }

    #[test]
    fn a_promise_of_another_vat_is_asked_and_waited_for() {
        let mut stage = stage();
        let far = crate::session::FarSide::new(crate::reference::VatId::new(1 << 31));
        let (promise, object) = (far.promise(1, 1), far.object(2, 1));
        let [all, won] = stage.make(["all", "won"], |turn| {
            Ok([all_of(turn, &[promise.into(), object.into()])?, race(turn, &[promise.into()])?])
        });
        stage.run("all ?= ?\nwon ?= ?");
        let listeners: Vec<Ref> = stage
            .map
            .outbox
            .drain(..)
            .filter_map(|out| match out.message.body {
                crate::message::Body::Listen { listener, .. } if out.message.to == promise => Some(listener),
                _ => None,
            })
            .collect();
        assert_eq!(listeners.len(), 2);
        for listener in listeners {
            stage.map.poke(|turn| turn.fulfill(listener, 7)).unwrap();
        }
        stage.quiet();
        assert_eq!(stage.map.peek(|turn| turn.standing(won)).unwrap(), Standing::Value(7.into()));
        let list = Value::list([7.into(), object.into()]);
        assert_eq!(stage.map.peek(|turn| turn.standing(all)).unwrap(), Standing::Value(list));
    }

    proptest! {
        #[test]
        fn the_order_of_keeping_does_not_show(order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let mut stage = Stage::new();
            let mut resolvers = Vec::new();
            let all = stage.map.poke(|turn| {
                let mut promises = Vec::new();
                for _ in 0..12 {
                    let (promise, resolver) = turn.promise()?;
                    promises.push(promise.into());
                    resolvers.push(resolver);
                }
                all_of(turn, &promises)
            }).unwrap();
            for at in order {
                let number = i64::try_from(at).unwrap();
                stage.map.poke(|turn| turn.fulfill(resolvers[at], number)).unwrap();
                stage.quiet();
            }
            let expected = Standing::Value(Value::list((0..12).map(Value::from)));
            prop_assert_eq!(stage.map.peek(|turn| turn.standing(all)).unwrap(), expected);
        }
    }
}

//! Which children are made again, and when that ends.

use super::*;
use crate::kind::kind_fn;
use crate::library::tests::Stage;
use crate::library::{clock, queue};

/// Three makers `m0` to `m2`, each with four children to be. Child `b` of maker `a` is a cell `cab` that holds `ab`, and `kab` ends its
/// life. Who is stopped holds `'stop`.
fn stage(restart: Restart, failures: u32) -> Stage {
    let mut stage = Stage::new();
    let [_, _, supervisor] = stage.make(["clock", "drive", "sup"], |turn| {
        let (clock, drive) = clock(turn, 0)?;
        Ok([clock, drive, supervisor(turn, clock, restart, Patience { failures, units: 10 })?])
    });
    for a in 0..3 {
        let maker = kind_fn("maker", move |turn: &mut Turn, me: Me<'_>, _| {
            // Whoever is made twice at once is busy.
            assert!(turn.call(supervisor, &[Value::symbol("add"), me.itself().into()]).is_err());
            let ready = me.state().as_ref().unwrap();
            Ok(turn.call(ready, &[Value::symbol("pop")])?.into())
        });
        let names = [format!("q{a}"), format!("m{a}")];
        let [ready, _] = stage.make([&names[0], &names[1]], |turn| {
            let ready = queue(turn)?;
            Ok([ready, turn.spawn(maker, ready.into())?])
        });
        for b in 0..4 {
            let names = [format!("c{a}{b}"), format!("k{a}{b}"), format!("l{a}{b}")];
            stage.make([&names[0], &names[1], &names[2]], |turn| {
                let child = turn.spawn(&CELL, (a * 10 + b).into())?;
                let (life, resolver) = turn.promise()?;
                let pair = Value::list([child.into(), life.into()]);
                turn.call(ready, &[Value::symbol("push"), pair])?;
                Ok([child, resolver, life])
            });
        }
    }
    stage.run(
        "sup 'add $m0 => @r0
         sup 'add $m1 => @r1
         sup 'watch $m2 => @r2
         sup 'children => [$r0 $r1 $r2]
         sup 'life => @life
         r0 => 0
         r1 => 10
         r2 => @w
         w ?= 20",
    );
    stage
}

#[test]
fn one_for_one() {
    stage(Restart::OneForOne, 2).run(
        "k10 'break 1 => undefined
         life ?= ?
         r0 => 0
         r1 => 11
         r2 => @w
         w ?= 20
         c10 => 10
         sup 'failures => 1
         k10 'break 1 => !already-resolved
         r1 => 11",
    );
}

#[test]
fn one_for_all() {
    stage(Restart::OneForAll, 2).run(
        "k10 'break 1 => undefined
         life ?= ?
         r0 => 1
         r1 => 11
         r2 => @w
         w ?= 21
         c00 => 'stop
         c10 => 10
         c20 => 'stop
         k00 'break 1 => undefined
         life ?= ?
         r0 => 1",
    );
}

#[test]
fn rest_for_one() {
    stage(Restart::RestForOne, 2).run(
        "k10 'break 1 => undefined
         life ?= ?
         r0 => 0
         r1 => 11
         r2 => @w
         w ?= 21
         c00 => 0
         c20 => 'stop",
    );
}

#[test]
fn who_ended_is_not_made_again() {
    stage(Restart::OneForAll, 2).run(
        "k00 'fulfill 1 => undefined
         life ?= ?
         k10 'break 1 => undefined
         life ?= ?
         r0 => 0
         r1 => 11
         c00 => 0",
    );
}

#[test]
fn messages_to_who_is_watched_must_not_fail() {
    let mut stage = stage(Restart::OneForOne, 2);
    stage.run(
        "r2 1 2 => @bad
         r2 1 2 ~> worse
         bad ?= !bad-arguments
         worse ?= !bad-arguments
         r2 => @w
         w ?= 21
         sup 'failures => 1
         r0 1 2 => !bad-arguments
         r0 1 2 ~> bad
         bad ?= !bad-arguments
         sup 'failures => 1",
    );
}

#[test]
fn after_too_many_failures_in_a_time_it_gives_up() {
    stage(Restart::OneForOne, 2).run(
        "k10 'break 1 => undefined
         life ?= ?
         drive 'advance 10 => 10
         k11 'break 1 => undefined
         life ?= ?
         k12 'break 1 => undefined
         life ?= ?
         r1 => 13
         sup 'failures => 3
         k13 'break 1 => undefined
         life ?= !gave-up
         r0 => !gave-up
         r1 => !gave-up
         r2 => @w
         w ?= !gave-up
         c00 => 'stop
         c20 => 'stop
         sup 'add $m0 => !gave-up",
    );
}

#[test]
fn a_maker_that_fails_is_a_failure_and_nobody_is_forgotten() {
    let mut stage = stage(Restart::OneForAll, 3);
    // Nothing is left for the second child; the others could be made.
    stage.run(
        "q1 'pop => @unused
         q1 'pop => @unused
         q1 'pop => @unused
         k00 'break 1 => undefined
         life ?= !gave-up
         sup 'failures => 4
         c01 => 'stop
         r0 => !gave-up",
    );
    let mut stage = self::stage(Restart::OneForAll, 3);
    stage.make(["once"], |turn| {
        // Fails the first time, and then answers a child without a life.
        let once = kind_fn("once", |turn: &mut Turn, me: Me<'_>, _| {
            match turn.call(me.state().as_ref().unwrap(), &[Value::symbol("pop")])? {
                Value::Bool(true) => Ok(turn.spawn(&CELL, 7.into())?.into()),
                _ => Err(Problem::refused("not yet")),
            }
        });
        let ready = queue(turn)?;
        turn.call(ready, &[Value::symbol("push"), true.into()])?;
        Ok([turn.spawn(once, ready.into())?])
    });
    stage.run(
        "sup 'add $once => @r3
         r3 => 7
         sup 'add $once => !empty
         sup 'add $c00 => !not-a-child
         sup 'add 5 => !bad-arguments
         sup 'generation 0 => !no-method
         sup 'children => [$r0 $r1 $r2 $r3]",
    );
}

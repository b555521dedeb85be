//! Each limit at the limit and one past it, with what the error says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may fail loudly, and tables of cases are written as they are read"
)]

mod common;

use common::*;
use hob_vat::{Actormap, Body, Limits, Message, Problem, Value, kind_fn, probe};

/// `amount` of it is allowed, and one more is not.
fn check(name: &str, amount: u32, limits: Limits, uses: impl Fn(&mut Actormap, u32) -> Result<(), Problem>) {
    let mut map = Actormap::with_limits(limits);
    uses(&mut map, amount).unwrap_or_else(|problem| panic!("{name} at {amount}: {problem}"));
    let mut map = Actormap::with_limits(limits);
    let problem = uses(&mut map, amount + 1).unwrap_err();
    assert_eq!(problem.to_string(), format!("limit: {name} limit exceeded: {amount} allowed"));
    assert_eq!(problem.rule_name(), Some("limit"));
}

fn text(bytes: u32) -> Value {
    "x".repeat(usize::try_from(bytes).unwrap()).into()
}

fn levels(depth: u32) -> Value {
    (0..depth).fold(Value::from(1), |it, _| Value::list([it]))
}

/// What came of a message, as the sender learns it.
fn answer(map: &mut Actormap, to: hob_vat::Ref, args: Vec<Value>) -> Result<(), Problem> {
    let answer = map.poke(|turn| turn.send(to, args))?;
    map.churn();
    match map.peek(|turn| turn.standing(answer))? {
        hob_vat::Standing::Broken(reason) => Err(Problem::refused(reason)),
        _ => Ok(()),
    }
}

#[test]
fn message_bytes() {
    let limits = Limits { message_bytes: 1000, ..Limits::default() };
    let one = |map: &mut Actormap| log(map);
    // A list takes 8 bytes, and 8 for each item.
    check("message-bytes", 1000, limits, |map, n| {
        let to = one(map);
        map.poke(|turn| turn.send_only(to, [text(n - 16)]))
    });
    check("message-bytes", 1000, limits, |map, n| {
        map.poke(|turn| turn.promise().and_then(|(_, r)| turn.fulfill(r, text(n))))
    });
    check("message-bytes", 1000, limits, |map, n| {
        map.poke(|turn| turn.promise().and_then(|(_, r)| turn.break_with(r, text(n))))
    });
    check("message-bytes", 1000, limits, |map, n| {
        map.poke(|turn| {
            let (_, resolver) = turn.promise()?;
            turn.call(resolver, &["fulfill".into(), text(n)]).map(|_| ())
        })
    });
    // What an actor answers, and what it refuses with.
    check("message-bytes", 1000, limits, |map, n| {
        let to = spawn(map, constant(), text(n));
        answer(map, to, vec![])
    });
    let mut map = Actormap::with_limits(limits);
    let to = spawn(&mut map, refuses(), text(1000));
    assert_eq!(answer(&mut map, to, vec![]).unwrap_err().to_string().len(), 1002);
    check("message-bytes", 1000, limits, |map, n| {
        let to = spawn(map, refuses(), text(n));
        match answer(map, to, vec![]) {
            Err(problem) if problem.reason() == text(1000) => Ok(()),
            other => other,
        }
    });
    // A panic says whatever it says.
    let mut map = Actormap::with_limits(limits);
    let to = spawn(&mut map, kind_fn("panics", |_, _, _| panic!("{}", "x".repeat(2000))), ());
    let problem = answer(&mut map, to, vec![]).unwrap_err();
    assert_eq!(problem.to_string(), "limit: message-bytes limit exceeded: 1000 allowed");
    // What comes from outside.
    check("message-bytes", 1000, limits, |map, n| {
        let to = one(map);
        map.enqueue(Message { to, body: Body::Fulfill(text(n)), resolver: None })
    });
}

#[test]
fn state_bytes() {
    let limits = Limits { state_bytes: 1000, ..Limits::default() };
    check("state-bytes", 1000, limits, |map, n| map.poke(|turn| turn.spawn(constant(), text(n))).map(|_| ()));
    check("state-bytes", 1000, limits, |map, n| {
        let cell = spawn(map, &hob_vat::library::CELL, ());
        map.poke(|turn| turn.call(cell, &[text(n)])).map(|_| ())
    });
}

#[test]
fn value_depth() {
    let limits = Limits { value_depth: 10, ..Limits::default() };
    check("value-depth", 10, limits, |map, n| map.poke(|turn| turn.spawn(constant(), levels(n))).map(|_| ()));
    check("value-depth", 10, limits, |map, n| {
        let cell = spawn(map, &hob_vat::library::CELL, ());
        map.poke(|turn| turn.call(cell, &[levels(n)])).map(|_| ())
    });
    check("value-depth", 10, limits, |map, n| {
        let to = log(map);
        map.poke(|turn| turn.send_only(to, [levels(n - 1)]))
    });
    // A record could not hold more.
    let limits = Limits { value_depth: u32::MAX, ..Limits::default() };
    let mut map = Actormap::with_limits(limits);
    let deepest = hob_vat::VALUE_DEPTH_MAX;
    map.poke(|turn| turn.spawn(constant(), levels(deepest))).unwrap();
    let problem = map.poke(|turn| turn.spawn(constant(), levels(deepest + 1))).unwrap_err();
    assert_eq!(problem.rule_name(), Some("limit"));
}

#[test]
fn call_depth_and_calls_per_turn() {
    let recurse = || {
        kind_fn("recurse", |turn, me, args| {
            let left = args.first().and_then(Value::as_i64).unwrap_or(0);
            if left > 1 {
                turn.call(me.itself(), &[(left - 1).into()])?;
            }
            Ok(().into())
        })
    };
    let limits = Limits { call_depth: 7, ..Limits::default() };
    check("call-depth", 7, limits, |map, n| {
        let actor = spawn(map, recurse(), ());
        map.poke(|turn| turn.call(actor, &[n.into()])).map(|_| ())
    });
    // One that was refused is not inside any more.
    let mut map = Actormap::with_limits(limits);
    let actor = spawn(&mut map, recurse(), ());
    map.poke(|turn| {
        turn.call(actor, &[8.into()]).unwrap_err();
        turn.call(actor, &[7.into()])
    })
    .unwrap();
    let limits = Limits { calls_per_turn: 9, ..Limits::default() };
    check("calls-per-turn", 9, limits, |map, n| {
        let actor = spawn(map, constant(), ());
        // Those of the turn before do not count.
        map.poke(|turn| turn.call(actor, &[]))?;
        map.poke(|turn| (0..n).try_for_each(|_| turn.call(actor, &[]).map(|_| ())))
    });
}

/// Steps along promises are counted, though a turn that is taken back cannot make the way shorter for the next.
#[test]
fn steps_along_promises_count_as_calls() {
    for (links, expected) in
        [(10, "unresolved"), (11, "broken <error limit: calls-per-turn limit exceeded: 9 allowed>")]
    {
        let mut map = Actormap::with_limits(Limits { calls_per_turn: 9, ..Limits::default() });
        let chain: Vec<_> = (0..links).map(|_| promise(&mut map)).collect();
        for at in 1..links {
            fulfill(&mut map, chain[at - 1].1, chain[at].0);
        }
        let (p, r) = promise(&mut map);
        fulfill(&mut map, r, chain[0].0);
        assert_eq!(standing(&mut map, p), expected);
    }
}

#[test]
fn sends_per_turn() {
    let limits = Limits { sends_per_turn: 5, ..Limits::default() };
    check("sends-per-turn", 5, limits, |map, n| {
        let to = log(map);
        map.poke(|turn| turn.send_only(to, []))?;
        map.poke(|turn| (0..n).try_for_each(|_| turn.send(to, []).map(|_| ())))
    });
    check("sends-per-turn", 5, limits, |map, n| {
        let (p, r) = promise(map);
        map.poke(|turn| {
            (0..n).try_for_each(|at| match at % 3 {
                0 => turn.listen(p, r, false),
                1 => turn.fulfill(r, 1),
                _ => turn.break_with(r, 1),
            })
        })
    });
}

/// A text that a message, or an actor, of this size may have beside what it takes itself.
fn fill(size: u32, own: u32) -> Value {
    text((size - own).div_ceil(3))
}

/// What a message takes whose one argument is an empty text.
const MESSAGE: u32 = 160 + 3 * (8 + 16);
const ACTOR: u32 = 192 + 3 * 8;
const PROMISE: u32 = 96;

#[test]
fn turn_bytes() {
    let limits = |turn_bytes| Limits { turn_bytes, ..Limits::default() };
    // Everything that has to be written down counts: what is sent, made, changed.
    let size = MESSAGE + 300;
    check("turn-bytes", size, limits(size.into()), |map, n| {
        let to = probe::session(0).object(1, 1);
        // What the turn before did does not count.
        map.poke(|turn| turn.send_only(to, [fill(n - 3, MESSAGE)]))?;
        map.poke(|turn| turn.send_only(to, [fill(n, MESSAGE)]))
    });
    check("turn-bytes", 2 * size, limits((2 * size).into()), |map, n| {
        let to = probe::session(0).object(1, 1);
        map.poke(|turn| {
            turn.send_only(to, [fill(n / 2, MESSAGE)])?;
            // What is taken back does not count.
            let taken_back = turn.attempt(|turn| {
                turn.send_only(to, [fill(n / 2, MESSAGE)])?;
                Err::<(), _>(Problem::refused("no"))
            });
            assert_eq!(taken_back.unwrap_err().reason(), "no".into());
            turn.send_only(to, [fill(n.div_ceil(2), MESSAGE)])
        })
    });
    check("turn-bytes", ACTOR + 300, limits((ACTOR + 300).into()), |map, n| {
        map.poke(|turn| turn.spawn(constant(), fill(n, ACTOR))).map(|_| ())
    });
    check("turn-bytes", 5 * PROMISE, limits((5 * PROMISE).into()), |map, n| {
        map.poke(|turn| (0..n.div_ceil(PROMISE)).try_for_each(|_| turn.promise().map(|_| ())))
    });
    let size = ACTOR + 300;
    check("turn-bytes", size, limits(size.into()), |map, n| {
        let cell = spawn(map, &hob_vat::library::CELL, ());
        probe::settle_young(map, &[cell]);
        // What an actor becomes in between is not written down.
        map.poke(|turn| (0..100).try_for_each(|_| turn.call(cell, &[fill(n, ACTOR)]).map(|_| ())))
    });
    // What an actor is asked to do fails alone, and who asked is told.
    let answered = 160 + 3 * (8 + 1);
    let size = 3 * (MESSAGE + 60) + answered;
    check("turn-bytes", size, limits(size.into()), |map, n| {
        let far = probe::session(0).object(1, 1);
        let sends = kind_fn("sends", move |turn, me, _| {
            let each = me.state().clone();
            (0..3).try_for_each(|_| turn.send_only(far, [each.clone()]))?;
            Ok(().into())
        });
        let sends = spawn(map, sends, fill((n - answered).div_ceil(3), MESSAGE));
        answer(map, sends, vec![])
    });
}

#[test]
fn mailbox_bytes() {
    let size = 2 * (MESSAGE + 60);
    let limits = Limits { mailbox_bytes: size.into(), ..Limits::default() };
    let message = |to, n: u32| Message { to, body: Body::Args([fill(n, MESSAGE)].into()), resolver: None };
    check("mailbox-bytes", size, limits, |map, n| {
        let to = log(map);
        map.enqueue(message(to, size / 2))?;
        map.enqueue(message(to, n - size / 2))
    });
    check("mailbox-bytes", size, limits, |map, n| {
        let to = log(map);
        map.enqueue(message(to, size / 2))?;
        map.poke(|turn| turn.send_only(to, [fill(n - size / 2, MESSAGE)]))?;
        // When they are handled there is room again.
        map.churn();
        map.poke(|turn| (0..2).try_for_each(|_| turn.send_only(to, [fill(size / 2, MESSAGE)])))
    });
}

#[test]
fn waiting_bytes() {
    let size = 2 * (MESSAGE + 60);
    let limits = Limits { waiting_bytes: size.into(), ..Limits::default() };
    check("waiting-bytes", size, limits, |map, n| {
        // All promises together.
        let ((p, r), (q, _)) = (promise(map), promise(map));
        tell(map, p, [fill(size / 2, MESSAGE)]);
        // What goes on waits no more, nor what was not taken in.
        fulfill(map, r, 1);
        answer(map, q, vec![fill(size / 2, MESSAGE)])?;
        assert!(answer(map, q, vec![fill(size, MESSAGE)]).is_err());
        answer(map, q, vec![fill(n - size / 2, MESSAGE)])
    });
    // Nor what nobody can reach any more.
    let mut map = Actormap::with_limits(limits);
    for _ in 0..3 {
        let (p, _) = promise(&mut map);
        answer(&mut map, p, vec![fill(size - 2, MESSAGE)]).unwrap();
        assert_eq!(map.collect(&[]), 2);
    }
}

#[test]
fn turns_per_churn() {
    let mut map = Actormap::with_limits(Limits { turns_per_churn: 3, ..Limits::default() });
    let to = log(&mut map);
    map.poke(|turn| (0..7).try_for_each(|_| turn.send_only(to, []))).unwrap();
    assert_eq!((map.churn(), map.is_quiet()), (3, false));
    assert_eq!((map.churn(), map.is_quiet()), (3, false));
    assert_eq!((map.churn(), map.is_quiet()), (1, true));
}

#[test]
fn objects() {
    let limits = Limits { objects: 6, ..Limits::default() };
    check("objects", 6, limits, |map, n| {
        let mut held = Vec::new();
        // What was freed can be made again.
        for _ in 0..5 {
            held = map.poke(|turn| {
                (0..n)
                    .map(|at| {
                        if at % 2 == 0 { turn.spawn(&LOG, ().into()) } else { turn.promise().map(|it| it.0) }
                    })
                    .collect::<Result<Vec<_>, _>>()
            })?;
            map.collect(&[]);
        }
        drop(held);
        Ok(())
    });
    // A turn that failed takes no room.
    let mut map = Actormap::with_limits(limits);
    for _ in 0..10 {
        map.poke(|turn| (0..7).try_for_each(|_| turn.promise().map(|_| ()))).unwrap_err();
    }
    assert_eq!(map.population(), 0);
}

#[test]
fn mailbox() {
    let limits = Limits { mailbox: 8, ..Limits::default() };
    // From outside.
    check("mailbox", 8, limits, |map, n| {
        let to = log(map);
        (0..n).try_for_each(|_| map.enqueue(Message { to, body: Body::Args([].into()), resolver: None }))
    });
    // From turns, near and far together.
    check("mailbox", 8, limits, |map, n| {
        let (near, far) = (log(map), probe::session(0).object(1, 1));
        map.poke(|turn| (0..3).try_for_each(|_| turn.send_only(far, [])))?;
        map.poke(|turn| (3..n).try_for_each(|_| turn.send_only(near, [])))
    });
    // An actor that sends itself two messages for each is stopped, and the vat goes on.
    let mut map = Actormap::with_limits(limits);
    let doubles = spawn(
        &mut map,
        kind_fn("doubles", |turn, me, _| {
            turn.send_only(me.itself(), [])?;
            turn.send_only(me.itself(), [])?;
            Ok(().into())
        }),
        (),
    );
    map.poke(|turn| turn.send_only(doubles, [])).unwrap();
    map.watch();
    let mut most = 0;
    for _ in 0..100 {
        most = most.max(probe::waiting(&map));
        probe::step(&mut map);
    }
    assert_eq!(most, 8);
    assert!(map.take_reports().iter().any(|report| matches!(&report.outcome,
        hob_vat::Outcome::Failed(problem) if problem.to_string() == "limit: mailbox limit exceeded: 8 allowed")));
}

#[test]
fn waiting() {
    let limits = Limits { waiting: 4, ..Limits::default() };
    check("waiting", 4, limits, |map, n| {
        let (p, _) = promise(map);
        for _ in 1..n {
            tell(map, p, []);
        }
        answer(map, p, vec![])
    });
    // Listeners count as well, and one that is not taken is told so.
    let mut map = Actormap::with_limits(limits);
    let (p, r) = promise(&mut map);
    let logs: Vec<_> = (0..5).map(|_| log(&mut map)).collect();
    for log in &logs {
        map.poke(|turn| turn.listen(p, *log, false)).unwrap();
    }
    map.churn();
    fulfill(&mut map, r, 1);
    for log in &logs[..4] {
        assert_eq!(seen(&map, *log), "[['fulfill 1]]");
    }
    assert_eq!(seen(&map, logs[4]), "[['break <error limit: waiting limit exceeded: 4 allowed>]]");
}

#[test]
fn fuel_per_turn() {
    let limits = Limits { fuel_per_turn: 100, ..Limits::default() };
    check("fuel-per-turn", 100, limits, |map, n| {
        map.poke(|turn| turn.spend(60))?;
        map.poke(|turn| {
            assert_eq!(turn.fuel(), 100);
            turn.spend(60)?;
            turn.spend((n - 60).into())
        })
    });
    // A call that fails does not give back what it used.
    let mut map = Actormap::with_limits(limits);
    let burns = spawn(
        &mut map,
        kind_fn("burns", |turn, _, _| turn.spend(60).and_then(|()| Err(Problem::refused("burnt")))),
        (),
    );
    map.poke(|turn| {
        turn.call(burns, &[]).unwrap_err();
        assert_eq!(turn.fuel(), 40);
        Ok(())
    })
    .unwrap();
}

//! Who is told what comes of a promise, and what handlers answer.

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
use hob_vat::{Actormap, On, Value, kind_fn};

#[test]
fn listeners_are_told_once() {
    for partial in [true, false] {
        for late in [true, false] {
            let mut w = world();
            let (p, r, log) = (w.p, w.r, w.log);
            if late {
                fulfill(&mut w.map, r, 5);
            }
            w.map.poke(|turn| turn.listen(p, log, partial)).unwrap();
            w.map.churn();
            if !late {
                fulfill(&mut w.map, r, 5);
            }
            assert_eq!(seen(&w.map, log), "[['fulfill 5]]");
        }
    }
    // What listens to something that is no promise is told what it is.
    let mut w = world();
    let (r, log) = (w.r, w.log);
    w.map.poke(|turn| turn.listen(log, log, false)).unwrap();
    w.map.poke(|turn| turn.listen(r, log, false)).unwrap();
    w.map.churn();
    assert_eq!(seen(&w.map, log), format!("[['fulfill {log}] ['fulfill {r}]]"));
}

/// A promise can stand for the right to resolve one, used or not.
#[test]
fn who_listens_to_a_resolver_is_told_though_it_was_used() {
    let mut w = world();
    let (p, r, log) = (w.p, w.r, w.log);
    let (q, s) = promise(&mut w.map);
    fulfill(&mut w.map, s, r);
    fulfill(&mut w.map, r, 1);
    w.map.poke(|turn| turn.listen(q, log, false)).unwrap();
    w.map.churn();
    assert_eq!(seen(&w.map, log), format!("[['fulfill {r}]]"));
    assert_eq!(standing(&mut w.map, p), "value 1");
}

#[test]
fn partial_listeners_are_told_of_the_next_promise_before_and_after() {
    for late in [true, false] {
        let mut w = world();
        let (q, s) = promise(&mut w.map);
        let (p, r, log) = (w.p, w.r, w.log);
        if !late {
            w.map.poke(|turn| turn.listen(p, log, true)).unwrap();
            w.map.churn();
        }
        fulfill(&mut w.map, r, q);
        if late {
            w.map.poke(|turn| turn.listen(p, log, true)).unwrap();
            w.map.churn();
        }
        assert_eq!(seen(&w.map, log), format!("[['fulfill {q}]]"), "{late}");
        fulfill(&mut w.map, s, 1);
        assert_eq!(seen(&w.map, log), format!("[['fulfill {q}]]"), "{late}");
    }
}

/// A row: which handlers there are, what they do, how the promise ends; what they were told, and how the result stands.
#[test]
fn handlers_of_a_promise() {
    let kinds: [(&str, fn() -> hob_vat::KindRef, &str); 3] = [
        ("log", || (&LOG).into(), "value 1"),
        ("echo", echo, "ECHO"),
        ("refuses", refuses, "broken \"because\""),
    ];
    for settled in ["fulfill", "break"] {
        for has in 0..8_u8 {
            for (name, kind, result) in &kinds {
                let mut w = world();
                let (p, r) = (w.p, w.r);
                let state: Value = if *name == "refuses" { "because".into() } else { Value::list([]) };
                let fulfilled = spawn(&mut w.map, kind(), state.clone());
                let broken = spawn(&mut w.map, kind(), state);
                let finally = log(&mut w.map);
                let on = On {
                    fulfilled: (has & 1 > 0).then_some(fulfilled),
                    broken: (has & 2 > 0).then_some(broken),
                    finally: (has & 4 > 0).then_some(finally),
                };
                let answer = w.map.poke(|turn| turn.on(p, on)).unwrap();
                w.map.poke(|turn| turn.on_only(p, on)).unwrap();
                w.map.churn();
                assert_eq!(standing(&mut w.map, answer), "unresolved");
                if settled == "fulfill" {
                    fulfill(&mut w.map, r, 9);
                } else {
                    break_with(&mut w.map, r, 9);
                }
                let handler = if settled == "fulfill" { on.fulfilled } else { on.broken };
                let expected = match (handler, settled) {
                    (Some(_), _) => result.replace("ECHO", "value 9"),
                    (None, "fulfill") => "value 9".to_owned(),
                    (None, _) => "broken 9".to_owned(),
                };
                assert_eq!(standing(&mut w.map, answer), expected, "{settled} {has} {name}");
                if *name == "log" {
                    for (which, actor) in [(1, fulfilled), (2, broken)] {
                        let told = if handler == Some(actor) { "[[9] [9]]" } else { "[]" };
                        assert_eq!(seen(&w.map, actor), told, "{settled} {has} {which}");
                    }
                }
                let told = if has & 4 > 0 { "[[] []]" } else { "[]" };
                assert_eq!(seen(&w.map, finally), told);
            }
        }
    }
}

#[test]
fn a_handler_that_answers_a_promise_answers_what_comes_of_it() {
    for (end, expected) in [("fulfill", "value 3"), ("break", "broken 3")] {
        let mut w = world();
        let (p, r) = (w.p, w.r);
        let (q, s) = promise(&mut w.map);
        let handler = spawn(&mut w.map, constant(), q);
        let answer = w.map.poke(|turn| turn.on(p, On::fulfilled(handler))).unwrap();
        fulfill(&mut w.map, r, 1);
        assert_eq!(standing(&mut w.map, answer), "unresolved");
        w.map.poke(|turn| turn.call(s, &[Value::symbol(end), 3.into()])).unwrap();
        w.map.churn();
        assert_eq!(standing(&mut w.map, answer), expected);
    }
}

/// What just fits into a message as a value still fits when a handler is given it.
#[test]
fn a_handler_is_told_of_what_just_fits() {
    let limits =
        hob_vat::Limits { message_bytes: 100, value_depth: 5, sends_per_turn: 1, ..Default::default() };
    let deep = (0..5).fold(Value::from(1), |inner, _| Value::list([inner]));
    let wide = Value::from("x".repeat(100));
    for value in [deep, wide] {
        let mut map = Actormap::with_limits(limits);
        let (p, r) = promise(&mut map);
        let (handler, finally) = (spawn(&mut map, echo(), ()), log(&mut map));
        let answer = map.poke(|turn| turn.on(p, On::fulfilled(handler).finally(finally))).unwrap();
        map.churn();
        fulfill(&mut map, r, value.clone());
        assert_eq!(standing(&mut map, answer), format!("value {value}"));
        assert_eq!(seen(&map, finally), "[[]]");
    }
}

#[test]
fn messages_to_results_go_through_three_promises() {
    let mut w = world();
    let maker = spawn(
        &mut w.map,
        kind_fn("maker", |turn, me, args| {
            // Makes another of itself, one level further down.
            let level = me.state().as_i64().unwrap_or(0);
            let _ = args;
            Ok(turn
                .spawn(kind_fn("leaf", |_, me, _| Ok(me.state().clone().into())), (level + 1).into())?
                .into())
        }),
        0,
    );
    let (p, r) = (w.p, w.r);
    let one = w.map.poke(|turn| turn.send(p, [])).unwrap();
    let two = w.map.poke(|turn| turn.send(one, [])).unwrap();
    let three = w.map.poke(|turn| turn.send(two, [])).unwrap();
    let four = w.map.poke(|turn| turn.send(three, [])).unwrap();
    w.map.churn();
    for promise in [one, two, three, four] {
        assert_eq!(standing(&mut w.map, promise), "unresolved");
    }
    fulfill(&mut w.map, r, maker);
    // The leaf answers 1; a value answers itself, however often it is asked.
    assert!(standing(&mut w.map, one).starts_with("object "));
    for promise in [two, three, four] {
        assert_eq!(standing(&mut w.map, promise), "value 1");
    }
}

#[test]
fn a_broken_target_breaks_all_that_waits_on_it() {
    let mut w = world();
    let (p, r) = (w.p, w.r);
    let one = send(&mut w.map, p, []);
    let two = send(&mut w.map, one, []);
    let three = send(&mut w.map, two, []);
    break_with(&mut w.map, r, "gone");
    for promise in [one, two, three] {
        assert_eq!(standing(&mut w.map, promise), "broken \"gone\"");
    }
}

/// A promise can follow another though nothing more may wait for that one: it would never be settled otherwise.
#[test]
fn a_full_promise_can_be_followed() {
    let limits = hob_vat::Limits { waiting: 2, ..Default::default() };
    for by_call in [true, false] {
        let mut map = Actormap::with_limits(limits);
        let (p, r) = promise(&mut map);
        let (q, s) = promise(&mut map);
        let log = log(&mut map);
        for at in 0..2 {
            tell(&mut map, q, [at.into()]);
            tell(&mut map, p, [at.into()]);
        }
        if by_call {
            map.poke(|turn| turn.call(r, &[Value::symbol("fulfill"), q.into()])).unwrap();
        } else {
            fulfill(&mut map, r, q);
        }
        map.churn();
        fulfill(&mut map, s, log);
        assert_eq!(seen(&map, log), "[[0] [1] [0] [1]]");
        assert_eq!(standing(&mut map, p), format!("object {log}"));
    }
}

//! How promises are settled, rule by rule.

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
use hob_vat::{Ref, Value, probe};

/// What a settled promise says to a call, a send, a listener and a question about it.
fn check(settle: impl Fn(&mut World) -> Value, call: &str, send: &str, listener: &str, standing_is: &str) {
    // Settled by a message, by a call of the resolver, and by what a message is answered with.
    for how in 0..3 {
        let mut w = world();
        let waited_for = crate::send(&mut w.map, w.p, [1.into()]);
        let listens = log(&mut w.map);
        w.map.poke(|turn| turn.listen(w.p, listens, false)).unwrap();
        w.map.churn();
        let value = settle(&mut w);
        let is_break = value.as_list().is_some_and(|list| list.first() == Some(&Value::symbol("break")));
        let settled = match how {
            0 if is_break => {
                let reason = value.as_list().unwrap()[1].clone();
                break_with(&mut w.map, w.r, reason);
                w.p
            }
            0 => {
                fulfill(&mut w.map, w.r, value);
                w.p
            }
            1 if is_break => {
                let args = value.as_list().unwrap().to_vec();
                w.map.poke(|turn| turn.call(w.r, &args)).unwrap();
                w.map.churn();
                w.p
            }
            1 => {
                let args = [Value::symbol("fulfill"), value];
                w.map.poke(|turn| turn.call(w.r, &args)).unwrap();
                w.map.churn();
                w.p
            }
            _ if is_break => continue,
            _ => {
                let actor = spawn(&mut w.map, constant(), value);
                let answer = crate::send(&mut w.map, actor, []);
                fulfill(&mut w.map, w.r, answer);
                w.p
            }
        };
        let called = w.map.peek(|turn| turn.call(settled, &[2.into()]));
        let called = called.map_or_else(|problem| problem.to_string(), |value| value.to_string());
        assert_eq!(called, call, "call, settled in way {how}");
        let answer = crate::send(&mut w.map, settled, [3.into()]);
        assert_eq!(standing(&mut w.map, answer), send, "send, settled in way {how}");
        let log_text = seen(&w.map, listens).replace(&w.log.to_string(), "LOG");
        assert_eq!(log_text, listener, "listener, settled in way {how}");
        let stands = standing(&mut w.map, settled).replace(&w.log.to_string(), "LOG");
        assert_eq!(stands, standing_is, "standing, settled in way {how}");
        // What waited got the same treatment as what came later, and before it.
        let first = standing(&mut w.map, waited_for);
        match send {
            "value 2" => assert_eq!(first, "value 1"),
            _ => assert_eq!(first, send),
        }
    }
}

#[test]
fn what_a_settled_promise_does() {
    // An object: it gets what was sent.
    check(|w| w.log.into(), "2", "value 2", "[['fulfill LOG]]", "object LOG");
    // A value: it answers itself to everything.
    check(|_| 7.into(), "7", "value 7", "[['fulfill 7]]", "value 7");
    check(|_| "text".into(), "\"text\"", "value \"text\"", "[['fulfill \"text\"]]", "value \"text\"");
    check(|_| Value::Undefined, "undefined", "value undefined", "[['fulfill undefined]]", "value undefined");
    let list = |w: &mut World| Value::list([w.log.into()]);
    let mut w = world();
    let shown = list(&mut w).to_string();
    let listened = "[['fulfill [LOG]]]";
    check(list, &shown, &format!("value {shown}"), listened, "value [LOG]");
    // An error as data is a value like others.
    check(
        |_| Value::error("a", "b"),
        "<error a: b>",
        "value <error a: b>",
        "[['fulfill <error a: b>]]",
        "value <error a: b>",
    );
    // Broken: everything fails with the reason.
    let broken = |reason: Value| move |_: &mut World| Value::list([Value::symbol("break"), reason.clone()]);
    check(broken("no".into()), "\"no\"", "broken \"no\"", "[['break \"no\"]]", "broken \"no\"");
    check(
        broken(Value::error("rule", "text")),
        "rule: text",
        "broken <error rule: text>",
        "[['break <error rule: text>]]",
        "broken <error rule: text>",
    );
}

#[test]
fn a_promise_for_another_is_settled_with_it() {
    let through = |links: usize, forward: bool, last: Value| {
        move |w: &mut World| {
            let chain: Vec<_> = (0..links).map(|_| promise(&mut w.map)).collect();
            let mut order: Vec<usize> = (1..links).collect();
            if !forward {
                order.reverse();
            }
            for at in order {
                fulfill(&mut w.map, chain[at - 1].1, chain[at].0);
            }
            let end = chain[links - 1].1;
            let target = if last == Value::Undefined { w.log.into() } else { last.clone() };
            fulfill(&mut w.map, end, target);
            chain[0].0.into()
        }
    };
    for links in 1..5 {
        for forward in [true, false] {
            check(
                through(links, forward, Value::Undefined),
                "2",
                "value 2",
                "[['fulfill LOG]]",
                "object LOG",
            );
            check(through(links, forward, 7.into()), "7", "value 7", "[['fulfill 7]]", "value 7");
        }
    }
}

/// The same, with what the promise is for settled afterwards.
#[test]
fn a_chain_is_settled_by_its_end() {
    for links in 1..5 {
        for forward in [true, false] {
            let mut w = world();
            let chain: Vec<_> = (0..links).map(|_| promise(&mut w.map)).collect();
            let listens = log(&mut w.map);
            let partial = log(&mut w.map);
            w.map.poke(|turn| turn.listen(chain[0].0, listens, false)).unwrap();
            w.map.poke(|turn| turn.listen(chain[0].0, partial, true)).unwrap();
            let early = send(&mut w.map, chain[0].0, ["early".into()]);
            let mut order: Vec<usize> = (1..links).collect();
            if !forward {
                order.reverse();
            }
            for at in order {
                fulfill(&mut w.map, chain[at - 1].1, chain[at].0);
                // The right to resolve was used.
                assert_eq!(
                    w.map
                        .poke(|turn| turn.call(chain[at - 1].1, &[Value::symbol("fulfill"), 1.into()]))
                        .unwrap_err()
                        .rule_name(),
                    Some("already-resolved")
                );
            }
            assert_eq!(seen(&w.map, listens), "[]");
            assert_eq!(standing(&mut w.map, chain[0].0), "unresolved");
            let problem = w.map.peek(|turn| turn.call(chain[0].0, &[])).unwrap_err();
            assert_eq!(problem.rule_name(), Some("not-callable"));
            let late = send(&mut w.map, chain[0].0, ["late".into()]);
            let log = w.log;
            fulfill(&mut w.map, chain[links - 1].1, log);
            for (promise, _) in &chain {
                assert_eq!(standing(&mut w.map, *promise), format!("object {log}"));
            }
            assert_eq!(seen(&w.map, log), "[[\"early\"] [\"late\"]]");
            assert_eq!(
                (standing(&mut w.map, early), standing(&mut w.map, late)),
                ("value 1".into(), "value 2".into())
            );
            assert_eq!(seen(&w.map, listens), format!("[['fulfill {log}]]"));
            // Who wants partial news is told once: of the next promise, or of the end.
            let told = state_of(&w.map, partial).as_list().unwrap().to_vec();
            assert_eq!(told.len(), 1);
            let what = told[0].as_list().unwrap()[1].as_ref().unwrap();
            assert_eq!(what.is_promise(), links > 1);
        }
    }
}

#[test]
fn circles_are_broken() {
    for length in 1..6 {
        // Every order in which the links of a circle can come about leads to the same.
        for start in 0..length {
            for step in [1, length - 1] {
                let mut w = world();
                let circle: Vec<_> = (0..length).map(|_| promise(&mut w.map)).collect();
                let waits = send(&mut w.map, circle[0].0, []);
                for at in 0..length {
                    let at = (start + at * step.max(1)) % length;
                    fulfill(&mut w.map, circle[at].1, circle[(at + 1) % length].0);
                }
                for (promise, _) in &circle {
                    let stands = standing(&mut w.map, *promise);
                    assert!(stands.starts_with("broken <error promise-cycle:"), "{length} {start}: {stands}");
                }
                let stands = standing(&mut w.map, waits);
                assert!(stands.starts_with("broken <error promise-cycle:"), "{stands}");
            }
        }
    }
}

#[test]
fn circles_in_one_turn_are_broken() {
    let mut w = world();
    let (q, s) = promise(&mut w.map);
    let (p, r) = (w.p, w.r);
    w.map
        .poke(|turn| {
            turn.call(r, &[Value::symbol("fulfill"), q.into()])?;
            turn.call(s, &[Value::symbol("fulfill"), p.into()])
        })
        .unwrap();
    w.map.churn();
    for promise in [p, q] {
        assert!(standing(&mut w.map, promise).contains("promise-cycle"));
    }
}

#[test]
fn a_promise_is_resolved_once() {
    let twice: [(&str, fn(&mut World, Ref) -> Result<Value, hob_vat::Problem>); 2] = [
        ("a call", |w, r| w.map.poke(|turn| turn.call(r, &[Value::symbol("fulfill"), 2.into()]))),
        ("a call to break", |w, r| w.map.poke(|turn| turn.call(r, &[Value::symbol("break"), 2.into()]))),
    ];
    for (what, again) in twice {
        let first: [fn(&mut World) -> Value; 4] =
            [|_| 1.into(), |w| w.log.into(), |w| promise(&mut w.map).0.into(), |_| Value::symbol("break")];
        for first in first {
            let mut w = world();
            let value = first(&mut w);
            let (p, r) = (w.p, w.r);
            if value == Value::symbol("break") {
                break_with(&mut w.map, r, 1);
            } else {
                fulfill(&mut w.map, r, value);
            }
            let before = probe::snapshot(&w.map);
            let problem = again(&mut w, r).unwrap_err();
            assert_eq!(problem.rule_name(), Some("already-resolved"), "{what}");
            assert_eq!(probe::snapshot(&w.map), before);
            // By a message that wants an answer: the answer says so.
            let answer = send(&mut w.map, r, [Value::symbol("fulfill"), 3.into()]);
            assert!(standing(&mut w.map, answer).starts_with("broken <error already-resolved:"));
            let _ = p;
        }
    }
}

#[test]
fn a_resolver_takes_two_methods_of_one_value() {
    let check = |args: Vec<Value>, rule: &str| {
        let mut w = world();
        let (p, r) = (w.p, w.r);
        let before = probe::snapshot(&w.map);
        let problem = w.map.poke(|turn| turn.call(r, &args)).unwrap_err();
        assert_eq!(problem.rule_name(), Some(rule), "{args:?}");
        assert_eq!(probe::snapshot(&w.map), before);
        let answer = send(&mut w.map, r, args);
        assert!(standing(&mut w.map, answer).starts_with(&format!("broken <error {rule}:")));
        // It can still be resolved.
        fulfill(&mut w.map, r, 1);
        assert_eq!(standing(&mut w.map, p), "value 1");
    };
    check(vec![], "no-method");
    check(vec![1.into()], "no-method");
    check(vec!["resolve".into(), 1.into()], "no-method");
    check(vec!["fulfill".into()], "bad-arguments");
    check(vec!["fulfill".into(), 1.into(), 2.into()], "bad-arguments");
    check(vec![Value::symbol("break")], "bad-arguments");
    check(vec![Value::symbol("break"), 1.into(), 2.into()], "bad-arguments");
}

#[test]
fn a_promise_for_what_is_gone_is_broken() {
    let mut w = world();
    let (q, _) = promise(&mut w.map);
    let (p, r, log) = (w.p, w.r, w.log);
    w.map.collect(&[p, r, log]);
    w.map.poke(|turn| turn.listen(p, log, false)).unwrap();
    fulfill(&mut w.map, r, q);
    assert!(standing(&mut w.map, p).starts_with("broken <error stale-reference:"));
    assert!(seen(&w.map, log).starts_with("[['break <error stale-reference:"));
    // And who listens to it directly is told so too.
    let other = common::log(&mut w.map);
    w.map.poke(|turn| turn.listen(q, other, false)).unwrap();
    w.map.churn();
    assert!(seen(&w.map, other).starts_with("[['break <error stale-reference:"));
}

//! How promises are settled, rule by rule.

mod common;

use common::*;
use hob_vat::{Actormap, Body, Message, On, Ref, Value, kind_fn, probe};

/// Two vats' worth of what a case needs.
struct World {
    map: Actormap,
    log: Ref,
    p: Ref,
    r: Ref,
}

fn world() -> World {
    let mut map = Actormap::new();
    let log = log(&mut map);
    let (p, r) = promise(&mut map);
    World { map, log, p, r }
}

fn far_text(map: &mut Actormap) -> Vec<String> {
    probe::take_outbox(map)
        .into_iter()
        .map(|(to, message)| {
            let body = match message.body {
                Body::Args(args) => Value::List(args).to_string(),
                Body::Fulfill(value) => format!("fulfill {value}"),
                Body::Break(reason) => format!("break {reason}"),
                Body::Listen { partial, .. } => format!("listen partial={partial}"),
            };
            format!("{to}: {} {body}", message.to)
        })
        .collect()
}

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

/// The far side answers what it was asked to tell.
fn far_tells(map: &mut Actormap, listener: Ref, body: Body) {
    map.enqueue(Message { to: listener, body, resolver: None }).unwrap();
    map.churn();
}

fn follower(map: &mut Actormap) -> Ref {
    let listeners: Vec<Ref> = probe::take_outbox(map)
        .into_iter()
        .filter_map(|(_, message)| match message.body {
            Body::Listen { listener, .. } => Some(listener),
            _ => None,
        })
        .collect();
    assert_eq!(listeners.len(), 1);
    listeners[0]
}

#[test]
fn a_circle_through_a_far_promise_is_broken() {
    let far = probe::session(0);
    // It comes back to the promise itself, to one before it, to one that follows it, and to a far one it came past.
    for case in 0..4 {
        let mut w = world();
        let (q, s) = promise(&mut w.map);
        let (p, r) = (w.p, w.r);
        fulfill(&mut w.map, s, p);
        fulfill(&mut w.map, r, far.promise(1, 1));
        let asked = follower(&mut w.map);
        let back: Ref = match case {
            0 => p,
            1 => q,
            2 => far.promise(1, 1),
            _ => {
                far_tells(&mut w.map, asked, Body::Fulfill(far.promise(2, 1).into()));
                assert_eq!(follower(&mut w.map), asked);
                far.promise(1, 1)
            }
        };
        far_tells(&mut w.map, asked, Body::Fulfill(back.into()));
        for promise in [p, q] {
            let stands = standing(&mut w.map, promise);
            assert!(stands.starts_with("broken <error promise-cycle:"), "{case} {stands}");
        }
    }
}

/// Two vats that resolve a promise each to the other's at the same time both learn of it.
#[test]
fn a_circle_through_two_vats_is_noticed() {
    let mut maps =
        [probe::actormap(1, hob_vat::Limits::default()), probe::actormap(2, hob_vat::Limits::default())];
    let made = [promise(&mut maps[0]), promise(&mut maps[1])];
    maps[0].poke(|turn| turn.fulfill(made[0].1, made[1].0)).unwrap();
    maps[1].poke(|turn| turn.fulfill(made[1].1, made[0].0)).unwrap();
    for _ in 0..20 {
        for at in 0..2 {
            maps[at].churn();
            for (_, message) in probe::take_outbox(&mut maps[at]) {
                maps[1 - at].enqueue(message).unwrap();
            }
        }
    }
    for at in 0..2 {
        let stands = standing(&mut maps[at], made[at].0);
        assert!(stands.starts_with("broken <error promise-cycle:"), "{at} {stands}");
    }
}

#[test]
fn a_promise_that_leads_too_far_is_broken() {
    let far = probe::session(0);
    let mut w = world();
    let r = w.r;
    fulfill(&mut w.map, r, far.promise(0, 1));
    let asked = follower(&mut w.map);
    for at in 1..1024 {
        far_tells(&mut w.map, asked, Body::Fulfill(far.promise(at, 1).into()));
        assert_eq!(standing(&mut w.map, w.p), "unresolved");
    }
    far_tells(&mut w.map, asked, Body::Fulfill(far.promise(1024, 1).into()));
    assert!(standing(&mut w.map, w.p).starts_with("broken <error promise-too-far:"));
}

#[test]
fn a_far_object_gets_what_waited_and_what_comes() {
    for far in [probe::session(0), probe::other_vat(9)] {
        let mut w = world();
        let (p, r) = (w.p, w.r);
        tell(&mut w.map, p, ["a".into()]);
        tell(&mut w.map, p, ["b".into()]);
        w.map.poke(|turn| turn.send_only(p, ["c".into()])).unwrap();
        fulfill(&mut w.map, r, far.object(1, 1));
        tell(&mut w.map, p, ["d".into()]);
        let object = far.object(1, 1);
        let vat = far.id();
        let expected = ["a", "b", "c", "d"].map(|it| format!("{vat}: {object} [\"{it}\"]"));
        assert_eq!(far_text(&mut w.map), expected);
        assert_eq!(standing(&mut w.map, p), format!("far {object}"));
        let problem = w.map.peek(|turn| turn.call(p, &[])).unwrap_err();
        assert_eq!(problem.rule_name(), Some("not-near"));
    }
}

#[test]
fn messages_for_a_far_promise_wait_here() {
    for far in [probe::session(0), probe::other_vat(9)] {
        let mut w = world();
        let (p, r) = (w.p, w.r);
        tell(&mut w.map, p, ["a".into()]);
        fulfill(&mut w.map, r, far.promise(1, 1));
        tell(&mut w.map, p, ["b".into()]);
        let asked = follower(&mut w.map);
        assert_eq!(standing(&mut w.map, p), "unresolved");
        far_tells(&mut w.map, asked, Body::Fulfill(w.log.into()));
        tell(&mut w.map, p, ["c".into()]);
        assert_eq!(seen(&w.map, w.log), "[[\"a\"] [\"b\"] [\"c\"]]");
        // It is told once.
        far_tells(&mut w.map, asked, Body::Break("late".into()));
        assert_eq!(standing(&mut w.map, p), format!("object {}", w.log));
    }
}

#[test]
fn messages_follow_a_question_at_once_and_in_order() {
    let far = probe::session(0);
    let object = far.object(1, 1);
    // A question that is sent straight away.
    let mut w = world();
    let answer = w.map.poke(|turn| turn.send(object, ["ask".into()])).unwrap();
    tell(&mut w.map, answer, ["a".into()]);
    let second = send(&mut w.map, answer, ["b".into()]);
    tell(&mut w.map, second, ["c".into()]);
    assert_eq!(
        far_text(&mut w.map),
        [
            format!("session 0: {object} [\"ask\"]"),
            format!("session 0: {answer} [\"a\"]"),
            format!("session 0: {answer} [\"b\"]"),
            format!("session 0: {second} [\"c\"]"),
        ]
    );
    // A question that waited for its target, with answers asked in turn: three deep.
    let mut w = world();
    let (p, r) = (w.p, w.r);
    let one = send(&mut w.map, p, [1.into()]);
    let two = send(&mut w.map, one, [2.into()]);
    let three = send(&mut w.map, two, [3.into()]);
    tell(&mut w.map, three, [4.into()]);
    tell(&mut w.map, one, [5.into()]);
    fulfill(&mut w.map, r, object);
    tell(&mut w.map, one, [6.into()]);
    assert_eq!(
        far_text(&mut w.map),
        [
            format!("session 0: {object} [1]"),
            format!("session 0: {one} [2]"),
            format!("session 0: {two} [3]"),
            format!("session 0: {three} [4]"),
            format!("session 0: {one} [5]"),
            format!("session 0: {one} [6]"),
        ]
    );
    // Another vat of the peer is not a session: what is for the answer waits.
    let mut w = world();
    let object = probe::other_vat(9).object(1, 1);
    let answer = send(&mut w.map, object, ["ask".into()]);
    tell(&mut w.map, answer, ["a".into()]);
    assert_eq!(far_text(&mut w.map), [format!("vat 9: {object} [\"ask\"]")]);
}

#[test]
fn messages_follow_a_question_through_promises() {
    let far = probe::session(0);
    let object = far.object(1, 1);
    for links in 1..4 {
        for asked_first in [true, false] {
            for forward in [true, false] {
                let mut w = world();
                let chain: Vec<_> = (0..links).map(|_| promise(&mut w.map)).collect();
                let (p, r) = (w.p, w.r);
                let question = send(&mut w.map, p, ["ask".into()]);
                tell(&mut w.map, chain[0].0, ["a".into()]);
                if asked_first {
                    fulfill(&mut w.map, r, object);
                }
                let mut order: Vec<usize> = (0..links).collect();
                if !forward {
                    order.reverse();
                }
                for at in order {
                    let next = chain.get(at + 1).map_or(question, |next| next.0);
                    fulfill(&mut w.map, chain[at].1, next);
                }
                tell(&mut w.map, chain[0].0, ["b".into()]);
                if !asked_first {
                    fulfill(&mut w.map, r, object);
                }
                tell(&mut w.map, chain[0].0, ["c".into()]);
                let texts = far_text(&mut w.map);
                let expected = [
                    format!("session 0: {object} [\"ask\"]"),
                    format!("session 0: {question} [\"a\"]"),
                    format!("session 0: {question} [\"b\"]"),
                    format!("session 0: {question} [\"c\"]"),
                ];
                assert_eq!(texts, expected, "{links} {asked_first} {forward}");
                // The answer settles all of them.
                let resolver = probe::resolver(question);
                far_tells(&mut w.map, resolver, Body::Fulfill(w.log.into()));
                tell(&mut w.map, chain[0].0, ["d".into()]);
                assert_eq!(seen(&w.map, w.log), "[[\"d\"]]");
            }
        }
    }
}

#[test]
fn a_question_that_is_answered_with_a_promise_goes_on() {
    let far = probe::session(0);
    let mut w = world();
    let question = send(&mut w.map, far.object(1, 1), ["ask".into()]);
    tell(&mut w.map, question, ["a".into()]);
    let (p, r) = (w.p, w.r);
    far_tells(&mut w.map, probe::resolver(question), Body::Fulfill(p.into()));
    tell(&mut w.map, question, ["b".into()]);
    assert_eq!(far_text(&mut w.map).len(), 2);
    fulfill(&mut w.map, r, w.log);
    assert_eq!(seen(&w.map, w.log), "[[\"b\"]]");
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

//! How promises are settled that lead out of the vat: questions, far objects, far promises, circles through others.

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
use hob_vat::{Actormap, Body, Message, Ref, Value, probe};

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

/// A peer that was asked to tell a promise can say that it shall be told by one that follows it.
#[test]
fn a_peer_cannot_make_promises_tell_each_other_for_ever() {
    let far = probe::session(0);
    for end in 0..3 {
        let mut w = world();
        let (q, s) = promise(&mut w.map);
        let (p, r) = (w.p, w.r);
        fulfill(&mut w.map, s, p);
        fulfill(&mut w.map, r, far.promise(1, 1));
        let asked = follower(&mut w.map);
        let question = send(&mut w.map, far.object(1, 1), []);
        for to in [q, p] {
            far_tells(&mut w.map, to, Body::Listen { listener: asked, partial: false });
        }
        let (value, expected): (Value, _) = match end {
            0 => (7.into(), "value 7"),
            1 => (question.into(), "unresolved"),
            _ => (q.into(), "broken"),
        };
        far_tells(&mut w.map, asked, Body::Fulfill(value));
        for promise in [p, q] {
            let stands = standing(&mut w.map, promise);
            assert!(stands.starts_with(expected), "{end}: {stands}");
        }
    }
}

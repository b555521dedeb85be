//! A turn that is refused because it is too large leaves nothing, also in the record, and nobody waits for ever because of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;
mod far;
mod peers;

use std::sync::Arc;

use common::{constant, standing};
use far::open;
use hob_vat::history::{History, Step};
use hob_vat::{
    Actormap, Body, Limits, MemoryStore, On, Peer, Problem, Ref, Standing, TURN_BYTES_MAX, Turn, TurnStore,
    Value, Vat, kind_fn, library::CELL, probe,
};
use peers::{SOON, quiet, told};

const MIB: usize = 1 << 20;

fn large(bytes: usize) -> Value {
    "x".repeat(bytes).into()
}

fn too_large(limit: u64) -> String {
    format!("limit: turn-bytes limit exceeded: {limit} allowed")
}

fn peer() -> (Arc<MemoryStore>, Peer) {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    (store, peer)
}

fn cells(vat: &Vat, many: usize, bytes: usize) -> Vec<Ref> {
    let state = large(bytes);
    (0..many).map(|_| vat.run(|turn| turn.spawn(&CELL, state.clone())).unwrap()).collect()
}

fn all(refs: &[Ref]) -> Value {
    Value::list(refs.iter().map(|it| Value::from(*it)))
}

/// The bytes of the records of a vat.
fn records(store: &MemoryStore, vat: &Vat) -> Vec<usize> {
    let stream = format!("vat/{}", vat.id().number());
    store.read(&stream, 0, usize::MAX).unwrap().iter().map(Vec::len).collect()
}

/// What was taken back is not written down: otherwise a turn could touch more than a record holds, and fail.
#[test]
fn what_a_turn_touched_and_took_back_is_not_written_down() {
    let (store, peer) = peer();
    let vat = peer.vat("a").unwrap();
    let states = cells(&vat, 20, 8 * MIB - 100);
    let touch = |turn: &mut Turn, fails: bool| {
        for state in &states {
            let done = turn.attempt(|turn| {
                turn.call(*state, &[1.into()])?;
                if fails { Err(Problem::refused("no")) } else { Ok(()) }
            });
            assert_eq!(done.is_err(), fails);
        }
        Ok(())
    };
    let before = records(&store, &vat).len();
    vat.run(|turn| touch(turn, false).and_then(|()| Err::<(), _>(Problem::refused("no")))).unwrap_err();
    vat.run(|turn| touch(turn, true)).unwrap();
    assert!(peer.settle(SOON));
    // What does happen is written down as it becomes.
    vat.run(|turn| touch(turn, false)).unwrap();
    let after = records(&store, &vat);
    assert!(after.iter().skip(before).all(|bytes| *bytes < 10_000), "{after:?}");
    assert_eq!(vat.run(|turn| turn.call(*states.last().unwrap(), &[])).unwrap(), 1.into());
}

/// A promise whose value makes so much known to others that it does not fit is broken, and who waits for it is told.
#[test]
fn a_promise_that_cannot_be_settled_is_broken() {
    let (_, peer) = peer();
    let (vat, other) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let limit = too_large(TURN_BYTES_MAX);
    let states = cells(&vat, 40, MIB);
    for by_call in [false, true] {
        let (promise, resolver) = vat.run(Turn::promise).unwrap();
        let (far, tells) = other.run(Turn::promise).unwrap();
        vat.run(|turn| turn.listen(promise, tells, false)).unwrap();
        let near = vat.run(|turn| turn.on(promise, On::default())).unwrap();
        let settle = |turn: &mut Turn| {
            if by_call {
                turn.send_only(resolver, ["fulfill".into(), all(&states)])
            } else {
                turn.fulfill(resolver, all(&states))
            }
        };
        vat.run(settle).unwrap();
        assert!(peer.settle(SOON));
        for (vat, promise) in [(&vat, promise), (&vat, near), (&other, far)] {
            assert_eq!(told(vat, promise), limit, "{by_call}");
        }
    }
    // So is that for what a handler elsewhere would have answered.
    let echo = other.run(|turn| turn.spawn(constant(), 1.into())).unwrap();
    for (many, expected) in [(1, "Value(Int(1))"), (40, limit.as_str())] {
        let (promise, resolver) = vat.run(Turn::promise).unwrap();
        let answer = vat.run(|turn| turn.on(promise, On::fulfilled(echo))).unwrap();
        let states = cells(&vat, many, MIB);
        vat.run(|turn| turn.fulfill(resolver, all(&states))).unwrap();
        assert!(peer.settle(SOON));
        assert_eq!(told(&vat, answer), expected);
    }
}

/// Who only asks about a resolver does not break its promise when they cannot be told.
#[test]
fn a_listener_that_cannot_be_told_breaks_nothing_else() {
    let mut map = Actormap::with_limits(Limits { turn_bytes: 20_000, ..Limits::default() });
    let (promise, resolver) = common::promise(&mut map);
    for _ in 0..10 {
        common::tell(&mut map, promise, [large(600)]);
    }
    probe::settle_young(&mut map, &[promise]);
    let far = probe::session(0).object(1, 1);
    map.poke(|turn| turn.listen(resolver, far, false)).unwrap();
    map.churn();
    let sent = probe::take_outbox(&mut map);
    assert!(matches!(sent.first().unwrap().1.body, Body::Break(_)), "{sent:?}");
    assert_eq!(standing(&mut map, promise), "unresolved");
}

/// However many wait for a promise and for those that follow it, each is told once.
#[test]
fn more_than_can_be_told_at_once_are_told_one_after_the_other() {
    let limits = Limits { turn_bytes: 4 << 20, turns_per_churn: u32::MAX, ..Limits::default() };
    for (many, settled) in [(1000, true), (20_000, false)] {
        let mut map = Actormap::with_limits(limits);
        let (promise, resolver) = common::promise(&mut map);
        let far = probe::session(0);
        let mut listeners = 0_u64;
        let mut waits = vec![promise];
        for _ in 0..3 {
            let (follows, tells) = common::promise(&mut map);
            common::fulfill(&mut map, tells, promise);
            waits.push(follows);
        }
        for promise in &waits {
            for _ in 0..many / 500 {
                map.poke(|turn| {
                    (0..500).try_for_each(|_| {
                        listeners += 1;
                        turn.listen(*promise, far.object(1, listeners), false)
                    })
                })
                .unwrap();
                map.churn();
            }
        }
        probe::settle_young(&mut map, &waits);
        common::fulfill(&mut map, resolver, 1);
        assert!(map.is_quiet());
        let told = probe::take_outbox(&mut map);
        let unique: std::collections::HashSet<Ref> = told.iter().map(|(_, message)| message.to).collect();
        assert_eq!((told.len(), unique.len()), (4 * many, 4 * many));
        for (_, message) in &told {
            assert_eq!(matches!(message.body, Body::Fulfill(_)), settled);
        }
        for promise in waits {
            let standing = standing(&mut map, promise);
            assert_eq!(standing.starts_with("value"), settled, "{standing}");
            assert_eq!(standing.starts_with("broken"), !settled, "{standing}");
        }
    }
}

/// What is named again and again is written down once.
#[test]
fn what_gets_known_outside_is_counted_once() {
    let (_, peer) = peer();
    let (vat, other) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let to = other.run(|turn| turn.spawn(&CELL, 1.into())).unwrap();
    let state = cells(&vat, 1, MIB);
    vat.run(|turn| turn.send_only(to, [all(&[state[0]; 40])])).unwrap();
}

/// A session that ends with much that waits for it is a matter of several records.
#[test]
fn what_a_session_leaves_behind_is_broken_in_pieces() {
    let (store, peer) = peer();
    let vat = peer.vat("a").unwrap();
    let (far, _) = open(&peer);
    let to = far.object(1, 1);
    let asked: Vec<Ref> =
        vat.run(|turn| (0..1500).map(|_| turn.send(to, [])).collect::<Result<Vec<_>, _>>()).unwrap();
    assert!(peer.settle(SOON));
    let reason = large(100_000);
    peer.sever(far, &reason);
    assert!(peer.settle(SOON));
    for promise in asked {
        let standing =
            vat.run(|turn| turn.standing(promise).map(|it| it == Standing::Broken(reason.clone())));
        assert!(standing.unwrap());
    }
    let most = records(&store, &vat).into_iter().max().unwrap();
    assert!(most < 16 * MIB, "{most}");
}

/// The turn of the program and those that follow it are written down together only while they are small.
#[test]
fn a_large_turn_of_the_program_is_written_down_alone() {
    let (store, peer) = peer();
    let (vat, other) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let to = other.run(|turn| turn.spawn(&CELL, 1.into())).unwrap();
    let send = move |turn: &mut Turn| (0..15).try_for_each(|_| turn.send_only(to, [large(MIB - 100)]));
    let before = records(&store, &vat).len();
    let sends = kind_fn("sends", move |turn, _, _| send(turn).map(|()| Value::Undefined.into()));
    vat.run(|turn| {
        let sends = turn.spawn(sends, ().into())?;
        turn.send_only(sends, [])?;
        send(turn)
    })
    .unwrap();
    assert!(peer.settle(SOON));
    let after = records(&store, &vat);
    assert_eq!(after.len() - before, 2);
    assert!(after.iter().all(|bytes| *bytes < 16 * MIB), "{after:?}");
}

/// A reason that is too much to tell is replaced by one that says so, and the turn is noted once.
#[test]
fn a_turn_that_failed_is_noted_once() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).limits(Limits { turn_bytes: 3000, ..Limits::default() }).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let refuses = kind_fn("refuses", |_, _, _| Err(Problem::refused(large(2000))));
    let fails = vat.run(|turn| turn.spawn(refuses, ().into())).unwrap();
    let fails_too = vat.run(|turn| turn.spawn(common::refuses(), large(100))).unwrap();
    let answers = vat.run(|turn| Ok((turn.send(fails, [])?, turn.send(fails_too, [])?))).unwrap();
    assert!(peer.settle(SOON));
    assert_eq!(told(&vat, answers.0), too_large(3000));
    let failures: Vec<_> =
        peers::records(&store, vat.id().number()).into_iter().flat_map(|it| it.failures).collect();
    assert_eq!(failures.len(), 2, "{failures:?}");
}

/// What the program did is taken from the record, and what waits for promises then counts as it did.
#[test]
fn what_waits_counts_the_same_when_it_happens_again() {
    let store = Arc::new(MemoryStore::new());
    let limits = Limits { waiting_bytes: 4000, ..Limits::default() };
    let peer = quiet(&store).limits(limits).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let (promise, resolver) = vat.run(Turn::promise).unwrap();
    let mut answers = Vec::new();
    for number in 0..8 {
        // By the program itself, and by a message.
        if number % 2 == 0 {
            answers.push(vat.run(|turn| turn.send(promise, [large(200)])).unwrap());
        } else {
            vat.send_only(promise, [large(200)]).unwrap();
        }
        assert!(peer.settle(SOON));
    }
    vat.run(|turn| turn.fulfill(resolver, 1)).unwrap();
    for _ in 0..6 {
        vat.send_only(promise, [large(200)]).unwrap();
    }
    let (promise, _) = vat.run(Turn::promise).unwrap();
    for _ in 0..6 {
        vat.send_only(promise, [large(200)]).unwrap();
        assert!(peer.settle(SOON));
    }
    let history = History::new(&*store).limits(limits);
    let until = u64::try_from(records(&store, &vat).len()).unwrap();
    let failed = |record: &hob_vat::record::TurnRecord| !record.failures.is_empty();
    assert!(peers::records(&store, vat.id().number()).iter().any(failed));
    let kinds = peers::kinds(&peers::OLD);
    for from in [0, until / 2] {
        for step in history.replay(vat.id(), from, until, &kinds).unwrap() {
            assert!(!matches!(step.unwrap(), Step::Differs(_)));
        }
    }
}

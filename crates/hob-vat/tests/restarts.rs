//! What becomes of those who wait when somebody else ends: a session, a vat, a process, a store.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod far;
mod peers;

use std::sync::Arc;

use far::Taken;
use hob_vat::{MemoryStore, Peer, Problem, Ref, TurnStore, Value, Vat, library::CELL};
use peers::{Counting, LATER, OLD, SOON, call, kinds, list, publish, quiet, records};

#[test]
fn what_only_a_session_could_answer_is_broken_when_it_is_gone() {
    let store = Arc::new(MemoryStore::new());
    let ask = |vat: &Vat, to: Ref| {
        let waits = publish(vat, "waits", |turn| {
            let answer = turn.send(to, ["?".into()])?;
            turn.spawn(&CELL, answer.into())
        });
        vat.run(|turn| turn.call(waits, &[])).unwrap().as_ref().unwrap()
    };
    let standing = |vat: &Vat, promise: Ref| vat.peek(|turn| turn.standing(promise)).unwrap();
    let broken = |vat: &Vat, promise: Ref, rule: &str| match standing(vat, promise) {
        hob_vat::Standing::Broken(reason) => {
            assert_eq!(Problem::refused(reason.clone()).rule_name(), Some(rule), "{reason}");
        }
        other => panic!("{other:?}"),
    };
    let (old, waits, link) = {
        let peer = quiet(&store).build().unwrap();
        let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
        let taken = Arc::new(Taken::default());
        let (far, other) = (
            peer.connect(Arc::clone(&taken) as _).unwrap(),
            peer.connect(Arc::new(Taken::default())).unwrap(),
        );
        let waits = ask(&a, far.object(0, 0));
        let severed = ask(&b, other.object(0, 0));
        assert!(peer.settle(SOON));
        assert_eq!(taken.0.lock().unwrap().len(), 1);
        // A promise that stands for something behind the session.
        let link = publish(&a, "link", |turn| {
            let (promise, resolver) = turn.promise()?;
            turn.fulfill(resolver, far.object(1, 0))?;
            turn.spawn(&CELL, promise.into())
        });
        let link = call(&a, link, &[]).as_ref().unwrap();
        let written = records(&store, 1).len();
        peer.sever(other, &Value::error("closed", "the line was cut"));
        assert!(peer.settle(SOON));
        broken(&b, severed, "closed");
        assert_eq!(records(&store, 1).len(), written, "who had nothing to do with it writes nothing");
        (far, waits, link)
    };
    let peer = quiet(&store).build().unwrap();
    let a = peer.vat("a").unwrap();
    let next = peer.connect(Arc::new(Taken::default())).unwrap();
    assert_ne!(next.id(), old.id(), "what was behind the old one is not behind a new one");
    broken(&a, waits, "stale-reference");
    broken(&a, link, "stale-reference");
    let answer = a.ask(old.object(1, 0), [], SOON).unwrap_err();
    assert_eq!(answer.rule_name(), Some("stale-reference"));
}

/// Objects of one session never come to stand for those of another, though positions and births are the same in each run: whatever
/// a vat kept of an old one, in whatever way, reaches nobody.
#[test]
fn references_to_a_session_reach_no_session_of_a_later_run() {
    let store = Arc::new(MemoryStore::new());
    let mut seen = std::collections::BTreeSet::new();
    for run in 0..6 {
        let peer = quiet(&store).build().unwrap();
        let vat = peer.vat("a").unwrap();
        let opened: Vec<_> = (0..3)
            .map(|_| {
                let taken = Arc::new(Taken::default());
                (peer.connect(Arc::clone(&taken) as _).unwrap(), taken)
            })
            .collect();
        for (far, _) in &opened {
            assert!(seen.insert(far.id()), "run {run}: {} was there before", far.id());
        }
        // What earlier runs kept: an object, a promise, and promises that became the one or the other.
        for old in 0..run * 3 {
            for what in ["object", "promise", "link", "follows"] {
                let kept = vat.find(&format!("{what} {old}")).unwrap().unwrap();
                let kept = call(&vat, kept, &[]).as_ref().unwrap();
                let answer = vat.ask(kept, ["is it you?".into()], SOON).unwrap_err();
                assert_eq!(answer.rule_name(), Some("stale-reference"), "run {run}, {what} {old}: {answer}");
                // Nor does it listen.
                vat.run(|turn| turn.listen(kept, kept, true)).unwrap();
            }
        }
        assert!(peer.settle(SOON));
        for (far, taken) in &opened {
            assert_eq!(taken.0.lock().unwrap().len(), 0, "run {run}: {}", far.id());
        }
        for (at, (far, _)) in opened.iter().enumerate() {
            let (object, promise) = (far.object(7, 9), far.promise(8, 9));
            let keep = |what: &str, value: &dyn Fn(&mut hob_vat::Turn) -> Result<Ref, Problem>| {
                publish(&vat, &format!("{what} {}", run * 3 + at), |turn| {
                    let kept = value(turn)?;
                    turn.spawn(&CELL, kept.into())
                });
            };
            keep("object", &|_| Ok(object));
            keep("promise", &|_| Ok(promise));
            for (what, to) in [("link", object), ("follows", promise)] {
                keep(what, &|turn| {
                    let (mine, resolver) = turn.promise()?;
                    turn.fulfill(resolver, to).map(|()| mine)
                });
            }
        }
        assert!(peer.settle(SOON));
    }
}

/// A number is written down as given out before anybody has it.
#[test]
fn the_number_of_a_session_is_kept_before_it_is_used() {
    let store = Arc::new(Counting::default());
    let builder = || Peer::builder().threads(0).store(Arc::clone(&store) as _).kinds(kinds(&OLD));
    let session = || Arc::new(Taken::default());
    let first = builder().build().unwrap();
    *store.refuses.lock().unwrap() = Some("peer".into());
    assert_eq!(first.connect(session()).unwrap_err().to_string(), "store: the disk is full");
    *store.refuses.lock().unwrap() = None;
    let one = first.connect(session()).unwrap();
    // A peer that takes over begins beyond all that the first may still give out.
    let second = builder().build().unwrap();
    let other = second.connect(session()).unwrap();
    let more: Vec<_> = (0..1000).map_while(|_| first.connect(session()).ok()).collect();
    assert_eq!(more.len(), 255, "what was kept for it, and no more");
    let all = [one].iter().chain(&more).map(|far| far.id()).collect::<std::collections::BTreeSet<_>>();
    assert!(all.len() == 256 && !all.contains(&other.id()));
}

#[test]
fn what_only_a_vat_of_the_process_could_answer_is_broken_when_it_is_gone() {
    let store = Arc::new(MemoryStore::new());
    let (gone, promise) = {
        let peer = quiet(&store).build().unwrap();
        let (a, volatile) = (peer.vat("a").unwrap(), peer.volatile_vat().unwrap());
        let later = volatile.run(|turn| turn.spawn(&LATER, ().into())).unwrap();
        let waits = publish(&a, "waits", |turn| {
            let answer = turn.send(later, [])?;
            turn.spawn(&CELL, answer.into())
        });
        assert!(peer.settle(SOON));
        (volatile.id(), call(&a, waits, &[]).as_ref().unwrap())
    };
    let peer = quiet(&store).build().unwrap();
    assert_ne!(peer.volatile_vat().unwrap().id(), gone);
    let standing = peer.vat("a").unwrap().peek(|turn| turn.standing(promise)).unwrap();
    assert!(matches!(standing, hob_vat::Standing::Broken(_)), "{standing:?}");
}

#[test]
fn an_answer_that_is_a_promise_is_waited_for() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let later = publish(&b, "later", |turn| turn.spawn(&LATER, ().into()));
    let asks = publish(&a, "asks", |turn| turn.spawn(&LATER, ().into()));
    // The answer of a is the answer of b, which is a promise that nobody keeps: without threads that shows at once.
    assert_eq!(a.ask(asks, [later.into()], SOON).unwrap_err().rule_name(), Some("deadline"));
    // It is kept while somebody waits.
    let peer = Peer::builder().threads(2).kinds(kinds(&OLD)).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let later = b.run(|turn| turn.spawn(&LATER, ().into())).unwrap();
    let asks = a.run(|turn| turn.spawn(&LATER, ().into())).unwrap();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| a.ask(asks, [later.into()], SOON));
        while b.run(|turn| turn.call(later, &["at last".into()])).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(asked.join().unwrap().unwrap(), "at last".into());
    });
}

#[test]
fn a_promise_between_vats_outlives_a_restart() {
    let store = Arc::new(MemoryStore::new());
    let (waits, later) = {
        let peer = quiet(&store).build().unwrap();
        let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
        let later = publish(&b, "later", |turn| turn.spawn(&LATER, ().into()));
        let waits = publish(&a, "waits", |turn| {
            let answer = turn.send(later, [])?;
            turn.spawn(&CELL, answer.into())
        });
        assert!(peer.settle(SOON));
        (waits, later)
    };
    let peer = quiet(&store).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let promise = call(&a, waits, &[]).as_ref().unwrap();
    call(&b, later, &["at last".into()]);
    assert!(peer.settle(SOON));
    let standing = a.peek(|turn| turn.standing(promise)).unwrap();
    assert_eq!(standing, hob_vat::Standing::Value("at last".into()));
}

#[test]
fn who_cannot_write_halts_alone_and_is_whole_after_a_restart() {
    let store = Arc::new(Counting::default());
    let builder = || Peer::builder().threads(0).store(Arc::clone(&store) as _).kinds(kinds(&OLD));
    let (one, other) = {
        let peer = builder().build().unwrap();
        let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
        let (one, other) = (list(&a), list(&b));
        *store.refuses.lock().unwrap() = Some("vat/2".into());
        let refused = b.run(|turn| turn.call(other, &["lost".into()])).unwrap_err();
        assert_eq!(refused.to_string(), "store: the disk is full");
        *store.refuses.lock().unwrap() = None;
        assert_eq!(b.run(|turn| turn.call(other, &[])).unwrap_err(), refused, "it stays as it is");
        assert_eq!(b.peek(|turn| turn.call(other, &[])).unwrap_err(), refused);
        a.run(|turn| {
            turn.call(one, &["kept".into()])?;
            turn.send_only(other, ["from a".into()])
        })
        .unwrap();
        // Nobody says that it failed: it will happen.
        assert_eq!(a.ask(other, ["asked".into()], SOON).unwrap_err(), refused);
        assert!(peer.settle(SOON));
        (one, other)
    };
    let peer = builder().build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    assert!(peer.settle(SOON));
    assert_eq!(call(&a, one, &[]), Value::list(["kept".into()]));
    assert_eq!(call(&b, other, &[]), Value::list(["from a".into(), "asked".into()]));
}

#[test]
fn who_asks_a_vat_that_halts_is_told_at_once() {
    let store = Arc::new(Counting::default());
    let peer = Peer::builder().threads(0).store(Arc::clone(&store) as _).kinds(kinds(&OLD)).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let (one, other) = (list(&a), list(&b));
    assert_eq!(a.ask(other, [], SOON).unwrap(), Value::list([]));
    *store.refuses.lock().unwrap() = Some("vat/1".into());
    let answer = a.ask(one, [], SOON).unwrap_err();
    assert_eq!(answer.to_string(), "store: the disk is full");
}

#[test]
fn a_second_peer_takes_everything_over() {
    let store = Arc::new(MemoryStore::new());
    let first = quiet(&store).build().unwrap();
    let (a, b) = (first.vat("a").unwrap(), first.vat("b").unwrap());
    let (one, other) = (list(&a), list(&b));
    a.run(|turn| turn.send_only(other, ["once".into()])).unwrap();
    let second = quiet(&store).build().unwrap();
    assert!(second.settle(SOON));
    // The first one delivers it, too, and cannot write that down.
    assert!(first.settle(SOON));
    for (vat, to) in [(&a, one), (&b, other)] {
        let refused = vat.run(|turn| turn.call(to, &["no".into()])).unwrap_err();
        assert!(refused.to_string().ends_with("was taken over by another process"), "{refused}");
    }
    assert!(first.vat("c").is_err() && first.volatile_vat().is_err());
    assert_eq!(call(&second.vat("b").unwrap(), other, &[]), Value::list(["once".into()]));
    assert_eq!(call(&second.vat("a").unwrap(), one, &[]), Value::list([]));
}

#[test]
fn a_sender_keeps_no_more_than_what_has_not_arrived() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).snapshot_every(Some(100)).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let to = publish(&b, "cell", |turn| turn.spawn(&CELL, ().into()));
    for number in 0..450 {
        a.run(|turn| turn.send_only(to, [Value::from(number)])).unwrap();
        assert!(peer.settle(SOON));
    }
    let (_, snapshot) = store.snapshot("vat/1").unwrap().unwrap();
    let snapshot = hob_vat::record::Snapshot::decode(&snapshot).unwrap();
    assert_eq!(snapshot.unacknowledged.len(), 1, "the one that this record sends");
    assert_eq!(snapshot.sent.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [400]);
}

#[test]
fn several_threads_may_drive_a_peer_without_threads() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    let vats: Vec<Vat> = (0..2).map(|number| peer.vat(&format!("v{number}")).unwrap()).collect();
    let lists: Vec<Ref> = vats.iter().map(list).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (vats, lists) = (&vats, &lists);
            scope.spawn(move || {
                for number in 0..50 {
                    let at = (thread + number) % 2;
                    call(&vats[at], lists[at], &["x".into()]);
                }
            });
        }
    });
    for (vat, to) in vats.iter().zip(&lists) {
        assert_eq!(call(vat, *to, &[]).as_list().unwrap().len(), 100);
    }
}

#[test]
fn a_peer_that_ended_says_so() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let to = list(&vat);
    drop(peer);
    for _ in 0..2 {
        let ended = vat.run(|turn| turn.call(to, &["x".into()])).unwrap_err();
        assert_eq!(ended.to_string(), "store: the peer has ended");
    }
}

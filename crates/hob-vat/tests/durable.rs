//! Durable vats: sleeping and waking, upgrades, collection, snapshots, and what a start has to read.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod peers;

use std::sync::Arc;

use hob_vat::history::{History, How};
use hob_vat::record::Stored;
use hob_vat::{
    Answer, Kind, KindRef, Kinds, Me, MemoryStore, Peer, Problem, Ref, Turn, TurnStore, Value, Vat, kind_fn,
    library::CELL, maker,
};
use peers::{Counting, LATER, NEW, OLD, SOON, call, kinds, list, publish, quiet, records};

#[test]
fn who_is_not_needed_sleeps_and_wakes_as_it_was() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).loaded_vats(2).build().unwrap();
    let vats: Vec<Vat> = (0..5).map(|number| peer.vat(&format!("v{number}")).unwrap()).collect();
    let lists: Vec<Ref> = vats.iter().map(list).collect();
    assert_eq!(vats.iter().map(Vat::is_asleep).collect::<Vec<_>>(), [true, true, true, false, false]);
    let (first, other) = (&vats[0], *lists.last().unwrap());
    // By a message.
    vats[4].send_only(lists[0], ["a".into()]).unwrap();
    assert!(peer.settle(SOON));
    assert!(!first.is_asleep() && vats[3].is_asleep(), "whoever was not used for longest sleeps");
    // By the program.
    assert_eq!(call(&vats[1], lists[1], &[]), Value::list([]));
    assert_eq!(first.peek(|turn| turn.call(lists[0], &[])).unwrap(), Value::list(["a".into()]));
    // By an answer to who asked and sleeps meanwhile: nothing is lost on the way.
    assert_eq!(vats[2].ask(other, [], SOON).unwrap(), Value::list([]));
    assert_eq!(vats.iter().filter(|vat| !vat.is_asleep()).count(), 2);
}

#[test]
fn what_is_held_is_there_after_sleep() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).loaded_vats(0).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let held = vat.run(|turn| turn.spawn(&CELL, 7.into())).unwrap();
    // What was looked at and taken back must not come again under the same name.
    let ghost = vat.peek(|turn| turn.spawn(&CELL, 8.into())).unwrap();
    assert!(vat.is_asleep());
    assert_eq!(vat.collect().unwrap(), 0);
    let next = vat.run(|turn| turn.spawn(&CELL, 9.into())).unwrap();
    assert_ne!(ghost, next);
    assert_eq!(vat.peek(|turn| turn.call(held, &[])).unwrap(), 7.into());
    assert_eq!(vat.peek(|turn| turn.call(ghost, &[])).unwrap_err().rule_name(), Some("stale-reference"));
    vat.release(held);
    assert_eq!(vat.collect().unwrap(), 1);
    assert_eq!(vat.peek(|turn| turn.call(held, &[])).unwrap_err().rule_name(), Some("stale-reference"));
}

#[test]
fn a_start_reads_only_vats_that_may_have_something_to_do() {
    let store = Arc::new(Counting::default());
    let builder = || Peer::builder().threads(0).store(Arc::clone(&store) as _).kinds(kinds(&OLD));
    let lists: Vec<Ref> = {
        let peer = builder().build().unwrap();
        (0..20).map(|number| list(&peer.vat(&format!("v{number}")).unwrap())).collect()
    };
    let read = || {
        let mut read = std::mem::take(&mut *store.read.lock().unwrap());
        read.retain(|stream| stream.starts_with("vat/"));
        read.sort();
        read.dedup();
        read
    };
    read();
    {
        let peer = builder().build().unwrap();
        assert_eq!(read(), [""; 0], "all were at rest when the last peer ended");
        let vat = peer.vat("v3").unwrap();
        call(&vat, lists[3], &["x".into()]);
        let mut sent = Vec::new();
        vat.run(|turn| turn.send_only(lists[5], ["from 3".into()])).unwrap();
        sent.extend(read());
        assert_eq!(sent, ["vat/4"]);
        // The peer is gone before the message arrived.
    }
    let peer = builder().build().unwrap();
    assert_eq!(read(), ["vat/4"], "it has something to send again");
    assert!(peer.settle(SOON));
    assert_eq!(read(), ["vat/6"], "and this is who gets it");
    assert_eq!(call(&peer.vat("v5").unwrap(), lists[5], &[]), Value::list(["from 3".into()]));
}

#[test]
fn code_that_is_missing_shows_when_a_vat_wakes_and_loses_nothing() {
    let store = Arc::new(MemoryStore::new());
    let (one, other) = {
        let peer = quiet(&store).build().unwrap();
        let made = (list(&peer.vat("a").unwrap()), list(&peer.vat("b").unwrap()));
        publish(&peer.vat("c").unwrap(), "cell", |turn| turn.spawn(&CELL, ().into()));
        made
    };
    {
        let peer = quiet(&store).kinds(Kinds::library().with(&LATER)).build().unwrap();
        let unknown = peer.vat("a").unwrap().run(|turn| turn.call(one, &[])).unwrap_err();
        assert_eq!(unknown.rule_name(), Some("unknown-kind"), "{unknown}");
        assert!(unknown.to_string().contains("test.list"), "{unknown}");
        // Others go on, and what they send to it waits for better times.
        let c = peer.vat("c").unwrap();
        c.run(|turn| turn.send_only(other, ["kept".into()])).unwrap();
        assert!(peer.settle(SOON));
        assert_eq!(c.ask(other, [], SOON).unwrap_err().rule_name(), Some("unknown-kind"));
        assert_eq!(c.send_only(other, ["refused".into()]).unwrap_err().rule_name(), Some("unknown-kind"));
    }
    let peer = quiet(&store).build().unwrap();
    assert!(peer.settle(SOON));
    assert_eq!(call(&peer.vat("b").unwrap(), other, &[]), Value::list(["kept".into()]));
}

#[test]
fn an_upgrade_is_of_all_actors_or_of_none() {
    let store = Arc::new(MemoryStore::new());
    let (a, b, long) = {
        let peer = quiet(&store).build().unwrap();
        let vat = peer.vat("v").unwrap();
        let made = ["a", "b", "c"].map(|name| publish(&vat, name, |turn| turn.spawn(&OLD, Value::list([]))));
        let [a, b, long] = made;
        (0..3).for_each(|number| drop(call(&vat, long, &[number.into()])));
        (a, b, long)
    };
    let written = records(&store, 1).len();
    {
        let peer = quiet(&store).kinds(kinds(&NEW)).build().unwrap();
        let vat = peer.vat("v").unwrap();
        for _ in 0..2 {
            let refused = vat.run(|turn| turn.call(a, &[])).unwrap_err();
            assert_eq!(refused.to_string(), format!("too-long: {long}: a list of three is not upgraded"));
        }
        assert_eq!(records(&store, 1).len(), written, "nothing was written");
    }
    {
        let peer = quiet(&store).build().unwrap();
        let vat = peer.vat("v").unwrap();
        vat.withdraw("c").unwrap();
        assert_eq!(vat.collect().unwrap(), 1);
        // One that the program asks for is refused as a whole, too.
        let refused = vat.upgrade(a, kind_fn("other", |_, _, _| Ok(().into()))).unwrap_err();
        assert_eq!(refused.rule_name(), Some("no-upgrade"));
        assert!(refused.to_string().contains(&a.to_string()), "{refused}");
        vat.upgrade(b, &NEW).unwrap();
        assert_eq!(call(&vat, b, &[]), Value::list([0.into()]));
    }
    let peer = quiet(&store).kinds(kinds(&NEW)).build().unwrap();
    let vat = peer.vat("v").unwrap();
    let before = records(&store, 1).len();
    assert_eq!(call(&vat, a, &[]), Value::list([0.into()]));
    assert_eq!(call(&vat, b, &[]), Value::list([0.into()]), "upgraded once");
    let records = records(&store, 1);
    assert_eq!(records.len(), before + 1);
    assert!(records.last().unwrap().outside, "an upgrade is written down as what the program did");
    let history = History::new(&*store);
    let next = u64::try_from(before).unwrap();
    let changed = history.diff(vat.id(), next, next + 1).unwrap();
    assert_eq!(changed.iter().map(|it| it.what).collect::<Vec<_>>(), [a]);
    assert!(
        matches!(&changed[0].how, How::Changed { after: Stored::Object { version: 1, .. }, .. }),
        "{changed:?}"
    );
}

/// Another list, that reads the states of the first.
fn successor(name: &str) -> Option<KindRef> {
    (name == "test.list").then(|| KindRef::from(&NEWER))
}

/// What reads the lists of [`List`] under another name, as a module does that was changed.
struct Newer;

static NEWER: Newer = Newer;

impl Kind for Newer {
    fn name(&self) -> &str {
        "test.newer"
    }

    fn version(&self) -> u32 {
        1
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        NEW.call(turn, me, args)
    }

    fn upgrade(&self, from: u32, state: Value) -> Result<Value, Problem> {
        NEW.upgrade(from, state)
    }
}

#[test]
fn all_actors_of_a_kind_move_to_another_in_one_turn_or_none_does() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    let vat = peer.vat("v").unwrap();
    let [a, b, long] =
        ["a", "b", "c"].map(|name| publish(&vat, name, |turn| turn.spawn(&OLD, Value::list([]))));
    let makes = publish(&vat, "makes", |turn| turn.spawn(maker(KindRef::from(&OLD)), ().into()));
    let cell = publish(&vat, "cell", |turn| turn.spawn(&CELL, 1.into()));
    (0..3).for_each(|number| drop(call(&vat, long, &[number.into()])));

    let written = records(&store, 1).len();
    let history = History::new(&*store);
    let seen = history.at(vat.id(), u64::try_from(written).unwrap()).unwrap().upgraded(successor);
    let states: Vec<_> = seen.iter().map(|it| (it.actor, it.version, it.state.is_ok())).collect();
    assert_eq!(states, [(a, 0, true), (b, 0, true), (long, 0, false), (makes, 0, true)]);
    let refused = vat.upgrade_all(successor).unwrap_err();
    assert_eq!(refused.to_string(), format!("too-long: {long}: a list of three is not upgraded"));
    assert_eq!(records(&store, 1).len(), written, "nothing was written");
    assert_eq!(call(&vat, a, &[]), Value::list([]), "no actor was moved");

    vat.withdraw("c").unwrap();
    assert_eq!(vat.collect().unwrap(), 1);
    assert_eq!(vat.upgrade_all(successor).unwrap(), 3);
    assert_eq!(call(&vat, a, &[]), Value::list([0.into()]));
    assert_eq!(vat.upgrade_all(successor).unwrap(), 0, "none is left");
    drop(peer);

    // What was moved is found by its new name; the old one is not needed any more.
    let newer = Kinds::library().with(&NEWER);
    let peer = quiet(&store).kinds(newer).build().unwrap();
    let vat = peer.vat("v").unwrap();
    assert_eq!(call(&vat, b, &[]), Value::list([0.into()]));
    assert_eq!(call(&vat, cell, &[]), 1.into());
    let made = call(&vat, makes, &[Value::symbol("spawn"), Value::list([7.into()])]).as_ref().unwrap();
    assert_eq!(call(&vat, made, &[]), Value::list([7.into()]));
}

#[test]
fn snapshots_replace_records() {
    let store = Arc::new(MemoryStore::new());
    let builder = || quiet(&store).snapshot_every(Some(10));
    let made = {
        let peer = builder().build().unwrap();
        let vat = peer.vat("v").unwrap();
        let made = list(&vat);
        for number in 0..25 {
            call(&vat, made, &[number.into()]);
            let extent = store.extent("vat/1").unwrap();
            assert!(extent.next - extent.first < 10, "{extent:?}");
        }
        made
    };
    let extent = store.extent("vat/1").unwrap();
    assert_eq!((extent.first, extent.next), (20, 27));
    let peer = builder().build().unwrap();
    let vat = peer.vat("v").unwrap();
    assert_eq!(call(&vat, made, &[]), Value::list((0..25).map(Value::from)));
    let history = History::new(&*store);
    assert_eq!(history.at(vat.id(), 19).unwrap_err().rule_name(), Some("forgotten"));
    assert_eq!(history.at(vat.id(), 28).unwrap_err().rule_name(), Some("no-such-record"));
    let Some(Stored::Object { state, .. }) = history.at(vat.id(), 20).unwrap().get(made).cloned() else {
        panic!("no list")
    };
    assert_eq!(state, Value::list((0..18).map(Value::from)));
}

#[test]
fn collection_is_written_down() {
    let store = Arc::new(MemoryStore::new());
    let population = {
        let peer = quiet(&store).build().unwrap();
        let vat = peer.vat("v").unwrap();
        list(&vat);
        let spawn = |number: i64| vat.run(|turn| turn.spawn(&CELL, number.into())).unwrap();
        let kept: Vec<Ref> = (0..10).map(spawn).collect();
        kept.iter().skip(5).for_each(|held| vat.release(*held));
        assert_eq!(vat.collect().unwrap(), 5);
        assert!(peer.settle(SOON));
        vat.population()
    };
    let last = records(&store, 1).pop().unwrap();
    assert_eq!((last.collected.len(), last.outside, last.inputs.len()), (5, false, 0));
    let peer = quiet(&store).build().unwrap();
    let vat = peer.vat("v").unwrap();
    assert_eq!(vat.population(), population);
    assert_eq!(vat.collect().unwrap(), 5, "nobody holds the others any more");
    assert_eq!(vat.population(), 2, "the roots and the list");
}

#[test]
fn stamps_never_come_again() {
    let store = Arc::new(MemoryStore::new());
    let mut last = 0;
    for _ in 0..3 {
        let peer = quiet(&store).loaded_vats(0).snapshot_every(Some(2)).build().unwrap();
        let vat = peer.vat("a").unwrap();
        for kept in [true, false, true] {
            let stamp = vat.run(|turn| {
                if kept {
                    turn.spawn(&CELL, ().into())?;
                }
                Ok(turn.stamp())
            });
            assert!(vat.is_asleep());
            let stamp = stamp.unwrap();
            assert!(stamp > last, "{stamp} after {last}");
            last = stamp;
        }
    }
}

#[test]
fn names_have_a_limit() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    assert!(peer.vat(&"n".repeat(512)).is_ok());
    assert_eq!(
        peer.vat(&"n".repeat(513)).err().unwrap().to_string(),
        "limit: vat-name limit exceeded: 512 allowed"
    );
    drop(peer);
    assert_eq!(quiet(&store).build().unwrap().names(), ["n".repeat(512)]);
}

/// Records are the same, byte by byte, whether somebody looked in between or not.
#[test]
fn looking_leaves_nothing_in_the_store() {
    let live = |looks: bool| {
        let store = Arc::new(MemoryStore::new());
        for round in 0..3 {
            let peer = quiet(&store).loaded_vats(0).build().unwrap();
            let vat = peer.vat("a").unwrap();
            let look = |to: Ref| {
                if looks {
                    let looked = vat.peek(|turn| {
                        turn.stamp();
                        let made = turn.spawn(&CELL, to.into())?;
                        turn.call(to, &["seen".into()])?;
                        turn.send(made, [to.into()])
                    });
                    assert!(looked.unwrap().is_promise());
                }
            };
            let to = vat.find("list").unwrap().unwrap_or_else(|| list(&vat));
            look(to);
            // Something that leaves places free.
            vat.run(|turn| (0..5).try_for_each(|_| turn.spawn(&CELL, to.into()).map(|_| ()))).unwrap();
            look(to);
            call(&vat, to, &[round.into()]);
            look(to);
            vat.run(|turn| turn.send_only(to, ["sent".into()])).unwrap();
            assert!(peer.settle(SOON));
            look(to);
        }
        store.read("vat/1", 0, 1000).unwrap()
    };
    assert_eq!(live(true), live(false));
}

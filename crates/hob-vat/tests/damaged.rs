//! A store whose records are not what a vat wrote: each is refused and named, or means something; nothing panics, goes on for ever, or
//! takes more memory than there are bytes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod peers;

use std::sync::{Arc, LazyLock};

use hob_vat::history::History;
use hob_vat::record::{Change, Snapshot, Stored, TurnRecord};
use hob_vat::{Append, Kinds, MemoryStore, Peer, Problem, TurnStore, Value, library::CELL, probe};
use peers::{LATER, OLD, SOON, call, kinds, list, publish, quiet};
use proptest::prelude::*;

/// Records of a vat that has a bit of everything: actors, promises in each state, messages that wait, and free places.
static RECORDS: LazyLock<Vec<TurnRecord>> = LazyLock::new(|| {
    let store = Arc::new(MemoryStore::new());
    let limits = hob_vat::Limits { turns_per_churn: 2, ..Default::default() };
    let peer = quiet(&store).limits(limits).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let (to, far) = (list(&a), publish(&b, "later", |turn| turn.spawn(&LATER, ().into())));
    for settles in ["link", "value", "breaks", "far", "waits"] {
        publish(&a, settles, |turn| {
            let (promise, resolver) = turn.promise()?;
            match settles {
                "link" => turn.fulfill(resolver, to)?,
                "value" => turn.fulfill(resolver, 1)?,
                "breaks" => turn.break_with(resolver, "no")?,
                "far" => turn.fulfill(resolver, far)?,
                _ => {
                    let answer = turn.send(far, [])?;
                    turn.fulfill(resolver, answer)?;
                    turn.listen(promise, to, true)?;
                }
            }
            turn.send_only(promise, ["waits".into()])?;
            turn.spawn(&CELL, Value::list([promise.into(), resolver.into(), turn.seal(to, far.into())]))
        });
    }
    a.withdraw("value").unwrap();
    a.collect().unwrap();
    a.run(|turn| (0..5).try_for_each(|_| turn.send_only(to, ["more".into()]))).unwrap();
    assert!(peer.settle(SOON));
    peers::records(&store, 1)
});

fn store(records: &[TurnRecord]) -> Arc<MemoryStore> {
    with(records.iter().map(|record| record.encode().unwrap()).collect())
}

fn with(records: Vec<Vec<u8>>) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let put = |stream: &str, records: &[Vec<u8>]| {
        let claim = store.claim(stream).unwrap();
        for (record, at) in records.iter().zip(claim.next..) {
            let kept = store.append(&[Append { stream, fence: claim.fence, at, record }]);
            assert!(kept[0].is_ok());
        }
    };
    put("peer", &[b"<3'vat1+1\"a>".to_vec()]);
    put("vat/1", &records);
    store
}

fn all() -> Kinds {
    kinds(&OLD)
}

/// Reads it in every way there is, and lets the vat do something. Errors are fine.
fn live(store: &Arc<MemoryStore>) -> Result<(), Problem> {
    let history = History::new(&**store);
    let vat = history.vats().unwrap()[0].clone();
    for entry in history.log(vat.id, 0..vat.records.next) {
        if entry.is_err() {
            break;
        }
    }
    let all = all();
    for records in [vat.records.next / 2, vat.records.next] {
        let _ = history.at(vat.id, records).and_then(|past| past.actormap(&all)).map(|mut map| {
            map.churn();
            map.collect(&[]);
        });
    }
    let _ = history.diff(vat.id, 0, vat.records.next);
    let _ = history.effects(hob_vat::history::Place { vat: vat.id, record: 0 }, None, Some(&all), 100);
    if let Ok(replay) = history.replay(vat.id, 0, vat.records.next, &all) {
        replay.for_each(drop);
    }
    let peer = Peer::builder().threads(0).store(Arc::clone(store) as _).kinds(all).build()?;
    let vat = peer.vat("a")?;
    let made = vat.run(|turn| turn.spawn(&OLD, Value::list([])))?;
    let find = |name: &str| vat.find(name).ok().flatten();
    for name in ["list", "link", "value", "breaks", "far", "waits"] {
        let Some(to) = find(name) else { continue };
        let _ = vat.run(|turn| turn.call(to, &[]));
        let _ = vat.peek(|turn| turn.standing(to));
        let _ = vat.run(|turn| turn.send(to, ["x".into()]));
    }
    vat.run(|turn| (0..20).try_for_each(|_| turn.spawn(&CELL, made.into()).map(|_| ())))?;
    for _ in 0..200 {
        peer.step(0);
    }
    vat.collect()?;
    let _ = vat.population();
    // What it made for itself is what it made.
    assert_eq!(call(&vat, made, &[]), Value::list([]));
    Ok(())
}

const NUMBERS: [u64; 12] =
    [0, 1, 2, 3, 7, 255, u32::MAX as u64 - 1, u32::MAX as u64, 1 << 61, 1 << 62, u64::MAX - 1, u64::MAX];

/// Changes one thing of a record.
fn twist(record: &mut TurnRecord, what: u8, at: u8, number: u64, other: u64) {
    let small = u32::try_from(number).unwrap_or(u32::MAX);
    let pick = |len: usize| usize::from(at) % len.max(1);
    let reference = |number: u64| {
        let side = probe::other_vat(1);
        let (place, birth) = (u32::try_from(other % 12).unwrap(), number);
        match number % 3 {
            0 => side.object(place, birth),
            1 => side.promise(place, birth),
            _ => probe::resolver(side.promise(place, birth)),
        }
    };
    let change = |record: &mut TurnRecord, f: &dyn Fn(&mut Change)| {
        let at = pick(record.changes.len());
        record.changes.get_mut(at).into_iter().for_each(f);
    };
    match what % 20 {
        0 => record.turns = number,
        1 => record.births = number,
        2 => (record.start, record.stamps) = (number, other),
        3 => record.free.places = small,
        4 => record.free.kept = number,
        5 => record.free.tail.push(small),
        6 => record.free.tail.extend([0, small]),
        7 => record.queue.taken = number,
        8 => record.collected.push(small),
        9 => change(record, &|it| it.index = small),
        10 => change(record, &|it| it.birth = number),
        11 => change(record, &|it| it.content = Stored::Link(reference(number))),
        12 => change(record, &|it| it.content = Stored::Encased(reference(number).into())),
        13 => drop(record.changes.pop()),
        14 => record.outside = !record.outside,
        15 => record.inputs.iter_mut().for_each(|it| it.seq = number),
        16 => record.outbox.iter_mut().for_each(|it| it.seq = number),
        17 => record.queue.back.iter_mut().for_each(|it| it.to = reference(number)),
        18 => change(record, &|it| {
            if let Stored::Object { state, .. } = &mut it.content {
                *state = reference(number).into();
            }
        }),
        _ => record.changes.reverse(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn records_that_no_vat_wrote_are_refused_or_mean_something(
        twists in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 0..12_usize, 0..12_usize), 1..4),
    ) {
        let mut records = RECORDS.clone();
        for (which, what, at, number, other) in twists {
            let which = usize::from(which) % records.len();
            twist(&mut records[which], what, at, NUMBERS[number], NUMBERS[other]);
        }
        let _ = live(&store(&records));
    }

    #[test]
    fn bytes_that_no_vat_wrote_are_refused_or_mean_something(
        flips in prop::collection::vec((any::<u8>(), any::<u16>(), any::<u8>()), 1..4),
    ) {
        let mut records: Vec<Vec<u8>> = RECORDS.iter().map(|record| record.encode().unwrap()).collect();
        for (which, at, byte) in flips {
            let which = usize::from(which) % records.len();
            let at = usize::from(at) % records[which].len();
            records[which][at] = byte;
        }
        let _ = live(&with(records));
    }
}

#[test]
fn what_was_written_is_read() {
    live(&store(&RECORDS)).unwrap();
}

/// A few bytes do not ask for much memory, nor for a deep stack.
#[test]
fn what_could_not_be_is_named() {
    let check = |twist: &dyn Fn(&mut TurnRecord), expected: &str| {
        let mut records = RECORDS.clone();
        let last = records.len() - 1;
        twist(&mut records[last]);
        let problem = live(&store(&records)).expect_err(expected).to_string();
        assert!(problem.contains(expected), "{problem}");
    };
    check(&|it| it.free.places = u32::MAX, "places after");
    check(&|it| it.births = u64::MAX, "nothing happened 18446744073709551615 times");
    check(&|it| it.births = 1 << 61, "nothing happened");
    check(&|it| it.births = 1, "birth ");
    check(&|it| it.free.tail.push(it.changes[0].index), "is free twice, or taken");
    check(&|it| it.free.tail.extend([0, 0]), "place 0 is free twice, or taken");
    check(&|it| it.free.tail.push(u32::MAX), "place 4294967295 is free, and there are");
    check(&|it| it.free.kept = u64::MAX, "free places are kept of");
    check(&|it| it.changes.push(it.changes[0].clone()), "or more comes next");
    // Two promises that stand for each other.
    let circle = |it: &mut TurnRecord| {
        let births = it.births;
        it.births += 2;
        let first = it.free.places;
        it.free.places += 2;
        let to = |place: u32, birth: u64| probe::other_vat(1).object(place, birth);
        for (place, birth, next) in
            [(first, births, to(first + 1, births + 1)), (first + 1, births + 1, to(first, births))]
        {
            it.changes.push(Change { index: place, birth, outside: 0, content: Stored::Link(next) });
        }
    };
    check(&circle, "which stands for something itself");
    let makers = |it: &mut TurnRecord| {
        let kind = format!("{}hob.cell", "make:".repeat(1 << 20)).into();
        let content = Stored::Object { kind, version: 0, state: ().into() };
        it.changes.push(Change { index: it.free.places, birth: it.births, outside: 0, content });
        it.free.places += 1;
        it.births += 1;
    };
    check(&makers, "unknown-kind");
}

#[test]
fn a_snapshot_accounts_for_its_places() {
    let check = |snapshot: Snapshot, expected: &str| {
        let read = Snapshot::decode(&snapshot.encode().unwrap());
        assert_eq!(
            read.map(|_| ()).map_err(|problem| problem.to_string()),
            if expected.is_empty() { Ok(()) } else { Err(expected.to_owned()) }
        );
    };
    check(Snapshot::default(), "");
    check(
        Snapshot { places: u32::MAX, ..Snapshot::default() },
        "not-a-record: 4294967295 places, of which 0 are accounted for",
    );
    check(Snapshot { places: 2, free: vec![1, 0], ..Snapshot::default() }, "");
    check(
        Snapshot { turns: u64::MAX, ..Snapshot::default() },
        "not-a-record: nothing happened 18446744073709551615 times",
    );
}

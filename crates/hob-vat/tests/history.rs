//! Looking back at what a peer wrote down.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::sync::Arc;
use std::time::Duration;

use hob_vat::history::{Difference, History, How, Origin, Place, Step};
use hob_vat::record::Stored;
use hob_vat::{
    Answer, Body, Kind, Kinds, Me, MemoryStore, Message, Outcome, Peer, Problem, Ref, Turn, TurnStore, Value,
    Vat, VatId, library::CELL,
};

const SOON: Duration = Duration::from_secs(20);

/// Adds what it is sent; `['pass to n]` passes n on, and n - 1 later; `['drop]` drops what it keeps.
struct Sum {
    step: i64,
}

impl Kind for Sum {
    fn name(&self) -> &str {
        "test.sum"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let sum = me.state().as_i64().unwrap_or_default();
        match args {
            [] => Ok(sum.into()),
            [Value::Int(more)] => {
                Ok(me.becomes((sum + self.step * more.to_i64().unwrap_or_default()).into()))
            }
            [_, Value::Ref(to), number] => {
                turn.send_only(*to, [number.clone()])?;
                Ok(().into())
            }
            _ => Err(Problem::no_method(args, &["", "n", "pass to n"])),
        }
    }
}

static SUM: Sum = Sum { step: 1 };
static WRONG: Sum = Sum { step: 2 };

fn kinds() -> Kinds {
    Kinds::library().with(&SUM)
}

fn peer(store: &Arc<MemoryStore>) -> Peer {
    let builder = Peer::builder().threads(0).store(Arc::clone(store) as _).kinds(kinds());
    builder.snapshot_every(None).build().unwrap()
}

fn sum(vat: &Vat) -> Ref {
    let made = vat.run(|turn| turn.spawn(&SUM, 0.into())).unwrap();
    vat.publish("sum", made).unwrap();
    made
}

fn message(to: Ref, args: impl Into<hob_vat::List>) -> Message {
    Message { to, body: Body::Args(args.into()), resolver: None }
}

fn next(store: &MemoryStore, vat: VatId) -> u64 {
    store.extent(&format!("vat/{}", vat.number())).unwrap().next
}

fn state(stored: Option<&Stored>) -> Value {
    match stored {
        Some(Stored::Object { state, .. }) => state.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_is_there() {
    let store = Arc::new(MemoryStore::new());
    let peer = peer(&store);
    let vat = peer.vat("a").unwrap();
    let made = sum(&vat);
    for number in 1..=3 {
        vat.send_only(made, [number.into()]).unwrap();
        assert!(peer.settle(SOON));
    }
    vat.send_only(made, ["no".into(), "no".into()]).unwrap();
    assert!(peer.settle(SOON));
    let history = History::new(&*store);
    let vats = history.vats().unwrap();
    assert_eq!(vats.len(), 1);
    assert_eq!((vats[0].name.as_str(), vats[0].id, vats[0].records.next), ("a", vat.id(), 6));
    let log: Vec<String> = history.log(vat.id(), 0..9).map(|entry| entry.unwrap().to_string()).collect();
    assert_eq!(
        log,
        [
            "0: until turn 0, of the program, 0 in, 1 changed, 0 out, 0 failed",
            "1: until turn 0, of the program, 0 in, 1 changed, 0 out, 0 failed",
            "2: until turn 1, 1 in, 1 changed, 0 out, 0 failed",
            "3: until turn 2, 1 in, 1 changed, 0 out, 0 failed",
            "4: until turn 3, 1 in, 1 changed, 0 out, 0 failed",
            "5: until turn 4, 1 in, 0 changed, 0 out, 1 failed",
        ]
    );
    for (records, expected) in [(2, 0), (3, 1), (4, 3), (5, 6), (6, 6)] {
        let past = history.at(vat.id(), records).unwrap();
        assert_eq!(past.find("sum"), Some(made));
        assert_eq!(state(past.get(made)), expected.into());
        let mut map = past.actormap(&kinds()).unwrap();
        assert_eq!(map.peek(|turn| turn.call(made, &[])).unwrap(), expected.into());
    }
    assert_eq!(history.at(vat.id(), 0).unwrap().get(made), None);
    assert_eq!(history.at(vat.id(), 7).unwrap_err().rule_name(), Some("no-such-record"));
    assert_eq!(history.record(vat.id(), 6).unwrap_err().rule_name(), Some("no-such-record"));
    // Without the code of its actors it can be looked at, and not asked.
    let past = history.at(vat.id(), 6).unwrap();
    assert_eq!(past.places().count(), 2);
    assert_eq!(past.actormap(&Kinds::library()).unwrap_err().rule_name(), Some("unknown-kind"));
}

#[test]
fn a_message_to_the_past_changes_nothing() {
    let store = Arc::new(MemoryStore::new());
    let peer = peer(&store);
    let vat = peer.vat("a").unwrap();
    let made = sum(&vat);
    vat.send_only(made, [5.into()]).unwrap();
    assert!(peer.settle(SOON));
    let history = History::new(&*store);
    let ask = |records| history.peek(vat.id(), records, message(made, []), &kinds()).unwrap();
    let outcomes = |records| ask(records).into_iter().map(|report| report.outcome).collect::<Vec<_>>();
    assert_eq!(outcomes(2), [Outcome::Done(0.into())]);
    assert_eq!(outcomes(3), [Outcome::Done(5.into())]);
    let pass = [Value::symbol("pass"), made.into(), 7.into()];
    let reports = history.peek(vat.id(), 3, message(made, pass), &kinds()).unwrap();
    assert_eq!(reports.len(), 2, "what follows in the vat, too");
    assert_eq!(outcomes(3), [Outcome::Done(5.into())]);
    assert_eq!(next(&store, vat.id()), 3);
}

#[test]
fn differences_say_what_became_of_each() {
    let store = Arc::new(MemoryStore::new());
    let peer = peer(&store);
    let vat = peer.vat("a").unwrap();
    let made = sum(&vat);
    let cell = vat.run(|turn| turn.spawn(&CELL, 1.into())).unwrap();
    let (promise, resolver) = vat.run(Turn::promise).unwrap();
    let before = next(&store, vat.id());
    vat.run(|turn| turn.call(made, &[3.into()])).unwrap();
    vat.run(|turn| turn.fulfill(resolver, "kept")).unwrap();
    let born = vat.run(|turn| turn.spawn(&CELL, 2.into())).unwrap();
    // Made and gone again in between.
    let ghost = vat.run(|turn| turn.spawn(&CELL, 3.into())).unwrap();
    vat.release(ghost);
    vat.release(cell);
    assert_eq!(vat.collect().unwrap(), 2);
    assert!(peer.settle(SOON));
    let history = History::new(&*store);
    let after = next(&store, vat.id());
    let found = history.diff(vat.id(), before, after).unwrap();
    let by = |what: Ref| found.iter().filter(|it| it.what == what).collect::<Vec<_>>();
    assert_eq!(found.len(), 4, "{found:#?}");
    let [Difference { how: How::Changed { before, after }, .. }] = by(made)[..] else { panic!("{found:?}") };
    assert_eq!((state(Some(before)), state(Some(after))), (0.into(), 3.into()));
    let [Difference { how: How::Settled { after, .. }, .. }] = by(promise)[..] else { panic!("{found:?}") };
    assert_eq!(*after, Stored::Encased("kept".into()));
    let [Difference { how: How::Born(_), .. }] = by(born)[..] else { panic!("{found:?}") };
    let [Difference { how: How::Collected(_), .. }] = by(cell)[..] else { panic!("{found:?}") };
    assert_eq!(history.diff(vat.id(), 3, 3).unwrap(), []);
    for (from, to) in [(3, 2), (0, 99), (99, 100)] {
        let refused = history.diff(vat.id(), from, to).unwrap_err();
        assert_eq!(refused.rule_name(), Some("no-such-record"), "{from} to {to}");
    }
}

#[test]
fn records_run_again_come_to_the_same_and_other_code_does_not() {
    let store = Arc::new(MemoryStore::new());
    let (id, made) = {
        let peer = peer(&store);
        let vat = peer.vat("a").unwrap();
        let made = sum(&vat);
        for number in 1..=4 {
            vat.send_only(made, [number.into()]).unwrap();
            assert!(peer.settle(SOON));
        }
        (vat.id(), made)
    };
    let history = History::new(&*store);
    let replay = |from, to, kinds: &Kinds| -> Vec<Step> {
        history.replay(id, from, to, kinds).unwrap().map(Result::unwrap).collect()
    };
    let all =
        [Step::Applied(0), Step::Applied(1), Step::Same(2), Step::Same(3), Step::Same(4), Step::Same(5)];
    assert_eq!(replay(0, 99, &kinds()), all);
    assert_eq!(replay(3, 5, &kinds()), [Step::Same(3), Step::Same(4)]);
    let wrong = replay(0, 99, &Kinds::library().with(&WRONG));
    let [Step::Applied(0), Step::Applied(1), Step::Differs(first)] = &wrong[..] else { panic!("{wrong:?}") };
    assert_eq!((first.record, first.what.as_str()), (2, "place 1 of vat 1"));
    assert!(first.then.contains("Int(1)") && first.now.contains("Int(2)"), "{first:?}");
    let unknown = history.replay(id, 2, 3, &Kinds::library()).err().unwrap();
    assert_eq!(unknown.rule_name(), Some("unknown-kind"));
    let _ = made;
}

#[test]
fn what_led_to_what_is_followed_from_vat_to_vat() {
    let store = Arc::new(MemoryStore::new());
    let peer = peer(&store);
    let vats: Vec<Vat> = ["a", "b", "c"].iter().map(|name| peer.vat(name).unwrap()).collect();
    let sums: Vec<Ref> = vats.iter().map(sum).collect();
    // Two ways meet in one record of b: one from the program to c, the other from a and no further.
    let pass = |to: Ref, value: Value| [Value::symbol("pass"), to.into(), value];
    vats[0].run(|turn| turn.call(sums[0], &pass(sums[1], 1.into()))).unwrap();
    vats[1].send_only(sums[1], pass(sums[2], 2.into())).unwrap();
    assert!(peer.settle(SOON));
    let history = History::new(&*store);
    let place = |vat: usize, record| Place { vat: vats[vat].id(), record };
    let (sent, met, last) = (place(0, 2), place(1, 2), place(2, 2));
    assert_eq!(history.record(met.vat, met.record).unwrap().inputs.len(), 2, "they came in together");
    let traced = history.trace(met, Some(&kinds())).unwrap();
    let from_program = traced.record.inputs.iter().position(|input| input.seq == 0).unwrap();
    assert_eq!(traced.outbox, [Origin::Input(from_program)]);
    assert_eq!(history.trace(met, None).unwrap().outbox, [Origin::Unknown]);

    let ways = |links: Vec<hob_vat::history::Link>| -> Vec<_> {
        links.iter().map(|link| (link.from, link.to, link.certain)).collect()
    };
    let effects = |of, input, kinds: Option<&Kinds>| ways(history.effects(of, input, kinds, 10).unwrap());
    assert_eq!(effects(sent, None, Some(&kinds())), [(Some(sent), Some(met), true)]);
    assert_eq!(
        effects(sent, None, None),
        [(Some(sent), Some(met), true), (Some(met), Some(last), false)],
        "without the code one led to the other as far as anybody knows"
    );
    let seq = |vat: usize| Some((vats[vat].id(), 1));
    assert_eq!(effects(met, seq(0), Some(&kinds())), []);
    assert_eq!(effects(met, None, Some(&kinds())), [(Some(met), Some(last), true)]);

    let causes = |of, output, kinds: Option<&Kinds>| ways(history.causes(of, output, kinds, 10).unwrap());
    assert_eq!(
        causes(last, None, Some(&kinds())),
        [(Some(met), Some(last), true), (None, Some(met), true)],
        "it came from the program, and not from a"
    );
    assert_eq!(causes(met, seq(2), None).len(), 2);
    assert!(causes(met, seq(2), None).iter().all(|(_, _, certain)| !certain));
    assert_eq!(causes(sent, None, Some(&kinds())), [], "the program did it");
    assert_eq!(history.effects(sent, None, None, 1).unwrap().len(), 1, "no more than asked for");
    assert!(history.effects(place(0, 99), None, None, 1).is_err());
}

#[test]
fn a_long_way_is_found_without_reading_everything() {
    let store = Arc::new(MemoryStore::new());
    let peer = peer(&store);
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let (one, other) = (sum(&a), sum(&b));
    for number in 0..200_i64 {
        a.run(|turn| turn.call(one, &[1.into()])).unwrap();
        b.run(|turn| turn.call(other, &[1.into()])).unwrap();
        if number % 7 == 0 {
            a.run(|turn| turn.send_only(other, [number.into()])).unwrap();
            assert!(peer.settle(SOON));
        }
    }
    let history = History::new(&*store);
    let mut found = 0;
    for record in 0..next(&store, b.id()) {
        let links = history.causes(Place { vat: b.id(), record }, None, None, 10).unwrap();
        for link in links {
            let from = link.from.unwrap();
            let sent = history.record(a.id(), from.record).unwrap().outbox;
            assert_eq!(sent, [link.sent.clone()]);
            let back = history.effects(from, None, None, 10).unwrap();
            assert_eq!(back[0].to, link.to);
            found += 1;
        }
    }
    assert_eq!(found, 29);
}

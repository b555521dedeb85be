//! What becomes of messages to a vat that can go on no more: so many are kept for its next start, and of one more the sender is told.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod peers;

use std::sync::Arc;

use hob_vat::history::{History, Step};
use hob_vat::record::Snapshot;
use hob_vat::{Limits, Peer, PeerBuilder, Problem, Ref, Standing, TurnStore, Value, Vat, library::CELL};
use peers::{Counting, LATER, OLD, SOON, call, kinds, list, publish};

const FULL: &str = "limit: mailbox limit exceeded: 4 allowed";

fn limits() -> Limits {
    Limits { mailbox: 4, ..Limits::default() }
}

fn builder(store: &Arc<Counting>) -> PeerBuilder {
    Peer::builder().threads(0).store(Arc::clone(store) as _).kinds(kinds(&OLD)).limits(limits())
}

/// From now on the vat has halted.
fn halt(store: &Counting, vat: &Vat, to: Ref) {
    *store.refuses.lock().unwrap() = Some(format!("vat/{}", vat.id().number()));
    vat.run(|turn| turn.call(to, &["lost".into()])).unwrap_err();
    *store.refuses.lock().unwrap() = None;
}

fn broken(vat: &Vat, promise: Ref) -> Option<String> {
    match vat.peek(|turn| turn.standing(promise)).unwrap() {
        Standing::Broken(reason) => Some(Problem::refused(reason).to_string()),
        Standing::Unresolved => None,
        other => panic!("{other:?}"),
    }
}

/// A cell that keeps the promise for what comes of a message.
fn send(vat: &Vat, name: &str, to: Ref, number: u32) -> Ref {
    publish(vat, name, |turn| {
        let answer = turn.send(to, [number.into()])?;
        turn.spawn(&CELL, answer.into())
    })
}

#[test]
fn a_sender_keeps_as_many_as_a_mailbox_has_and_is_told_of_one_more() {
    let store = Arc::new(Counting::default());
    let names: Vec<String> = (0..6).map(|number| format!("answer {number}")).collect();
    let (to, log) = {
        let peer = builder(&store).snapshot_every(None).build().unwrap();
        let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
        let (to, log) = (list(&b), list(&a));
        halt(&store, &b, to);
        let cells: Vec<Ref> = (0..).zip(&names).map(|(number, name)| send(&a, name, to, number)).collect();
        assert!(peer.settle(SOON));
        let answers: Vec<Ref> = cells.iter().map(|cell| call(&a, *cell, &[]).as_ref().unwrap()).collect();
        let told: Vec<_> = answers.iter().map(|answer| broken(&a, *answer)).collect();
        assert_eq!(told, [None, None, None, None, Some(FULL.to_owned()), Some(FULL.to_owned())]);
        // Who only listens is told as well, and who wants no answer is not.
        a.run(|turn| turn.listen(to, log, false)).unwrap();
        a.run(|turn| turn.send_only(to, ["never".into()])).unwrap();
        assert!(peer.settle(SOON));
        assert_eq!(call(&a, log, &[]).to_string(), format!("['break <error {FULL}>]"));
        // Others are sent to as before.
        let c = peer.vat("c").unwrap();
        let other = list(&c);
        a.run(|turn| turn.send_only(other, ["there".into()])).unwrap();
        assert!(peer.settle(SOON));
        assert_eq!(call(&c, other, &[]), Value::list(["there".into()]));
        // By a message, which alone does not tell why it comes to nothing.
        let asks = publish(&a, "asks", |turn| turn.spawn(&LATER, ().into()));
        assert_eq!(c.ask(asks, [to.into()], SOON).unwrap_err().to_string(), FULL);
        (to, log)
    };
    // What was kept arrives, and what was refused does not. Who was told stays told.
    let peer = builder(&store).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    assert!(peer.settle(SOON));
    assert_eq!(call(&b, to, &[]).to_string(), "[0 1 2 3]");
    let answers = names.iter().map(|name| {
        let cell = a.find(name).unwrap().unwrap();
        let answer = call(&a, cell, &[]).as_ref().unwrap();
        a.peek(|turn| turn.standing(answer)).unwrap()
    });
    let kept = answers.map(|found| matches!(found, Standing::Value(_))).collect::<Vec<_>>();
    assert_eq!(kept, [true, true, true, true, false, false]);
    assert_eq!(call(&a, log, &[]).as_list().unwrap().len(), 2);
    // The records say what happened, and can be run again as far as messages tell it.
    let store: &dyn TurnStore = &*store;
    let (kinds, history) = (kinds(&OLD), History::new(store).limits(limits()));
    let until = store.extent("vat/1").unwrap().next;
    let steps: Vec<Step> = history.replay(a.id(), 0, until, &kinds).unwrap().map(Result::unwrap).collect();
    assert!(!steps.iter().any(|step| matches!(step, Step::Differs(_))), "{steps:?}");
}

/// Answers find room where messages do not, and no more than twice as many.
#[test]
fn answers_are_kept_twice_as_long_and_not_for_ever() {
    let store = Arc::new(Counting::default());
    let peer = builder(&store).snapshot_every(Some(1)).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let to = list(&b);
    let (_, resolver) = b.run(hob_vat::Turn::promise).unwrap();
    let later = publish(&a, "later", |turn| turn.spawn(&LATER, ().into()));
    // Something that a promises to b, so that a has the resolver.
    b.run(|turn| turn.send(later, [])).unwrap();
    assert!(peer.settle(SOON));
    halt(&store, &b, to);
    let unacknowledged = || {
        let (_, snapshot) = store.snapshot("vat/1").unwrap().unwrap();
        Snapshot::decode(&snapshot).unwrap().unacknowledged.len()
    };
    for number in 0..20 {
        a.run(|turn| turn.send_only(to, [number.into()])).unwrap();
        assert!(peer.settle(SOON));
        assert!(unacknowledged() <= 4, "{number}");
    }
    assert_eq!(unacknowledged(), 4);
    for number in 0..20 {
        a.run(|turn| turn.fulfill(resolver, number)).unwrap();
        assert!(peer.settle(SOON));
    }
    assert_eq!(unacknowledged(), 8);
}

/// Nothing failed when a promise only wants to hear of another: what it waits for may have happened, and may be told at the next start.
#[test]
fn a_promise_that_follows_one_of_a_full_vat_is_not_broken() {
    let store = Arc::new(Counting::default());
    let peer = builder(&store).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let (to, log) = (list(&b), list(&a));
    let (far, _) = b.run(hob_vat::Turn::promise).unwrap();
    halt(&store, &b, to);
    (0..5).for_each(|number| a.run(|turn| turn.send_only(to, [number.into()])).unwrap());
    let follows = a.run(|turn| {
        let (promise, resolver) = turn.promise()?;
        turn.fulfill(resolver, far).map(|()| promise)
    });
    // An actor that wants to hear is told that it will not.
    a.run(|turn| turn.listen(far, log, false)).unwrap();
    assert!(peer.settle(SOON));
    assert_eq!(broken(&a, follows.unwrap()), None);
    assert_eq!(call(&a, log, &[]).to_string(), format!("['break <error {FULL}>]"));
}

//! What comes in over a session is measured, and what is refused is refused alone. What it may name: `forgery.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "a test may fail loudly, and tables of cases are written as they are read"
)]

mod far;
mod peers;

use far::{Taken, open};
use hob_vat::{
    Body, FarSide, Limits, Message, Peer, Problem, Ref, Standing, Turn, Value, Vat, library::CELL,
};
use peers::{OLD, SOON, call, kinds, list};

fn text(bytes: u32) -> Value {
    "x".repeat(usize::try_from(bytes).unwrap()).into()
}

fn levels(depth: u32) -> Value {
    (0..depth).fold(Value::from(1), |it, _| Value::list([it]))
}

fn args<const N: usize>(to: Ref, args: [Value; N], resolver: Option<Ref>) -> Message {
    Message { to, body: Body::Args(args.into()), resolver }
}

fn standing(vat: &Vat, promise: Ref) -> String {
    match vat.peek(|turn| turn.standing(promise)).unwrap() {
        Standing::Value(value) => format!("value {value}"),
        Standing::Broken(reason) => format!("broken {}", Problem::refused(reason)),
        Standing::Unresolved => "unresolved".into(),
        other => format!("{other:?}"),
    }
}

/// A vat that asked a session something: the promise it waits for, and the resolver that the session was given.
fn asked(peer: &Peer, vat: &Vat, far: FarSide, taken: &Taken) -> (Ref, Ref) {
    let promise = vat.run(|turn| turn.send(far.object(0, 0), ["?".into()])).unwrap();
    assert!(peer.settle(SOON));
    (promise, taken.take().pop().unwrap().resolver.unwrap())
}

#[test]
fn what_is_too_large_is_refused_alone() {
    let limits = Limits { message_bytes: 1000, value_depth: 10, ..Limits::default() };
    let cases: [(&str, &dyn Fn(bool) -> Value, String); 2] = [
        // A list of one takes 16 bytes.
        ("message-bytes", &|past| text(984 + u32::from(past)), "1000 allowed".into()),
        ("value-depth", &|past| levels(9 + u32::from(past)), "10 allowed".into()),
    ];
    for (name, value, allowed) in cases {
        let peer = Peer::builder().threads(0).kinds(kinds(&OLD)).limits(limits).build().unwrap();
        let vat = peer.vat("a").unwrap();
        let (far, taken) = open(&peer);
        let to = list(&vat);
        peer.introduce(far, &to.into()).unwrap();
        let says = format!("limit: {name} limit exceeded: {allowed}");
        let resolver = Some(far.object(1, 1));
        peer.deliver(far, args(to, [value(false)], resolver)).unwrap();
        assert!(peer.settle(SOON));
        assert_eq!(taken.told().unwrap().1, "Fulfill(Undefined)");
        // One past it: who waits is told, and nobody else notices.
        peer.deliver(far, args(to, [value(true)], resolver)).unwrap();
        assert_eq!(taken.told(), Some((far.object(1, 1), says.clone())));
        // Nobody waits: whoever delivers is told.
        assert_eq!(peer.deliver(far, args(to, [value(true)], None)).unwrap_err().to_string(), says);
        assert!(peer.settle(SOON));
        assert_eq!(call(&vat, to, &[]), Value::list([value(false)]));
        // An answer: what waits for it is broken, so that it waits no more. Values that settle are not in a list.
        for (past, expected) in [(false, "value"), (true, says.as_str())] {
            for broken in [false, true] {
                let (promise, resolver) = asked(&peer, &vat, far, &taken);
                let value = Value::list([value(past)]);
                let body = if broken { Body::Break(value) } else { Body::Fulfill(value) };
                peer.deliver(far, Message { to: resolver, body, resolver: None }).unwrap();
                assert!(peer.settle(SOON));
                let found = standing(&vat, promise);
                if past {
                    assert_eq!(found, format!("broken {expected}"));
                } else {
                    assert!(found.starts_with(if broken { "broken [" } else { "value [" }), "{found}");
                }
            }
        }
        // The same said by a call of the resolver.
        let (promise, resolver) = asked(&peer, &vat, far, &taken);
        peer.deliver(far, args(resolver, ["fulfill".into(), value(true)], None)).unwrap();
        assert!(peer.settle(SOON));
        assert_eq!(standing(&vat, promise), format!("broken {says}"));
    }
}

/// What waits in front of a vat and what waits in it are counted together.
#[test]
fn a_full_mailbox_takes_nothing_more_over_a_session() {
    let limits = Limits { mailbox: 8, turns_per_churn: 3, ..Limits::default() };
    let peer = Peer::builder().threads(0).kinds(kinds(&OLD)).limits(limits).slice_turns(1).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let (far, taken) = open(&peer);
    let to = list(&vat);
    peer.introduce(far, &to.into()).unwrap();
    let (promise, answers) = asked(&peer, &vat, far, &taken);
    let full = "limit: mailbox limit exceeded: 8 allowed";
    let deliver = |number: u32| peer.deliver(far, args(to, [number.into()], Some(far.object(number, 0))));
    (0..8).for_each(|number| deliver(number).unwrap());
    assert_eq!(taken.told(), None);
    deliver(8).unwrap();
    assert_eq!(taken.told(), Some((far.object(8, 0), full.into())));
    assert_eq!(peer.deliver(far, args(to, [9.into()], None)).unwrap_err().to_string(), full);
    // An answer that finds no room may come later.
    let answer = || Message { to: answers, body: Body::Fulfill(1.into()), resolver: None };
    assert_eq!(peer.deliver(far, answer()).unwrap_err().to_string(), full);
    // Who is told by way of a full vat is not told, and the deliverer is.
    let (_, waits) = vat.run(Turn::promise).unwrap();
    peer.introduce(far, &waits.into()).unwrap();
    assert_eq!(peer.deliver(far, args(to, [9.into()], Some(waits))).unwrap_err().to_string(), full);
    // Three were handled, five wait in it: room for three, one of which the answer takes.
    assert!(peer.step(0));
    assert_eq!(taken.take().len(), 3);
    peer.deliver(far, answer()).unwrap();
    (10..12).for_each(|number| deliver(number).unwrap());
    assert_eq!(taken.told(), None);
    deliver(12).unwrap();
    assert_eq!(taken.told(), Some((far.object(12, 0), full.into())));
    assert!(peer.settle(SOON));
    assert_eq!(call(&vat, to, &[]).to_string(), "[0 1 2 3 4 5 6 7 10 11]");
    assert_eq!(standing(&vat, promise), "value 1");
}

#[test]
fn a_session_that_has_ended_delivers_nothing() {
    let peer = Peer::builder().threads(0).kinds(kinds(&OLD)).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let (far, taken) = open(&peer);
    let to = list(&vat);
    peer.introduce(far, &to.into()).unwrap();
    peer.sever(far, &"over".into());
    let refused = peer.deliver(far, args(to, [1.into()], Some(far.object(0, 0)))).unwrap_err();
    assert!(refused.to_string().starts_with("stale-reference: session 0 is gone"), "{refused}");
    assert_eq!(peer.introduce(far, &to.into()).unwrap_err(), refused);
    assert!(peer.settle(SOON));
    assert_eq!((call(&vat, to, &[]), taken.take()), (Value::list([]), vec![]));
}

#[test]
fn who_is_cut_off_learns_it_and_nobody_else() {
    let peer = Peer::builder().threads(0).kinds(kinds(&OLD)).build().unwrap();
    let (one, other) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let (far, taken) = open(&peer);
    let ask = |vat: &Vat| vat.run(|turn| turn.send(far.object(0, 0), ["ask".into()])).unwrap();
    let (cut, waits) = (ask(&one), ask(&other));
    assert!(peer.settle(SOON));
    let asked = taken.take();
    peer.entrance(far).sever_from(one.id(), &"too much".into());
    assert!(peer.settle(SOON));
    assert_eq!(standing(&one, cut), "broken \"too much\"");
    assert_eq!(standing(&other, waits), "unresolved");
    // The session goes on, for both.
    let resolver = asked.iter().find_map(|message| message.resolver.filter(|to| to.vat() == other.id()));
    peer.deliver(far, Message { to: resolver.unwrap(), body: Body::Fulfill(1.into()), resolver: None })
        .unwrap();
    ask(&one);
    assert!(peer.settle(SOON));
    assert_eq!((standing(&other, waits).as_str(), taken.take().len()), ("value 1", 1));
}

#[test]
fn the_right_to_settle_is_spent_with_its_use() {
    let peer = Peer::builder().threads(0).kinds(kinds(&OLD)).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let (far, taken) = open(&peer);
    let (promise, resolver) = asked(&peer, &vat, far, &taken);
    let fulfill =
        |to: Ref, value: Value| peer.deliver(far, Message { to, body: Body::Fulfill(value), resolver: None });
    // It becomes a promise of the session, which is listened to.
    fulfill(resolver, far.promise(5, 0).into()).unwrap();
    assert!(peer.settle(SOON));
    let Body::Listen { listener, .. } = taken.take().pop().unwrap().body else { panic!("it listens") };
    assert_eq!(fulfill(resolver, 1.into()).unwrap_err().rule_name(), Some("not-given"));
    // News of that promise: a promise of the vat itself. From there on it is not the session's to say.
    let (other, mine) = vat.run(Turn::promise).unwrap();
    peer.introduce(far, &other.into()).unwrap();
    fulfill(listener, other.into()).unwrap();
    assert!(peer.settle(SOON));
    assert_eq!(fulfill(listener, "stolen".into()).unwrap_err().rule_name(), Some("not-given"));
    vat.run(|turn| turn.fulfill(mine, "kept")).unwrap();
    assert_eq!(standing(&vat, promise), "value \"kept\"");
}

#[test]
fn what_is_in_a_box_is_not_given_with_it() {
    let peer = Peer::builder().threads(0).kinds(kinds(&OLD)).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let (far, taken) = open(&peer);
    let to = list(&vat);
    let (brand, inside) =
        vat.run(|turn| Ok((turn.spawn(&CELL, 1.into())?, turn.spawn(&CELL, 2.into())?))).unwrap();
    vat.run(|turn| {
        let sealed = turn.seal(brand, inside.into());
        turn.send_only(far.object(0, 0), [to.into(), sealed])
    })
    .unwrap();
    assert!(peer.settle(SOON));
    let Body::Args(handed) = taken.take().pop().unwrap().body else { panic!("a call") };
    let resolver = Some(far.object(1, 0));
    for secret in [brand, inside] {
        peer.deliver(far, args(to, [secret.into()], resolver)).unwrap();
        assert_eq!(taken.told().unwrap().1, format!("not-given: {secret} was never given to session 0"));
    }
    // The box itself it may give back.
    peer.deliver(far, args(to, [handed[1].clone()], None)).unwrap();
    assert!(peer.settle(SOON));
    let kept = call(&vat, to, &[]).as_list().unwrap()[0].clone();
    assert_eq!(vat.peek(|turn| Ok(turn.unseal(brand, &kept))).unwrap(), Some(inside.into()));
}

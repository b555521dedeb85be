//! What a vat writes down together fits in a record, whatever its actors and others send it and do in a turn.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod far;
mod peers;

use std::sync::Arc;

use far::open;
use hob_vat::library::CELL;
use hob_vat::{
    Body, Limits, MESSAGE_BYTES_MAX, MemoryStore, Message, Peer, RECORD_BYTES_MAX, Ref, TURN_BYTES_MAX, Turn,
    TurnStore, Value, Vat,
};
use peers::{SOON, quiet, told};

const MIB: usize = 1 << 20;

fn large(bytes: usize) -> Value {
    "x".repeat(bytes).into()
}

fn peer(limits: Limits) -> (Arc<MemoryStore>, Peer) {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).limits(limits).build().unwrap();
    (store, peer)
}

fn cell(vat: &Vat, value: Value) -> Ref {
    vat.run(|turn| turn.spawn(&CELL, value)).unwrap()
}

/// The bytes of the longest record of a vat, and how many records there are.
fn longest(store: &MemoryStore, vat: &Vat) -> (usize, usize) {
    let stream = format!("vat/{}", vat.id().number());
    let records = store.read(&stream, 0, usize::MAX).unwrap();
    (records.iter().map(Vec::len).max().unwrap(), records.len())
}

#[test]
fn what_a_session_sends_is_written_down_in_pieces() {
    let (store, peer) = peer(Limits::default());
    let vat = peer.vat("a").unwrap();
    let (far, _) = open(&peer);
    let cell = cell(&vat, 1.into());
    peer.introduce(far, &cell.into()).unwrap();
    for number in 0..200_u32 {
        let args = [Value::list([large(MIB - 100), number.into()])];
        peer.deliver(far, Message { to: cell, body: Body::Args(args.into()), resolver: None }).unwrap();
    }
    assert!(peer.settle(SOON));
    let last = vat.run(|turn| turn.call(cell, &[])).unwrap();
    assert_eq!(last.as_list().unwrap().last(), Some(&199.into()));
    let (longest, records) = longest(&store, &vat);
    assert!(longest < 16 * MIB && records > 30, "{longest} bytes, {records} records");
}

#[test]
fn more_than_a_mailbox_holds_is_refused_to_a_session_and_not_lost_between_vats() {
    let limits = Limits { mailbox_bytes: 4 << 20, ..Limits::default() };
    let (_, peer) = peer(limits);
    let (vat, other) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let (far, taken) = open(&peer);
    let cell = cell(&vat, 1.into());
    peer.introduce(far, &cell.into()).unwrap();
    let message = |resolver| {
        let args = [large(MIB / 2)];
        Message { to: cell, body: Body::Args(args.into()), resolver }
    };
    // Three bytes for each that it weighs: two fit, and one more does not.
    for _ in 0..2 {
        peer.deliver(far, message(None)).unwrap();
    }
    let problem = peer.deliver(far, message(None)).unwrap_err();
    assert_eq!(problem.to_string(), "limit: mailbox-bytes limit exceeded: 4194304 allowed");
    let waits = far.object(1, 0);
    peer.deliver(far, message(Some(waits))).unwrap();
    assert_eq!(taken.told(), Some((waits, problem.to_string())));
    assert!(peer.settle(SOON));
    peer.deliver(far, message(None)).unwrap();
    // Of what another vat sends nothing is lost, however much it is.
    for number in 0..20_u32 {
        let sent = other.run(|turn| turn.send_only(cell, [Value::list([number.into(), large(MIB / 2)])]));
        sent.unwrap();
        let set = [Value::from(number)];
        other.run(|turn| turn.send_only(cell, set)).unwrap();
    }
    assert!(peer.settle(SOON));
    assert_eq!(vat.run(|turn| turn.call(cell, &[])).unwrap(), 19.into());
}

#[test]
fn a_turn_that_does_too_much_fails_alone() {
    let (store, peer) = peer(Limits::default());
    let (vat, other) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let to = cell(&other, 1.into());
    let limit = format!("limit: turn-bytes limit exceeded: {TURN_BYTES_MAX} allowed");
    let send =
        |many: usize| vat.run(|turn| (0..many).try_for_each(|_| turn.send_only(to, [large(MIB - 100)])));
    assert_eq!(send(200).unwrap_err().to_string(), limit);
    send(15).unwrap();
    assert!(peer.settle(SOON));
    // What others may refer to is written down whole when they first can.
    let states: Vec<Ref> = (0..40).map(|_| cell(&vat, large(MIB))).collect();
    let all = |upto: usize| Value::list(states.iter().take(upto).map(|it| Value::from(*it)));
    let tell = |upto| vat.run(|turn| turn.send_only(to, [all(upto)]));
    assert_eq!(tell(40).unwrap_err().to_string(), limit);
    tell(15).unwrap();
    tell(30).unwrap();
    tell(40).unwrap();
    // As an answer, too.
    let more: Vec<Value> = (0..40).map(|_| cell(&vat, large(MIB)).into()).collect();
    let keeps = cell(&vat, Value::list(more));
    let answer = other.run(|turn| turn.send(keeps, [])).unwrap();
    assert!(peer.settle(SOON));
    assert_eq!(told(&other, answer), limit);
    for vat in [&vat, &other] {
        let (longest, _) = longest(&store, vat);
        assert!(longest < RECORD_BYTES_MAX, "{longest}");
    }
}

/// Many wait for one promise, directly and behind others: all are told something, and what waits goes on.
#[test]
fn what_many_wait_for_is_settled_all_the_same() {
    for (many, size, expected) in [
        (10, MIB, "Value("),
        (60, MIB, "limit: turn-bytes limit exceeded: 58720256 allowed"),
        (2000, 100, "Value("),
    ] {
        let (store, peer) = peer(Limits::default());
        let (vat, other) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
        let (promise, resolver) = vat.run(Turn::promise).unwrap();
        let (near, nears) = vat.run(Turn::promise).unwrap();
        vat.run(|turn| turn.fulfill(nears, promise)).unwrap();
        let waits: Vec<Ref> = (0..many)
            .map(|at| {
                let (told, tells) = other.run(Turn::promise).unwrap();
                let to = if at % 2 == 0 { promise } else { near };
                vat.run(|turn| turn.listen(to, tells, false)).unwrap();
                told
            })
            .collect();
        // As much as may wait.
        for _ in 0..5 {
            vat.run(|turn| turn.send_only(promise, [large(MIB - 100)])).unwrap();
        }
        let answer = vat.run(|turn| turn.send(near, [large(100)])).unwrap();
        assert!(peer.settle(SOON));
        vat.run(|turn| turn.fulfill(resolver, large(size - 100))).unwrap();
        assert!(peer.settle(SOON));
        for promise in waits.into_iter() {
            assert!(told(&other, promise).starts_with(expected), "{}", told(&other, promise));
        }
        // A value is its own answer.
        assert!(told(&vat, answer).starts_with(expected));
        let (longest, _) = longest(&store, &vat);
        assert!(longest < RECORD_BYTES_MAX, "{longest}");
    }
}

/// Whatever a program asks for, a durable vat has limits with which everything fits.
#[test]
fn limits_of_a_durable_vat_are_at_most_so_large() {
    let asked = Limits {
        message_bytes: u32::MAX,
        turn_bytes: u64::MAX,
        waiting_bytes: u64::MAX,
        ..Limits::default()
    };
    let (_, peer) = peer(asked);
    let vat = peer.vat("a").unwrap();
    let cell = cell(&vat, 1.into());
    let send = |bytes: usize| vat.run(|turn| turn.send_only(cell, [large(bytes)]));
    let most = usize::try_from(MESSAGE_BYTES_MAX).unwrap() - 16;
    send(most).unwrap();
    let limit = format!("limit: message-bytes limit exceeded: {MESSAGE_BYTES_MAX} allowed");
    assert_eq!(send(most + 1).unwrap_err().to_string(), limit);
    let limits = vat.run(|turn| Ok((turn.limits().turn_bytes, turn.limits().waiting_bytes))).unwrap();
    assert_eq!(limits, (TURN_BYTES_MAX, hob_vat::WAITING_BYTES_MAX));
    send(1).unwrap();
    // The largest state that there is by default.
    let state = Limits::default().state_bytes;
    vat.run(|turn| turn.spawn(&CELL, large(state.try_into().unwrap()))).unwrap();
    // One that ends with the process writes nothing down.
    let unkept = Peer::builder().threads(0).limits(asked).build().unwrap();
    let turn_bytes = unkept.vat("a").unwrap().run(|turn| Ok(turn.limits().turn_bytes)).unwrap();
    assert_eq!(turn_bytes, u64::MAX);
}

//! Each limit at the limit, and one past it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::time::Duration;

use common::{SOON, Setting, says, setting, with, with_text, with_texts};
use hob_cap::{Access, ClockGrant, Limit, RandomGrant};
use hob_os::{SharedBuffer, Sink, Source};
use hob_powerbox::Limits;
use hob_vat::{Ref, Standing, Value};

const HOUR: i64 = 3_600_000_000_000;

/// Refused by a limit of this name.
fn refused(it: &Setting, to: Ref, args: &[Value], name: &str) {
    let told = it.ask(to, args).unwrap_err();
    assert!(told.starts_with("limit: ") && told.contains(name), "{told}");
}

#[test]
fn objects() {
    let it = with(Limits { objects: 3, ..Limits::default() });
    let root = it.directory(Access::Read);
    it.powerbox.clock(ClockGrant::Real).unwrap();
    let narrowed = it.narrow(root, &says("read-only"));
    refused(&it, root, &says("read-only"), "objects limit exceeded: 3 allowed");
    let told = it.powerbox.clock(ClockGrant::Real).unwrap_err();
    assert_eq!(told.to_string(), "limit: objects limit exceeded: 3 allowed");
    assert_eq!(it.powerbox.ledger().used(Limit::OpenFiles), 2, "what was not made holds nothing open");
    it.ask(narrowed, &says("end")).unwrap();
    it.narrow(root, &says("read-only"));
    // What nobody is told of is not made.
    it.vat.run(|turn| turn.send_only(root, says("read-only"))).unwrap();
    assert!(it.ask(root, &says("list")).is_ok());
    assert_eq!(it.powerbox.ledger().used(Limit::Handles), 3);
}

#[test]
fn open_files() {
    let it = with(Limits { open_files: 8, ..Limits::default() });
    it.put("a", "text");
    let root = it.directory(Access::Read);
    let narrowed: Vec<Ref> = (0..7).map(|_| it.narrow(root, &with_text("open", "."))).collect();
    refused(&it, root, &with_text("open", "."), "open-files");
    refused(&it, root, &with_text("read", "a"), "open-files");
    it.ask(narrowed[0], &says("end")).unwrap();
    assert_eq!(it.ask(root, &with_text("text", "a")), Ok("text".into()));
    it.narrow(root, &with_text("open", "."));
}

#[test]
fn pending() {
    let it = with(Limits { pending: 3, ..Limits::default() });
    let clock = it.powerbox.clock(ClockGrant::Real).unwrap();
    let wait = [Value::symbol("after"), HOUR.into()];
    let waiting = it
        .vat
        .run(|turn| {
            let first = turn.send(clock, wait.clone())?;
            // One that waits behind another is one too.
            Ok([first, turn.send(clock, wait.clone())?, turn.send(first, says("now"))?])
        })
        .unwrap();
    assert!(it.peer.settle(SOON));
    let refused = it
        .vat
        .run(|turn| Ok([turn.send(clock, wait.clone())?, turn.send(waiting[0], says("now"))?]))
        .unwrap();
    for refused in refused {
        let standing = until_settled(&it, refused);
        match standing {
            Standing::Broken(Value::Error(error)) => {
                assert_eq!(error.message, "pending limit exceeded: 3 allowed");
            }
            other => panic!("{other:?}"),
        }
    }
    for waits in waiting {
        assert_eq!(it.vat.peek(|turn| turn.standing(waits)), Ok(Standing::Unresolved));
    }
}

fn until_settled(it: &Setting, promise: Ref) -> Standing {
    let begun = std::time::Instant::now();
    loop {
        assert!(begun.elapsed() < SOON, "it is not settled");
        assert!(it.peer.settle(SOON));
        match it.vat.peek(|turn| turn.standing(promise)).unwrap() {
            Standing::Unresolved => std::thread::yield_now(),
            settled => return settled,
        }
    }
}

#[test]
fn bytes_in_flight() {
    // A message of `write`, a name and so many bytes weighs this much more than the bytes.
    let it = with(Limits { bytes_in_flight: 1000, ..Limits::default() });
    let root = it.directory(Access::ReadWrite);
    let write = |bytes: usize| with_texts("write", "a", &"x".repeat(bytes));
    let own = 16 + "write".len() + "a".len();
    assert_eq!(it.ask(root, &write(1000 - own)), Ok(Value::Undefined), "its answer weighs less");
    assert_eq!(it.powerbox.ledger().used(Limit::HostBuffer), 0);
    refused(&it, root, &write(1000 - own + 1), "bytes-in-flight limit exceeded: 1000 allowed");
    // An answer counts too.
    it.put("b", &"x".repeat(1000));
    it.put("c", &"x".repeat(1001));
    assert!(it.ask(root, &with_text("text", "b")).is_ok());
    refused(&it, root, &with_text("text", "c"), "bytes-in-flight");
    assert_eq!(it.powerbox.ledger().used(Limit::HostBuffer), 0);
}

#[test]
fn timers() {
    let it = with(Limits { timers: 1, timer_time: Duration::from_secs(3600), ..Limits::default() });
    let clock = it.powerbox.clock(ClockGrant::Real).unwrap();
    refused(
        &it,
        clock,
        &[Value::symbol("after"), (HOUR + 1).into()],
        "timer-time limit exceeded: 3600 s allowed",
    );
    it.vat.run(|turn| turn.send(clock, [Value::symbol("after"), HOUR.into()])).unwrap();
    refused(&it, clock, &[Value::symbol("after"), 1.into()], "timers limit exceeded: 1 allowed");
    it.powerbox.revoke(clock);
    let clock = it.powerbox.clock(ClockGrant::Real).unwrap();
    assert_eq!(it.ask(clock, &[Value::symbol("after"), 1.into()]), Ok(Value::Undefined));
}

#[test]
fn bytes_of_one_reading() {
    let it = with(Limits { read_bytes: 10, ..Limits::default() });
    it.put("ten", "0123456789");
    it.put("more", "0123456789+");
    let root = it.directory(Access::Read);
    assert_eq!(it.ask(root, &with_text("text", "ten")), Ok("0123456789".into()));
    refused(&it, root, &with_text("text", "more"), "read-bytes limit exceeded: 10 allowed");
    let part = |length: i64| [Value::symbol("read"), "more".into(), 1.into(), length.into()];
    assert_eq!(it.ask(root, &part(10)), Ok(Value::bytes(b"123456789+")));
    refused(&it, root, &part(11), "read-bytes");
    let file = it.narrow(root, &with_text("file", "more"));
    refused(&it, file, &says("read"), "read-bytes");
}

#[test]
fn entries_of_one_listing() {
    let it = with(Limits { list_entries: 3, ..Limits::default() });
    let root = it.directory(Access::Read);
    for name in ["a", "b", "c"] {
        it.put(name, "");
    }
    assert_eq!(it.ask(root, &says("list")).unwrap().as_list().map(<[_]>::len), Some(3));
    it.put("d", "");
    refused(&it, root, &says("list"), "list-entries limit exceeded: 3 allowed; `page 0`");
    assert!(it.ask(root, &[Value::symbol("page"), 0.into(), 3.into()]).is_ok());
    refused(&it, root, &[Value::symbol("page"), 0.into(), 4.into()], "list-entries");
}

#[test]
fn random_bytes() {
    let it = with(Limits { random_bytes: 8, ..Limits::default() });
    let entropy = it.powerbox.entropy(RandomGrant::Seeded(0)).unwrap();
    let bytes = |count: i64| [Value::symbol("bytes"), count.into()];
    // The published first word of the stream of seed 0.
    assert_eq!(it.ask(entropy, &bytes(8)), Ok(Value::bytes(&0xe220_a839_7b1d_cdaf_u64.to_le_bytes())));
    refused(&it, entropy, &bytes(9), "random-bytes limit exceeded: 8 allowed");
}

#[test]
fn bytes_of_a_line_and_of_output() {
    let it = with(Limits { line_bytes: 4, output_bytes: 6, ..Limits::default() });
    let shown = SharedBuffer::default();
    let source = Source::Bytes(b"1234\n12345\nlast\n12345".to_vec());
    let console = it.powerbox.console(source, Sink::Buffer(shown.clone()), Sink::Discard).unwrap();
    assert_eq!(it.ask(console, &says("read-line")), Ok("1234".into()));
    refused(&it, console, &says("read-line"), "line-bytes limit exceeded: 4 allowed");
    assert_eq!(it.ask(console, &says("read-line")), Ok("last".into()), "what was too long is skipped");
    refused(&it, console, &says("read-line"), "line-bytes");
    assert_eq!(it.ask(console, &says("read-line")), Ok(Value::Undefined));
    assert_eq!(it.ask(console, &with_text("write", "123")), Ok(Value::Undefined));
    assert_eq!(it.ask(console, &with_text("complain", "456")), Ok(Value::Undefined));
    refused(&it, console, &with_text("write", "7"), "output limit exceeded");
    assert_eq!(shown.take(), b"123");
}

#[test]
fn characters_of_a_prefix() {
    let it = setting();
    let console = it.powerbox.console(Source::Empty, Sink::Discard, Sink::Discard).unwrap();
    let half = it.narrow(console, &with_text("prefixed", &"p".repeat(32)));
    it.narrow(half, &with_text("prefixed", &"p".repeat(32)));
    refused(&it, half, &with_text("prefixed", &"p".repeat(33)), "prefix limit exceeded: 64 characters");
}

#[test]
fn an_answer_that_a_vat_does_not_take_is_a_reason_that_it_does() {
    let peer = hob_vat::Peer::builder()
        .threads(1)
        .limits(hob_vat::Limits { message_bytes: 200, ..Default::default() })
        .build()
        .unwrap();
    let vat = peer.vat("main").unwrap();
    let powerbox = hob_powerbox::Powerbox::open(&peer).unwrap();
    let entropy = powerbox.entropy(RandomGrant::Real).unwrap();
    assert!(vat.ask(entropy, [Value::symbol("bytes"), 200.into()], SOON).is_ok());
    let told = vat.ask(entropy, [Value::symbol("bytes"), 201.into()], SOON).unwrap_err();
    assert_eq!(told.to_string(), "limit: message-bytes limit exceeded: 200 allowed");
}

#[test]
fn an_answer_waits_until_a_vat_has_room_for_it() {
    let limits = hob_vat::Limits { mailbox: 4, ..Default::default() };
    let peer = hob_vat::Peer::builder().threads(0).limits(limits).build().unwrap();
    let vat = peer.vat("main").unwrap();
    let powerbox = hob_powerbox::Powerbox::open(&peer).unwrap();
    let clock = powerbox.clock(ClockGrant::Virtual).unwrap();
    let cell = vat.run(|turn| turn.spawn(&hob_vat::library::CELL, ().into())).unwrap();
    let promise = vat.run(|turn| turn.send(clock, says("now"))).unwrap();
    // Nobody runs the vat meanwhile, and others have filled its mailbox.
    while vat.send_only(cell, []).is_ok() {}
    let begun = std::time::Instant::now();
    let answered = loop {
        assert!(begun.elapsed() < SOON, "it is not answered");
        peer.step(0);
        if let Some(answered) = powerbox.answered() {
            break answered;
        }
    };
    assert!(answered > 0 && peer.settle(SOON));
    assert!(matches!(vat.peek(|turn| turn.standing(promise)), Ok(Standing::Value(Value::Int(_)))));
}

//! Clocks, randomness and consoles as actors.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};

use common::{SOON, says, setting, with_text};
use hob_cap::{AuditError, AuditEvent, AuditSink, ClockGrant, RandomGrant};
use hob_os::{SharedBuffer, Sink, Source, VIRTUAL_EPOCH_NS, VIRTUAL_STEP_NS};
use hob_powerbox::Powerbox;
use hob_vat::{Standing, Value};

#[test]
fn a_virtual_clock_moves_when_it_is_asked_and_waits_for_nothing() {
    let it = setting();
    let clock = it.powerbox.clock(ClockGrant::Virtual).unwrap();
    assert_eq!(it.ask(clock, &says("now")), Ok(VIRTUAL_EPOCH_NS.into()));
    assert_eq!(it.ask(clock, &says("monotonic")), Ok(VIRTUAL_STEP_NS.into()));
    let day: i64 = 24 * 3_600_000_000_000;
    assert_eq!(it.ask(clock, &[Value::symbol("after"), day.into()]), Ok(Value::Undefined));
    let now = it.ask(clock, &says("monotonic")).unwrap().as_i64().unwrap();
    assert_eq!(now, day + 2 * i64::try_from(VIRTUAL_STEP_NS).unwrap());
    let until = i64::try_from(VIRTUAL_EPOCH_NS).unwrap() + 3 * day;
    assert_eq!(it.ask(clock, &[Value::symbol("until"), until.into()]), Ok(Value::Undefined));
    assert!(it.ask(clock, &says("now")).unwrap().as_i64().unwrap() >= until);
    assert_eq!(it.rule(clock, &[Value::symbol("after"), (-1).into()]), "bad-arguments");
    let still = it.powerbox.clock(ClockGrant::None).unwrap();
    assert_eq!(it.ask(still, &[Value::symbol("after"), day.into()]), Ok(Value::Undefined));
    assert_eq!(it.ask(still, &says("monotonic")), it.ask(still, &says("monotonic")));
}

#[test]
fn a_real_clock_answers_when_the_time_has_come_and_in_its_order() {
    let it = setting();
    let clock = it.powerbox.clock(ClockGrant::Real).unwrap();
    let now = it.ask(clock, &says("now")).unwrap().as_i64().unwrap();
    assert_eq!(it.ask(clock, &[Value::symbol("until"), (now - 1).into()]), Ok(Value::Undefined));
    let before = it.ask(clock, &says("monotonic")).unwrap().as_i64().unwrap();
    let wait: i64 = 20_000_000;
    assert_eq!(it.ask(clock, &[Value::symbol("after"), wait.into()]), Ok(Value::Undefined));
    assert!(it.ask(clock, &says("monotonic")).unwrap().as_i64().unwrap() >= before + wait);
    // The one that was asked for later comes first.
    let promise = it
        .vat
        .run(|turn| {
            let late = turn.send(clock, [Value::symbol("after"), 3_600_000_000_000_i64.into()])?;
            let soon = turn.send(clock, [Value::symbol("after"), 1.into()])?;
            hob_vat::library::race(turn, &[late.into(), soon.into()])
        })
        .unwrap();
    assert_eq!(it.vat.ask(promise, [], SOON), Ok(Value::Undefined));
}

#[test]
fn randomness_is_of_its_seed_or_nobodys() {
    let it = setting();
    let bytes = |to| it.ask(to, &[Value::symbol("bytes"), 16.into()]);
    let seeded = |seed| it.powerbox.entropy(RandomGrant::Seeded(seed)).unwrap();
    assert_eq!(bytes(seeded(7)), bytes(seeded(7)));
    assert_ne!(bytes(seeded(7)), bytes(seeded(8)));
    let real = it.powerbox.entropy(RandomGrant::Real).unwrap();
    assert_ne!(bytes(real), bytes(real));
    let none = it.powerbox.entropy(RandomGrant::None).unwrap();
    assert_eq!(it.rule(none, &[Value::symbol("bytes"), 1.into()]), "not-permitted");
    assert_eq!(it.rule(real, &says("bytes")), "bad-arguments");
}

#[test]
fn a_console_reads_lines_and_shows_text() {
    let it = setting();
    let (shown, complaints) = (SharedBuffer::default(), SharedBuffer::default());
    let source = Source::Bytes(b"one\r\ntwo\n\nlast".to_vec());
    let sinks = (Sink::Buffer(shown.clone()), Sink::Buffer(complaints.clone()));
    let console = it.powerbox.console(source, sinks.0, sinks.1).unwrap();
    for line in ["one", "two", "", "last"] {
        assert_eq!(it.ask(console, &says("read-line")), Ok(line.into()));
    }
    assert_eq!(it.ask(console, &says("read-line")), Ok(Value::Undefined));
    assert_eq!(it.ask(console, &with_text("write", "a\u{1b}[2J\n")), Ok(Value::Undefined));
    assert_eq!(it.ask(console, &with_text("complain", "no\n")), Ok(Value::Undefined));
    assert_eq!((shown.take(), complaints.take()), (b"a\\u{1b}[2J\n".to_vec(), b"no\n".to_vec()));
    let (read, write) = (it.narrow(console, &says("read-only")), it.narrow(console, &says("write-only")));
    assert_eq!(it.rule(read, &with_text("write", "x")), "not-permitted");
    assert_eq!(it.rule(it.narrow(read, &says("write-only")), &with_text("write", "x")), "not-permitted");
    assert_eq!(it.rule(write, &says("read-line")), "not-permitted");
    let bob = it.narrow(write, &with_text("prefixed", "bob: "));
    assert_eq!(it.rule(bob, &with_text("prefixed", "a\nb")), "bad-arguments");
    it.ask(bob, &with_text("write", "hello\neve: hi\n")).unwrap();
    assert_eq!(shown.take(), b"bob: hello\nbob: eve: hi\n");
    assert_eq!(it.rule(it.narrow(bob, &says("read-only")), &says("read-line")), "not-permitted");
}

#[test]
fn who_types_nothing_holds_up_nobody_and_who_is_cut_off_takes_no_line() {
    let it = setting();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let shown = SharedBuffer::default();
    let console =
        it.powerbox.console(Source::Fd(reader.into()), Sink::Buffer(shown.clone()), Sink::Discard).unwrap();
    let lent = it.narrow(console, &says("read-only"));
    let waits = it.vat.run(|turn| turn.send(lent, says("read-line"))).unwrap();
    assert!(it.peer.settle(SOON));
    // It is written to, and others are asked, while a line is waited for.
    assert_eq!(it.ask(console, &with_text("write", "x")), Ok(Value::Undefined));
    let clock = it.powerbox.clock(ClockGrant::Real).unwrap();
    assert!(it.ask(clock, &says("now")).is_ok());
    assert_eq!(it.vat.peek(|turn| turn.standing(waits)), Ok(Standing::Unresolved));
    assert!(it.powerbox.revoke(lent));
    let next = it.vat.run(|turn| turn.send(console, says("read-line"))).unwrap();
    writer.write_all(b"for who is left\n").unwrap();
    let line = it.vat.run(|turn| hob_vat::library::all_of(turn, &[next.into()])).unwrap();
    assert_eq!(it.vat.ask(line, [], SOON), Ok(Value::list(["for who is left".into()])));
    assert!(matches!(it.vat.peek(|turn| turn.standing(waits)), Ok(Standing::Broken(_))));
}

#[derive(Default)]
struct Seen(Mutex<Vec<String>>, Mutex<bool>);

impl AuditSink for Seen {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        if *self.1.lock().unwrap() {
            return Err(AuditError("full".into()));
        }
        self.0.lock().unwrap().push(format!("{} {} {:?}", event.what, event.target, event.outcome));
        Ok(())
    }
}

#[test]
fn every_use_is_recorded_before_it_takes_effect() {
    let it = setting();
    let seen = Arc::new(Seen::default());
    let powerbox = Powerbox::builder().audit(Arc::clone(&seen) as _).open(&it.peer).unwrap();
    let docs = powerbox.directory(&it.grant(hob_cap::Access::ReadWrite)).unwrap();
    let clock = powerbox.clock(ClockGrant::Real).unwrap();
    let entropy = powerbox.entropy(RandomGrant::Real).unwrap();
    let grant = hob_cap::NetGrant::parse("https://example.com").unwrap();
    let net = powerbox.outbound(&[grant]).unwrap();
    it.ask(docs, &common::with_texts("write", "a", "x")).unwrap();
    it.ask(clock, &[Value::symbol("after"), 1.into()]).unwrap();
    it.ask(entropy, &[Value::symbol("bytes"), 1.into()]).unwrap();
    assert_eq!(it.rule(docs, &with_text("read", "../a")), "outside");
    assert_eq!(it.rule(net, &with_text("get", "https://example.org/")), "not-permitted");
    let events = seen.0.lock().unwrap().clone();
    let want = [
        "open a Allowed",
        "clock  Allowed",
        "random  Allowed",
        "open ../a Denied",
        "http GET https://example.org:443/ Denied",
    ];
    assert_eq!(events, want);
    // What cannot be recorded is not done.
    *seen.1.lock().unwrap() = true;
    assert_eq!(it.rule(docs, &common::with_texts("write", "b", "x")), "failed");
    assert!(!it.folder.path().join("b").exists());
}

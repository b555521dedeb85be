//! Taking back: what ends, who is told, and what goes on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::io::Read;
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};

use common::{SOON, says, setting, with_text, with_texts};
use hob_cap::{Access, ClockGrant, Limit};
use hob_os::{Sink, Source};
use hob_powerbox::Powerbox;
use hob_vat::{MemoryStore, Peer, Standing, Value, library};

const HOUR: i64 = 3_600_000_000_000;

#[test]
fn what_was_narrowed_ends_with_what_it_was_narrowed_from_and_nothing_else_does() {
    let it = setting();
    std::fs::create_dir_all(it.folder.path().join("d/e")).unwrap();
    let (root, other) = (it.directory(Access::ReadWrite), it.directory(Access::ReadWrite));
    let d = it.narrow(root, &with_text("open", "d"));
    let e = it.narrow(d, &with_text("open", "e"));
    let file = it.narrow(e, &with_text("file", "f"));
    let beside = it.narrow(root, &says("read-only"));
    assert!(it.powerbox.revoke(d));
    for gone in [d, e, file] {
        assert_eq!(it.rule(gone, &says("methods")), "revoked");
    }
    for there in [root, other, beside] {
        assert!(it.ask(there, &says("list")).is_ok());
    }
    assert!(!it.powerbox.revoke(e), "it is gone already");
    assert!(it.powerbox.revoke(root));
    assert_eq!(it.rule(beside, &says("list")), "revoked");
    assert_eq!(it.powerbox.ledger().used(Limit::Handles), 1);
    assert!(it.powerbox.revoke(other));
    assert_eq!(it.powerbox.ledger().used(Limit::OpenFiles), 0, "nothing is held open");
}

#[test]
fn who_waits_is_told() {
    let it = setting();
    let clock = it.powerbox.clock(ClockGrant::Real).unwrap();
    let (reader, _writer) = std::io::pipe().unwrap();
    let console = it.powerbox.console(Source::Fd(reader.into()), Sink::Discard, Sink::Discard).unwrap();
    let waits = [(clock, vec![Value::symbol("after"), HOUR.into()]), (console, says("read-line").to_vec())];
    for (object, args) in waits {
        let promise = it
            .vat
            .run(|turn| {
                let promise = turn.send(object, args)?;
                // It is in the line behind the first one, and waits for it.
                turn.send_only(promise, [Value::symbol("anything")])?;
                Ok(promise)
            })
            .unwrap();
        assert!(it.peer.settle(SOON));
        assert_eq!(it.vat.peek(|turn| turn.standing(promise)), Ok(Standing::Unresolved));
        assert_eq!(it.powerbox.answered(), None);
        assert!(it.powerbox.revoke(object));
        assert!(it.peer.settle(SOON));
        match it.vat.peek(|turn| turn.standing(promise)).unwrap() {
            Standing::Broken(Value::Error(error)) => assert_eq!(error.rule, "revoked"),
            other => panic!("{other:?}"),
        }
        it.quiet();
    }
    assert_eq!(it.powerbox.ledger().used(Limit::HostBuffer), 0);
}

/// More than one piece, and more than a pipe holds.
fn long_text() -> String {
    "x".repeat(512 << 10) + "\n"
}

#[test]
fn what_is_cut_off_while_it_writes_writes_no_further_piece() {
    let it = setting();
    let powerbox = Arc::new(Powerbox::open(&it.peer).unwrap());
    let (told, written) = channel();
    let (weak, lent) = (Arc::downgrade(&powerbox), Arc::new(OnceLock::new()));
    let whose = Arc::clone(&lent);
    let sink = Sink::Callback(Box::new(move |bytes| {
        told.send(bytes.to_vec()).unwrap();
        if let (Some(powerbox), Some(lent)) = (weak.upgrade(), whose.get()) {
            powerbox.revoke(*lent);
        }
    }));
    let console = powerbox.console(Source::Empty, sink, Sink::Discard).unwrap();
    let bob = lent.get_or_init(|| it.narrow(console, &with_text("prefixed", "bob: ")));
    assert_eq!(it.rule(*bob, &with_text("write", &long_text())), "revoked");
    // The line that was cut off is ended first: nobody goes on with what another one began.
    assert_eq!(it.ask(console, &with_text("write", "and others do\n")), Ok(Value::Undefined));
    let pieces: Vec<Vec<u8>> = written.try_iter().collect();
    assert_eq!(pieces.len(), 2);
    assert_eq!(pieces[0].len(), 4096);
    assert_eq!(pieces[1], b"\nand others do\n");
}

#[test]
fn what_is_cut_off_while_it_waits_for_who_reads_writes_no_more() {
    let it = setting();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let console = it.powerbox.console(Source::Empty, Sink::Fd(writer.into()), Sink::Discard).unwrap();
    let lent = it.narrow(console, &says("write-only"));
    it.vat.run(|turn| turn.send_only(lent, with_text("write", &long_text()))).unwrap();
    reader.read_exact(&mut [0]).unwrap();
    assert!(it.powerbox.revoke(lent));
    it.vat.run(|turn| turn.send_only(console, with_text("write", "end."))).unwrap();
    let (mut all, mut byte) = (Vec::new(), [0]);
    while !all.ends_with(b"end.") {
        reader.read_exact(&mut byte).unwrap();
        all.push(byte[0]);
    }
    assert!(all.len() < long_text().len(), "all of it went out");
}

#[test]
fn who_has_what_was_narrowed_gives_it_back() {
    let it = setting();
    let root = it.directory(Access::ReadWrite);
    let narrowed = it.narrow(root, &says("read-only"));
    let below = it.narrow(narrowed, &with_text("open", "."));
    assert_eq!(it.ask(narrowed, &says("end")), Ok(Value::Undefined));
    assert_eq!(it.rule(below, &says("list")), "revoked");
    assert_eq!(it.rule(root, &says("end")), "not-permitted");
    assert!(it.ask(root, &says("list")).is_ok());
}

#[test]
fn a_powerbox_that_ends_tells_everybody() {
    let it = setting();
    let clock = it.powerbox.clock(ClockGrant::Real).unwrap();
    let promise = it.vat.run(|turn| turn.send(clock, [Value::symbol("after"), HOUR.into()])).unwrap();
    assert!(it.peer.settle(SOON));
    drop(it.powerbox);
    assert!(it.peer.settle(SOON));
    match it.vat.peek(|turn| turn.standing(promise)).unwrap() {
        Standing::Broken(Value::Error(error)) => assert_eq!(error.rule, "closed"),
        other => panic!("{other:?}"),
    }
    let later = it.vat.ask(clock, says("now"), SOON).unwrap_err();
    assert_eq!(later.rule_name(), Some("stale-reference"));
    // The other way round: nobody is left to be told.
    let other = setting();
    let clock = other.powerbox.clock(ClockGrant::Real).unwrap();
    other.vat.run(|turn| turn.send(clock, [Value::symbol("after"), HOUR.into()])).unwrap();
    drop(other.peer);
    drop(other.powerbox);
}

#[test]
fn a_caretaker_and_a_membrane_take_back_what_was_lent() {
    let it = setting();
    std::fs::create_dir(it.folder.path().join("d")).unwrap();
    let root = it.directory(Access::ReadWrite);
    let (lent, end) = it.vat.run(|turn| library::caretaker(turn, root)).unwrap();
    assert!(it.ask(lent, &says("list")).is_ok());
    it.vat.run(|turn| turn.call(end, &[])).unwrap();
    assert_eq!(it.rule(lent, &says("list")), "revoked");
    // What is narrowed through a membrane is inside of it too.
    let (inside, end) = it.vat.run(|turn| library::membrane(turn, root)).unwrap();
    let below = it.narrow(inside, &with_text("open", "d"));
    let file = it.narrow(below, &with_text("file", "f"));
    assert!(!below.vat().is_session() && !file.vat().is_session());
    assert_eq!(it.ask(file, &with_text("write", "through both")), Ok(Value::Undefined));
    it.vat.run(|turn| turn.call(end, &[])).unwrap();
    for gone in [inside, below, file] {
        assert_eq!(it.rule(gone, &says("methods")), "revoked");
    }
    assert_eq!(it.ask(root, &with_text("text", "d/f")), Ok("through both".into()));
}

#[test]
fn a_reference_that_was_kept_is_good_for_nothing_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let grant = hob_cap::FsGrant::parse(&format!("{}::/:rw", folder.path().display())).unwrap();
    let store = Arc::new(MemoryStore::new());
    let peer = || Peer::builder().threads(1).store(Arc::clone(&store) as _).build().unwrap();
    let kept = {
        let peer = peer();
        let powerbox = Powerbox::open(&peer).unwrap();
        let vat = peer.vat("main").unwrap();
        let directory = powerbox.directory(&grant).unwrap();
        vat.publish("docs", directory).unwrap();
        vat.ask(directory, with_texts("write", "a", "first"), SOON).unwrap();
        directory
    };
    let peer = peer();
    let powerbox = Powerbox::open(&peer).unwrap();
    let vat = peer.vat("main").unwrap();
    // It has the same place in its session as the first one had.
    let now = powerbox.directory(&grant).unwrap();
    let found = vat.find("docs").unwrap().unwrap();
    assert_eq!(found, kept);
    assert_ne!(found, now);
    let refused = vat.ask(found, with_texts("write", "a", "second"), SOON).unwrap_err();
    assert_eq!(refused.rule_name(), Some("stale-reference"));
    assert!(refused.to_string().contains("it ended, or the process did"), "{refused}");
    assert!(!powerbox.revoke(found), "it is none of this powerbox");
    assert_eq!(vat.ask(now, with_text("text", "a"), SOON), Ok("first".into()));
}

#[test]
fn messages_sent_ahead_are_for_what_the_answer_is() {
    let it = setting();
    std::fs::create_dir(it.folder.path().join("d")).unwrap();
    it.put("d/a", "below");
    let root = it.directory(Access::ReadWrite);
    let ahead = |first: Vec<Value>| {
        let cell = it
            .vat
            .run(|turn| {
                let below = turn.send(root, first)?;
                let promises = [
                    turn.send(below, with_texts("append", "a", " one"))?,
                    turn.send(below, with_texts("append", "a", " two"))?,
                    turn.send(below, with_text("text", "a"))?,
                ];
                let all: Vec<Value> = promises.into_iter().map(Value::Ref).collect();
                library::all_of(turn, &all)
            })
            .unwrap();
        it.vat.ask(cell, [], SOON)
    };
    let all = ahead(with_text("open", "d").to_vec()).unwrap();
    assert_eq!(all.as_list().unwrap()[2], "below one two".into());
    assert_eq!(ahead(with_text("open", "none").to_vec()).unwrap_err().rule_name(), Some("not-found"));
    it.quiet();
    assert_eq!(it.powerbox.ledger().used(Limit::HostBuffer), 0);
}

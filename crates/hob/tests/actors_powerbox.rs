//! A module that is given a directory: what it can do with it, and without it, and what looking back does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

use std::sync::Arc;
use std::time::Duration;

use hob::powerbox::Powerbox;
use hob::vat::history::{History, Step};
use hob::vat::{Kinds, MemoryStore, Peer, Problem, Ref, TurnStore, Value, Vat};
use hob::{Access, Actor, Choice, FsGrant, Host};
use util::BOTH;

const SOON: Duration = Duration::from_secs(30);

fn notes(choice: Choice) -> Arc<Actor> {
    let host = Host::builder().engine(choice).actors().build().unwrap();
    host.load(util::guest("actor-notes-rust")).unwrap().actor().unwrap()
}

fn grant(folder: &tempfile::TempDir, access: Access) -> FsGrant {
    FsGrant::parse(&format!("{}::/:{access}", folder.path().display())).unwrap()
}

/// Makes notes with a directory, or without one.
fn spawn(vat: &Vat, kind: &Arc<Actor>, directory: Value) -> Ref {
    let state = Value::list(["notes".into(), directory, Value::list([])]);
    vat.run(|turn| turn.spawn(Arc::clone(kind), state)).unwrap()
}

fn ask(vat: &Vat, to: Ref, said: &[&str]) -> Result<Value, Problem> {
    let mut args = vec![Value::symbol(said[0])];
    args.extend(said[1..].iter().map(|text| Value::from(*text)));
    vat.ask(to, args, SOON)
}

fn rule(done: Result<Value, Problem>) -> String {
    done.unwrap_err().rule_name().unwrap().to_owned()
}

#[test]
fn notes_are_kept_in_the_directory_that_was_given() {
    for choice in BOTH {
        let (folder, kind) = (tempfile::tempdir().unwrap(), notes(choice));
        let peer = Peer::builder().threads(1).build().unwrap();
        let vat = peer.vat("main").unwrap();
        let powerbox = Powerbox::open(&peer).unwrap();
        let directory = powerbox.directory(&grant(&folder, Access::ReadWrite)).unwrap();

        // Without a directory there is nothing.
        let poor = spawn(&vat, &kind, ().into());
        assert_eq!(rule(ask(&vat, poor, &["write", "a", "x"])), "no-directory");

        let it = spawn(&vat, &kind, directory.into());
        assert_eq!(ask(&vat, it, &["write", "a", "one"]), Ok(().into()));
        assert_eq!(ask(&vat, it, &["write", "a", " two"]), Ok(().into()));
        assert_eq!(ask(&vat, it, &["read", "a"]), Ok("one two".into()));
        assert_eq!(rule(ask(&vat, it, &["read", "../a"])), "outside");
        assert_eq!(rule(ask(&vat, it, &["read", "none"])), "not-found");
        assert_eq!(std::fs::read_to_string(folder.path().join("a")).unwrap(), "one two");
        let heard = ask(&vat, it, &["heard"]).unwrap();
        assert_eq!(heard.as_list().unwrap().len(), 5);

        // What it lends can be read and not written, also by another of its kind.
        let lent = ask(&vat, it, &["lend"]).unwrap();
        let reader = spawn(&vat, &kind, lent);
        assert_eq!(ask(&vat, reader, &["read", "a"]), Ok("one two".into()));
        let refused = ask(&vat, reader, &["write", "a", "x"]).unwrap_err();
        assert_eq!(refused.rule_name(), Some("not-permitted"));
        assert!(refused.to_string().contains("this may only be read"), "{refused}");

        // Taken back in the middle.
        assert!(powerbox.revoke(directory));
        assert_eq!(rule(ask(&vat, it, &["write", "a", "x"])), "revoked");
        assert_eq!(rule(ask(&vat, reader, &["read", "a"])), "revoked");
        assert_eq!(std::fs::read_to_string(folder.path().join("a")).unwrap(), "one two");
    }
}

#[test]
fn looking_back_comes_to_the_same_states_without_the_directory() {
    for choice in BOTH {
        let (folder, kind) = (tempfile::tempdir().unwrap(), notes(choice));
        let kinds = Kinds::library().with(Arc::clone(&kind));
        let store = Arc::new(MemoryStore::new());
        let (vat, it, heard) = {
            let builder = Peer::builder().threads(1).store(Arc::clone(&store) as _).kinds(kinds.clone());
            let peer = builder.snapshot_every(None).build().unwrap();
            let vat = peer.vat("main").unwrap();
            let powerbox = Powerbox::open(&peer).unwrap();
            let directory = powerbox.directory(&grant(&folder, Access::ReadWrite)).unwrap();
            let it = spawn(&vat, &kind, directory.into());
            vat.publish("notes", it).unwrap();
            for text in ["one", " two", " three"] {
                // Not from the program, so that the turn can be run again.
                vat.send_only(it, [Value::symbol("write"), "a".into(), text.into()]).unwrap();
            }
            vat.send_only(it, [Value::symbol("read"), "none".into()]).unwrap();
            let heard = loop {
                // A look leaves no record, so every record is of messages.
                let heard = vat.peek(|turn| turn.call(it, &[Value::symbol("heard")])).unwrap();
                if heard.as_list().unwrap().len() == 4 {
                    break heard;
                }
                std::thread::yield_now();
            };
            (vat.id(), it, heard)
        };
        assert_eq!(std::fs::read_to_string(folder.path().join("a")).unwrap(), "one two three");
        let path = folder.path().to_owned();
        folder.close().unwrap();
        assert!(!path.exists());

        let history = History::new(&*store);
        let records = store.extent(&format!("vat/{}", vat.number())).unwrap().next;
        let mut again = 0;
        for step in history.replay(vat, 0, records, &kinds).unwrap() {
            match step.unwrap() {
                Step::Same(_) => again += 1,
                Step::Applied(_) => {}
                Step::Differs(divergence) => panic!("{divergence:?}"),
            }
        }
        assert!(again > 0, "no record was run again");
        let mut past = history.at(vat, records).unwrap().actormap(&kinds).unwrap();
        assert_eq!(past.peek(|turn| turn.call(it, &[Value::symbol("heard")])), Ok(heard));
        assert!(!path.exists(), "looking back touched the machine");

        // A reference that was kept is none to what another process gives.
        let other = tempfile::tempdir().unwrap();
        let peer =
            Peer::builder().threads(1).store(Arc::clone(&store) as _).kinds(kinds.clone()).build().unwrap();
        let powerbox = Powerbox::open(&peer).unwrap();
        powerbox.directory(&grant(&other, Access::ReadWrite)).unwrap();
        let vat = peer.vat("main").unwrap();
        assert_eq!(rule(ask(&vat, it, &["write", "a", "x"])), "stale-reference");
        assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0);
    }
}

#[path = "../examples/powerbox.rs"]
mod powerbox;

#[test]
fn the_example_runs() {
    powerbox::main().unwrap();
}

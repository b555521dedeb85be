//! Durable vats: sleeping and waking, upgrades, collection, sessions and vats that end before those that ask them, and stores that
//! refuse.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hob_vat::history::{History, How};
use hob_vat::record::{Stored, TurnRecord};
use hob_vat::{
    Answer, Append, Claim, Extent, Kind, Kinds, Me, MemoryStore, Message, Peer, PeerBuilder, Problem, Ref,
    Session, StoreError, Turn, TurnStore, Value, Vat, kind_fn, library::CELL,
};

const SOON: Duration = Duration::from_secs(20);

/// Adds what it is sent to a list, and answers with the list.
struct List {
    version: u32,
}

impl Kind for List {
    fn name(&self) -> &str {
        "test.list"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn call(&self, _: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let items = [me.state().as_list().unwrap_or_default(), args].concat();
        if args.is_empty() { Ok(Value::list(items).into()) } else { Ok(me.becomes(Value::list(items))) }
    }

    fn upgrade(&self, from: u32, state: Value) -> Result<Value, Problem> {
        match state.as_list() {
            Some(items) if items.len() < 3 => Ok(Value::list([items, &[from.into()]].concat())),
            _ => Err(Problem::rule("too-long", "a list of three is not upgraded".into())),
        }
    }
}

static OLD: List = List { version: 0 };
static NEW: List = List { version: 1 };

/// Gives a promise to whoever asks, and keeps it with what it is told.
struct Later;

static LATER: Later = Later;

impl Kind for Later {
    fn name(&self) -> &str {
        "test.later"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        match args {
            [] => {
                let (promise, resolver) = turn.promise()?;
                Ok(me.becomes(resolver.into()).saying(promise))
            }
            // Whatever another answers.
            [Value::Ref(to)] => Ok(turn.send(*to, [])?.into()),
            [value] => {
                let resolver = me.state().as_ref().ok_or_else(|| Problem::refused("nobody asked"))?;
                turn.fulfill(resolver, value.clone())?;
                Ok(().into())
            }
            _ => Err(Problem::no_method(args, &[])),
        }
    }
}

fn kinds(list: &'static List) -> Kinds {
    Kinds::library().with(list).with(&LATER)
}

fn quiet(store: &Arc<MemoryStore>) -> PeerBuilder {
    Peer::builder().threads(0).store(Arc::clone(store) as _).kinds(kinds(&OLD)).snapshot_every(None)
}

fn publish(vat: &Vat, name: &str, make: impl FnOnce(&mut Turn) -> Result<Ref, Problem>) -> Ref {
    let made = vat.run(make).unwrap();
    vat.publish(name, made).unwrap();
    vat.release(made);
    made
}

fn list(vat: &Vat) -> Ref {
    publish(vat, "list", |turn| turn.spawn(&OLD, Value::list([])))
}

fn call(vat: &Vat, to: Ref, args: &[Value]) -> Value {
    vat.run(|turn| turn.call(to, args)).unwrap()
}

fn records(store: &MemoryStore, vat: u32) -> Vec<TurnRecord> {
    let extent = store.extent(&format!("vat/{vat}")).unwrap();
    let read = store.read(&format!("vat/{vat}"), extent.first, 10_000).unwrap();
    read.iter().map(|record| TurnRecord::decode(record).unwrap()).collect()
}

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

/// Counts how often each vat's stream is read from.
#[derive(Default)]
struct Counting {
    store: MemoryStore,
    read: Mutex<Vec<String>>,
    /// Whether a record of this stream is refused.
    refuses: Mutex<Option<String>>,
}

impl TurnStore for Counting {
    fn claim(&self, stream: &str) -> Result<Claim, StoreError> {
        self.store.claim(stream)
    }

    fn extent(&self, stream: &str) -> Result<Extent, StoreError> {
        self.store.extent(stream)
    }

    fn read(&self, stream: &str, from: u64, at_most: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read.lock().unwrap().push(stream.into());
        self.store.read(stream, from, at_most)
    }

    fn snapshot(&self, stream: &str) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        self.store.snapshot(stream)
    }

    fn append(&self, entries: &[Append<'_>]) -> Vec<Result<(), StoreError>> {
        let refuses = self.refuses.lock().unwrap().clone();
        let each = entries.iter().map(|entry| match &refuses {
            Some(stream) if stream == entry.stream => Err(StoreError::Failed("the disk is full".into())),
            _ => self.store.append(&[*entry]).pop().unwrap(),
        });
        each.collect()
    }

    fn replace(&self, stream: &str, fence: u64, at: u64, snapshot: &[u8]) -> Result<(), StoreError> {
        self.store.replace(stream, fence, at, snapshot)
    }
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

/// Keeps what it is handed.
#[derive(Default)]
struct Taken(Mutex<Vec<Message>>);

impl Session for Taken {
    fn deliver(&self, messages: Vec<Message>) {
        self.0.lock().unwrap().extend(messages);
    }
}

#[test]
fn what_only_a_session_could_answer_is_broken_when_it_is_gone() {
    let store = Arc::new(MemoryStore::new());
    let ask = |vat: &Vat, to: Ref| {
        let waits = publish(vat, "waits", |turn| {
            let answer = turn.send(to, ["?".into()])?;
            turn.spawn(&CELL, answer.into())
        });
        vat.run(|turn| turn.call(waits, &[])).unwrap().as_ref().unwrap()
    };
    let standing = |vat: &Vat, promise: Ref| vat.peek(|turn| turn.standing(promise)).unwrap();
    let broken = |vat: &Vat, promise: Ref, rule: &str| match standing(vat, promise) {
        hob_vat::Standing::Broken(reason) => {
            assert_eq!(Problem::refused(reason.clone()).rule_name(), Some(rule), "{reason}");
        }
        other => panic!("{other:?}"),
    };
    let (old, waits, link) = {
        let peer = quiet(&store).build().unwrap();
        let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
        let taken = Arc::new(Taken::default());
        let (far, other) = (
            peer.connect(Arc::clone(&taken) as _).unwrap(),
            peer.connect(Arc::new(Taken::default())).unwrap(),
        );
        let waits = ask(&a, far.object(0, 0));
        let severed = ask(&b, other.object(0, 0));
        assert!(peer.settle(SOON));
        assert_eq!(taken.0.lock().unwrap().len(), 1);
        // A promise that stands for something behind the session.
        let link = publish(&a, "link", |turn| {
            let (promise, resolver) = turn.promise()?;
            turn.fulfill(resolver, far.object(1, 0))?;
            turn.spawn(&CELL, promise.into())
        });
        let link = call(&a, link, &[]).as_ref().unwrap();
        let written = records(&store, 1).len();
        peer.sever(other, &Value::error("closed", "the line was cut"));
        assert!(peer.settle(SOON));
        broken(&b, severed, "closed");
        assert_eq!(records(&store, 1).len(), written, "who had nothing to do with it writes nothing");
        (far, waits, link)
    };
    let peer = quiet(&store).build().unwrap();
    let a = peer.vat("a").unwrap();
    let next = peer.connect(Arc::new(Taken::default())).unwrap();
    assert_ne!(next.id(), old.id(), "what was behind the old one is not behind a new one");
    broken(&a, waits, "stale-reference");
    broken(&a, link, "stale-reference");
    let answer = a.ask(old.object(1, 0), [], SOON).unwrap_err();
    assert_eq!(answer.rule_name(), Some("stale-reference"));
}

#[test]
fn what_only_a_vat_of_the_process_could_answer_is_broken_when_it_is_gone() {
    let store = Arc::new(MemoryStore::new());
    let (gone, promise) = {
        let peer = quiet(&store).build().unwrap();
        let (a, volatile) = (peer.vat("a").unwrap(), peer.volatile_vat().unwrap());
        let later = volatile.run(|turn| turn.spawn(&LATER, ().into())).unwrap();
        let waits = publish(&a, "waits", |turn| {
            let answer = turn.send(later, [])?;
            turn.spawn(&CELL, answer.into())
        });
        assert!(peer.settle(SOON));
        (volatile.id(), call(&a, waits, &[]).as_ref().unwrap())
    };
    let peer = quiet(&store).build().unwrap();
    assert_ne!(peer.volatile_vat().unwrap().id(), gone);
    let standing = peer.vat("a").unwrap().peek(|turn| turn.standing(promise)).unwrap();
    assert!(matches!(standing, hob_vat::Standing::Broken(_)), "{standing:?}");
}

#[test]
fn an_answer_that_is_a_promise_is_waited_for() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let later = publish(&b, "later", |turn| turn.spawn(&LATER, ().into()));
    let asks = publish(&a, "asks", |turn| turn.spawn(&LATER, ().into()));
    // The answer of a is the answer of b, which is a promise that nobody keeps: without threads that shows at once.
    assert_eq!(a.ask(asks, [later.into()], SOON).unwrap_err().rule_name(), Some("deadline"));
    // It is kept while somebody waits.
    let peer = Peer::builder().threads(2).kinds(kinds(&OLD)).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let later = b.run(|turn| turn.spawn(&LATER, ().into())).unwrap();
    let asks = a.run(|turn| turn.spawn(&LATER, ().into())).unwrap();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| a.ask(asks, [later.into()], SOON));
        while b.run(|turn| turn.call(later, &["at last".into()])).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(asked.join().unwrap().unwrap(), "at last".into());
    });
}

#[test]
fn a_promise_between_vats_outlives_a_restart() {
    let store = Arc::new(MemoryStore::new());
    let (waits, later) = {
        let peer = quiet(&store).build().unwrap();
        let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
        let later = publish(&b, "later", |turn| turn.spawn(&LATER, ().into()));
        let waits = publish(&a, "waits", |turn| {
            let answer = turn.send(later, [])?;
            turn.spawn(&CELL, answer.into())
        });
        assert!(peer.settle(SOON));
        (waits, later)
    };
    let peer = quiet(&store).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let promise = call(&a, waits, &[]).as_ref().unwrap();
    call(&b, later, &["at last".into()]);
    assert!(peer.settle(SOON));
    let standing = a.peek(|turn| turn.standing(promise)).unwrap();
    assert_eq!(standing, hob_vat::Standing::Value("at last".into()));
}

#[test]
fn who_cannot_write_halts_alone_and_is_whole_after_a_restart() {
    let store = Arc::new(Counting::default());
    let builder = || Peer::builder().threads(0).store(Arc::clone(&store) as _).kinds(kinds(&OLD));
    let (one, other) = {
        let peer = builder().build().unwrap();
        let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
        let (one, other) = (list(&a), list(&b));
        *store.refuses.lock().unwrap() = Some("vat/2".into());
        let refused = b.run(|turn| turn.call(other, &["lost".into()])).unwrap_err();
        assert_eq!(refused.to_string(), "store: the disk is full");
        *store.refuses.lock().unwrap() = None;
        assert_eq!(b.run(|turn| turn.call(other, &[])).unwrap_err(), refused, "it stays as it is");
        assert_eq!(b.peek(|turn| turn.call(other, &[])).unwrap_err(), refused);
        a.run(|turn| {
            turn.call(one, &["kept".into()])?;
            turn.send_only(other, ["from a".into()])
        })
        .unwrap();
        // Nobody says that it failed: it will happen.
        assert_eq!(a.ask(other, ["asked".into()], SOON).unwrap_err(), refused);
        assert!(peer.settle(SOON));
        (one, other)
    };
    let peer = builder().build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    assert!(peer.settle(SOON));
    assert_eq!(call(&a, one, &[]), Value::list(["kept".into()]));
    assert_eq!(call(&b, other, &[]), Value::list(["from a".into(), "asked".into()]));
}

#[test]
fn who_asks_a_vat_that_halts_is_told_at_once() {
    let store = Arc::new(Counting::default());
    let peer = Peer::builder().threads(0).store(Arc::clone(&store) as _).kinds(kinds(&OLD)).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let (one, other) = (list(&a), list(&b));
    assert_eq!(a.ask(other, [], SOON).unwrap(), Value::list([]));
    *store.refuses.lock().unwrap() = Some("vat/1".into());
    let answer = a.ask(one, [], SOON).unwrap_err();
    assert_eq!(answer.to_string(), "store: the disk is full");
}

#[test]
fn a_second_peer_takes_everything_over() {
    let store = Arc::new(MemoryStore::new());
    let first = quiet(&store).build().unwrap();
    let (a, b) = (first.vat("a").unwrap(), first.vat("b").unwrap());
    let (one, other) = (list(&a), list(&b));
    a.run(|turn| turn.send_only(other, ["once".into()])).unwrap();
    let second = quiet(&store).build().unwrap();
    assert!(second.settle(SOON));
    // The first one delivers it, too, and cannot write that down.
    assert!(first.settle(SOON));
    for (vat, to) in [(&a, one), (&b, other)] {
        let refused = vat.run(|turn| turn.call(to, &["no".into()])).unwrap_err();
        assert!(refused.to_string().ends_with("was taken over by another process"), "{refused}");
    }
    assert!(first.vat("c").is_err() && first.volatile_vat().is_err());
    assert_eq!(call(&second.vat("b").unwrap(), other, &[]), Value::list(["once".into()]));
    assert_eq!(call(&second.vat("a").unwrap(), one, &[]), Value::list([]));
}

#[test]
fn a_sender_keeps_no_more_than_what_has_not_arrived() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).snapshot_every(Some(100)).build().unwrap();
    let (a, b) = (peer.vat("a").unwrap(), peer.vat("b").unwrap());
    let to = publish(&b, "cell", |turn| turn.spawn(&CELL, ().into()));
    for number in 0..450 {
        a.run(|turn| turn.send_only(to, [Value::from(number)])).unwrap();
        assert!(peer.settle(SOON));
    }
    let (_, snapshot) = store.snapshot("vat/1").unwrap().unwrap();
    let snapshot = hob_vat::record::Snapshot::decode(&snapshot).unwrap();
    assert_eq!(snapshot.unacknowledged.len(), 1, "the one that this record sends");
    assert_eq!(snapshot.sent.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [400]);
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

#[test]
fn several_threads_may_drive_a_peer_without_threads() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    let vats: Vec<Vat> = (0..2).map(|number| peer.vat(&format!("v{number}")).unwrap()).collect();
    let lists: Vec<Ref> = vats.iter().map(list).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (vats, lists) = (&vats, &lists);
            scope.spawn(move || {
                for number in 0..50 {
                    let at = (thread + number) % 2;
                    call(&vats[at], lists[at], &["x".into()]);
                }
            });
        }
    });
    for (vat, to) in vats.iter().zip(&lists) {
        assert_eq!(call(vat, *to, &[]).as_list().unwrap().len(), 100);
    }
}

#[test]
fn a_peer_that_ended_says_so() {
    let store = Arc::new(MemoryStore::new());
    let peer = quiet(&store).build().unwrap();
    let vat = peer.vat("a").unwrap();
    let to = list(&vat);
    drop(peer);
    for _ in 0..2 {
        let ended = vat.run(|turn| turn.call(to, &["x".into()])).unwrap_err();
        assert_eq!(ended.to_string(), "store: the peer has ended");
    }
}

//! What tests of durable vats share: actors, a store that can be told to refuse, and small words for small programs.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it, and a test may fail loudly"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hob_vat::record::TurnRecord;
use hob_vat::{
    Answer, Append, Claim, Extent, Kind, Kinds, Me, MemoryStore, Peer, PeerBuilder, Problem, Ref, Standing,
    StoreError, Turn, TurnStore, Value, Vat,
};

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Adds what it is sent to a list, and answers with the list.
pub(crate) struct List {
    pub(crate) version: u32,
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

pub(crate) static OLD: List = List { version: 0 };
pub(crate) static NEW: List = List { version: 1 };

/// Gives a promise to whoever asks, and keeps it with what it is told.
pub(crate) struct Later;

pub(crate) static LATER: Later = Later;

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

pub(crate) fn kinds(list: &'static List) -> Kinds {
    Kinds::library().with(list).with(&LATER)
}

pub(crate) fn quiet(store: &Arc<MemoryStore>) -> PeerBuilder {
    Peer::builder().threads(0).store(Arc::clone(store) as _).kinds(kinds(&OLD)).snapshot_every(None)
}

pub(crate) fn publish(vat: &Vat, name: &str, make: impl FnOnce(&mut Turn) -> Result<Ref, Problem>) -> Ref {
    let made = vat.run(make).unwrap();
    vat.publish(name, made).unwrap();
    vat.release(made);
    made
}

pub(crate) fn list(vat: &Vat) -> Ref {
    publish(vat, "list", |turn| turn.spawn(&OLD, Value::list([])))
}

pub(crate) fn call(vat: &Vat, to: Ref, args: &[Value]) -> Value {
    vat.run(|turn| turn.call(to, args)).unwrap()
}

pub(crate) fn records(store: &MemoryStore, vat: u32) -> Vec<TurnRecord> {
    let extent = store.extent(&format!("vat/{vat}")).unwrap();
    let read = store.read(&format!("vat/{vat}"), extent.first, 10_000).unwrap();
    read.iter().map(|record| TurnRecord::decode(record).unwrap()).collect()
}

/// Counts how often each vat's stream is read from.
#[derive(Default)]
pub(crate) struct Counting {
    pub(crate) store: MemoryStore,
    pub(crate) read: Mutex<Vec<String>>,
    /// Whether a record of this stream is refused.
    pub(crate) refuses: Mutex<Option<String>>,
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

/// Why a promise was broken, or what has become of it, in short.
pub(crate) fn told(vat: &Vat, promise: Ref) -> String {
    let standing = vat.run(|turn| {
        Ok(match turn.standing(promise)? {
            Standing::Broken(reason) => Problem::refused(reason).to_string(),
            other => format!("{other:?}").chars().take(20).collect(),
        })
    });
    standing.unwrap()
}

//! Any bytes as the last record of a vat are refused and named, or read: then they are written as they were, and the vat lives on, or
//! says why not. No panic, no loop, no more memory than the bytes account for.

use std::sync::Arc;
use std::time::Duration;

use hob_vat::history::History;
use hob_vat::record::{Snapshot, TurnRecord};
use hob_vat::{Append, MemoryStore, Peer, Problem, TurnStore, Value, library, library::CELL};

/// Steps of a peer without threads, most of which it will not need.
const STEPS: u32 = 200;

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    if let Ok(snapshot) = Snapshot::decode(bytes) {
        same(bytes, snapshot.encode())?;
    }
    match TurnRecord::decode(bytes) {
        Ok(record) => same(bytes, record.encode())?,
        Err(problem) if problem.to_string().chars().any(char::is_control) => {
            return Err(format!("{problem:?} is not fit to show"));
        }
        Err(_) => return Ok(()),
    }
    let mut records = recorded().map_err(|problem| problem.to_string())?;
    let before = live(&store(&records));
    if before.is_err() {
        return Err(format!("what was written is not read: {before:?}"));
    }
    records.push(bytes.to_vec());
    // What is wrong is an error, whichever it is.
    drop(live(&store(&records)));
    Ok(())
}

fn same(bytes: &[u8], again: Result<Vec<u8>, Problem>) -> Result<(), String> {
    match again {
        Ok(again) if again == bytes => Ok(()),
        Ok(again) => Err(format!("it is written as {}", again.escape_ascii())),
        Err(problem) => Err(format!("it is not written: {problem}")),
    }
}

/// Reads the vat, looks back at it, and lets it do something.
fn live(store: &Arc<MemoryStore>) -> Result<(), Problem> {
    let history = History::new(&**store);
    for vat in history.vats()? {
        let past = history.at(vat.id, vat.records.next)?;
        let kinds = hob_vat::Kinds::library();
        past.actormap(&kinds)?.churn();
        history.replay(vat.id, 0, vat.records.next, &kinds)?.for_each(drop);
    }
    let peer = Peer::builder().threads(0).store(Arc::clone(store) as _).build()?;
    let vat = peer.vat("a")?;
    let made = vat.run(|turn| turn.spawn(&CELL, 1.into()))?;
    if let Some(found) = vat.find("counter")? {
        drop(vat.run(|turn| turn.send(found, [Value::symbol("add")])));
    }
    for _ in 0..STEPS {
        if !peer.step(0) {
            break;
        }
    }
    vat.collect()?;
    match vat.run(|turn| turn.call(made, &[]))? {
        Value::Int(one) if one.to_i64() == Some(1) => Ok(()),
        other => Err(Problem::refused(other)),
    }
}

/// The records of a vat with a little in it.
fn recorded() -> Result<Vec<Vec<u8>>, Problem> {
    let store = Arc::new(MemoryStore::new());
    let peer = Peer::builder().threads(0).store(Arc::clone(&store) as _).snapshot_every(None).build()?;
    let vat = peer.vat("a")?;
    let counter = vat.run(|turn| library::counter(turn, 1))?;
    vat.publish("counter", counter)?;
    vat.run(|turn| {
        let (promise, resolver) = turn.promise()?;
        turn.send_only(promise, [Value::symbol("add")])?;
        let cell = turn.spawn(&CELL, Value::list([promise.into(), turn.seal(counter, 1.into())]))?;
        turn.fulfill(resolver, counter).map(|()| cell)
    })?;
    if !peer.settle(Duration::from_secs(10)) {
        return Err(Problem::refused("it does not come to rest"));
    }
    store.read("vat/1", 0, 100).map_err(|error| Problem::refused(error.to_string()))
}

fn store(records: &[Vec<u8>]) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let put = |stream: &str, records: &[Vec<u8>]| {
        let Ok(claim) = store.claim(stream) else { return };
        for (record, at) in records.iter().zip(claim.next..) {
            drop(store.append(&[Append { stream, fence: claim.fence, at, record }]));
        }
    };
    put("peer", &[b"<3'vat1+1\"a>".to_vec()]);
    put("vat/1", records);
    store
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = recorded().unwrap_or_default();
    seeds.extend(Snapshot::default().encode());
    seeds
}

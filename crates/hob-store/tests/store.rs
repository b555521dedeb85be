//! Streams: claims, places, snapshots, batches, limits, files.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test may fail loudly")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hob_store::{Error, NAME_MAX, RECORD_MAX, RECORDS_MAX, Store, Stream};

fn text(records: Vec<Vec<u8>>) -> Vec<String> {
    records.into_iter().map(|record| String::from_utf8(record).unwrap()).collect()
}

#[test]
fn who_claimed_last_writes() {
    let store = Store::in_memory().unwrap();
    let old = store.claim("s").unwrap();
    assert_eq!(store.append(&old, 0, &["a", "b"]).unwrap(), 2);
    let new = store.claim("s").unwrap();
    let refused = store.append(&old, 2, &["x"]).unwrap_err();
    assert!(matches!(refused, Error::Fenced { mine: 1, now: 2, .. }));
    assert!(matches!(store.snapshot(&old, 1, b"x").unwrap_err(), Error::Fenced { .. }));
    assert!(matches!(store.truncate(&old, 1).unwrap_err(), Error::Fenced { .. }));
    assert_eq!(store.append(&new, 2, &["c"]).unwrap(), 3);
    assert_eq!(text(store.read("s", 0, 9).unwrap()), ["a", "b", "c"]);
    assert_eq!(store.stream("s").unwrap(), Some(Stream { claim: 2, first: 0, next: 3 }));
}

#[test]
fn of_two_that_write_at_one_place_one_is_refused() {
    let store = Store::in_memory().unwrap();
    let fence = store.claim("s").unwrap();
    store.append(&fence, 0, &["a"]).unwrap();
    for expected in [0, 2] {
        let refused = store.append(&fence, expected, &["x"]).unwrap_err();
        assert!(matches!(refused, Error::Moved { next: 1, .. }), "{expected}");
    }
    assert_eq!(text(store.read("s", 0, 9).unwrap()), ["a"]);
}

#[test]
fn a_snapshot_stands_for_what_came_before() {
    let store = Store::in_memory().unwrap();
    let (fence, other) = (store.claim("s").unwrap(), store.claim("s2").unwrap());
    store.append(&fence, 0, &["a", "b", "c"]).unwrap();
    store.append(&other, 0, &["z"]).unwrap();
    store.snapshot(&fence, 2, b"ab").unwrap();
    assert_eq!(store.last_snapshot("s").unwrap(), Some((2, b"ab".to_vec())));
    assert_eq!(text(store.read("s", 2, 9).unwrap()), ["c"]);
    assert!(matches!(store.read("s", 1, 9).unwrap_err(), Error::Forgotten { first: 2, .. }));
    assert!(matches!(store.snapshot(&fence, 4, b"x").unwrap_err(), Error::Moved { next: 3, .. }));
    store.truncate(&fence, 3).unwrap();
    store.truncate(&fence, 1).unwrap();
    assert_eq!(store.append(&fence, 3, &["d"]).unwrap(), 4);
    assert_eq!(text(store.read("s", 3, 9).unwrap()), ["d"]);
    assert_eq!(text(store.read("s2", 0, 9).unwrap()), ["z"], "another stream is another");
}

#[test]
fn a_batch_is_durable_as_a_whole() {
    let store = Store::in_memory().unwrap();
    let fences: Vec<_> = ["a", "b"].iter().map(|name| store.claim(name).unwrap()).collect();
    let told = Arc::new(AtomicU32::new(0));
    for commit in [false, true] {
        let mut batch = store.begin().unwrap();
        for fence in &fences {
            batch.append(fence, 0, &["x"]).unwrap();
            assert!(batch.append(fence, 0, &["y"]).is_err(), "refused, and the others go on");
            let told = Arc::clone(&told);
            batch.then(move || {
                told.fetch_add(1, Ordering::Relaxed);
            });
        }
        if commit {
            batch.commit().unwrap();
        }
        let count = |name| store.read(name, 0, 9).unwrap().len();
        assert_eq!((count("a"), count("b")), if commit { (1, 1) } else { (0, 0) });
        assert_eq!(told.load(Ordering::Relaxed), if commit { 2 } else { 0 });
    }
}

#[test]
fn limits() {
    let store = Store::in_memory().unwrap();
    let name = "n".repeat(NAME_MAX);
    let fence = store.claim(&name).unwrap();
    assert!(matches!(store.claim(&format!("{name}n")).unwrap_err(), Error::TooLarge { .. }));
    let record = vec![0_u8; RECORD_MAX + 1];
    assert_eq!(store.append(&fence, 0, &[&record[1..]]).unwrap(), 1);
    assert!(matches!(store.append(&fence, 1, &[&record]).unwrap_err(), Error::TooLarge { .. }));
    assert!(store.snapshot(&fence, 1, &record[1..]).is_ok());
    assert!(matches!(store.snapshot(&fence, 1, &record).unwrap_err(), Error::TooLarge { .. }));
    let many = vec![b"x"; RECORDS_MAX + 1];
    assert!(store.append(&fence, 1, &many[1..]).is_ok());
    assert!(matches!(store.append(&fence, 1, &many).unwrap_err(), Error::TooLarge { .. }));
}

#[test]
fn a_file_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for round in 0..3_u64 {
        let store = Store::open(&path).unwrap();
        assert!(Store::open(&path).is_err(), "one process has it open at a time");
        let fence = store.claim("s").unwrap();
        assert_eq!(store.append(&fence, round, &[round.to_string()]).unwrap(), round + 1);
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(text(store.read("s", 0, 9).unwrap()), ["0", "1", "2"]);
}

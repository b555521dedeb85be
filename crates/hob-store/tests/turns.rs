//! What every store of turns promises, held against each of them: in memory, in redb, in SQLite.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::Path;
use std::sync::Arc;

use hob_store::{SqliteStore, Store};
use hob_vat::{Append, Claim, Extent, MemoryStore, RECORD_BYTES_MAX, STREAM_NAME_MAX, StoreError, TurnStore};

type Shared = Arc<dyn TurnStore>;

/// A way to open a store again, after it was dropped.
trait Open {
    fn open(&self) -> Shared;
}

impl<F: Fn() -> Shared> Open for F {
    fn open(&self) -> Shared {
        self()
    }
}

/// Runs a check against every store, each empty.
fn each(check: fn(&dyn Open)) {
    let memory: Shared = Arc::new(MemoryStore::new());
    check(&|| Arc::clone(&memory));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redb");
    check(&|| Arc::new(Store::open(&path).unwrap()) as Shared);
    let path = folder.path().join("sqlite");
    check(&|| Arc::new(SqliteStore::open(&path).unwrap()) as Shared);
}

fn entry<'a>(stream: &'a str, fence: u64, at: u64, record: &'a [u8]) -> Append<'a> {
    Append { stream, fence, at, record }
}

fn append(store: &Shared, stream: &str, fence: u64, at: u64, record: &[u8]) -> Result<(), StoreError> {
    let results = store.append(&[entry(stream, fence, at, record)]);
    let [result] = <[_; 1]>::try_from(results).unwrap();
    result
}

fn claim(store: &Shared, stream: &str) -> u64 {
    store.claim(stream).unwrap().fence
}

fn moved(stream: &str, next: u64, at: u64) -> StoreError {
    StoreError::Moved { stream: stream.into(), next, at }
}

#[test]
fn who_claimed_last_writes() {
    each(|open| {
        let store = open.open();
        assert_eq!(append(&store, "a", 0, 0, b"x"), Err(StoreError::Fenced("a".into())), "nobody claimed it");
        assert_eq!(store.extent("a").unwrap(), Extent::default());
        let old = store.claim("a").unwrap();
        assert_eq!((old.next, append(&store, "a", old.fence, 0, b"x")), (0, Ok(())));
        let new = store.claim("a").unwrap();
        assert_eq!(new.next, 1);
        assert_ne!(new.fence, old.fence);
        for fence in [old.fence, new.fence + 1, 0] {
            let refused = StoreError::Fenced("a".into());
            assert_eq!(append(&store, "a", fence, 1, b"x"), Err(refused.clone()));
            assert_eq!(store.replace("a", fence, 1, b"s"), Err(refused));
        }
        assert_eq!(append(&store, "a", new.fence, 1, b"y"), Ok(()));
        assert_eq!(store.read("a", 0, 9).unwrap(), [b"x", b"y"]);
        assert_eq!(store.replace("b", 1, 0, b"s"), Err(StoreError::Fenced("b".into())), "never claimed");
    });
}

#[test]
fn several_are_claimed_at_once() {
    each(|open| {
        let store = open.open();
        let fence = claim(&store, "b");
        append(&store, "b", fence, 0, b"x").unwrap();
        let claims = store.claim_all(&["a", "b"]).unwrap();
        assert_eq!(claims.iter().map(|claim| claim.next).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(append(&store, "b", fence, 1, b"x"), Err(StoreError::Fenced("b".into())));
        for (name, Claim { fence, next }) in ["a", "b"].into_iter().zip(claims) {
            assert_eq!(append(&store, name, fence, next, b"y"), Ok(()));
        }
        assert_eq!(store.claim_all(&[]).unwrap(), []);
    });
}

#[test]
fn a_record_goes_to_the_next_place_and_no_other() {
    each(|open| {
        let store = open.open();
        let fence = claim(&store, "a");
        assert_eq!(append(&store, "a", fence, 1, b"x"), Err(moved("a", 0, 1)));
        assert_eq!(append(&store, "a", fence, 0, b"x"), Ok(()));
        assert_eq!(append(&store, "a", fence, 0, b"x"), Err(moved("a", 1, 0)));
        assert_eq!(append(&store, "a", fence, u64::MAX, b"x"), Err(moved("a", 1, u64::MAX)));
        assert_eq!(store.read("a", 1, 9).unwrap().len(), 0);
        assert_eq!(store.read("a", u64::MAX, 9).unwrap().len(), 0);
        assert_eq!(store.read("a", 0, 0).unwrap().len(), 0);
        assert_eq!(store.read("none", 0, 9).unwrap().len(), 0);
        assert_eq!(store.snapshot("none").unwrap(), None);
    });
}

#[test]
fn a_refused_entry_takes_nothing_with_it() {
    each(|open| {
        let store = open.open();
        let (a, b, c) = (claim(&store, "a"), claim(&store, "b"), claim(&store, "c"));
        let results = store.append(&[
            entry("a", a, 0, b"a0"),
            entry("b", b + 1, 0, b"no"),
            entry("a", a, 1, b"a1"),
            entry("a", a, 3, b"no"),
            entry("none", 1, 0, b"no"),
            entry("c", c, 0, b""),
            entry("a", a, 2, b"a2"),
            entry("b", b, 0, b"b0"),
        ]);
        let refused = |stream: &str| Err(StoreError::Fenced(stream.into()));
        assert_eq!(
            results,
            [Ok(()), refused("b"), Ok(()), Err(moved("a", 2, 3)), refused("none"), Ok(()), Ok(()), Ok(())]
        );
        let check = |store: &Shared| {
            assert_eq!(store.read("a", 0, 9).unwrap(), [b"a0", b"a1", b"a2"]);
            assert_eq!(store.read("b", 0, 9).unwrap(), [b"b0"]);
            assert_eq!(store.read("c", 0, 9).unwrap(), [b""]);
            assert_eq!(store.extent("none").unwrap(), Extent::default());
        };
        check(&store);
        drop(store);
        check(&open.open());
        let store = open.open();
        assert_eq!(store.append(&[entry("a", a + 1, 3, b"no")]), [refused("a")], "none is kept");
        assert_eq!(store.append(&[]), []);
    });
}

#[test]
fn records_are_read_in_order_a_few_at_a_time() {
    each(|open| {
        let store = open.open();
        // Names that are the beginnings of others.
        for name in ["a", "ab", "", "a\0"] {
            let fence = claim(&store, name);
            let records: Vec<Vec<u8>> =
                (0..300_u32).map(|number| format!("{name} {number}").into_bytes()).collect();
            let entries: Vec<_> =
                records.iter().zip(0..).map(|(record, at)| entry(name, fence, at, record)).collect();
            assert!(store.append(&entries).iter().all(Result::is_ok));
        }
        for name in ["a", "ab", "", "a\0"] {
            let text = |number: u64| format!("{name} {number}").into_bytes();
            assert_eq!(store.read(name, 255, 2).unwrap(), [text(255), text(256)]);
            assert_eq!(store.read(name, 0, 1000).unwrap(), (0..300).map(text).collect::<Vec<_>>());
            assert_eq!(store.extent(name).unwrap(), Extent { first: 0, next: 300 });
        }
    });
}

#[test]
fn a_snapshot_replaces_what_came_before() {
    each(|open| {
        let store = open.open();
        let fence = claim(&store, "a");
        for at in 0..4 {
            append(&store, "a", fence, at, &at.to_le_bytes()).unwrap();
        }
        assert_eq!(store.replace("a", fence, 5, b"no"), Err(moved("a", 4, 5)));
        store.replace("a", fence, 2, b"two").unwrap();
        assert_eq!(store.read("a", 1, 9), Err(StoreError::Forgotten("a".into())));
        assert_eq!(store.replace("a", fence, 1, b"no"), Err(StoreError::Forgotten("a".into())));
        assert_eq!(store.read("a", 2, 9).unwrap(), [2_u64.to_le_bytes(), 3_u64.to_le_bytes()]);
        store.replace("a", fence, 2, b"two again").unwrap();
        drop(store);
        let store = open.open();
        assert_eq!(store.snapshot("a").unwrap(), Some((2, b"two again".to_vec())));
        let Claim { fence, next } = store.claim("a").unwrap();
        assert_eq!(next, 4);
        store.replace("a", fence, 4, b"all").unwrap();
        assert_eq!(store.extent("a").unwrap(), Extent { first: 4, next: 4 });
        assert_eq!(append(&store, "a", fence, 4, b"x"), Ok(()));
        assert_eq!(store.read("a", 4, 9).unwrap(), [b"x"]);
    });
}

#[test]
fn what_was_kept_is_there_again() {
    each(|open| {
        for round in 0..3_u64 {
            let store = open.open();
            let Claim { fence, next } = store.claim("a").unwrap();
            assert_eq!(next, round);
            append(&store, "a", fence, round, &round.to_le_bytes()).unwrap();
        }
        assert_eq!(open.open().extent("a").unwrap(), Extent { first: 0, next: 3 });
    });
}

#[test]
fn limits() {
    each(|open| {
        let store = open.open();
        let name = "n".repeat(STREAM_NAME_MAX);
        let fence = claim(&store, &name);
        let too_long = format!("{name}n");
        assert!(matches!(store.claim(&too_long), Err(StoreError::TooLarge { size: 513, .. })));
        assert!(matches!(store.claim_all(&["a", &too_long]), Err(StoreError::TooLarge { .. })));
        let large = vec![7; RECORD_BYTES_MAX + 1];
        let results =
            store.append(&[entry(&name, fence, 0, &large), entry(&name, fence, 0, large.get(1..).unwrap())]);
        assert!(matches!(results.first(), Some(Err(StoreError::TooLarge { .. }))));
        assert_eq!(results.get(1), Some(&Ok(())));
        assert!(matches!(store.replace(&name, fence, 1, &large), Err(StoreError::TooLarge { .. })));
        store.replace(&name, fence, 1, large.get(1..).unwrap()).unwrap();
        assert_eq!(store.snapshot(&name).unwrap().unwrap().1.len(), RECORD_BYTES_MAX);
    });
}

/// Opens a file in a process of its own and says what came of it.
fn in_another_process(kind: &str, path: &Path) -> String {
    let me = std::env::current_exe().unwrap();
    let child = std::process::Command::new(me)
        .args(["--exact", "opens_what_it_is_told", "--nocapture"])
        .env("HOB_TEST_OPEN", path)
        .env("HOB_TEST_KIND", kind)
        .output()
        .unwrap();
    String::from_utf8_lossy(&child.stdout).into_owned()
}

/// The other process of [`one_process_at_a_time`]; by itself it opens a file of its own.
#[test]
fn opens_what_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var_os("HOB_TEST_OPEN").map_or_else(|| folder.path().join("new"), Into::into);
    let opened = match std::env::var("HOB_TEST_KIND").as_deref() {
        Ok("sqlite") => SqliteStore::open(&path).map(drop).map_err(|error| error.to_string()),
        _ => Store::open(&path).map(drop).map_err(|error| error.to_string()),
    };
    match opened {
        Ok(()) => println!("opened"),
        Err(error) => println!("refused: {error}"),
    }
    assert!(path.exists());
}

#[test]
fn one_process_at_a_time() {
    let check = |kind: &str, open: &dyn Fn(&Path) -> Result<Box<dyn std::any::Any>, String>| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(kind);
        let refused = format!("{} is open in another process, or twice in this one", path.display());
        let store = open(&path).unwrap();
        assert_eq!(open(&path).err(), Some(refused.clone()));
        assert!(in_another_process(kind, &path).contains(&format!("refused: {refused}")));
        drop(store);
        assert!(in_another_process(kind, &path).contains("opened"));
    };
    check("redb", &|path| Ok(Box::new(Store::open(path).map_err(|error| error.to_string())?)));
    check("sqlite", &|path| Ok(Box::new(SqliteStore::open(path).map_err(|error| error.to_string())?)));
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "a file of somebody else, which is no database at all").unwrap();
    let error = SqliteStore::open(&text).unwrap_err().to_string();
    assert!(error.ends_with("is no store of this format"), "{error}");
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("a file of somebody"));
    let other = folder.path().join("other");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let error = SqliteStore::open(&other).unwrap_err().to_string();
    assert!(error.ends_with("is no store of this format"), "{error}");
}

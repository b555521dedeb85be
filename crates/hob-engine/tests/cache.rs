//! The cache: what it believes, what it makes again, and how many processes may use it at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hob_engine::{BackendKind, Choice, Engine, EngineConfig, HostTable, Module};
use util::{bounds, limits};

const WAT: &[u8] = br#"(module (func (export "run") (result i32) (i32.const 42)))"#;

fn engine(dir: &Path, bytes_max: u64) -> Engine {
    Engine::new(EngineConfig {
        choice: Choice::Auto,
        cache_dir: Some(dir.to_owned()),
        cache_bytes_max: bytes_max,
        compile_behind: false,
        ..EngineConfig::default()
    })
}

fn runs(engine: &Engine, module: &Module) {
    let linked = engine.link(module, &Arc::new(HostTable::<()>::new())).unwrap();
    let answer = linked.instantiate((), bounds(&limits(10_000))).unwrap().call::<(), i32>("run", ()).unwrap();
    assert_eq!(answer, 42);
}

fn warm(dir: &Path) -> PathBuf {
    assert_eq!(engine(dir, 1 << 30).prewarm(WAT), Ok(true));
    fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|ext| ext == "code"))
        .unwrap()
}

fn dir() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("cache");
    (temp, dir)
}

#[test]
fn a_hit_runs_compiled_and_a_miss_runs_interpreted() {
    let (_temp, dir) = dir();
    let cold = engine(&dir, 1 << 30);
    let module = cold.load(WAT).unwrap();
    assert_eq!(module.backend(), BackendKind::Wasmi);
    runs(&cold, &module);
    warm(&dir);
    let module = cold.load(WAT).unwrap();
    assert_eq!(module.backend(), BackendKind::Wasmtime);
    runs(&cold, &module);
    assert_eq!(cold.prewarm(WAT), Ok(false));
}

#[test]
fn compiling_behind_takes_over_when_it_is_done() {
    let (_temp, dir) = dir();
    let engine = Engine::new(EngineConfig { cache_dir: Some(dir), ..EngineConfig::default() });
    let module = engine.load(WAT).unwrap();
    let linked = engine.link(&module, &Arc::new(HostTable::<()>::new())).unwrap();
    for _ in 0..2000 {
        let mut instance = linked.instantiate((), bounds(&limits(10_000))).unwrap();
        assert_eq!(instance.call::<(), i32>("run", ()).unwrap(), 42);
        if instance.backend() == BackendKind::Wasmtime {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("never compiled");
}

/// Damages the entry and checks that it is not loaded, that the module still runs, and that it can be warmed again.
fn is_not_believed(what: &str, damage: impl Fn(&Path)) {
    let (_temp, dir) = dir();
    let entry = warm(&dir);
    damage(&entry);
    let engine = engine(&dir, 1 << 30);
    let module = engine.load(WAT).unwrap();
    assert_eq!(module.backend(), BackendKind::Wasmi, "{what}");
    runs(&engine, &module);
    assert_eq!(engine.prewarm(WAT), Ok(true), "{what}");
    assert_eq!(engine.load(WAT).unwrap().backend(), BackendKind::Wasmtime, "{what}");
}

#[test]
fn tampered_truncated_and_foreign_entries_are_made_again() {
    is_not_believed("one bit in the middle", |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    is_not_believed("one bit in the seal", |path| {
        let mut bytes = fs::read(path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    });
    is_not_believed("truncated", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    });
    is_not_believed("empty", |path| fs::write(path, b"").unwrap());
    is_not_believed("trailing bytes", |path| {
        let mut bytes = fs::read(path).unwrap();
        bytes.push(0);
        fs::write(path, bytes).unwrap();
    });
    is_not_believed("writable by others", |path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    });
    is_not_believed("an entry sealed with another user's key", |path| {
        let other = tempfile::tempdir().unwrap();
        let foreign = warm(&other.path().join("cache"));
        assert_eq!(foreign.file_name(), path.file_name());
        fs::copy(foreign, path).unwrap();
    });
    is_not_believed("the entry of another module under this name", |path| {
        let dir = path.parent().unwrap();
        let kept = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        engine(dir, 1 << 30)
            .prewarm(b"(module (func (export \"run\") (result i32) (i32.const 13)))")
            .unwrap();
        let other = fs::read_dir(dir)
            .unwrap()
            .map(|f| f.unwrap().path())
            .find(|p| p.extension().is_some_and(|e| e == "code"))
            .unwrap();
        assert_ne!(fs::read(&other).unwrap(), kept);
        fs::rename(other, path).unwrap();
    });
    is_not_believed("a symbolic link to a good entry", |path| {
        let aside = path.with_extension("aside");
        fs::rename(path, &aside).unwrap();
        std::os::unix::fs::symlink(&aside, path).unwrap();
    });
}

#[test]
fn a_cache_that_others_can_write_is_off_and_says_why() {
    let check = |spoil: &dyn Fn(&Path), want: &str| {
        let (_temp, dir) = dir();
        warm(&dir);
        spoil(&dir);
        let engine = engine(&dir, 1 << 30);
        assert_eq!(engine.load(WAT).unwrap().backend(), BackendKind::Wasmi);
        let why = engine.cache().unwrap().check().unwrap_err().to_string();
        assert!(why.contains(want), "{why}");
    };
    check(
        &|dir| fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap(),
        "can be written by others",
    );
    check(
        &|dir| fs::set_permissions(dir.join("key"), fs::Permissions::from_mode(0o644)).unwrap(),
        "can be read by others",
    );
    check(&|dir| fs::write(dir.join("key"), b"short").unwrap(), "is not a key");
    check(
        &|dir| {
            let aside = dir.with_extension("aside");
            fs::rename(dir, &aside).unwrap();
            std::os::unix::fs::symlink(&aside, dir).unwrap();
        },
        "is not a directory",
    );
}

#[test]
fn the_key_is_private_and_made_once() {
    let (_temp, dir) = dir();
    warm(&dir);
    let key = fs::read(dir.join("key")).unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(fs::metadata(dir.join("key")).unwrap().permissions().mode() & 0o777, 0o600);
    warm_other(&dir);
    assert_eq!(fs::read(dir.join("key")).unwrap(), key);
}

fn warm_other(dir: &Path) {
    assert_eq!(engine(dir, 1 << 30).prewarm(b"(module)"), Ok(true));
}

#[test]
fn many_writers_at_once_leave_a_good_cache() {
    let (_temp, dir) = dir();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let dir = dir.clone();
            std::thread::spawn(move || engine(&dir, 1 << 30).prewarm(WAT).unwrap())
        })
        .collect();
    let made = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|made| *made).count();
    assert!(made >= 1);
    let engine = engine(&dir, 1 << 30);
    assert_eq!(engine.load(WAT).unwrap().backend(), BackendKind::Wasmtime);
    assert_eq!(engine.cache().unwrap().stats().unwrap().entries, 1);
}

#[test]
fn the_entry_used_longest_ago_goes_first_when_the_budget_is_full() {
    let (_temp, dir) = dir();
    let entry = warm(&dir);
    let size = fs::metadata(&entry).unwrap().len();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(600);
    fs::File::options().write(true).open(&entry).unwrap().set_modified(old).unwrap();
    let engine = engine(&dir, size + size / 2);
    engine.prewarm(b"(module (func (export \"run\")))").unwrap();
    let stats = engine.cache().unwrap().stats().unwrap();
    assert_eq!((stats.entries, entry.exists()), (1, false));
    let cleared = engine.cache().unwrap().clear().unwrap();
    assert_eq!((cleared.entries, engine.cache().unwrap().stats().unwrap().entries), (1, 0));
}

#[test]
fn another_configuration_has_entries_of_its_own() {
    let (_temp, dir) = dir();
    warm(&dir);
    let metered =
        Engine::new(EngineConfig { metered: true, cache_dir: Some(dir), ..EngineConfig::default() });
    assert_eq!(metered.load(WAT).unwrap().backend(), BackendKind::Wasmi);
}

//! Runs are recorded on one engine and run again on the other, without the world.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hob::{
    Access, Choice, ClockGrant, ErrorKind, Host, HostBuilder, Limits, RandomGrant, RecordKey, Recorder,
    Replay, Replayed, SharedBuffer, Sink, Source, Value,
};
use util::{BOTH, LANGUAGES, guest, plain};

#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl File {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn key() -> RecordKey {
    RecordKey::new([42; 32])
}

/// Runs and records; gives the exit code, what was written, and the record.
fn record(host: HostBuilder, name: &str, args: &[&str], input: &[u8]) -> (u8, Vec<u8>, Vec<u8>) {
    let host = host.recordable().build().unwrap();
    let command = host.load(guest(name)).unwrap().command().unwrap();
    let (out, file) = (SharedBuffer::default(), File::default());
    let run = command
        .start()
        .args(args.iter().map(|arg| arg.as_bytes().to_vec()))
        .stdin(Source::Bytes(input.to_vec()))
        .stdout(Sink::Buffer(out.clone()))
        .record(Recorder::new(file.clone()).key(key()));
    let code = run.wait().unwrap();
    (code, out.take(), file.take())
}

fn play(record: &[u8], choice: Choice) -> Result<(Replayed, Vec<u8>), hob::Error> {
    let out = SharedBuffer::default();
    let replay = Replay::open(record, Some(&key()))?;
    let replayed = replay.play(choice, Sink::Buffer(out.clone()), Sink::Discard)?;
    Ok((replayed, out.take()))
}

fn check(host: &dyn Fn(Choice) -> HostBuilder, name: &str, args: &[&str], input: &[u8]) {
    for recorded_on in BOTH {
        let (code, out, file) = record(host(recorded_on), name, args, input);
        for played_on in BOTH {
            let (replayed, again) = play(&file, played_on).unwrap();
            assert_eq!(replayed, Replayed::Code(code), "{name}: {recorded_on:?}, then {played_on:?}");
            assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&out), "{name}");
        }
    }
}

#[test]
fn programs_of_every_language_repeat_what_they_wrote_and_how_they_ended() {
    for language in LANGUAGES {
        let host = |choice| plain(choice).env("NAME", "bob");
        check(&host, &format!("command-hello-{language}"), &["x", "--exit", "7"], b"some input");
    }
}

#[test]
fn real_clocks_and_randomness_repeat_themselves() {
    let host = |choice| plain(choice).clock(ClockGrant::Real).random(RandomGrant::Real);
    check(&host, "command-world-rust", &[], b"");
    let (_, first, file) = record(host(Choice::Wasmi), "command-world-rust", &[], b"");
    let (_, second, _) = record(host(Choice::Wasmi), "command-world-rust", &[], b"");
    assert_ne!(first, second, "two runs differ, so that a replay that is the same means something");
    assert_eq!(play(&file, Choice::Wasmtime).unwrap().1, first);
}

#[test]
fn files_are_not_touched_again() {
    let dir = tempfile::tempdir().unwrap();
    let host = |choice| plain(choice).dir(dir.path(), "/data", Access::ReadWrite);
    std::fs::write(dir.path().join("in"), "before").unwrap();
    let (_, out, file) = record(host(Choice::Wasmi), "command-files-rust", &["read", "/data/in"], b"");
    assert_eq!(out, b"before");
    std::fs::write(dir.path().join("in"), "after").unwrap();
    assert_eq!(play(&file, Choice::Wasmtime).unwrap().1, b"before");
    let (_, _, file) = record(host(Choice::Wasmi), "command-files-rust", &["write", "/data/out", "x"], b"");
    std::fs::remove_file(dir.path().join("out")).unwrap();
    assert_eq!(play(&file, Choice::Wasmtime).unwrap().0, Replayed::Code(0));
    assert!(!dir.path().join("out").exists());
    check(&host, "command-files-rust", &["list", "/data"], b"");
    check(&host, "command-files-rust", &["read", "/data/none"], b"");
}

#[test]
fn a_secret_is_nowhere_in_the_record_and_without_a_key_nothing_is_recorded() {
    let secret = "hunter2-0123456789";
    let host = |choice| plain(choice).env("NAME", secret);
    let (_, out, file) = record(host(Choice::Wasmi), "command-hello-rust", &[], b"");
    let has = |bytes: &[u8], what: &str| bytes.windows(what.len()).any(|window| window == what.as_bytes());
    assert!(has(&out, secret) && !has(&file, secret));
    assert!(matches!(
        Replay::open(&file, None).err().unwrap().kind(),
        ErrorKind::Replay(hob::ReadError::Sealed)
    ));
    let host = host(Choice::Wasmi).recordable().build().unwrap();
    let command = host.load(guest("command-hello-rust")).unwrap().command().unwrap();
    let refused = command.start().record(Recorder::new(File::default())).wait().unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Record(_)), "{refused}");
}

#[test]
fn decisions_calls_and_plugins_repeat_their_answers() {
    let host = |choice| plain(choice).log().config("mode", "strict").recordable().build().unwrap();
    let plugin = br#"(module
        (import "samuel" "config_get" (func $config (param i32 i32) (result i64)))
        (import "samuel" "log" (func $log (param i32 i32 i32 i32)))
        (memory (export "memory") 1) (data (i32.const 0) "mode")
        (global $top (mut i32) (i32.const 1024))
        (func (export "samuel_alloc") (param i32) (result i32)
            (global.get $top) (global.set $top (i32.add (global.get $top) (local.get 0))))
        (func (export "samuel_protocol_version") (result i32) (i32.const 1))
        (func (export "mode") (param i32 i32) (result i64)
            (local i64)
            (local.set 2 (call $config (i32.const 0) (i32.const 4)))
            (call $log (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4))
            (i64.rotl (local.get 2) (i64.const 32)))
        (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5))))"#;
    for choice in BOTH {
        let file = File::default();
        let recorder = || Recorder::new(file.clone()).key(key());
        let loaded = host(choice).load_bytes("p", plugin).unwrap();
        let called = loaded.plugin().unwrap().call_with("mode", Some(b"{}"), Some(recorder())).unwrap();
        assert_eq!(called.answer.unwrap(), hob::Answer::Json(b"strict".to_vec()));
        assert_eq!(called.log.len(), 1);
        let record = file.take();
        for again in BOTH {
            assert_eq!(play(&record, again).unwrap().0, Replayed::Answer(b"strict".to_vec()));
        }

        let half = [Value::F64(-0.0)];
        let values =
            loaded.call_recorded("half", &half, Sink::Discard, Sink::Discard, Some(recorder())).unwrap();
        assert_eq!(values, half);
        let record = file.take();
        for again in BOTH {
            assert_eq!(play(&record, again).unwrap().0, Replayed::Answer(b"f64:0x8000000000000000".to_vec()));
        }

        let guard = host(choice).load(guest("json-approve-go")).unwrap().behavior().unwrap();
        let request = br#"{"context":{"status":"paid","amount":50}}"#;
        let answer = guard.eval_recorded(request, recorder()).unwrap();
        let record = file.take();
        for again in BOTH {
            assert_eq!(play(&record, again).unwrap().0, Replayed::Answer(answer.clone()));
        }
    }
}

#[test]
fn a_record_whose_module_was_exchanged_names_the_first_call_that_differs() {
    let (_, _, file) = record(plain(Choice::Wasmi), "command-hello-wat", &[], b"");
    let (_, _, other) = record(plain(Choice::Wasmi), "command-hello-zig", &[], b"");
    // The head of one record, with its module, and the events of the other.
    let cut = |record: &[u8]| {
        let length = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap()) as usize;
        let module = 12 + length(8);
        module + 4 + length(module)
    };
    let mixed = [&other[..cut(&other)], &file[cut(&file)..]].concat();
    let error = play(&mixed, Choice::Wasmi).unwrap_err();
    let ErrorKind::Diverged(divergence) = error.kind() else { panic!("{error}") };
    assert_eq!(divergence.call, 1, "{divergence}");
}

#[test]
fn a_run_that_trapped_traps_again() {
    for choice in BOTH {
        let host = plain(choice).recordable().build().unwrap();
        let program = host.load_bytes("trap", br#"(module (func (export "_start") unreachable))"#).unwrap();
        let file = File::default();
        let run = program.command().unwrap().start().record(Recorder::new(file.clone())).wait();
        assert!(run.unwrap_err().fault().is_some());
        let record = file.take();
        for again in BOTH {
            assert!(matches!(play(&record, again).unwrap().0, Replayed::Fault(_)));
        }
    }
}

#[test]
fn only_a_recordable_host_records() {
    let host = Host::builder().build().unwrap();
    let program = host.load_bytes("m", br#"(module (func (export "_start")))"#).unwrap().command().unwrap();
    let refused = program.start().record(Recorder::new(File::default())).wait().unwrap_err();
    assert!(refused.to_string().contains("recordable"), "{refused}");
}

#[test]
fn a_guest_that_spins_between_calls_ends_at_the_deadline_of_the_replay() {
    // What a record answers decides how long the guest computes, so a record can be made to spin.
    let spin = br#"(module (func (export "_start") (loop (br 0))))"#;
    let limits =
        Limits { hard_deadline: Some(Duration::from_millis(50)), soft_deadline: None, ..Limits::default() };
    let host = plain(Choice::Wasmi).limits(limits).recordable().build().unwrap();
    let program = host.load_bytes("spin", spin).unwrap().command().unwrap();
    let file = File::default();
    assert!(program.start().record(Recorder::new(file.clone())).wait().is_err());
    let record = file.take();
    for choice in BOTH {
        let replay = Replay::open(&record, None).unwrap().deadline(Duration::from_millis(100));
        let ended = replay.play(choice, Sink::Discard, Sink::Discard).unwrap();
        assert!(
            matches!(&ended, Replayed::Fault(fault) if fault.to_string().contains("deadline")),
            "{ended:?}"
        );
    }
}

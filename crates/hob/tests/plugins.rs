//! The plugin contract: what its promises come to on both engines.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod util;

use hob::{Access, Answer, Choice, ErrorKind, FaultKind, Host, HostBuilder, Limit, Limits, Value};
use util::{BOTH, limits};

const HEAD: &str = r#"(func (export "samuel_protocol_version") (result i32) (i32.const 1))"#;

const ALLOC: &str = r#"(global $top (mut i32) (i32.const 4096))
    (func (export "samuel_alloc") (param i32) (result i32)
        (global.get $top) (global.set $top (i32.add (global.get $top) (local.get 0))))"#;

fn host(choice: Choice) -> HostBuilder {
    Host::builder().engine(choice).log().limits(limits(10_000))
}

fn call(host: HostBuilder, wat: &str, export: &str, request: Option<&[u8]>) -> hob::Called {
    let plugin = host.build().unwrap().load_bytes("p", wat.as_bytes()).unwrap().plugin().unwrap();
    plugin.call(export, request).unwrap()
}

fn number(called: hob::Called) -> i32 {
    match called.answer.unwrap() {
        Answer::Values(values) => match values.as_slice() {
            [Value::I32(value)] => *value,
            other => panic!("{other:?}"),
        },
        Answer::Json(_) => panic!("a number"),
    }
}

#[test]
fn a_plain_function_answers_numbers_and_a_json_function_bytes() {
    let wat = format!(
        r#"(module {HEAD} {ALLOC} (memory (export "memory") 1)
        (func (export "lint") (result i32) (i32.const 3)) (func (export "nothing"))
        (func (export "echo") (param i32 i32) (result i64)
            (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))"#
    );
    for choice in BOTH {
        assert_eq!(number(call(host(choice), &wat, "lint", None)), 3);
        assert_eq!(call(host(choice), &wat, "nothing", None).answer.unwrap(), Answer::Values(vec![]));
        let echoed = call(host(choice), &wat, "echo", Some(b"{\"a\":1}")).answer.unwrap();
        assert_eq!(echoed, Answer::Json(b"{\"a\":1}".to_vec()));
        let small = Limits { request_bytes: 7, response_bytes: 6, ..limits(10_000) };
        let refused = |request: &[u8]| {
            let called = call(host(choice).limits(small.clone()), &wat, "echo", Some(request));
            match called.answer.unwrap_err().fault().unwrap().kind() {
                FaultKind::Limit(exceeded) => exceeded.limit,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(b"12345678"), Limit::Request);
        assert_eq!(refused(b"1234567"), Limit::Response);
        assert!(call(host(choice).limits(small.clone()), &wat, "echo", Some(b"123456")).answer.is_ok());
    }
}

#[test]
fn a_module_that_does_not_fit_is_refused_with_every_reason() {
    let check = |body: &str, want: &[&str]| {
        let host = host(Choice::Wasmi).build().unwrap();
        let error =
            host.load_bytes("p", format!("(module {body})").as_bytes()).unwrap().plugin().err().unwrap();
        let ErrorKind::Contract { mismatches, .. } = error.kind() else { panic!("{error}") };
        let named: Vec<&str> = mismatches.iter().map(|mismatch| mismatch.export()).collect();
        assert_eq!(named, want, "{body}");
    };
    check("", &["samuel_protocol_version"]);
    check(
        r#"(func (export "samuel_protocol_version") (result i64) (i64.const 1))"#,
        &["samuel_protocol_version"],
    );
    check(r#"(global (export "samuel_protocol_version") i32 (i32.const 1))"#, &["samuel_protocol_version"]);
    check(&format!(r#"{HEAD} (func (export "health") (result i64) (i64.const 0))"#), &["health"]);
    check(
        &format!(r#"{HEAD} (func (export "f") (param i32 i32) (result i64) (i64.const 0))"#),
        &["memory", "samuel_alloc"],
    );
    check(&format!(r#"{HEAD} (func (export "samuel_alloc") (param i64))"#), &["samuel_alloc"]);
}

#[test]
fn another_protocol_is_refused_before_anything_is_called() {
    for choice in BOTH {
        for version in [0, 2, 99, -1] {
            let wat = format!(
                r#"(module (func (export "samuel_protocol_version") (result i32) (i32.const {version}))
                (func (export "lint")))"#
            );
            let error = call(host(choice), &wat, "lint", None).answer.unwrap_err();
            assert!(error.to_string().contains("protocol"), "{error}");
        }
    }
}

#[test]
fn health_is_zero_or_a_number_or_unsaid() {
    let check = |body: &str, want: Option<i32>| {
        for choice in BOTH {
            let wat = format!("(module {HEAD} {body})");
            let plugin =
                host(choice).build().unwrap().load_bytes("p", wat.as_bytes()).unwrap().plugin().unwrap();
            assert_eq!(plugin.health().unwrap(), want);
        }
    };
    check("", None);
    check(r#"(func (export "health") (result i32) (i32.const 0))"#, Some(0));
    check(r#"(func (export "health") (result i32) (i32.const 42))"#, Some(42));
}

#[test]
fn a_start_that_exits_with_zero_is_done_and_one_that_fails_is_not() {
    let check = |code: i32, works: bool| {
        for choice in BOTH {
            let wat = format!(
                r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                {HEAD} (memory (export "memory") 1) (global $ready (mut i32) (i32.const 0))
                (func (export "_start") (global.set $ready (i32.const 7)) (call $exit (i32.const {code})))
                (func (export "lint") (result i32) (global.get $ready)))"#
            );
            let called = call(host(choice), &wat, "lint", None);
            if works {
                assert_eq!(number(called), 7);
            } else {
                assert_eq!(called.answer.unwrap_err().fault().unwrap().exit_code(), Some(3));
            }
        }
    };
    check(0, true);
    check(3, false);
}

#[test]
fn every_place_a_plugin_can_spin_in_ends_at_the_deadline() {
    let spin = "(loop (br 0)) unreachable";
    let check = |body: &str, export: &str, request: Option<&[u8]>| {
        for choice in BOTH {
            let called = call(host(choice).limits(limits(60)), &format!("(module {body})"), export, request);
            let error = called.answer.unwrap_err();
            assert!(error.fault().unwrap().is_deadline(), "{choice:?} {body}: {error}");
        }
    };
    let lint = r#"(func (export "lint") (result i32) (i32.const 0))"#;
    check(&format!(r#"(func (export "samuel_protocol_version") (result i32) {spin}) {lint}"#), "lint", None);
    check(&format!(r#"{HEAD} {lint} (func $s {spin}) (start $s)"#), "lint", None);
    check(&format!(r#"{HEAD} {lint} (func (export "_initialize") {spin})"#), "lint", None);
    check(&format!(r#"{HEAD} (func (export "lint") (result i32) {spin})"#), "lint", None);
    let alloc = format!(
        r#"(memory (export "memory") 1) (func (export "samuel_alloc") (param i32) (result i32) {spin})"#
    );
    let json = r#"(func (export "f") (param i32 i32) (result i64) (i64.const 0))"#;
    check(&format!("{HEAD} {alloc} {json}"), "f", Some(b"{}"));
    for choice in BOTH {
        let health = format!(r#"(module {HEAD} (func (export "health") (result i32) {spin}))"#);
        let plugin =
            host(choice).limits(limits(60)).build().unwrap().load_bytes("p", health.as_bytes()).unwrap();
        assert!(plugin.plugin().unwrap().health().unwrap_err().fault().unwrap().is_deadline());
        // A call back into the guest spins as well.
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "text").unwrap();
        let wat = format!(
            r#"(module (import "samuel" "fs_read" (func $read (param i32 i32) (result i64))) {HEAD} {alloc}
            (data (i32.const 0) "/w/a") (func (export "lint") (drop (call $read (i32.const 0) (i32.const 4)))))"#
        );
        let host = host(choice).limits(limits(60)).dir(dir.path(), "/w", Access::Read);
        assert!(call(host, &wat, "lint", None).answer.unwrap_err().fault().unwrap().is_deadline());
    }
}

/// A plugin that reads one path and writes another, and answers what it was answered.
fn files(read: &str, write: &str, alloc: &str) -> String {
    format!(
        r#"(module (import "samuel" "fs_read" (func $read (param i32 i32) (result i64)))
        (import "samuel" "fs_write" (func $write (param i32 i32 i32 i32) (result i32)))
        {HEAD} {alloc} (memory (export "memory") 1) (data (i32.const 0) "{read}") (data (i32.const 512) "{write}")
        (data (i32.const 1024) "pwn")
        (func (export "length") (result i32)
            (i32.wrap_i64 (i64.shr_u (call $read (i32.const 0) (i32.const {})) (i64.const 32))))
        (func (export "first") (result i32) (local i32)
            (local.set 0 (i32.wrap_i64 (call $read (i32.const 0) (i32.const {}))))
            (if (result i32) (local.get 0) (then (i32.load8_u (local.get 0))) (else (i32.const -1))))
        (func (export "write") (result i32)
            (call $write (i32.const 512) (i32.const {}) (i32.const 1024) (i32.const 3)))
        (func (export "outside") (result i32)
            (call $write (i32.const 512) (i32.const {}) (i32.const 65000) (i32.const 10000))))"#,
        read.len(),
        read.len(),
        write.len(),
        write.len()
    )
}

#[test]
fn files_are_read_with_their_length_and_written_only_where_that_is_granted() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for name in ["w", "out"] {
        std::fs::create_dir(path(name)).unwrap();
        std::os::unix::fs::symlink("../secret", path(name).join("link")).unwrap();
    }
    std::fs::write(path("w/a"), "Xyz").unwrap();
    std::fs::write(path("w/empty"), "").unwrap();
    std::fs::write(path("secret"), "S").unwrap();
    for choice in BOTH {
        let host =
            || host(choice).dir(path("w"), "/w", Access::Read).dir(path("out"), "/out", Access::ReadWrite);
        let ask = |read: &str, write: &str, export: &str| {
            number(call(host(), &files(read, write, ALLOC), export, None))
        };
        assert_eq!((ask("/w/a", "", "length"), ask("/w/a", "", "first")), (3, i32::from(b'X')));
        assert_eq!(
            (ask("/w/empty", "", "length"), ask("/w/empty", "", "first")),
            (0, 0),
            "a pointer, and no bytes"
        );
        for denied in ["/etc/passwd", "/w/../secret", "/w2/a", "/w/link", "", "/w", "/w/none"] {
            assert_eq!(ask(denied, "", "first"), -1, "{denied}");
        }
        assert_eq!(ask("", "/out/new", "write"), 0);
        assert_eq!(std::fs::read(path("out/new")).unwrap(), b"pwn");
        for denied in ["/w/a", "/w/new", "/out/../secret", "/out/link", "/etc/cron.d/x"] {
            assert_eq!(ask("", denied, "write"), 2, "{denied}");
        }
        assert_eq!(ask("", "/out/none/x", "write"), 1);
        assert_eq!(ask("", "/out/untouched", "outside"), 1);
        assert!(!path("out/untouched").exists());
        assert_eq!(std::fs::read(path("secret")).unwrap(), b"S");
        // A guest that has no room, or lies about it, gets nothing.
        for alloc in [
            "",
            r#"(func (export "samuel_alloc") (param i32) (result i32) (i32.const 0))"#,
            r#"(func (export "samuel_alloc") (param i32) (result i32) (i32.const -16))"#,
            r#"(func (export "samuel_alloc") (param i32) (result i32) (i32.const 65534))"#,
        ] {
            assert_eq!(number(call(host(), &files("/w/a", "", alloc), "first", None)), -1, "{alloc}");
        }
    }
}

#[test]
fn a_function_that_no_grant_provides_cannot_be_imported() {
    let check = |grants: &dyn Fn(HostBuilder) -> HostBuilder, import: &str, ty: &str, fits: bool| {
        let wat = format!(
            r#"(module (import "samuel" "{import}" (func {ty})) {HEAD} (memory (export "memory") 1))"#
        );
        let host = grants(Host::builder()).build().unwrap();
        let plugin = host.load_bytes("p", wat.as_bytes()).unwrap().plugin();
        assert_eq!(plugin.is_ok(), fits, "{import}");
        if let Err(error) = plugin {
            assert!(error.to_string().contains(&format!("samuel.{import}")), "{error}");
        }
    };
    let none = |host: HostBuilder| host;
    let log = |host: HostBuilder| host.log();
    let ro = |host: HostBuilder| host.dir(".", "/w", Access::Read);
    let rw = |host: HostBuilder| host.dir(".", "/w", Access::ReadWrite);
    let (read, write) = ("(param i32 i32) (result i64)", "(param i32 i32 i32 i32) (result i32)");
    check(&none, "log", "(param i32 i32 i32 i32)", false);
    check(&log, "log", "(param i32 i32 i32 i32)", true);
    check(&none, "fs_read", read, false);
    check(&ro, "fs_read", read, true);
    check(&ro, "fs_read", write, false);
    check(&ro, "fs_write", write, false);
    check(&rw, "fs_write", write, true);
    check(&none, "config_get", read, true);
    check(&none, "callback", write, true);
    check(&rw, "exec", "(param i32 i32) (result i32)", false);
    check(&rw, "backdoor", "", false);
    check(&log, "Log", "(param i32 i32 i32 i32)", false);
}

#[test]
fn a_flood_of_log_lines_is_cut_and_counted_and_a_line_cannot_forge_another() {
    let wat = format!(
        r#"(module (import "samuel" "log" (func $log (param i32 i32 i32 i32))) {HEAD} (memory (export "memory") 4)
        (data (i32.const 0) "info") (data (i32.const 16) "\ff\1b[31m\0a[error] forged")
        (func (export "one") (call $log (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 21)))
        (func (export "long") (call $log (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 200000)))
        (func (export "outside") (call $log (i32.const 0) (i32.const 4) (i32.const -1) (i32.const 10)))
        (func (export "flood") (local i32)
            (loop (call $log (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (br_if 0 (i32.lt_u (local.get 0) (i32.const 100000))))))"#
    );
    for choice in BOTH {
        let called = call(host(choice), &wat, "one", None);
        assert_eq!(called.log.len(), 1);
        let line = called.log.first().unwrap();
        assert_eq!((line.level.as_str(), line.message.as_str()), ("info", r"\xff\u{1b}[31m\n[error] forged"));
        let called = call(host(choice), &wat, "flood", None);
        assert_eq!(u64::try_from(called.log.len()).unwrap() + called.dropped, 100_000);
        assert!(called.log.len() >= 10 && called.dropped > 90_000, "{} {}", called.log.len(), called.dropped);
        assert!(
            call(host(choice), &wat, "long", None).log.first().unwrap().message.chars().count()
                <= 4096 * 5 + 1
        );
        assert!(call(host(choice), &wat, "outside", None).answer.is_ok());
    }
}

#[test]
fn callbacks_are_handed_on_and_bounded() {
    let wat = format!(
        r#"(module (import "samuel" "callback" (func $call (param i32 i32 i32 i32) (result i32))) {HEAD}
        (memory (export "memory") 2) (data (i32.const 0) "found") (data (i32.const 8) "{{\"line\":1}}")
        (func (export "one") (result i32) (call $call (i32.const 0) (i32.const 5) (i32.const 8) (i32.const 10)))
        (func (export "outside") (result i32) (call $call (i32.const 0) (i32.const 5) (i32.const 8) (i32.const -1)))
        (func (export "flood") (result i32) (local i32)
            (loop (br_if 0 (i32.eqz (call $call (i32.const 0) (i32.const 5) (i32.const 8) (i32.const 60000)))))
            (i32.const 1)))"#
    );
    for choice in BOTH {
        let called = call(host(choice), &wat, "one", None);
        assert_eq!(
            called.callbacks,
            [hob::Callback { name: "found".into(), payload: b"{\"line\":1}".to_vec() }]
        );
        assert_eq!(number(called), 0);
        assert_eq!(number(call(host(choice), &wat, "outside", None)), 1);
        let bounded = Limits { host_buffer_bytes: 1 << 20, ..limits(10_000) };
        let called = call(host(choice).limits(bounded), &wat, "flood", None);
        assert_eq!(called.callbacks.len(), 17);
    }
}

#[test]
fn one_call_leaves_nothing_to_the_next() {
    let wat = format!(
        r#"(module {HEAD} (global $n (mut i32) (i32.const 0))
        (func (export "count") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"#
    );
    for choice in BOTH {
        let plugin = host(choice).build().unwrap().load_bytes("p", wat.as_bytes()).unwrap().plugin().unwrap();
        for _ in 0..3 {
            assert_eq!(number(plugin.call("count", None).unwrap()), 1);
        }
    }
}

#[test]
fn a_call_in_the_wrong_form_or_of_nothing_says_what_there_is() {
    let wat = format!(r#"(module {HEAD} (func (export "lint")) (func (export "two") (param i32)))"#);
    let plugin =
        host(Choice::Wasmi).build().unwrap().load_bytes("p", wat.as_bytes()).unwrap().plugin().unwrap();
    assert!(plugin.call("none", None).unwrap_err().to_string().contains("there are: lint"));
    assert!(plugin.call("two", None).is_err());
    assert!(plugin.call("health", None).is_err());
    assert!(plugin.call("samuel_protocol_version", None).is_err());
    assert!(plugin.call("lint", Some(b"{}")).is_err());
}

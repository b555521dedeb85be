//! The json contract at its edges: regions, sizes, fresh instances, and every way not to answer, on both engines.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod util;

use hob::{Choice, FaultKind, Host, Limit, Limits, Trap};
use util::{BOTH, limits, plain};

const YES: &str = r#"(data (i32.const 16) "{\"ok\":true}")"#;

/// A guest with one page of memory, these functions, and a response of yes at 16.
fn guest(alloc: &str, eval: &str, more: &str) -> String {
    format!(
        r#"(module (memory (export "memory") 1) {YES} {more}
        (func (export "alloc") (param i32) (result i32) {alloc})
        (func (export "eval") (param i32 i32) (result i64) {eval}))"#
    )
}

const ANSWER: &str = "(i64.const 0x100000000b)";

fn decide(choice: Choice, wat: &str, request: &[u8]) -> Result<bool, hob::Error> {
    let host = plain(choice).limits(limits(300)).build()?;
    host.load_bytes("guard", wat.as_bytes())?.behavior()?.decide(request)
}

fn check(wat: &str, request: &[u8], want: impl Fn(&Result<bool, hob::Error>) -> bool) {
    for choice in BOTH {
        let got = decide(choice, wat, request);
        assert!(want(&got), "{choice:?}: {got:?}\n{wat}");
    }
}

fn yes(result: &Result<bool, hob::Error>) -> bool {
    matches!(result, Ok(true))
}

fn broken(result: &Result<bool, hob::Error>) -> bool {
    kind(result).is_some_and(|kind| matches!(kind, FaultKind::Contract(_)))
}

fn trapped(result: &Result<bool, hob::Error>) -> bool {
    kind(result).is_some_and(|kind| matches!(kind, FaultKind::Trap { trap: Trap::Unreachable, .. }))
}

fn kind(result: &Result<bool, hob::Error>) -> Option<&FaultKind> {
    result.as_ref().err()?.fault().map(hob::Fault::kind)
}

#[test]
fn regions_may_end_where_memory_ends_and_not_past_it() {
    let request = [b' '; 8];
    check(&guest("(i32.const 65528)", ANSWER, ""), &request, yes);
    check(&guest("(i32.const 65529)", ANSWER, ""), &request, broken);
    check(&guest("(i32.const 65536)", ANSWER, ""), &request, broken);
    check(&guest("(i32.const 65536)", ANSWER, ""), b"", yes);
    check(&guest("(i32.const -1)", ANSWER, ""), &request, broken);
    check(&guest("(i32.const -8)", ANSWER, ""), &request, broken);
    check(&guest("(i32.const 0)", ANSWER, ""), &request, yes);
    let at_end = r#"(data (i32.const 65525) "{\"ok\":true}")"#;
    check(&guest("(i32.const 64)", "(i64.const 0xfff50000000b)", at_end), &request, yes);
    check(&guest("(i32.const 64)", "(i64.const 0xfff50000000c)", at_end), &request, broken);
    check(&guest("(i32.const 64)", "(i64.const 0xffffffffffffffff)", ""), &request, broken);
    check(&guest("(i32.const 64)", "(i64.const 0xffffffff00000002)", ""), &request, broken);
    check(&guest("(i32.const 64)", "(i64.const 0x00000010ffffffff)", ""), &request, broken);
}

#[test]
fn a_region_may_be_in_memory_that_alloc_has_just_grown() {
    let grown = "(drop (memory.grow (i32.const 1))) (i32.const 65536)";
    check(&guest(grown, ANSWER, ""), &[b' '; 65_536], yes);
    check(&guest(grown, ANSWER, ""), &[b' '; 65_537], broken);
}

#[test]
fn a_response_may_overlap_the_request() {
    // The guest echoes a part of what it was sent.
    check(&guest("(i32.const 100)", "(i64.const 0x640000000b)", ""), b"{\"ok\":true}", yes);
}

#[test]
fn every_way_not_to_answer_is_a_fault() {
    check(&guest("unreachable", ANSWER, ""), b"{}", trapped);
    check(&guest("(i32.const 64)", "unreachable", ""), b"{}", trapped);
    check(&guest("(i32.const 64)", ANSWER, r#"(func (export "_initialize") unreachable)"#), b"{}", trapped);
    check(&guest("(i32.const 64)", ANSWER, "(func $s unreachable) (start $s)"), b"{}", trapped);
    let late =
        |result: &Result<bool, hob::Error>| result.as_ref().is_err_and(|error| error.exit_code() == 124);
    check(&guest("(loop $l (br $l)) unreachable", ANSWER, ""), b"{}", late);
    check(&guest("(i32.const 64)", "(loop $l (br $l)) unreachable", ""), b"{}", late);
    check(
        &guest("(i32.const 64)", ANSWER, r#"(func (export "_initialize") (loop $l (br $l)))"#),
        b"{}",
        late,
    );
    check(&guest("(i32.const 64)", ANSWER, "(func $s (loop $l (br $l))) (start $s)"), b"{}", late);
    check(&guest("(i32.const 64)", "(i64.const 0)", ""), b"{}", |result| {
        result.as_ref().is_err_and(|error| matches!(error.kind(), hob::ErrorKind::Verdict(_)))
    });
}

#[test]
fn requests_and_responses_end_at_their_limits() {
    for choice in BOTH {
        let limited = |request_bytes, response_bytes| {
            let limits = Limits { request_bytes, response_bytes, ..limits(5_000) };
            let host = Host::builder().engine(choice).limits(limits).build().unwrap();
            host.load_bytes("guard", guest("(i32.const 64)", ANSWER, "").as_bytes())
                .unwrap()
                .behavior()
                .unwrap()
        };
        let over = |result: Result<Vec<u8>, hob::Error>| match result.unwrap_err().fault().unwrap().kind() {
            FaultKind::Limit(exceeded) => (exceeded.limit, exceeded.allowed, exceeded.asked),
            other => panic!("{other:?}"),
        };
        assert!(limited(10, 100).eval(&[b' '; 10]).is_ok());
        assert_eq!(over(limited(10, 100).eval(&[b' '; 11])), (Limit::Request, 10, 11));
        assert!(limited(10, 11).eval(b"{}").is_ok());
        assert_eq!(over(limited(10, 10).eval(b"{}")), (Limit::Response, 10, 11));
    }
}

#[test]
fn a_call_sees_nothing_of_the_one_before_it() {
    // Says yes only when it has never been asked.
    let once = guest(
        "(i32.const 64)",
        "(if (i32.load8_u (i32.const 1000)) (then unreachable)) (i32.store8 (i32.const 1000) (i32.const 1))
            (if (global.get $asked) (then unreachable)) (global.set $asked (i32.const 1)) (i64.const 0x100000000b)",
        "(global $asked (mut i32) (i32.const 0))",
    );
    for choice in BOTH {
        let guard =
            plain(choice).build().unwrap().load_bytes("guard", once.as_bytes()).unwrap().behavior().unwrap();
        (0..50).for_each(|_| assert!(guard.decide(b"{}").unwrap()));
    }
    let pooled = Host::builder().engine(Choice::Wasmtime).pooled(1).build().unwrap();
    let guard = pooled.load_bytes("guard", once.as_bytes()).unwrap().behavior().unwrap();
    (0..50).for_each(|_| assert!(guard.decide(b"{}").unwrap()));
}

#[test]
fn a_start_export_is_not_run() {
    check(&guest("(i32.const 64)", ANSWER, r#"(func (export "_start") unreachable)"#), b"{}", yes);
}

#[test]
fn a_guard_that_imports_wasi_sees_no_more_than_it_was_granted() {
    // Reads its arguments, its environment and its input, and says yes when there is nothing of any of them.
    let wat = r#"(module
        (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}") (data (i32.const 200) "\00\01\00\00\08\00\00\00")
        (func (export "alloc") (param i32) (result i32) (i32.const 64))
        (func (export "eval") (param i32 i32) (result i64)
            (if (call $args (i32.const 100) (i32.const 104)) (then unreachable))
            (if (call $environ (i32.const 108) (i32.const 112)) (then unreachable))
            (if (call $read (i32.const 0) (i32.const 200) (i32.const 1) (i32.const 116)) (then unreachable))
            (if (i32.ne (call $prestat (i32.const 3) (i32.const 300)) (i32.const 8)) (then unreachable))
            (if (i32.or (i32.load (i32.const 100)) (i32.or (i32.load (i32.const 108)) (i32.load (i32.const 116))))
                (then unreachable))
            (i64.const 0x100000000b)))"#;
    check(wat, b"{}", yes);
}

//! Lying pointers and lengths get an error number, never a byte outside the guest's memory and never a host fault.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use util::{BOTH, plain, run_text};

/// Calls one function and exits with the number it answers.
fn answer(signature: &str, name: &str, args: &[i64], types: &[&str]) -> Vec<u8> {
    let pushed: String = args.iter().zip(types).map(|(arg, ty)| format!("({ty}.const {arg})")).collect();
    let wat = format!(
        r#"(module (import "wasi_snapshot_preview1" "{name}" (func $f {signature}))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\00\01\00\00\08\00\00\00")
        (data (i32.const 16) "\fc\ff\00\00\08\00\00\00")
        (data (i32.const 24) "\fc\ff\ff\ff\08\00\00\00")
        (data (i32.const 32) "\00\00\00\00\ff\ff\ff\ff")
        (func (export "_start") (call $exit (call $f {pushed}))))"#
    );
    BOTH.map(|choice| {
        let dir = tempfile::tempdir().unwrap();
        let host = plain(choice).dir(dir.path(), "/g", hob::Access::ReadWrite).build().unwrap();
        run_text(&host, &wat).unwrap_or_else(|error| panic!("{name}{args:?}: {error}")).code
    })
    .to_vec()
}

const FAULT: u8 = 21;
const INVAL: u8 = 28;

#[test]
fn buffers_of_reads_and_writes() {
    let four = "(param i32 i32 i32 i32) (result i32)";
    let types = ["i32"; 4];
    let check = |name: &str, args: [i64; 4], want: u8| {
        assert_eq!(answer(four, name, &args, &types), [want; 2], "{name} {args:?}")
    };
    for name in ["fd_write", "fd_read"] {
        let fd = i64::from(name == "fd_write");
        check(name, [fd, 0, 1, 8], 0);
        check(name, [fd, 16, 1, 8], FAULT); // A buffer that ends past the memory.
        check(name, [fd, 24, 1, 8], FAULT); // A buffer whose end wraps.
        check(name, [fd, 32, 1, 8], FAULT); // A length of −1.
        check(name, [fd, 65_532, 1, 8], FAULT); // The list itself ends past the memory.
        check(name, [fd, -8, 2, 8], FAULT);
        check(name, [fd, 0, 1, 65_533], FAULT); // Nowhere to put the count.
        check(name, [fd, 0, 1, -1], FAULT);
        check(name, [fd, 0, 1025, 8], INVAL); // One buffer more than a call may name.
        check(name, [fd, 0, -1, 8], INVAL);
        check(name, [fd, 0, 0, 8], 0);
        check(name, [99, 0, 1, 8], 8);
        check(name, [-1, 0, 1, 8], 8);
    }
}

#[test]
fn plain_pointers() {
    let check = |name: &str, params: &str, args: &[i64], types: &[&str], want: u8| {
        let signature = format!("(param {params}) (result i32)");
        assert_eq!(answer(&signature, name, args, types), [want; 2], "{name} {args:?}");
    };
    let i2 = ["i32"; 2];
    check("random_get", "i32 i32", &[65_530, 6], &i2, 0);
    check("random_get", "i32 i32", &[65_530, 7], &i2, FAULT);
    check("random_get", "i32 i32", &[0, -1], &i2, INVAL); // More than one call fills.
    check("random_get", "i32 i32", &[-1, 2], &i2, FAULT);
    check("random_get", "i32 i32", &[65_536, 0], &i2, 0);
    check("random_get", "i32 i32", &[65_537, 0], &i2, FAULT);
    check("args_sizes_get", "i32 i32", &[65_532, 65_532], &i2, 0);
    check("args_sizes_get", "i32 i32", &[65_533, 0], &i2, FAULT);
    check("args_get", "i32 i32", &[-4, 0], &i2, FAULT);
    check("clock_res_get", "i32 i32", &[0, 65_529], &i2, FAULT);
    check("clock_res_get", "i32 i32", &[9, 0], &i2, INVAL);
    check("fd_fdstat_get", "i32 i32", &[1, 65_513], &i2, FAULT);
    check("fd_fdstat_get", "i32 i32", &[1, 65_512], &i2, 0);
    check("fd_prestat_get", "i32 i32", &[3, 65_529], &i2, FAULT);
    check("fd_renumber", "i32 i32", &[-1, -2], &i2, 8);
    check("fd_renumber", "i32 i32", &[2, 2_147_483_647], &i2, 8);
    check("poll_oneoff", "i32 i32 i32 i32", &[0, 0, 0, 0], &["i32"; 4], INVAL);
    check("poll_oneoff", "i32 i32 i32 i32", &[0, 0, -1, 0], &["i32"; 4], INVAL);
    check("poll_oneoff", "i32 i32 i32 i32", &[65_500, 0, 1, 64], &["i32"; 4], FAULT);
    check("path_unlink_file", "i32 i32 i32", &[3, -1, 10], &["i32"; 3], FAULT);
    check("path_unlink_file", "i32 i32 i32", &[3, 0, 65_537], &["i32"; 3], FAULT);
    let readdir = ["i32", "i32", "i32", "i64", "i32"];
    check("fd_readdir", "i32 i32 i32 i64 i32", &[3, 65_000, 1000, 0, 0], &readdir, FAULT);
    check("fd_readdir", "i32 i32 i32 i64 i32", &[3, 64, 1000, 0, 0], &readdir, 0);
    check("fd_readdir", "i32 i32 i32 i64 i32", &[3, 64, 1000, -1, 0], &readdir, INVAL); // A cookie nobody gave out.
}

#[test]
fn imports_that_only_look_like_ours_are_refused() {
    let check = |import: &str, want: &str| {
        for choice in BOTH {
            let host = plain(choice).build().unwrap();
            let wat = format!(
                r#"(module (import {import}) (memory (export "memory") 1) (func (export "_start")))"#
            );
            let error = run_text(&host, &wat).unwrap_err();
            assert_eq!(error.exit_code(), 126, "{error}");
            assert!(error.to_string().contains(want), "{error}");
        }
    };
    check(
        r#""wasi_snapshot_preview1" "FD_write" (func (param i32 i32 i32 i32) (result i32))"#,
        "case-sensitive",
    );
    check(
        r#""wasi_snapshot_preview2" "fd_write" (func (param i32 i32 i32 i32) (result i32))"#,
        "no grant provides",
    );
    check(r#""wasi_snapshot_preview1" "fd_write" (func (param i32) (result i32))"#, "the host function is");
    check(r#""wasi_snapshot_preview1" "memory" (memory 1)"#, "only functions may be imported");
    check(r#""env" "abort" (func (param i32 i32 i32 i32))"#, "no grant provides");
}

#[test]
fn exports_that_do_not_fit_are_all_named() {
    for choice in BOTH {
        let host = plain(choice).build().unwrap();
        let check = |wat: &str, wants: &[&str]| {
            let loaded = host.load_bytes("m", wat.as_bytes()).unwrap();
            let error = loaded.behavior().err().unwrap().to_string();
            wants.iter().for_each(|want| assert!(error.contains(want), "{error}"));
        };
        check("(module)", &["`memory` is missing", "`alloc` is missing", "`eval` is missing"]);
        check(
            r#"(module (memory 1) (global (export "memory") i32 (i32.const 0)) (func (export "alloc"))
            (func (export "eval") (param i32 i32) (result i64) (i64.const 0)))"#,
            &["`memory` is a global", "`alloc` is a function () -> ()"],
        );
        let command =
            host.load_bytes("m", br#"(module (func (export "_start") (param i32)))"#).unwrap().command();
        assert!(command.err().unwrap().to_string().contains("`_start` is a function (i32) -> ()"));
    }
}

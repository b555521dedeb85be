//! Bulk memory operations mean what they meant before they were cut into pieces, on both engines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use hob_cap::Limits;
use hob_engine::{FaultKind, HostTable, Trap};
use util::{BOTH, bounds, engine, limits, start};

/// 48 pages: three pieces.
const SIZE: usize = 48 << 16;
const PIECE: u32 = 1 << 20;

const WAT: &str = r#"(module (memory (export "memory") 48) (data $seg "0123456789")
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32 i32 i32) (memory.init $seg (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (data.drop $seg)))"#;

/// Runs one operation on a memory with a pattern in it, and checks it against the same operation on a slice.
fn check(name: &str, args: (u32, u32, u32), expect: impl Fn(&mut [u8]) -> bool) {
    for choice in BOTH {
        let limits = Limits { memory_bytes: 64 << 20, ..limits(60_000) };
        let mut instance = start(&engine(choice), WAT, HostTable::<()>::new(), (), bounds(&limits)).unwrap();
        let pattern: Vec<u8> = (0..SIZE).map(|at| (at * 31 + at / 251) as u8).collect();
        instance.memory().unwrap().copy_from_slice(&pattern);
        let result = instance.call::<(u32, u32, u32), ()>(name, args);
        let mut want = pattern.clone();
        if expect(&mut want) {
            result.unwrap_or_else(|fault| panic!("{choice:?} {name}{args:?}: {fault}"));
        } else {
            let fault = result.unwrap_err();
            let trapped = matches!(fault.kind(), FaultKind::Trap { trap: Trap::MemoryOutOfBounds, .. });
            assert!(trapped, "{choice:?} {name}{args:?}: {fault}");
            want = pattern;
        }
        assert!(instance.memory().unwrap() == want, "{choice:?} {name}{args:?}: other bytes");
    }
}

#[test]
fn fills() {
    let size = SIZE as u32;
    for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7, size - 5] {
        check("fill", (5, 0xab, len), |memory| {
            memory[5..5 + len as usize].fill(0xab);
            true
        });
    }
    for (at, len) in [
        (0, size + 1),
        (size, 1),
        (size + 1, 0),
        (1, size),
        (1, u32::MAX),
        (u32::MAX, 1),
        (u32::MAX, u32::MAX),
    ] {
        check("fill", (at, 1, len), |_| false);
    }
    check("fill", (size, 1, 0), |_| true);
}

#[test]
fn copies_in_both_directions_with_and_without_overlap() {
    let size = SIZE as u32;
    for (to, from, len) in [
        (0, 1, size - 1),
        (1, 0, size - 1),
        (0, PIECE, 2 * PIECE),
        (PIECE, 0, 2 * PIECE),
        (7, PIECE + 3, PIECE + PIECE / 2),
        (PIECE + 3, 7, PIECE + PIECE / 2),
        (9, 9, 2 * PIECE + 1),
        (0, size - 1, 1),
        (0, 2 * PIECE, PIECE),
    ] {
        check("copy", (to, from, len), |memory| {
            memory.copy_within(from as usize..(from + len) as usize, to as usize);
            true
        });
    }
    for (to, from, len) in
        [(1, 0, size), (0, 1, size), (0, size, 1), (size, 0, 1), (0, 0, u32::MAX), (u32::MAX, 0, PIECE + 1)]
    {
        check("copy", (to, from, len), |_| false);
    }
}

#[test]
fn inits() {
    check("init", (3, 2, 5), |memory| {
        memory[3..8].copy_from_slice(b"23456");
        true
    });
    for args in
        [(0, 0, 11), (0, 10, 1), (0, 0, PIECE + 1), (0, u32::MAX, PIECE + 1), (u32::MAX, 0, PIECE + 1)]
    {
        check("init", args, |_| false);
    }
}

#[test]
fn a_long_segment_is_copied_whole() {
    for choice in BOTH {
        let bytes: Vec<u8> = (0..5 * (PIECE as usize) / 2).map(|at| (at % 251) as u8).collect();
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let wat = format!(
            r#"(module (memory (export "memory") 64) (data $seg "{escaped}")
            (func (export "run") (param i32 i32 i32) (memory.init $seg (local.get 0) (local.get 1) (local.get 2))))"#
        );
        let mut instance =
            start(&engine(choice), &wat, HostTable::<()>::new(), (), bounds(&limits(60_000))).unwrap();
        let len = bytes.len() as u32;
        instance.call::<(u32, u32, u32), ()>("run", (10, 1, len - 1)).unwrap();
        assert!(instance.memory().unwrap()[10..10 + bytes.len() - 1] == bytes[1..]);
        assert!(instance.call::<(u32, u32, u32), ()>("run", (0, 2, len - 1)).is_err());
    }
}

//! Memories and tables of a guest are counted together and end where the ledger says, on both engines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use hob_cap::{Limit, Limits};
use hob_engine::{FaultKind, HostTable};
use util::{BOTH, bounds, engine, limits, start, start_plain};

const PAGE: u64 = 65_536;

fn grow(memory_bytes: u64, wat: &str) -> Vec<i32> {
    let limits = Limits { memory_bytes, ..limits(10_000) };
    BOTH.map(|choice| {
        let mut instance = start(&engine(choice), wat, HostTable::new(), (), bounds(&limits)).unwrap();
        instance.call::<(), i32>("run", ()).unwrap()
    })
    .to_vec()
}

#[test]
fn a_memory_grows_to_the_limit_and_not_past_it() {
    let wat = |pages: u32| {
        format!(r#"(module (memory 1) (func (export "run") (result i32) (memory.grow (i32.const {pages}))))"#)
    };
    assert_eq!(grow(4 * PAGE, &wat(3)), [1, 1]);
    assert_eq!(grow(4 * PAGE, &wat(4)), [-1, -1]);
}

#[test]
fn two_memories_are_counted_as_one() {
    let wat = r#"(module (memory 1) (memory $b 1) (func (export "run") (result i32) (memory.grow $b (i32.const 1))))"#;
    assert_eq!(grow(3 * PAGE, wat), [1, 1]);
    assert_eq!(grow(2 * PAGE, wat), [-1, -1]);
}

#[test]
fn tables_count_as_memory_too() {
    let wat = r#"(module (memory 1) (table $t 1 funcref)
        (func (export "run") (result i32) (table.grow $t (ref.null func) (i32.const 4096))))"#;
    assert_eq!(grow(PAGE + 4097 * 16, wat), [1, 1]);
    assert_eq!(grow(PAGE + 4097 * 16 - 1, wat), [-1, -1]);
}

#[test]
fn a_module_that_starts_too_large_names_the_limit() {
    for choice in BOTH {
        let limits = Limits { memory_bytes: 2 * PAGE, ..limits(10_000) };
        let fault = start(&engine(choice), "(module (memory 3))", HostTable::new(), (), bounds(&limits))
            .err()
            .unwrap();
        let FaultKind::Limit(exceeded) = fault.kind() else { panic!("{choice:?}: {fault}") };
        assert_eq!((exceeded.limit, exceeded.asked), (Limit::Memory, 3 * PAGE), "{choice:?}");
    }
}

#[test]
fn a_huge_table_names_the_limit() {
    for choice in BOTH {
        let wat = "(module (table 10000000 funcref))";
        let fault = start(&engine(choice), wat, HostTable::new(), (), bounds(&limits(10_000))).err().unwrap();
        let FaultKind::Limit(exceeded) = fault.kind() else { panic!("{choice:?}: {fault}") };
        assert_eq!(exceeded.limit, Limit::TableElements, "{choice:?}");
    }
}

#[test]
fn what_an_instance_took_is_given_back() {
    for choice in BOTH {
        let bounds = bounds(&limits(10_000));
        let ledger = std::sync::Arc::clone(&bounds.ledger);
        let wat = r#"(module (memory 2) (table 10 funcref) (func (export "run") (drop (memory.grow (i32.const 5)))))"#;
        let mut instance = start(&engine(choice), wat, HostTable::new(), (), bounds).unwrap();
        instance.call::<(), ()>("run", ()).unwrap();
        assert_eq!(ledger.used(Limit::Memory), 7 * PAGE + 160, "{choice:?}");
        drop(instance);
        assert_eq!((ledger.used(Limit::Memory), ledger.used(Limit::TableElements)), (0, 0), "{choice:?}");
    }
}

#[test]
fn a_pooled_slot_is_clean_for_the_next_guest() {
    let config = hob_engine::EngineConfig {
        choice: hob_engine::Choice::Wasmtime,
        allocation: hob_engine::Allocation::Pooled { slots: 1 },
        ..Default::default()
    };
    let engine = hob_engine::Engine::new(config);
    let wat = r#"(module (memory (export "memory") 2) (global $g (mut i32) (i32.const 0)) (table $t 4 funcref)
        (data (i32.const 8) "seed") (elem declare func $f) (func $f)
        (func (export "dirty") (memory.fill (i32.const 0) (i32.const 255) (i32.const 131072))
            (global.set $g (i32.const 9)) (table.set $t (i32.const 1) (ref.func $f)) (drop (memory.grow (i32.const 1))))
        (func (export "g") (result i32) (global.get $g))
        (func (export "t") (result i32) (ref.is_null (table.get $t (i32.const 1))))
        (func (export "pages") (result i32) (memory.size)))"#;
    let module = engine.load(wat.as_bytes()).unwrap();
    let linked = engine.link(&module, &std::sync::Arc::new(HostTable::<()>::new())).unwrap();
    linked.instantiate((), bounds(&limits(10_000))).unwrap().call::<(), ()>("dirty", ()).unwrap();
    let mut next = linked.instantiate((), bounds(&limits(10_000))).unwrap();
    assert_eq!(next.call::<(), i32>("g", ()).unwrap(), 0);
    assert_eq!(next.call::<(), i32>("t", ()).unwrap(), 1);
    assert_eq!(next.call::<(), i32>("pages", ()).unwrap(), 2);
    let memory = next.memory().unwrap();
    assert_eq!(&memory[8..12], b"seed");
    assert!(memory[..8].iter().chain(&memory[12..]).all(|byte| *byte == 0));
}

#[test]
fn one_instance_more_than_the_pool_holds_is_a_named_error() {
    let config = hob_engine::EngineConfig {
        choice: hob_engine::Choice::Wasmtime,
        allocation: hob_engine::Allocation::Pooled { slots: 2 },
        ..Default::default()
    };
    let engine = hob_engine::Engine::new(config);
    let module = engine.load(b"(module (memory 1))").unwrap();
    let linked = engine.link(&module, &std::sync::Arc::new(HostTable::<()>::new())).unwrap();
    let first = linked.instantiate((), bounds(&limits(10_000))).unwrap();
    let second = linked.instantiate((), bounds(&limits(10_000))).unwrap();
    let third = linked.instantiate((), bounds(&limits(10_000))).err().unwrap();
    assert!(third.to_string().contains("instances"), "{third}");
    drop(first);
    assert!(linked.instantiate((), bounds(&limits(10_000))).is_ok());
    drop(second);
}

#[test]
fn lane_stores_far_from_their_address_and_to_other_memories_store_or_trap() {
    for choice in BOTH {
        for (bits, count) in [(8, 16), (16, 8), (32, 4), (64, 2)] {
            for (memory, offset, traps) in
                [(0, 0, false), (0, 70_000, false), (1, 0, false), (1, 70_000, false), (0, u32::MAX, true)]
            {
                let lane = count - 1;
                let wat = format!(
                    "(module (memory (export \"memory\") 2) (memory 2) (func (export \"run\") (param i32) (result i32) (local v128)
                        (local.set 1 (v128.const i64x2 1 0x8182838485868788))
                        (v128.store{bits}_lane {memory} offset={offset} {lane} (local.get 0) (local.get 1))
                        (i32.load8_u {memory} offset={offset} (local.get 0))))"
                );
                let mut instance = start_plain(choice, &wat, &limits(10_000)).unwrap();
                let answer = instance.call::<u32, u32>("run", 5).ok();
                let low = [(8, 0x81), (16, 0x82), (32, 0x84), (64, 0x88)]
                    .iter()
                    .find(|(of, _)| *of == bits)
                    .unwrap()
                    .1;
                assert_eq!(answer, (!traps).then_some(low), "{choice:?}\n{wat}");
            }
        }
    }
}

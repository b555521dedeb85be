//! Host functions: what they see, how they fail, and what cannot be linked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use std::sync::Arc;

use hob_engine::{Ctx, Fault, FaultKind, HostTable, LinkError, LoadError, Reach, Trap, Value};
use util::{BOTH, bounds, engine, limits, start};

fn table() -> HostTable<Vec<String>> {
    let mut table = HostTable::new();
    table.func(
        "h",
        "say",
        Reach::Nothing,
        |ctx: &mut Ctx<'_, Vec<String>>, at: u32, len: u32| -> Result<u32, Fault> {
            let (mut memory, said) = ctx.split()?;
            let bytes = memory.bytes(at, len).map_err(|_| Fault::contract("out of bounds"))?;
            said.push(String::from_utf8_lossy(bytes).into_owned());
            Ok(len)
        },
    );
    table.func("h", "exit", Reach::Nothing, |_: &mut Ctx<'_, Vec<String>>, code: u32| -> Result<(), Fault> {
        Err(Fault::exit(code))
    });
    table.func("h", "panic", Reach::Nothing, |_: &mut Ctx<'_, Vec<String>>| -> Result<(), Fault> {
        panic!("oops")
    });
    table
}

#[test]
fn a_host_function_sees_memory_and_data_even_from_a_start_function() {
    for choice in BOTH {
        let wat = r#"(module (import "h" "say" (func $say (param i32 i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 4) "hello")
            (func $s (drop (call $say (i32.const 4) (i32.const 5)))) (start $s)
            (func (export "again") (result i32) (call $say (i32.const 5) (i32.const 3))))"#;
        let mut instance = start(&engine(choice), wat, table(), Vec::new(), bounds(&limits(10_000))).unwrap();
        assert_eq!(instance.call::<(), i32>("again", ()).unwrap(), 3);
        assert_eq!(instance.into_data(), ["hello", "ell"]);
    }
}

#[test]
fn exits_panics_and_broken_contracts_come_out_as_they_went_in() {
    let check = |body: &str, want: &dyn Fn(&FaultKind) -> bool| {
        for choice in BOTH {
            let wat = format!(
                r#"(module (import "h" "say" (func $say (param i32 i32) (result i32)))
                (import "h" "exit" (func $exit (param i32))) (import "h" "panic" (func $panic))
                (memory (export "memory") 1) (func (export "run") {body}))"#
            );
            let mut instance =
                start(&engine(choice), &wat, table(), Vec::new(), bounds(&limits(10_000))).unwrap();
            let fault = instance.call::<(), ()>("run", ()).unwrap_err();
            assert!(want(fault.kind()), "{choice:?}: {body}: {fault:?}");
            assert_eq!(instance.call::<(), ()>("run", ()).unwrap_err().kind(), &FaultKind::Ended);
        }
    };
    check("(call $exit (i32.const 3))", &|kind| *kind == FaultKind::Exit(3));
    check("(call $panic)", &|kind| *kind == FaultKind::HostPanic("oops".into()));
    check("(drop (call $say (i32.const 65535) (i32.const 2)))", &|kind| {
        matches!(kind, FaultKind::Contract(_))
    });
    check("(drop (call $say (i32.const -1) (i32.const -1)))", &|kind| matches!(kind, FaultKind::Contract(_)));
    check("unreachable", &|kind| matches!(kind, FaultKind::Trap { trap: Trap::Unreachable, .. }));
    check("(drop (i32.load (i32.const 65536)))", &|kind| {
        matches!(kind, FaultKind::Trap { trap: Trap::MemoryOutOfBounds, .. })
    });
    check("(drop (i32.div_u (i32.const 1) (i32.const 0)))", &|kind| {
        matches!(kind, FaultKind::Trap { trap: Trap::IntegerDivisionByZero, .. })
    });
}

#[test]
fn a_memory_that_is_not_exported_is_a_broken_contract() {
    for choice in BOTH {
        let wat = r#"(module (import "h" "say" (func $say (param i32 i32) (result i32))) (memory 1)
            (func (export "run") (drop (call $say (i32.const 0) (i32.const 1)))))"#;
        let mut instance = start(&engine(choice), wat, table(), Vec::new(), bounds(&limits(10_000))).unwrap();
        assert!(matches!(instance.call::<(), ()>("run", ()).unwrap_err().kind(), FaultKind::Contract(_)));
    }
}

#[test]
fn an_import_outside_the_table_is_named() {
    let check = |import: &str, want: &str| {
        for choice in BOTH {
            let engine = engine(choice);
            let module = engine.load(format!("(module (import {import}))").as_bytes()).unwrap();
            let error = engine.link(&module, &Arc::new(table())).err().unwrap();
            assert!(error.to_string().contains(want), "{error}");
        }
    };
    check(r#""env" "secret" (func)"#, "the module imports `env.secret`, which no grant provides");
    check(r#""H" "say" (func (param i32 i32) (result i32))"#, "names are case-sensitive, `h.say` exists");
    check(r#""h" "say" (func)"#, "imports `h.say` as () -> (); the host function is (i32, i32) -> (i32)");
    check(r#""h" "say" (memory 1)"#, "imports the memory `h.say`; only functions may be imported");
    check(r#""e\1b[31m" "x" (func)"#, "\\");
}

#[test]
fn an_import_may_come_twice() {
    for choice in BOTH {
        let wat = r#"(module (import "h" "exit" (func $a (param i32))) (import "h" "exit" (func $b (param i32)))
            (func (export "run") (call $b (i32.const 4))))"#;
        let mut instance = start(&engine(choice), wat, table(), Vec::new(), bounds(&limits(10_000))).unwrap();
        assert_eq!(instance.call::<(), ()>("run", ()).unwrap_err().exit_code(), Some(4));
    }
}

#[test]
fn calls_with_wrong_names_and_types_are_refused_and_the_instance_lives_on() {
    for choice in BOTH {
        let wat = r#"(module (func (export "f") (param i32) (result i64) (i64.const 5)))"#;
        let mut instance = start(&engine(choice), wat, table(), Vec::new(), bounds(&limits(10_000))).unwrap();
        assert!(instance.call_values("g", &[]).is_err());
        assert!(instance.call_values("f", &[]).is_err());
        assert!(instance.call_values("f", &[Value::I64(1)]).is_err());
        assert!(instance.call::<(), ()>("f", ()).is_err());
        assert_eq!(instance.call_values("f", &[Value::I32(1)]).unwrap(), [Value::I64(5)]);
        assert_eq!(instance.call::<i32, i64>("f", 1).unwrap(), 5);
    }
}

#[test]
fn what_is_no_module_is_refused_with_the_rule() {
    let check = |input: &[u8], want: &dyn Fn(&LoadError) -> bool| {
        for choice in BOTH {
            let error = engine(choice).load(input).err().unwrap();
            assert!(want(&error), "{choice:?}: {error:?}");
        }
    };
    check(b"", &|error| *error == LoadError::NotWasm);
    check(b"\0asm", &|error| matches!(error, LoadError::Invalid { .. }));
    check(b"\0asm\x0d\0\x01\0", &|error| *error == LoadError::Component);
    check(b"(module (memory 1 1 shared))", &|error| matches!(error, LoadError::Invalid { .. }));
    check(b"(module (memory i64 1))", &|error| matches!(error, LoadError::Invalid { .. }));
    check(b"(module (func (result i32)))", &|error| matches!(error, LoadError::Invalid { .. }));
    check(b"(module (func (param externref)))", &|error| matches!(error, LoadError::Invalid { .. }));
}

#[test]
fn nan_is_canonical_in_deterministic_mode_and_equal_on_both_engines() {
    let wat = r#"(module (func (export "run") (param f32 f32) (result i32) (i32.reinterpret_f32 (f32.div (local.get 0) (local.get 1)))))"#;
    let bits = BOTH.map(|choice| {
        let config = hob_engine::EngineConfig { choice, deterministic: true, ..Default::default() };
        let engine = hob_engine::Engine::new(config);
        let mut instance = start(&engine, wat, HostTable::<()>::new(), (), bounds(&limits(10_000))).unwrap();
        instance.call::<(f32, f32), i32>("run", (f32::from_bits(0xffc0_1234), 0.0)).unwrap()
    });
    assert_eq!(bits, [0x7fc0_0000; 2]);
}

#[test]
fn a_link_error_is_an_error_value() {
    fn is_error<E: std::error::Error>() {}
    is_error::<LinkError>();
    is_error::<Fault>();
}

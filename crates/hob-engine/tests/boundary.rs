//! The boundary: calls back into the guest, functions of a type known only now, recording and playing back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod util;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use hob_engine::{
    Choice, Ctx, Fault, FaultKind, FuncType, HostTable, Listener, Player, Reach, Recorder, Step, ValType,
    Value,
};
use util::{BOTH, bounds, engine, limits};

/// A host function that asks the guest for room, puts a greeting there, and returns where.
fn table() -> HostTable<u32> {
    let mut table = HostTable::new();
    table.func(
        "h",
        "greet",
        Reach::Nothing,
        |ctx: &mut Ctx<'_, u32>, at: u32, len: u32| -> Result<u32, Fault> {
            let wrong = |_| Fault::contract("out of bounds");
            let name = ctx.memory()?.bytes(at, len).map_err(wrong)?.to_vec();
            *ctx.data() += 1;
            let text = [b"hello ".as_slice(), &name].concat();
            let size = i32::try_from(text.len()).unwrap();
            let Some(Value::I32(to)) = ctx.call_values("room", &[Value::I32(size)])?.pop() else {
                return Err(Fault::contract("no room"));
            };
            ctx.memory()?.write(to.cast_unsigned(), &text).map_err(wrong)?;
            Ok(to.cast_unsigned())
        },
    );
    table.func("h", "again", Reach::Nothing, |ctx: &mut Ctx<'_, u32>| -> Result<(), Fault> {
        ctx.call_values("run", &[]).map(drop)
    });
    let ty = FuncType { params: vec![ValType::I32, ValType::F64], results: vec![ValType::I64] };
    table.func_dyn("h", "dyn", ty, Reach::Nothing, |ctx, args| {
        *ctx.data() += 10;
        match args {
            [Value::I32(a), Value::F64(b)] if *b == 0.5 => Ok(Some(Value::I64(i64::from(*a) * 2))),
            _ => Err(Fault::exit(9)),
        }
    });
    table
}

const GUEST: &str = r#"(module
    (import "h" "greet" (func $greet (param i32 i32) (result i32)))
    (import "h" "dyn" (func $dyn (param i32 f64) (result i64)))
    (import "h" "again" (func $again))
    (memory (export "memory") 1) (data (i32.const 8) "world")
    (global $top (mut i32) (i32.const 100))
    (func (export "room") (param i32) (result i32)
        (global.get $top) (global.set $top (i32.add (global.get $top) (local.get 0))))
    (func (export "run") (result i64)
        (local i32)
        (local.set 0 (call $greet (i32.const 8) (i32.const 5)))
        (i64.add (call $dyn (local.get 0) (f64.const 0.5)) (i64.load8_u (i32.add (local.get 0) (i32.const 6)))))
    (func (export "exit") (drop (call $dyn (i32.const 1) (f64.const 0))))
    (func (export "deep") (call $again)))"#;

/// 2 × 100, and the letter `w`.
const ANSWER: i64 = 200 + 119;

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Call(String, Vec<Value>),
    Read(u32, Vec<u8>),
    Wrote(u32, Vec<u8>),
    Enter(String, Vec<Value>),
    Left(Vec<Value>),
    Returned(Option<Value>),
    Failed(FaultKind),
}

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<VecDeque<Seen>>>);

impl Tape {
    fn push(&self, seen: Seen) {
        self.0.lock().unwrap().push_back(seen);
    }

    fn expect(&self, seen: &Seen) -> Result<(), Fault> {
        let next = self.0.lock().unwrap().pop_front();
        if next.as_ref() == Some(seen) { Ok(()) } else { Err(Fault::host(format!("{next:?}, not {seen:?}"))) }
    }
}

impl Recorder for Tape {
    fn call(&mut self, _: &str, name: &str, args: &[Value]) -> Result<(), Fault> {
        self.push(Seen::Call(name.into(), args.into()));
        Ok(())
    }
    fn read(&mut self, at: u32, bytes: &[u8]) {
        self.push(Seen::Read(at, bytes.into()));
    }
    fn wrote(&mut self, at: u32, bytes: &[u8]) {
        self.push(Seen::Wrote(at, bytes.into()));
    }
    fn enter(&mut self, export: &str, args: &[Value]) {
        self.push(Seen::Enter(export.into(), args.into()));
    }
    fn left(&mut self, result: Result<&[Value], &Fault>) {
        self.push(Seen::Left(result.unwrap().into()));
    }
    fn returned(&mut self, result: Result<Option<Value>, &Fault>) -> Result<(), Fault> {
        self.push(match result {
            Ok(value) => Seen::Returned(value),
            Err(fault) => Seen::Failed(fault.kind().clone()),
        });
        Ok(())
    }
}

impl Player for Tape {
    fn call(&mut self, _: &str, name: &str, args: &[Value]) -> Result<(), Fault> {
        self.expect(&Seen::Call(name.into(), args.into()))
    }
    fn step(&mut self) -> Result<Step, Fault> {
        let mut tape = self.0.lock().unwrap();
        Ok(match tape.front().cloned().ok_or_else(|| Fault::host("the tape is over"))? {
            Seen::Read(at, bytes) => Step::Look { at, len: u32::try_from(bytes.len()).unwrap() },
            Seen::Wrote(at, bytes) => {
                tape.pop_front();
                Step::Write { at, bytes }
            }
            Seen::Enter(export, args) => {
                tape.pop_front();
                Step::Enter { export, args }
            }
            Seen::Returned(value) => {
                tape.pop_front();
                Step::Return(value)
            }
            Seen::Failed(kind) => {
                tape.pop_front();
                Step::Fail(Fault::new(kind))
            }
            other => return Err(Fault::host(format!("{other:?}"))),
        })
    }
    fn saw(&mut self, bytes: Option<&[u8]>) -> Result<(), Fault> {
        let at = match self.0.lock().unwrap().front() {
            Some(Seen::Read(at, _)) => *at,
            other => return Err(Fault::host(format!("{other:?}"))),
        };
        self.expect(&Seen::Read(at, bytes.unwrap_or_default().into()))
    }
    fn left(&mut self, result: Result<&[Value], &Fault>) -> Result<(), Fault> {
        self.expect(&Seen::Left(result.map_err(Clone::clone)?.into()))
    }
}

fn run(
    choice: Choice,
    table: HostTable<u32>,
    listener: Option<Listener>,
    export: &str,
) -> (Result<Vec<Value>, Fault>, u32) {
    let engine = engine(choice);
    let module = engine.load(GUEST.as_bytes()).unwrap();
    let linked = engine.link(&module, &Arc::new(table)).unwrap();
    let mut instance = linked.instantiate_with(0, bounds(&limits(10_000)), listener).unwrap();
    let result = instance.call_values(export, &[]);
    (result, instance.into_data())
}

#[test]
fn a_host_function_calls_the_guest_and_is_bounded_in_depth() {
    for choice in BOTH {
        let (result, data) = run(choice, table(), None, "run");
        assert_eq!((result.unwrap(), data), (vec![Value::I64(ANSWER)], 11));
        let (result, _) = run(choice, table(), None, "exit");
        assert_eq!(result.unwrap_err().exit_code(), Some(9));
    }
    let mut forever = HostTable::<u32>::new();
    forever.func("h", "again", Reach::Nothing, |ctx: &mut Ctx<'_, u32>| -> Result<(), Fault> {
        *ctx.data() += 1;
        ctx.call_values("deep", &[]).map(drop)
    });
    let forever = Arc::new(forever);
    for choice in BOTH {
        let engine = engine(choice);
        let wat = r#"(module (import "h" "again" (func $a)) (func (export "deep") (call $a)))"#;
        let linked = engine.link(&engine.load(wat.as_bytes()).unwrap(), &forever).unwrap();
        let mut instance = linked.instantiate(0, bounds(&limits(10_000))).unwrap();
        let fault = instance.call::<(), ()>("deep", ()).unwrap_err();
        assert!(matches!(fault.kind(), FaultKind::Contract(_)), "{fault}");
        assert_eq!(instance.into_data(), 9, "eight nested calls, and the one that was refused");
    }
}

#[test]
fn a_call_back_that_does_not_fit_is_a_broken_contract() {
    let check = |export: &'static str, args: &'static [Value]| {
        let mut table = HostTable::<()>::new();
        table.func("h", "f", Reach::Nothing, move |ctx: &mut Ctx<'_, ()>| -> Result<(), Fault> {
            ctx.call_values(export, args).map(drop)
        });
        let table = Arc::new(table);
        for choice in BOTH {
            let engine = engine(choice);
            let wat = r#"(module (import "h" "f" (func $f)) (memory (export "memory") 1)
                (func (export "g") (param i32)) (func (export "run") (call $f)))"#;
            let linked = engine.link(&engine.load(wat.as_bytes()).unwrap(), &table).unwrap();
            let mut instance = linked.instantiate((), bounds(&limits(10_000))).unwrap();
            let fault = instance.call::<(), ()>("run", ()).unwrap_err();
            assert!(matches!(fault.kind(), FaultKind::Contract(_)), "{export}: {fault}");
        }
    };
    check("none", &[]);
    check("memory", &[]);
    check("g", &[]);
    check("g", &[Value::I64(1)]);
    check("g", &[Value::I32(1), Value::I32(1)]);
}

#[test]
fn a_loop_in_a_call_back_ends_at_the_deadline() {
    let mut table = HostTable::<()>::new();
    table.func("h", "f", Reach::Nothing, |ctx: &mut Ctx<'_, ()>| -> Result<(), Fault> {
        ctx.call_values("spin", &[]).map(drop)
    });
    let table = Arc::new(table);
    for choice in BOTH {
        let engine = engine(choice);
        let wat = r#"(module (import "h" "f" (func $f))
            (func (export "spin") (loop (br 0))) (func (export "run") (call $f)))"#;
        let linked = engine.link(&engine.load(wat.as_bytes()).unwrap(), &table).unwrap();
        let mut instance = linked.instantiate((), bounds(&limits(50))).unwrap();
        assert!(instance.call::<(), ()>("run", ()).unwrap_err().is_deadline());
    }
}

#[test]
fn what_is_recorded_on_one_engine_plays_on_the_other_without_the_host() {
    for export in ["run", "exit"] {
        for recorded_on in BOTH {
            let tape = Tape::default();
            let recording = Arc::new(table()).recording();
            let (recorded, data) =
                run(recorded_on, recording, Some(Listener::Recorder(Box::new(tape.clone()))), export);
            assert!(data > 0, "the host functions ran");
            let events = tape.0.lock().unwrap().clone();
            if export == "run" {
                assert!(events.contains(&Seen::Read(8, b"world".to_vec())));
                assert!(events.contains(&Seen::Enter("room".into(), vec![Value::I32(11)])));
                assert!(events.contains(&Seen::Wrote(100, b"hello world".to_vec())));
            }
            for played_on in BOTH {
                let tape = Tape(Arc::new(Mutex::new(events.clone())));
                let module = engine(played_on).load(GUEST.as_bytes()).unwrap();
                let playing = HostTable::playing(module.info()).unwrap();
                let (played, data) =
                    run(played_on, playing, Some(Listener::Player(Box::new(tape.clone()))), export);
                assert_eq!(data, 0, "no host function ran");
                assert_eq!(played.as_ref().ok(), recorded.as_ref().ok());
                assert_eq!(played.as_ref().err().map(Fault::kind), recorded.as_ref().err().map(Fault::kind));
                assert!(tape.0.lock().unwrap().is_empty());
            }
        }
    }
}

//! Turns of actors that are modules, beside making an instance of the bare engine and calling it once.

use hob::engine::{Allocation, EngineConfig, bare::Bare};
use hob::vat::{Actormap, Value};
use hob::{Choice, Host};

use super::super::measure::{Effort, beside};
use super::super::{Row, Rows};
use super::text;

/// How much longer a turn may take than a bare instance and a call.
const TURN: f64 = 3.0;

/// An actor that answers `<become 20+ 10+>`, and writes to its memory to do so.
const COUNTER: &str = r#"(module (memory (export "memory") 17)
    (data (i32.const 1024) "<6'become10+10+>")
    (func (export "alloc") (param i32) (result i32) (i32.const 4096))
    (func (export "turn") (param $at i32) (param $n i32) (result i64)
        (i32.store8 (i32.const 1033) (i32.add (i32.load8_u (i32.const 1033)) (i32.const 1)))
        (i64.const 0x40000000010)))"#;

/// The same work for the bare engine, which calls `run`.
const BARE: &str = r#"(module (import "h" "f" (func (param i32) (result i32))) (memory (export "memory") 17)
    (data (i32.const 1024) "<6'become10+10+>")
    (func (export "run") (param i32) (result i32)
        (i32.store8 (i32.const 1033) (i32.add (i32.load8_u (i32.const 1033)) (i32.const 1))) (local.get 0)))"#;

pub(super) fn rows(quick: bool) -> Rows {
    let host = Host::builder().engine(Choice::Wasmtime).pooled(8).actors().build().map_err(text)?;
    let counter = host.load_bytes("counter", COUNTER.as_bytes()).map_err(text)?.actor().map_err(text)?;
    let mut map = Actormap::new();
    let counter = map.poke(|turn| turn.spawn(counter, 10.into())).map_err(text)?;
    let config = EngineConfig {
        choice: Choice::Wasmtime,
        allocation: Allocation::Pooled { slots: 8 },
        ..EngineConfig::default()
    };
    let bare = Bare::new(&config, BARE.as_bytes())?;
    let one = [Value::symbol("inc")];
    let (turn, bare) = beside(
        Effort::new(2000, quick),
        || map.poke(|turn| turn.call(counter, &one)).map(drop).map_err(text),
        || bare.instantiate()?.run(1).map(drop),
    )?;
    Ok(vec![Row::ratio("turn of a module, beside a bare instance and a call", turn, bare, "ns", TURN)])
}

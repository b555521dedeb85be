//! Any module of functions as an actor of the host: `['call 'name argument …]` calls an export, `['memory offset length]` looks at
//! its memory.
//!
//! What the module keeps between calls, its memory and globals, is the state of the actor: a value, like every state. So a turn that
//! fails leaves no trace in the module, and a copy of the vat has a copy of the module.
//!
//! Run it with `cargo run --release -p hob --example wrapped_module`.

use std::sync::Arc;

use hob::engine::{Bounds, HostTable, Instance, Ledger, Linked};
use hob::vat::{Actormap, Answer, Kind, Me, Problem, Turn, Value};
use hob::{Fault, Host, Limits, StopToken, ValType};

/// A module of functions.
struct Wrapped {
    linked: Linked<()>,
    limits: Limits,
}

impl Kind for Wrapped {
    fn name(&self) -> &str {
        "wrapped-module"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let told = |fault: Fault| Problem::rule("trap", fault.to_string());
        let bounds = Bounds {
            ledger: Arc::new(Ledger::new(&self.limits)),
            stop: StopToken::new(
                None,
                self.limits.hard_deadline.map(|after| std::time::Instant::now() + after),
            ),
            fuel: Some(turn.fuel()),
        };
        let mut instance = self.linked.instantiate((), bounds).map_err(told)?;
        if let Some([memory, globals]) = me.state().as_list() {
            let bytes = |value: &Value| value.as_bytes().unwrap_or_default().to_vec();
            let globals: Vec<u128> = bytes(globals)
                .chunks_exact(16)
                .map(|bits| bits.iter().rev().fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
                .collect();
            instance.restore(&bytes(memory), &globals).map_err(told)?;
        }
        let answer = match (args.first().and_then(Value::as_name), args) {
            (Some("call"), [_, name, args @ ..]) => self.export(&mut instance, name, args)?,
            (Some("memory"), [_, offset, length]) => {
                let number = |value: &Value| value.as_i64().and_then(|number| u32::try_from(number).ok());
                let (Some(offset), Some(length), Some(mut memory)) =
                    (number(offset), number(length), instance.view())
                else {
                    return Err(Problem::bad_args("memory", "an offset and a length"));
                };
                let bytes = memory.bytes(offset, length);
                Value::bytes(bytes.map_err(|wrong| Problem::rule("bad-arguments", wrong.to_string()))?)
            }
            _ => return Err(Problem::no_method(args, &["call", "memory"])),
        };
        turn.spend(instance.fuel_used().min(turn.fuel()))?;
        Ok(me.becomes(image(&mut instance)?).saying(answer))
    }
}

impl Wrapped {
    fn export(&self, instance: &mut Instance<()>, name: &Value, args: &[Value]) -> Result<Value, Problem> {
        let wrong = || Problem::bad_args("call", "the name of an export and the numbers it takes");
        let name = name.as_name().ok_or_else(wrong)?;
        let ty = self.linked.module().info().exported_func(name).ok_or_else(wrong)?;
        let args: Option<Vec<hob::Value>> =
            ty.params.iter().zip(args).map(|(ty, value)| number(*ty, value)).collect();
        let results = instance.call_values(name, &args.ok_or_else(wrong)?);
        let results = results.map_err(|fault| Problem::rule("trap", fault.to_string()))?;
        Ok(match results.as_slice() {
            [one] => value(one),
            several => Value::list(several.iter().map(value)),
        })
    }
}

fn number(ty: ValType, value: &Value) -> Option<hob::Value> {
    Some(match (ty, value) {
        (ValType::I32, value) => hob::Value::I32(i32::try_from(value.as_i64()?).ok()?),
        (ValType::I64, value) => hob::Value::I64(value.as_i64()?),
        (ValType::F64, Value::Float(it)) => hob::Value::F64(*it),
        _ => return None,
    })
}

fn value(number: &hob::Value) -> Value {
    match *number {
        hob::Value::I32(it) => it.into(),
        hob::Value::I64(it) => it.into(),
        hob::Value::F32(it) => f64::from(it).into(),
        hob::Value::F64(it) => it.into(),
    }
}

/// Memory and globals, as a value.
fn image(instance: &mut Instance<()>) -> Result<Value, Problem> {
    let lost = || Problem::rule("not-kept", "this module keeps more than memory and numbers".into());
    let globals = instance.globals().filter(|_| instance.is_portable()).ok_or_else(lost)?;
    let globals: Vec<u8> = globals.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    let memory = match instance.view() {
        Some(mut memory) => {
            let size = u32::try_from(memory.size()).map_err(|_| lost())?;
            Value::bytes(memory.bytes(0, size).map_err(|_| lost())?)
        }
        None => Value::bytes(&[]),
    };
    Ok(Value::list([memory, Value::bytes(&globals)]))
}

/// Keeps the last number it was given, in its memory.
const MODULE: &[u8] = br#"(module (memory (export "memory") 1)
    (global $calls (mut i32) (i32.const 0))
    (func (export "put") (param i32) (result i32)
        (i32.store (i32.const 8) (local.get 0))
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (global.get $calls))
    (func (export "put_and_trap") (param i32) (result i32)
        (i32.store (i32.const 8) (local.get 0)) (unreachable)))"#;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = Host::builder().actors().build()?;
    let engine = host.engine();
    let module = engine.load_resettable(MODULE)?;
    let linked = engine.link(&module, &Arc::new(HostTable::new()))?;
    let kind = Arc::new(Wrapped { linked, limits: host.limits().clone() });

    let mut map = Actormap::new();
    let it = map.poke(|turn| turn.spawn(kind, ().into()))?;
    let put = |number: i32| [Value::symbol("call"), Value::symbol("put"), number.into()];
    let look = [Value::symbol("memory"), 8.into(), 4.into()];
    assert_eq!(map.poke(|turn| turn.call(it, &put(7)))?, 1.into());
    let before = map.fork();
    assert_eq!(map.poke(|turn| turn.call(it, &put(9)))?, 2.into());

    let trap = [Value::symbol("call"), Value::symbol("put_and_trap"), 11.into()];
    assert!(map.poke(|turn| turn.call(it, &trap)).is_err());
    assert_eq!(map.peek(|turn| turn.call(it, &look))?, Value::bytes(&[9, 0, 0, 0]));

    let mut before = before;
    assert_eq!(before.peek(|turn| turn.call(it, &look))?, Value::bytes(&[7, 0, 0, 0]));
    println!("the module was called, failed without a trace, and was looked at as it had been");
    Ok(())
}

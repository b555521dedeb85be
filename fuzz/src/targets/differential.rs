//! The same module, the same arguments, both engines: the same answer, or a trap of the same kind. And the same again from an
//! instance that was put back after it answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hob::engine::{Bounds, Engine, EngineConfig, HostTable, Ledger};
use hob::{Choice, ErrorKind, FaultKind, Host, Limits, StopToken, Trap, Value};

use crate::input::Input;

/// How deep an expression nests, and how many statements a function has.
const DEPTH_MAX: u32 = 5;
const STATEMENTS_MAX: u32 = 12;

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let mut input = Input::new(bytes);
    let wat = module(&mut input);
    let args = [Value::I32(input.u32().cast_signed()), Value::I64(input.u64().cast_signed())];
    let compiled = answer(Choice::Wasmtime, &wat, &args)?;
    let interpreted = answer(Choice::Wasmi, &wat, &args)?;
    if compiled == Answer::Bounded || interpreted == Answer::Bounded {
        return Ok(());
    }
    if compiled == interpreted {
        return [Choice::Wasmtime, Choice::Wasmi]
            .into_iter()
            .try_for_each(|choice| put_back(choice, &wat, &args, &compiled));
    }
    Err(format!("Wasmtime says {compiled:?}, wasmi {interpreted:?}, to {args:?}\n{wat}"))
}

#[derive(Debug, PartialEq)]
enum Answer {
    /// Bits, so that one NaN equals itself.
    Values(Vec<u64>),
    Trap(Trap),
    /// A limit or deadline, which engines may reach at different points.
    Bounded,
}

fn answer(choice: Choice, wat: &str, args: &[Value]) -> Result<Answer, String> {
    let limits =
        Limits { hard_deadline: Some(Duration::from_secs(5)), memory_bytes: 8 << 20, ..Limits::default() };
    let host = Host::builder()
        .engine(choice)
        .limits(limits)
        .deterministic()
        .build()
        .map_err(|error| error.to_string())?;
    let loaded = host.load_bytes("m", wat.as_bytes()).map_err(|error| format!("{error}\n{wat}"))?;
    read(choice, wat, loaded.call("run", args))
}

fn put_back(choice: Choice, wat: &str, args: &[Value], want: &Answer) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| format!("{choice:?}: {error}\n{wat}");
    let config = EngineConfig { choice, deterministic: true, ..EngineConfig::default() };
    let engine = Engine::new(config);
    let module = engine.load_resettable(wat.as_bytes()).map_err(|error| text(&error))?;
    let linked = engine.link(&module, &Arc::new(HostTable::<()>::new())).map_err(|error| text(&error))?;
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let deadline = Instant::now().checked_add(Duration::from_secs(5));
    let bounds =
        Bounds { ledger: Arc::new(Ledger::new(&limits)), stop: StopToken::new(None, deadline), fuel: None };
    let mut instance = linked.instantiate((), bounds).map_err(|error| text(&error))?;
    if !instance.mark() {
        return Err(text(&"cannot be marked"));
    }
    for time in 0..3 {
        let answer = read(choice, wat, instance.call_values("run", args).map_err(Into::into))?;
        if answer != *want && answer != Answer::Bounded {
            return Err(text(&format!("{answer:?} and not {want:?} after {time} times")));
        }
        if !instance.reset() {
            return Ok(());
        }
    }
    Ok(())
}

fn read(choice: Choice, wat: &str, answer: Result<Vec<Value>, hob::Error>) -> Result<Answer, String> {
    match answer {
        Ok(values) => Ok(Answer::Values(
            values
                .iter()
                .map(|value| match *value {
                    Value::I32(bits) => u64::from(bits.cast_unsigned()),
                    Value::I64(bits) => bits.cast_unsigned(),
                    Value::F32(float) => u64::from(float.to_bits()),
                    Value::F64(float) => float.to_bits(),
                })
                .collect(),
        )),
        Err(error) => match error.kind() {
            ErrorKind::Fault(fault) => match fault.kind() {
                FaultKind::Trap { trap: Trap::StackOverflow, .. }
                | FaultKind::Limit(_)
                | FaultKind::Stopped(_) => Ok(Answer::Bounded),
                FaultKind::Trap { trap, .. } => Ok(Answer::Trap(*trap)),
                other => Err(format!("{choice:?}: {other:?}\n{wat}")),
            },
            other => Err(format!("{choice:?}: {other:?}\n{wat}")),
        },
    }
}

/// A module whose `run` computes four numbers from its arguments and its memory.
fn module(input: &mut Input<'_>) -> String {
    let mut body = String::new();
    for _ in 0..=u32::from(input.byte()) % STATEMENTS_MAX {
        body += &statement(input, 0);
    }
    format!(
        "(module (memory 2 4) (data (i32.const 100) \"\\00\\00\\c0\\7f\\ff\\ff\\ff\\ff\\00\\00\\00\\80hob\")\n\
         (table 4 funcref) (elem (i32.const 0) $one $two) (type $t (func (param i32) (result i32)))\n\
         (func $one (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))\n\
         (func $two (param i64) (result i64) (local.get 0))\n\
         (func (export \"run\") (param $a i32) (param $b i64) (result i32 i64 f32 f64)\n\
         (local $c f32) (local $d f64) (local $n i32)\n{body}\
         (local.get $a) (local.get $b) (local.get $c) (local.get $d)))"
    )
}

fn statement(input: &mut Input<'_>, depth: u32) -> String {
    let at = |input: &mut Input<'_>| format!("(i32.and {} (i32.const 131071))", i32_expr(input, depth + 1));
    let length =
        |input: &mut Input<'_>| format!("(i32.and {} (i32.const 2097151))", i32_expr(input, depth + 1));
    match input.byte() % 12 {
        0 | 1 => format!("(local.set $a {})\n", i32_expr(input, depth)),
        2 => format!("(local.set $b {})\n", i64_expr(input, depth)),
        3 => format!("(local.set $c {})\n", f32_expr(input, depth)),
        4 => format!("(local.set $d {})\n", f64_expr(input, depth)),
        5 => format!("(i64.store {} {})\n", at(input), i64_expr(input, depth)),
        6 => format!("(f64.store {} {})\n", at(input), f64_expr(input, depth)),
        7 => format!("(memory.fill {} {} {})\n", at(input), i32_expr(input, depth), length(input)),
        8 => format!("(memory.copy {} {} {})\n", at(input), at(input), length(input)),
        9 => "(local.set $a (i32.add (local.get $a) (memory.grow (i32.const 1))))\n".into(),
        _ if depth >= DEPTH_MAX => String::new(),
        10 => {
            let condition = i32_expr(input, depth + 1);
            format!(
                "(if {condition} (then {}) (else {}))\n",
                statement(input, depth + 1),
                statement(input, depth + 1)
            )
        }
        _ => {
            let count = input.byte() % 16;
            let body = statement(input, depth + 1);
            format!(
                "(local.set $n (i32.const {count})) (block $out (loop $again (br_if $out (i32.eqz (local.get $n)))\n\
                 (local.set $n (i32.sub (local.get $n) (i32.const 1))) {body} (br $again)))\n"
            )
        }
    }
}

fn i32_expr(input: &mut Input<'_>, depth: u32) -> String {
    if depth >= DEPTH_MAX || input.is_empty() {
        return "(local.get $a)".into();
    }
    let two = [
        "add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u",
        "rotl", "lt_s",
    ];
    let one = ["clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s"];
    match input.byte() % 10 {
        0 => format!("(i32.const {})", input.u32().cast_signed()),
        1 => "(local.get $a)".into(),
        2 => format!("(i32.{} {})", input.pick(&one).unwrap_or("clz"), i32_expr(input, depth + 1)),
        3 => format!("(i32.wrap_i64 {})", i64_expr(input, depth + 1)),
        4 => format!("(i32.reinterpret_f32 {})", f32_expr(input, depth + 1)),
        5 => {
            let op = input
                .pick(&["trunc_f64_s", "trunc_f64_u", "trunc_sat_f64_s", "trunc_sat_f64_u"])
                .unwrap_or("trunc_f64_s");
            format!("(i32.{op} {})", f64_expr(input, depth + 1))
        }
        6 => format!("(i32.load8_s (i32.and {} (i32.const 262143)))", i32_expr(input, depth + 1)),
        7 => format!(
            "(call_indirect (type $t) {} (i32.and {} (i32.const 7)))",
            i32_expr(input, depth + 1),
            i32_expr(input, depth + 1)
        ),
        _ => {
            let op = input.pick(&two).unwrap_or("add");
            format!("(i32.{op} {} {})", i32_expr(input, depth + 1), i32_expr(input, depth + 1))
        }
    }
}

fn i64_expr(input: &mut Input<'_>, depth: u32) -> String {
    if depth >= DEPTH_MAX || input.is_empty() {
        return "(local.get $b)".into();
    }
    let two =
        ["add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "rotr"];
    match input.byte() % 6 {
        0 => format!("(i64.const {})", input.u64().cast_signed()),
        1 => format!("(i64.extend_i32_s {})", i32_expr(input, depth + 1)),
        2 => format!("(i64.reinterpret_f64 {})", f64_expr(input, depth + 1)),
        3 => format!("(i64.load (i32.and {} (i32.const 131071)))", i32_expr(input, depth + 1)),
        _ => {
            let op = input.pick(&two).unwrap_or("add");
            format!("(i64.{op} {} {})", i64_expr(input, depth + 1), i64_expr(input, depth + 1))
        }
    }
}

fn f32_expr(input: &mut Input<'_>, depth: u32) -> String {
    if depth >= DEPTH_MAX || input.is_empty() {
        return "(local.get $c)".into();
    }
    match input.byte() % 5 {
        0 => format!("(f32.reinterpret_i32 (i32.const {}))", input.u32().cast_signed()),
        1 => format!("(f32.convert_i32_u {})", i32_expr(input, depth + 1)),
        2 => format!("(f32.demote_f64 {})", f64_expr(input, depth + 1)),
        3 => format!(
            "(f32.{} {})",
            input.pick(&["abs", "neg", "sqrt", "ceil", "nearest"]).unwrap_or("abs"),
            f32_expr(input, depth + 1)
        ),
        _ => {
            let op = input.pick(&["add", "sub", "mul", "div", "min", "max", "copysign"]).unwrap_or("add");
            format!("(f32.{op} {} {})", f32_expr(input, depth + 1), f32_expr(input, depth + 1))
        }
    }
}

fn f64_expr(input: &mut Input<'_>, depth: u32) -> String {
    if depth >= DEPTH_MAX || input.is_empty() {
        return "(local.get $d)".into();
    }
    match input.byte() % 5 {
        0 => format!("(f64.reinterpret_i64 (i64.const {}))", input.u64().cast_signed()),
        1 => format!("(f64.convert_i64_s {})", i64_expr(input, depth + 1)),
        2 => format!("(f64.promote_f32 {})", f32_expr(input, depth + 1)),
        3 => format!(
            "(f64.{} {})",
            input.pick(&["abs", "neg", "sqrt", "floor", "trunc"]).unwrap_or("abs"),
            f64_expr(input, depth + 1)
        ),
        _ => {
            let op = input.pick(&["add", "sub", "mul", "div", "min", "max", "copysign"]).unwrap_or("add");
            format!("(f64.{op} {} {})", f64_expr(input, depth + 1), f64_expr(input, depth + 1))
        }
    }
}

//! The suite `scoot-host`: `{modules: {name: wat}, cases: [{case, argv, stdin, "v0.9.1": {rc, stdout, stderr}, seed?}]}`.
//!
//! A case is a command line of `scoot-wasm` and what it printed. `check` decodes the structure of a module, `run` calls an
//! export with integers, `wasi` runs a program. hob does the same and prints the same; `seed` is what an earlier revision
//! did, which answered more of WASI. Where hob differs on purpose the case is counted under its row of the exceptions.

use std::collections::BTreeMap;
use std::path::Path;

use hob::{
    Choice, ClockGrant, Error, ErrorKind, FaultKind, Host, Limit, Limits, RandomGrant, SharedBuffer, Sink,
    Source, Trap, ValType, Value,
};
use serde::Deserialize;

use crate::tally::{Tally, Verdict};

/// The limits of `scoot-wasm`.
const FUEL: u64 = 200_000_000;
const MEMORY_BYTES: u64 = 64 << 20;

#[derive(Deserialize)]
struct Suite {
    modules: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    case: String,
    argv: Vec<String>,
    #[serde(default)]
    stdin: String,
    #[serde(rename = "v0.9.1")]
    said: Said,
    seed: Option<Said>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Said {
    rc: i32,
    stdout: String,
    #[serde(default)]
    stderr: String,
}

pub(crate) fn run(path: &Path, engine: Choice, tally: &mut Tally) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let suite: Suite =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for case in &suite.cases {
        let verdict = check(case, &suite, engine).unwrap_or_else(Verdict::Failed);
        tally.verdict(&format!("{} ({engine:?})", case.case), verdict);
    }
    Ok(())
}

fn check(case: &Case, suite: &Suite, engine: Choice) -> Result<Verdict, String> {
    let mut argv = case.argv.iter().map(String::as_str);
    let (command, file) = (argv.next().unwrap_or_default(), argv.next().unwrap_or_default());
    let rest: Vec<&str> = argv.collect();
    let wat = wat(case, suite, file)?;
    let wasm = hob::engine::wasm_from_text(wat.as_bytes()).map_err(|error| error.to_string())?.into_owned();
    let did = match command {
        "check" => Ok(structure(file, &wasm)),
        "run" => call(file, &wasm, &rest, engine),
        "wasi" => wasi(file, &wasm, &rest, &case.stdin, engine),
        other => return Err(format!("there is no command `{other}`")),
    };
    Ok(match did {
        Ok(did) if did == case.said || Some(&did) == case.seed.as_ref() => Verdict::Passed,
        Ok(did) => explain(&did, &case.said, command),
        Err(id) => Verdict::Exception(id),
    })
}

/// The module of a case. Exit codes stand in the names of their cases.
fn wat(case: &Case, suite: &Suite, file: &str) -> Result<String, String> {
    let name = file.trim_end_matches(".wasm");
    if name == "badtype" {
        return Ok(r#"(module (func (export "f") (result i32) i64.const 0))"#.into());
    }
    let wat = suite.modules.get(name).ok_or_else(|| format!("there is no module `{name}`"))?;
    match case.case.strip_prefix("wasi_exit_") {
        Some(code) => Ok(wat.replace("i32.const -1", &format!("i32.const {code}"))),
        None => Ok(wat.clone()),
    }
}

/// The exception under which a difference falls, if it does.
fn explain(did: &Said, said: &Said, command: &str) -> Verdict {
    let ok = |said: &Said| said.stdout.starts_with("OK ");
    let words = "out of bounds memory";
    let ran = ok(did) || did.stdout.contains("export not found") || did.stdout.contains("out of fuel");
    if command == "run" && ran && said.stdout.ends_with("InvalidModule\n") {
        return Verdict::Exception("more-of-wasm");
    }
    if ok(did) && said.stdout.contains("call stack exhausted") {
        return Verdict::Exception("call-depth");
    }
    if said.stderr.contains("unsupported host import") && did.stderr.is_empty() {
        return Verdict::Exception("wasi-whole");
    }
    if did.stdout.contains(words) && said.stdout.contains(words) && did.rc == said.rc {
        return Verdict::Exception("trap-words");
    }
    Verdict::Failed(format!("upstream {said:?}, hob {did:?}"))
}

fn fail(file: &str, why: &str) -> Said {
    Said { rc: 1, stdout: format!("FAIL {file}: {why}\n"), stderr: String::new() }
}

fn structure(file: &str, wasm: &[u8]) -> Said {
    match hob_package::structure(wasm) {
        Err(why) => fail(file, &why),
        Ok(seen) => Said {
            rc: 0,
            stdout: format!(
                "OK {file} sections={} types={} imports={} functions={} codes={} exports={} data={}\n",
                seen.sections, seen.types, seen.imports, seen.functions, seen.codes, seen.exports, seen.data
            ),
            stderr: String::new(),
        },
    }
}

fn host(engine: Choice) -> Result<Host, Error> {
    let limits = Limits { memory_bytes: MEMORY_BYTES, fuel: Some(FUEL), ..Limits::default() };
    let host = Host::builder().engine(engine).limits(limits).stdio().clock(ClockGrant::Virtual);
    host.random(RandomGrant::Seeded(0)).deterministic().build()
}

/// `scoot-wasm run`. An error is the exception under which hob refuses what upstream runs.
fn call(file: &str, wasm: &[u8], rest: &[&str], engine: Choice) -> Result<Said, &'static str> {
    // Upstream decodes before it does anything else.
    if let Err(why) = hob_package::structure(wasm) {
        return Ok(fail(file, &why));
    }
    let (export, args) = rest.split_first().map_or(("", &[][..]), |(export, args)| (*export, args));
    let mut numbers = Vec::new();
    for arg in args {
        match integer(arg) {
            Some(number) => numbers.push(number),
            None => {
                let stdout = format!("FAIL {file}: argument '{arg}' is not an integer\n");
                return Ok(Said { rc: 2, stdout, stderr: String::new() });
            }
        }
    }
    let loaded = host(engine).and_then(|host| host.load_bytes(file, wasm));
    let Ok(loaded) = loaded else { return Ok(fail(file, "InvalidModule")) };
    let ty = loaded.module().info().exported_func(export).cloned();
    let values: Vec<Value> = match &ty {
        Some(ty) => ty.params.iter().zip(&numbers).map(|(ty, number)| coerce(*ty, *number)).collect(),
        None => Vec::new(),
    };
    // What keeps an instance from being made, other than its start function, is the module's fault.
    let is_trap =
        |error: Error| error.fault().is_some_and(|fault| matches!(fault.kind(), FaultKind::Trap { .. }));
    if !loaded.module().info().has_start && loaded.call("", &[]).is_err_and(is_trap) {
        return Ok(fail(file, "InvalidModule"));
    }
    let trap =
        |why: &str| Said { rc: 1, stdout: format!("TRAP {file}:{export}: {why}\n"), stderr: String::new() };
    match loaded.call(export, &values) {
        Ok(results) => {
            let shown: Vec<String> = results.iter().map(show).collect();
            let shown = if shown.is_empty() { "(no results)".into() } else { shown.join(" ") };
            Ok(Said { rc: 0, stdout: format!("OK {file}:{export} -> {shown}\n"), stderr: String::new() })
        }
        Err(error) => match error.kind() {
            // Upstream has no WASI here, and traps when it is called.
            ErrorKind::Link(_) => Err("imports-are-met"),
            _ if ty.is_none() => Ok(trap("export not found or not a function")),
            _ => Ok(match words(&error) {
                Some(why) => trap(why),
                None => fail(file, "InvalidModule"),
            }),
        },
    }
    .and_then(|said| {
        let wasi = loaded.module().info().imports.iter().any(|import| import.module.starts_with("wasi"));
        if wasi { Err("imports-are-met") } else { Ok(said) }
    })
}

/// `scoot-wasm wasi`.
fn wasi(file: &str, wasm: &[u8], args: &[&str], stdin: &str, engine: Choice) -> Result<Said, &'static str> {
    let failed = |why: String| Said { rc: 1, stdout: String::new(), stderr: why };
    let loaded =
        host(engine).and_then(|host| host.load_bytes(file, wasm)).and_then(|loaded| loaded.command());
    let command = match loaded {
        Ok(command) => command,
        Err(_) => return Ok(failed(format!("FAIL {file}: InvalidModule\n"))),
    };
    let (stdout, stderr) = (SharedBuffer::default(), SharedBuffer::default());
    let run = command
        .start()
        .args(args.iter().map(|arg| arg.as_bytes().to_vec()))
        .stdin(Source::Bytes(stdin.as_bytes().to_vec()))
        .stdout(Sink::Buffer(stdout.clone()))
        .stderr(Sink::Buffer(stderr.clone()))
        .wait();
    let text = |buffer: SharedBuffer| String::from_utf8_lossy(&buffer.take()).into_owned();
    let (out, err) = (text(stdout), text(stderr));
    Ok(match run {
        Ok(code) => Said { rc: code.into(), stdout: out, stderr: err },
        Err(error) => {
            let why = words(&error).unwrap_or("unknown");
            Said { rc: 1, stdout: out, stderr: format!("{err}TRAP {file}: {why}\n") }
        }
    })
}

/// How upstream says what ended a guest; `None` when its module was never an instance.
fn words(error: &Error) -> Option<&'static str> {
    Some(match error.fault()?.kind() {
        FaultKind::Limit(exceeded) if exceeded.limit == Limit::Fuel => "out of fuel",
        FaultKind::Trap { trap, .. } => match trap {
            Trap::Unreachable => "unreachable executed",
            Trap::MemoryOutOfBounds => "out of bounds memory access",
            Trap::TableOutOfBounds => "indirect call index out of bounds",
            Trap::IndirectCallToNull => "indirect call to null element",
            Trap::BadSignature => "indirect call type mismatch",
            Trap::IntegerOverflow => "integer overflow",
            Trap::IntegerDivisionByZero => "integer divide by zero",
            Trap::BadConversionToInteger => "invalid conversion to integer",
            Trap::StackOverflow => "call stack exhausted",
            _ => return None,
        },
        _ => return None,
    })
}

/// An integer as Zig writes it: a sign, `0x`, `0o` or `0b`, and underscores between digits.
fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, digits.get(2..)?),
        Some("0o" | "0O") => (8, digits.get(2..)?),
        Some("0b" | "0B") => (2, digits.get(2..)?),
        _ => (10, digits),
    };
    if digits.starts_with('_') || digits.ends_with('_') || digits.starts_with(['-', '+']) {
        return None;
    }
    let magnitude = i128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// An integer as a value of another type: cut off, or as a float.
fn coerce(ty: ValType, number: i64) -> Value {
    let low = number.to_le_bytes();
    let [a, b, c, d, ..] = low;
    match ty {
        ValType::I32 => Value::I32(i32::from_le_bytes([a, b, c, d])),
        // Text is read as the nearest float, which is what a conversion gives.
        ValType::F32 => Value::F32(number.to_string().parse().unwrap_or_default()),
        ValType::F64 => Value::F64(number.to_string().parse().unwrap_or_default()),
        ValType::I64 | ValType::Other => Value::I64(number),
    }
}

/// A result as upstream prints it: a NaN as its bits.
fn show(value: &Value) -> String {
    match value {
        Value::F32(value) if value.is_nan() => format!("f32:{:#x}", value.to_bits()),
        Value::F64(value) if value.is_nan() => format!("f64:{:#x}", value.to_bits()),
        other => other.to_string(),
    }
}

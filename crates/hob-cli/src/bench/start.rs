//! One-shot runs: this very program, from process start to exit, beside `true`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::measure::median;
use super::{Row, Rows};

/// What a small tool may take, in milliseconds.
const CACHED_MS: f64 = 10.0;
const UNCACHED_MS: f64 = 15.0;

/// Bytes of the module of ordinary size.
const MODULE_BYTES: usize = 100_000;

pub(super) fn rows(quick: bool) -> Rows {
    let rounds = if quick { 3 } else { 31 };
    let failed = |error: std::io::Error| error.to_string();
    let dir = std::env::temp_dir().join(format!("hob-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(failed)?;
    let wasm = dir.join("tool.wasm");
    let text = tool();
    let binary = hob::engine::wasm_from_text(text.as_bytes()).map_err(|error| error.to_string())?;
    std::fs::write(&wasm, &binary).map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let hob = |cache: &Path, args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(args).arg(&wasm).env("HOB_CACHE_DIR", cache);
        command
    };
    let warm = dir.join("warm");
    time(&mut hob(&warm, &["cache", "prewarm"]))?;
    let (mut cached, mut uncached, mut nothing) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        nothing.push(time(&mut Command::new("true"))?);
        cached.push(time(&mut hob(&warm, &["run"]))?);
        // Without a cache directory nothing is compiled behind, which would disturb the rounds after it.
        let cold = dir.join(format!("cold-{round}"));
        uncached.push(time(&mut hob(&cold, &["run", "--no-cache"]))?);
    }
    drop(std::fs::remove_dir_all(&dir));
    let nothing = median(nothing);
    let mut beside = Row::amount("run a 100 KB tool, cached, start to exit", median(cached), "ms", CACHED_MS);
    beside.bare = Some(nothing);
    beside.met = beside.met && beside.hob <= 2.0 * nothing + 5.0;
    beside.target = format!("at most {CACHED_MS} ms and 2 x `true` + 5 ms");
    let mut cold = Row::amount("the same, nothing cached", median(uncached), "ms", UNCACHED_MS);
    cold.bare = Some(nothing);
    Ok(vec![beside, cold])
}

/// Milliseconds from start to exit.
fn time(command: &mut Command) -> Result<f64, String> {
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.map_err(|error| error.to_string())?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    if status.success() { Ok(took) } else { Err(format!("{command:?} ended with {status}")) }
}

/// A program of about a hundred kilobytes, most of which a run does not touch, as with any real one.
fn tool() -> String {
    let body = "(local.set $n (i32.add (i32.mul (local.get $n) (i32.const 31)) (i32.const 7)))";
    let function = format!("(func (param $n i32) (result i32) {} (local.get $n))\n", body.repeat(40));
    let count = MODULE_BYTES / (40 * 9 + 10);
    format!(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\06\00\00\00") (data (i32.const 16) "hello\n")
        (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (drop (call 2 (i32.const 1)))) {})"#,
        function.repeat(count)
    )
}

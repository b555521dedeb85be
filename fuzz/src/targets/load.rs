//! Any bytes either load or are refused, and what loads can be inspected and linked or not, in bounded time.

use std::time::{Duration, Instant};

use hob::{Choice, CompileLimits, Host};

/// How long loading may take on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Larger modules are not compiled here: it takes too long for many executions.
const COMPILED_BYTES_MAX: usize = 512;

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let engines: &[Choice] =
        if bytes.len() <= COMPILED_BYTES_MAX { &[Choice::Wasmi, Choice::Wasmtime] } else { &[Choice::Wasmi] };
    for choice in engines {
        let compile = CompileLimits { module_bytes: 4096, ..CompileLimits::default() };
        let host = Host::builder()
            .engine(*choice)
            .compile_limits(compile)
            .stdio()
            .build()
            .map_err(|error| error.to_string())?;
        let began = Instant::now();
        if let Ok(loaded) = host.load_bytes("guest", bytes) {
            let seen = loaded.inspect();
            if seen.linkable != seen.problems.is_empty() {
                return Err(format!("inspection contradicts itself: {seen:?}"));
            }
            for text in seen.problems.iter().chain(&seen.exports).chain(&seen.sections) {
                if text.chars().any(char::is_control) {
                    return Err(format!("text of the guest is not escaped: {text:?}"));
                }
            }
            drop(loaded.command());
            drop(loaded.behavior());
        }
        if began.elapsed() > TIME_MAX {
            return Err(format!("took {:?} on {choice:?}", began.elapsed()));
        }
    }
    Ok(())
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "(module)",
        "(module (memory (export \"memory\") 1) (func (export \"_start\")))",
        "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32))) (memory 1 2)
            (table 3 funcref) (global (mut i64) (i64.const 1)) (func $s (memory.fill (i32.const 0) (i32.const 1) (i32.const 9)))
            (start $s) (elem (i32.const 0) $s) (data \"x\") (data (i32.const 1) \"yz\"))",
        "(module (memory (export \"memory\") 1) (data \"abc\") (func (export \"alloc\") (param i32) (result i32) (i32.const 8))
            (func (export \"eval\") (param i32 i32) (result i64) (memory.init 0 (local.get 0) (i32.const 0) (local.get 1))
            (data.drop 0) (memory.copy (i32.const 0) (local.get 0) (local.get 1)) (i64.const 0)))",
    ];
    let binary =
        |text: &&str| hob::engine::wasm_from_text(text.as_bytes()).ok().map(std::borrow::Cow::into_owned);
    texts.iter().filter_map(binary).chain(texts.iter().map(|text| text.as_bytes().to_vec())).collect()
}

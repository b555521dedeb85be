//! How late a deadline strikes: in a loop, in one long instruction, in a sleep, in a blocked read.

use std::time::{Duration, Instant};

use hob::{Choice, ClockGrant, Host, Limits, Source};

use super::{Row, Rows};

/// How late a deadline may strike.
const TARGET_MS: f64 = 20.0;

const DEADLINE: Duration = Duration::from_millis(100);

const LOOP: &str =
    r#"(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))"#;

const FILL: &str = r#"(module (memory (export "memory") 65536) (func (export "_start")
    (loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)) (br $again))))"#;

/// Waits on the monotonic clock for a minute.
const SLEEP: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
        (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 60000000000))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#;

const READ: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\06\00\00\00")
    (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

pub(super) fn rows(quick: bool) -> Rows {
    let tries = if quick { 1 } else { 7 };
    let row = |name, choice, guest| -> Result<Row, String> {
        Ok(Row::amount(name, worst(choice, guest, tries)?, "ms", TARGET_MS))
    };
    Ok(vec![
        row("deadline overshoot: loop, Wasmtime", Choice::Wasmtime, LOOP)?,
        row("deadline overshoot: loop, wasmi", Choice::Wasmi, LOOP)?,
        row("deadline overshoot: fill of 4 GiB, Wasmtime", Choice::Wasmtime, FILL)?,
        row("deadline overshoot: fill of 4 GiB, wasmi", Choice::Wasmi, FILL)?,
        row("deadline overshoot: sleep", Choice::Wasmtime, SLEEP)?,
        row("deadline overshoot: blocked read", Choice::Wasmtime, READ)?,
    ])
}

/// The latest of some tries, in milliseconds past the deadline.
fn worst(choice: Choice, guest: &str, tries: u32) -> Result<f64, String> {
    let limits = Limits { hard_deadline: Some(DEADLINE), memory_bytes: 4 << 30, ..Limits::default() };
    let host = Host::builder().engine(choice).stdio().clock(ClockGrant::Real).limits(limits).build();
    let host = host.map_err(|error| error.to_string())?;
    let command = host.load_bytes("guest", guest.as_bytes()).and_then(|guest| guest.command());
    let command = command.map_err(|error| error.to_string())?;
    let mut worst = 0.0_f64;
    for _ in 0..tries {
        let (reader, _writer) = std::io::pipe().map_err(|error| error.to_string())?;
        let began = Instant::now();
        let ended = command.start().stdin(Source::Fd(reader.into())).wait();
        let late = began.elapsed().as_secs_f64() - DEADLINE.as_secs_f64();
        if !ended.is_err_and(|error| error.fault().is_some_and(hob::Fault::is_deadline)) {
            return Err("the guest did not end at its deadline".into());
        }
        worst = worst.max(late * 1e3);
    }
    Ok(worst)
}

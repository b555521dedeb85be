//! How long a killed command lives on: in a loop, and wherever it may wait.

use std::time::{Duration, Instant};

use hob::{Session, SharedBuffer, Sink};

use super::super::Row;
use super::{Setting, text};

/// How long it may.
const TARGET_MS: f64 = 20.0;

/// Says that it is ready, and then waits in one of several ways, by its only argument.
const WAITS: &str = r#"(module
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (import "host_process" "fd_pipe" (func $pipe (param i32 i32) (result i32)))
    (import "host_process" "fd_flock" (func $flock (param i32 i32) (result i32)))
    (import "host_process" "proc_ppoll_v1" (func $poll (param i32 i32 i64 i64 i32 i32 i32 i32) (result i32)))
    (import "host_process" "proc_waitpid_v3" (func $wait (param i32 i32 i32 i32) (result i32)))
    (import "host_process" "proc_spawn_v4" (func $spawn (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
        i32 i32 i32 i32 i32 i32) (result i32)))
    (import "host_process" "sleep_ms" (func $sleep (param i32) (result i32)))
    (import "host_fs" "path_mknod" (func $mknod (param i32 i32 i32 i32 i64) (result i32)))
    (import "host_net" "net_socket" (func $socket (param i32 i32 i32 i32) (result i32)))
    (import "host_net" "net_bind" (func $bind (param i32 i32 i32) (result i32)))
    (import "host_net" "net_listen" (func $listen (param i32 i32) (result i32)))
    (import "host_net" "net_accept" (func $accept (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\01\00\00\00") (data (i32.const 16) "\n")
    (data (i32.const 32) "127.0.0.1:4000") (data (i32.const 64) "/tmp/fifo") (data (i32.const 80) "/tmp/lock")
    (data (i32.const 96) "waits\003\00") (data (i32.const 112) "/bin")
    (func $ready (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 128))))
    (func $file (param i32 i32 i32 i64) (result i32)
        (drop (call $open (i32.const -1) (i32.const 1) (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i64.const 0)
            (i32.const 0) (i32.const 128)))
        (i32.load (i32.const 128)))
    (func $loops (call $ready) (loop $more (br $more)))
    (func $fills (call $ready) (loop $more (memory.fill (i32.const 256) (i32.const 0) (i32.const 65280)) (br $more)))
    (func $calls (call $ready) (loop $more (drop (call $yield)) (br $more)))
    (func $sleeps (call $ready) (drop (call $sleep (i32.const -1))))
    (func $reads (drop (call $pipe (i32.const 132) (i32.const 136))) (call $ready)
        (drop (call $read (i32.load (i32.const 132)) (i32.const 0) (i32.const 1) (i32.const 128))))
    (func $polls (drop (call $pipe (i32.const 132) (i32.const 140))) (i32.store (i32.const 136) (i32.const 1)) (call $ready)
        (drop (call $poll (i32.const 132) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 128))))
    (func $locks (local $fd i32)
        (drop (call $flock (call $file (i32.const 80) (i32.const 9) (i32.const 1) (i64.const 66)) (i32.const 2)))
        (local.set $fd (call $file (i32.const 80) (i32.const 9) (i32.const 1) (i64.const 66))) (call $ready)
        (drop (call $flock (local.get $fd) (i32.const 2))))
    (func $waits
        (drop (call $spawn (i32.const 96) (i32.const 5) (i32.const 96) (i32.const 8) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 112) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128)))
        (call $ready) (drop (call $wait (i32.const -1) (i32.const 0) (i32.const 132) (i32.const 136))))
    (func $accepts
        (drop (call $socket (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 132)))
        (drop (call $bind (i32.load (i32.const 132)) (i32.const 32) (i32.const 14)))
        (drop (call $listen (i32.load (i32.const 132)) (i32.const 1))) (call $ready)
        (i32.store (i32.const 136) (i32.const 64))
        (drop (call $accept (i32.load (i32.const 132)) (i32.const 128) (i32.const 256) (i32.const 136))))
    (func $opens (drop (call $mknod (i32.const -1) (i32.const 64) (i32.const 9) (i32.const 0x11b6) (i64.const 0)))
        (call $ready) (drop (call $file (i32.const 64) (i32.const 9) (i32.const 0) (i64.const 2))))
    (table funcref (elem $loops $fills $calls $sleeps $reads $polls $locks $waits $accepts $opens))
    (func (export "_start")
        (drop (call $args (i32.const 512) (i32.const 1024)))
        (call_indirect (i32.sub (i32.load8_u (i32.load (i32.const 516))) (i32.const 48)))))"#;

/// The names of its ways, by argument.
const WAYS: [&str; 10] =
    ["loop", "fill", "calls", "sleep", "read", "poll", "flock", "waitpid", "accept", "open of a FIFO"];

/// The slowest of all.
pub(super) fn row(setting: &Setting<'_>) -> Result<Row, String> {
    let tries = if setting.quick { 1 } else { 20 };
    let dir = setting.dir.join("waits");
    std::fs::create_dir_all(&dir).map_err(text)?;
    let wasm = hob::engine::wasm_from_text(WAITS.as_bytes()).map_err(text)?;
    std::fs::write(dir.join("waits.wasm"), wasm).map_err(text)?;
    let shell = setting.host().build().and_then(|host| host.shell().bin(dir)?.build()).map_err(text)?;
    let (mut worst, mut where_) = (0.0_f64, "");
    for (number, way) in WAYS.iter().enumerate() {
        for _ in 0..tries {
            let session = shell.session().map_err(text)?;
            let took = killed(&session, &number.to_string())?;
            if took > worst {
                (worst, where_) = (took, way);
            }
            session.close();
        }
    }
    let mut row = Row::amount("kill of a command, wherever it is: the slowest", worst, "ms", TARGET_MS);
    row.target = format!("{} (in: {where_})", row.target);
    Ok(row)
}

/// Milliseconds from the kill to the end.
fn killed(session: &Session, way: &str) -> Result<f64, String> {
    let out = SharedBuffer::default();
    let job = session.start("waits").args([way]).stdout(Sink::Buffer(out.clone())).spawn().map_err(text)?;
    while out.is_empty() {
        if let Some(exit) = job.try_wait() {
            return Err(format!("way {way} ended by itself: {exit:?}"));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    std::thread::sleep(Duration::from_millis(2));
    let began = Instant::now();
    job.kill();
    let exit = job.wait().map_err(text)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    if exit.signal == Some(hob::Signal::KILL) {
        Ok(took)
    } else {
        Err(format!("way {way} ended with {exit:?}"))
    }
}

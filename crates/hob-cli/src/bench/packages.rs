//! Packages: a static check, first and warm calls, and what writing things down costs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use hob::{AuditLog, AuditSink, Choice, Host, HostBuilder, Recorder, UserKey};

use super::measure::{Effort, alone, beside, median};
use super::{Row, Rows};

/// What a first call of a plugin may take with its code in the cache, from process start to exit.
const FIRST_CALL_MS: f64 = 10.0;

/// What writing a call down may cost, each.
const WRITTEN_US: f64 = 1.0;

/// Host calls in one measured run.
const CALLS: u32 = 10_000;

const PLUGIN: &str = r#"(module (memory (export "memory") 2) (data (i32.const 16) "{\"ok\":true}")
    (func (export "samuel_protocol_version") (result i32) (i32.const 1))
    (func (export "health") (result i32) (i32.const 0))
    (func (export "samuel_alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "lint") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#;

const MANIFEST: &str = "[package]\nname = \"bench\"\nversion = \"1.0.0\"\nkind = \"plugin\"\nmodule = \"m.wasm\"\n\n\
                        [[export]]\nname = \"lint\"\nabi = \"json\"\ninput = \"in.json\"\n";

/// Asks for the time, over and over: a host call that reads nothing and writes eight bytes.
const ASKING: &str = r#"(module
    (import "wasi_snapshot_preview1" "clock_time_get" (func $now (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "run") (param $n i32) (result i32)
        (loop $again (drop (call $now (i32.const 1) (i64.const 0) (i32.const 0)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (i32.const 0)))"#;

pub(super) fn rows(quick: bool) -> Rows {
    let dir = std::env::temp_dir().join(format!("hob-bench-packages-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let rows = measure(&dir, quick);
    drop(std::fs::remove_dir_all(&dir));
    rows
}

fn measure(dir: &Path, quick: bool) -> Rows {
    let mut rows = vec![check(&dir.join("large"), quick)?];
    rows.extend(calls(&dir.join("small"), quick)?);
    rows.push(recording(dir, quick)?);
    rows.push(auditing(dir, quick)?);
    Ok(rows)
}

/// A package with a module of this text.
fn package(dir: &Path, wat: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(dir).map_err(failed)?;
    let wasm = hob::engine::wasm_from_text(wat.as_bytes()).map_err(|error| error.to_string())?;
    std::fs::write(dir.join("m.wasm"), wasm).map_err(failed)?;
    std::fs::write(dir.join("in.json"), r#"{"type":"object"}"#).map_err(failed)?;
    std::fs::write(dir.join("hob.toml"), MANIFEST).map_err(failed)
}

/// A package of a megabyte, checked whole; beside it, its module validated alone.
fn check(dir: &Path, quick: bool) -> Result<Row, String> {
    let body = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 31)) (i32.const 7)))".repeat(400);
    let functions = format!("(func (param i32) (result i32) {body} (local.get 0))\n").repeat(275);
    let wat = PLUGIN.replacen("(module", &format!("(module {functions}"), 1);
    package(dir, &wat)?;
    let wasm = std::fs::read(dir.join("m.wasm")).map_err(|error| error.to_string())?;
    let limits = hob::CompileLimits::default();
    let (ours, bare) = beside(
        Effort::new(4, quick),
        || {
            let checked = hob::package::check(dir);
            if checked.report.valid { Ok(()) } else { Err(format!("{:?}", checked.report.problems)) }
        },
        || hob::engine::ModuleInfo::check(&wasm, &limits).map(drop).map_err(|error| error.to_string()),
    )?;
    Ok(Row::ratio("check of a 1 MB package, beside validation alone", ours / 1e6, bare / 1e6, "ms", 3.0))
}

/// The first call of a plugin, in a process of its own, and a warm one in this.
fn calls(dir: &Path, quick: bool) -> Rows {
    package(dir, PLUGIN)?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let cache = dir.join("cache");
    let run = |args: &[&str]| -> Result<f64, String> {
        let began = Instant::now();
        let mut command = Command::new(&program);
        command.args(args).env("HOB_CACHE_DIR", &cache).stdin(Stdio::null());
        let output = command.output().map_err(|error| error.to_string())?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        if output.status.success() {
            Ok(took)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    };
    let path = dir.display().to_string();
    run(&["cache", "prewarm", &dir.join("m.wasm").display().to_string()])?;
    let rounds = if quick { 3 } else { 31 };
    let first: Result<Vec<f64>, String> = (0..rounds).map(|_| run(&["call", &path, "lint", "{}"])).collect();
    let package = hob::package::open(dir).map_err(|error| error.to_string())?;
    let warm = |builder: HostBuilder| -> Result<hob::Plugin, hob::Error> {
        builder.build()?.load_package(package.clone())?.plugin()
    };
    let pooled = Host::builder().package(&package).engine(Choice::Wasmtime).pooled(8);
    let plugin = warm(pooled).map_err(|error| error.to_string())?;
    let warm = alone(Effort::new(1000, quick), || {
        let called = plugin.call("lint", Some(b"{}")).map_err(|error| error.to_string())?;
        called.answer.map(drop).map_err(|error| error.to_string())
    })?;
    Ok(vec![
        Row::amount("first call of a plugin, cached, start to exit", median(first?), "ms", FIRST_CALL_MS),
        Row::amount("warm call of a plugin, schema and all", warm / 1e3, "us", 50.0),
    ])
}

/// What `--record` costs a host call.
fn recording(dir: &Path, quick: bool) -> Result<Row, String> {
    let host = Host::builder().engine(Choice::Wasmtime).clock(hob::ClockGrant::Virtual).recordable().build();
    let module = host.and_then(|host| host.load_bytes("asking", ASKING.as_bytes()));
    let module = module.map_err(|error| error.to_string())?;
    let calls = [hob::Value::I32(i32::try_from(CALLS).unwrap_or(i32::MAX))];
    let path = dir.join("record");
    let run = |recorder: Option<Recorder>| {
        let (out, err) = (hob::Sink::Discard, hob::Sink::Discard);
        module.call_recorded("run", &calls, out, err, recorder).map(drop).map_err(|error| error.to_string())
    };
    let (recorded, plain) = beside(
        Effort::new(3, quick),
        || run(Some(Recorder::new(std::fs::File::create(&path).map_err(|error| error.to_string())?))),
        || run(None),
    )?;
    let each = (recorded - plain) / f64::from(CALLS) / 1e3;
    Ok(Row::amount("what --record adds to a host call", each, "us", WRITTEN_US))
}

/// What `--audit` costs a use of authority, written down and chained.
fn auditing(dir: &Path, quick: bool) -> Result<Row, String> {
    let key = UserKey::open(&dir.join("key")).map_err(|error| error.to_string())?;
    let path = dir.join("audit.jsonl");
    let event = hob::AuditEvent {
        what: "open",
        target: "some/path/of/a/guest".into(),
        grant: Some("fs /data:ro".into()),
        outcome: hob::Outcome::Allowed,
        detail: None,
    };
    let log = AuditLog::open(&path, &key).map_err(|error| error.to_string())?;
    let log = Arc::new(log);
    let each = alone(Effort::new(2000, quick), || log.record(&event).map_err(|error| error.to_string()))?;
    log.finish().map_err(|error| error.to_string())?;
    Ok(Row::amount("what --audit takes for a use of authority", each / 1e3, "us", WRITTEN_US))
}

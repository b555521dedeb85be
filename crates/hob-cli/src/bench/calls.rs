//! Calls: a fresh instance for each, a JSON decision, a host function, a check of authority.

use std::hint::black_box;
use std::sync::Arc;

use hob::engine::{Allocation, Bounds, Ctx, Engine, EngineConfig, HostTable, Ledger, Reach, bare::Bare};
use hob::handles::{HandleRights, HandleTable};
use hob::{Choice, Fault, FsGrant, GuestPath, Host, Limits, Policy, StopToken};

use super::measure::{Effort, alone, beside};
use super::{Row, Rows};

/// A module of ordinary shape: seventeen pages of memory, data, a table, an import.
const ORDINARY: &str = r#"(module (import "h" "f" (func $f (param i32) (result i32)))
    (memory (export "memory") 17) (table 16 funcref) (elem (i32.const 0) $run)
    (data (i32.const 1024) "some data of the module")
    (func $run (export "run") (param i32) (result i32) (i32.store (i32.const 64) (local.get 0))
        (i32.add (i32.load (i32.const 64)) (i32.const 1)))
    (func (export "loop") (param $n i32) (result i32) (local $sum i32)
        (loop $again (local.set $sum (call $f (local.get $sum)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $sum)))"#;

/// The same loop under the name that the bare engine calls.
const LOOP: &str = r#"(module (import "h" "f" (func $f (param i32) (result i32)))
    (func (export "run") (param $n i32) (result i32) (local $sum i32)
        (loop $again (local.set $sum (call $f (local.get $sum)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $sum)))"#;

/// Answers with a response of 256 bytes after reading every byte of the request.
const JSON: &str = r#"(module (memory (export "memory") 2) (data (i32.const 4096) "{\"ok\":true}")
    (func (export "alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "eval") (param $at i32) (param $n i32) (result i64) (local $sum i32)
        (loop $again (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.store (i32.const 4200) (local.get $sum)) (i64.const 0x100000000100)))"#;

/// Host calls in one measured loop.
const HOST_CALLS: i32 = 100_000;

pub(super) fn rows(quick: bool) -> Rows {
    let config = EngineConfig {
        choice: Choice::Wasmtime,
        allocation: Allocation::Pooled { slots: 8 },
        ..EngineConfig::default()
    };
    Ok(vec![
        warm(&config, quick)?,
        json(&config, quick)?,
        host(&config, quick)?,
        handle(quick)?,
        path(quick)?,
    ])
}

fn table() -> Arc<HostTable<()>> {
    let mut table = HostTable::new();
    let add = |_: &mut Ctx<'_, ()>, n: i32| -> Result<i32, Fault> { Ok(n.wrapping_add(1)) };
    table.func("h", "f", Reach::Nothing, add);
    Arc::new(table)
}

fn bounds() -> Bounds {
    let deadline = std::time::Instant::now().checked_add(std::time::Duration::from_secs(30));
    Bounds {
        ledger: Arc::new(Ledger::new(&Limits::default())),
        stop: StopToken::new(None, deadline),
        fuel: None,
    }
}

fn warm(config: &EngineConfig, quick: bool) -> Result<Row, String> {
    let engine = Engine::new(config.clone());
    let module = engine.load(ORDINARY.as_bytes()).map_err(|error| error.to_string())?;
    let linked = engine.link(&module, &table()).map_err(|error| error.to_string())?;
    let bare = Bare::new(config, ORDINARY.as_bytes())?;
    let (ours, bare) = beside(
        Effort::new(2000, quick),
        || {
            let mut instance = linked.instantiate((), bounds()).map_err(|error| error.to_string())?;
            instance.call::<i32, i32>("run", black_box(1)).map(drop).map_err(|error| error.to_string())
        },
        || bare.instantiate()?.run(black_box(1)).map(drop),
    )?;
    Ok(Row::ratio("warm call, fresh pooled instance", ours / 1e3, bare / 1e3, "us", 2.0))
}

fn json(config: &EngineConfig, quick: bool) -> Result<Row, String> {
    let host =
        Host::builder().engine(Choice::Wasmtime).pooled(8).build().map_err(|error| error.to_string())?;
    let guard = host.load_bytes("guard", JSON.as_bytes()).and_then(|guard| guard.behavior());
    let guard = guard.map_err(|error| error.to_string())?;
    let bare = Bare::new(config, JSON.as_bytes())?;
    let request = [b'x'; 256];
    let (ours, bare) = beside(
        Effort::new(2000, quick),
        || {
            guard
                .eval(black_box(&request))
                .map(|response| drop(black_box(response)))
                .map_err(|error| error.to_string())
        },
        || bare.instantiate()?.eval(black_box(&request)).map(|response| drop(black_box(response))),
    )?;
    Ok(Row::ratio("JSON decision, 256 B each way, fresh instance", ours / 1e3, bare / 1e3, "us", 2.0))
}

fn host(config: &EngineConfig, quick: bool) -> Result<Row, String> {
    let engine = Engine::new(config.clone());
    let module = engine.load(LOOP.as_bytes()).map_err(|error| error.to_string())?;
    let linked = engine.link(&module, &table()).map_err(|error| error.to_string())?;
    let mut instance = linked.instantiate((), bounds()).map_err(|error| error.to_string())?;
    let mut bare = Bare::new(config, LOOP.as_bytes())?.instantiate()?;
    let (ours, bare) = beside(
        Effort::new(10, quick),
        || instance.call::<i32, i32>("run", HOST_CALLS).map(drop).map_err(|error| error.to_string()),
        || bare.run(HOST_CALLS).map(drop),
    )?;
    let each = f64::from(HOST_CALLS);
    Ok(Row::ratio("host call, Wasmtime", ours / each, bare / each, "ns", 2.0))
}

fn handle(quick: bool) -> Result<Row, String> {
    let mut table = HandleTable::new(1000);
    let rights = HandleRights::new(3);
    let handles: Result<Vec<_>, _> = (0..1000_u32).map(|n| table.insert(n, rights)).collect();
    let handle = handles.map_err(|error| error.to_string())?.get(500).copied().ok_or("no handle")?;
    let took = alone(Effort::new(200_000, quick), || {
        let value = table.get(black_box(handle), HandleRights::new(1)).map_err(|error| error.to_string())?;
        black_box(value);
        Ok(())
    })?;
    Ok(Row::amount("capability check, by handle", took, "ns", 200.0))
}

fn path(quick: bool) -> Result<Row, String> {
    let grants = ["a::/a:rw", "b::/b", "a/c::/a/c", "d::/d:rw"].map(FsGrant::parse);
    let fs: Result<Vec<_>, _> = grants.into_iter().collect();
    let policy = Policy { fs: fs.map_err(|error| error.to_string())?, ..Policy::none() };
    let path = GuestPath::new("/a/c/file").map_err(|error| error.to_string())?;
    let took = alone(Effort::new(100_000, quick), || {
        black_box(policy.access(black_box(&path)));
        Ok(())
    })?;
    Ok(Row::amount("capability check, by path among four grants", took, "ns", 200.0))
}

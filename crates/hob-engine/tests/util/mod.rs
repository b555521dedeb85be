//! What every engine test needs: an instance of a module on each engine, with small bounds.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use hob_cap::{Ledger, Limits, StopToken};
use hob_engine::{Bounds, Choice, Engine, EngineConfig, Fault, HostTable, Instance};

pub const BOTH: [Choice; 2] = [Choice::Wasmtime, Choice::Wasmi];

pub fn engine(choice: Choice) -> Engine {
    Engine::new(EngineConfig { choice, memory_bytes_max: 4 << 30, ..EngineConfig::default() })
}

pub fn bounds(limits: &Limits) -> Bounds {
    let hard = limits.hard_deadline.map(|time| Instant::now() + time);
    Bounds { ledger: Arc::new(Ledger::new(limits)), stop: StopToken::new(None, hard), fuel: limits.fuel }
}

pub fn limits(deadline_ms: u64) -> Limits {
    Limits { hard_deadline: Some(Duration::from_millis(deadline_ms)), ..Limits::default() }
}

pub fn start<T>(
    engine: &Engine,
    wat: &str,
    table: HostTable<T>,
    data: T,
    bounds: Bounds,
) -> Result<Instance<T>, Fault> {
    let module = engine.load(wat.as_bytes()).expect("the module loads");
    engine.link(&module, &Arc::new(table)).expect("the module links").instantiate(data, bounds)
}

pub fn start_plain(choice: Choice, wat: &str, limits: &Limits) -> Result<Instance<()>, Fault> {
    start(&engine(choice), wat, HostTable::new(), (), bounds(limits))
}

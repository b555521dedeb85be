//! Many instances, one after the other: nothing stays behind.

use hob::{Choice, Host};

use super::{Row, Rows};

/// How much more memory may be resident afterwards, in mebibytes.
const GROWTH_MIB: f64 = 10.0;

const GUARD: &str = r#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}")
    (func (export "alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#;

pub(super) fn rows(quick: bool) -> Rows {
    let (name, cycles) = if quick {
        ("memory after 10,000 create/call/drop cycles", 10_000)
    } else {
        ("memory after 1,000,000 create/call/drop cycles", 1_000_000)
    };
    let host =
        Host::builder().engine(Choice::Wasmtime).pooled(4).build().map_err(|error| error.to_string())?;
    let guard = host.load_bytes("guard", GUARD.as_bytes()).and_then(|guard| guard.behavior());
    let guard = guard.map_err(|error| error.to_string())?;
    let run = |count: u32| {
        (0..count).try_for_each(|_| guard.decide(b"{}").map(drop)).map_err(|error| error.to_string())
    };
    run(10_000)?;
    let (memory, things) = (resident_mib()?, counted("fd")? + counted("task")?);
    run(cycles)?;
    let mut row = Row::amount(name, resident_mib()? - memory, "MiB", GROWTH_MIB);
    row.target = format!("at most {GROWTH_MIB} MiB more, and no descriptor or thread");
    row.met = row.met && counted("fd")? + counted("task")? <= things;
    Ok(vec![row])
}

pub(super) fn resident_mib() -> Result<f64, String> {
    let text = std::fs::read_to_string("/proc/self/statm").map_err(|error| error.to_string())?;
    let pages: u32 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).ok_or("no resident size")?;
    Ok(f64::from(pages) * 4096.0 / f64::from(1 << 20))
}

fn counted(what: &str) -> Result<usize, String> {
    std::fs::read_dir(format!("/proc/self/{what}")).map(Iterator::count).map_err(|error| error.to_string())
}

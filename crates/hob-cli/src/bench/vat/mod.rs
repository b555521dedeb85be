//! Vats: near calls, spawns, sends, turns of modules and durable turns, beside actix and ractor on the same machine in the same
//! run, and beside the bare engine.
//!
//! actix and ractor are measured in a process of their own, `hob-bench-actors`, which is part of the project and not of the
//! binary. Without it the rows stand alone.

mod durable;
mod kernel;
mod module;
mod others;

use std::path::PathBuf;

use super::Rows;

pub(super) fn rows(programs: &[PathBuf], quick: bool) -> Rows {
    let others = match programs.first() {
        Some(program) => Some(others::measure(program, quick)?),
        None => None,
    };
    let mut rows = kernel::rows(others.as_ref(), quick)?;
    rows.extend(module::rows(quick)?);
    rows.extend(durable::rows(quick)?);
    rows.push(kernel::million(quick)?);
    Ok(rows)
}

/// A problem as the text of a failed measurement.
fn text(problem: impl std::fmt::Display) -> String {
    problem.to_string()
}

//! The targets.

mod abi;
mod actor;
mod command;
mod convert;
mod differential;
mod load;
mod package;
mod paths;
mod replay;
mod schema;
mod syrup;
mod text;
mod turns;
mod value;
mod verdict;

/// One target: a property that holds for every input.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]) -> Result<(), String>,
    /// Inputs worth beginning with.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Whether a bug could end the process, so that the input must be on disk before it runs.
    pub(crate) may_abort: bool,
}

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "abi", run: abi::run, seeds: Vec::new, may_abort: true },
    Target { name: "actor", run: actor::run, seeds: actor::seeds, may_abort: true },
    Target { name: "command", run: command::run, seeds: command::seeds, may_abort: true },
    Target { name: "differential", run: differential::run, seeds: Vec::new, may_abort: true },
    Target { name: "load", run: load::run, seeds: load::seeds, may_abort: true },
    Target { name: "package", run: package::run, seeds: package::seeds, may_abort: true },
    Target { name: "paths", run: paths::run, seeds: Vec::new, may_abort: false },
    Target { name: "replay", run: replay::run, seeds: replay::seeds, may_abort: true },
    Target { name: "schema", run: schema::run, seeds: schema::seeds, may_abort: true },
    Target { name: "scxml", run: convert::scxml, seeds: convert::scxml_seeds, may_abort: true },
    Target { name: "syrup", run: syrup::run, seeds: syrup::seeds, may_abort: false },
    Target { name: "text", run: text::run, seeds: text::seeds, may_abort: false },
    Target { name: "turns", run: turns::run, seeds: turns::seeds, may_abort: true },
    Target { name: "value", run: value::run, seeds: value::seeds, may_abort: true },
    Target { name: "verdict", run: verdict::run, seeds: verdict::seeds, may_abort: false },
    Target { name: "xstate", run: convert::xstate, seeds: convert::xstate_seeds, may_abort: true },
];

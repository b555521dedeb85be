//! How an engine is set up: once, when the host starts.

use std::path::PathBuf;

use crate::module::CompileLimits;

/// Which back end runs a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Compiled code when the cache holds it; otherwise wasmi now, and compile behind for the next time. A module larger
    /// than [`EngineConfig::interpret_bytes_max`] is compiled first.
    #[default]
    Auto,
    /// Always Wasmtime.
    Wasmtime,
    /// Always wasmi.
    Wasmi,
}

/// How Wasmtime finds room for instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// A fresh mapping for each instance: nothing is set up in advance. For one-shot programs.
    OnDemand,
    /// A pool of this many slots, reset by copy-on-write. For servers; the pool costs a few milliseconds to set up.
    Pooled {
        /// How many instances may be alive at once.
        slots: u32,
    },
}

/// How many instances of one engine may wait to be used again ([`Instance::rest`](crate::Instance::rest)). A pool has room
/// for them besides its slots.
pub const IDLE_MAX: u32 = 64;

/// The settings of an [`Engine`](crate::Engine).
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Which back end runs a module.
    pub choice: Choice,
    /// How Wasmtime finds room for instances.
    pub allocation: Allocation,
    /// Same bytes on both engines: canonical NaN. (Relaxed SIMD, the other source of difference, is never accepted.)
    pub deterministic: bool,
    /// Count fuel. Costs up to twice the time of tight loops on Wasmtime; wasmi always counts.
    pub metered: bool,
    /// The directory of the compiled-code cache; `None` for no cache.
    pub cache_dir: Option<PathBuf>,
    /// The size budget of the cache, in bytes; the entries used longest ago go first.
    pub cache_bytes_max: u64,
    /// With [`Choice::Auto`], compile on a thread of this process while wasmi runs the guest.
    pub compile_behind: bool,
    /// With [`Choice::Auto`], the size in bytes up to which a module is interpreted when the cache does not hold it.
    pub interpret_bytes_max: usize,
    /// The largest memory an instance may have, in bytes. Sizes the slots of a pool.
    pub memory_bytes_max: u64,
    /// The largest table an instance may have, in elements. Sizes the slots of a pool.
    pub table_elements_max: u64,
    /// What bounds validation and compilation.
    pub compile: CompileLimits,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            choice: Choice::Auto,
            allocation: Allocation::OnDemand,
            deterministic: false,
            metered: false,
            cache_dir: None,
            cache_bytes_max: 512 << 20,
            compile_behind: true,
            interpret_bytes_max: 8 << 20,
            memory_bytes_max: 256 << 20,
            table_elements_max: 100_000,
            compile: CompileLimits::default(),
        }
    }
}

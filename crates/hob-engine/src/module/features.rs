//! Which WebAssembly proposals are accepted: those real toolchains emit by default, and that both engines run.
//!
//! Every proposal is code in a compiler that an attacker can reach, so one is turned on when a guest needs it, not when
//! an engine offers it. Relaxed SIMD stays off because its results differ between machines; threads because shared
//! memory can change while the host reads it.

use wasmparser::WasmFeatures;

/// The accepted proposals by their specification names, with the reason each is needed.
const ACCEPTED: &[(&str, WasmFeatures, &str)] = &[
    ("mutable-globals", WasmFeatures::MUTABLE_GLOBAL, "every toolchain"),
    ("floats", WasmFeatures::FLOATS, "every toolchain"),
    ("sign-extension", WasmFeatures::SIGN_EXTENSION, "Rust, C, Go, Zig"),
    ("saturating-float-to-int", WasmFeatures::SATURATING_FLOAT_TO_INT, "Rust, C, Go, Zig"),
    ("multi-value", WasmFeatures::MULTI_VALUE, "Rust, C"),
    ("bulk-memory", WasmFeatures::BULK_MEMORY, "Rust, C, Go, Zig"),
    (
        "reference-types",
        WasmFeatures::REFERENCE_TYPES,
        "Rust 1.82 and later encode calls with it; externref is refused",
    ),
    ("extended-const", WasmFeatures::EXTENDED_CONST, "LLVM position-independent code"),
    ("simd", WasmFeatures::SIMD, "C and Rust with -msimd128"),
    ("tail-call", WasmFeatures::TAIL_CALL, "functional languages"),
    ("multi-memory", WasmFeatures::MULTI_MEMORY, "tools that merge modules"),
];

/// The name and the reason of every accepted proposal, in the order of the documentation.
///
/// ```
/// assert!(hob_engine::accepted_features().any(|(name, _)| name == "simd"));
/// assert!(hob_engine::accepted_features().all(|(name, _)| name != "threads"));
/// ```
pub fn accepted_features() -> impl Iterator<Item = (&'static str, &'static str)> {
    ACCEPTED.iter().map(|(name, _, why)| (*name, *why))
}

pub(crate) fn features() -> WasmFeatures {
    // The threefold split of the reference-types flag: `GC_TYPES` is what would allow `externref`.
    ACCEPTED.iter().fold(WasmFeatures::empty(), |all, (_, feature, _)| all | *feature)
}

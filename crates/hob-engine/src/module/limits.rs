//! What bounds validation and compilation. No engine promises to bound its compiler, so the host does.

use std::time::Duration;

/// The largest module a compiler is given, and the longest it may take. The other counts (locals of a function, types,
/// imports, nesting) are bounded by the validator itself.
#[derive(Clone, Debug)]
pub struct CompileLimits {
    /// Bytes of the binary module.
    pub module_bytes: u64,
    /// Functions the module defines.
    pub functions: u64,
    /// Bytes of the largest function body. Compile time grows faster than a function's size.
    pub function_bytes: u64,
    /// How long compiling may take.
    pub time: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            module_bytes: 64 << 20,
            functions: 200_000,
            function_bytes: 4 << 20,
            time: Duration::from_secs(120),
        }
    }
}

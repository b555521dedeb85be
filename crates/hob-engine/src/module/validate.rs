//! Full validation against the accepted features and the compile limits: the gate before any compiler.

use hob_cap::{Limit, LimitExceeded};

use super::features::features;
use super::info::{invalid, len};
use super::{CompileLimits, ModuleInfo};
use crate::error::LoadError;

impl ModuleInfo {
    /// Checks a binary module as loading it would, and runs nothing: its size, its shape, and every function body.
    ///
    /// # Errors
    ///
    /// Why the module would not be loaded.
    pub fn check(wasm: &[u8], limits: &CompileLimits) -> Result<Self, LoadError> {
        check_size(wasm, limits)?;
        let info = Self::read(wasm)?;
        check_limits(&info, limits)?;
        validate(wasm)?;
        Ok(info)
    }
}

/// Checks the compile limits on the shape alone, before the costly part.
pub(crate) fn check_limits(info: &ModuleInfo, limits: &CompileLimits) -> Result<(), LoadError> {
    at_most(Limit::FunctionCount, info.functions, limits.functions)?;
    at_most(Limit::FunctionSize, info.largest_function_bytes, limits.function_bytes)
}

/// Checks the size of the input before anything reads it.
pub(crate) fn check_size(wasm: &[u8], limits: &CompileLimits) -> Result<(), LoadError> {
    at_most(Limit::ModuleSize, len(wasm.len()), limits.module_bytes)
}

/// Validates every function body.
pub(crate) fn validate(wasm: &[u8]) -> Result<(), LoadError> {
    let mut validator = wasmparser::Validator::new_with_features(features());
    validator.validate_all(wasm).map(drop).map_err(invalid)
}

fn at_most(limit: Limit, asked: u64, allowed: u64) -> Result<(), LoadError> {
    if asked <= allowed { Ok(()) } else { Err(LimitExceeded { limit, allowed, used: 0, asked }.into()) }
}

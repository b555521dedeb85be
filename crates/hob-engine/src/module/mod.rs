//! Modules: from bytes to something an engine may run.
//!
//! `text` reads the text format, `features` says which proposals are accepted, `limits` bounds what a compiler may be
//! given, `info` reads the shape (imports, exports, sections), `validate` checks the whole, `bulk` cuts long operations
//! into pieces, `start` moves the start
//! function where it can be interrupted.

mod bulk;
mod features;
mod info;
mod limits;
mod start;
mod text;
mod validate;

use std::sync::{Arc, OnceLock};

use crate::backend::{self, BackendKind};

pub(crate) use bulk::cut_bulk;
pub use features::accepted_features;
pub use info::{
    Export, ExternType, FuncType, Import, ModuleInfo, OWN_SECTION_BYTES_MAX, OwnSection, Section,
};
pub use limits::CompileLimits;
pub(crate) use start::{START_EXPORT, export_start};
pub use text::wasm_from_text;
pub(crate) use validate::{check_limits, check_size, validate};

/// A module that may be linked and run. Cheap to clone.
#[derive(Clone)]
pub struct Module {
    pub(crate) inner: Arc<ModuleInner>,
}

pub(crate) struct ModuleInner {
    pub(crate) info: ModuleInfo,
    pub(crate) digest: [u8; 32],
    /// Filled when the module runs compiled: at once on a cache hit, later when it was compiled behind.
    pub(crate) compiled: OnceLock<backend::compiled::Code>,
    pub(crate) interpreted: Option<backend::interpreted::Code>,
}

impl Module {
    /// Imports, exports and sections.
    #[must_use]
    pub fn info(&self) -> &ModuleInfo {
        &self.inner.info
    }

    /// SHA-256 of the binary module.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.inner.digest
    }

    /// The back end that would run an instance made now.
    #[must_use]
    pub fn backend(&self) -> BackendKind {
        if self.inner.compiled.get().is_some() { BackendKind::Wasmtime } else { BackendKind::Wasmi }
    }
}

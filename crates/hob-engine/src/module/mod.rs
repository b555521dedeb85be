//! Modules: from bytes to something an engine may run.
//!
//! `text` reads the text format, `features` says which proposals are accepted, `limits` bounds what a compiler may be
//! given, `info` reads the shape (imports, exports, sections), `validate` checks the whole, `bulk` cuts long operations
//! into pieces, `start` moves the start function where it can be interrupted, `lanes` takes lane
//! stores apart, `track` lets a module note what it changes.

mod bulk;
mod features;
mod info;
mod lanes;
mod limits;
mod start;
mod text;
mod track;
mod validate;

use std::sync::{Arc, OnceLock};

use crate::backend::{self, BackendKind};

pub(crate) use bulk::cut_bulk;
pub use features::accepted_features;
pub use info::{
    Export, ExternType, FuncType, Import, ModuleInfo, OWN_SECTION_BYTES_MAX, OwnSection, Section,
};
pub(crate) use lanes::split_lane_stores;
pub use limits::CompileLimits;
pub(crate) use start::{START_EXPORT, export_start};
pub use text::wasm_from_text;
pub(crate) use track::{BLOCK_BYTES, MAP_BYTES, OVERHANG_BYTES, Tracks, track};
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
    /// Where the instances of a resettable module keep what they note.
    pub(crate) tracks: Option<Tracks>,
}

impl ModuleInner {
    /// How many memories stand before the map, if there is one.
    pub(crate) fn map_behind(&self) -> Option<u64> {
        self.tracks.as_ref().filter(|tracks| tracks.memory).map(|_| self.info.memories)
    }
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

    /// Whether its instances can be put back to where they were marked: it comes from
    /// [`Engine::load_resettable`](crate::Engine::load_resettable), and nothing in it stands against that.
    #[must_use]
    pub fn is_resettable(&self) -> bool {
        self.inner.tracks.is_some()
    }

    /// The back end that would run an instance made now.
    #[must_use]
    pub fn backend(&self) -> BackendKind {
        if self.inner.compiled.get().is_some() { BackendKind::Wasmtime } else { BackendKind::Wasmi }
    }
}

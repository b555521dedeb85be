//! An open file of an overlay: it reads what is there now, and copies before it first writes.

use std::sync::{Arc, OnceLock};

use hob_os::{Errno, Result};

use super::node::OverlayNode;
use crate::fs::{Extent, File};

/// An open file. It stays good when the file is copied up, by whoever.
#[derive(Debug)]
pub(super) struct OverlayFile {
    node: OverlayNode,
    lower: Option<Arc<dyn File>>,
    upper: OnceLock<Arc<dyn File>>,
}

impl OverlayFile {
    pub(super) fn new(node: OverlayNode) -> Result<Self> {
        let shown = node.body.shown()?;
        // What was copied meanwhile is noticed when it is read.
        let lower = if node.body.upper().is_none() { Some(shown.open(false)?) } else { None };
        let file = Self { node, lower, upper: OnceLock::new() };
        file.now()?;
        Ok(file)
    }

    /// What it reads.
    fn now(&self) -> Result<&Arc<dyn File>> {
        if let Some(file) = self.upper.get() {
            return Ok(file);
        }
        if let Some(upper) = self.node.body.upper() {
            let open = upper.open(true)?;
            return Ok(self.upper.get_or_init(|| open));
        }
        Ok(self.lower.as_ref().ok_or(Errno::Stale)?)
    }

    /// What it writes; of the bytes there were, only those before `size_max` are needed.
    fn changed(&self, size_max: u64) -> Result<&Arc<dyn File>> {
        if self.upper.get().is_none() {
            self.node.copied(size_max)?;
        }
        self.now()
    }
}

impl File for OverlayFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.now()?.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.changed(u64::MAX)?.write_at(buf, offset)
    }

    fn append(&self, buf: &[u8]) -> Result<(usize, u64)> {
        if buf.is_empty() {
            return Ok((0, self.size()?));
        }
        self.changed(u64::MAX)?.append(buf)
    }

    fn size(&self) -> Result<u64> {
        self.now()?.size()
    }

    fn resize(&self, size: u64) -> Result<()> {
        self.changed(size)?.resize(size)
    }

    fn reserve(&self, offset: u64, len: u64, keep_size: bool) -> Result<()> {
        self.changed(u64::MAX)?.reserve(offset, len, keep_size)
    }

    fn punch(&self, offset: u64, len: u64) -> Result<()> {
        self.changed(u64::MAX)?.punch(offset, len)
    }

    fn insert(&self, offset: u64, len: u64) -> Result<()> {
        self.changed(u64::MAX)?.insert(offset, len)
    }

    fn collapse(&self, offset: u64, len: u64) -> Result<()> {
        self.changed(u64::MAX)?.collapse(offset, len)
    }

    fn extent(&self, index: u32) -> Result<Option<Extent>> {
        self.now()?.extent(index)
    }

    fn sync(&self, data: bool) -> Result<()> {
        self.now()?.sync(data)
    }
}

//! An open regular file of a file system in memory.

use std::sync::{Arc, Mutex};

use hob_os::Result;

use super::bytes::{Bytes, Cursor};
use super::node::{Body, MemNode};
use super::quota::Quota;
use crate::fs::{Extent, File};
use crate::wait::lock;

/// An open file. It keeps its node, and so the bytes, also when the last name is gone.
#[derive(Debug)]
pub(super) struct MemFile {
    node: Arc<MemNode>,
    cursor: Mutex<Cursor>,
}

impl MemFile {
    pub(super) fn new(node: Arc<MemNode>) -> Self {
        Self { node, cursor: Mutex::default() }
    }

    /// Looks at the bytes.
    fn look<T: Default>(&self, look: impl FnOnce(&Bytes) -> T) -> T {
        match &lock(&self.node.state).body {
            Body::File(bytes) => look(bytes),
            _ => T::default(),
        }
    }

    /// Changes the bytes, and stamps that they changed.
    fn modify<T: Default>(&self, modify: impl FnOnce(&mut Bytes, &Quota) -> Result<T>) -> Result<T> {
        let shared = &self.node.shared;
        let mut state = lock(&self.node.state);
        let Body::File(bytes) = &mut state.body else { return Ok(T::default()) };
        let done = modify(bytes, &shared.quota)?;
        state.modified_now(shared.clock.now());
        Ok(done)
    }
}

impl File for MemFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let mut state = lock(&self.node.state);
        state.read_now(&self.node.shared.clock);
        Ok(match &state.body {
            Body::File(bytes) => bytes.read(buf, offset),
            _ => 0,
        })
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.modify(|bytes, quota| bytes.write(buf, offset, quota))
    }

    fn append(&self, buf: &[u8]) -> Result<(usize, u64)> {
        if buf.is_empty() {
            return Ok((0, self.size()?));
        }
        self.modify(|bytes, quota| Ok((bytes.write(buf, bytes.size(), quota)?, bytes.size())))
    }

    fn size(&self) -> Result<u64> {
        Ok(self.look(Bytes::size))
    }

    fn resize(&self, size: u64) -> Result<()> {
        self.modify(|bytes, quota| bytes.resize(size, quota))
    }

    fn reserve(&self, offset: u64, len: u64, keep_size: bool) -> Result<()> {
        self.modify(|bytes, quota| bytes.reserve(offset, len, keep_size, quota))
    }

    fn punch(&self, offset: u64, len: u64) -> Result<()> {
        self.modify(|bytes, quota| bytes.punch(offset, len, quota))
    }

    fn insert(&self, offset: u64, len: u64) -> Result<()> {
        self.modify(|bytes, quota| bytes.insert(offset, len, quota))
    }

    fn collapse(&self, offset: u64, len: u64) -> Result<()> {
        self.modify(|bytes, quota| bytes.collapse(offset, len, quota))
    }

    fn extent(&self, index: u32) -> Result<Option<Extent>> {
        Ok(self.look(|bytes| bytes.extent(index, &mut lock(&self.cursor))))
    }
}

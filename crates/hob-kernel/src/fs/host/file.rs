//! The bytes of an open file of the host.

use hob_os::Result;

use crate::fs::{Extent, File};

/// An open file of the host.
#[derive(Debug)]
pub(super) struct HostFile(pub(super) hob_os::tree::File);

impl File for HostFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> Result<usize> {
        self.0.write_at(buf, offset)
    }

    fn append(&self, buf: &[u8]) -> Result<(usize, u64)> {
        self.0.append(buf)
    }

    fn size(&self) -> Result<u64> {
        self.0.size()
    }

    fn resize(&self, size: u64) -> Result<()> {
        self.0.resize(size)
    }

    fn reserve(&self, offset: u64, len: u64, keep_size: bool) -> Result<()> {
        self.0.reserve(offset, len, keep_size)
    }

    fn punch(&self, offset: u64, len: u64) -> Result<()> {
        self.0.punch(offset, len)
    }

    fn insert(&self, offset: u64, len: u64) -> Result<()> {
        self.0.insert(offset, len)
    }

    fn collapse(&self, offset: u64, len: u64) -> Result<()> {
        self.0.collapse(offset, len)
    }

    fn extent(&self, index: u32) -> Result<Option<Extent>> {
        let run = self.0.run(index)?;
        Ok(run.map(|run| Extent { start: run.start, end: run.end, unwritten: false }))
    }

    fn sync(&self, data: bool) -> Result<()> {
        self.0.sync(data)
    }
}

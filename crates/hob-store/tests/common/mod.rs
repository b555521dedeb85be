//! A disk whose power goes off, at any write and at any wait: what was written since the last wait is gone then, all of it or any
//! part.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly, and each uses a part of it"
)]

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

#[derive(Debug, Default)]
struct Disk {
    /// What is there whatever happens.
    kept: Vec<u8>,
    /// What the process sees.
    seen: Vec<u8>,
    /// What was written since the last wait.
    written: Vec<(u64, Vec<u8>)>,
    moments: u64,
    off_at: u64,
    off: bool,
    /// Of what was written since, every so manieth write was kept after all; 0 for none.
    keeps: usize,
}

impl Disk {
    fn on(&mut self) -> io::Result<()> {
        if self.moments == self.off_at {
            self.off = true;
        }
        self.moments += 1;
        if self.off { Err(io::Error::other("no power")) } else { Ok(()) }
    }

    fn put(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) {
        let (start, end) = (offset as usize, offset as usize + data.len());
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(data);
    }
}

/// A disk that is shared by the processes that come one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Power(Arc<Mutex<Disk>>);

impl Power {
    /// Of what was not waited for, every so manieth write survives; 0 for none.
    pub(crate) fn new(keeps: usize) -> Self {
        Self(Arc::new(Mutex::new(Disk { off_at: u64::MAX, keeps, ..Disk::default() })))
    }

    /// The power goes off at this moment, counted from now.
    pub(crate) fn off_at(&self, moment: u64) {
        let mut disk = self.0.lock().unwrap();
        (disk.off_at, disk.moments) = (moment, 0);
    }

    pub(crate) fn moments(&self) -> u64 {
        self.0.lock().unwrap().moments
    }

    /// The power is on again.
    pub(crate) fn again(&self) {
        let mut disk = self.0.lock().unwrap();
        let written = std::mem::take(&mut disk.written);
        for (number, (offset, data)) in written.iter().enumerate() {
            if disk.keeps > 0 && number % disk.keeps == 0 {
                Disk::put(&mut disk.kept, *offset, data);
            }
        }
        disk.seen = disk.kept.clone();
        disk.off = false;
    }
}

impl StorageBackend for Power {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.0.lock().unwrap();
        let end = offset as usize + out.len();
        out.copy_from_slice(
            disk.seen.get(offset as usize..end).ok_or_else(|| io::Error::other("past the end"))?,
        );
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.on()?;
        // A file's length is as durable as its name here: shorter or longer at once.
        disk.seen.resize(len as usize, 0);
        disk.kept.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.on()?;
        disk.kept = disk.seen.clone();
        disk.written.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.on()?;
        Disk::put(&mut disk.seen, offset, data);
        disk.written.push((offset, data.to_vec()));
        Ok(())
    }
}

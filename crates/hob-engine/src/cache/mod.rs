//! The cache of compiled code. Loading an entry is executing it, so an entry is believed only when this user made it.
//!
//! Each entry is a file named after everything its code depends on (module, engine version, flags, processor) and ends
//! in a seal: a keyed hash, under a key that only this user can read, over the name and the code. An entry whose seal
//! does not hold (truncated, tampered with, copied from another user, another machine or another name) is treated as
//! absent, and the module is compiled again.
//!
//! Entries appear whole by renaming, so processes may write at once. The directory must belong to the user and be
//! writable by nobody else; otherwise the cache is off and says why. Whoever can act *as* the user can forge entries;
//! they could as well replace the program.

mod entry;
mod evict;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(crate) use entry::CacheKey;

use crate::private::{PrivateError, UserKey};

/// A cache directory.
pub struct Cache {
    dir: PathBuf,
    bytes_max: u64,
    open: OnceLock<Result<UserKey, PrivateError>>,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// How many compiled modules.
    pub entries: u64,
    /// Their size together, in bytes.
    pub bytes: u64,
    /// The size budget, in bytes.
    pub bytes_max: u64,
}

impl Cache {
    pub(crate) fn new(dir: &Path, bytes_max: u64) -> Self {
        Self { dir: dir.to_owned(), bytes_max, open: OnceLock::new() }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the cache may be used; making its directory and key if they are not there.
    ///
    /// # Errors
    ///
    /// Why it may not be used, and what to change.
    pub fn check(&self) -> Result<(), PrivateError> {
        self.secret().map(drop)
    }

    /// What the cache holds.
    ///
    /// # Errors
    ///
    /// When the cache may not be used or its directory cannot be read.
    pub fn stats(&self) -> Result<CacheStats, PrivateError> {
        self.secret()?;
        let entries = evict::entries(&self.dir)?;
        Ok(CacheStats {
            entries: u64::try_from(entries.len()).unwrap_or(u64::MAX),
            bytes: entries.iter().map(|entry| entry.bytes).sum(),
            bytes_max: self.bytes_max,
        })
    }

    /// Removes every entry; the key stays. Returns what was removed.
    ///
    /// # Errors
    ///
    /// When the cache may not be used or an entry cannot be removed.
    pub fn clear(&self) -> Result<CacheStats, PrivateError> {
        let before = self.stats()?;
        evict::down_to(&self.dir, 0)?;
        Ok(before)
    }

    /// The file of an entry whose seal holds, positioned anywhere.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<File> {
        entry::open(&self.dir, key, self.secret().ok()?)
    }

    pub(crate) fn put(&self, key: &CacheKey, code: &[u8]) -> Result<(), PrivateError> {
        let secret = self.secret()?;
        entry::write(&self.dir, key, secret, code)?;
        evict::down_to(&self.dir, self.bytes_max)
    }

    fn secret(&self) -> Result<&UserKey, PrivateError> {
        let opened = self.open.get_or_init(|| UserKey::open(&self.dir));
        opened.as_ref().map_err(Clone::clone)
    }
}

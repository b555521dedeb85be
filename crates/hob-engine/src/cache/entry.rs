//! One entry: native code, then a seal.
//!
//! ```text
//! code …  | magic "hobseal1" (8) | length of the code, little-endian (8) | HMAC-SHA-256 over name, length and code (32)
//! ```
//!
//! The code comes first because the engine maps the file as it is.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::private::{PrivateError, UserKey, failed, owned, temporary};

const MAGIC: &[u8; 8] = b"hobseal1";
const SEAL_BYTES: usize = 8 + 8 + 32;
pub(super) const SUFFIX: &str = ".code";

/// How stale an entry's time of use may be before a hit renews it. Keeps hits free of writes.
const RENEW_AFTER: Duration = Duration::from_secs(3600);

/// The name of an entry: a digest of everything its code depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheKey(String);

impl CacheKey {
    pub(crate) fn new(engine: &[u8; 32], module: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(engine).chain_update(module).finalize();
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{}{SUFFIX}", self.0))
    }
}

/// Opens an entry if there is one and its seal holds.
pub(super) fn open(dir: &Path, key: &CacheKey, secret: &UserKey) -> Option<File> {
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).ok()?;
    let mut file = OpenOptions::new().read(true).custom_flags(no_follow).open(key.path(dir)).ok()?;
    let meta = file.metadata().ok()?;
    if !meta.is_file() || !owned(&meta) || meta.mode() & 0o022 != 0 {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).ok()?.checked_add(1)?);
    file.read_to_end(&mut bytes).ok()?;
    let (code, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_BYTES)?)?;
    let (head, tag) = seal.split_at_checked(16)?;
    if head != seal_head(code) {
        return None;
    }
    let mut mac = secret.mac();
    mac.update(key.0.as_bytes());
    mac.update(head);
    mac.update(code);
    mac.verify_slice(tag).ok()?;
    renew(&file, &meta);
    Some(file)
}

/// Writes an entry; it appears whole or not at all.
pub(super) fn write(dir: &Path, key: &CacheKey, secret: &UserKey, code: &[u8]) -> Result<(), PrivateError> {
    let head = seal_head(code);
    let mut mac = secret.mac();
    mac.update(key.0.as_bytes());
    mac.update(&head);
    mac.update(code);
    let (temp, mut file) = temporary(dir)?;
    let written = file
        .write_all(code)
        .and_then(|()| file.write_all(&head))
        .and_then(|()| file.write_all(&mac.finalize().into_bytes()));
    let path = key.path(dir);
    let renamed = written.and_then(|()| std::fs::rename(&temp, &path));
    renamed.map_err(|error| {
        drop(std::fs::remove_file(&temp));
        failed("write", &path, &error)
    })
}

fn seal_head(code: &[u8]) -> [u8; 16] {
    let mut head = [0; 16];
    let (magic, length) = head.split_at_mut(8);
    magic.copy_from_slice(MAGIC);
    length.copy_from_slice(&u64::try_from(code.len()).unwrap_or(u64::MAX).to_le_bytes());
    head
}

fn renew(file: &File, meta: &std::fs::Metadata) {
    let stale =
        meta.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age > RENEW_AFTER);
    if stale {
        // Only the order of eviction depends on it.
        drop(file.set_modified(SystemTime::now()));
    }
}

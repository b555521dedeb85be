//! The size budget: the entries used longest ago go first.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::entry::SUFFIX;
use crate::private::{PrivateError, failed};

/// How old an unfinished file must be before it is taken for the leftover of a process that died.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);

pub(super) struct Found {
    path: PathBuf,
    used: SystemTime,
    pub(super) bytes: u64,
}

/// Every entry, in no order. Clears away what dead processes left.
pub(super) fn entries(dir: &Path) -> Result<Vec<Found>, PrivateError> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(dir).map_err(|error| failed("list", dir, &error))? {
        let file = file.map_err(|error| failed("list", dir, &error))?;
        let path = file.path();
        // A file that went away meanwhile was evicted by another process.
        let Ok(meta) = path.symlink_metadata() else { continue };
        let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(SUFFIX) {
            found.push(Found { path, used, bytes: meta.len() });
        } else if name.ends_with(".tmp") && used.elapsed().is_ok_and(|age| age > LEFTOVER_AGE) {
            drop(std::fs::remove_file(&path));
        }
    }
    Ok(found)
}

/// Removes entries, oldest use first, until at most `bytes_max` are left.
pub(super) fn down_to(dir: &Path, bytes_max: u64) -> Result<(), PrivateError> {
    let mut entries = entries(dir)?;
    let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    entries.sort_by_key(|entry| entry.used);
    for entry in entries {
        if total <= bytes_max {
            break;
        }
        match std::fs::remove_file(&entry.path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("remove", &entry.path, &error)),
        }
        total = total.saturating_sub(entry.bytes);
    }
    Ok(())
}

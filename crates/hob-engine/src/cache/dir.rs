//! A directory that only this user can write: made so, or refused.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Why the cache cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The directory or key can be written or read by others, or belongs to another user.
    #[error("the cache is off: {path} {why}; {mend}")]
    NotPrivate {
        /// Which file or directory.
        path: String,
        /// What is wrong with it.
        why: &'static str,
        /// What would mend it.
        mend: &'static str,
    },
    /// A file operation failed.
    #[error("the cache is off: failed to {what} {path}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: String,
        /// What the system said.
        error: String,
    },
}

/// Makes `dir` if it is not there and checks that nobody else can write to it.
pub(super) fn ensure_private(dir: &Path) -> Result<(), CacheError> {
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent).map_err(|error| failed("create", parent, &error))?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("create", dir, &error)),
    }
    let meta = std::fs::symlink_metadata(dir).map_err(|error| failed("look at", dir, &error))?;
    let refuse = |why, mend| CacheError::NotPrivate { path: dir.display().to_string(), why, mend };
    if !meta.is_dir() {
        return Err(refuse("is not a directory", "name a directory that is not a symbolic link"));
    }
    if !owned(&meta) {
        return Err(refuse("belongs to another user", "name a directory of your own"));
    }
    if meta.mode() & 0o022 != 0 {
        return Err(refuse("can be written by others", "`chmod go-w` it, or remove it"));
    }
    Ok(())
}

pub(super) fn owned(meta: &Metadata) -> bool {
    meta.uid() == rustix::process::geteuid().as_raw()
}

pub(super) fn failed(what: &'static str, path: &Path, error: &io::Error) -> CacheError {
    CacheError::Io { what, path: path.display().to_string(), error: error.to_string() }
}

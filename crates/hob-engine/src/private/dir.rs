//! A directory that only this user can write: made so, or refused.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why a private directory or the key in it cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateError {
    /// The directory or key can be written or read by others, or belongs to another user.
    #[error("{path} {why}; {mend}")]
    NotPrivate {
        /// Which file or directory.
        path: String,
        /// What is wrong with it.
        why: &'static str,
        /// What would mend it.
        mend: &'static str,
    },
    /// A file operation failed.
    #[error("failed to {what} {path}: {error}")]
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
pub(crate) fn ensure_private(dir: &Path) -> Result<(), PrivateError> {
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent).map_err(|error| failed("create", parent, &error))?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("create", dir, &error)),
    }
    let meta = std::fs::symlink_metadata(dir).map_err(|error| failed("look at", dir, &error))?;
    let refuse = |why, mend| PrivateError::NotPrivate { path: dir.display().to_string(), why, mend };
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

pub(crate) fn owned(meta: &Metadata) -> bool {
    meta.uid() == rustix::process::geteuid().as_raw()
}

pub(crate) fn failed(what: &'static str, path: &Path, error: &io::Error) -> PrivateError {
    PrivateError::Io { what, path: path.display().to_string(), error: error.to_string() }
}

/// A new file that only this user can read, under a name nobody else has.
pub(crate) fn temporary(dir: &Path) -> Result<(PathBuf, File), PrivateError> {
    let mut name = [0; 16];
    getrandom::fill(&mut name)
        .map_err(|error| failed("name", dir, &std::io::Error::other(error.to_string())))?;
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = dir.join(format!("{name}.tmp"));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    made.map(|file| (path.clone(), file)).map_err(|error| failed("create", &path, &error))
}

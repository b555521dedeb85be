//! The files of a package, read through its open directory, each once and none larger than its bound.
//!
//! Stops: `../x`, absolute names, links that lead out, a file exchanged between check and use, a file that never ends.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// An open package directory, and what was read of it.
pub(crate) struct Files {
    dir: Dir,
    /// What counts towards the digest: every file that was read, by name.
    pub(crate) read: BTreeMap<String, Vec<u8>>,
}

/// Why a file could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FileError {
    Missing,
    /// It leads out of the package.
    Escapes,
    IsDir,
    Loop,
    TooLarge,
    BadName,
    Other(String),
}

impl Files {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { dir: Dir::open_ambient_dir(path, ambient_authority())?, read: BTreeMap::new() })
    }

    /// Whether there is something of this name, whatever it is.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.dir.symlink_metadata(name).is_ok()
    }

    /// The bytes of a file of at most `max` bytes.
    pub(crate) fn take(&mut self, name: &str, max: u64) -> Result<Vec<u8>, FileError> {
        if name.contains('\0') {
            return Err(FileError::BadName);
        }
        // A pipe would be waited for, so the kind is looked at first; what is opened is looked at again.
        if self.dir.metadata(name).map_err(|error| classify(&error))?.is_dir() {
            return Err(FileError::IsDir);
        }
        let mut options = cap_std::fs::OpenOptions::new();
        options.read(true);
        cap_std::fs::OpenOptionsExt::custom_flags(&mut options, NONBLOCK);
        let file = self.dir.open_with(name, &options).map_err(|error| classify(&error))?;
        let meta = file.metadata().map_err(|error| classify(&error))?;
        if meta.is_dir() {
            return Err(FileError::IsDir);
        }
        if !meta.is_file() {
            return Err(FileError::Other("it is no regular file".into()));
        }
        let mut bytes = Vec::new();
        let read = file.take(max.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| classify(&error))?;
        if u64::try_from(bytes.len()).is_ok_and(|len| len > max) {
            return Err(FileError::TooLarge);
        }
        self.read.insert(name.to_owned(), bytes.clone());
        Ok(bytes)
    }
}

/// Opening a pipe does not wait for its other end.
const NONBLOCK: i32 = 0o4000;

fn classify(error: &io::Error) -> FileError {
    // ELOOP has no kind of its own that is stable.
    const ELOOP: i32 = 40;
    match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing,
        io::ErrorKind::NotADirectory => FileError::Missing,
        io::ErrorKind::IsADirectory => FileError::IsDir,
        _ if error.raw_os_error() == Some(ELOOP) => FileError::Loop,
        // What leads out is refused by the library itself, without the system's having been asked.
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => FileError::Escapes,
        _ => FileError::Other(error.to_string()),
    }
}

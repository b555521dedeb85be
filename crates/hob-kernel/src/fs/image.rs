//! A read-only tree inside an archive: a package of commands, or a tar.
//!
//! What it promises:
//!
//! * The archive is held open and its files are read where they lie; what is in memory is their names.
//! * An archive is read as a whole before anything of it is shown, and what is not well formed is refused: two readers
//!   never see two trees in one archive.
//! * No path in it leads out of it. Links are kept as they are: the walk resolves them inside the session's own tree.

mod aospkg;
mod bare;
mod tar;
#[cfg(test)]
pub(crate) mod tests;

use std::path::Path;
use std::sync::Arc;

use hob_os::{Held, OsError};

use super::NodeRef;
use super::error::{IMAGES, SourceError};
use super::fixed::FixedTree;
use super::stored::Stored;

/// Bytes of a name that are shown in a message.
const SHOWN_BYTES_MAX: usize = 120;

/// How compressed archives begin, and what to do with one.
const COMPRESSED: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "it is compressed; unpack it with `gunzip` first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed; unpack it with `unzstd` first"),
    (b"\xfd7zXZ\0", "it is compressed; unpack it with `unxz` first"),
    (b"BZh", "it is compressed; unpack it with `bunzip2` first"),
    (b"PK\x03\x04", "it is a zip archive; make a tar of what is in it"),
];

/// Why an archive is none that can be shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The host does not let it be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] OsError),
    /// It is something else.
    #[error("{0}")]
    Other(&'static str),
    /// It ends before what it says is in it.
    #[error("it ends early: was it copied whole?")]
    Truncated,
    /// Something is not as the format has it.
    #[error("byte {at}: {what}")]
    Format {
        /// Where.
        at: u64,
        /// What.
        what: &'static str,
    },
    /// A version that is not known.
    #[error("the {what} has version {found}, which this hob does not read; use a package made for version 1")]
    Version {
        /// Of what.
        what: &'static str,
        /// Which version it has.
        found: u16,
    },
    /// An object of it cannot be shown.
    #[error("`{path}`: {rule}")]
    Entry {
        /// Its path or name, bounded and escaped.
        path: String,
        /// Why not.
        rule: String,
    },
    /// A limit.
    #[error("{what}: more than {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        max: u64,
    },
}

/// What the manifest of a package says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its commands.
    pub commands: Vec<PackageCommand>,
}

/// A command of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageCommand {
    /// What it is called.
    pub name: String,
    /// Which file of the package it is.
    pub entry: String,
}

/// An archive that was read.
#[derive(Clone, Debug)]
pub struct Image {
    tree: Arc<FixedTree>,
    package: Option<Package>,
}

impl Image {
    /// Opens an archive of the host: a package or an uncompressed tar, as its first bytes say.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or is not well formed.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        match Held::open(path).map_err(|source| SourceError::open(path, IMAGES, source))? {
            Held::File(file) => Self::read(&Stored::held(file))
                .map_err(|source| SourceError::Image { path: path.to_owned(), source }),
            Held::Folder(_) => {
                Err(SourceError::Kind { path: path.to_owned(), what: "a folder", allowed: IMAGES })
            }
        }
    }

    /// Reads an archive that is in memory.
    ///
    /// # Errors
    ///
    /// It is not well formed.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ImageError> {
        Self::read(&Stored::memory(bytes))
    }

    /// Reads an archive.
    pub(crate) fn read(bytes: &Stored) -> Result<Self, ImageError> {
        if Self::is_package(bytes)? {
            let (package, tree) = aospkg::read(bytes)?;
            return Ok(Self { tree, package: Some(package) });
        }
        for (magic, why) in COMPRESSED {
            if bytes.begins_with(magic)? {
                return Err(ImageError::Other(why));
            }
        }
        Ok(Self { tree: tar::read(bytes)?, package: None })
    }

    /// Whether bytes are a package, as their beginning says.
    pub(crate) fn is_package(bytes: &Stored) -> Result<bool, ImageError> {
        Ok(bytes.begins_with(&aospkg::MAGIC)?)
    }

    /// What the manifest says, if it is a package.
    #[must_use]
    pub fn package(&self) -> Option<&Package> {
        self.package.as_ref()
    }

    /// The bytes of a file in it, links followed.
    pub(crate) fn file(&self, path: &str) -> Option<&Stored> {
        self.tree.file(path.as_bytes())
    }

    /// Everything in it, as a file system with this number.
    #[must_use]
    pub fn root(&self, device: u64) -> NodeRef {
        self.tree.root(device)
    }
}

/// A name from an archive, as messages show it.
pub(crate) fn shown(name: &[u8]) -> String {
    let text =
        String::from_utf8_lossy(name.get(..SHOWN_BYTES_MAX).unwrap_or(name)).escape_debug().to_string();
    if name.len() > SHOWN_BYTES_MAX { text + "…" } else { text }
}

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
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use hob_os::OsError;

use super::NodeRef;
use super::fixed::FixedTree;
use super::stored::Stored;

/// Bytes of a name that are shown in a message.
const SHOWN_BYTES_MAX: usize = 120;

/// Why an archive is none that can be shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The host does not let it be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] OsError),
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
    /// Reads an archive.
    pub(crate) fn read(bytes: &Stored) -> Result<Self, ImageError> {
        let (package, tree) = aospkg::read(bytes)?;
        Ok(Self { tree, package: Some(package) })
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

//! Trees of files: what a file system is, and the kinds there are.
//!
//! A file system is a tree of [`Node`]s. It knows its own names and bytes; paths, mounts, `..`, symbolic links,
//! permissions and the umask are the walk's business ([`walk`]), once for all kinds:
//!
//! | kind | what it is |
//! |---|---|
//! | [`mem`] | everything in memory, with a quota |
//! | [`overlay`] | a writable tree over read-only ones, with whiteouts |
//! | [`image`] | a read-only tree inside an archive |
//! | [`host`] | a granted directory of the host |
//! | [`bin`] | a read-only directory of commands, from folders and packages |
//! | [`base`] | what is there before anybody wrote anything |
//! | [`dev`], [`procfs`] | devices and processes as files |

pub mod base;
pub mod bin;
pub mod dev;
mod fixed;
pub mod host;
pub mod image;
pub mod mem;
pub mod node;
pub mod overlay;
pub mod procfs;
pub mod snapshot;
mod stored;
pub mod walk;

pub use node::{
    Attributes, Change, Entry, Extent, File, Kind, New, Node, NodeId, NodeRef, RenameHow, Space, Stat, Time,
};

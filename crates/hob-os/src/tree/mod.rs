//! Granted directories of the host as trees of open objects.
//!
//! [`World`](crate::World) serves guests that name files by descriptor and path. This module serves a kernel of its own:
//! it walks paths itself and needs one [`Object`] for each thing it comes by. An object is held open, and is that thing
//! whatever its names become; nothing here takes a path, and nothing asks the host's kernel to follow a link.
//!
//! ```
//! use hob_os::tree::{Named, Object};
//! # let folder = tempfile::tempdir()?;
//! # let host = folder.path().to_str().ok_or("no text")?.to_owned();
//! let grant = hob_cap::FsGrant::parse(&format!("{host}::/data:rw"))?;
//! let data = Object::root(&hob_os::open_grant(&grant)?, grant.access)?;
//! let note = data.make(b"note", Named::File, 0o644)?;
//! data.rename(b"note", &data, b"other", hob_os::tree::Rename::Replace)?;
//! let (written, end) = note.open(true)?.append(b"still the same file")?;
//! assert_eq!((written, end), (19, 19));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it promises:
//!
//! * No object lies outside the directory that was granted, except by a hard link or a mount the host itself made.
//! * The text of a symbolic link is text. It is never followed here; whoever walks it does so in a tree of their own.
//! * Nothing below a read-only grant is changed; nothing below a directory that is the root of another grant of the same
//!   guest is changed unless that one allows it too, whatever name leads there.
//! * Only regular files are opened. A pipe, device or socket is seen and refused; nothing on `proc`, `sys` and their kind
//!   is even seen.
//! * No program gets rights of its owner: set-id bits are never set, and what has them is never written.
//! * An object costs one descriptor of the host as long as it is used, an open file one more, a directory one more while
//!   a listing of it is under way.
//!
//! One file per subject: `object` finds things and tells about them, `names` makes, links, moves and removes names,
//! `change` sets modes and times, `list` lists, `file` holds the bytes, `again` reaches a thing by its descriptor.

mod again;
mod change;
mod file;
mod list;
mod names;
mod object;

pub use file::{File, Run};
pub use list::Listed;
pub use names::{Named, Rename};
pub use object::{Identity, Kind, Meta, Object, Room};

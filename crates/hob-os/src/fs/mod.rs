//! Files and directories: what a guest does with paths.
//!
//! One file per subject: [`step`] goes down one name, [`path`] finds the place a path means, [`open`] opens it, [`names`] creates,
//! moves and removes names, [`meta`] reads and sets metadata, [`readdir`] lists a directory, [`pseudo`]
//! knows the file systems that are never touched.
//!
//! Every operation that changes something asks three times, in this order: does the grant that speaks
//! for the place allow it ([`Errno::Perm`](crate::Errno::Perm)), does the descriptor have the right
//! ([`Errno::NotCapable`](crate::Errno::NotCapable)), does the host's file system allow it.

pub(crate) mod meta;
pub(crate) mod names;
pub(crate) mod open;
pub(crate) mod path;
pub(crate) mod pseudo;
pub(crate) mod readdir;
pub(crate) mod step;
mod whole;

use crate::descriptor::Descriptor;
use crate::{Result, World};
use path::{LastLink, Place};

impl World {
    /// The place a path below a directory means, with the descriptor of that directory.
    fn place(&self, fd: u32, path: &[u8], last: LastLink) -> Result<(&Descriptor, Place)> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        let dir = descriptor.dir()?;
        let place = path::resolve(&self.regions, &self.waiter, &dir.node, path, last)?;
        Ok((descriptor, place))
    }
}

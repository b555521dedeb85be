//! Reaching an object again by a descriptor that only looks at it.
//!
//! A descriptor of an object can be looked through without any right to the object, and so it is what a walk holds. To
//! read it, to change its mode or to give it another name, the kernel wants the object by name; `/proc/self/fd` names
//! every object by its descriptor, so that no name of the object itself is asked for: those can have become another's.
//!
//! Stops: a file that is renamed, removed or replaced between look and use being taken for another one.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timestamps};

use crate::fs::pseudo;
use crate::{Errno, Result};

/// The directory of this process's descriptors.
static DESCRIPTORS: OnceLock<OwnedFd> = OnceLock::new();

/// Opens the object itself. `flags` must not say that links are not followed: the name here is one.
pub(super) fn open(object: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd> {
    let name = name(object);
    Ok(rustix::fs::openat(descriptors()?, name.as_str(), flags | OFlags::CLOEXEC, Mode::empty())?)
}

/// Sets the mode of the object itself, which must not be a link.
pub(super) fn chmod(object: BorrowedFd<'_>, mode: Mode) -> Result<()> {
    Ok(rustix::fs::chmodat(descriptors()?, name(object).as_str(), mode, AtFlags::empty())?)
}

/// Sets the times of the object itself.
pub(super) fn set_times(object: BorrowedFd<'_>, times: &Timestamps) -> Result<()> {
    Ok(rustix::fs::utimensat(descriptors()?, name(object).as_str(), times, AtFlags::empty())?)
}

/// Gives the object itself one more name.
pub(super) fn link(object: BorrowedFd<'_>, dir: BorrowedFd<'_>, new: &[u8]) -> Result<()> {
    let name = name(object);
    Ok(rustix::fs::linkat(descriptors()?, name.as_str(), dir, new, AtFlags::SYMLINK_FOLLOW)?)
}

fn name(object: BorrowedFd<'_>) -> String {
    object.as_raw_fd().to_string()
}

/// Opened once. Errors: [`Errno::Nosys`] where the host has no `/proc`, or something else in its place.
fn descriptors() -> Result<BorrowedFd<'static>> {
    if let Some(held) = DESCRIPTORS.get() {
        return Ok(held.as_fd());
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(CWD, "/proc/self/fd", flags, Mode::empty()).map_err(|_| Errno::Nosys)?;
    if pseudo::kind(&opened)? != Some("proc") {
        return Err(Errno::Nosys.into());
    }
    Ok(DESCRIPTORS.get_or_init(|| opened).as_fd())
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_object_is_reached_without_a_name_of_its_own() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"text").unwrap();
        let again = std::fs::File::from(open(file.as_fd(), OFlags::RDONLY).unwrap());
        assert_eq!(again.metadata().unwrap().ino(), file.metadata().unwrap().ino());
        assert_eq!(std::io::read_to_string(&again).unwrap(), "text");
        assert_eq!(file.stream_position().unwrap(), 4, "it is opened anew");
        chmod(file.as_fd(), Mode::from_raw_mode(0o640)).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o640);
    }
}

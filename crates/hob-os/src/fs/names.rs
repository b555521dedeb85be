//! Creating, moving, linking and removing names.
//!
//! All of these work on one name in one open directory, never on a path. A slash after the name is not
//! handed to the kernel, which would follow a link for it; it only demands a directory.
//!
//! Stops: moving or linking a file from one grant into another, in either direction (a file that could
//! be read gets a name where it can be written); removing, replacing or moving the root of another
//! grant; links to absolute paths.

use rustix::fs::{AtFlags, FileType as SysType, Mode};

use crate::fs::path::{LastLink, Place, check_text, is_dir};
use crate::region::ObjectId;
use crate::{Errno, OsError, Result, Rights, World};

/// The permissions of a new directory, before the host's umask.
const NEW_DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o777);

impl World {
    /// Creates a directory.
    pub fn create_directory_at(&mut self, fd: u32, path: &[u8]) -> Result<()> {
        self.audit.watch("mkdir", &path, |note| {
            let place = self.changing(fd, path, Rights::PATH_CREATE_DIRECTORY)?;
            note.grant(self.regions.label(place.dir.region));
            let name = place.name.as_deref().ok_or(Errno::Exist)?;
            note.allowed()?;
            Ok(rustix::fs::mkdirat(&place.dir.fd, name, NEW_DIRECTORY_MODE)?)
        })
    }

    /// Removes an empty directory. Errors: [`Errno::Busy`] for the root of a grant.
    pub fn remove_directory_at(&mut self, fd: u32, path: &[u8]) -> Result<()> {
        self.audit.watch("rmdir", &path, |note| {
            let place = self.changing(fd, path, Rights::PATH_REMOVE_DIRECTORY)?;
            note.grant(self.regions.label(place.dir.region));
            let name = place.name.as_deref().ok_or(Errno::Inval)?;
            self.not_a_root(&place)?;
            note.allowed()?;
            Ok(rustix::fs::unlinkat(&place.dir.fd, name, AtFlags::REMOVEDIR)?)
        })
    }

    /// Removes a name of anything but a directory.
    pub fn unlink_at(&mut self, fd: u32, path: &[u8]) -> Result<()> {
        self.audit.watch("unlink", &path, |note| {
            let place = self.changing(fd, path, Rights::PATH_UNLINK_FILE)?;
            note.grant(self.regions.label(place.dir.region));
            let name = place.name.as_deref().ok_or(Errno::IsDir)?;
            if place.slash {
                place.stat()?;
                return Err(Errno::IsDir.into());
            }
            note.allowed()?;
            Ok(rustix::fs::unlinkat(&place.dir.fd, name, AtFlags::empty())?)
        })
    }

    /// Renames, replacing a file by a file and an empty directory by a directory. Errors:
    /// [`Errno::Perm`] unless both places allow changes, [`Errno::Xdev`] between two grants,
    /// [`Errno::Busy`] for the root of a grant.
    pub fn rename_at(&mut self, old_fd: u32, old: &[u8], new_fd: u32, new: &[u8]) -> Result<()> {
        self.audit.watch("rename", &(old, new), |note| {
            let from = self.changing(old_fd, old, Rights::PATH_RENAME_SOURCE)?;
            let to = self.changing(new_fd, new, Rights::PATH_RENAME_TARGET)?;
            note.grant(self.regions.label(from.dir.region));
            same_grant(&from, &to)?;
            let old_name = from.name.as_deref().ok_or(Errno::Busy)?;
            let new_name = to.name.as_deref().ok_or(Errno::Busy)?;
            if to.slash && !is_dir(&from.stat()?) {
                return Err(Errno::NotDir.into());
            }
            if from.slash {
                from.stat()?;
            }
            self.not_a_root(&from)?;
            self.not_a_root(&to)?;
            note.allowed()?;
            Ok(rustix::fs::renameat(&from.dir.fd, old_name, &to.dir.fd, new_name)?)
        })
    }

    /// Gives a file another name. A symbolic link is linked itself: following one is
    /// [`Errno::Inval`]. Errors otherwise as for a rename; [`Errno::Perm`] for a directory.
    pub fn link_at(&mut self, old_fd: u32, follow: bool, old: &[u8], new_fd: u32, new: &[u8]) -> Result<()> {
        self.audit.watch("link", &(old, new), |note| {
            if follow {
                return Err(Errno::Inval.into());
            }
            let from = self.changing(old_fd, old, Rights::PATH_LINK_SOURCE)?;
            let to = self.changing(new_fd, new, Rights::PATH_LINK_TARGET)?;
            note.grant(self.regions.label(from.dir.region));
            same_grant(&from, &to)?;
            let old_name = from.name.as_deref().ok_or(Errno::Perm)?;
            let new_name = new_file_name(&to)?;
            if is_dir(&from.stat()?) {
                return Err(Errno::Perm.into());
            }
            note.allowed()?;
            Ok(rustix::fs::linkat(&from.dir.fd, old_name, &to.dir.fd, new_name, AtFlags::empty())?)
        })
    }

    /// Creates a symbolic link with the text `target`, which need not exist. Errors: [`Errno::Perm`]
    /// for an absolute target, which could only lead out.
    pub fn symlink_at(&mut self, target: &[u8], fd: u32, path: &[u8]) -> Result<()> {
        self.audit.watch("symlink", &(target, path), |note| {
            check_text(target)?;
            let place = self.changing(fd, path, Rights::PATH_SYMLINK)?;
            note.grant(self.regions.label(place.dir.region));
            if target.starts_with(b"/") {
                return Err(Errno::Perm.into());
            }
            let name = new_file_name(&place)?;
            note.allowed()?;
            Ok(rustix::fs::symlinkat(target, &place.dir.fd, name)?)
        })
    }

    /// Reads the text of a symbolic link into the start of `buf` and returns how many bytes; what does
    /// not fit is left out. Errors: [`Errno::Perm`] for an absolute text, which tells about the host.
    pub fn readlink_at(&mut self, fd: u32, path: &[u8], buf: &mut [u8]) -> Result<usize> {
        self.audit.watch("readlink", &path, |note| {
            let (descriptor, place) = self.place(fd, path, LastLink::FollowBeforeSlash)?;
            descriptor.need(Rights::PATH_READLINK)?;
            note.grant(self.regions.label(place.dir.region));
            let name = place.name.as_deref().ok_or(Errno::Inval)?;
            if !SysType::from_raw_mode(place.stat()?.st_mode).is_symlink() {
                return Err(Errno::Inval.into());
            }
            note.allowed()?;
            let text = rustix::fs::readlinkat(&place.dir.fd, name, Vec::new())?.into_bytes();
            if text.starts_with(b"/") {
                return Err(Errno::Perm.into());
            }
            let len = text.len().min(buf.len());
            if let (Some(to), Some(from)) = (buf.get_mut(..len), text.get(..len)) {
                to.copy_from_slice(from);
            }
            Ok(len)
        })
    }

    /// The place whose name an operation changes. A link in the last place is the thing itself.
    fn changing(&self, fd: u32, path: &[u8], right: Rights) -> Result<Place> {
        let (descriptor, place) = self.place(fd, path, LastLink::Keep)?;
        place.writable()?;
        descriptor.need(right)?;
        Ok(place)
    }

    /// Refuses to take the root of a grant away from under it.
    fn not_a_root(&self, place: &Place) -> Result<()> {
        let Some(name) = &place.name else { return Err(Errno::Busy.into()) };
        match rustix::fs::statat(&place.dir.fd, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if self.regions.is_root(ObjectId::of(&stat)) => Err(Errno::Busy.into()),
            _ => Ok(()),
        }
    }
}

/// Refuses to carry a name from one grant to another.
fn same_grant(from: &Place, to: &Place) -> Result<()> {
    if from.dir.region == to.dir.region { Ok(()) } else { Err(Errno::Xdev.into()) }
}

/// The name of a new object that is no directory; a slash after it is an error whether or not
/// something is there.
fn new_file_name(place: &Place) -> Result<&[u8]> {
    let name = place.name.as_deref().ok_or(Errno::Exist)?;
    if !place.slash {
        return Ok(name);
    }
    match place.stat() {
        Err(OsError::Errno(Errno::Noent)) => Err(Errno::Noent.into()),
        Ok(_) => Err(Errno::Exist.into()),
        Err(error) => Err(error),
    }
}

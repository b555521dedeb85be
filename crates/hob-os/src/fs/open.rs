//! Opening a file or a directory.
//!
//! What an open may do follows from its *effects*: creating and truncating are changes, so they need a
//! grant that allows changes, whatever rights were asked for. The object is looked at before it is opened
//! and again through the new descriptor: only regular files and directories are opened, a pipe that was
//! swapped in meanwhile neither blocks nor is used.
//!
//! Stops: emptying a read-only file with `truncate` and read rights; creating through a dangling link
//! that leads out; an open that waits for the other end of a pipe; opening a device.

use std::os::fd::OwnedFd;

use hob_cap::Access;
use rustix::fs::{FileType as SysType, Mode, OFlags, Stat};
use rustix::io::Errno as Sys;

use crate::audit::Note;
use crate::descriptor::{Descriptor, Dir, File, Object};
use crate::fs::path::{LastLink, Place, entered};
use crate::fs::step::{QUIET, crossed, kind};
use crate::{Errno, FdFlags, OpenHow, OsError, Result, Rights, World};

/// How often an open starts again because somebody created or removed the name meanwhile.
const RACES_MAX: u32 = 8;

/// The permissions of a new file, before the host's umask.
const NEW_FILE_MODE: Mode = Mode::from_raw_mode(0o666);

impl World {
    /// Opens or creates what `path` below `fd` names, and returns the new descriptor, the lowest free.
    ///
    /// Errors, beside those of any path: [`Errno::Perm`] for a change where the grant only reads, and
    /// for anything that is neither a file nor a directory; [`Errno::NotCapable`] for a right the
    /// directory does not pass on; [`Errno::IsDir`] for writing to a directory; [`Errno::Loop`] for a
    /// link that is not followed; the open files limit, in which case nothing was created.
    pub fn open_at(&mut self, fd: u32, path: &[u8], how: OpenHow) -> Result<u32> {
        let (ticket, descriptor) = self.audit.watch("open", &path, |note| {
            self.table.get(fd)?;
            let ticket = self.table.ticket()?;
            for _ in 0..RACES_MAX {
                match self.try_open(fd, path, &how, note) {
                    Err(OsError::Errno(Errno::Stale)) => {}
                    other => return Ok((ticket, other?)),
                }
            }
            Err(Errno::Again.into())
        })?;
        self.table.insert(ticket, descriptor)
    }

    /// One attempt; [`Errno::Stale`] when the name changed while it was looked at.
    fn try_open<'a>(&'a self, fd: u32, path: &[u8], how: &OpenHow, note: &Note<'a>) -> Result<Descriptor> {
        if how.create && how.directory {
            return Err(Errno::Inval.into());
        }
        let last = match (how.create && how.exclusive, how.follow) {
            (true, _) => LastLink::Keep,
            (_, true) => LastLink::Follow,
            _ => LastLink::FollowBeforeSlash,
        };
        let (parent, place) = self.place(fd, path, last)?;
        let want = Want::of(how, parent, &place)?;
        note.grant(self.regions.label(place.dir.region));
        let stat = match place.stat() {
            Err(OsError::Errno(Errno::Noent)) if how.create && !place.slash => None,
            stat => Some(stat?),
        };
        match stat.map(|stat| kind(&stat)) {
            None => {
                note.allowed()?;
                want.create(&place)
            }
            Some(_) if how.create && how.exclusive => Err(Errno::Exist.into()),
            Some(SysType::Directory) => {
                want.no_change_of_directory(how)?;
                note.allowed()?;
                self.open_dir(&place, &want)
            }
            Some(SysType::RegularFile) if how.directory => Err(Errno::NotDir.into()),
            Some(SysType::RegularFile) => {
                note.allowed()?;
                want.open_file(&place)
            }
            Some(SysType::Symlink) => Err(Errno::Loop.into()),
            Some(_) => Err(Errno::Perm.into()),
        }
    }

    fn open_dir(&self, place: &Place, want: &Want) -> Result<Descriptor> {
        let name = place.name.as_deref().unwrap_or(b".");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = raced(rustix::fs::openat(&place.dir.fd, name, flags, Mode::empty()))?;
        let node = match &place.name {
            None => place.dir.through(fd),
            Some(name) => {
                let stat = rustix::fs::fstat(&fd)?;
                entered(&self.regions, &place.dir, name, fd, &stat)?
            }
        };
        let rights = want.rights.and(Rights::DIRECTORY).under(node.access);
        let object = Object::Dir(Dir { node, preopen: None });
        let flags = FdFlags { nonblock: want.flags.nonblock, ..FdFlags::default() };
        Ok(Descriptor { object, rights, inheriting: want.inheriting, flags })
    }
}

/// What an open needs, checked against the grant and the directory's rights.
struct Want {
    access: Access,
    rights: Rights,
    inheriting: Rights,
    flags: FdFlags,
    truncate: bool,
}

impl Want {
    fn of(how: &OpenHow, parent: &Descriptor, place: &Place) -> Result<Self> {
        let write = how.rights.contains(Rights::FD_WRITE);
        if write || how.create || how.truncate {
            place.writable()?;
        }
        parent.need(Rights::PATH_OPEN)?;
        for (effect, right) in
            [(how.create, Rights::PATH_CREATE_FILE), (how.truncate, Rights::PATH_FILESTAT_SET_SIZE)]
        {
            if effect {
                parent.need(right)?;
            }
        }
        let bytes = how.rights.and(Rights::FD_READ.or(Rights::FD_WRITE));
        if !parent.inheriting.contains(bytes) {
            return Err(Errno::NotCapable.into());
        }
        Ok(Self {
            access: place.dir.access,
            rights: how.rights.and(parent.inheriting),
            inheriting: how.inheriting.and(parent.inheriting),
            flags: how.flags,
            truncate: how.truncate,
        })
    }

    /// Refuses what would change a directory as if it were a file.
    fn no_change_of_directory(&self, how: &OpenHow) -> Result<()> {
        if how.create || how.truncate || how.rights.contains(Rights::FD_WRITE) {
            return Err(Errno::IsDir.into());
        }
        Ok(())
    }

    fn create(&self, place: &Place) -> Result<Descriptor> {
        let name = place.name.as_deref().ok_or(Errno::IsDir)?;
        let flags = self.oflags(false) | OFlags::CREATE | OFlags::EXCL;
        match rustix::fs::openat(&place.dir.fd, name, flags, NEW_FILE_MODE) {
            Err(Sys::EXIST) => Err(Errno::Stale.into()),
            fd => Ok(self.file(fd?)),
        }
    }

    fn open_file(&self, place: &Place) -> Result<Descriptor> {
        let name = place.name.as_deref().ok_or(Errno::IsDir)?;
        let fd = raced(rustix::fs::openat(&place.dir.fd, name, self.oflags(self.truncate), Mode::empty()))?;
        let stat: Stat = rustix::fs::fstat(&fd)?;
        if !kind(&stat).is_file() {
            return Err(Errno::Perm.into());
        }
        crossed(place.dir.id, &fd, &stat)?;
        if self.truncate {
            rustix::fs::ftruncate(&fd, 0)?;
        }
        Ok(self.file(fd))
    }

    /// How the kernel opens it: never following, never waiting, never taking over a terminal.
    fn oflags(&self, truncate: bool) -> OFlags {
        let write = truncate || self.rights.contains(Rights::FD_WRITE);
        let read = self.rights.contains(Rights::FD_READ);
        let mut flags = match (read, write) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            (_, false) => OFlags::RDONLY,
        };
        flags |= OFlags::NOFOLLOW | QUIET;
        flags.set(OFlags::APPEND, self.flags.append);
        // `SYNC` includes the bits of `DSYNC`, so it goes last.
        flags.set(OFlags::DSYNC, self.flags.dsync);
        flags | if self.flags.sync || self.flags.rsync { OFlags::SYNC } else { OFlags::empty() }
    }

    fn file(&self, fd: OwnedFd) -> Descriptor {
        let mut rights = self.rights.and(Rights::FILE).under(self.access);
        if rights.contains(Rights::FD_SEEK) {
            rights = rights.or(Rights::FD_TELL);
        }
        if !rights.contains(Rights::FD_WRITE) {
            rights = rights.without(Rights::FD_ALLOCATE.or(Rights::FD_FILESTAT_SET_SIZE));
        }
        let object = Object::File(File { fd, access: self.access });
        Descriptor { object, rights, inheriting: Rights::NONE, flags: self.flags }
    }
}

/// An open after a look: the name having vanished or changed its kind meanwhile starts it again.
fn raced(opened: rustix::io::Result<OwnedFd>) -> Result<OwnedFd> {
    match opened {
        Err(Sys::NOENT | Sys::LOOP | Sys::NOTDIR | Sys::ISDIR | Sys::NXIO) => Err(Errno::Stale.into()),
        fd => Ok(fd?),
    }
}

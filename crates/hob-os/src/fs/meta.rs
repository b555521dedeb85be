//! Metadata: reading it, and setting times.

use hob_cap::{Access, ClockGrant};
use rustix::fs::{AtFlags, FileType as SysType, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use crate::descriptor::Object;
use crate::fs::path::LastLink;
use crate::region::ObjectId;
use crate::{ClockId, Errno, FileStat, FileType, Result, Rights, SetTime, World};

const NANOSECONDS: u64 = 1_000_000_000;

impl World {
    /// Metadata of what a descriptor stands for. Of a stream, only the kind is told.
    pub fn filestat(&self, fd: u32) -> Result<FileStat> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        descriptor.need(Rights::FD_FILESTAT_GET)?;
        match &descriptor.object {
            Object::File(file) => Ok(told(&rustix::fs::fstat(&file.fd)?)),
            Object::Dir(dir) => Ok(told(&rustix::fs::fstat(&dir.node.fd)?)),
            _ => Ok(FileStat {
                device: 0,
                inode: 0,
                kind: descriptor.kind(),
                links: 0,
                size: 0,
                accessed: 0,
                modified: 0,
                changed: 0,
            }),
        }
    }

    /// Metadata of what a path names; of a link in the last place unless it is followed.
    pub fn filestat_at(&self, fd: u32, follow: bool, path: &[u8]) -> Result<FileStat> {
        self.audit.watch("stat", &path, |note| {
            let (descriptor, place) = self.place(fd, path, last(follow))?;
            descriptor.need(Rights::PATH_FILESTAT_GET)?;
            note.grant(self.regions.label(place.dir.region));
            let stat = place.stat()?;
            note.allowed()?;
            Ok(told(&stat))
        })
    }

    /// Sets times of an open file or directory.
    pub fn set_times(&mut self, fd: u32, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.waiter.check()?;
        self.audit.watch("set_times", &fd, |note| {
            let times = self.times(accessed, modified)?;
            let descriptor = self.table.get(fd)?;
            let access = match &descriptor.object {
                Object::File(file) => file.access,
                Object::Dir(dir) => dir.node.access,
                _ => return Err(Errno::Badf.into()),
            };
            writable(access)?;
            descriptor.need(Rights::FD_FILESTAT_SET_TIMES)?;
            note.allowed()?;
            match &descriptor.object {
                Object::File(file) => Ok(rustix::fs::futimens(&file.fd, &times)?),
                Object::Dir(dir) => Ok(rustix::fs::futimens(&dir.node.fd, &times)?),
                _ => Err(Errno::Badf.into()),
            }
        })
    }

    /// Sets times of what a path names; of a link in the last place unless it is followed.
    pub fn set_times_at(
        &mut self,
        fd: u32,
        follow: bool,
        path: &[u8],
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        self.audit.watch("set_times", &path, |note| {
            let times = self.times(accessed, modified)?;
            let (descriptor, place) = self.place(fd, path, last(follow))?;
            note.grant(self.regions.label(place.dir.region));
            // The root of a narrower grant, named from outside, keeps that grant's access.
            let object = ObjectId::of(&place.stat()?);
            let access = if place.name.is_some() {
                self.regions.access_to(&place.dir, object)
            } else {
                place.dir.access
            };
            writable(access)?;
            descriptor.need(Rights::PATH_FILESTAT_SET_TIMES)?;
            note.allowed()?;
            let name = place.name.as_deref().unwrap_or(b".");
            Ok(rustix::fs::utimensat(&place.dir.fd, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
        })
    }

    fn times(&self, accessed: SetTime, modified: SetTime) -> Result<Timestamps> {
        Ok(Timestamps { last_access: self.time(accessed)?, last_modification: self.time(modified)? })
    }

    /// One time as the kernel wants it. The present is the guest's own: a guest with another clock than
    /// the host's must not learn the time from a file.
    fn time(&self, time: SetTime) -> Result<Timespec> {
        match time {
            SetTime::Now if self.clock.grant() != ClockGrant::Real => {
                host_time(SetTime::At(self.clock.peek(ClockId::Realtime)))
            }
            time => host_time(time),
        }
    }
}

/// One time as the kernel wants it; the present is the host's.
pub(crate) fn host_time(time: SetTime) -> Result<Timespec> {
    match time {
        SetTime::Keep => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
        SetTime::Now => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
        SetTime::At(nanoseconds) => timespec(nanoseconds),
    }
}

fn timespec(nanoseconds: u64) -> Result<Timespec> {
    let tv_sec = i64::try_from(nanoseconds / NANOSECONDS).map_err(|_| Errno::Inval)?;
    let tv_nsec = i64::try_from(nanoseconds % NANOSECONDS).map_err(|_| Errno::Inval)?;
    Ok(Timespec { tv_sec, tv_nsec })
}

fn writable(access: Access) -> Result<()> {
    match access {
        Access::ReadWrite => Ok(()),
        Access::Read => Err(Errno::Perm.into()),
    }
}

fn last(follow: bool) -> LastLink {
    if follow { LastLink::Follow } else { LastLink::FollowBeforeSlash }
}

/// The kernel's word for a kind of object, as a guest hears it.
pub(crate) fn kind(kind: SysType) -> FileType {
    match kind {
        SysType::RegularFile => FileType::RegularFile,
        SysType::Directory => FileType::Directory,
        SysType::Symlink => FileType::SymbolicLink,
        SysType::Socket => FileType::SocketStream,
        SysType::CharacterDevice => FileType::CharacterDevice,
        SysType::BlockDevice => FileType::BlockDevice,
        _ => FileType::Unknown,
    }
}

/// Metadata as a guest hears it.
pub(crate) fn told(stat: &Stat) -> FileStat {
    FileStat {
        device: stat.st_dev,
        inode: stat.st_ino,
        kind: kind(SysType::from_raw_mode(stat.st_mode)),
        links: wide(stat.st_nlink),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        accessed: since_epoch(stat.st_atime, stat.st_atime_nsec),
        modified: since_epoch(stat.st_mtime, stat.st_mtime_nsec),
        changed: since_epoch(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// A time of the kernel in nanoseconds since 1970; an earlier one is 0.
pub(crate) fn since_epoch(seconds: i64, nanoseconds: impl TryInto<u64>) -> u64 {
    let whole = u64::try_from(seconds).unwrap_or(0).saturating_mul(NANOSECONDS);
    whole.saturating_add(nanoseconds.try_into().unwrap_or(0))
}

/// Targets differ in how wide this field is.
pub(crate) fn wide(number: impl Into<u64>) -> u64 {
    number.into()
}

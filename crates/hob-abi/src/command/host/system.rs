//! Preview 1 over a process of a kernel.

use std::io::SeekFrom;
use std::time::{Duration, Instant};

use hob_cap::{Access, ClockGrant, LimitExceeded};
use hob_kernel::fd::{Flags, Object, file_type};
use hob_kernel::fs::{Kind, New, RenameHow, Stat, Time};
use hob_kernel::process::meta::Subject;
use hob_kernel::process::sockets::Transfer;
use hob_kernel::process::{How, Interest as Wanted};
use hob_os::{
    Advice, ClockId, DirEntry, Errno, Event, EventKind, FdFlags, FdStat, FileStat, FileType, Interest,
    OpenHow, RecvFlags, Result, Rights, SetTime, Subscription, Whence,
};

use super::guest::{Guest, HIDDEN_ROOT};
use crate::wasi_p1::System;

impl System for Guest {
    /// Those of preview 1, and direct access.
    const FLAGS: u32 = 0x3f;

    fn limited(&mut self, limit: &LimitExceeded) {
        self.process.limited(limit);
    }

    fn args(&self) -> Vec<Vec<u8>> {
        self.process.args()
    }

    fn environ(&self) -> Vec<Vec<u8>> {
        self.process.env()
    }

    fn clock_resolution(&self, clock: ClockId) -> Result<u64> {
        Ok(self.process.clock_resolution(clock))
    }

    fn clock_now(&mut self, clock: ClockId) -> Result<u64> {
        self.process.clock_now(clock)
    }

    fn random_fill(&mut self, buf: &mut [u8]) -> Result<()> {
        self.process.random_fill(buf)
    }

    fn sched_yield(&mut self) -> Result<()> {
        self.process.check()?;
        std::thread::yield_now();
        Ok(())
    }

    fn close(&mut self, fd: u32) -> Result<()> {
        if self.is_hidden(fd) { Ok(()) } else { self.process.close(fd) }
    }

    fn renumber(&mut self, from: u32, to: u32) -> Result<()> {
        self.process.renumber(from, to)
    }

    fn fdstat(&self, fd: u32) -> Result<FdStat> {
        self.process.check()?;
        if self.is_hidden(fd) {
            let all = Rights::DIRECTORY.or(Rights::FILE);
            let (kind, flags) = (FileType::Directory, FdFlags::default());
            return Ok(FdStat { kind, flags, rights: all, inheriting: all });
        }
        let descriptor = self.process.descriptor(fd)?;
        let description = &descriptor.description;
        let flags = description.flags();
        let usual = match &description.object {
            Object::File(..) => {
                Rights::FILE.under(if description.writable { Access::ReadWrite } else { Access::Read })
            }
            Object::Directory(_) => Rights::DIRECTORY.or(Rights::FILE),
            Object::Socket(_) => Rights::SOCKET,
            _ => Rights::STREAM.or(Rights::FD_READ).or(Rights::FD_WRITE),
        };
        let (own, inheriting) = descriptor.rights;
        Ok(FdStat {
            kind: description.kind(),
            flags: FdFlags {
                append: flags.append,
                nonblock: flags.nonblock,
                sync: flags.sync,
                direct: flags.direct,
                ..FdFlags::default()
            },
            rights: usual.and(own),
            inheriting: Rights::DIRECTORY.or(Rights::FILE).and(inheriting),
        })
    }

    fn set_flags(&mut self, fd: u32, flags: FdFlags) -> Result<()> {
        let FdFlags { append, nonblock, direct, .. } = flags;
        let flags = Flags { append, nonblock, direct, sync: flags.sync || flags.dsync };
        self.process.set_flags(fd, flags)
    }

    fn set_rights(&mut self, fd: u32, rights: Rights, inheriting: Rights) -> Result<()> {
        let now = self.fdstat(fd)?;
        if !now.rights.contains(rights) || !now.inheriting.contains(inheriting) {
            return Err(Errno::NotCapable.into());
        }
        self.process.change_descriptor(fd, |descriptor| descriptor.rights = (rights, inheriting))
    }

    fn prestat(&self, fd: u32) -> Result<Vec<u8>> {
        self.process.check()?;
        if self.is_hidden(fd) {
            return Ok(b"/".to_vec());
        }
        self.process.descriptor(fd)?.preopen.map(|path| path.to_vec()).ok_or(Errno::Badf.into())
    }

    fn read(&mut self, fd: u32, buf: &mut [u8]) -> Result<usize> {
        self.process.read(fd, buf)
    }

    fn write(&mut self, fd: u32, buf: &[u8]) -> Result<usize> {
        self.process.write(fd, buf)
    }

    fn pread(&mut self, fd: u32, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.process.read_at(fd, buf, offset)
    }

    fn pwrite(&mut self, fd: u32, buf: &[u8], offset: u64) -> Result<usize> {
        self.process.write_at(fd, buf, offset)
    }

    fn seek(&mut self, fd: u32, offset: i64, whence: Whence) -> Result<u64> {
        let to = match whence {
            Whence::Start => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
            Whence::Current => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        self.process.seek(fd, to)
    }

    fn tell(&mut self, fd: u32) -> Result<u64> {
        self.process.seek(fd, SeekFrom::Current(0))
    }

    fn sync(&mut self, fd: u32) -> Result<()> {
        self.process.sync(fd, false)
    }

    fn datasync(&mut self, fd: u32) -> Result<()> {
        self.process.sync(fd, true)
    }

    fn advise(&mut self, fd: u32, _: u64, _: u64, _: Advice) -> Result<()> {
        self.process.description(fd)?.file().map(drop)
    }

    fn allocate(&mut self, fd: u32, offset: u64, len: u64) -> Result<()> {
        if len == 0 {
            return Err(Errno::Inval.into());
        }
        self.process.allocate(fd, |file| file.reserve(offset, len, false))
    }

    fn set_size(&mut self, fd: u32, size: u64) -> Result<()> {
        self.process.resize(fd, size)
    }

    fn filestat(&self, fd: u32) -> Result<FileStat> {
        if self.is_hidden(fd) {
            return Ok(file_stat(&self.process.stat(Subject::Path(self.base(fd), b"/", true))?));
        }
        let mut stat = file_stat(&self.process.stat(Subject::Fd(fd))?);
        stat.kind = self.process.description(fd)?.kind();
        Ok(stat)
    }

    fn filestat_at(&self, fd: u32, follow: bool, path: &[u8]) -> Result<FileStat> {
        Ok(file_stat(&self.process.stat(Subject::Path(self.base(fd), path, follow))?))
    }

    fn set_times(&mut self, fd: u32, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.process.change_times(Subject::Fd(fd), time(accessed), time(modified))
    }

    fn set_times_at(
        &mut self,
        fd: u32,
        follow: bool,
        path: &[u8],
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        let subject = Subject::Path(self.base(fd), path, follow);
        self.process.change_times(subject, time(accessed), time(modified))
    }

    fn create_directory_at(&mut self, fd: u32, path: &[u8]) -> Result<()> {
        self.process.make(self.base(fd), path, New::Directory, 0o777)
    }

    fn remove_directory_at(&mut self, fd: u32, path: &[u8]) -> Result<()> {
        self.process.remove(self.base(fd), path, true)
    }

    fn unlink_at(&mut self, fd: u32, path: &[u8]) -> Result<()> {
        self.process.remove(self.base(fd), path, false)
    }

    fn rename_at(&mut self, old_fd: u32, old: &[u8], new_fd: u32, new: &[u8]) -> Result<()> {
        self.process.rename(self.base(old_fd), old, self.base(new_fd), new, RenameHow::Replace)
    }

    fn link_at(&mut self, old_fd: u32, follow: bool, old: &[u8], new_fd: u32, new: &[u8]) -> Result<()> {
        self.process.link(self.base(old_fd), old, follow, self.base(new_fd), new)
    }

    fn symlink_at(&mut self, target: &[u8], fd: u32, path: &[u8]) -> Result<()> {
        self.process.make_link(target, self.base(fd), path)
    }

    fn readlink_at(&mut self, fd: u32, path: &[u8], buf: &mut [u8]) -> Result<usize> {
        let text = self.process.read_link(self.base(fd), path)?;
        let len = text.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), text.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }

    fn open_at(&mut self, fd: u32, path: &[u8], how: OpenHow) -> Result<u32> {
        let mode = self.take_mode();
        let direct = std::mem::take(&mut self.open_direct) || how.flags.direct;
        let write = how.rights.contains(Rights::FD_WRITE) && !how.directory;
        let read = how.rights.contains(Rights::FD_READ) || how.rights.contains(Rights::FD_READDIR) || !write;
        let how = How {
            read,
            write,
            create: how.create,
            exclusive: how.exclusive,
            truncate: how.truncate,
            directory: how.directory,
            no_follow: !how.follow,
            flags: Flags {
                append: how.flags.append,
                nonblock: how.flags.nonblock,
                direct,
                sync: how.flags.sync || how.flags.dsync,
            },
            mode,
            ..How::default()
        };
        let base = self.base(fd);
        // A C library asks to write whatever it opens; a directory is opened all the same.
        match self.process.open(base, path, how, 0) {
            Err(error) if error.errno() == Errno::IsDir && read && !how.create && !how.truncate => {
                self.process.open(base, path, How { write: false, ..how }, 0)
            }
            other => other,
        }
    }

    fn readdir(&mut self, fd: u32, cookie: u64, sink: &mut dyn FnMut(DirEntry<'_>) -> bool) -> Result<()> {
        self.process.list(fd, cookie, &mut |entry| {
            sink(DirEntry {
                next: entry.next,
                inode: entry.inode,
                kind: file_type(entry.kind),
                name: entry.name,
            })
        })
    }

    fn poll(&mut self, subscriptions: &[Subscription], events: &mut Vec<Event>) -> Result<()> {
        let mut first: Option<u64> = None;
        let mut times = Vec::with_capacity(subscriptions.len());
        let mut wanted = Vec::new();
        for subscription in subscriptions {
            let left = match subscription.what {
                Interest::Clock { clock, timeout, absolute } => {
                    let left = if absolute {
                        timeout.saturating_sub(self.process.clock_now(clock)?)
                    } else {
                        timeout
                    };
                    first = Some(first.map_or(left, |first| first.min(left)));
                    Some(left)
                }
                Interest::Read(fd) => {
                    wanted.push(Wanted { fd, read: true, write: false });
                    None
                }
                Interest::Write(fd) => {
                    wanted.push(Wanted { fd, read: false, write: true });
                    None
                }
            };
            times.push(left);
        }
        // A clock that does not go by itself is not waited for.
        let at_once = matches!(self.process.clock_grant(), ClockGrant::None | ClockGrant::Virtual);
        let now = Instant::now();
        let until = first
            .and_then(|left| if at_once { Some(now) } else { now.checked_add(Duration::from_nanos(left)) });
        let mut polled = self.process.poll(&wanted, until)?.into_iter();
        let passed =
            if at_once { u64::MAX } else { u64::try_from(now.elapsed().as_nanos()).unwrap_or(u64::MAX) };
        let before = events.len();
        let mut due = Vec::new();
        for (subscription, left) in subscriptions.iter().zip(times) {
            let userdata = subscription.userdata;
            let kind = match subscription.what {
                Interest::Clock { .. } => {
                    if left.is_some_and(|left| left <= passed) {
                        let kind = EventKind::Clock;
                        due.push(Event { userdata, kind, error: None, bytes: 0, hangup: false });
                    }
                    continue;
                }
                Interest::Read(_) => EventKind::Read,
                Interest::Write(_) => EventKind::Write,
            };
            let Some(one) = polled.next() else { continue };
            if one.any() {
                let error = if one.invalid { Some(Errno::Badf) } else { None };
                let bytes = if kind == EventKind::Read { one.ready.bytes } else { 0 };
                events.push(Event {
                    userdata,
                    kind,
                    error,
                    bytes,
                    hangup: one.ready.hangup || one.ready.error,
                });
            }
        }
        if !at_once || events.len() == before {
            events.append(&mut due);
        }
        Ok(())
    }

    fn accept(&mut self, fd: u32, flags: FdFlags) -> Result<u32> {
        let (accepted, _) = self.process.accept(fd)?;
        self.set_flags(accepted, flags)?;
        Ok(accepted)
    }

    fn recv(&mut self, fd: u32, buf: &mut [u8], flags: RecvFlags) -> Result<usize> {
        let how = Transfer { peek: flags.peek, whole: flags.wait_all, ..Transfer::default() };
        Ok(self.process.receive(fd, buf, how)?.len)
    }

    fn send(&mut self, fd: u32, buf: &[u8]) -> Result<usize> {
        self.process.send(fd, buf, None, &[], Transfer::default())
    }

    fn shutdown(&mut self, fd: u32, read: bool, write: bool) -> Result<()> {
        self.process.shutdown(fd, read, write)
    }
}

impl Guest {
    /// Whether a descriptor is the root that was handed over out of the way.
    fn is_hidden(&self, fd: u32) -> bool {
        fd == HIDDEN_ROOT && self.hides_preopens()
    }
}

fn time(time: SetTime) -> Time {
    match time {
        SetTime::Keep => Time::Keep,
        SetTime::Now => Time::Now,
        SetTime::At(at) => Time::At(at),
    }
}

/// Metadata as preview 1 knows it.
fn file_stat(stat: &Stat) -> FileStat {
    FileStat {
        device: stat.id.device,
        inode: stat.id.inode,
        kind: match stat.kind {
            Kind::Fifo => FileType::Unknown,
            kind => file_type(kind),
        },
        links: stat.links,
        size: stat.size,
        accessed: stat.accessed,
        modified: stat.modified,
        changed: stat.changed,
    }
}

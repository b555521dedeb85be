//! Metadata: of paths and of descriptors.

use std::sync::Arc;

use hob_os::{Errno, Result};

use crate::fd::{Description, Object, file_type};
use crate::fs::walk::Place;
use crate::fs::{Change, Entry, Extent, Kind, NodeId, NodeRef, Space, Stat, Time, dev, procfs};
use crate::limits::{ATTRIBUTE_BYTES_MAX, ATTRIBUTE_NAME_BYTES_MAX};
use crate::process::{Base, Process, identity};
use crate::wait::lock;

/// The device number of what is in no file system.
const NOWHERE: u64 = 0;

/// What metadata is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// What is at a path; the flag says whether a link at the end is followed.
    Path(Base, &'a [u8], bool),
    /// What a descriptor stands for.
    Fd(u32),
}

impl Process {
    /// Metadata.
    pub fn stat(&self, subject: Subject<'_>) -> Result<Stat> {
        match subject {
            Subject::Path(base, path, follow) => {
                let place = self.existing(base, path, follow)?;
                self.may_look(&place)?;
                self.record("stat", &place)?;
                match procfs::descriptor(&place.node, self)? {
                    Some(description) if follow => self.stat_description(&description),
                    _ => place.node.stat(),
                }
            }
            Subject::Fd(fd) => {
                self.check()?;
                self.stat_description(&*self.description(fd)?)
            }
        }
    }

    /// Metadata of what is open. A pipe and a socket are in no file system.
    pub(crate) fn stat_description(&self, description: &Description) -> Result<Stat> {
        if let Some(node) = description.node() {
            return node.stat();
        }
        let who = self.identity();
        let now = lock(&self.kernel.clock).peek(hob_os::ClockId::Realtime);
        let (kind, mode, device) = match &description.object {
            Object::Socket(_) => (Kind::Socket, 0o777, 0),
            Object::Device(device) => (Kind::Character, 0o666, *device),
            Object::Terminal(slave) => (Kind::Character, 0o620, dev::terminal(slave.terminal().number())),
            Object::Master(_) => (Kind::Character, 0o666, dev::PTMX),
            Object::Stream(stream) if file_type(Kind::Character) == stream.kind() => {
                (Kind::Character, 0o620, dev::TTY)
            }
            _ => (Kind::Fifo, 0o600, 0),
        };
        Ok(Stat {
            id: NodeId { device: NOWHERE, inode: description.id },
            kind,
            mode,
            links: 1,
            uid: who.euid(),
            gid: who.egid(),
            device,
            size: 0,
            blocks: 0,
            accessed: now,
            modified: now,
            changed: now,
        })
    }

    /// Changes permission bits. Errors: [`Errno::Perm`] for anyone but the owner and root.
    pub fn change_mode(&self, subject: Subject<'_>, mode: u16) -> Result<()> {
        let (place, node) = self.to_change(subject)?;
        let stat = node.stat()?;
        let who = self.identity();
        self.owned(&stat)?;
        let mut mode = mode & 0o7777;
        if !who.is_root() && !who.in_group(stat.gid) {
            mode &= !0o2000;
        }
        self.record("chmod", &place)?;
        node.change(&Change { mode: Some(mode), ..Change::default() })
    }

    /// Changes owner and group; [`identity::KEEP`] leaves one. Errors: [`Errno::Perm`]: only root gives things away, and
    /// an owner only to a group of their own.
    pub fn change_owner(&self, subject: Subject<'_>, uid: u32, gid: u32) -> Result<()> {
        let (place, node) = self.to_change(subject)?;
        let stat = node.stat()?;
        let who = self.identity();
        let (uid, gid) = (Some(uid), Some(gid));
        let (uid, gid) = (uid.filter(|id| *id != identity::KEEP), gid.filter(|id| *id != identity::KEEP));
        if !who.is_root() {
            let same = uid.is_none_or(|uid| uid == stat.uid);
            let own_group = gid.is_none_or(|gid| gid == stat.gid || who.in_group(gid));
            if !(same && own_group && (who.euid() == stat.uid || (uid.is_none() && gid.is_none()))) {
                return Err(Errno::Perm.into());
            }
        }
        // Set-id bits do not survive a change of owner.
        let mode = (stat.kind == Kind::File && stat.mode & 0o6000 != 0).then_some(stat.mode & 0o1777);
        self.record("chown", &place)?;
        node.change(&Change { mode, uid, gid, ..Change::default() })
    }

    /// Changes times. Errors: [`Errno::Perm`] for anyone but the owner, or [`Errno::Acces`] for the present time without
    /// permission to write.
    pub fn change_times(&self, subject: Subject<'_>, accessed: Time, modified: Time) -> Result<()> {
        let (place, node) = self.to_change(subject)?;
        let stat = node.stat()?;
        let exact = [accessed, modified].iter().any(|time| matches!(time, Time::At(_)));
        if exact {
            self.owned(&stat)?;
        } else if self.owned(&stat).is_err() {
            self.identity().need(&stat, 2)?;
        }
        self.record("utimes", &place)?;
        node.change(&Change { accessed, modified, ..Change::default() })
    }

    /// Whether a path may be used: 4 read, 2 write, 1 execute, 0 whether it is there. By the real user unless
    /// `effective`. Errors: [`Errno::Acces`]; [`Errno::Rofs`].
    pub fn access(&self, base: Base, path: &[u8], want: u16, effective: bool) -> Result<()> {
        if want > 7 {
            return Err(Errno::Inval.into());
        }
        let place = self.existing(base, path, true)?;
        let who = if effective { self.identity() } else { self.identity().real() };
        who.need(&place.node.stat()?, want)?;
        if want != 2 {
            self.may_look(&place)?;
        }
        if want & 2 != 0 {
            self.may_write(&place)?;
        }
        Ok(())
    }

    /// Room of the file system something is on.
    pub fn space(&self, subject: Subject<'_>) -> Result<Space> {
        match subject {
            Subject::Path(base, path, follow) => {
                let place = self.existing(base, path, follow)?;
                self.may_look(&place)?;
                place.node.space()
            }
            Subject::Fd(fd) => self.description(fd)?.node().ok_or(Errno::Nosys)?.space(),
        }
    }

    /// Lists an open directory from `from` on: 0 is the start. `.` and `..` come first. An entry `sink` did not want is
    /// listed again from the `next` before it.
    pub fn list(&self, fd: u32, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        self.check()?;
        let description = self.description(fd)?;
        let place = description.directory()?;
        if !description.readable {
            return Err(Errno::Badf.into());
        }
        let kind = Kind::Directory;
        let here = Entry { next: 1, inode: place.node.id().inode, kind, name: b"." };
        if from == 0 && !sink(here) {
            return Ok(());
        }
        let up = Entry { next: 2, inode: place.parent().node.id().inode, kind, name: b".." };
        if from <= 1 && !sink(up) {
            return Ok(());
        }
        let mut stopped = Ok(());
        place.node.list(if from <= 2 { 0 } else { from }, &mut |entry| {
            stopped = self.check();
            stopped.is_ok() && sink(entry)
        })?;
        stopped
    }

    /// The value of an extended attribute.
    pub fn attribute(&self, subject: Subject<'_>, name: &[u8]) -> Result<Vec<u8>> {
        attribute_name(name)?;
        let (place, node) = self.to_look(subject)?;
        self.identity().need(&node.stat()?, 4)?;
        self.record("stat", &place)?;
        node.attribute(name)
    }

    /// The names of all extended attributes.
    pub fn attribute_names(&self, subject: Subject<'_>) -> Result<Vec<Vec<u8>>> {
        let (place, node) = self.to_look(subject)?;
        self.record("stat", &place)?;
        node.attributes()
    }

    /// Sets an extended attribute. Errors: [`Errno::TooBig`] for more than [`ATTRIBUTE_BYTES_MAX`].
    pub fn set_attribute(
        &self,
        subject: Subject<'_>,
        name: &[u8],
        value: &[u8],
        create: bool,
        replace: bool,
    ) -> Result<()> {
        attribute_name(name)?;
        if value.len() > ATTRIBUTE_BYTES_MAX {
            return Err(Errno::TooBig.into());
        }
        let (place, node) = self.to_change(subject)?;
        self.identity().need(&node.stat()?, 2)?;
        self.record("setxattr", &place)?;
        node.set_attribute(name, value, create, replace)
    }

    /// Takes an extended attribute away.
    pub fn remove_attribute(&self, subject: Subject<'_>, name: &[u8]) -> Result<()> {
        attribute_name(name)?;
        let (place, node) = self.to_change(subject)?;
        self.identity().need(&node.stat()?, 2)?;
        self.record("removexattr", &place)?;
        node.remove_attribute(name)
    }

    /// The stored run of bytes of an open file with this number. Errors: [`Errno::NoData`] past the last one.
    pub fn extent(&self, fd: u32, index: u32) -> Result<Extent> {
        self.description(fd)?.file()?.extent(index)?.ok_or(Errno::NoData.into())
    }

    /// Changes the bytes of an open file in one of the ways of `fallocate`.
    pub fn allocate(&self, fd: u32, work: impl FnOnce(&dyn crate::fs::File) -> Result<()>) -> Result<()> {
        self.check()?;
        let description = self.description(fd)?;
        let file = description.file().map_err(|error| match error.errno() {
            Errno::Spipe => Errno::Spipe,
            _ => Errno::Badf,
        })?;
        if !description.writable {
            return Err(Errno::Badf.into());
        }
        work(&**file)
    }

    fn owned(&self, stat: &Stat) -> Result<()> {
        let who = self.identity();
        if who.is_root() || who.euid() == stat.uid { Ok(()) } else { Err(Errno::Perm.into()) }
    }

    fn to_look(&self, subject: Subject<'_>) -> Result<(Arc<Place>, NodeRef)> {
        match subject {
            Subject::Path(base, path, follow) => {
                let place = self.existing(base, path, follow)?;
                self.may_look(&place)?;
                let node = Arc::clone(&place.node);
                Ok((place, node))
            }
            Subject::Fd(fd) => {
                self.check()?;
                let description = self.description(fd)?;
                let place = description.place.clone().ok_or(Errno::Inval)?;
                let node = description.node().map_or_else(|| Arc::clone(&place.node), Arc::clone);
                Ok((place, node))
            }
        }
    }

    fn to_change(&self, subject: Subject<'_>) -> Result<(Arc<Place>, NodeRef)> {
        let (place, node) = self.to_look(subject)?;
        self.may_write(&place)?;
        Ok((place, node))
    }
}

fn attribute_name(name: &[u8]) -> Result<()> {
    if name.is_empty() || name.len() > ATTRIBUTE_NAME_BYTES_MAX || name.contains(&0) {
        return Err(Errno::Inval.into());
    }
    Ok(())
}

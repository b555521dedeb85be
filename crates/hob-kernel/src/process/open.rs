//! Opening.

use std::sync::Arc;

use hob_os::{Errno, Result};

use crate::fd::{Description, Descriptor, Flags, Object, Room};
use crate::fs::walk::{Last, Place};
use crate::fs::{Attributes, Kind, New, NodeRef, dev, procfs};
use crate::process::Process;
use crate::wait::{WaitQueue, lock};

/// Where a relative path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// At the working directory.
    Here,
    /// At the root, for contracts that hand it over as a directory.
    Root,
    /// At an open directory.
    Fd(u32),
}

/// How to open; everything off opens nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// To read.
    pub read: bool,
    /// To write.
    pub write: bool,
    /// What is not there is made, as a regular file.
    pub create: bool,
    /// It must not be there.
    pub exclusive: bool,
    /// A file is emptied.
    pub truncate: bool,
    /// It must be a directory.
    pub directory: bool,
    /// A link at the end is not followed.
    pub no_follow: bool,
    /// A file without a name, in the directory that the path names.
    pub unnamed: bool,
    /// Closed when another program takes over.
    pub close_on_exec: bool,
    /// The flags of the description.
    pub flags: Flags,
    /// Permission bits of what is made, before the umask.
    pub mode: u16,
}

impl Process {
    /// Where a path begins. An absolute one needs no base.
    pub(crate) fn base(&self, base: Base, path: &[u8]) -> Result<Arc<Place>> {
        match base {
            _ if path.starts_with(b"/") => Ok(Arc::clone(&self.kernel.tree.root)),
            Base::Here => Ok(self.cwd()),
            Base::Root => Ok(Arc::clone(&self.kernel.tree.root)),
            Base::Fd(fd) => Ok(Arc::clone(self.description(fd)?.directory()?)),
        }
    }

    /// Opens a path as the lowest free descriptor from `from` on. Errors: those of walking and permission;
    /// [`Errno::IsDir`], [`Errno::NotDir`], [`Errno::Exist`], [`Errno::Rofs`], [`Errno::Nxio`]; limits.
    pub fn open(&self, base: Base, path: &[u8], how: How, from: u32) -> Result<u32> {
        self.check()?;
        let base = self.base(base, path)?;
        let description = self.open_from(&base, path, how)?;
        self.install(from, Descriptor { close_on_exec: how.close_on_exec, ..Descriptor::new(description) })
    }

    /// All bytes of a file. Errors: those of opening and reading; [`Errno::Fbig`] for more than `max` bytes.
    pub fn read_file(&self, base: Base, path: &[u8], max: u64) -> Result<Vec<u8>> {
        self.check()?;
        let base = self.base(base, path)?;
        let description = self.open_from(&base, path, How { read: true, ..How::default() })?;
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 16 << 10];
        loop {
            let done = self.read_from(&description, &mut chunk)?;
            if done == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(chunk.get(..done).unwrap_or_default());
            if u64::try_from(bytes.len()).is_ok_and(|len| len > max) {
                return Err(Errno::Fbig.into());
            }
        }
    }

    /// Opens a path that begins at a place.
    pub(crate) fn open_from(&self, base: &Arc<Place>, path: &[u8], how: How) -> Result<Arc<Description>> {
        let room = Room::take(self.kernel.ledger())?;
        if how.unnamed {
            return self.open_unnamed(base, path, how, room);
        }
        let last = if how.no_follow || (how.create && how.exclusive) { Last::Keep } else { Last::Follow };
        let found = self.walk(|walker| walker.find(base, path, last))?;
        if let Some(place) = found.place {
            if how.create && how.exclusive {
                return Err(Errno::Exist.into());
            }
            let is_directory = place.node.kind() == Kind::Directory;
            if (how.directory || found.slash) && !is_directory {
                return Err(Errno::NotDir.into());
            }
            if is_directory && (how.write || how.truncate || (how.create && !how.directory)) {
                return Err(Errno::IsDir.into());
            }
            return self.open_place(&place, how, room);
        }
        if !how.create {
            return Err(Errno::Noent.into());
        }
        if found.slash || how.directory {
            return Err(Errno::IsDir.into());
        }
        self.may_change(&found.dir, &found.name)?;
        let attributes = self.attributes(how.mode, &found.dir)?;
        self.record_name("create", &found.dir, &found.name)?;
        match found.dir.node.make(&found.name, New::File, attributes) {
            Ok(node) => {
                let place = found.dir.child(&found.name, node);
                // Who made a file may use it as asked, whatever its mode.
                self.opened(&place, how, room)
            }
            // Somebody else was faster.
            Err(error) if error.errno() == Errno::Exist && !how.exclusive => {
                let place = self.walk(|walker| walker.find(base, path, last)?.existing())?;
                self.open_place(&place, how, room)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens what is there, with permission.
    fn open_place(&self, place: &Arc<Place>, how: How, room: Room) -> Result<Arc<Description>> {
        if let Some(description) = procfs::descriptor(&place.node, self)? {
            return self.open_again(&description, how, room);
        }
        if place.node.kind() == Kind::Link {
            return Err(Errno::Loop.into());
        }
        let want = u16::from(how.read) * 4 + u16::from(how.write || how.truncate) * 2;
        self.walk(|walker| walker.who.need(&place.node.stat()?, want))?;
        if how.read || want == 0 {
            self.may_look(place)?;
        }
        let is_file = place.node.kind() == Kind::File;
        if (how.write || how.truncate) && is_file {
            self.may_write(place)?;
        }
        self.record("open", place)?;
        if how.truncate && is_file {
            Arc::clone(&place.node).open(true)?.resize(0)?;
        }
        self.opened(place, how, room)
    }

    fn opened(&self, place: &Arc<Place>, how: How, room: Room) -> Result<Arc<Description>> {
        let node = &place.node;
        let object = match node.kind() {
            Kind::Directory => Object::Directory(Arc::clone(place)),
            Kind::File => Object::File(Arc::clone(node), Arc::clone(node).open(how.write)?),
            Kind::Fifo => return self.open_fifo(node, place, how, room),
            Kind::Character => self.open_device(node.stat()?.device)?,
            Kind::Block | Kind::Socket => return Err(Errno::Nxio.into()),
            Kind::Link => return Err(Errno::Loop.into()),
        };
        let access = (how.read, how.write);
        Ok(Description::new(room, object, Some(Arc::clone(place)), access, how.flags))
    }

    /// Opens what another descriptor stands for: a file anew, anything else the same.
    fn open_again(&self, other: &Arc<Description>, how: How, room: Room) -> Result<Arc<Description>> {
        if let (Object::File(..) | Object::Directory(_), Some(place)) = (&other.object, &other.place) {
            return self.open_place(place, how, room);
        }
        if (how.read && !other.readable) || (how.write && !other.writable) {
            return Err(Errno::Acces.into());
        }
        let object = match &other.object {
            Object::Stream(stream) => Object::Stream(Arc::clone(stream)),
            Object::Terminal(slave) => Object::Terminal(Arc::clone(slave)),
            Object::Master(master) => Object::Master(Arc::clone(master)),
            Object::Device(device) => Object::Device(*device),
            Object::Socket(_) => return Err(Errno::Nxio.into()),
            Object::File(node, file) => Object::File(Arc::clone(node), Arc::clone(file)),
            Object::Directory(place) => Object::Directory(Arc::clone(place)),
        };
        Ok(Description::new(room, object, other.place.clone(), (how.read, how.write), how.flags))
    }

    fn open_unnamed(&self, base: &Arc<Place>, path: &[u8], how: How, room: Room) -> Result<Arc<Description>> {
        let dir = self.directory_at(base, path)?;
        self.may_change(&dir, b"")?;
        if !how.write {
            return Err(Errno::Inval.into());
        }
        let attributes = self.attributes(how.mode, &dir)?;
        self.record("create", &dir)?;
        let node = dir.node.make_unnamed(attributes)?;
        self.opened(&dir.child(b"(unnamed)", node), how, room)
    }

    /// Opens a named pipe: waits until somebody has the other end open, or had it open in between.
    fn open_fifo(
        &self,
        node: &NodeRef,
        place: &Arc<Place>,
        how: How,
        room: Room,
    ) -> Result<Arc<Description>> {
        let pipe = self.kernel.fifo(node.id());
        let (reads, writes) = pipe.opened();
        let object = match (how.read, how.write) {
            (true, true) => {
                // Whoever has both ends waits for nobody.
                let (reader, writer) = (pipe.reader(), pipe.writer());
                Object::Stream(Arc::new(crate::pipe::Both::new(reader, writer)))
            }
            (_, false) => Object::Stream(pipe.reader()),
            (false, true) => {
                if how.flags.nonblock && pipe.ends().0 == 0 {
                    return Err(Errno::Nxio.into());
                }
                Object::Stream(pipe.writer())
            }
        };
        let description =
            Description::new(room, object, Some(Arc::clone(place)), (how.read, how.write), how.flags);
        if !how.flags.nonblock && how.read != how.write {
            let queues: [&WaitQueue; 1] = [pipe.queue()];
            self.block(&queues, &[], None, || {
                let ((readers, writers), opened) = (pipe.ends(), pipe.opened());
                let there =
                    if how.read { writers > 0 || opened.1 > writes } else { readers > 0 || opened.0 > reads };
                if there { Ok(()) } else { Err(Errno::Again.into()) }
            })?;
        }
        Ok(description)
    }

    fn open_device(&self, device: u64) -> Result<Object> {
        match device {
            dev::NULL | dev::ZERO | dev::FULL | dev::RANDOM | dev::URANDOM => Ok(Object::Device(device)),
            dev::TTY => {
                let terminal = self.controlling_terminal().ok_or(Errno::Nxio)?;
                Ok(Object::Terminal(terminal))
            }
            dev::PTMX => {
                self.may_talk()?;
                Ok(Object::Master(self.kernel.terminals().open()?))
            }
            device if dev::major(device) == dev::PTS_MAJOR => {
                let terminal = self.kernel.terminals().get(dev::minor(device)).ok_or(Errno::Nxio)?;
                Ok(Object::Terminal(terminal.open_slave()?))
            }
            _ => Err(Errno::Nxio.into()),
        }
    }

    /// Permission bits and owner of what this process makes in a directory.
    pub(crate) fn attributes(&self, mode: u16, dir: &Place) -> Result<Attributes> {
        let parent = dir.node.stat()?;
        let state = lock(&self.me.state);
        let gid = if parent.mode & 0o2000 != 0 { parent.gid } else { state.who.egid() };
        Ok(Attributes { mode: mode & 0o7777 & !state.umask, uid: state.who.euid(), gid })
    }

    /// Refuses what the permit does not let this process look at.
    pub(crate) fn may_look(&self, place: &Place) -> Result<()> {
        let permit = Arc::clone(&lock(&self.me.state).permit);
        covered(&permit.read, || place.path())
    }

    /// Refuses to change a file: the permit, a read-only mount.
    pub(crate) fn may_write(&self, place: &Place) -> Result<()> {
        if self.kernel.tree.read_only(place) {
            return Err(Errno::Rofs.into());
        }
        let permit = Arc::clone(&lock(&self.me.state).permit);
        covered(&permit.write, || place.path())
    }

    /// Refuses to change a name in a directory: permission, the permit, a read-only mount.
    pub(crate) fn may_change(&self, dir: &Arc<Place>, name: &[u8]) -> Result<()> {
        if self.kernel.tree.read_only(dir) {
            return Err(Errno::Rofs.into());
        }
        self.walk(|walker| walker.who.need(&dir.node.stat()?, 3))?;
        let permit = Arc::clone(&lock(&self.me.state).permit);
        covered(&permit.write, || dir.path_of(name))
    }

    /// Records the use of what was granted from outside, before it takes effect.
    pub(crate) fn record(&self, what: &'static str, place: &Place) -> Result<()> {
        self.record_name(what, place, b"")
    }

    /// As [`Process::record`], of a name in a directory.
    pub(crate) fn record_name(&self, what: &'static str, dir: &Place, name: &[u8]) -> Result<()> {
        let Some(grant) = dir.node.grant() else { return Ok(()) };
        let path = dir.path_of(name);
        self.kernel.audit.watch(what, &path.as_slice(), |note| {
            note.grant(Some(&grant));
            note.allowed()
        })
    }
}

fn covered(files: &hob_cap::Files, path: impl FnOnce() -> Vec<u8>) -> Result<()> {
    if *files == hob_cap::Files::All || files.covers(&String::from_utf8_lossy(&path())) {
        Ok(())
    } else {
        Err(Errno::Acces.into())
    }
}

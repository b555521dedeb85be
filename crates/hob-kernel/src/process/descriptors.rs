//! Descriptors: closing, duplicating, pipes, flags.

use std::sync::Arc;

use hob_os::{Errno, Result};

use crate::fd::lock::Range;
use crate::fd::{Description, Descriptor, Flags, Object, Room};
use crate::fs::dev;
use crate::fs::walk::Place;
use crate::pipe::Pipe;
use crate::process::Process;
use crate::wait::{WaitQueue, lock};

impl Process {
    /// What a descriptor stands for. Errors: [`Errno::Badf`].
    pub fn description(&self, fd: u32) -> Result<Arc<Description>> {
        Ok(Arc::clone(&lock(&self.me.descriptors).get(fd)?.description))
    }

    /// A copy of a descriptor. Errors: [`Errno::Badf`].
    pub fn descriptor(&self, fd: u32) -> Result<Descriptor> {
        lock(&self.me.descriptors).get(fd).cloned()
    }

    /// Changes a descriptor. Errors: [`Errno::Badf`].
    pub fn change_descriptor(&self, fd: u32, change: impl FnOnce(&mut Descriptor)) -> Result<()> {
        change(lock(&self.me.descriptors).get_mut(fd)?);
        Ok(())
    }

    /// Puts an open description at the lowest free number from `from` on. Errors: [`Errno::Mfile`].
    pub fn install(&self, from: u32, descriptor: Descriptor) -> Result<u32> {
        let max = lock(&self.me.state).limits.descriptors();
        lock(&self.me.descriptors).insert(from, max, descriptor)
    }

    /// Closes a descriptor, and with it the locks of the process on that file. Errors: [`Errno::Badf`].
    pub fn close(&self, fd: u32) -> Result<()> {
        self.check()?;
        let gone = lock(&self.me.descriptors).close(fd)?;
        if let Some(node) = gone.as_ref().and_then(|one| one.description.node()) {
            self.kernel.locks.release_range(node.id(), self.me.pid, 0, u64::MAX);
        }
        drop(gone);
        Ok(())
    }

    /// Closes every descriptor from `low` on.
    pub fn close_from(&self, low: u32) -> Result<()> {
        self.check()?;
        drop(lock(&self.me.descriptors).retain(|fd, _| fd < low));
        Ok(())
    }

    /// Gives a descriptor one more number: the lowest free one from `from` on.
    pub fn duplicate(&self, fd: u32, from: u32) -> Result<u32> {
        self.check()?;
        let copy = Descriptor { close_on_exec: false, preopen: None, ..self.descriptor(fd)? };
        if from >= lock(&self.me.state).limits.descriptors() {
            return Err(Errno::Inval.into());
        }
        self.install(from, copy)
    }

    /// Makes `to` stand for what `fd` does; equal numbers change nothing. Errors: [`Errno::Badf`].
    pub fn duplicate_to(&self, fd: u32, to: u32) -> Result<()> {
        self.check()?;
        let copy = Descriptor { close_on_exec: false, preopen: None, ..self.descriptor(fd)? };
        if to >= lock(&self.me.state).limits.descriptors() {
            return Err(Errno::Badf.into());
        }
        if fd != to {
            drop(lock(&self.me.descriptors).replace(to, copy));
        }
        Ok(())
    }

    /// Moves `fd` over `to`, which must be open, as WASI has it.
    pub fn renumber(&self, fd: u32, to: u32) -> Result<()> {
        self.check()?;
        let mut descriptors = lock(&self.me.descriptors);
        descriptors.get(fd)?;
        descriptors.get(to)?;
        let gone = if fd == to {
            None
        } else {
            let moved = descriptors.close(fd)?;
            moved.and_then(|moved| descriptors.replace(to, moved))
        };
        drop(descriptors);
        drop(gone);
        Ok(())
    }

    /// A pipe: the end to read from, and the end to write to. Errors: limits; the permit allows no children and so
    /// nobody to talk to.
    pub fn pipe(&self) -> Result<(u32, u32)> {
        self.check()?;
        self.may_talk()?;
        let pipe = Arc::new(Pipe::default());
        let ledger = self.kernel.ledger();
        let (reader, writer) = (Room::take(ledger)?, Room::take(ledger)?);
        let reader =
            Description::new(reader, Object::Stream(pipe.reader()), None, (true, false), Flags::default());
        let writer =
            Description::new(writer, Object::Stream(pipe.writer()), None, (false, true), Flags::default());
        let read = self.install(0, Descriptor::new(reader))?;
        match self.install(0, Descriptor::new(writer)) {
            Ok(write) => Ok((read, write)),
            Err(error) => {
                drop(lock(&self.me.descriptors).close(read));
                Err(error)
            }
        }
    }

    /// Hands a directory over under a path, at the lowest free number from 3 on, for contracts that know such.
    pub fn hand_over(&self, path: &[u8], place: &Arc<Place>) -> Result<u32> {
        let room = Room::take(self.kernel.ledger())?;
        let object = Object::Directory(Arc::clone(place));
        let description =
            Description::new(room, object, Some(Arc::clone(place)), (true, false), Flags::default());
        let descriptor =
            Descriptor { close_on_exec: true, preopen: Some(path.into()), ..Descriptor::new(description) };
        self.install(3, descriptor)
    }

    /// Refuses what is of use only between processes.
    pub(crate) fn may_talk(&self) -> Result<()> {
        if lock(&self.me.state).permit.children.is_none() { Err(Errno::Acces.into()) } else { Ok(()) }
    }

    /// A description of nothing.
    pub(crate) fn open_null(&self) -> Result<Arc<Description>> {
        let room = Room::take(self.kernel.ledger())?;
        let place = self.walk(|walker| {
            walker.find(&self.kernel.tree.root, b"/dev/null", crate::fs::walk::Last::Follow)?.existing()
        });
        Ok(Description::new(room, Object::Device(dev::NULL), place.ok(), (true, true), Flags::default()))
    }

    /// Changes `append`, `nonblock`, `direct` and `sync`, for everyone who shares the description.
    pub fn set_flags(&self, fd: u32, flags: Flags) -> Result<()> {
        self.check()?;
        self.description(fd)?.set_flags(flags);
        Ok(())
    }

    /// Takes or gives back the whole file. `None` gives back. Errors: [`Errno::Again`] if `at_once` and others hold it.
    pub fn lock_file(&self, fd: u32, exclusive: Option<bool>, at_once: bool) -> Result<()> {
        self.check()?;
        let description = self.description(fd)?;
        let file = description.node().ok_or(Errno::Inval)?.id();
        let locks = &self.kernel.locks;
        let Some(exclusive) = exclusive else {
            locks.release_whole(file, description.id);
            return Ok(());
        };
        description.locks(locks, file);
        let take = || locks.try_whole(file, description.id, exclusive);
        if at_once {
            return take();
        }
        let queues: [&WaitQueue; 1] = [&locks.queue];
        self.block(&queues, &[], None, take)
    }

    /// The lock of another process in the way of a range. Errors: [`Errno::Badf`].
    pub fn range_in_the_way(&self, fd: u32, want: Range) -> Result<Option<(u32, Range)>> {
        let file = self.description(fd)?.node().ok_or(Errno::Inval)?.id();
        Ok(self.kernel.locks.conflict(file, self.me.pid, want))
    }

    /// Takes a range. Errors: [`Errno::Again`] if not `waits` and others hold it; [`Errno::Deadlk`]; [`Errno::Badf`]
    /// for a descriptor that cannot read, or write where it is to be alone.
    pub fn lock_range(&self, fd: u32, want: Range, waits: bool) -> Result<()> {
        self.check()?;
        let description = self.description(fd)?;
        if if want.exclusive { !description.writable } else { !description.readable } {
            return Err(Errno::Badf.into());
        }
        let file = description.node().ok_or(Errno::Inval)?.id();
        let locks = &self.kernel.locks;
        let take = || locks.try_range(file, self.me.pid, want, waits);
        if !waits {
            return take();
        }
        let queues: [&WaitQueue; 1] = [&locks.queue];
        let taken = self.block(&queues, &[], None, take);
        locks.stop_waiting(self.me.pid);
        taken
    }

    /// Gives a range back.
    pub fn unlock_range(&self, fd: u32, start: u64, end: u64) -> Result<()> {
        let file = self.description(fd)?.node().ok_or(Errno::Inval)?.id();
        self.kernel.locks.release_range(file, self.me.pid, start, end);
        Ok(())
    }
}

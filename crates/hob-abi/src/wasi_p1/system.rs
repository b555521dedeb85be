//! What preview 1 asks of a machine, whatever that is: the [`World`] of one guest, or a process of a kernel.
//!
//! The methods are those of [`World`], where their meaning is written down; `fd` is always the guest's own number.

use hob_cap::LimitExceeded;
use hob_engine::{Ctx, Fault};
use hob_os::{
    Advice, ClockId, DirEntry, Event, FdFlags, FdStat, FileStat, OpenHow, RecvFlags, Result, Rights, SetTime,
    Subscription, Whence, World,
};

/// A machine that preview 1 can be spoken to.
#[expect(missing_docs, reason = "each is the method of `World` with the same name")]
pub trait System: 'static {
    /// The flags of descriptors it knows; those of preview 1 unless it says otherwise.
    const FLAGS: u32 = 0x1f;

    fn args(&self) -> Vec<Vec<u8>>;
    fn environ(&self) -> Vec<Vec<u8>>;
    fn clock_resolution(&self, clock: ClockId) -> Result<u64>;
    fn clock_now(&mut self, clock: ClockId) -> Result<u64>;
    fn random_fill(&mut self, buf: &mut [u8]) -> Result<()>;
    fn sched_yield(&mut self) -> Result<()>;
    fn close(&mut self, fd: u32) -> Result<()>;
    fn renumber(&mut self, from: u32, to: u32) -> Result<()>;
    fn fdstat(&self, fd: u32) -> Result<FdStat>;
    fn set_flags(&mut self, fd: u32, flags: FdFlags) -> Result<()>;
    fn set_rights(&mut self, fd: u32, rights: Rights, inheriting: Rights) -> Result<()>;
    fn prestat(&self, fd: u32) -> Result<Vec<u8>>;
    fn read(&mut self, fd: u32, buf: &mut [u8]) -> Result<usize>;
    fn write(&mut self, fd: u32, buf: &[u8]) -> Result<usize>;
    fn pread(&mut self, fd: u32, buf: &mut [u8], offset: u64) -> Result<usize>;
    fn pwrite(&mut self, fd: u32, buf: &[u8], offset: u64) -> Result<usize>;
    fn seek(&mut self, fd: u32, offset: i64, whence: Whence) -> Result<u64>;
    fn tell(&mut self, fd: u32) -> Result<u64>;
    fn sync(&mut self, fd: u32) -> Result<()>;
    fn datasync(&mut self, fd: u32) -> Result<()>;
    fn advise(&mut self, fd: u32, offset: u64, len: u64, advice: Advice) -> Result<()>;
    fn allocate(&mut self, fd: u32, offset: u64, len: u64) -> Result<()>;
    fn set_size(&mut self, fd: u32, size: u64) -> Result<()>;
    fn filestat(&self, fd: u32) -> Result<FileStat>;
    fn filestat_at(&self, fd: u32, follow: bool, path: &[u8]) -> Result<FileStat>;
    fn set_times(&mut self, fd: u32, accessed: SetTime, modified: SetTime) -> Result<()>;
    fn set_times_at(
        &mut self,
        fd: u32,
        follow: bool,
        path: &[u8],
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()>;
    fn create_directory_at(&mut self, fd: u32, path: &[u8]) -> Result<()>;
    fn remove_directory_at(&mut self, fd: u32, path: &[u8]) -> Result<()>;
    fn unlink_at(&mut self, fd: u32, path: &[u8]) -> Result<()>;
    fn rename_at(&mut self, old_fd: u32, old: &[u8], new_fd: u32, new: &[u8]) -> Result<()>;
    fn link_at(&mut self, old_fd: u32, follow: bool, old: &[u8], new_fd: u32, new: &[u8]) -> Result<()>;
    fn symlink_at(&mut self, target: &[u8], fd: u32, path: &[u8]) -> Result<()>;
    fn readlink_at(&mut self, fd: u32, path: &[u8], buf: &mut [u8]) -> Result<usize>;
    fn open_at(&mut self, fd: u32, path: &[u8], how: OpenHow) -> Result<u32>;
    fn readdir(&mut self, fd: u32, cookie: u64, sink: &mut dyn FnMut(DirEntry<'_>) -> bool) -> Result<()>;
    fn poll(&mut self, subscriptions: &[Subscription], events: &mut Vec<Event>) -> Result<()>;
    fn accept(&mut self, fd: u32, flags: FdFlags) -> Result<u32>;
    fn recv(&mut self, fd: u32, buf: &mut [u8], flags: RecvFlags) -> Result<usize>;
    fn send(&mut self, fd: u32, buf: &[u8]) -> Result<usize>;
    fn shutdown(&mut self, fd: u32, read: bool, write: bool) -> Result<()>;

    /// A call failed because of a limit, of which the guest learns no more than a number.
    fn limited(&mut self, limit: &LimitExceeded) {
        let _ = limit;
    }
}

/// What became of signals that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// None came that has a handler.
    None,
    /// Handlers ran, and all of them want an interrupted call to begin again.
    Restart,
    /// Handlers ran.
    Interrupt,
}

/// Data of an instance that has such a machine.
pub trait HasSystem: Sized + 'static {
    /// The kind of machine.
    type System: System;

    /// The machine of this guest.
    fn system(&mut self) -> &mut Self::System;

    /// Runs the handlers of signals that came. Called before and after every call that may wait.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest in one of them.
    #[inline]
    fn safe_point(ctx: &mut Ctx<'_, Self>) -> std::result::Result<Handled, Fault> {
        let _ = ctx;
        Ok(Handled::None)
    }

    /// Makes the fault that ends the guest with this exit code.
    #[inline]
    fn exit(&mut self, code: u32) -> Fault {
        Fault::exit(code)
    }

    /// Sends the guest a signal of its own, in the numbers of preview 1; `None` when it has no signals.
    fn raise(&mut self, signal: u32) -> Option<Result<()>> {
        let _ = signal;
        None
    }
}

impl<T: super::HasWorld> HasSystem for T {
    type System = World;

    #[inline]
    fn system(&mut self) -> &mut World {
        self.world()
    }
}

macro_rules! the_same {
    (by reference: $(fn $name:ident($($arg:ident: $ty:ty),*) -> $result:ty;)*) => { $(
        #[inline]
        fn $name(&self, $($arg: $ty),*) -> $result {
            World::$name(self, $($arg),*)
        }
    )* };
    (by change: $(fn $name:ident($($arg:ident: $ty:ty),*) -> $result:ty;)*) => { $(
        #[inline]
        fn $name(&mut self, $($arg: $ty),*) -> $result {
            World::$name(self, $($arg),*)
        }
    )* };
}

impl System for World {
    fn args(&self) -> Vec<Vec<u8>> {
        Self::args(self).to_vec()
    }

    fn environ(&self) -> Vec<Vec<u8>> {
        Self::environ(self).to_vec()
    }

    fn prestat(&self, fd: u32) -> Result<Vec<u8>> {
        Self::prestat(self, fd).map(|path| path.as_bytes().to_vec())
    }

    the_same! {
        by reference:
        fn clock_resolution(clock: ClockId) -> Result<u64>;
        fn fdstat(fd: u32) -> Result<FdStat>;
        fn filestat(fd: u32) -> Result<FileStat>;
        fn filestat_at(fd: u32, follow: bool, path: &[u8]) -> Result<FileStat>;
    }

    the_same! {
        by change:
        fn clock_now(clock: ClockId) -> Result<u64>;
        fn random_fill(buf: &mut [u8]) -> Result<()>;
        fn sched_yield() -> Result<()>;
        fn close(fd: u32) -> Result<()>;
        fn renumber(from: u32, to: u32) -> Result<()>;
        fn set_flags(fd: u32, flags: FdFlags) -> Result<()>;
        fn set_rights(fd: u32, rights: Rights, inheriting: Rights) -> Result<()>;
        fn read(fd: u32, buf: &mut [u8]) -> Result<usize>;
        fn write(fd: u32, buf: &[u8]) -> Result<usize>;
        fn pread(fd: u32, buf: &mut [u8], offset: u64) -> Result<usize>;
        fn pwrite(fd: u32, buf: &[u8], offset: u64) -> Result<usize>;
        fn seek(fd: u32, offset: i64, whence: Whence) -> Result<u64>;
        fn tell(fd: u32) -> Result<u64>;
        fn sync(fd: u32) -> Result<()>;
        fn datasync(fd: u32) -> Result<()>;
        fn advise(fd: u32, offset: u64, len: u64, advice: Advice) -> Result<()>;
        fn allocate(fd: u32, offset: u64, len: u64) -> Result<()>;
        fn set_size(fd: u32, size: u64) -> Result<()>;
        fn set_times(fd: u32, accessed: SetTime, modified: SetTime) -> Result<()>;
        fn set_times_at(fd: u32, follow: bool, path: &[u8], accessed: SetTime, modified: SetTime) -> Result<()>;
        fn create_directory_at(fd: u32, path: &[u8]) -> Result<()>;
        fn remove_directory_at(fd: u32, path: &[u8]) -> Result<()>;
        fn unlink_at(fd: u32, path: &[u8]) -> Result<()>;
        fn rename_at(old_fd: u32, old: &[u8], new_fd: u32, new: &[u8]) -> Result<()>;
        fn link_at(old_fd: u32, follow: bool, old: &[u8], new_fd: u32, new: &[u8]) -> Result<()>;
        fn symlink_at(target: &[u8], fd: u32, path: &[u8]) -> Result<()>;
        fn readlink_at(fd: u32, path: &[u8], buf: &mut [u8]) -> Result<usize>;
        fn open_at(fd: u32, path: &[u8], how: OpenHow) -> Result<u32>;
        fn readdir(fd: u32, cookie: u64, sink: &mut dyn FnMut(DirEntry<'_>) -> bool) -> Result<()>;
        fn poll(subscriptions: &[Subscription], events: &mut Vec<Event>) -> Result<()>;
        fn accept(fd: u32, flags: FdFlags) -> Result<u32>;
        fn recv(fd: u32, buf: &mut [u8], flags: RecvFlags) -> Result<usize>;
        fn send(fd: u32, buf: &[u8]) -> Result<usize>;
        fn shutdown(fd: u32, read: bool, write: bool) -> Result<()>;
    }
}

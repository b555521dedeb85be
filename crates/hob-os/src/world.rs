//! Everything one guest sees of the machine.
//!
//! A [`World`] holds a guest's arguments, environment, clocks, entropy and descriptor table, and has
//! one method for each thing a guest can ask of a machine. It knows no contract and no engine: an
//! adapter copies bytes out of the guest's memory, calls one method, and copies the answer back.
//!
//! The methods, by subject:
//!
//! ```text
//! process     args environ clock_resolution clock_now random_fill sched_yield
//! descriptor  close renumber fdstat set_flags set_rights prestat
//! bytes       read write pread pwrite seek tell sync datasync advise allocate set_size
//! metadata    filestat set_times readdir
//! paths       open_at filestat_at set_times_at create_directory_at remove_directory_at unlink_at
//!             rename_at link_at symlink_at readlink_at
//! waiting     poll
//! sockets     accept recv send shutdown
//! network     http egress
//! host side   builder ledger stop
//! ```
//!
//! Promises: a call transfers at most [`TRANSFER_BYTES_MAX`] bytes and returns what it did, so no
//! buffer a guest names keeps the host busy; every wait ends with the guest's stop token; every use of
//! authority is recorded *before* it takes effect, and a record that cannot be written fails the call.
//! Failures are [`OsError`](crate::OsError): an errno for the guest, a stop, or a limit.

use std::sync::Arc;

use hob_cap::{Ledger, StopToken};

use crate::audit::Audit;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::entropy::Entropy;
use crate::region::Regions;
use crate::table::Table;
use crate::wait::Waiter;
use crate::{ClockId, Errno, FdFlags, FdStat, Result, Rights, WorldBuilder};

/// The most bytes one read or write transfers, 1 MiB; a longer one is short, as POSIX allows.
pub const TRANSFER_BYTES_MAX: usize = 1 << 20;

/// What one guest sees of the machine. One thread uses it at a time; it may move between threads.
#[derive(Debug)]
pub struct World {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) environ: Vec<Vec<u8>>,
    pub(crate) table: Table,
    pub(crate) regions: Regions,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) waiter: Arc<Waiter>,
    pub(crate) audit: Audit,
    pub(crate) egress: Egress,
}

impl World {
    /// A world that contains nothing until the builder is told otherwise.
    pub fn builder() -> WorldBuilder {
        WorldBuilder::new()
    }

    /// The arguments, the program's name first; none contains NUL.
    #[must_use]
    pub fn args(&self) -> &[Vec<u8>] {
        &self.args
    }

    /// The environment as `KEY=VALUE`, in the order it was granted; none contains NUL.
    #[must_use]
    pub fn environ(&self) -> &[Vec<u8>] {
        &self.environ
    }

    /// What the guest has used of its limits.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The token that ends this guest, and with it every wait of this world.
    #[must_use]
    pub fn stop(&self) -> &StopToken {
        self.waiter.token()
    }

    /// How long this world has been there, for the host's own use; a guest is never told.
    #[must_use]
    pub fn uptime(&self) -> std::time::Duration {
        self.waiter.age()
    }

    /// The resolution of a clock in nanoseconds; at least 1.
    pub fn clock_resolution(&self, clock: ClockId) -> Result<u64> {
        self.waiter.check()?;
        Ok(self.clock.resolution(clock))
    }

    /// Reads a clock, in nanoseconds. Without a clock grant every reading is the same.
    pub fn clock_now(&mut self, clock: ClockId) -> Result<u64> {
        self.waiter.check()?;
        self.audit.first_clock(&self.clock)?;
        Ok(self.clock.read(clock))
    }

    /// Fills all of `buf` with random bytes. Errors: [`Errno::NotCapable`] without a grant.
    pub fn random_fill(&mut self, buf: &mut [u8]) -> Result<()> {
        self.waiter.check()?;
        self.audit.first_random(&self.entropy)?;
        self.entropy.fill(buf, &self.waiter)
    }

    /// Lets other threads run.
    pub fn sched_yield(&mut self) -> Result<()> {
        self.waiter.check()?;
        std::thread::yield_now();
        Ok(())
    }

    /// Closes a descriptor; every kind may be closed.
    pub fn close(&mut self, fd: u32) -> Result<()> {
        self.waiter.check()?;
        self.table.close(fd)
    }

    /// Moves descriptor `from` over the open descriptor `to`, and frees `from`.
    pub fn renumber(&mut self, from: u32, to: u32) -> Result<()> {
        self.waiter.check()?;
        self.table.renumber(from, to)
    }

    /// What a descriptor is and may do.
    pub fn fdstat(&self, fd: u32) -> Result<FdStat> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        Ok(FdStat {
            kind: descriptor.kind(),
            flags: descriptor.flags,
            rights: descriptor.rights,
            inheriting: descriptor.inheriting,
        })
    }

    /// Changes `append` and `nonblock` of a descriptor. Errors: [`Errno::Inval`] for a change of the
    /// three synchronising switches, which are fixed when a file is opened.
    pub fn set_flags(&mut self, fd: u32, flags: FdFlags) -> Result<()> {
        self.waiter.check()?;
        let descriptor = self.table.get_mut(fd)?;
        descriptor.need(Rights::FD_FDSTAT_SET_FLAGS)?;
        descriptor.set_flags(flags)
    }

    /// Gives up rights of a descriptor. Errors: [`Errno::NotCapable`] for a right it does not have.
    pub fn set_rights(&mut self, fd: u32, rights: Rights, inheriting: Rights) -> Result<()> {
        self.waiter.check()?;
        let descriptor = self.table.get_mut(fd)?;
        if !descriptor.rights.contains(rights) || !descriptor.inheriting.contains(inheriting) {
            return Err(Errno::NotCapable.into());
        }
        descriptor.rights = rights;
        descriptor.inheriting = inheriting;
        Ok(())
    }

    /// The guest path of a directory the guest was handed at the start. Errors: [`Errno::Badf`] for
    /// every other descriptor, which is how a guest finds the end of the list.
    pub fn prestat(&self, fd: u32) -> Result<&str> {
        self.waiter.check()?;
        let dir = self.table.get(fd)?.dir().map_err(|_| Errno::Badf)?;
        dir.preopen.as_deref().ok_or(Errno::Badf.into())
    }
}

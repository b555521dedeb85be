//! Terminals as processes use them: which one controls a session, and reading with a time limit.

use std::sync::Arc;
use std::time::Instant;

use hob_os::{Errno, OsError, Result};

use crate::Kernel;
use crate::fd::{Caller, Description, Descriptor, Flags, Object, Room};
use crate::process::{Proc, Process};
use crate::tty::{Control, Slave};
use crate::wait::lock;

impl Kernel {
    /// A session that has lost its leader gives its terminal up.
    pub(crate) fn release_terminal(self: &Arc<Self>, proc: &Proc) {
        if proc.session() != proc.pid {
            return;
        }
        let number = lock(&self.controlling).remove(&proc.pid);
        if let Some(terminal) = number.and_then(|number| self.terminals().get(number)) {
            terminal.leader_ended(proc.pid);
        }
    }
}

impl Process {
    /// The terminal that controls the session, opened once more.
    pub(crate) fn controlling_terminal(&self) -> Option<Arc<Slave>> {
        let number = *lock(&self.kernel.controlling).get(&self.me.session())?;
        self.kernel.terminals().get(number)?.open_slave().ok()
    }

    /// Makes a terminal control the session of this process, which leads it.
    pub(crate) fn take_terminal(&self, number: u32) {
        let Some(terminal) = self.kernel.terminals().get(number) else { return };
        let Ok(slave) = terminal.open_slave() else { return };
        if slave.control(&self.caller()).take().is_ok() {
            lock(&self.kernel.controlling).insert(self.me.session(), number);
        }
    }

    /// Asks the terminal behind a descriptor. Errors: [`Errno::NotTy`]; those of the question.
    pub fn terminal<T>(&self, fd: u32, ask: impl FnOnce(&Control<'_>) -> Result<T>) -> Result<T> {
        self.check()?;
        let description = self.description(fd)?;
        let caller = self.terminal_caller();
        match &description.object {
            Object::Terminal(slave) => ask(&slave.control(&caller)),
            Object::Master(master) => ask(&master.control(&caller)),
            _ => Err(Errno::NotTy.into()),
        }
    }

    /// Whether a descriptor is a terminal. Errors: [`Errno::Badf`].
    pub fn is_terminal(&self, fd: u32) -> Result<bool> {
        let description = self.description(fd)?;
        Ok(match &description.object {
            Object::Terminal(_) | Object::Master(_) => true,
            Object::Stream(stream) => stream.kind() == hob_os::FileType::CharacterDevice,
            _ => false,
        })
    }

    /// A new terminal: the end that plays the person, and the end of programs.
    pub fn open_terminal(&self) -> Result<(u32, u32)> {
        self.check()?;
        self.may_talk()?;
        let (master, slave) = self.kernel.terminals().open_pair()?;
        let both = (true, true);
        let ledger = self.kernel.ledger();
        let master =
            Description::new(Room::take(ledger)?, Object::Master(master), None, both, Flags::default());
        let slave =
            Description::new(Room::take(ledger)?, Object::Terminal(slave), None, both, Flags::default());
        let first = self.install(0, Descriptor::new(master))?;
        match self.install(0, Descriptor::new(slave)) {
            Ok(second) => Ok((first, second)),
            Err(error) => {
                drop(lock(&self.me.descriptors).close(first));
                Err(error)
            }
        }
    }

    /// Reads from a terminal, as long as its settings wait and no longer than `until`.
    pub(crate) fn read_terminal(
        &self,
        description: &Description,
        slave: &Arc<Slave>,
        caller: &Caller,
        buf: &mut [u8],
        until: Option<Instant>,
    ) -> Result<usize> {
        if description.flags().nonblock {
            return slave.read_available(caller, buf);
        }
        loop {
            let limit = slave.read_timeout().and_then(|time| Instant::now().checked_add(time));
            let end = match (limit, until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, other) => one.or(other),
            };
            let before = crate::fd::Stream::ready(&**slave).bytes;
            let tried = self.block(&[crate::fd::Stream::queue(&**slave)], &[], end, || {
                match crate::fd::Stream::try_read(&**slave, caller, buf) {
                    // Another byte restarts the clock between bytes.
                    Err(OsError::Errno(Errno::Again))
                        if limit.is_some() && crate::fd::Stream::ready(&**slave).bytes != before =>
                    {
                        Ok(None)
                    }
                    other => other.map(Some),
                }
            });
            match tried {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                Err(OsError::Errno(Errno::TimedOut)) => {
                    return match slave.read_available(caller, buf) {
                        Err(OsError::Errno(Errno::Again)) if end == until && limit != end => {
                            Err(Errno::Again.into())
                        }
                        Err(OsError::Errno(Errno::Again)) => Ok(0),
                        other => other,
                    };
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads, but waits no longer than `until`. Errors: [`Errno::Again`] when the time has come.
    pub fn read_until_time(&self, fd: u32, buf: &mut [u8], until: Option<Instant>) -> Result<usize> {
        self.check()?;
        let description = self.description(fd)?;
        let Object::Terminal(slave) = &description.object else {
            let Some(stream) = description.stream() else { return self.read_from(&description, buf) };
            let caller = self.caller_of(stream);
            return self.on_stream(&description, stream, false, until, || stream.try_read(&caller, buf));
        };
        let caller = self.terminal_caller();
        self.read_terminal(&description, slave, &caller, buf, until)
    }
}

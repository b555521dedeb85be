//! The two ends of a terminal, as descriptors have them.
//!
//! An end is open until it is dropped: descriptors that are copies of each other share it, and count once. Dropping the
//! master hangs up; what it would have read is gone with it.

use std::sync::Arc;
use std::time::Duration;

use hob_os::{Errno, FileType, Result};

use super::state::State;
use super::{Control, Terminal};
use crate::fd::{Caller, Ready, Stream};
use crate::process::Signal;
use crate::tty::termios::LocalFlags;
use crate::wait::WaitQueue;

/// Bytes the master takes in one write; a longer one is short. Editing costs up to a line for each byte, and a kill is
/// only looked for between writes.
pub const WRITE_BYTES_MAX: usize = 4096;

/// The end of whoever shows a terminal and types at it.
#[derive(Debug)]
pub struct Master {
    terminal: Arc<Terminal>,
}

impl Master {
    pub(super) fn new(terminal: Arc<Terminal>) -> Self {
        Self { terminal }
    }

    /// Its terminal.
    #[must_use]
    pub fn terminal(&self) -> &Arc<Terminal> {
        &self.terminal
    }

    /// What `caller` can ask of it besides bytes.
    #[must_use]
    pub fn control<'a>(&'a self, caller: &'a Caller) -> Control<'a> {
        Control::new(&self.terminal, caller, None)
    }
}

impl Stream for Master {
    fn kind(&self) -> FileType {
        FileType::CharacterDevice
    }

    /// Reads what was written and echoed. Errors: [`Errno::Io`] when all slaves were closed and everything is read,
    /// until one is opened again.
    fn try_read(&self, _caller: &Caller, buf: &mut [u8]) -> Result<usize> {
        self.terminal.update(|state, _| match state.discipline.read_output(buf) {
            0 if buf.is_empty() => Ok(0),
            0 => Err(if state.is_left() { Errno::Io } else { Errno::Again }.into()),
            count => Ok(count),
        })
    }

    /// Types. What is typed while no slave is open is there for the next one.
    fn try_write(&self, _caller: &Caller, buf: &[u8]) -> Result<usize> {
        let buf = buf.get(..WRITE_BYTES_MAX).unwrap_or(buf);
        match self.terminal.update(|state, effects| state.receive(buf, effects)) {
            0 if !buf.is_empty() => Err(Errno::Again.into()),
            count => Ok(count),
        }
    }

    fn ready(&self) -> Ready {
        self.terminal.look(State::master_ready)
    }

    fn queue(&self) -> &WaitQueue {
        &self.terminal.master
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.terminal.update(|state, effects| {
            state.master = false;
            state.hang_up(true, effects);
            state.discipline.output.clear();
            state.closed(effects);
        });
    }
}

/// The end of programs.
#[derive(Debug)]
pub struct Slave {
    terminal: Arc<Terminal>,
    generation: u64,
}

impl Slave {
    pub(super) fn new(terminal: Arc<Terminal>, generation: u64) -> Self {
        Self { terminal, generation }
    }

    /// Its terminal.
    #[must_use]
    pub fn terminal(&self) -> &Arc<Terminal> {
        &self.terminal
    }

    /// What `caller` can ask of it besides bytes.
    #[must_use]
    pub fn control<'a>(&'a self, caller: &'a Caller) -> Control<'a> {
        Control::new(&self.terminal, caller, Some(self.generation))
    }

    /// Reads what is there, though it may be less than the settings ask for: for a descriptor that does not wait, and
    /// for a read that has waited long enough. Errors: [`Errno::Again`] when nothing is there.
    pub fn read_available(&self, caller: &Caller, buf: &mut [u8]) -> Result<usize> {
        self.read(caller, buf, false)
    }

    /// How long a read may wait for the next byte, from now; `None` is for ever.
    ///
    /// While lines are edited nothing limits it. Otherwise `MIN` bytes are waited for: without a limit for the first
    /// byte, and `TIME` for each after it; if `MIN` is 0, `TIME` for the first. So a read that waits tries, asks for the
    /// time, and waits until the end of it or until [`Ready::bytes`] has changed; after the time it takes
    /// [`Slave::read_available`], and 0 bytes for its [`Errno::Again`].
    #[must_use]
    pub fn read_timeout(&self) -> Option<Duration> {
        self.terminal.look(|state| state.discipline.read_timeout())
    }

    fn read(&self, caller: &Caller, buf: &mut [u8], patient: bool) -> Result<usize> {
        self.terminal.update(|state, effects| {
            if buf.is_empty() || !state.is_live(self.generation) {
                return Ok(0);
            }
            state.job.check(caller, Signal::TTIN, effects)?;
            state.discipline.read(buf, patient).ok_or_else(|| Errno::Again.into())
        })
    }
}

impl Stream for Slave {
    fn kind(&self) -> FileType {
        FileType::CharacterDevice
    }

    /// Reads a line or a part of it; while lines are not edited, as many bytes as the settings ask for. 0 is the end of
    /// the input, once, or a terminal that was hung up, for ever.
    ///
    /// Errors: [`Errno::Again`] also when the caller was stopped for reading in the background; [`Errno::Io`] when it
    /// cannot be.
    fn try_read(&self, caller: &Caller, buf: &mut [u8]) -> Result<usize> {
        self.read(caller, buf, true)
    }

    /// Writes. Errors: [`Errno::Io`] when it was hung up; as for reading when it is set to stop the background.
    fn try_write(&self, caller: &Caller, buf: &[u8]) -> Result<usize> {
        self.terminal.update(|state, effects| {
            if !state.is_live(self.generation) {
                return Err(Errno::Io.into());
            }
            if state.discipline.has(LocalFlags::TOSTOP) {
                state.job.check(caller, Signal::TTOU, effects)?;
            }
            match state.discipline.write(buf) {
                0 if !buf.is_empty() => Err(Errno::Again.into()),
                count => Ok(count),
            }
        })
    }

    fn ready(&self) -> Ready {
        self.terminal.look(|state| state.slave_ready(self.generation))
    }

    fn queue(&self) -> &WaitQueue {
        &self.terminal.slave
    }
}

impl Drop for Slave {
    fn drop(&mut self) {
        self.terminal.update(|state, effects| {
            state.slaves = state.slaves.saturating_sub(1);
            state.closed(effects);
        });
    }
}

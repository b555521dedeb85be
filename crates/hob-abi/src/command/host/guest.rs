//! The data of an instance: its process, and what one generation or another needs besides.

use hob_engine::{Ctx, Fault, FaultKind, Value};
use hob_kernel::limits::HANDLERS_MAX;
use hob_kernel::process::{Base, Process, Signal};
use hob_kernel::tty::{Termios, When};
use hob_os::{Errno, OsError};

use super::programs::script;
use crate::command::Generation;
use crate::wasi_p1::{Handled, HasSystem};

/// A program as its functions see it.
#[derive(Debug)]
pub struct Guest {
    pub(super) process: Process,
    pub(super) generation: Generation,
    /// Permission bits of the next file that is made, for who asked for them.
    pub(super) open_mode: Option<u16>,
    /// Whether the next file is opened past caches.
    pub(super) open_direct: bool,
    /// The settings of the terminal before it was made raw.
    pub(super) before_raw: Option<Termios>,
    /// It was told in its arguments which directory it is in, and says the truth about it.
    pub(super) knows_its_place: bool,
    /// Another program takes over: the instance ends, and the process does not.
    pub(super) taken_over: bool,
}

/// The tag of descriptors that stand for directories handed over at the start, where they are out of the way.
const HIDDEN: u32 = 0x4000_0000;

/// The descriptor of the root that is out of the way.
pub(super) const HIDDEN_ROOT: u32 = HIDDEN | 3;

/// What stands for the working directory.
pub(super) const HERE: u32 = u32::MAX;

/// The function of a program that calls its signal handlers.
pub(super) const TRAMPOLINE: &str = "__wasi_signal_trampoline";

impl Guest {
    /// A program of this generation that runs as `process`.
    #[must_use]
    pub fn new(process: Process, generation: Generation) -> Self {
        Self {
            knows_its_place: generation != Generation::P || script(&process.args()).is_some(),
            process,
            generation,
            open_mode: None,
            open_direct: false,
            before_raw: None,
            taken_over: false,
        }
    }

    /// The process it runs as.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The process it ran as.
    #[must_use]
    pub fn into_process(self) -> Process {
        self.process
    }

    /// Whether directories are handed over out of the way.
    pub(super) fn hides_preopens(&self) -> bool {
        matches!(self.generation, Generation::V1 | Generation::Native(_))
    }

    /// Where a path begins.
    pub(super) fn base(&self, fd: u32) -> Base {
        match fd {
            HERE => Base::Here,
            HIDDEN_ROOT if self.hides_preopens() => Base::Root,
            fd => Base::Fd(fd),
        }
    }

    /// Gives the terminal its settings back.
    pub(super) fn restore_terminal(&mut self) {
        if let Some(before) = self.before_raw.take() {
            // A terminal that is gone has no settings.
            let _gone = self.process.terminal(0, |control| control.set_attributes(When::Now, &before));
        }
    }

    /// The permission bits of a file that is made now: asked for once, or the usual ones.
    pub(super) fn take_mode(&mut self) -> u16 {
        self.open_mode.take().unwrap_or(0o666)
    }
}

impl HasSystem for Guest {
    type System = Self;

    #[inline]
    fn system(&mut self) -> &mut Self {
        self
    }

    #[inline]
    fn safe_point(ctx: &mut Ctx<'_, Self>) -> Result<Handled, Fault> {
        let mut handled = Handled::None;
        for _ in 0..HANDLERS_MAX {
            let Some(delivery) = ctx.data().process.take_signal().map_err(fault)? else { break };
            let signal = i32::from(delivery.signal.number());
            ctx.call_values(TRAMPOLINE, &[Value::I32(signal)])?;
            ctx.data().process.handled(delivery);
            handled = match (handled, delivery.restart) {
                (Handled::None | Handled::Restart, true) => Handled::Restart,
                _ => Handled::Interrupt,
            };
        }
        Ok(handled)
    }

    fn raise(&mut self, signal: u32) -> Option<hob_os::Result<()>> {
        // Preview 1 leaves the number 16 out.
        let signal = if signal < 16 { signal } else { signal + 1 };
        let own = i32::try_from(self.process.pid()).ok()?;
        Some(match Signal::new(signal) {
            Some(signal) => self.process.kill(own, Some(signal)),
            None if signal == 0 => Ok(()),
            None => Err(Errno::Inval.into()),
        })
    }
}

/// The fault of a call that cannot say an error because the process is ending.
pub(super) fn fault(error: OsError) -> Fault {
    match error {
        OsError::Stopped(reason) => reason.into(),
        OsError::Limit(limit) => limit.into(),
        OsError::Errno(errno) => Fault::new(FaultKind::Host(errno.to_string())),
    }
}

//! What a program asks of a terminal besides bytes: settings, size, who is in the foreground.
//!
//! Both ends answer. Through a slave, a program in the background is stopped before it changes anything
//! ([`Errno::Again`]: to try again once it goes on), and only those of the session the terminal controls learn and say
//! who is in the foreground. A slave that was hung up answers [`Errno::Io`].

use hob_os::{Errno, Result};

use super::state::{Effects, State};
use super::termios::Termios;
use super::{Terminal, termios};
use crate::fd::Caller;
use crate::process::Signal;

/// The size of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
    /// Its width in pixels, or 0.
    pub x_pixels: u16,
    /// Its height in pixels, or 0.
    pub y_pixels: u16,
}

impl Default for Size {
    fn default() -> Self {
        Self { columns: 80, rows: 24, x_pixels: 0, y_pixels: 0 }
    }
}

/// When settings change. What was written is on its way as soon as it is taken, so there is nothing to wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Now.
    #[default]
    Now,
    /// Once everything is written: now.
    Drained,
    /// Once everything is written, and what was typed and not read is dropped.
    Flushed,
}

/// What is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// What could be read at this end.
    Input,
    /// What was written at this end and not read at the other.
    Output,
    /// Both.
    Both,
}

/// Stopping and starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Output stands still, whatever is typed.
    StopOutput,
    /// Output goes on.
    StartOutput,
    /// Sends the character that would have the other end stop.
    StopInput,
    /// Sends the character that would have the other end go on.
    StartInput,
}

/// Asks one end for one caller.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    terminal: &'a Terminal,
    caller: &'a Caller,
    /// Of a slave, when it was opened; `None` is the master.
    generation: Option<u64>,
}

impl<'a> Control<'a> {
    pub(super) fn new(terminal: &'a Terminal, caller: &'a Caller, generation: Option<u64>) -> Self {
        Self { terminal, caller, generation }
    }

    /// The settings.
    pub fn attributes(&self) -> Result<Termios> {
        self.look(|state| Ok(state.discipline.termios))
    }

    /// Changes the settings.
    pub fn set_attributes(&self, when: When, termios: &Termios) -> Result<()> {
        self.change(|state| {
            if when == When::Flushed {
                state.discipline.flush_input();
            }
            state.discipline.set(*termios);
        })
    }

    /// Changes what the commands' contract carries of the settings.
    pub fn set_basic(&self, when: When, basic: &termios::Basic) -> Result<()> {
        self.change(|state| {
            if when == When::Flushed {
                state.discipline.flush_input();
            }
            let termios = state.discipline.termios.with_basic(basic);
            state.discipline.set(termios);
        })
    }

    /// The size of the window.
    pub fn size(&self) -> Result<Size> {
        self.look(|state| Ok(state.size))
    }

    /// Changes the size of the window, and tells the foreground if it is another. The background may, too.
    pub fn set_size(&self, size: Size) -> Result<()> {
        self.update(|state, effects| {
            if state.size != size {
                state.size = size;
                state.signal_foreground(Signal::WINCH, effects);
            }
            Ok(())
        })
    }

    /// The group in the foreground; 0 is none. Errors: [`Errno::NotTy`] when it does not control the caller.
    pub fn foreground(&self) -> Result<u32> {
        self.look(|state| {
            self.controlled(state)?;
            Ok(state.job.foreground.unwrap_or(0))
        })
    }

    /// Puts a group into the foreground.
    ///
    /// Errors: [`Errno::NotTy`] when it does not control the caller; [`Errno::Srch`] when there is no such group;
    /// [`Errno::Perm`] when that is of another session.
    pub fn set_foreground(&self, group: u32) -> Result<()> {
        let session = self.terminal.groups().session_of(group);
        self.terminal.update(|state, effects| {
            if !self.is_live(state) {
                return Err(Errno::NotTy.into());
            }
            match self.check(state, effects) {
                Err(error) if error.errno() == Errno::Io => return Err(Errno::NotTy.into()),
                other => other?,
            }
            if !state.job.controls(self.caller) {
                return Err(Errno::NotTy.into());
            }
            if session.ok_or(Errno::Srch)? != self.caller.session {
                return Err(Errno::Perm.into());
            }
            state.job.foreground = Some(group);
            effects.wake = true;
            Ok(())
        })
    }

    /// The session it controls. Errors: [`Errno::NotTy`] when that is not the caller's.
    pub fn session(&self) -> Result<u32> {
        self.look(|state| {
            self.controlled(state)?;
            state.job.session.ok_or_else(|| Errno::NotTy.into())
        })
    }

    /// Makes it the controlling terminal of the caller's session, with the caller in the foreground. That the session
    /// has no other one is for the caller's kernel to know.
    ///
    /// Errors: [`Errno::Perm`] when the caller does not lead its session, or it controls another.
    pub fn take(&self) -> Result<()> {
        self.update(|state, effects| {
            let caller = self.caller;
            if caller.pid != caller.session || state.job.session.is_some_and(|other| other != caller.session)
            {
                return Err(Errno::Perm.into());
            }
            if state.job.session.is_none() {
                state.job.session = Some(caller.session);
                state.job.foreground = Some(caller.group);
                effects.wake = true;
            }
            Ok(())
        })
    }

    /// The caller gives its controlling terminal up: if it leads the session, for all of it, and the foreground is told.
    ///
    /// Errors: [`Errno::NotTy`] when it does not control the caller.
    pub fn give_up(&self) -> Result<()> {
        self.update(|state, effects| {
            if !state.job.controls(self.caller) {
                return Err(Errno::NotTy.into());
            }
            if self.caller.pid == self.caller.session {
                state.job.hang_up(false, effects);
                effects.wake = true;
            }
            Ok(())
        })
    }

    /// Drops what was typed or written. What was written keeps what a Linux master would have taken by now.
    pub fn flush(&self, queue: Queue) -> Result<()> {
        let slave = self.generation.is_some();
        self.change(|state| {
            let (input, output) = (queue != Queue::Output, queue != Queue::Input);
            if slave && input {
                state.discipline.flush_input();
            }
            if slave && output {
                state.discipline.flush_output();
            }
            if !slave && input {
                state.discipline.output.clear();
            }
        })
    }

    /// Waits until what was written is on its way, which it is.
    pub fn drain(&self) -> Result<()> {
        self.change(|_| {})
    }

    /// Sends a break, of which the other end learns nothing.
    pub fn send_break(&self) -> Result<()> {
        self.change(|_| {})
    }

    /// Stops or starts. The characters are sent as far as there is room.
    pub fn flow(&self, flow: Flow) -> Result<()> {
        self.change(|state| {
            let own = state.discipline.termios.characters;
            match flow {
                Flow::StopOutput => state.discipline.hold(),
                Flow::StartOutput => state.discipline.release(),
                Flow::StopInput if own.stop != 0 => _ = state.discipline.output.put_raw(&[own.stop]),
                Flow::StartInput if own.start != 0 => _ = state.discipline.output.put_raw(&[own.start]),
                Flow::StopInput | Flow::StartInput => {}
            }
        })
    }

    fn is_live(&self, state: &State) -> bool {
        self.generation.is_none_or(|generation| state.is_live(generation))
    }

    fn controlled(&self, state: &State) -> Result<()> {
        let known = self.generation.is_none() || state.job.controls(self.caller);
        if known { Ok(()) } else { Err(Errno::NotTy.into()) }
    }

    fn check(&self, state: &State, effects: &mut Effects) -> Result<()> {
        if self.generation.is_none() {
            return Ok(());
        }
        state.job.check(self.caller, Signal::TTOU, effects)
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> Result<T>) -> Result<T> {
        self.terminal.look(|state| if self.is_live(state) { look(state) } else { Err(Errno::Io.into()) })
    }

    fn update<T>(&self, act: impl FnOnce(&mut State, &mut Effects) -> Result<T>) -> Result<T> {
        self.terminal.update(
            |state, effects| {
                if self.is_live(state) { act(state, effects) } else { Err(Errno::Io.into()) }
            },
        )
    }

    /// Changes something that those in the background may not.
    fn change(&self, act: impl FnOnce(&mut State)) -> Result<()> {
        self.update(|state, effects| {
            self.check(state, effects)?;
            act(state);
            effects.wake = true;
            Ok(())
        })
    }
}

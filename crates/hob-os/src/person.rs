//! The terminal of the person in front of this process: for programs that pass it on to a guest, and for those that wait and
//! want to be told not to.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno as Sys;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::{Errno, Result};

/// The terminal passes every byte as it is, until this is dropped: then it is what it was.
#[derive(Debug)]
pub struct RawTerminal(Termios);

impl RawTerminal {
    /// Takes the terminal behind standard input. Errors: there is none.
    pub fn take() -> Result<Self> {
        let before = tcgetattr(std::io::stdin().as_fd())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin().as_fd(), OptionalActions::Drain, &raw)?;
        Ok(Self(before))
    }

    /// Columns and lines of the window behind standard output; 80 and 24 when nobody knows.
    #[must_use]
    pub fn size() -> (u16, u16) {
        match tcgetwinsize(std::io::stdout().as_fd()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => (80, 24),
        }
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that is gone has no settings.
        let _gone = tcsetattr(std::io::stdin().as_fd(), OptionalActions::Drain, &self.0);
    }
}

/// Bytes that are read of what was typed at once.
const TYPED_AT_ONCE: usize = 4096;

/// The terminal shows nothing of what is typed and sends no signals: a program that waits looks by itself whether it was told
/// to stop. When this is dropped the terminal is what it was.
///
/// Stops: a person who does not want to wait any longer, and ends the program with Control-C instead of the waiting.
#[derive(Debug)]
pub struct QuietTerminal(Termios);

impl QuietTerminal {
    /// Takes the terminal behind standard input. Errors: there is none.
    pub fn take() -> Result<Self> {
        let before = tcgetattr(std::io::stdin().as_fd())?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        tcsetattr(std::io::stdin().as_fd(), OptionalActions::Drain, &quiet)?;
        Ok(Self(before))
    }

    /// What was typed since this was asked last, at most 4096 bytes of it. Does not wait. Errors: the terminal is gone.
    pub fn typed(&self) -> Result<Vec<u8>> {
        let stdin = std::io::stdin();
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut ready, Some(&Timespec::default())) {
            Ok(0) | Err(Sys::INTR) => return Ok(Vec::new()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut typed = vec![0; TYPED_AT_ONCE];
        let len = rustix::io::read(stdin.as_fd(), &mut typed)?;
        typed.truncate(len);
        if typed.is_empty() { Err(Errno::Io.into()) } else { Ok(typed) }
    }
}

impl Drop for QuietTerminal {
    fn drop(&mut self) {
        // A terminal that is gone has no settings.
        let _gone = tcsetattr(std::io::stdin().as_fd(), OptionalActions::Drain, &self.0);
    }
}

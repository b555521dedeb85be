//! The terminal of the person in front of this process, for programs that pass it on to a guest.

use std::os::fd::AsFd;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::Result;

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

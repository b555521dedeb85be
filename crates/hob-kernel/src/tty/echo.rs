//! What is to be shown of what was typed, while the output is full or stopped.
//!
//! Promise: at most [`ECHOES_MAX`] steps; past that the oldest are dropped, as on Linux, so that typing at a terminal
//! nobody reads from costs nothing and never stops.

use std::collections::VecDeque;

use super::output::Output;
use super::termios::Termios;

/// Steps that wait.
pub(super) const ECHOES_MAX: usize = 4096;

/// One step of showing what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// As if it were written.
    Byte(u8),
    /// As `^` and a letter.
    Control(u8),
    /// Back over a tab.
    EraseTab {
        /// What is before it, in columns.
        columns: u32,
        /// Whether those begin at another tab.
        after_tab: bool,
    },
    /// Remembers where the line being edited starts.
    StartLine,
    /// The cursor did not move as far as was counted.
    Back,
}

/// Steps that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Echoes(VecDeque<Echo>);

impl Echoes {
    /// Takes a step, or keeps it for later: while `stopped` and while there is no room.
    pub(super) fn push(&mut self, echo: Echo, output: &mut Output, termios: &Termios, stopped: bool) {
        if self.0.is_empty() && !stopped && take(echo, output, termios) {
            return;
        }
        if self.0.len() >= ECHOES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(echo);
    }

    /// Takes the steps that there is room for.
    pub(super) fn flush(&mut self, output: &mut Output, termios: &Termios) {
        while let Some(echo) = self.0.front()
            && take(*echo, output, termios)
        {
            self.0.pop_front();
        }
    }

    /// Forgets them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn take(echo: Echo, output: &mut Output, termios: &Termios) -> bool {
    match echo {
        Echo::Byte(byte) => output.write(byte, termios),
        Echo::Control(byte) => output.write_control(byte),
        Echo::EraseTab { columns, after_tab } => output.erase_tab(columns, after_tab),
        Echo::StartLine => output.start_line(),
        Echo::Back => output.back(),
    }
}

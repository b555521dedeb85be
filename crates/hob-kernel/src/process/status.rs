//! How a process ended or changed. The kernel keeps what happened; each contract has its own number for it.

use crate::process::Signal;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this code.
    Exited(u8),
    /// By a signal that it did not catch.
    Signaled {
        /// Which.
        signal: Signal,
        /// Whether there would be a core dump.
        core: bool,
    },
}

impl Status {
    /// The status of Linux: the code in the second byte, or the signal in the first.
    #[must_use]
    pub fn raw(self) -> u32 {
        match self {
            Self::Exited(code) => u32::from(code) << 8,
            Self::Signaled { signal, core } => u32::from(signal.number()) | u32::from(core) << 7,
        }
    }

    /// The code a shell reports: 128 and the signal for one that was ended by it.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Signaled { signal, .. } => 128u8.saturating_add(signal.number()),
        }
    }
}

/// What waiting for a child tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It ended, and is gone now.
    Ended(Status),
    /// A signal stopped it.
    Stopped(Signal),
    /// It goes on.
    Continued,
}

impl Change {
    /// The status of Linux.
    #[must_use]
    pub fn raw(self) -> u32 {
        match self {
            Self::Ended(status) => status.raw(),
            Self::Stopped(signal) => u32::from(signal.number()) << 8 | 0x7f,
            Self::Continued => 0xffff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_linux() {
        let check = |change: Change, raw| assert_eq!(change.raw(), raw, "{change:?}");
        check(Change::Ended(Status::Exited(137)), 137 << 8);
        check(Change::Ended(Status::Signaled { signal: Signal::KILL, core: false }), 9);
        check(Change::Ended(Status::Signaled { signal: Signal::QUIT, core: true }), 0x83);
        check(Change::Stopped(Signal::TSTP), 20 << 8 | 0x7f);
        check(Change::Continued, 0xffff);
        assert_eq!(Status::Signaled { signal: Signal::TERM, core: false }.code(), 143);
    }
}

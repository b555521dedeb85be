//! Signals: their numbers, names and what they do when nobody catches them. Numbers are Linux's.

use std::fmt;

/// A signal, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

/// What a signal does to a process that does not catch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Ends it.
    End,
    /// Ends it, as if with a core dump.
    Core,
    /// Nothing.
    Ignore,
    /// Stops it until it is continued.
    Stop,
    /// Continues it.
    Continue,
}

/// Signals of which the index is one less than the number.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

macro_rules! signals {
    ($($name:ident = $number:literal: $doc:literal,)*) => {
        impl Signal {
            $(#[doc = $doc] pub const $name: Self = Self($number);)*
        }
    };
}

signals! {
    HUP = 1: "The terminal is gone.",
    INT = 2: "Someone typed the interrupt character.",
    QUIT = 3: "Someone typed the quit character.",
    ILL = 4: "An illegal instruction: a trap of the guest.",
    ABRT = 6: "The program gave up.",
    KILL = 9: "Ends it, whatever it does.",
    USR1 = 10: "For programs to use.",
    SEGV = 11: "An address that is not there.",
    USR2 = 12: "For programs to use.",
    PIPE = 13: "Nobody reads what it writes.",
    ALRM = 14: "The time it asked for has come.",
    TERM = 15: "Asked to end.",
    CHLD = 17: "A child changed.",
    CONT = 18: "Goes on.",
    STOP = 19: "Stops, whatever it does.",
    TSTP = 20: "Someone typed the suspend character.",
    TTIN = 21: "It reads from a terminal in the background.",
    TTOU = 22: "It writes to a terminal in the background.",
    URG = 23: "Urgent data.",
    XCPU = 24: "Its time is up.",
    WINCH = 28: "The window has another size.",
    SYS = 31: "A call that does not exist.",
}

impl Signal {
    /// The largest number.
    pub const MAX: u8 = 64;

    /// The signal with this number.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| (1..=Self::MAX).contains(number)).map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its bit in a set of signals.
    #[must_use]
    pub fn bit(self) -> u64 {
        1 << (self.0 - 1)
    }

    /// What it does when nobody catches it.
    #[must_use]
    pub fn default(self) -> Default {
        match self.0 {
            17 | 23 | 28 => Default::Ignore,
            18 => Default::Continue,
            19..=22 => Default::Stop,
            3 | 4 | 5 | 6 | 7 | 8 | 11 | 24 | 25 | 31 => Default::Core,
            _ => Default::End,
        }
    }

    /// Whether a program can neither catch, block nor ignore it.
    #[must_use]
    pub fn is_final(self) -> bool {
        self == Self::KILL || self == Self::STOP
    }

    /// Reads a name with or without `SIG`, in any case, or a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse::<u32>() {
            return Self::new(number);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        (1..=Self::MAX).map(Self).find(|signal| signal.name() == Some(name))
    }

    fn name(self) -> Option<&'static str> {
        NAMES.get(usize::from(self.0) - 1).copied()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_numbers_and_defaults() {
        assert_eq!(Signal::parse("SIGTERM"), Some(Signal::TERM));
        assert_eq!(Signal::parse("term"), Some(Signal::TERM));
        assert_eq!(Signal::parse("9"), Some(Signal::KILL));
        assert_eq!(Signal::parse("0"), None);
        assert_eq!(Signal::parse("65"), None);
        assert_eq!(Signal::new(64).map(|signal| signal.to_string()), Some("signal 64".into()));
        assert_eq!(Signal::WINCH.to_string(), "SIGWINCH");
        assert_eq!(Signal::SYS.to_string(), "SIGSYS");
        assert_eq!(Signal::new(64).map(Signal::bit), Some(1 << 63));
        assert_eq!(Signal::CHLD.default(), Default::Ignore);
        assert_eq!(Signal::TSTP.default(), Default::Stop);
    }
}

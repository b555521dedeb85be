//! What a process does about signals.

use crate::process::Signal;

/// Interrupted calls that can are called again.
pub const RESTART: u32 = 0x1000_0000;
/// The signal is not blocked while its handler runs.
pub const NODEFER: u32 = 0x4000_0000;
/// The handler is for once.
pub const RESETHAND: u32 = 0x8000_0000;
/// No signal to the parent when a child only stops.
pub const NOCLDSTOP: u32 = 1;
/// Children leave nothing to wait for.
pub const NOCLDWAIT: u32 = 2;

/// What happens when a signal comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// What the signal does by default.
    #[default]
    Default,
    /// Nothing.
    Ignore,
    /// A function of the program is called.
    Handler {
        /// Signals blocked while it runs.
        mask: u64,
        /// [`RESTART`], [`NODEFER`], [`RESETHAND`] and the like.
        flags: u32,
    },
}

/// The actions of a process, its mask, and what is pending.
#[derive(Clone, Debug)]
pub struct Signals {
    actions: [Action; Signal::MAX as usize],
    /// Signals that wait until they are unblocked.
    pub mask: u64,
    /// Signals that came and were not handled yet.
    pub pending: u64,
    /// Signals that by default mean nothing to this one process, and something to what it starts: a shell that a person
    /// types to, and that knows nothing of signals itself.
    shielded: u64,
}

/// A signal handler to be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// For which signal.
    pub signal: Signal,
    /// Whether an interrupted call may be called again.
    pub restart: bool,
    /// The mask to go back to when it returns.
    pub mask_before: u64,
}

/// Signals nobody can block.
const FINAL: u64 = 1 << 8 | 1 << 18;

impl Default for Signals {
    fn default() -> Self {
        Self { actions: [Action::Default; Signal::MAX as usize], mask: 0, pending: 0, shielded: 0 }
    }
}

impl Signals {
    /// All defaults, but that these mean nothing to this one process.
    #[must_use]
    pub fn shielded(signals: &[Signal]) -> Self {
        Self { shielded: signals.iter().fold(0, |all, one| all | one.bit()), ..Self::default() }
    }

    /// What is done about a signal.
    #[must_use]
    pub fn action(&self, signal: Signal) -> Action {
        self.actions.get(index(signal)).copied().unwrap_or_default()
    }

    /// Changes what is done about a signal.
    pub fn set_action(&mut self, signal: Signal, action: Action) {
        if let Some(place) = self.actions.get_mut(index(signal)) {
            *place = action;
        }
        if self.ignores(signal) {
            self.pending &= !signal.bit();
        }
    }

    /// Whether a signal that comes now changes nothing.
    #[must_use]
    pub fn ignores(&self, signal: Signal) -> bool {
        match self.action(signal) {
            Action::Ignore => !signal.is_final(),
            Action::Default => {
                let shielded = self.shielded & signal.bit() != 0 && !signal.is_final();
                shielded || signal.default() == crate::process::signal::Default::Ignore
            }
            Action::Handler { .. } => false,
        }
    }

    /// Whether a signal has to wait.
    #[must_use]
    pub fn blocks(&self, signal: Signal) -> bool {
        self.mask & signal.bit() & !FINAL != 0
    }

    /// Sets the mask; what nobody can block stays unblocked.
    pub fn set_mask(&mut self, mask: u64) {
        self.mask = mask & !FINAL;
    }

    /// Signals that wait for nothing any more, the lowest first.
    #[must_use]
    pub fn next(&self) -> Option<Signal> {
        let ready = self.pending & !self.mask;
        if ready == 0 { None } else { Signal::new(ready.trailing_zeros() + 1) }
    }

    /// Begins to handle a signal that has a handler: it is pending no more, and what its action says is blocked.
    pub fn begin(&mut self, signal: Signal, mask: u64, flags: u32) -> Delivery {
        let mask_before = self.mask;
        self.pending &= !signal.bit();
        let own = if flags & NODEFER == 0 { signal.bit() } else { 0 };
        self.set_mask(self.mask | mask | own);
        if flags & RESETHAND != 0 {
            self.set_action(signal, Action::Default);
        }
        Delivery { signal, restart: flags & RESTART != 0, mask_before }
    }

    /// What another program starts with: handlers are gone, what was ignored stays ignored.
    pub fn exec(&mut self) {
        self.shielded = 0;
        for action in &mut self.actions {
            if matches!(action, Action::Handler { .. }) {
                *action = Action::Default;
            }
        }
    }
}

fn index(signal: Signal) -> usize {
    usize::from(signal.number()) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_blocks_its_own_signal_until_it_returns() {
        let mut signals = Signals { pending: Signal::INT.bit() | Signal::TERM.bit(), ..Signals::default() };
        signals.set_action(Signal::INT, Action::Handler { mask: Signal::TERM.bit(), flags: RESETHAND });
        assert_eq!(signals.next(), Some(Signal::INT));
        let delivery = signals.begin(Signal::INT, Signal::TERM.bit(), RESETHAND | RESTART);
        assert!(delivery.restart);
        assert_eq!(signals.next(), None);
        assert_eq!(signals.action(Signal::INT), Action::Default);
        signals.set_mask(delivery.mask_before);
        assert_eq!(signals.next(), Some(Signal::TERM));
    }

    #[test]
    fn nobody_blocks_kill_and_stop() {
        let mut signals = Signals::default();
        signals.set_mask(u64::MAX);
        assert!(
            !signals.blocks(Signal::KILL) && !signals.blocks(Signal::STOP) && signals.blocks(Signal::INT)
        );
        signals.set_action(Signal::CHLD, Action::Ignore);
        assert!(
            signals.ignores(Signal::CHLD) && signals.ignores(Signal::WINCH) && !signals.ignores(Signal::KILL)
        );
    }
}

//! Job control: whose terminal it is, and what those in the background may do.

use hob_os::{Errno, Result};

use super::state::{Effects, To};
use crate::fd::Caller;
use crate::process::Signal;

/// The session a terminal controls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Job {
    /// The session.
    pub(super) session: Option<u32>,
    /// The group that is in the foreground. It may be gone.
    pub(super) foreground: Option<u32>,
}

impl Job {
    /// Whether it controls the session of `caller`.
    pub(super) fn controls(&self, caller: &Caller) -> bool {
        self.session == Some(caller.session)
    }

    /// Asks whether `caller` may do what [`Signal::TTIN`] or [`Signal::TTOU`] stops the background for.
    ///
    /// Errors: [`Errno::Again`] when it is stopped for it, to try again once it goes on; [`Errno::Io`] when it reads
    /// although it ignores that, or when nobody could make it go on.
    pub(super) fn check(&self, caller: &Caller, signal: Signal, effects: &mut Effects) -> Result<()> {
        let background = self.controls(caller) && self.foreground.is_some_and(|group| group != caller.group);
        if !background {
            return Ok(());
        }
        let reads = signal == Signal::TTIN;
        if if reads { caller.ignores_input_stop } else { caller.ignores_output_stop } {
            return if reads { Err(Errno::Io.into()) } else { Ok(()) };
        }
        if caller.orphaned {
            return Err(Errno::Io.into());
        }
        effects.signal(To::Group(caller.group), signal);
        Err(Errno::Again.into())
    }

    /// Tells the foreground, and the leader if `leader`, that the terminal is gone; it controls nobody any more.
    ///
    /// On Linux the foreground is only told once the leader has ended; here it need not wait for a leader that does not.
    pub(super) fn hang_up(&mut self, leader: bool, effects: &mut Effects) {
        let Self { session, foreground } = std::mem::take(self);
        for signal in [Signal::HUP, Signal::CONT] {
            if let Some(session) = session.filter(|_| leader) {
                effects.signal(To::Leader(session), signal);
            }
            // The group of the leader has the leader's number.
            if let Some(group) = foreground.filter(|group| !leader || session != Some(*group)) {
                effects.signal(To::Group(group), signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_background_is_stopped_refused_or_let_through() {
        let job = Job { session: Some(1), foreground: Some(5) };
        let caller = Caller {
            pid: 7,
            group: 7,
            session: 1,
            ignores_input_stop: false,
            ignores_output_stop: false,
            orphaned: false,
        };
        let ignoring = Caller { ignores_input_stop: true, ignores_output_stop: true, ..caller };
        let stopped = vec![To::Group(7)];
        for (caller, signal, expected, sent) in [
            (caller, Signal::TTIN, Err(Errno::Again), stopped.clone()),
            (caller, Signal::TTOU, Err(Errno::Again), stopped),
            (ignoring, Signal::TTIN, Err(Errno::Io), vec![]),
            (ignoring, Signal::TTOU, Ok(()), vec![]),
            (Caller { orphaned: true, ..caller }, Signal::TTIN, Err(Errno::Io), vec![]),
            (Caller { orphaned: true, ..caller }, Signal::TTOU, Err(Errno::Io), vec![]),
            (Caller { orphaned: true, ..ignoring }, Signal::TTOU, Ok(()), vec![]),
            (Caller { group: 5, ..caller }, Signal::TTIN, Ok(()), vec![]),
            (Caller { session: 2, ..caller }, Signal::TTIN, Ok(()), vec![]),
        ] {
            let mut effects = Effects::default();
            assert_eq!(job.check(&caller, signal, &mut effects), expected.map_err(Into::into), "{caller:?}");
            let expected: Vec<_> = sent.into_iter().map(|to| (to, signal)).collect();
            assert_eq!(effects.signals, expected, "{caller:?}");
        }
    }
}

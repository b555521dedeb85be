//! What both ends of a terminal share, under one lock; and what is to be done once that lock is open again.

use super::control::Size;
use super::discipline::{Discipline, Received};
use super::job::Job;
use super::registry::Number;
use crate::fd::Ready;
use crate::process::Signal;

/// Whom a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// Everyone in a group.
    Group(u32),
    /// The leader of a session.
    Leader(u32),
}

/// What is to be done once the lock is open.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Signals to send, in this order.
    pub(super) signals: Vec<(To, Signal)>,
    /// Whether everyone is woken, and not only those who could do more than before.
    pub(super) wake: bool,
    /// The number to give back.
    pub(super) number: Option<Number>,
}

impl Effects {
    /// Sends a signal.
    pub(super) fn signal(&mut self, to: To, signal: Signal) {
        self.signals.push((to, signal));
    }
}

/// What both ends share.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) discipline: Discipline,
    pub(super) job: Job,
    pub(super) size: Size,
    /// Whether the master is open.
    pub(super) master: bool,
    /// How many slaves are open, those that were hung up among them.
    pub(super) slaves: u32,
    /// Whether a slave was ever open: before that the master waits for it.
    pub(super) opened: bool,
    /// How often it was hung up: slaves from before are dead.
    pub(super) generation: u64,
    /// Its number, while an end is open.
    pub(super) number: Option<Number>,
}

impl State {
    /// Whether a slave opened in this generation is not hung up.
    pub(super) fn is_live(&self, generation: u64) -> bool {
        self.master && self.generation == generation
    }

    /// Whether nobody is left who could write, but was.
    pub(super) fn is_left(&self) -> bool {
        self.opened && self.slaves == 0
    }

    /// What the master could do.
    pub(super) fn master_ready(&self) -> Ready {
        let bytes = self.discipline.output.len();
        Ready {
            read: bytes > 0 || self.is_left(),
            write: self.discipline.input.has_room(2),
            hangup: self.is_left(),
            error: false,
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        }
    }

    /// What a slave of this generation could do.
    pub(super) fn slave_ready(&self, generation: u64) -> Ready {
        if !self.is_live(generation) {
            return Ready { read: true, write: true, hangup: true, error: true, bytes: 0 };
        }
        Ready {
            read: self.discipline.is_readable(),
            write: self.discipline.is_writable(),
            hangup: false,
            error: false,
            bytes: u64::try_from(self.discipline.readable()).unwrap_or(u64::MAX),
        }
    }

    /// Takes what is typed, as much of it as there is room for.
    pub(super) fn receive(&mut self, buf: &[u8], effects: &mut Effects) -> usize {
        let mut taken = 0_usize;
        for byte in buf {
            match self.discipline.receive(*byte) {
                Received::Full => break,
                Received::Taken => {}
                Received::Signal(signal) => self.signal_foreground(signal, effects),
            }
            taken = taken.saturating_add(1);
        }
        taken
    }

    /// Sends a signal to the foreground, if there is one. Typed over and over, it is sent once.
    pub(super) fn signal_foreground(&self, signal: Signal, effects: &mut Effects) {
        if let Some(group) = self.job.foreground {
            let one = (To::Group(group), signal);
            if effects.signals.last() != Some(&one) {
                effects.signals.push(one);
            }
        }
    }

    /// Hangs up: all slaves that are open are dead, and it controls nobody any more.
    pub(super) fn hang_up(&mut self, leader: bool, effects: &mut Effects) {
        self.job.hang_up(leader, effects);
        self.generation = self.generation.saturating_add(1);
        self.discipline.reset();
        effects.wake = true;
    }

    /// An end was closed.
    pub(super) fn closed(&mut self, effects: &mut Effects) {
        effects.wake = true;
        if !self.master && self.slaves == 0 {
            effects.number = self.number.take();
        }
    }
}

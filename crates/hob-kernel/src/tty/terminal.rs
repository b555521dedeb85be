//! A terminal: what its ends share.

use std::sync::{Arc, Mutex};

use hob_os::{Errno, Result};

use super::registry::Number;
use super::state::{Effects, State, To};
use super::{Groups, Master, Slave};
use crate::wait::{WaitQueue, lock};

/// A terminal. It is open as long as one of its ends is; keeping it keeps none of them.
#[derive(Debug)]
pub struct Terminal {
    index: u32,
    groups: Arc<dyn Groups>,
    state: Mutex<State>,
    /// Those who wait at the master.
    pub(super) master: WaitQueue,
    /// Those who wait at a slave.
    pub(super) slave: WaitQueue,
}

impl Terminal {
    /// Opens a terminal that is in no registry, for a pair nobody finds by name. The master is open; a slave is opened
    /// with [`Terminal::open_slave`].
    pub fn open(number: u32, groups: Arc<dyn Groups>) -> Arc<Master> {
        Arc::new(Master::new(Self::new(number, groups, None)))
    }

    pub(super) fn new(index: u32, groups: Arc<dyn Groups>, number: Option<Number>) -> Arc<Self> {
        let state = State { master: true, number, ..State::default() };
        Arc::new(Self {
            index,
            groups,
            state: Mutex::new(state),
            master: WaitQueue::default(),
            slave: WaitQueue::default(),
        })
    }

    /// Its number: its name among the devices.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.index
    }

    /// Opens a slave. It does not become anybody's controlling terminal by that: see
    /// [`Control::take`](super::Control::take).
    ///
    /// Errors: [`Errno::Io`] once the master is closed.
    pub fn open_slave(self: &Arc<Self>) -> Result<Arc<Slave>> {
        let generation = self.update(|state, effects| {
            if !state.master {
                return Err(Errno::Io);
            }
            state.slaves = state.slaves.checked_add(1).ok_or(Errno::Nfile)?;
            state.opened = true;
            effects.wake = true;
            Ok(state.generation)
        })?;
        Ok(Arc::new(Slave::new(Arc::clone(self), generation)))
    }

    /// Whether the master is open: only then slaves can be.
    #[must_use]
    pub fn is_open(&self) -> bool {
        lock(&self.state).master
    }

    /// The session it controls.
    #[must_use]
    pub fn session(&self) -> Option<u32> {
        lock(&self.state).job.session
    }

    /// The leader of `session` has ended. If the terminal controls that session, its foreground is told, and all open
    /// slaves are hung up: whoever is left of the session cannot disturb the next. Output stays to be read.
    pub fn leader_ended(&self, session: u32) {
        self.update(|state, effects| {
            if state.job.session == Some(session) {
                state.hang_up(false, effects);
            }
        });
    }

    /// Looks at the state.
    pub(super) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    /// Changes the state; then, without the lock, sends the signals and wakes who could do more.
    pub(super) fn update<T>(&self, act: impl FnOnce(&mut State, &mut Effects) -> T) -> T {
        let mut effects = Effects::default();
        let ready = |state: &State| (state.master_ready(), state.slave_ready(state.generation));
        let (answer, before, after) = {
            let mut state = lock(&self.state);
            let before = ready(&state);
            let answer = act(&mut state, &mut effects);
            (answer, before, ready(&state))
        };
        for (to, signal) in effects.signals {
            match to {
                To::Group(group) => self.groups.signal_group(group, signal),
                To::Leader(session) => self.groups.signal_leader(session, signal),
            }
        }
        if effects.wake || before.0 != after.0 {
            self.master.wake();
        }
        if effects.wake || before.1 != after.1 {
            self.slave.wake();
        }
        answer
    }

    /// The processes behind it.
    pub(super) fn groups(&self) -> &dyn Groups {
        &*self.groups
    }
}

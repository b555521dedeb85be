//! The terminals of one kernel: their numbers, how many, and finding one to open its other end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use hob_os::{Errno, Result};

use super::{Groups, Master, Slave, Terminal};
use crate::limits::TERMINALS_MAX;
use crate::wait::lock;

type Numbers = Mutex<BTreeMap<u32, Weak<Terminal>>>;

/// The terminals of one kernel.
#[derive(Debug)]
pub struct Terminals {
    numbers: Arc<Numbers>,
    groups: Arc<dyn Groups>,
}

/// A number that is taken, until dropped.
#[derive(Debug)]
pub(super) struct Number {
    number: u32,
    numbers: Arc<Numbers>,
}

impl Drop for Number {
    fn drop(&mut self) {
        lock(&self.numbers).remove(&self.number);
    }
}

impl Terminals {
    /// No terminals yet; `groups` gets their signals.
    #[must_use]
    pub fn new(groups: Arc<dyn Groups>) -> Self {
        Self { numbers: Arc::default(), groups }
    }

    /// Opens a terminal with the lowest number that is free. A number is free again when both ends are closed.
    ///
    /// Errors: [`Errno::Nospc`] when there are [`TERMINALS_MAX`].
    pub fn open(&self) -> Result<Arc<Master>> {
        let mut numbers = lock(&self.numbers);
        let number = (0..TERMINALS_MAX).find(|number| !numbers.contains_key(number)).ok_or(Errno::Nospc)?;
        let taken = Number { number, numbers: Arc::clone(&self.numbers) };
        let terminal = Terminal::new(number, Arc::clone(&self.groups), Some(taken));
        numbers.insert(number, Arc::downgrade(&terminal));
        drop(numbers);
        Ok(Arc::new(Master::new(terminal)))
    }

    /// Opens a terminal and its other end.
    ///
    /// Errors: those of [`Terminals::open`].
    pub fn open_pair(&self) -> Result<(Arc<Master>, Arc<Slave>)> {
        let master = self.open()?;
        let slave = master.terminal().open_slave()?;
        Ok((master, slave))
    }

    /// The terminal with this number, if its master is open.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<Arc<Terminal>> {
        let found = lock(&self.numbers).get(&number)?.upgrade();
        found.filter(|terminal| terminal.is_open())
    }

    /// The numbers of the terminals whose masters are open, in order.
    #[must_use]
    pub fn numbers(&self) -> Vec<u32> {
        // Collected first: the last to let go of a terminal gives its number back, which needs this lock.
        let all: Vec<_> = lock(&self.numbers).values().filter_map(Weak::upgrade).collect();
        all.iter().filter(|terminal| terminal.is_open()).map(|terminal| terminal.number()).collect()
    }
}

//! The descriptor table: small numbers for open objects.
//!
//! A new descriptor gets the lowest free number. Every open descriptor holds one unit of
//! `Limit::OpenFiles`, taken *before* the object is opened, so that a guest at its limit creates and
//! truncates nothing, and given back when the descriptor goes, however it goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use hob_cap::{Ledger, Limit};

use crate::descriptor::Descriptor;
use crate::{Errno, Result};

/// All descriptors of one guest.
#[derive(Debug)]
pub(crate) struct Table {
    slots: Vec<Option<Slot>>,
    free: BTreeSet<u32>,
    ledger: Arc<Ledger>,
}

/// Room for one descriptor; gives its unit back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket(Arc<Ledger>);

#[derive(Debug)]
struct Slot {
    descriptor: Descriptor,
    _ticket: Ticket,
}

impl Table {
    /// An empty table counted in `ledger`.
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        Self { slots: Vec::new(), free: BTreeSet::new(), ledger }
    }

    /// Takes room for one more descriptor. Errors: the open files limit.
    pub(crate) fn ticket(&self) -> Result<Ticket> {
        self.ledger.charge(Limit::OpenFiles, 1)?;
        Ok(Ticket(Arc::clone(&self.ledger)))
    }

    /// Puts a descriptor at the lowest free number.
    pub(crate) fn insert(&mut self, ticket: Ticket, descriptor: Descriptor) -> Result<u32> {
        let slot = Some(Slot { descriptor, _ticket: ticket });
        if let Some(fd) = self.free.pop_first() {
            if let Some(place) = self.place(fd) {
                *place = slot;
            }
            return Ok(fd);
        }
        let fd = u32::try_from(self.slots.len()).map_err(|_| Errno::Mfile)?;
        self.slots.push(slot);
        Ok(fd)
    }

    /// The open descriptor `fd`.
    pub(crate) fn get(&self, fd: u32) -> Result<&Descriptor> {
        let index = usize::try_from(fd).map_err(|_| Errno::Badf)?;
        match self.slots.get(index) {
            Some(Some(slot)) => Ok(&slot.descriptor),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// The open descriptor `fd`, to change it.
    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor> {
        match self.place(fd) {
            Some(Some(slot)) => Ok(&mut slot.descriptor),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// Closes `fd`.
    pub(crate) fn close(&mut self, fd: u32) -> Result<()> {
        let slot = self.place(fd).and_then(Option::take).ok_or(Errno::Badf)?;
        self.free.insert(fd);
        drop(slot);
        Ok(())
    }

    /// Moves `from` over `to`, which must be open and is closed; `from` is free afterwards. Both equal
    /// changes nothing.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<()> {
        self.get(from)?;
        self.get(to)?;
        if from == to {
            return Ok(());
        }
        let moved = self.place(from).and_then(Option::take);
        if let Some(place) = self.place(to) {
            *place = moved;
        }
        self.free.insert(from);
        Ok(())
    }

    fn place(&mut self, fd: u32) -> Option<&mut Option<Slot>> {
        self.slots.get_mut(usize::try_from(fd).ok()?)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.release(Limit::OpenFiles, 1);
    }
}

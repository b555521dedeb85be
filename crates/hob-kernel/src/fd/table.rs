//! The descriptors of one process.
//!
//! A new descriptor gets the lowest free number. A number that a child took over by the rules of the first generations
//! is *given away*: it is closed, and closing it once more succeeds once, because some C libraries do that and some do
//! not.

use std::collections::BTreeMap;
use std::sync::Arc;

use hob_os::{Errno, Result, Rights};

use crate::fd::Description;

/// One descriptor.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// What it stands for.
    pub description: Arc<Description>,
    /// Whether it is closed when another program takes over.
    pub close_on_exec: bool,
    /// The path under which a directory was handed over at the start, for contracts that know such directories.
    pub preopen: Option<Arc<[u8]>>,
    /// What it may be used for, for contracts that know rights, and what is opened through it may.
    pub rights: (Rights, Rights),
}

impl Descriptor {
    /// A descriptor that stays open when another program takes over.
    #[must_use]
    pub fn new(description: Arc<Description>) -> Self {
        Self { description, close_on_exec: false, preopen: None, rights: (ALL, ALL) }
    }
}

const ALL: Rights = Rights::from_bits(u64::MAX);

/// All descriptors of a process.
#[derive(Clone, Debug, Default)]
pub struct Descriptors {
    open: BTreeMap<u32, Descriptor>,
    given: std::collections::BTreeSet<u32>,
}

impl Descriptors {
    /// The descriptor with this number. Errors: [`Errno::Badf`].
    pub fn get(&self, fd: u32) -> Result<&Descriptor> {
        self.open.get(&fd).ok_or(Errno::Badf.into())
    }

    /// The descriptor with this number, to change it.
    pub fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor> {
        self.open.get_mut(&fd).ok_or(Errno::Badf.into())
    }

    /// Puts a descriptor at the lowest free number from `from` on and below `max`. Errors: [`Errno::Mfile`].
    pub fn insert(&mut self, from: u32, max: u32, descriptor: Descriptor) -> Result<u32> {
        let mut fd = from;
        for (taken, _) in self.open.range(from..) {
            if *taken != fd {
                break;
            }
            fd = fd.checked_add(1).ok_or(Errno::Mfile)?;
        }
        if fd >= max {
            return Err(Errno::Mfile.into());
        }
        self.given.remove(&fd);
        self.open.insert(fd, descriptor);
        Ok(fd)
    }

    /// Puts a descriptor at this number, instead of what was there.
    pub fn replace(&mut self, fd: u32, descriptor: Descriptor) -> Option<Descriptor> {
        self.given.remove(&fd);
        self.open.insert(fd, descriptor)
    }

    /// Closes a number, and gives what it stood for. Errors: [`Errno::Badf`].
    pub fn close(&mut self, fd: u32) -> Result<Option<Descriptor>> {
        match self.open.remove(&fd) {
            Some(descriptor) => Ok(Some(descriptor)),
            None if self.given.remove(&fd) => Ok(None),
            None => Err(Errno::Badf.into()),
        }
    }

    /// Closes a number because a child took it over.
    pub fn give_away(&mut self, fd: u32) -> Option<Descriptor> {
        let descriptor = self.open.remove(&fd)?;
        self.given.insert(fd);
        Some(descriptor)
    }

    /// Keeps only those that `keep` says, and gives the others.
    pub fn retain(&mut self, mut keep: impl FnMut(u32, &Descriptor) -> bool) -> Vec<Descriptor> {
        let gone: Vec<u32> =
            self.open.iter().filter(|(fd, one)| !keep(**fd, one)).map(|(fd, _)| *fd).collect();
        gone.iter().filter_map(|fd| self.open.remove(fd)).collect()
    }

    /// Every number and what it stands for.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Descriptor)> {
        self.open.iter().map(|(fd, descriptor)| (*fd, descriptor))
    }
}

//! What an open descriptor stands for.

use std::os::fd::OwnedFd;

use hob_cap::Access;

use crate::region::Node;
use crate::stdio::{Input, Output};
use crate::{Errno, FdFlags, Result, Rights};

/// An open descriptor of a guest.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) object: Object,
    pub(crate) rights: Rights,
    pub(crate) inheriting: Rights,
    pub(crate) flags: FdFlags,
}

/// The object behind a descriptor.
#[derive(Debug)]
pub(crate) enum Object {
    /// A regular file.
    File(File),
    /// A directory.
    Dir(Dir),
    /// Bytes to read: standard input.
    Input(Input),
    /// Bytes to write: standard output and standard error.
    Output(Output),
    /// A granted socket that accepts connections; never blocks in the kernel.
    Listener(OwnedFd),
    /// A granted or accepted connection.
    Socket(OwnedFd),
}

/// An open regular file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) fd: OwnedFd,
    /// What the grant it was opened under allows, whatever the rights say.
    pub(crate) access: Access,
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    pub(crate) node: Node,
    /// The guest path under which it was handed to the guest at the start.
    pub(crate) preopen: Option<String>,
}

impl Descriptor {
    /// Refuses unless the descriptor has `rights`.
    pub(crate) fn need(&self, rights: Rights) -> Result<()> {
        if self.rights.contains(rights) { Ok(()) } else { Err(Errno::NotCapable.into()) }
    }

    /// The open directory, if it is one.
    pub(crate) fn dir(&self) -> Result<&Dir> {
        match &self.object {
            Object::Dir(dir) => Ok(dir),
            _ => Err(Errno::NotDir.into()),
        }
    }

    /// The open file, if it is one: a directory is [`Errno::IsDir`], anything else has no offset.
    pub(crate) fn file(&self) -> Result<&File> {
        match &self.object {
            Object::File(file) => Ok(file),
            Object::Dir(_) => Err(Errno::IsDir.into()),
            _ => Err(Errno::Spipe.into()),
        }
    }
}

impl File {
    /// Refuses unless the grant of the file allows changing it.
    pub(crate) fn writable(&self) -> Result<()> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::Read => Err(Errno::Perm.into()),
        }
    }
}

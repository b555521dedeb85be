//! Changing modes and times.
//!
//! Stops: a guest making a program that runs with its owner's rights.

use rustix::fs::{Mode, Timestamps};

use super::again;
use super::object::{Kind, Object};
use crate::fs::meta::host_time;
use crate::{Errno, Result, SetTime};

/// Permission bits.
const PERMISSIONS: u16 = 0o777;
const STICKY: u16 = 0o1000;
const SET_ID: u16 = 0o6000;

impl Object {
    /// Sets permission bits. A directory takes the sticky bit besides, and keeps set-id bits that it has if they are asked
    /// for: they hand its group on and run nothing. Otherwise set-id bits are left out.
    ///
    /// Errors: [`Errno::Rofs`]; [`Errno::NotSup`] for a link; [`Errno::Perm`] for a pipe, device or socket.
    pub fn set_mode(&self, mode: u16) -> Result<()> {
        self.writable()?;
        let allowed = match self.kind() {
            Kind::File => PERMISSIONS,
            Kind::Directory => PERMISSIONS | STICKY | (self.stat()?.mode & SET_ID),
            Kind::Link => return Err(Errno::NotSup.into()),
            _ => return Err(Errno::Perm.into()),
        };
        again::chmod(self.fd(), Mode::from_raw_mode(u32::from(mode & allowed)))
    }

    /// Sets times; the present is the host's. Errors: [`Errno::Rofs`]; [`Errno::Perm`] for a pipe, device or socket.
    pub fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.writable()?;
        if !matches!(self.kind(), Kind::File | Kind::Directory | Kind::Link) {
            return Err(Errno::Perm.into());
        }
        let times = Timestamps { last_access: host_time(accessed)?, last_modification: host_time(modified)? };
        again::set_times(self.fd(), &times)
    }
}

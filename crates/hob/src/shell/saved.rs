//! What was written in a session, kept and taken up again.

use std::io::{Read, Write};

use hob_kernel::fs::snapshot;

use super::builder::Shell;
use super::session::Session;
use crate::error::{Error, ErrorKind};

impl Session {
    /// Writes down what was written in the session: its files, not those of the commands, of the image or of granted
    /// directories, nor its processes. The format is that of `tar`. What changes meanwhile is in it or not.
    ///
    /// ```
    /// let shell = hob::Host::builder().build()?.shell().build()?;
    /// let session = shell.session()?;
    /// session.write_file("/home/user/note", b"hello")?;
    /// let mut saved = Vec::new();
    /// session.snapshot(&mut saved)?;
    /// let again = shell.restore(&mut saved.as_slice())?;
    /// assert_eq!(again.read_file("/home/user/note")?, b"hello");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it cannot be written, or a tree is too deep for the format.
    pub fn snapshot(&self, to: &mut dyn Write) -> Result<(), Error> {
        snapshot::write(&self.files.root(), to).map_err(wrong)
    }
}

impl Shell {
    /// A session with what was written in an earlier one, as [`Session::snapshot`] has it. It need not be trusted: it is read
    /// strictly, within the limits of the host.
    ///
    /// ```
    /// let shell = hob::Host::builder().build()?.shell().build()?;
    /// assert!(shell.restore(&mut &b"no snapshot"[..]).is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it cannot be read or is no snapshot, or as [`Shell::session`].
    pub fn restore(&self, from: &mut dyn Read) -> Result<Session, Error> {
        Session::new(self, |_| {}, |files| snapshot::read(from, files).map_err(wrong))
    }
}

fn wrong(error: snapshot::SnapshotError) -> Error {
    Error::new(ErrorKind::Snapshot(error.to_string()))
}

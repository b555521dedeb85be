//! One session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hob_cap::StopToken;
use hob_kernel::fs::mem::MemFs;
use hob_kernel::fs::walk::{Last, Walker};
use hob_kernel::fs::{Attributes, New, NodeRef};
use hob_kernel::process::Identity;
use hob_kernel::{Errno, Kernel};
use hob_os::{SharedBuffer, Sink};

use super::builder::Shell;
use super::error::failed;
use super::job::Launch;
use crate::command::Output;
use crate::error::Error;

/// How long closing waits for processes that were told to end.
const CLOSING: Duration = Duration::from_secs(5);

/// A machine of its own: files, processes, terminals, a loopback network. Usable from many threads; dropping it ends
/// everything in it.
///
/// ```no_run
/// let shell = hob::Host::builder().build()?.shell().bin("node_modules")?.build()?;
/// let session = shell.session()?;
/// session.write_file("/tmp/list", b"b\na\n")?;
/// assert_eq!(session.run("sort /tmp/list | tr '\\n' ' '")?.stdout, b"a b ");
/// # Ok::<(), hob::Error>(())
/// ```
pub struct Session {
    pub(super) kernel: Arc<Kernel>,
    pub(super) shell: Shell,
    pub(super) files: MemFs,
}

impl Session {
    pub(super) fn new(
        shell: &Shell,
        report: impl Fn((&[u8], &str)) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let (kernel, files) = shell.kernel(report)?;
        Ok(Self { kernel, shell: shell.clone(), files })
    }

    /// Runs a script with the shell inside, `sh`, and keeps what it writes.
    ///
    /// ```no_run
    /// # let session = hob::Host::builder().build()?.shell().bin("node_modules")?.build()?.session()?;
    /// assert_eq!(session.run("echo $((6 * 7))")?.stdout, b"42\n");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no `sh`, or it could not be started.
    pub fn run(&self, script: &str) -> Result<Output, Error> {
        let (stdout, stderr) = (SharedBuffer::default(), SharedBuffer::default());
        let job = self
            .start("sh")
            .args(["-c", script])
            .stdout(Sink::Buffer(stdout.clone()))
            .stderr(Sink::Buffer(stderr.clone()))
            .spawn()?;
        let exit = job.wait()?;
        Ok(Output { code: exit.code, stdout: stdout.take(), stderr: stderr.take() })
    }

    /// Begins to start a command: without input, its output thrown away, in the home of the user.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// assert!(session.start("no-such-command").spawn().is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn start(&self, command: &str) -> Launch<'_> {
        Launch::new(self, command)
    }

    /// The bytes of a file of the session.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// assert_eq!(session.read_file("/etc/hostname")?, b"hob\n");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, Error> {
        let read = || {
            let (node, _, _) = self.find(path)?;
            whole(&node.ok_or(Errno::Noent)?)
        };
        read().map_err(|error| failed(&format!("read {path}"), error))
    }

    /// Makes `bytes` all that a file of the session holds; it belongs to the user.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/home/user/note", b"hello")?;
    /// assert_eq!(session.read_file("/home/user/note")?, b"hello");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When its directory is not there, it is read-only, or the disk of the session is full.
    pub fn write_file(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let write = || {
            let (node, dir, name) = self.find(path)?;
            let node = match node {
                Some(node) => node,
                None => {
                    let user = hob_kernel::process::identity::USER;
                    dir.make(&name, New::File, Attributes { mode: 0o644, uid: user, gid: user })?
                }
            };
            if node.read_only() {
                return Err(Errno::Rofs.into());
            }
            let file = node.open(true)?;
            file.resize(0)?;
            let mut done = 0;
            while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
                done += file.write_at(rest, u64::try_from(done).map_err(|_| Errno::Overflow)?)?;
            }
            Ok(())
        };
        write().map_err(|error| failed(&format!("write {path}"), error))
    }

    /// What a path leads to, the directory it lies in, and its name there.
    fn find(&self, path: &str) -> hob_os::Result<(Option<NodeRef>, NodeRef, Vec<u8>)> {
        let who = Identity::of(0, 0);
        let tree = self.kernel.tree();
        let found = Walker { tree, who: &who, me: 0 }.find(&tree.root, path.as_bytes(), Last::Follow)?;
        Ok((found.place.map(|place| Arc::clone(&place.node)), Arc::clone(&found.dir.node), found.name))
    }

    /// How much of its limits the session uses.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// assert_eq!(session.ledger().used(hob::Limit::Processes), 0);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn ledger(&self) -> &Arc<hob_cap::Ledger> {
        self.kernel.ledger()
    }

    /// Bytes of files that the session keeps in memory.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// let before = session.disk_used();
    /// session.write_file("/tmp/x", &[0; 10_000])?;
    /// assert!(session.disk_used() >= before + 10_000);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn disk_used(&self) -> u64 {
        self.files.space().bytes_used
    }

    /// Ends everything in the session, and waits until it has ended.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.close();
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn close(self) {
        self.kernel.shut_down();
        let until = Instant::now().checked_add(CLOSING);
        self.kernel.wait_empty(&StopToken::never(), until);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.kernel.shut_down();
    }
}

/// All bytes of a file.
pub(super) fn whole(node: &NodeRef) -> hob_os::Result<Vec<u8>> {
    let file = Arc::clone(node).open(false)?;
    let size = usize::try_from(file.size()?).map_err(|_| Errno::Nomem)?;
    let mut bytes = vec![0; size];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let read = file.read_at(rest, u64::try_from(done).map_err(|_| Errno::Overflow)?)?;
        if read == 0 {
            break;
        }
        done += read;
    }
    bytes.truncate(done);
    Ok(bytes)
}

//! One session.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use hob_cap::{Permit, StopToken};
use hob_kernel::Kernel;
use hob_kernel::fs::mem::MemFs;
use hob_kernel::process::Seen as ProcessInfo;
use hob_os::{SharedBuffer, Sink};

use super::builder::{Made, Shell};
use super::job::Launch;
use super::permits::SessionRules;
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
    rules: Arc<SessionRules>,
    /// How many directories were mounted later.
    pub(super) mounted: AtomicU64,
}

impl Session {
    pub(super) fn new(
        shell: &Shell,
        report: impl Fn((&[u8], &str)) + Send + Sync + 'static,
        fill: impl FnOnce(&MemFs) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let Made { kernel, files, rules } = shell.kernel(report, fill)?;
        Ok(Self { kernel, shell: shell.clone(), files, rules, mounted: AtomicU64::new(0) })
    }

    /// Narrows what a command may do, by its name or a pattern with `*`, as [`ShellBuilder::permit`] does, for whatever is
    /// started from now on. Nothing gets more than the shell gives it.
    ///
    /// ```
    /// use hob::{Permit, Tier};
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.permit("curl*", Permit::tier(Tier::ReadOnly));
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// [`ShellBuilder::permit`]: crate::ShellBuilder::permit
    pub fn permit(&self, command: &str, permit: Permit) {
        self.rules.add(command, permit);
    }

    /// The processes of the session at this moment, by number.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// assert!(session.processes().is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.kernel.processes()
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

//! From commands and rules to a shell.

use std::path::Path;
use std::sync::Arc;

use hob_abi::command::Programs;
use hob_cap::Permit;
use hob_kernel::file_clock;
use hob_kernel::fs::bin::Commands;
use hob_kernel::fs::mem::{MemConfig, MemFs};
use hob_kernel::fs::overlay::Overlay;
use hob_kernel::fs::walk::Mount;
use hob_kernel::fs::{NodeRef, base, dev, procfs};
use hob_kernel::{Kernel, fs};

use super::error::failed;
use super::permits::{Rules, SessionRules};
use super::session::Session;
use crate::error::{Error, ErrorKind};
use crate::host::Host;

/// Numbers of the file systems of a session.
pub(super) mod device {
    pub(super) const UPPER: u64 = 1;
    pub(super) const ROOT: u64 = 2;
    pub(super) const BASE: u64 = 3;
    pub(super) const COMMANDS: u64 = 4;
    pub(super) const DEVICES: u64 = 5;
    pub(super) const PROCESSES: u64 = 6;
    pub(super) const TERMINALS: u64 = 7;
    pub(super) const IMAGE: u64 = 8;
    pub(super) const GRANTED: std::ops::RangeFrom<u64> = 16..;
    /// Those that are mounted later.
    pub(in crate::shell) const LATER: u64 = 1 << 20;
}

/// Commands, and what they may do: what makes sessions. Cheap to clone; usable from many threads.
///
/// ```no_run
/// let host = hob::Host::builder().dir("src", "/src", hob::Access::Read).build()?;
/// let shell = host.shell().bin("node_modules")?.build()?;
/// let done = shell.session()?.run("grep -rc TODO /src | sort -t: -k2 -n | tail -1")?;
/// print!("{}", String::from_utf8_lossy(&done.stdout));
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone)]
pub struct Shell {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) host: Host,
    pub(super) programs: Arc<Programs>,
    commands: NodeRef,
    pub(super) sources: Commands,
    names: Vec<String>,
    image: Option<NodeRef>,
    hostname: String,
    rules: Rules,
    on_request: bool,
}

/// What a session is made of.
pub(super) struct Made {
    pub(super) kernel: Arc<Kernel>,
    /// The files that are written in it.
    pub(super) files: MemFs,
    pub(super) rules: Arc<SessionRules>,
}

/// Sets up a [`Shell`]. Starts without commands; every command may do what the host grants.
#[must_use]
pub struct ShellBuilder {
    host: Host,
    sources: Vec<Commands>,
    image: Option<NodeRef>,
    hostname: String,
    rules: Rules,
    on_request: bool,
}

impl ShellBuilder {
    pub(crate) fn new(host: Host) -> Self {
        Self {
            host,
            sources: Vec::new(),
            image: None,
            hostname: "hob".into(),
            rules: Rules::default(),
            on_request: false,
        }
    }

    /// Adds commands: a folder of modules, an installed npm package, a whole `node_modules`, an `.aospkg` file, or one
    /// module. Of two commands with one name the later counts.
    ///
    /// ```
    /// let dir = tempfile::tempdir().unwrap();
    /// std::fs::write(dir.path().join("true.wasm"), b"\0asm\x01\0\0\0").unwrap();
    /// let shell = hob::Host::builder().build()?.shell().bin(dir.path())?.build()?;
    /// assert_eq!(shell.commands(), ["true"]);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there are no commands at this path, or what is there is not what it says it is.
    pub fn bin(mut self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let commands =
            Commands::open(path.as_ref()).map_err(|error| Error::new(ErrorKind::Grant(error.to_string())))?;
        self.sources.push(commands);
        Ok(self)
    }

    /// Lays an image under the files of every session: an archive that `tar` made, or an `.aospkg` file.
    ///
    /// ```
    /// let builder = hob::Host::builder().build()?.shell();
    /// assert!(builder.root("no/such/image.tar").is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it cannot be read or is no image.
    pub fn root(mut self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let image = fs::image::Image::open(path.as_ref())
            .map_err(|error| Error::new(ErrorKind::Grant(error.to_string())))?;
        self.image = Some(image.root(device::IMAGE));
        Ok(self)
    }

    /// What a command may do, by its name or a pattern with `*`: an exact name counts before the longest pattern.
    /// Whatever it says, a command may do no more than who starts it.
    ///
    /// ```
    /// use hob::{Host, Permit, Tier};
    /// let builder = Host::builder().build()?.shell().permit("curl*", Permit::tier(Tier::ReadOnly));
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn permit(mut self, command: &str, permit: Permit) -> Self {
        self.rules.add(command, permit);
        self
    }

    /// The name of the machine that commands see; `hob` without it.
    ///
    /// ```
    /// let builder = hob::Host::builder().build()?.shell().hostname("sandbox");
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn hostname(mut self, name: &str) -> Self {
        self.hostname = name.into();
        self
    }

    /// Leaves it to [`Session::mount`] which of the granted directories a session shows, and where: without it every session
    /// shows all of them from the beginning.
    ///
    /// ```
    /// use hob::{Access, Host};
    /// let dir = tempfile::tempdir().unwrap();
    /// let host = Host::builder().dir(dir.path(), "/data", Access::Read).build()?;
    /// let session = host.shell().mount_on_request().build()?.session()?;
    /// assert!(session.stat("/data").is_err());
    /// session.mount(dir.path(), "/data", Access::Read)?;
    /// assert!(session.stat("/data").is_ok());
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn mount_on_request(mut self) -> Self {
        self.on_request = true;
        self
    }

    /// Puts it together. Runs no guest code.
    ///
    /// ```
    /// assert!(hob::Host::builder().build()?.shell().build()?.commands().is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When two sources do not go together.
    pub fn build(self) -> Result<Shell, Error> {
        let commands = Commands::merge(self.sources);
        let names = commands.names().map(ToOwned::to_owned).collect();
        let inner = Inner {
            programs: Arc::new(Programs::new(self.host.inner.engine.clone())),
            commands: commands.clone().tree(device::COMMANDS),
            sources: commands,
            names,
            image: self.image,
            hostname: self.hostname,
            rules: self.rules,
            on_request: self.on_request,
            host: self.host,
        };
        Ok(Shell { inner: Arc::new(inner) })
    }
}

impl Shell {
    /// The names of its commands, in order.
    ///
    /// ```
    /// assert!(hob::Host::builder().build()?.shell().build()?.commands().is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn commands(&self) -> &[String] {
        &self.inner.names
    }

    /// A session: a machine of its own, with fresh files and no processes.
    ///
    /// ```
    /// let shell = hob::Host::builder().build()?.shell().build()?;
    /// let (one, other) = (shell.session()?, shell.session()?);
    /// one.write_file("/tmp/x", b"mine")?;
    /// assert!(other.read_file("/tmp/x").is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a granted directory is gone, or a limit leaves no room for a session.
    pub fn session(&self) -> Result<Session, Error> {
        Session::new(self, |_| {}, |_| Ok(()))
    }

    /// As [`Shell::session`]; `report` is told when a command could not be started or was ended by a fault: its name, and
    /// why.
    ///
    /// ```
    /// let shell = hob::Host::builder().build()?.shell().build()?;
    /// let session = shell.session_reporting(|command, why| eprintln!("{command}: {why}"))?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Shell::session`].
    pub fn session_reporting(
        &self,
        report: impl Fn(&str, &str) + Send + Sync + 'static,
    ) -> Result<Session, Error> {
        Session::new(
            self,
            move |(command, why): (&[u8], &str)| {
                report(&hob_cap::escape_guest_bytes(command, 80), why);
            },
            |_| Ok(()),
        )
    }

    /// Compiles commands into the cache ahead of their first run: those that `only` says. `told` is told of each before it
    /// is looked at: its name, how many were before it, how many there are. Returns how many were compiled now, and the
    /// names of those that could not be, with the reason.
    ///
    /// ```
    /// let dir = tempfile::tempdir().unwrap();
    /// std::fs::write(dir.path().join("a.wasm"), b"\0asm\x01\0\0\0").unwrap();
    /// let host = hob::Host::builder().cache_dir(dir.path().join("cache")).build()?;
    /// let shell = host.shell().bin(dir.path())?.build()?;
    /// let (compiled, failed) = shell.prewarm(|_| true, |name, done, all| println!("{name} {done}/{all}"));
    /// assert_eq!((compiled, failed.len()), (1, 0));
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn prewarm(
        &self,
        only: impl Fn(&str) -> bool,
        mut told: impl FnMut(&str, usize, usize),
    ) -> (usize, Vec<(String, String)>) {
        let names: Vec<&String> = self.inner.names.iter().filter(|name| only(name)).collect();
        let (mut compiled, mut failed) = (0, Vec::new());
        for (name, done) in names.iter().zip(0..) {
            told(name, done, names.len());
            let bytes = self.inner.commands.lookup(name.as_bytes()).and_then(|node| whole(&node));
            let warmed = match &bytes {
                // A script is for its interpreter.
                Ok(bytes) if bytes.starts_with(b"#!") => continue,
                Ok(bytes) => self.inner.host.inner.engine.prewarm(bytes).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match warmed {
                Ok(now) => compiled += usize::from(now),
                Err(why) => failed.push(((*name).clone(), why)),
            }
        }
        (compiled, failed)
    }

    /// The names of commands that ran, or run, without compiled code.
    ///
    /// ```
    /// assert!(hob::Host::builder().build()?.shell().build()?.interpreted().is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn interpreted(&self) -> Vec<String> {
        let names = self.inner.programs.interpreted();
        names.into_iter().map(|name| String::from_utf8_lossy(&name).into_owned()).collect()
    }

    /// What a new session is made of; `fill` puts in what was written in an earlier one.
    pub(super) fn kernel(
        &self,
        report: impl Fn((&[u8], &str)) + Send + Sync + 'static,
        fill: impl FnOnce(&MemFs) -> Result<(), Error>,
    ) -> Result<Made, Error> {
        let inner = &self.inner;
        let host = &inner.host.inner;
        let clock = file_clock(host.policy.clock);
        let wrong = |what: &'static str| move |error| failed(what, error);
        let upper = MemFs::new(MemConfig {
            device: device::UPPER,
            bytes_max: host.limits.disk_bytes,
            inodes_max: host.limits.disk_files,
            clock: clock.clone(),
            ledger: None,
        })
        .map_err(wrong("make room for files"))?;
        fill(&upper)?;
        let base =
            base::tree(device::BASE, clock.clone(), &inner.hostname).map_err(wrong("make the base"))?;
        let lowers = inner.image.iter().cloned().chain([base]).collect();
        let root = Overlay::new(device::ROOT, upper.root(), lowers).map_err(wrong("lay out the files"))?;
        let runner =
            inner.programs.reporting(Arc::new(move |command: &[u8], why: &str| report((command, why))));
        let ledger = Arc::new(hob_cap::Ledger::new(&host.limits));
        let rules = Arc::new(SessionRules::new(inner.rules.clone()));
        let mut builder = Kernel::builder(root, runner)
            .clock(host.policy.clock)
            .random(host.policy.random)
            .ledger(ledger)
            .egress(host.opened.egress().clone())
            .hostname(&inner.hostname)
            .permits(Arc::<SessionRules>::clone(&rules));
        if let Some(audit) = host.opened.audit() {
            builder = builder.audit(Arc::clone(audit));
        }
        let kernel = builder.build().map_err(wrong("set up the session"))?;
        let mount = |path: &str, root: NodeRef, source: &str, kind: &'static str, read_only: bool| Mount {
            root,
            path: path.as_bytes().to_vec(),
            source: source.into(),
            kind,
            read_only,
        };
        let devices = dev::tree(device::DEVICES, clock).map_err(wrong("make devices"))?;
        let mut mounts = vec![
            mount("/bin", Arc::clone(&inner.commands), "commands", "image", true),
            mount("/dev", devices, "dev", "devtmpfs", false),
            mount("/dev/pts", dev::terminals(device::TERMINALS, &kernel), "devpts", "devpts", true),
            mount("/proc", procfs::root(device::PROCESSES, &kernel), "proc", "proc", true),
        ];
        let again = |(dir, grant): &(hob_os::HostDir, hob_cap::FsGrant)| {
            let what = format!("open {grant} again");
            dir.try_clone().map_err(|error| failed(&what, error.into()))
        };
        let shown = if inner.on_request { &[] } else { host.opened.dirs() };
        let dirs = shown.iter().map(again).collect::<Result<Vec<_>, _>>()?;
        let grants = shown.iter().map(|(_, grant)| grant);
        let granted: Vec<_> = device::GRANTED
            .zip(dirs)
            .zip(grants)
            .map(|((number, dir), grant)| (number, dir, grant))
            .collect();
        let roots = fs::host::HostFs::roots(&granted).map_err(wrong("open the granted directories"))?;
        for (root, (_, _, grant)) in roots.into_iter().zip(&granted) {
            let read_only = grant.access == hob_cap::Access::Read;
            mounts.push(mount(grant.guest.as_str(), root, &grant.host, "host", read_only));
        }
        // The outer before the inner, so that one granted directory can lie in another.
        mounts.sort_by(|a, b| a.path.cmp(&b.path));
        for mount in mounts {
            let what = format!("mount {}", hob_cap::escape_guest_bytes(&mount.path, 200));
            kernel.mount(mount).map_err(|error| failed(&what, error))?;
        }
        Ok(Made { kernel, files: upper, rules })
    }
}

/// All bytes of a file.
fn whole(node: &NodeRef) -> hob_os::Result<Vec<u8>> {
    let file = Arc::clone(node).open(false)?;
    let size = usize::try_from(file.size()?).map_err(|_| hob_kernel::Errno::Nomem)?;
    let mut bytes = vec![0; size];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let read = file.read_at(rest, u64::try_from(done).map_err(|_| hob_kernel::Errno::Overflow)?)?;
        if read == 0 {
            break;
        }
        done += read;
    }
    bytes.truncate(done);
    Ok(bytes)
}

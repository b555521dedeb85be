//! Showing more in a session that is there already. Nothing is shown that the host was not granted.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hob_cap::{Access, FsGrant, GuestPath};
use hob_kernel::fs::bin::{Commands, Origin};
use hob_kernel::fs::host::HostFs;
use hob_kernel::fs::walk::Mount;
use hob_kernel::fs::{NodeRef, bin};
use hob_os::HostDir;

use super::builder::{Shell, device};
use super::error::failed;
use super::session::Session;
use crate::error::{Error, ErrorKind};

impl Session {
    /// Shows a directory of the host at a path. It lies in a directory that the host was granted ([`HostBuilder::dir`]), with
    /// no more access than that has; a link that leads out of that one is not followed.
    ///
    /// ```
    /// use hob::{Access, Host};
    /// let dir = tempfile::tempdir().unwrap();
    /// std::fs::create_dir(dir.path().join("sub")).unwrap();
    /// std::fs::write(dir.path().join("sub/x"), "x").unwrap();
    /// let host = Host::builder().dir(dir.path(), "/all", Access::Read).build()?;
    /// let session = host.shell().mount_on_request().build()?.session()?;
    /// session.mount(dir.path().join("sub"), "/work", Access::Read)?;
    /// assert_eq!(session.read_file("/work/x")?, b"x");
    /// assert!(session.mount(dir.path(), "/more", Access::ReadWrite).is_err());
    /// assert!(session.mount("/", "/host", Access::Read).is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// [`HostBuilder::dir`]: crate::HostBuilder::dir
    ///
    /// # Errors
    ///
    /// When no grant covers it, it is no directory, or there is something else than a directory at the path.
    pub fn mount(&self, path: impl AsRef<Path>, guest: &str, access: Access) -> Result<(), Error> {
        let path = path.as_ref();
        let guest = GuestPath::new(guest).map_err(|error| refused(error.to_string()))?;
        let dirs = self.shell.inner.host.inner.opened.dirs();
        let shown = path.display();
        let Some((dir, grant, below)) = granted(dirs, path) else {
            return Err(refused(format!(
                "no grant covers the directory {shown}; allow it with `--dir {shown}`"
            )));
        };
        if access > grant.access {
            return Err(refused(format!("{shown} is granted read-only; allow more with `--dir {shown}:rw`")));
        }
        let open = if below.as_os_str().is_empty() { dir.try_clone() } else { dir.open_dir(&below) };
        let open = open.map_err(|error| refused(format!("failed to open the directory {shown}: {error}")))?;
        let others: Vec<(&HostDir, Access)> = dirs.iter().map(|(dir, grant)| (dir, grant.access)).collect();
        let own = FsGrant { host: shown.to_string(), guest: guest.clone(), access };
        let root = HostFs::within(self.next_device(), &open, &own, &others)
            .map_err(|error| failed(&format!("mount {shown}"), error))?;
        self.show(guest.as_str(), root, shown.to_string(), "host", access == Access::Read)
    }

    /// Shows commands of the shell at another path than `/bin`: those that were found in this folder or package of the host.
    /// Returns how many.
    ///
    /// ```
    /// let dir = tempfile::tempdir().unwrap();
    /// std::fs::write(dir.path().join("true.wasm"), b"\0asm\x01\0\0\0").unwrap();
    /// let session = hob::Host::builder().build()?.shell().bin(dir.path())?.build()?.session()?;
    /// assert_eq!(session.mount_commands(dir.path(), "/opt/bin")?, 1);
    /// assert!(session.stat("/opt/bin/true").is_ok());
    /// assert_eq!(session.mount_commands("/", "/opt/all")?, 1);
    /// assert_eq!(session.mount_commands("/no/such/folder", "/opt/none")?, 0);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is something else than a directory at the path.
    pub fn mount_commands(&self, path: impl AsRef<Path>, guest: &str) -> Result<usize, Error> {
        let guest = GuestPath::new(guest).map_err(|error| refused(error.to_string()))?;
        let found = found_in(&self.shell.inner.sources, path.as_ref());
        let count = found.len();
        if count > 0 {
            let root = found.tree(self.next_device());
            self.show(guest.as_str(), root, "commands".into(), "image", true)?;
        }
        Ok(count)
    }

    fn next_device(&self) -> u64 {
        device::LATER + self.mounted.fetch_add(1, Ordering::Relaxed)
    }

    fn show(
        &self,
        at: &str,
        root: NodeRef,
        source: String,
        kind: &'static str,
        read_only: bool,
    ) -> Result<(), Error> {
        let mount = Mount { root, path: at.as_bytes().to_vec(), source, kind, read_only };
        self.kernel.mount(mount).map_err(|error| failed(&format!("mount {at}"), error))
    }
}

impl Shell {
    /// The names of those commands that were found in this folder or package of the host, in order.
    ///
    /// ```
    /// let dir = tempfile::tempdir().unwrap();
    /// std::fs::write(dir.path().join("true.wasm"), b"\0asm\x01\0\0\0").unwrap();
    /// let shell = hob::Host::builder().build()?.shell().bin(dir.path())?.build()?;
    /// assert_eq!(shell.commands_in(dir.path()), ["true"]);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn commands_in(&self, path: impl AsRef<Path>) -> Vec<String> {
        found_in(&self.inner.sources, path.as_ref()).names().map(ToOwned::to_owned).collect()
    }
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::Grant(why))
}

/// The innermost grant that covers a path, and where below it that lies. What it says is a hint: the directory is opened
/// below the one that is held, and cannot lie elsewhere.
fn granted<'a>(dirs: &'a [(HostDir, FsGrant)], path: &Path) -> Option<(&'a HostDir, &'a FsGrant, PathBuf)> {
    let path = plain(path)?;
    let real = std::fs::canonicalize(&path).ok();
    let covering = dirs.iter().filter_map(|(dir, grant)| {
        let host = plain(Path::new(&grant.host))?;
        let below = |path: &Path, host: &Path| path.strip_prefix(host).map(Path::to_owned).ok();
        // As it is written, or as it is once links are followed.
        let written = below(&path, &host);
        let followed = || below(real.as_deref()?, &std::fs::canonicalize(&host).ok()?);
        Some((dir, grant, written.or_else(followed)?))
    });
    covering.min_by_key(|(_, _, below)| below.components().count())
}

/// An absolute path without `.`; none for one with `..`, which means what links say.
fn plain(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let is_plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    path.components().all(is_plain).then(|| path.components().collect())
}

fn found_in(commands: &Commands, path: &Path) -> Commands {
    let Ok(wanted) = std::fs::canonicalize(path) else { return Commands::default() };
    let mut known: Vec<(Arc<Path>, bool)> = Vec::new();
    let is_in = |origin: &bin::Origin| {
        let Ok(real) = std::fs::canonicalize(&origin.path) else { return false };
        // The folder of commands inside a package stands for the package.
        real.starts_with(&wanted) || (origin.package.is_some() && wanted.starts_with(&real))
    };
    let mut keep = |origin: &Origin| match known.iter().find(|(path, _)| **path == *origin.path) {
        Some((_, is)) => *is,
        None => {
            let is = is_in(origin);
            known.push((Arc::from(origin.path.as_path()), is));
            is
        }
    };
    commands.from_where(&mut keep)
}

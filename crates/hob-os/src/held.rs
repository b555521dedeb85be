//! Files and folders of the host that whoever runs a session names, to show their bytes as something else: commands and
//! images. Opened once, listed, and read where they lie.
//!
//! What it promises:
//!
//! * A path is followed once, as it was written by who runs the session. Below it there are only single names, and a
//!   link is followed only where the caller says so.
//! * Only regular files and directories are opened, and none on a file system that operates the kernel.
//! * What is read is the file as it was when it was opened; when it was written since, reading fails.
//!
//! Stops: a package that holds a link to a file elsewhere, and so shows it to a guest; an open that waits at a pipe or acts
//! on a device; a file that is half an old version and half a new one.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType as SysType, Mode, OFlags, RawDir, Stat};

use crate::fs::meta::{kind, told};
use crate::fs::pseudo;
use crate::{Errno, FileStat, FileType, Result};

/// How long after its last change a file counts as settled: longer than the steps in which file systems keep times.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// The bytes of entries read from the kernel at once.
const BUFFER_BYTES: usize = 8192;

/// How regular files are opened: without waiting, and without becoming anybody's terminal.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// What a path of the host names.
#[derive(Debug)]
pub enum Held {
    /// A regular file.
    File(HeldFile),
    /// A directory.
    Folder(HeldFolder),
}

impl Held {
    /// Opens what a path names, following links. Errors: those of the host; [`Errno::Perm`] for anything that is neither
    /// a file nor a directory, and on a file system that operates the kernel.
    pub fn open(path: &Path) -> Result<Self> {
        let look = OFlags::PATH | OFlags::CLOEXEC;
        let seen = rustix::fs::open(path, look, Mode::empty())?;
        pseudo::refuse(&seen)?;
        let seen = rustix::fs::fstat(&seen)?;
        match SysType::from_raw_mode(seen.st_mode) {
            SysType::Directory => {
                let fd = rustix::fs::open(path, READ | OFlags::DIRECTORY, Mode::empty())?;
                Ok(Self::Folder(HeldFolder::new(fd)?))
            }
            SysType::RegularFile => {
                let fd = rustix::fs::open(path, READ, Mode::empty())?;
                Ok(Self::File(HeldFile::new(fd)?))
            }
            _ => Err(Errno::Perm.into()),
        }
    }
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldName {
    /// The name, in whatever bytes the host has it.
    pub name: Vec<u8>,
    /// Whether it is a directory, a regular file, a link, or none of them.
    pub kind: HeldKind,
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldKind {
    /// A regular file.
    File,
    /// A directory.
    Folder,
    /// A symbolic link.
    Link,
    /// Something that is never opened.
    Other,
}

/// A directory of the host, held open.
#[derive(Debug)]
pub struct HeldFolder {
    fd: OwnedFd,
}

impl HeldFolder {
    fn new(fd: OwnedFd) -> Result<Self> {
        pseudo::refuse(&fd)?;
        Ok(Self { fd })
    }

    /// Its names, sorted, without `.` and `..`. Errors: [`Errno::Overflow`] for more than `max`.
    pub fn names(&self, max: usize) -> Result<Vec<HeldName>> {
        // A descriptor of its own: the position of a listing is that of the descriptor.
        let fd = rustix::fs::openat(&self.fd, ".", READ | OFlags::DIRECTORY, Mode::empty())?;
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut entries = RawDir::new(&fd, &mut buffer);
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if names.len() >= max {
                return Err(Errno::Overflow.into());
            }
            let kind = match kind(entry.file_type()) {
                FileType::Unknown => kind(SysType::from_raw_mode(self.stat(name)?.st_mode)),
                known => known,
            };
            names.push(HeldName { name: name.to_vec(), kind: kind.into() });
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Opens a regular file in it. Errors: [`Errno::Noent`]; [`Errno::Loop`] for a link; [`Errno::IsDir`];
    /// [`Errno::Perm`] for anything else.
    pub fn file(&self, name: &[u8]) -> Result<HeldFile> {
        match SysType::from_raw_mode(self.stat(name)?.st_mode) {
            SysType::RegularFile => {}
            SysType::Symlink => return Err(Errno::Loop.into()),
            SysType::Directory => return Err(Errno::IsDir.into()),
            _ => return Err(Errno::Perm.into()),
        }
        HeldFile::new(rustix::fs::openat(&self.fd, name, READ | OFlags::NOFOLLOW, Mode::empty())?)
    }

    /// Opens a directory in it. Errors: [`Errno::Noent`]; [`Errno::NotDir`] for anything else, a link included unless it
    /// is followed, wherever it leads.
    pub fn folder(&self, name: &[u8], follow: bool) -> Result<Self> {
        single(name)?;
        let follow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let flags = READ | OFlags::DIRECTORY | follow;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty())?;
        Self::new(fd)
    }

    /// The text of a link in it. Errors: [`Errno::Inval`] for anything else.
    pub fn link(&self, name: &[u8]) -> Result<Vec<u8>> {
        single(name)?;
        Ok(rustix::fs::readlinkat(&self.fd, name, Vec::new())?.into_bytes())
    }

    fn stat(&self, name: &[u8]) -> Result<Stat> {
        single(name)?;
        Ok(rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

/// Refuses what is not one name.
fn single(name: &[u8]) -> Result<()> {
    if name.is_empty() || matches!(name, b"." | b"..") || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
        return Err(Errno::Inval.into());
    }
    Ok(())
}

impl From<FileType> for HeldKind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::SymbolicLink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// One state of one file of the host: any change of its bytes makes another, unless who changes it also sets the host's
/// clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileVersion {
    device: u64,
    inode: u64,
    size: u64,
    modified: u64,
    changed: u64,
}

impl From<FileStat> for FileVersion {
    fn from(stat: FileStat) -> Self {
        let FileStat { device, inode, size, modified, changed, .. } = stat;
        Self { device, inode, size, modified, changed }
    }
}

/// A regular file of the host, held open for reading.
#[derive(Debug)]
pub struct HeldFile {
    fd: OwnedFd,
    version: FileVersion,
}

impl HeldFile {
    fn new(fd: OwnedFd) -> Result<Self> {
        let stat = rustix::fs::fstat(&fd)?;
        if SysType::from_raw_mode(stat.st_mode) != SysType::RegularFile {
            return Err(Errno::Perm.into());
        }
        pseudo::refuse(&fd)?;
        Ok(Self { fd, version: told(&stat).into() })
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.version.size
    }

    /// Reads from `offset`; 0 is the end. Errors: [`Errno::Stale`] when it was written since it was opened.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let read = rustix::io::pread(&self.fd, buf, offset)?;
        let now = version(&self.fd)?;
        if (now.size, now.modified) != (self.version.size, self.version.modified) {
            return Err(Errno::Stale.into());
        }
        Ok(read)
    }

    /// What its bytes may be called for ever: its present state, if whoever writes it from now on makes another one.
    /// `None` for a file that changed a moment ago, because a second change in the same step of the clock would not show,
    /// and for one that was written since it was opened.
    pub fn settled(&self) -> Result<Option<FileVersion>> {
        let now = version(&self.fd)?;
        let same = (now.size, now.modified) == (self.version.size, self.version.modified);
        let changed = UNIX_EPOCH.checked_add(Duration::from_nanos(now.changed));
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        Ok((same && age.is_some_and(|age| age >= SETTLED_AFTER)).then_some(now))
    }
}

fn version(fd: impl AsFd) -> Result<FileVersion> {
    Ok(told(&rustix::fs::fstat(fd)?).into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(path: &Path) -> HeldFolder {
        match Held::open(path).unwrap() {
            Held::Folder(folder) => folder,
            Held::File(_) => panic!("a file"),
        }
    }

    #[test]
    fn names_are_listed_sorted_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b"), "b").unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        symlink("b", dir.path().join("c")).unwrap();
        let folder = folder(dir.path());
        let names = folder.names(3).unwrap();
        let want = [("a", HeldKind::Folder), ("b", HeldKind::File), ("c", HeldKind::Link)];
        assert!(
            names
                .iter()
                .map(|name| (name.name.as_slice(), name.kind))
                .eq(want.map(|(n, k)| (n.as_bytes(), k)))
        );
        assert_eq!(folder.names(3).unwrap(), names);
        assert_eq!(folder.names(2), Err(Errno::Overflow.into()));
    }

    #[test]
    fn only_single_names_of_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret"), "no").unwrap();
        let inside = dir.path().join("in");
        fs::create_dir_all(inside.join("sub")).unwrap();
        fs::write(inside.join("file"), "yes").unwrap();
        symlink("../secret", inside.join("link")).unwrap();
        symlink("..", inside.join("up")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, inside.join("pipe"), Mode::RUSR).unwrap();
        let inside = folder(&inside);
        let check = |name: &str, want: Errno| {
            assert_eq!(inside.file(name.as_bytes()).unwrap_err(), want.into(), "{name}");
        };
        check("link", Errno::Loop);
        check("pipe", Errno::Perm);
        check("sub", Errno::IsDir);
        check("none", Errno::Noent);
        check("../secret", Errno::Inval);
        check("sub/x", Errno::Inval);
        check("..", Errno::Inval);
        check("", Errno::Inval);
        check("a\0", Errno::Inval);
        let mut text = [0; 8];
        assert_eq!(inside.file(b"file").unwrap().read_at(&mut text, 1), Ok(2));
        assert!(inside.folder(b"up", false).is_err());
        assert!(inside.folder(b"..", true).is_err());
        assert!(inside.folder(b"up", true).unwrap().file(b"secret").is_ok());
        assert_eq!(inside.link(b"link").unwrap(), b"../secret");
    }

    #[test]
    fn devices_and_the_kernel_are_not_held() {
        for path in ["/dev/null", "/proc", "/proc/version", "/sys"] {
            assert_eq!(Held::open(Path::new(path)).unwrap_err(), Errno::Perm.into(), "{path}");
        }
        assert_eq!(Held::open(Path::new("/none")).unwrap_err(), Errno::Noent.into());
    }

    #[test]
    fn what_was_written_since_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "first").unwrap();
        let folder = folder(dir.path());
        let held = folder.file(b"a").unwrap();
        assert_eq!(held.settled(), Ok(None));
        // Removed is not written.
        fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
        assert_eq!(held.read_at(&mut [0; 8], 0), Ok(5));
        fs::write(dir.path().join("b"), "longer than first").unwrap();
        assert_eq!(held.read_at(&mut [0; 8], 0), Err(Errno::Stale.into()));
        assert_eq!(held.settled(), Ok(None));
    }

    #[test]
    fn a_file_that_is_old_has_a_state_of_its_own() {
        let exe = std::env::current_exe().unwrap();
        let open = || match Held::open(&exe).unwrap() {
            Held::File(file) => file,
            Held::Folder(_) => panic!("a folder"),
        };
        std::thread::sleep(SETTLED_AFTER);
        let (first, second) = (open().settled().unwrap(), open().settled().unwrap());
        assert!(first.is_some() && first == second);
    }
}

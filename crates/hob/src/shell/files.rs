//! The files of a session, from outside.
//!
//! Whoever holds a session may look at and change all of its files; what it makes belongs to the user of the session. Paths
//! are those that programs see, from the root where they do not say so. Nothing waits for a program: a pipe or a terminal
//! that has nothing to say is an error.

use hob_cap::Permit;
use hob_kernel::Errno;
use hob_kernel::fd::Flags;
use hob_kernel::fs::walk::{Last, Walker};
use hob_kernel::fs::{Kind, New, RenameHow, Stat, Time};
use hob_kernel::process::identity::{KEEP, USER};
use hob_kernel::process::meta::Subject;
use hob_kernel::process::{Base, How, Identity, Process};

use super::error::failed;
use super::session::Session;
use crate::error::Error;

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
}

impl Session {
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
        self.read_file_up_to(path, u64::MAX)
    }

    /// As [`Session::read_file`], of a file that has at most `max` bytes.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// assert!(session.read_file_up_to("/etc/hostname", 3).is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Session::read_file`]; it has more bytes.
    pub fn read_file_up_to(&self, path: &str, max: u64) -> Result<Vec<u8>, Error> {
        self.visit("read", path, |visitor| {
            let how = How { read: true, flags: NO_WAIT, ..How::default() };
            let fd = visitor.open(Base::Root, path.as_bytes(), how, 0)?;
            let mut bytes = Vec::new();
            let mut chunk = vec![0; 64 << 10];
            loop {
                let len = visitor.read(fd, &mut chunk)?;
                if len == 0 {
                    return Ok(bytes);
                }
                bytes.extend_from_slice(chunk.get(..len).unwrap_or_default());
                if u64::try_from(bytes.len()).is_ok_and(|len| len > max) {
                    return Err(Errno::Fbig.into());
                }
            }
        })
    }

    /// Makes `bytes` all that a file of the session holds; a new one belongs to the user.
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
        self.visit("write", path, |visitor| {
            let how = How { write: true, truncate: true, flags: NO_WAIT, ..How::default() };
            let fd = match visitor.open(Base::Root, path.as_bytes(), how, 0) {
                Err(error) if error.errno() == Errno::Noent => {
                    let how = How { create: true, mode: 0o644, ..how };
                    let fd = visitor.open(Base::Root, path.as_bytes(), how, 0)?;
                    owned_by_user(visitor, Subject::Fd(fd));
                    fd
                }
                other => other?,
            };
            let mut rest = bytes;
            while !rest.is_empty() {
                let done = visitor.write(fd, rest)?;
                rest = rest.get(done..).unwrap_or_default();
            }
            Ok(())
        })
    }

    /// What is in a directory, by name, without `.` and `..`.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/tmp/x", b"")?;
    /// assert_eq!(session.list("/tmp")?[0].name, b"x");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is no directory.
    pub fn list(&self, path: &str) -> Result<Vec<DirEntry>, Error> {
        self.visit("list", path, |visitor| {
            let how = How { read: true, directory: true, ..How::default() };
            let fd = visitor.open(Base::Root, path.as_bytes(), how, 0)?;
            let mut all = Vec::new();
            // 2 is behind `.` and `..`.
            visitor.list(fd, 2, &mut |entry| {
                all.push(DirEntry { name: entry.name.to_vec(), kind: entry.kind });
                true
            })?;
            all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            Ok(all)
        })
    }

    /// Metadata of what a path leads to.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// assert_eq!(session.stat("/etc/hostname")?.size, 4);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is nothing.
    pub fn stat(&self, path: &str) -> Result<Stat, Error> {
        self.visit("stat", path, |visitor| visitor.stat(Subject::Path(Base::Root, path.as_bytes(), true)))
    }

    /// As [`Session::stat`], of a link itself.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.make_link("nowhere", "/tmp/link")?;
    /// assert_eq!(session.stat_link("/tmp/link")?.kind, hob::FileKind::Link);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is nothing.
    pub fn stat_link(&self, path: &str) -> Result<Stat, Error> {
        self.visit("stat", path, |visitor| visitor.stat(Subject::Path(Base::Root, path.as_bytes(), false)))
    }

    /// The path without links that a path leads to.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.make_link("../etc", "/tmp/link")?;
    /// assert_eq!(session.real_path("/tmp/link/hostname")?, b"/etc/hostname");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it leads nowhere.
    pub fn real_path(&self, path: &str) -> Result<Vec<u8>, Error> {
        let (tree, who) = (self.kernel.tree(), Identity::of(0, 0));
        let found = Walker { tree, who: &who, me: 0 }.find(&tree.root, path.as_bytes(), Last::Follow);
        let place = found.and_then(hob_kernel::fs::walk::Found::existing);
        place.map(|place| place.path()).map_err(|error| failed(&format!("find {path}"), error))
    }

    /// Makes a directory.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.make_dir("/tmp/a")?;
    /// assert!(session.make_dir("/tmp/a").is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the name is taken, or the directory it is to be in is not there or read-only.
    pub fn make_dir(&self, path: &str) -> Result<(), Error> {
        self.visit("make the directory", path, |visitor| make_dir(visitor, path.as_bytes()))
    }

    /// Makes a directory and those it is to be in, unless they are there.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.make_dirs("/tmp/a/b")?;
    /// session.make_dirs("/tmp/a/b/c")?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a name is taken by something else, or a directory is read-only.
    pub fn make_dirs(&self, path: &str) -> Result<(), Error> {
        self.visit("make the directory", path, |visitor| {
            let path = path.as_bytes();
            let ends = path.iter().enumerate().filter(|(at, byte)| **byte == b'/' && *at > 0);
            for end in ends.map(|(at, _)| at).chain([path.len()]) {
                let part = path.get(..end).unwrap_or_default();
                match make_dir(visitor, part) {
                    Err(error) if error.errno() == Errno::Exist => {
                        let kind = visitor.stat(Subject::Path(Base::Root, part, true))?.kind;
                        if kind != Kind::Directory {
                            return Err(Errno::NotDir.into());
                        }
                    }
                    other => other?,
                }
            }
            Ok(())
        })
    }

    /// Takes away the name of anything but a directory.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/tmp/x", b"")?;
    /// session.remove_file("/tmp/x")?;
    /// assert!(session.stat("/tmp/x").is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is not there, a directory, or in a read-only one.
    pub fn remove_file(&self, path: &str) -> Result<(), Error> {
        self.visit("remove", path, |visitor| visitor.remove(Base::Root, path.as_bytes(), false))
    }

    /// Removes an empty directory.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.make_dir("/tmp/a")?;
    /// session.remove_dir("/tmp/a")?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is not there, no directory, not empty, or something is mounted there.
    pub fn remove_dir(&self, path: &str) -> Result<(), Error> {
        self.visit("remove", path, |visitor| visitor.remove(Base::Root, path.as_bytes(), true))
    }

    /// Gives something another name.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/tmp/x", b"x")?;
    /// session.rename("/tmp/x", "/tmp/y")?;
    /// assert_eq!(session.read_file("/tmp/y")?, b"x");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `rename(2)`.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        self.visit("rename", from, |visitor| {
            visitor.rename(Base::Root, from.as_bytes(), Base::Root, to.as_bytes(), RenameHow::Replace)
        })
    }

    /// Makes a symbolic link with this target.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.make_link("/etc/hostname", "/tmp/link")?;
    /// assert_eq!(session.read_link("/tmp/link")?, b"/etc/hostname");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the name is taken, or the directory it is to be in is not there or read-only.
    pub fn make_link(&self, target: &str, path: &str) -> Result<(), Error> {
        self.visit("link", path, |visitor| {
            visitor.make_link(target.as_bytes(), Base::Root, path.as_bytes())?;
            owned_by_user(visitor, Subject::Path(Base::Root, path.as_bytes(), false));
            Ok(())
        })
    }

    /// The target of a symbolic link.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// assert!(session.read_link("/etc/hostname").is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read_link(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.visit("read the link", path, |visitor| visitor.read_link(Base::Root, path.as_bytes()))
    }

    /// Gives a file one more name.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/tmp/x", b"x")?;
    /// session.hard_link("/tmp/x", "/tmp/y")?;
    /// assert_eq!(session.stat("/tmp/y")?.links, 2);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `link(2)`.
    pub fn hard_link(&self, from: &str, to: &str) -> Result<(), Error> {
        self.visit("link", to, |visitor| {
            visitor.link(Base::Root, from.as_bytes(), false, Base::Root, to.as_bytes())
        })
    }

    /// Sets the permission bits.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/tmp/x", b"")?;
    /// session.set_mode("/tmp/x", 0o600)?;
    /// assert_eq!(session.stat("/tmp/x")?.mode, 0o600);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is nothing, or it is read-only.
    pub fn set_mode(&self, path: &str, mode: u16) -> Result<(), Error> {
        self.visit("chmod", path, |visitor| {
            visitor.change_mode(Subject::Path(Base::Root, path.as_bytes(), true), mode)
        })
    }

    /// Sets the owner and the group, those that are given, of what a path leads to or of a link itself.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/tmp/x", b"")?;
    /// session.set_owner("/tmp/x", Some(0), None, true)?;
    /// assert_eq!(session.stat("/tmp/x")?.uid, 0);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is nothing, or it is read-only or of the host.
    pub fn set_owner(
        &self,
        path: &str,
        user: Option<u32>,
        group: Option<u32>,
        follow: bool,
    ) -> Result<(), Error> {
        self.visit("chown", path, |visitor| {
            let subject = Subject::Path(Base::Root, path.as_bytes(), follow);
            visitor.change_owner(subject, user.unwrap_or(KEEP), group.unwrap_or(KEEP))
        })
    }

    /// Sets when it was last read and last written, those that are given, in nanoseconds since 1970.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/tmp/x", b"")?;
    /// session.set_times("/tmp/x", None, Some(5))?;
    /// assert_eq!(session.stat("/tmp/x")?.modified, 5);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is nothing, or it is read-only.
    pub fn set_times(&self, path: &str, read: Option<u64>, written: Option<u64>) -> Result<(), Error> {
        self.visit("set the times of", path, |visitor| {
            let subject = Subject::Path(Base::Root, path.as_bytes(), true);
            let time = |time: Option<u64>| time.map_or(Time::Keep, Time::At);
            visitor.change_times(subject, time(read), time(written))
        })
    }

    /// Makes a file this long, with zeros at the end if it grows.
    ///
    /// ```
    /// # let session = hob::Host::builder().build()?.shell().build()?.session()?;
    /// session.write_file("/tmp/x", b"xyz")?;
    /// session.truncate("/tmp/x", 1)?;
    /// assert_eq!(session.read_file("/tmp/x")?, b"x");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is no file, or read-only; when the disk of the session is full.
    pub fn truncate(&self, path: &str, len: u64) -> Result<(), Error> {
        self.visit("truncate", path, |visitor| {
            let how = How { write: true, flags: NO_WAIT, ..How::default() };
            let fd = visitor.open(Base::Root, path.as_bytes(), how, 0)?;
            visitor.resize(fd, len)
        })
    }

    /// Does something as who holds the session, who may do everything in it.
    fn visit<T>(
        &self,
        what: &str,
        path: &str,
        act: impl FnOnce(&Process) -> hob_os::Result<T>,
    ) -> Result<T, Error> {
        let visitor = self.kernel.visitor(Identity::of(0, 0), Permit::full());
        act(&visitor)
            .map_err(|error| failed(&format!("{what} {}", hob_cap::escape_guest_text(path, 200)), error))
    }
}

/// Nobody waits for a program.
const NO_WAIT: Flags = Flags { append: false, nonblock: true, direct: false, sync: false };

fn make_dir(visitor: &Process, path: &[u8]) -> hob_os::Result<()> {
    visitor.make(Base::Root, path, New::Directory, 0o755)?;
    owned_by_user(visitor, Subject::Path(Base::Root, path, false));
    Ok(())
}

/// What was just made belongs to the user. In a directory of the host it does already, and cannot be given away.
fn owned_by_user(visitor: &Process, subject: Subject<'_>) {
    let _kept = visitor.change_owner(subject, USER, USER);
}

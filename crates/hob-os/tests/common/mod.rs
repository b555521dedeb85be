//! What the tests share: a host folder that goes away, and worlds that were granted parts of it.

#![expect(dead_code, reason = "no test file needs all of it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hob_cap::{Access, FsGrant, GuestPath};
use hob_os::{Errno, OpenHow, OsError, Rights, World, WorldBuilder, open_grant};
use tempfile::TempDir;

/// The first granted directory.
pub(crate) const DIR: u32 = 3;

/// A folder of the host.
pub(crate) struct Host(TempDir);

impl Host {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn dir(&self, name: &str) -> &Self {
        std::fs::create_dir_all(self.path(name)).unwrap();
        self
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    pub(crate) fn link(&self, text: &str, name: &str) -> &Self {
        std::os::unix::fs::symlink(text, self.path(name)).unwrap();
        self
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// A grant of a folder below this one.
    pub(crate) fn grant(&self, name: &str, guest: &str, access: Access) -> FsGrant {
        let host = self.path(name).to_str().unwrap().to_owned();
        FsGrant { host, guest: GuestPath::new(guest).unwrap(), access }
    }

    /// A world with these folders: host name, guest path, access; from descriptor 3 on.
    pub(crate) fn builder(&self, grants: &[(&str, &str, Access)]) -> WorldBuilder {
        grants.iter().fold(World::builder(), |builder, (name, guest, access)| {
            let grant = self.grant(name, guest, *access);
            builder.preopen(open_grant(&grant).unwrap(), &grant)
        })
    }

    pub(crate) fn world(&self, grants: &[(&str, &str, Access)]) -> World {
        self.builder(grants).build().unwrap()
    }

    /// A world with all of this folder, writable.
    pub(crate) fn writable(&self) -> World {
        self.world(&[("", "/", Access::ReadWrite)])
    }
}

/// What a call came to, with the error reduced to its name.
pub(crate) fn errno<T: std::fmt::Debug>(result: hob_os::Result<T>) -> Errno {
    match result {
        Err(OsError::Errno(errno)) => errno,
        other => panic!("expected an errno, got {other:?}"),
    }
}

pub(crate) fn read() -> OpenHow {
    OpenHow { rights: Rights::ALL.without(Rights::FD_WRITE), inheriting: Rights::ALL, ..OpenHow::default() }
}

pub(crate) fn write() -> OpenHow {
    OpenHow { rights: Rights::ALL, inheriting: Rights::ALL, ..OpenHow::default() }
}

pub(crate) fn create() -> OpenHow {
    OpenHow { create: true, ..write() }
}

pub(crate) fn follow(how: OpenHow) -> OpenHow {
    OpenHow { follow: true, ..how }
}

pub(crate) fn truncate(how: OpenHow) -> OpenHow {
    OpenHow { truncate: true, ..how }
}

/// Every name in a directory, sorted.
pub(crate) fn names(world: &mut World, fd: u32) -> Vec<String> {
    let mut names = Vec::new();
    world
        .readdir(fd, 0, &mut |entry| {
            names.push(String::from_utf8(entry.name.to_vec()).unwrap());
            true
        })
        .unwrap();
    names.sort();
    names
}

/// Every way a guest could change something at or below `path`, each of which must be refused.
pub(crate) fn assert_read_only(world: &mut World, dir: u32, path: &str) {
    use hob_os::SetTime;
    let inside = format!("{path}/new");
    let file = format!("{path}/file");
    let mut results = Vec::new();
    for how in [
        write(),
        truncate(write()),
        truncate(read()),
        create(),
        truncate(create()),
        OpenHow { create: true, ..read() },
    ] {
        results.push(("open file", world.open_at(dir, file.as_bytes(), follow(how)).map(drop)));
    }
    results.push(("create", world.open_at(dir, inside.as_bytes(), create()).map(drop)));
    results.push(("mkdir", world.create_directory_at(dir, inside.as_bytes())));
    results.push(("symlink", world.symlink_at(b"file", dir, inside.as_bytes())));
    results.push(("unlink", world.unlink_at(dir, file.as_bytes())));
    results.push(("rmdir", world.remove_directory_at(dir, format!("{path}/empty").as_bytes())));
    results.push(("rename inside", world.rename_at(dir, file.as_bytes(), dir, inside.as_bytes())));
    results.push(("link inside", world.link_at(dir, false, file.as_bytes(), dir, inside.as_bytes())));
    results.push(("times", world.set_times_at(dir, true, file.as_bytes(), SetTime::At(1), SetTime::At(1))));
    for (what, result) in results {
        assert!(matches!(errno(result), Errno::Perm | Errno::NotCapable), "{what} at {path}");
    }
}

/// Rounds of a race with another thread: so many, and then as many more as it takes until what was to be seen was seen. Where
/// there is one processor for both, that takes a while.
pub(crate) struct Rounds {
    number: u32,
    least: u32,
    began: std::time::Instant,
}

impl Rounds {
    pub(crate) fn of(least: u32) -> Self {
        Self { number: 0, least, began: std::time::Instant::now() }
    }

    /// The number of the next round, if there is one.
    pub(crate) fn next(&mut self, seen: bool) -> Option<u32> {
        let number = self.number;
        self.number += 1;
        if number < self.least {
            return Some(number);
        }
        assert!(seen || self.began.elapsed().as_secs() < 60, "the race was never won in a useful way");
        (!seen).then_some(number)
    }
}

/// Exchanges two names of the host over and over, until the returned function is called.
pub(crate) fn swapping(a: PathBuf, b: PathBuf) -> impl FnOnce() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let done = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&done);
    let swapper = std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE).unwrap();
        }
    });
    move || {
        done.store(true, Ordering::Relaxed);
        swapper.join().unwrap();
    }
}

//! Objects in a grant that are neither files nor directories, and file systems that are not storage.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use common::{DIR, Host, create, errno, follow, read, truncate, write};
use hob_cap::Access::{Read, ReadWrite};
use hob_cap::{FsGrant, GuestPath};
use hob_os::{Errno, FileType, GrantOpenError, OpenHow, World, open_grant};
use rustix::fs::{CWD, FileType as SysType, Mode, mknodat};

#[test]
fn a_pipe_a_socket_and_a_device_are_refused_at_once() {
    let host = Host::new();
    mknodat(CWD, host.path("pipe"), SysType::Fifo, Mode::RWXU, 0).unwrap();
    let _listener = UnixListener::bind(host.path("socket")).unwrap();
    host.link("pipe", "link");
    let mut objects = vec!["pipe", "socket", "link"];
    // Only a privileged host can make a device; the others are always tried.
    let null = rustix::fs::makedev(1, 3);
    if mknodat(CWD, host.path("null"), SysType::CharacterDevice, Mode::RWXU, null).is_ok() {
        objects.push("null");
    }
    let mut world = host.writable();
    let started = Instant::now();
    for name in objects {
        for how in
            [read(), write(), create(), truncate(write()), OpenHow { rights: hob_os::Rights::NONE, ..read() }]
        {
            assert_eq!(errno(world.open_at(DIR, name.as_bytes(), follow(how))), Errno::Perm, "{name}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(world.filestat_at(DIR, false, b"pipe").unwrap().kind, FileType::Unknown);
    world.unlink_at(DIR, b"pipe").unwrap();
}

#[test]
fn a_pipe_swapped_in_for_a_file_neither_blocks_nor_opens() {
    let host = Host::new();
    mknodat(CWD, host.path("pipe"), SysType::Fifo, Mode::RWXU, 0).unwrap();
    host.file("real", "text");
    let swapper = common::swapping(host.path("real"), host.path("pipe"));
    let mut world = host.writable();
    for round in 0..40_000 {
        let how = if round % 2 == 0 { read() } else { write() };
        if let Ok(fd) = world.open_at(DIR, b"real", how) {
            assert_eq!(world.fdstat(fd).unwrap().kind, FileType::RegularFile);
            assert_eq!(world.filestat(fd).unwrap().kind, FileType::RegularFile);
            world.close(fd).unwrap();
        }
    }
    swapper();
}

fn grant(host: &str) -> FsGrant {
    FsGrant { host: host.to_owned(), guest: GuestPath::new("/x").unwrap(), access: Read }
}

#[test]
fn kernel_file_systems_are_never_granted() {
    for path in ["/proc", "/proc/self", "/proc/self/fd", "/sys", "/sys/kernel"] {
        let error = open_grant(&grant(path)).unwrap_err();
        assert!(matches!(&error, GrantOpenError::Kernel { .. }), "{path}: {error}");
        assert!(error.to_string().contains(path), "{error}");
    }
    let own_device = std::fs::metadata("/dev").unwrap();
    use std::os::unix::fs::MetadataExt;
    if own_device.dev() != std::fs::metadata("/").unwrap().dev() {
        assert!(matches!(open_grant(&grant("/dev")), Err(GrantOpenError::Kernel { .. })));
    }
    let error = open_grant(&grant("/no/such/folder")).unwrap_err();
    assert!(error.to_string().contains("--dir /no/such/folder::/x"), "{error}");
    let host = Host::new();
    host.file("file", "");
    assert!(open_grant(&grant(host.path("file").to_str().unwrap())).is_err());
    // A directory the embedder opened itself is looked at as well.
    let proc = cap_std::fs::Dir::open_ambient_dir("/proc", cap_std::ambient_authority()).unwrap();
    assert_eq!(
        World::builder().preopen(proc, &grant("/proc")).build().err().map(|e| e.errno()),
        Some(Errno::Perm)
    );
}

#[test]
fn kernel_file_systems_below_a_grant_are_not_entered() {
    let root = FsGrant { access: ReadWrite, ..grant("/") };
    let mut world = World::builder().preopen(open_grant(&root).unwrap(), &root).build().unwrap();
    for path in
        ["proc", "proc/self/mem", "proc/1/root", "proc/self/fd/0", "sys/kernel", "proc/self/mem/", "sys"]
    {
        for how in [read(), write(), follow(write())] {
            assert_eq!(errno(world.open_at(DIR, path.as_bytes(), how)), Errno::Perm, "{path}");
        }
        assert_eq!(errno(world.filestat_at(DIR, true, path.as_bytes())), Errno::Perm, "{path}");
    }
    for path in ["dev/null", "dev/zero", "dev/tty", "dev/random"] {
        assert!(
            matches!(errno(world.open_at(DIR, path.as_bytes(), write())), Errno::Perm | Errno::Noent),
            "{path}"
        );
    }
}

//! Pipes, devices, sockets, file systems that are not storage, and programs with their owner's rights.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use hob_cap::Access::Read;
use hob_cap::FsGrant;
use hob_os::tree::{Kind, Named, Object, Rename};
use hob_os::{Errno, SetTime, open_grant};
use rustix::fs::{CWD, FileType as SysType, Mode, makedev, mknodat};

use crate::common::{Host, errno};
use crate::writable;

#[test]
fn a_pipe_a_socket_and_a_device_are_seen_and_refused_at_once() {
    let host = Host::new();
    mknodat(CWD, host.path("pipe"), SysType::Fifo, Mode::RWXU, 0).unwrap();
    let _listener = UnixListener::bind(host.path("socket")).unwrap();
    let mut objects = vec![("pipe", Kind::Fifo), ("socket", Kind::Socket)];
    // Only a privileged host can make devices; the others are always tried.
    for (name, kind, sys) in
        [("null", Kind::Character, SysType::CharacterDevice), ("disk", Kind::Block, SysType::BlockDevice)]
    {
        if mknodat(CWD, host.path(name), sys, Mode::RWXU, makedev(1, 3)).is_ok() {
            objects.push((name, kind));
        }
    }
    let dir = writable(&host);
    let started = Instant::now();
    for (name, kind) in objects {
        let object = dir.lookup(name.as_bytes()).unwrap();
        assert_eq!((object.kind(), object.stat().unwrap().kind), (kind, kind));
        assert_eq!(errno(object.open(false)), Errno::Perm, "{name}");
        assert_eq!(errno(object.open(true)), Errno::Perm, "{name}");
        assert_eq!(errno(object.set_mode(0o666)), Errno::Perm, "{name}");
        assert_eq!(errno(object.set_times(SetTime::Now, SetTime::Now)), Errno::Perm, "{name}");
        assert_eq!(errno(object.read_link()), Errno::Inval, "{name}");
        assert_eq!(errno(object.lookup(b"x")), Errno::NotDir, "{name}");
        dir.rename(name.as_bytes(), &dir, b"moved", Rename::Keep).unwrap();
        dir.unlink(b"moved", false).unwrap();
        assert!(!host.has(name));
    }
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn kernel_file_systems_are_no_tree_and_in_none() {
    for path in ["/proc", "/proc/self", "/sys"] {
        let dir = cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap();
        assert_eq!(errno(Object::root(&dir, Read)), Errno::Perm, "{path}");
    }
    let all = FsGrant::parse("/::/host:rw").unwrap();
    let root = Object::root(&open_grant(&all).unwrap(), all.access).unwrap();
    assert_eq!(errno(root.lookup(b"proc")), Errno::Perm);
    assert_eq!(errno(root.lookup(b"sys")), Errno::Perm);
    if let Ok(dev) = root.lookup(b"dev") {
        for name in [b"null".as_slice(), b"zero", b"tty", b"random"] {
            if let Ok(device) = dev.lookup(name) {
                assert_eq!(errno(device.open(true)), Errno::Perm);
            }
        }
        if let Ok(found) = dev.lookup(b"pts") {
            panic!("{found:?} lies on a file system of terminals");
        }
    }
}

#[test]
fn no_program_gets_the_rights_of_its_owner() {
    let host = Host::new();
    let dir = writable(&host);
    let mode = |name: &str| fs::metadata(host.path(name)).unwrap().mode() & 0o7777;
    let made = dir.make(b"program", Named::File, 0o6777).unwrap();
    assert_eq!(mode("program") & 0o7000, 0);
    made.set_mode(0o7755).unwrap();
    assert_eq!(mode("program"), 0o755);
    dir.make(b"sub", Named::Directory, 0o7777).unwrap();
    assert_eq!(mode("sub") & 0o7000, 0);
    let unnamed = dir.make_unnamed(0o6777).unwrap();
    assert_eq!(unnamed.stat().unwrap().mode & 0o7000, 0);
    // One the host made is not given other code, and loses the bits with its next mode.
    fs::set_permissions(host.path("program"), fs::Permissions::from_mode(0o4755)).unwrap();
    assert_eq!(made.stat().unwrap().mode, 0o4755);
    let again = dir.lookup(b"program").unwrap();
    assert_eq!(errno(again.open(true)), Errno::Perm);
    again.open(false).unwrap();
    made.set_mode(0o4755).unwrap();
    assert_eq!(mode("program"), 0o755);
    dir.lookup(b"program").unwrap().open(true).unwrap();
    // A directory that hands its group on may go on doing so, and none begins to.
    let sub = dir.lookup(b"sub").unwrap();
    sub.set_mode(0o2755).unwrap();
    assert_eq!(mode("sub"), 0o755);
    fs::set_permissions(host.path("sub"), fs::Permissions::from_mode(0o2755)).unwrap();
    sub.set_mode(0o3775).unwrap();
    assert_eq!(mode("sub"), 0o3775);
    sub.set_mode(0o775).unwrap();
    assert_eq!(mode("sub"), 0o775);
}

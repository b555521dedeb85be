//! What granted directories promise as a file system, each promise by its own test.

mod grants;
mod links;

use std::fs;
use std::os::unix::fs::MetadataExt;

use hob_cap::FsGrant;
use hob_os::{Errno, Result, open_grant};
use tempfile::TempDir;

use super::HostFs;
use crate::fs::{Attributes, Change, Kind, New, NodeRef, RenameHow, Time, dev};
use crate::process::identity::USER;

const OWNER: Attributes = Attributes { mode: 0o640, uid: 0, gid: 7 };

/// A grant of a folder below another one.
fn grant(folder: &TempDir, name: &str, access: &str) -> FsGrant {
    FsGrant::parse(&format!("{}::/data:{access}", folder.path().join(name).display())).unwrap()
}

fn root(folder: &TempDir, access: &str) -> NodeRef {
    let grant = grant(folder, "", access);
    HostFs::root(9, open_grant(&grant).unwrap(), &grant).unwrap()
}

fn fails<T: std::fmt::Debug>(result: Result<T>, errno: Errno) {
    assert_eq!(result.unwrap_err().errno(), errno);
}

fn open_fails(node: &NodeRef, write: bool, errno: Errno) {
    fails(node.clone().open(write), errno);
}

#[test]
fn what_is_made_is_found_and_is_on_the_host() {
    let folder = TempDir::new().unwrap();
    let root = root(&folder, "rw");
    let node = root.make(b"file", New::File, OWNER).unwrap();
    let file = node.clone().open(true).unwrap();
    assert_eq!(file.append(b"one"), Ok((3, 3)));
    assert_eq!(file.write_at(b"!", 3), Ok(1));
    assert_eq!(file.extent(0).unwrap().map(|run| run.start), Some(0));
    assert_eq!(file.extent(1), Ok(None));
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"one!");
    let found = root.lookup(b"file").unwrap();
    assert_eq!((found.id(), found.kind(), found.id().device), (node.id(), Kind::File, 9));
    let (stat, host) = (found.stat().unwrap(), fs::metadata(folder.path().join("file")).unwrap());
    assert_eq!((stat.id, stat.size, stat.blocks, stat.links), (node.id(), 4, host.blocks(), 1));
    assert_eq!(stat.id.inode, host.ino());
    let sub = root.make(b"sub", New::Directory, Attributes { mode: 0o755, ..OWNER }).unwrap();
    root.rename(b"file", &sub, b"moved", RenameHow::Keep).unwrap();
    sub.link(b"again", &node).unwrap();
    let mut names = Vec::new();
    sub.list(0, &mut |entry| {
        assert_eq!((entry.inode, entry.kind), (node.id().inode, Kind::File));
        names.push(entry.name.to_vec());
        true
    })
    .unwrap();
    names.sort();
    assert_eq!(names, [b"again".to_vec(), b"moved".to_vec()]);
    sub.unlink(b"again", false).unwrap();
    fails(root.unlink(b"sub", true), Errno::NotEmpty);
    assert!(folder.path().join("sub/moved").exists());
    let space = root.space().unwrap();
    assert!(space.bytes > space.bytes_used && space.bytes_used > 0);
    assert_eq!((root.immutable(), node.immutable()), (None, None));
    fails(node.attribute(b"user.x"), Errno::NotSup);
    assert!(format!("{root:?}").contains("HostNode"));
}

#[test]
fn owners_are_told_by_what_they_mean_to_the_session() {
    let folder = TempDir::new().unwrap();
    let mine = root(&folder, "rw").make(b"file", New::File, OWNER).unwrap().stat().unwrap();
    assert_eq!((mine.uid, mine.gid, mine.mode), (USER, USER, 0o640));
    let grant = FsGrant::parse("/usr::/usr").unwrap();
    let usr = HostFs::root(3, open_grant(&grant).unwrap(), &grant).unwrap().stat().unwrap();
    let host = fs::metadata("/usr").unwrap();
    let own = fs::metadata(folder.path()).unwrap().uid() == host.uid();
    assert_eq!((usr.uid, usr.gid), if own { (USER, USER) } else { (0, 0) });
    assert_eq!(u32::from(usr.mode), host.mode() & 0o7777);
    // Only a privileged host can give a file away.
    if std::os::unix::fs::chown(folder.path().join("file"), Some(12345), Some(1000)).is_ok() {
        let theirs = root(&folder, "rw").lookup(b"file").unwrap();
        assert_eq!((theirs.stat().unwrap().uid, theirs.stat().unwrap().gid), (0, 0));
        fails(theirs.change(&Change { uid: Some(USER), ..Change::default() }), Errno::Perm);
    }
}

#[test]
fn modes_and_times_change_and_owners_do_not() {
    let folder = TempDir::new().unwrap();
    let node = root(&folder, "rw").make(b"file", New::File, OWNER).unwrap();
    for (uid, gid) in [(Some(0), None), (None, Some(0)), (Some(USER), Some(0))] {
        let change = Change { mode: Some(0o777), uid, gid, ..Change::default() };
        fails(node.change(&change), Errno::Perm);
    }
    assert_eq!(node.stat().unwrap().mode, 0o640, "a refused change changes nothing");
    node.change(&Change { mode: Some(0o6751), uid: Some(USER), gid: Some(USER), ..Change::default() })
        .unwrap();
    assert_eq!(node.stat().unwrap().mode, 0o751);
    node.change(&Change { accessed: Time::At(5), modified: Time::At(7_000_000_008), ..Change::default() })
        .unwrap();
    node.change(&Change { accessed: Time::Now, ..Change::default() }).unwrap();
    let stat = node.stat().unwrap();
    assert!(stat.accessed > stat.modified && stat.modified == 7_000_000_008);
    node.change(&Change::default()).unwrap();
}

#[test]
fn pipes_devices_and_sockets_are_neither_made_nor_opened() {
    let folder = TempDir::new().unwrap();
    let root = root(&folder, "rw");
    for new in [New::Fifo, New::Socket, New::Character(dev::NULL), New::Block(1)] {
        fails(root.make(b"new", new, OWNER), Errno::Perm);
    }
    let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let socket = root.lookup(b"socket").unwrap();
    assert_eq!((socket.kind(), socket.stat().unwrap().device), (Kind::Socket, 0));
    open_fails(&socket, false, Errno::Perm);
    let grant = FsGrant::parse("/::/host").unwrap();
    let host = HostFs::root(3, open_grant(&grant).unwrap(), &grant).unwrap();
    fails(host.lookup(b"proc"), Errno::Perm);
    let null = host.lookup(b"dev").and_then(|dev| dev.lookup(b"null"));
    if let Ok(null) = null {
        assert_eq!((null.kind(), null.stat().unwrap().device), (Kind::Character, 0));
        open_fails(&null, false, Errno::Perm);
    }
}

#[test]
fn objects_of_another_device_have_numbers_of_their_own() {
    let grant = FsGrant::parse("/::/host").unwrap();
    let host = HostFs::root(3, open_grant(&grant).unwrap(), &grant).unwrap();
    let Ok(dev) = host.lookup(b"dev") else { return };
    let (here, there) = (fs::metadata("/").unwrap(), fs::metadata("/dev").unwrap());
    assert_eq!(host.id().inode, here.ino());
    assert_eq!(dev.id().inode == there.ino(), here.dev() == there.dev());
    assert_eq!((dev.id().device, dev.id()), (3, host.lookup(b"dev").unwrap().id()));
    let _ends = dev.list(0, &mut |entry| {
        if let Ok(node) = dev.lookup(entry.name)
            && fs::symlink_metadata(
                std::path::Path::new("/dev").join(std::str::from_utf8(entry.name).unwrap()),
            )
            .is_ok_and(|meta| meta.dev() == there.dev())
        {
            assert_eq!(node.id().inode, entry.inode);
        }
        true
    });
}

//! Objects as the host sees them, and that they stay what they are.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use hob_os::tree::{Kind, Meta, Named, Rename};
use hob_os::{Errno, SetTime};

use crate::common::{Host, errno};
use crate::{bytes, listed, text, writable};

fn assert_told(told: &Meta, host: &fs::Metadata) {
    let nanoseconds = |seconds: i64, rest: i64| u64::try_from(seconds * 1_000_000_000 + rest).unwrap();
    assert_eq!((told.id.device, told.id.inode), (host.dev(), host.ino()));
    assert_eq!(u32::from(told.mode), host.mode() & 0o7777);
    assert_eq!((told.links, told.uid, told.gid), (host.nlink(), host.uid(), host.gid()));
    assert_eq!((told.size, told.blocks), (host.size(), host.blocks()));
    assert_eq!(told.accessed, nanoseconds(host.atime(), host.atime_nsec()));
    assert_eq!(told.modified, nanoseconds(host.mtime(), host.mtime_nsec()));
    assert_eq!(told.changed, nanoseconds(host.ctime(), host.ctime_nsec()));
    assert_eq!(told.own, host.uid() == rustix::process::geteuid().as_raw());
}

#[test]
fn metadata_is_what_the_host_says() {
    let host = Host::new();
    host.dir("dir/sub").file("file", "some text").link("file", "link");
    fs::hard_link(host.path("file"), host.path("other")).unwrap();
    fs::set_permissions(host.path("file"), fs::Permissions::from_mode(0o640)).unwrap();
    let dir = writable(&host);
    for (name, kind) in [("dir", Kind::Directory), ("file", Kind::File), ("link", Kind::Link)] {
        let object = dir.lookup(name.as_bytes()).unwrap();
        let told = object.stat().unwrap();
        assert_eq!((told.kind, object.kind(), object.id()), (kind, kind, told.id));
        assert_told(&told, &fs::symlink_metadata(host.path(name)).unwrap());
    }
    assert_told(&dir.stat().unwrap(), &fs::metadata(host.path("")).unwrap());
    assert_eq!(dir.lookup(b"file").unwrap().id(), dir.lookup(b"other").unwrap().id());
    assert_eq!(errno(dir.lookup(b"none")), Errno::Noent);
    assert_eq!(errno(dir.lookup(b"file").unwrap().lookup(b"x")), Errno::NotDir);
}

#[test]
fn somebody_elses_object_is_not_ones_own() {
    let root = hob_cap::FsGrant::parse("/usr::/usr").unwrap();
    let usr = hob_os::tree::Object::root(&hob_os::open_grant(&root).unwrap(), root.access).unwrap();
    let told = usr.lookup(b"bin").unwrap().stat().unwrap();
    assert_eq!(told.own, told.uid == rustix::process::geteuid().as_raw());
}

#[test]
fn times_are_set_of_the_object_itself() {
    let host = Host::new();
    host.dir("dir").file("file", "").link("file", "link");
    let dir = writable(&host);
    for name in ["dir", "file", "link"] {
        let object = dir.lookup(name.as_bytes()).unwrap();
        object.set_times(SetTime::At(1_500_000_001), SetTime::At(2_000_000_002)).unwrap();
        let told = fs::symlink_metadata(host.path(name)).unwrap();
        assert_eq!((told.atime(), told.atime_nsec()), (1, 500_000_001), "{name}");
        assert_eq!((told.mtime(), told.mtime_nsec()), (2, 2), "{name}");
        object.set_times(SetTime::Keep, SetTime::Now).unwrap();
        let told = fs::symlink_metadata(host.path(name)).unwrap();
        assert_eq!(told.atime(), 1, "{name}");
        assert!(told.modified().unwrap().elapsed().unwrap().as_secs() < 60, "{name}");
    }
}

#[test]
fn a_mode_is_set_whatever_the_object_is_called_now() {
    let host = Host::new();
    host.file("file", "").file("other", "");
    let dir = writable(&host);
    let file = dir.lookup(b"file").unwrap();
    fs::rename(host.path("file"), host.path("moved")).unwrap();
    fs::rename(host.path("other"), host.path("file")).unwrap();
    file.set_mode(0o604).unwrap();
    assert_eq!(fs::metadata(host.path("moved")).unwrap().mode() & 0o7777, 0o604);
    assert_ne!(fs::metadata(host.path("file")).unwrap().mode() & 0o7777, 0o604);
}

#[test]
fn a_file_survives_renames_and_removal_by_anybody() {
    let host = Host::new();
    host.dir("sub").file("file", "text");
    let dir = writable(&host);
    let node = dir.lookup(b"file").unwrap();
    let file = node.open(true).unwrap();
    dir.rename(b"file", &dir.lookup(b"sub").unwrap(), b"guest", Rename::Replace).unwrap();
    file.append(b" one").unwrap();
    fs::rename(host.path("sub/guest"), host.path("host")).unwrap();
    node.open(true).unwrap().append(b" two").unwrap();
    assert_eq!(host.text("host"), "text one two");
    host.file("file", "another");
    fs::remove_file(host.path("host")).unwrap();
    node.open(true).unwrap().append(b" three").unwrap();
    assert_eq!(bytes(&file), b"text one two three");
    assert_eq!(node.stat().unwrap().links, 0);
    assert_eq!(errno(dir.link(b"back", &node)), Errno::Noent);
    assert_eq!(host.text("file"), "another");
}

#[test]
fn a_directory_survives_renames_and_is_empty_once_removed() {
    let host = Host::new();
    host.dir("dir").dir("elsewhere");
    let dir = writable(&host);
    let sub = dir.lookup(b"dir").unwrap();
    fs::rename(host.path("dir"), host.path("elsewhere/moved")).unwrap();
    host.dir("dir");
    sub.make(b"file", Named::File, 0o644).unwrap();
    assert!(host.has("elsewhere/moved/file") && !host.has("dir/file"));
    sub.unlink(b"file", false).unwrap();
    fs::remove_dir(host.path("elsewhere/moved")).unwrap();
    assert_eq!(errno(sub.make(b"file", Named::File, 0o644)), Errno::Noent);
    assert_eq!(errno(sub.lookup(b"file")), Errno::Noent);
    assert_eq!(sub.stat().unwrap().links, 0);
}

#[test]
fn names_and_texts_are_bytes() {
    let host = Host::new();
    let dir = writable(&host);
    let name: &[u8] = b"no\xfftext\n";
    dir.make(name, Named::Link(b"/guest's own/\xfe"), 0).unwrap();
    assert_eq!(dir.lookup(name).unwrap().read_link().unwrap(), b"/guest's own/\xfe");
    assert_eq!(listed(&dir), [name]);
    let host_path = host.path("").join(std::ffi::OsStr::from_bytes(name));
    assert_eq!(fs::read_link(host_path).unwrap().as_os_str().as_bytes(), b"/guest's own/\xfe");
    for (text, expected) in
        [(b"".as_slice(), Errno::Noent), (b"a\0b", Errno::Inval), (&[b'a'; 4096], Errno::NameTooLong)]
    {
        assert_eq!(errno(dir.make(b"other", Named::Link(text), 0)), expected);
    }
    let long = [b'a'; 4095];
    assert_eq!(dir.make(b"long", Named::Link(&long), 0).unwrap().read_link().unwrap(), long);
}

#[test]
fn room_is_told_as_the_host_tells_it() {
    let host = Host::new();
    let told = writable(&host).room().unwrap();
    let host = rustix::fs::statvfs(host.path("")).unwrap();
    assert_eq!((told.bytes, told.inodes), (host.f_blocks * host.f_frsize, host.f_files));
    assert!(told.bytes_free <= told.bytes && told.inodes_free <= told.inodes);
}

#[test]
fn who_makes_a_file_writes_it_once_whatever_its_mode() {
    let host = Host::new();
    let dir = writable(&host);
    let made = dir.make(b"object", Named::File, 0o400).unwrap();
    made.open(true).unwrap().append(b"content").unwrap();
    assert_eq!(text(&dir, "object"), "content");
    if !rustix::process::geteuid().is_root() {
        assert_eq!(errno(made.open(true)), Errno::Acces);
        assert_eq!(errno(dir.lookup(b"object").unwrap().open(true)), Errno::Acces);
    }
    let secret = dir.make(b"secret", Named::File, 0o200).unwrap();
    drop(secret.open(true).unwrap());
    secret.open(true).unwrap().append(b"only written").unwrap();
    if !rustix::process::geteuid().is_root() {
        assert_eq!(errno(secret.open(false)), Errno::Acces);
    }
    assert_eq!(errno(dir.make(b"secret", Named::File, 0o600)), Errno::Exist);
}

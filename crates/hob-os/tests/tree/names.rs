//! Making, linking, moving and removing names.

use std::fs;
use std::os::unix::fs::MetadataExt;

use hob_os::Errno;
use hob_os::tree::{Kind, Named, Rename};

use crate::common::{Host, errno};
use crate::{bytes, listed, text, writable};

#[test]
fn each_way_to_rename_does_what_it_says() {
    let host = Host::new();
    host.dir("sub/full").file("a", "a").file("b", "b").dir("empty").dir("other");
    let dir = writable(&host);
    let sub = dir.lookup(b"sub").unwrap();
    assert_eq!(errno(dir.rename(b"a", &dir, b"b", Rename::Keep)), Errno::Exist);
    assert_eq!(errno(dir.rename(b"a", &dir, b"none", Rename::Exchange)), Errno::Noent);
    assert_eq!(errno(dir.rename(b"none", &dir, b"a", Rename::Replace)), Errno::Noent);
    dir.rename(b"a", &dir, b"b", Rename::Exchange).unwrap();
    assert_eq!((host.text("a"), host.text("b")), ("b".into(), "a".into()));
    dir.rename(b"a", &sub, b"a", Rename::Keep).unwrap();
    dir.rename(b"b", &sub, b"a", Rename::Replace).unwrap();
    assert_eq!((host.text("sub/a"), host.has("a"), host.has("b")), ("a".into(), false, false));
    // A file and a directory change places, and one does not replace the other.
    sub.rename(b"a", &dir, b"empty", Rename::Exchange).unwrap();
    assert_eq!(host.text("empty"), "a");
    assert_eq!(errno(dir.rename(b"empty", &sub, b"a", Rename::Replace)), Errno::IsDir);
    assert_eq!(errno(sub.rename(b"a", &dir, b"empty", Rename::Replace)), Errno::NotDir);
    assert_eq!(errno(dir.rename(b"other", &dir, b"sub", Rename::Replace)), Errno::NotEmpty);
    dir.rename(b"other", &sub, b"a", Rename::Replace).unwrap();
    assert_eq!(errno(dir.rename(b"sub", &sub, b"below", Rename::Replace)), Errno::Inval);
    assert_eq!(errno(dir.rename(b"empty", &sub.lookup(b"full").unwrap(), b"x/", Rename::Keep)), Errno::Inval);
    assert_eq!(listed(&dir), [b"empty".to_vec(), b"sub".to_vec()]);
}

#[test]
fn a_link_shares_the_object_and_one_of_a_link_is_of_itself() {
    let host = Host::new();
    host.file("file", "text").link("file", "link").dir("sub");
    let dir = writable(&host);
    let sub = dir.lookup(b"sub").unwrap();
    sub.link(b"hard", &dir.lookup(b"file").unwrap()).unwrap();
    assert_eq!(dir.lookup(b"file").unwrap().stat().unwrap().links, 2);
    assert_eq!(sub.lookup(b"hard").unwrap().id(), dir.lookup(b"file").unwrap().id());
    sub.link(b"soft", &dir.lookup(b"link").unwrap()).unwrap();
    assert_eq!(sub.lookup(b"soft").unwrap().kind(), Kind::Link);
    assert_eq!(sub.lookup(b"soft").unwrap().id(), dir.lookup(b"link").unwrap().id());
    assert_eq!(errno(sub.link(b"dir", &sub)), Errno::Perm);
    assert_eq!(errno(sub.link(b"hard", &dir.lookup(b"link").unwrap())), Errno::Exist);
    dir.unlink(b"file", false).unwrap();
    assert_eq!(text(&sub, "hard"), "text");
}

#[test]
fn a_removal_says_which_of_both_it_means() {
    let host = Host::new();
    host.dir("full/sub").file("file", "").link("full", "link");
    let dir = writable(&host);
    assert_eq!(errno(dir.unlink(b"file", true)), Errno::NotDir);
    assert_eq!(errno(dir.unlink(b"link", true)), Errno::NotDir);
    assert_eq!(errno(dir.unlink(b"full", true)), Errno::NotEmpty);
    assert!(matches!(errno(dir.unlink(b"full", false)), Errno::IsDir | Errno::Perm));
    assert_eq!(errno(dir.unlink(b"none", false)), Errno::Noent);
    dir.unlink(b"link", false).unwrap();
    dir.lookup(b"full").unwrap().unlink(b"sub", true).unwrap();
    dir.unlink(b"full", true).unwrap();
    dir.unlink(b"file", false).unwrap();
    assert!(listed(&dir).is_empty());
}

#[test]
fn a_new_object_has_the_mode_that_was_asked_less_the_hosts_umask() {
    let host = Host::new();
    let dir = writable(&host);
    fs::File::create(host.path("by the host")).unwrap();
    let umask = 0o666 & !fs::metadata(host.path("by the host")).unwrap().mode();
    dir.make(b"file", Named::File, 0o666).unwrap();
    dir.make(b"private", Named::File, 0o600).unwrap();
    dir.make(b"dir", Named::Directory, 0o711).unwrap();
    let mode = |name: &str| fs::metadata(host.path(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("file"), 0o666 & !umask);
    assert_eq!(mode("private"), 0o600);
    assert_eq!(mode("dir") & 0o700, 0o700);
    assert_eq!(errno(dir.make(b"file", Named::Directory, 0o755)), Errno::Exist);
    assert_eq!(errno(dir.make(b"dir", Named::Link(b"x"), 0)), Errno::Exist);
}

#[test]
fn a_file_without_a_name_can_be_given_one() {
    let host = Host::new();
    let dir = writable(&host);
    let unnamed = match dir.make_unnamed(0o640) {
        Err(error) if error.errno() == Errno::NotSup => return,
        made => made.unwrap(),
    };
    let file = unnamed.open(true).unwrap();
    file.append(b"text").unwrap();
    assert!(listed(&dir).is_empty());
    assert_eq!(unnamed.stat().unwrap().links, 0);
    dir.link(b"named", &unnamed).unwrap();
    assert_eq!(host.text("named"), "text");
    assert_eq!(bytes(&unnamed.open(false).unwrap()), b"text");
}

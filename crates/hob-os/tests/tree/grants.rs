//! What a grant allows: read-only ones, and grants inside each other.

use std::fs;

use hob_cap::Access::{self, Read, ReadWrite};
use hob_os::tree::{Named, Object, Rename};
use hob_os::{Errno, SetTime};

use crate::common::{Host, errno};
use crate::{listed, root, roots};

/// Everything that changes something in a directory with `file`, `link` and `empty`, or below it.
fn changes(dir: &Object) -> Vec<(&'static str, hob_os::Result<()>)> {
    let file = dir.lookup(b"file").unwrap();
    let link = dir.lookup(b"link").unwrap();
    let empty = dir.lookup(b"empty").unwrap();
    let open = file.open(false).unwrap();
    vec![
        ("open", file.open(true).map(drop)),
        ("write", open.write_at(b"x", 0).map(drop)),
        ("append", open.append(b"x").map(drop)),
        ("append nothing", open.append(b"").map(drop)),
        ("resize", open.resize(0)),
        ("reserve", open.reserve(0, 9, false)),
        ("punch", open.punch(0, 1)),
        ("insert", open.insert(0, 4096)),
        ("collapse", open.collapse(0, 4096)),
        ("make file", dir.make(b"new", Named::File, 0o644).map(drop)),
        ("make directory", dir.make(b"new", Named::Directory, 0o755).map(drop)),
        ("make link", dir.make(b"new", Named::Link(b"x"), 0).map(drop)),
        ("make what is there", dir.make(b"file", Named::File, 0o644).map(drop)),
        ("make below", empty.make(b"new", Named::File, 0o644).map(drop)),
        ("make unnamed", dir.make_unnamed(0o644).map(drop)),
        ("link", dir.link(b"new", &file)),
        ("unlink", dir.unlink(b"file", false)),
        ("rmdir", dir.unlink(b"empty", true)),
        ("rename", dir.rename(b"file", dir, b"new", Rename::Replace)),
        ("rename into", dir.rename(b"file", &empty, b"new", Rename::Keep)),
        ("exchange", dir.rename(b"file", dir, b"link", Rename::Exchange)),
        ("mode", file.set_mode(0o600)),
        ("mode of directory", dir.set_mode(0o700)),
        ("times", file.set_times(SetTime::At(1), SetTime::At(1))),
        ("times of link", link.set_times(SetTime::Now, SetTime::Keep)),
        ("times of directory", dir.set_times(SetTime::Now, SetTime::Now)),
    ]
}

fn assert_read_only(dir: &Object) {
    for (what, result) in changes(dir) {
        assert_eq!(errno(result), Errno::Rofs, "{what}");
    }
}

fn folder(host: &Host, name: &str) {
    host.dir(&format!("{name}/empty")).file(&format!("{name}/file"), "kept");
    host.link("file", &format!("{name}/link"));
}

#[test]
fn a_read_only_grant_is_never_written_whatever_is_asked() {
    let host = Host::new();
    folder(&host, "data");
    folder(&host, "data/sub");
    let dir = root(&host, "data", Read);
    let before = fs::metadata(host.path("data/file")).unwrap();
    assert_read_only(&dir);
    assert_read_only(&dir.lookup(b"sub").unwrap());
    assert_eq!(host.text("data/file"), "kept");
    let after = fs::metadata(host.path("data/file")).unwrap();
    assert_eq!(
        (before.permissions(), before.modified().unwrap()),
        (after.permissions(), after.modified().unwrap())
    );
}

#[test]
fn a_writable_grant_allows_each_of_them() {
    let host = Host::new();
    folder(&host, "data");
    let dir = root(&host, "data", ReadWrite);
    for (what, result) in changes(&dir) {
        let because = result.err().map(|error| error.errno());
        // Bytes are not written through what was opened to read, and each change is made after the one before.
        assert_ne!(because, Some(Errno::Rofs), "{what}");
    }
}

#[test]
fn what_was_opened_to_read_is_not_written() {
    let host = Host::new();
    host.file("file", "kept");
    let file = crate::writable(&host).lookup(b"file").unwrap().open(false).unwrap();
    assert_eq!(errno(file.write_at(b"x", 0)), Errno::Badf);
    assert_eq!(errno(file.append(b"x")), Errno::Badf);
    assert_eq!(errno(file.reserve(0, 1 << 16, false)), Errno::Badf);
    assert!(file.resize(0).is_err());
    assert_eq!(host.text("file"), "kept");
}

#[test]
fn nothing_is_carried_between_two_grants() {
    let host = Host::new();
    folder(&host, "a");
    folder(&host, "b");
    for (access_a, access_b) in [(ReadWrite, ReadWrite), (Read, ReadWrite), (ReadWrite, Read)] {
        let (a, b) = (root(&host, "a", access_a), root(&host, "b", access_b));
        let together = roots(&host, &[("a", access_a), ("b", access_b)]);
        for (a, b) in [(&a, &b), (&together[0], &together[1])] {
            assert!(!a.same_grant(b) && a.same_grant(&a.lookup(b"empty").unwrap()));
            assert_eq!(errno(b.link(b"stolen", &a.lookup(b"file").unwrap())), Errno::Xdev);
            for how in [Rename::Replace, Rename::Keep, Rename::Exchange] {
                assert_eq!(errno(a.rename(b"file", b, b"file", how)), Errno::Xdev);
            }
        }
    }
    assert_eq!(listed(&root(&host, "b", Read)).len(), 3);
}

/// `data` writable and `data/secret` read-only, with an alias for the latter's parent.
fn nested(host: &Host, outer: Access, inner: Access) -> Vec<Object> {
    folder(host, "data");
    folder(host, "data/above/secret");
    roots(host, &[("data", outer), ("data/above/secret", inner)])
}

#[test]
fn the_lesser_access_holds_where_one_grant_leads_into_another() {
    let host = Host::new();
    let both = nested(&host, ReadWrite, Read);
    let secret = both[0].lookup(b"above").unwrap().lookup(b"secret").unwrap();
    assert_eq!(secret.id(), both[1].id());
    assert_read_only(&secret);
    assert_read_only(&both[1]);
    // Under another name it is the same.
    let above = both[0].lookup(b"above").unwrap();
    both[0].rename(b"above", &both[0], b"moved", Rename::Replace).unwrap();
    for parent in [&above, &both[0].lookup(b"moved").unwrap()] {
        assert_read_only(&parent.lookup(b"secret").unwrap());
    }
    assert_eq!(host.text("data/moved/secret/file"), "kept");
    // A wider one inside a narrower one is wide only through its own root.
    let host = Host::new();
    let both = nested(&host, Read, ReadWrite);
    assert_read_only(&both[0].lookup(b"above").unwrap().lookup(b"secret").unwrap());
    both[1].make(b"new", Named::File, 0o644).unwrap();
}

#[test]
fn nothing_is_carried_out_of_a_narrower_grant_or_into_it() {
    let host = Host::new();
    let both = nested(&host, ReadWrite, Read);
    let outer = &both[0];
    let secret = outer.lookup(b"above").unwrap().lookup(b"secret").unwrap();
    let file = secret.lookup(b"file").unwrap();
    assert_eq!(errno(outer.link(b"stolen", &file)), Errno::Rofs);
    assert_eq!(errno(secret.link(b"planted", &outer.lookup(b"file").unwrap())), Errno::Rofs);
    for how in [Rename::Replace, Rename::Keep, Rename::Exchange] {
        assert_eq!(errno(secret.rename(b"file", outer, b"stolen", how)), Errno::Rofs);
        assert_eq!(errno(outer.rename(b"file", &secret, b"planted", how)), Errno::Rofs);
    }
}

#[test]
fn the_root_of_a_grant_is_not_moved_replaced_or_removed() {
    for inner in [Read, ReadWrite] {
        let host = Host::new();
        let both = nested(&host, ReadWrite, inner);
        let above = both[0].lookup(b"above").unwrap();
        above.make(b"empty", Named::Directory, 0o755).unwrap();
        fs::remove_file(host.path("data/above/secret/file")).unwrap();
        fs::remove_file(host.path("data/above/secret/link")).unwrap();
        fs::remove_dir(host.path("data/above/secret/empty")).unwrap();
        assert_eq!(errno(above.unlink(b"secret", true)), Errno::Busy);
        assert_eq!(errno(above.unlink(b"secret", false)), Errno::Busy);
        assert_eq!(errno(above.rename(b"secret", &above, b"mine", Rename::Replace)), Errno::Busy);
        assert_eq!(errno(above.rename(b"empty", &above, b"secret", Rename::Replace)), Errno::Busy);
        assert_eq!(errno(above.rename(b"empty", &above, b"secret", Rename::Exchange)), Errno::Busy);
        assert_eq!(errno(above.make(b"secret", Named::Directory, 0o755)), Errno::Exist);
        assert!(host.has("data/above/secret"));
        assert_eq!(errno(above.unlink(b"none", false)), Errno::Noent);
    }
}

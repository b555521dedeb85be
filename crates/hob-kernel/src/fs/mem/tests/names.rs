//! Names, links, renames and listings.

use super::*;
use crate::fs::{Change, Kind, RenameHow, Time};

#[test]
fn objects_of_every_kind_are_what_they_were_made() {
    let fs = memory();
    let root = fs.root();
    for (name, new, kind, device, size) in [
        ("file", New::File, Kind::File, 0, 0),
        ("directory", New::Directory, Kind::Directory, 0, 4096),
        ("link", New::Link(b"to/where"), Kind::Link, 0, 8),
        ("fifo", New::Fifo, Kind::Fifo, 0, 0),
        ("character", New::Character(259), Kind::Character, 259, 0),
        ("block", New::Block(3), Kind::Block, 3, 0),
        ("socket", New::Socket, Kind::Socket, 0, 0),
    ] {
        let node = root.make(name.as_bytes(), new, OWNER).unwrap();
        fails(root.make(name.as_bytes(), new, OWNER), Errno::Exist);
        let stat = root.lookup(name.as_bytes()).unwrap().stat().unwrap();
        assert_eq!(stat.id, node.id());
        assert_eq!((stat.kind, stat.device, stat.size), (kind, device, size), "{name}");
        assert_eq!((stat.mode, stat.uid, stat.gid, stat.modified), (0o640, 7, 8, 1000));
        assert_eq!(stat.links, if kind == Kind::Directory { 2 } else { 1 });
        assert!(!node.read_only() && node.immutable().is_none());
        match kind {
            Kind::File => assert!(node.open(true).is_ok()),
            Kind::Directory => fails(node.open(false), Errno::IsDir),
            _ => fails(node.open(false), Errno::Nxio),
        }
    }
    assert_eq!(root.lookup(b"link").unwrap().read_link().unwrap(), b"to/where");
    fails(root.lookup(b"file").unwrap().read_link(), Errno::Inval);
    fails(root.lookup(b"file").unwrap().lookup(b"x"), Errno::NotDir);
    fails(root.lookup(b"file").unwrap().make(b"x", New::File, OWNER), Errno::NotDir);
    fails(root.lookup(b"none"), Errno::Noent);
    assert_eq!(root.stat().unwrap().links, 3);
}

#[test]
fn metadata_changes_as_asked_and_not_otherwise() {
    let fs = memory();
    let node = fs.root().make(b"f", New::File, OWNER).unwrap();
    let before = node.stat().unwrap();
    node.change(&Change::default()).unwrap();
    assert_eq!(node.stat().unwrap(), before);
    let change = Change { mode: Some(0o14_777), uid: Some(1), accessed: Time::At(5), ..Change::default() };
    node.change(&change).unwrap();
    let stat = node.stat().unwrap();
    assert_eq!((stat.mode, stat.uid, stat.gid, stat.accessed, stat.modified), (0o4777, 1, 8, 5, 1000));
    node.change(&Change { gid: Some(2), modified: Time::At(6), accessed: Time::Now, ..Change::default() })
        .unwrap();
    let stat = node.stat().unwrap();
    assert_eq!((stat.uid, stat.gid, stat.accessed, stat.modified), (1, 2, 1000, 6));
}

#[test]
fn links_are_counted_and_an_object_without_names_lives_while_it_is_used() {
    let fs = memory();
    let root = fs.root();
    let empty = fs.space();
    let node = root.make(b"a", New::File, OWNER).unwrap();
    let below = directory(&root, "d");
    below.link(b"b", &node).unwrap();
    fails(below.link(b"b", &node), Errno::Exist);
    fails(root.link(b"e", &below), Errno::Perm);
    fails(root.link(b"x", &memory().root().make(b"f", New::File, OWNER).unwrap()), Errno::Xdev);
    assert_eq!(node.stat().unwrap().links, 2);
    let open = node.clone().open(true).unwrap();
    open.write_at(b"bytes", 0).unwrap();
    fails(root.unlink(b"a", true), Errno::NotDir);
    fails(root.unlink(b"d", false), Errno::IsDir);
    fails(root.unlink(b"d", true), Errno::NotEmpty);
    root.unlink(b"a", false).unwrap();
    below.unlink(b"b", false).unwrap();
    assert_eq!(node.stat().unwrap().links, 0);
    fails(root.link(b"again", &node), Errno::Noent);
    drop(node);
    root.unlink(b"d", true).unwrap();
    assert_eq!(below.stat().unwrap().links, 0);
    fails(below.make(b"x", New::File, OWNER), Errno::Noent);
    drop(below);
    let mut buf = [0; 9];
    assert_eq!(open.read_at(&mut buf, 0), Ok(5));
    assert_ne!(fs.space(), empty);
    drop(open);
    assert_eq!(fs.space(), empty);
}

#[test]
fn an_unnamed_file_can_be_given_a_name_once_it_is_wanted() {
    let fs = memory();
    let root = fs.root();
    let empty = fs.space();
    drop(root.make_unnamed(OWNER).unwrap());
    assert_eq!(fs.space(), empty);
    let node = root.make_unnamed(OWNER).unwrap();
    assert_eq!(node.stat().unwrap().links, 0);
    root.link(b"f", &node).unwrap();
    root.unlink(b"f", false).unwrap();
    fails(root.link(b"f", &node), Errno::Noent);
}

#[test]
fn renaming_follows_posix() {
    use RenameHow::{Exchange, Keep, Replace};
    for (name, to_name, how, expected) in [
        ("f", "new", Replace, Ok(())),
        ("f", "g", Replace, Ok(())),
        ("f", "f", Replace, Ok(())),
        ("f", "twin", Replace, Ok(())),
        ("f", "twin", Keep, Err(Errno::Exist)),
        ("f", "empty", Replace, Err(Errno::IsDir)),
        ("empty", "f", Replace, Err(Errno::NotDir)),
        ("full", "empty", Replace, Ok(())),
        ("empty", "full", Replace, Err(Errno::NotEmpty)),
        ("none", "f", Replace, Err(Errno::Noent)),
        ("f", "g", Keep, Err(Errno::Exist)),
        ("f", "new", Keep, Ok(())),
        ("f", "new", Exchange, Err(Errno::Noent)),
        ("f", "full", Exchange, Ok(())),
        ("full", "empty", Exchange, Ok(())),
    ] {
        for across in [false, true] {
            let fs = memory();
            let root = fs.root();
            let to = if across { directory(&root, "other") } else { root.clone() };
            let file = root.make(b"f", New::File, OWNER).unwrap();
            to.link(b"twin", &file).unwrap();
            if across && name == to_name {
                to.link(b"f", &file).unwrap();
            }
            to.make(b"g", New::File, OWNER).unwrap();
            directory(&root, "full").make(b"x", New::File, OWNER).unwrap();
            directory(&root, "empty");
            for (name, full) in [("full", true), ("empty", false), ("f", false)] {
                if across && to_name == name && name != "f" {
                    let made = directory(&to, name);
                    if full {
                        directory(&made, "x");
                    }
                } else if across && to_name == "f" && name == "f" && to.lookup(b"f").is_err() {
                    to.make(b"f", New::File, OWNER).unwrap();
                }
            }
            let moved = root.lookup(name.as_bytes()).map(|node| node.id());
            let other = to.lookup(to_name.as_bytes()).map(|node| node.id());
            let done = root.rename(name.as_bytes(), &to, to_name.as_bytes(), how);
            let case = format!("{name} to {to_name}, {how:?}, across: {across}");
            assert_eq!(done.map_err(|error| error.errno()), expected, "{case}");
            let now = to.lookup(to_name.as_bytes()).map(|node| node.id());
            if expected.is_err() {
                assert_eq!(now, other, "{case}");
                continue;
            }
            assert_eq!(now, moved, "{case}");
            let left = root.lookup(name.as_bytes()).map(|node| node.id());
            match how {
                Exchange => assert_eq!(left, other, "{case}"),
                _ if other == moved => assert_eq!(left, moved, "{case}"),
                _ => fails(left, Errno::Noent),
            }
        }
    }
}

#[test]
fn a_directory_never_ends_up_below_itself() {
    let fs = memory();
    let root = fs.root();
    let a = directory(&root, "a");
    let b = directory(&a, "b");
    fails(root.rename(b"a", &a, b"x", RenameHow::Replace), Errno::Inval);
    fails(root.rename(b"a", &b, b"x", RenameHow::Replace), Errno::Inval);
    fails(a.rename(b"b", &root, b"a", RenameHow::Replace), Errno::NotEmpty);
    fails(a.rename(b"b", &root, b"a", RenameHow::Exchange), Errno::Inval);
    a.rename(b"b", &root, b"b", RenameHow::Replace).unwrap();
    root.rename(b"a", &b, b"a", RenameHow::Replace).unwrap();
    fails(root.rename(b"b", &a, b"x", RenameHow::Replace), Errno::Inval);
    assert_eq!((root.stat().unwrap().links, b.stat().unwrap().links), (3, 3));
}

#[test]
fn a_listing_goes_on_where_it_was() {
    let fs = memory();
    let root = fs.root();
    for number in 0..200 {
        file(&root, &format!("n{number}"));
    }
    let mut seen = Vec::new();
    let mut from = 0;
    for turn in 0.. {
        let mut got = 0;
        root.list(from, &mut |entry| {
            if got == 7 {
                return false;
            }
            got += 1;
            assert!(entry.next >= 3);
            from = entry.next;
            seen.push(String::from_utf8(entry.name.to_vec()).unwrap());
            true
        })
        .unwrap();
        if got == 0 {
            break;
        }
        // What comes and goes meanwhile: an entry already listed, one not yet listed, and one that is replaced.
        root.unlink(format!("n{turn}").as_bytes(), false).unwrap();
        let last = format!("n{}", 199 - turn);
        if seen.iter().all(|name| *name != last) {
            root.unlink(last.as_bytes(), false).unwrap();
        }
        if turn == 3 {
            file(&root, "tmp");
            root.rename(b"tmp", &root, b"n100", RenameHow::Replace).unwrap();
        }
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), seen.len(), "listed twice");
    for name in names(&root) {
        assert!(seen.contains(&name), "{name} was there all the time");
    }
}

#[test]
fn attributes_have_their_rules() {
    let fs = memory();
    let node = fs.root().make(b"f", New::File, OWNER).unwrap();
    fails(node.attribute(b"user.a"), Errno::NoData);
    fails(node.remove_attribute(b"user.a"), Errno::NoData);
    fails(node.set_attribute(b"user.a", b"", false, true), Errno::NoData);
    node.set_attribute(b"user.b", b"1", true, false).unwrap();
    fails(node.set_attribute(b"user.b", b"2", true, false), Errno::Exist);
    node.set_attribute(b"user.b", b"22", false, true).unwrap();
    node.set_attribute(b"user.a", &vec![1; 64 << 10], false, false).unwrap();
    fails(node.set_attribute(b"user.a", &vec![1; (64 << 10) + 1], false, false), Errno::TooBig);
    node.set_attribute(&[b'n'; 255], b"", false, false).unwrap();
    fails(node.set_attribute(&[b'n'; 256], b"", false, false), Errno::Inval);
    fails(node.set_attribute(b"", b"", false, false), Errno::Inval);
    node.remove_attribute(&[b'n'; 255]).unwrap();
    assert_eq!(node.attributes().unwrap(), [b"user.a", b"user.b"]);
    assert_eq!(node.attribute(b"user.b").unwrap(), b"22");
}

#[test]
fn a_deep_tree_is_dropped_without_recursion() {
    let fs = memory();
    let empty = fs.space();
    let mut at = directory(&fs.root(), "top");
    for _ in 0..100_000 {
        at = directory(&at, "d");
    }
    drop(at);
    assert_eq!(fs.space().inodes_used, empty.inodes_used + 100_001);
    drop(fs);
}

#[test]
fn many_entries_are_quick() {
    let fs = memory();
    let root = fs.root();
    for number in 0..100_000 {
        file(&root, &number.to_string());
    }
    assert_eq!(names(&root).len(), 100_000);
    for number in 0..100_000 {
        root.unlink(number.to_string().as_bytes(), false).unwrap();
    }
    assert_eq!(fs.space(), memory().space());
}

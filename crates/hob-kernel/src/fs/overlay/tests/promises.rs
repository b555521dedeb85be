//! Promises the model cannot see.

use std::any::Any;

use super::*;
use crate::fs::overlay::LAYERS_MAX;
use crate::fs::overlay::marks::{OPAQUE, ORIGIN};
use crate::fs::{Change, Entry, Node, NodeId, RenameHow, Stat, Time};

#[test]
fn layers_are_directories_and_not_too_many() {
    let upper = memory(1).root();
    let lower = memory(2).root();
    assert!(Overlay::new(3, upper.clone(), vec![lower.clone(); LAYERS_MAX]).is_ok());
    fails(Overlay::new(3, upper.clone(), vec![lower.clone(); LAYERS_MAX + 1]), Errno::Inval);
    let file = write(&lower, "f", b"");
    fails(Overlay::new(3, upper.clone(), vec![file.clone()]), Errno::NotDir);
    fails(Overlay::new(3, file, vec![]), Errno::NotDir);
    let root = Overlay::new(4, upper, vec![]).unwrap();
    fails(Overlay::new(3, root, vec![]), Errno::Inval);
    fails(Overlay::new(3, sized(1, 1 << 20, 1).root(), vec![]), Errno::Nospc);
}

#[test]
fn layers_are_looked_up_from_top_to_bottom() {
    let (top, bottom, upper) = (memory(1).root(), memory(2).root(), memory(3).root());
    write(&bottom, "f", b"bottom");
    write(&bottom, "hidden", b"bottom");
    write(&directory(&bottom, "d"), "below", b"bottom");
    write(&directory(&bottom, "file over"), "below", b"bottom");
    write(&directory(&bottom, "opaque"), "below", b"bottom");
    write(&top, "f", b"top");
    write(&directory(&top, "d"), "above", b"top");
    write(&top, "file over", b"top");
    directory(&top, "opaque").set_attribute(OPAQUE, b"y", false, false).unwrap();
    top.make(b"hidden", New::Character(0), OWNER).unwrap();
    let root = Overlay::new(4, upper, vec![top, bottom]).unwrap();
    assert_eq!(read(&root, "f"), b"top");
    assert_eq!(read(&root, "file over"), b"top");
    assert_eq!(names(&root), ["d", "f", "file over", "opaque"]);
    assert_eq!(names(&root.lookup(b"d").unwrap()), ["above", "below"]);
    assert_eq!(root.lookup(b"d").unwrap().stat().unwrap().links, 1);
    assert!(names(&root.lookup(b"opaque").unwrap()).is_empty());
    fails(root.lookup(b"hidden"), Errno::Noent);
    write(&root, "hidden", b"new");
    assert_eq!(names(&root), ["d", "f", "file over", "hidden", "opaque"]);
}

#[test]
fn the_overlays_own_marks_are_neither_seen_nor_made_by_guests() {
    let (lower, upper) = (memory(1).root(), memory(2).root());
    directory(&lower, "d");
    let root = Overlay::new(3, upper.clone(), vec![lower]).unwrap();
    root.unlink(b"d", true).unwrap();
    let made = directory(&root, "d");
    assert_eq!(upper.lookup(b"d").unwrap().attributes().unwrap(), [OPAQUE]);
    assert!(made.attributes().unwrap().is_empty());
    for name in [OPAQUE, ORIGIN] {
        fails(made.attribute(name), Errno::NoData);
        fails(made.set_attribute(name, b"n", false, false), Errno::Perm);
        fails(made.remove_attribute(name), Errno::NoData);
    }
    fails(root.make(b"w", New::Character(0), OWNER), Errno::Perm);
    assert!(root.make(b"null", New::Character(259), OWNER).is_ok());
}

#[test]
fn a_copy_is_the_same_object_whole_and_in_its_time() {
    let (lower, upper) = (memory(1).root(), memory(2));
    let below = directory(&lower, "d");
    let file = write(&below, "f", &[7; 100_000]);
    file.set_attribute(b"user.x", b"y", false, false).unwrap();
    file.clone().open(true).unwrap().resize(1 << 40).unwrap();
    let stamps = Change { accessed: Time::At(5), modified: Time::At(6), ..Change::default() };
    file.change(&stamps).unwrap();
    below.change(&stamps).unwrap();

    let root = Overlay::new(3, upper.root(), vec![lower.clone()]).unwrap();
    let at = root.lookup(b"d").unwrap();
    let node = at.lookup(b"f").unwrap();
    let (open, before) = (node.clone().open(true).unwrap(), node.stat().unwrap());
    let copied_at = upper.space();
    assert_eq!(open.write_at(b"", 0), Ok(0));
    node.change(&Change::default()).unwrap();
    assert_eq!(upper.space(), copied_at, "nothing was changed yet");
    node.change(&Change { mode: Some(0o600), ..Change::default() }).unwrap();
    let stat = node.stat().unwrap();
    assert_eq!(
        Stat { mode: 0o600, changed: before.changed, blocks: before.blocks, ..stat },
        Stat { mode: 0o600, ..before }
    );
    assert_eq!(at.stat().unwrap().modified, 6, "a copy does not change its directory");
    assert_eq!(node.attribute(b"user.x").unwrap(), b"y");
    assert_eq!(open.size(), Ok(1 << 40));
    assert_eq!(open.write_at(b"new", 1), Ok(3));
    let mut buf = [0; 5];
    assert_eq!(file.open(false).unwrap().read_at(&mut buf, 0), Ok(5));
    assert_eq!(buf, [7; 5], "the lower layer did not change");
    assert_eq!(open.read_at(&mut buf, 0), Ok(5));
    assert_eq!(&buf, &[7, b'n', b'e', b'w', 7]);
    assert!(upper.space().bytes_used - copied_at.bytes_used < 105_000, "holes are not copied");
}

#[test]
fn what_is_open_follows_the_copy() {
    let (lower, upper) = (memory(1).root(), memory(2).root());
    let file = write(&lower, "f", b"before");
    lower.link(b"twin", &file).unwrap();
    let root = Overlay::new(3, upper, vec![lower]).unwrap();
    let (reader, twin) = (open(&root, "f"), open(&root, "twin"));
    assert_eq!(content(&*reader), b"before");
    write(&root, "f", b"after!");
    for open in [reader, twin, open(&root, "twin")] {
        assert_eq!(content(&*open), b"after!");
    }
    // The name that was written through goes; the other still is the same object.
    root.unlink(b"f", false).unwrap();
    assert_eq!(read(&root, "twin"), b"after!");
    assert_eq!(root.lookup(b"twin").unwrap().stat().unwrap().links, 1);
    root.rename(b"twin", &root, b"moved", RenameHow::Replace).unwrap();
    assert_eq!(read(&root, "moved"), b"after!");
    assert_eq!(names(&root), ["moved"]);
}

#[test]
fn what_was_removed_while_open_can_still_be_changed() {
    let (lower, upper) = (memory(1).root(), memory(2));
    write(&lower, "f", b"bytes");
    lower.make(b"fifo", New::Fifo, OWNER).unwrap();
    write(&directory(&lower, "d"), "x", b"");
    let root = Overlay::new(3, upper.root(), vec![lower]).unwrap();
    let at = root.lookup(b"d").unwrap();
    let nodes = [b"f".as_slice(), b"fifo", b"d"].map(|name| root.lookup(name).unwrap());
    let open = nodes[0].clone().open(true).unwrap();
    at.unlink(b"x", false).unwrap();
    root.unlink(b"d", true).unwrap();
    root.unlink(b"f", false).unwrap();
    root.unlink(b"fifo", false).unwrap();
    let left = upper.space();
    assert_eq!(open.append(b"!"), Ok((1, 6)));
    for node in &nodes {
        assert_eq!(node.stat().unwrap().links, 0);
        node.change(&Change { mode: Some(0o700), ..Change::default() }).unwrap();
        assert_eq!(node.stat().unwrap().mode, 0o700);
    }
    fails(root.link(b"again", &nodes[0]), Errno::Noent);
    fails(root.link(b"again", &nodes[1]), Errno::Noent);
    fails(at.make(b"x", New::File, OWNER), Errno::Noent);
    assert!(names(&at).is_empty() && names(&root).is_empty());
    drop((open, nodes));
    assert_eq!(upper.space().inodes_used, left.inodes_used);
    let unnamed = root.make_unnamed(OWNER).unwrap();
    root.link(b"named", &unnamed).unwrap();
    root.unlink(b"named", false).unwrap();
    fails(root.link(b"named", &unnamed), Errno::Noent);
}

#[test]
fn a_copy_without_room_is_none() {
    let (lower, upper) = (memory(1).root(), sized(2, 64 << 10, 100));
    write(&directory(&lower, "d"), "big", &[1; 60 << 10]);
    write(&lower.lookup(b"d").unwrap(), "huge", &[1; 70 << 10]);
    write(&lower, "f", b"small");
    let root = Overlay::new(3, upper.root(), vec![lower]).unwrap();
    let at = root.lookup(b"d").unwrap();
    let before = upper.space();
    fails(root.rename(b"d", &root, b"e", RenameHow::Replace), Errno::Nospc);
    assert_eq!(upper.space(), before, "what cannot be moved is not copied in vain");
    at.lookup(b"big").unwrap().open(true).unwrap().resize(3).unwrap();
    assert_eq!(read(&at, "big"), [1; 3], "what is cut off need not be copied");
    let (before, open) = (upper.space(), at.lookup(b"huge").unwrap().open(true).unwrap());
    fails(open.write_at(b"x", 0), Errno::Nospc);
    fails(open.append(b"x"), Errno::Nospc);
    assert_eq!(upper.space(), before, "half a copy is none");
    assert_eq!(content(&*open), [1; 70 << 10]);
}

#[test]
fn there_is_always_room_to_remove_what_was_written() {
    let (lower, upper) = (memory(1).root(), sized(2, 64 << 10, 100));
    for name in ["f", "g"] {
        write(&lower, name, b"below");
        write(&directory(&lower, &format!("d{name}")), "x", b"");
    }
    let root = Overlay::new(3, upper.root(), vec![lower]).unwrap();
    write(&root, "f", b"above");
    let at = root.lookup(b"df").unwrap();
    at.unlink(b"x", false).unwrap();
    fill(&root);
    fails(root.unlink(b"g", false), Errno::Nospc);
    assert_eq!(names(&root), ["df", "dg", "f", "g", "log"]);
    root.unlink(b"f", false).unwrap();
    root.unlink(b"df", true).unwrap();
    root.unlink(b"log", false).unwrap();
    root.unlink(b"g", false).unwrap();
    assert_eq!(names(&root), ["dg"]);
}

/// Fills the quota to the last byte.
fn fill(root: &NodeRef) {
    let log = write(root, "log", b"");
    let open = log.clone().open(true).unwrap();
    while open.append(&[1; 512]).is_ok() {}
    let space = root.space().unwrap();
    let left = usize::try_from(space.bytes - space.bytes_used).unwrap();
    log.set_attribute(b"user", &vec![0; left.saturating_sub(64 + 4)], true, false).unwrap();
}

#[test]
fn a_listing_goes_on_where_it_was() {
    let (top, bottom, upper) = (memory(1).root(), memory(2).root(), memory(3).root());
    for number in 0..150 {
        write(&bottom, &format!("b{number}"), b"");
        write(if number % 2 == 0 { &top } else { &bottom }, &format!("t{number}"), b"");
        write(&top, &format!("b{}", number * 3), b"");
    }
    let lowers = vec![Large::root(&top), Large::root(&bottom)];
    let root = Overlay::new(4, upper, lowers).unwrap();
    for number in 0..100 {
        write(&root, &format!("u{number}"), b"");
    }
    let before = names(&root);
    assert_eq!(before.iter().collect::<std::collections::BTreeSet<_>>().len(), before.len());
    let mut seen = Vec::new();
    let mut from = 0;
    for turn in 0.. {
        let mut got = 0;
        root.list(from, &mut |entry| {
            if got == 7 {
                return false;
            }
            got += 1;
            from = entry.next;
            seen.push(String::from_utf8(entry.name.to_vec()).unwrap());
            true
        })
        .unwrap();
        if got == 0 {
            break;
        }
        // Copied up, removed and made again: all keep their places.
        for name in [format!("b{turn}"), format!("t{}", 149 - turn)] {
            write(&root, &name, b"new");
            root.unlink(name.as_bytes(), false).unwrap();
            write(&root, &name, b"again");
        }
    }
    seen.sort();
    assert_eq!(seen, before);
    root.list(u64::MAX, &mut |_| false).unwrap();
    root.list(12_345 << 50, &mut |_| false).unwrap();
}

/// A layer whose numbers are as large as those of a host can be.
#[derive(Debug)]
struct Large(NodeRef);

impl Large {
    fn root(node: &NodeRef) -> NodeRef {
        Arc::new(Self(node.clone()))
    }
}

const LARGE: u64 = 1 << 62;

impl Node for Large {
    fn id(&self) -> NodeId {
        let id = self.0.id();
        NodeId { inode: id.inode + LARGE, ..id }
    }

    fn kind(&self) -> Kind {
        self.0.kind()
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { id: self.id(), ..self.0.stat()? })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn immutable(&self) -> Option<u64> {
        Some(7)
    }

    fn open(self: Arc<Self>, write: bool) -> Result<Arc<dyn File>> {
        self.0.clone().open(write)
    }

    fn lookup(&self, name: &[u8]) -> Result<NodeRef> {
        Ok(Self::root(&self.0.lookup(name)?))
    }

    fn list(&self, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        self.0.list(from.saturating_sub(LARGE), &mut |entry| {
            sink(Entry { next: entry.next + LARGE, inode: entry.inode + LARGE, ..entry })
        })
    }
}

#[test]
fn a_layer_may_have_large_numbers_and_no_attributes() {
    let (lower, upper) = (memory(1).root(), memory(2).root());
    write(&lower, "f", b"bytes");
    write(&directory(&lower, "d"), "x", b"");
    let root = Overlay::new(3, upper, vec![Large::root(&lower)]).unwrap();
    let (file, at) = (root.lookup(b"f").unwrap(), root.lookup(b"d").unwrap());
    let (id, above) = (file.id(), at.id());
    assert_ne!(id, above);
    assert_eq!(file.immutable(), Some(7));
    assert!(file.attributes().unwrap().is_empty());
    fails(file.attribute(b"user.x"), Errno::NoData);
    file.set_attribute(b"user.x", b"", false, false).unwrap();
    assert_eq!(file.immutable(), None);
    root.rename(b"d", &root, b"e", RenameHow::Replace).unwrap();
    drop((file, at));
    assert_eq!((root.lookup(b"f").unwrap().id(), root.lookup(b"e").unwrap().id()), (id, above));
}

#[test]
fn nothing_is_left_of_what_is_gone() {
    let (lower, upper) = (memory(1).root(), memory(2));
    let root = Overlay::new(3, upper.root(), vec![lower]).unwrap();
    let empty = upper.space();
    let at = directory(&root, "d");
    for number in 0..100 {
        let node = write(&at, &format!("f{number}"), &[1; 1000]);
        root.link(format!("l{number}").as_bytes(), &node).unwrap();
    }
    for number in 0..100 {
        at.unlink(format!("f{number}").as_bytes(), false).unwrap();
        root.unlink(format!("l{number}").as_bytes(), false).unwrap();
    }
    root.unlink(b"d", true).unwrap();
    drop(at);
    assert_eq!(upper.space(), empty);
}

#[test]
fn a_deep_layer_is_changed_at_its_end_and_dropped() {
    let (lower, upper) = (memory(1), memory(2));
    let mut at = lower.root();
    for _ in 0..15_000 {
        at = directory(&at, "d");
    }
    write(&at, "f", b"");
    let root = Overlay::new(3, upper.root(), vec![lower.root()]).unwrap();
    let walk = |root: &NodeRef| {
        let mut at = root.clone();
        for _ in 0..15_000 {
            at = at.lookup(b"d").unwrap();
        }
        at
    };
    drop(walk(&root));
    write(&walk(&root), "f", b"new");
    assert_eq!(read(&walk(&root), "f"), b"new");
}

#[test]
fn many_at_once_keep_a_tree() {
    let (lower, upper) = (memory(1).root(), memory(2));
    for name in ["a", "b", "c", "d"] {
        let at = directory(&lower, name);
        for name in ["a", "b"] {
            write(&at, name, name.as_bytes());
            write(&directory(&at, &format!("{name}{name}")), "c", b"deep");
        }
    }
    let root = Overlay::new(3, upper.root(), vec![lower]).unwrap();
    std::thread::scope(|scope| {
        for seed in 1..=4u64 {
            let root = root.clone();
            scope.spawn(move || {
                let mut number = seed * 0x9e37_79b9;
                let mut next = move |below: usize| {
                    number ^= number << 13;
                    number ^= number >> 7;
                    number ^= number << 17;
                    usize::try_from(number >> 8).unwrap() % below
                };
                for _ in 0..3000 {
                    let mut name = || ["a", "b", "c", "aa"][next(4)].as_bytes();
                    let (one, two, file, other) = (name(), name(), name(), name());
                    let at = |name| root.lookup(name).unwrap_or(root.clone());
                    let (from, to) = (at(one), at(two));
                    let _any = match next(8) {
                        0 => from.make(file, New::File, OWNER).map(drop),
                        1 => from.make(file, New::Directory, OWNER).map(drop),
                        2 => from.unlink(file, next(2) == 0),
                        3 => from.lookup(file).and_then(|node| to.link(other, &node)),
                        4 => from
                            .lookup(file)
                            .and_then(|node| node.open(true))
                            .and_then(|open| open.append(b"x").map(drop)),
                        5 => from.list(0, &mut |entry| entry.name != b"b"),
                        6 if one != two => from.rename(file, &to, other, RenameHow::Exchange),
                        _ => from.rename(file, &to, other, RenameHow::Replace),
                    };
                }
            });
        }
    });
    let mut ways = vec![root];
    while let Some(at) = ways.pop() {
        for name in names(&at) {
            let node = at.lookup(name.as_bytes()).unwrap();
            if node.kind() == Kind::Directory {
                ways.push(node);
            }
        }
    }
}

//! What a snapshot promises.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hob_os::Errno;
use proptest::prelude::*;

use super::{SnapshotError, read, write};
use crate::fs::mem::{MemConfig, MemFs};
use crate::fs::overlay::Overlay;
use crate::fs::{Attributes, Change, Kind, New, NodeRef, RenameHow, Time};
use crate::time::Clock;

const OWNER: Attributes = Attributes { mode: 0o640, uid: 7, gid: 8 };

fn sized(bytes_max: u64, inodes_max: u64) -> MemFs {
    let clock = Clock::still(1_234_567_890_123_456_789);
    static DEVICES: AtomicU64 = AtomicU64::new(100);
    let device = DEVICES.fetch_add(1, Ordering::Relaxed);
    MemFs::new(MemConfig { device, bytes_max, inodes_max, clock, ledger: None }).unwrap()
}

fn memory() -> MemFs {
    sized(64 << 20, 10_000)
}

fn bytes(root: &NodeRef) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(root, &mut bytes).unwrap();
    bytes
}

fn restored(bytes: &[u8]) -> MemFs {
    let fs = memory();
    read(&mut &*bytes, &fs).unwrap();
    fs
}

fn file(at: &NodeRef, name: &[u8], content: &[u8]) -> NodeRef {
    let node = at.make(name, New::File, OWNER).unwrap();
    node.clone().open(true).unwrap().write_at(content, 0).unwrap();
    node
}

/// Everything that is to come back, by path.
fn dump(root: &NodeRef) -> BTreeMap<Vec<u8>, String> {
    let mut all = BTreeMap::new();
    let mut first = BTreeMap::new();
    let mut ways = vec![(Vec::new(), root.clone())];
    while let Some((path, node)) = ways.pop() {
        let stat = node.stat().unwrap();
        let mut text =
            format!("{:?}", (stat.kind, stat.mode, stat.uid, stat.gid, stat.device, stat.modified));
        for name in node.attributes().unwrap() {
            text += &format!("{name:?}={:?}", node.attribute(&name).unwrap());
        }
        match stat.kind {
            Kind::Directory => {
                node.list(0, &mut |entry| {
                    let below = [path.as_slice(), b"/", entry.name].concat();
                    ways.push((below, node.lookup(entry.name).unwrap()));
                    true
                })
                .unwrap();
            }
            Kind::File => {
                let open = node.clone().open(false).unwrap();
                text += &format!("{} ", stat.size);
                let mut number = 0;
                while let Some(run) = open.extent(number).unwrap() {
                    for at in (run.start..run.end.min(stat.size)).step_by(4096) {
                        let mut page = [0; 4096];
                        let got = open.read_at(&mut page, at).unwrap();
                        if page[..got].iter().any(|byte| *byte != 0) {
                            text += &format!("{at}: {:?}", &page[..got]);
                        }
                    }
                    number += 1;
                }
            }
            Kind::Link => text += &format!("{:?}", node.read_link().unwrap()),
            _ => {}
        }
        if stat.kind != Kind::Directory && stat.device != 0 || stat.links > 1 && stat.kind == Kind::File {
            text += &format!("{}", stat.links);
        }
        all.insert(path.clone(), text);
        first.entry(stat.id.inode).or_insert_with(Vec::new).push(path);
    }
    for names in first.into_values().filter(|names| names.len() > 1) {
        let mut names = names;
        names.sort();
        let whiteout = all[&names[0]].starts_with("(Character, 0, 0, 0, 0");
        for name in names.iter().filter(|_| !whiteout) {
            *all.get_mut(name).unwrap() += &format!("with {:?}", names[0]);
        }
    }
    all
}

fn check(fs: &MemFs) {
    let first = bytes(&fs.root());
    let second = restored(&first);
    assert_eq!(dump(&second.root()), dump(&fs.root()));
    assert!(bytes(&second.root()) == first, "the same tree gives the same bytes");
    assert!(bytes(&fs.root()) == first, "also when it is written again");
    let (before, after) = (fs.space(), second.space());
    assert!(after.bytes_used <= before.bytes_used && after.inodes_used <= before.inodes_used);
}

#[test]
fn everything_there_is_comes_back() {
    let fs = memory();
    let root = fs.root();
    check(&fs);
    root.change(&Change { mode: Some(0o1777), uid: Some(3), modified: Time::At(9), ..Change::default() })
        .unwrap();
    let at = root.make(b"d", New::Directory, OWNER).unwrap();
    for (name, new) in [
        ("link", New::Link(b"../some\0where\n")),
        ("long", New::Link(&[b't'; 300])),
        ("fifo", New::Fifo),
        ("socket", New::Socket),
        ("null", New::Character(crate::fs::dev::NULL)),
        ("odd", New::Character(u64::MAX)),
        ("block", New::Block(crate::fs::dev::device_number(4000, 999_999))),
        ("whiteout", New::Character(0)),
        ("another", New::Character(0)),
        (".wh.directory", New::Directory),
        (".wh.fifo", New::Fifo),
    ] {
        let node = at.make(name.as_bytes(), new, OWNER).unwrap();
        if new == New::Character(0) {
            node.change(&Change { mode: Some(0), uid: Some(0), gid: Some(0), ..Change::default() }).unwrap();
        }
    }
    for name in [".wh.", ".wh.x", ".wh..wh..opq", ".wh..opq", "nul\u{1}\n=%", "ünï", "\u{7f}"] {
        file(&at, name.as_bytes(), name.as_bytes());
    }
    file(&at, &[0xff; 255], b"x")
        .change(&Change { uid: Some(u32::MAX), gid: Some(1 << 21), ..Change::default() })
        .unwrap();
    for (name, modified) in [("epoch", 0), ("seconds", 7_000_000_000), ("end", u64::MAX)] {
        let at = Time::At(modified);
        file(&root, name.as_bytes(), b"")
            .change(&Change { modified: at, mode: Some(0o7777), ..Change::default() })
            .unwrap();
    }
    let node = file(&root, b"attributes", b"");
    node.set_attribute(b"user.a=b%25%", b"\0\n=", false, false).unwrap();
    node.set_attribute(b"security.capability", &[0xff; 64 << 10], false, false).unwrap();
    at.set_attribute(b"trusted.overlay.opaque", b"y", false, false).unwrap();
    root.set_attribute(b"trusted.overlay.opaque", b"y", false, false).unwrap();
    at.link(b"twin", &node).unwrap();
    root.link(b"Twin", &node).unwrap();
    at.link(b"other socket", &at.lookup(b"socket").unwrap()).unwrap();
    let mut deep = at;
    for _ in 0..15 {
        deep = deep.make(&[b'n'; 255], New::Directory, OWNER).unwrap();
    }
    file(&deep, b"f", b"deep");
    deep.link(b"g", &node).unwrap();
    check(&fs);
}

#[test]
fn whiteouts_keep_the_names_they_hide() {
    let fs = memory();
    for name in [".wh.", ".wh.x", ".wh..opq", ".wh..wh..opq", &"n".repeat(255)] {
        let attributes = Attributes { mode: 0, uid: 0, gid: 0 };
        fs.root().make(name.as_bytes(), New::Character(0), attributes).unwrap();
    }
    let second = restored(&bytes(&fs.root()));
    let names = |fs: &MemFs| dump(&fs.root()).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&second), names(&fs));
    assert!(bytes(&second.root()) == bytes(&fs.root()));
}

#[test]
fn an_upper_layer_comes_back() {
    let lower = memory().root();
    for name in ["a", "b", "c"] {
        let at = lower.make(name.as_bytes(), New::Directory, OWNER).unwrap();
        file(&at, b"f", name.as_bytes());
        file(&at, b"g", name.as_bytes());
    }
    let upper = memory();
    let root = Overlay::new(2, upper.root(), vec![lower.clone()]).unwrap();
    root.rename(b"a", &root, b"moved", RenameHow::Replace).unwrap();
    root.make(b"a", New::Directory, OWNER).unwrap();
    let b = root.lookup(b"b").unwrap();
    b.unlink(b"f", false).unwrap();
    b.lookup(b"g").unwrap().open(true).unwrap().write_at(b"changed", 0).unwrap();
    let saved = bytes(&upper.root());
    let second = restored(&saved);
    assert!(bytes(&second.root()) == saved);
    let again = Overlay::new(3, second.root(), vec![lower]).unwrap();
    assert_eq!(dump(&again), dump(&root));
    assert_eq!(dump(&again).len(), 1 + 4 + 2 + 1 + 2);
    // All of it, without the layers.
    assert_eq!(dump(&restored(&bytes(&root)).root()), dump(&root));
}

#[test]
fn holes_stay_holes() {
    let fs = memory();
    let node = fs.root().make(b"sparse", New::File, OWNER).unwrap();
    let open = node.open(true).unwrap();
    open.resize((1 << 50) + 77).unwrap();
    for at in [0, 4096 * 3 + 100, 1 << 40, (1 << 50) + 76] {
        open.write_at(b"x", at).unwrap();
    }
    open.write_at(&[0; 10_000], 1 << 30).unwrap();
    open.reserve(1 << 45, 100_000, true).unwrap();
    let empty = fs.root().make(b"all hole", New::File, OWNER).unwrap();
    empty.open(true).unwrap().resize(1 << 60).unwrap();
    check(&fs);
    assert!(bytes(&fs.root()).len() < 40_000);
}

#[test]
fn the_quota_holds_while_reading() {
    let fs = memory();
    file(&fs.root(), b"f", &[1; 100_000]);
    let saved = bytes(&fs.root());
    let fits = fs.space();
    assert!(read(&mut &*saved, &sized(fits.bytes_used, 2)).is_ok());
    for (bytes_max, inodes_max) in [(fits.bytes_used - 1, 2), (fits.bytes_used, 1)] {
        match read(&mut &*saved, &sized(bytes_max, inodes_max)) {
            Err(SnapshotError::Tree { error, offset }) => {
                assert_eq!((error.errno(), offset > 0), (Errno::Nospc, true))
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(read(&mut &*saved, &fs).is_err(), "only into an empty one");
}

#[test]
fn a_path_that_is_too_long_is_said() {
    let fs = memory();
    let mut at = fs.root();
    for _ in 0..17 {
        at = at.make(&[b'n'; 255], New::Directory, OWNER).unwrap();
    }
    let error = write(&fs.root(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("at most 4096 bytes"), "{error}");
}

/// An archive of entries, each with its checksum made right.
fn archive(entries: &[(&str, u8, &str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, target, content) in entries {
        let header = super::header::Header {
            name: name.as_bytes().to_vec(),
            mode: 0o644,
            size: content.len() as u64,
            kind: *kind,
            target: target.as_bytes().to_vec(),
            ..Default::default()
        };
        bytes.extend(header.block());
        bytes.extend(*content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

#[test]
fn what_is_no_snapshot_is_refused_with_the_rule() {
    let long = format!("{}\n", "1".repeat(600));
    for (entries, rule) in [
        (vec![("../f", b'0', "", b"".as_slice())], "a name has"),
        (vec![("/f", b'0', "", b"")], "a name has"),
        (vec![("d//f", b'0', "", b"")], "comes before"),
        (vec![("f/", b'0', "", b"")], "comes before"),
        (vec![("d/f", b'0', "", b"")], "comes before"),
        (vec![("l", b'2', "d", b""), ("l/f", b'0', "", b"")], "failed"),
        (vec![("d", b'5', "", b""), ("l", b'1', "d", b"")], "failed"),
        (vec![("l", b'1', "f", b"")], "comes before"),
        (vec![("l", b'1', "../f", b"")], "comes before"),
        (vec![("f", b'0', "", b""), ("f", b'0', "", b"")], "failed"),
        (vec![("d", b'5', "", b"x")], "only files"),
        (vec![("f", b'7', "", b"")], "kind"),
        (vec![("f", b'L', "", b"")], "kind"),
        (vec![(".wh.f", b'0', "", b"x")], "a whiteout has no bytes"),
        (vec![(".wh...", b'0', "", b"")], "a name has"),
        (vec![("x", b'x', "", b"9 path=a"), ("f", b'0', "", b"")], "a record is"),
        (vec![("x", b'x', "", b"10 size=1\n"), ("f", b'0', "", b"")], "goes on until"),
        (vec![("x", b'x', "", b"19 mtime=99999999999\n"), ("f", b'0', "", b"")], "a record is"),
        (vec![("x", b'x', "", b"21 mtime=99999999999\n"), ("f", b'0', "", b"")], "a time"),
        (vec![("x", b'x', "", b"22 GNU.sparse.major=1\n"), ("f", b'0', "", b"")], "version 1.0"),
        (vec![("x", b'x', "", SPARSE), ("f", b'0', "", b"")], "inside of it"),
        (vec![("x", b'x', "", SPARSE), ("f", b'0', "", b"99999999999999999999\n")], "less than 2^64"),
        (vec![("x", b'x', "", SPARSE), ("f", b'0', "", b"9999999999\n")], "no more runs"),
        (vec![("x", b'x', "", SPARSE), ("f", b'0', "", long.as_bytes())], "20 digits"),
    ] {
        let mut bytes = archive(&entries);
        // A map is a whole block.
        if let [_, (_, _, _, content)] = entries.as_slice()
            && entries[0].3 == SPARSE
            && !content.is_empty()
        {
            let mut padded = content.to_vec();
            padded.resize(content.len().next_multiple_of(512), 0);
            bytes = archive(&[entries[0], ("f", b'0', "", &padded)]);
        }
        let error = read(&mut &*bytes, &memory()).unwrap_err().to_string();
        assert!(
            error.contains(rule) || rule == "failed" && error.contains("comes before"),
            "{entries:?}: {error}"
        );
    }
    let good = archive(&[("f", b'0', "", b"bytes")]);
    assert!(read(&mut &*good, &memory()).is_ok());
    for len in 0..good.len() {
        assert!(read(&mut &good[..len], &memory()).is_err(), "cut at {len}");
    }
}

/// The records of a file with holes.
const SPARSE: &[u8] = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n25 GNU.sparse.realsize=9\n";

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec!["a", "b", ".wh.a", ".wh..wh..opq"])
            .prop_map(|name| name.as_bytes().to_vec()),
        prop::collection::vec(
            any::<u8>().prop_filter("no name", |byte| !matches!(byte, 0 | b'/' | b'.')),
            1..255
        ),
    ]
}

#[derive(Clone, Debug)]
struct Made {
    above: prop::sample::Index,
    name: Vec<u8>,
    kind: u8,
    attributes: Attributes,
    modified: u64,
    device: u64,
    pieces: Vec<(u32, u16)>,
    attribute: Option<(Vec<u8>, Vec<u8>)>,
}

fn made() -> impl Strategy<Value = Made> {
    let owner = (0u16..0o10000, any::<u32>(), 0u32..70_000);
    let owner = owner.prop_map(|(mode, uid, gid)| Attributes { mode, uid, gid });
    let attribute = (prop::collection::vec(1u8.., 1..20), prop::collection::vec(any::<u8>(), 0..600));
    (
        (any::<prop::sample::Index>(), name(), 0u8..10, owner),
        (any::<u64>(), prop_oneof![1u64..70_000, any::<u64>()]),
        prop::collection::vec((0u32..200_000, any::<u16>()), 0..4),
        prop::option::of(attribute),
    )
        .prop_map(|((above, name, kind, attributes), (modified, device), pieces, attribute)| Made {
            above,
            name,
            kind,
            attributes,
            modified,
            device: device.max(1),
            pieces,
            attribute,
        })
}

/// A tree of what was made, as far as it goes.
fn tree(all: &[Made]) -> MemFs {
    let fs = memory();
    let mut directories = vec![fs.root()];
    let mut nodes: Vec<NodeRef> = Vec::new();
    for made in all {
        let above = made.above.get(&directories).clone();
        if made.kind == 9 && !nodes.is_empty() {
            let _any = above.link(&made.name, made.above.get(&nodes));
            continue;
        }
        let new = match made.kind {
            0..3 => New::Directory,
            3 => New::Link(&made.name),
            4 => New::Fifo,
            5 => New::Socket,
            6 => New::Character(made.device),
            _ => New::File,
        };
        let Ok(node) = above.make(&made.name, new, made.attributes) else { continue };
        if let Ok(open) = node.clone().open(true) {
            for (at, len) in &made.pieces {
                open.write_at(&vec![7; usize::from(*len)], u64::from(*at)).unwrap();
            }
        }
        if let Some((name, value)) = &made.attribute {
            node.set_attribute(name, value, false, false).unwrap();
        }
        node.change(&Change { modified: Time::At(made.modified), ..Change::default() }).unwrap();
        if new == New::Directory { directories.push(node) } else { nodes.push(node) }
    }
    fs
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn any_tree_comes_back(all in prop::collection::vec(made(), 0..30)) {
        check(&tree(&all));
    }

    #[test]
    fn a_damaged_snapshot_costs_no_more_than_it_may(
        all in prop::collection::vec(made(), 1..10),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        repair in any::<bool>(),
    ) {
        let mut bytes = bytes(&tree(&all).root());
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if repair {
            // Headers with a right sum get further.
            for block in bytes.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
                block[148..156].fill(b' ');
                let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        let fs = sized(1 << 20, 50);
        let _any = read(&mut &*bytes, &fs);
        prop_assert!(fs.space().bytes_used <= 1 << 20);
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let _any = read(&mut &*bytes, &sized(1 << 20, 50));
    }
}

//! Tars made by hand, whole and broken.

use super::*;
use crate::fs::dev;

/// A header with its bytes behind it.
fn object(kind: u8, path: &[u8], target: &[u8], content: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 512];
    block[..path.len()].copy_from_slice(path);
    block[100..108].copy_from_slice(b"0000640\0");
    block[108..116].copy_from_slice(b"0001750\0");
    block[116..124].copy_from_slice(b"0000012\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    block[136..148].copy_from_slice(b"00000000007\0");
    block[156] = kind;
    block[157..157 + target.len()].copy_from_slice(target);
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[329..337].copy_from_slice(b"0000001\0");
    block[337..345].copy_from_slice(b"0000003\0");
    let mut all = summed(block).to_vec();
    all.extend(content);
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

fn summed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// An object whose header is changed before it is summed.
fn changed(object: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut block: [u8; 512] = object[..512].try_into().unwrap();
    block[at..at + bytes.len()].copy_from_slice(bytes);
    [summed(block).as_slice(), &object[512..]].concat()
}

fn pax(kind: u8, records: &[(&str, &str)]) -> Vec<u8> {
    let line = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        let digits = (rest.len() + 2).to_string().len();
        format!("{}{rest}", rest.len() + digits)
    };
    object(kind, b"pax", b"", records.iter().map(line).collect::<String>().as_bytes())
}

fn file(path: &str, content: &str) -> Vec<u8> {
    object(b'0', path.as_bytes(), b"", content.as_bytes())
}

fn archive(objects: &[Vec<u8>]) -> Vec<u8> {
    [objects.concat(), vec![0; 1024]].concat()
}

fn root(objects: &[Vec<u8>]) -> NodeRef {
    read(archive(objects)).unwrap().root(1)
}

fn refused(objects: &[Vec<u8>], want: &str) {
    let error = read(archive(objects)).unwrap_err().to_string();
    assert!(error.contains(want), "{error}");
}

fn at(root: &NodeRef, path: &str) -> NodeRef {
    path.split('/').fold(root.clone(), |node, name| node.lookup(name.as_bytes()).unwrap())
}

fn bytes(node: NodeRef) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(node.stat().unwrap().size).unwrap()];
    let read = node.open(false).unwrap().read_at(&mut bytes, 0).unwrap();
    assert_eq!(read, bytes.len());
    bytes
}

#[test]
fn every_kind_of_object_is_shown() {
    let root = root(&[
        object(b'5', b"./", b"", b""),
        file("./etc/passwd", "root:x"),
        object(b'2', b"etc/link", b"../../etc/passwd", b""),
        object(b'1', b"hard", b"etc/passwd", b""),
        object(b'6', b"pipe", b"", b""),
        object(b'3', b"dev/null", b"", b""),
        object(b'4', b"dev/disk", b"", b""),
        file("old/", ""),
        object(0, b"/abs", b"", b"old"),
        object(b'5', b"etc/", b"", b""),
    ]);
    assert_eq!(root.stat().unwrap().mode, 0o640);
    assert_eq!(bytes(at(&root, "etc/passwd")), b"root:x");
    assert_eq!(bytes(at(&root, "abs")), b"old");
    assert_eq!(at(&root, "hard").id(), at(&root, "etc/passwd").id());
    let stat = at(&root, "hard").stat().unwrap();
    assert_eq!((stat.links, stat.uid, stat.gid, stat.modified), (2, 1000, 10, 7_000_000_000));
    assert_eq!(at(&root, "etc/link").read_link().unwrap(), b"../../etc/passwd");
    assert_eq!((at(&root, "pipe").kind(), at(&root, "old").kind()), (Kind::Fifo, Kind::Directory));
    let null = at(&root, "dev/null").stat().unwrap();
    assert_eq!((null.kind, null.device), (Kind::Character, dev::NULL));
    assert_eq!(at(&root, "dev/disk").kind(), Kind::Block);
    assert_eq!(
        (at(&root, "etc").stat().unwrap().mode, at(&root, "dev").stat().unwrap().mode),
        (0o640, 0o755)
    );
    assert_eq!(walk(&root), 11);
}

#[test]
fn long_names_come_before_what_they_name() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    let gnu = |kind, text: &str| object(kind, b"././@LongLink", b"", format!("{text}\0").as_bytes());
    let root = root(&[
        pax(b'g', &[("comment", "x"), ("uid", "5")]),
        pax(b'x', &[("path", &long), ("mtime", "1.5"), ("size", "2"), ("SCHILY.xattr.user.x", "y")]),
        changed(file("short", "hi"), 124, b"00000000000\0"),
        gnu(b'K', &long),
        gnu(b'L', &format!("{long}l")),
        object(b'2', b"short", b"short", b""),
        pax(b'x', &[("path", "p"), ("linkpath", &long), ("gid", "")]),
        object(b'1', b"short", b"short", b""),
        changed(file("name", "prefixed"), 345, b"pre/fix"),
    ]);
    let node = at(&root, &long);
    let stat = node.stat().unwrap();
    assert_eq!((stat.uid, stat.gid, stat.modified, stat.links), (5, 10, 1_500_000_000, 2));
    assert_eq!(bytes(node), b"hi");
    assert_eq!(at(&root, &format!("{long}l")).read_link().unwrap(), long.as_bytes());
    assert_eq!(bytes(at(&root, "p")), b"hi");
    assert_eq!(bytes(at(&root, "pre/fix/name")), b"prefixed");
}

#[test]
fn what_readers_could_disagree_about_is_refused() {
    let a = || file("a", "x");
    refused(&[a(), a()], "`a`: it is there already");
    refused(&[file("../a", "x")], "has `..` in it");
    refused(
        &[object(b'2', b"l", b"/etc", b""), file("l/passwd", "x")],
        "below something that is no directory",
    );
    refused(&[object(b'1', b"h", b"/etc/passwd", b"")], "`h`: it is a link to something that is not there");
    refused(&[a(), object(b'1', b"h", b"a", b"more")], "only files have bytes");
    refused(&[object(b'5', b"d", b"", b"more")], "only files have bytes");
    refused(&[file("d/", "x")], "a directory has no bytes");
    refused(&[object(b'S', b"s", b"", b"")], "byte 156: sparse files");
    refused(&[object(b'M', b"s", b"", b"")], "this type of object is not read");
    refused(&[pax(b'x', &[]), pax(b'x', &[]), a()], "two extended headers");
    refused(&[object(b'L', b"", b"", b"l"), pax(b'x', &[]), a()], "a long name and an extended header");
    refused(&[a(), pax(b'x', &[("path", "b")])], "ends where an object was announced");
    refused(&[pax(b'g', &[("path", "b")]), a()], "a header for all objects gives a path");
    refused(&[pax(b'x', &[("size", "99999999")]), a()], "it ends early");
    refused(&[pax(b'x', &[("size", "18446744073709551615")]), a()], "it ends early");
    refused(&[changed(pax(b'x', &[]), 124, b"77777777777\0")], "extended header: more than");
    refused(&[changed(a(), 257, b"USTAR\x0000")], "the format is none of");
    refused(&[changed(a(), 108, b"9999999\0")], "byte 108: this is no number");
    refused(&[changed(a(), 108, b"\x80\0\0\x01\0\0\0\0")], "byte 108: the number does not fit");
    refused(&[changed(object(b'3', b"c", b"", b""), 329, b"7777777\0")], "no device with this number");
    let mut damaged = a();
    damaged[0] = b'b';
    refused(&[damaged], "byte 148: the sum of the header is wrong");
    let after = read([archive(&[a()]), archive(&[file("b", "y")])].concat()).unwrap_err();
    assert!(after.to_string().contains("something follows the end"), "{after}");
    let after = read([archive(&[a()]), vec![0; 2 << 20]].concat()).unwrap_err();
    assert!(after.to_string().contains("after the end of the archive: more than"), "{after}");
}

#[test]
fn no_part_of_a_tar_is_taken_for_the_whole() {
    let good = archive(&[file("a", "x"), object(b'5', b"d", b"", b""), file("d/b", &"y".repeat(700))]);
    for len in (0..good.len()).step_by(64) {
        assert!(read(good[..len].to_vec()).is_err(), "{len}");
    }
    assert!(read([good, vec![0; 8192]].concat()).is_ok());
}

#[test]
fn what_is_compressed_says_how_to_unpack_it() {
    let error = read(b"\x1f\x8b\x08\0".to_vec()).unwrap_err().to_string();
    assert!(error.contains("gunzip"), "{error}");
    assert!(read(Vec::new()).is_err());
    let dir = tempfile::tempdir().unwrap();
    let error = Image::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("is a folder; name an uncompressed tar"), "{error}");
    let path = dir.path().join("image.tar");
    std::fs::write(&path, archive(&[file("a", "held")])).unwrap();
    assert_eq!(bytes(at(&Image::open(&path).unwrap().root(1), "a")), b"held");
}

proptest! {
    #[test]
    fn changed_headers_never_lead_out(
        changes in prop::collection::vec((0usize..8, 0usize..512, any::<u8>()), 1..4),
    ) {
        let mut objects = vec![
            object(b'5', b"d", b"", b""),
            file("d/a", "text"),
            pax(b'x', &[("path", "d/b"), ("size", "4")]),
            file("x", "more"),
            object(b'2', b"l", b"d/a", b""),
            object(b'1', b"h", b"d/a", b""),
            object(b'L', b"", b"", b"long"),
            file("y", ""),
        ];
        for (index, at, value) in changes {
            let object = &mut objects[index];
            *object = changed(std::mem::take(object), at, &[value]);
        }
        if let Ok(image) = read(archive(&objects)) {
            walk(&image.root(1));
        }
    }

    #[test]
    fn flipped_bytes_are_noticed_in_headers(at in 0usize..1024, bit in 0u8..8) {
        let mut bytes = archive(&[object(b'5', b"d", b"", b""), file("d/a", "")]);
        bytes[at] ^= 1 << bit;
        // The sum has a blank behind it that nothing depends on.
        if let Ok(image) = read(bytes) {
            prop_assert!((148..156).contains(&(at % 512)));
            prop_assert_eq!(walk(&image.root(1)), 3);
        }
    }
}

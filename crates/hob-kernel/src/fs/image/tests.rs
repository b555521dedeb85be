//! Archives made by hand, whole and broken.

use proptest::prelude::*;

use super::*;
use crate::fs::Kind;

/// One object of a package that is made.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) path: String,
    pub(crate) kind: u8,
    pub(crate) bytes: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) target: Option<String>,
}

impl Made {
    pub(crate) fn file(path: &str, bytes: &[u8]) -> Self {
        Self { path: path.into(), kind: 0, bytes: bytes.into(), mode: 0o100_755, target: None }
    }

    pub(crate) fn directory(path: &str) -> Self {
        Self { path: path.into(), kind: 1, bytes: Vec::new(), mode: 0o40_755, target: None }
    }

    pub(crate) fn link(path: &str, target: &str) -> Self {
        let target = Some(target.into());
        Self { path: path.into(), kind: 2, bytes: Vec::new(), mode: 0o120_777, target }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.len();
    loop {
        let part = u8::try_from(rest & 0x7f).unwrap();
        rest >>= 7;
        out.push(if rest == 0 { part } else { part | 0x80 });
        if rest == 0 {
            break;
        }
    }
    out.extend(text.as_bytes());
}

/// The bytes of a package with these commands and objects.
pub(crate) fn package(schema: u16, commands: &[(&str, &str)], objects: &[Made]) -> Vec<u8> {
    let mut manifest = schema.to_le_bytes().to_vec();
    text(&mut manifest, "made");
    text(&mut manifest, "1.2.3");
    manifest.extend(if schema == 1 { [0, 0].as_slice() } else { &[0] });
    manifest.push(u8::try_from(commands.len()).unwrap());
    for (name, entry) in commands {
        text(&mut manifest, name);
        text(&mut manifest, entry);
    }
    manifest.extend(if schema == 1 { [0, 0].as_slice() } else { &[0] });
    let mut index = schema.to_le_bytes().to_vec();
    index.push(u8::try_from(objects.len()).unwrap());
    let mut tar = Vec::new();
    for made in objects {
        text(&mut index, &made.path);
        index.push(made.kind);
        tar.extend([b'.'; 512]);
        index.extend((tar.len() as u64).to_le_bytes());
        index.extend((made.bytes.len() as u64).to_le_bytes());
        index.extend(made.mode.to_le_bytes());
        index.extend([0xe8, 3, 0, 0, 0xe8, 3, 0, 0]);
        index.extend(7i64.to_le_bytes());
        index.push(u8::from(made.target.is_some()));
        if let Some(target) = &made.target {
            text(&mut index, target);
        }
        tar.extend(&made.bytes);
    }
    let mut all = b"\x89AOS\x01\0\0\0".to_vec();
    all.extend(u32::try_from(manifest.len()).unwrap().to_le_bytes());
    all.extend(u32::try_from(index.len()).unwrap().to_le_bytes());
    [all, manifest, index, tar].concat()
}

fn objects() -> Vec<Made> {
    vec![
        Made::directory("/"),
        Made::directory("/bin"),
        Made::file("/bin/a", b"\0asm-a"),
        Made::link("/bin/b", "a"),
        Made::link("/etc", "/bin/../none"),
    ]
}

fn read(bytes: Vec<u8>) -> Result<Image, ImageError> {
    Image::read(&Stored::memory(bytes))
}

/// Everything that can be asked of a tree, asked.
fn walk(node: &NodeRef, depth: usize) -> usize {
    let stat = node.stat().unwrap();
    let mut seen = 1;
    match stat.kind {
        Kind::File => {
            let file = node.clone().open(false).unwrap();
            let mut buf = [0; 64];
            assert!(file.read_at(&mut buf, 0).unwrap() as u64 <= stat.size);
        }
        Kind::Link => assert!(!node.read_link().unwrap().is_empty()),
        Kind::Directory => {
            let mut names = Vec::new();
            node.list(0, &mut |entry| {
                names.push(entry.name.to_vec());
                true
            })
            .unwrap();
            for name in names {
                assert!(!name.contains(&b'/') && !matches!(name.as_slice(), b"" | b"." | b".."));
                seen += walk(&node.lookup(&name).unwrap(), depth + 1);
            }
        }
        _ => {}
    }
    seen
}

#[test]
fn a_package_is_shown_whole() {
    for schema in [1, 2] {
        let image = read(package(schema, &[("a", "bin/a"), ("b", "/bin/b")], &objects())).unwrap();
        let package = image.package().unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("made", "1.2.3"));
        assert_eq!(package.commands.len(), 2);
        let root = image.root(5);
        assert_eq!(walk(&root, 0), 5);
        let a = root.lookup(b"bin").unwrap().lookup(b"a").unwrap();
        let stat = a.stat().unwrap();
        assert_eq!((stat.mode, stat.uid, stat.size, stat.modified), (0o755, 1000, 6, 7_000_000_000));
        assert_eq!(a.immutable(), image.root(6).lookup(b"bin").unwrap().lookup(b"a").unwrap().immutable());
        assert_eq!(image.file("bin/b").unwrap().exactly(0, 6).unwrap(), b"\0asm-a");
    }
}

#[test]
fn what_is_wrong_with_a_package_is_said() {
    let check = |commands: &[(&str, &str)], change: &dyn Fn(&mut Vec<Made>), want: &str| {
        let mut objects = objects();
        change(&mut objects);
        let error = read(package(1, commands, &objects)).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    };
    check(&[("x", "bin/none")], &|_| {}, "`x`: the file that the manifest gives");
    check(&[("x", "bin")], &|_| {}, "`x`: the file that the manifest gives");
    check(&[], &|all| all.push(Made::file("bin/c", b"")), "`bin/c`: the path is not absolute");
    check(&[], &|all| all.push(Made::file("/bin/../c", b"")), "has `..` in it");
    check(&[], &|all| all.push(Made::file("/bin/a", b"")), "`/bin/a`: it is there already");
    check(&[], &|all| all.push(Made::directory("/bin")), "`/bin`: it is there already");
    check(&[], &|all| all.push(Made::file("/etc/x", b"")), "below something that is no directory");
    check(&[], &|all| all.push(Made::file("/a\u{1b}[1m\0", b"")), "`/a\\u{1b}[1m\\0`: the path is empty");
    check(&[], &|all| all[2].kind = 3, "none of file, directory and link");
    check(&[], &|all| all[2].kind = 2, "a link has a target");
    check(&[], &|all| all[2].target = Some("x".into()), "a link has a target");
    check(&[], &|all| all[2].mode = 0o40_755, "its mode is that of something else");
}

#[test]
fn other_versions_are_refused_by_name() {
    let good = package(1, &[], &objects());
    let check = |at: usize, value: u8, want: &str| {
        let mut bytes = good.clone();
        bytes[at] = value;
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    };
    check(0, 0, "byte 0: a package begins with");
    check(4, 2, "the package has version 2");
    check(6, 1, "kept for later");
    check(16, 3, "the manifest has version 3");
    check(11, 255, "manifest: more than");
    check(15, 255, "index: more than");
    check(12, good[12] - 1, "byte");
    check(12, good[12] + 1, "byte");
    check(10, 1, "it ends early");
}

#[test]
fn no_truncation_is_taken_for_the_whole() {
    let mut objects = objects();
    objects.push(Made::file("/last", b"1234"));
    let good = package(1, &[("a", "bin/a")], &objects);
    for len in 0..good.len() {
        assert!(read(good[..len].to_vec()).is_err(), "{len}");
    }
    assert!(read(good).is_ok());
}

proptest! {
    #[test]
    fn flipped_bytes_never_lead_out(at in any::<prop::sample::Index>(), value: u8, again in any::<prop::sample::Index>()) {
        let mut bytes = package(1, &[("a", "bin/a"), ("b", "/bin/b")], &objects());
        let (at, again) = (at.index(bytes.len()), again.index(bytes.len()));
        bytes[at] = value;
        bytes[again] ^= 1;
        if let Ok(image) = read(bytes) {
            prop_assert!(walk(&image.root(1), 0) >= 5);
        }
    }

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read([b"\x89AOS\x01\0\0\0".as_slice(), &noise].concat()).is_err() || noise.len() >= 8);
    }
}

//! Random changes of names, with the host's own calls by path in a second folder as oracle.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hob_os::tree::{Kind, Named, Object, Rename};
use hob_os::{Errno, OsError, Result};
use proptest::prelude::*;
use rustix::fs::{AtFlags, CWD, RenameFlags};

use crate::common::Host;
use crate::writable;

/// One of two directories and one of three names in it.
type At = (bool, u8);

#[derive(Debug, Clone)]
enum Op {
    File(At),
    Directory(At),
    Link(At),
    Unlink(At, bool),
    Hard(At, At),
    Rename(At, At, u8),
    Look(At),
}

fn op() -> impl Strategy<Value = Op> {
    let at = || (any::<bool>(), 0..3u8);
    prop_oneof![
        at().prop_map(Op::File),
        at().prop_map(Op::Directory),
        at().prop_map(Op::Link),
        (at(), any::<bool>()).prop_map(|(at, directory)| Op::Unlink(at, directory)),
        (at(), at()).prop_map(|(from, to)| Op::Hard(from, to)),
        (at(), at(), 0..3u8).prop_map(|(from, to, how)| Op::Rename(from, to, how)),
        at().prop_map(Op::Look),
    ]
}

/// The directory and the name an operation means. The second directory is one that operations move and remove.
fn place(root: &Object, (below, name): At) -> Result<(Object, Vec<u8>)> {
    let name = vec![b'a' + name];
    let dir = if below { root.lookup(b"a")? } else { root.lookup(b"top")? };
    Ok((dir, name))
}

fn through(root: &Object, op: &Op) -> Result<Kind> {
    let top = |at: At| place(root, at);
    match op {
        Op::File(at) => {
            top(*at).and_then(|(dir, name)| dir.make(&name, Named::File, 0o644)).map(|o| o.kind())
        }
        Op::Directory(at) => {
            top(*at).and_then(|(dir, name)| dir.make(&name, Named::Directory, 0o755)).map(|o| o.kind())
        }
        Op::Link(at) => {
            top(*at).and_then(|(dir, name)| dir.make(&name, Named::Link(b"a"), 0)).map(|o| o.kind())
        }
        Op::Unlink(at, directory) => {
            top(*at).and_then(|(dir, name)| dir.unlink(&name, *directory)).map(|()| Kind::File)
        }
        Op::Hard(from, to) => {
            let (dir, name) = top(*from)?;
            let object = dir.lookup(&name)?;
            let (dir, name) = top(*to)?;
            dir.link(&name, &object).map(|()| Kind::File)
        }
        Op::Rename(from, to, how) => {
            let ((from, name), (to, to_name)) = (top(*from)?, top(*to)?);
            let how = [Rename::Replace, Rename::Keep, Rename::Exchange][usize::from(*how)];
            from.rename(&name, &to, &to_name, how).map(|()| Kind::File)
        }
        Op::Look(at) => {
            let (dir, name) = top(*at)?;
            dir.lookup(&name).map(|object| object.kind())
        }
    }
}

fn by_path(root: &Path, op: &Op) -> io::Result<Kind> {
    let path = |(below, name): At| -> PathBuf {
        root.join(if below { "a" } else { "top" }).join(char::from(b'a' + name).to_string())
    };
    // A walk enters no link, where a path of the host would.
    let walk = |at: At| -> io::Result<PathBuf> {
        let dir = root.join(if at.0 { "a" } else { "top" });
        let kind = fs::symlink_metadata(dir)?;
        if kind.is_dir() { Ok(path(at)) } else { Err(rustix::io::Errno::NOTDIR.into()) }
    };
    match op {
        Op::File(at) => fs::File::create_new(walk(*at)?).map(|_| Kind::File),
        Op::Directory(at) => fs::create_dir(walk(*at)?).map(|()| Kind::Directory),
        Op::Link(at) => std::os::unix::fs::symlink("a", walk(*at)?).map(|()| Kind::Link),
        Op::Unlink(at, true) => fs::remove_dir(walk(*at)?).map(|()| Kind::File),
        Op::Unlink(at, false) => fs::remove_file(walk(*at)?).map(|()| Kind::File),
        Op::Hard(from, to) => {
            let from = walk(*from)?;
            fs::symlink_metadata(&from)?;
            Ok(rustix::fs::linkat(CWD, from, CWD, walk(*to)?, AtFlags::empty()).map(|()| Kind::File)?)
        }
        Op::Rename(from, to, how) => {
            let flags = [RenameFlags::empty(), RenameFlags::NOREPLACE, RenameFlags::EXCHANGE];
            let (from, to) = (walk(*from)?, walk(*to)?);
            Ok(rustix::fs::renameat_with(CWD, from, CWD, to, flags[usize::from(*how)])
                .map(|()| Kind::File)?)
        }
        Op::Look(at) => {
            let kind = fs::symlink_metadata(walk(*at)?)?.file_type();
            Ok(match kind {
                kind if kind.is_dir() => Kind::Directory,
                kind if kind.is_symlink() => Kind::Link,
                _ => Kind::File,
            })
        }
    }
}

/// Every path below a folder with what is there.
fn shape(dir: &Path, prefix: &str, all: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        all.push(format!("{path} {}{}", kind.is_dir(), kind.is_symlink()));
        if kind.is_dir() {
            shape(&entry.path(), &path, all);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_are_what_paths_make_of_them(ops in proptest::collection::vec(op(), 1..60)) {
        let (host, oracle) = (Host::new(), Host::new());
        host.dir("top").dir("a");
        oracle.dir("top").dir("a");
        let root = writable(&host);
        for op in &ops {
            let expected = by_path(&oracle.path(""), op).map_err(|error| OsError::from(error).errno());
            let got = through(&root, op).map_err(|error| error.errno());
            // Which of two reasons a refusal names is the kernel's affair where the oracle looks by another call.
            let same = match (&got, &expected) {
                (Ok(a), Ok(b)) => a == b,
                (Err(a), Err(b)) => a == b || matches!(op, Op::Hard(..)) && [*a, *b].contains(&Errno::Perm),
                _ => false,
            };
            prop_assert!(same, "{op:?}: {got:?}, not {expected:?}");
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        shape(&host.path(""), "", &mut ours);
        shape(&oracle.path(""), "", &mut theirs);
        prop_assert_eq!(ours, theirs);
    }
}

//! Links of the host in the session's own tree.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use hob_os::{Errno, Result};
use tempfile::TempDir;

use super::{OWNER, root};
use crate::fs::mem::{MemConfig, MemFs};
use crate::fs::walk::{Last, Mount, Place, Tree, Walker};
use crate::fs::{Kind, New, NodeRef};
use crate::process::Identity;
use crate::time::Clock;

fn read(node: &NodeRef) -> Vec<u8> {
    let mut buf = [0; 64];
    let done = node.clone().open(false).unwrap().read_at(&mut buf, 0).unwrap();
    buf[..done].to_vec()
}

/// A tree in memory with `/etc/passwd` and a granted folder at `/data`.
fn tree(folder: &TempDir) -> Tree {
    let clock = Clock::still(1);
    let memory =
        MemFs::new(MemConfig { device: 1, bytes_max: 1 << 20, inodes_max: 9, clock, ledger: None }).unwrap();
    let open = crate::fs::Attributes { mode: 0o755, ..OWNER };
    let etc = memory.root().make(b"etc", New::Directory, open).unwrap();
    etc.make(b"passwd", New::File, open).unwrap().open(true).unwrap().append(b"the session's").unwrap();
    memory.root().make(b"data", New::Directory, open).unwrap();
    let tree = Tree::new(memory.root());
    let over = find(&tree, b"/data").unwrap();
    let mount = Mount {
        root: root(folder, "rw"),
        path: b"/data".to_vec(),
        source: String::new(),
        kind: "host",
        read_only: false,
    };
    tree.mount(&over, mount).unwrap();
    tree
}

fn find(tree: &Tree, path: &[u8]) -> Result<Arc<Place>> {
    let who = Identity::of(1000, 1000);
    Walker { tree, who: &who, me: 1 }.find(&tree.root, path, Last::Follow)?.existing()
}

#[test]
fn a_link_leads_to_the_sessions_own_path_never_to_the_hosts() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    fs::write(folder.path().join("file"), "granted").unwrap();
    for (text, name) in [
        ("/etc/passwd", "absolute"),
        ("../../../etc/passwd", "relative"),
        ("../../../../../../../../../etc/passwd", "far"),
        ("/data/file", "inside"),
        ("../../file", "near"),
        ("/etc/shadow", "only the host's"),
        ("/proc/self/root", "kernel"),
        ("loop", "loop"),
    ] {
        symlink(text, deep.join(name)).unwrap();
    }
    let tree = tree(&folder);
    for name in ["absolute", "relative", "far"] {
        let place = find(&tree, format!("/data/a/b/{name}").as_bytes()).unwrap();
        assert_eq!(read(&place.node), b"the session's", "{name}");
    }
    for name in ["inside", "near"] {
        let place = find(&tree, format!("/data/a/b/{name}").as_bytes()).unwrap();
        assert_eq!(
            (place.path(), read(&place.node)),
            (b"/data/file".to_vec(), b"granted".to_vec()),
            "{name}"
        );
    }
    for (name, errno) in [("only the host's", Errno::Noent), ("kernel", Errno::Noent), ("loop", Errno::Loop)]
    {
        let error = find(&tree, format!("/data/a/b/{name}").as_bytes()).unwrap_err();
        assert_eq!(error.errno(), errno, "{name}");
    }
    assert_eq!(find(&tree, b"/data/..").unwrap().path(), b"/");
}

#[test]
fn a_directory_swapped_for_a_link_in_a_walk_never_leads_out() {
    let folder = TempDir::new().unwrap();
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("file"), "outside").unwrap();
    let spot = folder.path().join("spot");
    let away = folder.path().join("away");
    fs::create_dir(&spot).unwrap();
    fs::write(spot.join("file"), "inside").unwrap();
    let tree = tree(&folder);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                fs::rename(&spot, &away).unwrap();
                symlink(outside.path(), &spot).unwrap();
                fs::remove_file(&spot).unwrap();
                fs::rename(&away, &spot).unwrap();
            }
        });
        // On one processor it takes a while until either has been seen.
        let (mut found, mut missed, mut wrong) = (0, 0, None);
        let began = std::time::Instant::now();
        while wrong.is_none() && (found + missed < 10_000 || found == 0 || missed == 0) {
            match find(&tree, b"/data/spot/file") {
                Ok(place) => {
                    found += 1;
                    let seen = (place.node.kind() == Kind::File).then(|| read(&place.node));
                    wrong = (seen != Some(b"inside".to_vec())).then_some(seen);
                }
                Err(_) => missed += 1,
            }
            if began.elapsed().as_secs() >= 60 {
                break;
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        swapper.join().unwrap();
        assert_eq!(wrong, None);
        assert!(found > 0 && missed > 0, "the race was never won in a useful way: {found} and {missed}");
    });
}

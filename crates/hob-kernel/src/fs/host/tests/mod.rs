//! What granted directories promise, each promise by its own test.

use hob_cap::FsGrant;
use hob_os::open_grant;
use tempfile::TempDir;

use super::HostFs;
use crate::fs::NodeRef;

fn granted(folder: &TempDir, access: &str) -> NodeRef {
    let grant = FsGrant::parse(&format!("{}::/data:{access}", folder.path().display())).unwrap();
    HostFs::root(9, open_grant(&grant).unwrap(), &grant).unwrap()
}

#[test]
fn a_file_is_made_written_and_found() {
    use crate::fs::{Attributes, New};
    let folder = TempDir::new().unwrap();
    let root = granted(&folder, "rw");
    let node = root.make(b"a", New::File, Attributes { mode: 0o640, uid: 5, gid: 5 }).unwrap();
    let file = node.open(true).unwrap();
    assert_eq!(file.append(b"one").unwrap(), (3, 3));
    assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"one");
    let stat = root.lookup(b"a").unwrap().stat().unwrap();
    assert_eq!((stat.size, stat.uid, stat.gid, stat.mode), (3, 1000, 1000, 0o640));
}

//! What an overlay promises, each promise by its own test.

mod model;
mod promises;

use std::sync::Arc;

use hob_os::{Errno, Result};

use super::Overlay;
use crate::fs::mem::{MemConfig, MemFs};
use crate::fs::{Attributes, File, Kind, New, NodeRef};
use crate::time::Clock;

const OWNER: Attributes = Attributes { mode: 0o640, uid: 7, gid: 8 };

fn memory(device: u64) -> MemFs {
    sized(device, 64 << 20, 20_000)
}

fn sized(device: u64, bytes_max: u64, inodes_max: u64) -> MemFs {
    MemFs::new(MemConfig { device, bytes_max, inodes_max, clock: Clock::still(1000), ledger: None }).unwrap()
}

fn content(open: &dyn File) -> Vec<u8> {
    let mut buf = vec![9; usize::try_from(open.size().unwrap()).unwrap() + 1];
    let len = open.read_at(&mut buf, 0).unwrap();
    buf.truncate(len);
    buf
}

fn fails<T: std::fmt::Debug>(result: Result<T>, errno: Errno) {
    assert_eq!(result.unwrap_err().errno(), errno);
}

fn write(at: &NodeRef, name: &str, bytes: &[u8]) -> NodeRef {
    let node = at.lookup(name.as_bytes()).or_else(|_| at.make(name.as_bytes(), New::File, OWNER)).unwrap();
    assert_eq!(node.clone().open(true).unwrap().write_at(bytes, 0), Ok(bytes.len()));
    node
}

fn directory(at: &NodeRef, name: &str) -> NodeRef {
    at.make(name.as_bytes(), New::Directory, OWNER).unwrap()
}

fn read(at: &NodeRef, name: &str) -> Vec<u8> {
    content(&*open(at, name))
}

fn open(at: &NodeRef, name: &str) -> Arc<dyn File> {
    at.lookup(name.as_bytes()).unwrap().open(false).unwrap()
}

fn names(at: &NodeRef) -> Vec<String> {
    let mut names = Vec::new();
    at.list(0, &mut |entry| {
        assert!(entry.next >= 3);
        names.push(String::from_utf8(entry.name.to_vec()).unwrap());
        true
    })
    .unwrap();
    names.sort();
    names
}

//! What a file system in memory promises, each promise by its own test.

mod bytes;
mod names;
mod room;
mod threads;

use std::sync::Arc;

use hob_os::{Errno, Result};

use super::{MemConfig, MemFs};
use crate::fs::{Attributes, File, New, NodeRef};
use crate::time::Clock;

const OWNER: Attributes = Attributes { mode: 0o640, uid: 7, gid: 8 };

fn config(bytes_max: u64, inodes_max: u64) -> MemConfig {
    MemConfig { device: 5, bytes_max, inodes_max, clock: Clock::still(1000), ledger: None }
}

fn memory() -> MemFs {
    MemFs::new(config(64 << 20, 200_000)).unwrap()
}

fn file(at: &NodeRef, name: &str) -> Arc<dyn File> {
    at.make(name.as_bytes(), New::File, OWNER).unwrap().open(true).unwrap()
}

fn directory(at: &NodeRef, name: &str) -> NodeRef {
    at.make(name.as_bytes(), New::Directory, OWNER).unwrap()
}

fn fails<T: std::fmt::Debug>(result: Result<T>, errno: Errno) {
    assert_eq!(result.unwrap_err().errno(), errno);
}

fn names(at: &NodeRef) -> Vec<String> {
    let mut names = Vec::new();
    at.list(0, &mut |entry| {
        names.push(String::from_utf8(entry.name.to_vec()).unwrap());
        true
    })
    .unwrap();
    names
}

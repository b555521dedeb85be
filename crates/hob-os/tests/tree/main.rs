//! Granted directories as trees of open objects: what they do, and what is tried against them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod attacks;
mod bytes;
mod grants;
mod listing;
mod model;
mod names;
mod objects;
mod special;

use common::Host;
use hob_cap::Access;
use hob_os::open_grant;
use hob_os::tree::{File, Object};

/// The root of a folder below the host's.
fn root(host: &Host, name: &str, access: Access) -> Object {
    let grant = host.grant(name, "/data", access);
    Object::root(&open_grant(&grant).unwrap(), access).unwrap()
}

/// The roots of folders that know of each other.
fn roots(host: &Host, grants: &[(&str, Access)]) -> Vec<Object> {
    let dirs: Vec<_> = grants
        .iter()
        .map(|(name, access)| (open_grant(&host.grant(name, "/data", *access)).unwrap(), *access))
        .collect();
    let grants: Vec<_> = dirs.iter().map(|(dir, access)| (dir, *access)).collect();
    Object::roots(&grants).unwrap()
}

/// The host's folder, writable.
fn writable(host: &Host) -> Object {
    root(host, "", Access::ReadWrite)
}

/// All bytes of a file.
fn bytes(file: &File) -> Vec<u8> {
    let mut all = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
    let mut done = 0;
    while done < all.len() {
        match file.read_at(&mut all[done..], u64::try_from(done).unwrap()).unwrap() {
            0 => break,
            more => done += more,
        }
    }
    all.truncate(done);
    all
}

/// The bytes of the file with this name.
fn text(dir: &Object, name: &str) -> String {
    String::from_utf8(bytes(&dir.lookup(name.as_bytes()).unwrap().open(false).unwrap())).unwrap()
}

/// Every name in a directory, sorted.
fn listed(dir: &Object) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    dir.list(0, &mut |entry| {
        names.push(entry.name.to_vec());
        true
    })
    .unwrap();
    names.sort();
    names
}

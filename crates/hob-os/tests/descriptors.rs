//! Descriptors of the host are scarce. Alone in its process, whose limit it lowers.

use hob_cap::FsGrant;
use hob_os::tree::{Named, Object};
use hob_os::{Errno, open_grant};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn ten_thousand_files_take_no_more_descriptors_than_are_used_at_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let grant = FsGrant::parse(&format!("{}::/data:rw", folder.path().display())).unwrap();
    let root = Object::root(&open_grant(&grant).unwrap(), grant.access).unwrap();
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(48), maximum: before.maximum }).unwrap();
    let name = |n: u32| format!("file {n}").into_bytes();
    for n in 0..10_000 {
        let made = root.make(&name(n), Named::File, 0o644).unwrap();
        if n % 2 == 0 {
            made.open(true).unwrap().append(&name(n)).unwrap();
        }
    }
    let mut count = 0;
    root.list(0, &mut |entry| {
        let object = root.lookup(entry.name).unwrap();
        object.open(false).unwrap();
        count += 1;
        true
    })
    .unwrap();
    assert_eq!(count, 10_000);
    // Listings that are never finished keep one descriptor, not one each.
    for _ in 0..1000 {
        root.list(0, &mut |_| false).unwrap();
    }
    // Directories are walked and left behind.
    let mut deep = root.make(b"deep", Named::Directory, 0o755).unwrap();
    for _ in 0..1000 {
        deep = deep.make(b"d", Named::Directory, 0o755).unwrap();
    }
    // More than there are is an error, and what is let go can be used again.
    let mut held = Vec::new();
    let error = loop {
        match root.lookup(&name(7)) {
            Ok(object) => held.push(object),
            Err(error) => break error,
        }
    };
    assert_eq!(error.errno(), Errno::Mfile);
    assert!(held.len() > 20, "{}", held.len());
    drop(held);
    root.lookup(&name(7)).unwrap().open(true).unwrap();
    setrlimit(Resource::Nofile, before).unwrap();
}

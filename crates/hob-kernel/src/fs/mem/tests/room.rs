//! The quota: exact at the limit, and given back.

use hob_cap::{Ledger, Limit, Limits};

use super::*;
use crate::fs::RenameHow;
use crate::fs::mem::{ENTRY_BYTES, NODE_BYTES};

#[test]
fn every_object_costs_what_it_is_documented_to() {
    let fs = memory();
    let root = fs.root();
    let costs = |bytes: u64, inodes: u64, what: &dyn Fn()| {
        let before = fs.space();
        what();
        let after = fs.space();
        assert_eq!(after.bytes_used - before.bytes_used, bytes);
        assert_eq!(after.inodes_used - before.inodes_used, inodes);
    };
    let named = NODE_BYTES + ENTRY_BYTES;
    costs(named + 1, 1, &|| drop(file(&root, "f")));
    costs(named + 3 + 9, 1, &|| drop(root.make(b"lnk", New::Link(b"somewhere"), OWNER).unwrap()));
    costs(512, 0, &|| drop(root.lookup(b"f").unwrap().open(true).unwrap().write_at(b"x", 0)));
    costs(ENTRY_BYTES + 2, 0, &|| root.link(b"f2", &root.lookup(b"f").unwrap()).unwrap());
    costs(1, 0, &|| root.rename(b"f2", &root, b"f22", RenameHow::Replace).unwrap());
    costs(ENTRY_BYTES + 6 + 10, 0, &|| {
        root.lookup(b"f").unwrap().set_attribute(b"user.x", &[0; 10], false, false).unwrap();
    });
    let before = fs.space();
    root.rename(b"f22", &root, b"lnk", RenameHow::Replace).unwrap();
    assert_eq!(before.bytes_used - fs.space().bytes_used, NODE_BYTES + 9 + ENTRY_BYTES + 3);
}

#[test]
fn bytes_at_the_limit_and_one_past() {
    let used = memory().space().bytes_used + NODE_BYTES + ENTRY_BYTES + 1;
    let fs = MemFs::new(config(used + 10 * 512, 10)).unwrap();
    let open = file(&fs.root(), "f");
    assert_eq!(open.write_at(&[1; 10 * 512], 0), Ok(10 * 512));
    fails(open.write_at(b"x", 10 * 512), Errno::Nospc);
    fails(open.append(b"x"), Errno::Nospc);
    assert_eq!(open.size(), Ok(10 * 512));
    open.resize(5 * 512 + 1).unwrap();
    assert_eq!(open.write_at(&[2; 10 * 512], 3), Ok(10 * 512 - 3), "short, up to the quota");
    fails(fs.root().make(b"g", New::File, OWNER), Errno::Nospc);
    fails(fs.root().link(b"g", &fs.root().lookup(b"f").unwrap()), Errno::Nospc);
    fails(fs.root().rename(b"f", &fs.root(), b"longer", RenameHow::Replace), Errno::Nospc);
    fails(open.reserve(0, 4097 * 4096, true), Errno::Nospc);
    fails(fs.root().set_attribute(b"user.a", b"", false, false), Errno::Nospc);
    assert_eq!(fs.space().bytes_used, fs.space().bytes);
    open.resize(1 << 40).unwrap();
    open.punch(0, 1 << 40).unwrap();
    assert_eq!(fs.space().bytes_used, used);
}

#[test]
fn objects_at_the_limit_and_one_past() {
    let fs = MemFs::new(config(1 << 20, 3)).unwrap();
    let root = fs.root();
    file(&root, "a");
    let unnamed = root.make_unnamed(OWNER).unwrap();
    let before = fs.space();
    fails(root.make(b"b", New::Directory, OWNER), Errno::Nospc);
    fails(root.make_unnamed(OWNER), Errno::Nospc);
    assert_eq!(fs.space(), before);
    drop(unnamed);
    directory(&root, "b");
    fails(MemFs::new(config(1 << 20, 0)), Errno::Nospc);
    fails(MemFs::new(config(NODE_BYTES - 1, 1)), Errno::Nospc);
    assert!(MemFs::new(config(NODE_BYTES, 1)).is_ok());
}

#[test]
fn the_ledger_gets_everything_back() {
    let ledger = Arc::new(Ledger::new(&Limits { host_buffer_bytes: 8192, ..Limits::default() }));
    let fs = MemFs::new(MemConfig { ledger: Some(ledger.clone()), ..config(1 << 30, 100) }).unwrap();
    let root = fs.root();
    let open = file(&directory(&root, "d"), "f");
    let wrote = open.write_at(&[1; 9000], 0).unwrap();
    assert!(wrote < 8192 && wrote > 7000);
    fails(open.append(&[0; 512]), Errno::Nomem);
    assert_eq!(ledger.used(Limit::HostBuffer), fs.space().bytes_used);
    assert_eq!(ledger.used(Limit::Memory), fs.space().bytes_used);
    drop((root, open, fs));
    assert_eq!((ledger.used(Limit::HostBuffer), ledger.used(Limit::Memory)), (0, 0));
}

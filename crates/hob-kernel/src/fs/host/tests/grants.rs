//! What a grant allows, and what goes from one to another.

use std::fs;

use hob_cap::FsGrant;
use hob_os::{Errno, HostDir, open_grant};
use tempfile::TempDir;

use super::{HostFs, OWNER, fails, grant, open_fails, root};
use crate::fs::mem::{MemConfig, MemFs};
use crate::fs::walk::{Last, Mount, Tree, Walker};
use crate::fs::{Change, New, NodeRef, RenameHow, Time};
use crate::process::Identity;
use crate::time::Clock;

fn folder(names: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in names {
        fs::create_dir_all(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("file"), "kept").unwrap();
    }
    folder
}

fn roots(folder: &TempDir, grants: &[(&str, &str)]) -> Vec<NodeRef> {
    let grants: Vec<FsGrant> = grants.iter().map(|(name, access)| grant(folder, name, access)).collect();
    let all: Vec<(u64, HostDir, &FsGrant)> =
        (20..).zip(&grants).map(|(device, grant)| (device, open_grant(grant).unwrap(), grant)).collect();
    HostFs::roots(&all).unwrap()
}

fn assert_read_only(dir: &NodeRef) {
    assert!(dir.read_only());
    let file = dir.lookup(b"file").unwrap();
    assert!(file.read_only());
    open_fails(&file, true, Errno::Rofs);
    fails(file.clone().open(false).unwrap().write_at(b"x", 0), Errno::Rofs);
    fails(file.clone().open(false).unwrap().append(b"x"), Errno::Rofs);
    fails(file.clone().open(false).unwrap().resize(0), Errno::Rofs);
    fails(file.change(&Change { mode: Some(0o777), ..Change::default() }), Errno::Rofs);
    fails(file.change(&Change { modified: Time::Now, ..Change::default() }), Errno::Rofs);
    fails(dir.make(b"new", New::File, OWNER), Errno::Rofs);
    fails(dir.make_unnamed(OWNER), Errno::Rofs);
    fails(dir.link(b"new", &file), Errno::Rofs);
    fails(dir.unlink(b"file", false), Errno::Rofs);
    fails(dir.rename(b"file", dir, b"new", RenameHow::Replace), Errno::Rofs);
}

#[test]
fn a_grant_is_told_and_a_read_only_one_is_never_written() {
    let folder = folder(&["", "sub"]);
    let dir = root(&folder, "ro");
    assert_read_only(&dir);
    assert_read_only(&dir.lookup(b"sub").unwrap());
    let text = grant(&folder, "", "ro").to_string();
    assert_eq!(dir.grant(), Some(text.clone()));
    assert_eq!(dir.lookup(b"sub").unwrap().lookup(b"file").unwrap().grant(), Some(text));
    assert!(!root(&folder, "rw").lookup(b"sub").unwrap().read_only());
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"kept");
}

#[test]
fn nothing_is_carried_to_another_file_system() {
    let folder = folder(&["a", "b"]);
    let both = roots(&folder, &[("a", "rw"), ("b", "rw")]);
    let clock = Clock::still(1);
    let memory =
        MemFs::new(MemConfig { device: 1, bytes_max: 1 << 20, inodes_max: 9, clock, ledger: None }).unwrap();
    let file = both[0].lookup(b"file").unwrap();
    for other in [&both[1], &memory.root()] {
        fails(other.link(b"new", &file), Errno::Xdev);
        fails(both[0].rename(b"file", other, b"new", RenameHow::Replace), Errno::Xdev);
    }
    assert_ne!(both[0].id().device, both[1].id().device);
}

#[test]
fn the_lesser_access_holds_where_one_grant_leads_into_another() {
    let folder = folder(&["data", "data/secret"]);
    let both = roots(&folder, &[("data", "rw"), ("data/secret", "ro")]);
    assert_read_only(&both[0].lookup(b"secret").unwrap());
    fails(both[0].rename(b"secret", &both[0], b"mine", RenameHow::Replace), Errno::Busy);
    let both = roots(&folder, &[("data", "ro"), ("data/secret", "rw")]);
    assert_read_only(&both[0].lookup(b"secret").unwrap());
    both[1].make(b"new", New::File, OWNER).unwrap();
}

#[test]
fn a_narrower_grant_is_seen_where_it_is_mounted_whatever_name_leads_there() {
    let folder = folder(&["data", "data/above/secret"]);
    let both = roots(&folder, &[("data", "rw"), ("data/above/secret", "ro")]);
    let tree = Tree::new(both[0].clone());
    let who = Identity::of(1000, 1000);
    let find = |path: &[u8]| {
        let walker = Walker { tree: &tree, who: &who, me: 1 };
        walker.find(&tree.root, path, Last::Follow).unwrap().existing().unwrap()
    };
    let over = find(b"/above/secret");
    let path = over.path();
    let mount = Mount { root: both[1].clone(), path, source: String::new(), kind: "host", read_only: false };
    tree.mount(&over, mount).unwrap();
    both[0].rename(b"above", &both[0], b"moved", RenameHow::Replace).unwrap();
    let secret = find(b"/moved/secret");
    assert_eq!(secret.node.id(), both[1].id());
    assert!(tree.read_only(&secret) && !tree.read_only(&find(b"/moved")));
    assert_eq!(find(b"/moved/secret/..").node.id(), find(b"/moved").node.id());
}

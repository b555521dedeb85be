//! Listing directories, also while they change.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::sync::atomic::{AtomicBool, Ordering};

use hob_os::Errno;
use hob_os::tree::{Kind, Named, Object};

use crate::common::{Host, errno};
use crate::{listed, writable};

/// Names and positions, in order, from a position on and at most `max` of them.
fn some(dir: &Object, from: u64, max: usize) -> Vec<(Vec<u8>, u64)> {
    let mut entries = Vec::new();
    dir.list(from, &mut |entry| {
        if entries.len() == max {
            return false;
        }
        entries.push((entry.name.to_vec(), entry.next));
        true
    })
    .unwrap();
    entries
}

#[test]
fn a_listing_is_what_the_host_lists() {
    let host = Host::new();
    host.dir("dir").file("file", "").link("file", "link").file(".hidden", "");
    for n in 0..500 {
        host.file(&format!("many {n}"), "");
    }
    let dir = writable(&host);
    let mut told = HashMap::new();
    dir.list(0, &mut |entry| {
        assert!(entry.next >= 3);
        assert!(told.insert(entry.name.to_vec(), (entry.inode, entry.kind)).is_none());
        true
    })
    .unwrap();
    let mut count = 0;
    for entry in fs::read_dir(host.path("")).unwrap().map(|entry| entry.unwrap()) {
        let kind = match entry.file_type().unwrap() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::File,
        };
        let name = entry.file_name().into_encoded_bytes();
        assert_eq!(told.get(&name), Some(&(entry.ino(), kind)));
        count += 1;
    }
    assert_eq!(told.len(), count);
    assert_eq!(errno(dir.lookup(b"file").unwrap().list(0, &mut |_| true)), Errno::NotDir);
    assert_eq!(errno(dir.list(u64::MAX, &mut |_| true)), Errno::Inval);
}

#[test]
fn a_listing_goes_on_after_any_entry_in_any_piece() {
    let host = Host::new();
    for n in 0..300 {
        host.file(&format!("{n}"), "");
    }
    let dir = writable(&host);
    let all = some(&dir, 0, usize::MAX);
    assert_eq!(all.len(), 300);
    for piece in [1, 7, 299, 300, 301] {
        let (mut from, mut seen) = (0, Vec::new());
        loop {
            let more = some(&dir, from, piece);
            let Some(last) = more.last() else { break };
            from = last.1;
            seen.extend(more);
        }
        assert_eq!(seen, all, "pieces of {piece}");
    }
    for (n, (_, next)) in all.iter().enumerate().rev().step_by(17) {
        assert_eq!(some(&dir, *next, usize::MAX), all[n + 1..], "after entry {n}, backwards");
    }
    // What was not wanted comes again, through another object of the same directory as well.
    let other = writable(&host);
    assert_eq!(some(&dir, all[9].1, 0), []);
    assert_eq!(some(&other, all[9].1, 1), all[10..11]);
    assert_eq!(some(&dir, 2, 1), all[..1]);
}

#[test]
fn listings_at_the_same_time_do_not_disturb_each_other() {
    let host = Host::new();
    for n in 0..400 {
        host.file(&format!("{n}"), "");
    }
    let dir = writable(&host);
    let all = listed(&dir);
    let mut outer = Vec::new();
    dir.list(0, &mut |entry| {
        if outer.len() % 100 == 0 {
            assert_eq!(listed(&dir), all);
            let half = some(&dir, 0, 200);
            assert_eq!(half.len(), 200);
        }
        outer.push(entry.name.to_vec());
        true
    })
    .unwrap();
    outer.sort();
    assert_eq!(outer, all);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let (mut from, mut seen) = (0, Vec::new());
                    loop {
                        let more = some(&dir, from, 61);
                        let Some(last) = more.last() else { break };
                        from = last.1;
                        seen.extend(more.into_iter().map(|(name, _)| name));
                    }
                    seen.sort();
                    assert_eq!(seen, all);
                }
            });
        }
    });
}

#[test]
fn what_stays_is_listed_once_while_others_come_and_go() {
    let host = Host::new();
    let dir = writable(&host);
    for n in 0..1000 {
        dir.make(format!("stays {n}").as_bytes(), Named::File, 0o644).unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0u64;
            while !done.load(Ordering::Relaxed) {
                n += 1;
                let name = format!("goes {}", n % 700);
                match dir.make(name.as_bytes(), Named::File, 0o644) {
                    Ok(_) => {}
                    Err(_) => dir.unlink(name.as_bytes(), false).unwrap(),
                }
            }
        });
        for round in 0..40 {
            let (mut from, mut seen) = (0, HashMap::new());
            loop {
                let more = some(&dir, from, 40 + round);
                let Some(last) = more.last() else { break };
                from = last.1;
                for (name, _) in more.into_iter().filter(|(name, _)| name.starts_with(b"stays")) {
                    *seen.entry(name).or_insert(0) += 1;
                }
            }
            assert_eq!(seen.len(), 1000);
            assert!(seen.values().all(|count| *count == 1));
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn everything_can_be_removed_while_it_is_listed() {
    let host = Host::new();
    let dir = writable(&host);
    for n in 0..2000 {
        dir.make(format!("{n}").as_bytes(), Named::File, 0o644).unwrap();
    }
    dir.list(0, &mut |entry| {
        dir.unlink(entry.name, false).unwrap();
        true
    })
    .unwrap();
    assert!(listed(&dir).is_empty());
    assert_eq!(fs::read_dir(host.path("")).unwrap().count(), 0);
}

//! What a guest can use up, at each limit and one past it.

mod common;

use std::fs;
use std::sync::Arc;

use common::{DIR, Host, create, errno, names, read, truncate, write};
use hob_cap::Access::ReadWrite;
use hob_cap::{Ledger, Limit, Limits};
use hob_os::{Errno, OsError, SharedBuffer, Sink, TRANSFER_BYTES_MAX, Whence, World};

fn ledger(limits: Limits) -> Arc<Ledger> {
    Arc::new(Ledger::new(&limits))
}

#[test]
fn open_files_stop_at_the_limit_and_nothing_is_created_past_it() {
    let host = Host::new();
    host.file("file", "kept");
    let ledger = ledger(Limits { open_files: 10, ..Limits::default() });
    let mut world = host.builder(&[("", "/", ReadWrite)]).ledger(Arc::clone(&ledger)).build().unwrap();
    let fds: Vec<_> = (0..6).map(|_| world.open_at(DIR, b"file", read()).unwrap()).collect();
    assert_eq!(fds, [4, 5, 6, 7, 8, 9]);
    for how in [create(), truncate(create())] {
        let error = world.open_at(DIR, b"new", how).unwrap_err();
        assert!(matches!(error, OsError::Limit(limit) if limit.limit == Limit::OpenFiles), "{error}");
        assert_eq!(error.errno(), Errno::Mfile);
    }
    assert!(world.open_at(DIR, b"file", truncate(write())).is_err());
    assert!(!host.has("new"));
    assert_eq!(host.text("file"), "kept");
    world.close(7).unwrap();
    assert_eq!(world.open_at(DIR, b"new", create()), Ok(7), "the lowest free number");
    world.renumber(7, 8).unwrap();
    assert_eq!(world.open_at(DIR, b"new", create()), Ok(7));
    assert!(world.open_at(DIR, b"new", create()).is_err());
    drop(world);
    assert_eq!(ledger.used(Limit::OpenFiles), 0);
}

#[test]
fn failed_opens_hold_nothing() {
    let host = Host::new();
    let mut world = host.writable();
    let before = world.ledger().used(Limit::OpenFiles);
    for _ in 0..10_000 {
        assert_eq!(errno(world.open_at(DIR, b"none", read())), Errno::Noent);
    }
    assert_eq!(world.ledger().used(Limit::OpenFiles), before);
}

#[test]
fn ten_thousand_opens_and_closes_leave_the_host_as_it_was() {
    let host = Host::new();
    host.file("file", "");
    let mut world = host.writable();
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    for _ in 0..10_000 {
        let fd = world.open_at(DIR, b"file", read()).unwrap();
        world.close(fd).unwrap();
    }
    // Other tests of this process run meanwhile.
    assert!(open() < before + 100);
}

#[test]
fn output_ends_exactly_at_its_limit_on_all_streams_together() {
    let ledger = ledger(Limits { output_bytes: 10, ..Limits::default() });
    let (out, err) = (SharedBuffer::default(), SharedBuffer::default());
    let mut world = World::builder()
        .stdout(Sink::Buffer(out.clone()))
        .stderr(Sink::Buffer(err.clone()))
        .ledger(Arc::clone(&ledger))
        .build()
        .unwrap();
    assert_eq!(world.write(1, b"123456"), Ok(6));
    assert_eq!(world.write(2, b"789"), Ok(3));
    assert_eq!(world.write(1, b"0123"), Ok(1), "what still fits");
    let error = world.write(1, b"x").unwrap_err();
    assert!(matches!(error, OsError::Limit(limit) if limit.limit == Limit::Output && limit.allowed == 10));
    assert_eq!(error.errno(), Errno::Nospc);
    assert!(world.write(2, b"x").is_err());
    assert_eq!((out.take(), err.take()), (b"1234560".to_vec(), b"789".to_vec()));
    assert_eq!(ledger.used(Limit::Output), 10);
}

#[test]
fn discarded_output_and_output_to_a_function_count_as_well() {
    let ledger = ledger(Limits { output_bytes: 4, ..Limits::default() });
    let (sender, receiver) = std::sync::mpsc::channel();
    let callback = Sink::Callback(Box::new(move |bytes: &[u8]| sender.send(bytes.to_vec()).unwrap()));
    let mut world = World::builder().stderr(callback).ledger(ledger).build().unwrap();
    assert_eq!(world.write(1, b"ab"), Ok(2));
    assert_eq!(world.write(2, b"cdef"), Ok(2));
    assert!(world.write(1, b"x").is_err());
    assert_eq!(receiver.try_recv().unwrap(), b"cd");
}

#[test]
fn buffered_output_counts_as_memory_of_the_host() {
    let ledger = ledger(Limits { host_buffer_bytes: 5, ..Limits::default() });
    let out = SharedBuffer::default();
    let mut world =
        World::builder().stdout(Sink::Buffer(out.clone())).ledger(Arc::clone(&ledger)).build().unwrap();
    assert_eq!(world.write(1, b"12345"), Ok(5));
    assert!(matches!(world.write(1, b"6"), Err(OsError::Limit(limit)) if limit.limit == Limit::HostBuffer));
    assert_eq!((out.len(), ledger.used(Limit::Output)), (5, 5));
    drop(world);
    assert_eq!(ledger.used(Limit::HostBuffer), 0);
}

#[test]
fn one_call_transfers_a_bounded_number_of_bytes() {
    let host = Host::new();
    let mut world = host.writable();
    let fd = world.open_at(DIR, b"big", create()).unwrap();
    let data = vec![7; 3 * TRANSFER_BYTES_MAX];
    assert_eq!(world.write(fd, &data), Ok(TRANSFER_BYTES_MAX));
    assert_eq!(world.write(1, &data), Ok(TRANSFER_BYTES_MAX));
    let mut buf = vec![0; 3 * TRANSFER_BYTES_MAX];
    assert_eq!(world.pread(fd, &mut buf, 0), Ok(TRANSFER_BYTES_MAX));
}

#[test]
fn a_sparse_file_of_a_tebibyte_takes_no_room_and_reserving_it_is_not_offered() {
    let host = Host::new();
    let mut world = host.writable();
    let fd = world.open_at(DIR, b"sparse", create()).unwrap();
    world.set_size(fd, 1 << 40).unwrap();
    assert_eq!(world.seek(fd, 0, Whence::End), Ok(1 << 40));
    assert_eq!(world.write(fd, b"end"), Ok(3));
    assert_eq!(errno(world.allocate(fd, 0, 1 << 40)), Errno::NotSup);
    assert_eq!(errno(world.allocate(fd, 0, 0)), Errno::Inval);
    assert_eq!(errno(world.set_size(fd, u64::MAX)), Errno::Fbig);
    assert!(matches!(errno(world.pwrite(fd, b"x", u64::MAX)), Errno::Inval | Errno::Fbig));
    assert_eq!(errno(world.seek(fd, i64::MIN, Whence::Current)), Errno::Inval);
    assert_eq!(errno(world.seek(fd, -1, Whence::Start)), Errno::Inval);
    use std::os::unix::fs::MetadataExt;
    assert!(fs::metadata(host.path("sparse")).unwrap().blocks() < 1000);
}

#[test]
fn a_large_directory_is_streamed_with_cookies_that_stay_good() {
    const ENTRIES: usize = 20_000;
    let host = Host::new();
    for n in 0..ENTRIES {
        host.file(&format!("{n}"), "");
    }
    let mut world = host.writable();
    let memory = world.ledger().used(Limit::Memory);
    // One entry per call, as with the smallest buffer a guest can use.
    let (mut cookie, mut seen) = (0, Vec::new());
    loop {
        let mut found = None;
        world
            .readdir(DIR, cookie, &mut |entry| {
                found = Some((entry.next, entry.name.to_vec()));
                false
            })
            .unwrap();
        let Some((next, name)) = found else { break };
        // What others do meanwhile does not disturb the rest.
        if seen.len() == ENTRIES / 2 {
            host.file("later", "");
        }
        cookie = next;
        seen.push(name);
    }
    seen.retain(|name| name != b"later");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), ENTRIES + 2);
    assert_eq!(world.ledger().used(Limit::Memory), memory);
    assert_eq!(names(&mut world, DIR).len(), ENTRIES + 3);
    assert_eq!(errno(world.readdir(DIR, u64::MAX, &mut |_| true)), Errno::Inval);
    let _any_cookie_is_safe = world.readdir(DIR, 0x1234_5678, &mut |_| true);
}

#[test]
fn the_directory_above_a_grant_is_not_told_by_dot_dot() {
    let host = Host::new();
    host.dir("in/sub");
    let mut world = host.world(&[("in", "/", ReadWrite)]);
    let mut inode = |fd, wanted: &[u8]| {
        let mut inode = 0;
        world
            .readdir(fd, 0, &mut |entry| {
                if entry.name == wanted {
                    inode = entry.inode;
                }
                true
            })
            .unwrap();
        inode
    };
    assert_eq!(inode(DIR, b".."), inode(DIR, b"."));
    let root = inode(DIR, b".");
    let sub = world.open_at(DIR, b"sub", read()).unwrap();
    let mut above = 0;
    world
        .readdir(sub, 0, &mut |entry| {
            if entry.name == b".." {
                above = entry.inode;
            }
            true
        })
        .unwrap();
    assert_eq!(above, root);
}

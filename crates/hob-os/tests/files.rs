//! What programs expect of files, directories and descriptors.

mod common;

use std::io::Write as _;

use common::{DIR, Host, create, errno, follow, names, read, truncate, write};
use hob_cap::Access::ReadWrite;
use hob_cap::ClockGrant;
use hob_os::{
    Advice, Errno, FdFlags, FileType, OpenHow, RecvFlags, Rights, SetTime, SharedBuffer, Sink, Source,
    VIRTUAL_EPOCH_NS, Whence, World,
};

#[test]
fn a_new_world_has_nothing_and_three_streams() {
    let mut world = World::builder().build().unwrap();
    assert!(world.args().is_empty() && world.environ().is_empty());
    assert_eq!(world.read(0, &mut [0; 4]), Ok(0));
    assert_eq!((world.write(1, b"a"), world.write(2, b"b")), (Ok(1), Ok(1)));
    assert_eq!(errno(world.write(0, b"a")), Errno::Badf);
    assert_eq!(errno(world.read(1, &mut [0])), Errno::Badf);
    assert_eq!(errno(world.prestat(3).map(str::to_owned)), Errno::Badf);
    for fd in [3, 99, u32::MAX] {
        assert_eq!(errno(world.fdstat(fd)), Errno::Badf);
        assert_eq!(errno(world.close(fd)), Errno::Badf);
        assert_eq!(errno(world.open_at(fd, b"x", read())), Errno::Badf);
        assert_eq!(errno(world.renumber(0, fd)), Errno::Badf);
        assert_eq!(errno(world.recv(fd, &mut [0], RecvFlags::default())), Errno::Badf);
    }
    assert_eq!(errno(world.seek(1, 0, Whence::Current)), Errno::Spipe);
    assert_eq!(world.fdstat(0).unwrap().kind, FileType::Unknown);
}

#[test]
fn arguments_and_environment_arrive_as_given_or_not_at_all() {
    let world =
        World::builder().arg("prog").args(["a b", ""]).env([("K", "v=w"), ("E", "")]).build().unwrap();
    assert_eq!(world.args(), [b"prog".to_vec(), b"a b".to_vec(), Vec::new()]);
    assert_eq!(world.environ(), [b"K=v=w".to_vec(), b"E=".to_vec()]);
    let bad = [
        World::builder().arg("a\0b"),
        World::builder().env([("", "x")]),
        World::builder().env([("A=B", "x")]),
        World::builder().env([("A", "x\0y")]),
    ];
    for builder in bad {
        assert_eq!(builder.build().err().map(|error| error.errno()), Some(Errno::Inval));
    }
}

#[test]
fn standard_streams_carry_bytes() {
    let out = SharedBuffer::default();
    let (pipe_out, pipe_in) = rustix::pipe::pipe().unwrap();
    let mut world = World::builder()
        .stdin(Source::Bytes(b"abcdef".to_vec()))
        .stdout(Sink::Buffer(out.clone()))
        .stderr(Sink::Fd(pipe_in))
        .build()
        .unwrap();
    let mut buf = [0; 4];
    assert_eq!((world.read(0, &mut buf), buf), (Ok(4), *b"abcd"));
    assert_eq!(world.read(0, &mut buf), Ok(2));
    assert_eq!(world.read(0, &mut buf), Ok(0));
    assert_eq!(world.write(1, b"out"), Ok(3));
    assert_eq!(world.write(2, b"err"), Ok(3));
    assert_eq!(out.take(), b"out");
    assert_eq!(rustix::io::read(&pipe_out, &mut buf), Ok(3));
    drop(pipe_out);
    assert_eq!(errno(world.write(2, b"x")), Errno::Pipe);
    // Input from a file, and renumbering onto a stream.
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"from file").unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let mut world =
        World::builder().stdin(Source::Fd(file.into())).stdout(Sink::Buffer(out.clone())).build().unwrap();
    assert_eq!(world.read(0, &mut [0; 99]), Ok(9));
    world.renumber(1, 2).unwrap();
    assert_eq!(world.write(2, b"moved"), Ok(5));
    assert_eq!(errno(world.write(1, b"x")), Errno::Badf);
    assert_eq!(out.take(), b"moved");
}

#[test]
fn offsets_move_as_they_should() {
    let host = Host::new();
    let mut world = host.writable();
    let fd = world.open_at(DIR, b"file", create()).unwrap();
    assert_eq!(world.tell(fd), Ok(0));
    assert_eq!(world.write(fd, &[1; 100]), Ok(100));
    assert_eq!(world.seek(fd, -50, Whence::Current), Ok(50));
    assert_eq!(world.pwrite(fd, &[2; 10], 95), Ok(10));
    assert_eq!(world.tell(fd), Ok(50));
    let mut buf = [0; 200];
    assert_eq!(world.read(fd, &mut buf), Ok(55));
    assert_eq!(world.pread(fd, &mut buf, 0), Ok(105));
    assert_eq!((buf[94], buf[95]), (1, 2));
    assert_eq!(world.seek(fd, 1000, Whence::Current), Ok(1105));
    assert_eq!(world.read(fd, &mut buf), Ok(0));
    assert_eq!(errno(world.seek(fd, -2000, Whence::Current)), Errno::Inval);
    world.advise(fd, 0, u64::MAX, Advice::Random).unwrap();
    world.set_size(fd, 3).unwrap();
    assert_eq!(world.filestat(fd).unwrap().size, 3);
    world.sync(fd).unwrap();
    world.datasync(fd).unwrap();
}

#[test]
fn appending_goes_to_the_end_until_it_is_switched_off() {
    let host = Host::new();
    host.file("file", "12");
    let mut world = host.writable();
    let append = FdFlags { append: true, ..FdFlags::default() };
    let fd = world.open_at(DIR, b"file", OpenHow { flags: append, ..write() }).unwrap();
    assert!(world.fdstat(fd).unwrap().flags.append);
    world.seek(fd, 0, Whence::Start).unwrap();
    world.write(fd, b"34").unwrap();
    assert_eq!(world.tell(fd), Ok(4));
    world.pwrite(fd, b"56", 0).unwrap();
    assert_eq!(world.tell(fd), Ok(4));
    world.set_flags(fd, FdFlags::default()).unwrap();
    world.pwrite(fd, b"ab", 0).unwrap();
    assert_eq!(host.text("file"), "ab3456");
    let sync = FdFlags { sync: true, ..FdFlags::default() };
    assert_eq!(errno(world.set_flags(fd, sync)), Errno::Inval);
    let fd = world.open_at(DIR, b"file", OpenHow { flags: sync, ..write() }).unwrap();
    assert!(world.fdstat(fd).unwrap().flags.sync);
    world.set_flags(fd, FdFlags { append: true, ..sync }).unwrap();
}

#[test]
fn a_descriptor_reads_and_writes_only_as_it_was_opened() {
    let host = Host::new();
    let mut world = host.writable();
    let only = |rights| OpenHow { rights, create: true, ..OpenHow::default() };
    let reader = world.open_at(DIR, b"file", only(Rights::FD_READ)).unwrap();
    let writer = world.open_at(DIR, b"file", only(Rights::FD_WRITE)).unwrap();
    let neither = world.open_at(DIR, b"file", only(Rights::NONE)).unwrap();
    assert_eq!(world.write(writer, b"abc"), Ok(3));
    assert_eq!(world.read(reader, &mut [0; 9]), Ok(3));
    assert_eq!(errno(world.write(reader, b"x")), Errno::Badf);
    assert_eq!(errno(world.read(writer, &mut [0])), Errno::Badf);
    for fd in [reader, writer, neither] {
        assert_eq!(
            errno(world.pread(fd, &mut [0], 0)),
            if fd == reader { Errno::NotCapable } else { Errno::Badf }
        );
        assert_eq!(errno(world.seek(fd, 0, Whence::Start)), Errno::NotCapable);
        assert_eq!(errno(world.filestat(fd)), Errno::NotCapable);
        assert_eq!(errno(world.set_size(fd, 0)), Errno::NotCapable);
        assert_eq!(errno(world.sync(fd)), Errno::NotCapable);
    }
    assert_eq!(host.text("file"), "abc");
}

#[test]
fn rights_are_given_up_and_never_taken_back() {
    let host = Host::new();
    let mut world = host.writable();
    let fd = world.open_at(DIR, b"file", create()).unwrap();
    let stat = world.fdstat(fd).unwrap();
    let less = stat.rights.without(Rights::FD_READ.or(Rights::FD_WRITE));
    world.set_rights(fd, less, Rights::NONE).unwrap();
    assert_eq!(world.fdstat(fd).unwrap().rights, less);
    assert_eq!(errno(world.read(fd, &mut [0])), Errno::Badf);
    assert_eq!(errno(world.write(fd, b"x")), Errno::Badf);
    assert_eq!(errno(world.set_rights(fd, stat.rights, Rights::NONE)), Errno::NotCapable);
    assert_eq!(errno(world.set_rights(fd, less, Rights::FD_READ)), Errno::NotCapable);
    // A directory that passes nothing on opens nothing useful.
    let dir = world.fdstat(DIR).unwrap();
    world.set_rights(DIR, dir.rights, dir.inheriting.without(Rights::FD_WRITE)).unwrap();
    assert_eq!(errno(world.open_at(DIR, b"file", write())), Errno::NotCapable);
    let sub = world.open_at(DIR, b".", OpenHow { inheriting: Rights::ALL, ..read() }).unwrap();
    assert_eq!(errno(world.open_at(sub, b"file", write())), Errno::NotCapable);
    let bare = world.open_at(DIR, b".", OpenHow::default()).unwrap();
    for result in [
        world.open_at(bare, b"file", OpenHow::default()).map(drop),
        world.create_directory_at(bare, b"x"),
        world.unlink_at(bare, b"file"),
        world.readdir(bare, 0, &mut |_| true),
        world.filestat_at(bare, false, b"file").map(drop),
        world.symlink_at(b"a", bare, b"b"),
        world.set_times(bare, SetTime::Now, SetTime::Now),
    ] {
        assert_eq!(errno(result), Errno::NotCapable);
    }
}

#[test]
fn a_directory_is_no_file_and_a_file_no_directory() {
    let host = Host::new();
    host.dir("dir").file("file", "");
    let mut world = host.writable();
    let directory = OpenHow { directory: true, ..read() };
    let dir = world
        .open_at(DIR, b"dir", OpenHow { rights: Rights::FD_SEEK.or(Rights::FD_READ), ..directory })
        .unwrap();
    assert_eq!(world.fdstat(dir).unwrap().rights.and(Rights::FD_SEEK.or(Rights::FD_READ)), Rights::NONE);
    for fd in [dir, DIR] {
        assert_eq!(errno(world.read(fd, &mut [0])), Errno::IsDir);
        assert_eq!(errno(world.write(fd, b"x")), Errno::IsDir);
        assert_eq!(errno(world.pread(fd, &mut [0], 0)), Errno::IsDir);
        assert_eq!(errno(world.pwrite(fd, b"x", 0)), Errno::IsDir);
        assert_eq!(errno(world.seek(fd, 0, Whence::Current)), Errno::Badf);
        assert_eq!(errno(world.tell(fd)), Errno::Badf);
        assert_eq!(errno(world.allocate(fd, 0, 1)), Errno::Badf);
        assert_eq!(errno(world.set_size(fd, 0)), Errno::Badf);
    }
    for how in [write(), truncate(read()), OpenHow { directory: true, ..write() }] {
        assert_eq!(errno(world.open_at(DIR, b"dir", how)), Errno::IsDir);
    }
    assert_eq!(errno(world.open_at(DIR, b".", OpenHow { directory: true, ..write() })), Errno::IsDir);
    assert_eq!(errno(world.open_at(DIR, b"file", directory)), Errno::NotDir);
    assert_eq!(errno(world.open_at(DIR, b"file/x", read())), Errno::NotDir);
    assert_eq!(errno(world.open_at(DIR, b"new", OpenHow { directory: true, ..create() })), Errno::Inval);
    let file = world.open_at(DIR, b"file", read()).unwrap();
    assert_eq!(errno(world.open_at(file, b"x", create())), Errno::NotDir);
    assert_eq!(errno(world.readdir(file, 0, &mut |_| true)), Errno::NotDir);
    assert_eq!(errno(world.open_at(DIR, b"file", OpenHow { exclusive: true, ..create() })), Errno::Exist);
    assert_eq!(errno(world.open_at(DIR, b"none", read())), Errno::Noent);
}

#[test]
fn a_granted_directory_offers_what_programs_look_for() {
    let host = Host::new();
    let mut world = host.world(&[("", "/", ReadWrite)]);
    assert_eq!(world.prestat(DIR), Ok("/"));
    let stat = world.fdstat(DIR).unwrap();
    assert_eq!((stat.kind, stat.flags), (FileType::Directory, FdFlags::default()));
    assert!(
        stat.rights.contains(Rights::DIRECTORY)
            && stat.inheriting.contains(Rights::DIRECTORY.or(Rights::FILE))
    );
    let how =
        OpenHow { directory: true, rights: stat.rights, inheriting: stat.inheriting, ..OpenHow::default() };
    let again = world.open_at(DIR, b".", how).unwrap();
    assert_eq!(world.fdstat(again).unwrap(), stat);
    assert_eq!(errno(world.prestat(again).map(drop)), Errno::Badf);
    let flags = FdFlags { nonblock: true, ..FdFlags::default() };
    world.open_at(DIR, b".", OpenHow { flags, ..OpenHow::default() }).unwrap();
    // Over the granted descriptor, and closing it, leaves the other one.
    world.renumber(again, DIR).unwrap();
    assert_eq!(errno(world.fdstat(again)), Errno::Badf);
    world.close(DIR).unwrap();
    assert_eq!(errno(world.fdstat(DIR)), Errno::Badf);
}

#[test]
fn names_are_made_moved_and_removed() {
    let host = Host::new();
    let mut world = host.writable();
    let check = |result: hob_os::Result<()>, expected| assert_eq!(errno(result), expected);
    world.create_directory_at(DIR, b"source").unwrap();
    check(world.create_directory_at(DIR, b"source"), Errno::Exist);
    world.rename_at(DIR, b"source", DIR, b"target").unwrap();
    world.create_directory_at(DIR, b"source").unwrap();
    world.rename_at(DIR, b"source", DIR, b"target").unwrap();
    world.open_at(DIR, b"target/file", create()).unwrap();
    world.create_directory_at(DIR, b"source").unwrap();
    check(world.rename_at(DIR, b"source", DIR, b"target"), Errno::NotEmpty);
    check(world.rename_at(DIR, b"source", DIR, b"target/file"), Errno::NotDir);
    check(world.rename_at(DIR, b"target/file", DIR, b"source"), Errno::IsDir);
    check(world.rename_at(DIR, b"none", DIR, b"other"), Errno::Noent);
    check(world.rename_at(DIR, b"target", DIR, b"target/inside"), Errno::Inval);
    check(world.remove_directory_at(DIR, b"target"), Errno::NotEmpty);
    check(world.remove_directory_at(DIR, b"target/file"), Errno::NotDir);
    check(world.unlink_at(DIR, b"target"), Errno::IsDir);
    check(world.unlink_at(DIR, b"none"), Errno::Noent);
    world.link_at(DIR, false, b"target/file", DIR, b"link").unwrap();
    let (file, link) = (
        world.filestat_at(DIR, false, b"target/file").unwrap(),
        world.filestat_at(DIR, false, b"link").unwrap(),
    );
    assert_eq!((file.inode, file.device, file.links), (link.inode, link.device, 2));
    check(world.link_at(DIR, false, b"link", DIR, b"link"), Errno::Exist);
    check(world.link_at(DIR, false, b"link", DIR, b"source"), Errno::Exist);
    check(world.link_at(DIR, false, b"source", DIR, b"dirlink"), Errno::Perm);
    check(world.link_at(DIR, true, b"link", DIR, b"other"), Errno::Inval);
    world.unlink_at(DIR, b"link").unwrap();
    world.unlink_at(DIR, b"target/file").unwrap();
    world.remove_directory_at(DIR, b"target").unwrap();
    world.remove_directory_at(DIR, b"source").unwrap();
    assert_eq!(names(&mut world, DIR), [".", ".."]);
}

#[test]
fn links_are_followed_only_when_asked() {
    let host = Host::new();
    host.dir("dir").file("file", "text");
    let mut world = host.writable();
    world.symlink_at(b"file", DIR, b"link").unwrap();
    world.symlink_at(b"dir", DIR, b"dirlink").unwrap();
    world.symlink_at(b"none", DIR, b"dangling").unwrap();
    assert_eq!(errno(world.symlink_at(b"file", DIR, b"link")), Errno::Exist);
    assert_eq!(errno(world.open_at(DIR, b"link", read())), Errno::Loop);
    assert_eq!(errno(world.open_at(DIR, b"dangling", read())), Errno::Loop);
    assert_eq!(errno(world.open_at(DIR, b"dangling", follow(read()))), Errno::Noent);
    for name in ["dirlink", "dangling"] {
        let how = OpenHow { directory: true, ..read() };
        assert!(matches!(errno(world.open_at(DIR, name.as_bytes(), how)), Errno::NotDir | Errno::Loop));
    }
    world.open_at(DIR, b"dirlink", follow(OpenHow { directory: true, ..read() })).unwrap();
    world.open_at(DIR, b"link", follow(read())).unwrap();
    assert_eq!(world.filestat_at(DIR, false, b"link").unwrap().kind, FileType::SymbolicLink);
    assert_eq!(world.filestat_at(DIR, true, b"link").unwrap().kind, FileType::RegularFile);
    assert_eq!(world.filestat_at(DIR, true, b"dirlink").unwrap().kind, FileType::Directory);
    let mut buf = [0; 4];
    assert_eq!((world.readlink_at(DIR, b"dangling", &mut buf), buf), (Ok(4), *b"none"));
    assert_eq!((world.readlink_at(DIR, b"link", &mut buf[..2]), &buf[..2]), (Ok(2), b"fi".as_slice()));
    assert_eq!(errno(world.readlink_at(DIR, b"file", &mut buf)), Errno::Inval);
    // Linked and removed as what they are.
    world.link_at(DIR, false, b"dangling", DIR, b"again").unwrap();
    world.unlink_at(DIR, b"dangling").unwrap();
    assert_eq!(errno(world.link_at(DIR, false, b"file", DIR, b"again")), Errno::Exist);
}

#[test]
fn times_are_set_where_they_are_meant() {
    let host = Host::new();
    host.dir("dir").file("file", "").link("file", "link");
    let mut world = host.writable();
    let modified =
        |world: &World, follow, name: &[u8]| world.filestat_at(DIR, follow, name).unwrap().modified;
    let before = modified(&world, true, b"link");
    world.set_times_at(DIR, false, b"link", SetTime::Keep, SetTime::At(123_456_789_012)).unwrap();
    assert_eq!(
        (modified(&world, false, b"link"), modified(&world, true, b"link")),
        (123_456_789_012, before)
    );
    world.set_times_at(DIR, true, b"link", SetTime::At(7), SetTime::At(9)).unwrap();
    let stat = world.filestat_at(DIR, false, b"file").unwrap();
    assert_eq!((stat.accessed, stat.modified), (7, 9));
    world.set_times_at(DIR, false, b"dir/", SetTime::At(5), SetTime::Keep).unwrap();
    world.set_times_at(DIR, false, b".", SetTime::At(6), SetTime::Keep).unwrap();
    assert_eq!(world.filestat(DIR).unwrap().accessed, 6);
    let fd = world.open_at(DIR, b"file", read()).unwrap();
    world.set_times(fd, SetTime::Keep, SetTime::At(11)).unwrap();
    assert_eq!(world.filestat(fd).unwrap().modified, 11);
    assert_eq!(errno(world.set_times(1, SetTime::Now, SetTime::Now)), Errno::Badf);
}

#[test]
fn the_present_is_the_guests_own() {
    let host = Host::new();
    host.file("file", "");
    let mut world = host.builder(&[("", "/", ReadWrite)]).clock(ClockGrant::Virtual).build().unwrap();
    world.set_times_at(DIR, false, b"file", SetTime::Now, SetTime::Now).unwrap();
    assert_eq!(world.filestat_at(DIR, false, b"file").unwrap().modified, VIRTUAL_EPOCH_NS);
    let mut world = host.builder(&[("", "/", ReadWrite)]).clock(ClockGrant::Real).build().unwrap();
    world.set_times_at(DIR, false, b"file", SetTime::Now, SetTime::Now).unwrap();
    assert!(world.filestat_at(DIR, false, b"file").unwrap().modified > VIRTUAL_EPOCH_NS);
}

#[test]
fn a_directory_lists_itself_its_parent_and_what_it_has() {
    let host = Host::new();
    host.dir("sub/inner").file("sub/file", "").link("file", "sub/link");
    let mut world = host.writable();
    let sub = world.open_at(DIR, b"sub", read()).unwrap();
    let mut seen = Vec::new();
    world
        .readdir(sub, 0, &mut |entry| {
            seen.push((String::from_utf8(entry.name.to_vec()).unwrap(), entry.kind, entry.inode, entry.next));
            true
        })
        .unwrap();
    let own = world.filestat(sub).unwrap().inode;
    let file = world.filestat_at(sub, false, b"file").unwrap().inode;
    let find = |name: &str| seen.iter().find(|entry| entry.0 == name).unwrap();
    assert_eq!((find(".").1, find(".").2), (FileType::Directory, own));
    assert_eq!((find("file").1, find("file").2), (FileType::RegularFile, file));
    assert_eq!((find("link").1, find("inner").1), (FileType::SymbolicLink, FileType::Directory));
    assert_eq!(seen.len(), 5);
    for (index, entry) in seen.iter().enumerate() {
        let mut rest = 0;
        world
            .readdir(sub, entry.3, &mut |_| {
                rest += 1;
                true
            })
            .unwrap();
        assert_eq!(rest, seen.len() - index - 1);
    }
}

#[test]
fn an_open_object_outlives_its_name() {
    let host = Host::new();
    let mut world = host.writable();
    let fd = world.open_at(DIR, b"file", create()).unwrap();
    world.unlink_at(DIR, b"file").unwrap();
    assert_eq!(world.write(fd, b"still"), Ok(5));
    world.create_directory_at(DIR, b"dir").unwrap();
    let dir = world.open_at(DIR, b"dir", read()).unwrap();
    world.remove_directory_at(DIR, b"dir").unwrap();
    assert_eq!(errno(world.open_at(dir, b"file", create())), Errno::Noent);
    world.create_directory_at(DIR, b"dir").unwrap();
}

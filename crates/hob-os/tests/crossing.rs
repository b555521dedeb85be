//! Grants beside, above and inside each other.

mod common;

use common::{DIR, Host, assert_read_only, create, errno, follow, read, truncate, write};
use hob_cap::Access::{Read, ReadWrite};
use hob_os::{Errno, OpenHow, OsError, Rights, SetTime, World};

#[test]
fn a_read_only_grant_is_never_written_whatever_is_asked() {
    let host = Host::new();
    host.dir("data/sub/empty").file("data/sub/file", "kept").dir("data/empty").file("data/file", "kept");
    let mut world = host.world(&[("data", "/data", Read)]);
    assert_read_only(&mut world, DIR, ".");
    assert_read_only(&mut world, DIR, "sub");
    let all = OpenHow {
        rights: Rights::ALL.without(Rights::FD_WRITE),
        inheriting: Rights::ALL,
        ..OpenHow::default()
    };
    let sub = world.open_at(DIR, b"sub", all).unwrap();
    assert_read_only(&mut world, sub, ".");
    let file = world.open_at(DIR, b"file", read()).unwrap();
    assert_eq!(errno(world.write(file, b"x")), Errno::Badf);
    assert_eq!(errno(world.pwrite(file, b"x", 0)), Errno::Badf);
    assert_eq!(errno(world.set_size(file, 0)), Errno::Perm);
    assert_eq!(errno(world.allocate(file, 0, 9)), Errno::Perm);
    assert_eq!(errno(world.set_times(file, SetTime::At(1), SetTime::At(1))), Errno::Perm);
    assert_eq!(errno(world.set_times(DIR, SetTime::At(1), SetTime::At(1))), Errno::Perm);
    let stat = world.fdstat(file).unwrap();
    assert_eq!(stat.rights.and(Rights::MUTATING), Rights::NONE);
    assert_eq!((host.text("data/file"), host.text("data/sub/file")), ("kept".into(), "kept".into()));
}

#[test]
fn truncate_or_create_with_only_read_rights_empties_nothing_in_a_read_only_grant() {
    let host = Host::new();
    host.dir("ro").file("ro/file", "kept").dir("rw").file("rw/file", "gone");
    let mut world = host.world(&[("ro", "/ro", Read), ("rw", "/rw", ReadWrite)]);
    let nothing = OpenHow { rights: Rights::NONE, inheriting: Rights::NONE, ..read() };
    for how in [
        truncate(read()),
        truncate(nothing),
        OpenHow { create: true, ..read() },
        truncate(OpenHow { create: true, ..nothing }),
    ] {
        assert_eq!(errno(world.open_at(DIR, b"file", how)), Errno::Perm);
        assert_eq!(errno(world.open_at(DIR, b"none", how)), Errno::Perm);
    }
    assert_eq!(host.text("ro/file"), "kept");
    assert!(!host.has("ro/none"));
    // Where the grant writes, the directory's right decides, not the new descriptor's.
    let fd = world.open_at(DIR + 1, b"file", truncate(read())).unwrap();
    assert_eq!(host.text("rw/file"), "");
    assert_eq!(errno(world.write(fd, b"x")), Errno::Badf);
    world
        .set_rights(
            DIR + 1,
            Rights::DIRECTORY.without(Rights::PATH_FILESTAT_SET_SIZE),
            Rights::ALL.and(world.fdstat(DIR + 1).unwrap().inheriting),
        )
        .unwrap();
    assert_eq!(errno(world.open_at(DIR + 1, b"file", truncate(write()))), Errno::NotCapable);
}

#[test]
fn links_and_renames_never_cross_grants_in_either_direction() {
    let host = Host::new();
    host.dir("ro/dir").file("ro/file", "secret").dir("rw/dir").file("rw/file", "own").dir("rw2");
    let mut world = host.world(&[("ro", "/ro", Read), ("rw", "/rw", ReadWrite), ("rw2", "/rw2", ReadWrite)]);
    let (ro, rw, rw2) = (DIR, DIR + 1, DIR + 2);
    for (from, to) in [(ro, rw), (rw, ro), (ro, ro)] {
        assert_eq!(errno(world.link_at(from, false, b"file", to, b"new")), Errno::Perm);
        assert_eq!(errno(world.rename_at(from, b"file", to, b"new")), Errno::Perm);
        assert_eq!(errno(world.rename_at(from, b"file", to, b"file")), Errno::Perm);
        assert_eq!(errno(world.rename_at(from, b"dir", to, b"moved")), Errno::Perm);
    }
    assert_eq!(errno(world.link_at(rw, false, b"file", rw2, b"new")), Errno::Xdev);
    assert_eq!(errno(world.rename_at(rw, b"file", rw2, b"new")), Errno::Xdev);
    world.link_at(rw, false, b"file", rw, b"dir/link").unwrap();
    world.rename_at(rw, b"dir/link", rw, b"renamed").unwrap();
    assert_eq!((host.text("ro/file"), host.text("rw/renamed")), ("secret".into(), "own".into()));
}

/// `/data` writable, `/data/secret` read-only inside it on the host.
fn nested(host: &Host) -> World {
    host.dir("data/secret/sub/empty").file("data/secret/file", "kept").file("data/secret/sub/file", "kept");
    host.dir("data/secret/empty").dir("data/deep/er").file("data/own", "own");
    host.link("secret", "data/alias").link("../../secret", "data/deep/er/alias");
    host.world(&[("data", "/data", ReadWrite), ("data/secret", "/data/secret", Read)])
}

#[test]
fn the_narrower_grant_wins_also_through_the_wider_descriptor() {
    let host = Host::new();
    let mut world = nested(&host);
    for path in [
        "secret",
        "secret/sub",
        "alias",
        "alias/sub",
        "deep/er/alias",
        "deep/../secret",
        "deep/er/../../alias/sub",
    ] {
        assert_read_only(&mut world, DIR, path);
    }
    for path in ["secret", "alias"] {
        let fd = world.open_at(DIR, path.as_bytes(), follow(read())).unwrap();
        assert_read_only(&mut world, fd, ".");
        assert_read_only(&mut world, fd, "sub");
        assert_eq!(world.fdstat(fd).unwrap().rights.and(Rights::MUTATING), Rights::NONE);
        assert_eq!(errno(world.set_times(fd, SetTime::At(1), SetTime::Keep)), Errno::Perm);
        assert_eq!(
            errno(world.set_times_at(DIR, true, path.as_bytes(), SetTime::At(1), SetTime::Keep)),
            Errno::Perm
        );
        let file = world.open_at(DIR, format!("{path}/file").as_bytes(), read()).unwrap();
        assert_eq!(errno(world.set_size(file, 0)), Errno::Perm);
    }
    // Out of it again, `..` is the wider grant's.
    world.open_at(DIR, b"secret/../new", create()).unwrap();
    assert_eq!((host.text("data/secret/file"), host.has("data/new")), ("kept".into(), true));
}

#[test]
fn nothing_is_carried_between_overlapping_grants() {
    let host = Host::new();
    let mut world = nested(&host);
    for from in [(DIR, "secret/file"), (DIR + 1, "file"), (DIR, "alias/file")] {
        assert_eq!(errno(world.link_at(from.0, false, from.1.as_bytes(), DIR, b"stolen")), Errno::Perm);
        assert_eq!(errno(world.rename_at(from.0, from.1.as_bytes(), DIR, b"stolen")), Errno::Perm);
    }
    for to in [(DIR, "secret/planted"), (DIR + 1, "planted"), (DIR, "alias/planted")] {
        assert_eq!(errno(world.link_at(DIR, false, b"own", to.0, to.1.as_bytes())), Errno::Perm);
        assert_eq!(errno(world.rename_at(DIR, b"own", to.0, to.1.as_bytes())), Errno::Perm);
    }
}

#[test]
fn the_root_of_a_narrower_grant_is_not_moved_replaced_or_removed() {
    let host = Host::new();
    let mut world = nested(&host);
    world.create_directory_at(DIR, b"empty").unwrap();
    let results = [
        world.rename_at(DIR, b"secret", DIR, b"mine"),
        world.rename_at(DIR, b"empty", DIR, b"secret"),
        world.remove_directory_at(DIR, b"secret"),
        world.unlink_at(DIR, b"secret"),
        world.symlink_at(b"own", DIR, b"secret"),
        world.create_directory_at(DIR, b"secret"),
    ];
    for result in results {
        assert_eq!(errno(result), Errno::Perm);
    }
    // A writable one is refused for being a root.
    host.dir("data/inner");
    let mut world = host.world(&[("data", "/data", ReadWrite), ("data/inner", "/data/inner", ReadWrite)]);
    assert_eq!(errno(world.rename_at(DIR, b"inner", DIR, b"mine")), Errno::Xdev);
    assert_eq!(errno(world.rename_at(DIR + 1, b".", DIR, b"mine")), Errno::Xdev);
    assert_eq!(errno(world.remove_directory_at(DIR, b"inner")), Errno::Inval);
    assert_eq!(errno(world.unlink_at(DIR, b"inner")), Errno::IsDir);
    assert!(host.has("data/inner") && host.has("data/secret"));
}

#[test]
fn moving_a_directory_above_the_narrower_grant_does_not_widen_it() {
    let host = Host::new();
    host.dir("data/a/secret/empty").file("data/a/secret/file", "kept");
    let mut world = host.world(&[("data", "/data", ReadWrite), ("data/a/secret", "/data/a/secret", Read)]);
    let above = world.open_at(DIR, b"a", read()).unwrap();
    world.rename_at(DIR, b"a", DIR, b"b").unwrap();
    for (dir, path) in [(DIR, "b/secret"), (above, "secret"), (DIR + 1, ".")] {
        assert_read_only(&mut world, dir, path);
    }
    assert_eq!(errno(world.rename_at(DIR, b"b/secret", DIR, b"mine")), Errno::Busy);
    assert_eq!(errno(world.rename_at(DIR, b"b/secret/file", DIR, b"mine")), Errno::Perm);
    assert_eq!(host.text("data/b/secret/file"), "kept");
}

#[test]
fn a_narrower_grant_of_another_folder_covers_what_lies_under_its_name() {
    let host = Host::new();
    host.dir("data/lib").file("data/lib/file", "covered").dir("lib/empty").file("lib/file", "shown");
    let mut world = host.world(&[("data", "/data", ReadWrite), ("lib", "/data/lib", Read)]);
    let fd = world.open_at(DIR, b"lib/file", read()).unwrap();
    let mut buf = [0; 16];
    assert_eq!(world.read(fd, &mut buf), Ok(5));
    assert_eq!(&buf[..5], b"shown");
    assert_read_only(&mut world, DIR, "lib");
    assert_eq!(host.text("data/lib/file"), "covered");
}

#[test]
fn grants_of_one_folder_that_disagree_give_the_lesser_where_neither_name_is_inside_the_other() {
    let host = Host::new();
    host.dir("h/sub/empty").file("h/sub/file", "kept");
    let mut world = host.world(&[("h", "/a", ReadWrite), ("h/sub", "/b", Read)]);
    assert_read_only(&mut world, DIR, "sub");
    let mut world = host.world(&[("h", "/a", Read), ("h/sub", "/b", ReadWrite)]);
    assert_read_only(&mut world, DIR, "sub");
    world.open_at(DIR + 1, b"file", write()).unwrap();
}

#[test]
fn a_writable_grant_inside_a_read_only_one_writes_through_its_own_descriptor() {
    let host = Host::new();
    host.dir("data/out");
    let mut world = host.world(&[("data", "/data", Read), ("data/out", "/data/out", ReadWrite)]);
    world.open_at(DIR + 1, b"file", create()).unwrap();
    assert_eq!(errno(world.open_at(DIR, b"file", create())), Errno::Perm);
}

#[test]
fn two_grants_with_one_guest_path_are_refused() {
    let host = Host::new();
    host.dir("a").dir("b");
    let result = host.builder(&[("a", "/x", Read), ("b", "/x", ReadWrite)]).build();
    assert_eq!(result.err(), Some(OsError::Errno(Errno::Exist)));
}

//! Paths that mean to leave, to overwhelm or to confuse.

mod common;

use std::fs;
use std::os::unix::ffi::OsStrExt;

use common::{DIR, Host, create, errno, follow, read, write};
use hob_cap::Access::{Read, ReadWrite};
use hob_os::{Errno, OpenHow, OsError};

#[test]
fn a_path_with_dots_stays_inside_and_one_that_climbs_out_is_refused() {
    let host = Host::new();
    host.dir("in/dir/nested").file("in/dir/nested/file", "inside").file("out", "outside");
    let mut world = host.world(&[("in", "/", ReadWrite)]);
    world.open_at(DIR, b"dir/.//nested/../../dir/nested/../nested///./file", read()).unwrap();
    for path in [
        "..",
        "../out",
        "../in/dir",
        "dir/../../out",
        "dir/nested/../../../out",
        "/out",
        "/dir",
        "/",
        "../none",
    ] {
        assert_eq!(errno(world.open_at(DIR, path.as_bytes(), read())), Errno::Perm, "{path}");
        assert_eq!(errno(world.filestat_at(DIR, true, path.as_bytes())), Errno::Perm, "{path}");
        assert_eq!(errno(world.unlink_at(DIR, path.as_bytes())), Errno::Perm, "{path}");
    }
    // A directory opened below is a new bottom.
    let nested = world.open_at(DIR, b"dir/nested", read()).unwrap();
    assert_eq!(errno(world.open_at(nested, b"../nested/file", read())), Errno::Perm);
}

#[test]
fn a_path_that_is_no_text_is_refused_by_name() {
    let host = Host::new();
    let mut world = host.writable();
    let mut check = |path: &[u8], expected: Errno| {
        assert_eq!(
            errno(world.open_at(DIR, path, create())),
            expected,
            "{:?}",
            String::from_utf8_lossy(path)
        );
        assert_eq!(errno(world.create_directory_at(DIR, path)), expected);
        assert_eq!(errno(world.filestat_at(DIR, false, path)), expected);
    };
    check(b"", Errno::Noent);
    check(b"file\0", Errno::Inval);
    check(b"fi\xffle", Errno::Ilseq);
    check(&vec![b'a'; 64 * 1024], Errno::NameTooLong);
    check("a/".repeat(10_000).as_bytes(), Errno::NameTooLong);
    check("../".repeat(10_000).as_bytes(), Errno::NameTooLong);
    check(&[b'a'; 256], Errno::NameTooLong);
    assert!(common::names(&mut world, DIR).len() == 2, "nothing was created");
}

#[test]
fn only_dots_name_the_directory_itself() {
    let host = Host::new();
    host.dir("sub");
    let mut world = host.writable();
    for path in [".", "./", "././.", "sub/..", "sub/../"] {
        let fd = world.open_at(DIR, path.as_bytes(), read()).unwrap();
        assert_eq!(world.filestat(fd).unwrap(), world.filestat(DIR).unwrap(), "{path}");
        assert_eq!(errno(world.unlink_at(DIR, path.as_bytes())), Errno::IsDir);
        assert_eq!(errno(world.remove_directory_at(DIR, path.as_bytes())), Errno::Inval);
        assert_eq!(errno(world.rename_at(DIR, path.as_bytes(), DIR, b"other")), Errno::Busy);
        assert_eq!(errno(world.create_directory_at(DIR, path.as_bytes())), Errno::Exist);
        assert_eq!(errno(world.open_at(DIR, path.as_bytes(), create())), Errno::IsDir);
    }
}

#[test]
fn control_characters_are_ordinary_in_a_name() {
    let host = Host::new();
    let mut world = host.writable();
    for name in ["new\nline", "\u{1b}[31m", "e\u{301}", "\u{e9}", "\\..\\", "C:", "NUL", " "] {
        world.open_at(DIR, name.as_bytes(), create()).unwrap();
        assert!(host.has(name));
    }
    assert_eq!(common::names(&mut world, DIR).len(), 2 + 8);
}

#[test]
fn names_that_only_look_alike_are_different_names() {
    let host = Host::new();
    host.dir("Data").file("Data/caf\u{e9}", "composed");
    let mut world = host.world(&[("Data", "/Data", Read)]);
    world.open_at(DIR, "caf\u{e9}".as_bytes(), read()).unwrap();
    for other in ["cafe\u{301}", "CAF\u{c9}", "ｃafé", "caf\u{e9} ", "caf\u{e9}."] {
        assert_eq!(errno(world.open_at(DIR, other.as_bytes(), read())), Errno::Noent, "{other}");
    }
    // The guest path is a name as well: what was granted is `Data`, and nothing like it.
    assert_eq!(world.prestat(DIR), Ok("/Data"));
    let grant = host.grant("Data", "/Data", Read);
    for other in ["/data", "/ＤATA", "/Data/../data"] {
        let asked = hob_cap::GuestPath::new(other);
        assert!(asked.is_err() || asked.is_ok_and(|path| !grant.guest.contains(&path)), "{other}");
    }
}

#[test]
fn a_path_deeper_than_what_is_kept_open_walks_back_the_same_way() {
    let host = Host::new();
    let deep = "d/".repeat(100);
    host.dir(&deep).file("target", "found");
    let mut world = host.writable();
    let path = format!("{deep}{}target", "../".repeat(100));
    let fd = world.open_at(DIR, path.as_bytes(), read()).unwrap();
    let mut buf = [0; 16];
    assert_eq!(world.read(fd, &mut buf), Ok(5));
    let path = format!("{deep}{}target", "../".repeat(101));
    assert_eq!(errno(world.open_at(DIR, path.as_bytes(), read())), Errno::Perm);
}

#[test]
fn a_slash_after_a_file_or_a_link_never_reaches_the_file() {
    let host = Host::new();
    host.dir("in/dir").file("in/file", "x").file("out", "outside").dir("outdir");
    host.link("../out", "in/out")
        .link("../outdir", "in/outdir")
        .link("file", "in/link")
        .link("dir", "in/dirlink");
    let mut world = host.world(&[("in", "/", ReadWrite)]);
    for path in ["file/", "file///", "link/", "file/.", "file/.."] {
        for how in [read(), write(), follow(write()), common::truncate(write())] {
            assert_eq!(errno(world.open_at(DIR, path.as_bytes(), how)), Errno::NotDir, "{path}");
        }
        assert_eq!(errno(world.filestat_at(DIR, false, path.as_bytes())), Errno::NotDir, "{path}");
    }
    for path in ["out/", "outdir/", "out/x", "outdir/x"] {
        for how in [read(), create(), follow(create())] {
            assert_eq!(errno(world.open_at(DIR, path.as_bytes(), how)), Errno::Perm, "{path}");
        }
        assert_eq!(errno(world.filestat_at(DIR, false, path.as_bytes())), Errno::Perm);
    }
    assert_eq!(errno(world.open_at(DIR, b"new/", create())), Errno::Noent);
    assert!(world.open_at(DIR, b"dirlink/", read()).is_ok());
    assert_eq!(errno(world.unlink_at(DIR, b"file/")), Errno::NotDir);
    assert_eq!(errno(world.unlink_at(DIR, b"dirlink/")), Errno::NotDir);
    assert_eq!(errno(world.unlink_at(DIR, b"dir/")), Errno::IsDir);
    assert_eq!(errno(world.remove_directory_at(DIR, b"file/")), Errno::NotDir);
    assert_eq!(errno(world.remove_directory_at(DIR, b"dirlink/")), Errno::NotDir);
    assert_eq!(errno(world.rename_at(DIR, b"file/", DIR, b"other")), Errno::NotDir);
    assert_eq!(errno(world.rename_at(DIR, b"file", DIR, b"other/")), Errno::NotDir);
    assert_eq!(errno(world.link_at(DIR, false, b"file/", DIR, b"other")), Errno::NotDir);
    assert_eq!(errno(world.link_at(DIR, false, b"file", DIR, b"other/")), Errno::Noent);
    assert_eq!(errno(world.symlink_at(b"file", DIR, b"other/")), Errno::Noent);
    assert_eq!(errno(world.symlink_at(b"file", DIR, b"dir/")), Errno::Exist);
    assert_eq!(errno(world.symlink_at(b"file", DIR, b"file/")), Errno::NotDir);
    world.rename_at(DIR, b"dir/", DIR, b"moved/").unwrap();
    world.remove_directory_at(DIR, b"moved/").unwrap();
    assert_eq!(host.text("out"), "outside");
}

#[test]
fn a_link_that_leads_out_is_refused_whether_or_not_its_target_exists() {
    let host = Host::new();
    host.dir("in/sub").file("out", "outside");
    for (name, text) in [
        ("exists", "../out"),
        ("missing", "../none"),
        ("absolute", "/etc/passwd"),
        ("nowhere", "/none/none"),
        ("sub/deep", "../../out"),
        ("chain", "exists"),
    ] {
        host.link(text, &format!("in/{name}"));
    }
    let mut world = host.world(&[("in", "/", ReadWrite)]);
    for name in ["exists", "missing", "absolute", "nowhere", "sub/deep", "chain"] {
        for how in [read(), write(), create(), common::truncate(write())] {
            assert_eq!(errno(world.open_at(DIR, name.as_bytes(), follow(how))), Errno::Perm, "{name}");
        }
        assert_eq!(errno(world.filestat_at(DIR, true, name.as_bytes())), Errno::Perm, "{name}");
        let through = format!("{name}/x");
        assert_eq!(errno(world.open_at(DIR, through.as_bytes(), read())), Errno::Perm, "{through}");
        assert_eq!(errno(world.open_at(DIR, name.as_bytes(), read())), Errno::Loop, "{name}");
    }
    let mut buf = [0; 64];
    assert_eq!(errno(world.readlink_at(DIR, b"absolute", &mut buf)), Errno::Perm);
    assert_eq!(world.readlink_at(DIR, b"exists", &mut buf), Ok(6));
    assert!(!host.has("none"));
    assert_eq!(host.text("out"), "outside");
}

#[test]
fn a_guest_makes_no_absolute_link_and_gains_nothing_from_a_relative_one() {
    let host = Host::new();
    host.dir("in").file("out", "outside");
    let mut world = host.world(&[("in", "/", ReadWrite)]);
    assert_eq!(errno(world.symlink_at(b"/", DIR, b"root")), Errno::Perm);
    assert_eq!(errno(world.symlink_at(b"", DIR, b"empty")), Errno::Noent);
    world.symlink_at(b"../out", DIR, b"up").unwrap();
    assert_eq!(errno(world.open_at(DIR, b"up", follow(read()))), Errno::Perm);
}

#[test]
fn a_loop_of_links_ends_and_a_dangling_one_creates_only_inside() {
    let host = Host::new();
    host.dir("sub")
        .link("loop", "loop")
        .link("b", "a")
        .link("a", "b")
        .link("sub/new", "dangling")
        .link("../..", "sub/up");
    let mut world = host.writable();
    for name in ["loop", "a", "b"] {
        assert_eq!(errno(world.open_at(DIR, name.as_bytes(), follow(create()))), Errno::Loop);
        assert_eq!(errno(world.open_at(DIR, name.as_bytes(), read())), Errno::Loop);
        assert_eq!(errno(world.open_at(DIR, format!("{name}/x").as_bytes(), read())), Errno::Loop);
    }
    let exclusive = OpenHow { exclusive: true, ..follow(create()) };
    assert_eq!(errno(world.open_at(DIR, b"dangling", exclusive)), Errno::Exist);
    assert_eq!(errno(world.open_at(DIR, b"dangling", create())), Errno::Loop);
    world.open_at(DIR, b"dangling", follow(create())).unwrap();
    assert!(host.has("sub/new"));
    assert_eq!(errno(world.open_at(DIR, b"sub/up/x", read())), Errno::Perm);
}

#[test]
fn forty_links_are_walked_and_one_more_is_a_loop() {
    let host = Host::new();
    host.file("0", "end");
    for n in 1..=41 {
        host.link(&(n - 1).to_string(), &n.to_string());
    }
    let mut world = host.writable();
    assert!(world.open_at(DIR, b"40", follow(read())).is_ok());
    assert_eq!(errno(world.open_at(DIR, b"41", follow(read()))), Errno::Loop);
}

#[test]
fn links_that_multiply_a_path_are_bounded() {
    let host = Host::new();
    host.dir("d");
    host.link(&"d/../".repeat(700), "big");
    host.link(&"big/".repeat(39), "huge");
    let mut world = host.writable();
    let started = std::time::Instant::now();
    let _ = world.open_at(DIR, b"huge/huge/x", read());
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn a_refusal_says_nothing_about_what_is_outside() {
    let host = Host::new();
    host.dir("in/sub").dir("outdir").file("outdir/file", "").file("out", "");
    let mut world = host.world(&[("in", "/", Read)]);
    let mut seen = Vec::new();
    for path in [
        "../out",
        "../none",
        "../outdir/file",
        "../outdir/none",
        "../none/none",
        "sub/../../out",
        "/out",
        "/none",
    ] {
        for how in [read(), write(), create(), OpenHow { directory: true, ..read() }] {
            seen.push(world.open_at(DIR, path.as_bytes(), how).unwrap_err());
        }
        seen.push(world.filestat_at(DIR, true, path.as_bytes()).unwrap_err());
        seen.push(world.rename_at(DIR, path.as_bytes(), DIR, b"x").unwrap_err());
    }
    assert!(seen.iter().all(|error| *error == OsError::Errno(Errno::Perm)), "{seen:?}");
}

#[test]
fn a_link_swapped_between_check_and_use_never_leads_out() {
    let host = Host::new();
    host.dir("in/spot").file("in/spot/file", "inside").dir("outdir").file("outdir/file", "outside");
    host.link("../outdir", "in/evil");
    // `spot` is by turns a real directory and a link that leads out.
    let swapper = common::swapping(host.path("in/spot"), host.path("in/evil"));
    let mut world = host.world(&[("in", "/", ReadWrite)]);
    let (mut opened, mut buf) = (0, [0; 16]);
    let mut rounds = common::Rounds::of(20_000);
    while let Some(round) = rounds.next(opened > 0) {
        let how = if round % 2 == 0 { follow(read()) } else { follow(create()) };
        let path: &[u8] = if round % 3 == 0 { b"spot/../spot/file" } else { b"spot/file" };
        if let Ok(fd) = world.open_at(DIR, path, how) {
            let len = world.read(fd, &mut buf).unwrap();
            assert_ne!(&buf[..len], b"outside");
            world.close(fd).unwrap();
            opened += 1;
        }
        let _ = world.create_directory_at(DIR, b"spot/made");
        let _ = world.remove_directory_at(DIR, b"spot/made");
        let _ = world.rename_at(DIR, b"spot/file", DIR, b"evil/file");
    }
    swapper();
    assert_eq!(host.text("outdir/file"), "outside");
    let outside: Vec<_> = fs::read_dir(host.path("outdir")).unwrap().collect();
    assert_eq!(outside.len(), 1);
}

#[test]
fn names_that_are_no_text_are_not_listed() {
    let host = Host::new();
    host.file("text", "");
    fs::write(host.path("").join(std::ffi::OsStr::from_bytes(b"no\xfftext")), "").unwrap();
    let mut world = host.writable();
    assert_eq!(common::names(&mut world, DIR), [".", "..", "text"]);
}

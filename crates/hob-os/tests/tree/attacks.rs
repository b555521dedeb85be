//! Getting out of the granted directory, by names, links and races.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hob_os::Errno;
use hob_os::tree::{Kind, Named, Rename};
use rustix::fs::{CWD, FileType as SysType, Mode, RenameFlags, mknodat, renameat_with};

use crate::common::{Host, Rounds, errno, swapping};
use crate::{bytes, listed, root, writable};
use hob_cap::Access::ReadWrite;

#[test]
fn a_link_is_text_and_leads_nowhere() {
    let host = Host::new();
    host.dir("in").dir("outdir").file("outdir/file", "outside").file("out", "outside");
    for (name, to) in [("file", "../out"), ("dir", "../outdir"), ("absolute", "/etc"), ("up", "..")] {
        host.link(to, &format!("in/{name}"));
        let dir = root(&host, "in", ReadWrite);
        let link = dir.lookup(name.as_bytes()).unwrap();
        assert_eq!(link.kind(), Kind::Link);
        assert_eq!(link.read_link().unwrap(), to.as_bytes());
        assert_eq!(errno(link.open(false)), Errno::Loop);
        assert_eq!(errno(link.open(true)), Errno::Loop);
        assert_eq!(errno(link.lookup(b"file")), Errno::NotDir);
        assert_eq!(errno(link.list(0, &mut |_| true)), Errno::NotDir);
        assert_eq!(errno(link.make(b"new", Named::File, 0o644)), Errno::NotDir);
        assert_eq!(errno(link.make_unnamed(0o644)), Errno::NotDir);
        assert_eq!(errno(link.unlink(b"file", false)), Errno::NotDir);
        assert_eq!(errno(link.rename(b"file", &dir, b"stolen", Rename::Replace)), Errno::NotDir);
        assert_eq!(errno(dir.rename(name.as_bytes(), &link, b"file", Rename::Replace)), Errno::NotDir);
        assert_eq!(errno(dir.make(name.as_bytes(), Named::File, 0o644)), Errno::Exist);
        assert_eq!(errno(dir.make(name.as_bytes(), Named::Directory, 0o755)), Errno::Exist);
        assert_eq!(errno(link.set_mode(0o600)), Errno::NotSup);
        dir.unlink(name.as_bytes(), false).unwrap();
    }
    assert_eq!((host.text("out"), host.text("outdir/file")), ("outside".into(), "outside".into()));
    assert_eq!(fs::read_dir(host.path("outdir")).unwrap().count(), 1);
}

#[test]
fn what_is_no_single_name_is_refused_everywhere() {
    let host = Host::new();
    host.dir("in/sub").file("in/file", "kept").file("out", "outside");
    let dir = root(&host, "in", ReadWrite);
    let file = dir.lookup(b"file").unwrap();
    let long = [b'a'; 256];
    for name in [
        b"..".as_slice(),
        b".",
        b"",
        b"/",
        b"../out",
        b"sub/..",
        b"sub/../../out",
        b"/etc/passwd",
        b"file\0",
        b"file/",
        &long,
    ] {
        let refused = [
            errno(dir.lookup(name)),
            errno(dir.make(name, Named::File, 0o644)),
            errno(dir.make(name, Named::Directory, 0o755)),
            errno(dir.make(name, Named::Link(b"x"), 0)),
            errno(dir.link(name, &file)),
            errno(dir.unlink(name, false)),
            errno(dir.unlink(name, true)),
            errno(dir.rename(name, &dir, b"new", Rename::Replace)),
            errno(dir.rename(b"file", &dir, name, Rename::Exchange)),
        ];
        assert!(
            refused.iter().all(|errno| matches!(errno, Errno::Inval | Errno::Noent | Errno::NameTooLong)),
            "{name:?}: {refused:?}"
        );
    }
    assert_eq!(listed(&dir), [b"file".to_vec(), b"sub".to_vec()]);
    assert_eq!(host.text("out"), "outside");
}

#[test]
fn a_directory_swapped_for_a_link_never_leads_out() {
    let host = Host::new();
    host.dir("in/spot").file("in/spot/file", "inside").dir("outdir").file("outdir/file", "outside");
    host.link("../outdir", "in/evil");
    let stop = swapping(host.path("in/spot"), host.path("in/evil"));
    let dir = root(&host, "in", ReadWrite);
    let (mut entered, mut made) = (0, 0);
    let mut rounds = Rounds::of(4_000);
    while let Some(round) = rounds.next(entered > 0 && made > 0) {
        let Ok(spot) = dir.lookup(b"spot") else { continue };
        match spot.lookup(b"file") {
            Ok(file) => {
                entered += 1;
                assert_eq!(bytes(&file.open(round % 2 == 0).unwrap()), b"inside");
            }
            Err(error) => assert_eq!(error.errno(), Errno::NotDir),
        }
        made += u32::from(spot.make(b"made", Named::Directory, 0o755).is_ok());
        let _ = spot.make(b"link", Named::Link(b"../../outdir"), 0);
        let _ = spot.rename(b"file", &dir, b"taken", Rename::Replace);
        let _ = dir.rename(b"taken", &spot, b"file", Rename::Replace);
        let _ = spot.unlink(b"made", true);
        let _ = spot.unlink(b"link", false);
    }
    stop();
    assert_eq!(host.text("outdir/file"), "outside");
    assert_eq!(fs::read_dir(host.path("outdir")).unwrap().count(), 1);
}

#[test]
fn what_was_found_is_what_is_opened_whatever_takes_its_name() {
    let host = Host::new();
    host.file("a", "first").file("b", "second").link("/etc/passwd", "c");
    let first = fs::metadata(host.path("a")).unwrap().ino();
    let dir = writable(&host);
    let stop = swapping(host.path("a"), host.path("b"));
    let stop_too = swapping(host.path("b"), host.path("c"));
    let mut seen = [0, 0];
    let mut rounds = Rounds::of(4_000);
    while rounds.next(seen.iter().all(|count| *count > 0)).is_some() {
        let found = dir.lookup(b"a").unwrap();
        if found.kind() == Kind::Link {
            assert_eq!(found.read_link().unwrap(), b"/etc/passwd");
            continue;
        }
        let text = bytes(&found.open(false).unwrap());
        assert_eq!(text == b"first", found.id().inode == first);
        seen[usize::from(text == b"first")] += 1;
    }
    stop();
    stop_too();
}

#[test]
fn a_pipe_swapped_in_for_a_file_neither_waits_nor_opens() {
    let host = Host::new();
    mknodat(CWD, host.path("pipe"), SysType::Fifo, Mode::RWXU, 0).unwrap();
    host.file("real", "text");
    let dir = writable(&host);
    let stop = swapping(host.path("real"), host.path("pipe"));
    let started = Instant::now();
    for round in 0..4_000 {
        let found = dir.lookup(b"real").unwrap();
        match found.open(round % 2 == 0) {
            Ok(file) => assert_eq!(bytes(&file), b"text"),
            Err(error) => assert_eq!((error.errno(), found.kind()), (Errno::Perm, Kind::Fifo)),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(30));
    stop();
}

#[test]
fn a_link_of_what_was_found_is_never_one_of_what_took_its_name() {
    let host = Host::new();
    host.dir("in").file("in/a", "inside").file("in/b", "other");
    let dir = root(&host, "in", ReadWrite);
    let stop = swapping(host.path("in/a"), host.path("in/b"));
    for _ in 0..1_500 {
        let found = dir.lookup(b"a").unwrap();
        dir.link(b"linked", &found).unwrap();
        assert_eq!(dir.lookup(b"linked").unwrap().id(), found.id());
        dir.unlink(b"linked", false).unwrap();
    }
    stop();
}

#[test]
fn a_made_object_is_the_one_that_was_made() {
    let host = Host::new();
    host.dir("in").dir("outdir").file("outdir/file", "outside").link("../outdir", "evil");
    let dir = root(&host, "in", ReadWrite);
    // Whatever appears under the new name is replaced by a link that leads out, as soon as it is there.
    let done = Done::default();
    let (new, evil, away) = (host.path("in/new"), host.path("evil"), host.path("away"));
    let stop = Arc::clone(&done.0);
    let swapped = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&swapped);
    let swapper = std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            if renameat_with(CWD, &new, CWD, &away, RenameFlags::NOREPLACE).is_ok() {
                let _ = fs::hard_link(&evil, &new);
                let _ = fs::remove_file(&away);
                let _ = fs::remove_dir_all(&away);
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut rounds = Rounds::of(1_500);
    while let Some(round) = rounds.next(swapped.load(Ordering::Relaxed) > 0) {
        let new = if round % 2 == 0 { Named::Directory } else { Named::File };
        let made = dir.make(b"new", new, 0o755);
        if round % 64 == 0 {
            // On one processor the other has its turn here, or none while something is there.
            std::thread::yield_now();
        }
        match made {
            Ok(object) if new == Named::File => {
                object.open(true).unwrap().append(b"mine").unwrap();
            }
            Ok(object) => {
                assert_eq!(object.kind(), Kind::Directory);
                let _ = object.make(b"below", Named::File, 0o644);
                let _ = object.unlink(b"below", false);
            }
            // Something else is there, nothing is any more, or it was taken by the link.
            Err(error) => {
                assert!(matches!(error.errno(), Errno::Stale | Errno::Noent | Errno::Exist), "{error}");
            }
        }
        let _ = dir.unlink(b"new", false);
        let _ = dir.unlink(b"new", true);
    }
    drop(done);
    swapper.join().unwrap();
    assert_eq!(host.text("outdir/file"), "outside");
    assert_eq!(fs::read_dir(host.path("outdir")).unwrap().count(), 1);
}

/// Tells a thread to end, also when the test fails.
#[derive(Default)]
struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

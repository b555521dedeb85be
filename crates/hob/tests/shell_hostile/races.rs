//! A granted directory in which somebody moves things about while commands use it: nothing outside is ever reached.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use hob::Access;

use crate::lab::{host, lab, run, said};

/// What lies outside of the grant, and must never be seen or changed.
const OUTSIDE: &[u8] = b"outside";
const INSIDE: &[u8] = b"inside!";

/// Reads and writes what a path leads to, again and again, and says what it saw: files inside, files outside.
const TRIES: &str = r#"
    (global $inside (mut i32) (i32.const 0)) (global $outside (mut i32) (i32.const 0)) (global $other (mut i32) (i32.const 0))
    (func $look (param $at i32) (param $len i32) (local $fd i32)
        (if (call $open_at (local.get $at) (local.get $len) (i32.const 0) (i64.const 66)) (then
            (if (call $open_at (local.get $at) (local.get $len) (i32.const 0) (i64.const 2)) (then (return)))))
        (local.set $fd (i32.load (i32.const 16)))
        (drop (call $read_from (local.get $fd) (i32.const 0x200) (i32.const 8)))
        (drop (call $fd_close (local.get $fd)))
        (if (i32.eq (i32.load8_u (i32.const 0x200)) (i32.const 105))
            (then (global.set $inside (i32.add (global.get $inside) (i32.const 1)))))
        (if (i32.eq (i32.load8_u (i32.const 0x200)) (i32.const 111))
            (then (global.set $outside (i32.add (global.get $outside) (i32.const 1))))))
    (func $change (param $at i32) (param $len i32)
        (if (call $open_at (local.get $at) (local.get $len) (i32.const 9) (i64.const 66)) (then (return)))
        (drop (call $write_to (i32.load (i32.const 16)) @"inside!"))
        (drop (call $fd_close (i32.load (i32.const 16)))))
    (func (export "_start") (local $n i32)
        (local.set $n (call $argument (i32.const 1)))
        (loop $more
            (call $look @"/data/swapped/file") (call $look @"/data/link") (call $look @"/data/deep/a/../../swapped/file")
            (call $look @"/data/swapped/../swapped/file") (call $look @"/data/swapped/../../etc/passwd")
            (call $change @"/data/swapped/file") (call $change @"/data/link")
            (drop (call $path_unlink_file (i32.const -1) @"/data/swapped/victim"))
            (drop (call $path_rename (i32.const -1) @"/data/moved" (i32.const -1) @"/data/swapped/moved"))
            (drop (call $path_create_directory (i32.const -1) @"/data/swapped/made"))
            (drop (call $path_link (i32.const -1) (i32.const 1) @"/data/swapped/file" (i32.const -1) @"/data/linked"))
            (drop (call $path_unlink_file (i32.const -1) @"/data/linked"))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (call $say @"inside " (global.get $inside)) (call $say @"outside " (global.get $outside)))"#;

/// Swaps what its session may swap: a directory with a link to wherever, for as long as it lives.
const SWAPS: &str = r#"(func (export "_start")
    (loop $for_ever
        (drop (call $path_rename (i32.const -1) @"/data/swapped" (i32.const -1) @"/data/away"))
        (drop (call $path_symlink @"../outside" (i32.const -1) @"/data/swapped"))
        (drop (call $path_unlink_file (i32.const -1) @"/data/link"))
        (drop (call $path_symlink @"/etc/passwd" (i32.const -1) @"/data/link"))
        (drop (call $path_unlink_file (i32.const -1) @"/data/swapped"))
        (drop (call $path_rename (i32.const -1) @"/data/away" (i32.const -1) @"/data/swapped"))
        (drop (call $path_unlink_file (i32.const -1) @"/data/link"))
        (drop (call $path_symlink @"swapped/file" (i32.const -1) @"/data/link"))
        (br $for_ever)))"#;

/// A granted directory next to one that is not.
fn tree(at: &Path) {
    for dir in ["granted/swapped", "granted/deep/a", "outside"] {
        std::fs::create_dir_all(at.join(dir)).unwrap();
    }
    std::fs::write(at.join("granted/swapped/file"), INSIDE).unwrap();
    std::fs::write(at.join("granted/moved"), INSIDE).unwrap();
    std::fs::write(at.join("outside/file"), OUTSIDE).unwrap();
    std::fs::write(at.join("outside/victim"), OUTSIDE).unwrap();
    symlink("swapped/file", at.join("granted/link")).unwrap();
}

/// Nothing outside is other than it was.
fn unharmed(at: &Path) {
    let mut names: Vec<_> =
        std::fs::read_dir(at.join("outside")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["file", "victim"]);
    for name in names {
        assert_eq!(std::fs::read(at.join("outside").join(name)).unwrap(), OUTSIDE);
    }
}

/// Moves a directory away and puts links to the outside in its place and back, on the host.
fn swap_on_the_host(at: &Path, until: &AtomicBool) {
    let (swapped, away, link) = (at.join("swapped"), at.join("away"), at.join("link"));
    let outside = at.parent().unwrap().join("outside");
    let relink = |target: &Path| {
        drop(std::fs::remove_file(&link));
        drop(symlink(target, &link));
    };
    while !until.load(Ordering::Relaxed) {
        drop(std::fs::rename(&swapped, &away));
        drop(symlink(&outside, &swapped));
        relink(&outside.join("file"));
        drop(std::fs::remove_file(&swapped));
        drop(symlink("../outside", &swapped));
        relink(Path::new("../outside/file"));
        drop(std::fs::remove_file(&swapped));
        drop(std::fs::rename(&away, &swapped));
        relink(Path::new("swapped/file"));
    }
}

#[test]
fn links_that_the_host_swaps_lead_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path());
    let granted = dir.path().join("granted");
    let lab = lab(host().dir(&granted, "/data", Access::ReadWrite), &[("tries", TRIES)]);
    let session = lab.session();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| swap_on_the_host(&granted, &done));
        for _ in 0..3 {
            let tried = run(&session, "tries", &["1000"]);
            assert!(tried.exit.code == 0 && said(&tried, "outside") == 0, "{tried:?}");
        }
        done.store(true, Ordering::Relaxed);
    });
    unharmed(dir.path());
}

#[test]
fn links_that_another_command_swaps_lead_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path());
    let granted = dir.path().join("granted");
    let lab = lab(host().dir(&granted, "/data", Access::ReadWrite), &[("tries", TRIES), ("swaps", SWAPS)]);
    let (session, other) = (lab.session(), lab.session());
    let jobs = [session.start("swaps").spawn().unwrap(), other.start("swaps").spawn().unwrap()];
    for _ in 0..3 {
        let tried = run(&session, "tries", &["1000"]);
        assert!(tried.exit.code == 0 && said(&tried, "outside") == 0, "{tried:?}");
    }
    jobs.iter().for_each(hob::Job::kill);
    jobs.iter().for_each(|job| assert!(job.wait().unwrap().signal.is_some()));
    unharmed(dir.path());
}

#[test]
fn a_directory_that_may_only_be_read_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path());
    let granted = dir.path().join("granted");
    let lab = lab(host().dir(&granted, "/data", Access::Read), &[("tries", TRIES)]);
    let tried = run(&lab.session(), "tries", &["10"]);
    assert!(said(&tried, "inside") > 0 && said(&tried, "outside") == 0, "{tried:?}");
    assert!(granted.join("moved").exists() && !granted.join("swapped/made").exists());
    assert!(!granted.join("linked").exists());
    unharmed(dir.path());
}

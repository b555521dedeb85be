//! Programs that open, store and send as much as they can.

use hob::{Limit, Limits};

use crate::guest::program;
use crate::lab::{Lab, commands, host, lab, limits, run, said, script};

/// Opens one kind of thing, as its first argument says, until that fails or it has as many as its second says. Says how
/// many calls succeeded and what the last one failed with; then closes everything and tries once more.
const OPENS: &str = r#"
    (func $dup (result i32) (call $fd_dup (i32.const 0) (i32.const 16)))
    (func $dup_high (result i32) (call $fd_dup_min (i32.const 0) (i32.const 1023) (i32.const 16)))
    (func $file (result i32) (call $open_at @"/tmp/file" (i32.const 1) (i64.const 66)))
    (func $unnamed (result i32)
        (call $open_tmpfile (i32.const -1) @"/tmp" (i32.const 0x10000000) (i32.const 438) (i32.const 16)))
    (func $pipe (result i32) (call $fd_pipe (i32.const 0x100) (i32.const 0x104)))
    (func $terminal (result i32) (call $pty_open (i32.const 0x100) (i32.const 0x104)))
    (func $socket (result i32) (call $net_socket (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 16)))
    (func $pair (result i32)
        (call $fd_socketpair (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0x100) (i32.const 0x104)))
    (func $directory (result i32) (call $open_at @"/tmp" (i32.const 2) (i64.const 0)))
    (table funcref (elem $dup $dup_high $file $unnamed $pipe $terminal $socket $pair $directory))
    (func (export "_start") (local $n i32) (local $errno i32)
        (block $end (loop $more
            (br_if $end (i32.ge_u (local.get $n) (call $argument (i32.const 2))))
            (br_if $end (local.tee $errno (call_indirect (result i32) (call $argument (i32.const 1)))))
            (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more)))
        (drop (call $proc_closefrom (i32.const 3)))
        (call $say @"opened " (local.get $n)) (call $say @"errno " (local.get $errno))
        (call $say @"again " (call_indirect (result i32) (call $argument (i32.const 1)))))"#;

fn opens(limits: Limits) -> Lab {
    lab(host().limits(limits), &[("opens", OPENS)])
}

#[test]
fn descriptors_of_one_process_end_at_their_number() {
    let lab = opens(Limits { open_files: 8192, ..limits() });
    let session = lab.session();
    let way = |way: &str, most: u64, errno: u64| {
        let done = run(&session, "opens", &[way, "100000"]);
        assert_eq!(
            (said(&done, "opened"), said(&done, "errno"), said(&done, "again")),
            (most, errno, 0),
            "{way}"
        );
        let done = run(&session, "opens", &[way, &most.to_string()]);
        assert_eq!((said(&done, "opened"), said(&done, "errno")), (most, 0), "{way}");
        assert_eq!(session.ledger().used(Limit::OpenFiles), 0, "{way}");
    };
    // 1024 with the three it has; half as many of what has two ends; terminals and sockets are fewer.
    way("0", 1021, 33);
    way("2", 1021, 33);
    way("3", 1021, 33);
    way("4", 510, 33);
    way("5", 128, 51);
    way("6", 256, 41);
    way("7", 128, 41);
    way("8", 1021, 33);
    assert_eq!(said(&run(&session, "opens", &["1", "10"]), "opened"), 1);
}

#[test]
fn open_files_of_a_session_end_at_their_limit_and_it_is_named() {
    let lab = opens(Limits { open_files: 100, ..limits() });
    let session = lab.session();
    for (way, most) in [("2", 97), ("4", 48), ("5", 48), ("6", 97), ("7", 48)] {
        let done = run(&session, "opens", &[way, "100000"]);
        assert_eq!(
            (said(&done, "opened"), said(&done, "errno"), said(&done, "again")),
            (most, 33, 0),
            "{way}"
        );
        assert_eq!(session.ledger().used(Limit::OpenFiles), 0, "{way}");
    }
    assert_eq!(
        lab.reported(),
        "opens: open-files limit exceeded: 100 allowed, 100 in use, 1 asked; --max-files 101 would have sufficed"
    );
    // What is duplicated is opened once.
    assert_eq!(said(&run(&session, "opens", &["0", "100000"]), "opened"), 1021);
}

/// Starts itself with as many bytes of arguments, or of environment, as its argument says. Says how that went.
const LONG: &str = r#"
    (func (export "_start") (local $n i32)
        (drop (memory.grow (i32.const 64)))
        (local.set $n (call $argument (i32.const 1)))
        (if (i32.eqz (local.get $n)) (then (return)))
        (memory.fill (i32.const 0x20000) (i32.const 120) (local.get $n))
        (i32.store8 (i32.const 0x20001) (i32.const 61))
        (call $say @"arguments " (call $proc_spawn_v4 @"long" (i32.const 0x20000) (local.get $n) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) @"/bin" (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)))
        (call $say @"environment " (call $proc_spawn_v4 @"long" @"long" (i32.const 0x20000) (local.get $n)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) @"/bin" (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)))
        (loop $more (br_if $more (i32.eqz (call $wait_for (i32.const -1) (i32.const 0)))))
        (call $say @"instead " (call $proc_exec @"/bin/long" (i32.const 0x20000) (local.get $n) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0))))"#;

#[test]
fn arguments_and_environment_fill_a_mebibyte_and_no_byte_more() {
    let lab = lab(host(), &[("long", LONG)]);
    let session = lab.session();
    // The zero that ends it counts.
    let fits = run(&session, "long", &[&((1 << 20) - 1).to_string()]);
    assert_eq!((said(&fits, "arguments"), said(&fits, "environment")), (0, 0));
    assert!(!fits.out.contains("instead"), "it did not take over: {fits:?}");
    let past = run(&session, "long", &[&(1 << 20).to_string()]);
    assert_eq!((said(&past, "arguments"), said(&past, "environment"), said(&past, "instead")), (1, 1, 1));
}

/// Makes directories in each other until that fails, and says how deep it came and why no deeper. Then takes them away.
const DEEP: &str = r#"
    (func (export "_start") (local $n i32) (local $fd i32) (local $errno i32)
        (drop (call $open_at @"/tmp" (i32.const 2) (i64.const 0)))
        (block $end (loop $more
            (local.set $fd (i32.load (i32.const 16)))
            (br_if $end (local.tee $errno (call $path_create_directory (local.get $fd) @"d")))
            (br_if $end (local.tee $errno
                (call $path_open (local.get $fd) (i32.const 0) @"d" (i32.const 2) (i64.const 0) (i64.const 0)
                    (i32.const 0) (i32.const 16))))
            (drop (call $fd_close (local.get $fd)))
            (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more)))
        (call $say @"depth " (local.get $n)) (call $say @"errno " (local.get $errno)))"#;

#[test]
fn directories_are_as_deep_as_a_walk_goes() {
    let lab = lab(host(), &[("deep", DEEP)]);
    let session = lab.session();
    let done = run(&session, "deep", &[]);
    assert_eq!(said(&done, "errno"), 37);
    assert!((500..=512).contains(&said(&done, "depth")), "{done:?}");
}

/// Writes to a file until that fails; says how much it wrote and why no more. Then makes files until that fails.
const WRITES: &str = r#"
    (func $name (param $n i32)
        (memory.copy (i32.const 0x300) @"/tmp/00000000")
        (i64.store (i32.const 0x305) (i64.or (i64.const 0x3030303030303030) (call $digits (local.get $n)))))
    (func $digits (param $n i32) (result i64) (local $all i64) (local $left i32)
        (local.set $left (i32.const 8))
        (loop $more
            (local.set $all (i64.or (i64.shl (local.get $all) (i64.const 8))
                (i64.extend_i32_u (i32.rem_u (local.get $n) (i32.const 10)))))
            (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
            (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (local.get $all))
    (func (export "_start") (local $n i32) (local $fd i32) (local $errno i32)
        (drop (call $open_at @"/tmp/all" (i32.const 1) (i64.const 66)))
        (local.set $fd (i32.load (i32.const 16)))
        (loop $more
            (local.set $errno (call $write_to (local.get $fd) (i32.const 0x10000) (i32.const 0x10000)))
            (if (i32.eqz (local.get $errno)) (then (local.set $n (i32.add (local.get $n) (i32.load (i32.const 8)))) (br $more))))
        (call $say @"bytes " (local.get $n)) (call $say @"errno " (local.get $errno))
        (call $say @"sparse " (call $fd_filestat_set_size (local.get $fd) (i64.const 0x100000000000)))
        (call $say @"reserved " (call $fd_allocate (local.get $fd) (i64.const 0) (i64.const 0x100000000000)))
        (drop (call $fd_close (local.get $fd)))
        (drop (call $path_unlink_file (i32.const -1) @"/tmp/all"))
        (local.set $n (i32.const 0))
        (loop $more
            (call $name (local.get $n))
            (local.set $errno (call $open_at (i32.const 0x300) (i32.const 13) (i32.const 1) (i64.const 66)))
            (if (i32.eqz (local.get $errno)) (then
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (drop (call $fd_close (i32.load (i32.const 16)))) (br $more))))
        (call $say @"files " (local.get $n)) (call $say @"full " (local.get $errno)))"#;

#[test]
fn a_disk_is_as_large_as_its_limit_and_it_is_named() {
    let limits = Limits { disk_bytes: 4 << 20, disk_files: 500, ..limits() };
    let lab = lab(host().limits(limits), &[("writes", WRITES)]);
    let session = lab.session();
    let done = run(&session, "writes", &[]);
    assert_eq!((said(&done, "errno"), said(&done, "full")), (51, 51));
    assert!((3 << 20..4 << 20).contains(&said(&done, "bytes")), "{done:?}");
    assert_eq!((said(&done, "sparse"), said(&done, "reserved")), (0, 51));
    assert!((450..500).contains(&said(&done, "files")), "{done:?}");
    let reported = lab.reported();
    assert!(reported.contains("writes: disk limit exceeded: 4MiB allowed"), "{reported}");
    assert!(reported.contains("writes: disk-files limit exceeded: 500 allowed"), "{reported}");
    let error = session.write_file("/tmp/x", &[0; 5 << 20]).unwrap_err();
    assert!(error.to_string().contains("disk"), "{error}");
}

#[test]
fn a_shell_that_floods_its_disk_says_so_and_goes_on() {
    let lab = commands(Limits { disk_bytes: 8 << 20, ..limits() });
    let session = lab.session();
    let done = script(&session, "yes > /tmp/all; echo $?; rm /tmp/all; echo free > /tmp/x && cat /tmp/x");
    assert!(done.err.contains("o space left"), "{done:?}");
    assert!(done.out.ends_with("free\n") && !done.out.starts_with("0\n"), "{done:?}");
    assert!(lab.reported().contains("yes: disk limit exceeded: 8MiB allowed"), "{}", lab.reported());
}

#[test]
fn output_without_end_ends_the_command_by_name() {
    let lab = commands(Limits { output_bytes: 1 << 20, ..limits() });
    let session = lab.session();
    let done = run(&session, "yes", &[]);
    assert!(
        done.exit.why.as_ref().is_some_and(|why| why.contains("output limit exceeded")),
        "{:?}",
        done.exit
    );
    assert_eq!(done.out.len(), 1 << 20);
}

/// Fills a pipe of which it has both ends, and one of which nobody reads the other end.
const FILLS: &str = r#"(func (export "_start") (local $n i32) (local $errno i32)
    (drop (call $fd_pipe (i32.const 0x100) (i32.const 0x104)))
    (loop $more
        (local.set $errno (call $write_to (i32.load (i32.const 0x104)) (i32.const 0x10000) (i32.const 0x10000)))
        (if (i32.eqz (local.get $errno)) (then (local.set $n (i32.add (local.get $n) (i32.load (i32.const 8)))) (br $more))))
    (drop (call $proc_closefrom (i32.const 3)))
    (call $say @"bytes " (local.get $n)) (call $say @"errno " (local.get $errno)))"#;

#[test]
fn a_pipe_that_grows_is_paid_for_and_ends_at_a_limit() {
    let limits = Limits { host_buffer_bytes: 4 << 20, ..limits() };
    let lab = lab(host().limits(limits), &[("fills", FILLS)]);
    let session = lab.session();
    let done = run(&session, "fills", &[]);
    assert_eq!(said(&done, "errno"), 48);
    assert!(said(&done, "bytes") <= (4 << 20) + (64 << 10), "{done:?}");
    assert!(lab.reported().contains("fills: host-buffer limit exceeded"), "{}", lab.reported());
    assert_eq!(session.ledger().used(Limit::HostBuffer), 0);
}

/// Makes a file a program and runs it. Says how that went.
const STARTS: &str = r#"(func (export "_start")
    (drop (call $chmod (i32.const -1) (call $text (i32.const 1)) (i32.const 511)))
    (call $say @"started " (call $spawn (call $text (i32.const 1))))
    (call $say @"waited " (call $wait_for (i32.const -1) (i32.const 0))))"#;

#[test]
fn programs_that_a_guest_brings_leave_nothing_in_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("starts.wasm"), program(STARTS)).unwrap();
    let cache = dir.path().join("cache");
    let host = host().engine(hob::Choice::Auto).cache_dir(&cache).limits(limits()).build().unwrap();
    let session =
        host.shell().bin(dir.path().join("starts.wasm")).unwrap().build().unwrap().session().unwrap();
    for number in 0..20 {
        let body = format!(r#"(func (export "_start") (drop (i32.const {number})))"#);
        session.write_file("/tmp/made", &program(&body)).unwrap();
        let done = run(&session, "starts", &["/tmp/made"]);
        assert_eq!((said(&done, "started"), said(&done, "waited")), (0, 0), "{done:?}");
    }
    // The one that starts them may be there by now, and no other.
    assert!(host.cache().unwrap().stats().unwrap().entries <= 1);
    assert_eq!(session.ledger().used(Limit::HostBuffer), 0);
}

#[test]
fn a_program_is_read_at_the_expense_of_its_session() {
    let limits = Limits { host_buffer_bytes: 1 << 20, ..limits() };
    let lab = lab(host().limits(limits), &[("starts", STARTS)]);
    let session = lab.session();
    let mut large = b"\0asm\x01\0\0\0".to_vec();
    large.resize(2 << 20, 0);
    session.write_file("/tmp/large", &large).unwrap();
    assert_eq!(said(&run(&session, "starts", &["/tmp/large"]), "started"), 48);
    assert!(lab.reported().contains("starts: host-buffer limit exceeded"), "{}", lab.reported());
    // What is no program is not even read.
    session.write_file("/tmp/large", &[b'x'; 2 << 20]).unwrap();
    assert_eq!(said(&run(&session, "starts", &["/tmp/large"]), "started"), 45);
}

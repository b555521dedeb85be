//! Whatever a program does or waits for, killing it ends it; and what ends takes nothing with it.

use std::time::Duration;

use hob::{Job, Limit, Limits, Session, SharedBuffer, Signal, Sink, StopReason, StopToken};

use crate::lab::{Lab, host, lab, limits, run, until};

/// Says that it is ready, and then waits as its argument says, for ever.
const WAITS: &str = r#"
    (func $pipe (result i32) (drop (call $fd_pipe (i32.const 0x100) (i32.const 0x104))) (i32.load (i32.const 0x100)))
    (func $pair (result i32)
        (drop (call $fd_socketpair (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 0x100) (i32.const 0x104)))
        (i32.load (i32.const 0x100)))
    (func $file (result i32)
        (drop (call $open_at @"/tmp/file" (i32.const 1) (i64.const 66))) (i32.load (i32.const 16)))
    (func $other (result i32)
        (drop (call $open_at @"/tmp/other" (i32.const 1) (i64.const 66))) (i32.load (i32.const 16)))
    (func $ready (call $say @"ready " (i32.const 1)))
    (func $loop (call $ready) (loop $for_ever (br $for_ever)))
    (func $fill (call $ready)
        (loop $for_ever (memory.fill (i32.const 0x10000) (i32.const 1) (i32.const 0x20000)) (br $for_ever)))
    (func $calls (call $ready) (loop $for_ever (drop (call $sched_yield)) (br $for_ever)))
    (func $sleeps (call $ready) (drop (call $sleep_ms (i32.const -1))))
    (func $reads (local $fd i32) (local.set $fd (call $pipe)) (call $ready)
        (drop (call $read_from (local.get $fd) (i32.const 0x10000) (i32.const 1))))
    (func $writes (local $fd i32) (local.set $fd (call $pair)) (call $ready)
        (loop $for_ever (drop (call $write_to (local.get $fd) (i32.const 0x10000) (i32.const 0x10000))) (br $for_ever)))
    (func $receives (local $fd i32) (local.set $fd (call $pair)) (call $ready)
        (drop (call $net_recv (local.get $fd) (i32.const 0x10000) (i32.const 1) (i32.const 0) (i32.const 16))))
    (func $polls (i32.store (i32.const 0x200) (call $pipe)) (i32.store (i32.const 0x204) (i32.const 1)) (call $ready)
        (drop (call $proc_ppoll_v1 (i32.const 0x200) (i32.const 1) (i64.const -1) (i64.const -1)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16))))
    (func $flocks (local $fd i32)
        (drop (call $fd_flock (call $file) (i32.const 2))) (local.set $fd (call $file)) (call $ready)
        (drop (call $fd_flock (local.get $fd) (i32.const 2))))
    (func $locks (param $fd i32) (result i32)
        (call $fd_record_lock (local.get $fd) (i32.const 14) (i32.const 1) (i64.const 0) (i64.const 10)
            (i32.const 0x100) (i32.const 0x104) (i32.const 0x108) (i32.const 0x110)))
    (func $holds (drop (call $locks (call $file))) (call $ready) (drop (call $sleep_ms (i32.const -1))))
    (func $rivals (drop (call $locks (call $other))) (drop (call $sleep_ms (i32.const -1))))
    (func $contends (local $fd i32) (local.set $fd (call $other))
        (drop (call $spawn @"waits\017"))
        (loop $until (drop (call $sleep_ms (i32.const 1)))
            (drop (call $fd_record_lock (local.get $fd) (i32.const 12) (i32.const 0) (i64.const 0)
                (i64.const 1) (i32.const 0x100) (i32.const 0x104) (i32.const 0x108) (i32.const 0x110)))
            (br_if $until (i32.eq (i32.load (i32.const 0x100)) (i32.const 2))))
        (call $ready) (drop (call $locks (local.get $fd))))
    (func $waits (drop (call $spawn @"waits\03")) (call $ready) (drop (call $wait_for (i32.const -1) (i32.const 0))))
    (func $accepts (local $fd i32)
        (drop (call $net_socket (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 16)))
        (local.set $fd (i32.load (i32.const 16)))
        (drop (call $net_bind (local.get $fd) @"127.0.0.1:4000"))
        (drop (call $net_listen (local.get $fd) (i32.const 1))) (call $ready)
        (i32.store (i32.const 0x100) (i32.const 64))
        (drop (call $net_accept (local.get $fd) (i32.const 16) (i32.const 0x200) (i32.const 0x100))))
    (func $fifo (drop (call $path_mknod (i32.const -1) @"/tmp/fifo" (i32.const 0x11b6) (i64.const 0))) (call $ready)
        (drop (call $open_at @"/tmp/fifo" (i32.const 0) (i64.const 2))))
    (func $types (drop (call $pty_open (i32.const 0x100) (i32.const 0x104))) (call $ready)
        (drop (call $read_from (i32.load (i32.const 0x104)) (i32.const 0x10000) (i32.const 1))))
    (func $stops (call $ready) (drop (call $proc_getpid (i32.const 16)))
        (drop (call $proc_kill (i32.load (i32.const 16)) (i32.const 19))))
    (func $subscribes
        (i32.store8 (i32.const 0x208) (i32.const 0)) (i32.store (i32.const 0x210) (i32.const 1))
        (i64.store (i32.const 0x218) (i64.const 0x7fffffffffffffff)) (call $ready)
        (drop (call $poll_oneoff (i32.const 0x200) (i32.const 0x300) (i32.const 1) (i32.const 16))))
    (table funcref (elem $loop $fill $calls $sleeps $reads $writes $receives $polls $flocks $waits $accepts $fifo $holds
        $contends $types $stops $subscribes $rivals))
    (func (export "_start") (call_indirect (call $argument (i32.const 1)))
        (loop $what_it_waited_for_ended_first (br $what_it_waited_for_ended_first)))
    (func (export "__wasi_signal_trampoline") (param i32))"#;

/// What it waits for, by argument. The one behind the last is the rival in a lock of a range.
const WAYS: [&str; 17] = [
    "a loop",
    "a fill",
    "a loop of calls",
    "a sleep",
    "a read",
    "a write",
    "a receive",
    "a poll",
    "a lock of a file",
    "a child",
    "a connection",
    "a named pipe",
    "a sleep with a lock",
    "a lock of a range",
    "a terminal",
    "being stopped",
    "a clock",
];

fn start(session: &Session, way: usize, stop: Option<&StopToken>) -> (Job, SharedBuffer) {
    let out = SharedBuffer::default();
    let mut launch = session.start("waits").args([way.to_string()]).stdout(Sink::Buffer(out.clone()));
    if let Some(stop) = stop {
        launch = launch.stop(stop.clone());
    }
    (launch.spawn().unwrap(), out)
}

/// Lets it come to where it waits.
fn settled(out: &SharedBuffer) {
    until("it is ready", || out.len() >= 8);
    std::thread::sleep(Duration::from_millis(3));
}

fn waits() -> Lab {
    lab(host(), &[("waits", WAITS)])
}

#[test]
fn whatever_it_waits_for_a_kill_ends_it() {
    let lab = waits();
    for (way, what) in WAYS.iter().enumerate() {
        let session = lab.session();
        let (job, out) = start(&session, way, None);
        settled(&out);
        assert!(job.try_wait().is_none(), "{what} ended by itself");
        job.kill();
        assert_eq!(job.wait().unwrap().signal, Some(Signal::KILL), "{what}");
        let ledger = session.ledger().clone();
        drop(job);
        session.close();
        let left = [Limit::Processes, Limit::OpenFiles, Limit::Memory].map(|limit| ledger.used(limit));
        assert_eq!(left, [0; 3], "{what}");
    }
}

#[test]
fn whatever_it_waits_for_it_ends_at_its_deadline() {
    let limits = Limits { hard_deadline: Some(Duration::from_millis(100)), ..limits() };
    let lab = lab(host().limits(limits), &[("waits", WAITS)]);
    let session = lab.session();
    let jobs: Vec<_> = (0..WAYS.len()).map(|way| start(&session, way, None).0).collect();
    for (job, what) in jobs.iter().zip(WAYS) {
        let exit = job.wait().unwrap();
        assert_eq!(exit.signal.map(|signal| signal.to_string()), Some("SIGXCPU".into()), "{what}: {exit:?}");
        assert!(exit.why.unwrap().starts_with("hard-deadline limit exceeded"), "{what}");
        assert!(job.is_late());
    }
    assert!(lab.reported().contains("waits: hard-deadline limit exceeded"));
}

#[test]
fn whatever_it_waits_for_its_token_ends_it() {
    let lab = waits();
    let session = lab.session();
    let stop = StopToken::never();
    let all: Vec<_> = (0..WAYS.len()).map(|way| start(&session, way, Some(&stop))).collect();
    for ((_, out), what) in all.iter().zip(WAYS) {
        until(&format!("{what} is ready"), || out.len() >= 8);
    }
    stop.stop(StopReason::Killed);
    for ((job, _), what) in all.iter().zip(WAYS) {
        assert_eq!(job.wait().unwrap().signal, Some(Signal::KILL), "{what}");
    }
}

#[test]
fn what_befalls_one_befalls_nobody_who_ends_by_the_same_token() {
    let lab = waits();
    let session = lab.session();
    let stop = StopToken::never();
    let begin = |what: &str| {
        let way = WAYS.iter().position(|way| *way == what).unwrap();
        let (job, out) = start(&session, way, Some(&stop));
        settled(&out);
        job
    };
    let (stopped, killed) = (begin("being stopped"), begin("a loop of calls"));
    killed.kill();
    assert_eq!(killed.wait().unwrap().signal, Some(Signal::KILL));
    assert_eq!((stop.reason(), stop.is_paused()), (None, false));
    let others = [begin("a loop"), begin("a read")];
    assert!(others.iter().chain([&stopped]).all(|job| job.try_wait().is_none()));
    stop.stop(StopReason::Killed);
    for job in others.iter().chain([&stopped]) {
        assert_eq!(job.wait().unwrap().signal, Some(Signal::KILL));
    }
}

/// Ends in a bad way, as its argument says.
const FAILS: &str = r#"
    (type $other (func (result i64))) (table 4 funcref) (elem (i32.const 2) $deep)
    (func $deep (drop (call $sleep_ms (i32.const 0))) (call $deep))
    (func (export "_start") (local $way i32)
        (local.set $way (call $argument (i32.const 1)))
        (if (i32.eq (local.get $way) (i32.const 0)) (then (unreachable)))
        (if (i32.eq (local.get $way) (i32.const 1)) (then (drop (i32.load (i32.const -4)))))
        (if (i32.eq (local.get $way) (i32.const 2)) (then (call $deep)))
        (if (i32.eq (local.get $way) (i32.const 3)) (then (drop (i32.div_u (local.get $way) (i32.const 0)))))
        (if (i32.eq (local.get $way) (i32.const 4)) (then (drop (call_indirect (type $other) (i32.const 2)))))
        (if (i32.eq (local.get $way) (i32.const 5)) (then (call_indirect (i32.const 3))))
        (if (i32.eq (local.get $way) (i32.const 6)) (then (call $proc_exit (i32.const 255))))
        (if (i32.eq (local.get $way) (i32.const 7))
            (then (drop (call $proc_kill (call $own) (i32.const 11))))))
    (func $own (result i32) (drop (call $proc_getpid (i32.const 16))) (i32.load (i32.const 16)))"#;

/// Counts up to its argument, one call at a time.
const COUNTS: &str = r#"(func (export "_start") (local $n i32)
    (loop $more (drop (call $sched_yield)) (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $n) (call $argument (i32.const 1)))))
    (call $say @"counted " (local.get $n)))"#;

#[test]
fn a_program_that_fails_leaves_the_others_alone() {
    let lab = lab(host(), &[("fails", FAILS), ("counts", COUNTS)]);
    let session = lab.session();
    let out = SharedBuffer::default();
    let job = session.start("counts").args(["20000"]).stdout(Sink::Buffer(out.clone())).spawn().unwrap();
    let ends = [Some("SIGILL"); 6].into_iter().chain([None, Some("SIGSEGV")]);
    for (way, want) in ends.enumerate() {
        let exit = run(&session, "fails", &[&way.to_string()]).exit;
        assert_eq!(exit.signal.map(|signal| signal.to_string()).as_deref(), want, "way {way}: {exit:?}");
        assert_eq!(exit.why.is_some(), way < 6, "way {way}: {exit:?}");
    }
    assert_eq!(job.wait().unwrap().code, 0);
    assert_eq!(out.take(), b"counted 20000\n");
    assert_eq!(session.ledger().used(Limit::Processes), 0);
}

/// Grows its memory until it is refused, and gives up.
const GROWS: &str = r#"(func (export "_start")
    (loop $more (br_if $more (i32.ge_s (memory.grow (i32.const 64)) (i32.const 0)))) (unreachable))"#;

#[test]
fn a_limit_on_memory_is_for_all_together_and_named() {
    let limits = Limits { memory_bytes: 8 << 20, ..limits() };
    let lab = lab(host().limits(limits), &[("grows", GROWS), ("counts", COUNTS)]);
    let session = lab.session();
    let exit = run(&session, "grows", &[]).exit;
    assert!(exit.why.unwrap().contains("memory limit exceeded"));
    assert_eq!(session.ledger().used(Limit::Memory), 0);
    assert_eq!(run(&session, "counts", &["1"]).exit.code, 0);
}

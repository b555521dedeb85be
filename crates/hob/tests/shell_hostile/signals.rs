//! Signals in masses.

use std::time::Duration;

use hob::{Job, Session, SharedBuffer, Signal, Sink};

use crate::lab::{host, lab, run, said, until};

/// Does what its argument says about a signal, and then works for as long as nobody ends it. Says how many handlers have
/// run when one of another signal asks for that.
const VICTIM: &str = r#"
    (global $handled (mut i32) (i32.const 0))
    (func (export "__wasi_signal_trampoline") (param $signal i32)
        (if (i32.eq (local.get $signal) (i32.const 12)) (then (call $say @"handled " (global.get $handled)))
            (else (global.set $handled (i32.add (global.get $handled) (i32.const 1))))))
    (func (export "_start")
        (drop (call $proc_sigaction (i32.const 10) (call $argument (i32.const 1)) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $proc_sigaction (i32.const 12) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0)))
        (call $say @"ready " (i32.const 1))
        (loop $more (drop (call $sched_yield)) (br $more)))"#;

/// Sends the signal of its second argument to the process of its first, as often as its third says.
const STORM: &str = r#"(func (export "_start") (local $n i32) (local $failed i32)
    (local.set $n (call $argument (i32.const 3)))
    (loop $more
        (local.set $failed (i32.or (local.get $failed)
            (call $proc_kill (call $argument (i32.const 1)) (call $argument (i32.const 2)))))
        (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $say @"failed " (local.get $failed)))"#;

fn victim(session: &Session, action: &str) -> (Job, SharedBuffer) {
    let out = SharedBuffer::default();
    let job = session.start("victim").args([action]).stdout(Sink::Buffer(out.clone())).spawn().unwrap();
    until("the victim is ready", || out.len() >= 8);
    (job, out)
}

fn storm(session: &Session, at: &Job, signal: u8, times: u32) {
    let args = [at.pid().to_string(), signal.to_string(), times.to_string()];
    let done = run(session, "storm", &[&args[0], &args[1], &args[2]]);
    assert_eq!(said(&done, "failed"), 0);
}

/// The victim still answers, and still ends.
fn survives(job: &Job, out: &SharedBuffer) -> u64 {
    drop(out.take());
    job.signal(Signal::USR2);
    until("the victim answers", || out.len() >= 10);
    let text = String::from_utf8(out.take()).unwrap();
    job.kill();
    assert_eq!(job.wait().unwrap().signal, Some(Signal::KILL));
    text.trim().strip_prefix("handled ").unwrap().parse().unwrap()
}

#[test]
fn a_storm_at_a_handler_is_survived() {
    let lab = lab(host(), &[("victim", VICTIM), ("storm", STORM)]);
    let session = lab.session();
    let (job, out) = victim(&session, "2");
    storm(&session, &job, 10, 20_000);
    let handled = survives(&job, &out);
    assert!((1..=20_000).contains(&handled), "{handled}");
}

#[test]
fn a_storm_at_one_who_does_not_listen_changes_nothing() {
    let lab = lab(host(), &[("victim", VICTIM), ("storm", STORM)]);
    let session = lab.session();
    let (job, out) = victim(&session, "1");
    storm(&session, &job, 10, 20_000);
    assert_eq!(survives(&job, &out), 0);
}

#[test]
fn stopping_and_going_on_thousands_of_times_is_survived() {
    let lab = lab(host(), &[("victim", VICTIM), ("storm", STORM)]);
    let session = lab.session();
    let (job, out) = victim(&session, "2");
    for _ in 0..3000 {
        job.signal(Signal::STOP);
        job.signal(Signal::CONT);
    }
    // From both sides at once, so that they cross.
    std::thread::scope(|scope| {
        scope.spawn(|| storm(&session, &job, 19, 3000));
        scope.spawn(|| storm(&session, &job, 18, 3000));
    });
    job.signal(Signal::CONT);
    survives(&job, &out);
    assert!(job.try_wait().is_some());
}

#[test]
fn one_that_is_stopped_stands_still_and_ends_all_the_same() {
    let lab = lab(host(), &[("victim", VICTIM)]);
    let session = lab.session();
    let (job, out) = victim(&session, "2");
    job.signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(20));
    drop(out.take());
    job.signal(Signal::USR2);
    std::thread::sleep(Duration::from_millis(20));
    assert!(out.is_empty());
    job.signal(Signal::TERM);
    job.kill();
    assert_eq!(job.wait().unwrap().signal.map(|signal| signal.to_string()), Some("SIGTERM".into()));
}

/// Sends itself a signal in its own handler, which is not blocked there: handlers in handlers without end.
const NESTS: &str = r#"
    (func $own (result i32) (drop (call $proc_getpid (i32.const 16))) (i32.load (i32.const 16)))
    (func (export "__wasi_signal_trampoline") (param i32) (drop (call $proc_kill (call $own) (i32.const 10))))
    (func (export "_start")
        (drop (call $proc_sigaction (i32.const 10) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0x40000000)))
        (drop (call $proc_kill (call $own) (i32.const 10))))"#;

#[test]
fn handlers_in_handlers_end_the_program_and_nobody_else() {
    let lab = lab(host(), &[("nests", NESTS)]);
    let session = lab.session();
    let exit = run(&session, "nests", &[]).exit;
    assert!(exit.signal.is_some() && exit.why.is_some(), "{exit:?}");
}

/// Handlers that end the program, or never return.
const TRAPS: &str = r#"
    (func $own (result i32) (drop (call $proc_getpid (i32.const 16))) (i32.load (i32.const 16)))
    (func (export "__wasi_signal_trampoline") (param i32)
        (if (i32.eqz (call $argument (i32.const 1))) (then (unreachable)))
        (call $say @"ready " (i32.const 1)) (loop $for_ever (br $for_ever)))
    (func (export "_start")
        (drop (call $proc_sigaction (i32.const 10) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $proc_kill (call $own) (i32.const 10))))"#;

#[test]
fn a_handler_that_fails_or_never_returns_ends_like_any_code() {
    let lab = lab(host(), &[("traps", TRAPS)]);
    let session = lab.session();
    assert_eq!(run(&session, "traps", &["0"]).exit.signal, Some(Signal::ILL));
    let out = SharedBuffer::default();
    let job = session.start("traps").args(["1"]).stdout(Sink::Buffer(out.clone())).spawn().unwrap();
    until("it is in its handler", || out.len() >= 8);
    job.signal(Signal::TERM);
    assert_eq!(job.wait().unwrap().signal, Some(Signal::TERM));
}

/// Wants an alarm every microsecond, and counts what comes in a while.
const ALARMS: &str = r#"
    (global $handled (mut i32) (i32.const 0))
    (func (export "__wasi_signal_trampoline") (param i32) (global.set $handled (i32.add (global.get $handled) (i32.const 1))))
    (func (export "_start") (local $n i32)
        (drop (call $proc_sigaction (i32.const 14) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $proc_itimer_real (i32.const 1) (i64.const 1) (i64.const 1) (i32.const 0x100) (i32.const 0x108)))
        (loop $more (drop (call $sleep_ms (i32.const 1)))
            (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100))))
        (call $say @"handled " (global.get $handled)))"#;

#[test]
fn alarms_do_not_come_faster_than_they_are_heard() {
    let lab = lab(host(), &[("alarms", ALARMS)]);
    let done = run(&lab.session(), "alarms", &[]);
    assert!((1..=200).contains(&said(&done, "handled")), "{done:?}");
}

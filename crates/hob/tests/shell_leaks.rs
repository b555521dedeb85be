//! A thousand sessions leave nothing behind. A test of its own program: it counts what the process has.

#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

#[path = "shell_hostile/guest.rs"]
mod guest;
#[path = "shell_hostile/lab.rs"]
mod lab;

use hob::{Access, Limit, Session, Sink, Source};
use lab::{Lab, counted, host, resident, until};

/// Has one of everything open, a child, a grandchild and an alarm, and sleeps.
const BUSY: &str = r#"
    (func (export "__wasi_signal_trampoline") (param i32))
    (func (export "_start")
        (drop (call $proc_sigaction (i32.const 14) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $proc_itimer_real (i32.const 1) (i64.const 100) (i64.const 100) (i32.const 0x100) (i32.const 0x108)))
        (drop (call $open_at @"/tmp/file" (i32.const 1) (i64.const 66)))
        (drop (call $fd_flock (i32.load (i32.const 16)) (i32.const 2)))
        (drop (call $write_to (i32.load (i32.const 16)) (i32.const 0x10000) (i32.const 0x10000)))
        (drop (call $open_at @"/data/file" (i32.const 0) (i64.const 2)))
        (drop (call $fd_pipe (i32.const 0x100) (i32.const 0x104)))
        (drop (call $write_to (i32.load (i32.const 0x104)) (i32.const 0x10000) (i32.const 0x8000)))
        (drop (call $pty_open (i32.const 0x100) (i32.const 0x104)))
        (drop (call $net_socket (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 16)))
        (drop (call $net_bind (i32.load (i32.const 16)) @"127.0.0.1:4000"))
        (drop (call $net_listen (i32.load (i32.const 16)) (i32.const 5)))
        (drop (call $fd_socketpair (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 0x100) (i32.const 0x104)))
        (drop (call $fd_sendmsg_rights (i32.load (i32.const 0x100)) @"x" (i32.const 0x100) (i32.const 2) (i32.const 0) (i32.const 20)))
        (if (i32.lt_u (call $argument (i32.const 1)) (i32.const 1)) (then (drop (call $spawn @"busy\01"))))
        (drop (call $spawn @"nothing"))
        (loop $again (drop (call $sleep_ms (i32.const -1))) (br $again)))"#;

const NOTHING: &str = r#"(func (export "_start"))"#;

/// What a session does in this test, and how it ends.
fn session(lab: &Lab, number: u32) {
    let session: Session = lab.session();
    let ledger = session.ledger().clone();
    let busy = session.start("busy").args(["0"]).stdout(Sink::Discard).spawn().unwrap();
    let typed = session.start("busy").args(["1"]).terminal(80, 24).spawn().unwrap();
    let fed = session.start("busy").args(["1"]).feed().spawn().unwrap();
    let plain = session.start("nothing").stdin(Source::Empty).spawn().unwrap();
    plain.wait().unwrap();
    match number % 4 {
        0 => session.close(),
        1 => drop(session),
        2 => {
            [&busy, &typed, &fed].iter().for_each(|job| job.kill());
            drop((busy, typed, fed));
            return drop(session);
        }
        // The jobs outlive the session that started them.
        _ => {
            drop(session);
            let exit = busy.wait().unwrap();
            assert!(exit.signal.is_some(), "{exit:?}");
        }
    }
    drop((busy, typed, fed, plain));
    until("all is given back", || {
        [Limit::Processes, Limit::OpenFiles, Limit::Memory, Limit::HostBuffer]
            .iter()
            .all(|limit| ledger.used(*limit) == 0)
    });
}

#[test]
fn a_thousand_sessions_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), b"x").unwrap();
    let host = host().dir(dir.path(), "/data", Access::ReadWrite);
    let lab = lab::lab(host, &[("busy", BUSY), ("nothing", NOTHING)]);
    (0..100).for_each(|number| session(&lab, number));
    let settle = || std::thread::sleep(std::time::Duration::from_millis(300));
    settle();
    let (tasks, fds, memory) = (counted("task"), counted("fd"), resident());
    (0..1000).for_each(|number| session(&lab, number));
    until("the last thread is gone", || counted("task") <= tasks);
    until("the last descriptor is closed", || counted("fd") <= fds);
    settle();
    let grown = resident().saturating_sub(memory);
    assert!(grown < 16 << 20, "{grown} bytes more are in memory");
}

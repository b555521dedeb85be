//! Programs that misbehave are stopped by a named limit, on both engines, and the host stays whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use std::time::{Duration, Instant};

use hob::{Choice, FaultKind, Host, Limit, Limits, Sink, Source, StopReason, StopToken, Trap};
use util::{BOTH, limits, plain, run, run_text};

/// How late a deadline may strike on a machine that is busy with other tests. The benchmark measures the real overshoot.
const SLACK: Duration = Duration::from_millis(1500);

fn kind(error: &hob::Error) -> FaultKind {
    error.fault().unwrap_or_else(|| panic!("no fault: {error}")).kind().clone()
}

fn limit(error: &hob::Error) -> Limit {
    match kind(error) {
        FaultKind::Limit(exceeded) => exceeded.limit,
        FaultKind::Trap { refused: Some(exceeded), .. } => exceeded.limit,
        other => panic!("no limit: {other:?}"),
    }
}

#[test]
fn a_loop_ends_at_its_deadline() {
    for choice in BOTH {
        let host = plain(choice).limits(limits(100)).build().unwrap();
        let began = Instant::now();
        let error = run(&host, "command-burn-rust", &["loop"], b"").unwrap_err();
        assert_eq!((error.exit_code(), kind(&error)), (124, FaultKind::Stopped(StopReason::HardDeadline)));
        assert!(began.elapsed() < Duration::from_millis(100) + SLACK);
    }
}

#[test]
fn a_sleep_ends_at_its_deadline() {
    for choice in BOTH {
        let host = plain(choice).clock(hob::ClockGrant::Real).limits(limits(100)).build().unwrap();
        let began = Instant::now();
        let error = run(&host, "command-burn-rust", &["sleep", "60000"], b"").unwrap_err();
        assert_eq!(error.exit_code(), 124, "{error}");
        assert!(began.elapsed() < Duration::from_millis(100) + SLACK);
    }
}

#[test]
fn a_sleep_on_the_virtual_clock_takes_no_time() {
    for choice in BOTH {
        let host = plain(choice).build().unwrap();
        let output = run(&host, "command-burn-rust", &["sleep", "3600000"], b"").unwrap();
        assert_eq!(output.stdout, b"slept\n");
    }
}

#[test]
fn a_read_from_a_silent_pipe_ends_at_its_deadline() {
    for choice in BOTH {
        let host = plain(choice).limits(limits(100)).build().unwrap();
        let (reader, _writer) = std::io::pipe().unwrap();
        let command = host.load(util::guest("command-burn-rust")).unwrap().command().unwrap();
        let began = Instant::now();
        let error = command.start().args(["stdin"]).stdin(Source::Fd(reader.into())).wait().unwrap_err();
        assert_eq!(error.exit_code(), 124, "{error}");
        assert!(began.elapsed() < Duration::from_millis(100) + SLACK);
    }
}

#[test]
fn a_write_to_a_full_pipe_ends_at_its_deadline() {
    for choice in BOTH {
        let host = plain(choice).limits(limits(200)).build().unwrap();
        let (_reader, writer) = std::io::pipe().unwrap();
        let command = host.load(util::guest("command-burn-rust")).unwrap().command().unwrap();
        let began = Instant::now();
        let error = command.start().args(["flood"]).stdout(Sink::Fd(writer.into())).wait().unwrap_err();
        assert_eq!(error.exit_code(), 124, "{error}");
        assert!(began.elapsed() < Duration::from_millis(200) + SLACK);
    }
}

#[test]
fn a_blocked_guest_is_stopped_at_once_from_another_thread() {
    for choice in BOTH {
        let host = plain(choice).clock(hob::ClockGrant::Real).build().unwrap();
        let command = host.load(util::guest("command-burn-rust")).unwrap().command().unwrap();
        let stop = StopToken::new(None, None);
        let killer = stop.clone();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            killer.stop(StopReason::Killed);
        });
        let began = Instant::now();
        let error = command.start().args(["sleep", "60000"]).stop(stop).wait().unwrap_err();
        thread.join().unwrap();
        assert_eq!(kind(&error), FaultKind::Stopped(StopReason::Killed));
        assert!(began.elapsed() < SLACK);
    }
}

#[test]
fn memory_ends_at_its_limit_and_the_limit_is_named() {
    for choice in BOTH {
        let limits = Limits { memory_bytes: 16 << 20, ..limits(20_000) };
        let host = plain(choice).limits(limits).build().unwrap();
        assert_eq!(
            run(&host, "command-burn-rust", &["alloc", "8"], b"").unwrap().stdout,
            b"allocated 8 MiB\n"
        );
        let error = run(&host, "command-burn-rust", &["alloc", "100"], b"").unwrap_err();
        assert_eq!((error.exit_code(), limit(&error)), (125, Limit::Memory));
        assert!(error.to_string().contains("--memory"), "{error}");
    }
}

#[test]
fn a_flood_of_output_ends_at_exactly_its_limit() {
    for choice in BOTH {
        for bytes in [100_000_u64, 65_536, 1] {
            let limits = Limits { output_bytes: bytes, ..limits(20_000) };
            let host = plain(choice).limits(limits).build().unwrap();
            let buffer = hob::SharedBuffer::default();
            let command = host.load(util::guest("command-burn-rust")).unwrap().command().unwrap();
            let error =
                command.start().args(["flood"]).stdout(Sink::Buffer(buffer.clone())).wait().unwrap_err();
            assert_eq!(limit(&error), Limit::Output, "{error}");
            assert_eq!(buffer.len() as u64, bytes);
        }
    }
}

#[test]
fn open_files_end_at_their_limit() {
    for choice in BOTH {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "").unwrap();
        // Three streams and the directory are open already.
        let limits = Limits { open_files: 10, ..limits(20_000) };
        let host = plain(choice).limits(limits).dir(dir.path(), "/g", hob::Access::Read).build().unwrap();
        let output = run(&host, "command-burn-rust", &["open", "100", "/g/a"], b"").unwrap();
        assert_eq!(output.stdout, b"opened 6\n");
    }
}

#[test]
fn recursion_ends_in_a_stack_overflow() {
    for choice in BOTH {
        let host = plain(choice).build().unwrap();
        let error = run(&host, "command-burn-rust", &["recurse"], b"").unwrap_err();
        assert!(
            matches!(kind(&error), FaultKind::Trap { trap: Trap::StackOverflow, .. }),
            "{choice:?}: {error}"
        );
    }
}

#[test]
fn a_panic_of_the_guest_is_its_own_and_says_where() {
    let host = plain(Choice::Wasmtime).build().unwrap();
    let error = run(&host, "command-burn-rust", &["panic"], b"").unwrap_err();
    assert_eq!(error.exit_code(), 125);
    let FaultKind::Trap { trap: Trap::Unreachable, backtrace, .. } = kind(&error) else { panic!("{error}") };
    assert!(!backtrace.is_empty());
}

#[test]
fn guests_of_the_hostile_folder_end_within_their_limits() {
    let names = [
        "hostile-start-loop",
        "hostile-grow-loop",
        "hostile-many-memories",
        "hostile-huge-table",
        "hostile-fill",
        "hostile-recursion",
        "hostile-poll-flood",
    ];
    for name in names {
        for choice in BOTH {
            let limits = Limits { memory_bytes: 64 << 20, ..limits(300) };
            let host = plain(choice).limits(limits).build().unwrap();
            let began = Instant::now();
            let ended = run(&host, name, &[], b"");
            assert!(
                began.elapsed() < Duration::from_millis(300) + SLACK,
                "{name} {choice:?}: {:?}",
                began.elapsed()
            );
            let error = ended.err().unwrap_or_else(|| panic!("{name} {choice:?} ended well"));
            assert!([124, 125].contains(&error.exit_code()), "{name} {choice:?}: {error}");
            let good = run(&host, "command-hello-wat", &[], b"").unwrap();
            assert_eq!(good.code, 7, "{name}");
        }
    }
}

#[test]
fn a_hundred_thousand_calls_leave_nothing_behind() {
    let host = Host::builder().pooled(4).engine(Choice::Wasmtime).build().unwrap();
    let guard = host.load(util::guest("json-approve-wat")).unwrap().behavior().unwrap();
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    for _ in 0..10_000 {
        assert!(guard.decide(b"{}").unwrap());
    }
    let (before, open) = (resident(), descriptors());
    for _ in 0..100_000 {
        assert!(guard.decide(b"{}").unwrap());
    }
    assert!(resident() < before + (16 << 20), "{} more bytes", resident() - before);
    // Other tests of this process open and close files of their own.
    assert!(descriptors() < open + 64);
}

#[test]
fn sixty_four_threads_share_one_guard() {
    let host = Host::builder().pooled(64).build().unwrap();
    let guard = host.load(util::guest("json-approve-wat")).unwrap().behavior().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| (0..100).for_each(|_| assert!(guard.decide(b"{}").unwrap())));
        }
    });
}

#[test]
fn exit_in_a_start_function_is_an_exit() {
    for choice in BOTH {
        let host = plain(choice).build().unwrap();
        let wat = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1) (func $s (call $exit (i32.const 9))) (start $s) (func (export "_start")))"#;
        assert_eq!(run_text(&host, wat).unwrap().code, 9);
    }
}

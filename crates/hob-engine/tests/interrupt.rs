//! Every wait of a guest ends: loops, start functions, recursion and bulk operations, on both engines.

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

use hob_cap::{Limit, Limits, StopReason};
use hob_engine::{Choice, FaultKind, Trap};
use util::{BOTH, bounds, engine, limits, start, start_plain};

/// How late a deadline may strike. Wide, because the machine that runs the tests may be busy with something else: the
/// benchmark measures the real overshoot.
const SLACK: Duration = Duration::from_millis(1500);

fn stops_at_the_deadline(wat: &str, limits: &Limits) {
    for choice in BOTH {
        let began = Instant::now();
        let fault = match start_plain(choice, wat, limits) {
            // An engine that could not even make the memory in time may say so at once.
            Err(fault) => fault,
            Ok(mut instance) => {
                let fault = instance.call::<(), ()>("run", ()).unwrap_err();
                let again = instance.call::<(), ()>("run", ()).unwrap_err();
                assert_eq!(again.kind(), &FaultKind::Ended, "{choice:?}");
                fault
            }
        };
        assert!(fault.is_deadline(), "{choice:?}: {fault}");
        assert!(began.elapsed() < limits.hard_deadline.unwrap() + SLACK, "{choice:?}: {:?}", began.elapsed());
    }
}

#[test]
fn a_loop_stops() {
    stops_at_the_deadline(r#"(module (func (export "run") (loop $l (br $l))))"#, &limits(60));
}

#[test]
fn a_loop_of_host_calls_stops() {
    for choice in BOTH {
        let mut table = hob_engine::HostTable::new();
        table.func(
            "h",
            "f",
            hob_engine::Reach::Nothing,
            |_: &mut hob_engine::Ctx<'_, ()>| -> Result<(), hob_engine::Fault> { Ok(()) },
        );
        let wat = r#"(module (import "h" "f" (func $f)) (func (export "run") (loop $l (call $f) (br $l))))"#;
        let mut instance = start(&engine(choice), wat, table, (), bounds(&limits(60))).unwrap();
        assert!(instance.call::<(), ()>("run", ()).unwrap_err().is_deadline());
    }
}

#[test]
fn a_start_function_stops() {
    for choice in BOTH {
        let wat = r#"(module (func $s (loop $l (br $l))) (start $s))"#;
        let fault = start_plain(choice, wat, &limits(60)).err().unwrap();
        assert!(fault.is_deadline(), "{choice:?}: {fault}");
    }
}

#[test]
fn a_start_function_runs_once_and_before_anything_else() {
    for choice in BOTH {
        let wat = r#"(module (global $n (mut i32) (i32.const 0)) (func $s (global.set $n (i32.const 7))) (start $s)
            (func (export "n") (result i32) (global.get $n)))"#;
        let mut instance = start_plain(choice, wat, &limits(5000)).unwrap();
        assert_eq!(instance.call::<(), i32>("n", ()).unwrap(), 7);
    }
}

#[test]
fn a_fill_of_four_gibibytes_stops() {
    let limits = Limits { memory_bytes: 4 << 30, ..limits(60) };
    stops_at_the_deadline(
        r#"(module (memory 65536) (func (export "run")
            (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)) (br $l))))"#,
        &limits,
    );
}

#[test]
fn recursion_without_end_is_a_stack_overflow() {
    for choice in BOTH {
        let mut instance =
            start_plain(choice, r#"(module (func $f (export "run") (call $f)))"#, &limits(5000)).unwrap();
        let fault = instance.call::<(), ()>("run", ()).unwrap_err();
        assert!(
            matches!(fault.kind(), FaultKind::Trap { trap: Trap::StackOverflow, .. }),
            "{choice:?}: {fault}"
        );
    }
}

#[test]
fn a_stop_from_another_thread_is_seen() {
    for choice in BOTH {
        let bounds = bounds(&limits(20_000));
        let stop = bounds.stop.clone();
        let wat = r#"(module (func (export "run") (loop $l (br $l))))"#;
        let mut instance = start(&engine(choice), wat, hob_engine::HostTable::new(), (), bounds).unwrap();
        let began = Instant::now();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            stop.stop(StopReason::Killed);
        });
        let fault = instance.call::<(), ()>("run", ()).unwrap_err();
        killer.join().unwrap();
        assert_eq!(fault.kind(), &FaultKind::Stopped(StopReason::Killed));
        assert!(began.elapsed() < SLACK);
    }
}

#[test]
fn fuel_ends_a_guest_at_its_limit() {
    for choice in BOTH {
        let config = hob_engine::EngineConfig { choice, metered: true, ..Default::default() };
        let engine = hob_engine::Engine::new(config);
        let run = |fuel, wat: &str| {
            let limits = Limits { fuel: Some(fuel), ..limits(20_000) };
            start(&engine, wat, hob_engine::HostTable::new(), (), bounds(&limits))
                .unwrap()
                .call::<(), ()>("run", ())
        };
        assert!(run(1000, r#"(module (func (export "run") nop))"#).is_ok(), "{choice:?}");
        let fault = run(100_000, r#"(module (func (export "run") (loop $l (br $l))))"#).unwrap_err();
        let FaultKind::Limit(exceeded) = fault.kind() else { panic!("{choice:?}: {fault}") };
        assert_eq!((exceeded.limit, exceeded.allowed), (Limit::Fuel, 100_000), "{choice:?}");
    }
}

#[test]
fn a_starved_guest_among_busy_ones_still_meets_its_deadline() {
    let engine = engine(Choice::Wasmtime);
    let busy: Vec<_> = (0..100)
        .map(|_| {
            let engine = engine.clone();
            std::thread::spawn(move || {
                let wat = r#"(module (func (export "run") (loop $l (br $l))))"#;
                let bounds = bounds(&limits(400));
                start(&engine, wat, hob_engine::HostTable::new(), (), bounds)
                    .and_then(|mut instance| instance.call::<(), ()>("run", ()))
            })
        })
        .collect();
    let wat = r#"(module (func (export "run") (result i32) (i32.const 1)))"#;
    let mut good = start(&engine, wat, hob_engine::HostTable::new(), (), bounds(&limits(5000))).unwrap();
    assert_eq!(good.call::<(), i32>("run", ()).unwrap(), 1);
    for thread in busy {
        assert!(thread.join().unwrap().unwrap_err().is_deadline());
    }
}

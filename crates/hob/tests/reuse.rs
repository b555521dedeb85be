//! A behavior whose instances are asked again answers as one whose instances are made for each question.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

use std::time::{Duration, Instant};

use hob::{Behavior, ClockGrant, Error, Host, HostBuilder, Limit, Limits, RandomGrant};
use util::BOTH;

fn build(builder: HostBuilder, wat: &str) -> Behavior {
    builder.build().unwrap().load_bytes("guest", wat.as_bytes()).unwrap().behavior().unwrap()
}

/// What each of the questions is answered, or why not, asked one after the other.
fn answers(behavior: &Behavior, questions: &[&[u8]]) -> Vec<Result<Vec<u8>, String>> {
    let shown = |error: Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    questions.iter().map(|question| behavior.eval(question).map_err(shown)).collect()
}

/// The same questions twice over, on both engines, of instances made for each and of one that is asked again.
fn check_on(
    builder: impl Fn() -> HostBuilder,
    wat: &str,
    questions: &[&[u8]],
) -> Vec<Result<Vec<u8>, String>> {
    let mut all = Vec::new();
    for choice in BOTH {
        // Each host is asked once, which is before any of them uses an instance again.
        let fresh: Vec<_> = questions
            .iter()
            .flat_map(|question| answers(&build(builder().engine(choice), wat), &[question]))
            .collect();
        let again = build(builder().engine(choice), wat);
        again.prepare();
        for round in 0..2 {
            assert_eq!(answers(&again, questions), fresh, "{choice:?}, round {round}\n{wat}");
        }
        all.push(fresh);
    }
    all.swap_remove(0)
}

fn check(wat: &str, questions: &[&[u8]]) -> Vec<Result<Vec<u8>, String>> {
    check_on(Host::builder, wat, questions)
}

/// A guest that answers the four bytes at 0, after what `body` did; the request lies at 64.
fn guest(more: &str, body: &str) -> String {
    format!(
        r#"(module {more} (memory (export "memory") 1 4)
            (func (export "alloc") (param i32) (result i32) (i32.const 64))
            (func (export "eval") (param i32 i32) (result i64) {body} (i64.const 4)))"#
    )
}

#[test]
fn nothing_of_one_question_is_seen_by_the_next() {
    let counts = guest(
        "(global $n (mut i32) (i32.const 0))",
        "(global.set $n (i32.add (global.get $n) (i32.const 1)))
         (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (global.get $n)))
         (i32.store (i32.const 40000) (i32.add (i32.load (i32.const 40000)) (i32.load (i32.const 0))))
         (i32.store (i32.const 0) (i32.add (i32.load (i32.const 40000)) (i32.load8_u (i32.const 70))))",
    );
    // The longer question leaves nothing behind for the shorter one.
    let answers = check(&counts, &[b"{}", b"0123456789", b"{}", b"", b"{}"]);
    assert_eq!(answers[0], answers[4]);
    assert_eq!(answers[0].as_deref(), Ok(&[1, 0, 0, 0][..]));
}

#[test]
fn a_failed_question_leaves_nothing_behind() {
    let wat = guest(
        "",
        "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
         (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 120)) (then unreachable))
         (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 121)) (then (return (i64.const -1))))",
    );
    let answers = check(&wat, &[b"a", b"x", b"a", b"y", b"a", &[b'z'; 65_472], &[b'z'; 65_473], b"a"]);
    assert!(answers[1].is_err() && answers[3].is_err() && answers[5].is_ok() && answers[6].is_err());
    assert_eq!(answers[7].as_deref(), Ok(&[1, 0, 0, 0][..]));
}

#[test]
fn what_cannot_be_put_back_is_replaced() {
    let grows = guest("", "(drop (memory.grow (i32.const 1))) (i32.store (i32.const 0) (memory.size))");
    let questions: Vec<&[u8]> = vec![b"{}"; 20];
    assert!(check(&grows, &questions).iter().all(|answer| answer.as_deref() == Ok(&[2, 0, 0, 0][..])));
    let sets = guest(
        "(table $t 1 funcref) (elem declare func $f) (func $f)",
        "(i32.store (i32.const 0) (ref.is_null (table.get $t (i32.const 0)))) (table.set $t (i32.const 0) (ref.func $f))",
    );
    assert!(check(&sets, &questions).iter().all(|answer| answer.as_deref() == Ok(&[1, 0, 0, 0][..])));
}

#[test]
fn the_world_of_every_question_is_a_new_one() {
    let imports = r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))"#;
    // Random bytes, and the clock, and whether the input could be closed: the second question finds all as the first did.
    let wat = guest(
        imports,
        "(drop (call $random (i32.const 0) (i32.const 4))) (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 8)))
         (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.add (i32.load (i32.const 8)) (call $close (i32.const 0)))))",
    );
    check(&wat, &[b"{}", b"{}", b"{}"]);
    let seeded = || Host::builder().clock(ClockGrant::Virtual).random(RandomGrant::Seeded(7));
    let answers = check_on(seeded, &wat, &[b"{}", b"{}", b"{}"]);
    assert_eq!(answers[0], answers[2]);
    // What the beginning saw of the world is seen anew as well.
    let begins = guest(
        &format!(
            "{imports} (func (export \"_initialize\") (drop (call $random (i32.const 0) (i32.const 4))))"
        ),
        "(i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))",
    );
    check_on(seeded, &begins, &[b"{}", b"{}", b"{}"]);
    let real = Host::builder().random(RandomGrant::Real).engine(BOTH[0]);
    let behavior = build(real, &begins);
    behavior.prepare();
    let seen: std::collections::BTreeSet<_> = (0..8).map(|_| behavior.eval(b"{}").unwrap()).collect();
    assert!(seen.len() > 1, "the random bytes of the beginning are the same each time");
}

#[test]
fn every_question_has_limits_of_its_own() {
    for choice in BOTH {
        let limits = Limits { hard_deadline: Some(Duration::from_millis(50)), ..Limits::default() };
        let wat = guest(
            "",
            "(if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 120)) (then (loop (br 0))))
             (drop (memory.grow (i32.const 1)))",
        );
        let behavior = build(Host::builder().engine(choice).limits(limits), &wat);
        behavior.prepare();
        for _ in 0..3 {
            assert!(behavior.eval(b"x").is_err());
            assert!(behavior.eval(b"a").is_ok());
            assert!(behavior.eval_until(b"a", Some(Instant::now())).is_err(), "it is over already");
        }
        // Output is counted from nothing each time.
        let writes = guest(
            r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#,
            "(i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 60))
             (i32.store (i32.const 0) (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))",
        );
        let limits = Limits { output_bytes: 100, ..Limits::default() };
        let behavior = build(Host::builder().engine(choice).limits(limits), &writes);
        behavior.prepare();
        (0..4).for_each(|_| assert_eq!(behavior.eval(b"a").unwrap(), [0; 4]));
        let limits = Limits { memory_bytes: 65_536, ..Limits::default() };
        let one_page = build(Host::builder().engine(choice).limits(limits), &guest("", ""));
        one_page.prepare();
        (0..4).for_each(|_| assert!(one_page.eval(b"a").is_ok()));
        let limits = Limits { fuel: Some(10_000), ..Limits::default() };
        let metered = build(Host::builder().engine(choice).limits(limits), &wat);
        metered.prepare();
        let fault = metered.eval(b"x").unwrap_err();
        assert!(fault.to_string().contains(Limit::Fuel.name()), "{fault}");
        assert!(metered.eval(b"a").is_ok());
    }
}

#[test]
fn as_many_threads_as_slots_always_find_one() {
    let host = Host::builder().pooled(4).engine(BOTH[0]).build().unwrap();
    let behaviors: Vec<_> = (0..8)
        .map(|_| {
            let behavior = host.load_bytes("guest", guest("", "").as_bytes()).unwrap().behavior().unwrap();
            behavior.prepare();
            // One that waits takes no slot of those to come.
            assert!(behavior.eval(b"a").is_ok());
            behavior
        })
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let behaviors = &behaviors;
            scope.spawn(move || {
                (0..400).for_each(|at| assert!(behaviors[(at + thread) % 8].eval(b"a").is_ok()));
            });
        }
    });
}

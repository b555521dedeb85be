//! Programs that start programs: as many as they can, for ever, and without looking after them.

use hob::{Limit, Limits};

use crate::lab::{PATIENCE, host, lab, limits, run, said, until};

/// Starts itself as often as it may, and waits for nobody.
const BOMB: &str = r#"(func (export "_start")
    (loop $more (drop (call $spawn @"bomb")) (br $more)))"#;

/// Starts itself as often as it may, and ends: the next one goes on.
const CHAIN: &str = r#"(func (export "_start") (drop (call $spawn @"chain")))"#;

/// Starts itself and waits for that, and so on. Says what stopped it.
const TOWER: &str = r#"(func (export "_start") (local $errno i32)
    (if (local.tee $errno (call $spawn @"tower"))
        (then (call $say @"errno " (local.get $errno)))
        (else (drop (call $wait_for (i32.const -1) (i32.const 0))))))"#;

/// Starts children that end at once, and never asks what became of them. Says how many, and what stopped it.
const CARELESS: &str = r#"(func (export "_start") (local $n i32) (local $errno i32)
    (block $end (loop $more
        (br_if $end (local.tee $errno (call $spawn @"nothing")))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $n) (call $argument (i32.const 1))))))
    (call $say @"children " (local.get $n))
    (call $say @"errno " (local.get $errno))
    (drop (call $sleep_ms (call $argument (i32.const 2)))))"#;

const NOTHING: &str = r#"(func (export "_start"))"#;

/// Starts children that start children, each of them asleep, and ends.
const ORPHANS: &str = r#"(func (export "_start")
    (drop (call $spawn @"parent")) (drop (call $spawn @"parent")) (drop (call $spawn @"parent")))"#;
const PARENT: &str = r#"(func (export "_start")
    (drop (call $spawn @"sleeper")) (drop (call $spawn @"sleeper")))"#;
const SLEEPER: &str = r#"(func (export "_start") (drop (call $sleep_ms (i32.const 600000))))"#;

/// Loops.
const BUSY: &str = r#"(func (export "_start") (loop $for_ever (br $for_ever)))"#;

#[test]
fn a_fork_bomb_fills_its_session_and_ends_with_it() {
    let lab = lab(host(), &[("bomb", BOMB)]);
    let session = lab.session();
    let job = session.start("bomb").spawn().unwrap();
    let ledger = session.ledger().clone();
    until("the session is full", || ledger.used(Limit::Processes) == ledger.allowed(Limit::Processes));
    assert_eq!(ledger.peak(Limit::Processes), limits().processes);
    until("it is told", || lab.reported().contains("processes limit exceeded: 24 allowed"));
    job.kill();
    session.close();
    assert_eq!((ledger.used(Limit::Processes), ledger.used(Limit::Memory)), (0, 0));
}

#[test]
fn a_chain_of_programs_ends_with_its_session() {
    let lab = lab(host(), &[("chain", CHAIN)]);
    for _ in 0..20 {
        let session = lab.session();
        session.start("chain").spawn().unwrap();
        let ledger = session.ledger().clone();
        session.close();
        // Nobody is born any more, so nobody comes after the last.
        assert_eq!(ledger.used(Limit::Processes), 0);
    }
}

#[test]
fn a_tower_of_waiting_programs_is_as_high_as_the_limit() {
    let lab = lab(host(), &[("tower", TOWER)]);
    let session = lab.session();
    let done = run(&session, "tower", &[]);
    assert_eq!((done.exit.code, said(&done, "errno")), (0, 6), "{done:?}");
    assert_eq!(session.ledger().peak(Limit::Processes), limits().processes);
    assert_eq!(session.ledger().used(Limit::Processes), 0);
}

#[test]
fn one_process_less_than_the_limit_is_enough_and_one_more_is_not() {
    let programs = [("careless", CARELESS), ("nothing", NOTHING)];
    let lab = lab(host(), &programs);
    let below = run(&lab.session(), "careless", &["23", "0"]);
    assert_eq!((said(&below, "children"), said(&below, "errno")), (23, 0));
    // Those that ended and were not waited for count: what is left of them is kept for whoever asks.
    let session = lab.session();
    let past = run(&session, "careless", &["24", "0"]);
    assert_eq!((said(&past, "children"), said(&past, "errno")), (23, 6));
    assert_eq!(session.ledger().used(Limit::Processes), 0);
}

#[test]
fn what_is_left_of_children_nobody_asks_for_goes_with_their_parent() {
    let lab = lab(host(), &[("careless", CARELESS), ("nothing", NOTHING)]);
    let session = lab.session();
    for _ in 0..5 {
        let done = run(&session, "careless", &["100000", "0"]);
        assert_eq!(said(&done, "errno"), 6);
    }
    assert_eq!(session.ledger().used(Limit::Processes), 0);
}

#[test]
fn a_program_cannot_be_started_from_outside_in_a_full_session() {
    let lab = lab(host(), &[("bomb", BOMB), ("nothing", NOTHING)]);
    let session = lab.session();
    session.start("bomb").spawn().unwrap();
    let ledger = session.ledger().clone();
    until("the session is full", || ledger.used(Limit::Processes) == ledger.allowed(Limit::Processes));
    let error = session.start("nothing").spawn().err().unwrap();
    assert!(error.to_string().contains("processes limit exceeded"), "{error}");
}

#[test]
fn orphans_end_with_their_session() {
    let lab = lab(host(), &[("orphans", ORPHANS), ("parent", PARENT), ("sleeper", SLEEPER)]);
    let session = lab.session();
    assert_eq!(run(&session, "orphans", &[]).exit.code, 0);
    let ledger = session.ledger().clone();
    until("six sleep", || ledger.used(Limit::Processes) == 6);
    session.close();
    assert_eq!((ledger.used(Limit::Processes), ledger.used(Limit::OpenFiles)), (0, 0));
}

#[test]
fn a_deadline_is_for_all_that_a_program_starts() {
    let limits = Limits { hard_deadline: Some(std::time::Duration::from_millis(300)), ..limits() };
    let programs = [("orphans", ORPHANS), ("parent", PARENT), ("sleeper", BUSY)];
    let lab = lab(host().limits(limits), &programs);
    let session = lab.session();
    let began = std::time::Instant::now();
    assert_eq!(run(&session, "orphans", &[]).exit.code, 0);
    let ledger = session.ledger().clone();
    until("all are late", || ledger.used(Limit::Processes) == 0);
    assert!(began.elapsed() >= std::time::Duration::from_millis(300) && began.elapsed() < PATIENCE);
    assert!(lab.reported().contains("sleeper: hard-deadline limit exceeded"), "{}", lab.reported());
}

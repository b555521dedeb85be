//! What n of something cost is n times what one costs. Turns and bytes allocated are counted, not time; what would take steps
//! with the square of n without allocating would still not end, at the sizes here.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "an allocator that counts is unsafe to write, and a test may fail loudly"
)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;
use hob_vat::{Actormap, Limits, On, Ref, Turn, Value, kind_fn, library::CELL, probe};

struct Counting;

thread_local! {
    static BYTES: Cell<u64> = const { Cell::new(0) };
    static TIMES: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator as it comes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = u64::try_from(layout.size()).unwrap_or(u64::MAX);
        BYTES.with(|bytes| bytes.set(bytes.get().saturating_add(size)));
        TIMES.with(|times| times.set(times.get().saturating_add(1)));
        // SAFETY: our caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: our caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn map() -> Actormap {
    let limits =
        Limits { turns_per_churn: u32::MAX, waiting: u32::MAX, message_bytes: u32::MAX, ..Limits::default() };
    Actormap::with_limits(limits)
}

/// Four times as much costs about four times as much.
fn linear(n: u32, work: impl Fn(u32) -> u64) {
    let cost = |n| {
        let before = BYTES.with(Cell::get);
        let turns = work(n);
        (turns, BYTES.with(Cell::get) - before)
    };
    let (few_turns, few_bytes) = cost(n / 4);
    let (turns, bytes) = cost(n);
    assert!(few_turns > 0 && few_bytes > 0);
    assert!(turns <= 4 * few_turns + 16, "{few_turns} turns for {}, {turns} for {n}", n / 4);
    // Vectors that double can make it twice as much at most.
    assert!(bytes <= 9 * few_bytes, "{few_bytes} bytes for {}, {bytes} for {n}", n / 4);
}

fn fulfil(map: &mut Actormap, resolver: Ref, value: Ref) {
    map.poke(|turn| turn.fulfill(resolver, value)).unwrap();
    map.churn();
}

fn promises(map: &mut Actormap, n: u32) -> Vec<(Ref, Ref)> {
    map.poke(|turn| (0..n).map(|_| turn.promise()).collect()).unwrap()
}

#[test]
fn many_messages_of_one_turn() {
    linear(20_000, |n| {
        let mut map = map();
        let cell = spawn(&mut map, &CELL, ());
        let answers: Vec<Ref> =
            map.poke(|turn| (0..n).map(|at| turn.send(cell, [at.into()])).collect()).unwrap();
        map.churn();
        assert_eq!(state_of(&map, cell), (n - 1).into());
        assert_eq!(answers.len(), usize::try_from(n).unwrap());
        map.turns()
    });
}

/// A message without arguments, its answer and the promise for that take room that is there already: what is allocated are the few
/// lists of a commit, which double as they grow.
#[test]
fn a_send_that_is_answered_allocates_nothing() {
    const SENDS: u32 = 1000;
    let mut map = map();
    let to = spawn(&mut map, constant(), 7);
    let round = |map: &mut Actormap| {
        map.poke(|turn| (0..SENDS).try_for_each(|_| turn.send(to, []).map(|_| ()))).unwrap();
        assert_eq!(map.churn(), 2 * SENDS);
        probe::settle_young(map, &[to]);
    };
    (0..3).for_each(|_| round(&mut map));
    let before = TIMES.with(Cell::get);
    round(&mut map);
    let times = TIMES.with(Cell::get) - before;
    assert!(times < 32, "{times} allocations for {SENDS} sends");
}

#[test]
fn many_messages_for_one_promise() {
    linear(20_000, |n| {
        let mut map = map();
        let cell = spawn(&mut map, &CELL, ());
        let (p, r) = promise(&mut map);
        map.poke(|turn| (0..n).try_for_each(|at| turn.send_only(p, [at.into()]))).unwrap();
        map.churn();
        // Broken off once, which is taken back.
        map.poke(|turn| {
            turn.call(r, &["fulfill".into(), cell.into()])?;
            Err::<(), _>(hob_vat::Problem::refused("no"))
        })
        .unwrap_err();
        fulfil(&mut map, r, cell);
        assert_eq!(state_of(&map, cell), (n - 1).into());
        map.turns()
    });
}

#[test]
fn many_listeners_of_one_promise() {
    linear(20_000, |n| {
        let mut map = map();
        let cell = spawn(&mut map, &CELL, ());
        let (p, r) = promise(&mut map);
        for _ in 0..n {
            map.poke(|turn| turn.on(p, On::fulfilled(cell))).unwrap();
        }
        map.churn();
        map.poke(|turn| turn.fulfill(r, n)).unwrap();
        map.churn();
        assert_eq!(state_of(&map, cell), n.into());
        map.turns()
    });
}

/// Promises each resolved to the next, a message and a listener waiting for each.
fn chain(n: u32, order: impl Fn(&mut Actormap, &[(Ref, Ref)])) -> u64 {
    let mut map = map();
    let cell = spawn(&mut map, &CELL, ());
    let chain = promises(&mut map, n);
    map.poke(|turn| {
        chain.iter().try_for_each(|(promise, _)| {
            turn.send_only(*promise, [1.into()])?;
            turn.listen(*promise, cell, false)
        })
    })
    .unwrap();
    map.churn();
    order(&mut map, &chain);
    let first = chain.first().unwrap().0;
    // Messages to the start, and calls of it, need not go the whole way each time.
    for _ in 0..n {
        map.poke(|turn| turn.send_only(first, [2.into()])).unwrap();
        map.peek(|turn| turn.call(first, &[])).unwrap_err();
        assert_eq!(map.peek(|turn| turn.standing(first)).unwrap(), hob_vat::Standing::Unresolved);
    }
    map.churn();
    // Others that are resolved to the start, and to one in the middle.
    let others = promises(&mut map, n);
    for (at, (_, resolver)) in others.iter().enumerate() {
        let to = if at % 2 == 0 { first } else { chain[chain.len() / 2].0 };
        map.poke(|turn| turn.call(*resolver, &["fulfill".into(), to.into()])).unwrap();
    }
    fulfil(&mut map, chain.last().unwrap().1, cell);
    for (promise, _) in chain.iter().chain(&others) {
        assert_eq!(map.poke(|turn| turn.standing(*promise)).unwrap(), hob_vat::Standing::Object(cell));
    }
    map.turns()
}

#[test]
fn a_long_chain_of_promises() {
    // From the start, from the end, from both by turns, and by calls within one turn.
    linear(10_000, |n| {
        chain(n, |map, chain| {
            for pair in chain.windows(2) {
                fulfil(map, pair[0].1, pair[1].0);
            }
        })
    });
    linear(10_000, |n| {
        chain(n, |map, chain| {
            for pair in chain.windows(2).rev() {
                fulfil(map, pair[0].1, pair[1].0);
            }
        })
    });
    linear(10_000, |n| {
        chain(n, |map, chain| {
            for pair in chain.windows(2).step_by(2).chain(chain.windows(2).skip(1).step_by(2)) {
                fulfil(map, pair[0].1, pair[1].0);
            }
        })
    });
    linear(10_000, |n| {
        chain(n, |map, chain| {
            map.poke(|turn| {
                chain.windows(2).try_for_each(|pair| {
                    turn.call(pair[0].1, &["fulfill".into(), pair[1].0.into()]).map(|_| ())
                })
            })
            .unwrap();
            map.churn();
        })
    });
}

#[test]
fn a_long_circle_of_promises() {
    linear(10_000, |n| {
        let mut map = map();
        let circle = promises(&mut map, n);
        for pair in circle.windows(2) {
            fulfil(&mut map, pair[0].1, pair[1].0);
        }
        fulfil(&mut map, circle.last().unwrap().1, circle[0].0);
        for (promise, _) in &circle {
            let stands = map.poke(|turn| turn.standing(*promise)).unwrap();
            assert!(matches!(stands, hob_vat::Standing::Broken(_)));
        }
        map.turns()
    });
}

#[test]
fn a_long_row_of_answers_that_wait() {
    linear(10_000, |n| {
        let mut map = map();
        let echo = spawn(&mut map, kind_fn("itself", |_, me, _| Ok(me.itself().into())), ());
        let (p, r) = promise(&mut map);
        let last = map.poke(|turn| (0..n).try_fold(p, |at, _| turn.send(at, []))).unwrap();
        map.churn();
        fulfil(&mut map, r, echo);
        assert_eq!(map.poke(|turn| turn.standing(last)).unwrap(), hob_vat::Standing::Object(echo));
        // The same towards a session.
        let (p, r) = promise(&mut map);
        map.poke(|turn| (0..n).try_fold(p, |at, _| turn.send(at, []))).unwrap();
        map.churn();
        fulfil(&mut map, r, probe::session(0).object(1, 1));
        assert_eq!(probe::take_outbox(&mut map).len(), usize::try_from(n).unwrap());
        map.turns()
    });
}

#[test]
fn many_actors_in_one_list() {
    linear(100_000, |n| {
        let mut map = map();
        let all: Vec<Ref> = map.poke(|turn| (0..n).map(|at| turn.spawn(&CELL, at.into())).collect()).unwrap();
        let list = Value::list(all.iter().map(|it| Value::from(*it)));
        let cell = spawn(&mut map, &CELL, ());
        tell(&mut map, cell, [list]);
        assert_eq!(probe::settle_young(&mut map, &[cell]).0.len(), all.len() + 1);
        assert_eq!(map.collect(&[cell]), 0);
        // Dropped, they are all free, and taken again.
        tell(&mut map, cell, [1.into()]);
        assert_eq!(map.collect(&[cell]), all.len());
        map.poke(|turn| (0..n).try_for_each(|at| turn.spawn(&CELL, at.into()).map(|_| ()))).unwrap();
        assert_eq!(map.population(), all.len() + 1);
        // Young when they are collected.
        assert_eq!(map.collect(&[cell]), all.len());
        assert_eq!(probe::settle_young(&mut map, &[cell]).0, Vec::<u32>::new());
        map.turns()
    });
}

/// One behind the other: nothing that looks at what refers to what calls itself.
#[test]
fn actors_in_a_long_row() {
    linear(100_000, |n| {
        let mut map = map();
        let last = map
            .poke(|turn| {
                let first = turn.spawn(&CELL, ().into())?;
                (0..n).try_fold(first, |at, _| turn.spawn(&CELL, at.into()))
            })
            .unwrap();
        tell(&mut map, last, []);
        assert_eq!(map.collect(&[last]), 0);
        probe::settle_young(&mut map, &[last]);
        map.collect(&[]);
        assert_eq!(map.population(), 0);
        map.turns()
    });
}

#[test]
fn a_long_turn_is_taken_back() {
    linear(20_000, |n| {
        let mut map = map();
        let cell = spawn(&mut map, &CELL, ());
        let (p, _) = promise(&mut map);
        let was = probe::snapshot(&map);
        let program = |turn: &mut Turn| {
            for at in 0..n {
                turn.call(cell, &[at.into()])?;
                let (q, s) = turn.promise()?;
                turn.call(s, &["fulfill".into(), p.into()])?;
                turn.send_only(q, [at.into()])?;
            }
            Err::<(), _>(hob_vat::Problem::refused("no"))
        };
        map.poke(program).unwrap_err();
        assert_eq!(probe::snapshot(&map), was);
        tell(&mut map, cell, []);
        map.turns()
    });
}

/// Values: wide ones and deep ones cost what is in them.
#[test]
fn big_values() {
    linear(100_000, |n| {
        let wide = Value::list((0..n).map(Value::from));
        let fields: hob_vat::Struct = (0..n).map(|at| (format!("{at}").into(), Value::from(at))).collect();
        let deep = (0..n).fold(Value::from(1), |inner, _| Value::tagged("t", Value::list([inner])));
        let other = (0..n).fold(Value::from(1), |inner, _| Value::tagged("t", Value::list([inner])));
        assert!(deep == other && wide != deep && fields.len() == wide.as_list().unwrap().len());
        assert_eq!(deep.depth(), 2 * n);
        1
    });
}

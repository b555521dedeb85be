//! What is counted of a vat is what is there, whatever was done and taken back; and no less is counted than is written down.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::interp::{Op, fresh, interp, program, programs};
use common::*;
use hob_vat::{Actormap, Limits, Problem, Ref, Value, probe};
use proptest::prelude::*;

/// What is done to an actormap besides what its actors do.
#[derive(Clone, Debug)]
enum Act {
    Tell(Vec<Op>),
    Run(Vec<Op>, bool),
    Look(Vec<Op>),
    Turns(u8),
    Fork(Vec<Op>, bool),
    Wait(u8, bool),
    Settle(u8, bool),
    Collect,
    Commit,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => programs(true).prop_map(Act::Tell),
        2 => (programs(true), any::<bool>()).prop_map(|(script, fails)| Act::Run(script, fails)),
        1 => programs(true).prop_map(Act::Look),
        3 => (1_u8..30).prop_map(Act::Turns),
        1 => (programs(true), any::<bool>()).prop_map(|(script, merges)| Act::Fork(script, merges)),
        3 => any::<(u8, bool)>().prop_map(|(which, large)| Act::Wait(which, large)),
        1 => any::<(u8, bool)>().prop_map(|(which, large)| Act::Settle(which, large)),
        1 => Just(Act::Collect),
        2 => Just(Act::Commit),
    ];
    prop::collection::vec(act, 0..24)
}

fn right(map: &Actormap) {
    assert_eq!(probe::miscounted(map), None);
}

/// Runs some turns. What was counted of them.
fn turns(map: &mut Actormap, many: u8) -> u64 {
    let mut counted = 0;
    for _ in 0..many {
        if !probe::step(map) {
            break;
        }
        right(map);
        counted += probe::counted(map);
    }
    counted
}

fn large(large: bool) -> Value {
    "x".repeat(if large { 1000 } else { 10 }).into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_right_whatever_happens(
        acts in acts(),
        turn_bytes in prop_oneof![Just(3000_u64), Just(10_000), Just(1 << 30)],
        waiting_bytes in prop_oneof![Just(4000_u64), Just(1 << 30)],
    ) {
        let limits = Limits { turn_bytes, waiting_bytes, ..Limits::default() };
        let mut map = Actormap::with_limits(limits);
        let kind = fresh();
        let (near, resolver) = promise(&mut map);
        let far = [probe::session(0).object(1, 1), probe::session(0).promise(2, 1), probe::other_vat(7).object(3, 1)];
        let mut known = vec![near, resolver];
        let root = spawn(&mut map, interp(&kind), Value::list([near, resolver, far[0], far[1], far[2]].map(Value::from)));
        for _ in 0..4 {
            known.extend(<[Ref; 2]>::from(promise(&mut map)));
        }
        let held: Vec<Ref> = known.iter().copied().chain([root]).collect();
        probe::written(&mut map, &held).unwrap();
        let mut counted = 0;
        for act in acts {
            let pick = |which: u8| usize::from(which) % (known.len() / 2) * 2;
            let done = match &act {
                Act::Tell(script) => map.poke(|turn| turn.send_only(root, [program(script), root.into()])),
                Act::Run(script, fails) => map.poke(|turn| {
                    turn.call(root, &[program(script)])?;
                    if *fails { Err(Problem::refused("no")) } else { Ok(()) }
                }),
                Act::Wait(which, much) => map.poke(|turn| {
                    turn.send(known[pick(*which)], [large(*much)]).map(|_| ())
                }),
                Act::Settle(which, much) => map.poke(|turn| turn.fulfill(known[pick(*which) + 1], large(*much))),
                Act::Look(script) => {
                    let _ = map.peek(|turn| turn.call(root, &[program(script)]));
                    Err(Problem::refused("a look"))
                }
                Act::Turns(many) => {
                    counted += turns(&mut map, *many);
                    Err(Problem::refused("counted"))
                }
                Act::Fork(script, merges) => {
                    let mut fork = map.fork();
                    let mut more = 0;
                    if fork.poke(|turn| turn.call(root, &[program(script)])).is_ok() {
                        more += probe::counted(&fork);
                    }
                    more += turns(&mut fork, 5);
                    right(&map);
                    if *merges {
                        map.merge(fork).unwrap();
                        counted += more;
                    }
                    Err(Problem::refused("counted"))
                }
                Act::Collect => {
                    map.collect(&held);
                    Err(Problem::refused("counted"))
                }
                Act::Commit => {
                    let written = u64::try_from(probe::written(&mut map, &held).unwrap()).unwrap();
                    prop_assert!(written <= counted + 200, "{written} bytes, {counted} were counted");
                    counted = 0;
                    Err(Problem::refused("counted"))
                }
            };
            if done.is_ok() {
                counted += probe::counted(&map);
            }
            right(&map);
        }
    }
}

//! Modules whose memory and globals stay from turn to turn: they are a value, so what failed is gone, a copy is a copy, and an
//! instance that is at hand makes no difference but to time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

use hob::Host;
use hob::vat::{Actormap, Problem, Ref, Value};
use util::BOTH;

/// Counts in a global and, far away, in memory. With `[t]` it counts and traps, with `[[]]` it counts and fails, with `[f]` it
/// grows and counts. Answers both counts; its state stays what it was given.
const COUNTER: &str = r#"(module
    (@custom "hob-actor" "1.0 resident 0")
    (memory (export "memory") 20 40)
    (global $count (mut i64) (i64.const 0))
    (data (i32.const 0) "<6'answer[?+?+]>")
    (data (i32.const 32) "<4'fail5'state>")
    (func (export "_initialize") (global.set $count (i64.const 1)))
    (func (export "alloc") (param i32) (result i32) (i32.const 4096))
    (func (export "turn") (param $at i32) (param $len i32) (result i64)
        (local $last i32)
        (local.set $last (i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $len)) (i32.const 3))))
        (global.set $count (i64.add (global.get $count) (i64.const 1)))
        (i32.store8 (i32.const 1200000) (i32.add (i32.load8_u (i32.const 1200000)) (i32.const 1)))
        (if (i32.eq (local.get $last) (i32.const 116)) (then (unreachable)))
        (if (i32.eq (local.get $last) (i32.const 93)) (then (return (i64.const 0x200000000f))))
        (if (i32.eq (local.get $last) (i32.const 102)) (then (drop (memory.grow (i32.const 1)))))
        (i32.store8 (i32.const 10) (i32.add (i32.const 48) (i32.wrap_i64 (global.get $count))))
        (i32.store8 (i32.const 12) (i32.add (i32.const 48) (i32.load8_u (i32.const 1200000))))
        (i64.const 16)))"#;

fn spawn(map: &mut Actormap, choice: hob::Choice, many: usize) -> Vec<Ref> {
    let host = Host::builder().engine(choice).actors().build().unwrap();
    let actor = host.load_bytes("counter", COUNTER.as_bytes()).unwrap().actor().unwrap();
    map.poke(|turn| (0..many).map(|_| turn.spawn(actor.clone(), "kept".into())).collect()).unwrap()
}

fn counts(global: i64, memory: i64) -> Result<Value, Problem> {
    Ok(Value::list([global.into(), memory.into()]))
}

fn call(map: &mut Actormap, it: Ref, args: &[Value]) -> Result<Value, Problem> {
    map.poke(|turn| turn.call(it, args))
}

#[test]
fn memory_and_globals_stay_and_are_put_back_when_a_turn_fails() {
    for choice in BOTH {
        let mut map = Actormap::new();
        let it = spawn(&mut map, choice, 1)[0];
        assert_eq!(call(&mut map, it, &[true.into()]).unwrap_err().rule_name(), Some("trap"));
        assert_eq!(call(&mut map, it, &[]), counts(2, 1));
        assert_eq!(call(&mut map, it, &[]), counts(3, 2));
        assert_eq!(call(&mut map, it, &[true.into()]).unwrap_err().rule_name(), Some("trap"));
        assert_eq!(call(&mut map, it, &[Value::list([])]), Err(Problem::refused(Value::symbol("state"))));
        assert_eq!(map.peek(|turn| turn.call(it, &[])), counts(4, 3));
        assert_eq!(call(&mut map, it, &[]), counts(4, 3));
        // A turn that went well inside one that fails.
        let failed: Result<(), Problem> = map.poke(|turn| {
            assert_eq!(turn.call(it, &[]), counts(5, 4));
            assert_eq!(turn.call(it, &[]), counts(6, 5));
            Err(Problem::refused("no"))
        });
        assert!(failed.is_err());
        assert_eq!(call(&mut map, it, &[]), counts(5, 4));
    }
}

#[test]
fn a_copy_of_the_vat_has_a_copy_of_the_module() {
    for choice in BOTH {
        let mut map = Actormap::new();
        let it = spawn(&mut map, choice, 1)[0];
        assert_eq!(call(&mut map, it, &[]), counts(2, 1));
        let mut past = map.fork();
        assert_eq!(call(&mut map, it, &[]), counts(3, 2));
        assert_eq!(call(&mut past, it, &[]), counts(3, 2));
        assert_eq!(call(&mut past, it, &[]), counts(4, 3));
        assert_eq!(call(&mut map, it, &[]), counts(4, 3));
        assert_eq!(call(&mut past, it, &[]), counts(5, 4));
    }
}

#[test]
fn memory_that_grew_stays_large() {
    for choice in BOTH {
        let mut map = Actormap::new();
        let it = spawn(&mut map, choice, 1)[0];
        assert_eq!(call(&mut map, it, &[]), counts(2, 1));
        let mut past = map.fork();
        assert_eq!(call(&mut map, it, &[false.into()]), counts(3, 2));
        assert_eq!(call(&mut map, it, &[false.into()]), counts(4, 3));
        assert_eq!(call(&mut past, it, &[]), counts(3, 2));
        assert_eq!(call(&mut map, it, &[true.into()]).unwrap_err().rule_name(), Some("trap"));
        assert_eq!(call(&mut map, it, &[]), counts(5, 4));
    }
}

/// More actors than instances that are kept take turns, so that each goes on from its image.
#[test]
fn whether_an_instance_was_at_hand_cannot_be_seen() {
    for choice in BOTH {
        let mut map = Actormap::new();
        let many = spawn(&mut map, choice, 40);
        let fuel = |map: &mut Actormap, it: Ref, want: Result<Value, Problem>| {
            map.poke(|turn| {
                let before = turn.fuel();
                assert_eq!(turn.call(it, &[]), want);
                Ok(before - turn.fuel())
            })
            .unwrap()
        };
        many.iter().for_each(|it| assert_eq!(call(&mut map, *it, &[]), counts(2, 1)));
        let mut used: Vec<u64> = many.iter().map(|it| fuel(&mut map, *it, counts(3, 2))).collect();
        // This one's instance is at hand.
        used.push(fuel(&mut map, many[39], counts(4, 3)));
        assert!(used.iter().all(|it| *it == used[0]), "{used:?}");
    }
}

#[test]
fn a_state_that_was_made_up_is_refused() {
    for choice in BOTH {
        let mut map = Actormap::new();
        let host = Host::builder().engine(choice).actors().build().unwrap();
        let actor = host.load_bytes("counter", COUNTER.as_bytes()).unwrap().actor().unwrap();
        let image = |size: i64| Value::list([size.into(), Value::bytes(&[]), Value::list([])]);
        for image in [Value::list([]), image(0), image(-1), image(1 << 40)] {
            let state = Value::tagged("resident", Value::list([().into(), image]));
            let it = map.poke(|turn| turn.spawn(actor.clone(), state)).unwrap();
            assert_eq!(call(&mut map, it, &[]).unwrap_err().rule_name(), Some("bad-state"));
        }
    }
}

#[test]
fn an_actor_of_an_sdk_that_stays_takes_no_more_memory_turn_by_turn() {
    for language in ["as", "c"] {
        for choice in BOTH {
            let mut map = Actormap::new();
            let host = Host::builder().engine(choice).actors().build().unwrap();
            let actor =
                host.load(util::guest(&format!("actor-resident-{language}"))).unwrap().actor().unwrap();
            let it = map.poke(|turn| turn.spawn(actor.clone(), ().into())).unwrap();
            let long = "a message that takes some room, over and over".repeat(20);
            let mut pages = None;
            for count in 1..=300_i64 {
                let answer = call(&mut map, it, &[long.as_str().into()]).unwrap();
                let [counted, have] = answer.as_list().unwrap() else { panic!("{answer:?}") };
                assert_eq!(counted, &count.into(), "{language} {choice:?}");
                assert_eq!(pages.get_or_insert_with(|| have.clone()), have, "{language} {choice:?}");
            }
        }
    }
}

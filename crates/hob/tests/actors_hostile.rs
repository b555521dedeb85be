//! Modules that break the contract of actors: each is told what it did, in the same words on both engines, and nothing of
//! the turn remains.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

use std::time::Duration;

use hob::vat::{Actormap, Limits as VatLimits, Problem, Ref, Value};
use hob::{Choice, Host, Limits};
use util::BOTH;

/// A module whose `turn` is `body`. What host functions refuse, the turn fails with, when `body` ends in `$told`.
///
/// `$to_self` writes `[SELF []]` to 512 and says how long it is; `$handle` is the number of the actor's own handle.
fn module(body: &str) -> String {
    let functions: String = ["send", "send_only", "call", "spawn", "resolve", "break", "on"]
        .iter()
        .map(|name| {
            format!("(import \"hob_actor\" \"{name}\" (func ${name} (param i32 i32) (result i64)))\n")
        })
        .collect();
    format!(
        r#"(module {functions}
  (import "hob_actor" "promise" (func $promise (param i32) (result i64)))
  (import "hob_actor" "drop" (func $drop (param i64) (result i64)))
  (import "hob_actor" "take" (func $take (param i32) (result i64)))
  (import "hob_actor" "fuel" (func $fuel (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "<6'answer<4'void>>")
  (data (i32.const 1017) "<4'fail")
  (func (export "alloc") (param i32) (result i32) (i32.const 4096))
  (func $void (result i64) (i64.const 18))
  (func $told (param $answer i64) (result i64)
    (if (result i64) (i64.ge_s (local.get $answer) (i64.const 0)) (then (call $void)) (else
      (drop (call $take (i32.const 1024)))
      (i32.store8 (i32.sub (i32.const 1024) (i32.wrap_i64 (local.get $answer))) (i32.const 62))
      (i64.or (i64.const {FAIL_AT}) (i64.sub (i64.const 8) (local.get $answer))))))
  (func $to_self (result i32)
    (local $from i32) (local $to i32)
    (local.set $from (i32.const 4103)) (local.set $to (i32.const 513))
    (i32.store8 (i32.const 512) (i32.const 91))
    (loop $copy
      (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br_if $copy (i32.ne (i32.load8_u (i32.sub (local.get $from) (i32.const 1))) (i32.const 62))))
    (i32.store (local.get $to) (i32.const 0x005d5d5b))
    (i32.sub (local.get $to) (i32.const 509)))
  (func $handle (result i64)
    (local $at i32) (local $number i64)
    (local.set $at (i32.const 4114))
    (loop $digit
      (local.set $number (i64.add (i64.mul (local.get $number) (i64.const 10))
        (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $digit (i32.ne (i32.load8_u (local.get $at)) (i32.const 43))))
    (local.get $number))
  (func $send_self (result i64) (call $send_only (i32.const 512) (call $to_self)))
  {body})"#,
        FAIL_AT = 1017_u64 << 32
    )
}

fn turn(body: &str) -> String {
    module(&format!("(func (export \"turn\") (param $at i32) (param $len i32) (result i64) {body})"))
}

fn host(choice: Choice) -> Host {
    let limits = Limits {
        memory_bytes: 4 << 20,
        hard_deadline: Some(Duration::from_secs(60)),
        handles: 50,
        ..Limits::default()
    };
    Host::builder().engine(choice).actors().limits(limits).build().unwrap()
}

fn map() -> Actormap {
    Actormap::with_limits(VatLimits { fuel_per_turn: 2_000_000, ..VatLimits::default() })
}

fn spawn(map: &mut Actormap, choice: Choice, module: &str) -> Ref {
    let actor = host(choice).load_bytes("hostile", module.as_bytes()).unwrap().actor().unwrap();
    map.poke(|turn| turn.spawn(actor, "state".into())).unwrap()
}

/// The third turn of such an actor ends so, on both engines, and nothing remains of it.
fn check(module: &str, want: &str) {
    let mut said = Vec::new();
    for choice in BOTH {
        let mut map = map();
        let it = spawn(&mut map, choice, module);
        for _ in 0..2 {
            drop(map.poke(|turn| turn.call(it, &[])));
            map.churn();
        }
        let population = map.population();
        let problem = map.poke(|turn| turn.call(it, &[])).unwrap_err();
        assert!(map.is_quiet(), "{want}");
        assert_eq!(map.population(), population, "{want}");
        said.push(problem.to_string());
    }
    assert!(said[0].starts_with(want), "{} is not {want}", said[0]);
    assert_eq!(said[0], said[1]);
}

/// `turn` answers these bytes.
fn answering(answer: &str) -> String {
    let (at, length) = (2048_u64 << 32, answer.replace("\\ff", "?").len());
    let text = answer.replace('"', "\\22");
    let body = format!("(i64.const {})", at + u64::try_from(length).unwrap());
    turn(&body).replace("(memory", &format!("(data (i32.const 2048) \"{text}\") (memory"))
}

/// `turn` gives these bytes to a host function.
fn giving(function: &str, bytes: &str) -> String {
    let text = bytes.replace('"', "\\22");
    turn(&format!("(call $told (call ${function} (i32.const 2048) (i32.const {})))", bytes.len()))
        .replace("(memory", &format!("(data (i32.const 2048) \"{text}\") (memory"))
}

#[test]
fn references_cannot_be_made_up() {
    let functions = ["send", "send_only", "call", "resolve", "break"];
    for function in functions {
        let args = if ["resolve", "break"].contains(&function) { "t" } else { "[]" };
        check(&giving(function, &format!("[<8'desc:cap0+>{args}]")), "unknown-handle");
        check(&giving(function, &format!("[<8'desc:cap1+>{args}]")), "unknown-handle");
        check(&giving(function, &format!("[<8'desc:cap18446744073709551615+>{args}]")), "unknown-handle");
        check(&giving(function, &format!("[<8'desc:cap99999999999999999999+>{args}]")), "not-syrup");
        check(&giving(function, &format!("[<8'desc:cap1->{args}]")), "not-syrup");
        // What was the actor's own in its first turn is a reference no more in its third.
        check(&giving(function, &format!("[<8'desc:cap4294967296+>{args}]")), "stale-handle");
        check(&giving(function, &format!("[1+{args}]")), "not-a-reference");
        check(&giving(function, &format!("[f{args}]")), "not-a-reference");
    }
    check(&giving("spawn", "<8'desc:cap77+>"), "unknown-handle");
    check(&giving("spawn", "[1+{1\"a<8'desc:cap4294967296+>}]"), "stale-handle");
    check(&giving("on", "[<8'desc:cap77+>fff]"), "unknown-handle");
    check(&answering("<6'answer<8'desc:cap77+>>"), "unknown-handle");
    check(&answering("<6'become[<8'desc:cap77+>]t>"), "unknown-handle");
    check(&answering("<6'become<8'desc:cap4294967296+>t>"), "stale-handle");
    check(&answering("<4'fail<8'desc:cap77+>>"), "unknown-handle");
    check(&turn("(call $told (call $drop (i64.const 77)))"), "unknown-handle");
}

#[test]
fn a_dropped_handle_is_stale() {
    check(
        &turn("(drop (call $drop (call $handle))) (call $told (call $send_self))"),
        "stale-handle: the handle",
    );
    check(
        &turn("(drop (call $drop (call $handle))) (call $told (call $drop (call $handle)))"),
        "stale-handle: the handle",
    );
}

#[test]
fn pointers_are_checked() {
    for function in ["send", "send_only", "call", "spawn", "resolve", "break", "on"] {
        let call = |at: i64, len: i64| {
            turn(&format!("(call $told (call ${function} (i32.const {at}) (i32.const {len})))"))
        };
        check(&call(65_500, 37), "contract");
        check(&call(-1, 1), "contract");
        check(&call(65_537, 0), "contract");
    }
    // A length for whose bytes the fuel is not enough is not even looked at.
    check(&turn("(call $told (call $send (i32.const -1) (i32.const -1)))"), "limit: fuel-per-turn");
    check(&turn("(call $told (call $promise (i32.const 65521)))"), "contract");
    check(&turn("(drop (call $drop (i64.const 1))) (call $told (call $take (i32.const 65530)))"), "contract");
    check(&turn("(i64.const 0xffff00000010)"), "contract: the answer at 65535, 16");
    check(&turn("(i64.const -1)"), "contract: the answer at 4294967295, 4294967295");
    let alloc =
        |at: i64| turn("(call $void)").replace("(i32.const 4096))\n", &format!("(i32.const {at}))\n"));
    check(&alloc(0), "contract: `alloc` answered 0");
    check(&alloc(65_530), "contract: `alloc` answered 65530");
    check(&alloc(-1), "contract: `alloc` answered 4294967295");
}

#[test]
fn answers_are_answers() {
    check(&answering(""), "not-syrup");
    check(&answering("xyz"), "not-syrup");
    check(&answering("<6'answer"), "not-syrup");
    check(&answering("<6'answer1+>1+"), "not-syrup");
    check(&answering("<6'answer1+2+>"), "not-syrup");
    check(&answering("<6'answer>"), "not-a-value");
    check(&answering("<6'become1+>"), "not-a-value");
    check(&answering("<6'answer<5'thing>>"), "not-a-value: <thing …> is no value here");
    check(&answering("<4'what1+>"), "contract: a turn answers");
    check(&answering("1+"), "not-syrup");
    check(&answering(&format!("<6'answer{}{}>", "[".repeat(98), "]".repeat(98))), "limit");
    check(&giving("spawn", &format!("{}{}", "[".repeat(99), "]".repeat(99))), "limit");
    check(&answering("<4'fail<10'desc:error2\"no4'mine>>"), "mine: no");
    // A state that is too deep to be kept.
    check(
        &answering(&format!("<6'become{}{}t>", "[".repeat(97), "]".repeat(97))),
        "limit: depth limit exceeded",
    );
    check(&giving("send", "[]"), "bad-arguments");
    check(&giving("spawn", "what"), "not-syrup");
    check(&giving("spawn", "1+1+"), "not-syrup");
}

#[test]
fn a_guest_ends_with_its_fuel_its_stack_or_its_memory() {
    check(&turn("(loop $l (br $l)) (unreachable)"), "limit: fuel-per-turn limit exceeded: 2000000 allowed");
    check(&turn("(loop $l (drop (call $fuel)) (br $l)) (unreachable)"), "limit: fuel-per-turn");
    check(
        &turn("(loop $l (drop (call $promise (i32.const 0))) (br $l)) (unreachable)"),
        "limit: fuel-per-turn",
    );
    let recursion = "(func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))
        (func (export \"turn\") (param i32 i32) (result i64) (call $deep (i64.const 1)))";
    // Where the stack ends is the engine's.
    for choice in BOTH {
        let mut map = Actormap::new();
        let it = spawn(&mut map, choice, &module(recursion));
        let problem = map.poke(|turn| turn.call(it, &[])).unwrap_err();
        assert_eq!(problem.to_string(), "trap: guest trapped: stack overflow");
    }
    check(
        &turn("(loop $l (br_if $l (i32.ne (memory.grow (i32.const 8)) (i32.const -1)))) (unreachable)"),
        "trap: guest trapped: unreachable, after the limit memory refused it more",
    );
    check(&turn("(unreachable)"), "trap: guest trapped: unreachable");
    let mut wide = turn("(call $void)");
    wide = wide.replace("(export \"memory\") 1)", "(export \"memory\") 100)");
    check(&wide, "limit: memory limit exceeded");
}

#[test]
fn nothing_that_a_guest_did_before_it_trapped_remains() {
    let spawned = "(drop (call $spawn (i32.const 9) (i32.const 8)))";
    let all = format!("(drop (call $promise (i32.const 600))) {spawned}");
    check(&turn(&format!("{all} (drop (call $send_self)) (unreachable)")), "trap");
    check(
        &turn(&format!("{all} (drop (call $send (i32.const 512) (call $to_self))) (i64.const 7)")),
        "not-syrup",
    );
}

#[test]
fn a_turn_has_its_handles_and_not_one_more() {
    // Each promise has two, and the actor has one.
    let body = "(local $n i32) (local $told i64)
        (loop $l
          (local.set $told (call $promise (i32.const 600)))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $l (i64.eqz (local.get $told))))
        (if (i32.ne (local.get $n) (i32.const 25)) (then (unreachable)))
        (call $told (local.get $told))";
    check(&turn(body), "limit: handles limit exceeded: 50 allowed");
}

#[test]
fn before_its_turn_a_guest_can_ask_for_nothing() {
    for call in ["(call $promise (i32.const 600))", "(call $spawn (i32.const 9) (i32.const 8))"] {
        // It is told so, and goes on.
        let asks = format!(
            "(global $said (mut i64) (i64.const 0))
             (func (export \"_initialize\") (global.set $said {call}))
             (func (export \"turn\") (param i32 i32) (result i64)
               (if (i64.ge_s (global.get $said) (i64.const 0)) (then (unreachable)))
               (call $void))"
        );
        for choice in BOTH {
            let mut map = map();
            let it = spawn(&mut map, choice, &module(&asks));
            assert_eq!(map.poke(|turn| turn.call(it, &[])), Ok(Value::Undefined));
        }
    }
}

#[test]
fn nothing_remains_in_the_instance_that_is_used_again() {
    // Counts in a global and in memory, and grows now and then: every turn sees 0.
    let body = "(global $count (mut i32) (i32.const 0))
        (func (export \"turn\") (param i32 i32) (result i64)
          (if (i32.or (global.get $count) (i32.load (i32.const 60000))) (then (unreachable)))
          (global.set $count (i32.const 1))
          (i32.store (i32.const 60000) (i32.const 1))
          (if (i32.and (i32.load8_u (i32.const 4116)) (i32.const 1))
            (then (drop (memory.grow (i32.const 1)))))
          (if (i32.and (i32.load8_u (i32.const 4115)) (i32.const 1)) (then (unreachable)))
          (call $void))";
    for choice in BOTH {
        let mut map = map();
        let it = spawn(&mut map, choice, &module(body));
        let mut ended = [0, 0];
        for _ in 0..40 {
            let done: Result<Value, Problem> = map.poke(|turn| turn.call(it, &[]));
            ended[usize::from(done.is_ok())] += 1;
        }
        assert_eq!(ended.iter().sum::<i32>(), 40);
        assert!(ended[1] > 0, "{ended:?}");
    }
}

#[test]
fn modules_that_are_no_actors_are_refused_with_all_that_is_wrong() {
    let check = |wat: &str, want: &[&str]| {
        let host = host(Choice::Wasmi);
        let error = host.load_bytes("m", wat.as_bytes()).unwrap().actor().unwrap_err().to_string();
        want.iter().for_each(|part| assert!(error.contains(part), "{error}"));
    };
    check("(module)", &["actor/1.0", "`memory`", "`alloc`", "`turn`"]);
    check(
        &turn("(call $void)").replace("(func (export \"alloc\")", "(func (export \"upgrade\")"),
        &["`alloc` is missing", "`upgrade` is a function"],
    );
    let section = |text: &str| {
        turn("(call $void)").replacen("(module", &format!("(module (@custom \"hob-actor\" \"{text}\")"), 1)
    };
    check(&section("1.0 sleep 0"), &["hob-actor"]);
    check(&section("2.0 become 0"), &["another version"]);
    check(&turn("(call $void)").replace("hob_actor", "hob_other"), &["hob_other"]);
    check(
        &turn("(call $void)").replacen(
            "(module",
            "(module (import \"samuel\" \"log_info\" (func (param i32 i32)))",
            1,
        ),
        &["samuel"],
    );
}

//! A turn is all or nothing, and so is a call within it; a look changes nothing; a fork is its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may fail loudly, and tables of cases are written as they are read"
)]

mod common;

use std::sync::Arc;

use common::interp::{self, Interp, Op, fresh, interp, program, programs};
use common::*;
use hob_vat::{Actormap, Body, Message, Outcome, Ref, Value, kind_fn, probe};
use proptest::prelude::*;

struct World {
    map: Actormap,
    kind: Arc<Interp>,
    root: Ref,
}

/// An actor that does what it is told, after it was told some things.
fn world(before: &[Vec<Op>]) -> World {
    let mut map = Actormap::new();
    let kind = fresh();
    let (near, _) = promise(&mut map);
    let other = spawn(&mut map, interp(&kind), Value::list([]));
    let far =
        [probe::session(0).object(1, 1), probe::session(0).promise(2, 1), probe::other_vat(7).object(3, 1)];
    let refs = [other, near, probe::resolver(near), far[0], far[1], far[2]];
    let root = spawn(&mut map, interp(&kind), Value::list(refs.map(Value::from)));
    for script in before {
        let script = program(script);
        map.poke(|turn| turn.send_only(root, [script])).unwrap();
        for _ in 0..3 {
            map.churn_some(50);
        }
    }
    World { map, kind, root }
}

trait ChurnSome {
    fn churn_some(&mut self, turns: u32);
}

impl ChurnSome for Actormap {
    /// Programs can send to each other for ever.
    fn churn_some(&mut self, turns: u32) {
        for _ in 0..turns {
            if !probe::step(self) {
                return;
            }
        }
    }
}

/// A snapshot with births counted from what is there: what was taken back used up births, and nothing else may show it.
fn renumbered(text: &str) -> String {
    let mut births: Vec<u64> =
        spans(text).iter().map(|(start, end)| text[*start..*end].parse().unwrap()).collect();
    births.sort_unstable();
    births.dedup();
    let mut out = String::new();
    let mut last = 0;
    for (start, end) in spans(text) {
        let birth: u64 = text[start..end].parse().unwrap();
        out.push_str(&text[last..start]);
        out.push_str(&births.binary_search(&birth).unwrap().to_string());
        last = end;
    }
    out.push_str(&text[last..]);
    out
}

/// Where births are: after a `#`, and in references to this vat.
fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let digits = |from: usize| from + text[from..].bytes().take_while(u8::is_ascii_digit).count();
    for (at, _) in text.match_indices('#') {
        found.push((at + 1, digits(at + 1)));
    }
    for (at, _) in text.match_indices(" of vat 0>") {
        let start = at - text[..at].bytes().rev().take_while(u8::is_ascii_digit).count();
        found.push((start, at));
    }
    found.sort_unstable();
    found
}

fn run(w: &mut World, script: &Value) -> Result<Value, hob_vat::Problem> {
    w.map.poke(|turn| turn.call(w.root, &[script.clone()]))
}

/// How many steps a program takes when nothing stops it, and whether it ends well.
fn steps(w: &World, script: &Value) -> (u32, bool) {
    let mut fork = World { map: w.map.fork(), kind: Arc::clone(&w.kind), root: w.root };
    w.kind.quench();
    let done = run(&mut fork, script);
    let steps = w.kind.steps.load(std::sync::atomic::Ordering::Relaxed);
    w.kind.quench();
    (steps, done.is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_turn_that_fails_at_any_step_leaves_nothing(
        before in prop::collection::vec(programs(true), 0..4),
        script in programs(false),
    ) {
        let mut w = world(&before);
        let script = program(&script);
        let (count, _) = steps(&w, &script);
        let was = probe::snapshot(&w.map);
        let population = w.map.population();
        for step in 0..count {
            for panics in [false, true] {
                // By the program outside.
                w.kind.light(step, panics);
                if run(&mut w, &script).is_ok() {
                    // It was tried, and went on.
                    w.kind.quench();
                    w = world(&before);
                    continue;
                }
                prop_assert_eq!(probe::snapshot(&w.map), was.as_str());
                prop_assert_eq!(w.map.population(), population);
            }
        }
        w.kind.quench();
        // Having failed so often, it does what it would have done.
        let mut fresh = world(&before);
        let (a, b) = (run(&mut w, &script), run(&mut fresh, &script));
        prop_assert_eq!(a.is_ok(), b.is_ok());
        w.map.churn_some(20);
        fresh.map.churn_some(20);
        prop_assert_eq!(renumbered(&probe::snapshot(&w.map)), renumbered(&probe::snapshot(&fresh.map)));
    }

    #[test]
    fn a_message_that_fails_leaves_one_break(
        before in prop::collection::vec(programs(true), 0..4),
        script in programs(false),
        asks in any::<bool>(),
    ) {
        let w = world(&before);
        let script = program(&script);
        let (count, _) = steps(&w, &script);
        for step in 0..count {
            for panics in [false, true] {
                let mut w = world(&before);
                let (_, resolver) = promise(&mut w.map);
                while probe::step(&mut w.map) && w.map.turns() < 300 {}
                if !w.map.is_quiet() {
                    return Ok(());
                }
                probe::take_outbox(&mut w.map);
                let was = probe::snapshot(&w.map);
                let resolver = asks.then_some(resolver);
                let body = Body::Args([script.clone()].into());
                w.map.enqueue(Message { to: w.root, body, resolver }).unwrap();
                w.map.watch();
                w.kind.light(step, panics);
                probe::step(&mut w.map);
                w.kind.quench();
                let report = w.map.take_reports().remove(0);
                let Outcome::Failed(problem) = &report.outcome else { continue };
                let expected: Vec<Message> = resolver
                    .map(|to| Message { to, body: Body::Break(problem.reason()), resolver: None })
                    .into_iter()
                    .collect();
                prop_assert_eq!(&report.sent, &expected);
                // That message is the only difference.
                let mut expected_text = was.clone();
                let at = expected_text.find("out []").unwrap();
                for message in &expected {
                    expected_text.insert_str(at, &format!("queue {message:?}\n"));
                }
                prop_assert_eq!(probe::snapshot(&w.map), expected_text);
            }
        }
    }

    #[test]
    fn a_call_that_fails_within_a_turn_leaves_nothing(
        before in prop::collection::vec(programs(true), 0..3),
        pre in programs(false),
        inner in programs(false),
        post in programs(false),
        give in any::<u8>(),
    ) {
        let whole = |with: Option<&[Op]>| {
            let mut script = pre.clone();
            script.extend(with.map(|inner| Op::Try(interp::ITSELF, give, inner.to_vec())));
            script.extend(post.clone());
            program(&script)
        };
        let mut without = world(&before);
        let expected = run(&mut without, &whole(None)).is_ok();
        let expected_text = renumbered(&probe::snapshot(&without.map));
        for step in 0..inner.len() + 1 {
            // The step after the last fails of its own accord, so that all of it is taken back.
            let mut failing = inner.clone();
            failing.truncate(step);
            failing.push(Op::Fail);
            let mut w = world(&before);
            let done = run(&mut w, &whole(Some(&failing))).is_ok();
            prop_assert_eq!(done, expected);
            prop_assert_eq!(renumbered(&probe::snapshot(&w.map)), expected_text.as_str());
        }
    }

    #[test]
    fn a_look_changes_nothing(
        before in prop::collection::vec(programs(true), 0..4),
        script in programs(true),
        frees in any::<bool>(),
    ) {
        let mut w = world(&before);
        // With places that are free, and nothing new or changed.
        if frees {
            w.map.collect(&[w.root]);
            probe::settle_young(&mut w.map, &[w.root]);
        }
        let script = program(&script);
        let was = probe::whole(&w.map);
        let mut without = World { map: w.map.fork(), kind: Arc::clone(&w.kind), root: w.root };
        let root = w.root;
        let look = |turn: &mut hob_vat::Turn| {
            turn.stamp();
            turn.spend(1)?;
            let made = turn.spawn(&LOG, ().into())?;
            turn.call(root, std::slice::from_ref(&script)).map(|_| made)
        };
        let looked = w.map.peek(look);
        prop_assert_eq!(probe::whole(&w.map), was.as_str());
        // Looking again shows the same, and what was made in a look is found in none.
        let again = w.map.peek(look);
        prop_assert_eq!(looked.is_ok(), again.is_ok());
        if let (Ok(looked), Ok(again)) = (looked, again) {
            prop_assert_ne!(looked, again);
            for made in [looked, again] {
                let gone = w.map.peek(|turn| turn.spawn(&LOG, ().into()).and_then(|_| turn.call(made, &[]))).unwrap_err();
                prop_assert_eq!(gone.rule_name(), Some("stale-reference"));
            }
        }
        // What is done then is what is done without having looked, number by number.
        prop_assert_eq!(run(&mut w, &script), run(&mut without, &script));
        w.map.churn_some(20);
        without.map.churn_some(20);
        prop_assert_eq!(probe::whole(&w.map), probe::whole(&without.map));
    }

    #[test]
    fn a_fork_is_its_own_until_it_is_merged(
        before in prop::collection::vec(programs(true), 0..4),
        script in programs(true),
    ) {
        let mut w = world(&before);
        let script = program(&script);
        let was = probe::snapshot(&w.map);
        let mut fork = World { map: w.map.fork(), kind: Arc::clone(&w.kind), root: w.root };
        prop_assert_eq!(probe::snapshot(&fork.map), was.as_str());
        let forked = run(&mut fork, &script);
        fork.map.churn_some(30);
        prop_assert_eq!(probe::snapshot(&w.map), was.as_str());
        let after = probe::snapshot(&fork.map);
        let turns = fork.map.turns();
        let mut direct = World { map: w.map.fork(), kind: Arc::clone(&w.kind), root: w.root };
        w.map.merge(fork.map).unwrap();
        prop_assert_eq!(probe::snapshot(&w.map), after.as_str());
        prop_assert_eq!(w.map.turns(), turns);
        let done = run(&mut direct, &script);
        direct.map.churn_some(30);
        prop_assert_eq!(done.is_ok(), forked.is_ok());
        prop_assert_eq!(probe::snapshot(&direct.map), after.as_str());
        // The other fork is of what is no more.
        let stale = w.map.merge(direct.map).unwrap_err();
        prop_assert_eq!(stale.rule_name(), Some("stale-fork"));
        prop_assert_eq!(probe::snapshot(&w.map), after.as_str());
        // And they can still go on.
        prop_assert_eq!(w.map.peek(|turn| turn.call(w.root, &[Value::list([])])).is_ok(), true);
    }
}

#[test]
fn a_fork_of_what_has_changed_is_refused() {
    let changes: [(&str, fn(&mut Actormap, Ref)); 5] = [
        ("a turn", |map, log| map.poke(|turn| turn.call(log, &[]).map(|_| ())).unwrap()),
        ("a message", |map, log| {
            map.enqueue(Message { to: log, body: Body::Args([].into()), resolver: None }).unwrap();
        }),
        ("a churn", |map, log| tell(map, log, [])),
        ("a merge", |map, log| {
            let mut fork = map.fork();
            tell(&mut fork, log, []);
            map.merge(fork).unwrap();
        }),
        ("a turn that waits in the queue", |map, _| assert!(probe::step(map))),
    ];
    for (what, change) in changes {
        let mut map = Actormap::new();
        let log = log(&mut map);
        map.poke(|turn| turn.send_only(log, ["queued".into()])).unwrap();
        let mut fork = map.fork();
        tell(&mut fork, log, []);
        change(&mut map, log);
        let was = probe::snapshot(&map);
        assert_eq!(map.merge(fork).unwrap_err().rule_name(), Some("stale-fork"), "{what}");
        assert_eq!(probe::snapshot(&map), was);
    }
    // A fork of a fork belongs to that fork.
    let mut map = Actormap::new();
    let log = log(&mut map);
    let mut child = map.fork();
    tell(&mut child, log, [1.into()]);
    let mut grandchild = child.fork();
    tell(&mut grandchild, log, [2.into()]);
    tell(&mut map, log, [3.into()]);
    assert_eq!(map.merge(child.fork()).unwrap_err().rule_name(), Some("stale-fork"));
    child.merge(grandchild).unwrap();
    assert_eq!(seen(&child, log), "[[1] [2]]");
    assert_eq!(map.merge(child).unwrap_err().rule_name(), Some("stale-fork"));
    // One of the same age that has nothing to do with it.
    let mut other = Actormap::new();
    let stranger = common::log(&mut other);
    tell(&mut other, stranger, [3.into()]);
    assert_eq!(map.merge(other.fork()).unwrap_err().rule_name(), Some("stale-fork"));
    assert_eq!(map.merge(other).unwrap_err().rule_name(), Some("stale-fork"));
    assert_eq!(seen(&map, log), "[[3]]");
}

/// A look, or a turn that failed, changes nothing a fork could miss; but the births it used up stay used.
#[test]
fn references_that_were_taken_back_stay_dead_after_a_merge() {
    let mut map = Actormap::new();
    let keeper = log(&mut map);
    let mut fork = map.fork();
    let mut dead = Vec::new();
    let refused = fork.poke(|turn| {
        dead.push(turn.spawn(&LOG, ().into())?);
        Err::<(), _>(hob_vat::Problem::refused("no"))
    });
    assert!(refused.is_err());
    map.merge(fork).unwrap();
    let born = log(&mut map);
    assert_ne!(born, dead[0]);
    assert_eq!(map.peek(|turn| turn.call(dead[0], &[])).unwrap_err().rule_name(), Some("stale-reference"));
    assert_eq!(seen(&map, keeper), "[]");
}

/// What one turn does is seen within it at once, and by the inner call of an actor that is called again.
#[test]
fn an_actor_that_is_called_within_its_own_call_is_what_it_last_became() {
    let mut map = Actormap::new();
    let nested = spawn(
        &mut map,
        kind_fn("nested", |turn, me, args| {
            let level = args.first().and_then(Value::as_i64).unwrap_or(0);
            if level == 0 {
                return Ok(me.becomes("inner".into()).saying(me.state().clone()));
            }
            let within = turn.call(me.itself(), &[(level - 1).into()])?;
            if level == 2 {
                return Ok(me.becomes("outer".into()));
            }
            // The state that was given at the start is what it was then.
            Ok(Value::list([within, me.state().clone()]).into())
        }),
        "first",
    );
    let said = map.poke(|turn| turn.call(nested, &[1.into()])).unwrap();
    assert_eq!(said.to_string(), "[\"first\" \"first\"]");
    assert_eq!(state_of(&map, nested), "inner".into());
    // What it became within would be lost if it became something else now, so it does not.
    assert!(map.poke(|turn| turn.call(nested, &[2.into()])).is_err());
    assert_eq!(state_of(&map, nested), "inner".into());
}

#[test]
fn a_panic_says_what_it_said() {
    let check = |kind: hob_vat::KindRef, text: &str| {
        let mut map = Actormap::new();
        let actor = spawn(&mut map, kind, ());
        let was = probe::snapshot(&map);
        assert_eq!(map.poke(|turn| turn.call(actor, &[])).unwrap_err().to_string(), text);
        assert_eq!(probe::snapshot(&map), was);
        let answer = send(&mut map, actor, []);
        assert!(standing(&mut map, answer).starts_with("broken <error panic:"));
    };
    check(kind_fn("p", |_, _, _| panic!("a text")), "panic: a text");
    check(kind_fn("p", |_, _, _| panic!("a {}", "text")), "panic: a text");
    check(kind_fn("p", |_, _, _| std::panic::panic_any(7)), "panic: ");
}

//! Modules as actors of a vat: what they can do, that it is the same on both engines, and that nothing remains of a turn that
//! failed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

use std::sync::Arc;

use hob::vat::{Actormap, Kind, Limits, Problem, Ref, Turn, Value, kind_fn, library::CELL};
use hob::{Actor, Host};
use util::BOTH;
use util::actors::{actor, call, counters, each, introducers, spawn, symbol};

#[test]
fn a_counter_counts_in_its_state() {
    let check = |kind: Arc<Actor>, name: &str| {
        let mut map = Actormap::new();
        let counter = spawn(&mut map, &kind, 8.into());
        assert_eq!(call(&mut map, counter, &[symbol("inc")]), Ok(9.into()), "{name}");
        assert_eq!(call(&mut map, counter, &[symbol("inc")]), Ok(10.into()), "{name}");
        assert_eq!(map.peek(|turn| turn.call(counter, &[symbol("inc")])), Ok(11.into()), "{name}");
        assert_eq!(call(&mut map, counter, &[symbol("get")]), Ok(10.into()), "{name}");
    };
    BOTH.into_iter().for_each(|choice| check(actor(choice, "actor-counter-wat"), "wat"));
    each(counters, check);
}

#[test]
fn a_kind_is_named_by_its_module_and_upgrades_old_states() {
    for choice in BOTH {
        let old = actor(choice, "actor-counter-wat");
        assert_eq!(old.version(), 0);
        assert_eq!(old.upgrade(0, 5.into()).unwrap_err().rule_name(), Some("no-upgrade"));
    }
    each(counters, |new, name| {
        let hex = new.name().strip_prefix("wasm:").unwrap();
        assert!(hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        assert_eq!(new.version(), 1, "{name}");
        assert_eq!(new.upgrade(0, Value::list(["count".into(), 5.into()])), Ok(5.into()), "{name}");
        for (from, state) in [(0, 5.into()), (7, Value::list(["count".into(), 5.into()]))] {
            let problem = new.upgrade(from, state).unwrap_err();
            assert_eq!(problem.to_string(), "no-upgrade: no count in it", "{name}");
        }
    });
    // Those that say nothing of upgrades have none.
    each(introducers, |kind, name| {
        assert_eq!(kind.version(), 0, "{name}");
        assert_eq!(kind.upgrade(0, 5.into()).unwrap_err().rule_name(), Some("no-upgrade"), "{name}");
    });
}

#[test]
fn every_value_comes_back_from_a_guest() {
    let values = [
        ().into(),
        Value::Null,
        true.into(),
        false.into(),
        0.into(),
        i64::MIN.into(),
        u64::MAX.into(),
        (-0.0).into(),
        f64::NAN.into(),
        f64::INFINITY.into(),
        "".into(),
        "ö\u{0}".into(),
        symbol("name"),
        Value::bytes(&[0, 255]),
        Value::list([]),
        Value::list([Value::list([1.into()]), "a".into()]),
        Value::fields([("b", 1.into()), ("aa", Value::fields([]))]),
        Value::tagged("tag", Value::list([symbol("x")])),
        Value::error("rule", "message"),
    ];
    for choice in BOTH {
        let mut map = Actormap::new();
        let echo = spawn(&mut map, &actor(choice, "actor-echo-rust"), ().into());
        assert_eq!(call(&mut map, echo, &values), Ok(Value::list(values.clone())));
        let (cell, sealed) = map
            .poke(|turn| {
                let cell = turn.spawn(&CELL, ().into())?;
                Ok((Value::from(cell), turn.seal(cell, 7.into())))
            })
            .unwrap();
        let args = [cell.clone(), sealed, cell];
        assert_eq!(call(&mut map, echo, &args), Ok(Value::list(args.clone())));
    }
}

/// Takes what it is called with as its state.
fn keeper() -> hob::vat::KindRef {
    kind_fn("keeper", |_, me, args| Ok(me.becomes(Value::list(args.to_vec()))))
}

#[test]
fn a_guest_passes_on_what_it_was_given_and_keeps_what_it_likes() {
    each(introducers, |introducer, name| {
        let mut map = Actormap::new();
        let host = spawn(&mut map, &introducer, ().into());
        // A has the secret and a reference to the introducer, and none to B; B gets the secret from the introducer.
        let (a, b, secret) = map
            .poke(|turn| {
                let secret = turn.spawn(&CELL, "the secret".into())?;
                let b = turn.spawn(
                    kind_fn("b", |turn, _, args| {
                        let given = args[0].as_ref().unwrap();
                        turn.call(given, &[]).map(Into::into)
                    }),
                    ().into(),
                )?;
                let a = turn.spawn(
                    kind_fn("a", |turn, me, args| {
                        let [how, introducer, b] = args else { panic!() };
                        turn.call(introducer.as_ref().unwrap(), &[how.clone(), b.clone(), me.state().clone()])
                            .map(Into::into)
                    }),
                    secret.into(),
                )?;
                Ok((a, b, secret))
            })
            .unwrap();
        assert_eq!(
            call(&mut map, a, &[symbol("call"), host.into(), b.into()]),
            Ok("the secret".into()),
            "{name}"
        );
        // The same by a message: the answer is a promise.
        let promise = call(&mut map, a, &[symbol("send"), host.into(), b.into()]).unwrap();
        map.churn();
        let promise = promise.as_ref().unwrap();
        assert_eq!(map.peek(|turn| turn.call(promise, &[])), Ok("the secret".into()), "{name}");
        // What is kept in one turn is given in another.
        call(&mut map, host, &[symbol("keep"), secret.into()]).unwrap();
        assert_eq!(call(&mut map, host, &[symbol("give"), b.into()]), Ok("the secret".into()), "{name}");
        // What is kept is reached, and what is not is collected.
        map.collect(&[host]);
        assert_eq!(map.peek(|turn| turn.call(secret, &[])), Ok("the secret".into()), "{name}");
        assert_eq!(map.peek(|turn| turn.call(b, &[])).unwrap_err().rule_name(), Some("stale-reference"));
    });
}

#[test]
fn a_chat_room_is_made_of_actors_of_one_module() {
    for choice in BOTH {
        let mut map = Actormap::new();
        let room =
            spawn(&mut map, &actor(choice, "actor-chat-rust"), Value::list(["room".into(), Value::list([])]));
        let join = |map: &mut Actormap, name: &str| {
            call(map, room, &[symbol("join"), name.into()]).unwrap().as_ref().unwrap()
        };
        let (ann, bob) = (join(&mut map, "Ann"), join(&mut map, "Bob"));
        let said = call(&mut map, room, &[symbol("say"), "Ann".into(), "hello".into()]).unwrap();
        assert_eq!(call(&mut map, bob, &[symbol("heard")]), Ok(Value::list([])));
        map.churn();
        assert_eq!(map.peek(|turn| turn.call(said.as_ref().unwrap(), &[])), Ok(2.into()));
        let heard = Value::list([Value::list(["Ann".into(), "hello".into()])]);
        assert_eq!(call(&mut map, bob, &[symbol("heard")]), Ok(heard.clone()));
        assert_eq!(call(&mut map, ann, &[symbol("heard")]), Ok(heard));
    }
}

#[test]
fn of_a_call_that_failed_only_its_own_effects_are_gone() {
    each(introducers, |introducer, name| {
        let mut map = Actormap::new();
        let (outer, inner) =
            (spawn(&mut map, &introducer, "outer".into()), spawn(&mut map, &introducer, "inner".into()));
        let (cell, bad) = map
            .poke(|turn| {
                let bad = kind_fn("bad", |_, _, _| Err(Problem::refused("no")));
                Ok((turn.spawn(keeper(), ().into())?, turn.spawn(bad, ().into())?))
            })
            .unwrap();
        // outer tries inner, inner sends to the cell and then calls what refuses: the call fails and the message is not sent.
        let args = |what: Ref| [symbol("try"), inner.into(), symbol("call"), what.into(), 1.into()];
        let told = call(&mut map, outer, &args(bad)).unwrap();
        assert_eq!(told, Value::list([false.into(), "no".into()]));
        let told = call(&mut map, outer, &args(cell)).unwrap();
        assert_eq!(told, Value::list([true.into(), ().into()]));
        let kept = map.peek(|turn| turn.call(inner, &[symbol("call"), cell.into(), 2.into()]));
        assert_eq!(kept, Ok(().into()), "{name}");
    });
}

#[test]
fn guests_inside_guests_are_bounded_and_leave_the_stack_whole() {
    each(introducers, |introducer, name| {
        let mut map = Actormap::new();
        let it = spawn(&mut map, &introducer, ().into());
        let (cell,) = map.poke(|turn| Ok((turn.spawn(&CELL, 7.into())?,))).unwrap();
        let deep = |levels: usize| {
            let mut args: Vec<Value> = Vec::new();
            for _ in 1..levels {
                args.extend([symbol("call"), it.into()]);
            }
            args.extend([symbol("call"), cell.into()]);
            args
        };
        assert_eq!(call(&mut map, it, &deep(1)), Ok(7.into()));
        assert_eq!(call(&mut map, it, &deep(2)), Ok(7.into()));
        assert_eq!(call(&mut map, it, &deep(16)), Ok(7.into()));
        let problem = call(&mut map, it, &deep(17)).unwrap_err();
        assert_eq!(problem.to_string(), "limit: guest-depth limit exceeded: 16 allowed");
        let on_a_large_stack = hob::with_room_for_guests(|| call(&mut map, it, &deep(16)));
        assert_eq!(on_a_large_stack.unwrap(), Ok(7.into()), "{name}");
    });
}

/// Runs `what` with so much fuel and no more. Says what is left.
fn with_fuel<R>(
    map: &mut Actormap,
    fuel: u64,
    what: impl FnOnce(&mut Turn) -> Result<R, Problem>,
) -> Result<(R, u64), Problem> {
    map.poke(|turn| {
        turn.spend(turn.fuel() - fuel)?;
        let done = what(turn)?;
        Ok((done, turn.fuel()))
    })
}

#[test]
fn with_any_fuel_a_turn_happens_as_a_whole_or_not_at_all() {
    for choice in BOTH {
        let mut base = Actormap::new();
        let room = spawn(
            &mut base,
            &actor(choice, "actor-chat-rust"),
            Value::list(["room".into(), Value::list([])]),
        );
        let introducer = spawn(&mut base, &actor(choice, "actor-introduce-rust"), ().into());
        for name in ["Ann", "Bob", "Cid"] {
            call(&mut base, room, &[symbol("join"), name.into()]).unwrap();
        }
        // A guest that calls a guest that makes an actor, two promises, and sends to three others.
        let say: Vec<Value> = vec![symbol("call"), room.into(), symbol("say"), "Ann".into(), "hello".into()];
        let all = Limits::default().fuel_per_turn;
        let (_, left) = with_fuel(&mut base.fork(), all, |turn| turn.call(introducer, &say)).unwrap();
        let needed = all - left;
        let (population, version) = (base.population(), format!("{base:?}"));
        let check = |fuel: u64| {
            let mut map = base.fork();
            match with_fuel(&mut map, fuel, |turn| turn.call(introducer, &say)) {
                Ok((_, left)) => {
                    assert!(fuel >= needed);
                    assert_eq!(left, fuel - needed);
                    assert!(!map.is_quiet() && map.population() > population);
                }
                Err(problem) => {
                    assert!(fuel < needed, "{fuel} of {needed}: {problem}");
                    assert_eq!(problem.rule_name(), Some("limit"), "{problem}");
                    assert!(map.is_quiet());
                    assert_eq!(map.population(), population);
                }
            }
        };
        let step = (needed / 500).max(1);
        (0..needed).step_by(usize::try_from(step).unwrap()).for_each(check);
        check(needed - 1);
        check(needed);
        check(needed + 1);
        assert_eq!(format!("{base:?}"), version);
    }
}

#[test]
fn a_turn_takes_the_same_fuel_every_time() {
    each(counters, |counter, name| {
        let mut map = Actormap::new();
        let it = spawn(&mut map, &counter, 10.into());
        let used: Vec<u64> = (0..5)
            .map(|_| {
                let all = Limits::default().fuel_per_turn;
                let (_, left) =
                    with_fuel(&mut map.fork(), all, |turn| turn.call(it, &[symbol("inc")])).unwrap();
                all - left
            })
            .collect();
        assert!(used[0] > 100 && used.iter().all(|it| *it == used[0]), "{name} {used:?}");
    });
}

#[test]
fn a_guest_that_panics_on_the_hosts_side_gives_the_turn_back() {
    for choice in BOTH {
        let mut map = Actormap::new();
        let it = spawn(&mut map, &actor(choice, "actor-introduce-rust"), ().into());
        let bomb = map
            .poke(|turn| turn.spawn(kind_fn("bomb", |_, _, _| panic!("a bug of the host")), ().into()))
            .unwrap();
        let problem = call(&mut map, it, &[symbol("call"), bomb.into()]).unwrap_err();
        assert_eq!(problem.to_string(), "host: a bug of the host");
        // The vat is still there, and so is the actor.
        assert_eq!(call(&mut map, it, &[symbol("keep"), bomb.into()]), Ok(().into()));
    }
}

#[test]
fn actors_need_a_host_that_counts() {
    let host = Host::builder().build().unwrap();
    let error = host.load(util::guest("actor-counter-wat")).unwrap().actor().unwrap_err();
    assert!(error.to_string().contains("HostBuilder::actors"), "{error}");
}

#[path = "../examples/introduction.rs"]
mod introduction;
#[path = "../examples/module_as_actor.rs"]
mod module_as_actor;
#[path = "../examples/wrapped_module.rs"]
mod wrapped_module;

#[test]
fn the_examples_run() {
    introduction::main().unwrap();
    module_as_actor::main().unwrap();
    wrapped_module::main().unwrap();
}

#[test]
fn a_configuration_is_asked_by_its_names_and_replaced_as_a_whole() {
    for choice in BOTH {
        let kind = actor(choice, "actor-config-rust");
        let mut map = Actormap::new();
        let json = r#" { "a": [1, -2.5, 1e3, {"b": null}], "t": true, "ö\n\u00e9\ud83d\ude00\/": "x\"y", "big": 123456789012345678901 } "#;
        let it = spawn(&mut map, &kind, json.into());
        let get = |map: &mut Actormap, names: &[Value]| {
            let args: Vec<Value> = std::iter::once(symbol("get")).chain(names.iter().cloned()).collect();
            call(map, it, &args)
        };
        let check = |map: &mut Actormap, names: &[Value], want: Value| {
            assert_eq!(get(map, names), Ok(want), "{names:?}");
        };
        check(&mut map, &["a".into(), 0.into()], 1.into());
        check(&mut map, &["a".into(), 1.into()], (-2.5).into());
        check(&mut map, &["a".into(), 2.into()], 1000.0.into());
        check(&mut map, &["a".into(), 3.into()], Value::fields([("b", Value::Null)]));
        check(&mut map, &[symbol("t")], true.into());
        check(&mut map, &["ö\né😀/".into()], "x\"y".into());
        for missing in [["b".into()], [0.into()]] {
            let problem = get(&mut map, &missing).unwrap_err();
            assert_eq!(problem.to_string(), "no-such-key: nothing lies there");
        }
        let configure =
            |map: &mut Actormap, json: Value| call(map, it, &[symbol("configure"), json]).map(drop);
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for bad in
            ["", "{", "[1,]", "{\"a\" 1}", "tru", "1 2", "-", "\"\\x\"", "\"\\ud800\"", "\"", &deep(65)]
        {
            let problem = configure(&mut map, bad.into()).unwrap_err();
            assert_eq!(problem.rule_name(), Some("not-json"), "{bad} {problem}");
        }
        assert!(configure(&mut map, 1.into()).is_err());
        check(&mut map, &["t".into()], true.into());
        for good in [&deep(64), "[ ]", " { } ", "0", "\"\""] {
            assert_eq!(configure(&mut map, good.into()), Ok(()), "{good}");
        }
        assert_eq!(get(&mut map, &[]), Ok("".into()));
    }
}

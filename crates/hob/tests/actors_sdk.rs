//! Actors in every language that has an SDK: the same conversation has the same answers, byte for byte, on both engines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

use std::sync::Arc;

use hob::Actor;
use hob::vat::{Actormap, Int, NoNames, Problem, Ref, Value, decode, encode, kind_fn};
use util::actors::{call, counters, each, introducers, probes, spawn, symbol};

/// A probe, and what it is asked.
struct Probe {
    map: Actormap,
    it: Ref,
    name: String,
}

impl Probe {
    fn new(kind: &Arc<Actor>, name: &str) -> Self {
        let mut map = Actormap::new();
        let it = spawn(&mut map, kind, ().into());
        Self { map, it, name: name.into() }
    }

    fn ask(&mut self, method: &str, args: &[Value]) -> Result<Value, Problem> {
        let args: Vec<Value> = [symbol(method)].into_iter().chain(args.iter().cloned()).collect();
        call(&mut self.map, self.it, &args)
    }

    fn check(&mut self, method: &str, args: &[Value], want: Value) {
        assert_eq!(self.ask(method, args), Ok(want), "{} {method} {args:?}", self.name);
    }

    /// One that keeps what it is called with, and says what that was when it is called with nothing.
    fn keeper(&mut self) -> Ref {
        let keeper = kind_fn("keeper", |_, me, args| {
            Ok(if args.is_empty() {
                me.state().clone().into()
            } else {
                me.becomes(Value::list(args.to_vec()))
            })
        });
        self.map.poke(|turn| turn.spawn(keeper, ().into())).unwrap()
    }

    /// One that says whether it was called with nothing, when it is called with something.
    fn witness(&mut self) -> Ref {
        let witness = kind_fn("witness", |_, me, args| {
            Ok(if args.is_empty() { me.becomes(true.into()) } else { me.state().clone().into() })
        });
        self.map.poke(|turn| turn.spawn(witness, false.into())).unwrap()
    }

    fn was_called(&mut self, witness: Ref) -> bool {
        self.map.churn();
        self.map.peek(|turn| turn.call(witness, &[0.into()])).unwrap() == true.into()
    }

    fn kept(&mut self, by: Ref) -> Value {
        self.map.churn();
        self.map.peek(|turn| turn.call(by, &[])).unwrap()
    }
}

fn int(digits: &str) -> Value {
    Value::Int(Int::parse(digits).unwrap())
}

/// The largest and the smallest integer that the SDKs hold.
const MOST: &str = "170141183460469231731687303715884105727";
const LEAST: &str = "-170141183460469231731687303715884105728";

/// Values of every kind, without references.
fn values() -> Vec<Value> {
    let integers = [
        "0",
        "1",
        "-1",
        "9",
        "10",
        "-10",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "-18446744073709551616",
        "184467440737095516150",
        "10000000000000000000000000000000000000",
        MOST,
        LEAST,
    ];
    let floats = [0.0, -0.0, 1.5, -1e300, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let texts =
        ["", "a", "ö\u{0}", "日本", "🦀", "\u{fffd}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}", "\"'\\"];
    let wide = "w".repeat(1000);
    let mut values = vec![().into(), Value::Null, true.into(), false.into()];
    values.extend(integers.map(int));
    values.extend(floats.map(Value::from));
    values
        .extend(texts.iter().flat_map(|text| [(*text).into(), symbol(text), Value::bytes(text.as_bytes())]));
    values.extend([
        Value::bytes(&[0, 255, 128]),
        wide.as_str().into(),
        Value::list([]),
        Value::list([Value::list([1.into()]), "a".into(), Value::list([Value::list([])])]),
        Value::fields::<'_, [(&str, Value); 0]>([]),
        Value::fields([
            ("b", 1.into()),
            ("aa", 2.into()),
            ("", 3.into()),
            ("ö", 4.into()),
            (&wide, 5.into()),
        ]),
        Value::fields([
            ("aaaaaaaaaa", 1.into()),
            ("a", Value::fields([("x", Value::Null)])),
            ("zz", ().into()),
        ]),
        Value::tagged("tag", Value::list([symbol("x")])),
        Value::tagged("", Value::tagged("inner", ().into())),
        Value::error("rule", "message"),
        Value::error("", ""),
    ]);
    values
}

#[test]
fn a_counter_refuses_what_it_does_not_know() {
    each(counters, |kind, name| {
        let mut map = Actormap::new();
        let mut check = |state: Value, args: &[Value], want: &str| {
            let counter = spawn(&mut map, &kind, state);
            let problem = call(&mut map, counter, args).unwrap_err();
            assert_eq!(problem.to_string(), want, "{name}");
        };
        check(1.into(), &[symbol("dec")], "no-method: dec");
        check(1.into(), &["inc".into(), 1.into()], "no-method: inc");
        check(1.into(), &[], "no-method: ");
        check(1.into(), &[1.into()], "no-method: ");
        check("1".into(), &[symbol("inc")], "bad-state: no count");
        check(u64::MAX.into(), &[symbol("get")], "bad-state: no count");
        check(i64::MAX.into(), &[symbol("inc")], "limit: it counts no further");
        let last = spawn(&mut map, &kind, (i64::MAX - 1).into());
        assert_eq!(call(&mut map, last, &["inc".into()]), Ok(i64::MAX.into()), "{name}");
        let least = spawn(&mut map, &kind, i64::MIN.into());
        assert_eq!(call(&mut map, least, &["inc".into()]), Ok((i64::MIN + 1).into()), "{name}");
    });
}

#[test]
fn an_introducer_refuses_what_it_does_not_know() {
    each(introducers, |introducer, name| {
        let mut map = Actormap::new();
        let host = spawn(&mut map, &introducer, ().into());
        let mut check = |args: &[Value], want: &str| {
            let problem = call(&mut map, host, args).unwrap_err();
            assert_eq!(problem.to_string(), want, "{name}");
        };
        check(&[symbol("meet"), host.into()], "no-method: meet");
        check(&[symbol("call")], "no-method: call");
        check(&[symbol("keep"), 1.into(), 2.into()], "no-method: keep");
        for how in ["call", "send", "try", "give"] {
            check(&[symbol(how), 1.into()], "bad-arguments: there must be somebody");
        }
        check(&[symbol("give"), host.into()], "bad-arguments: there must be somebody");
        check(&[symbol("call"), host.into(), symbol("what")], "no-method: what");
    });
}

#[test]
fn every_value_goes_through_every_language_byte_for_byte() {
    let values = values();
    each(probes, |kind, name| {
        let mut probe = Probe::new(&kind, name);
        probe.check("echo", &values, Value::list(values.clone()));
        probe.check("keep", &values, ().into());
        probe.check("keep", &[], Value::list(values.clone()));
        for value in &values {
            let bytes = Value::bytes(&encode(value, &mut NoNames).unwrap());
            probe.check("encode", std::slice::from_ref(value), bytes.clone());
            probe.check("decode", &[bytes], value.clone());
        }
        // Written out of order, and the same from all.
        let fields =
            [("b", 0.into()), ("aa", 1.into()), ("bbbbbbbbbb", 2.into()), ("", 3.into()), ("a", 4.into())];
        let want = encode(&Value::fields(fields), &mut NoNames).unwrap();
        probe.check("unsorted", &[], Value::bytes(&want));
    });
}

#[test]
fn an_integer_that_is_too_wide_is_refused_by_name() {
    each(probes, |kind, name| {
        let mut probe = Probe::new(&kind, name);
        let past = "170141183460469231731687303715884105728";
        let ten_times = format!("{MOST}0");
        let (large, small) = ("7".repeat(4000), format!("-{}", "7".repeat(300)));
        let words = "340282366920938463463374607431768211456";
        for wide in [past, "-170141183460469231731687303715884105729", &ten_times, words, &large, &small] {
            for args in [[int(wide)], [Value::list([1.into(), int(wide)])]] {
                let problem = probe.ask("echo", &args).unwrap_err();
                assert_eq!(
                    problem.to_string(),
                    "limit: integer-bits limit exceeded: 128 allowed",
                    "{name} {wide}"
                );
            }
        }
        probe.check("echo", &[int(MOST), int(LEAST)], Value::list([int(MOST), int(LEAST)]));
    });
}

#[test]
fn values_are_followed_to_their_limit_and_no_deeper() {
    each(probes, |kind, name| {
        let mut probe = Probe::new(&kind, name);
        let nested = |levels: usize| (1..levels).fold(Value::list([]), |inner, _| Value::list([inner]));
        // What the host takes is less than the SDKs follow.
        probe.check("echo", &[nested(94)], Value::list([nested(94)]));
        let mut refusal = |levels: usize| {
            let bytes = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            probe.ask("decode", &[Value::bytes(bytes.as_bytes())]).unwrap_err().to_string()
        };
        let own = "limit: depth limit exceeded: 128 allowed";
        assert!(refusal(128).starts_with("limit: ") && refusal(128) != own, "{name} {}", refusal(128));
        assert_eq!(refusal(129), own, "{name}");
        assert_eq!(refusal(200_000), own, "{name}");
    });
}

#[test]
fn large_values_go_through_and_leave_nothing_behind() {
    let large = [Value::list((0..2_000_i64).map(Value::from)), Value::bytes(&vec![7; 100_000])];
    each(probes, |kind, name| {
        let mut probe = Probe::new(&kind, name);
        for _ in 0..2 {
            // Too much to show when it differs.
            let same = probe.ask("echo", &large).map(|it| it == Value::list(large.clone()));
            assert_eq!(same, Ok(true), "{name}");
            probe.check("echo", &[1.into()], Value::list([1.into()]));
        }
    });
}

#[test]
fn what_is_not_canonical_is_refused_alike_in_every_language() {
    let bad = "bad-message: the message is none that this actor can read";
    let refused: [&[u8]; 34] = [
        b"",
        b"x",
        b"1",
        b"+",
        b"-",
        b"01+",
        b"00+",
        b"0-",
        b"1+1+",
        b" 1+",
        b"1",
        b"5\"abc",
        b"2\"\xc3\x28",
        b"1'\xff",
        b"4\"\xed\xa0\x80a",
        b"2\"\xc0\x80",
        b"4\"\xf4\x90\x80\x80",
        b"3\"\xf0\x9f\xa6",
        b"99999999999999999999\"a",
        b"D1234567",
        b"D\x7f\xf8\0\0\0\0\0\x01",
        b"F1234",
        b"[",
        b"[1+",
        b"]",
        b"{1\"a}",
        b"{1'a1+}",
        b"{1+1+}",
        b"{2\"aa1+1\"b1+}",
        b"{1\"a1+1\"a1+}",
        b"<4\"void>",
        b"<4'void",
        b"<5'thing1+>",
        b"#1+$",
    ];
    let records: [&[u8]; 11] = [
        b"<8'desc:cap0+>",
        b"<8'desc:cap1->",
        b"<8'desc:cap18446744073709551616+>",
        b"<8'desc:cap1\"a>",
        b"<8'desc:cap1+1+>",
        b"<11'desc:tagged1\"a1+>",
        b"<11'desc:tagged1'a>",
        b"<10'desc:error1'a1'b>",
        b"<10'desc:error1\"a1\"b>",
        b"<10'desc:error1\"a>",
        b"<4'void1+>",
    ];
    each(probes, |kind, name| {
        let mut probe = Probe::new(&kind, name);
        for bytes in refused.iter().chain(&records) {
            let problem = probe.ask("decode", &[Value::bytes(bytes)]).unwrap_err();
            assert_eq!(problem.to_string(), bad, "{name} {}", bytes.escape_ascii());
        }
    });
}

/// Numbers that look random, and are the same every time.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap()
}

/// Canonical bytes of values, with a few bytes changed, left out, put in, or moved.
fn mutated(count: usize) -> Vec<Vec<u8>> {
    let values = values();
    let mut seed = 7;
    (0..count)
        .map(|_| {
            let some = [0; 3].map(|_| values[next(&mut seed) % values.len()].clone());
            let mut bytes = encode(&Value::list(some), &mut NoNames).unwrap();
            for _ in 0..=next(&mut seed) % 3 {
                let at = next(&mut seed) % bytes.len();
                let byte = b"0123456789+-:\"'[]{}<>tfDF#$ \x00\x80\xff"[next(&mut seed) % 31];
                match next(&mut seed) % 4 {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    2 if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at + 1),
                }
            }
            bytes
        })
        .collect()
}

#[test]
fn damaged_messages_are_read_as_the_host_reads_them_or_refused() {
    let all = mutated(600);
    let canonical = |bytes: &[u8]| {
        let value = decode(bytes, &mut NoNames).ok()?;
        (encode(&value, &mut NoNames).unwrap() == bytes).then_some(value)
    };
    let read = all.iter().filter(|bytes| canonical(bytes).is_some()).count();
    assert!(read > 20 && read < 300, "{read} of {} can be read", all.len());
    let first = std::cell::OnceCell::new();
    each(probes, |kind, name| {
        let mut probe = Probe::new(&kind, name);
        let said: Vec<Result<Value, String>> = all
            .iter()
            .map(|bytes| probe.ask("decode", &[Value::bytes(bytes)]).map_err(|problem| problem.to_string()))
            .collect();
        for (bytes, said) in all.iter().zip(&said) {
            let shown = bytes.escape_ascii();
            match said {
                Ok(value) => assert_eq!(canonical(bytes).as_ref(), Some(value), "{name} {shown}"),
                // An integer that became too wide for the SDKs is none for the host.
                Err(problem) if problem.starts_with("limit: integer-bits") => {}
                Err(problem) => {
                    assert!(problem.starts_with("bad-message: "), "{name} {shown} {problem}");
                    assert_eq!(canonical(bytes), None, "{name} {shown}");
                }
            }
        }
        assert!(first.get_or_init(|| said.clone()) == &said, "{name} reads something else than the first");
    });
}

#[test]
fn every_import_does_what_it_says() {
    each(probes, |kind, name| {
        let mut probe = Probe::new(&kind, name);
        let me = Value::from(probe.it);
        let keeper = probe.keeper();
        probe.check("fuel", &[], true.into());
        probe.check("me", &[], me.clone());
        // Messages: at once, later, and without an answer.
        probe.check("call", &[keeper.into(), 1.into(), "a".into()], ().into());
        assert_eq!(probe.kept(keeper), Value::list([1.into(), "a".into()]), "{name}");
        probe.check("call", &[keeper.into()], Value::list([1.into(), "a".into()]));
        let sent = probe.ask("send", &[keeper.into()]).unwrap().as_ref().unwrap();
        probe.check("send-only", &[keeper.into(), 2.into()], ().into());
        assert_eq!(probe.kept(keeper), Value::list([2.into()]), "{name}");
        assert_eq!(probe.kept(sent), Value::list([1.into(), "a".into()]), "{name}");
        // A failure is passed on as it is.
        assert_eq!(
            probe.ask("call", &[me.clone(), symbol("fail"), 7.into()]),
            Err(Problem::refused(7)),
            "{name}"
        );
        assert_eq!(
            probe.ask("fail", &[Value::list([me.clone()])]),
            Err(Problem::refused(Value::list([me.clone()])))
        );
        // Another of its kind.
        let other = probe.ask("spawn", &[Value::list([me.clone()])]).unwrap();
        assert_eq!(
            call(&mut probe.map, other.as_ref().unwrap(), &[symbol("keep")]),
            Ok(Value::list([me.clone()]))
        );
        // Promises are kept and broken in later turns.
        let mut pair = || probe.ask("promise", &[]).unwrap().as_list().unwrap().to_vec();
        let [kept, keep]: [Value; 2] = pair().try_into().unwrap();
        let [broken, brk]: [Value; 2] = pair().try_into().unwrap();
        let (happy, sad) = (probe.keeper(), probe.keeper());
        probe.ask("on", &[kept.clone(), happy.into(), sad.into(), false.into()]).unwrap();
        probe.ask("on", &[broken.clone(), happy.into(), sad.into(), false.into()]).unwrap();
        probe.check("resolve", &[keep, 8.into()], ().into());
        probe.check("break", &[brk, "why".into()], ().into());
        assert_eq!(probe.kept(happy), Value::list([8.into()]), "{name}");
        assert_eq!(probe.kept(sad), Value::list(["why".into()]), "{name}");
        assert_eq!(probe.kept(kept.as_ref().unwrap()), 8.into(), "{name}");
        // What a handler answers is a promise.
        let echo = [kept.clone(), keeper.into(), false.into(), false.into()];
        let told = probe.ask("on", &echo).unwrap().as_ref().unwrap();
        assert_eq!(probe.kept(told), ().into(), "{name}");
        for promise in [kept, broken] {
            let last = probe.witness();
            assert!(!probe.was_called(last), "{name}");
            probe.ask("on", &[promise, false.into(), false.into(), last.into()]).unwrap();
            assert!(probe.was_called(last), "{name}");
        }
        // Functions that the host granted.
        probe.check("granted", &["x".into()], Value::list(["x".into(), "x".into()]));
        assert_eq!(probe.ask("granted", &[false.into()]), Err(Problem::refused("no twice")), "{name}");
        assert!(probe.ask("granted", &[me]).is_err(), "{name}");
    });
}

#[test]
fn handles_mean_something_in_their_turn_only() {
    each(probes, |kind, name| {
        let mut probe = Probe::new(&kind, name);
        let (one, other) = (probe.keeper(), probe.keeper());
        probe.check("same", &[one.into(), one.into()], true.into());
        probe.check("same", &[one.into(), other.into()], false.into());
        let nested =
            |it: Ref| Value::fields([("a", Value::list([it.into(), Value::tagged("t", "b".into())]))]);
        probe.check("same", &[nested(one), nested(one)], true.into());
        probe.check("same", &[nested(one), nested(other)], false.into());
        let dropped = probe.ask("drop", &[one.into()]).unwrap();
        assert!(
            matches!(&dropped, Value::Error(error) if error.rule == "stale-handle"),
            "{name} {dropped:?}"
        );
        // What it was called in an earlier turn, written down.
        let written = probe.ask("encode", &[one.into()]).unwrap();
        assert_eq!(probe.ask("decode", &[written]).unwrap_err().rule_name(), Some("stale-handle"), "{name}");
        let made_up = Value::bytes(b"<8'desc:cap77+>");
        assert_eq!(
            probe.ask("decode", &[made_up]).unwrap_err().rule_name(),
            Some("unknown-handle"),
            "{name}"
        );
        // What is kept is had in later turns.
        probe.check("keep", &[one.into(), other.into()], ().into());
        probe.check("keep", &[], Value::list([one.into(), other.into()]));
    });
}

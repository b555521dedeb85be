//! Values that are deep, wide or random: none ends the process, and bytes come back as what they were.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may fail loudly, and tables of cases are written as they are read"
)]

use hob_vat::{Actormap, ENCODED_DEPTH_MAX, Int, List, NoNames, Problem, Value, decode, encode};
use num_bigint::BigInt;
use proptest::prelude::*;

const DEEP: u32 = 100_000;

fn nested(how: fn(Value) -> Value, depth: u32) -> Value {
    (0..depth).fold(Value::from("leaf"), |inner, _| how(inner))
}

fn boxed(value: Value) -> Value {
    let mut map = Actormap::new();
    map.peek(|turn| {
        let (brand, _) = turn.promise()?;
        Ok(turn.seal(brand, value))
    })
    .unwrap()
}

/// Every way to nest, and all of them in turn.
fn ways() -> Vec<(&'static str, fn(Value) -> Value)> {
    vec![
        ("list", |it| Value::list([1.into(), it])),
        ("struct", |it| Value::fields([("a", it), ("b", 1.into())])),
        ("tag", |it| Value::tagged("t", it)),
        ("box", boxed),
        ("all", |it| match it.depth() % 4 {
            0 => Value::list([it]),
            1 => Value::fields([("a", it)]),
            2 => Value::tagged("t", it),
            _ => boxed(it),
        }),
    ]
}

#[test]
fn deep_values_are_made_and_dropped() {
    for (name, way) in ways() {
        let deep = nested(way, DEEP);
        assert_eq!(deep.depth(), DEEP, "{name}");
        let half = deep.clone();
        drop(deep);
        // Somebody else had it, so it is all there.
        assert_eq!(half.depth(), DEEP);
        drop(half);
    }
}

#[test]
fn what_is_within_is_kept_when_what_is_around_goes() {
    let inner = nested(|it| Value::list([it]), 1000);
    let outer = (0..1000).fold(inner.clone(), |it, _| Value::list([it]));
    drop(outer);
    let mut levels = 0;
    let mut at = &inner;
    while let Some([next]) = at.as_list() {
        at = next;
        levels += 1;
    }
    assert_eq!((levels, at), (1000, &Value::from("leaf")));
}

#[test]
fn deep_values_are_compared_shown_and_visited() {
    for (name, way) in ways() {
        let (a, b) = (nested(way, DEEP), nested(way, DEEP));
        assert!(a == b, "{name}");
        assert!(a != nested(way, DEEP - 1));
        assert!(a != (0..DEEP).fold(Value::from("other"), |inner, _| way(inner)));
        assert!(a.to_string().len() < 200);
        assert!(format!("{a:?}").len() < 200);
        let mut refs = 0;
        a.visit_refs(&mut |_| refs += 1);
        let expected = match name {
            "box" => DEEP,
            "all" => DEEP / 4,
            _ => 0,
        };
        assert_eq!(refs, expected);
    }
}

#[test]
fn deep_values_are_refused() {
    let mut map = Actormap::new();
    let echo = map.poke(|turn| turn.spawn(&hob_vat::library::CELL, ().into())).unwrap();
    for (_, way) in ways() {
        let check = |problem: Problem| {
            assert_eq!(problem.to_string(), "limit: value-depth limit exceeded: 96 allowed");
        };
        let deep = nested(way, 200);
        check(map.poke(|turn| turn.spawn(&hob_vat::library::CELL, deep.clone())).unwrap_err());
        check(map.poke(|turn| turn.send_only(echo, [deep.clone()])).unwrap_err());
        check(map.poke(|turn| turn.call(echo, &[deep.clone()])).unwrap_err());
        check(
            map.poke(|turn| {
                let (_, resolver) = turn.promise()?;
                turn.fulfill(resolver, deep.clone())
            })
            .unwrap_err(),
        );
        check(
            map.poke(|turn| {
                let (_, resolver) = turn.promise()?;
                turn.call(resolver, &["break".into(), deep.clone()])
            })
            .unwrap_err(),
        );
    }
}

#[test]
fn what_is_too_deep_to_write_is_refused() {
    for (name, way) in ways() {
        if matches!(name, "box" | "all") {
            continue;
        }
        // The innermost level may be a record though it counts as none.
        for leaf in [Value::Undefined, Value::Null, 1.into(), Value::error("a", "b")] {
            let at = (0..ENCODED_DEPTH_MAX).fold(leaf, |it, _| way(it));
            assert_eq!(decode(&encode(&at, &mut NoNames).unwrap(), &mut NoNames).unwrap(), at);
            let problem = encode(&way(at), &mut NoNames).unwrap_err();
            assert_eq!(problem.to_string(), "not-encodable: a value of 128 levels: 127 can be written");
        }
        assert_eq!(encode(&nested(way, DEEP), &mut NoNames).unwrap_err().rule_name(), Some("not-encodable"));
    }
    // Bytes that are deeper than anything is read.
    for open in [&b"["[..], b"{1\"a", b"<4'list", b"<11'desc:tagged1't"] {
        let problem = decode(&open.repeat(100_000), &mut NoNames).unwrap_err();
        assert!(matches!(problem.rule_name(), Some("limit" | "not-syrup" | "not-a-value")), "{problem}");
    }
}

#[test]
fn big_structs_have_one_of_each_name() {
    let fields: hob_vat::Struct =
        (0..100_000_u32).map(|at| (format!("{}", at % 1000).into(), Value::from(at))).collect();
    assert_eq!(fields.len(), 1000);
    for at in 0..1000_u32 {
        assert_eq!(fields.get(&at.to_string()), Some(&Value::from(99_000 + at)));
    }
    let names: Vec<_> = fields.iter().map(|(name, _)| name.clone()).collect();
    assert!(names.is_sorted_by(|a, b| a.as_bytes() < b.as_bytes()));
    // As bytes, from a peer that writes a name twice.
    let twice = decode(b"{1\"a1+1\"b2+1\"a3+}", &mut NoNames);
    assert!(twice.is_err() || twice.unwrap() == Value::fields([("a", 3.into()), ("b", 2.into())]));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Undefined),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<(i128, u8)>().prop_map(|(it, shift)| Value::Int(Int::from(BigInt::from(it) << shift))),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just(f64::NAN), Just(-f64::NAN), Just(-0.0), Just(f64::INFINITY)].prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        ".{0,12}".prop_map(|it| Value::symbol(&it)),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(|it| Value::bytes(&it)),
        (".{0,6}", ".{0,6}").prop_map(|(rule, message)| Value::error(&rule, &message)),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::list),
            prop::collection::vec((".{0,4}", inner.clone()), 0..6)
                .prop_map(|it| Value::Struct(it.into_iter().map(|(name, it)| (name.into(), it)).collect())),
            (".{0,6}", inner).prop_map(|(tag, it)| Value::tagged(&tag, it)),
        ]
    })
}

/// Near to Syrup: its own marks, in any order.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"[",
        b"]",
        b"{",
        b"}",
        b"<",
        b">",
        b"4'void",
        b"11'desc:tagged",
        b"10'desc:error",
        b"1\"a",
        b"1'b",
        b"2:xy",
        b"12+",
        b"0-",
        b"t",
        b"F",
        b"D\x7f\xf8\0\0\0\0\0\0",
        b"9999999999999999999:",
    ];
    let piece = prop::sample::select(pieces);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read(value in values()) {
        let bytes = encode(&value, &mut NoNames).unwrap();
        let back = decode(&bytes, &mut NoNames).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!((back.weight(), back.depth()), (value.weight(), value.depth()));
        prop_assert_eq!(encode(&back, &mut NoNames).unwrap(), bytes);
        prop_assert!(value.to_string().chars().count() < 100_000);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..64), nearly()]) {
        if let Ok(value) = decode(&bytes, &mut NoNames) {
            let written = encode(&value, &mut NoNames).unwrap();
            prop_assert_eq!(decode(&written, &mut NoNames).unwrap(), value);
        }
    }

    #[test]
    fn equality_is_that_of_bytes(a in values(), b in values()) {
        let bytes = |value| encode(value, &mut NoNames).unwrap();
        prop_assert_eq!(a == b, bytes(&a) == bytes(&b));
        prop_assert_eq!(List::from([a.clone()]) == List::from([b.clone()]), a == b);
    }
}

//! An instance that was put back is a fresh one: memory, globals and answers are the same, on both engines, whatever was
//! called before. What cannot be put back says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use std::sync::Arc;

use hob_cap::{Limit, Limits};
use hob_engine::{Choice, Engine, Fault, FaultKind, HostTable, Instance, Linked, Reach, Trap, Value};
use proptest::prelude::*;
use util::{BOTH, bounds, limits};

const PAGE: u32 = 65_536;

/// A resettable module beside itself as it is.
struct Twins {
    choice: Choice,
    resettable: Linked<()>,
    plain: Linked<()>,
}

impl Twins {
    fn new(choice: Choice, wat: &str) -> Self {
        let engine = util::engine(choice);
        let link = |module| engine.link(&module, &Arc::new(HostTable::new())).unwrap();
        let resettable = engine.load_resettable(wat.as_bytes()).unwrap();
        let plain = engine.load(wat.as_bytes()).unwrap();
        assert!(resettable.is_resettable() && !plain.is_resettable());
        assert_eq!(resettable.info(), plain.info());
        assert_eq!(resettable.digest(), plain.digest());
        Self { choice, resettable: link(resettable), plain: link(plain) }
    }

    fn marked(&self) -> Instance<()> {
        let mut instance = self.resettable.instantiate((), bounds(&limits(60_000))).unwrap();
        assert!(instance.mark());
        instance
    }

    fn plain(&self) -> Instance<()> {
        self.plain.instantiate((), bounds(&limits(60_000))).unwrap()
    }

    /// Calls a function of an instance that is as a fresh one, and puts it back. Says whether that could be done.
    fn check(&self, used: &mut Instance<()>, name: &str, args: &[Value]) -> bool {
        let what = format!("{:?} {name}{args:?}", self.choice);
        let mut fresh = self.plain();
        let before = fresh.memory().unwrap().to_vec();
        let (want, got) = (fresh.call_values(name, args), used.call_values(name, args));
        assert_eq!(shown(&got), shown(&want), "{what}");
        let after = fresh.memory().unwrap().to_vec();
        // Looked at without saying that it is written to.
        let seen = used.view().unwrap().bytes(0, after.len() as u32).unwrap().to_vec();
        assert!(seen == after, "{what}: other bytes");
        let dirty: Vec<_> = used.dirty().unwrap().collect();
        let named = |at: usize| dirty.iter().any(|(from, len)| (*from..from + len).contains(&(at as u64)));
        let unnamed = (0..before.len()).find(|at| before[*at] != after[*at] && !named(*at));
        assert_eq!(unnamed, None, "{what}: changed and not named in {dirty:?}");
        let reset = used.reset();
        if reset {
            let seen = used.view().unwrap().bytes(0, before.len() as u32).unwrap().to_vec();
            assert!(seen == before, "{what}: not put back");
            assert_eq!(used.dirty().unwrap().count(), 0, "{what}");
            let mut other = self.resettable.instantiate((), bounds(&limits(60_000))).unwrap();
            assert_eq!(used.globals(), other.globals(), "{what}");
        }
        reset
    }
}

/// An answer as text: what trapped and why, without the names in a backtrace.
fn shown(answer: &Result<Vec<Value>, Fault>) -> String {
    match answer {
        Ok(values) => format!("{values:?}"),
        Err(fault) => match fault.kind() {
            FaultKind::Trap { trap, .. } => format!("{trap:?}"),
            other => format!("{other:?}"),
        },
    }
}

const STORES: [(&str, &str, u32); 14] = [
    ("i32.store", "(i32.const -1)", 4),
    ("i32.store8", "(i32.const -1)", 1),
    ("i32.store16", "(i32.const -1)", 2),
    ("i64.store", "(i64.const -1)", 8),
    ("i64.store8", "(i64.const -1)", 1),
    ("i64.store16", "(i64.const -1)", 2),
    ("i64.store32", "(i64.const -1)", 4),
    ("f32.store", "(f32.const 1.1)", 4),
    ("f64.store", "(f64.const 1.1)", 8),
    ("v128.store", "(v128.const i64x2 -1 -1)", 16),
    ("v128.store8_lane", "(v128.const i64x2 -1 -1)", 1),
    ("v128.store16_lane", "(v128.const i64x2 -1 -1)", 2),
    ("v128.store32_lane", "(v128.const i64x2 -1 -1)", 4),
    ("v128.store64_lane", "(v128.const i64x2 -1 -1)", 8),
];

const OFFSETS: [u32; 4] = [0, 1, 1000, u32::MAX];

fn stores() -> String {
    let mut wat = String::from("(module (memory (export \"memory\") 2) (data (i32.const 1020) \"data\")");
    for (op, value, _) in STORES {
        let lane = if op.ends_with("lane") { "0" } else { "" };
        for offset in OFFSETS {
            wat += &format!(
                "(func (export \"{op} {offset}\") (param i32) ({op} offset={offset} {lane} (local.get 0) {value}))"
            );
        }
    }
    wat + ")"
}

#[test]
fn stores_of_every_width_at_every_edge() {
    let wat = stores();
    for choice in BOTH {
        let twins = Twins::new(choice, &wat);
        let mut used = twins.marked();
        for (op, _, width) in STORES {
            for offset in OFFSETS {
                for edge in [0, 1024, 1 << 15, PAGE, 2 * PAGE] {
                    for at in [
                        edge,
                        edge.wrapping_sub(width),
                        edge.wrapping_sub(width).wrapping_add(1),
                        edge.wrapping_sub(1),
                    ] {
                        let args = [Value::I32(at.wrapping_sub(offset).cast_signed())];
                        assert!(
                            twins.check(&mut used, &format!("{op} {offset}"), &args),
                            "{op} {offset} {at}"
                        );
                    }
                }
            }
        }
    }
}

const MIXED: &str = r#"(module
    (memory (export "memory") 3 5) (data (i32.const 65530) "across an edge") (data $seg "0123456789")
    (global $a (mut i32) (i32.const 7)) (global $b (mut i64) (i64.const -7)) (global $c (mut f32) (f32.const 1.5))
    (global $d (mut f64) (f64.const nan)) (global $e (mut v128) (v128.const i64x2 1 2)) (global $f i32 (i32.const 3))
    (global (export "shown") (mut i32) (i32.const 9))
    (func $work (export "work") (param i32 i32) (result i32)
        (global.set $a (i32.add (global.get $a) (local.get 0)))
        (global.set $b (i64.extend_i32_s (global.get $a)))
        (global.set $c (f32.convert_i32_s (local.get 1)))
        (global.set $d (f64.convert_i32_s (local.get 1)))
        (global.set $e (i32x4.splat (local.get 1)))
        (i32.store (local.get 0) (local.get 1))
        (i64.store offset=1020 (local.get 1) (global.get $b))
        (i32.add (global.get $a) (i32.load (i32.const 65532))))
    (func (export "trap") (param i32 i32) (result i32)
        (drop (call $work (local.get 0) (local.get 1))) unreachable)
    (func $deep (export "deep") (param i32 i32) (result i32)
        (i32.store (local.get 0) (local.get 1))
        (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 16)) (local.get 1))))
    (func (export "fill") (param i32 i32) (result i32)
        (memory.fill (local.get 0) (i32.const 0xab) (local.get 1)) (i32.const 0))
    (func (export "copy") (param i32 i32) (result i32)
        (memory.copy (local.get 0) (local.get 1) (i32.const 5000)) (i32.const 0))
    (func (export "short") (param i32 i32) (result i32)
        (memory.copy (local.get 0) (local.get 1) (i32.const 9)) (i32.const 0))
    (func (export "init") (param i32 i32) (result i32)
        (memory.init $seg (local.get 0) (i32.const 1) (local.get 1)) (i32.const 0)))"#;

const MIXED_NAMES: [&str; 7] = ["work", "trap", "fill", "copy", "short", "init", "deep"];

fn an_argument() -> impl Strategy<Value = u32> {
    let edge = prop_oneof![Just(0), Just(1024), Just(PAGE), Just(2 * PAGE), Just(3 * PAGE)];
    prop_oneof![
        (edge, 0_u32..24).prop_map(|(edge, off)| edge.wrapping_add(off).wrapping_sub(12)),
        0..3 * PAGE,
        any::<u32>(),
        0_u32..12,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_calls_leave_nothing_behind(
        calls in prop::collection::vec((0..MIXED_NAMES.len(), an_argument(), an_argument()), 1..16)
    ) {
        for choice in BOTH {
            let twins = Twins::new(choice, MIXED);
            let mut used = twins.marked();
            for (name, a, b) in &calls {
                // How deep a recursion goes differs between code that notes and code that does not.
                let name = if MIXED_NAMES[*name] == "deep" { "work" } else { MIXED_NAMES[*name] };
                let args = [Value::I32(a.cast_signed()), Value::I32(b.cast_signed())];
                prop_assert!(twins.check(&mut used, name, &args));
            }
        }
    }

    #[test]
    fn turns_are_kept_and_failed_ones_undone(
        turns in prop::collection::vec((any::<bool>(), 0..MIXED_NAMES.len(), an_argument(), an_argument()), 1..16)
    ) {
        for choice in BOTH {
            let twins = Twins::new(choice, MIXED);
            let (mut lived, mut woken) = (twins.marked(), twins.marked());
            // What a store would hold: an image, and what each turn changed in it.
            let mut image = lived.view().unwrap().bytes(0, 3 * PAGE).unwrap().to_vec();
            for (keep, name, a, b) in &turns {
                let before = (image.clone(), lived.globals());
                let args = [Value::I32(a.cast_signed()), Value::I32(b.cast_signed())];
                let ended = lived.call_values(MIXED_NAMES[*name], &args).is_err();
                if *keep && !ended {
                    let dirty: Vec<_> = lived.dirty().unwrap().collect();
                    for (at, len) in dirty {
                        let bytes = lived.view().unwrap().bytes(at as u32, len as u32).unwrap().to_vec();
                        image[at as usize..][..len as usize].copy_from_slice(&bytes);
                    }
                    prop_assert!(lived.mark());
                } else {
                    prop_assert!(lived.reset());
                    prop_assert_eq!(&lived.globals(), &before.1);
                }
                let seen = lived.view().unwrap().bytes(0, 3 * PAGE).unwrap().to_vec();
                prop_assert!(seen == image);
            }
            prop_assert!(lived.is_portable());
            prop_assert!(woken.restore(&image, &lived.globals().unwrap()).unwrap());
            let args = [Value::I32(5), Value::I32(6)];
            let answers = (lived.call_values("work", &args), woken.call_values("work", &args));
            prop_assert_eq!(shown(&answers.0), shown(&answers.1));
            prop_assert_eq!(lived.globals(), woken.globals());
            prop_assert!(woken.reset());
            let seen = woken.view().unwrap().bytes(0, 3 * PAGE).unwrap().to_vec();
            prop_assert!(seen == image);
        }
    }
}

#[test]
fn a_guest_whose_stack_ran_over_is_put_back() {
    for choice in BOTH {
        let twins = Twins::new(choice, MIXED);
        let mut used = twins.marked();
        let fault = used.call::<(u32, u32), u32>("deep", (0, 1)).unwrap_err();
        assert!(matches!(fault.kind(), FaultKind::Trap { .. }), "{fault}");
        assert!(used.reset());
        let args = [Value::I32(1), Value::I32(2)];
        assert!(twins.check(&mut used, "work", &args));
    }
}

#[test]
fn marks_in_a_memory_larger_than_the_map_stand_for_every_lap() {
    let wat = r#"(module (memory (export "memory") 1100) (data (i32.const 67108870) "x")
        (func (export "poke") (param i32) (i32.store8 (local.get 0) (i32.const 1)))
        (func (export "fill") (param i32) (memory.fill (local.get 0) (i32.const 1) (i32.const 70000))))"#;
    for choice in BOTH {
        let twins = Twins::new(choice, wat);
        let mut used = twins.marked();
        for (name, at) in
            [("poke", 5), ("poke", (64 << 20) + 6), ("fill", (64 << 20) - 100), ("poke", (64 << 20) - 1)]
        {
            used.call::<u32, ()>(name, at).unwrap();
            let dirty: Vec<_> = used.dirty().unwrap().collect();
            assert!(
                dirty.iter().any(|(from, len)| (*from..from + len).contains(&u64::from(at))),
                "{dirty:?}"
            );
            assert!(used.reset());
            let mut view = used.view().unwrap();
            let zeros = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
            assert!(zeros(view.bytes(0, (64 << 20) + 6).unwrap()));
            assert_eq!(view.array::<2>((64 << 20) + 6).unwrap(), *b"x\0");
            assert!(zeros(view.bytes((64 << 20) + 8, 1100 * PAGE - (64 << 20) - 8).unwrap()));
        }
    }
}

#[test]
fn what_cannot_be_put_back_says_so() {
    let check = |body: &str, more: &str, put_back: bool| {
        let wat = format!(
            "(module (memory (export \"memory\") 1 3) (table $t 4 8 funcref) (data $d \"x\") (elem $e funcref (ref.func $f))
                (global $g (mut funcref) (ref.null func)) (func $f (export \"run\") {body}) {more})"
        );
        for choice in BOTH {
            let twins = Twins::new(choice, &wat);
            let mut used = twins.marked();
            let reset = {
                drop(used.call::<(), ()>("run", ()));
                used.reset()
            };
            assert_eq!(reset, put_back, "{choice:?} {body}");
            // What stays changed can be marked; it is then no longer memory and globals alone, unless it is memory that grew.
            let mut other = twins.marked();
            assert!(other.is_portable());
            if other.call::<(), ()>("run", ()).is_ok() {
                assert!(other.mark());
                assert!(other.reset());
                assert_eq!(other.is_portable(), put_back || body.contains("grow (i32.const 1)"), "{body}");
            }
        }
    };
    check("", "", true);
    check("(drop (memory.grow (i32.const 1)))", "", false);
    check("(drop (memory.grow (i32.const 0)))", "", true);
    check("(drop (memory.grow (i32.const 3)))", "", true);
    check("(drop (memory.grow (i32.const 1))) unreachable", "", false);
    check("(drop (table.grow $t (ref.null func) (i32.const 1)))", "", false);
    check("(table.set $t (i32.const 0) (ref.func $f))", "", false);
    check("(table.set $t (i32.const 9) (ref.func $f))", "", false);
    check("(table.fill $t (i32.const 0) (ref.func $f) (i32.const 1))", "", false);
    check("(table.copy (i32.const 0) (i32.const 1) (i32.const 1))", "", false);
    check("(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))", "", false);
    check("(elem.drop $e)", "", false);
    check("(data.drop $d)", "", false);
    check("(global.set $g (ref.func $f))", "", false);
    check("(drop (table.get $t (i32.const 0)))", "", true);
}

/// Host functions that write, fail and panic.
fn table() -> HostTable<u32> {
    let mut table = HostTable::<u32>::new();
    table.func("m", "write", Reach::Nothing, |ctx: &mut hob_engine::Ctx<'_, u32>, at: u32| {
        *ctx.data() += 1;
        Ok(u32::from(ctx.memory()?.write(at, b"host").is_ok()))
    });
    table.func(
        "m",
        "exit",
        Reach::Nothing,
        |_: &mut hob_engine::Ctx<'_, u32>, code: u32| -> Result<u32, Fault> { Err(Fault::exit(code)) },
    );
    table.func(
        "m",
        "fail",
        Reach::Nothing,
        |_: &mut hob_engine::Ctx<'_, u32>, _: u32| -> Result<u32, Fault> { Err(Fault::host("no")) },
    );
    table.func(
        "m",
        "panic",
        Reach::Nothing,
        |_: &mut hob_engine::Ctx<'_, u32>, _: u32| -> Result<u32, Fault> { panic!("in a host function") },
    );
    table
}

fn worldly(engine: &Engine, limits: &Limits) -> Instance<u32> {
    let functions = ["write", "exit", "fail", "panic"]
        .map(|name| {
            format!(
                "(func (export \"{name}\") (param i32) (result i32)
                    (i32.store (i32.const 3000) (i32.const 1)) (call ${name} (local.get 0)))"
            )
        })
        .join("");
    let imports = ["write", "exit", "fail", "panic"]
        .map(|name| format!("(import \"m\" \"{name}\" (func ${name} (param i32) (result i32)))"))
        .join("");
    let wat = format!(
        "(module {imports} (memory (export \"memory\") 1) {functions}
            (func (export \"loop\") (i32.store (i32.const 0) (i32.const 1)) (loop (br 0)))
            (func (export \"grow\") (result i32) (memory.grow (i32.const 1)))
            (func (export \"peek\") (param i32) (result i32) (i32.load (local.get 0))))"
    );
    let module = engine.load_resettable(wat.as_bytes()).unwrap();
    let linked = engine.link(&module, &Arc::new(table())).unwrap();
    linked.instantiate(0, bounds(limits)).unwrap()
}

#[test]
fn what_the_host_wrote_is_put_back_too() {
    for choice in BOTH {
        let mut instance = worldly(&util::engine(choice), &limits(60_000));
        assert!(instance.mark());
        assert_eq!(instance.host_calls(), 0);
        for at in [0, 1022, 65_532] {
            assert_eq!(instance.call::<u32, u32>("write", at).unwrap(), 1);
            instance.view().unwrap().write(10_000, b"caller").unwrap();
            assert!(instance.reset());
            assert!(instance.view().unwrap().bytes(0, PAGE).unwrap().iter().all(|byte| *byte == 0), "{at}");
        }
        assert_eq!((instance.host_calls(), *instance.data()), (3, 3));
        instance.memory().unwrap()[40_000] = 1;
        assert!(instance.reset());
        assert_eq!(instance.view().unwrap().array::<1>(40_000).unwrap(), [0]);
        // More ranges than are kept one by one.
        (0..200).for_each(|at| instance.view().unwrap().write(at * 300, b"x").unwrap());
        assert!(instance.reset());
        assert!(instance.view().unwrap().bytes(0, PAGE).unwrap().iter().all(|byte| *byte == 0));
    }
}

#[test]
fn only_an_end_that_leaves_the_instance_whole_can_be_undone() {
    for choice in BOTH {
        for (name, put_back) in [("exit", true), ("fail", false), ("panic", false)] {
            let mut instance = worldly(&util::engine(choice), &limits(60_000));
            assert!(!instance.reset(), "there is no mark");
            assert!(instance.mark());
            assert!(instance.call::<u32, u32>(name, 1).is_err());
            let ended = instance.call::<u32, u32>("peek", 3000).unwrap_err();
            assert!(matches!(ended.kind(), FaultKind::Ended));
            assert!(!instance.mark(), "an end is not kept");
            assert_eq!(instance.reset(), put_back, "{choice:?} {name}");
            assert_eq!(instance.call::<u32, u32>("peek", 3000).ok(), put_back.then_some(0), "{name}");
        }
    }
}

#[test]
fn every_call_has_bounds_of_its_own() {
    for choice in BOTH {
        let mut instance = worldly(&util::engine(choice), &limits(60_000));
        assert!(instance.mark());
        for _ in 0..3 {
            instance.renew(bounds(&limits(20))).unwrap();
            let fault = instance.call::<(), ()>("loop", ()).unwrap_err();
            assert!(fault.is_deadline(), "{choice:?}: {fault}");
            assert!(instance.reset());
            instance.renew(bounds(&limits(60_000))).unwrap();
            assert_eq!(instance.call::<u32, u32>("peek", 0).unwrap(), 0);
        }
    }
}

#[test]
fn fuel_is_counted_anew() {
    for choice in BOTH {
        let config = hob_engine::EngineConfig { choice, metered: true, ..Default::default() };
        let limits = Limits { fuel: Some(10_000), ..limits(60_000) };
        let mut instance = worldly(&Engine::new(config), &limits);
        assert!(instance.mark());
        for _ in 0..3 {
            let fault = instance.call::<(), ()>("loop", ()).unwrap_err();
            let FaultKind::Limit(over) = fault.kind() else { panic!("{choice:?}: {fault}") };
            assert_eq!((over.limit, over.allowed), (Limit::Fuel, 10_000));
            assert!(instance.reset());
            instance.renew(bounds(&limits)).unwrap();
            assert_eq!(instance.fuel_used(), 0);
            assert_eq!(instance.call::<u32, u32>("peek", 0).unwrap(), 0);
            assert!((1..100).contains(&instance.fuel_used()), "{}", instance.fuel_used());
        }
    }
}

#[test]
fn the_ledger_of_each_call_is_charged_with_what_the_instance_holds() {
    for choice in BOTH {
        // The map is not the guest's: a guest that may have one page has it.
        let one = Limits { memory_bytes: PAGE.into(), ..limits(60_000) };
        let first = bounds(&one);
        let ledger = Arc::clone(&first.ledger);
        let mut instance = worldly(&util::engine(choice), &one);
        assert!(instance.mark());
        instance.renew(first).unwrap();
        assert_eq!(ledger.used(Limit::Memory), PAGE.into());
        assert_eq!(instance.call::<(), i32>("grow", ()).unwrap(), -1);
        let two = bounds(&Limits { memory_bytes: 2 * u64::from(PAGE), ..limits(60_000) });
        let other = Arc::clone(&two.ledger);
        instance.renew(two).unwrap();
        assert_eq!((ledger.used(Limit::Memory), other.used(Limit::Memory)), (0, PAGE.into()));
        assert_eq!(instance.call::<(), i32>("grow", ()).unwrap(), 1);
        assert_eq!(other.used(Limit::Memory), 2 * u64::from(PAGE));
        let refused = instance.renew(bounds(&one)).unwrap_err();
        assert!(matches!(refused.kind(), FaultKind::Limit(over) if over.limit == Limit::Memory), "{refused}");
        assert_eq!(other.used(Limit::Memory), 2 * u64::from(PAGE), "the old bounds stay");
        assert!(!instance.reset(), "it grew");
        drop(instance);
        assert_eq!(other.used(Limit::Memory), 0);
    }
}

#[test]
fn a_larger_image_is_restored_and_a_smaller_one_or_other_globals_are_not() {
    let wat = r#"(module (memory (export "memory") 1 3) (global (mut i64) (i64.const 1))
        (func (export "size") (result i32) (memory.size)))"#;
    for choice in BOTH {
        let twins = Twins::new(choice, wat);
        let image: Vec<u8> = (0..3 * PAGE).map(|at| (at % 251) as u8).collect();
        let mut woken = twins.marked();
        assert!(woken.restore(&image, &[u64::MAX.into()]).unwrap());
        assert_eq!(woken.call::<(), u32>("size", ()).unwrap(), 3);
        assert_eq!(woken.globals().unwrap(), [u64::MAX.into()]);
        assert!(woken.view().unwrap().bytes(0, 3 * PAGE).unwrap() == image);
        assert!(!woken.restore(&image[..PAGE as usize], &[0]).unwrap(), "smaller");
        let mut other = twins.marked();
        assert!(!other.restore(&image[..PAGE as usize + 1], &[0]).unwrap(), "no whole pages");
        assert!(!other.restore(&image[..PAGE as usize], &[]).unwrap(), "too few globals");
        assert!(!other.restore(&image[..PAGE as usize], &[u128::MAX]).unwrap(), "too many bits");
        let large = vec![0; 4 * PAGE as usize];
        assert!(twins.marked().restore(&large, &[0]).is_err(), "more than the module allows");
    }
}

#[test]
fn what_start_did_is_part_of_the_mark() {
    let wat = r#"(module (memory (export "memory") 1) (global $g (mut i32) (i32.const 0))
        (func $s (i32.store (i32.const 8) (i32.const 5)) (global.set $g (i32.const 6)) (drop (memory.grow (i32.const 1))))
        (start $s)
        (func (export "run") (result i32)
            (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (global.get $g)))
            (global.set $g (i32.const 100)) (i32.add (i32.load (i32.const 8)) (memory.size))))"#;
    for choice in BOTH {
        let twins = Twins::new(choice, wat);
        let mut used = twins.marked();
        (0..3).for_each(|_| assert!(twins.check(&mut used, "run", &[])));
        assert_eq!(used.call::<(), i32>("run", ()).unwrap(), 13);
    }
}

#[test]
fn one_that_waits_takes_no_slot_of_a_pool() {
    let config = hob_engine::EngineConfig {
        choice: Choice::Wasmtime,
        allocation: hob_engine::Allocation::Pooled { slots: 1 },
        ..Default::default()
    };
    let engine = Engine::new(config);
    let module = engine.load_resettable(b"(module (memory 1) (func (export \"f\")))").unwrap();
    let linked = engine.link(&module, &Arc::new(HostTable::<()>::new())).unwrap();
    let make = || linked.instantiate((), bounds(&limits(60_000)));
    let mut waiting = Vec::new();
    for _ in 0..hob_engine::IDLE_MAX {
        let mut instance = make().unwrap();
        assert!(instance.mark() && make().is_err());
        assert!(instance.rest());
        waiting.push(instance);
    }
    let mut last = make().unwrap();
    assert!(!last.rest(), "one more does not wait");
    let mut next = waiting.pop().unwrap();
    assert!(next.renew(bounds(&limits(60_000))).is_err(), "the slot is taken");
    drop(last);
    next.renew(bounds(&limits(60_000))).unwrap();
    next.call::<(), ()>("f", ()).unwrap();
    assert!(next.reset() && make().is_err());
}

#[test]
fn a_plain_module_is_not_put_back() {
    for choice in BOTH {
        let mut instance =
            util::start_plain(choice, "(module (memory (export \"memory\") 1))", &limits(60_000)).unwrap();
        assert!(!instance.mark() && !instance.reset() && !instance.is_portable());
        assert!(instance.globals().is_none() && instance.dirty().is_none());
        let traps = util::start_plain(choice, "(module (func (export \"f\") unreachable))", &limits(60_000));
        let fault = traps.unwrap().call::<(), ()>("f", ()).unwrap_err();
        assert!(matches!(fault.kind(), FaultKind::Trap { trap: Trap::Unreachable, .. }));
    }
}

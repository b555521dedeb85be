//! What an actor has no reference to, it cannot reach; what nobody can reach, is gone, and nothing else is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may fail loudly, and tables of cases are written as they are read"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use common::interp::{INVOKED, Op, fresh, interp, program, programs};
use common::*;
use hob_vat::{Actormap, Answer, Body, Message, Outcome, Ref, Report, Standing, Value, kind_fn, probe};
use proptest::prelude::*;

/// Two actors that do what they are told and know nothing of each other; the first has a little to begin with.
fn world() -> (Actormap, Ref, Ref) {
    let mut map = Actormap::new();
    let kind = fresh();
    let (near, resolver) = promise(&mut map);
    let other = spawn(&mut map, interp(&kind), Value::list([]));
    let far =
        [probe::session(0).object(1, 1), probe::session(0).promise(2, 1), probe::other_vat(7).object(3, 1)];
    let refs = [other, near, resolver, far[0], far[1], far[2]];
    let root = spawn(&mut map, interp(&kind), Value::list(refs.map(Value::from)));
    let alone = spawn(&mut map, interp(&kind), Value::list([]));
    (map, root, alone)
}

fn order(map: &mut Actormap, to: Ref, script: &[Op], resolver: Option<Ref>) {
    let body = Body::Args([program(script)].into());
    map.enqueue(Message { to, body, resolver }).unwrap();
}

fn body_refs(body: &Body) -> Vec<Ref> {
    let mut refs = Vec::new();
    let mut visit = |found| refs.push(found);
    match body {
        Body::Args(args) => args.iter().for_each(|arg| arg.visit_refs(&mut visit)),
        Body::Fulfill(value) | Body::Break(value) => value.visit_refs(&mut visit),
        Body::Listen { listener, .. } => visit(*listener),
    }
    refs
}

/// What a turn can know by the rules: what the message brought, what the actors that were called had, what was made, and what
/// settled promises among all that stand for.
struct Known {
    refs: BTreeSet<Ref>,
    births: u64,
}

impl Known {
    fn by_rules(
        before: &[probe::Place],
        after: &[probe::Place],
        births: u64,
        report: &Report,
        called: &[Ref],
    ) -> Self {
        let mut known = Self { refs: BTreeSet::new(), births };
        known.refs.insert(report.message.to);
        known.refs.extend(body_refs(&report.message.body));
        known.refs.extend(report.message.resolver);
        let at = |places: &[probe::Place], one: Ref| {
            places.iter().find(|it| probe::same_place(it.reference, one)).cloned()
        };
        for actor in called {
            known.refs.insert(*actor);
            known.refs.extend(at(before, *actor).map(|it| it.refs).unwrap_or_default());
        }
        loop {
            let mut more = Vec::new();
            for one in known.refs.iter().filter(|one| one.is_promise()) {
                for places in [before, after] {
                    more.extend(
                        at(places, *one).filter(|it| !it.waits).map(|it| it.refs).unwrap_or_default(),
                    );
                }
            }
            let count = known.refs.len();
            known.refs.extend(more);
            if known.refs.len() == count {
                return known;
            }
        }
    }

    fn has(&self, one: Ref) -> bool {
        self.refs.contains(&one)
            || (one.vat() == probe::actormap(0, hob_vat::Limits::default()).vat()
                && probe::birth(one) >= self.births)
    }
}

/// The actor that a message reaches.
fn reached(map: &mut Actormap, to: Ref) -> Option<Ref> {
    match map.peek(|turn| turn.standing(to)) {
        Ok(Standing::Object(actor)) => Some(actor),
        _ => None,
    }
}

/// Handles one message and holds what came of it to the rules.
fn checked_step(map: &mut Actormap) -> Result<bool, TestCaseError> {
    let before = probe::places(map);
    let births = probe::births(map);
    let (actors_before, next) = (states(map), probe::next(map));
    let Some(next) = next else { return Ok(false) };
    let target = reached(map, next.to);
    INVOKED.take();
    let births = births.max(probe::births(map));
    probe::step(map);
    let mut called = INVOKED.take();
    called.extend(target);
    let report = map.take_reports().remove(0);
    let after = probe::places(map);
    let known = Known::by_rules(&before, &after, births, &report, &called);
    for message in &report.sent {
        // What a listener is told, and what an answer says, is settled or answered by what is known.
        for one in body_refs(&message.body).into_iter().chain([message.to]) {
            let kernel = match &message.body {
                // The promise asks in its own name.
                Body::Listen { listener, .. } => {
                    before
                        .iter()
                        .chain(&after)
                        .any(|it| it.waits && probe::same_place(it.reference, *listener))
                        && (one == *listener || known.has(one))
                }
                // Who asked to be told is told: those were kept with the promise. Who asks for partial news of a promise that was resolved
                // to another is told of that.
                Body::Fulfill(_) | Body::Break(_) => {
                    let asked = matches!(report.message.body, Body::Listen { partial: true, .. });
                    let of = |it: &&probe::Place| probe::same_place(it.reference, report.message.to);
                    one == message.to && before.iter().any(|it| it.waits && it.refs.contains(&one))
                        || asked && before.iter().find(of).is_some_and(|it| it.closer == Some(one))
                }
                // What is for a promise that follows a question goes where the question went: the actor sees none of it.
                Body::Args(args) => {
                    let from = |it: &&probe::Place| probe::same_place(it.reference, report.message.to);
                    one == message.to
                        && report.message.body == Body::Args(args.clone())
                        && before.iter().find(from).is_some_and(|it| it.waits && it.refs.contains(&one))
                }
            };
            prop_assert!(known.has(one) || kernel, "{} in {:?} of {:?}", one, message, report);
        }
    }
    // An actor has what it had or got, and only who was called has changed.
    for (actor, state) in states(map) {
        if actors_before.get(&actor) == Some(&state) {
            continue;
        }
        let mut refs = Vec::new();
        state.visit_refs(&mut |found| refs.push(found));
        let born = !actors_before.contains_key(&actor);
        prop_assert!(born || called.contains(&actor), "{} changed and was not called", actor);
        for one in refs {
            prop_assert!(known.has(one), "{} in the state of {} after {:?}", one, actor, report);
        }
    }
    if matches!(report.outcome, Outcome::Failed(_)) {
        prop_assert!(report.sent.len() <= 1);
        prop_assert_eq!(states(map), actors_before);
    }
    Ok(true)
}

fn states(map: &Actormap) -> BTreeMap<Ref, Value> {
    probe::places(map)
        .into_iter()
        .filter_map(|place| probe::state(map, place.reference).map(|state| (place.reference, state)))
        .collect()
}

/// What can be reached, the slow way.
fn reachable(map: &Actormap, roots: impl IntoIterator<Item = Ref>) -> BTreeSet<u32> {
    let places = probe::places(map);
    let mut todo: Vec<Ref> = roots.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(one) = todo.pop() {
        for place in places.iter().filter(|it| probe::same_place(it.reference, one)) {
            if found.insert(place.index) {
                todo.extend(&place.refs);
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn references_are_got_by_the_rules(scripts in prop::collection::vec((programs(true), any::<bool>()), 1..6)) {
        let (mut map, root, alone) = world();
        map.watch();
        for (script, first) in &scripts {
            let (_, resolver) = promise(&mut map);
            order(&mut map, if *first { root } else { alone }, script, Some(resolver));
            for _ in 0..40 {
                if !checked_step(&mut map)? {
                    break;
                }
            }
        }
    }

    /// What an actor does that knows nobody is seen by nobody, however long it goes on.
    #[test]
    fn who_knows_nobody_changes_nothing_of_others(
        before in prop::collection::vec(programs(true), 0..4),
        scripts in prop::collection::vec(programs(true), 1..4),
    ) {
        let (mut map, root, alone) = world();
        for script in &before {
            order(&mut map, root, script, None);
            for _ in 0..100 {
                probe::step(&mut map);
            }
        }
        if !map.is_quiet() {
            return Ok(());
        }
        probe::take_outbox(&mut map);
        let own = reachable(&map, [alone]);
        let others = |map: &Actormap, births: u64| -> Vec<String> {
            probe::texts(map)
                .into_iter()
                .filter(|(reference, _)| probe::birth(*reference) < births)
                .filter(|(reference, _)| !own.contains(&probe::place(*reference)))
                .map(|(_, text)| text)
                .collect()
        };
        let births = probe::births(&map);
        let was = others(&map, births);
        for script in &scripts {
            order(&mut map, alone, script, None);
            for _ in 0..40 {
                probe::step(&mut map);
            }
        }
        prop_assert_eq!(others(&map, births), was);
        // Nothing left the vat either: it had nobody to send to.
        prop_assert!(probe::take_outbox(&mut map).is_empty());
    }

    #[test]
    fn the_same_messages_lead_to_the_same(scripts in prop::collection::vec((programs(true), 0..4_u8), 1..6)) {
        let run = || {
            let (mut map, root, alone) = world();
            map.watch();
            let mut texts = Vec::new();
            for (script, what) in &scripts {
                order(&mut map, if what % 2 == 0 { root } else { alone }, script, None);
                for _ in 0..30 {
                    probe::step(&mut map);
                }
                match what {
                    2 => texts.push(format!("{:?}", probe::settle_young(&mut map, &[root, alone]))),
                    3 => texts.push(format!("{:?}", probe::collect(&mut map, &[root, alone]))),
                    _ => {}
                }
            }
            (map.take_reports(), probe::snapshot(&map), probe::births(&map), texts)
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn a_collection_frees_what_cannot_be_reached_and_nothing_else(
        scripts in prop::collection::vec((programs(true), 0..4_u8), 1..8),
        keep in any::<(bool, bool)>(),
    ) {
        let (mut map, root, alone) = world();
        let mut dead: Vec<(Ref, probe::Place)> = Vec::new();
        for (script, what) in &scripts {
            let to = if *what % 2 == 0 { root } else { alone };
            // By a message, or by the program outside, which may fail and leaves nothing then.
            if *what == 1 {
                let _ = map.poke(|turn| turn.call(to, &[program(script)]));
            } else {
                order(&mut map, to, script, None);
            }
            for _ in 0..(*what * 10) {
                probe::step(&mut map);
            }
            let places = probe::places(&map);
            let exported = places.iter().filter(|it| it.exported).map(|it| it.reference);
            let roots: Vec<Ref> = [keep.0.then_some(root), keep.1.then_some(alone)].into_iter().flatten().collect();
            let mut from: Vec<Ref> = roots.clone();
            from.extend(probe::refs_in_messages(&map));
            from.extend(exported);
            if *what < 2 {
                // Of the young: what an old one has, or one of those above.
                from.extend(places.iter().filter(|it| !it.young).map(|it| it.reference));
                let stays = reachable(&map, from);
                let expected: Vec<u32> =
                    places.iter().filter(|it| it.young && stays.contains(&it.index)).map(|it| it.index).collect();
                let (born, changed) = probe::settle_young(&mut map, &roots);
                prop_assert_eq!(born, expected);
                prop_assert!(changed.is_sorted());
                let now: BTreeSet<u32> = probe::places(&map).iter().map(|it| it.index).collect();
                prop_assert_eq!(now, stays);
            } else {
                let stays = reachable(&map, from);
                let freed: BTreeSet<u32> = probe::collect(&mut map, &roots).into_iter().collect();
                let expected: BTreeSet<u32> =
                    places.iter().map(|it| it.index).filter(|index| !stays.contains(index)).collect();
                prop_assert_eq!(freed, expected);
            }
            let now = probe::places(&map);
            prop_assert!(now.iter().all(|it| !probe::marked(&map, it.index)));
            dead.extend(
                places
                    .into_iter()
                    .filter(|was| !now.iter().any(|it| it.reference == was.reference))
                    .map(|was| (was.reference, was)),
            );
            if dead.iter().any(|(it, _)| *it == root || *it == alone) {
                break;
            }
        }
        // What is gone stays gone, whoever has its place now.
        let log = log(&mut map);
        for _ in 0..dead.len() {
            spawn(&mut map, &LOG, Value::list([]));
        }
        let was = probe::snapshot(&map);
        for (reference, _) in &dead {
            let reference = *reference;
            let gone = |result: Result<Value, hob_vat::Problem>| {
                result.is_err_and(|problem| problem.rule_name() == Some("stale-reference"))
            };
            prop_assert!(gone(map.peek(|turn| turn.call(reference, &[1.into()]))));
            prop_assert!(gone(map.peek(|turn| turn.standing(reference).map(|_| Value::Null))));
            let resolver = probe::resolver(reference);
            prop_assert!(gone(map.peek(|turn| turn.call(resolver, &["fulfill".into(), 1.into()]))));
        }
        prop_assert_eq!(probe::snapshot(&map), was);
        let _ = log;
    }
}

#[test]
fn messages_to_what_is_gone_reach_nobody() {
    let mut map = Actormap::new();
    let log = log(&mut map);
    let (promise, _) = promise(&mut map);
    map.collect(&[]);
    // Two others take the places.
    let (a, b) = (common::log(&mut map), common::log(&mut map));
    assert_eq!([a, b].map(probe::place).into_iter().collect::<BTreeSet<_>>().len(), 2);
    for stale in [log, promise, probe::resolver(promise)] {
        let answer = send(&mut map, stale, ["fulfill".into(), 1.into()]);
        assert!(standing(&mut map, answer).starts_with("broken <error stale-reference:"));
    }
    assert_eq!((seen(&map, a), seen(&map, b)), ("[]".into(), "[]".into()));
}

#[test]
fn what_one_may_become_another_may_not() {
    static SMUGGLED: Mutex<Option<Answer>> = Mutex::new(None);
    let mut map = Actormap::new();
    let gives = kind_fn("gives", |_, me, _| {
        *SMUGGLED.lock().unwrap() = Some(me.becomes("stolen".into()).saying("mine"));
        Ok("given".into())
    });
    let takes = kind_fn("takes", |turn, _, _| {
        // It has an effect, which must not remain.
        turn.promise()?;
        Ok(SMUGGLED.lock().unwrap().take().unwrap())
    });
    let gives = spawn(&mut map, gives, "its own");
    let takes = spawn(&mut map, takes, "its own");
    map.poke(|turn| turn.call(gives, &[])).unwrap();
    let was = probe::snapshot(&map);
    let problem = map.poke(|turn| turn.call(takes, &[])).unwrap_err();
    assert_eq!(problem.rule_name(), Some("wrong-become"));
    assert_eq!(probe::snapshot(&map), was);
    // Within a turn that goes on, too.
    map.poke(|turn| {
        turn.call(gives, &[])?;
        assert_eq!(turn.call(takes, &[]).unwrap_err().rule_name(), Some("wrong-become"));
        Ok(())
    })
    .unwrap();
    assert_eq!(probe::snapshot(&map), was);
}

#[test]
fn a_box_is_opened_by_its_brand_only() {
    let mut map = Actormap::new();
    let (brand, resolver) = promise(&mut map);
    let secret = log(&mut map);
    let other = log(&mut map);
    map.peek(|turn| {
        let sealed = turn.seal(brand, secret.into());
        assert_eq!(turn.unseal(brand, &sealed), Some(secret.into()));
        for wrong in [resolver, secret, other] {
            assert_eq!(turn.unseal(wrong, &sealed), None);
        }
        assert_eq!(turn.unseal(brand, &secret.into()), None);
        assert_eq!(
            (sealed.to_string(), format!("{sealed:?}")),
            ("<sealed>".into(), "Sealed(<sealed>)".into())
        );
        Ok(())
    })
    .unwrap();
}

/// What is in a box is held by whoever has the box.
#[test]
fn what_is_sealed_queued_exported_or_listening_is_kept() {
    let session = probe::session(0);
    let cases: [(&str, fn(&mut Actormap, Ref, Ref)); 6] = [
        ("sealed", |map, keeper, it| {
            map.poke(|turn| {
                let sealed = turn.seal(keeper, it.into());
                turn.call(keeper, &[sealed])
            })
            .unwrap();
        }),
        ("queued", |map, keeper, it| map.poke(|turn| turn.send_only(keeper, [it.into()])).unwrap()),
        ("target of what is queued", |map, _, it| map.poke(|turn| turn.send_only(it, [])).unwrap()),
        ("waiting", |map, keeper, it| {
            let (p, r) = promise(map);
            map.poke(|turn| turn.call(keeper, &[p.into(), r.into()])).unwrap();
            tell(map, p, [it.into()]);
        }),
        ("listening", |map, keeper, it| {
            let (p, r) = promise(map);
            map.poke(|turn| turn.call(keeper, &[r.into()])).unwrap();
            map.poke(|turn| turn.listen(p, it, false)).unwrap();
            map.churn();
        }),
        ("on its way out", |map, _, it| {
            map.poke(|turn| turn.send_only(probe::session(0).object(1, 1), [it.into()])).unwrap();
        }),
    ];
    for (what, keep) in cases {
        for full in [true, false] {
            let mut map = Actormap::new();
            let keeper = log(&mut map);
            if !full {
                probe::settle_young(&mut map, &[keeper]);
            }
            let it = log(&mut map);
            let unheld = log(&mut map);
            keep(&mut map, keeper, it);
            if full {
                probe::collect(&mut map, &[keeper]);
            } else {
                probe::settle_young(&mut map, &[keeper]);
            }
            assert!(map.peek(|turn| turn.standing(it)).is_ok(), "{what} {full}");
            assert!(map.peek(|turn| turn.standing(unheld)).is_err(), "{what} {full}");
        }
    }
    // What left the vat is held though the message is gone.
    let mut map = Actormap::new();
    let it = log(&mut map);
    map.poke(|turn| turn.send_only(session.object(1, 1), [it.into()])).unwrap();
    probe::take_outbox(&mut map);
    assert_eq!(probe::collect(&mut map, &[]), Vec::<u32>::new());
    assert_eq!(probe::settle_young(&mut map, &[]).0, vec![probe::place(it)]);
}

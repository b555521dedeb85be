//! What a turn keeps and what it refuses.

use crate::kind::{Me, kind_fn};
use crate::library::COUNTER;
use crate::{Actormap, On, Problem, Standing, Turn, Value};

#[test]
fn what_an_actor_became_in_a_call_within_is_not_written_over() {
    let mut map = Actormap::new();
    // With an argument it calls that first; then it adds one to what it was when it was called.
    let adder = kind_fn("adder", |turn: &mut Turn, me: Me<'_>, args| {
        if let [Value::Ref(first)] = args {
            turn.call(*first, &[])?;
        }
        Ok(me.becomes((me.state().as_i64().unwrap_or(0) + 1).into()))
    });
    let reads = kind_fn("reads", |turn: &mut Turn, me: Me<'_>, _| {
        Ok(turn.call(me.state().as_ref().unwrap(), &[Value::symbol("get")])?.into())
    });
    let (adder, back, other) = map
        .poke(|turn| {
            let adder = turn.spawn(adder, 0.into())?;
            let back = kind_fn("back", |turn: &mut Turn, me: Me<'_>, _| {
                Ok(turn.call(me.state().as_ref().unwrap(), &[])?.into())
            });
            let counter = turn.spawn(&COUNTER, 0.into())?;
            Ok((adder, turn.spawn(back, adder.into())?, turn.spawn(reads, counter.into())?))
        })
        .unwrap();
    let mut call = |args: &[Value]| map.poke(|turn| turn.call(adder, args)).map_err(rule);
    assert_eq!(call(&[back.into()]), Err(Some("re-entered".into())));
    assert_eq!(call(&[other.into()]), Ok(().into()));
    assert_eq!(call(&[]), Ok(().into()));
    assert_eq!(map.turn.core.space.get(adder).map(state).unwrap(), Value::from(2));
}

#[expect(clippy::needless_pass_by_value, reason = "it is used with map_err")]
fn rule(problem: Problem) -> Option<String> {
    problem.rule_name().map(str::to_owned)
}

fn state(content: &crate::message::Content) -> Value {
    match content {
        crate::message::Content::Object { state, .. } => state.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_cannot_listen_is_told_so() {
    let limits = crate::Limits { waiting: 2, ..crate::Limits::default() };
    let mut map = Actormap::with_limits(limits);
    let joined = map
        .poke(|turn| {
            let (promise, _) = turn.promise()?;
            (0..3).map(|_| crate::library::all_of(turn, &[promise.into()])).collect::<Result<Vec<_>, _>>()
        })
        .unwrap();
    map.churn();
    let standing = |map: &mut Actormap, at| map.peek(|turn| turn.standing(at)).unwrap();
    assert_eq!(standing(&mut map, joined[1]), Standing::Unresolved);
    let Standing::Broken(reason) = standing(&mut map, joined[2]) else { panic!("it waits") };
    assert_eq!(Problem::refused(reason).rule_name(), Some("limit"));
}

#[test]
fn a_resolver_is_an_object_also_when_it_has_resolved() {
    let mut map = Actormap::new();
    let (before, after, resolver) = map
        .poke(|turn| {
            let (_, resolver) = turn.promise()?;
            let before = turn.on(resolver, On::default())?;
            turn.fulfill(resolver, 1)?;
            Ok((before, turn.on(resolver, On::default())?, resolver))
        })
        .unwrap();
    map.churn();
    for promise in [before, after] {
        assert_eq!(map.peek(|turn| turn.standing(promise)).unwrap(), Standing::Object(resolver));
    }
}

/// What no vat writes and a damaged record may hold: a promise that stands for itself, or two that stand for each other.
#[test]
fn a_circle_of_what_stands_for_something_is_nothing() {
    use crate::message::Content;
    use crate::reference::{Facet, Ref};

    let check = |links: &dyn Fn(Ref, Ref) -> [Ref; 2]| {
        let mut map = Actormap::new();
        let (one, other) = map.poke(|turn| Ok((turn.promise()?.0, turn.promise()?.0))).unwrap();
        let [first, second] = links(one, other);
        map.turn.core.space.replace(one, Content::Link(first));
        map.turn.core.space.replace(other, Content::Link(second));
        map.turn.core.space.forget();
        let stale = Some("stale-reference".to_owned());
        assert_eq!(map.peek(|turn| turn.standing(one)).map_err(rule), Err(stale.clone()));
        assert_eq!(map.peek(|turn| turn.call(one, &[])).map_err(rule), Err(stale.clone()));
        let answer = map.poke(|turn| turn.send(one, [])).unwrap();
        map.churn();
        let Ok(Standing::Broken(reason)) = map.peek(|turn| turn.standing(answer)) else { panic!("{answer}") };
        assert_eq!(rule(Problem::refused(reason)), stale);
    };
    check(&|one, _| [one, one]);
    check(&|one, other| [other, one]);
    check(&|one, other| [other.with_facet(Facet::Object), one.with_facet(Facet::Object)]);
}

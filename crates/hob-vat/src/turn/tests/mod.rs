//! What a turn keeps and what it refuses.

use crate::kind::{Me, kind_fn};
use crate::library::COUNTER;
use crate::{Actormap, Problem, Turn, Value};

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

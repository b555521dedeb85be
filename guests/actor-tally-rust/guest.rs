//! The counter of `actor-counter-wat`, a version later: it counts in steps, which `step N` sets. The state is `[count step]`; that of
//! version 0 was the count alone. A count above 1000 has no successor.
#![no_std]
extern crate alloc;

use alloc::vec;

use hob_actor::{Next, Outcome, Turn, Value, actor, bare, no_method, problem};

const COUNT_MAX: i64 = 1000;

fn state(count: i64, step: i64) -> Value {
    vec![count.into(), step.into()].into()
}

fn turn(turn: Turn) -> Outcome {
    let bad = || problem("bad-state", "no count and step");
    let [count, step] = turn.state.as_list().ok_or_else(bad)? else { return Err(bad()) };
    let (count, step) = (count.as_int().ok_or_else(bad)?, step.as_int().ok_or_else(bad)?);
    match turn.method() {
        ("inc", []) => Ok(Next::Become(state(count + step, step), (count + step).into())),
        ("step", [to]) => {
            let to = to.as_int().ok_or_else(|| problem("bad-arguments", "a step is a number"))?;
            Ok(Next::Become(state(count, to), ().into()))
        }
        ("get", []) => Ok(Next::Answer(count.into())),
        (other, _) => Err(no_method(other)),
    }
}

fn upgrade(from: u32, old: Value) -> Result<Value, Value> {
    match (from, old.as_int()) {
        (0, Some(count)) if count <= COUNT_MAX => Ok(state(count, 1)),
        (0, Some(_)) => Err(problem("too-much", "a count is 1000 at most now")),
        _ => Err(problem("no-upgrade", "a state of version 0 is a count")),
    }
}

actor!(turn, version = 1, upgrade = upgrade);
bare!();

//! Counts: `inc` adds one and answers the new count, `get` answers the count. The state is the count. Its states had another
//! form once, `["count" N]`: that was version 0.
#![no_std]

use hob_actor::{Next, Outcome, Turn, Value, actor, bare, no_method, problem};

fn turn(turn: Turn) -> Outcome {
    let count = turn.state.as_int().ok_or_else(|| problem("bad-state", "no count"))?;
    match turn.method() {
        ("inc", []) => {
            let next = count.checked_add(1).ok_or_else(|| problem("limit", "it counts no further"))?;
            Ok(Next::Become(next.into(), next.into()))
        }
        ("get", []) => Ok(Next::Answer(count.into())),
        (other, _) => Err(no_method(other)),
    }
}

fn upgrade(from: u32, state: Value) -> Result<Value, Value> {
    match (from, state.as_list()) {
        (0, Some([_, count])) => Ok(count.clone()),
        _ => Err(problem("no-upgrade", "no count in it")),
    }
}

actor!(turn, version = 1, upgrade = upgrade);
bare!();

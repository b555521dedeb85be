//! Introduces: `['meet who whom]` sends `whom` to `who`, at once (`call`) or when the turn is over (`send`). `['keep it]` keeps a
//! reference, `['give who]` calls `who` with what was kept in an earlier turn.
#![no_std]
extern crate alloc;

use alloc::vec;

use hob_actor::{Next, Outcome, Turn, actor, bare, call, no_method, problem, send};

fn turn(turn: Turn) -> Outcome {
    let nobody = || problem("bad-arguments", "there must be somebody");
    match turn.method() {
        ("call", [who, args @ ..]) => Ok(Next::Answer(call(who.as_cap().ok_or_else(nobody)?, args)?)),
        ("send", [who, args @ ..]) => {
            let promise = send(who.as_cap().ok_or_else(nobody)?, args)?;
            Ok(Next::Answer(promise.into()))
        }
        ("keep", [it]) => Ok(Next::Become(vec![it.clone()].into(), ().into())),
        ("give", [who]) => {
            let kept = turn.state.as_list().ok_or_else(nobody)?;
            Ok(Next::Answer(call(who.as_cap().ok_or_else(nobody)?, kept)?))
        }
        // What a callee says is dealt with here, so the turn goes on.
        ("try", [who, args @ ..]) => match call(who.as_cap().ok_or_else(nobody)?, args) {
            Ok(answer) => Ok(Next::Become(turn.state.clone(), vec![true.into(), answer].into())),
            Err(reason) => Ok(Next::Become(turn.state.clone(), vec![false.into(), reason].into())),
        },
        (other, _) => Err(no_method(other)),
    }
}

actor!(turn);
bare!();

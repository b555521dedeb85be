//! A number that is counted up: for examples and tests.

use super::parts::{bad_state, kind, method};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// Counters. The state is the number.
    ///
    /// `get` answers it; `add`, with a number or without, changes it and answers what it is then.
    pub static COUNTER: Counter = "hob.counter", call
}

fn call(_: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let have = me.state().as_i64().ok_or_else(bad_state)?;
    let by = match method(args) {
        (Some("get"), []) => return Ok(have.into()),
        (Some("add"), []) => 1,
        (Some("add"), [by]) => by.as_i64().ok_or_else(|| Problem::bad_args("add", "an integer"))?,
        (Some("get" | "add"), _) => return Err(Problem::bad_args("a counter", "get, or add and a number")),
        _ => return Err(Problem::no_method(args, &["get", "add"])),
    };
    let next = have.checked_add(by).ok_or_else(|| Problem::rule("overflow", "it counts 64 bits".into()))?;
    Ok(me.becomes(next.into()).saying(next))
}

/// A counter.
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let counter = map.poke(|turn| library::counter(turn, 0))?;
/// assert_eq!(map.poke(|turn| turn.call(counter, &[Value::symbol("add"), 2.into()]))?, 2.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn counter(turn: &mut Turn, from: i64) -> Result<Ref, Problem> {
    turn.spawn(&COUNTER, from.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn it_counts_to_the_end_and_not_past_it() {
        let mut stage = Stage::new();
        stage.make(["counter"], |turn| Ok([counter(turn, i64::MAX - 1)?]));
        stage.run(
            "counter 'add => 9223372036854775807
             counter 'add => !overflow
             counter 'add 1.5 => !bad-arguments
             counter 'get 1 => !bad-arguments
             counter => !no-method
             counter 'add -7 => 9223372036854775800
             counter 'get => 9223372036854775800",
        );
    }
}

//! Actors that are called together, one after another, again and again: what games and simulations do.

use super::cell::CELL;
use super::parts::{bad_state, forward, item_ref, kind, method, state_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// A ticker. The state is a cell with the list of `[member ticky]`.
    pub(super) static TICKER: Ticker = "hob.ticker", call
}

kind! {
    /// The right to take one member off. The state is whether that was done.
    pub(super) static TICKY: Ticky = "hob.ticker.ticky", |_: &mut Turn, me: Me<'_>, args: &[Value]| match method(args) {
        (Some("die"), []) => Ok(me.becomes(true.into())),
        (Some("dead"), []) => Ok(Answer::from(me.state().clone())),
        _ => Err(Problem::no_method(args, &["die", "dead"])),
    }
}

fn call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let cell = state_ref(me)?;
    match method(args) {
        (Some("add"), [member @ Value::Ref(_)]) => {
            let ticky = turn.spawn(&TICKY, false.into())?;
            let members = living(turn, cell)?;
            let added = Value::list([member.clone(), ticky.into()]);
            turn.call(cell, &[Value::list(members.into_iter().chain([added]))])?;
            Ok(ticky.into())
        }
        (Some("members"), []) => {
            let members = living(turn, cell)?;
            Ok(Value::list(
                members.iter().map(|entry| item_ref(entry, 0).map_or(Value::Undefined, Value::Ref)),
            )
            .into())
        }
        (Some("tick"), values) => {
            let mut called = 0;
            for entry in living(turn, cell)? {
                let (member, ticky) = (item_ref(&entry, 0)?, item_ref(&entry, 1)?);
                // It may have been taken off by one before it.
                if !is_dead(turn, ticky)? {
                    let args: Vec<Value> = [ticky.into()].into_iter().chain(values.iter().cloned()).collect();
                    called += u32::from(forward(turn, member, &args).is_ok());
                }
            }
            // Read again: members may have added others.
            let left = living(turn, cell)?;
            turn.call(cell, &[Value::list(left)])?;
            Ok(called.into())
        }
        (Some("add"), _) => Err(Problem::bad_args("add", "one reference")),
        _ => Err(Problem::no_method(args, &["add", "members", "tick"])),
    }
}

fn is_dead(turn: &mut Turn, ticky: Ref) -> Result<bool, Problem> {
    Ok(turn.call(ticky, &[Value::symbol("dead")])? == true.into())
}

fn living(turn: &mut Turn, cell: Ref) -> Result<Vec<Value>, Problem> {
    let members = turn.call(cell, &[])?;
    let mut living = Vec::new();
    for entry in members.as_list().ok_or_else(bad_state)? {
        if !is_dead(turn, item_ref(entry, 1)?)? {
            living.push(entry.clone());
        }
    }
    Ok(living)
}

/// A ticker without members.
///
/// | method | answers |
/// |---|---|
/// | `add member` | its ticky |
/// | `members` | a list of them |
/// | `tick value …` | how many were called, those that failed left out |
///
/// A member is called with its ticky and the values of the tick. `die` of a ticky takes the member off, `dead` answers whether
/// that was done. Who is added during a tick is called from the next one on. A member that fails changes nothing and hinders
/// no other.
///
/// ```
/// use hob_vat::{Actormap, Value, kind_fn, library};
///
/// let mut map = Actormap::new();
/// let called = map.poke(|turn| {
///     let ticker = library::ticker(turn)?;
///     let member = turn.spawn(kind_fn("member", |_, _, args| Ok(args.len().to_string().into())), ().into())?;
///     turn.call(ticker, &[Value::symbol("add"), member.into()])?;
///     turn.call(ticker, &[Value::symbol("tick"), 1.into()])
/// })?;
/// assert_eq!(called, 1.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn ticker(turn: &mut Turn) -> Result<Ref, Problem> {
    let cell = turn.spawn(&CELL, Value::list([]))?;
    turn.spawn(&TICKER, cell.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::kind_fn;
    use crate::library::counter;
    use crate::library::tests::Stage;

    #[test]
    fn members_are_called_until_they_die() {
        let mut stage = Stage::new();
        let [counter, ticker] =
            stage.make(["counter", "ticker"], |turn| Ok([counter(turn, 0)?, ticker(turn)?]));
        let count = kind_fn("count", move |turn: &mut Turn, _, args: &[Value]| {
            Ok(turn.call(counter, &[Value::symbol("add"), args[1].clone()])?.into())
        });
        // Dies at its first tick, and adds another in its place.
        let heir = kind_fn("heir", move |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
            turn.call(args[0].as_ref().unwrap(), &[Value::symbol("die")])?;
            Ok(turn.call(ticker, &[Value::symbol("add"), me.state().clone()])?.into())
        });
        let fails = kind_fn("fails", |_, _, _| Err(Problem::refused("no")));
        stage.make(["count", "heir", "fails"], |turn| {
            let count = turn.spawn(count, ().into())?;
            Ok([count, turn.spawn(heir, count.into())?, turn.spawn(fails, ().into())?])
        });
        stage.run(
            "ticker 'tick 1 => 0
             ticker 'add $count => @ticky
             ticker 'add $heir => @unused
             ticker 'add $fails => @unused
             ticker 'add 5 => !bad-arguments
             ticker 'members => [$count $heir $fails]
             ticker 'tick 1 => 2
             counter 'get => 1
             ticker 'members => [$count $fails $count]
             ticker 'tick 1 => 2
             counter 'get => 3
             ticky 'dead => false
             ticky 'die => undefined
             ticky 'dead => true
             ticker 'tick 1 => 1
             counter 'get => 4
             ticker 'members => [$fails $count]",
        );
    }
}

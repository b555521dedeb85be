//! An inbox: one side puts in, the other takes out, at its own pace.
//!
//! Who takes when nothing is there gets a promise for what will come. Each value goes to one taker, in order on both sides. Stopping
//! it refuses what comes later and breaks the promises of those who wait; what is in it can still be taken.

use super::parts::{bad_state, kind, part, part_ref, state_ref};
use super::queue::queue;
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

/// Promises that are broken in one turn.
const BROKEN_PER_TURN: u32 = 512;

kind! {
    /// What the three sides share. The state is `[values waiting stopped]`: two queues, and whether it was stopped.
    pub(super) static INBOX: Inbox = "hob.inbox", core
}

kind! {
    /// The right to put in: called with a value. The state is the inbox.
    pub(super) static IN: In = "hob.inbox.in", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [value] => turn.call(state_ref(me)?, &[Value::symbol("put"), value.clone()]).map(Answer::from),
        _ => Err(Problem::bad_args("an inbox", "one value")),
    }
}

kind! {
    /// The right to take out: called without arguments. The state is the inbox.
    pub(super) static OUT: Out = "hob.inbox.out", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [] => turn.call(state_ref(me)?, &[Value::symbol("take")]).map(Answer::from),
        _ => Err(Problem::bad_args("taking from an inbox", "nothing")),
    }
}

kind! {
    /// The right to stop it: called without arguments. The state is the inbox.
    pub(super) static STOP: Stop = "hob.inbox.stop", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [] => turn.call(state_ref(me)?, &[Value::symbol("stop")]).map(Answer::from),
        _ => Err(Problem::bad_args("stopping an inbox", "nothing")),
    }
}

fn core(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let (values, waiting) = (part_ref(me, 0)?, part_ref(me, 1)?);
    let is_stopped = *part(me, 2)? == true.into();
    let (push, pop) = (Value::symbol("push"), [Value::symbol("pop")]);
    match super::parts::method(args) {
        (Some("put"), _) if is_stopped => return Err(stopped()),
        (Some("put"), [value]) => match some(turn.call(waiting, &pop))? {
            Some(Value::Ref(resolver)) => turn.fulfill(resolver, value.clone())?,
            _ => turn.call(values, &[push, value.clone()]).map(|_| ())?,
        },
        (Some("take"), []) => match some(turn.call(values, &pop))? {
            Some(value) => return Ok(value.into()),
            None if is_stopped => return Err(stopped()),
            None => {
                let (promise, resolver) = turn.promise()?;
                turn.call(waiting, &[push, resolver.into()])?;
                return Ok(promise.into());
            }
        },
        (Some("stop"), []) => {
            for _ in 0..BROKEN_PER_TURN {
                let Some(Value::Ref(resolver)) = some(turn.call(waiting, &pop))? else {
                    return Ok(me.becomes(Value::list([values.into(), waiting.into(), true.into()])));
                };
                turn.break_with(resolver, stopped().reason())?;
            }
            turn.send_only(me.itself(), [Value::symbol("stop")])?;
            return Ok(me.becomes(Value::list([values.into(), waiting.into(), true.into()])));
        }
        _ => return Err(bad_state()),
    }
    Ok(().into())
}

/// An empty queue is no failure here.
fn some(popped: Result<Value, Problem>) -> Result<Option<Value>, Problem> {
    match popped {
        Ok(value) => Ok(Some(value)),
        Err(problem) if problem.rule_name() == Some("empty") => Ok(None),
        Err(problem) => Err(problem),
    }
}

#[cold]
fn stopped() -> Problem {
    Problem::rule("stopped", "the inbox takes nothing more".into())
}

/// An inbox: the right to put in, the right to take out, the right to stop it.
///
/// ```
/// use hob_vat::{Actormap, library};
///
/// let mut map = Actormap::new();
/// let (put, take, _stop) = map.poke(library::inbox)?;
/// map.poke(|turn| turn.call(put, &["letter".into()]))?;
/// assert_eq!(map.poke(|turn| turn.call(take, &[]))?, "letter".into());
/// assert!(map.poke(|turn| turn.call(take, &[]))?.as_ref().is_some_and(|later| later.is_promise()));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn inbox(turn: &mut Turn) -> Result<(Ref, Ref, Ref), Problem> {
    let (values, waiting) = (queue(turn)?, queue(turn)?);
    let core = turn.spawn(&INBOX, Value::list([values.into(), waiting.into(), false.into()]))?;
    Ok((turn.spawn(&IN, core.into())?, turn.spawn(&OUT, core.into())?, turn.spawn(&STOP, core.into())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn values_meet_takers_in_order() {
        let mut stage = Stage::new();
        stage.make(["in", "out", "stop"], |turn| inbox(turn).map(<[Ref; 3]>::from));
        stage.run(
            "in 1 => undefined
             in [$in] => undefined
             out => 1
             out => [$in]
             out => @a
             out => @b
             in 2 => undefined
             a ?= 2
             b ?= ?
             in 3 => undefined
             in 4 => undefined
             b ?= 3
             in => !bad-arguments
             out 1 => !bad-arguments
             stop 1 => !bad-arguments
             stop => undefined
             in 5 => !stopped
             out => 4
             out => !stopped",
        );
    }

    #[test]
    fn stopping_breaks_all_who_wait() {
        let mut stage = Stage::new();
        let [_, out, _] = stage.make(["in", "out", "stop"], |turn| inbox(turn).map(<[Ref; 3]>::from));
        stage.run("out => @first");
        for _ in 0..BROKEN_PER_TURN {
            let later = stage.map.poke(|turn| turn.call(out, &[])).unwrap();
            stage.names.insert("last".into(), later);
        }
        stage.run(
            "last ?= ?
             stop => undefined
             in 1 => !stopped
             out => !stopped
             first ?= !stopped
             last ?= !stopped
             stop => undefined",
        );
    }
}

//! An allowance: how many calls and bytes a holder may use, of what was given to all who share it.
//!
//! A quota can be shared (give it away), lent in part (a *child* counts against itself and all above it, so that it never uses more than
//! they have) and divided (what is *split* off is gone from the one and is the other's).

use super::parts::{bad_state, kind, method, natural, part, part_int, part_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// A quota. The state is `[parent calls bytes]`, with undefined for a parent at the top.
    pub(super) static QUOTA: Quota = "hob.quota", quota_call
}

kind! {
    /// Sends on what the quota allows. The state is `[target quota]`.
    pub(super) static METERED: Metered = "hob.quota.metered", |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
        let bytes = Value::list(args.to_vec()).weight();
        turn.call(part_ref(me, 1)?, &[Value::symbol("charge"), 1.into(), bytes.into()])?;
        turn.send(part_ref(me, 0)?, args).map(Answer::from)
    }
}

fn quota_call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let parent = part(me, 0)?;
    let (calls, bytes) = (part_int(me, 1)?, part_int(me, 2)?);
    let (name, amounts) = method(args);
    if let (Some("left"), []) = (name, amounts) {
        let mut left = [calls, bytes];
        if let Some(parent) = parent.as_ref() {
            let above = turn.call(parent, args)?;
            for (at, own) in left.iter_mut().enumerate() {
                *own = super::parts::item_int(&above, at)?.min(*own);
            }
        }
        return Ok(Value::list(left.map(Value::from)).into());
    }
    if !matches!(name, Some("charge" | "child" | "split")) {
        return Err(Problem::no_method(args, &["left", "charge", "child", "split"]));
    }
    let [want_calls, want_bytes] = amounts else { return Err(wrong()) };
    let want = [natural(want_calls).ok_or_else(wrong)?, natural(want_bytes).ok_or_else(wrong)?];
    let left = [calls, bytes];
    let rest: Vec<i64> = left.iter().zip(want).map(|(left, want)| left - want).collect();
    let [rest_calls, rest_bytes] = rest.as_slice() else { return Err(bad_state()) };
    if *rest_calls < 0 || *rest_bytes < 0 {
        return Err(Problem::rule("over-quota", format!("{calls} calls and {bytes} bytes are left")));
    }
    let amounts = |parent: Value| Value::list([parent, want_calls.clone(), want_bytes.clone()]);
    let less = || me.becomes(Value::list([parent.clone(), (*rest_calls).into(), (*rest_bytes).into()]));
    match name {
        Some("charge") => {
            if let Some(parent) = parent.as_ref() {
                turn.call(parent, args)?;
            }
            Ok(less())
        }
        Some("child") => Ok(turn.spawn(&QUOTA, amounts(me.itself().into()))?.into()),
        _ => Ok(less().saying(turn.spawn(&QUOTA, amounts(parent.clone()))?)),
    }
}

#[cold]
fn wrong() -> Problem {
    Problem::bad_args("a quota", "calls and bytes: two integers that are 0 or more")
}

/// A quota of so many calls and bytes.
///
/// | method | answers |
/// |---|---|
/// | `left` | `[calls bytes]` that can be used: of this and all above, the least |
/// | `charge calls bytes` | nothing: they are used; `over-quota` if there are not so many |
/// | `child calls bytes` | a quota of so much of this one at most |
/// | `split calls bytes` | a quota that has them instead of this one |
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let left = map.poke(|turn| {
///     let quota = library::quota(turn, 10, 1000)?;
///     turn.call(quota, &[Value::symbol("charge"), 1.into(), 400.into()])?;
///     turn.call(quota, &[Value::symbol("left")])
/// })?;
/// assert_eq!(left, Value::list([9.into(), 600.into()]));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn quota(turn: &mut Turn, calls: u32, bytes: u32) -> Result<Ref, Problem> {
    turn.spawn(&QUOTA, Value::list([Value::Undefined, calls.into(), bytes.into()]))
}

/// What `target` can be sent within a near quota: each message is one call and what its arguments weigh. Messages are always sent on,
/// near or not, so that one that fails is counted too. Answers promises.
///
/// # Errors
///
/// `limit`: objects.
pub fn metered(turn: &mut Turn, target: Ref, quota: Ref) -> Result<Ref, Problem> {
    turn.spawn(&METERED, Value::list([target.into(), quota.into()]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn a_child_uses_what_its_parent_has() {
        let mut stage = Stage::new();
        stage.make(["top"], |turn| Ok([quota(turn, 10, 100)?]));
        stage.run(
            "top 'child 11 1 => !over-quota
             top 'child 8 100 => @a
             top 'child 8 100 => @b
             a 'charge 8 10 => undefined
             a 'charge 1 0 => !over-quota
             top 'left => [2 90]
             b 'left => [2 90]
             b 'charge 3 0 => !over-quota
             b 'left => [2 90]
             b 'charge 2 90 => undefined
             b 'charge 0 1 => !over-quota
             top 'left => [0 0]
             top 'charge 0 0 => undefined
             top 'charge -1 0 => !bad-arguments
             top 'charge 1 => !bad-arguments
             top 'refill 1 1 => !no-method",
        );
    }

    #[test]
    fn what_is_split_off_is_gone() {
        let mut stage = Stage::new();
        stage.make(["top"], |turn| Ok([quota(turn, 10, 100)?]));
        stage.run(
            "top 'split 4 40 => @half
             top 'left => [6 60]
             half 'left => [4 40]
             top 'split 7 0 => !over-quota
             half 'child 4 40 => @child
             child 'split 2 20 => @both
             both 'charge 2 20 => undefined
             half 'left => [2 20]
             child 'left => [2 20]
             top 'left => [6 60]",
        );
    }

    #[test]
    fn messages_are_metered() {
        let mut stage = Stage::new();
        let echo = stage.echo("echo");
        // A list of one text of 4 bytes weighs 8 for itself, 8 for the place and 4.
        stage.make(["quota", "metered"], |turn| {
            let quota = quota(turn, 2, 39)?;
            Ok([quota, metered(turn, echo, quota)?])
        });
        stage.run(
            "metered \"abcd\" => @answer
             answer ?= [\"abcd\"]
             quota 'left => [1 19]
             metered \"abcd\" => !over-quota
             metered \"abc\" => @answer
             answer ?= [\"abc\"]
             quota 'left => [0 0]
             metered => !over-quota",
        );
    }

    proptest! {
        /// A tree of quotas: what is used below one is never more than it was given.
        #[test]
        fn nobody_uses_more_than_was_given(steps in prop::collection::vec((0_usize..20, 0_u8..3, 0_i64..8), 1..60)) {
            let mut stage = Stage::new();
            let [top] = stage.make(["top"], |turn| Ok([quota(turn, 30, 30)?]));
            // The quota, what it was given, what was used below it, and its parent.
            let mut all = vec![(top, 30, 0, None)];
            for (at, what, amount) in steps {
                let at = at % all.len();
                let (quota, given, _, parent) = all[at];
                let name = Value::symbol(["charge", "child", "split"][usize::from(what)]);
                let args = [name, amount.into(), amount.into()];
                let Ok(answer) = stage.map.poke(|turn| turn.call(quota, &args)) else { continue };
                match what {
                    0 => {
                        let mut at = Some(at);
                        while let Some(here) = at {
                            all[here].2 += amount;
                            at = all[here].3;
                        }
                    }
                    1 => all.push((answer.as_ref().unwrap(), amount, 0, Some(at))),
                    _ => {
                        all[at].1 = given - amount;
                        all.push((answer.as_ref().unwrap(), amount, 0, parent));
                    }
                }
                for (_, given, used, _) in &all {
                    prop_assert!(used <= given);
                }
            }
        }
    }
}

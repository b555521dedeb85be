//! What the two sides hold: wrappers, and the right to revoke.

use super::super::parts::{forward, kind, part, part_ref, revoked, state_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// Stands for something on the other side. The state is `[core target direction]`: the direction in which the target crossed.
    pub(in super::super) static WRAPPER: Wrapper = "hob.membrane.wrapper", call
}

kind! {
    /// The right to revoke. The state is the core.
    pub(in super::super) static REVOKER: Revoker = "hob.membrane.revoker", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [] => turn.call(state_ref(me)?, &[Value::symbol("revoke")]).map(|_| Answer::from(())),
        _ => Err(Problem::bad_args("a revoker", "nothing")),
    }
}

fn call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let (core, target) = (part_ref(me, 0)?, part_ref(me, 1)?);
    let is_out = part(me, 2)?.as_name() == Some("out");
    let (there, back, back_known) =
        if is_out { ("in", "out", "out-known") } else { ("out", "in", "in-known") };
    let args = turn.call(core, &[Value::symbol(there), Value::list(args.to_vec())])?;
    let answer = match forward(turn, target, args.as_list().unwrap_or_default()) {
        Ok(answer) => answer,
        Err(problem) => {
            let reason = turn.call(core, &[Value::symbol(back_known), problem.reason()])?;
            return Err(Problem::refused(reason));
        }
    };
    match turn.call(core, &[Value::symbol(back), answer]) {
        Ok(answer) => Ok(answer.into()),
        // It was revoked by what the call did. To fail now would take that back.
        Err(problem) if problem.rule_name() == Some("revoked") => {
            let (promise, resolver) = turn.promise()?;
            turn.break_with(resolver, revoked().reason())?;
            Ok(promise.into())
        }
        Err(problem) => Err(problem),
    }
}

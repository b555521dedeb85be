//! A reference whose target can be changed by who has the right to: late binding, and upgrades.

use super::cell::CELL;
use super::parts::{forward, kind, state_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// The state is a cell with the target.
    pub(super) static PROXY: Proxy = "hob.swappable", |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
        let target = turn.call(state_ref(me)?, &[])?;
        match target.as_ref() {
            Some(target) => forward(turn, target, args).map(Answer::from),
            None => Err(Problem::rule("no-target", "nothing is there yet".into())),
        }
    }
}

kind! {
    /// The right to swap. The state is the same cell.
    pub(super) static SWAPPER: Swapper = "hob.swappable.swapper", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [Value::Ref(target)] => {
            turn.call(state_ref(me)?, &[(*target).into()])?;
            Ok(Answer::from(()))
        }
        _ => Err(Problem::bad_args("a swap", "one reference")),
    }
}

/// A proxy, and the right to swap what it stands for: called with the new target. What has not reached the
/// proxy before the swap goes to the new target; what waits for a promise that was the target stays with that.
///
/// ```
/// use hob_vat::{Actormap, library};
///
/// let mut map = Actormap::new();
/// let (proxy, swap, other) = map.poke(|turn| {
///     let one = turn.spawn(&library::CELL, 1.into())?;
///     let other = turn.spawn(&library::CELL, 2.into())?;
///     let (proxy, swap) = library::swappable(turn, Some(one))?;
///     Ok((proxy, swap, other))
/// })?;
/// assert_eq!(map.peek(|turn| turn.call(proxy, &[]))?, 1.into());
/// map.poke(|turn| turn.call(swap, &[other.into()]))?;
/// assert_eq!(map.peek(|turn| turn.call(proxy, &[]))?, 2.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn swappable(turn: &mut Turn, target: Option<Ref>) -> Result<(Ref, Ref), Problem> {
    let cell = turn.spawn(&CELL, target.map_or(Value::Undefined, Value::Ref))?;
    Ok((turn.spawn(&PROXY, cell.into())?, turn.spawn(&SWAPPER, cell.into())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn the_proxy_goes_where_the_swap_says() {
        let mut stage = Stage::new();
        stage.make(["a", "b", "proxy", "swap", "loop"], |turn| {
            let a = turn.spawn(&CELL, 1.into())?;
            let b = turn.spawn(&CELL, 2.into())?;
            let (proxy, swap) = swappable(turn, None)?;
            Ok([a, b, proxy, swap, proxy])
        });
        stage.run(
            "proxy => !no-target
             swap $a => undefined
             proxy => 1
             proxy ~> later
             swap $b => undefined
             later ?= 2
             proxy 5 => undefined
             b => 5
             a => 1
             swap => !bad-arguments
             swap 1 => !bad-arguments
             swap $loop => undefined
             proxy => !limit",
        );
    }
}

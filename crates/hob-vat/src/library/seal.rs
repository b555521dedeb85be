//! Boxes that one actor makes and another opens: who passes a box on needs not be trusted with what is in it.

use super::parts::{kind, state_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// What a brand is: a reference that nobody else has. It does nothing.
    pub(super) static BRAND: Brand = "hob.brand", |_: &mut Turn, _: Me<'_>, args: &[Value]| -> Result<Answer, Problem> {
        Err(Problem::no_method(args, &[]))
    }
}

kind! {
    /// Puts a value into a box. The state is the brand.
    pub(super) static SEALER: Sealer = "hob.sealer", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [value] => Ok(Answer::from(turn.seal(state_ref(me)?, value.clone()))),
        _ => Err(Problem::bad_args("a sealer", "one value")),
    }
}

kind! {
    /// Answers what is in a box. The state is the brand.
    pub(super) static UNSEALER: Unsealer = "hob.unsealer", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [sealed] => turn.unseal(state_ref(me)?, sealed).map(Answer::from).ok_or_else(wrong_brand),
        _ => Err(Problem::bad_args("an unsealer", "one box")),
    }
}

kind! {
    /// Answers whether a value is a box of this brand. The state is the brand.
    pub(super) static CHECK: Check = "hob.sealed", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [sealed] => Ok(Answer::from(turn.unseal(state_ref(me)?, sealed).is_some())),
        _ => Err(Problem::bad_args("a check of a brand", "one value")),
    }
}

#[cold]
pub(super) fn wrong_brand() -> Problem {
    Problem::rule("wrong-brand", "that was not sealed with this brand".into())
}

/// A sealer, its unsealer, and a check whether a value is a box of that sealer.
///
/// ```
/// use hob_vat::{Actormap, library};
///
/// let mut map = Actormap::new();
/// let (sealer, unsealer, check) = map.poke(library::sealers)?;
/// let sealed = map.poke(|turn| turn.call(sealer, &["secret".into()]))?;
/// assert_eq!(sealed.to_string(), "<sealed>");
/// assert_eq!(map.peek(|turn| turn.call(check, &[sealed.clone()]))?, true.into());
/// assert_eq!(map.peek(|turn| turn.call(unsealer, &[sealed]))?, "secret".into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn sealers(turn: &mut Turn) -> Result<(Ref, Ref, Ref), Problem> {
    let brand = turn.spawn(&BRAND, Value::Undefined)?.into();
    let [sealer, unsealer, check] = [
        turn.spawn(&SEALER, Value::clone(&brand))?,
        turn.spawn(&UNSEALER, Value::clone(&brand))?,
        turn.spawn(&CHECK, brand)?,
    ];
    Ok((sealer, unsealer, check))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn a_box_opens_for_its_own_unsealer_only() {
        let mut stage = Stage::new();
        for names in [["seal", "open", "is"], ["seal2", "open2", "is2"]] {
            stage.make(names, |turn| sealers(turn).map(<[Ref; 3]>::from));
        }
        stage.run(
            "seal [1 $open] => @box
             open $box => [1 $open]
             open2 $box => !wrong-brand
             is $box => true
             is2 $box => false
             is [1 $open] => false
             open [1 $open] => !wrong-brand
             seal2 $box => @outer
             is $outer => false
             open2 $outer => $box
             open $seal => !wrong-brand
             seal => !bad-arguments
             open => !bad-arguments
             is 1 2 => !bad-arguments",
        );
    }
}

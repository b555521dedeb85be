//! Methods of an actor that only who holds an incanter may use.
//!
//! A warden makes actors with a private side; the incanter of the same pair reaches it. A call with the incanter is a box that only such
//! actors open, and it is made out to one of them: an actor that is given the box of a call and passes it on gains nothing. It
//! works between vats of one peer.

use super::parts::{bad_state, forward, item, item_ref, kind, method, part, part_ref, state_ref};
use super::seal::BRAND;
use crate::kind::{Answer, Me};
use crate::on::On;
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::{Standing, Turn};
use crate::value::Value;

kind! {
    /// The right to ward. The state is the brand.
    pub(super) static WARDEN: Warden = "hob.warden", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match method(args) {
        (Some("ward"), [private @ Value::Ref(_), public @ ..]) if public.len() < 2 => {
            let public = public.first().cloned().unwrap_or_default();
            turn.spawn(&WARDED, Value::list([state_ref(me)?.into(), private.clone(), public])).map(Answer::from)
        }
        (Some("ward"), _) => Err(Problem::bad_args("ward", "one reference, or two")),
        _ => Err(Problem::no_method(args, &["ward"])),
    }
}

kind! {
    /// An actor with a private side. The state is `[brand private public]`.
    pub(super) static WARDED: Warded = "hob.warded", warded
}

kind! {
    /// The right to reach private sides. The state is the brand.
    pub(super) static INCANTER: Incanter = "hob.incanter", incant
}

kind! {
    /// Calls the private side of one actor. The state is `[incanter target]`.
    pub(super) static ENCHANTED: Enchanted = "hob.incanter.enchanted", |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
        let start = [Value::symbol("incant"), part(me, 1)?.clone()];
        let args: Vec<Value> = start.into_iter().chain(args.iter().cloned()).collect();
        turn.call(part_ref(me, 0)?, &args).map(Answer::from)
    }
}

kind! {
    /// Goes on when a target is known. The state is `[incanter [value …]]`; it is told the target.
    pub(super) static LATER: Later = "hob.incanter.later", |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
        let values = part(me, 1)?.as_list().unwrap_or_default();
        let start = [Value::symbol("incant"), args.first().cloned().unwrap_or_default()];
        let args: Vec<Value> = start.into_iter().chain(values.iter().cloned()).collect();
        turn.call(part_ref(me, 0)?, &args).map(Answer::from)
    }
}

fn warded(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    if let [sealed @ Value::Sealed(_)] = args
        && let Some(call) = turn.unseal(part_ref(me, 0)?, sealed)
    {
        if item_ref(&call, 0)? != me.itself() {
            return Err(Problem::rule("not-for-this", "the call was made out to another actor".into()));
        }
        let args = item(&call, 1)?.as_list().ok_or_else(bad_state)?;
        return forward(turn, part_ref(me, 1)?, args).map(Answer::from);
    }
    match part(me, 2)?.as_ref() {
        Some(public) => forward(turn, public, args).map(Answer::from),
        None => Err(Problem::rule("warded", "only who holds the incanter may call this".into())),
    }
}

fn incant(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let brand = state_ref(me)?;
    match method(args) {
        (Some("incant"), [Value::Ref(target), values @ ..]) => {
            let values = Value::list(values.to_vec());
            match turn.standing(*target)? {
                Standing::Object(target) | Standing::Far(target) if !target.is_promise() => {
                    let call = turn.seal(brand, Value::list([target.into(), values]));
                    forward(turn, target, &[call]).map(Answer::from)
                }
                // A box is made out to an actor, so it waits until there is one.
                Standing::Unresolved | Standing::Far(_) => {
                    let later = turn.spawn(&LATER, Value::list([me.itself().into(), values]))?;
                    Ok(turn.on(*target, On::fulfilled(later))?.into())
                }
                Standing::Broken(reason) => Err(Problem::refused(reason)),
                Standing::Object(_) | Standing::Value(_) => Err(Problem::bad_args("incant", "an actor")),
            }
        }
        (Some("enchant"), [target @ Value::Ref(_)]) => {
            turn.spawn(&ENCHANTED, Value::list([me.itself().into(), target.clone()])).map(Answer::from)
        }
        (Some("incant" | "enchant"), _) => Err(Problem::bad_args("an incanter", "a target")),
        _ => Err(Problem::no_method(args, &["incant", "enchant"])),
    }
}

/// A warden, and the incanter that reaches what it wards.
///
/// The warden:
///
/// `ward private` and `ward private public` answer an actor that does what the first does for who has the incanter, and what the
/// second does for all.
///
/// The incanter:
///
/// `incant target value …` calls the private side of a target; `enchant target` answers an actor that does so with all it is called
/// with.
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let say = Value::symbol;
/// let (warded, incanter) = map.poke(|turn| {
///     let (warden, incanter) = library::warding_pair(turn)?;
///     let counter = library::counter(turn, 0)?;
///     let reads = library::facet(turn, counter, &["get"])?;
///     Ok((turn.call(warden, &[say("ward"), counter.into(), reads.into()])?, incanter))
/// })?;
/// let add = [say("incant"), warded.clone(), say("add")];
/// assert_eq!(map.poke(|turn| turn.call(incanter, &add))?, 1.into());
/// let warded = warded.as_ref().ok_or(hob_vat::Problem::refused("no actor"))?;
/// assert!(map.poke(|turn| turn.call(warded, &[say("add")])).is_err());
/// assert_eq!(map.poke(|turn| turn.call(warded, &[say("get")]))?, 1.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn warding_pair(turn: &mut Turn) -> Result<(Ref, Ref), Problem> {
    let brand = turn.spawn(&BRAND, Value::Undefined)?;
    Ok((turn.spawn(&WARDEN, brand.into())?, turn.spawn(&INCANTER, brand.into())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::CELL;
    use crate::library::tests::Stage;

    #[test]
    fn only_the_incanter_of_the_pair_reaches_the_private_side() {
        let mut stage = Stage::new();
        stage.echo("echo");
        stage.make(["warden", "incanter", "cell", "p", "keep"], |turn| {
            let (warden, incanter) = warding_pair(turn)?;
            let (promise, resolver) = turn.promise()?;
            Ok([warden, incanter, turn.spawn(&CELL, 0.into())?, promise, resolver])
        });
        stage.make(["warden2", "incanter2"], |turn| warding_pair(turn).map(<[Ref; 2]>::from));
        stage.run(
            "warden 'ward $cell $echo => @both
             warden 'ward $cell => @one
             warden 'ward 5 => !bad-arguments
             both 5 => [5]
             one 5 => !warded
             one => !warded
             incanter 'incant $one 5 => undefined
             cell => 5
             incanter 'incant $both => 5
             incanter2 'incant $one 6 => !warded
             incanter 'enchant $one => @way
             way 7 => undefined
             way => 7
             incanter 'incant 5 => !bad-arguments
             incanter 'incant $keep 5 => !no-method
             incanter 'incant $p => @later
             later ?= ?
             keep 'fulfill $one => undefined
             later ?= 7
             incanter 'incant $p => 7",
        );
    }

    #[test]
    fn a_call_that_is_passed_on_is_refused() {
        let mut stage = Stage::new();
        // It keeps the box of the call it is given, and shows it to others.
        stage.make(["warden", "incanter", "secret", "thief"], |turn| {
            let (warden, incanter) = warding_pair(turn)?;
            Ok([warden, incanter, turn.spawn(&CELL, 1.into())?, turn.spawn(&CELL, ().into())?])
        });
        stage.run(
            "warden 'ward $secret => @warded
             incanter 'incant $thief => undefined
             thief => @box
             warded $box => !not-for-this
             warden 'ward $warded $warded => @outer
             outer $box => !not-for-this
             incanter 'incant $outer => !warded",
        );
    }
}

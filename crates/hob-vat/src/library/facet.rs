//! Part of what an actor does: a list of methods, and nothing else.
//!
//! A facet of a facet can do what both allow: there is no way back up.

use super::parts::{bad_state, forward, kind, part, part_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// The state is `[target [method …]]`.
    pub(super) static FACET: Facet = "hob.facet", call
}

fn call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let allowed = part(me, 1)?.as_list().ok_or_else(bad_state)?;
    let asked = args.first().and_then(Value::as_name);
    if asked.is_none() || !allowed.iter().any(|method| method.as_name() == asked) {
        let names: Vec<&str> = allowed.iter().filter_map(Value::as_name).collect();
        return Err(Problem::no_method(args, &names));
    }
    forward(turn, part_ref(me, 0)?, args).map(Answer::from)
}

/// An actor that passes on what has one of these methods, and refuses the rest.
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let reads = map.poke(|turn| {
///     let counter = library::counter(turn, 5)?;
///     library::facet(turn, counter, &["get"])
/// })?;
/// assert_eq!(map.peek(|turn| turn.call(reads, &[Value::symbol("get")]))?, 5.into());
/// assert!(map.poke(|turn| turn.call(reads, &[Value::symbol("add")])).is_err());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn facet(turn: &mut Turn, target: Ref, methods: &[&str]) -> Result<Ref, Problem> {
    let methods = methods.iter().map(|name| Value::symbol(name));
    turn.spawn(&FACET, Value::list([target.into(), Value::list(methods)]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn only_what_is_listed_goes_through() {
        let mut stage = Stage::new();
        let echo = stage.echo("echo");
        stage.make(["facet", "none"], |turn| Ok([facet(turn, echo, &["a", "b"])?, facet(turn, echo, &[])?]));
        stage.run(
            "facet 'a 1 => ['a 1]
             facet \"b\" => [\"b\"]
             facet 'c => !no-method
             facet => !no-method
             facet 5 => !no-method
             facet ['a] => !no-method
             none 'a => !no-method",
        );
    }

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    proptest! {
        #[test]
        fn facets_of_facets_intersect(chain in prop::collection::vec(prop::collection::vec(0_usize..4, 0..4), 1..6)) {
            let mut stage = Stage::new();
            let mut at = stage.echo("echo");
            for allowed in &chain {
                let names: Vec<&str> = allowed.iter().map(|at| NAMES[*at]).collect();
                [at] = stage.make(["at"], |turn| Ok([facet(turn, at, &names)?]));
            }
            for (index, name) in NAMES.iter().enumerate() {
                let allowed = chain.iter().all(|allowed| allowed.contains(&index));
                let done = stage.map.peek(|turn| turn.call(at, &[Value::symbol(name)]));
                prop_assert_eq!(done.is_ok(), allowed);
            }
        }
    }
}

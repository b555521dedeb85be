//! Objects by unguessable numbers: what a reference on paper leads back to.
//!
//! Whoever knows the number of an object gets the object; so numbers are 32 bytes of [entropy](super::entropy()), which the host grants,
//! and looking one up must not tell how close a guess was. What is looked up is not the number but a hash of it, of 128 bits, with a key that
//! only the registry has: how long it takes depends on a hash that nobody outside can know.
//!
//! The numbers themselves are not kept. Registering one of very many costs as much as one of few.

use super::entropy::bytes;
use super::facet::facet;
use super::parts::{kind, method, part, part_ref};
use super::sip::sip;
use super::table::table;
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// A registry. The state is `[entropy table key]`.
    pub(super) static REGISTRY: Registry = "hob.nonce-registry", call
}

fn call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let table = part_ref(me, 1)?;
    let tag = |number: &Value| -> Result<Value, Problem> {
        let number = number.as_bytes().ok_or_else(|| Problem::bad_args("a registry", "a number: bytes"))?;
        let key = part(me, 2)?.as_bytes().unwrap_or_default();
        let (words, _) = key.as_chunks::<8>();
        let [a, b, c, d] = words else { return Err(super::parts::bad_state()) };
        let tag =
            [[a, b], [c, d]].map(|key| sip(key.map(|word| u64::from_le_bytes(*word)), number).to_le_bytes());
        Ok(Value::bytes(tag.as_flattened()))
    };
    match method(args) {
        (Some("register"), [object @ Value::Ref(_)]) => {
            let number = Value::bytes(&bytes::<32>(turn, part_ref(me, 0)?)?);
            turn.call(table, &[Value::symbol("set"), tag(&number)?, object.clone()])?;
            Ok(number.into())
        }
        (Some("register"), [object @ Value::Ref(_), number]) => {
            let tag = tag(number)?;
            let known = turn.call(table, &[Value::symbol("get"), tag.clone()])?;
            if known != Value::Undefined && known != *object {
                return Err(Problem::rule("taken", "the number leads to something else".into()));
            }
            turn.call(table, &[Value::symbol("set"), tag, object.clone()])?;
            Ok(number.clone().into())
        }
        (Some("fetch"), [number]) => match turn.call(table, &[Value::symbol("get"), tag(number)?])? {
            Value::Undefined => Err(Problem::rule("not-found", "the number leads to nothing".into())),
            object => Ok(object.into()),
        },
        (Some("forget"), [number]) => {
            turn.call(table, &[Value::symbol("remove"), tag(number)?]).map(Answer::from)
        }
        (Some("register" | "fetch" | "forget"), _) => {
            Err(Problem::bad_args("a registry", "register object [number], fetch number, or forget number"))
        }
        _ => Err(Problem::no_method(args, &["register", "fetch", "forget"])),
    }
}

/// A registry, and a locator that only fetches. `entropy` is a near actor that answers `['bytes count]`.
///
/// | method | answers |
/// |---|---|
/// | `register object` | a new number for it: 32 bytes |
/// | `register object number` | the same number; `taken` if it leads to something else |
/// | `fetch number` | the object; `not-found` |
/// | `forget number` | whether it led to something; it does no more |
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// # let seed_of_the_host = [7; 32];
/// let mut map = Actormap::new();
/// let say = Value::symbol;
/// let (registry, locator) = map.poke(|turn| {
///     let entropy = library::entropy(turn, seed_of_the_host)?;
///     library::nonce_registry(turn, entropy)
/// })?;
/// let counter = map.poke(|turn| library::counter(turn, 0))?;
/// let number = map.poke(|turn| turn.call(registry, &[say("register"), counter.into()]))?;
/// assert_eq!(map.peek(|turn| turn.call(locator, &[say("fetch"), number]))?, counter.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// What the entropy says; `no-entropy`; `limit`: objects.
pub fn nonce_registry(turn: &mut Turn, entropy: Ref) -> Result<(Ref, Ref), Problem> {
    let key = Value::bytes(&bytes::<32>(turn, entropy)?);
    // What is a hash with a secret key already needs no other.
    let table = table(turn, [0, 0])?;
    let registry = turn.spawn(&REGISTRY, Value::list([entropy.into(), table.into(), key]))?;
    Ok((registry, facet(turn, registry, &["fetch"])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::kind_fn;
    use crate::library::entropy;
    use crate::library::tests::Stage;
    use crate::message::Content;

    fn stage() -> Stage {
        let mut stage = Stage::new();
        stage.make(["registry", "locator", "short"], |turn| {
            let source = entropy(turn, [1; 32])?;
            let (registry, locator) = nonce_registry(turn, source)?;
            let short = turn.spawn(kind_fn("short", |_, _, _| Ok(Value::bytes(b"abc").into())), ().into())?;
            assert_eq!(nonce_registry(turn, short).unwrap_err().rule_name(), Some("no-entropy"));
            Ok([registry, locator, short])
        });
        stage
    }

    #[test]
    fn a_number_leads_to_its_object() {
        let mut stage = stage();
        stage.names.insert("own".into(), Value::bytes(b"own number"));
        stage.names.insert("guess".into(), Value::bytes(&[0; 32]));
        stage.run(
            "registry 'register $short => @number
             registry 'register $short => @second
             registry 'register 5 => !bad-arguments
             locator 'fetch $number => $short
             registry 'fetch $second => $short
             locator 'fetch $guess => !not-found
             locator 'fetch 5 => !bad-arguments
             locator 'register $short => !no-method
             locator 'forget $number => !no-method
             registry 'register $short $own => $own
             registry 'register $short $own => $own
             registry 'register $locator $own => !taken
             locator 'fetch $own => $short
             registry 'forget $number => true
             registry 'forget $number => false
             locator 'fetch $number => !not-found
             locator 'fetch $second => $short",
        );
        assert_ne!(stage.names["number"], stage.names["second"]);
        assert_eq!(stage.names["number"].as_bytes().unwrap().len(), 32);
    }

    #[test]
    fn many_are_spread_over_small_states() {
        let mut stage = stage();
        let (registry, short) = (stage.named("registry"), stage.named("short"));
        let args = [Value::symbol("register"), short.into()];
        for _ in 0..5 {
            stage
                .map
                .poke(|turn| (0..1000).try_for_each(|_| turn.call(registry, &args).map(|_| ())))
                .unwrap();
        }
        let heaviest = stage
            .map
            .turn
            .core
            .space
            .slots
            .iter()
            .filter_map(|slot| match &slot.content {
                Content::Object { state, .. } => Some(state.weight()),
                _ => None,
            })
            .max();
        assert!(heaviest.is_some_and(|bytes| bytes < 2500), "{heaviest:?}");
    }
}

//! The library for actors that are not written in Rust: one actor that makes the others.
//!
//! It gives nobody more than they have: a clock that nobody moves stands still, and entropy is as good as the seed that is brought.

use super::parts::{kind, method};
use super::{
    CELL, Patience, Restart, caretaker, caretaker_until, clock, counter, entropy, facet, inbox, membrane,
    metered, mint, nonce_registry, pubsub, queue, quota, rate_limiter, reader, ring, sealers, supervisor,
    swappable, table, ticker, warding_pair, writer,
};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// Makes actors of the library: the method is the name of what is made, with `-` for `_`, and the arguments are those of the
    /// function. What has several sides is answered as a list of them, in the order in which the function has them. It has no
    /// state.
    ///
    /// ```
    /// use hob_vat::{Actormap, Value, library};
    ///
    /// let mut map = Actormap::new();
    /// let maker = map.poke(|turn| turn.spawn(&library::MAKER, ().into()))?;
    /// let queue = map.poke(|turn| turn.call(maker, &[Value::symbol("queue")]))?;
    /// let sides = map.poke(|turn| turn.call(maker, &[Value::symbol("caretaker"), queue]))?;
    /// assert_eq!(sides.as_list().map(<[Value]>::len), Some(2));
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    pub static MAKER: Maker = "hob.maker", call
}

const METHODS: &[&str] = &[
    "caretaker",
    "caretaker-until",
    "cell",
    "clock",
    "counter",
    "entropy",
    "facet",
    "inbox",
    "membrane",
    "metered",
    "mint",
    "nonce-registry",
    "pubsub",
    "queue",
    "quota",
    "rate-limiter",
    "reader",
    "ring",
    "sealers",
    "supervisor",
    "swappable",
    "table",
    "ticker",
    "warding-pair",
    "writer",
];

fn call(turn: &mut Turn, _: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let (name, args) = match method(args) {
        (Some(name), rest) if METHODS.contains(&name) => (name, rest),
        _ => return Err(Problem::no_method(args, METHODS)),
    };
    let made = match (name, args) {
        ("cell", []) => vec![turn.spawn(&CELL, Value::Undefined)?],
        ("cell", [value]) => vec![turn.spawn(&CELL, value.clone())?],
        ("counter", [from]) => vec![counter(turn, integer(from)?)?],
        ("reader", [Value::Ref(cell)]) => vec![reader(turn, *cell)?],
        ("writer", [Value::Ref(cell)]) => vec![writer(turn, *cell)?],
        ("facet", [Value::Ref(target), Value::List(methods)]) => {
            let names: Option<Vec<&str>> = methods.iter().map(Value::as_name).collect();
            vec![facet(turn, *target, &names.ok_or_else(|| Problem::bad_args("facet", "names of methods"))?)?]
        }
        ("swappable", []) => pair(swappable(turn, None)?),
        ("swappable", [Value::Ref(target)]) => pair(swappable(turn, Some(*target))?),
        ("caretaker", [Value::Ref(target)]) => pair(caretaker(turn, *target)?),
        ("caretaker-until", [Value::Ref(target), Value::Ref(clock), time]) => {
            pair(caretaker_until(turn, *target, *clock, integer(time)?)?)
        }
        ("membrane", [Value::Ref(inside)]) => pair(membrane(turn, *inside)?),
        ("sealers", []) => triple(sealers(turn)?),
        ("warding-pair", []) => pair(warding_pair(turn)?),
        ("queue", []) => vec![queue(turn)?],
        ("ring", [capacity]) => vec![ring(turn, small(capacity)?)?],
        ("inbox", []) => triple(inbox(turn)?),
        ("pubsub", []) => vec![pubsub(turn)?],
        ("ticker", []) => vec![ticker(turn)?],
        ("table", []) => vec![table(turn, [0, 0])?],
        ("mint", []) => vec![mint(turn)?],
        ("clock", [now]) => pair(clock(turn, integer(now)?)?),
        ("rate-limiter", [Value::Ref(target), Value::Ref(clock), capacity, units]) => {
            vec![rate_limiter(turn, *target, *clock, small(capacity)?, small(units)?)?]
        }
        ("quota", [calls, bytes]) => vec![quota(turn, small(calls)?, small(bytes)?)?],
        ("metered", [Value::Ref(target), Value::Ref(quota)]) => vec![metered(turn, *target, *quota)?],
        ("entropy", [Value::Bytes(seed)]) => {
            let seed = <[u8; 32]>::try_from(&**seed)
                .map_err(|_| Problem::bad_args("entropy", "a seed of 32 bytes"))?;
            vec![entropy(turn, seed)?]
        }
        ("nonce-registry", [Value::Ref(entropy)]) => pair(nonce_registry(turn, *entropy)?),
        ("supervisor", [Value::Ref(clock), restart, failures, units]) => {
            let restart = match restart.as_name() {
                Some("one-for-one") => Restart::OneForOne,
                Some("one-for-all") => Restart::OneForAll,
                Some("rest-for-one") => Restart::RestForOne,
                _ => return Err(Problem::bad_args("supervisor", "one-for-one, one-for-all or rest-for-one")),
            };
            let patience = Patience { failures: small(failures)?, units: small(units)? };
            vec![supervisor(turn, *clock, restart, patience)?]
        }
        _ => return Err(Problem::bad_args(name, "what its page says")),
    };
    match made.as_slice() {
        [one] => Ok((*one).into()),
        all => Ok(Value::list(all.iter().copied().map(Value::Ref)).into()),
    }
}

fn pair((a, b): (Ref, Ref)) -> Vec<Ref> {
    vec![a, b]
}

fn triple((a, b, c): (Ref, Ref, Ref)) -> Vec<Ref> {
    vec![a, b, c]
}

fn integer(value: &Value) -> Result<i64, Problem> {
    value.as_i64().ok_or_else(|| Problem::bad_args("a number", "an integer of 64 bits"))
}

fn small(value: &Value) -> Result<u32, Problem> {
    let number = value.as_i64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| Problem::bad_args("a number", "an integer from 0 to 4294967295"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn everything_is_made_by_its_name() {
        let mut stage = Stage::new();
        stage.make(["make"], |turn| Ok([turn.spawn(&MAKER, ().into())?]));
        stage.names.insert("seed".into(), Value::bytes(&[3; 32]));
        stage.run(
            "make 'cell => @cell
             make 'cell 5 => @five
             five => 5
             make 'counter 7 => @counter
             counter 'get => 7
             make 'reader $five => @reader
             reader => 5
             make 'writer $cell => @writer
             writer 1 => undefined
             cell => 1
             make 'facet $counter ['get] => @gets
             gets 'add => !no-method
             make 'facet $counter [5] => !bad-arguments
             make 'swappable => [@a @b]
             make 'swappable $cell => [@proxy @swap]
             proxy => 1
             make 'caretaker $cell => [@lent @revoke]
             revoke => undefined
             lent => !revoked
             make 'clock 100 => [@clock @drive]
             clock 'now => 100
             make 'caretaker-until $cell $clock 200 => [@lent @a]
             lent => 1
             drive 'set 200 => 200
             a ?= $a
             lent => !revoked
             make 'membrane $cell => [@lent @revoke]
             lent => 1
             make 'sealers => [@seal @open @is]
             make 'warding-pair => [@warden @incanter]
             make 'queue => @queue
             queue 'size => 0
             make 'ring 3 => @ring
             ring 'capacity => 3
             make 'ring -1 => !bad-arguments
             make 'ring 4294967296 => !bad-arguments
             make 'inbox => [@in @out @stop]
             make 'pubsub => @topic
             make 'ticker => @ticker
             make 'table => @table
             table 'size => 0
             make 'mint => @mint
             make 'rate-limiter $cell $clock 1 1 => @limited
             make 'quota 1 1000 => @quota
             make 'metered $cell $quota => @metered
             make 'entropy $seed => @entropy
             make 'entropy 5 => !bad-arguments
             make 'nonce-registry $entropy => [@registry @locator]
             make 'supervisor $clock 'one-for-one 3 10 => @sup
             make 'supervisor $clock 'none 3 10 => !bad-arguments
             make 'queue 1 => !bad-arguments
             make 'network => !no-method
             make => !no-method",
        );
    }
}

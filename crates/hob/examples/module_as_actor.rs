//! A module that is an actor: a counter whose state the host holds, with references like any other actor of the vat.
//!
//! Run it with `cargo run --release -p hob --example module_as_actor`.

use hob::Host;
use hob::vat::{Actormap, On, Value, library::CELL};

const COUNTER: &[u8] = include_bytes!("../../../guests/actor-counter-wat/guest.wat");

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = Host::builder().actors().build()?;
    let counter = host.load_bytes("counter", COUNTER)?.actor()?;

    let mut map = Actormap::new();
    let (it, seen) = map.poke(|turn| {
        let it = turn.spawn(counter.clone(), 0.into())?;
        let seen = turn.spawn(&CELL, ().into())?;
        // A near call answers at once, a message when its turn comes.
        turn.call(it, &[Value::symbol("inc")])?;
        let promise = turn.send(it, [Value::symbol("inc")])?;
        turn.on(promise, On::fulfilled(seen))?;
        Ok((it, seen))
    })?;
    assert_eq!(map.peek(|turn| turn.call(it, &[Value::symbol("get")]))?, 1.into());
    map.churn();
    assert_eq!(map.peek(|turn| turn.call(seen, &[]))?, 2.into());
    println!("the counter is at 2");
    Ok(())
}

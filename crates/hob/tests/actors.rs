//! Modules as actors of a vat: what they can do, that it is the same on both engines, and that nothing remains of a turn that
//! failed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

use std::sync::Arc;

use hob::vat::{Actormap, Value};
use hob::{Actor, Choice, Host};
use util::BOTH;

fn host(choice: Choice) -> Host {
    Host::builder().engine(choice).actors().build().unwrap()
}

fn actor(choice: Choice, name: &str) -> Arc<Actor> {
    host(choice).load(util::guest(name)).unwrap().actor().unwrap()
}

fn symbol(name: &str) -> Value {
    Value::symbol(name)
}

#[test]
fn a_counter_counts_in_its_state() {
    for choice in BOTH {
        for name in ["actor-counter-wat"] {
            let counter = actor(choice, name);
            let mut map = Actormap::new();
            let it = map.poke(|turn| turn.spawn(counter, 8.into())).unwrap();
            let inc = |map: &mut Actormap| map.poke(|turn| turn.call(it, &[symbol("inc")])).unwrap();
            assert_eq!(inc(&mut map), 9.into());
            assert_eq!(inc(&mut map), 10.into());
            assert_eq!(map.peek(|turn| turn.call(it, &[symbol("inc")])).unwrap(), 11.into());
            assert_eq!(map.poke(|turn| turn.call(it, &[symbol("get")])).unwrap(), 10.into());
        }
    }
}

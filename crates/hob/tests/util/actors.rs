//! Guests of the actor contract, in every language that has an SDK.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use hob::vat::{Actormap, Problem, Ref, Value};
use hob::{Actor, Choice, Functions, Host};

use super::{BOTH, guest};

/// The languages that there is an SDK for.
pub const SDKS: [&str; 4] = ["rust", "c", "as", "go"];

type Actors = HashMap<(String, String), Arc<Actor>>;

/// A module of actors, loaded once: compiling takes most of the time here. It is granted `test.twice`.
pub fn actor(choice: Choice, name: &str) -> Arc<Actor> {
    static LOADED: LazyLock<Mutex<Actors>> = LazyLock::new(Mutex::default);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let load = || {
        let host = Host::builder().engine(choice).actors().build().unwrap();
        let module = host.load(guest(name)).unwrap();
        if name.contains("-probe-") { module.actor_with(&[twice()]) } else { module.actor() }.unwrap()
    };
    loaded.entry((format!("{choice:?}"), name.into())).or_insert_with(load).clone()
}

/// A granted function that answers a list of what it was given, two times, and refuses `false`.
fn twice() -> Functions {
    Functions::new("test").grant("twice", 10, |it| match it {
        Value::Bool(false) => Err(Problem::refused("no twice")),
        it => Ok(Value::list([it.clone(), it.clone()])),
    })
}

/// A guest that is there in every language, in each of them and on each engine.
pub fn each(guest: impl Fn(&str) -> String, check: impl Fn(Arc<Actor>, &str)) {
    for language in SDKS {
        for choice in BOTH {
            let name = guest(language);
            check(actor(choice, &name), &format!("{name} {choice:?}"));
        }
    }
}

pub fn counters(language: &str) -> String {
    format!("actor-counter-{language}")
}

pub fn introducers(language: &str) -> String {
    format!("actor-introduce-{language}")
}

pub fn probes(language: &str) -> String {
    format!("actor-probe-{language}")
}

pub fn symbol(name: &str) -> Value {
    Value::symbol(name)
}

pub fn spawn(map: &mut Actormap, kind: &Arc<Actor>, state: Value) -> Ref {
    map.poke(|turn| turn.spawn(kind.clone(), state)).unwrap()
}

pub fn call(map: &mut Actormap, to: Ref, args: &[Value]) -> Result<Value, Problem> {
    map.poke(|turn| turn.call(to, args))
}

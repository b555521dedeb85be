//! What the tests of the kernel share: an actor that writes down what it is told, and small words for small programs.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test binary uses a part of it, and a test may fail loudly"
)]

pub(crate) mod interp;

use hob_vat::{Actormap, Answer, Kind, KindRef, Me, Problem, Ref, Turn, Value, kind_fn};

/// Answers with how many messages it has written down, this one too.
pub(crate) struct Log;

pub(crate) static LOG: Log = Log;

impl Kind for Log {
    fn name(&self) -> &str {
        "log"
    }

    fn call(&self, _: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let mut seen = me.state().as_list().unwrap_or_default().to_vec();
        seen.push(Value::list(args.to_vec()));
        let count = u64::try_from(seen.len()).unwrap();
        Ok(me.becomes(Value::list(seen)).saying(count))
    }
}

/// Answers its one argument.
pub(crate) fn echo() -> KindRef {
    kind_fn("echo", |_, _, args| Ok(args.first().cloned().unwrap_or_default().into()))
}

/// Refuses with its state.
pub(crate) fn refuses() -> KindRef {
    kind_fn("refuses", |_, me, _| Err(Problem::refused(me.state().clone())))
}

/// Says what it is: what it keeps, whatever it is asked.
pub(crate) fn constant() -> KindRef {
    kind_fn("constant", |_, me, _| Ok(me.state().clone().into()))
}

pub(crate) fn spawn(map: &mut Actormap, kind: impl Into<KindRef>, state: impl Into<Value>) -> Ref {
    map.poke(|turn| turn.spawn(kind, state.into())).unwrap()
}

pub(crate) fn log(map: &mut Actormap) -> Ref {
    spawn(map, &LOG, Value::list([]))
}

pub(crate) fn promise(map: &mut Actormap) -> (Ref, Ref) {
    map.poke(Turn::promise).unwrap()
}

pub(crate) fn fulfill(map: &mut Actormap, resolver: Ref, value: impl Into<Value>) {
    map.poke(|turn| turn.fulfill(resolver, value)).unwrap();
    map.churn();
}

pub(crate) fn break_with(map: &mut Actormap, resolver: Ref, value: impl Into<Value>) {
    map.poke(|turn| turn.break_with(resolver, value)).unwrap();
    map.churn();
}

pub(crate) fn send(map: &mut Actormap, to: Ref, args: impl Into<hob_vat::List>) -> Ref {
    let answer = map.poke(|turn| turn.send(to, args)).unwrap();
    map.churn();
    answer
}

pub(crate) fn tell(map: &mut Actormap, to: Ref, args: impl Into<hob_vat::List>) {
    map.poke(|turn| turn.send_only(to, args)).unwrap();
    map.churn();
}

/// What a log has seen, as text.
pub(crate) fn seen(map: &Actormap, log: Ref) -> String {
    state_of(map, log).to_string()
}

/// The state of an actor.
pub(crate) fn state_of(map: &Actormap, actor: Ref) -> Value {
    hob_vat::probe::state(map, actor).unwrap()
}

/// How a promise stands, as text.
pub(crate) fn standing(map: &mut Actormap, promise: Ref) -> String {
    match map.peek(|turn| turn.standing(promise)).unwrap() {
        hob_vat::Standing::Object(it) => format!("object {it}"),
        hob_vat::Standing::Far(it) => format!("far {it}"),
        hob_vat::Standing::Unresolved => "unresolved".into(),
        hob_vat::Standing::Value(it) => format!("value {it}"),
        hob_vat::Standing::Broken(it) => format!("broken {it}"),
    }
}

/// What a case about a promise begins with.
pub(crate) struct World {
    pub(crate) map: Actormap,
    pub(crate) log: Ref,
    pub(crate) p: Ref,
    pub(crate) r: Ref,
}

pub(crate) fn world() -> World {
    let mut map = Actormap::new();
    let log = log(&mut map);
    let (p, r) = promise(&mut map);
    World { map, log, p, r }
}

//! How fast the kernel is, alone: `cargo run --release -p hob-vat --example kernel`.

use std::time::{Duration, Instant};

use hob_vat::{Actormap, Answer, Kind, Limits, Me, Peer, Problem, Ref, Turn, Value, library::CELL};

struct Counter;
static COUNTER: Counter = Counter;

impl Kind for Counter {
    fn name(&self) -> &str {
        "counter"
    }
    fn call(&self, _: &mut Turn, me: Me<'_>, _: &[Value]) -> Result<Answer, Problem> {
        let next = Value::from(me.state().as_i64().unwrap_or(0) + 1);
        Ok(me.becomes(next.clone()).saying(next))
    }
}

/// Sends so many messages to another in one turn.
struct Burst;
static BURST: Burst = Burst;

impl Kind for Burst {
    fn name(&self) -> &str {
        "burst"
    }
    fn call(&self, turn: &mut Turn, _: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let [Value::Ref(to), Value::Int(count)] = args else {
            return Err(Problem::bad_args("burst", "to n"));
        };
        for _ in 0..count.to_i64().unwrap_or(0) {
            turn.send(*to, [])?;
        }
        Ok(().into())
    }
}

fn rate(what: &str, count: u32, f: impl FnOnce() -> Result<(), Problem>) -> Result<(), Problem> {
    let start = Instant::now();
    f()?;
    let each = start.elapsed() / count;
    println!("{what:40} {:>12.0}/s {each:>10.1?}", 1.0 / each.as_secs_f64());
    Ok(())
}

fn main() -> Result<(), Problem> {
    const N: u32 = 1_000_000;
    let mut map = Actormap::new();
    let (cell, counter) =
        map.poke(|turn| Ok((turn.spawn(&CELL, 1.into())?, turn.spawn(&COUNTER, 0.into())?)))?;
    rate("near call", N, || map.poke(|turn| (0..N).try_for_each(|_| turn.call(cell, &[]).map(|_| ()))))?;
    rate("near call that becomes", N, || {
        map.poke(|turn| (0..N).try_for_each(|_| turn.call(counter, &[]).map(|_| ())))
    })?;
    rate("near call, a turn each", N, || {
        (0..N).try_for_each(|_| map.poke(|turn| turn.call(counter, &[])).map(|_| ()))
    })?;
    let limits = Limits { state_bytes: 1 << 30, ..Limits::default() };
    let peer = Peer::builder().threads(2).limits(limits).build()?;
    let vat = peer.vat("a")?;
    let other = peer.vat("b")?;
    let all = std::cell::Cell::new(None);
    rate("spawn, kept", N, || {
        let kept: Ref = vat.run(|turn| {
            let actors: Result<Vec<_>, _> =
                (0..N).map(|_| turn.spawn(&COUNTER, 0.into()).map(Value::Ref)).collect();
            turn.spawn(&CELL, Value::List(actors?.into()))
        })?;
        all.set(Some(kept));
        Ok(())
    })?;
    println!("{} actors", vat.population());
    let (burst, counter) =
        vat.run(|turn| Ok((turn.spawn(&BURST, ().into())?, turn.spawn(&COUNTER, 0.into())?)))?;
    let far = other.run(|turn| turn.spawn(&COUNTER, 0.into()))?;
    for count in [20_000_u32, 200_000] {
        rate(&format!("send in one vat, burst of {count}"), count, || {
            vat.ask(burst, [counter.into(), count.into()], Duration::from_secs(60)).map(|_| ())
        })?;
        rate(&format!("send to another vat, burst of {count}"), count, || {
            vat.ask(burst, [far.into(), count.into()], Duration::from_secs(60))?;
            assert!(peer.settle(Duration::from_secs(60)));
            Ok(())
        })?;
    }
    let mut map = Actormap::new();
    let counter = map.poke(|turn| turn.spawn(&COUNTER, 0.into()))?;
    rate("send and settle, actormap alone", 200_000, || {
        map.poke(|turn| (0..200_000).try_for_each(|_| turn.send(counter, []).map(|_| ())))?;
        while !map.is_quiet() {
            map.churn();
        }
        Ok(())
    })?;
    Ok(())
}

//! The kernel of vats, with actors that are part of the program.

use std::time::{Duration, Instant};

use hob::vat::{Actormap, Answer, Kind, Limits, Me, Peer, Problem, Ref, Turn, Value, library::CELL};

use super::super::cycles::resident_mib;
use super::super::measure::{Effort, alone};
use super::super::{Row, Rows};
use super::others::Figures;
use super::text;

/// Nanoseconds: three million near calls, one million spawns and sends in a vat, half a million between vats a second.
const CALL: f64 = 1e9 / 3e6;
const SPAWN: f64 = 1e9 / 1e6;
const SEND: f64 = 1e9 / 1e6;
const FAR: f64 = 1e9 / 5e5;
/// How much longer one of many sends of a turn may take than one of few.
const LINEAR: f64 = 2.0;
/// Bytes of an actor at rest.
const IDLE: f64 = 300.0;
const SOON: Duration = Duration::from_secs(60);

/// Adds up, as the actors do that it is measured beside.
struct Adder;

static ADDER: Adder = Adder;

impl Kind for Adder {
    fn name(&self) -> &str {
        "bench.adder"
    }

    fn call(&self, _: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let sum = me.state().as_i64().unwrap_or_default();
        Ok(match args.first().and_then(Value::as_i64) {
            Some(more) => me.becomes(sum.wrapping_add(more).into()),
            None => sum.into(),
        })
    }
}

/// Sends so many messages to another in one turn.
struct Burst;

static BURST: Burst = Burst;

impl Kind for Burst {
    fn name(&self) -> &str {
        "bench.burst"
    }

    fn call(&self, turn: &mut Turn, _: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let [Value::Ref(to), Value::Int(count)] = args else {
            return Err(Problem::bad_args("burst", "to n"));
        };
        for number in 0..count.to_i64().unwrap_or_default() {
            turn.send(*to, [number.into()])?;
        }
        Ok(().into())
    }
}

pub(super) fn rows(others: Option<&Figures>, quick: bool) -> Rows {
    let mut rows = vec![call(quick)?];
    let spawn = spawn(quick)?;
    rows.push(Row::amount("spawn", spawn, "ns", SPAWN));
    let few = if quick { 2000 } else { 20_000 };
    let near = burst(false, few, quick)?;
    let far = burst(true, few, quick)?;
    rows.push(Row::amount("send, with a promise for the answer, in a vat", near, "ns", SEND));
    rows.push(Row::amount("send, with a promise for the answer, between vats", far, "ns", FAR));
    if let Some(others) = others {
        rows.push(Row::ratio("spawn, beside actix", spawn, others.actix_spawn, "ns", 1.0).beside("actix"));
        rows.push(Row::ratio("spawn, beside ractor", spawn, others.ractor_spawn, "ns", 1.0).beside("ractor"));
        rows.push(
            Row::ratio("send in a vat, beside actix", near, others.actix_send, "ns", LINEAR).beside("actix"),
        );
        rows.push(
            Row::ratio("send between vats, beside ractor", far, others.ractor_send, "ns", LINEAR)
                .beside("ractor"),
        );
    }
    let many = burst(false, few * 10, quick)?;
    rows.push(
        Row::ratio("one of 200,000 sends of a turn, beside one of 20,000", many, near, "ns", LINEAR)
            .beside("20,000"),
    );
    Ok(rows)
}

fn call(quick: bool) -> Result<Row, String> {
    let mut map = Actormap::new();
    let adder = map.poke(|turn| turn.spawn(&ADDER, 0.into())).map_err(text)?;
    let calls: u32 = if quick { 100 } else { 10_000 };
    let one = [1.into()];
    let nanos = alone(Effort::new(20, quick), || {
        map.poke(|turn| (0..calls).try_for_each(|_| turn.call(adder, &one).map(drop))).map_err(text)
    })?;
    Ok(Row::amount("near call that changes the callee", nanos / f64::from(calls), "ns", CALL))
}

fn spawn(quick: bool) -> Result<f64, String> {
    let mut map = Actormap::new();
    let actors: u32 = if quick { 100 } else { 20_000 };
    let nanos = alone(Effort::new(1, quick), || {
        map = Actormap::new();
        map.poke(|turn| (0..actors).try_for_each(|_| turn.spawn(&ADDER, 0.into()).map(drop))).map_err(text)
    })?;
    Ok(nanos / f64::from(actors))
}

/// Nanoseconds of one of so many messages of one turn, from before the first is sent until the last is answered.
fn burst(between: bool, count: u32, quick: bool) -> Result<f64, String> {
    let peer = Peer::builder().threads(2).build().map_err(text)?;
    let (one, other) = (peer.vat("a").map_err(text)?, peer.vat("b").map_err(text)?);
    let burst = one.run(|turn| turn.spawn(&BURST, ().into())).map_err(text)?;
    let adder: Ref =
        if between { &other } else { &one }.run(|turn| turn.spawn(&ADDER, 0.into())).map_err(text)?;
    let mut best = f64::INFINITY;
    for _ in 0..if quick { 1 } else { 7 } {
        let began = Instant::now();
        one.ask(burst, [adder.into(), count.into()], SOON).map_err(text)?;
        if !peer.settle(SOON) {
            return Err("the vats did not become quiet".into());
        }
        best = best.min(began.elapsed().as_secs_f64() * 1e9 / f64::from(count));
    }
    let sum = one.ask(adder, [], SOON).map_err(text)?.as_i64().unwrap_or_default();
    if sum % i64::from(count / 2) != 0 || sum == 0 {
        return Err(format!("the sum is {sum}"));
    }
    Ok(best)
}

/// A million actors of one peer, held by one.
pub(super) fn million(quick: bool) -> Result<Row, String> {
    let count: u32 = if quick { 10_000 } else { 1_000_000 };
    let before = resident_mib()?;
    let limits = Limits { state_bytes: 1 << 30, ..Limits::default() };
    let peer = Peer::builder().threads(2).limits(limits).build().map_err(text)?;
    let vat = peer.vat("a").map_err(text)?;
    let holder = vat
        .run(|turn| {
            let actors: Result<Vec<Value>, Problem> =
                (0..count).map(|_| turn.spawn(&ADDER, 0.into()).map(Value::from)).collect();
            turn.spawn(&CELL, Value::list(actors?))
        })
        .map_err(text)?;
    let each = (resident_mib()? - before) * 1024.0 * 1024.0 / f64::from(count);
    let held = vat.peek(|turn| turn.call(holder, &[])).map_err(text)?;
    let last = held.as_list().and_then(<[Value]>::last).and_then(Value::as_ref).ok_or("no actor is held")?;
    vat.ask(last, [3.into()], SOON).map_err(text)?;
    if vat.ask(last, [], SOON).map_err(text)? != 3.into() {
        return Err("an actor of a million does not add".into());
    }
    Ok(Row::amount("memory of one of 1,000,000 actors", each, "B", IDLE))
}

//! Vats in a store whose power goes off: whatever was said to have happened has, once, and whatever was sent arrives.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::Power;
use hob_store::Store;
use hob_vat::{Answer, Kind, Kinds, Me, Peer, Problem, Ref, Turn, Value, Vat};

const SOON: Duration = Duration::from_secs(60);
const ROUNDS: i64 = 4;

/// Adds what it is sent; `['tell to]` sends 1 there, twice, and counts itself.
struct Adder;

static ADDER: Adder = Adder;

impl Kind for Adder {
    fn name(&self) -> &str {
        "test.adder"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let sum = me.state().as_i64().unwrap_or_default();
        match args {
            [] => Ok(sum.into()),
            [_, Value::Ref(to)] => {
                turn.send_only(*to, [1.into()])?;
                turn.send_only(*to, [1.into()])?;
                Ok(me.becomes((sum + 1).into()))
            }
            _ => Ok(me.becomes((sum + 1).into())),
        }
    }
}

fn adder(vat: &Vat) -> Result<Ref, Problem> {
    if let Some(found) = vat.find("adder")? {
        return Ok(found);
    }
    let made = vat.run(|turn| turn.spawn(&ADDER, 0.into()))?;
    vat.publish("adder", made)?;
    Ok(made)
}

/// One process. `told` counts what it was told that happened.
fn process(power: &Power, told: &mut i64) -> Result<(i64, i64), Problem> {
    let store = Store::on(power.clone()).map_err(|error| Problem::rule("store", error.to_string()))?;
    let kinds = Kinds::library().with(&ADDER);
    let builder = Peer::builder().threads(0).store(Arc::new(store)).kinds(kinds);
    let peer = builder.snapshot_every(Some(3)).loaded_vats(1).build()?;
    let (a, b) = (peer.vat("a")?, peer.vat("b")?);
    let (one, other) = (adder(&a)?, adder(&b)?);
    let sum = |vat: &Vat, of: Ref| vat.peek(|turn| turn.call(of, &[])).map(|sum| sum.as_i64().unwrap());
    while sum(&a, one)? < ROUNDS {
        a.run(|turn| turn.call(one, &[Value::symbol("tell"), other.into()]))?;
        *told += 1;
    }
    assert!(peer.settle(SOON));
    Ok((sum(&a, one)?, sum(&b, other)?))
}

/// How many moments there were, and how many processes ended before they were done.
fn run(off_at: u64, keeps: usize) -> (u64, u64) {
    let power = Power::new(keeps);
    drop(Store::on(power.clone()).unwrap());
    power.off_at(off_at);
    let (mut told, mut ended) = (0, 0);
    for _ in 0..3 {
        match process(&power, &mut told) {
            Ok(sums) => {
                assert_eq!(sums, (ROUNDS, 2 * ROUNDS), "off at {off_at}, keeps {keeps}");
                assert!(told <= ROUNDS, "{told}");
                return (power.moments(), ended);
            }
            Err(problem) => assert_eq!(problem.rule_name(), Some("store"), "{problem}"),
        }
        ended += 1;
        power.again();
    }
    panic!("power went off once, and three processes were not enough: off at {off_at}, keeps {keeps}");
}

#[test]
fn vats_are_as_they_were_when_the_power_is_on_again() {
    let (moments, _) = run(u64::MAX, 0);
    let mut ended = 0;
    for keeps in [0, 2] {
        ended += (0..moments).map(|off_at| run(off_at, keeps).1).sum::<u64>();
    }
    assert!(moments > 50 && ended > moments, "{ended} of {moments}");
}

//! A machine with its journal in a store whose power goes off, at every write and at every wait for the disk: what was written
//! since the last wait is gone then, all of it or any part.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod common;

use std::collections::BTreeMap;

use common::Power;
use hob_machine::driver::Machines;
use hob_machine::journal::{Durable, DurableError, Setup};
use hob_machine::{Chart, Document, Machine, Registry};
use hob_store::{Journal, JournalError, Store};
use serde_json::{Value, json};

fn machines() -> Machines {
    let document = json!({"name": "count", "initial": "a", "hasInitial": true, "states": [{"name": "a", "transitions": [
        {"from": "a", "to": "a", "on": "add", "internal": true,
         "effects": [{"name": "say"}], "assigns": [{"name": "add"}]}]}]});
    let registry =
        Registry::new().action("say", |call| Ok(call.data.cloned())).assign("add", |call, context| {
            let so_far = context["all"].as_array().cloned().unwrap_or_default();
            context["all"] = json!([so_far, vec![call.data.cloned().unwrap_or_default()]].concat());
            Ok(())
        });
    let chart = Chart::load(&Document::parse(&document.to_string()).unwrap()).unwrap();
    Machines::new().with("count", &Machine::bind(chart, &registry).unwrap())
}

const INPUTS: u64 = 8;

/// One process; the power may go off at any moment.
fn process(power: &Power, said: &mut BTreeMap<String, Value>) -> Result<Value, DurableError<JournalError>> {
    let store = Store::on(power.clone()).map_err(|error| DurableError::Store(error.into()))?;
    let mut durable =
        Durable::open(Journal::new(&store, "count"), Setup::new("count", &machines(), "count"), 0)?;
    if durable.system().inputs() == 0 {
        durable.start(json!({"all": []}), 0)?;
    }
    loop {
        let ids: Vec<_> = durable
            .drain()
            .into_iter()
            .map(|output| {
                let what = output.to_value();
                let before = said.insert(output.id.to_string(), what.clone());
                assert!(before.is_none_or(|before| before == what), "one number, two effects");
                output.id
            })
            .collect();
        durable.acknowledge(&ids, 0)?;
        let count = durable.system().root().unwrap().context()["all"].as_array().unwrap().len() as u64;
        if count == INPUTS {
            return Ok(durable.system().root().unwrap().context().clone());
        }
        let event = hob_machine::Event { name: "add".into(), data: Some(json!(count)) };
        durable.send(event, 0)?;
        if count % 3 == 2 {
            durable.checkpoint()?;
        }
    }
}

fn run(off_at: u64, keeps: usize) -> (Value, usize, u64, bool) {
    let power = Power::new(keeps);
    // A file gets its name when the store in it is whole; see `Store::open`.
    drop(Store::on(power.clone()).unwrap());
    power.off_at(off_at);
    let mut said = BTreeMap::new();
    let mut ended = false;
    for _ in 0..2 {
        match process(&power, &mut said) {
            Ok(context) => return (context, said.len(), power.moments(), ended),
            Err(DurableError::Store(_) | DurableError::Poisoned) => ended = true,
            Err(other) => panic!("{other}"),
        }
        power.again();
    }
    panic!("power went off once, and two processes were not enough");
}

#[test]
fn what_was_kept_is_there_when_the_power_is_on_again() {
    let expected = json!({"all": (0..INPUTS).collect::<Vec<_>>()});
    let (context, said, moments, _) = run(u64::MAX, 0);
    assert_eq!((&context, said), (&expected, INPUTS as usize));
    let mut ended = 0;
    for keeps in [0, 1, 2, 3] {
        for off_at in 0..moments {
            let (context, said, _, off) = run(off_at, keeps);
            assert_eq!((&context, said), (&expected, INPUTS as usize), "off at {off_at}, keeps {keeps}");
            ended += u64::from(off);
        }
    }
    assert!(ended > 3 * moments, "{ended} of {moments}");
}

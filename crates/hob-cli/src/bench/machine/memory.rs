//! What many instances of one machine take.

use hob::machine::{Event, Instance, Registry};
use serde_json::{Value, json};

use super::super::Row;
use super::super::cycles::resident_mib;
use super::charts::CASES;

const INSTANCES: usize = 100_000;

/// Bytes each, without what its context holds.
const BYTES: f64 = 300.0;

pub(super) fn row(quick: bool) -> Result<Row, String> {
    let count = if quick { 1000 } else { INSTANCES };
    let case = CASES.get(1).ok_or("there is no machine")?;
    let machine = super::bind(&(case.machine)(), &Registry::new())?;
    let event: Vec<Event> = case.events.iter().map(|name| Event::from(*name)).collect();
    let before = resident_mib()?;
    let mut all = Vec::with_capacity(count);
    for number in 0..count {
        let (mut instance, _) = Instance::start(&machine, Value::Null).map_err(|error| error.to_string())?;
        let event = event.get(number % 2).ok_or("there are no events")?;
        // Not all of them are where they began.
        if number % 3 == 0 {
            drop(instance.fire(event));
        }
        all.push(instance);
    }
    #[expect(clippy::cast_precision_loss, reason = "a hundred thousand is exact")]
    let each = (resident_mib()? - before) * 1024.0 * 1024.0 / count as f64;
    let alive = all.iter().filter(|instance| instance.context() != &json!(1)).count();
    drop(all);
    if alive != count {
        return Err(format!("{alive} of {count} instances are there"));
    }
    Ok(Row::amount("memory of one of 100,000 instances", each, "B", BYTES))
}

//! Events, as they are written on a command line.

use std::io::BufRead;

use hob::machine::{Event, Name};
use serde_json::Value;

use crate::report::{Failure, USAGE};

/// How many bytes a line may have.
const LINE_MAX: usize = 1 << 20;

/// Something to do to a machine.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    Event(Event),
    /// So many nanoseconds pass.
    Time(i64),
}

/// Events with commas between, or those of standard input.
pub(super) fn all(text: &str) -> Box<dyn Iterator<Item = Result<Sent, Failure>> + '_> {
    if text == "-" {
        let lines = std::io::stdin().lock().lines();
        return Box::new(lines.filter_map(|line| match line {
            Ok(line) if line.trim().is_empty() => None,
            Ok(line) => Some(one(line.trim())),
            Err(error) => Some(Err(Failure::new(USAGE, format!("failed to read an event: {error}")))),
        }));
    }
    Box::new(text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(one))
}

/// One event.
pub(super) fn one(text: &str) -> Result<Sent, Failure> {
    let wrong = |why: &str| {
        Failure::new(USAGE, format!("{:?} is no event: {why}", hob::escape_guest_text(text, 200)))
    };
    if text.len() > LINE_MAX {
        return Err(wrong("it is longer than 1 MiB"));
    }
    if let Some(time) = text.strip_prefix('+') {
        let time = hob::parse_duration(time).map_err(|error| wrong(&error))?;
        return Ok(Sent::Time(i64::try_from(time.as_nanos()).map_err(|_| wrong("it is too long"))?));
    }
    if !text.starts_with('{') {
        return Ok(Sent::Event(Event::from(text)));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let name = value.get("event").and_then(Name::from_value);
    let name = name.ok_or_else(|| wrong("\"event\" names it: a string, an integer or a boolean"))?;
    Ok(Sent::Event(Event { name, data: value.get("data").cloned() }))
}

pub(super) fn context(text: Option<&str>) -> Result<Value, Failure> {
    let Some(text) = text else { return Ok(serde_json::json!({})) };
    serde_json::from_str(text)
        .map_err(|error| Failure::new(USAGE, format!("the context is not JSON: {error}")))
}

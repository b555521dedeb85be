//! Parts of a value, by their keys, where they are: only what is asked for is copied.

use serde_json::Value;

use crate::weight::{self, weigh};

/// How many items an array may have when a script makes it longer.
const ITEMS_MAX: usize = 64 << 10;

/// What is found under a key.
pub(super) enum Part<'v> {
    There(&'v Value),
    /// A number that is known.
    Count(usize),
    /// The length of a text, whose characters are to be counted.
    Length(&'v str),
    Nothing,
}

/// A part of a value. Errors: a key of nothing.
pub(super) fn of<'v>(value: &'v Value, key: &str) -> Result<Part<'v>, String> {
    Ok(match value {
        Value::Object(fields) => fields.get(key).map_or(Part::Nothing, Part::There),
        Value::Array(items) if key == "length" => Part::Count(items.len()),
        Value::String(text) if key == "length" => Part::Length(text),
        Value::Array(items) => {
            key.parse().ok().and_then(|index: usize| items.get(index)).map_or(Part::Nothing, Part::There)
        }
        Value::Null => return Err(nothing_has(key)),
        _ => Part::Nothing,
    })
}

/// A part of a part, and so on.
pub(super) fn under<'v>(value: &'v Value, keys: &[String]) -> Result<Part<'v>, String> {
    keys.iter().try_fold(Part::There(value), |part, key| match part {
        Part::There(value) => of(value, key),
        Part::Nothing => Err(nothing_has(key)),
        // Numbers have no parts.
        Part::Count(_) | Part::Length(_) => Ok(Part::Nothing),
    })
}

/// What a part weighs now, and how much is added around it when it is written. Errors: it cannot be written.
pub(super) fn cost(value: &Value, keys: &[String]) -> Result<(usize, usize), String> {
    let (mut at, mut more) = (Some(value), 0);
    for key in keys {
        at = match at {
            Some(Value::Object(fields)) => {
                let found = fields.get(key);
                if found.is_none() {
                    more += weight::name(key, usize::MAX).map_or(0, |left| usize::MAX - left);
                }
                found
            }
            Some(Value::Array(items)) => {
                let index = index(key)?;
                more += (index + 1).saturating_sub(items.len());
                items.get(index)
            }
            _ => return Err(unwritable(key)),
        };
    }
    let weight = |value| weigh(value, usize::MAX, usize::MAX).map_or(0, |left| usize::MAX - left);
    Ok((at.map_or(0, weight), more))
}

/// Writes a part. Errors: it cannot be written; what is around it may be there then.
pub(super) fn put(whole: &mut Value, keys: &[String], value: Value) -> Result<(), String> {
    let mut place = whole;
    for key in keys {
        place = match place {
            Value::Object(fields) => fields.entry(key).or_insert(Value::Null),
            Value::Array(items) => {
                let index = index(key)?;
                if items.len() <= index {
                    items.resize(index + 1, Value::Null);
                }
                items.get_mut(index).ok_or_else(|| unwritable(key))?
            }
            _ => return Err(unwritable(key)),
        };
    }
    *place = value;
    Ok(())
}

fn index(key: &str) -> Result<usize, String> {
    let index: usize = key.parse().map_err(|_| "an array has numbers for keys".to_owned())?;
    if index < ITEMS_MAX { Ok(index) } else { Err(format!("an array has at most {ITEMS_MAX} items")) }
}

fn nothing_has(key: &str) -> String {
    format!("{key:?} is read of undefined")
}

fn unwritable(key: &str) -> String {
    format!("{key:?} cannot be written: what it is of is no object")
}

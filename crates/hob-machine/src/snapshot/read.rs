//! Reading a snapshot from JSON: every field of the right type, or an error that says where.

use serde_json::{Map, Value};

use super::{Pending, RestoreError, SNAPSHOT_VERSION, Snapshot, Status};
use crate::journal::JournalEntry;
use crate::name::Name;
use crate::problem::below;

type Reading<T> = Result<T, RestoreError>;

impl Snapshot {
    /// Reads a snapshot. Errors: fields of another type, each with its place.
    pub fn from_value(value: Value) -> Reading<Self> {
        let Value::Object(mut fields) = value else {
            return Err(RestoreError::field("", "a snapshot is an object"));
        };
        let from = &mut fields;
        let version = number(from, "snapshotVersion")?.unwrap_or(0);
        let status = number(from, "status")?.unwrap_or(0);
        let status = Status::of_code(status)
            .ok_or_else(|| RestoreError::field("/status", format!("{status} is none of 0, 1 and 2")))?;
        let mut history_deep = std::collections::BTreeMap::new();
        for (key, value) in object(from, "historyDeep")? {
            let at = below("/historyDeep", &key);
            history_deep.insert(key, names(value, &at)?);
        }
        let mut history_shallow = std::collections::BTreeMap::new();
        for (key, value) in object(from, "historyShallow")? {
            let at = below("/historyShallow", &key);
            history_shallow.insert(key, name(&value, &at)?);
        }
        let mut journal = Vec::new();
        for (index, entry) in list(from, "journal")?.into_iter().enumerate() {
            let at = below("/journal", index);
            let entry = JournalEntry::from_value(entry).map_err(|why| RestoreError::field(&at, why))?;
            journal.push(entry);
        }
        Ok(Self {
            machine: text(from, "machine")?.unwrap_or_default(),
            machine_id: text(from, "machineId")?,
            machine_version: text(from, "machineVersion")?,
            snapshot_version: if version == 0 { SNAPSHOT_VERSION } else { version },
            current: match from.remove("current") {
                None | Some(Value::Null) => None,
                Some(value) => Some(name(&value, "/current")?),
            },
            configuration: names(Value::Array(list(from, "configuration")?), "/configuration")?,
            context: from.remove("context").unwrap_or_default(),
            history_shallow,
            history_deep,
            status,
            output: from.remove("output"),
            error: text(from, "error")?,
            pending: pending(object(from, "pending")?)?,
            actors: object(from, "actors")?,
            journal,
            in_flight_services: list(from, "inFlightServices")?,
            mailboxes: object(from, "mailboxes")?,
            hob: object(from, "hob")?,
            rest: fields,
        })
    }
}

fn pending(mut from: Map<String, Value>) -> Reading<Pending> {
    let mut ids = |key: &str| -> Reading<Vec<String>> {
        let at = below("/pending", key);
        let items = match from.remove(key) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(RestoreError::field(at, "it is a list of strings")),
        };
        let ids = items.into_iter().enumerate().map(|(index, item)| match item {
            Value::String(id) => Ok(id),
            _ => Err(RestoreError::field(below(&at, index), "it is a string")),
        });
        ids.collect()
    };
    Ok(Pending { timers: ids("timers")?, services: ids("services")?, actors: ids("actors")? })
}

fn text(from: &mut Map<String, Value>, key: &str) -> Reading<Option<String>> {
    match from.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(RestoreError::field(below("", key), "it is a string")),
    }
}

fn number(from: &mut Map<String, Value>, key: &str) -> Reading<Option<u64>> {
    match from.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let wrong = || RestoreError::field(below("", key), "it is an integer, not below 0");
            value.as_u64().map(Some).ok_or_else(wrong)
        }
    }
}

fn list(from: &mut Map<String, Value>, key: &str) -> Reading<Vec<Value>> {
    match from.remove(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(RestoreError::field(below("", key), "it is a list")),
    }
}

fn object(from: &mut Map<String, Value>, key: &str) -> Reading<Map<String, Value>> {
    match from.remove(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err(RestoreError::field(below("", key), "it is an object")),
    }
}

fn name(value: &Value, at: &str) -> Reading<Name> {
    Name::from_value(value)
        .ok_or_else(|| RestoreError::field(at, "a state is named by a string, an integer or a boolean"))
}

fn names(value: Value, at: &str) -> Reading<Vec<Name>> {
    let Value::Array(items) = value else { return Err(RestoreError::field(at, "it is a list of states")) };
    items.iter().enumerate().map(|(index, item)| name(item, &below(at, index))).collect()
}

//! What an instance is at one moment, as JSON that can be kept and read again.
//!
//! The format is the reference implementation's, snapshot version 1: which leaves are active, the context, what history
//! states lead back to, what is pending. What a driver has to keep besides stands under `hob`; keys that are not known here
//! are kept as they are. Taking a snapshot changes nothing, and an instance that is restored runs no entry actions again.
//!
//! Stops: a snapshot of another machine, of another version of it, or with a configuration that no state chart has, being
//! taken for an instance. Each is an error of its own, with the place in the snapshot.
//!
//! Source of the format: the reference kernel's frozen snapshot envelope, `snapshotVersion` = major × 1000 + minor.

mod error;
mod legal;
mod migrate;
mod read;
mod restore;
mod take;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use error::RestoreError;
pub use migrate::{Migration, MigrationError, Migrations};

use crate::journal::JournalEntry;
use crate::name::Name;

/// The version of the format that is written here.
pub const SNAPSHOT_VERSION: u64 = 1000;

/// How many minor versions a major one has.
const MINORS: u64 = 1000;

/// How deep a snapshot may nest: deeper ones could be written and not be read again.
pub const DEPTH_MAX: usize = crate::json::DEPTH_MAX - 8;

/// How far an instance has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Status {
    /// It goes on.
    #[default]
    Running,
    /// Every active leaf is final.
    Done,
    /// Whoever drives it gave it up.
    Failed,
}

impl Status {
    /// The number that the wire has for it.
    #[must_use]
    pub fn code(self) -> u64 {
        match self {
            Self::Running => 0,
            Self::Done => 1,
            Self::Failed => 2,
        }
    }

    /// The one with this number.
    #[must_use]
    pub fn of_code(code: u64) -> Option<Self> {
        [Self::Running, Self::Done, Self::Failed].into_iter().find(|each| each.code() == code)
    }
}

/// What was started for the active states, by name. It describes; what counts stands under `hob`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    /// Timers.
    pub timers: Vec<String>,
    /// Services.
    pub services: Vec<String>,
    /// Other machines.
    pub actors: Vec<String>,
}

/// An instance at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Which machine.
    pub machine: String,
    /// Its name in the world.
    pub machine_id: Option<String>,
    /// Which version of it.
    pub machine_version: Option<String>,
    /// The version of the format; 0 counts as the first.
    pub snapshot_version: u64,
    /// The first active leaf.
    pub current: Option<Name>,
    /// The active leaves, in the order of the document.
    pub configuration: Vec<Name>,
    /// What the machine remembers.
    pub context: Value,
    /// Which child of a state was active when it was left last.
    pub history_shallow: BTreeMap<String, Name>,
    /// Which leaves inside it were.
    pub history_deep: BTreeMap<String, Vec<Name>>,
    /// How far it has come.
    pub status: Status,
    /// What it came to, when it is done.
    pub output: Option<Value>,
    /// Why it was given up.
    pub error: Option<String>,
    /// What was started for the active states.
    pub pending: Pending,
    /// The machines it started, by what it calls them, each with a snapshot inside.
    pub actors: Map<String, Value>,
    /// What came from outside since another snapshot.
    pub journal: Vec<JournalEntry>,
    /// Services that were started and have not ended.
    pub in_flight_services: Vec<Value>,
    /// Events that wait, by the machine they are for.
    pub mailboxes: Map<String, Value>,
    /// What a driver of hob keeps.
    pub hob: Map<String, Value>,
    /// What is not known here.
    pub rest: Map<String, Value>,
}

impl Snapshot {
    /// As JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut out = self.rest.clone();
        let mut put = |key: &str, value: Value| {
            let empty = match &value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(fields) => fields.is_empty(),
                Value::Bool(_) | Value::Number(_) => false,
            };
            if !empty {
                out.insert(key.into(), value);
            }
        };
        put("machineId", json!(self.machine_id));
        put("machineVersion", json!(self.machine_version));
        put("historyShallow", json!(self.history_shallow));
        put("historyDeep", json!(self.history_deep));
        put("error", json!(self.error));
        put("actors", Value::Object(self.actors.clone()));
        put("journal", json!(self.journal));
        put("inFlightServices", json!(self.in_flight_services));
        put("mailboxes", Value::Object(self.mailboxes.clone()));
        put("hob", Value::Object(self.hob.clone()));
        let mut pending = Map::new();
        let Pending { timers, services, actors } = &self.pending;
        for (key, ids) in [("timers", timers), ("services", services), ("actors", actors)] {
            if !ids.is_empty() {
                pending.insert(key.into(), json!(ids));
            }
        }
        if let Some(output) = &self.output {
            out.insert("output".into(), output.clone());
        }
        out.insert("machine".into(), json!(self.machine));
        out.insert("current".into(), json!(self.current));
        out.insert("configuration".into(), json!(self.configuration));
        out.insert("context".into(), self.context.clone());
        out.insert("status".into(), json!(self.status.code()));
        out.insert("pending".into(), Value::Object(pending));
        out.insert("snapshotVersion".into(), json!(self.snapshot_version));
        Value::Object(out)
    }

    /// As text that [`Snapshot::parse`] reads again. Errors: a context that nests too deeply for that.
    pub fn to_text(&self) -> Result<String, RestoreError> {
        let value = self.to_value();
        check_depth(&value)?;
        Ok(value.to_string())
    }

    /// Reads a snapshot. Errors: text that is no JSON, and fields of another type, each with its place.
    pub fn parse(text: &str) -> Result<Self, RestoreError> {
        let value = serde_json::from_str(text).map_err(|error| RestoreError::NotJson(error.to_string()))?;
        Self::from_value(value)
    }
}

/// Looks how deep a value nests, without nesting itself.
pub(crate) fn check_depth(value: &Value) -> Result<(), RestoreError> {
    let mut left = vec![(value, 1)];
    while let Some((value, depth)) = left.pop() {
        if depth > DEPTH_MAX && (value.is_array() || value.is_object()) {
            return Err(RestoreError::Deep { limit: DEPTH_MAX });
        }
        match value {
            Value::Array(items) => left.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => left.extend(fields.values().map(|field| (field, depth + 1))),
            _ => {}
        }
    }
    Ok(())
}

//! How what a driver keeps looks as JSON.
//!
//! What the reference implementation has a field for stands in that field; the rest of the same thing stands under `hob`
//! beside it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::actor::{Body, Key, Letter, Sender, Timer};
use super::{Ask, EffectId, Output, Running};
use crate::document::model::Ref;
use crate::effect::{Sending, Start};
use crate::name::Name;
use crate::origin::Origin;
use crate::problem::below;
use crate::snapshot::RestoreError;

type Reading<T> = Result<T, RestoreError>;

/// An object that is read, and where it stands.
pub(super) struct Fields<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) at: String,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value, at: impl Into<String>) -> Reading<Self> {
        let at = at.into();
        match value {
            Value::Object(map) => Ok(Self { map, at }),
            _ => Err(RestoreError::field(at, "it is an object")),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn place(&self, key: &str) -> String {
        below(&self.at, key)
    }

    pub(super) fn wrong<T>(&self, key: &str, message: &str) -> Reading<T> {
        Err(RestoreError::field(self.place(key), message))
    }

    pub(super) fn text(&self, key: &str) -> Reading<Option<&'a str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => self.wrong(key, "it is a string"),
        }
    }

    pub(super) fn needed(&self, key: &str) -> Reading<&'a str> {
        self.text(key)?.map_or_else(|| self.wrong(key, "it is missing"), Ok)
    }

    pub(super) fn number(&self, key: &str) -> Reading<u64> {
        let number = self.get(key).map_or(Some(0), Value::as_u64);
        number.map_or_else(|| self.wrong(key, "it is an integer, not below 0"), Ok)
    }

    pub(super) fn moment(&self, key: &str) -> Reading<i64> {
        let moment = self.get(key).and_then(Value::as_i64);
        moment.map_or_else(|| self.wrong(key, "it is a moment: nanoseconds since the epoch"), Ok)
    }

    pub(super) fn name(&self, key: &str) -> Reading<Option<Name>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match Name::from_value(value) {
                Some(name) => Ok(Some(name)),
                None => self.wrong(key, "it is a string, an integer or a boolean"),
            },
        }
    }

    pub(super) fn object(&self, key: &str) -> Reading<Option<Fields<'a>>> {
        self.get(key).map(|value| Fields::of(value, self.place(key))).transpose()
    }

    pub(super) fn list(&self, key: &str) -> Reading<impl Iterator<Item = (String, &'a Value)> + use<'a>> {
        let at = self.place(key);
        let items: &'a [Value] = match self.get(key) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(_) => return self.wrong(key, "it is a list"),
        };
        Ok(items.iter().enumerate().map(move |(index, item)| (below(&at, index), item)))
    }
}

/// Puts a field unless there is nothing in it.
pub(super) fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if !empty {
        map.insert(key.into(), value);
    }
}

/// What was asked for; `hob` is put beside it.
pub(super) fn of_start(start: &Start, mut hob: Map<String, Value>) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("id".into(), json!(start.id));
    map.insert("src".into(), json!(start.src.name));
    put(&mut map, "input", Value::Object((*start.input).clone()));
    put(&mut map, "onDone", start.on_done.to_value());
    put(&mut map, "onError", start.on_error.to_value());
    put(&mut map, "systemId", json!(start.system_id));
    if let Some(state) = &start.state {
        map.insert("state".into(), state.to_value());
    }
    put(&mut hob, "params", Value::Object(start.src.params.clone()));
    put(&mut map, "hob", Value::Object(hob));
    map
}

pub(super) fn to_start(from: &Fields<'_>) -> Reading<Start> {
    let src = Ref {
        at: String::new(),
        name: from.needed("src")?.to_owned(),
        params: match from.object("hob")? {
            Some(hob) => hob.object("params")?.map(|params| params.map.clone()).unwrap_or_default(),
            None => Map::new(),
        },
        position: None,
    };
    Ok(Start {
        id: from.needed("id")?.into(),
        src: Arc::new(src),
        input: Arc::new(from.object("input")?.map(|input| input.map.clone()).unwrap_or_default()),
        on_done: from.name("onDone")?.unwrap_or_else(Name::empty),
        on_error: from.name("onError")?.unwrap_or_else(Name::empty),
        system_id: from.text("systemId")?.map(Arc::from),
        state: from.name("state")?,
    })
}

pub(super) fn of_service(service: &Running) -> Value {
    let mut hob = Map::new();
    hob.insert("run".into(), json!(service.run));
    if service.settled {
        hob.insert("settled".into(), json!(true));
    }
    Value::Object(of_start(&service.start, hob))
}

/// A service; the run is `None` when the snapshot was not made by a driver of hob.
pub(super) fn to_service(value: &Value, at: String) -> Reading<(Option<EffectId>, Arc<Start>, bool)> {
    let from = Fields::of(value, at)?;
    let (mut run, mut settled) = (None, false);
    if let Some(hob) = from.object("hob")? {
        run = hob.text("run")?.map(EffectId::from);
        settled = hob.get("settled").and_then(Value::as_bool).unwrap_or_default();
    }
    Ok((run, Arc::new(to_start(&from)?), settled))
}

pub(super) fn of_timer(timer: &Timer) -> Value {
    let Timer { id, deadline, number, event, state, send } = timer;
    let mut value = json!({"id": id, "deadline": deadline, "number": number, "event": event, "state": state});
    if let (Some(send), Value::Object(map)) = (send, &mut value) {
        let mut more = Map::new();
        more.insert("target".into(), json!(send.target));
        more.insert("delay".into(), json!(send.delay_nanos));
        for (key, value) in [("data", send.data.clone()), ("id", send.id.as_ref().map(|id| json!(id)))] {
            if let Some(value) = value {
                more.insert(key.into(), value);
            }
        }
        map.insert("send".into(), Value::Object(more));
    }
    value
}

pub(super) fn to_timer(value: &Value, at: String) -> Reading<Timer> {
    let from = Fields::of(value, at)?;
    let event = from.name("event")?.unwrap_or_else(Name::empty);
    let send = match from.object("send")? {
        None => None,
        Some(send) => Some(Arc::new(Sending {
            target: send.needed("target")?.into(),
            event: event.clone(),
            data: send.map.get("data").cloned(),
            delay_nanos: i64::try_from(send.number("delay")?).unwrap_or(i64::MAX),
            id: send.text("id")?.map(Arc::from),
        })),
    };
    Ok(Timer {
        id: from.needed("id")?.into(),
        deadline: from.moment("deadline")?,
        number: from.number("number")?,
        event,
        state: from.name("state")?.unwrap_or_else(Name::empty),
        send,
    })
}

pub(super) fn of_letter(letter: &Letter) -> Value {
    let mut map = Map::new();
    map.insert("number".into(), json!(letter.number));
    match letter.sender {
        Sender::Nobody => {}
        Sender::Host => drop(map.insert("sender".into(), json!("host"))),
        Sender::Machine(Key(key)) => drop(map.insert("sender".into(), json!(key))),
    }
    if letter.origin != Origin::default() {
        map.insert("origin".into(), letter.origin.to_value());
    }
    let mut put = |key: &str, value: Value| map.insert(key.into(), value);
    let mut put_result = |result: &Result<Value, Value>| match result {
        Ok(output) => put("done", output.clone()),
        Err(error) => put("error", error.clone()),
    };
    match &letter.body {
        Body::Begin => drop(put("begin", json!(true))),
        Body::Event(name, data) => {
            if let Some(data) = data {
                put("data", data.clone());
            }
            put("event", name.to_value());
        }
        Body::Service(run, result) => {
            put_result(result);
            put("service", json!(run));
        }
        Body::Child(Key(key), result) => {
            put_result(result);
            put("child", json!(key));
        }
    }
    Value::Object(map)
}

pub(super) fn to_letter(value: &Value, at: String) -> Reading<Letter> {
    let from = Fields::of(value, at)?;
    let sender = match from.get("sender") {
        None => Sender::Nobody,
        Some(Value::String(host)) if host == "host" => Sender::Host,
        Some(_) => Sender::Machine(Key(from.number("sender")?)),
    };
    let result = || match (from.map.get("done"), from.map.get("error")) {
        (Some(output), None) => Ok(Ok(output.clone())),
        (None, Some(error)) => Ok(Err(error.clone())),
        _ => from.wrong("done", "there is either done or error"),
    };
    let body = if let Some(event) = from.name("event")? {
        Body::Event(event, from.map.get("data").cloned())
    } else if let Some(run) = from.text("service")? {
        Body::Service(run.into(), result()?)
    } else if from.get("child").is_some() {
        Body::Child(Key(from.number("child")?), result()?)
    } else if from.get("begin").is_some() {
        Body::Begin
    } else {
        return from.wrong("event", "a letter holds an event, a service, a child or begin");
    };
    let origin = match from.get("origin").map(Origin::from_value) {
        None => Origin::default(),
        Some(Some(origin)) => origin,
        Some(None) => return from.wrong("origin", "it says where an event comes from, in strings"),
    };
    Ok(Letter { number: from.number("number")?, body, sender, origin })
}

impl Output {
    /// As JSON: what it is as `{kind, payload}`, its number as `effectId`, and the machine it is for.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let (kind, payload) = match &self.ask {
            Ask::Action { name, value } => ("hob.action", json!({"name": name, "value": value})),
            Ask::StartService(start) => ("crucible.startService", Value::Object(of_start(start, Map::new()))),
            Ask::StopService { run } => ("crucible.stopService", json!({"run": run})),
            Ask::Message { event } => ("hob.message", json!({"event": event})),
            Ask::Failed { id, src, error } => ("hob.failed", json!({"id": id, "src": src, "error": error})),
        };
        json!({"effectId": self.id, "machine": self.machine, "kind": kind, "payload": payload})
    }

    pub(super) fn from_value(value: &Value, at: String) -> Reading<Self> {
        let from = Fields::of(value, at)?;
        let Some(payload) = from.object("payload")? else { return from.wrong("payload", "it is missing") };
        let any = |key: &str| payload.map.get(key).cloned().unwrap_or_default();
        let ask = match from.needed("kind")? {
            "hob.action" => Ask::Action { name: payload.needed("name")?.into(), value: any("value") },
            "crucible.startService" => Ask::StartService(Arc::new(to_start(&payload)?)),
            "crucible.stopService" => Ask::StopService { run: payload.needed("run")?.into() },
            "hob.message" => Ask::Message { event: any("event") },
            "hob.failed" => Ask::Failed {
                id: payload.needed("id")?.into(),
                src: payload.needed("src")?.to_owned(),
                error: any("error"),
            },
            _ => return from.wrong("kind", "no such effect is handed to a host"),
        };
        Ok(Self { id: from.needed("effectId")?.into(), machine: from.needed("machine")?.into(), ask })
    }
}

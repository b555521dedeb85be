//! One thing that came from outside, as it is kept.
//!
//! A machine's steps follow from its document, its context and its events. What does not follow is written down: events and
//! when they came, results of services, what was read while a step ran. The shape is the reference implementation's; kinds
//! of ours begin with `hob.`.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::driver::{EffectId, Input};
use crate::name::Name;
use crate::step::Event;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The machine began.
    Start,
    /// An event.
    Message,
    /// Nothing but the time.
    Clock,
    /// What a service came to.
    Service,
    /// Effects that the host has carried out.
    Acknowledged,
    /// What a step read.
    Random,
    /// Another; it is kept, and nothing can be replayed that holds it.
    Other(String),
}

impl Kind {
    /// The word that the wire has for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Start => "hob.start",
            Self::Message => "actorMessage",
            Self::Clock => "clockRead",
            Self::Service => "serviceResult",
            Self::Acknowledged => "hob.acknowledged",
            Self::Random => "random",
            Self::Other(kind) => kind,
        }
    }

    fn of(text: &str) -> Self {
        let known =
            [Self::Start, Self::Message, Self::Clock, Self::Service, Self::Acknowledged, Self::Random];
        known.into_iter().find(|kind| kind.as_str() == text).unwrap_or_else(|| Self::Other(text.into()))
    }
}

/// One entry of a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalEntry {
    /// Which input of the system it is, or belongs to; the first is 0.
    pub step: u64,
    /// What it is.
    pub kind: Kind,
    /// Whose it is: whom an event is for, which run of a service, what a read is called.
    pub correlation_id: Option<String>,
    /// What came.
    pub payload: Option<Value>,
    /// When, in nanoseconds since the epoch.
    pub clock_unix_nano: Option<i64>,
    /// What is not known here.
    pub rest: Map<String, Value>,
}

impl JournalEntry {
    /// What to write down of an input.
    #[must_use]
    pub fn of_input(step: u64, input: &Input, now: i64) -> Self {
        let (kind, correlation_id, payload) = match input {
            Input::Start { context } => (Kind::Start, None, Some(context.clone())),
            Input::Event { to, event } => {
                let mut payload = json!({"event": event.name});
                if let (Some(data), Value::Object(fields)) = (&event.data, &mut payload) {
                    fields.insert("data".into(), data.clone());
                }
                (Kind::Message, to.clone(), Some(payload))
            }
            Input::Time => (Kind::Clock, None, None),
            Input::Service { run, result } => {
                let payload = match result {
                    Ok(output) => json!({"done": output}),
                    Err(error) => json!({"error": error}),
                };
                (Kind::Service, Some(run.to_string()), Some(payload))
            }
            Input::Acknowledge { ids } => (Kind::Acknowledged, None, Some(json!(ids))),
        };
        let clock_unix_nano = Some(now);
        Self { step, kind, correlation_id, payload, clock_unix_nano, rest: Map::new() }
    }

    /// What to write down of something that a step read.
    #[must_use]
    pub fn of_read(step: u64, what: &str, value: Value) -> Self {
        Self {
            step,
            kind: Kind::Random,
            correlation_id: Some(what.into()),
            payload: Some(value),
            clock_unix_nano: None,
            rest: Map::new(),
        }
    }

    /// The input again, and when it came. `None` when this is none, or not a whole one.
    #[must_use]
    pub fn input(&self) -> Option<(Input, i64)> {
        let field = |key: &str| self.payload.as_ref().and_then(|payload| payload.get(key));
        let input = match &self.kind {
            Kind::Start => Input::Start { context: self.payload.clone().unwrap_or_default() },
            Kind::Message => {
                let name = field("event").and_then(Name::from_value)?;
                let event = Event { name, data: field("data").cloned() };
                Input::Event { to: self.correlation_id.clone(), event }
            }
            Kind::Clock => Input::Time,
            Kind::Service => {
                let result = match (field("done"), field("error")) {
                    (Some(output), None) => Ok(output.clone()),
                    (None, Some(error)) => Err(error.clone()),
                    _ => return None,
                };
                Input::Service { run: EffectId::from(self.correlation_id.as_deref()?), result }
            }
            Kind::Acknowledged => {
                let ids = self.payload.as_ref()?.as_array()?.iter();
                let ids: Option<Vec<EffectId>> = ids.map(|id| id.as_str().map(EffectId::from)).collect();
                Input::Acknowledge { ids: ids? }
            }
            Kind::Random | Kind::Other(_) => return None,
        };
        Some((input, self.clock_unix_nano?))
    }

    /// As JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut out = self.rest.clone();
        out.insert("step".into(), json!(self.step));
        out.insert("kind".into(), json!(self.kind.as_str()));
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                out.insert(key.into(), value);
            }
        };
        put("correlationId", self.correlation_id.as_ref().map(|id| json!(id)));
        put("payload", self.payload.clone());
        put("clockUnixNano", self.clock_unix_nano.map(|now| json!(now)));
        Value::Object(out)
    }

    /// From JSON. Errors: what is wrong with it, in words.
    pub fn from_value(value: Value) -> Result<Self, String> {
        let Value::Object(mut from) = value else { return Err("an entry of a journal is an object".into()) };
        let step = match from.remove("step") {
            None => 0,
            Some(step) => step.as_u64().ok_or("step is an integer, not below 0")?,
        };
        let kind = match from.remove("kind") {
            Some(Value::String(kind)) => Kind::of(&kind),
            _ => return Err("kind is a string".into()),
        };
        let correlation_id = match from.remove("correlationId") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err("correlationId is a string".into()),
        };
        let payload = from.remove("payload");
        let clock_unix_nano = match from.remove("clockUnixNano") {
            None | Some(Value::Null) => None,
            Some(now) => Some(now.as_i64().ok_or("clockUnixNano is an integer")?),
        };
        Ok(Self { step, kind, correlation_id, payload, clock_unix_nano, rest: from })
    }
}

impl Serialize for JournalEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

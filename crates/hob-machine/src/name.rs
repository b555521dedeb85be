//! What states and events are called: strings mostly, numbers in machines that were written as enumerations.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::json::Json;

/// The name of a state or an event. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// A string.
    Text(Arc<str>),
    /// An integer.
    Number(i64),
    /// A boolean.
    Bool(bool),
}

impl Name {
    /// The empty string: what stands where a name is not used.
    #[must_use]
    pub fn empty() -> Self {
        Self::Text("".into())
    }

    /// Whether this is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    /// The string, when it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A name from a JSON scalar; `None` of anything else.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::from(text.as_str())),
            Value::Number(number) => number.as_i64().map(Self::Number),
            Value::Bool(value) => Some(Self::Bool(*value)),
            _ => None,
        }
    }

    /// As [`Name::from_value`].
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        match json {
            Json::Text(text) => Some(Self::from(text.as_str())),
            Json::Number(text) => text.parse().ok().map(Self::Number),
            Json::Bool(value) => Some(Self::Bool(*value)),
            _ => None,
        }
    }

    /// The JSON scalar.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(&**text),
            Self::Number(number) => Value::from(*number),
            Self::Bool(value) => Value::from(*value),
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Name {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Bool(value) => serializer.serialize_bool(*value),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(&value)
            .ok_or_else(|| serde::de::Error::custom("a name is a string, an integer or a boolean"))
    }
}

//! JSON as it was written: what was not understood is kept, and comes out again.
//!
//! A number keeps its text, so that neither `1.0` nor an integer of thirty digits changes by being read. Keys are sorted;
//! of a key that stands twice in one object the last counts. Stops: a document that is too large or nests too deeply.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// How deep arrays and objects may nest in each other.
pub const DEPTH_MAX: usize = 128;

/// One JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(Box<str>),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

/// Why text is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is not JSON.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// It nests too deeply.
    #[error("arrays and objects nest deeper than {DEPTH_MAX}")]
    Deep,
}

impl Json {
    /// Reads one value. Errors: text that is not JSON, and nesting deeper than [`DEPTH_MAX`].
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let raw: &RawValue = serde_json::from_str(text).map_err(syntax)?;
        read(raw, 0)
    }

    /// As a value of `serde_json`, where a number that does not fit becomes the nearest that does.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(text) => Value::Number(number(text)),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(fields) => {
                Value::Object(fields.iter().map(|(key, value)| (key.clone(), value.to_value())).collect())
            }
        }
    }

    /// What this is called in an error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number.to_string().into()),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => {
                Self::Object(fields.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

/// Keys sorted, nothing between tokens.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            // What was read as a number is one.
            Self::Number(text) => match RawValue::from_string(text.to_string()) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => number(text).serialize(serializer),
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(fields) => serializer.collect_map(fields),
        }
    }
}

fn number(text: &str) -> Number {
    text.parse().unwrap_or_else(|_| Number::from(0))
}

#[expect(clippy::needless_pass_by_value, reason = "it is used with map_err")]
fn syntax(error: serde_json::Error) -> Malformed {
    Malformed::Syntax(error.to_string())
}

fn read(raw: &RawValue, depth: usize) -> Result<Json, Malformed> {
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'[' | b'{') if depth >= DEPTH_MAX => return Err(Malformed::Deep),
        Some(b'[') => {
            let items: Items<'_> = serde_json::from_str(text).map_err(syntax)?;
            Json::List(items.0.into_iter().map(|item| read(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Some(b'{') => {
            let fields: Fields<'_> = serde_json::from_str(text).map_err(syntax)?;
            let read = fields.0.into_iter().map(|(key, value)| Ok((key, read(value, depth + 1)?)));
            Json::Object(read.collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::Text(serde_json::from_str(text).map_err(syntax)?),
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        Some(b'n') | None => Json::Null,
        Some(_) => Json::Number(text.into()),
    })
}

struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Each)
    }
}

struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = access.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Json::parse(text).unwrap().to_string(), expected);
    }

    #[test]
    fn what_is_read_comes_out_again() {
        check(
            r#" {"b":[1.0,1e+21,-0,123456789012345678901234567890],"a":{}} "#,
            r#"{"a":{},"b":[1.0,1e+21,-0,123456789012345678901234567890]}"#,
        );
        check(r#"{"a":1,"a":2,"\u00e9":"\u0001<"}"#, "{\"a\":2,\"é\":\"\\u0001<\"}");
        check("[null,true,false,\"\"]", "[null,true,false,\"\"]");
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(Json::parse(&nested(DEPTH_MAX + 1)), Err(Malformed::Deep));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "[1,]", "{\"a\":}", "nul", "1 2", "\"\\x\"", "01"] {
            assert!(matches!(Json::parse(text), Err(Malformed::Syntax(_))), "{text}");
        }
    }
}

//! Putting a document together: objects whose empty fields are left out.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::json::Json;

/// An object of the document.
#[derive(Clone, Debug, Default)]
pub(super) struct Object(pub(super) BTreeMap<String, Json>);

impl Object {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a field unless there is nothing in it.
    pub(super) fn put(&mut self, key: &str, value: impl Into<Field>) {
        let Field(value) = value.into();
        let empty = match &value {
            Json::Null | Json::Bool(false) => true,
            Json::List(items) => items.is_empty(),
            Json::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if !empty {
            self.0.insert(key.into(), value);
        }
    }

    /// Adds a field to the object under `meta`.
    pub(super) fn meta(&mut self, key: &str, value: impl Into<Field>) {
        let mut meta = match self.0.remove("meta") {
            Some(Json::Object(fields)) => Self(fields),
            _ => Self::new(),
        };
        meta.put(key, value);
        self.put("meta", meta);
    }
}

/// What a field can be made of.
pub(super) struct Field(Json);

impl From<Json> for Field {
    fn from(json: Json) -> Self {
        Self(json)
    }
}

impl From<Value> for Field {
    fn from(value: Value) -> Self {
        Self(value.into())
    }
}

impl From<Object> for Field {
    fn from(object: Object) -> Self {
        Self(Json::Object(object.0))
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self(Json::Text(text.into()))
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self(Json::Text(text))
    }
}

impl From<bool> for Field {
    fn from(value: bool) -> Self {
        Self(Json::Bool(value))
    }
}

impl From<i64> for Field {
    fn from(number: i64) -> Self {
        Self(Json::Number(number.to_string().into()))
    }
}

impl<T: Into<Field>> From<Vec<T>> for Field {
    fn from(items: Vec<T>) -> Self {
        Self(Json::List(items.into_iter().map(|item| item.into().0).collect()))
    }
}

impl<T: Into<Field>> From<Option<T>> for Field {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(Json::Null), Into::into)
    }
}

/// A reference to something of the host.
pub(super) fn reference(name: &str, params: Object) -> Object {
    let mut reference = Object::new();
    reference.put("name", name);
    reference.put("params", params);
    reference
}

/// A guard that joins others.
pub(super) fn guard(op: &str, children: Vec<Object>) -> Object {
    let mut guard = Object::new();
    guard.put("op", op);
    guard.put("children", children);
    guard
}

/// A guard that never agrees: the core expressions have no constant.
pub(super) fn never() -> Object {
    let literal = |value: bool| {
        let mut literal = Object::new();
        literal.0.insert("type".into(), Json::Text("bool".into()));
        literal.0.insert("value".into(), Json::Bool(value));
        let mut operand = Object::new();
        operand.put("op", "literal");
        operand.put("literal", literal);
        operand
    };
    guard("eq", vec![literal(true), literal(false)])
}

/// Names that were given already.
#[derive(Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn take(&mut self, name: &str) -> bool {
        self.0.insert(name.to_owned())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// A name that nobody has: this one, or with a number behind it.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        if self.take(wanted) {
            return wanted.to_owned();
        }
        let mut number = self.0.len();
        loop {
            let name = format!("{wanted}_{number}");
            if self.take(&name) {
                return name;
            }
            number += 1;
        }
    }
}

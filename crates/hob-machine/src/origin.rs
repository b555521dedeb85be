//! Where an event comes from: what SCXML's `_event` says besides its name and data.

use std::sync::Arc;

use serde_json::{Map, Value};

/// Who raised an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventKind {
    /// Somebody else, or the machine through its queue of events from outside.
    #[default]
    External,
    /// The machine itself, in the step that handles it.
    Internal,
    /// The rules by which it steps: an error, or that a state is done.
    Platform,
}

impl EventKind {
    /// What SCXML calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Internal => "internal",
            Self::Platform => "platform",
        }
    }
}

/// Where an event comes from. Of an event that a host fires nothing is known but that it is external.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who raised it.
    pub kind: EventKind,
    /// The id that its sender gave it.
    pub send_id: Option<Arc<str>>,
    /// What the machine calls the one that it started and that sent it.
    pub invoke_id: Option<Arc<str>>,
    /// Where an answer goes.
    pub address: Option<Arc<str>>,
}

impl Origin {
    pub(crate) fn of_kind(kind: EventKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// As JSON, without what is not known.
    pub(crate) fn to_value(&self) -> Value {
        let mut map = Map::new();
        if self.kind != EventKind::External {
            map.insert("kind".into(), self.kind.as_str().into());
        }
        let fields = [("sendId", &self.send_id), ("invokeId", &self.invoke_id), ("address", &self.address)];
        for (key, value) in fields {
            if let Some(value) = value {
                map.insert(key.into(), (&**value).into());
            }
        }
        Value::Object(map)
    }

    /// From JSON; `None` of what is no origin.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let map = value.as_object()?;
        let text = |key: &str| match map.get(key) {
            None => Some(None),
            Some(value) => value.as_str().map(|text| Some(Arc::from(text))),
        };
        let kind = match map.get("kind") {
            None => EventKind::External,
            Some(kind) => [EventKind::External, EventKind::Internal, EventKind::Platform]
                .into_iter()
                .find(|each| *kind == each.as_str())?,
        };
        Some(Self { kind, send_id: text("sendId")?, invoke_id: text("invokeId")?, address: text("address")? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for kind in [EventKind::External, EventKind::Internal, EventKind::Platform] {
            for known in [None, Some(Arc::from("x"))] {
                let origin = Origin { kind, send_id: known.clone(), invoke_id: None, address: known };
                assert_eq!(Origin::from_value(&origin.to_value()), Some(origin));
            }
        }
        assert_eq!(Origin::default().to_value(), json!({}));
        for wrong in [json!(7), json!({"kind": "odd"}), json!({"sendId": 7})] {
            assert_eq!(Origin::from_value(&wrong), None, "{wrong}");
        }
    }
}

//! What a script finds: the variables of a machine, and the event.

use std::borrow::Cow;
use std::ops::Deref;

use serde_json::{Map, Value, json};

use super::send::PROCESSORS;
use crate::binding::Call;
use crate::origin::Origin;

/// The variables of a machine.
pub(super) enum Globals<'c> {
    /// They are written where they are.
    Own(&'c mut Map<String, Value>),
    /// A guard only looks. What it writes is written on a copy, and forgotten.
    Seen(Cow<'c, Map<String, Value>>),
}

impl Globals<'_> {
    pub(super) fn to_mut(&mut self) -> &mut Map<String, Value> {
        match self {
            Self::Own(globals) => globals,
            Self::Seen(globals) => globals.to_mut(),
        }
    }
}

impl Deref for Globals<'_> {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Own(globals) => globals,
            Self::Seen(globals) => globals,
        }
    }
}

/// What `_event` is. Every field is there; what is not known is `undefined`.
pub(super) fn event(call: &Call<'_>) -> Option<Value> {
    let name = call.event?;
    let Origin { kind, send_id, invoke_id, address } = call.origin;
    Some(json!({
        "name": name,
        "type": kind.as_str(),
        "sendid": send_id,
        "origin": address,
        "origintype": address.as_ref().map(|_| PROCESSORS[0]),
        "invokeid": invoke_id,
        "data": call.data,
    }))
}

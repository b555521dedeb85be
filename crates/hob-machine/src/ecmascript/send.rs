//! `<send>`, and what goes with an event.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::content::{Run, Standing};
use super::value::Js;
use crate::binding::ContentFailure;
use crate::driver::ADDRESS;
use crate::effect::{Effect, Sending};
use crate::name::Name;

/// Types of events that go to a session.
pub(super) const PROCESSORS: [&str; 2] = ["http://www.w3.org/TR/scxml/#SCXMLEventProcessor", "scxml"];

/// Where ids of events are counted.
const COUNT: &str = "hob.sends";

impl Run<'_, '_> {
    /// Sends an event; the delay is in nanoseconds.
    pub(super) fn send(
        &mut self,
        target: &str,
        event: &str,
        data: Option<Value>,
        delay_nanos: i64,
        id: Option<&str>,
    ) -> Result<(), String> {
        let (target, event, id) = (target.into(), Name::from(event), id.map(Arc::from));
        self.push(Effect::Send(Arc::new(Sending { target, event, data, delay_nanos, id })))
    }

    /// Errors bear the id of the event that was to be sent.
    pub(super) fn send_element(
        &mut self,
        element: Standing<'_>,
        params: &Map<String, Value>,
    ) -> Result<(), ContentFailure> {
        let id = self.send_id(params).map_err(|reason| element.failed(reason))?;
        let failure = match self.send_as(params, id.as_deref()) {
            Ok(None) => return Ok(()),
            Ok(Some(unreachable)) => {
                let failure = element.failed(format!("{unreachable} cannot be reached"));
                ContentFailure { event: Name::from("error.communication"), ..failure }
            }
            Err(reason) => element.failed(reason),
        };
        Err(ContentFailure { send_id: id.as_deref().map(Arc::from), ..failure })
    }

    fn send_id(&mut self, params: &Map<String, Value>) -> Result<Option<String>, String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let (None, Some(location)) = (text("id"), text("idlocation")) else {
            return Ok(text("id").map(str::to_owned));
        };
        let count = self.env.globals.get(COUNT).and_then(Value::as_u64).unwrap_or_default().saturating_add(1);
        self.env.globals.to_mut().insert(COUNT.into(), json!(count));
        let id = format!("send.{count}");
        let location = self.env.read(location)?;
        self.env.assign(&location, Js::text(id.as_str()))?;
        Ok(Some(id))
    }

    /// The target, when nobody can be there.
    fn send_as(&mut self, params: &Map<String, Value>, id: Option<&str>) -> Result<Option<String>, String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let mut either = |plain: &str, computed: &str| -> Result<Option<String>, String> {
            Ok(match (text(plain), text(computed)) {
                (Some(text), _) => Some(text.to_owned()),
                (None, Some(expr)) => Some(self.value(Some(expr))?.show()),
                (None, None) => None,
            })
        };
        let event = either("event", "eventexpr")?.unwrap_or_default();
        let target = either("target", "targetexpr")?.unwrap_or_default();
        let of = either("type", "typeexpr")?;
        let delay = either("delay", "delayexpr")?;
        if let Some(of) = of.filter(|of| !PROCESSORS.contains(&of.as_str())) {
            return Err(format!("events of the type {of:?} cannot be sent"));
        }
        let nanos = match &delay {
            None => 0,
            Some(delay) => {
                crate::convert::scxml::delay(delay).ok_or_else(|| format!("{delay:?} is no delay"))?
            }
        };
        let data = Some(self.data(params)?).filter(|data| !data.is_null());
        if target == "#_internal" && nanos == 0 {
            self.push(Effect::Raise { event: Name::from(event), data })?;
            return Ok(None);
        }
        let to = match target.strip_prefix("#_") {
            _ if target.is_empty() || self.is_own(&target) => "",
            None => return Err(format!("{target:?} is no target of an event")),
            Some(name) if self.is_reachable(&target, name) => &target,
            Some(_) => return Ok(Some(target)),
        };
        self.send(to, &event, data, nanos, id)?;
        Ok(None)
    }

    /// Whether an address is that of this session.
    fn is_own(&self, target: &str) -> bool {
        let own = self.env.globals.get("_sessionid").and_then(Value::as_str);
        target.strip_prefix(ADDRESS).is_some_and(|session| own == Some(session))
    }

    /// Whether somebody may be there. Of other sessions only whoever carries the event knows whether they still run.
    fn is_reachable(&self, target: &str, name: &str) -> bool {
        match target.strip_prefix(ADDRESS) {
            Some(session) => session.contains('#') || session == crate::driver::FIRST_SESSION,
            None => name == "parent" || self.env.here().is_some_and(|here| here.invokes(name)),
        }
    }

    /// What goes with an event.
    pub(super) fn data(&mut self, params: &Map<String, Value>) -> Result<Value, String> {
        if let Some(content) = params.get("content") {
            let text = |key: &str| content.get(key).and_then(Value::as_str);
            return Ok(match text("expr") {
                expr @ Some(_) => self.value(expr)?.into_json(),
                None => self.env.literal(text("text").unwrap_or_default())?.into_json(),
            });
        }
        let data = self.given(params)?;
        Ok(if data.is_empty() { Value::Null } else { Value::Object(data) })
    }

    /// What is named and what is computed, by name.
    pub(super) fn given(&mut self, params: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut data = Map::new();
        let names = params.get("namelist").and_then(Value::as_str).unwrap_or_default();
        for name in names.split_ascii_whitespace() {
            data.insert(name.to_owned(), self.value(Some(name))?.into_json());
        }
        for param in params.get("params").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| param.get(key).and_then(Value::as_str);
            let value = text("expr").or_else(|| text("location"));
            data.insert(text("name").unwrap_or_default().to_owned(), self.value(value)?.into_json());
        }
        Ok(data)
    }
}

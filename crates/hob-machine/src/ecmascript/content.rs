//! Executable content of SCXML, run on a context.
//!
//! What was done before something failed stays done; that it failed is told by whoever steps the machine.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::parse::{Expr, expression};
use super::run::Env;
use super::value::Js;
use crate::binding::{Call, ContentFailure, Failure, Registry};
use crate::document::Document;
use crate::effect::Effect;
use crate::name::Name;
use crate::position::{self, Position};

/// How deep `if` and `foreach` may nest.
const DEPTH_MAX: usize = 32;

/// Types of events that go to a session.
const PROCESSORS: [&str; 2] = ["http://www.w3.org/TR/scxml/#SCXMLEventProcessor", "scxml"];

/// Adds the guard and the executable content.
///
/// `send` and `log` do nothing themselves: they are effects of that name, `scxml.send` with `{event, data, delay, id}` (the
/// delay in nanoseconds) for an event that is to come to the machine itself, `scxml.log` with `{label, value}`.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    let names = ["assign", "script", "if", "foreach", "send", "cancel", "log"];
    let registry = registry.guard("scxml.cond", |call| {
        let mut context = call.context.clone();
        let mut env = env(call, &mut context)?;
        let text = call.params.get("expr").and_then(Value::as_str).unwrap_or_default();
        Ok(env.eval(&expression(text)?)?.truthy())
    });
    names.iter().fold(registry, |registry, name| {
        registry.content(format!("scxml.{name}"), |call, context, effects| {
            let outermost = Standing { name: call.name, position: call.position };
            let mut run =
                Run { env: env(call, context).map_err(|failure| outermost.failed(failure.0))?, effects };
            run.action(outermost, call.params, 0)
        })
    })
}

/// The first context of a machine that comes from SCXML, and what went wrong with it: each is an `error.execution`.
#[must_use]
pub fn begin(document: &Document) -> (Value, Vec<String>) {
    let (machine, _) = document.read();
    let mut errors = Vec::new();
    let mut globals = Map::new();
    globals.insert("_name".into(), json!(machine.name));
    globals.insert("_sessionid".into(), json!("session"));
    let location = json!({"location": "#_scxml_session"});
    globals.insert("_ioprocessors".into(), json!({"scxml": location, (PROCESSORS[0]): location}));
    let kept = machine.meta.get("hob.scxml").cloned().unwrap_or_default();
    let list = |key: &str| kept.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for data in list("data") {
        let text = |key: &str| data.get(key).and_then(Value::as_str);
        let Some(id) = text("id") else { continue };
        let value = match (text("expr"), text("src"), text("content")) {
            (Some(expr), ..) => Env::new(&mut globals, Value::Null)
                .and_then(|mut env| env.eval(&expression(expr)?))
                .map_err(|error| format!("<data id={id:?}>: {error}")),
            (_, Some(src), _) => Err(format!("<data id={id:?}>: {src:?} is not fetched")),
            (_, _, Some(text)) => Ok(literal(text)),
            _ => Ok(Js::Undefined),
        };
        let value = value.unwrap_or_else(|error| {
            errors.push(error);
            Js::Undefined
        });
        globals.insert(id.to_owned(), value.into_json());
    }
    for script in list("script") {
        let done = match (script.get("src"), script.get("text").and_then(Value::as_str)) {
            (Some(src), _) => Err(format!("the script {src} is not fetched")),
            (None, Some(text)) => Env::new(&mut globals, Value::Null).and_then(|mut env| env.script(text)),
            (None, None) => Ok(()),
        };
        errors.extend(done.err());
    }
    (Value::Object(globals), errors)
}

/// Text between tags: JSON when it is, else the text with its spaces made one.
fn literal(text: &str) -> Js {
    match serde_json::from_str(text) {
        Ok(value) => Js::Json(value),
        Err(_) => Js::text(text.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

fn env<'c>(call: &Call<'_>, context: &'c mut Value) -> Result<Env<'c>, Failure> {
    if !context.is_object() {
        *context = Value::Object(Map::new());
    }
    let Value::Object(globals) = context else { return Err("the context is no object".into()) };
    let event = match call.event {
        None => Value::Null,
        Some(name) => {
            let mut event = Map::new();
            event.insert("name".into(), name.to_value());
            event.insert("data".into(), call.data.cloned().unwrap_or_default());
            Value::Object(event)
        }
    };
    Ok(Env::new(globals, event)?)
}

/// An element that runs.
#[derive(Clone, Copy)]
struct Standing<'n> {
    name: &'n str,
    position: Option<Position>,
}

impl Standing<'_> {
    fn failed(self, reason: String) -> ContentFailure {
        let tag = self.name.strip_prefix("scxml.").unwrap_or(self.name);
        ContentFailure::execution(reason, tag, self.position)
    }
}

struct Run<'c, 'e> {
    env: Env<'c>,
    effects: &'e mut Vec<Effect>,
}

impl Run<'_, '_> {
    /// Runs one element. Errors name the innermost that failed.
    fn action(
        &mut self,
        element: Standing<'_>,
        params: &Map<String, Value>,
        depth: usize,
    ) -> Result<(), ContentFailure> {
        let failed = |reason| element.failed(reason);
        if depth > DEPTH_MAX {
            return Err(failed(format!("content nests deeper than {DEPTH_MAX}")));
        }
        match element.name {
            "scxml.if" => {
                for branch in params.get("branches").and_then(Value::as_array).into_iter().flatten() {
                    let cond = branch.get("cond").and_then(Value::as_str);
                    if cond.is_none() || self.value(cond).map_err(failed)?.truthy() {
                        return self.all(branch.get("do"), depth + 1);
                    }
                }
                Ok(())
            }
            "scxml.foreach" => {
                for (index, value) in self.items(params).map_err(failed)?.into_iter().enumerate() {
                    self.count(params, index, &value).map_err(failed)?;
                    self.all(params.get("do"), depth + 1)?;
                }
                Ok(())
            }
            name => self.simple(name, params).map_err(failed),
        }
    }

    /// What `foreach` goes through.
    fn items(&mut self, params: &Map<String, Value>) -> Result<Vec<Value>, String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let Js::Json(Value::Array(items)) = self.value(text("array"))? else {
            return Err("foreach goes through an array".into());
        };
        let item = text("item").unwrap_or_default();
        if !matches!(expression(item), Ok(Expr::Name(_))) {
            return Err(format!("{item:?} is no name of a variable"));
        }
        Ok(items)
    }

    fn count(&mut self, params: &Map<String, Value>, index: usize, value: &Value) -> Result<(), String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        self.env.set_global(text("item").unwrap_or_default(), Js::stored(value))?;
        text("index").map_or(Ok(()), |name| self.env.set_global(name, Js::Json(json!(index))))
    }

    /// An element with none inside.
    fn simple(&mut self, name: &str, params: &Map<String, Value>) -> Result<(), String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        match name {
            "hob.raise" => {
                let event = Name::from(text("event").unwrap_or_default());
                self.effects.push(Effect::Raise { event, data: params.get("data").cloned() });
            }
            "hob.schedule" => {
                let delay = params.get("delay").and_then(Value::as_i64).unwrap_or_default();
                self.send(text("event").unwrap_or_default(), Value::Null, delay, text("id"));
            }
            "crucible.cancel" => self.cancel(text("id").unwrap_or_default()),
            "scxml.cancel" => {
                let id = self.value(text("sendidexpr"))?.show();
                self.cancel(&id);
            }
            "scxml.log" => {
                let value = if text("expr").is_some() { self.value(text("expr"))? } else { Js::Undefined };
                let value = json!({"label": text("label"), "value": value.into_json()});
                self.effects.push(Effect::Action { name: name.into(), value });
            }
            "scxml.script" => match (text("src"), text("text")) {
                (Some(src), _) => return Err(format!("the script {src:?} is not fetched")),
                (None, Some(text)) => self.env.script(text)?,
                (None, None) => {}
            },
            "scxml.assign" => {
                let location = expression(text("location").unwrap_or_default())?;
                let mut root = &location;
                while let Expr::Member(of, _) = root {
                    root = of;
                }
                if let Expr::Name(name) = root
                    && !self.env.is_declared(name)
                {
                    return Err(format!("{name} is not declared"));
                }
                let value = match (text("expr"), text("content")) {
                    (Some(expr), _) => self.env.eval(&expression(expr)?)?,
                    (None, Some(content)) => literal(content),
                    (None, None) => Js::Undefined,
                };
                self.env.assign(&location, value)?;
            }
            "scxml.send" => self.send_element(params)?,
            other => return Err(format!("the action {other:?} is not understood inside another element")),
        }
        Ok(())
    }

    fn all(&mut self, actions: Option<&Value>, depth: usize) -> Result<(), ContentFailure> {
        for action in actions.and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| action.get(key).and_then(Value::as_str);
            let position = text(position::KEY).and_then(Position::parse);
            let none = Map::new();
            let params = action.get("params").and_then(Value::as_object).unwrap_or(&none);
            self.action(Standing { name: text("name").unwrap_or_default(), position }, params, depth)?;
        }
        Ok(())
    }

    fn value(&mut self, text: Option<&str>) -> Result<Js, String> {
        self.env.eval(&expression(text.unwrap_or_default())?)
    }

    fn cancel(&mut self, id: &str) {
        self.effects.push(Effect::CancelScheduled { id: id.into() });
    }

    fn send(&mut self, event: &str, data: Value, delay: i64, id: Option<&str>) {
        let value = json!({"event": event, "data": data, "delay": delay, "id": id});
        self.effects.push(Effect::Action { name: Arc::from("scxml.send"), value });
    }

    fn send_element(&mut self, params: &Map<String, Value>) -> Result<(), String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let mut either = |plain: &str, computed: &str| -> Result<Option<String>, String> {
            Ok(match (text(plain), text(computed)) {
                (Some(text), _) => Some(text.to_owned()),
                (None, Some(expr)) => Some(self.env.eval(&expression(expr)?)?.show()),
                (None, None) => None,
            })
        };
        let event = either("event", "eventexpr")?.unwrap_or_default();
        let target = either("target", "targetexpr")?;
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
        let data = self.data(params)?;
        let id = match (text("id"), text("idlocation")) {
            (Some(id), _) => Some(id.to_owned()),
            (None, Some(location)) => {
                let count = self.env.globals.get("hob.sends").and_then(Value::as_u64).unwrap_or_default() + 1;
                self.env.globals.insert("hob.sends".into(), json!(count));
                let id = format!("send.{count}");
                self.env.assign(&expression(location)?, Js::text(id.as_str()))?;
                Some(id)
            }
            (None, None) => None,
        };
        match target.as_deref() {
            Some("#_internal") if nanos == 0 => {
                let data = Some(data).filter(|data| !data.is_null());
                self.effects.push(Effect::Raise { event: Name::from(event), data });
            }
            None | Some("#_scxml_session") => self.send(&event, data, nanos, id.as_deref()),
            Some(target) if target.starts_with("#_") => {
                let event = Name::from("error.communication");
                self.effects
                    .push(Effect::Raise { event, data: Some(json!(format!("{target} cannot be reached"))) });
            }
            Some(target) => return Err(format!("{target:?} is no target of an event")),
        }
        Ok(())
    }

    /// What goes with an event.
    fn data(&mut self, params: &Map<String, Value>) -> Result<Value, String> {
        if let Some(content) = params.get("content") {
            let text = |key: &str| content.get(key).and_then(Value::as_str);
            return Ok(match text("expr") {
                Some(expr) => self.env.eval(&expression(expr)?)?.into_json(),
                None => literal(text("text").unwrap_or_default()).into_json(),
            });
        }
        let mut data = Map::new();
        let names = params.get("namelist").and_then(Value::as_str).unwrap_or_default();
        for name in names.split_ascii_whitespace() {
            data.insert(name.to_owned(), self.env.eval(&expression(name)?)?.into_json());
        }
        for param in params.get("params").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| param.get(key).and_then(Value::as_str);
            let value = text("expr").or_else(|| text("location"));
            data.insert(text("name").unwrap_or_default().to_owned(), self.value(value)?.into_json());
        }
        Ok(if data.is_empty() { Value::Null } else { Value::Object(data) })
    }
}

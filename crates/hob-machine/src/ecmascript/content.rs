//! Executable content of SCXML, run on a context.
//!
//! What was done before something failed stays done; that it failed is told by whoever steps the machine.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::bounds::EFFECTS_MAX;
use super::globals::Globals;
use super::parse::Expr;
use super::run::Env;
use super::value::Js;
use crate::binding::{Call, ContentFailure, Failure, Registry};
use crate::effect::Effect;
use crate::name::Name;
use crate::position::{self, Position};

/// How deep `if` and `foreach` may nest.
const DEPTH_MAX: usize = 32;

/// Adds the guard and the executable content, and what begins a machine, hands on data and starts sessions.
///
/// `log` does nothing itself: it is an effect of that name, `scxml.log` with `{label, value}`. What `send` sends is
/// [`Effect::Send`], which a driver carries.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    let names =
        ["assign", "script", "if", "foreach", "send", "cancel", "log", "data", "begin", "donedata", "invoke"];
    let registry = registry.guard("scxml.cond", |call| {
        let none = Map::new();
        let seen = call.context.as_object().unwrap_or(&none);
        let mut env = Env::new(Globals::Seen(Cow::Borrowed(seen)), call)?;
        let expr = env.read(call.params.get("expr").and_then(Value::as_str).unwrap_or_default())?;
        Ok(env.eval(&expr)?.truthy())
    });
    names.iter().fold(registry, |registry, name| {
        registry.content(format!("scxml.{name}"), |call, context, effects| {
            let outermost = Standing { name: call.name, position: call.position };
            let env = env(call, context).map_err(|failure| outermost.failed(failure.0))?;
            let mut run = Run { env, effects, room: EFFECTS_MAX };
            run.action(outermost, call.params, 0)
        })
    })
}

fn env<'c>(call: &Call<'c>, context: &'c mut Value) -> Result<Env<'c>, Failure> {
    if !context.is_object() {
        *context = Value::Object(Map::new());
    }
    let Value::Object(globals) = context else { return Err("the context is no object".into()) };
    Ok(Env::new(Globals::Own(globals), call)?)
}

/// An element that runs.
#[derive(Clone, Copy)]
pub(super) struct Standing<'n> {
    pub(super) name: &'n str,
    pub(super) position: Option<Position>,
}

impl Standing<'_> {
    pub(super) fn failed(self, reason: String) -> ContentFailure {
        let tag = self.name.strip_prefix("scxml.").unwrap_or(self.name);
        ContentFailure::execution(reason, tag, self.position)
    }
}

pub(super) struct Run<'c, 'e> {
    pub(super) env: Env<'c>,
    pub(super) effects: &'e mut Vec<Effect>,
    /// What is left for what goes with those.
    pub(super) room: usize,
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
        self.env.step().map_err(failed)?;
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
            "scxml.send" => self.send_element(element, params),
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
        if !matches!(self.env.read(item), Ok(Expr::Name(_))) {
            return Err(format!("{item:?} is no name of a variable"));
        }
        Ok(items)
    }

    fn count(&mut self, params: &Map<String, Value>, index: usize, value: &Value) -> Result<(), String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        self.env.step()?;
        self.env.set_global(text("item").unwrap_or_default(), Js::stored(value))?;
        text("index").map_or(Ok(()), |name| self.env.set_global(name, Js::Json(json!(index))))
    }

    /// An element with none inside.
    fn simple(&mut self, name: &str, params: &Map<String, Value>) -> Result<(), String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        match name {
            "hob.raise" => {
                let event = Name::from(text("event").unwrap_or_default());
                self.push(Effect::Raise { event, data: params.get("data").cloned() })?;
            }
            "hob.schedule" => {
                let delay = params.get("delay").and_then(Value::as_i64).unwrap_or_default();
                self.send("", text("event").unwrap_or_default(), None, delay, text("id"))?;
            }
            "crucible.cancel" => self.cancel(text("id").unwrap_or_default())?,
            "scxml.cancel" => {
                let id = self.value(text("sendidexpr"))?.show();
                self.cancel(&id)?;
            }
            "scxml.log" => {
                let value = if text("expr").is_some() { self.value(text("expr"))? } else { Js::Undefined };
                let value = json!({"label": text("label"), "value": value.into_json()});
                self.push(Effect::Action { name: name.into(), value })?;
            }
            "scxml.script" => match (text("src"), text("text")) {
                (Some(src), _) => return Err(format!("the script {src:?} is not fetched")),
                (None, Some(text)) => self.env.script(text)?,
                (None, None) => {}
            },
            "scxml.assign" => {
                let location = self.env.read(text("location").unwrap_or_default())?;
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
                    (Some(expr), _) => self.value(Some(expr))?,
                    (None, Some(content)) => self.env.literal(content)?,
                    (None, None) => Js::Undefined,
                };
                self.env.assign(&location, value)?;
            }
            "scxml.data" => self.bind(params)?,
            "scxml.begin" => self.tell_errors(),
            "scxml.donedata" => self.done_data(name, params)?,
            "scxml.invoke" => self.invoke(params)?,
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

    pub(super) fn value(&mut self, text: Option<&str>) -> Result<Js, String> {
        let expr = self.env.read(text.unwrap_or_default())?;
        self.env.eval(&expr)
    }

    fn cancel(&mut self, id: &str) -> Result<(), String> {
        self.push(Effect::CancelScheduled { id: id.into() })
    }
}

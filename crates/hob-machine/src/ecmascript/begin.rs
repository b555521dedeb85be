//! What a machine begins with: its data, and what went wrong with them.

use serde_json::{Map, Value, json};

use super::bounds::writable;
use super::content::{Run, Standing};
use super::run::Env;
use super::send::PROCESSORS;
use super::value::Js;
use crate::binding::Work;
use crate::document::Document;
use crate::driver::{ADDRESS, FIRST_SESSION};
use crate::effect::Effect;
use crate::name::Name;
use crate::position::{self, Position};
use crate::step::Limits;

/// Where errors wait for the first step, which tells of them.
const ERRORS: &str = "hob.errors";

/// Data that late binding has bound, by their names.
const BOUND: &str = "hob.bound";

/// The first context of a machine that comes from SCXML, and what went wrong with it. Each of that is an `error.execution` of
/// the first step, before anything else.
#[must_use]
pub fn begin(document: &Document) -> (Value, Vec<String>) {
    begin_session(document, &Map::new(), FIRST_SESSION)
}

/// As [`begin`], with values that take the place of data of those names.
#[must_use]
pub fn begin_with(document: &Document, input: &Map<String, Value>) -> (Value, Vec<String>) {
    begin_session(document, input, FIRST_SESSION)
}

/// As [`begin_with`], of a session of this name.
#[must_use]
pub fn begin_session(document: &Document, input: &Map<String, Value>, name: &str) -> (Value, Vec<String>) {
    let (machine, _) = document.read();
    let mut errors = Errors::default();
    let (mut globals, work) = (Map::new(), Work::of(Limits::default().work));
    globals.insert("_name".into(), json!(machine.name));
    globals.insert("_sessionid".into(), json!(name));
    let location = json!({"location": format!("{ADDRESS}{name}")});
    globals.insert("_ioprocessors".into(), json!({"scxml": location, (PROCESSORS[0]): location}));
    let kept = machine.meta.get("hob.scxml").cloned().unwrap_or_default();
    let list = |key: &str| kept.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    // What is bound later is there, and has no value.
    for state in machine.all_states() {
        for data in state.on_entry.iter().filter(|action| action.name == "scxml.data") {
            let ids = ids(&data.params).filter(|id| writable(id).is_ok());
            ids.for_each(|id| drop(globals.insert(id.to_owned(), Value::Null)));
        }
    }
    for data in list("data") {
        let Some(id) = data.get("id").and_then(Value::as_str) else { continue };
        if let Err(error) = first_value(&mut globals, &work, id, input.get(id), &data) {
            errors.add("data", &data, format!("<data id={id:?}>: {error}"));
        }
    }
    for script in list("script") {
        let done = match (script.get("src"), script.get("text").and_then(Value::as_str)) {
            (Some(src), _) => Err(format!("the script {src} is not fetched")),
            (None, Some(text)) => Env::first(&mut globals, &work).and_then(|mut env| env.script(text)),
            (None, None) => Ok(()),
        };
        if let Err(error) = done {
            errors.add("script", &script, error);
        }
    }
    if !errors.events.is_empty() {
        globals.insert(ERRORS.into(), Value::Array(errors.events));
    }
    (Value::Object(globals), errors.reasons)
}

#[derive(Default)]
struct Errors {
    reasons: Vec<String>,
    events: Vec<Value>,
}

impl Errors {
    fn add(&mut self, name: &str, element: &Value, reason: String) {
        let position = element.get(position::KEY).and_then(Value::as_str).and_then(Position::parse);
        self.reasons.push(reason.clone());
        self.events.push(Standing { name, position }.failed(reason).data);
    }
}

fn ids(params: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let data = params.get("data").and_then(Value::as_array).into_iter().flatten();
    data.filter_map(|data| data.get("id").and_then(Value::as_str))
}

/// Binds one of the data. Errors: the first; a name that may be written is bound all the same.
fn first_value(
    globals: &mut Map<String, Value>,
    work: &Work,
    id: &str,
    given: Option<&Value>,
    data: &Value,
) -> Result<(), String> {
    writable(id)?;
    if let Some(given) = given {
        // What a host gives may be larger than what a script may make.
        globals.insert(id.to_owned(), given.clone());
        return Ok(());
    }
    let mut env = Env::first(globals, work)?;
    let (value, done) = match value(&mut env, data) {
        Ok(value) => (value, Ok(())),
        Err(error) => (Js::Undefined, Err(error)),
    };
    let set = env.set_global(id, value);
    if set.is_err() && !env.is_declared(id) {
        env.set_global(id, Js::Undefined)?;
    }
    done.and(set)
}

/// The value of one of the data.
fn value(env: &mut Env<'_>, data: &Value) -> Result<Js, String> {
    let text = |key: &str| data.get(key).and_then(Value::as_str);
    match (text("expr"), text("src"), text("content")) {
        (Some(expr), ..) => {
            let expr = env.read(expr)?;
            env.eval(&expr)
        }
        (_, Some(src), _) => Err(format!("{src:?} is not fetched")),
        (_, _, Some(text)) => env.literal(text),
        _ => Ok(Js::Undefined),
    }
}

impl Run<'_, '_> {
    /// Tells of what went wrong before the first step.
    pub(super) fn tell_errors(&mut self) {
        if let Some(Value::Array(errors)) = self.env.globals.to_mut().remove(ERRORS) {
            let event = Name::from("error.execution");
            let raised = |data| Effect::Raise { event: event.clone(), data: Some(data) };
            self.effects.extend(errors.into_iter().map(raised));
        }
    }

    /// Binds data when their state is entered for the first time. Errors: the first; what follows is bound all the same.
    pub(super) fn bind(&mut self, params: &Map<String, Value>) -> Result<(), String> {
        let mut done = Ok(());
        for data in params.get("data").and_then(Value::as_array).into_iter().flatten() {
            let Some(id) = data.get("id").and_then(Value::as_str) else { continue };
            if let Err(error) = writable(id) {
                done = done.and(Err(format!("<data id={id:?}>: {error}")));
                continue;
            }
            let bound = self.env.globals.to_mut().entry(BOUND).or_insert_with(|| Value::Array(Vec::new()));
            let Value::Array(bound) = bound else { continue };
            if bound.iter().any(|bound| bound == id) {
                continue;
            }
            bound.push(id.into());
            let value = value(&mut self.env, data);
            let set = value.and_then(|value| self.env.set_global(id, value));
            if let Err(error) = set {
                done = done.and(Err(format!("<data id={id:?}>: {error}")));
                if !self.env.is_declared(id) {
                    done = done.and(self.env.set_global(id, Js::Undefined));
                }
            }
        }
        done
    }
}

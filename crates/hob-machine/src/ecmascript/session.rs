//! Sessions: machines that others start, and what they hand on when they are done.
//!
//! A session is a machine of the driver like any other: what it is given is data, what it says comes as events, and a snapshot
//! of its system holds it, its text too.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::begin::begin_session;
use super::content::{Run, register};
use super::value::Js;
use crate::binding::{Machine, Registry};
use crate::chart::Chart;
use crate::chart::session::is_session;
use crate::convert::scxml;
use crate::document::Document;
use crate::document::model::Ref;
use crate::driver::{INLINE, Machines, Session, TEXT};
use crate::effect::{Effect, Start};
use crate::name::Name;
use crate::problem::Refused;

/// Where a context holds what its machine hands on.
const OUTPUT: &str = "hob.output";

/// A machine that came from SCXML, as one that others can start: it begins with its data, those that it is given instead of its
/// own, and ends with what its final state says. Errors: what keeps it from running.
pub fn session(document: &Document, registry: &Registry) -> Result<Session, Refused> {
    let machine = Machine::bind(Chart::load(document)?, &register(registry.clone()))?;
    Ok(bound_session(&machine, document))
}

/// As [`session`], of a machine that was bound before, and the document it was made of.
#[must_use]
pub fn bound_session(machine: &Arc<Machine>, document: &Document) -> Session {
    let document = document.clone();
    Session::new(
        machine,
        move |input, name| Ok(begin_session(&document, input, name).0),
        |context| context.get(OUTPUT).cloned().unwrap_or_default(),
    )
}

/// Lets machines start sessions whose text they hold, which find in `registry` what they name.
///
/// ```
/// use hob_machine::convert::scxml;
/// use hob_machine::driver::{Machines, System, SystemLimits};
/// use hob_machine::{Chart, Machine, Registry, ecmascript};
///
/// let document = scxml::import(
///     "<scxml xmlns='http://www.w3.org/2005/07/scxml' datamodel='ecmascript'>
///        <state id='asks'>
///          <invoke type='scxml' id='adder'>
///            <param name='n' expr='20'/>
///            <content><scxml datamodel='ecmascript'>
///              <datamodel><data id='n'/></datamodel>
///              <final id='f'><donedata><content expr='n + 1'/></donedata></final>
///            </scxml></content>
///          </invoke>
///          <transition event='done.invoke.adder' cond='_event.data == 21' target='knows'/>
///        </state>
///        <state id='knows'/>
///      </scxml>",
/// )?.result;
/// let machine = Machine::bind(Chart::load(&document)?, &ecmascript::register(Registry::new()))?;
/// let machines = ecmascript::sessions(Machines::new().with("asks", &machine), Registry::new());
/// let mut system = System::new("example", &machines, "asks", SystemLimits::default())?;
/// system.start(ecmascript::begin(&document).0, 0)?;
/// assert!(system.root().is_some_and(|root| root.is_in(&"knows".into())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn sessions(machines: Machines, registry: Registry) -> Machines {
    machines.with_compiler(move |text| {
        let document = scxml::import(text).map_err(|refused| refused.to_string())?.result;
        session(&document, &registry).map_err(|refused| refused.to_string())
    })
}

impl Run<'_, '_> {
    /// What a final state hands on: to whoever handles the event of it, and to whoever started the machine.
    pub(super) fn done_data(&mut self, name: &str, params: &Map<String, Value>) -> Result<(), String> {
        let value = self.data(params)?;
        if params.get("top") == Some(&Value::Bool(true)) {
            self.env.keep(OUTPUT, value.clone())?;
        }
        if !value.is_null() {
            self.push(Effect::Action { name: Arc::from(name), value })?;
        }
        Ok(())
    }

    /// Which session is started, and what it is given.
    pub(super) fn invoke(&mut self, params: &Map<String, Value>) -> Result<(), String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let named = |key: &str| params.get(key).and_then(Name::from_value).unwrap_or_else(Name::empty);
        if let Some(expr) = text("typeexpr") {
            let of = self.value(Some(expr))?.show();
            if !is_session(&of) {
                return Err(format!("what is invoked is of the type {of:?}, which is not known"));
            }
        }
        let input = self.given(params)?;
        let src = self.source(params)?;
        let id: Arc<str> = text("id").unwrap_or_default().into();
        if let Some(location) = text("idlocation") {
            let location = self.env.read(location)?;
            self.env.assign(&location, Js::text(&*id))?;
        }
        self.push(Effect::SpawnActor(Arc::new(Start {
            id,
            src: Arc::new(src),
            input: Arc::new(input),
            on_done: named("onDone"),
            on_error: named("onError"),
            system_id: None,
            state: Some(named("state")),
        })))
    }

    /// A machine by its name, or the text of one.
    fn source(&mut self, params: &Map<String, Value>) -> Result<Ref, String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        if let Some(content) = params.get("content") {
            let inside = |key: &str| content.get(key).and_then(Value::as_str);
            let text = match inside("expr") {
                Some(expr) => self.value(Some(expr))?.show(),
                None => inside("text").unwrap_or_default().to_owned(),
            };
            let params = Map::from_iter([(TEXT.to_owned(), Value::from(text))]);
            return Ok(Ref { name: INLINE.into(), params, ..Ref::default() });
        }
        let name = match (text("src"), text("srcexpr")) {
            (Some(src), _) => src.to_owned(),
            (None, expr @ Some(_)) => self.value(expr)?.show(),
            (None, None) => return Err("nothing says what is invoked".into()),
        };
        Ok(Ref { name, ..Ref::default() })
    }
}

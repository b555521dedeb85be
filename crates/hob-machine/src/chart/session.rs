//! What is invoked, and what else SCXML asks a data model for besides
//! executable content: the beginning, what a final state hands on, sessions.
//!
//! Each is a place where a function of the host is named that need not be there. Without it a machine steps as one without a
//! data model: nothing begins, nothing is handed on, and what is invoked is the host's.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::build::{Builder, used};
use super::{ActionId, Invoked, NodeId, Semantics};
use crate::document::model::{Invocation, InvocationKind, Ref};
use crate::problem::below;

/// One place where a function of the data model is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HookId(pub(crate) u32);

/// What runs before the first state is entered.
pub(crate) const BEGIN: &str = "scxml.begin";
/// What works out the data of a final state.
pub(crate) const DONE_DATA: &str = "scxml.donedata";
/// What works out which session is started, and what it is given.
pub(crate) const INVOKE: &str = "scxml.invoke";

/// A session that a state starts.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) begin: HookId,
    /// Runs when an event of the session comes, before anything else.
    pub(crate) finalize: Vec<ActionId>,
    /// Whether every event from outside goes to it, too.
    pub(crate) forward: bool,
}

/// Whether a type of what is invoked is a session.
pub(crate) fn is_session(of: &str) -> bool {
    matches!(of.trim_end_matches('/'), "http://www.w3.org/TR/scxml" | "scxml")
}

impl Builder<'_> {
    fn hook(&mut self, name: &str, params: Map<String, Value>, at: String) -> HookId {
        HookId(used(&mut self.hooks, &Ref { at, name: name.into(), params, position: None }))
    }

    /// What runs before the first state of a machine that came from SCXML.
    pub(super) fn begin_hook(&mut self) -> Option<HookId> {
        let kept = self.machine.meta.contains_key("hob.scxml") && self.semantics == Semantics::Scxml;
        kept.then(|| self.hook(BEGIN, Map::new(), "/meta/hob.scxml".into()))
    }

    /// What a final state hands on.
    pub(super) fn done_data(&mut self, id: NodeId, meta: &Map<String, Value>, at: &str) {
        let Some(Value::Object(given)) = meta.get("hob.scxml").and_then(|kept| kept.get("donedata")) else {
            return;
        };
        let mut params = given.clone();
        params.insert("top".into(), (self.node(id).parent == super::shape::ROOT).into());
        let position = params.get(crate::position::KEY).and_then(Value::as_str);
        let position = position.and_then(crate::Position::parse);
        let at = below(&below(at, "meta"), "hob.scxml");
        let name = DONE_DATA.to_owned();
        let hook = HookId(used(&mut self.hooks, &Ref { at, name, params, position }));
        self.node(id).done_data = Some(hook);
    }

    /// What runs as long as a state is active.
    pub(super) fn invoke(&mut self, id: NodeId, index: usize, invocation: &Invocation) {
        let (kind, uses) = match invocation.kind {
            InvocationKind::Service => ("invoke", &mut self.services),
            InvocationKind::Machine => ("actor", &mut self.machines),
        };
        let src = &invocation.src;
        used(uses, src);
        let label = self.node(id).label.clone();
        let place = || format!("{}:{label}:{kind}:{index}", self.machine.name);
        let name = invocation.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(place);
        let session = self.session(id, &name, invocation);
        let invoked = Invoked {
            id: name.into(),
            session,
            src: Arc::new(src.clone()),
            input: Arc::new(invocation.input.clone()),
            on_done: invocation.on_done.clone(),
            on_error: invocation.on_error.clone(),
            system_id: invocation.system_id.as_deref().filter(|id| !id.is_empty()).map(Arc::from),
        };
        match invocation.kind {
            InvocationKind::Service => self.node(id).services.push(invoked),
            InvocationKind::Machine => self.node(id).actors.push(invoked),
        }
    }

    /// What starting a session takes; `None` of everything else that is invoked.
    fn session(&mut self, id: NodeId, name: &str, invocation: &Invocation) -> Option<Session> {
        let Invocation { src, kind, on_done, on_error, .. } = invocation;
        let wanted = *kind == InvocationKind::Machine && is_session(&src.name);
        if self.semantics != Semantics::Scxml || !wanted {
            return None;
        }
        let mut params = src.params.clone();
        for (key, value) in
            [("id", name.into()), ("onDone", on_done.to_value()), ("onError", on_error.to_value())]
        {
            params.insert(key.into(), value);
        }
        params.insert("state".into(), self.node(id).name.to_value());
        let at = below(&below(&src.at, "params"), "finalize");
        let finalize = src.params.get("finalize").map(|finalize| self.inline_actions(finalize, &at));
        let forward = src.params.get("autoforward").and_then(Value::as_str) == Some("true");
        let begin = Ref { params, name: INVOKE.into(), ..src.clone() };
        let begin = HookId(used(&mut self.hooks, &begin));
        Some(Session { begin, finalize: finalize.unwrap_or_default(), forward })
    }
}

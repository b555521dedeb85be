//! From a document to SCXML.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::super::make::Names;
use super::super::{Converted, Notes, leftover};
use super::xml::escape;
use super::{NAMESPACE, OWN_NAMESPACE, delay};
use crate::chart::Semantics;
use crate::document::Document;
use crate::document::model::{History, Invocation, Machine, Ref, Region, State, Transition};
use crate::name::Name;
use crate::problem::{Problem, Refused, below};

/// Keys under `meta` that this reads.
const OWN: [&str; 5] = ["hob.semantics", "hob.initial", "hob.onInitial", "hob.targets", "hob.scxml"];

/// Writes a machine. Errors: a document that cannot be read.
///
/// Actions, changes of the context and guards of the host have no element in SCXML. Actions are written in a namespace of
/// their own, `urn:hob:machine`, guards as calls of `hob.guard`, which an interpreter that does not know them answers with an
/// error and therefore a no. A document by the rules of hob is written so that SCXML does the same, as far as its rules allow;
/// where they do not, a note says so.
pub fn export(document: &Document) -> Result<Converted<String>, Refused> {
    let (machine, problems) = document.read();
    if problems.iter().any(Problem::is_error) {
        return Err(Refused(problems));
    }
    let mut notes = Notes::default();
    leftover::report(document.json(), &mut notes);
    let mut writer = Writer {
        scxml: machine.meta.get("hob.semantics").and_then(Value::as_str) == Some(Semantics::Scxml.as_str()),
        notes,
        ids: HashMap::new(),
        names: Names::default(),
        parents: HashMap::new(),
        out: String::new(),
        depth: 0,
    };
    writer.name(&machine);
    writer.machine(&machine);
    Ok(Converted { result: writer.out, notes: writer.notes.finish() })
}

pub(super) struct Writer {
    scxml: bool,
    notes: Notes,
    ids: HashMap<Name, String>,
    names: Names,
    parents: HashMap<Name, Name>,
    out: String,
    depth: usize,
}

/// An attribute that is there or not.
type Attribute<'t> = (&'t str, Option<&'t str>);

impl Writer {
    fn name(&mut self, machine: &Machine) {
        for state in machine.all_states() {
            let text = state.name.to_string();
            let id = self.names.fresh(&text.replace(char::is_whitespace, "_"));
            if id != text {
                let message = format!("the state is called {id:?} there: ids have no spaces in them");
                self.notes.add(Problem::warning("renamed", below(&state.at, "name"), message));
            }
            self.ids.insert(state.name.clone(), id);
            for child in state.inside() {
                self.parents.insert(child.name.clone(), state.name.clone());
            }
        }
    }

    pub(super) fn id(&self, name: &Name) -> String {
        self.ids.get(name).cloned().unwrap_or_else(|| name.to_string())
    }

    fn note(&mut self, code: &'static str, at: &str, message: impl Into<String>) {
        self.notes.add(Problem::warning(code, at, message));
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{:1$}{text}", "", self.depth * 2);
    }

    fn tag(name: &str, attributes: &[Attribute<'_>], end: &str) -> String {
        let mut tag = format!("<{name}");
        for (key, value) in attributes {
            if let Some(value) = value {
                let _ = write!(tag, " {key}=\"{}\"", escape(value));
            }
        }
        tag + end
    }

    fn empty(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        let tag = Self::tag(name, attributes, "/>");
        self.line(&tag);
    }

    /// An element, closed at once when nothing is inside.
    fn element(&mut self, name: &str, attributes: &[Attribute<'_>], inside: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        let open = Self::tag(name, attributes, ">");
        self.line(&open);
        let opened = self.out.len();
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        if self.out.len() == opened {
            self.out.truncate(before);
            self.empty(name, attributes);
        } else {
            self.line(&format!("</{name}>"));
        }
    }

    fn machine(&mut self, machine: &Machine) {
        let initial = self.begin(machine.meta.get("hob.initial"), machine.initial.as_ref());
        let kept = machine.meta.get("hob.scxml").cloned().unwrap_or_default();
        let text = |key: &str| kept.get(key).and_then(Value::as_str);
        for (key, value) in [("/id", &machine.id), ("/version", &machine.version)] {
            if value.is_some() {
                self.note("left_out", key, "a machine has a name and nothing more there");
            }
        }
        self.meta(&machine.meta, "");
        let attributes = [
            ("xmlns", Some(NAMESPACE)),
            ("xmlns:hob", Some(OWN_NAMESPACE)),
            ("version", Some("1.0")),
            ("name", Some(machine.name.as_str())),
            ("datamodel", text("datamodel")),
            ("binding", text("binding")),
            ("initial", Some(initial.as_str()).filter(|initial| !initial.is_empty())),
        ];
        self.element("scxml", &attributes, |writer| {
            let list = |key: &str| kept.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            let data = list("data");
            if !data.is_empty() {
                writer.element("datamodel", &[], |writer| {
                    data.iter().for_each(|data| writer.kept("data", data, "content"));
                });
            }
            list("script").iter().for_each(|script| writer.kept("script", script, "text"));
            machine.states.iter().for_each(|state| writer.state(state));
        });
    }

    /// Where something begins: ids with spaces between them.
    fn begin(&self, many: Option<&Value>, one: Option<&Name>) -> String {
        let names =
            many.and_then(Value::as_array).map(|many| many.iter().filter_map(Name::from_value).collect());
        let names: Vec<Name> = names.unwrap_or_else(|| one.cloned().into_iter().collect());
        names.iter().map(|name| self.id(name)).collect::<Vec<_>>().join(" ")
    }

    fn meta(&mut self, meta: &serde_json::Map<String, Value>, at: &str) {
        for key in meta.keys().filter(|key| !OWN.contains(&key.as_str())) {
            self.note(
                "left_out",
                &below(&below(at, "meta"), key),
                "SCXML has no place for this; it is left out",
            );
        }
    }

    /// Nesting is bounded by the reader of documents.
    fn state(&mut self, state: &State) {
        self.meta(&state.meta, &state.at);
        let id = self.id(&state.name);
        if let Some(history) = state.history {
            let of = if history == History::Deep { "deep" } else { "shallow" };
            self.element("history", &[("id", Some(&id)), ("type", Some(of))], |writer| {
                let target = writer.begin(state.meta.get("hob.targets"), state.history_default.as_ref());
                if !target.is_empty() {
                    writer.element("transition", &[("target", Some(&target))], |writer| {
                        writer.content(&state.on_entry, &state.on_entry_assign);
                    });
                }
            });
            return;
        }
        let name = match () {
            () if state.is_final => "final",
            () if !state.regions.is_empty() => "parallel",
            () => "state",
        };
        let initial = self.begin(state.meta.get("hob.initial"), state.initial_child.as_ref());
        let on_initial = refs(state.meta.get("hob.onInitial"));
        let compound = !state.children.is_empty() && !initial.is_empty();
        let attribute = Some(initial.as_str()).filter(|_| compound && on_initial.is_empty());
        self.element(name, &[("id", Some(&id)), ("initial", attribute)], |writer| {
            if compound && !on_initial.is_empty() {
                writer.element("initial", &[], |writer| {
                    writer.element("transition", &[("target", Some(&initial))], |writer| {
                        writer.content(&on_initial, &[])
                    });
                });
            }
            writer.entry_and_exit(state);
            writer.transitions(state);
            state.invoke.iter().for_each(|invoke| writer.invoke(invoke));
            state.children.iter().for_each(|child| writer.state(child));
            state.regions.iter().for_each(|region| writer.region(region));
            if let Some(done) = state.meta.get("hob.scxml").and_then(|kept| kept.get("donedata")) {
                writer.element("donedata", &[], |writer| writer.given(done));
            }
        });
    }

    fn region(&mut self, region: &Region) {
        if let [only] = region.states.as_slice()
            && only.name.to_string() == region.name
        {
            return self.state(only);
        }
        if self.scxml && region.states.iter().all(|state| state.history.is_some()) {
            return region.states.iter().for_each(|state| self.state(state));
        }
        let id = self.names.fresh(&region.name.replace(char::is_whitespace, "_"));
        self.meta(&region.meta, &region.at);
        let message = format!("the region {:?} is the state {id:?} there", region.name);
        self.notes.add(Problem::info("region", region.at.as_str(), message));
        let initial = self.begin(None, region.initial_child.as_ref());
        self.element("state", &[("id", Some(&id)), ("initial", Some(&initial))], |writer| {
            region.states.iter().for_each(|state| writer.state(state));
        });
    }

    fn entry_and_exit(&mut self, state: &State) {
        let timers: Vec<_> =
            state.transitions.iter().enumerate().filter(|(_, each)| each.after.is_some()).collect();
        let timer = |index: usize| format!("{}:after:{index}", state.name);
        let on_entry = self.late_data(&state.on_entry);
        if !(on_entry.is_empty() && state.on_entry_assign.is_empty() && timers.is_empty()) {
            let last = self.blocks("onentry", on_entry);
            self.element("onentry", &[], |writer| {
                writer.content(last, &state.on_entry_assign);
                for (index, transition) in &timers {
                    let delay = delay::show(transition.after.unwrap_or_default());
                    let event = transition.on.to_string();
                    writer.empty(
                        "send",
                        &[("event", Some(&event)), ("id", Some(&timer(*index))), ("delay", Some(&delay))],
                    );
                }
            });
        }
        if !(state.on_exit.is_empty() && state.on_exit_assign.is_empty() && timers.is_empty()) {
            let last = self.blocks("onexit", &state.on_exit);
            self.element("onexit", &[], |writer| {
                writer.content(last, &state.on_exit_assign);
                timers
                    .iter()
                    .for_each(|(index, _)| writer.empty("cancel", &[("sendid", Some(&timer(*index)))]));
            });
        }
    }

    /// Writes the data that a state binds when it is entered; what else its entry does is returned.
    fn late_data<'r>(&mut self, actions: &'r [Ref]) -> &'r [Ref] {
        let Some((first, rest)) = actions.split_first().filter(|(first, _)| first.name == "scxml.data")
        else {
            return actions;
        };
        let data = first.params.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        self.element("datamodel", &[], |writer| {
            data.iter().for_each(|data| writer.kept("data", data, "content"));
        });
        match rest.split_first() {
            Some((block, rest)) if block.name == "hob.block" => rest,
            _ => rest,
        }
    }

    /// Writes all blocks but the last, which is returned.
    fn blocks<'r>(&mut self, element: &str, actions: &'r [Ref]) -> &'r [Ref] {
        let mut rest = actions;
        while let Some(end) = rest.iter().position(|action| action.name == "hob.block") {
            let (block, after) = rest.split_at(end);
            self.element(element, &[], |writer| writer.content(block, &[]));
            rest = after.get(1..).unwrap_or_default();
        }
        rest
    }

    fn transitions(&mut self, state: &State) {
        // Outside of SCXML what forbids goes first, and what is for one event before what is for every event.
        let rank = |each: &&Transition| match (self.scxml, each.forbidden, each.wildcard) {
            (true, ..) => 0,
            (false, true, _) => 0,
            (false, false, wildcard) => 1 + usize::from(wildcard),
        };
        let mut ordered: Vec<&Transition> = state.transitions.iter().collect();
        ordered.sort_by_key(rank);
        ordered.into_iter().for_each(|transition| self.transition(state, transition));
        if !state.on_done.is_empty() {
            let event = format!("done.state.{}", self.id(&state.name));
            let message = "what is listed in onDone runs with the event that says so, after everything else of the step";
            self.note("order", &below(&state.at, "onDone"), message);
            self.element("transition", &[("event", Some(&event))], |writer| {
                writer.content(&state.on_done, &[])
            });
        }
    }

    fn transition(&mut self, state: &State, transition: &Transition) {
        self.meta(&transition.meta, &transition.at);
        let event = match () {
            () if transition.wildcard => Some("*".to_owned()),
            () if transition.event_less => None,
            () => Some(transition.on.to_string()),
        };
        if !self.scxml && event.as_ref().is_some_and(|event| event.contains(char::is_whitespace)) {
            self.note("event", &below(&transition.at, "on"), "a space separates events there");
        }
        if transition.forbidden {
            return self.empty("transition", &[("event", event.as_deref())]);
        }
        let many = transition.meta.get("hob.targets");
        let target = self.begin(many, Some(&transition.to).filter(|to| !to.is_empty()));
        let own = state.name == transition.to;
        let stays = transition.internal || target.is_empty();
        let stays = stays
            || (!self.scxml && !transition.reenter && (own || self.is_around(&transition.to, &state.name)));
        let reenters = transition.reenter || (!self.scxml && !self.is_around(&state.name, &transition.to));
        let cond = self.cond(transition);
        let attributes = [
            ("event", event.as_deref()),
            ("cond", cond.as_deref()),
            ("target", Some(target.as_str()).filter(|_| !stays)),
            ("type", Some("internal").filter(|_| !stays && !reenters)),
        ];
        self.element("transition", &attributes, |writer| {
            writer.content(&transition.effects, &transition.assigns);
            for event in &transition.raise {
                writer.empty("raise", &[("event", Some(&event.to_string()))]);
            }
        });
    }

    fn is_around(&self, around: &Name, name: &Name) -> bool {
        let mut at = self.parents.get(name);
        while let Some(each) = at {
            if each == around {
                return true;
            }
            at = self.parents.get(each);
        }
        false
    }

    fn cond(&mut self, transition: &Transition) -> Option<String> {
        let named = transition.guards.iter().map(super::cond::write_named);
        let mut parts: Vec<String> = named.collect();
        for guard in &transition.guards {
            self.host_guard(&guard.name, &guard.at);
        }
        if let Some(node) = &transition.guard_expr {
            let mut hosts = Vec::new();
            let text = super::cond::write(node, &|name| self.id(name), &mut hosts);
            parts.push(if transition.guards.is_empty() { text } else { format!("({text})") });
            hosts.into_iter().for_each(|(name, at)| self.host_guard(&name, &at));
        }
        (!parts.is_empty()).then(|| parts.join(" && "))
    }

    fn host_guard(&mut self, name: &str, at: &str) {
        if name != "scxml.cond" {
            let message =
                format!("the guard {name:?} is the call of a function that an interpreter has to bring");
            self.note("host_guard", at, message);
        }
    }

    fn invoke(&mut self, invoke: &Invocation) {
        let params = &invoke.src.params;
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let id = invoke.id.as_deref();
        for (event, expected) in [
            (&invoke.on_done, format!("done.invoke.{}", id.unwrap_or_default())),
            (&invoke.on_error, "error.communication".to_owned()),
        ] {
            if !event.is_empty() && event.to_string() != expected {
                let message = format!("the event is {expected:?} there and not {:?}", event.to_string());
                self.note("event", &invoke.at, message);
            }
        }
        let known = ["src", "srcexpr", "typeexpr", "namelist", "autoforward", "idlocation"];
        let mut attributes: Vec<Attribute<'_>> = vec![("type", Some(invoke.src.name.as_str())), ("id", id)];
        attributes.extend(known.iter().map(|key| (*key, text(key))));
        for key in params.keys().filter(|key| !known.contains(&key.as_str())) {
            if !matches!(key.as_str(), "params" | "content" | "finalize") {
                let at = below(&below(&invoke.src.at, "params"), key);
                self.note("left_out", &at, "<invoke> has no place for this; it is left out");
            }
        }
        if !invoke.input.is_empty() {
            self.note(
                "left_out",
                &below(&invoke.at, "input"),
                "<invoke> has expressions alone for what is given",
            );
        }
        if invoke.system_id.is_some() {
            self.note(
                "left_out",
                &below(&invoke.at, "systemId"),
                "<invoke> has no other name; it is left out",
            );
        }
        self.element("invoke", &attributes, |writer| {
            writer.given(&Value::Object(params.clone()));
            let finalize = refs(params.get("finalize"));
            if !finalize.is_empty() {
                writer.element("finalize", &[], |writer| writer.content(&finalize, &[]));
            }
        });
    }

    /// `<param>`s and `<content>`, as they were read.
    fn given(&mut self, given: &Value) {
        for param in given.get("params").and_then(Value::as_array).into_iter().flatten() {
            self.kept("param", param, "");
        }
        if let Some(content) = given.get("content") {
            self.kept("content", content, "text");
        }
    }

    /// An element that was read as its attributes and what stands inside.
    fn kept(&mut self, name: &str, element: &Value, inside: &str) {
        let fields = element.as_object();
        let fields =
            fields.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
        let attributes: Vec<Attribute<'_>> = fields
            .filter(|(key, _)| *key != inside && is_name(key))
            .map(|(key, value)| (key, Some(value)))
            .collect();
        match element.get(inside).and_then(Value::as_str) {
            None => self.empty(name, &attributes),
            Some(text) => {
                // What stood inside was taken as it was written, except for a script, whose text was read.
                let raw = name != "script" && super::xml::is_fragment(text);
                let text = if raw { text.to_owned() } else { escape(text) };
                let open = Self::tag(name, &attributes, ">");
                self.line(&format!("{open}{text}</{name}>"));
            }
        }
    }

    fn content(&mut self, actions: &[Ref], assigns: &[Ref]) {
        actions.iter().for_each(|action| self.action(action));
        for assign in assigns {
            self.host("hob:assign", assign);
        }
    }

    fn host(&mut self, element: &str, action: &Ref) {
        let message =
            format!("{:?} is an element of our own namespace, which no other interpreter knows", action.name);
        self.note("host_action", &action.at, message);
        let params = (!action.params.is_empty()).then(|| Value::Object(action.params.clone()).to_string());
        self.empty(element, &[("name", Some(&action.name)), ("params", params.as_deref())]);
    }

    /// Nesting of branches is bounded by that of JSON.
    fn action(&mut self, action: &Ref) {
        let params = &action.params;
        let text = |key: &str| params.get(key).and_then(Value::as_str);
        let only = |keys: &[&str]| params.keys().all(|key| keys.contains(&key.as_str()));
        match action.name.as_str() {
            "hob.raise" if only(&["event"]) => self.empty("raise", &[("event", text("event"))]),
            "hob.schedule" if only(&["id", "event", "delay"]) && text("event").is_some() => {
                let nanos = params.get("delay").and_then(Value::as_i64).unwrap_or_default();
                let delay = (nanos != 0).then(|| delay::show(nanos));
                self.empty(
                    "send",
                    &[("event", text("event")), ("id", text("id")), ("delay", delay.as_deref())],
                );
            }
            "crucible.cancel" => self.empty("cancel", &[("sendid", text("id"))]),
            "crucible.sendParent" if text("event").is_some() => {
                self.empty("send", &[("event", text("event")), ("target", Some("#_parent"))]);
            }
            "scxml.if" => {
                let branches = params.get("branches").and_then(Value::as_array).cloned().unwrap_or_default();
                self.element(
                    "if",
                    &[("cond", branches.first().and_then(|first| first.get("cond")?.as_str()))],
                    |writer| {
                        for (index, branch) in branches.iter().enumerate() {
                            match (index, branch.get("cond").and_then(Value::as_str)) {
                                (0, _) => {}
                                (_, Some(cond)) => writer.empty("elseif", &[("cond", Some(cond))]),
                                (_, None) => writer.empty("else", &[]),
                            }
                            writer.content(&refs(branch.get("do")), &[]);
                        }
                    },
                );
            }
            "scxml.foreach" => {
                let keys = ["array", "item", "index"];
                let attributes: Vec<Attribute<'_>> = keys.iter().map(|key| (*key, text(key))).collect();
                self.element("foreach", &attributes, |writer| writer.content(&refs(params.get("do")), &[]));
            }
            "scxml.send" => {
                let plain = params.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
                let attributes: Vec<Attribute<'_>> =
                    plain.filter(|(key, _)| is_name(key)).map(|(key, value)| (key, Some(value))).collect();
                self.element("send", &attributes, |writer| writer.given(&Value::Object(params.clone())));
            }
            "scxml.script" => self.kept("script", &Value::Object(params.clone()), "text"),
            "scxml.assign" => self.kept("assign", &Value::Object(params.clone()), "content"),
            name @ ("scxml.log" | "scxml.cancel") => {
                self.kept(name.trim_start_matches("scxml."), &Value::Object(params.clone()), "");
            }
            _ => self.host("hob:action", action),
        }
    }
}

/// Whether a key of a document can be the name of an attribute.
fn is_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric())
        && key != "xmlns"
}

/// Actions that stand under `meta` or in parameters.
fn refs(value: Option<&Value>) -> Vec<Ref> {
    let read = |item: &Value| Ref {
        at: String::new(),
        name: item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        params: item.get("params").and_then(Value::as_object).cloned().unwrap_or_default(),
        position: None,
    };
    value.and_then(Value::as_array).into_iter().flatten().map(read).collect()
}

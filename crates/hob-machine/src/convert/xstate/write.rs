//! From a document to XState.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::super::make::Names;
use super::super::{Converted, Notes, leftover};
use super::tree::Tree;
use super::{actions, guards};
use crate::chart::Semantics;
use crate::document::Document;
use crate::document::model::{History, Machine, Region, State, Transition};
use crate::name::Name;
use crate::problem::{Problem, Refused, below};

/// Keys under `meta` that this reads.
const OWN: [&str; 9] = [
    "hob.semantics",
    "hob.context",
    "hob.initial",
    "hob.onInitial",
    "hob.targets",
    "hob.key",
    "hob.root",
    "hob.xstate",
    "hob.scxml",
];

/// Writes a machine as JSON for `createMachine`, keys in the order of the document. Errors: a document that cannot be read.
///
/// Every state has its name as `id`, and targets are ids. A document by the rules of hob is written so that XState does the
/// same, as far as its rules allow; where they do not, a note says so.
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
        keys: HashMap::new(),
        parents: HashMap::new(),
    };
    writer.name(&machine);
    if writer.scxml {
        let message = "an event is for its own name there, and not for names that go on behind a dot";
        writer.notes.add(Problem::info("event_prefix", "/meta/hob.semantics", message));
    }
    let tree = writer.machine(&machine);
    let result = serde_json::to_string_pretty(&tree)
        .map_err(|error| Refused(vec![Problem::error("not_json", "", error.to_string())]))?;
    Ok(Converted { result, notes: writer.notes.finish() })
}

struct Writer {
    scxml: bool,
    notes: Notes,
    /// The ids of states.
    ids: HashMap<Name, String>,
    /// The keys under which they stand.
    keys: HashMap<Name, String>,
    parents: HashMap<Name, Name>,
}

/// An object that is written, in order.
#[derive(Default)]
struct Fields(Vec<(String, Tree)>);

impl Fields {
    fn put(&mut self, key: &str, value: Tree) {
        let empty = match &value {
            Tree::Leaf(value) => value.is_null(),
            Tree::List(items) => items.is_empty(),
            Tree::Object(fields) => fields.is_empty(),
        };
        if !empty {
            self.0.push((key.into(), value));
        }
    }

    /// Adds a transition to those of a key; one alone is no list.
    fn add(&mut self, key: &str, transition: Tree) {
        match self.0.iter_mut().find(|(of, _)| of == key).map(|(_, value)| value) {
            None => self.0.push((key.into(), transition)),
            Some(Tree::List(items)) => items.push(transition),
            Some(only) => {
                let first = std::mem::replace(only, Tree::List(Vec::new()));
                *only = Tree::List(vec![first, transition]);
            }
        }
    }
}

impl Writer {
    fn name(&mut self, machine: &Machine) {
        let mut names = Names::default();
        let mut taken: HashMap<Option<&Name>, Names> = HashMap::new();
        let mut around: HashMap<&Name, &Name> = HashMap::new();
        for state in machine.all_states() {
            let text = state.name.to_string();
            let id = names.fresh(&text.replace('.', "_"));
            if id != text {
                let message = format!("the state is called {id:?} there: ids have no dots in them");
                self.notes.add(Problem::info("renamed", below(&state.at, "name"), message));
            }
            let siblings = taken.entry(around.get(&state.name).copied()).or_default();
            let key = state.meta.get("hob.key").and_then(Value::as_str).filter(|key| siblings.take(key));
            self.keys.insert(state.name.clone(), key.map_or_else(|| id.clone(), str::to_owned));
            self.ids.insert(state.name.clone(), id);
            for child in state.inside() {
                around.insert(&child.name, &state.name);
                self.parents.insert(child.name.clone(), state.name.clone());
            }
        }
    }

    fn id(&self, name: &Name) -> String {
        self.ids.get(name).cloned().unwrap_or_else(|| name.to_string())
    }

    fn key(&self, name: &Name) -> String {
        self.keys.get(name).cloned().unwrap_or_else(|| name.to_string())
    }

    fn target(&self, name: &Name) -> Tree {
        Tree::text(format!("#{}", self.id(name)))
    }

    fn targets(&self, value: &Value) -> Vec<Tree> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Name::from_value)
            .map(|name| self.target(&name))
            .collect()
    }

    fn note(&mut self, code: &'static str, at: &str, message: &str) {
        self.notes.add(Problem::warning(code, at, message));
    }

    fn machine(&mut self, machine: &Machine) -> Tree {
        let mut fields = Fields::default();
        fields.put("id", Tree::text(machine.name.as_str()));
        if let Some(version) = &machine.version {
            fields.put("version", Tree::text(version.as_str()));
        }
        if machine.id.is_some() {
            self.note("left_out", "/id", "a machine has no second id there");
        }
        if let Some(context) = machine.meta.get("hob.context") {
            fields.put("context", Tree::from_value(context));
        }
        self.meta(&machine.meta, "", &mut fields);
        if let [only] = machine.states.as_slice()
            && only.meta.get("hob.root") == Some(&Value::Bool(true))
        {
            let Tree::Object(inner) = self.state(only) else { return Tree::Object(fields.0) };
            fields.0.extend(inner.into_iter().filter(|(key, _)| key != "id"));
            if let Some((_, id)) = fields.0.iter_mut().find(|(key, _)| key == "id") {
                *id = Tree::text(self.id(&only.name));
            }
            return Tree::Object(fields.0);
        }
        match (machine.meta.get("hob.initial"), &machine.initial) {
            (Some(many), _) => {
                let target = Tree::List(self.targets(many));
                fields.put("initial", Tree::Object(vec![("target".into(), target)]));
            }
            (None, Some(initial)) => {
                let initial = self.initial(initial, None);
                fields.put("initial", initial);
            }
            (None, None) => {}
        }
        let states = self.states(&machine.states);
        fields.put("states", states);
        Tree::Object(fields.0)
    }

    /// A state right inside is named by its key, one further inside by its id.
    fn initial(&self, initial: &Name, around: Option<&Name>) -> Tree {
        if self.parents.get(initial) == around { Tree::text(self.key(initial)) } else { self.target(initial) }
    }

    fn states(&mut self, states: &[State]) -> Tree {
        Tree::Object(states.iter().map(|state| (self.key(&state.name), self.state(state))).collect())
    }

    /// What its author keeps with it, and what was kept of XState's.
    fn meta(&mut self, meta: &Map<String, Value>, at: &str, fields: &mut Fields) {
        let kept = meta.get("hob.xstate").and_then(Value::as_object);
        for (key, value) in kept.into_iter().flatten() {
            let value = Tree::from_value(value);
            match (key.as_str(), value, fields.0.iter_mut().find(|(of, _)| of == key).map(|(_, own)| own)) {
                // Some of it may be there already: a name, delays that are numbers.
                (_, Tree::Object(more), Some(Tree::Object(own))) => own.extend(more),
                (_, _, Some(_)) => {}
                (key, value, None) => fields.put(key, value),
            }
        }
        if meta.contains_key("hob.scxml") {
            self.note(
                "left_out",
                &below(&below(at, "meta"), "hob.scxml"),
                "a data model of SCXML is left out",
            );
        }
        let others: Map<String, Value> = meta
            .iter()
            .filter(|(key, _)| !OWN.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !others.is_empty() {
            match fields.0.iter_mut().find(|(key, _)| key == "meta").map(|(_, meta)| meta) {
                Some(Tree::Object(meta)) => {
                    meta.extend(others.iter().map(|(key, value)| (key.clone(), Tree::from_value(value))));
                }
                _ => fields.put("meta", Tree::from_value(&Value::Object(others))),
            }
        }
    }

    /// Nesting is bounded by the reader of documents.
    fn state(&mut self, state: &State) -> Tree {
        let mut fields = Fields::default();
        fields.put("id", Tree::text(self.id(&state.name)));
        if let Some(history) = state.history {
            fields.put("type", Tree::text("history"));
            fields.put("history", Tree::text(if history == History::Deep { "deep" } else { "shallow" }));
            match (state.meta.get("hob.targets"), &state.history_default) {
                (Some(many), _) => fields.put("target", Tree::List(self.targets(many))),
                (None, Some(default)) => fields.put("target", self.target(default)),
                (None, None) => {}
            }
            if !state.on_entry.is_empty() || !state.on_entry_assign.is_empty() {
                self.note("left_out", &below(&state.at, "onEntry"), "a history state does nothing there");
            }
            self.meta(&state.meta, &state.at, &mut fields);
            return Tree::Object(fields.0);
        }
        if self.id(&state.name) != state.name.to_string() {
            let own = (super::NAME.to_owned(), Tree::from_value(&state.name.to_value()));
            fields.put("meta", Tree::Object(vec![own]));
        }
        if state.is_final {
            fields.put("type", Tree::text("final"));
        }
        fields.put("entry", Tree::List(actions::write(&state.on_entry, &state.on_entry_assign)));
        fields.put("exit", Tree::List(actions::write(&state.on_exit, &state.on_exit_assign)));
        self.transitions(state, &mut fields);
        if !state.regions.is_empty() {
            fields.put("type", Tree::text("parallel"));
            let regions = state.regions.iter().map(|region| self.region(region)).collect();
            fields.put("states", Tree::Object(regions));
        } else if !state.children.is_empty() {
            let target = match (state.meta.get("hob.initial"), &state.initial_child) {
                (Some(many), _) => Some(Tree::List(self.targets(many))),
                (None, Some(child)) => Some(self.initial(child, Some(&state.name))),
                (None, None) => None,
            };
            if let Some(target) = target {
                let on_initial = state.meta.get("hob.onInitial").map(|listed| self.inline(listed));
                let plain = on_initial.is_none() && target.as_str().is_some();
                if plain {
                    fields.put("initial", target);
                } else {
                    let mut initial = Fields::default();
                    initial.put("target", target);
                    initial.put("actions", Tree::List(on_initial.unwrap_or_default()));
                    fields.put("initial", Tree::Object(initial.0));
                }
            }
            let states = self.states(&state.children);
            fields.put("states", states);
        }
        self.meta(&state.meta, &state.at, &mut fields);
        Tree::Object(fields.0)
    }

    fn inline(&self, listed: &Value) -> Vec<Tree> {
        let read = |item: &Value| crate::document::model::Ref {
            at: String::new(),
            name: item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            params: item.get("params").and_then(Value::as_object).cloned().unwrap_or_default(),
            position: None,
        };
        let refs: Vec<_> = listed.as_array().into_iter().flatten().map(read).collect();
        actions::write(&refs, &[])
    }

    fn region(&mut self, region: &Region) -> (String, Tree) {
        if let [only] = region.states.as_slice()
            && only.name.to_string() == region.name
        {
            return (self.key(&only.name), self.state(only));
        }
        let mut fields = Fields::default();
        if let Some(initial) = &region.initial_child {
            let key = region.states.iter().any(|state| state.name == *initial);
            fields.put("initial", if key { Tree::text(self.key(initial)) } else { self.target(initial) });
        }
        let states = self.states(&region.states);
        fields.put("states", states);
        self.meta(&region.meta, &region.at, &mut fields);
        let message = format!("the region {:?} is a state of that name there", region.name);
        self.notes.add(Problem::info("region", region.at.as_str(), message));
        (region.name.clone(), Tree::Object(fields.0))
    }

    fn transitions(&mut self, state: &State, fields: &mut Fields) {
        let (mut on, mut after, mut always, mut done) =
            (Fields::default(), Fields::default(), Fields::default(), Fields::default());
        let mut replies: Vec<Fields> = state.invoke.iter().map(|_| Fields::default()).collect();
        if !state.on_done.is_empty() {
            let listed = Tree::List(actions::write(&state.on_done, &[]));
            done.add("onDone", Tree::Object(vec![("actions".into(), listed)]));
        }
        let delays: HashMap<&Name, i64> =
            state.transitions.iter().filter_map(|each| Some((&each.on, each.after?))).collect();
        let rank = |each: &Transition| each.wildcard || each.on.to_string().ends_with('*');
        let first_wild = state.transitions.iter().position(rank).unwrap_or(usize::MAX);
        if self.scxml && state.transitions.iter().skip(first_wild).any(|each| !rank(each) && !each.event_less)
        {
            let message =
                "a transition for one event goes before those for many there, and here it stands behind one";
            self.note("order", &below(&state.at, "transitions"), message);
        }
        let finished = format!("done.state.{}", state.name);
        for transition in &state.transitions {
            let event = transition.on.to_string();
            if transition.forbidden {
                on.add(if transition.wildcard { "*" } else { &event }, Tree::Leaf(Value::Null));
                continue;
            }
            let tree = self.transition(state, transition);
            let reply = state.invoke.iter().zip(&mut replies).find_map(|(invoke, reply)| {
                let key = if invoke.on_done == transition.on { "onDone" } else { "onError" };
                let named = transition.on == invoke.on_done || transition.on == invoke.on_error;
                (named && !transition.on.is_empty()).then_some((key, reply))
            });
            if transition.event_less {
                always.add("always", tree);
            } else if transition.wildcard {
                on.add("*", tree);
            } else if let Some(nanos) = transition.after.or_else(|| delays.get(&transition.on).copied()) {
                let millis = actions::millis(nanos);
                after.add(&millis.to_string(), tree);
            } else if let Some((key, reply)) = reply {
                reply.add(key, tree);
            } else if self.scxml && event == finished {
                done.add("onDone", tree);
            } else if self.scxml && event.contains(' ') {
                event.split_ascii_whitespace().for_each(|each| on.add(each, tree.clone()));
            } else {
                on.add(&event, tree);
            }
        }
        fields.put("on", Tree::Object(on.0));
        fields.put("after", Tree::Object(after.0));
        fields.0.extend(always.0);
        fields.0.extend(done.0);
        let invoked: Vec<Tree> =
            state.invoke.iter().zip(replies).map(|(invoke, reply)| invoked(invoke, reply)).collect();
        fields.put("invoke", Tree::List(invoked));
    }

    fn transition(&mut self, state: &State, transition: &Transition) -> Tree {
        let mut fields = Fields::default();
        let around = |name: &Name| {
            let mut at = Some(&state.name);
            while let Some(each) = at {
                if each == name {
                    return true;
                }
                at = self.parents.get(each);
            }
            false
        };
        // By hob's own rules a target around the source is where the machine is anyway.
        let stays = transition.internal || (!self.scxml && !transition.reenter && around(&transition.to));
        match transition.meta.get("hob.targets") {
            Some(many) => fields.put("target", Tree::List(self.targets(many))),
            None if stays || transition.to.is_empty() => {}
            None => fields.put("target", self.target(&transition.to)),
        }
        // By the rules of SCXML only a compound state that leads inside stays where it is.
        let leads_on = self.scxml && !stays && (transition.to == state.name || state.children.is_empty());
        if transition.reenter || leads_on {
            fields.put("reenter", Tree::Leaf(Value::Bool(true)));
        }
        let id = |name: &Name| self.id(name);
        if let Some(guard) = guards::write(transition, &id) {
            fields.put("guard", guard);
        }
        let mut listed = actions::write(&transition.effects, &transition.assigns);
        for event in &transition.raise {
            listed.push(raise(event));
        }
        fields.put("actions", Tree::List(listed));
        self.meta(&transition.meta, &transition.at, &mut fields);
        Tree::Object(fields.0)
    }
}

fn raise(event: &Name) -> Tree {
    let event = Tree::Object(vec![("type".into(), Tree::text(event.to_string()))]);
    Tree::Object(vec![("type".into(), Tree::text("xstate.raise")), ("event".into(), event)])
}

/// What runs as long as its state is active. An event that nothing in that state is for is raised for those around it.
fn invoked(invoke: &crate::document::model::Invocation, reply: Fields) -> Tree {
    let mut fields = Fields::default();
    if let Some(id) = &invoke.id {
        fields.put("id", Tree::text(id.as_str()));
    }
    fields.put("src", Tree::text(invoke.src.name.as_str()));
    for (key, value) in &invoke.src.params {
        fields.put(key, Tree::from_value(value));
    }
    if !invoke.input.is_empty() {
        fields.put("input", Tree::from_value(&Value::Object(invoke.input.clone())));
    }
    if let Some(system) = &invoke.system_id {
        fields.put("systemId", Tree::text(system.as_str()));
    }
    for (key, event, own) in
        [("onDone", &invoke.on_done, "xstate.done."), ("onError", &invoke.on_error, "xstate.error.")]
    {
        let answered = reply.0.iter().any(|(of, _)| of == key);
        if !answered && !event.is_empty() && !event.to_string().starts_with(own) {
            fields.put(key, Tree::Object(vec![("actions".into(), Tree::List(vec![raise(event)]))]));
        }
    }
    fields.0.extend(reply.0);
    Tree::Object(fields.0)
}

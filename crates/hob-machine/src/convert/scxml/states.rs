//! States, transitions and what is invoked.

use std::collections::HashMap;

use roxmltree::Node;

use super::super::Notes;
use super::super::make::{Names, Object, reference};
use super::content::{Block, attributes, stood};
use super::{cond, xml};
use crate::chart::session::is_session;
use crate::json::Json;
use crate::problem::Problem;

/// What gives the text of a file.
pub(super) type Fetch<'f> = dyn FnMut(&str) -> Result<String, String> + 'f;

/// What is known while a document is read.
pub(super) struct Reader<'f> {
    fetch: Option<&'f mut Fetch<'f>>,
    /// Whether data of a state are bound when it is entered for the first time.
    late: bool,
    notes: Notes,
    names: Names,
    /// The names of states without id, by where they begin.
    given: HashMap<usize, String>,
    /// Every id that is there.
    ids: Names,
    sends: usize,
    /// What the data model holds, in the order of the document.
    pub(super) data: Vec<Object>,
}

impl<'f> Reader<'f> {
    /// Begins with all ids known, so that no name that is made up is one of them.
    pub(super) fn new(root: Node<'_, '_>, fetch: Option<&'f mut Fetch<'f>>) -> Self {
        let mut reader = Self {
            fetch,
            late: root.attribute("binding") == Some("late"),
            notes: Notes::default(),
            names: Names::default(),
            given: HashMap::new(),
            ids: Names::default(),
            sends: 0,
            data: Vec::new(),
        };
        let states: Vec<_> = root.descendants().filter(|node| is_state(*node) || is_history(*node)).collect();
        for state in &states {
            if let Some(id) = state.attribute("id") {
                reader.names.take(id);
                reader.ids.take(id);
            }
        }
        for state in states.iter().filter(|state| state.attribute("id").is_none()) {
            let tag = xml::name(*state).unwrap_or_default();
            let name = reader.names.fresh(&format!("_{tag}"));
            let message = format!("<{tag}> has no id; it is called {name:?} here");
            reader.note(Problem::info("made_up_name", xml::place(*state), message));
            reader.given.insert(state.range().start, name);
        }
        reader
    }

    pub(super) fn note(&mut self, note: Problem) {
        self.notes.add(note);
    }

    pub(super) fn finish(self) -> (Vec<Object>, Vec<Problem>) {
        (self.data, self.notes.finish())
    }

    pub(super) fn unknown(&mut self, node: Node<'_, '_>) {
        let tag = node.tag_name();
        let message = match tag.namespace() {
            None | Some(super::NAMESPACE) => format!("<{}> is left out: it does not stand here", tag.name()),
            Some(other) => format!("<{}> of {other:?} is left out", tag.name()),
        };
        self.note(Problem::warning("unknown_element", xml::place(node), message));
    }

    /// Attributes that are not read.
    pub(super) fn leftover(&mut self, node: Node<'_, '_>, known: &[&str]) {
        for attribute in node.attributes() {
            if attribute.namespace().is_some() || !known.contains(&attribute.name()) {
                let message = format!("the attribute {:?} is left out", attribute.name());
                self.note(Problem::warning("unknown_attribute", xml::place(node), message));
            }
        }
    }

    pub(super) fn send_id(&mut self) -> String {
        self.sends += 1;
        format!("send:{}", self.sends)
    }

    pub(super) fn name_of(&self, state: Node<'_, '_>) -> String {
        let made_up = || self.given.get(&state.range().start).cloned().unwrap_or_default();
        state.attribute("id").map_or_else(made_up, str::to_owned)
    }

    /// The states right inside, each under its name.
    pub(super) fn states(&mut self, around: Node<'_, '_>) -> Vec<Object> {
        xml::elements(around)
            .filter(|node| is_state(*node) || is_history(*node))
            .map(|node| self.state(node))
            .collect()
    }

    fn state(&mut self, node: Node<'_, '_>) -> Object {
        let mut state = Object::new();
        let name = self.name_of(node);
        state.put("name", name.as_str());
        if is_history(node) {
            self.history(node, &mut state);
            return state;
        }
        self.leftover(node, &["id", "initial"]);
        let parallel = xml::name(node) == Some("parallel");
        state.put("isFinal", xml::name(node) == Some("final"));
        let (mut entry, mut exit) = (Block::default(), Block::default());
        let (mut transitions, mut invoke, mut data) = (Vec::new(), Vec::new(), Vec::new());
        for child in xml::elements(node) {
            match xml::name(child) {
                Some("onentry") => self.separate(child, &mut entry),
                Some("onexit") => self.separate(child, &mut exit),
                Some("transition") => transitions.push(self.transition(child, &name)),
                Some("invoke") => invoke.push(self.invoke(child, &name, invoke.len())),
                Some("datamodel") => {
                    let found = self.datamodel(child);
                    if self.late { data.extend(found) } else { self.data.extend(found) }
                }
                Some("donedata") => self.done_data(child, &mut state),
                Some("state" | "parallel" | "final" | "history") => {}
                Some("initial") if !parallel => {}
                _ => self.unknown(child),
            }
        }
        if !data.is_empty() {
            // A block of its own, before all others.
            let mut params = Object::new();
            params.put("data", data);
            let rest = std::mem::take(&mut entry.actions);
            entry.actions.push(stood(reference("scxml.data", params), node));
            if !rest.is_empty() {
                entry.actions.push(reference("hob.block", Object::new()));
            }
            entry.actions.extend(rest);
        }
        state.put("onEntry", entry.actions);
        state.put("onEntryAssign", entry.assigns);
        state.put("onExit", exit.actions);
        state.put("onExitAssign", exit.assigns);
        state.put("transitions", transitions);
        state.put("invoke", invoke);
        let inside = self.states(node);
        if parallel {
            state.put("regions", self.regions(node, inside));
        } else if !inside.is_empty() {
            self.initial(node, &mut state);
            state.put("children", inside);
        }
        state
    }

    /// One more block: what fails in one does not keep another from running.
    fn separate(&mut self, node: Node<'_, '_>, into: &mut Block) {
        if !into.actions.is_empty() {
            into.actions.push(reference("hob.block", Object::new()));
        }
        self.block(xml::elements(node), into);
    }

    fn regions(&mut self, parallel: Node<'_, '_>, inside: Vec<Object>) -> Vec<Object> {
        let region = |state: Object| {
            let name = state.0.get("name").cloned().unwrap_or(Json::Null);
            let mut region = Object::new();
            region.put("name", name.clone());
            region.put("initialChild", name);
            region.put("states", vec![state]);
            region
        };
        if xml::elements(parallel).any(|node| xml::name(node) == Some("final")) {
            let message = "<final> stands right inside <parallel>, where the recommendation has none";
            self.note(Problem::warning("unknown_element", xml::place(parallel), message));
        }
        inside.into_iter().map(region).collect()
    }

    fn initial(&mut self, node: Node<'_, '_>, state: &mut Object) {
        let element = xml::elements(node).find(|child| xml::name(*child) == Some("initial"));
        let mut targets = Vec::new();
        if let Some(transition) = element
            .and_then(|initial| xml::elements(initial).find(|child| xml::name(*child) == Some("transition")))
        {
            targets = self.targets(transition);
            let mut block = Block::default();
            self.block(xml::elements(transition), &mut block);
            if !block.assigns.is_empty() {
                let message = "an initial transition cannot change the context here; this is left out";
                self.note(Problem::warning("order", xml::place(transition), message));
            }
            state.meta("hob.onInitial", block.actions);
        } else if let Some(text) = node.attribute("initial") {
            targets = self.named_targets(node, text);
        }
        if targets.is_empty() {
            let first = xml::elements(node).find(|child| is_state(*child));
            targets.extend(first.map(|first| self.name_of(first)));
        }
        state.put("initialChild", targets.first().map(String::as_str));
        if targets.len() > 1 {
            state.meta("hob.initial", targets);
        }
    }

    fn history(&mut self, node: Node<'_, '_>, state: &mut Object) {
        self.leftover(node, &["id", "type"]);
        state.put("historyType", if node.attribute("type") == Some("deep") { 2 } else { 1 });
        for child in xml::elements(node) {
            if xml::name(child) != Some("transition") {
                self.unknown(child);
                continue;
            }
            let targets = self.targets(child);
            state.put("historyDefault", targets.first().map(String::as_str));
            if targets.len() > 1 {
                state.meta("hob.targets", targets);
            }
            let mut block = Block::default();
            self.block(xml::elements(child), &mut block);
            state.put("onEntry", block.actions);
            state.put("onEntryAssign", block.assigns);
        }
    }

    pub(super) fn targets(&mut self, node: Node<'_, '_>) -> Vec<String> {
        node.attribute("target").map(|text| self.named_targets(node, text)).unwrap_or_default()
    }

    pub(super) fn named_targets(&mut self, node: Node<'_, '_>, text: &str) -> Vec<String> {
        let targets: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        for target in targets.iter().filter(|target| !self.ids.has(target)) {
            let message = format!("there is no state {target:?}");
            self.notes.add(Problem::error("undeclared_target", xml::place(node), message));
        }
        targets
    }

    fn transition(&mut self, node: Node<'_, '_>, from: &str) -> Object {
        self.leftover(node, &["event", "cond", "target", "type"]);
        let mut transition = Object::new();
        let targets = self.targets(node);
        let event = node.attribute("event").map(str::trim).unwrap_or_default();
        let wildcard = matches!(event, "*" | ".*");
        transition.put("from", from);
        transition.put("to", targets.first().map_or(from, String::as_str));
        transition.put("on", if wildcard { "" } else { event });
        transition.put("wildcard", wildcard);
        transition.put("eventLess", event.is_empty());
        transition.put("internal", targets.is_empty());
        match node.attribute("type") {
            Some("internal") => {}
            other => {
                transition.put("reenter", !targets.is_empty());
                if let Some(other) = other.filter(|other| *other != "external") {
                    let message = format!("{other:?} is no type of a transition; it is external");
                    self.note(Problem::warning("wrong_value", xml::place(node), message));
                }
            }
        }
        if targets.len() > 1 {
            transition.meta("hob.targets", targets);
        }
        if let Some(text) = node.attribute("cond") {
            let cond = cond::read(text);
            for kept in &cond.kept {
                let message = format!("{kept:?} becomes the guard scxml.cond, which the host has to bind");
                self.note(Problem::warning("data_model", xml::place(node), message));
            }
            transition.put("guardExpr", cond.guard);
        }
        let mut block = Block::default();
        self.block(xml::elements(node), &mut block);
        transition.put("effects", block.actions);
        transition.put("assigns", block.assigns);
        if node.attribute("cond").is_some() { stood(transition, node) } else { transition }
    }

    fn invoke(&mut self, node: Node<'_, '_>, state: &str, index: usize) -> Object {
        let id = node.attribute("id").map_or_else(|| format!("{state}.invoke{index}"), str::to_owned);
        let of = node.attribute("type").unwrap_or("http://www.w3.org/TR/scxml/");
        let machine = is_session(of);
        let mut params = attributes(node);
        params.0.remove("id");
        params.0.remove("type");
        let mut given = Vec::new();
        for child in xml::elements(node) {
            match xml::name(child) {
                Some("param") => given.push(attributes(child)),
                Some("content") => params.put("content", self.content(child)),
                Some("finalize") => {
                    let mut block = Block::default();
                    self.block(xml::elements(child), &mut block);
                    params.put("finalize", block.actions);
                }
                _ => self.unknown(child),
            }
        }
        params.put("params", given);
        if machine && node.attribute("src").is_some() {
            let mut content = Object::new();
            self.fetched(&mut content, "text", node);
            if let Some(Json::Text(text)) = content.0.get_mut("text") {
                // A declaration stands at the beginning of a file alone.
                let rest = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
                if let Some((_, rest)) = rest {
                    *text = rest.to_owned();
                }
            }
            if !content.0.is_empty() {
                params.0.remove("src");
                params.put("content", content);
            }
        }
        let message = if machine {
            "what is invoked is a session, which a data model starts".to_owned()
        } else {
            format!("what is invoked is the service {of:?} of the host, with everything else as parameters")
        };
        self.note(Problem::info("invoke", xml::place(node), message));
        let mut invoke = Object::new();
        invoke.put("src", stood(reference(of, params), node));
        invoke.put("kind", if machine { Some(1) } else { None });
        invoke.put("onDone", format!("done.invoke.{id}"));
        invoke.put("onError", "error.communication");
        invoke.put("id", id);
        invoke
    }

    /// Puts the text of a file in the place of its name, when somebody can be asked for it.
    pub(super) fn fetched(&mut self, object: &mut Object, key: &str, node: Node<'_, '_>) {
        let Some(src) = node.attribute("src") else { return };
        match self.fetch.as_mut().map(|fetch| fetch(src)) {
            None => {}
            Some(Ok(text)) => {
                object.0.remove("src");
                object.put(key, text);
            }
            Some(Err(why)) => {
                let message = format!("{src:?} is not there: {why}");
                self.note(Problem::warning("not_fetched", xml::place(node), message));
            }
        }
    }

    pub(super) fn datamodel(&mut self, node: Node<'_, '_>) -> Vec<Object> {
        let mut found = Vec::new();
        for child in xml::elements(node) {
            if xml::name(child) != Some("data") {
                self.unknown(child);
                continue;
            }
            let mut data = attributes(child);
            data.put("content", Some(xml::inner(child)).filter(|text| !text.trim().is_empty()));
            self.fetched(&mut data, "content", child);
            found.push(stood(data, child));
            let message = "<data> is kept in meta for a data model; nothing sets the context from it";
            self.note(Problem::warning("data_model", xml::place(child), message));
        }
        found
    }

    fn done_data(&mut self, node: Node<'_, '_>, state: &mut Object) {
        let mut done = Object::new();
        let mut given = Vec::new();
        for child in xml::elements(node) {
            match xml::name(child) {
                Some("param") => given.push(attributes(child)),
                Some("content") => done.put("content", self.content(child)),
                _ => self.unknown(child),
            }
        }
        done.put("params", given);
        let mut kept = Object::new();
        kept.put("donedata", stood(done, node));
        state.meta("hob.scxml", kept);
        let message = "<donedata> is kept in meta for a data model, which works it out";
        self.note(Problem::warning("data_model", xml::place(node), message));
    }
}

fn is_state(node: Node<'_, '_>) -> bool {
    matches!(xml::name(node), Some("state" | "parallel" | "final"))
}

fn is_history(node: Node<'_, '_>) -> bool {
    xml::name(node) == Some("history")
}

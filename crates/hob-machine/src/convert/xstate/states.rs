//! States and transitions of XState, as those of a document.

use super::super::Notes;
use super::super::make::{Object, reference};
use super::names::{Entry, Index};
use super::tree::Tree;
use super::{actions, guards};
use crate::problem::{Problem, below};

/// Nanoseconds of one millisecond.
const MILLI: i64 = 1_000_000;

/// Keys that are read; everything else is kept as it stands.
const READ: [&str; 16] = [
    "id", "key", "initial", "states", "type", "history", "target", "on", "always", "after", "entry", "exit",
    "invoke", "onDone", "context", "version",
];

/// What a machine is read with.
pub(super) struct Reader<'i, 'a> {
    index: &'i Index<'a>,
    notes: Notes,
}

/// For which event a transition is.
#[derive(Clone, Copy)]
enum On<'t> {
    Event(&'t str),
    Nothing,
    /// After so many nanoseconds, and which event comes then.
    After(i64, &'t str),
}

impl<'i, 'a> Reader<'i, 'a> {
    pub(super) fn new(index: &'i Index<'a>) -> Self {
        let mut reader = Self { index, notes: Notes::default() };
        reader.check_events();
        reader
    }

    pub(super) fn note(&mut self, note: Problem) {
        self.notes.add(note);
    }

    pub(super) fn finish(self) -> Vec<Problem> {
        self.notes.finish()
    }

    /// An event of XState is for its own name alone; by the rules of SCXML, for names that go on behind a dot, too.
    fn check_events(&mut self) {
        let on = |entry: &'i Entry<'a>| entry.tree.get("on").map(Tree::fields).unwrap_or_default();
        let mut events: Vec<(&str, &str)> = Vec::new();
        for entry in &self.index.entries {
            events.extend(on(entry).iter().map(|(event, _)| (event.as_str(), entry.at.as_str())));
        }
        events.sort_unstable();
        events.dedup_by_key(|(event, _)| *event);
        for (event, at) in &events {
            let mut end = event.len();
            while let Some(dot) = event.get(..end).and_then(|head| head.rfind('.')) {
                end = dot;
                let head = event.get(..end).unwrap_or_default();
                if let Ok(found) = events.binary_search_by_key(&head, |(other, _)| *other)
                    && !event.ends_with('*')
                {
                    let other = events.get(found).map_or("", |(_, at)| at);
                    let message =
                        format!("transitions for {head:?} (at {other}/on) are here for {event:?}, too");
                    self.notes.add(Problem::warning("event_prefix", below(&below(at, "on"), event), message));
                }
            }
        }
    }

    fn kind(&self, number: usize) -> &'a str {
        let Some(entry) = self.index.entry(number) else { return "atomic" };
        match entry.tree.get("type").and_then(Tree::as_str) {
            Some(of) => of,
            None if entry.tree.get("history").is_some() => "history",
            None if entry.children.is_empty() => "atomic",
            None => "compound",
        }
    }

    pub(super) fn is_history(&self, number: usize) -> bool {
        self.kind(number) == "history"
    }

    pub(super) fn children(&mut self, number: usize) -> Vec<Object> {
        let children = self.index.entry(number).map(|entry| entry.children.clone()).unwrap_or_default();
        children.into_iter().map(|child| self.state(child)).collect()
    }

    /// What is not read, as it stands.
    pub(super) fn kept(&mut self, number: usize) -> Object {
        let mut kept = Object::new();
        let Some(entry) = self.index.entry(number) else { return kept };
        for (key, value) in entry.tree.fields() {
            if !READ.contains(&key.as_str()) && !value.is_null() {
                let mut value = value.to_json();
                if let (true, crate::json::Json::Object(meta)) = (key == "meta", &mut value) {
                    meta.remove(super::NAME);
                }
                kept.put(key, value);
                if !matches!(key.as_str(), "description" | "tags" | "meta") {
                    let message = format!("{key:?} is kept in meta and means nothing here");
                    self.notes.add(Problem::warning("kept", below(&entry.at, key), message));
                }
            }
        }
        kept
    }

    pub(super) fn state(&mut self, number: usize) -> Object {
        let mut state = Object::new();
        let Some(entry) = self.index.entry(number) else { return state };
        let (tree, at) = (entry.tree, entry.at.as_str());
        state.put("name", entry.name.as_str());
        if entry.key != entry.name {
            state.meta("hob.key", entry.key);
        }
        let kind = self.kind(number);
        let mut kept = self.kept(number);
        if kind == "history" {
            let deep = tree.get("history").and_then(Tree::as_str) == Some("deep");
            state.put("historyType", if deep { 2 } else { 1 });
            let targets = self.targets(number, tree.get("target"), &below(at, "target"));
            let targets: Vec<String> =
                targets.iter().map(|target| self.index.name_of(*target).to_owned()).collect();
            state.put("historyDefault", targets.first().map(String::as_str));
            if targets.len() > 1 {
                state.meta("hob.targets", targets);
            }
            state.meta("hob.xstate", kept);
            return state;
        }
        state.put("isFinal", kind == "final");
        for (key, refs, assigns) in
            [("entry", "onEntry", "onEntryAssign"), ("exit", "onExit", "onExitAssign")]
        {
            let listed = actions::read(tree.get(key), &below(at, key), &mut self.notes);
            state.put(refs, listed.actions);
            state.put(assigns, listed.assigns);
        }
        let mut transitions = Vec::new();
        self.events(number, false, &mut transitions);
        self.list(number, tree.get("always"), &below(at, "always"), On::Nothing, &mut transitions);
        self.delayed(number, &mut kept, &mut transitions);
        let done = format!("done.state.{}", entry.name);
        self.list(number, tree.get("onDone"), &below(at, "onDone"), On::Event(&done), &mut transitions);
        let invoke = self.invoked(number, &mut transitions);
        self.events(number, true, &mut transitions);
        state.put("invoke", invoke);
        if kind == "final" && !transitions.is_empty() {
            let message = "a final state has no transitions; they are left out";
            self.note(Problem::warning("left_out", at, message));
            transitions.clear();
        }
        state.put("transitions", transitions);
        let inside = self.children(number);
        if kind == "parallel" {
            let region = |state: Object| {
                let name = state.0.get("name").cloned().unwrap_or(crate::json::Json::Null);
                let mut region = Object::new();
                region.put("name", name.clone());
                region.put("initialChild", name);
                region.put("states", vec![state]);
                region
            };
            state.put("regions", inside.into_iter().map(region).collect::<Vec<_>>());
        } else if !inside.is_empty() {
            let (targets, actions) = self.initial(number);
            state.put("initialChild", targets.first().map(String::as_str));
            if targets.len() > 1 {
                state.meta("hob.initial", targets);
            }
            state.meta("hob.onInitial", actions);
            state.put("children", inside);
        }
        state.meta("hob.xstate", kept);
        state
    }

    /// Where a state begins, and what it does then.
    pub(super) fn initial(&mut self, number: usize) -> (Vec<String>, Vec<Object>) {
        let Some(entry) = self.index.entry(number) else { return Default::default() };
        let at = below(&entry.at, "initial");
        let Some(initial) = entry.tree.get("initial") else {
            self.note(Problem::error(
                "missing_initial",
                at,
                "a state with states inside says where it begins",
            ));
            return Default::default();
        };
        let (target, listed) = match initial {
            Tree::Object(_) => {
                let at = below(&at, "actions");
                (initial.get("target"), actions::read(initial.get("actions"), &at, &mut self.notes))
            }
            target => (Some(target), actions::Listed::default()),
        };
        if !listed.assigns.is_empty() {
            let message = "an initial transition cannot change the context here; this is left out";
            self.note(Problem::warning("left_out", at.as_str(), message));
        }
        let mut targets = Vec::new();
        for target in target.map(Tree::items).unwrap_or_default().iter().filter_map(Tree::as_str) {
            let path = if target.starts_with(['#', '.']) { target.to_owned() } else { format!(".{target}") };
            match self.index.resolve(number, &path) {
                Some(found) => targets.push(self.index.name_of(found).to_owned()),
                None => self.undeclared(target, &at),
            }
        }
        (targets, listed.actions)
    }

    fn undeclared(&mut self, target: &str, at: &str) {
        let message = format!("there is no state {target:?}");
        self.note(Problem::error("undeclared_target", at, message));
    }

    /// Transitions for events: exact names, or those with a wildcard, which come last, a longer one before a shorter.
    fn events(&mut self, number: usize, wild: bool, into: &mut Vec<Object>) {
        let Some(entry) = self.index.entry(number) else { return };
        let at = below(&entry.at, "on");
        let on = match entry.tree.fields().iter().find(|(key, _)| key == "on") {
            Some((_, on)) => on.fields(),
            None => &[],
        };
        let mut ordered: Vec<&(String, Tree)> =
            on.iter().filter(|(event, _)| event.ends_with('*') == wild).collect();
        ordered.sort_by_key(|(event, _)| if wild { usize::MAX - event.len() } else { 0 });
        for (event, transitions) in ordered {
            let at = below(&at, event);
            if transitions.is_null() {
                let mut transition = Object::new();
                transition.put("from", entry.name.as_str());
                transition.put("to", "");
                transition.put("on", if event == "*" { "" } else { event });
                transition.put("wildcard", event == "*");
                transition.put("forbidden", true);
                into.push(transition);
                continue;
            }
            self.list(number, Some(transitions), &at, On::Event(event), into);
        }
    }

    fn delayed(&mut self, number: usize, kept: &mut Object, into: &mut Vec<Object>) {
        let Some(entry) = self.index.entry(number) else { return };
        let at = below(&entry.at, "after");
        let mut dynamic = Object::new();
        for (delay, transitions) in entry.tree.get("after").map(Tree::fields).unwrap_or_default() {
            let nanos = delay.parse::<i64>().ok().and_then(|millis| millis.checked_mul(MILLI));
            let Some(nanos) = nanos.filter(|nanos| *nanos >= 0) else {
                let message = format!(
                    "the delay {delay:?} is computed in XState; here it is kept in meta, and no timer"
                );
                self.note(Problem::warning("delay", below(&at, delay), message));
                dynamic.put(delay, transitions.to_json());
                continue;
            };
            let event = format!("xstate.after.{delay}.{}", entry.name);
            self.list(number, Some(transitions), &below(&at, delay), On::After(nanos, &event), into);
        }
        kept.put("after", dynamic);
    }

    fn invoked(&mut self, number: usize, into: &mut Vec<Object>) -> Vec<Object> {
        let Some(entry) = self.index.entry(number) else { return Vec::new() };
        let at = below(&entry.at, "invoke");
        let mut invoke = Vec::new();
        let Some(tree) = entry.tree.get("invoke") else { return invoke };
        for (place, item) in tree.items().iter().enumerate() {
            let at = if matches!(tree, Tree::List(_)) { below(&at, place) } else { at.clone() };
            let id = item.get("id").and_then(Tree::as_str);
            let id = id.map_or_else(|| format!("{place}.{}", entry.name), str::to_owned);
            let (done, failed) = (format!("xstate.done.actor.{id}"), format!("xstate.error.actor.{id}"));
            let mut one = Object::new();
            let mut params = Object::new();
            let src = item.get("src");
            let name = src.and_then(|src| src.as_str().or_else(|| src.get("type").and_then(Tree::as_str)));
            for (key, value) in item.fields() {
                match key.as_str() {
                    "id" | "src" | "systemId" | "onDone" | "onError" => {}
                    "input" if matches!(value, Tree::Object(_)) => one.put("input", value.to_json()),
                    _ if value.is_null() => {}
                    key => {
                        params.put(key, value.to_json());
                        let message =
                            format!("{key:?} is a parameter of what is invoked, and means nothing here");
                        self.note(Problem::warning("kept", below(&at, key), message));
                    }
                }
            }
            if name.is_none() {
                params.put("src", src.map(Tree::to_json));
                let message =
                    "what is invoked stands in the machine itself; here it is a parameter of \"inline\"";
                self.note(Problem::warning("kept", below(&at, "src"), message));
            }
            one.put("src", reference(name.unwrap_or("inline"), params));
            one.put("systemId", item.get("systemId").and_then(Tree::as_str));
            one.put("onDone", done.as_str());
            one.put("onError", failed.as_str());
            one.put("id", id);
            invoke.push(one);
            self.list(number, item.get("onDone"), &below(&at, "onDone"), On::Event(&done), into);
            self.list(number, item.get("onError"), &below(&at, "onError"), On::Event(&failed), into);
        }
        invoke
    }

    /// One transition or a list of them, tried in order.
    fn list(&mut self, number: usize, tree: Option<&Tree>, at: &str, on: On<'_>, into: &mut Vec<Object>) {
        let Some(tree) = tree else { return };
        let mut on = on;
        for (place, item) in tree.items().iter().enumerate() {
            let at = if matches!(tree, Tree::List(_)) { below(at, place) } else { at.to_owned() };
            into.push(self.transition(number, item, &at, on));
            // One timer for all that wait for it.
            if let On::After(_, event) = on {
                on = On::Event(event);
            }
        }
    }

    fn targets(&mut self, number: usize, target: Option<&Tree>, at: &str) -> Vec<usize> {
        let mut targets = Vec::new();
        for target in target.map(Tree::items).unwrap_or_default() {
            let found = target.as_str().and_then(|target| self.index.resolve(number, target));
            match (found, target.as_str()) {
                (Some(found), _) => targets.push(found),
                (None, target) => self.undeclared(target.unwrap_or("?"), at),
            }
        }
        targets
    }

    fn transition(&mut self, number: usize, tree: &Tree, at: &str, on: On<'_>) -> Object {
        let mut transition = Object::new();
        let from = self.index.name_of(number);
        let target = if matches!(tree, Tree::Object(_)) { tree.get("target") } else { Some(tree) };
        let mut targets = self.targets(number, target, at);
        let reenter = matches!(tree.get("reenter"), Some(Tree::Leaf(serde_json::Value::Bool(true))));
        let mut reenters = reenter;
        if !reenter && !targets.is_empty() {
            match self.kind(number) {
                // Without re-entering, a state that leads to itself begins anew inside, or does nothing.
                "parallel" if targets.iter().any(|to| *to == number || self.index.is_inside(*to, number)) => {
                    let message =
                        "the parallel state is left and entered again here, where XState stays in it";
                    self.note(Problem::warning("domain", at, message));
                    reenters = true;
                }
                "compound" if targets == [number] => {
                    let at = below(at, "target");
                    let initial = self.index.entry(number).and_then(|entry| entry.tree.get("initial"));
                    let initial = initial.map(|initial| initial.get("target").unwrap_or(initial));
                    let path = initial.and_then(Tree::as_str).map(|key| Tree::text(format!(".{key}")));
                    targets = self.targets(number, path.as_ref(), &at);
                }
                _ if targets == [number] => targets.clear(),
                _ => {}
            }
        }
        let event = match on {
            On::Event(event) | On::After(_, event) => event,
            On::Nothing => "",
        };
        let names: Vec<String> =
            targets.iter().map(|target| self.index.name_of(*target).to_owned()).collect();
        transition.put("from", from);
        transition.put("to", names.first().map_or(from, String::as_str));
        transition.put("on", if event == "*" { "" } else { event });
        transition.put("wildcard", event == "*");
        transition.put("eventLess", matches!(on, On::Nothing));
        transition.put("after", if let On::After(nanos, _) = on { Some(nanos) } else { None });
        transition.put("internal", names.is_empty());
        transition.put("reenter", reenters && !names.is_empty());
        if names.len() > 1 {
            transition.meta("hob.targets", names);
        }
        if let Some(guard) = tree.get("guard") {
            let index = self.index;
            let state = |value: &Tree| {
                let text = value.as_str()?;
                let path = if text.starts_with('#') { text.to_owned() } else { format!(".{text}") };
                let from = if text.starts_with('#') { number } else { 0 };
                index.resolve(from, &path).map(|found| index.name_of(found).to_owned())
            };
            let guard = guards::read(guard, &below(at, "guard"), &mut self.notes, &state);
            transition.put("guardExpr", guard);
        }
        let listed = actions::read(tree.get("actions"), &below(at, "actions"), &mut self.notes);
        transition.put("effects", listed.actions);
        transition.put("assigns", listed.assigns);
        let mut kept = Object::new();
        for (key, value) in tree.fields() {
            if !["target", "guard", "actions", "reenter"].contains(&key.as_str()) && !value.is_null() {
                kept.put(key, value.to_json());
                if !matches!(key.as_str(), "description" | "meta") {
                    let message = format!("{key:?} is kept in meta and means nothing here");
                    self.note(Problem::warning("kept", below(at, key), message));
                }
            }
        }
        transition.meta("hob.xstate", kept);
        transition
    }
}

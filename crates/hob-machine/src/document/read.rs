//! From JSON to a [`Machine`]: every field that is there has its type, or is named with what it should be.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::model::{
    ContextSchema, FieldKind, GuardNode, History, Invocation, InvocationKind, Literal, Machine, Ref, Region,
    SchemaField, State, Transition,
};
use crate::json::Json;
use crate::name::Name;
use crate::position::{self, Position};
use crate::problem::{Problem, below};

/// How many states deep a machine may nest.
const NESTING_MAX: usize = 64;

pub(super) fn machine(document: &Json, problems: &mut Vec<Problem>) -> Machine {
    let root = String::new();
    let Some(node) = Node::of(document, &root, problems) else { return Machine::default() };
    let has_initial = node.flag("hasInitial", problems);
    let initial = node.name("initial", problems);
    if !has_initial {
        let message = "hasInitial must be true, and initial name the state where the machine begins";
        problems.push(Problem::error("missing_initial", below(&root, "hasInitial"), message));
    }
    Machine {
        id: node.text("id", problems),
        name: node.text("name", problems).unwrap_or_default(),
        version: node.text("version", problems),
        context: node.get("context").and_then(|json| schema(json, &node.at("context"), problems)),
        states: node.list("states", problems, |json, at, problems| state(json, at, 1, problems)),
        initial: if has_initial { initial } else { None },
        meta: node.map("meta", problems),
    }
}

fn state(json: &Json, at: String, depth: usize, problems: &mut Vec<Problem>) -> Option<State> {
    let node = Node::of(json, &at, problems)?;
    if depth > NESTING_MAX {
        problems.push(Problem::error("nesting", at, format!("states nest deeper than {NESTING_MAX}")));
        return None;
    }
    let Some(name) = node.name("name", problems) else {
        problems.push(Problem::error("missing_name", below(&at, "name"), "a state has a name"));
        return None;
    };
    let history = match node.integer("historyType", problems) {
        None | Some(0) => None,
        Some(1) => Some(History::Shallow),
        Some(2) => Some(History::Deep),
        Some(other) => {
            let message = format!("{other} is no historyType; 0 is none, 1 shallow, 2 deep");
            problems.push(Problem::error("wrong_value", node.at("historyType"), message));
            None
        }
    };
    Some(State {
        owned_by: node.text("ownedBy", problems),
        transitions: node
            .list("transitions", problems, |json, at, problems| transition(json, at, &name, problems)),
        on_entry: node.refs("onEntry", problems),
        on_exit: node.refs("onExit", problems),
        is_final: node.flag("isFinal", problems),
        on_done: node.refs("onDone", problems),
        on_entry_assign: node.refs("onEntryAssign", problems),
        on_exit_assign: node.refs("onExitAssign", problems),
        children: node.list("children", problems, |json, at, problems| state(json, at, depth + 1, problems)),
        initial_child: node.name("initialChild", problems),
        regions: node.list("regions", problems, |json, at, problems| region(json, at, depth, problems)),
        history,
        history_default: node.name("historyDefault", problems),
        invoke: node.list("invoke", problems, invocation),
        meta: node.map("meta", problems),
        name,
        at,
    })
}

fn region(json: &Json, at: String, depth: usize, problems: &mut Vec<Problem>) -> Option<Region> {
    let node = Node::of(json, &at, problems)?;
    Some(Region {
        name: node.text("name", problems).unwrap_or_default(),
        states: node.list("states", problems, |json, at, problems| state(json, at, depth + 1, problems)),
        initial_child: node.name("initialChild", problems),
        meta: node.map("meta", problems),
        at,
    })
}

fn transition(json: &Json, at: String, from: &Name, problems: &mut Vec<Problem>) -> Option<Transition> {
    let node = Node::of(json, &at, problems)?;
    Some(Transition {
        from: from.clone(),
        to: node.name("to", problems).unwrap_or_else(Name::empty),
        on: node.name("on", problems).unwrap_or_else(Name::empty),
        guards: node.refs("guards", problems),
        guard_expr: node.get("guardExpr").and_then(|json| guard(json, node.at("guardExpr"), problems)),
        effects: node.refs("effects", problems),
        assigns: node.refs("assigns", problems),
        internal: node.flag("internal", problems),
        event_less: node.flag("eventLess", problems),
        after: node.integer("after", problems),
        wildcard: node.flag("wildcard", problems),
        forbidden: node.flag("forbidden", problems),
        reenter: node.flag("reenter", problems),
        raise: node.list("raise", problems, |json, at, problems| {
            let name = Name::from_json(json);
            if name.is_none() {
                problems.push(wrong(&at, "a string, an integer or a boolean", json));
            }
            name
        }),
        position: node.position(),
        meta: node.map("meta", problems),
        at,
    })
}

fn reference(json: &Json, at: String, problems: &mut Vec<Problem>) -> Option<Ref> {
    let node = Node::of(json, &at, problems)?;
    let name = node.text("name", problems).unwrap_or_default();
    if name.is_empty() {
        problems.push(Problem::error("missing_name", below(&at, "name"), "a reference has a name"));
    }
    let position = node.position();
    Some(Ref { name, params: node.map("params", problems), at, position })
}

fn invocation(json: &Json, at: String, problems: &mut Vec<Problem>) -> Option<Invocation> {
    let node = Node::of(json, &at, problems)?;
    let kind = match node.integer("kind", problems) {
        None | Some(0) => InvocationKind::Service,
        Some(1) => InvocationKind::Machine,
        Some(other) => {
            let message = format!("{other} is no kind of invocation; 0 is a service, 1 a machine");
            problems.push(Problem::error("wrong_value", node.at("kind"), message));
            return None;
        }
    };
    let src = node.get("src").and_then(|json| reference(json, node.at("src"), problems));
    let Some(src) = src else {
        problems.push(Problem::error("missing_name", below(&at, "src"), "an invocation names what it runs"));
        return None;
    };
    Some(Invocation {
        id: node.text("id", problems),
        src,
        input: node.map("input", problems),
        on_done: node.name("onDone", problems).unwrap_or_else(Name::empty),
        on_error: node.name("onError", problems).unwrap_or_else(Name::empty),
        kind,
        system_id: node.text("systemId", problems),
        at,
    })
}

fn guard(json: &Json, at: String, problems: &mut Vec<Problem>) -> Option<GuardNode> {
    let node = Node::of(json, &at, problems)?;
    Some(GuardNode {
        op: node.text("op", problems).unwrap_or_default(),
        reference: node.get("ref").and_then(|json| reference(json, node.at("ref"), problems)),
        state: node.name("in", problems),
        path: node.text("path", problems).unwrap_or_default(),
        literal: node.get("literal").and_then(|json| literal(json, node.at("literal"), problems)),
        set: node.list("set", problems, literal),
        children: node.list("children", problems, guard),
        at,
    })
}

fn literal(json: &Json, at: String, problems: &mut Vec<Problem>) -> Option<Literal> {
    let node = Node::of(json, &at, problems)?;
    let kind = node.kind("type", problems)?;
    Some(Literal { kind, value: node.get("value").map_or(Value::Null, Json::to_value) })
}

fn schema(json: &Json, at: &String, problems: &mut Vec<Problem>) -> Option<ContextSchema> {
    let node = Node::of(json, at, problems)?;
    Some(ContextSchema { fields: node.list("fields", problems, field) })
}

fn field(json: &Json, at: String, problems: &mut Vec<Problem>) -> Option<SchemaField> {
    let node = Node::of(json, &at, problems)?;
    let kind = node.kind("kind", problems)?;
    Some(SchemaField {
        name: node.text("name", problems).unwrap_or_default(),
        kind,
        nullable: node.flag("nullable", problems),
        fields: node.list("fields", problems, field),
        elem: node.get("elem").and_then(|json| field(json, node.at("elem"), problems)).map(Box::new),
        choices: node.list("enum", problems, |json, at, problems| {
            if let Json::Text(text) = json {
                return Some(text.clone());
            }
            problems.push(wrong(&at, "a string", json));
            None
        }),
    })
}

fn wrong(at: &str, expected: &str, found: &Json) -> Problem {
    Problem::error("wrong_type", at, format!("this must be {expected} and is {}", found.kind()))
}

/// One object of the document. A field that is `null` is as one that is not there.
struct Node<'a> {
    at: &'a String,
    fields: &'a BTreeMap<String, Json>,
}

impl<'a> Node<'a> {
    fn of(json: &'a Json, at: &'a String, problems: &mut Vec<Problem>) -> Option<Self> {
        if let Json::Object(fields) = json {
            return Some(Self { at, fields });
        }
        problems.push(wrong(at, "an object", json));
        None
    }

    fn at(&self, key: &str) -> String {
        below(self.at, key)
    }

    fn get(&self, key: &str) -> Option<&'a Json> {
        self.fields.get(key).filter(|json| **json != Json::Null)
    }

    fn read<T>(
        &self,
        key: &str,
        problems: &mut Vec<Problem>,
        expected: &str,
        read: impl FnOnce(&'a Json) -> Option<T>,
    ) -> Option<T> {
        let json = self.get(key)?;
        let value = read(json);
        if value.is_none() {
            problems.push(wrong(&self.at(key), expected, json));
        }
        value
    }

    fn text(&self, key: &str, problems: &mut Vec<Problem>) -> Option<String> {
        self.read(key, problems, "a string", |json| match json {
            Json::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    fn flag(&self, key: &str, problems: &mut Vec<Problem>) -> bool {
        let read = |json: &Json| if let Json::Bool(value) = json { Some(*value) } else { None };
        self.read(key, problems, "true or false", read).unwrap_or(false)
    }

    fn integer(&self, key: &str, problems: &mut Vec<Problem>) -> Option<i64> {
        self.read(key, problems, "an integer", |json| match json {
            Json::Number(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// Only for people: one that is none is as one that is not there.
    fn position(&self) -> Option<Position> {
        if let Some(Json::Text(text)) = self.get(position::KEY) { Position::parse(text) } else { None }
    }

    fn name(&self, key: &str, problems: &mut Vec<Problem>) -> Option<Name> {
        self.read(key, problems, "a string, an integer or a boolean", Name::from_json)
    }

    fn kind(&self, key: &str, problems: &mut Vec<Problem>) -> Option<FieldKind> {
        let text = self.text(key, problems).unwrap_or_default();
        let kind = FieldKind::ALL.into_iter().find(|kind| kind.as_str() == text);
        if kind.is_none() {
            let all: Vec<&str> = FieldKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let message = format!("{text:?} is no kind of value; there are {}", all.join(", "));
            problems.push(Problem::error("wrong_value", self.at(key), message));
        }
        kind
    }

    fn map(&self, key: &str, problems: &mut Vec<Problem>) -> Map<String, Value> {
        self.read(key, problems, "an object", |json| match json.to_value() {
            Value::Object(map) => Some(map),
            _ => None,
        })
        .unwrap_or_default()
    }

    fn list<T>(
        &self,
        key: &str,
        problems: &mut Vec<Problem>,
        read: impl Fn(&'a Json, String, &mut Vec<Problem>) -> Option<T>,
    ) -> Vec<T> {
        let items = self.read(key, problems, "an array", |json| match json {
            Json::List(items) => Some(items),
            _ => None,
        });
        let at = self.at(key);
        let items = items.into_iter().flatten().enumerate();
        items.filter_map(|(index, item)| read(item, below(&at, index), problems)).collect()
    }

    fn refs(&self, key: &str, problems: &mut Vec<Problem>) -> Vec<Ref> {
        self.list(key, problems, reference)
    }
}

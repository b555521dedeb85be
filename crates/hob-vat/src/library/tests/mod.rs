//! Scripts for tests: who is called with what, and what comes of it.
//!
//! ```text
//! cell 5 => undefined        a near call in a turn of its own, and its answer
//! cell 'x 2 => !bad-arguments     or the rule that it broke
//! maker 'make => @made       the answer gets a name
//! cell 6 ~> p                a message; the promise gets a name
//! p ?= 6                     churns, then: what a name stands for ('?' unresolved, '!rule' broken)
//! ```

use std::collections::BTreeMap;

use super::kinds;
use crate::actormap::Actormap;
use crate::kind::kind_fn;
use crate::message::Content;
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::{Standing, Turn};
use crate::value::Value;

pub(super) struct Stage {
    pub(super) map: Actormap,
    pub(super) names: BTreeMap<String, Value>,
}

const HOLE: &str = "@";

impl Stage {
    pub(super) fn new() -> Self {
        Self { map: Actormap::new(), names: BTreeMap::new() }
    }

    /// What is made in a turn gets names.
    #[track_caller]
    pub(super) fn make<const N: usize>(
        &mut self,
        names: [&str; N],
        f: impl FnOnce(&mut Turn) -> Result<[Ref; N], Problem>,
    ) -> [Ref; N] {
        let made = self.map.poke(f).unwrap();
        for (name, reference) in names.iter().zip(made) {
            self.names.insert((*name).to_owned(), reference.into());
        }
        made
    }

    /// An actor that answers a list of its arguments.
    pub(super) fn echo(&mut self, name: &str) -> Ref {
        let [echo] = self.make([name], |turn| {
            let kind = kind_fn("echo", |_, _, args| Ok(Value::list(args.to_vec()).into()));
            Ok([turn.spawn(kind, ().into())?])
        });
        echo
    }

    pub(super) fn named(&self, name: &str) -> Ref {
        self.names[name].as_ref().unwrap()
    }

    #[track_caller]
    pub(super) fn run(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some((said, expected)) = line.split_once(" => ") {
                let (to, args) = self.said(said);
                let done = self.map.poke(|turn| turn.call(to, &args));
                self.compare(line, expected, done);
            } else if let Some((said, name)) = line.split_once(" ~> ") {
                let (to, args) = self.said(said);
                let promise = self.map.poke(|turn| turn.send(to, args)).unwrap();
                self.names.insert(name.trim().to_owned(), promise.into());
            } else if let Some((name, expected)) = line.split_once(" ?= ") {
                self.quiet();
                let at = self.named(name.trim());
                let standing = self.map.peek(|turn| turn.standing(at)).unwrap();
                match standing {
                    Standing::Unresolved => assert_eq!("?", expected.trim(), "{line}"),
                    Standing::Object(it) | Standing::Far(it) => self.compare(line, expected, Ok(it.into())),
                    Standing::Value(it) => self.compare(line, expected, Ok(it)),
                    Standing::Broken(it) => self.compare(line, expected, Err(Problem::refused(it))),
                }
            } else {
                panic!("not a line of a script: {line}");
            }
        }
        self.every_kind_is_known();
    }

    /// Runs until nothing is left to do.
    pub(super) fn quiet(&mut self) {
        while !self.map.is_quiet() {
            self.map.churn();
        }
    }

    /// A store finds every kind that actors of the library have.
    #[track_caller]
    fn every_kind_is_known(&self) {
        for slot in &self.map.turn.core.space.slots {
            if let Content::Object { kind, .. } = &slot.content
                && kind.name().starts_with("hob.")
            {
                assert!(kinds().any(|known| known.name() == kind.name()), "{} is not listed", kind.name());
            }
        }
    }

    fn said(&self, said: &str) -> (Ref, Vec<Value>) {
        let mut tokens = Tokens { rest: said.trim(), names: &self.names };
        let to = tokens.word();
        let to = self.names[to].as_ref().unwrap();
        let mut args = Vec::new();
        while !tokens.rest.is_empty() {
            args.push(tokens.value());
        }
        (to, args)
    }

    #[track_caller]
    fn compare(&mut self, line: &str, expected: &str, done: Result<Value, Problem>) {
        let expected = expected.trim();
        match (expected.strip_prefix('!'), done) {
            (Some(rule), Err(problem)) => {
                assert_eq!(problem.rule_name().unwrap_or("?"), rule, "{line}: {problem}");
            }
            (None, Ok(value)) => {
                let pattern = Tokens { rest: expected, names: &self.names }.value();
                let mut found = Vec::new();
                assert!(matches(&pattern, &value, &mut found), "{line}: got {value}, wanted {pattern}");
                self.names.extend(found);
            }
            (_, done) => panic!("{line}: got {done:?}"),
        }
    }
}

fn matches(pattern: &Value, value: &Value, found: &mut Vec<(String, Value)>) -> bool {
    match (pattern, value) {
        (Value::Tagged(hole), _) if hole.tag == HOLE => {
            found.push((hole.value.as_name().unwrap().to_owned(), value.clone()));
            true
        }
        (Value::Tagged(a), Value::Tagged(b)) => a.tag == b.tag && matches(&a.value, &b.value, found),
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| matches(a, b, found))
        }
        _ => pattern == value,
    }
}

struct Tokens<'a> {
    rest: &'a str,
    names: &'a BTreeMap<String, Value>,
}

impl<'a> Tokens<'a> {
    fn word(&mut self) -> &'a str {
        let end = self.rest.find([' ', ']', '[', '>']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn skip(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Value {
        if self.skip("[") {
            let mut items = Vec::new();
            while !self.skip("]") {
                items.push(self.value());
            }
            return Value::list(items);
        }
        if self.skip("<") {
            let tag = self.word();
            let inner = self.value();
            assert!(self.skip(">"));
            return Value::tagged(tag, inner);
        }
        if let Some(text) = self.rest.strip_prefix('"') {
            let (text, rest) = text.split_once('"').unwrap();
            self.rest = rest.trim_start();
            return text.into();
        }
        let word = self.word();
        match word {
            "undefined" => ().into(),
            "null" => Value::Null,
            "true" => true.into(),
            "false" => false.into(),
            _ => {
                if let Some(name) = word.strip_prefix('\'') {
                    Value::symbol(name)
                } else if let Some(name) = word.strip_prefix('@') {
                    Value::tagged(HOLE, name.into())
                } else if let Some(name) = word.strip_prefix('$') {
                    self.names.get(name).unwrap_or_else(|| panic!("no {name}")).clone()
                } else if let Ok(number) = word.parse::<i64>() {
                    number.into()
                } else if let Ok(number) = word.parse::<f64>() {
                    number.into()
                } else {
                    panic!("not a value: {word}")
                }
            }
        }
    }
}

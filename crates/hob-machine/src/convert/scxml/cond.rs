//! Conditions: the part that asks about the configuration alone becomes a guard expression.
//!
//! `In('id')`, `true`, `false`, `!`, `&&`, `||` and parentheses are understood. What stands between these operators and is not
//! understood is kept as text, as the guard `scxml.cond`; when it has an operator that binds weaker than `||`, the whole
//! condition is kept as text, because it cannot be cut there.

use serde_json::Value;

use super::super::make::{Object, guard, never, reference};
use crate::document::model::{GuardNode, Literal, Ref};
use crate::json::Json;
use crate::name::Name;

/// How deep parentheses and negations may nest; deeper ones are kept as text.
const DEPTH_MAX: usize = 32;

/// What a condition is here.
pub(super) struct Cond {
    /// `None` when it always holds.
    pub(super) guard: Option<Object>,
    /// The parts that are kept as text.
    pub(super) kept: Vec<String>,
}

/// Reads a condition.
pub(super) fn read(text: &str) -> Cond {
    let mut reader = Reader { rest: text, kept: Vec::new() };
    let found = reader.or(0).filter(|_| reader.rest.trim_start().is_empty());
    match found {
        Some(Part::Always) => Cond { guard: None, kept: Vec::new() },
        Some(part) => Cond { guard: Some(part.into_guard()), kept: reader.kept },
        None => Cond { guard: Some(kept(text)), kept: vec![text.trim().to_owned()] },
    }
}

/// A guard of the host, as it is called in a condition.
pub(super) fn write_named(reference: &Ref) -> String {
    if reference.name == "scxml.cond"
        && let Some(expr) = reference.params.get("expr").and_then(Value::as_str)
    {
        return expr.to_owned();
    }
    let name = Value::from(reference.name.as_str());
    if reference.params.is_empty() {
        return format!("hob.guard({name})");
    }
    format!("hob.guard({name}, {})", Value::Object(reference.params.clone()))
}

/// A guard expression as a condition; guards of the host that are in it are told.
pub(super) fn write(
    node: &GuardNode,
    id: &dyn Fn(&Name) -> String,
    hosts: &mut Vec<(String, String)>,
) -> String {
    let children = |hosts: &mut Vec<(String, String)>| -> Vec<String> {
        node.children.iter().map(|child| write(child, id, hosts)).collect()
    };
    let literal = |literal: &Literal| literal.value.to_string();
    if let Some(constant) = constant(node) {
        return constant.to_string();
    }
    match node.op.as_str() {
        "leaf" => node.reference.as_ref().map_or_else(
            || "false".into(),
            |reference| {
                hosts.push((reference.name.clone(), reference.at.clone()));
                write_named(reference)
            },
        ),
        "stateIn" => {
            let state = node.state.as_ref().map(id).unwrap_or_default();
            format!("In({})", Value::from(state))
        }
        "not" => match children(hosts).as_slice() {
            [only] => format!("!({only})"),
            _ => "false".into(),
        },
        op @ ("and" | "or") => {
            let parts: Vec<String> = children(hosts).iter().map(|part| format!("({part})")).collect();
            parts.join(if op == "and" { " && " } else { " || " })
        }
        "field" => node.path.clone(),
        "literal" => node.literal.as_ref().map(literal).unwrap_or_default(),
        "in" => {
            let set: Vec<String> = node.set.iter().map(literal).collect();
            format!("[{}].indexOf({}) >= 0", set.join(", "), children(hosts).join(", "))
        }
        op => {
            let sign = match op {
                "eq" => " === ",
                "ne" => " !== ",
                "lt" => " < ",
                "le" => " <= ",
                "gt" => " > ",
                _ => " >= ",
            };
            children(hosts).join(sign)
        }
    }
}

/// What a guard made of literals says, as `true` and `false` are read.
fn constant(node: &GuardNode) -> Option<bool> {
    let literal = |node: &GuardNode| node.literal.as_ref().and_then(|literal| literal.value.as_bool());
    match (node.op.as_str(), node.children.as_slice()) {
        ("eq", [a, b]) => Some(literal(a)? == literal(b)?),
        ("not", [only]) => constant(only).map(|holds| !holds),
        _ => None,
    }
}

enum Part {
    Always,
    Never,
    Guard(Object),
}

impl Part {
    fn into_guard(self) -> Object {
        match self {
            Self::Always => guard("not", vec![never()]),
            Self::Never => never(),
            Self::Guard(guard) => guard,
        }
    }
}

fn kept(text: &str) -> Object {
    let mut params = Object::new();
    params.put("expr", text.trim());
    leaf(reference("scxml.cond", params))
}

fn leaf(named: Object) -> Object {
    let mut leaf = Object::new();
    leaf.put("op", "leaf");
    leaf.put("ref", named);
    leaf
}

struct Reader<'a> {
    rest: &'a str,
    kept: Vec<String>,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn or(&mut self, depth: usize) -> Option<Part> {
        self.joined("||", "or", depth, Self::and)
    }

    fn and(&mut self, depth: usize) -> Option<Part> {
        self.joined("&&", "and", depth, Self::one)
    }

    fn joined(
        &mut self,
        token: &str,
        op: &str,
        depth: usize,
        each: fn(&mut Self, usize) -> Option<Part>,
    ) -> Option<Part> {
        let first = each(self, depth)?;
        let mut parts = vec![first];
        while self.eat(token) {
            parts.push(each(self, depth)?);
        }
        if parts.len() == 1 {
            return parts.pop();
        }
        Some(Part::Guard(guard(op, parts.into_iter().map(Part::into_guard).collect())))
    }

    fn one(&mut self, depth: usize) -> Option<Part> {
        if depth > DEPTH_MAX {
            return None;
        }
        let (before, kept_before) = (self.rest, self.kept.len());
        if let Some(part) = self.understood(depth)
            && self.at_end_of_operand()
        {
            return Some(part);
        }
        self.rest = before;
        self.kept.truncate(kept_before);
        self.text()
    }

    fn at_end_of_operand(&self) -> bool {
        let rest = self.rest.trim_start();
        rest.is_empty() || rest.starts_with("&&") || rest.starts_with("||") || rest.starts_with(')')
    }

    fn understood(&mut self, depth: usize) -> Option<Part> {
        if depth > DEPTH_MAX {
            return None;
        }
        if self.eat("(") {
            let inside = self.or(depth + 1)?;
            return self.eat(")").then_some(inside);
        }
        if !self.rest.trim_start().starts_with("!=") && self.eat("!") {
            return Some(match self.understood(depth + 1)? {
                Part::Always => Part::Never,
                Part::Never => Part::Always,
                Part::Guard(inner) => Part::Guard(guard("not", vec![inner])),
            });
        }
        if self.eat("In(") {
            let state = self.string()?;
            let mut asked = Object::new();
            asked.put("op", "stateIn");
            asked.put("in", state);
            return self.eat(")").then_some(Part::Guard(asked));
        }
        if self.eat("hob.guard(") {
            let name = self.string()?;
            let mut params = Object::new();
            if self.eat(",") {
                let rest = self.rest;
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
                let Some(Ok(Value::Object(fields))) = values.next() else { return None };
                self.rest = rest.get(values.byte_offset()..)?;
                if let Json::Object(fields) = Json::from(Value::Object(fields)) {
                    params = Object(fields);
                }
            }
            return self.eat(")").then(|| Part::Guard(leaf(reference(&name, params))));
        }
        for (word, part) in [("true", Part::Always), ("false", Part::Never)] {
            let before = self.rest;
            if self.eat(word) {
                let word_goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '(' | '[');
                if !self.rest.starts_with(word_goes_on) {
                    return Some(part);
                }
                self.rest = before;
            }
        }
        None
    }

    /// A literal without escapes, or a JSON string.
    fn string(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        if let Some(inside) = rest.strip_prefix('\'') {
            let (text, rest) = inside.split_once('\'')?;
            self.rest = rest;
            return (!text.contains('\\')).then(|| text.to_owned());
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let text = values.next()?.ok()?;
        self.rest = rest.get(values.byte_offset()..)?;
        Some(text)
    }

    /// What is not understood, up to an operator that is.
    fn text(&mut self) -> Option<Part> {
        let (mut quote, mut open) = (None, 0_usize);
        let bytes = self.rest.as_bytes();
        let mut end = bytes.len();
        let mut place = 0;
        while let Some(byte) = bytes.get(place).copied() {
            let next = bytes.get(place + 1).copied();
            match (quote, byte) {
                (Some(_), b'\\') => place += 1,
                (Some(of), byte) if of == byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'' | b'`') => quote = Some(byte),
                (None, b'(' | b'[' | b'{') => open += 1,
                (None, b')' | b']' | b'}') if open == 0 => {
                    end = place;
                    break;
                }
                (None, b')' | b']' | b'}') => open -= 1,
                (None, b'&' | b'|') if open == 0 && next == Some(byte) => {
                    end = place;
                    break;
                }
                // What binds weaker than the operators that are understood: it cannot be cut.
                (None, b'?' | b',' | b';') if open == 0 => return None,
                (None, b'=') if open == 0 => {
                    let before = place.checked_sub(1).and_then(|before| bytes.get(before)).copied();
                    let compares = next == Some(b'=') || matches!(before, Some(b'=' | b'!' | b'<' | b'>'));
                    if !compares || next == Some(b'>') {
                        return None;
                    }
                }
                // A regular expression or a comment could hide quotes.
                (None, b'/') => return None,
                _ => {}
            }
            place += 1;
        }
        let (text, rest) = (self.rest.get(..end)?, self.rest.get(end..)?);
        if quote.is_some() || open > 0 || text.trim().is_empty() {
            return None;
        }
        self.rest = rest;
        self.kept.push(text.trim().to_owned());
        Some(Part::Guard(kept(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = read(text).guard.map_or("always".into(), |guard| Json::Object(guard.0).to_string());
        let shown = shown.replace("\"op\":", "").replace("\"children\":", "");
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn conditions() {
        const NEVER: &str = r#"{[{"literal":{"type":"bool","value":true},"literal"},{"literal":{"type":"bool","value":false},"literal"}],"eq"}"#;
        let kept =
            |text: &str| format!(r#"{{"leaf","ref":{{"name":"scxml.cond","params":{{"expr":"{text}"}}}}}}"#);
        check("true", "always");
        check(" !false ", "always");
        check("false", NEVER);
        check("In('a')", r#"{"in":"a","stateIn"}"#);
        check("!In(\"a\")", r#"{[{"in":"a","stateIn"}],"not"}"#);
        check(
            "In('a') && (In('b') || !In('c'))",
            r#"{[{"in":"a","stateIn"},{[{"in":"b","stateIn"},{[{"in":"c","stateIn"}],"not"}],"or"}],"and"}"#,
        );
        check("x == 1", &kept("x == 1"));
        check("truely", &kept("truely"));
        check("In('a') && x > 1", &format!(r#"{{[{{"in":"a","stateIn"}},{}],"and"}}"#, kept("x > 1")));
        check("In('a') == b", &kept("In('a') == b"));
        check("!a == b", &kept("!a == b"));
        check("x ? In('a') : true", &kept("x ? In('a') : true"));
        check("x = 1 && In('a')", &kept("x = 1 && In('a')"));
        check("f('&&') || true", &format!(r#"{{[{},{{[{NEVER}],"not"}}],"or"}}"#, kept("f('&&')")));
        check("(", &kept("("));
        check("", &kept(""));
        check(
            r#"hob.guard("paid", {"by":"card"})"#,
            r#"{"leaf","ref":{"name":"paid","params":{"by":"card"}}}"#,
        );
        check("hob.guard('paid')", r#"{"leaf","ref":{"name":"paid"}}"#);
    }

    #[test]
    fn nesting_ends() {
        assert!(read(&"(".repeat(100_000)).guard.is_some());
        assert!(read(&"!".repeat(100_000)).guard.is_some());
        assert!(read(&format!("{}true{}", "(".repeat(1000), ")".repeat(1000))).guard.is_some());
    }
}

//! A configuration: keeps a JSON text, `['get name …]` answers what lies under these names (or numbers, in arrays), `['configure
//! json]` replaces it. Whether a text satisfies a contract is decided before it gets here; that it is JSON is decided here.
#![no_std]
extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use hob_actor::{Next, Outcome, Turn, Value, actor, bare, no_method, problem};

/// How deep arrays and objects may lie in each other.
const DEPTH_MAX: u32 = 64;

fn turn(turn: Turn) -> Outcome {
    match turn.method() {
        ("get", names) => {
            let Value::Str(json) = &turn.state else { return Err(problem("bad-state", "no configuration")) };
            let all = parse(json)?;
            let found = names.iter().try_fold(&all, |here, name| under(here, name));
            found.cloned().map(Next::Answer).ok_or_else(|| problem("no-such-key", "nothing lies there"))
        }
        ("configure", [Value::Str(json)]) => {
            parse(json)?;
            Ok(Next::Become(json.as_str().into(), ().into()))
        }
        ("configure", _) => Err(problem("bad-arguments", "a configuration is a text")),
        (other, _) => Err(no_method(other)),
    }
}

fn under<'v>(here: &'v Value, name: &Value) -> Option<&'v Value> {
    match here {
        Value::Struct(fields) => fields.iter().find(|(key, _)| Some(key.as_str()) == name.as_name()).map(|(_, it)| it),
        Value::List(items) => items.get(usize::try_from(name.as_int()?).ok()?),
        _ => None,
    }
}

fn parse(json: &str) -> Result<Value, Value> {
    let mut reader = Json { rest: json };
    let value = reader.value(DEPTH_MAX);
    match value {
        Some(value) if reader.peek().is_none() => Ok(value),
        _ => Err(problem("not-json", &alloc::format!("{} bytes before the end", reader.rest.len()))),
    }
}

struct Json<'a> {
    rest: &'a str,
}

impl Json<'_> {
    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.chars().next()
    }

    fn eat(&mut self, what: &str) -> Option<()> {
        self.peek();
        self.rest = self.rest.strip_prefix(what)?;
        Some(())
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        match self.peek()? {
            '{' => {
                let mut fields = Vec::new();
                self.items('{', "}", depth, |reader, depth| {
                    reader.peek();
                    let name = reader.string()?;
                    reader.eat(":")?;
                    fields.push((name, reader.value(depth)?));
                    Some(())
                })?;
                Some(Value::Struct(fields))
            }
            '[' => {
                let mut items = Vec::new();
                self.items('[', "]", depth, |reader, depth| {
                    items.push(reader.value(depth)?);
                    Some(())
                })?;
                Some(items.into())
            }
            '"' => self.string().map(Value::Str),
            't' => self.eat("true").map(|()| true.into()),
            'f' => self.eat("false").map(|()| false.into()),
            'n' => self.eat("null").map(|()| Value::Null),
            _ => self.number(),
        }
    }

    fn items(
        &mut self,
        open: char,
        close: &str,
        depth: u32,
        mut item: impl FnMut(&mut Self, u32) -> Option<()>,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.rest = self.rest.strip_prefix(open)?;
        if self.eat(close).is_some() {
            return Some(());
        }
        loop {
            item(self, depth)?;
            if self.eat(",").is_none() {
                return self.eat(close);
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let plain = self.rest.find(['"', '\\'])?;
            text.push_str(&self.rest[..plain]);
            let mut chars = self.rest[plain..].chars();
            let ended = chars.next()? == '"';
            self.rest = chars.as_str();
            if ended {
                return Some(text);
            }
            let mut chars = self.rest.chars();
            let escaped = chars.next()?;
            self.rest = chars.as_str();
            text.push(match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => self.unicode()?,
                it @ ('"' | '\\' | '/') => it,
                _ => return None,
            });
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if let Some(it) = char::from_u32(first) {
            return Some(it);
        }
        self.rest = self.rest.strip_prefix("\\u")?;
        let second = self.hex()?;
        char::decode_utf16([u16::try_from(first).ok()?, u16::try_from(second).ok()?]).next()?.ok()
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4).filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }

    /// Whole numbers stay whole.
    fn number(&mut self) -> Option<Value> {
        let of_number = |c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let (digits, rest) = self.rest.split_at(self.rest.find(of_number).unwrap_or(self.rest.len()));
        if !digits.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        let whole = digits.parse().ok().map(Value::Int);
        whole.or_else(|| digits.parse().ok().map(Value::Float))
    }
}

actor!(turn);
bare!();

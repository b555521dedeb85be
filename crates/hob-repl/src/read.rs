//! Lines as people write them.
//!
//! | written | is |
//! |---|---|
//! | `17`, `-3`, `1.5` | a number |
//! | `"two\nlines"` | a string |
//! | `'inc` | a symbol |
//! | `:00ff` | bytes |
//! | `true`, `false`, `null`, `undefined` | themselves |
//! | `[1 2]`, `{name: 1}` | a list, a struct |
//! | `counter` | what was given that name |
//! | `(send counter 'get)` | what comes of it |
//! | `# …` | nothing: a comment |

use hob_vat::{Problem, Value};

use crate::syntax::{Line, Pattern, Term};

/// Characters of a line.
const LINE_MAX: usize = 1 << 16;
/// Levels of brackets.
const DEPTH_MAX: u32 = 32;

/// Reads a line; None when nothing is on it.
pub(crate) fn line(text: &str) -> Result<Option<Line>, Problem> {
    if text.len() > LINE_MAX {
        return Err(wrong(0, &format!("a line has at most {LINE_MAX} bytes")));
    }
    let mut reader = Reader { text, at: 0 };
    let mut terms = reader.terms(None, 0)?;
    let is = terms.iter().position(|term| *term == Term::Word("=".into()));
    let pattern = match is {
        None => Pattern::None,
        Some(1) => {
            let names = terms.drain(..2).next();
            pattern(names)?
        }
        Some(_) => return Err(wrong(0, "one name, or names in brackets, come before `=`")),
    };
    if terms.is_empty() {
        return if pattern == Pattern::None {
            Ok(None)
        } else {
            Err(wrong(text.len(), "nothing comes after `=`"))
        };
    }
    Ok(Some(Line { pattern, terms }))
}

/// Reads values that name nothing.
///
/// # Errors
///
/// `syntax`; a name, where there are none.
pub fn values(text: &str) -> Result<Vec<Value>, Problem> {
    let terms = line(text)?.map(|line| line.terms).unwrap_or_default();
    terms.into_iter().enumerate().map(|(at, term)| plain(term, at == 0)).collect()
}

/// A method, which comes first, may be named by a bare word.
fn plain(term: Term, first: bool) -> Result<Value, Problem> {
    Ok(match term {
        Term::Value(value) => value,
        Term::Word(name) if first => Value::symbol(&name),
        Term::Word(name) => return Err(Problem::rule("unknown-name", format!("{name} is not a name here"))),
        Term::List(items) => {
            Value::list(items.into_iter().map(|item| plain(item, false)).collect::<Result<Vec<_>, _>>()?)
        }
        Term::Struct(fields) => {
            let fields: Result<Vec<(String, Value)>, Problem> =
                fields.into_iter().map(|(name, term)| Ok((name, plain(term, false)?))).collect();
            let fields = fields?;
            Value::fields(fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
        }
        Term::Inner(_) => return Err(wrong(0, "nothing can be done here, only said")),
    })
}

fn pattern(term: Option<Term>) -> Result<Pattern, Problem> {
    let name = |term| match term {
        Term::Word(name) => Ok(name),
        _ => Err(wrong(0, "what comes before `=` are names")),
    };
    match term {
        Some(Term::List(items)) => Ok(Pattern::Each(items.into_iter().map(name).collect::<Result<_, _>>()?)),
        Some(term) => Ok(Pattern::One(name(term)?)),
        None => Ok(Pattern::None),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self) {
        let rest = self.rest();
        let next = rest.trim_start();
        self.at += rest.len() - next.len();
        if next.starts_with('#') {
            self.at = self.text.len();
        }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let taken = self.rest().get(..bytes).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    /// What is up to a closing bracket, or the end.
    fn terms(&mut self, close: Option<char>, depth: u32) -> Result<Vec<Term>, Problem> {
        if depth > DEPTH_MAX {
            return Err(wrong(self.at, &format!("brackets go {DEPTH_MAX} deep at most")));
        }
        let mut terms = Vec::new();
        loop {
            self.skip();
            match (self.rest().chars().next(), close) {
                (None, None) => return Ok(terms),
                (None, Some(close)) => return Err(wrong(self.at, &format!("a `{close}` is missing"))),
                (Some(next), Some(close)) if next == close => {
                    self.take(next.len_utf8());
                    return Ok(terms);
                }
                (Some(next @ (')' | ']' | '}')), _) => {
                    return Err(wrong(self.at, &format!("`{next}` closes what is not open")));
                }
                (Some(_), _) => terms.push(self.term(depth)?),
            }
        }
    }

    fn term(&mut self, depth: u32) -> Result<Term, Problem> {
        let start = self.at;
        match self.rest().chars().next() {
            Some('[') => {
                self.take(1);
                self.terms(Some(']'), depth + 1).map(Term::List)
            }
            Some('(') => {
                self.take(1);
                self.terms(Some(')'), depth + 1).map(Term::Inner)
            }
            Some('{') => {
                self.take(1);
                self.fields(depth + 1)
            }
            Some('"') => self.string().map(|text| Term::Value(text.into())),
            Some('\'') => {
                self.take(1);
                let name = self.word();
                if name.is_empty() {
                    Err(wrong(start, "a name comes after `'`"))
                } else {
                    Ok(Term::Value(Value::symbol(name)))
                }
            }
            Some(':') => {
                self.take(1);
                bytes(self.word())
                    .map(Term::Value)
                    .ok_or_else(|| wrong(start, "bytes are pairs of hexadecimal digits"))
            }
            Some(_) => {
                let word = self.word();
                if word.is_empty() {
                    return Err(wrong(start, "this means nothing here"));
                }
                Ok(atom(word))
            }
            None => Err(wrong(start, "something is missing")),
        }
    }

    fn fields(&mut self, depth: u32) -> Result<Term, Problem> {
        let start = self.at;
        let mut fields = Vec::new();
        for pair in self.terms(Some('}'), depth)?.chunks(2) {
            match pair {
                [Term::Word(name), value] if name.ends_with(':') => {
                    fields.push((name.trim_end_matches(':').to_owned(), value.clone()));
                }
                _ => return Err(wrong(start, "a struct is written {name: value other: value}")),
            }
        }
        Ok(Term::Struct(fields))
    }

    fn string(&mut self) -> Result<String, Problem> {
        let start = self.at;
        self.take(1);
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, next)) = chars.next() {
            match next {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' => text.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, 't')) => '\t',
                    Some((_, same @ ('"' | '\\'))) => same,
                    _ => return Err(wrong(start, "after `\\` comes one of n, t, \", \\")),
                }),
                other => text.push(other),
            }
        }
        Err(wrong(start, "the string does not end"))
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let ends = |next: char| {
            next.is_whitespace() || matches!(next, '(' | ')' | '[' | ']' | '{' | '}' | '"' | '#' | '\'')
        };
        let length = rest.find(ends).unwrap_or(rest.len());
        self.take(length)
    }
}

fn atom(word: &str) -> Term {
    match word {
        "true" => Term::Value(true.into()),
        "false" => Term::Value(false.into()),
        "null" => Term::Value(Value::Null),
        "undefined" => Term::Value(Value::Undefined),
        _ => number(word).map_or_else(|| Term::Word(word.to_owned()), Term::Value),
    }
}

fn number(word: &str) -> Option<Value> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    match hob_vat::Int::parse(word) {
        Some(int) => Some(Value::Int(int)),
        None => word.parse::<f64>().ok().map(Value::from),
    }
}

fn bytes(digits: &str) -> Option<Value> {
    let pairs = digits.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| match pair {
            [_, _] => std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()),
            _ => None,
        })
        .collect();
    bytes.map(|bytes| Value::bytes(&bytes))
}

fn wrong(at: usize, what: &str) -> Problem {
    Problem::rule("syntax", format!("{what}, at byte {at} of the line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let read = match line(text) {
            Ok(line) => format!("{line:?}"),
            Err(problem) => problem.to_string(),
        };
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn lines_are_read() {
        check("", "None");
        check("  # only this", "None");
        check(
            "[a b] = spawn cell {x: -1} # yes",
            "Some(Line { pattern: Each([\"a\", \"b\"]), terms: [Word(\"spawn\"), Word(\"cell\"), Struct([(\"x\", Value(Int(-1)))])] })",
        );
        check(
            "c 'set [:00ff \"a\\\"b\" (d) 1.5]",
            "Some(Line { pattern: None, terms: [Word(\"c\"), Value(Symbol(\"set\")), List([Value(Bytes([0, 255])), Value(Str(\"a\\\"b\")), Inner([Word(\"d\")]), Value(Float(1.5))])] })",
        );
        check(
            "18446744073709551616",
            "Some(Line { pattern: None, terms: [Value(Int(18446744073709551616))] })",
        );
    }

    #[test]
    fn what_is_no_line_is_refused() {
        check("a = ", "syntax: nothing comes after `=`, at byte 4 of the line");
        check("a b = c", "syntax: one name, or names in brackets, come before `=`, at byte 0 of the line");
        check("(a", "syntax: a `)` is missing, at byte 2 of the line");
        check("a]", "syntax: `]` closes what is not open, at byte 1 of the line");
        check("\"a", "syntax: the string does not end, at byte 0 of the line");
        check(":0", "syntax: bytes are pairs of hexadecimal digits, at byte 0 of the line");
        check("{a 1}", "syntax: a struct is written {name: value other: value}, at byte 1 of the line");
        check(&"(".repeat(33), "syntax: brackets go 32 deep at most, at byte 33 of the line");
        check(&"a".repeat((1 << 16) + 1), "syntax: a line has at most 65536 bytes, at byte 0 of the line");
    }
}

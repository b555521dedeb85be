//! What can be asked of a machine, and its text form.
//!
//! ```text
//! property  = form "(" condition [ "," condition ] ")"
//! form      = "reach" | "pass" | "never" | "always" | "eventually" | "inevitable" | "avoid"
//! condition = either [ "->" condition ]
//! either    = both { "|" both }
//! both      = unary { "&" unary }
//! unary     = "!" unary | "(" condition ")" | state
//! state     = a JSON string, or characters other than white space and ( ) ! & | , " and ->
//! ```
//!
//! `avoid` has two conditions, every other form one. A state that is named holds while it, or a state inside it, is active.
//!
//! | form | asks |
//! |---|---|
//! | `reach(c)` | whether the machine can come to rest where `c` holds |
//! | `pass(c)` | whether `c` can hold at all, if only within a step |
//! | `avoid(c, d)` | whether it can come to rest where `c` holds without `d` having held, not even within a step |
//! | `never(c)` | whether it cannot come to rest where `c` holds |
//! | `always(c)` | whether it comes to rest only where `c` holds |
//! | `eventually(c)` | whether from wherever it is it can still come to rest where `c` holds |
//! | `inevitable(c)` | whether, as long as it makes steps, it must come to rest where `c` holds: no circle and no dead end avoids it |

use std::fmt;

use crate::name::Name;

/// How deep conditions may nest.
const NESTING_MAX: usize = 64;

/// What a condition says of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A state is active.
    In(Name),
    /// It does not hold.
    Not(Box<Condition>),
    /// All hold.
    And(Vec<Condition>),
    /// One holds.
    Or(Vec<Condition>),
    /// The second holds where the first does.
    Implies(Box<Condition>, Box<Condition>),
}

/// Which question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Can it come to rest there?
    Reach,
    /// Can it be there at all?
    Pass,
    /// Can it come to rest there without having been elsewhere?
    Avoid,
    /// Does it never come to rest there?
    Never,
    /// Does it come to rest only there?
    Always,
    /// Can it still come there, wherever it is?
    Eventually,
    /// Must it come there?
    Inevitable,
}

impl Form {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Reach, "reach"),
        (Self::Pass, "pass"),
        (Self::Avoid, "avoid"),
        (Self::Never, "never"),
        (Self::Always, "always"),
        (Self::Eventually, "eventually"),
        (Self::Inevitable, "inevitable"),
    ];

    /// What the text form calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(form, _)| *form == self).map_or("", |(_, text)| text)
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Which.
    pub form: Form,
    /// Of which configurations.
    pub condition: Condition,
    /// What must not have held, of [`Form::Avoid`].
    pub without: Option<Condition>,
}

/// Text that is no property.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct Malformed {
    /// How many characters come before.
    pub at: usize,
    /// What is wrong, and what would be allowed.
    pub message: String,
}

impl Property {
    /// Reads the text form. Errors: anything else, and nesting that is too deep.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut reader = Reader { all: text, rest: text };
        let found = reader.word();
        let Some((form, _)) = Form::ALL.into_iter().find(|(_, name)| *name == found) else {
            let names: Vec<&str> = Form::ALL.iter().map(|(_, name)| *name).collect();
            reader.rest = text;
            return Err(reader.wrong(format!("a property is one of {}, and not {found:?}", names.join(", "))));
        };
        reader.must("(")?;
        let condition = reader.condition(0)?;
        let without = match form {
            Form::Avoid => {
                reader.must(",")?;
                Some(reader.condition(0)?)
            }
            _ => None,
        };
        reader.must(")")?;
        reader.skip();
        if !reader.rest.is_empty() {
            return Err(reader.wrong(format!("{:?} comes after the property", reader.rest)));
        }
        Ok(Self { form, condition, without })
    }
}

struct Reader<'t> {
    all: &'t str,
    rest: &'t str,
}

impl Reader<'_> {
    fn wrong(&self, message: String) -> Malformed {
        let at = self.all.chars().count() - self.rest.chars().count();
        Malformed { at, message }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip();
        let after = self.rest.strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn must(&mut self, token: &str) -> Result<(), Malformed> {
        if self.take(token) {
            return Ok(());
        }
        let found = self.rest.chars().next().map_or("nothing".to_owned(), |found| format!("{found:?}"));
        Err(self.wrong(format!("{token:?} is expected here and not {found}")))
    }

    /// Characters that are a name without quotes.
    fn word(&mut self) -> String {
        self.skip();
        let ends = |(at, c): &(usize, char)| {
            c.is_whitespace()
                || "()!&|,\"".contains(*c)
                || self.rest.get(*at..).is_some_and(|rest| rest.starts_with("->"))
        };
        let end = self.rest.char_indices().find(ends).map_or(self.rest.len(), |(at, _)| at);
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn condition(&mut self, depth: usize) -> Result<Condition, Malformed> {
        if depth > NESTING_MAX {
            return Err(self.wrong(format!("conditions nest deeper than {NESTING_MAX}")));
        }
        let both = |reader: &mut Self| reader.joined("&", |reader| reader.unary(depth), Condition::And);
        let left = self.joined("|", both, Condition::Or)?;
        if self.take("->") {
            return Ok(Condition::Implies(Box::new(left), Box::new(self.condition(depth + 1)?)));
        }
        Ok(left)
    }

    fn joined(
        &mut self,
        by: &str,
        each: impl Fn(&mut Self) -> Result<Condition, Malformed>,
        all: impl Fn(Vec<Condition>) -> Condition,
    ) -> Result<Condition, Malformed> {
        let first = each(self)?;
        let mut parts = vec![first];
        while self.take(by) {
            parts.push(each(self)?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => Ok(all(parts.into_iter().chain(last).collect())),
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Condition, Malformed> {
        if self.take("!") {
            if depth >= NESTING_MAX {
                return Err(self.wrong(format!("conditions nest deeper than {NESTING_MAX}")));
            }
            return Ok(Condition::Not(Box::new(self.unary(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.condition(depth + 1)?;
            self.must(")")?;
            return Ok(inner);
        }
        self.skip();
        if self.rest.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
            return match values.next() {
                Some(Ok(text)) => {
                    let end = values.byte_offset();
                    self.rest = self.rest.get(end..).unwrap_or_default();
                    Ok(Condition::In(text.into()))
                }
                _ => Err(self.wrong("a name in quotes is a JSON string".into())),
            };
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.wrong("the name of a state is expected here, or ! or (".into()));
        }
        Ok(Condition::In(word.into()))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], by: &str| {
            for (index, part) in parts.iter().enumerate() {
                write!(f, "{}{}", if index == 0 { "(" } else { by }, part)?;
            }
            f.write_str(")")
        };
        match self {
            Self::In(name) => {
                let text = name.to_string();
                let mut reader = Reader { all: &text, rest: &text };
                match reader.word() == text && !text.is_empty() {
                    true => f.write_str(&text),
                    false => write!(f, "{}", serde_json::Value::from(text)),
                }
            }
            Self::Not(inner) => write!(f, "!{inner}"),
            Self::And(parts) => joined(f, parts, " & "),
            Self::Or(parts) => joined(f, parts, " | "),
            Self::Implies(from, to) => write!(f, "({from} -> {to})"),
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = |condition: &Condition| {
            let text = condition.to_string();
            let bare = !matches!(condition, Condition::In(_) | Condition::Not(_));
            let within = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).filter(|_| bare);
            within.map(str::to_owned).unwrap_or(text)
        };
        write!(f, "{}({}", self.form.as_str(), inner(&self.condition))?;
        if let Some(without) = &self.without {
            write!(f, ", {}", inner(without))?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Ok` of how it is shown again, which means the same.
    fn check(text: &str, expected: Result<&str, &str>) {
        let read = Property::parse(text);
        let shown = read.as_ref().map(ToString::to_string).map_err(ToString::to_string);
        assert_eq!(shown.as_deref().map_err(String::as_str), expected, "{text}");
        if let (Ok(read), Ok(shown)) = (read, shown) {
            assert_eq!(Property::parse(&shown), Ok(read), "{shown}");
        }
    }

    #[test]
    fn properties() {
        check("reach(x)", Ok("reach(x)"));
        check(" never ( a&b ) ", Ok("never(a & b)"));
        check("always(a -> b | !c & d)", Ok("always(a -> (b | (!c & d)))"));
        check("always((a->b)->c)", Ok("always((a -> b) -> c)"));
        check("eventually(order.paid-1)", Ok("eventually(order.paid-1)"));
        check("inevitable(\"two words\")", Ok("inevitable(\"two words\")"));
        check("pass(\"\\u0061\")", Ok("pass(a)"));
        check("avoid(x, y|z)", Ok("avoid(x, y | z)"));
        check("reach(!!(a))", Ok("reach(!!a)"));
    }

    #[test]
    fn what_is_none() {
        let forms = "reach, pass, avoid, never, always, eventually, inevitable";
        check("soon(x)", Err(&format!("at character 0: a property is one of {forms}, and not \"soon\"")));
        check("reach x", Err("at character 6: \"(\" is expected here and not 'x'"));
        check("reach()", Err("at character 6: the name of a state is expected here, or ! or ("));
        check("reach(a", Err("at character 7: \")\" is expected here and not nothing"));
        check("reach(a) b", Err("at character 9: \"b\" comes after the property"));
        check("avoid(a)", Err("at character 7: \",\" is expected here and not ')'"));
        check("reach(a, b)", Err("at character 7: \")\" is expected here and not ','"));
        check("reach(\"a)", Err("at character 6: a name in quotes is a JSON string"));
        for deep in ["!".repeat(100), "(".repeat(100), "a -> ".repeat(100)] {
            assert!(
                Property::parse(&format!("reach({deep}a"))
                    .is_err_and(|error| error.message.contains("deeper"))
            );
        }
    }
}

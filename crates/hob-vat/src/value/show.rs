//! Values as text for people: the abstract notation of OCapN's documents, bounded and escaped.

use std::fmt::{self, Display, Write};

use super::Value;

/// How many levels, how many items of one container, and how many values in all are shown.
const LEVELS_SHOWN: u32 = 8;
const ITEMS_SHOWN: usize = 64;
const VALUES_SHOWN: u32 = 512;
/// How many characters of one text are shown.
const TEXT_SHOWN: usize = 1000;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, LEVELS_SHOWN, &mut { VALUES_SHOWN }, f)
    }
}

fn show(value: &Value, levels: u32, left: &mut u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if *left == 0 || levels == 0 && value.depth() > 0 {
        return f.write_str("…");
    }
    *left -= 1;
    match value {
        Value::Undefined => f.write_str("undefined"),
        Value::Null => f.write_str("null"),
        Value::Bool(it) => f.write_str(if *it { "true" } else { "false" }),
        Value::Int(it) => match it.to_i64() {
            Some(small) => small.fmt(f),
            None if it.weight() > TEXT_SHOWN => write!(f, "<an integer of {} bytes>", it.weight()),
            None => it.fmt(f),
        },
        Value::Float(it) => write!(f, "{it:?}"),
        Value::Str(it) => {
            let (shown, more) = start(it);
            write!(f, "{shown:?}{more}")
        }
        Value::Symbol(it) => write!(f, "'{}", Text(it)),
        Value::Bytes(bytes) => {
            f.write_char(':')?;
            bytes.iter().take(ITEMS_SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
            if bytes.len() > ITEMS_SHOWN { f.write_char('…') } else { Ok(()) }
        }
        Value::List(list) => {
            items(f, ('[', ']'), list.len(), list.iter(), |item, f| show(item, levels - 1, left, f))
        }
        Value::Struct(fields) => items(f, ('{', '}'), fields.len(), fields.iter(), |(name, item), f| {
            let (shown, more) = start(name);
            write!(f, "{shown:?}{more}: ")?;
            show(item, levels - 1, left, f)
        }),
        Value::Tagged(tagged) => {
            write!(f, "<{} ", Text(&tagged.tag))?;
            show(&tagged.value, levels - 1, left, f)?;
            f.write_char('>')
        }
        Value::Error(error) => write!(f, "<error {}: {}>", Text(&error.rule), Text(&error.message)),
        Value::Ref(reference) => reference.fmt(f),
        Value::Sealed(_) => f.write_str("<sealed>"),
    }
}

/// The start of a text, escaped.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, more) = start(self.0);
        write!(f, "{}{more}", shown.escape_debug())
    }
}

fn start(text: &str) -> (&str, &'static str) {
    match text.char_indices().nth(TEXT_SHOWN) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), "…"),
        None => (text, ""),
    }
}

fn items<T>(
    f: &mut fmt::Formatter<'_>,
    (open, close): (char, char),
    count: usize,
    all: impl Iterator<Item = T>,
    mut one: impl FnMut(T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    let comma = if open == '{' { ", " } else { " " };
    f.write_char(open)?;
    for (at, item) in all.take(ITEMS_SHOWN).enumerate() {
        if at > 0 {
            f.write_str(comma)?;
        }
        one(item, f)?;
    }
    if count > ITEMS_SHOWN {
        write!(f, "{comma}… {count} in all")?;
    }
    f.write_char(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown() {
        let check = |value: Value, expected: &str| assert_eq!(value.to_string(), expected);
        check(
            Value::list([Value::Null, true.into(), 1.5.into(), Value::bytes(&[1, 255])]),
            "[null true 1.5 :01ff]",
        );
        check(Value::tagged("t\n", "a\"b".into()), "<t\\n \"a\\\"b\">");
        check(Value::error("limit", "too much"), "<error limit: too much>");
        check(
            Value::list((0..70).map(Value::from)),
            &format!("[{} … 70 in all]", (0..64).map(|n| n.to_string()).collect::<Vec<_>>().join(" ")),
        );
        let deep = (0..10).fold(Value::from(1), |inner, _| Value::list([inner]));
        check(deep, "[[[[[[[[…]]]]]]]]");
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let wide = (0..8).fold(Value::from(1), |inner, _| Value::list(std::iter::repeat_n(inner, 64)));
        let many = wide.to_string();
        assert!(many.len() < 5000, "{}", many.len());
        let long = "é".repeat(1001);
        assert_eq!(Value::from(long.as_str()).to_string(), format!("\"{}\"…", "é".repeat(1000)));
        for value in [
            Value::symbol(&long),
            Value::tagged(&long, ().into()),
            Value::error(&long, &long),
            Value::fields([(long.as_str(), ().into())]),
        ] {
            let text = value.to_string();
            assert!(text.contains('…') && text.chars().count() < 2100, "{text}");
        }
        let big = num_bigint::BigInt::from(1) << 8008_u32;
        assert_eq!(Value::Int(big.into()).to_string(), "<an integer of 1001 bytes>");
    }
}

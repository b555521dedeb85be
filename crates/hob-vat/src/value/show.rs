//! Values as text for people: the abstract notation of OCapN's documents, bounded and escaped.

use std::fmt::{self, Display, Write};

use super::Value;

/// How many levels and how many items of one container are shown.
const LEVELS_SHOWN: u32 = 8;
const ITEMS_SHOWN: usize = 64;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, LEVELS_SHOWN, f)
    }
}

fn show(value: &Value, levels: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if levels == 0 && value.depth() > 0 {
        return f.write_str("…");
    }
    match value {
        Value::Undefined => f.write_str("undefined"),
        Value::Null => f.write_str("null"),
        Value::Bool(it) => f.write_str(if *it { "true" } else { "false" }),
        Value::Int(it) => it.fmt(f),
        Value::Float(it) => write!(f, "{it:?}"),
        Value::Str(it) => write!(f, "{:?}", it.as_str()),
        Value::Symbol(it) => write!(f, "'{}", it.escape_debug()),
        Value::Bytes(bytes) => {
            f.write_char(':')?;
            bytes.iter().take(ITEMS_SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
            if bytes.len() > ITEMS_SHOWN { f.write_char('…') } else { Ok(()) }
        }
        Value::List(list) => {
            items(f, ('[', ']'), list.len(), list.iter(), |item, f| show(item, levels - 1, f))
        }
        Value::Struct(fields) => items(f, ('{', '}'), fields.len(), fields.iter(), |(name, item), f| {
            write!(f, "{:?}: ", name.as_str())?;
            show(item, levels - 1, f)
        }),
        Value::Tagged(tagged) => {
            write!(f, "<{} ", tagged.tag.escape_debug())?;
            show(&tagged.value, levels - 1, f)?;
            f.write_char('>')
        }
        Value::Error(error) => {
            write!(f, "<error {}: {}>", error.rule.escape_debug(), error.message.escape_debug())
        }
        Value::Ref(reference) => reference.fmt(f),
        Value::Sealed(_) => f.write_str("<sealed>"),
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
}

//! What a value weighs, and how deep it nests: so much may be kept, sent and looked through.
//!
//! A unit for each value, one for each name, and one more for every 64 bytes of text in either.

use serde_json::Value;

const TEXT_BYTES: usize = 64;

/// How deep a value may nest: what comes with an event or an effect, what a service comes to, what is read, and what stands in a
/// field of a context. What a machine holds can be written, with all that stands around it, and read again.
pub const VALUE_DEPTH_MAX: usize = 64;

/// How deep a context nests, whose fields are values.
pub(crate) const CONTEXT_DEPTH_MAX: usize = VALUE_DEPTH_MAX + 1;

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It weighs more than was left.
    Heavy,
    /// It nests deeper than it may.
    Deep,
}

/// What is left of an allowance once a value of at most this depth is taken from it.
pub(crate) fn weigh(value: &Value, depth: usize, left: usize) -> Result<usize, Unfit> {
    let inside = || depth.checked_sub(1).ok_or(Unfit::Deep);
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => left.checked_sub(1).ok_or(Unfit::Heavy),
        Value::String(it) => name(it, left),
        Value::Array(items) => {
            let (depth, left) = (inside()?, left.checked_sub(1).ok_or(Unfit::Heavy)?);
            items.iter().try_fold(left, |left, item| weigh(item, depth, left))
        }
        Value::Object(fields) => {
            let (depth, left) = (inside()?, left.checked_sub(1).ok_or(Unfit::Heavy)?);
            fields.iter().try_fold(left, |left, (key, value)| weigh(value, depth, name(key, left)?))
        }
    }
}

/// Whether a value nests at most so deep.
pub(crate) fn nests_within(value: &Value, depth: usize) -> bool {
    let inside = |value: &Value| depth.checked_sub(1).is_some_and(|depth| nests_within(value, depth));
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(inside),
        Value::Object(fields) => depth > 0 && fields.values().all(inside),
        _ => true,
    }
}

/// As [`weigh`], of a name or a text.
pub(crate) fn name(text: &str, left: usize) -> Result<usize, Unfit> {
    left.checked_sub(1 + text.len() / TEXT_BYTES).ok_or(Unfit::Heavy)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_weigh_what_is_in_them() {
        let check = |value: Value, depth: usize, weight: usize| {
            assert_eq!(weigh(&value, depth, weight), Ok(0), "{value}");
            assert_eq!(weigh(&value, depth, weight - 1), Err(Unfit::Heavy), "{value}");
            assert!(nests_within(&value, depth), "{value}");
            if let Some(less) = depth.checked_sub(1) {
                assert_eq!(weigh(&value, less, weight), Err(Unfit::Deep), "{value}");
                assert!(!nests_within(&value, less), "{value}");
            }
        };
        check(json!(null), 0, 1);
        check(json!("x".repeat(63)), 0, 1);
        check(json!("x".repeat(64)), 0, 2);
        check(json!([]), 1, 1);
        check(json!([1, [2]]), 2, 4);
        check(json!({"a": {"b": 1}}), 2, 5);
        check(json!({"x".repeat(128): 1}), 1, 5);
    }
}

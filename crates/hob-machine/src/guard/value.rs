//! Comparing what a guard names: fields of the context and literals.
//!
//! Source: the reference kernel's core expressions, measured. Numbers compare as 64-bit floating point. Two strings that are
//! both lengths of time compare as such, in order and for equality. What is of different kinds is not equal, and in no order.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::duration;
use crate::document::model::{FieldKind, Literal};

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

impl Compare {
    /// The operation of this name.
    #[must_use]
    pub fn named(op: &str) -> Option<Self> {
        Some(match op {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            _ => return None,
        })
    }

    /// Compares. Errors: two values that are in no order.
    pub fn holds(self, left: Operand<'_>, right: Operand<'_>) -> Result<bool, String> {
        Ok(match self {
            Self::Eq => equal(left, right),
            Self::Ne => !equal(left, right),
            Self::Lt => order(left, right)?.is_lt(),
            Self::Le => order(left, right)?.is_le(),
            Self::Gt => order(left, right)?.is_gt(),
            Self::Ge => order(left, right)?.is_ge(),
        })
    }
}

/// A value to compare.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A number.
    Number(f64),
    /// A string.
    Text(&'a str),
    /// A boolean.
    Bool(bool),
    /// Nothing.
    Null,
    /// A list or an object, which equals nothing.
    Other(&'static str),
}

impl<'a> Operand<'a> {
    /// Of a value.
    #[must_use]
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(as_f64(number)),
            Value::String(text) => Self::Text(text),
            Value::Array(_) => Self::Other("a list"),
            Value::Object(_) => Self::Other("an object"),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Bool(_) => "a boolean",
            Self::Null => "null",
            Self::Other(kind) => kind,
        }
    }
}

/// Whether they are equal; what is of different kinds is not.
#[must_use]
pub fn equal(left: Operand<'_>, right: Operand<'_>) -> bool {
    match (left, right) {
        #[expect(clippy::float_cmp, reason = "that is the rule")]
        (Operand::Number(left), Operand::Number(right)) => left == right,
        (Operand::Text(left), Operand::Text(right)) => {
            match (duration::parse(left), duration::parse(right)) {
                (Some(left), Some(right)) => left == right,
                _ => left == right,
            }
        }
        (Operand::Bool(left), Operand::Bool(right)) => left == right,
        _ => false,
    }
}

fn order(left: Operand<'_>, right: Operand<'_>) -> Result<Ordering, String> {
    match (left, right) {
        // What is not a number, of which JSON has none, would be equal to all.
        (Operand::Number(left), Operand::Number(right)) => {
            Ok(left.partial_cmp(&right).unwrap_or(Ordering::Equal))
        }
        (Operand::Text(left), Operand::Text(right)) => {
            Ok(match (duration::parse(left), duration::parse(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.cmp(right),
            })
        }
        _ => Err(format!(
            "{} and {} are in no order; two numbers are, two lengths of time and two strings",
            left.kind(),
            right.kind()
        )),
    }
}

/// The value at a dotted path. Errors: a field that is not there, and a path through what has none.
pub fn at_path<'a>(context: &'a Value, path: &[String]) -> Result<&'a Value, String> {
    let mut value = context;
    for segment in path {
        value = match value {
            Value::Object(fields) => fields
                .get(segment)
                .ok_or_else(|| format!("the context has no {segment:?} in {:?}", path.join(".")))?,
            other => {
                let kind = Operand::of(other).kind();
                return Err(format!("{:?} leads through {kind}, which has no {segment:?}", path.join(".")));
            }
        };
    }
    Ok(value)
}

/// What a literal stands for: an integer loses what is behind the point.
#[must_use]
pub fn literal(literal: &Literal) -> Value {
    let number = |value: f64| Number::from_f64(value).map_or(Value::Null, Value::Number);
    match (literal.kind, &literal.value) {
        (FieldKind::Int, Value::Number(value)) => number(as_f64(value).trunc()),
        (FieldKind::Int | FieldKind::Float, value) if !value.is_number() => number(0.0),
        (_, value) => value.clone(),
    }
}

/// A literal as guards are shown.
#[must_use]
pub fn show(literal: &Literal) -> String {
    match &literal.value {
        Value::Number(number) => show_number(as_f64(number)),
        value => value.to_string(),
    }
}

fn as_f64(number: &Number) -> f64 {
    number.as_f64().unwrap_or(0.0)
}

/// The shortest digits that are this number, with an exponent when it is less than -4 or more than 5.
fn show_number(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use serde_json::json;

    use super::*;

    fn check(left: Value, op: &str, right: Value, expected: Result<bool, ()>) {
        let result = Compare::named(op).unwrap().holds(Operand::of(&left), Operand::of(&right));
        assert_eq!(result.map_err(drop), expected, "{left} {op} {right}");
    }

    #[test]
    fn comparisons() {
        check(json!("1h"), "eq", json!("60m"), Ok(true));
        check(json!("0"), "eq", json!("0s"), Ok(true));
        check(json!("90s"), "lt", json!("2m"), Ok(true));
        check(json!("b"), "gt", json!("a"), Ok(true));
        check(json!(9_007_199_254_740_993_u64), "eq", json!(9_007_199_254_740_992_u64), Ok(true));
        check(json!(1), "ge", json!(1.0), Ok(true));
        check(json!(null), "ne", json!(1), Ok(true));
        check(json!(null), "eq", json!(null), Ok(false));
        check(json!([1]), "eq", json!([1]), Ok(false));
        check(json!("1"), "eq", json!(1), Ok(false));
        check(json!(null), "lt", json!(1), Err(()));
        check(json!("40"), "lt", json!(50), Err(()));
        check(json!(false), "lt", json!(true), Err(()));
    }

    #[test]
    fn paths() {
        let context = json!({"a": {"b": 1, "n": null}, "l": [1]});
        let at = |path: &str| {
            let path: Vec<String> = path.split('.').map(String::from).collect();
            at_path(&context, &path).cloned()
        };
        assert_eq!(at("a.b"), Ok(json!(1)));
        assert_eq!(at("a.n"), Ok(json!(null)));
        assert_eq!(at("a.n.x").unwrap_err(), r#""a.n.x" leads through null, which has no "x""#);
        assert_eq!(at("l.0").unwrap_err(), r#""l.0" leads through a list, which has no "0""#);
        assert_eq!(at("nope").unwrap_err(), r#"the context has no "nope" in "nope""#);
    }

    #[test]
    fn numbers_as_they_are_shown() {
        for (number, expected) in [
            (50.0, "50"),
            (49.5, "49.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (-1.5e300, "-1.5e+300"),
        ] {
            assert_eq!(show_number(number), expected);
        }
    }
}

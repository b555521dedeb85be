//! Values, and what the operators make of them.

use serde_json::{Value, json};

/// The key of what is written of a function, in what is stored of it.
const FUNCTION: &str = "hob.function";

/// A value; the only one that JSON has not is `undefined`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Js {
    Undefined,
    Json(Value),
}

impl Js {
    pub(super) fn number(number: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "it is a whole number that 53 bits hold")]
        let whole =
            (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64);
        Self::Json(whole.map_or_else(|| json!(number), |whole| json!(whole)))
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Json(Value::String(text.into()))
    }

    pub(super) fn bool(value: bool) -> Self {
        Self::Json(Value::Bool(value))
    }

    /// What is stored of it.
    pub(super) fn into_json(self) -> Value {
        match self {
            Self::Undefined => Value::Null,
            Self::Json(value) => value,
        }
    }

    /// What was stored; nothing is `undefined`.
    pub(super) fn stored(value: &Value) -> Self {
        if value.is_null() { Self::Undefined } else { Self::Json(value.clone()) }
    }

    pub(super) fn truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Json(Value::Null) => false,
            Self::Json(Value::Bool(value)) => *value,
            Self::Json(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
            Self::Json(Value::String(text)) => !text.is_empty(),
            Self::Json(_) => true,
        }
    }

    pub(super) fn as_number(&self) -> f64 {
        match self {
            Self::Json(Value::Number(number)) => number.as_f64().unwrap_or(f64::NAN),
            Self::Json(Value::Bool(value)) => f64::from(u8::from(*value)),
            Self::Json(Value::Null) => 0.0,
            Self::Json(Value::String(text)) if text.trim().is_empty() => 0.0,
            Self::Json(Value::String(text)) => text.trim().parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }

    pub(super) fn show(&self) -> String {
        match self {
            Self::Undefined => "undefined".into(),
            Self::Json(Value::String(text)) => text.clone(),
            Self::Json(Value::Array(items)) => {
                items.iter().map(|item| Self::stored(item).show()).collect::<Vec<_>>().join(",")
            }
            Self::Json(Value::Object(_)) => "[object Object]".into(),
            Self::Json(value) => value.to_string(),
        }
    }

    pub(super) fn type_of(&self) -> &'static str {
        match self {
            Self::Json(Value::Object(_)) if self.as_function().is_some() => "function",
            Self::Undefined => "undefined",
            Self::Json(Value::Bool(_)) => "boolean",
            Self::Json(Value::Number(_)) => "number",
            Self::Json(Value::String(_)) => "string",
            Self::Json(_) => "object",
        }
    }

    /// A function, as it is written.
    pub(super) fn function(text: &str) -> Self {
        Self::Json(json!({FUNCTION: text}))
    }

    /// What is written of a function; `None` of everything else.
    pub(super) fn as_function(&self) -> Option<&str> {
        match self {
            Self::Json(Value::Object(fields)) if fields.len() == 1 => fields.get(FUNCTION)?.as_str(),
            _ => None,
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Json(Value::String(_)))
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Undefined | Self::Json(Value::Null))
    }

    fn is_whole(&self) -> bool {
        matches!(self, Self::Json(Value::Array(_) | Value::Object(_)))
    }
}

/// What an operator makes of two values. Errors: an operator that is not for them.
pub(super) fn binary(op: &str, left: &Js, right: &Js) -> Result<Js, String> {
    let (a, b) = (left.as_number(), right.as_number());
    Ok(match op {
        "+" if left.is_text() || right.is_text() || left.is_whole() || right.is_whole() => {
            Js::text(left.show() + &right.show())
        }
        "+" => Js::number(a + b),
        "-" => Js::number(a - b),
        "*" => Js::number(a * b),
        "/" => Js::number(a / b),
        "%" => Js::number(a % b),
        "===" => Js::bool(strictly_equal(left, right)?),
        "!==" => Js::bool(!strictly_equal(left, right)?),
        "==" => Js::bool(equal(left, right)?),
        "!=" => Js::bool(!equal(left, right)?),
        "<" | "<=" | ">" | ">=" => {
            let order = if left.is_text() && right.is_text() {
                Some(left.show().cmp(&right.show()))
            } else {
                a.partial_cmp(&b)
            };
            Js::bool(order.is_some_and(|order| match op {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        "in" => match right {
            Js::Json(Value::Object(fields)) => Js::bool(fields.contains_key(&left.show())),
            Js::Json(Value::Array(items)) => Js::bool((0.0..items.len() as f64).contains(&a)),
            _ => return Err("\"in\" asks an object or an array".into()),
        },
        op => return Err(format!("the operator {op:?} is not understood")),
    })
}

/// Arrays and objects have no identity here, so whether two are the same one cannot be said.
pub(super) fn strictly_equal(left: &Js, right: &Js) -> Result<bool, String> {
    if left.is_whole() && right.is_whole() {
        return Err("two arrays or objects cannot be compared".into());
    }
    if left.is_nothing() || right.is_nothing() {
        return Ok(left.is_nothing() && right.is_nothing());
    }
    Ok(match left.type_of() == right.type_of() {
        false => false,
        true if left.type_of() == "number" => left.as_number() == right.as_number(),
        true => left == right,
    })
}

fn equal(left: &Js, right: &Js) -> Result<bool, String> {
    if left.type_of() == right.type_of() || left.is_nothing() || right.is_nothing() {
        return strictly_equal(left, right);
    }
    if left.is_whole() || right.is_whole() {
        return Ok(left.show() == right.show());
    }
    Ok(left.as_number() == right.as_number())
}

//! Values of a guest as text, for records.

use hob_engine::{ValType, Value};

/// Values as text that gives the same bits back.
pub(crate) fn show_value(value: &Value) -> String {
    match value {
        Value::I32(value) => format!("i32:{value}"),
        Value::I64(value) => format!("i64:{value}"),
        Value::F32(value) => format!("f32:{:#x}", value.to_bits()),
        Value::F64(value) => format!("f64:{:#x}", value.to_bits()),
    }
}

pub(crate) fn show_values(values: &[Value]) -> String {
    values.iter().map(show_value).collect::<Vec<_>>().join(" ")
}

pub(crate) fn parse_value(text: &str) -> Result<Value, String> {
    let wrong = || format!("`{}` is no recorded value", hob_cap::escape_guest_text(text, 40));
    let (ty, value) = text.split_once(':').ok_or_else(wrong)?;
    let bits = |value: &str| value.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    match ty {
        "i32" => Value::parse(ValType::I32, value),
        "i64" => Value::parse(ValType::I64, value),
        "f32" => {
            let bits = bits(value).and_then(|bits| u32::try_from(bits).ok()).ok_or_else(wrong)?;
            Ok(Value::F32(f32::from_bits(bits)))
        }
        "f64" => Ok(Value::F64(f64::from_bits(bits(value).ok_or_else(wrong)?))),
        _ => Err(wrong()),
    }
}

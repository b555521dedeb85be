//! Values and value types that cross the boundary between host and guest: the four numbers, nothing else.
//!
//! References and vectors never cross: no contract needs them, and each would be a road for authority that no table
//! lists.

use std::fmt;

/// A type of a value that a host function or an exported function may take or return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// Any other type: it may appear in a module, and is refused wherever it would cross the boundary.
    Other,
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Other => "other",
        })
    }
}

/// A value that crosses the boundary between host and guest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
}

impl Value {
    /// The type of this value.
    #[must_use]
    pub fn ty(&self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F32(_) => ValType::F32,
            Self::F64(_) => ValType::F64,
        }
    }

    /// Reads a value of type `ty` from text, as a command line gives it. Integers may be signed or unsigned, decimal or
    /// `0x` hexadecimal.
    ///
    /// # Errors
    ///
    /// Says what was expected when the text is not a value of that type.
    pub fn parse(ty: ValType, text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a value of type {ty}");
        match ty {
            ValType::I32 => {
                let wide = parse_integer(text).ok_or_else(wrong)?;
                let narrow =
                    i32::try_from(wide).ok().or_else(|| u32::try_from(wide).ok().map(u32::cast_signed));
                narrow.map(Self::I32).ok_or_else(|| format!("`{text}` does not fit in an i32"))
            }
            ValType::I64 => {
                let wide = parse_integer(text).ok_or_else(wrong)?;
                let narrow =
                    i64::try_from(wide).ok().or_else(|| u64::try_from(wide).ok().map(u64::cast_signed));
                narrow.map(Self::I64).ok_or_else(|| format!("`{text}` does not fit in an i64"))
            }
            ValType::F32 => text.parse().map(Self::F32).map_err(|_| wrong()),
            ValType::F64 => text.parse().map(Self::F64).map_err(|_| wrong()),
            ValType::Other => Err("a value of this type cannot cross the boundary".into()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I32(v) => write!(f, "{v}"),
            Self::I64(v) => write!(f, "{v}"),
            Self::F32(v) => write!(f, "{v}"),
            Self::F64(v) => write!(f, "{v}"),
        }
    }
}

fn parse_integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) if !hex.starts_with(['-', '+']) => i128::from_str_radix(hex, 16).ok()?,
        Some(_) => return None,
        None => digits.parse::<i128>().ok()?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_parse_at_their_edges_and_not_past_them() {
        let check =
            |ty, text: &str, want: Option<Value>| assert_eq!(Value::parse(ty, text).ok(), want, "{text}");
        check(ValType::I32, "2147483647", Some(Value::I32(i32::MAX)));
        check(ValType::I32, "4294967295", Some(Value::I32(-1)));
        check(ValType::I32, "4294967296", None);
        check(ValType::I32, "-2147483648", Some(Value::I32(i32::MIN)));
        check(ValType::I32, "-2147483649", None);
        check(ValType::I64, "18446744073709551615", Some(Value::I64(-1)));
        check(ValType::I64, "18446744073709551616", None);
        check(ValType::I32, "0x10", Some(Value::I32(16)));
        check(ValType::I32, "--1", None);
        check(ValType::I32, "0x-1", None);
        check(ValType::I32, "", None);
        check(ValType::F64, "1.5", Some(Value::F64(1.5)));
        check(ValType::Other, "1", None);
    }
}

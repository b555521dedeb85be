//! The pieces a value is read as. They borrow from the bytes that were read.

use std::fmt::Write as _;

use num_bigint::{BigInt, Sign};

use crate::escape;

/// One piece of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token<'a> {
    /// `t` or `f`.
    Bool(bool),
    /// An integer of any size.
    Int(IntToken<'a>),
    /// A float; a NaN is the canonical one.
    F64(f64),
    /// A byte array.
    Bytes(&'a [u8]),
    /// A string.
    Str(&'a str),
    /// A symbol.
    Symbol(&'a str),
    /// `[`
    ListStart,
    /// `]`
    ListEnd,
    /// `{`
    StructStart,
    /// `}`
    StructEnd,
    /// `<`
    RecordStart,
    /// `>`
    RecordEnd,
    /// `#`
    SetStart,
    /// `$`
    SetEnd,
}

/// What a value is, without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A boolean.
    Bool,
    /// An integer.
    Int,
    /// A float.
    F64,
    /// A byte array.
    Bytes,
    /// A string.
    Str,
    /// A symbol.
    Symbol,
    /// A list.
    List,
    /// A struct.
    Struct,
    /// A record.
    Record,
    /// A set.
    Set,
    /// No value: what holds the values ends here.
    End,
}

impl Token<'_> {
    /// What value this is or begins.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::F64(_) => Kind::F64,
            Self::Bytes(_) => Kind::Bytes,
            Self::Str(_) => Kind::Str,
            Self::Symbol(_) => Kind::Symbol,
            Self::ListStart => Kind::List,
            Self::StructStart => Kind::Struct,
            Self::RecordStart => Kind::Record,
            Self::SetStart => Kind::Set,
            Self::ListEnd | Self::StructEnd | Self::RecordEnd | Self::SetEnd => Kind::End,
        }
    }

    /// For an error: what this is, escaped and bounded.
    #[cold]
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Int(int) => int.describe(),
            Self::F64(float) => format!("the float {float:?}"),
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Self::Str(text) => format!("the string {}", escape::quoted(text)),
            Self::Symbol(text) => format!("the symbol {}", escape::quoted(text)),
            Self::ListStart => "a list".into(),
            Self::StructStart => "a struct".into(),
            Self::RecordStart => "a record".into(),
            Self::SetStart => "a set".into(),
            Self::ListEnd => "the end of the list".into(),
            Self::StructEnd => "the end of the struct".into(),
            Self::RecordEnd => "the end of the record".into(),
            Self::SetEnd => "the end of the set".into(),
        }
    }
}

/// Digits up to which [`IntToken::small`] holds the magnitude.
pub(crate) const SMALL_DIGITS: usize = 19;

/// An integer as it is written: digits without leading zeros, and a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntToken<'a> {
    negative: bool,
    digits: &'a [u8],
    /// The magnitude, if there are at most `SMALL_DIGITS` digits.
    small: u64,
}

impl<'a> IntToken<'a> {
    /// `digits` are decimal digits, of which there is at least one.
    pub(crate) fn new(negative: bool, digits: &'a [u8], small: u64) -> Self {
        Self { negative, digits, small }
    }

    /// The same, from digits alone.
    pub(crate) fn of(negative: bool, digits: &'a [u8]) -> Self {
        let fits = digits.len() <= SMALL_DIGITS;
        let small =
            if fits { digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit & 0xf)) } else { 0 };
        Self::new(negative, digits, small)
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The decimal digits, most significant first, without a sign.
    #[must_use]
    pub fn digits(&self) -> &'a [u8] {
        self.digits
    }

    /// The integer, if it fits.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        if self.digits.len() > SMALL_DIGITS {
            return None;
        }
        if self.negative { 0i64.checked_sub_unsigned(self.small) } else { i64::try_from(self.small).ok() }
    }

    /// The integer, if it fits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        match (self.negative, self.digits.len() > SMALL_DIGITS) {
            (true, _) => None,
            (false, false) => Some(self.small),
            (false, true) => self.magnitude().and_then(|magnitude| u64::try_from(magnitude).ok()),
        }
    }

    /// The integer, if it fits.
    #[must_use]
    pub fn to_i128(&self) -> Option<i128> {
        let magnitude = self.magnitude()?;
        if self.negative { 0i128.checked_sub_unsigned(magnitude) } else { i128::try_from(magnitude).ok() }
    }

    /// The integer.
    #[must_use]
    pub fn to_bigint(&self) -> BigInt {
        if let Some(small) = self.to_i128() {
            return small.into();
        }
        // There are digits and nothing else, so they are a number.
        let magnitude = BigInt::parse_bytes(self.digits, 10).unwrap_or_default();
        if self.negative { BigInt::from_biguint(Sign::Minus, magnitude.into_parts().1) } else { magnitude }
    }

    fn magnitude(&self) -> Option<u128> {
        if self.digits.len() <= SMALL_DIGITS {
            return Some(self.small.into());
        }
        self.digits.iter().try_fold(0u128, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u128::from(digit.wrapping_sub(b'0')))
        })
    }

    fn describe(&self) -> String {
        let mut out = String::from(if self.negative { "the integer -" } else { "the integer " });
        for digit in self.digits.iter().take(escape::SHOWN) {
            out.push(char::from(*digit));
        }
        if self.digits.len() > escape::SHOWN {
            // A `String` takes everything.
            let _ = write!(out, "… of {} digits", self.digits.len());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(text: &str) -> IntToken<'_> {
        IntToken::of(text.starts_with('-'), text.trim_start_matches('-').as_bytes())
    }

    #[test]
    fn integers_fit_or_do_not() {
        let check = |text: &str, i64_: Option<i64>, u64_: Option<u64>, i128_: Option<i128>| {
            let token = int(text);
            assert_eq!((token.to_i64(), token.to_u64(), token.to_i128()), (i64_, u64_, i128_), "{text}");
            assert_eq!(token.to_bigint().to_string(), text);
        };
        check("0", Some(0), Some(0), Some(0));
        check("-1", Some(-1), None, Some(-1));
        check(
            "9223372036854775807",
            Some(i64::MAX),
            Some(1 << 63).map(|n: u64| n - 1),
            Some(i64::MAX.into()),
        );
        check("9223372036854775808", None, Some(1 << 63), Some(1 << 63));
        check("-9223372036854775808", Some(i64::MIN), None, Some(i64::MIN.into()));
        check("-9223372036854775809", None, None, Some(i128::from(i64::MIN) - 1));
        check("18446744073709551615", None, Some(u64::MAX), Some(u64::MAX.into()));
        check("18446744073709551616", None, None, Some(i128::from(u64::MAX) + 1));
        check(&i128::MAX.to_string(), None, None, Some(i128::MAX));
        check(&i128::MIN.to_string(), None, None, Some(i128::MIN));
        check("170141183460469231731687303715884105728", None, None, None);
        check("-170141183460469231731687303715884105729", None, None, None);
        check(&"9".repeat(100), None, None, None);
    }

    #[test]
    fn descriptions_are_bounded() {
        assert_eq!(Token::Int(int("-12")).describe(), "the integer -12");
        let long = "7".repeat(escape::SHOWN + 1);
        assert_eq!(Token::Int(int(&long)).describe(), format!("the integer {}… of 41 digits", &long[1..]));
        assert_eq!(Token::Str("a\n").describe(), "the string \"a\\n\"");
    }
}

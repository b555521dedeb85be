//! Integers of any size; those of 64 bits take no room of their own.

use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;

/// An integer of any size.
///
/// ```
/// use hob_vat::Int;
///
/// let big = Int::from(u64::MAX);
/// assert_eq!(big.to_i64(), None);
/// assert_eq!(big.to_string(), "18446744073709551615");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Int(Repr);

/// One number has one representation: `Big` is never within 64 bits.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    Big(Arc<BigInt>),
}

impl Int {
    /// A number as people write it: digits, with a `-` in front when it is negative.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        BigInt::parse_bytes(text.as_bytes(), 10).map(Self::from)
    }

    /// The number, when it is between -2^63 and 2^63 - 1.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(it) => Some(*it),
            Repr::Big(_) => None,
        }
    }

    /// The number.
    #[must_use]
    pub fn to_bigint(&self) -> BigInt {
        match &self.0 {
            Repr::Small(it) => BigInt::from(*it),
            Repr::Big(it) => BigInt::clone(it),
        }
    }

    pub(crate) fn weight(&self) -> usize {
        match &self.0 {
            Repr::Small(_) => 8,
            Repr::Big(it) => usize::try_from(it.bits() / 8).unwrap_or(usize::MAX),
        }
    }
}

impl From<i64> for Int {
    fn from(it: i64) -> Self {
        Self(Repr::Small(it))
    }
}

impl From<u64> for Int {
    fn from(it: u64) -> Self {
        i64::try_from(it).map_or_else(|_| BigInt::from(it).into(), Self::from)
    }
}

impl From<BigInt> for Int {
    fn from(it: BigInt) -> Self {
        match i64::try_from(&it) {
            Ok(small) => Self(Repr::Small(small)),
            Err(_) => Self(Repr::Big(Arc::new(it))),
        }
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(it) => it.fmt(f),
            Repr::Big(it) => it.fmt(f),
        }
    }
}

impl fmt::Debug for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_representation() {
        let past: BigInt = BigInt::from(i64::MAX) + 1_i64;
        assert_eq!(Int::from(past.clone() - 1_i64), Int::from(i64::MAX));
        assert_eq!(Int::from(past.clone()), Int::from(1_u64 << 63));
        assert_eq!(Int::from(past).to_i64(), None);
        assert_eq!(Int::from(BigInt::from(i64::MIN)).to_i64(), Some(i64::MIN));
    }
}

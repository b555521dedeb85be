//! What may be the key of a struct or the label of a record.

use num_bigint::BigInt;

/// A key of a struct, or the label of a record.
///
/// Text alone is a string, as the keys of OCapN are: `"host".into()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// An integer of any size.
    BigInt(&'a BigInt),
    /// A byte array.
    Bytes(&'a [u8]),
    /// A string.
    Str(&'a str),
    /// A symbol.
    Symbol(&'a str),
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text)
    }
}

impl<'a> From<&'a String> for Key<'a> {
    fn from(text: &'a String) -> Self {
        Self::Str(text)
    }
}

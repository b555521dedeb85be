//! What can be wrong with bytes, and with what a writer is told.
//!
//! That bytes end too early is told apart from everything else: on a stream it means to wait, anywhere else it is a fault.

use thiserror::Error as ThisError;

/// Why bytes were not read: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("at byte {}: {}", .0.offset, .0.kind)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    offset: usize,
    kind: ErrorKind,
}

impl Error {
    #[cold]
    pub(crate) fn new(offset: usize, kind: ErrorKind) -> Self {
        Self(Box::new(Inner { offset, kind }))
    }

    /// Where, in bytes from the beginning of what is read.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// How many bytes are missing at least, when nothing else is wrong.
    #[must_use]
    pub fn incomplete(&self) -> Option<usize> {
        match self.kind() {
            ErrorKind::Incomplete { more } => Some(*more),
            _ => None,
        }
    }
}

/// What is wrong with bytes.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes end within a value; `more` bytes would be the least to end it.
    #[error("the value is not complete: at least {more} more bytes belong to it")]
    Incomplete {
        /// Bytes.
        more: usize,
    },
    /// A limit is passed.
    #[error("the limit `{limit}` of {max} is passed")]
    Limit {
        /// The name of the field of [`Limits`](crate::Limits).
        limit: &'static str,
        /// What it allows.
        max: usize,
    },
    /// No value begins so.
    #[error("no value begins or goes on with {}", byte(.0))]
    Byte(u8),
    /// A number is written with a zero in front.
    #[error("a number begins with 0 and goes on")]
    LeadingZero,
    /// `0-`.
    #[error("zero is written 0+")]
    NegativeZero,
    /// A string or a symbol is not UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
    /// Something else is open, or nothing.
    #[error("{} closes what is not open", byte(.0))]
    Closer(u8),
    /// `<>`.
    #[error("a record has no label")]
    NoLabel,
    /// The label of a record is a float or holds other values.
    #[error("the label of a record is neither a boolean, integer, byte array, string nor symbol")]
    Label,
    /// A key is a float or holds other values.
    #[error("a key is neither a boolean, integer, byte array, string nor symbol")]
    Key,
    /// A struct ends after a key.
    #[error("a key has no value")]
    NoValue,
    /// A struct holds one key twice.
    #[error("a key comes twice")]
    DuplicateKey,
    /// Canonical: keys ascend by their encoded bytes.
    #[error("not canonical: keys do not ascend")]
    Unsorted,
    /// Canonical: nothing stands between tokens.
    #[error("not canonical: whitespace")]
    Whitespace,
    /// Canonical: NaN is written in one way.
    #[error("not canonical: a NaN other than 7ff8000000000000")]
    Nan,
    /// Canonical: floats are doubles.
    #[error("not canonical: a single float")]
    Single,
    /// Canonical: there are no sets.
    #[error("not canonical: a set")]
    Set,
    /// A value is not what the one who reads says comes here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What would have been right.
        expected: String,
        /// What is there, escaped and bounded.
        found: String,
    },
    /// Bytes follow the value.
    #[error("{0} bytes follow the value")]
    Trailing(usize),
}

fn byte(byte: &u8) -> String {
    match byte {
        b'!'..=b'~' => format!("`{}`", char::from(*byte)),
        _ => format!("the byte {byte:#04x}"),
    }
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum WriteError {
    /// A struct was given one key twice.
    #[error("the key {key} comes twice")]
    DuplicateKey {
        /// The key as encoded, escaped and bounded.
        key: String,
    },
    /// An entry of a struct was not given exactly one value.
    #[error("the key {key} was given {values} values instead of one")]
    EntryValues {
        /// The key as encoded, escaped and bounded.
        key: String,
        /// How many values.
        values: usize,
    },
    /// A set has no canonical form here.
    #[error("a set is not written: OCapN has none")]
    Set,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_a_pointer_and_say_what_is_wrong() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        let error = Error::new(3, ErrorKind::Byte(b'x'));
        assert_eq!(error.to_string(), "at byte 3: no value begins or goes on with `x`");
        assert_eq!(
            Error::new(0, ErrorKind::Byte(0x1b)).to_string(),
            "at byte 0: no value begins or goes on with the byte 0x1b"
        );
        assert_eq!(error.incomplete(), None);
        assert_eq!(Error::new(0, ErrorKind::Incomplete { more: 4 }).incomplete(), Some(4));
    }
}

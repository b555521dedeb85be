//! What one message may cost the one who reads it.
//!
//! A message comes from whoever can connect, and says itself how long its parts are. Nothing here is allocated on its word.

/// The deepest nesting any reader follows, whatever its limits say.
pub const DEPTH_MAX: usize = 128;

/// Limits on one message. What is at a limit is read; what is one past it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a message, with everything in it. 4 MiB.
    pub bytes: usize,
    /// Lists, structs, records and sets open at once. 64; what is above [`DEPTH_MAX`] counts as that.
    pub depth: usize,
    /// Decimal digits of an integer. 4096.
    pub digits: usize,
    /// Values in a message: each atom, each list, struct, record and set, each key and label. 262144.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 20, depth: 64, digits: 4096, values: 1 << 18 }
    }
}

/// Which spellings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The one spelling a [`Writer`](crate::Writer) emits: for what is signed, hashed or compared.
    Canonical,
    /// What peers send: whitespace between tokens, keys in any order, any NaN, single floats, sets.
    Liberal,
}

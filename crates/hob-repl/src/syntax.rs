//! What a line can say.

use hob_vat::Value;

/// A line: what it is called, and what is done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) pattern: Pattern,
    pub(crate) terms: Vec<Term>,
}

/// The names that the result gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pattern {
    None,
    One(String),
    /// The result is a list, and each item gets a name.
    Each(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    /// A word of the language, or a name.
    Word(String),
    Value(Value),
    List(Vec<Term>),
    Struct(Vec<(String, Term)>),
    /// What comes of another line.
    Inner(Vec<Term>),
}

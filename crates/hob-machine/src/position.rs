//! Where in a source something stood, for errors that people read.

use std::fmt;

/// The key of a position in a document: beside the name of an action, and in a transition.
pub(crate) const KEY: &str = "hob.at";

/// A line and a column; the first are 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl Position {
    /// From `line:column`. `None` of anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (line, column) = text.split_once(':')?;
        Some(Self { line: line.parse().ok()?, column: column.parse().ok()? })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let position = Position { line: 12, column: 5 };
        assert_eq!(Position::parse(&position.to_string()), Some(position));
        for text in ["", "12", "12:", ":5", "a:b", "-1:2", "1:2:3"] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }
}

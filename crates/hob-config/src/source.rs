//! A text with a name: what can be evaluated, and what can be imported.
//!
//! A name is what messages and imports call a source. It looks like a path and is none: nothing is opened by it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// What a source is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Nickel.
    Nickel,
    /// JSON.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// A text with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    name: String,
    format: Format,
    text: String,
}

impl Source {
    /// A source of any format.
    pub fn new(format: Format, name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), format, text: text.into() }
    }

    /// One in Nickel.
    pub fn nickel(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Format::Nickel, name, text)
    }

    /// One in JSON.
    pub fn json(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Format::Json, name, text)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is written in.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it counts towards the limit of sources: name and text.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = self.name.len().saturating_add(self.text.len());
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// Names are plain, and no two sources have the same.
pub(crate) fn check_names<'a>(sources: impl Iterator<Item = &'a Source>) -> Result<(), ConfigError> {
    let mut seen = HashSet::new();
    for source in sources {
        let name = source.name.as_str();
        if !is_name(name) {
            return Err(ConfigError::Name { name: crate::text::shown(name, NAME_BYTES_MAX), twice: false });
        }
        if !seen.insert(name) {
            return Err(ConfigError::Name { name: name.to_owned(), twice: true });
        }
    }
    Ok(())
}

/// Parts of letters, digits, `.`, `-` and `_`, with `/` between them. None is `.` or `..`: a name is not walked.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(plain);
    name.len() <= NAME_BYTES_MAX && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for name in ["a", "a.ncl", "conf/a-b_2.json", "..a", &"x".repeat(NAME_BYTES_MAX)] {
            assert!(is_name(name), "{name}");
        }
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        for name in ["", "/a", "a/", "a//b", ".", "a/../b", "a b", "a\"", "%{x}", "a\n", "é", &long] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_name_names_one_source() {
        let (a, b) = (Source::nickel("a", ""), Source::json("a", ""));
        assert!(check_names([&a].into_iter()).is_ok());
        let error = check_names([&a, &b].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "two sources are called `a`; names must differ");
        let error = check_names([&Source::json("a\u{1b}[2J", "")].into_iter()).unwrap_err();
        assert_eq!(
            error.to_string(),
            r"`a\u{1b}[2J` cannot be the name of a source: use letters, digits, `.`, `-`, `_`, parted by `/`, at most 128 bytes"
        );
    }
}

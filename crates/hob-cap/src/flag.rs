//! Command-line words that a person can paste: quoted for a shell, and unable to spoof the prompt they stand in.
//!
//! A package chooses the paths, keys and hosts it asks for. Stops: a newline or escape code in one of them that makes a
//! prompt say something else, and a quote or `$(…)` that a shell would run when the shown flag is pasted.

use std::fmt::{self, Write as _};

use crate::audit::is_hidden;

/// Shows text as one shell word: as it is, in single quotes, or in `$'…'` when it holds what must not be shown.
pub(crate) struct Word<'a>(pub(crate) &'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = *self;
        let plain = |c: char| {
            c.is_alphanumeric() || matches!(c, '/' | '.' | ':' | '-' | '_' | '=' | ',' | '@' | '+' | '%')
        };
        if text.chars().any(must_escape) {
            f.write_str("$'")?;
            for c in text.chars() {
                match c {
                    '\\' | '\'' => write!(f, "\\{c}")?,
                    c if must_escape(c) && c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c if must_escape(c) => write!(f, "\\U{:08x}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            f.write_char('\'')
        } else if !text.is_empty() && text.chars().all(plain) {
            f.write_str(text)
        } else {
            write!(f, "'{}'", text.replace('\'', r"'\''"))
        }
    }
}

fn must_escape(c: char) -> bool {
    is_hidden(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_pasted_as_it_was_meant() {
        let check = |text: &str, want: &str| assert_eq!(Word(text).to_string(), want);
        check("./data::/data:rw", "./data::/data:rw");
        check("KEY=a,b", "KEY=a,b");
        check("", "''");
        check("my data", "'my data'");
        check("*.example.com", "'*.example.com'");
        check("$(rm -rf ~)", "'$(rm -rf ~)'");
        check("it's", r"'it'\''s'");
        check("a\nb'c\\", r"$'a\x0ab\'c\\'");
        check("a\u{1b}[2J", r"$'a\x1b[2J'");
        check("a\u{202e}b", r"$'a\U0000202eb'");
        check("münchen", "münchen");
    }
}

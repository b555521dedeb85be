//! Text of a peer, made fit to be shown: bounded, without anything a terminal would obey.

use std::fmt;

/// Characters of text that an error shows.
pub(crate) const SHOWN: usize = 40;

/// Writes at most `max` characters of `text`, escaped, and says whether that was all.
pub(crate) fn text(out: &mut impl fmt::Write, text: &str, max: usize) -> Result<bool, fmt::Error> {
    let mut chars = text.chars();
    for c in chars.by_ref().take(max) {
        match c {
            // Quotes are escaped by the one who quotes.
            '\'' => out.write_char(c)?,
            c => write!(out, "{}", c.escape_debug())?,
        }
    }
    Ok(chars.as_str().is_empty())
}

/// Writes at most `max` bytes, printable ASCII as it is, and says whether that was all.
pub(crate) fn bytes(out: &mut impl fmt::Write, bytes: &[u8], max: usize) -> Result<bool, fmt::Error> {
    for byte in bytes.iter().take(max) {
        write!(out, "{}", byte.escape_ascii())?;
    }
    Ok(bytes.len() <= max)
}

/// `text` in quotes, for an error.
pub(crate) fn quoted(shown: &str) -> String {
    let mut out = String::from("\"");
    // A `String` takes everything.
    let all = text(&mut out, shown, SHOWN).unwrap_or(true);
    out.push_str(if all { "\"" } else { "…\"" });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_bounded_and_escaped() {
        assert_eq!(quoted("abc"), "\"abc\"");
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("a\"\\\u{1b}[31m\u{202e}"), "\"a\\\"\\\\\\u{1b}[31m\\u{202e}\"");
        assert_eq!(quoted(&"x".repeat(SHOWN)), format!("\"{}\"", "x".repeat(SHOWN)));
        assert_eq!(quoted(&"x".repeat(SHOWN + 1)), format!("\"{}…\"", "x".repeat(SHOWN)));
    }
}

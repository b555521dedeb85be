//! What was typed or pasted before anybody read it.

use std::collections::VecDeque;

/// Bytes that are kept of what was typed while nobody read.
const AHEAD_BYTES_MAX: usize = 1 << 16;

const CONTROL_C: u8 = 3;
const CONTROL_D: char = '\u{4}';

/// Lines that are whole, and one that was begun.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    lines: VecDeque<String>,
    begun: Vec<u8>,
}

impl Ahead {
    /// Takes what was typed while something was waited for. Says whether Control-C was among it, which takes away whatever was
    /// typed or pasted before it.
    pub(super) fn typed(&mut self, bytes: &[u8]) -> bool {
        let stopped = bytes.iter().rposition(|byte| *byte == CONTROL_C);
        if stopped.is_some() {
            self.lines.clear();
            self.begun.clear();
        }
        let after = bytes.get(stopped.map_or(0, |at| at + 1)..).unwrap_or_default();
        let room = AHEAD_BYTES_MAX.saturating_sub(self.begun.len()).min(after.len());
        self.begun.extend_from_slice(after.get(..room).unwrap_or_default());
        stopped.is_some()
    }

    /// Takes lines that were read as one text.
    pub(super) fn paste(&mut self, text: &str) {
        if text.is_empty() {
            self.lines.push_back(String::new());
        }
        self.lines.extend(text.lines().map(str::to_owned));
    }

    /// The next line that is whole.
    pub(super) fn line(&mut self) -> Option<String> {
        if let Some(line) = self.lines.pop_front() {
            return Some(line);
        }
        let end = self.begun.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let rest = self.begun.split_off(end + 1);
        let line = std::mem::replace(&mut self.begun, rest);
        Some(plain(&line))
    }

    /// Whether the end was typed next.
    pub(super) fn is_over(&self) -> bool {
        plain_with(&self.begun, |next| next == CONTROL_D).starts_with(CONTROL_D)
    }

    /// The line that was begun; it is the reader's now.
    pub(super) fn begun(&mut self) -> String {
        plain(&std::mem::take(&mut self.begun))
    }
}

/// The text of what was typed: keys that are no text have no meaning here.
fn plain(typed: &[u8]) -> String {
    plain_with(typed, |_| false)
}

fn plain_with(typed: &[u8], besides: impl Fn(char) -> bool) -> String {
    let typed = String::from_utf8_lossy(typed);
    let mut chars = typed.chars().peekable();
    let mut text = String::new();
    while let Some(next) = chars.next() {
        // A key that is no character: escape, a bracket or an O, parameters, and the character that ends it.
        if next == '\u{1b}' {
            if chars.next_if(|next| matches!(next, '[' | 'O')).is_some() {
                while chars.next_if(|next| matches!(next, '0'..='?')).is_some() {}
                chars.next();
            }
        } else if matches!(next, '\u{8}' | '\u{7f}') {
            text.pop();
        } else if !next.is_control() || besides(next) {
            text.push(next);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that comes of what was typed: lines, `|`, what was begun, and whether it ends.
    fn check(typed: &[&[u8]], stops: bool, expected: &str) {
        let mut ahead = Ahead::default();
        let stopped = typed.iter().filter(|bytes| ahead.typed(bytes)).count() > 0;
        let mut seen = String::new();
        while let Some(line) = ahead.line() {
            seen += &format!("{line}/");
        }
        seen += if ahead.is_over() { "over" } else { "" };
        seen += &format!("|{}", ahead.begun());
        assert_eq!((stopped, &*seen), (stops, expected), "{typed:?}");
    }

    #[test]
    fn what_was_typed_ahead_is_not_lost() {
        check(&[], false, "|");
        check(&[b"abc"], false, "|abc");
        check(&[b"ab", b"c\rd"], false, "abc/|d");
        check(&[b"one\ntwo\n"], false, "one/two/|");
        check(&["\u{f6}".as_bytes().split_at(1).0, "\u{f6}".as_bytes().split_at(1).1], false, "|\u{f6}");
        check(&[b"ab\x7fc\x08d"], false, "|ad");
        check(&[b"a\x1b[Ab\x1b[1;5Cc\x1bOAd"], false, "|abcd");
        check(&[b"one\r\x04"], false, "one/over|");
        check(&[b"x\x04"], false, "|x");
    }

    #[test]
    fn what_was_typed_before_control_c_is() {
        check(&[b"one\rtwo\x03three"], true, "|three");
        check(&[b"one\r", b"\x03"], true, "|");
        check(&[b"\x03a\x03b\r"], true, "b/|");
        let mut ahead = Ahead::default();
        ahead.paste("one\ntwo");
        assert_eq!(ahead.line().as_deref(), Some("one"));
        assert!(ahead.typed(b"\x03"));
        assert_eq!(ahead.line(), None);
    }

    #[test]
    fn what_was_pasted_is_lines() {
        let mut ahead = Ahead::default();
        ahead.paste("");
        ahead.paste("a = 1\n\nb");
        let lines: Vec<_> = std::iter::from_fn(|| ahead.line()).collect();
        assert_eq!(lines, ["", "a = 1", "", "b"]);
    }

    #[test]
    fn no_more_is_kept_than_a_line_may_have() {
        let mut ahead = Ahead::default();
        ahead.typed(&[b'a'; AHEAD_BYTES_MAX]);
        ahead.typed(b"b");
        assert_eq!(ahead.begun(), "a".repeat(AHEAD_BYTES_MAX));
    }
}

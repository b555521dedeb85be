//! Audit events: every use of authority as a value, and where such values go.

use serde::Serialize;

/// One use of authority, or an attempt at one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEvent {
    /// What was done: `open`, `unlink`, `env`, `clock`, …
    pub what: &'static str,
    /// With what. Text of the guest, escaped and bounded.
    pub target: String,
    /// The grant that allowed it, in the words of its flag.
    pub grant: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// More, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What came of a use of authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A grant allowed it.
    Allowed,
    /// No grant allowed it.
    Denied,
    /// A limit refused it.
    Limited,
    /// It was allowed and failed for another reason.
    Failed,
}

/// Where audit events go.
pub trait AuditSink: Send + Sync {
    /// Takes down one event.
    ///
    /// # Errors
    ///
    /// When it cannot be taken down. The call it speaks of then fails: what is audited is not done unseen.
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError>;
}

/// An event could not be taken down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written, so the call it should record was refused: {0}")]
pub struct AuditError(pub String);

/// Makes text of a guest fit to show: control and formatting characters escaped, at most `max` characters of the
/// original, and `…` where something was cut.
///
/// ```
/// assert_eq!(hob_cap::escape_guest_text("a\u{1b}[31m\n", 80), r"a\u{1b}[31m\n");
/// assert_eq!(hob_cap::escape_guest_text("abcdef", 3), "abc…");
/// ```
#[must_use]
pub fn escape_guest_text(text: &str, max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(max));
    for (count, c) in text.chars().enumerate() {
        if count == max {
            shown.push('…');
            break;
        }
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            c if is_hidden(c) => {
                shown.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// As [`escape_guest_text`], for bytes that may be no UTF-8.
#[must_use]
pub fn escape_guest_bytes(bytes: &[u8], max: usize) -> String {
    let mut shown = String::new();
    let mut left = max;
    for chunk in bytes.utf8_chunks() {
        let count = chunk.valid().chars().count();
        shown.push_str(&escape_guest_text(chunk.valid(), left));
        if count > left {
            return shown;
        }
        left -= count;
        for byte in chunk.invalid() {
            if left == 0 {
                shown.push('…');
                return shown;
            }
            left -= 1;
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

/// Whether a character moves a cursor, changes how the text around it is shown, or shows nothing: what a name that people
/// read does not need.
///
/// ```
/// assert!(hob_cap::is_hidden('\u{202e}') && hob_cap::is_hidden('\n') && !hob_cap::is_hidden('é'));
/// ```
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control() || hides(c)
}

/// Characters that change how text around them is shown, or show nothing: bidirectional controls, zero-width
/// characters, tags, variation selectors, separators.
fn hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_neither_moves_the_cursor_nor_hides() {
        let check = |bytes: &[u8], max, want: &str| assert_eq!(escape_guest_bytes(bytes, max), want);
        check(b"plain", 80, "plain");
        check(b"\x1b]0;x\x07", 80, r"\u{1b}]0;x\u{7}");
        check("a\u{202e}b\u{200b}c".as_bytes(), 80, r"a\u{202e}b\u{200b}c");
        check(b"\xff\xfe", 80, r"\xff\xfe");
        check(b"ab\xffcd", 3, r"ab\xff…");
        check(b"ab\xffcd", 4, r"ab\xffc…");
        check(b"abcd", 4, "abcd");
        check("\u{e9}".as_bytes(), 80, "\u{e9}");
        check(b"\\n\n", 80, r"\\n\n");
    }
}

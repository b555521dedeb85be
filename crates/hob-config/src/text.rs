//! Text of others, made fit to show.

use std::fmt::Write;

/// A message of several lines: what is hidden in it is escaped, and at most `bytes_max` bytes of it are shown.
pub(crate) fn shown(message: &str, bytes_max: usize) -> String {
    let mut shown = String::with_capacity(message.len().min(bytes_max));
    for c in message.chars() {
        let before = shown.len();
        match c {
            '\n' => shown.push('\n'),
            '\t' => shown.push(' '),
            c if hob_cap::is_hidden(c) => {
                // Writing to a string does not fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
        if shown.len() > bytes_max {
            shown.truncate(before);
            shown.push('…');
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_moves_no_cursor_and_ends() {
        for (message, max, want) in [
            ("a\n  b\tc", 80, "a\n  b c"),
            ("\u{1b}[2J\r\u{202e}", 80, r"\u{1b}[2J\u{d}\u{202e}"),
            ("abc", 3, "abc"),
            ("abcd", 3, "abc…"),
            ("aéz", 2, "a…"),
            ("a\u{1b}", 6, "a…"),
            ("a\u{1b}", 7, r"a\u{1b}"),
            ("", 0, ""),
        ] {
            assert_eq!(shown(message, max), want, "{message:?} {max}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_bounded(message in ".*", max in 0_usize..64) {
            let shown = shown(&message, max);
            prop_assert!(shown.len() <= max + '…'.len_utf8());
            prop_assert!(shown.chars().all(|c| c == '\n' || !hob_cap::is_hidden(c)));
        }
    }
}

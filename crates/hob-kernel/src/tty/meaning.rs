//! What a typed byte stands for under given settings: the order in which Linux asks.

use super::termios::{InputFlags, LocalFlags, Termios};
use crate::process::Signal;

/// What a typed byte stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Output goes on.
    Start,
    /// Output stops.
    Stop,
    /// A signal to the foreground, and what to show of it.
    Signal(Signal, u8),
    /// Nothing.
    Nothing,
    /// Erases.
    Erase(Erase),
    /// The next byte stands for itself.
    LiteralNext,
    /// Shows the line again.
    Reprint,
    /// Ends the line, and is the last byte of it.
    Newline,
    /// Ends the line, and is no part of it.
    EndOfFile,
    /// Ends the line, and is shown and read as any byte is.
    EndOfLine(u8),
    /// Itself.
    Byte(u8),
    /// A newline that was a carriage return, where lines are not edited.
    Return,
}

/// How much is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Erase {
    /// A character.
    Character,
    /// A word, and what separates it from the cursor.
    Word,
    /// The line.
    Line,
}

impl Meaning {
    /// What a byte stands for. `literal`: it was said to stand for itself.
    pub(super) fn of(byte: u8, literal: bool, termios: &Termios) -> Self {
        let (input, local, own) = (termios.input, termios.local, &termios.characters);
        let mut byte = if input.has(InputFlags::ISTRIP) { byte & 0x7f } else { byte };
        if input.has(InputFlags::IUCLC) && local.has(LocalFlags::IEXTEN) {
            byte = byte.to_ascii_lowercase();
        }
        // A control character that is 0 is off, so a typed 0 is none of them.
        if literal || byte == 0 {
            return Self::Byte(byte);
        }
        if input.has(InputFlags::IXON) {
            if byte == own.start {
                return Self::Start;
            }
            if byte == own.stop {
                return Self::Stop;
            }
        }
        if local.has(LocalFlags::ISIG) {
            let signals =
                [(own.interrupt, Signal::INT), (own.quit, Signal::QUIT), (own.suspend, Signal::TSTP)];
            if let Some((_, signal)) = signals.into_iter().find(|(character, _)| *character == byte) {
                return Self::Signal(signal, byte);
            }
        }
        let typed = byte;
        match byte {
            b'\r' if input.has(InputFlags::IGNCR) => return Self::Nothing,
            b'\r' if input.has(InputFlags::ICRNL) => byte = b'\n',
            b'\n' if input.has(InputFlags::INLCR) => byte = b'\r',
            _ => {}
        }
        if termios.edits() {
            return Self::in_a_line(byte, termios);
        }
        if byte == b'\n' && typed == b'\r' { Self::Return } else { Self::Byte(byte) }
    }

    fn in_a_line(byte: u8, termios: &Termios) -> Self {
        let own = &termios.characters;
        let extended = termios.local.has(LocalFlags::IEXTEN);
        match byte {
            _ if byte == own.erase => Self::Erase(Erase::Character),
            _ if byte == own.word_erase && extended => Self::Erase(Erase::Word),
            _ if byte == own.kill => Self::Erase(Erase::Line),
            _ if byte == own.literal_next && extended => Self::LiteralNext,
            _ if byte == own.reprint && extended && termios.local.has(LocalFlags::ECHO) => Self::Reprint,
            b'\n' => Self::Newline,
            _ if byte == own.end_of_file => Self::EndOfFile,
            _ if byte == own.end_of_line => Self::EndOfLine(byte),
            _ if byte == own.end_of_line2 && extended => Self::EndOfLine(byte),
            _ => Self::Byte(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tty::Characters;

    fn check(change: impl Fn(&mut Termios), cases: &[(u8, Meaning)]) {
        let mut termios = Termios::default();
        change(&mut termios);
        for (byte, expected) in cases {
            assert_eq!(Meaning::of(*byte, false, &termios), *expected, "{byte:#x}");
        }
    }

    #[test]
    fn bytes_have_the_meaning_linux_gives_them() {
        use Meaning::*;
        check(
            |_| {},
            &[
                (3, Signal(super::Signal::INT, 3)),
                (0x1c, Signal(super::Signal::QUIT, 0x1c)),
                (0x1a, Signal(super::Signal::TSTP, 0x1a)),
                (0x11, Start),
                (0x13, Stop),
                (0x7f, Erase(super::Erase::Character)),
                (0x17, Erase(super::Erase::Word)),
                (0x15, Erase(super::Erase::Line)),
                (0x16, LiteralNext),
                (0x12, Reprint),
                (4, EndOfFile),
                (b'\r', Newline),
                (b'\n', Newline),
                (0, Byte(0)),
                (0xe9, Byte(0xe9)),
            ],
        );
        check(
            |termios| termios.local = termios.local.without(LocalFlags::ICANON),
            &[(4, Byte(4)), (0x7f, Byte(0x7f)), (b'\r', Return), (b'\n', Byte(b'\n'))],
        );
        check(
            |termios| termios.local = termios.local.without(LocalFlags::IEXTEN),
            &[(0x17, Byte(0x17)), (0x16, Byte(0x16)), (0x12, Byte(0x12))],
        );
        check(
            |termios| termios.input = InputFlags::INLCR.with(InputFlags::IGNCR).with(InputFlags::ISTRIP),
            &[
                (b'\r', Nothing),
                (b'\n', Byte(b'\r')),
                (0x83, Signal(super::Signal::INT, 3)),
                (0x13, Byte(0x13)),
            ],
        );
        check(
            |termios| termios.characters = Characters { end_of_line: b';', ..termios.characters },
            &[(b';', EndOfLine(b';'))],
        );
        check(|termios| *termios = termios.raw(), &[(3, Byte(3)), (b'\r', Byte(b'\r')), (0x13, Byte(0x13))]);
    }
}

//! What was written or echoed and the master has not yet read, and where it leaves the cursor.
//!
//! Promise: at most [`BUFFER_BYTES`]; what one byte becomes is put whole or not at all.

use std::collections::VecDeque;

use super::BUFFER_BYTES;
use super::termios::{OutputFlags, Termios};

/// The most that one byte becomes: a tab of spaces.
pub(super) const EXPANSION_MAX: usize = 8;

/// What is left of the output when a signal flushes it. A Linux master has taken this much as soon as it is written; a
/// flush drops what is behind. Keeping it makes what a window shows of a program not depend on how fast it reads.
pub(super) const FLUSHED_BYTES: usize = 4096;

/// The bytes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: VecDeque<u8>,
    /// How many columns the cursor is right of the start; wraps, as only the distance to a tab stop matters.
    column: u32,
    /// The column where the line being edited starts.
    line_column: u32,
}

impl Output {
    /// How many bytes are held.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether `count` more bytes may be put.
    pub(super) fn has_room(&self, count: usize) -> bool {
        self.bytes.len().saturating_add(count) <= BUFFER_BYTES
    }

    /// Puts bytes as they are, if all have room.
    fn put(&mut self, bytes: &[u8]) -> bool {
        let room = self.has_room(bytes.len());
        if room {
            self.bytes.extend(bytes);
        }
        room
    }

    /// Puts as many bytes as have room, as they are.
    pub(super) fn put_raw(&mut self, bytes: &[u8]) -> usize {
        let room = BUFFER_BYTES.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend(bytes.iter().take(room));
        room
    }

    /// Puts what the settings make of a byte. False: there is no room.
    pub(super) fn write(&mut self, byte: u8, termios: &Termios) -> bool {
        let flags = termios.output;
        let has = |flag| flags.has(flag);
        if !has(OutputFlags::OPOST) {
            return self.put(&[byte]);
        }
        match byte {
            b'\n' if has(OutputFlags::ONLCR) => self.put(b"\r\n") && self.at(0, true),
            b'\n' => {
                let column = if has(OutputFlags::ONLRET) { 0 } else { self.column };
                self.put(b"\n") && self.at(column, true)
            }
            b'\r' if has(OutputFlags::ONOCR) && self.column == 0 => true,
            b'\r' if has(OutputFlags::OCRNL) && has(OutputFlags::ONLRET) => {
                self.put(b"\n") && self.at(0, true)
            }
            b'\r' if has(OutputFlags::OCRNL) => self.put(b"\n"),
            b'\r' => self.put(b"\r") && self.at(0, true),
            b'\t' => {
                let width = 8_u32.saturating_sub(self.column & 7);
                let spaces = b"        ".get(..usize::try_from(width).unwrap_or(8)).unwrap_or(b"        ");
                let bytes = if has(OutputFlags::XTABS) { spaces } else { b"\t" };
                self.put(bytes) && self.at(self.column.wrapping_add(width), false)
            }
            8 => self.put(&[byte]) && self.back(),
            _ if byte.is_ascii_control() => self.put(&[byte]),
            _ => {
                let shown = if has(OutputFlags::OLCUC) { byte.to_ascii_uppercase() } else { byte };
                let width = u32::from(!termios.is_continuation(byte));
                self.put(&[shown]) && self.at(self.column.wrapping_add(width), false)
            }
        }
    }

    /// Puts a control character as `^` and a letter. False: there is no room.
    pub(super) fn write_control(&mut self, byte: u8) -> bool {
        self.put(&[b'^', byte ^ 0x40]) && self.at(self.column.wrapping_add(2), false)
    }

    /// Goes back over a tab, before which there are `columns` since the last tab or, unless `after_tab`, since the start
    /// of the line being edited. False: there is no room.
    pub(super) fn erase_tab(&mut self, columns: u32, after_tab: bool) -> bool {
        let start = if after_tab { 0 } else { self.line_column };
        let width = 8_u32.saturating_sub(columns.wrapping_add(start) & 7);
        self.has_room(EXPANSION_MAX) && (0..width).all(|_| self.put(&[8]) && self.back())
    }

    /// The line being edited starts here.
    pub(super) fn start_line(&mut self) -> bool {
        self.line_column = self.column;
        true
    }

    /// The cursor is one column further left than was counted.
    pub(super) fn back(&mut self) -> bool {
        self.column = self.column.saturating_sub(1);
        true
    }

    /// The cursor is in this column, where, if `starts_line`, a line would start.
    fn at(&mut self, column: u32, starts_line: bool) -> bool {
        self.column = column;
        if starts_line {
            self.line_column = column;
        }
        true
    }

    /// Takes what is there.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> usize {
        let count = buf.len().min(self.bytes.len());
        for (slot, byte) in buf.iter_mut().zip(self.bytes.drain(..count)) {
            *slot = byte;
        }
        count
    }

    /// Drops what a signal flushes.
    pub(super) fn flush(&mut self) {
        self.bytes.truncate(FLUSHED_BYTES);
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(flags: &[OutputFlags], written: &str, expected: &str) {
        let output = flags.iter().fold(OutputFlags::OPOST, |all, flag| all.with(*flag));
        let termios = Termios { output, ..Termios::default() };
        let mut output = Output::default();
        assert!(written.bytes().all(|byte| output.write(byte, &termios)));
        let mut buf = vec![0; 1000];
        let count = output.read(&mut buf);
        assert_eq!(String::from_utf8_lossy(&buf[..count]), expected, "{flags:?} {written:?}");
    }

    #[test]
    fn writing_is_processed() {
        use OutputFlags as O;
        check(&[], "a\nb\r", "a\nb\r");
        check(&[O::ONLCR], "a\nb", "a\r\nb");
        check(&[O::OCRNL], "a\rb", "a\nb");
        check(&[O::ONOCR], "\ra\r\rb", "a\rb");
        check(&[O::ONOCR, O::ONLRET], "a\n\rb", "a\nb");
        check(&[O::ONOCR], "a\n\rb", "a\n\rb");
        check(&[O::OLCUC], "aé", "Aé");
        check(&[O::XTABS], "\tx\té\tab\x08\t|", "        x       é       ab\x08       |");
        check(&[O::XTABS, O::ONLCR], "abc\n\t|", "abc\r\n        |");
    }

    #[test]
    fn what_one_byte_becomes_is_put_whole() {
        let termios = Termios {
            output: OutputFlags::OPOST.with(OutputFlags::ONLCR).with(OutputFlags::XTABS),
            ..Termios::default()
        };
        let mut output = Output::default();
        assert_eq!(output.put_raw(&vec![b'x'; BUFFER_BYTES - 1]), BUFFER_BYTES - 1);
        for byte in [b'\n', b'\t'] {
            assert!(!output.write(byte, &termios));
        }
        assert!(!output.write_control(3));
        assert!(!output.erase_tab(0, true));
        assert!(output.write(b'x', &termios));
        assert!(!output.write(b'x', &termios));
        assert_eq!(output.len(), BUFFER_BYTES);
    }
}

//! Erasing: takes characters, words and lines out of the line being edited, and off the screen.

use super::discipline::Discipline;
use super::echo::Echo;
use super::meaning::Erase;
use super::termios::LocalFlags;

impl Discipline {
    /// Erases from the end of the line being edited.
    pub(super) fn erase(&mut self, what: Erase) {
        if self.input.line_len() == 0 {
            return;
        }
        let wipes = [LocalFlags::ECHOK, LocalFlags::ECHOKE, LocalFlags::ECHOE];
        if what == Erase::Line && !(self.echoes() && wipes.into_iter().all(|flag| self.has(flag))) {
            self.kill();
            return;
        }
        let mut in_word = false;
        while let Some((first, count)) = self.last_character() {
            if what == Erase::Word {
                let of_word = first.is_ascii_alphanumeric() || first == b'_' || first >= 0xc0;
                if in_word && !of_word {
                    break;
                }
                in_word |= of_word;
            }
            let rest: Vec<u8> =
                (0..count.saturating_sub(1)).rev().filter_map(|back| self.input.line_byte(back)).collect();
            self.input.erase(count);
            if self.echoes() {
                self.show_erased(first, &rest, what);
            }
            if what == Erase::Character {
                break;
            }
        }
        if self.input.line_len() == 0 {
            self.finish_erasing();
        }
    }

    /// Takes the line away without wiping it out.
    fn kill(&mut self) {
        self.input.erase(usize::MAX);
        if self.echoes() {
            self.finish_erasing();
            self.echo(self.termios.characters.kill);
            if self.has(LocalFlags::ECHOK) {
                self.show(b'\n');
            }
        }
    }

    /// The first byte of the last character, and how many bytes it has. `None`: there is none, or it has no first byte.
    fn last_character(&self) -> Option<(u8, usize)> {
        let mut count = 0;
        loop {
            let byte = self.input.line_byte(count)?;
            count = count.saturating_add(1);
            if !self.termios.is_continuation(byte) {
                return Some((byte, count));
            }
        }
    }

    /// Shows that a character is gone: `first`, and the `rest` of its bytes.
    fn show_erased(&mut self, first: u8, rest: &[u8], what: Erase) {
        let shown = self.has(LocalFlags::ECHOCTL);
        if self.has(LocalFlags::ECHOPRT) {
            if !self.erasing {
                self.erasing = true;
                self.show(b'\\');
            }
            self.echo(first);
            for byte in rest {
                self.show(*byte);
                self.step(Echo::Back);
            }
        } else if what == Erase::Character && !self.has(LocalFlags::ECHOE) {
            self.echo(self.termios.characters.erase);
        } else if first == b'\t' {
            let (columns, after_tab) = self.columns();
            self.step(Echo::EraseTab { columns, after_tab });
        } else {
            let width = if !first.is_ascii_control() {
                1
            } else if shown {
                2
            } else {
                0
            };
            (0..width).for_each(|_| b"\x08 \x08".iter().for_each(|byte| self.show(*byte)));
        }
    }

    /// How many columns the end of the line takes since the last tab, and whether there is one.
    fn columns(&self) -> (u32, bool) {
        let mut columns = 0_u32;
        let mut back = 0;
        while let Some(byte) = self.input.line_byte(back) {
            back = back.saturating_add(1);
            let width = match byte {
                b'\t' => return (columns, true),
                _ if byte.is_ascii_control() => u32::from(self.has(LocalFlags::ECHOCTL)).saturating_mul(2),
                _ => u32::from(!self.termios.is_continuation(byte)),
            };
            columns = columns.saturating_add(width);
        }
        (columns, false)
    }
}

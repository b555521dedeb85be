//! What was typed and not yet read: whole lines, and the line being edited behind them.
//!
//! Promises: at most [`BUFFER_BYTES`], of which the line being edited has at most [`LINE_BYTES_MAX`]; a read of lines
//! never goes past the end of one.

use std::collections::VecDeque;

use super::BUFFER_BYTES;
use crate::limits::LINE_BYTES_MAX;

/// Whether a line ends with a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It goes on.
    No,
    /// It ends with this byte.
    Line,
    /// It ends before this byte, which is no part of it: the end of the input if nothing else is.
    File,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    byte: u8,
    end: End,
}

/// The bytes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Input {
    cells: VecDeque<Cell>,
    /// How many of them are whole lines; 0 while lines are not edited.
    whole: usize,
    /// How many of those are [`End::File`].
    files: usize,
}

impl Input {
    /// How many bytes are held.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Bytes that a program can read when lines are edited.
    pub(super) fn whole_bytes(&self) -> usize {
        self.whole.saturating_sub(self.files)
    }

    /// Whether there is a line to read, or the end of the input.
    pub(super) fn has_line(&self) -> bool {
        self.whole > 0
    }

    /// How long the line being edited is.
    pub(super) fn line_len(&self) -> usize {
        self.cells.len().saturating_sub(self.whole)
    }

    /// Whether `count` more bytes may be put.
    pub(super) fn has_room(&self, count: usize) -> bool {
        self.cells.len().saturating_add(count) <= BUFFER_BYTES
    }

    /// Adds a byte to the line being edited. When that is as long as a line can be, it is dropped, as on Linux, so that
    /// the line can still be edited and ended.
    pub(super) fn push_edited(&mut self, byte: u8) {
        if self.line_len().saturating_add(1) < LINE_BYTES_MAX {
            self.push(byte);
        }
    }

    /// Adds a byte. The caller asked for room.
    pub(super) fn push(&mut self, byte: u8) {
        self.cells.push_back(Cell { byte, end: End::No });
    }

    /// Ends the line being edited with a byte. The caller asked for room.
    pub(super) fn end_line(&mut self, byte: u8, end: End) {
        self.cells.push_back(Cell { byte, end });
        self.whole = self.cells.len();
        self.files = self.files.saturating_add(usize::from(end == End::File));
    }

    /// The byte of the line being edited that is `back` before its end, 0 being the last one.
    pub(super) fn line_byte(&self, back: usize) -> Option<u8> {
        let index = self.cells.len().checked_sub(back)?.checked_sub(1)?;
        (index >= self.whole).then(|| self.cells.get(index).map(|cell| cell.byte)).flatten()
    }

    /// The bytes of the line being edited.
    pub(super) fn line(&self) -> impl Iterator<Item = u8> + '_ {
        self.cells.iter().skip(self.whole).map(|cell| cell.byte)
    }

    /// Takes the last `count` bytes of the line being edited away.
    pub(super) fn erase(&mut self, count: usize) {
        self.cells.truncate(self.whole.max(self.cells.len().saturating_sub(count)));
    }

    /// Reads from the first whole line, and at most that. `None`: there is none.
    ///
    /// An end of the input right behind what `buf` had room for goes with it: it ended that line, and is not the end for
    /// the next read.
    pub(super) fn read_line(&mut self, buf: &mut [u8]) -> Option<usize> {
        let mut count = 0;
        let mut space = buf.iter_mut();
        while self.whole > 0 {
            let at_end = self.cells.front().is_some_and(|cell| cell.end == End::File);
            let slot = space.next();
            if slot.is_none() && !at_end {
                return Some(count);
            }
            let cell = self.cells.pop_front()?;
            self.whole = self.whole.saturating_sub(1);
            if at_end {
                self.files = self.files.saturating_sub(1);
                return Some(count);
            }
            if let Some(slot) = slot {
                *slot = cell.byte;
                count = count.saturating_add(1);
            }
            if cell.end == End::Line {
                return Some(count);
            }
        }
        (count > 0).then_some(count)
    }

    /// Reads what is there.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> usize {
        let count = buf.len().min(self.cells.len());
        for (slot, cell) in buf.iter_mut().zip(self.cells.drain(..count)) {
            *slot = cell.byte;
        }
        count
    }

    /// Lines are edited from now on, or no longer. Everything typed so far is kept: it is one line, which can be read
    /// and not edited; or bytes, an end of the input being a 0. Unlike on Linux, a 0 at the end of that line is kept.
    pub(super) fn edit(&mut self, edits: bool) {
        self.cells.iter_mut().for_each(|cell| cell.end = End::No);
        self.files = 0;
        self.whole = if edits { self.cells.len() } else { 0 };
        if let Some(last) = self.cells.back_mut().filter(|_| edits) {
            last.end = End::Line;
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u8),
        Line,
        File,
        Erase(usize),
        Read(usize),
        Edit(bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => any::<u8>().prop_map(Step::Push),
            2 => Just(Step::Line),
            1 => Just(Step::File),
            1 => (0_usize..4).prop_map(Step::Erase),
            3 => (0_usize..8).prop_map(Step::Read),
            1 => any::<bool>().prop_map(Step::Edit),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn counts_agree_with_what_is_held(steps in proptest::collection::vec(step(), 0..200)) {
            let mut input = Input::default();
            for step in steps {
                match step {
                    Step::Push(byte) => input.push_edited(byte),
                    Step::Line => input.end_line(b'\n', End::Line),
                    Step::File => input.end_line(0, End::File),
                    Step::Erase(count) => input.erase(count),
                    Step::Read(count) => {
                        let before = input.has_line();
                        prop_assert_eq!(input.read_line(&mut vec![0; count]).is_some(), before);
                    }
                    Step::Edit(edits) => input.edit(edits),
                }
                let files = input.cells.iter().take(input.whole).filter(|cell| cell.end == End::File).count();
                prop_assert_eq!(input.files, files);
                prop_assert!(input.whole <= input.cells.len());
                let behind = input.cells.iter().skip(input.whole).all(|cell| cell.end == End::No);
                prop_assert!(behind);
            }
        }
    }
}

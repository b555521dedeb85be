//! The line discipline: what happens to every byte typed, and between it and what is written.
//!
//! It is Linux's, and says so where it is not. It decides on one byte at a time, from the settings and what is held, and
//! never looks at who reads or writes.

use std::time::Duration;

use super::echo::{ECHOES_MAX, Echo, Echoes};
use super::input::{End, Input};
use super::meaning::Meaning;
use super::output::{EXPANSION_MAX, Output};
use super::termios::{InputFlags, LocalFlags, OutputFlags, Termios};
use crate::process::Signal;

/// What became of a typed byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// It was taken.
    Taken,
    /// It was taken, and is a signal to the foreground.
    Signal(Signal),
    /// There is no room for it: it was not looked at.
    Full,
}

/// A line discipline, with the bytes in it.
#[derive(Debug, Default)]
pub(super) struct Discipline {
    pub(super) termios: Termios,
    pub(super) input: Input,
    pub(super) output: Output,
    echoes: Echoes,
    /// The next byte stands for itself.
    literal: bool,
    /// What is erased is being shown between `\` and `/`.
    pub(super) erasing: bool,
    /// Output stands still.
    stopped: bool,
    /// A program stopped it, and typing does not start it.
    held: bool,
}

impl Discipline {
    /// Takes a typed byte.
    pub(super) fn receive(&mut self, byte: u8) -> Received {
        let meaning = Meaning::of(byte, self.literal, &self.termios);
        let marked = self.has_input(InputFlags::PARMRK);
        let needs = match meaning {
            Meaning::Byte(0xff) | Meaning::EndOfLine(0xff) if marked => 2,
            Meaning::Byte(_)
            | Meaning::EndOfLine(_)
            | Meaning::Newline
            | Meaning::EndOfFile
            | Meaning::Return => 1,
            _ => 0,
        };
        if !self.input.has_room(needs) {
            return Received::Full;
        }
        self.literal = false;
        let flow = matches!(meaning, Meaning::Start | Meaning::Stop | Meaning::Signal(..));
        if !flow && self.has_input(InputFlags::IXON) && self.has_input(InputFlags::IXANY) {
            self.start();
        }
        match meaning {
            Meaning::Start => self.start(),
            Meaning::Stop => self.stopped = true,
            Meaning::Signal(signal, byte) => {
                self.signalled(byte);
                return Received::Signal(signal);
            }
            Meaning::Nothing => {}
            Meaning::Erase(what) => self.erase(what),
            Meaning::LiteralNext => self.literal_next(),
            Meaning::Reprint => self.reprint(),
            Meaning::Newline => {
                if self.echoes() || self.has(LocalFlags::ECHONL) {
                    self.show(b'\n');
                }
                self.input.end_line(b'\n', End::Line);
            }
            Meaning::EndOfFile => self.input.end_line(0, End::File),
            Meaning::EndOfLine(byte) => {
                self.echo_first(byte);
                if byte == 0xff && marked {
                    self.input.push_edited(byte);
                }
                self.input.end_line(byte, End::Line);
            }
            Meaning::Byte(byte) => {
                self.finish_erasing();
                self.echo_first(byte);
                self.keep(byte);
                if byte == 0xff && marked {
                    self.keep(byte);
                }
            }
            Meaning::Return => {
                self.finish_erasing();
                if self.echoes() {
                    self.show(b'\n');
                }
                self.keep(b'\n');
            }
        }
        Received::Taken
    }

    fn keep(&mut self, byte: u8) {
        if self.termios.edits() {
            self.input.push_edited(byte);
        } else {
            self.input.push(byte);
        }
    }

    fn signalled(&mut self, byte: u8) {
        if !self.has(LocalFlags::NOFLSH) {
            self.flush_input();
            self.flush_output();
        }
        if self.has_input(InputFlags::IXON) {
            self.start();
        }
        if self.echoes() {
            self.echo(byte);
        }
    }

    fn literal_next(&mut self) {
        self.literal = true;
        self.finish_erasing();
        if self.echoes() && self.has(LocalFlags::ECHOCTL) {
            self.show(b'^');
            self.show(8);
        }
    }

    /// Shows the line again. Unlike Linux not while so much waits to be shown that the line would push it out: a master
    /// that does not read could ask again with every byte, and have the whole line gone through each time.
    fn reprint(&mut self) {
        let waiting = self.echoes.len();
        if waiting > 0 && waiting.saturating_add(self.input.line_len()) > ECHOES_MAX {
            return;
        }
        self.finish_erasing();
        self.echo(self.termios.characters.reprint);
        self.show(b'\n');
        let line: Vec<u8> = self.input.line().collect();
        line.into_iter().for_each(|byte| self.echo(byte));
    }

    /// Shows a byte that may be the first of a line.
    fn echo_first(&mut self, byte: u8) {
        if self.echoes() {
            if self.input.line_len() == 0 {
                self.step(Echo::StartLine);
            }
            self.echo(byte);
        }
    }

    /// Shows a byte that was typed.
    pub(super) fn echo(&mut self, byte: u8) {
        let control = self.has(LocalFlags::ECHOCTL) && byte.is_ascii_control() && byte != b'\t';
        self.step(if control { Echo::Control(byte) } else { Echo::Byte(byte) });
    }

    /// Shows a byte as if it were written.
    pub(super) fn show(&mut self, byte: u8) {
        self.step(Echo::Byte(byte));
    }

    /// Does one step of showing.
    pub(super) fn step(&mut self, echo: Echo) {
        self.echoes.push(echo, &mut self.output, &self.termios, self.stopped);
    }

    /// Ends what shows what is erased.
    pub(super) fn finish_erasing(&mut self) {
        if self.echoes() && self.erasing {
            self.erasing = false;
            self.show(b'/');
        }
    }

    /// Whether what is typed is shown.
    pub(super) fn echoes(&self) -> bool {
        self.has(LocalFlags::ECHO)
    }

    /// Whether a flag is on.
    pub(super) fn has(&self, flag: LocalFlags) -> bool {
        self.termios.local.has(flag)
    }

    fn has_input(&self, flag: InputFlags) -> bool {
        self.termios.input.has(flag)
    }

    /// Output goes on, unless a program stopped it.
    fn start(&mut self) {
        if !self.held {
            self.stopped = false;
            self.flush_echoes();
        }
    }

    /// Output stands still until [`Discipline::release`], whatever is typed.
    pub(super) fn hold(&mut self) {
        self.held = true;
        self.stopped = true;
    }

    /// Ends what [`Discipline::hold`] began.
    pub(super) fn release(&mut self) {
        self.held = false;
        self.start();
    }

    fn flush_echoes(&mut self) {
        if !self.stopped {
            self.echoes.flush(&mut self.output, &self.termios);
        }
    }

    /// Writes what there is room for.
    pub(super) fn write(&mut self, buf: &[u8]) -> usize {
        self.flush_echoes();
        if self.stopped || self.echoes.len() > 0 {
            return 0;
        }
        if !self.termios.output.has(OutputFlags::OPOST) {
            return self.output.put_raw(buf);
        }
        let (output, termios) = (&mut self.output, &self.termios);
        buf.iter().take_while(|byte| output.write(**byte, termios)).count()
    }

    /// How many steps of showing wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.echoes.len()
    }

    /// Whether any byte could be written.
    pub(super) fn is_writable(&self) -> bool {
        !self.stopped && self.output.has_room(EXPANSION_MAX)
    }

    /// Takes output.
    pub(super) fn read_output(&mut self, buf: &mut [u8]) -> usize {
        let count = self.output.read(buf);
        self.flush_echoes();
        count
    }

    /// Reads what was typed. `patient`: not before there is as much as the settings ask for. `None`: that is to come.
    pub(super) fn read(&mut self, buf: &mut [u8], patient: bool) -> Option<usize> {
        if self.termios.edits() {
            return self.input.read_line(buf);
        }
        let own = &self.termios.characters;
        if own.minimum == 0 && own.time == 0 {
            return Some(self.input.read(buf));
        }
        let enough = if patient { usize::from(own.minimum).min(buf.len()) } else { 1 };
        (self.input.len() >= enough.max(1)).then(|| self.input.read(buf))
    }

    /// How long a read may wait for something more: see [`Slave::read_timeout`](super::Slave::read_timeout).
    pub(super) fn read_timeout(&self) -> Option<Duration> {
        let own = &self.termios.characters;
        let counts = own.minimum == 0 || (own.time > 0 && self.input.len() > 0);
        (counts && !self.termios.edits())
            .then(|| Duration::from_millis(u64::from(own.time).saturating_mul(100)))
    }

    /// Whether a read would not wait.
    pub(super) fn is_readable(&self) -> bool {
        let own = &self.termios.characters;
        if self.termios.edits() {
            return self.input.has_line();
        }
        let enough = if own.time == 0 { own.minimum.max(1) } else { 1 };
        self.input.len() >= usize::from(enough)
    }

    /// Bytes that could be read.
    pub(super) fn readable(&self) -> usize {
        if self.termios.edits() { self.input.whole_bytes() } else { self.input.len() }
    }

    /// Changes the settings.
    pub(super) fn set(&mut self, termios: Termios) {
        let before = std::mem::replace(&mut self.termios, termios.of_a_pair());
        if before.edits() != self.termios.edits() {
            self.input.edit(self.termios.edits());
            self.erasing = false;
            self.literal = false;
        }
        if before.input.has(InputFlags::IXON) && !self.has_input(InputFlags::IXON) {
            self.start();
        }
    }

    /// Drops what was typed.
    pub(super) fn flush_input(&mut self) {
        self.input.clear();
        self.erasing = false;
    }

    /// Drops what was written and is not as good as read.
    pub(super) fn flush_output(&mut self) {
        self.echoes.clear();
        self.output.flush();
    }

    /// Begins anew for whoever comes next, but for the output that is still to be read.
    pub(super) fn reset(&mut self) {
        let output = std::mem::take(&mut self.output);
        *self = Self { output, ..Self::default() };
    }
}

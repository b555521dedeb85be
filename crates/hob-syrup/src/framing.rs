//! Cutting a stream of bytes into messages.
//!
//! Bytes come in pieces of any size, down to one at a time: none is looked at twice for that, and no more is held than one
//! message may have and what was pushed last. Stops: a peer that sends slowly on purpose, and one that announces more than
//! it may send.

use crate::error::{Error, ErrorKind};
use crate::grammar::Grammar;
use crate::limits::{Limits, Mode};
use crate::token::Token;
use crate::writer;

/// How messages follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One record after another: where one ends shows in itself.
    Raw,
    /// Byte arrays that hold one message each: `<length>:<record>`.
    Sized,
}

impl Framing {
    /// Appends a message to what is to be sent.
    pub fn write(self, message: &[u8], out: &mut Vec<u8>) {
        if self == Self::Sized {
            writer::length(out, message.len());
            out.push(b':');
        }
        out.extend_from_slice(message);
    }
}

/// What a [`Framer`] keeps allocated while it holds less, in bytes.
const KEEP: usize = 64 << 10;

/// Digits of a length that could be allowed, and one more.
const LENGTH_DIGITS: usize = 20;

/// Messages out of a stream.
///
/// With [`Framing::Raw`] a message was read once as far as [`Mode`] and [`Limits`] say; with [`Framing::Sized`] nobody has
/// looked into it. After an error there is no telling where the next message begins.
#[derive(Debug)]
pub struct Framer {
    framing: Framing,
    mode: Mode,
    limits: Limits,
    held: Vec<u8>,
    /// Where in `held` the next message begins.
    start: usize,
    grammar: Grammar,
}

impl Framer {
    /// Begins at the beginning of a message.
    #[must_use]
    pub fn new(framing: Framing, mode: Mode, limits: Limits) -> Self {
        Self { framing, mode, limits, held: Vec::new(), start: 0, grammar: Grammar::new(mode, limits) }
    }

    /// Takes what came. Ask for messages until there is none before more is pushed: only then what is held is bounded.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.held.drain(..self.start);
            self.start = 0;
        }
        if self.held.capacity() > KEEP && self.held.len() + bytes.len() <= KEEP {
            self.held.shrink_to(KEEP);
        }
        self.held.extend_from_slice(bytes);
    }

    /// How many bytes are held that belong to no message yet. When a stream ends and this is not 0, a message was cut.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.held.len().saturating_sub(self.start)
    }

    /// The next message, when all of it is there.
    ///
    /// # Errors
    /// What is there is not the beginning of a message, or passes a limit. Offsets are from where the message begins.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, Error> {
        let found = match self.framing {
            Framing::Raw => self.raw()?,
            Framing::Sized => self.sized()?,
        };
        let Some((from, to)) = found else { return Ok(None) };
        self.start = to;
        Ok(self.held.get(from..to))
    }

    fn raw(&mut self) -> Result<Option<(usize, usize)>, Error> {
        if self.grammar.at() == 0 {
            let rest = self.held.get(self.start..).unwrap_or_default();
            // Whitespace between messages belongs to none of them, so an endless amount of it takes no memory.
            if self.mode == Mode::Liberal {
                self.start += rest.iter().take_while(|byte| Grammar::is_space(**byte)).count();
            }
        }
        let input = self.held.get(self.start..).unwrap_or_default();
        if input.is_empty() {
            return Ok(None);
        }
        loop {
            let step = self.grammar.scan(input).and_then(|scanned| {
                if self.grammar.depth() == 0 && scanned.token != Token::RecordStart {
                    let (expected, found) = ("a record".into(), scanned.token.describe());
                    return Err(Error::new(scanned.start, ErrorKind::Unexpected { expected, found }));
                }
                self.grammar.commit(input, &scanned)
            });
            match step {
                Ok(()) if self.grammar.depth() == 0 => break,
                Ok(()) => {}
                Err(error) if error.incomplete().is_some() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let end = self.start + self.grammar.at();
        self.grammar = Grammar::new(self.mode, self.limits);
        Ok(Some((self.start, end)))
    }

    fn sized(&mut self) -> Result<Option<(usize, usize)>, Error> {
        let rest = self.held.get(self.start..).unwrap_or_default();
        let count = rest.iter().take(LENGTH_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        let digits = rest.get(..count).unwrap_or_default();
        if count > 1 && digits.first() == Some(&b'0') {
            return Err(Error::new(0, ErrorKind::LeadingZero));
        }
        let length = digits.iter().try_fold(0usize, |sum, digit| {
            sum.checked_mul(10)?.checked_add(usize::from(digit & 0xf)).filter(|sum| *sum <= self.limits.bytes)
        });
        let Some(length) = length else {
            return Err(Error::new(0, ErrorKind::Limit { limit: "bytes", max: self.limits.bytes }));
        };
        match rest.get(count) {
            None => return Ok(None),
            Some(b':') if count > 0 => {}
            Some(other) => return Err(Error::new(count, ErrorKind::Byte(*other))),
        }
        let from = self.start + count + 1;
        // Both are lengths of what is, or could be, in memory.
        let to = from.saturating_add(length);
        Ok((to <= self.held.len()).then_some((from, to)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out of the pieces, and what is left.
    fn messages(framing: Framing, pieces: &[&[u8]]) -> Result<(Vec<String>, usize), Error> {
        let limits = Limits { bytes: 20, ..Limits::default() };
        let mut framer = Framer::new(framing, Mode::Liberal, limits);
        let mut found = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(message) = framer.next_message()? {
                found.push(message.escape_ascii().to_string());
            }
        }
        Ok((found, framer.pending()))
    }

    fn check(framing: Framing, stream: &[u8], expected: &[&str], left: usize) {
        let expected: Vec<String> = expected.iter().map(|message| (*message).into()).collect();
        let pieces: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(messages(framing, &pieces), Ok((expected.clone(), left)));
        assert_eq!(messages(framing, &[stream]), Ok((expected, left)));
    }

    /// Where a limit is noticed depends on what has come, that it is does not.
    fn refused(framing: Framing, stream: &[u8], expected: &str) {
        let pieces: Vec<&[u8]> = stream.chunks(1).collect();
        for pieces in [pieces, vec![stream]] {
            let error = messages(framing, &pieces).unwrap_err();
            assert_eq!(error.kind().to_string(), expected);
        }
    }

    #[test]
    fn records_end_by_themselves() {
        check(Framing::Raw, b"", &[], 0);
        check(Framing::Raw, b"<1'a><1'b[]>", &["<1\\'a>", "<1\\'b[]>"], 0);
        check(Framing::Raw, b" <1'a> \n<1'b\t2:>>>  ", &["<1\\'a>", "<1\\'b\\t2:>>>"], 0);
        check(Framing::Raw, b"<1'a><1'b", &["<1\\'a>"], 4);
        check(Framing::Raw, b"<1'a{1\"a12", &[], 10);
        refused(Framing::Raw, b"<1'a>t", "expected a record, found true");
        refused(Framing::Raw, b"<1'a]", "`]` closes what is not open");
    }

    #[test]
    fn frames_say_their_length() {
        check(Framing::Sized, b"", &[], 0);
        check(Framing::Sized, b"5:<1'a>6:<1'b[]7:", &["<1\\'a>", "<1\\'b[]"], 2);
        check(Framing::Sized, b"0:1:x", &["", "x"], 0);
        refused(Framing::Sized, b"05:", "a number begins with 0 and goes on");
        refused(Framing::Sized, b"<1'a>", "no value begins or goes on with `<`");
        refused(Framing::Sized, b"1x", "no value begins or goes on with `x`");
        refused(Framing::Sized, b":", "no value begins or goes on with `:`");
    }

    #[test]
    fn messages_are_bounded() {
        let limit = "the limit `bytes` of 20 is passed";
        check(Framing::Raw, b"<1'a12:012345678901>", &["<1\\'a12:012345678901>"], 0);
        // In pieces it is refused as soon as the end of the record would be past the limit.
        refused(Framing::Raw, b"<1'a13:0123456789012>", limit);
        // Refused when the length is known, not when the bytes have come.
        refused(Framing::Raw, b"<1'a99:", limit);
        check(Framing::Sized, b"20:<1'a12:012345678901>", &["<1\\'a12:012345678901>"], 0);
        refused(Framing::Sized, b"21", "the limit `bytes` of 20 is passed");
        // The one byte past the limit is not needed to refuse what is open there.
        refused(Framing::Raw, b"<1'attttttttttttttt[", "the limit `bytes` of 20 is passed");
    }

    #[test]
    fn what_was_written_is_cut_out_again() {
        let mut out = Vec::new();
        for framing in [Framing::Raw, Framing::Sized] {
            out.clear();
            framing.write(b"<1'a>", &mut out);
            framing.write(b"<1'b1+>", &mut out);
            check(framing, &out, &["<1\\'a>", "<1\\'b1+>"], 0);
        }
    }

    /// An integer's digits arrive one by one: going through all of them each time would take hours.
    #[test]
    fn no_byte_is_looked_at_again_for_each_that_comes() {
        let limits = Limits { digits: 400_000, ..Limits::default() };
        let mut framer = Framer::new(Framing::Raw, Mode::Canonical, limits);
        framer.push(b"<1'a");
        for _ in 0..limits.digits {
            framer.push(b"7");
            assert_eq!(framer.next_message(), Ok(None));
        }
        framer.push(b"+>");
        assert_eq!(framer.next_message().unwrap().map(<[u8]>::len), Some(limits.digits + 6));
    }
}

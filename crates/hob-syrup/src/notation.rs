//! Values as OCapN's documents write them: `<op:deliver <desc:export 0> ['fetch :abc] f f>`. For people and for logs.
//!
//! A label stands as it is, a symbol has `'` in front, a byte array `:`; what is no plain word is quoted and escaped. It is
//! not read back.

use std::fmt;

use crate::escape;
use crate::limits::{Limits, Mode};
use crate::reader::Reader;
use crate::token::{Kind, Token};

/// The values in `bytes` in the notation of OCapN's documents, at most `max` characters of it; where they cannot be read
/// on, it says why.
#[must_use]
pub fn notation(bytes: &[u8], max: usize) -> String {
    let mut out = Bounded::new(max);
    let mut reader = Reader::new(bytes, Mode::Liberal, Limits::default());
    let mut printer = Printer::new(&mut out);
    // What does not fit ends the printing.
    let _ = print(&mut reader, &mut printer);
    out.finish()
}

fn print<W: fmt::Write>(reader: &mut Reader<'_>, printer: &mut Printer<W>) -> fmt::Result {
    while !matches!(reader.more(), Ok(false)) || reader.depth() > 0 {
        match reader.next_token() {
            Ok(token) => printer.token(&token)?,
            Err(error) => return write!(printer.out, " … ({error})"),
        }
    }
    Ok(())
}

/// Prints tokens with what belongs between them.
pub(crate) struct Printer<W> {
    out: W,
    /// Whether a space belongs before the next value.
    space: bool,
    /// Whether the next token is a label.
    label: bool,
}

impl<W: fmt::Write> Printer<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, space: false, label: false }
    }

    pub(crate) fn token(&mut self, token: &Token<'_>) -> fmt::Result {
        let kind = token.kind();
        if self.space && kind != Kind::End {
            self.out.write_char(' ')?;
        }
        self.space = !matches!(kind, Kind::List | Kind::Struct | Kind::Record | Kind::Set);
        let label = std::mem::replace(&mut self.label, kind == Kind::Record);
        let out = &mut self.out;
        match token {
            Token::Bool(true) => out.write_char('t'),
            Token::Bool(false) => out.write_char('f'),
            Token::Int(int) => {
                if int.is_negative() {
                    out.write_char('-')?;
                }
                int.digits().iter().try_for_each(|digit| out.write_char(char::from(*digit)))
            }
            Token::F64(float) if float.is_nan() => out.write_str("nan"),
            Token::F64(float) => write!(out, "{float:?}"),
            Token::Str(text) => quoted(out, text),
            Token::Symbol(text) if is_word(text.as_bytes()) => {
                if !label {
                    out.write_char('\'')?;
                }
                out.write_str(text)
            }
            Token::Symbol(text) => {
                out.write_char('\'')?;
                quoted(out, text)
            }
            Token::Bytes(bytes) => {
                let quote = if is_word(bytes) { "" } else { "\"" };
                write!(out, ":{quote}")?;
                escape::bytes(out, bytes, usize::MAX)?;
                out.write_str(quote)
            }
            Token::ListStart => out.write_char('['),
            Token::ListEnd => out.write_char(']'),
            Token::StructStart => out.write_char('{'),
            Token::SetStart => out.write_str("#{"),
            Token::StructEnd | Token::SetEnd => out.write_char('}'),
            Token::RecordStart => out.write_char('<'),
            Token::RecordEnd => out.write_char('>'),
        }
    }
}

fn quoted(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    escape::text(out, text, usize::MAX)?;
    out.write_char('"')
}

/// Whether this can stand without quotes.
fn is_word(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+*=!?%&@~^$|".contains(byte))
}

/// Text up to a length; what is longer ends with `…`.
pub(crate) struct Bounded {
    out: String,
    left: usize,
    cut: bool,
}

impl Bounded {
    pub(crate) fn new(max: usize) -> Self {
        Self { out: String::new(), left: max, cut: false }
    }

    pub(crate) fn finish(mut self) -> String {
        if self.cut {
            self.out.push('…');
        }
        self.out
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let Some(left) = self.left.checked_sub(1) else {
                self.cut = true;
                return Err(fmt::Error);
            };
            self.left = left;
            self.out.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Datum;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(notation(bytes, 1000), expected);
        let datum = Datum::decode(bytes, Mode::Liberal, Limits::default()).unwrap();
        assert_eq!(format!("{datum:?}"), expected);
    }

    #[test]
    fn values_are_shown_as_the_documents_show_them() {
        check(
            b"<10'op:deliver<11'desc:export0+>[5'fetch3:abc]ff>",
            "<op:deliver <desc:export 0> ['fetch :abc] f f>",
        );
        check(b"[3\"foo1+f3:bar[3\"baz]]", "[\"foo\" 1 f :bar [\"baz\"]]");
        check(b"{1\"a1+1\"b5-}", "{\"a\" 1 \"b\" -5}");
        check(b"D@\x04\0\0\0\0\0\0", "2.5");
        check(b"[D\x80\0\0\0\0\0\0\0D\x7f\xf8\0\0\0\0\0\0D\x7f\xf0\0\0\0\0\0\0]", "[-0.0 nan inf]");
        check(b"#1+[]$", "#{1 []}");
        check(b"<1\"a<1+{}>t>", "<\"a\" <1 {}> t>");
        check(b"[0:0\"0']", "[:\"\" \"\" '\"\"]");
        check(b"[3'a b2:\0\xff4\"\x1b[\"\x7f]", "['\"a b\" :\"\\x00\\xff\" \"\\u{1b}[\\\"\\u{7f}\"]");
    }

    #[test]
    fn what_is_longer_is_cut() {
        let bytes = b"[5'abcde5'fghij]";
        for (max, expected) in [(15, "['abcde 'fghij]"), (14, "['abcde 'fghij…"), (1, "[…"), (0, "…")] {
            assert_eq!(notation(bytes, max), expected);
            let datum = Datum::decode(bytes, Mode::Liberal, Limits::default()).unwrap();
            assert_eq!(datum.notation(max), expected);
        }
    }

    #[test]
    fn what_cannot_be_read_on_says_why() {
        assert_eq!(notation(b"t[1+?]", 100), "t [1 … (at byte 4: no value begins or goes on with `?`)");
        assert_eq!(notation(b"]", 100), " … (at byte 0: `]` closes what is not open)");
        assert_eq!(notation(b"", 100), "");
    }
}

//! Reading bytes token by token, or field by field as a protocol says.

use crate::error::{Error, ErrorKind};
use crate::grammar::{Grammar, Place, Scanned};
use crate::limits::{Limits, Mode};
use crate::token::{IntToken, Kind, Token};

/// Reads values out of bytes, one after another, without copying them.
///
/// What fails leaves the reader before the value that is wrong, so another way to read it can be tried.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    input: &'a [u8],
    grammar: Grammar,
}

/// A place between two values, from [`Reader::mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(usize);

/// The bytes of exactly one value, as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a [u8]);

impl<'a> Raw<'a> {
    /// Checks that `bytes` are one value.
    ///
    /// # Errors
    /// They are not, or pass a limit.
    pub fn new(bytes: &'a [u8], mode: Mode, limits: Limits) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, mode, limits);
        reader.skip_value()?;
        reader.finish()?;
        Ok(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Reader<'a> {
    /// Reads from the beginning of `input`. `limits` are for all that is read.
    #[must_use]
    pub fn new(input: &'a [u8], mode: Mode, limits: Limits) -> Self {
        Self { input, grammar: Grammar::new(mode, limits) }
    }

    /// How many bytes were read.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.grammar.at()
    }

    /// How many lists, structs, records and sets are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.grammar.depth()
    }

    /// Reads one token.
    ///
    /// # Errors
    /// There is none, it may not stand here, or it passes a limit.
    #[inline]
    pub fn next_token(&mut self) -> Result<Token<'a>, Error> {
        let scanned = self.grammar.scan(self.input)?;
        self.grammar.commit(self.input, &scanned)?;
        Ok(scanned.token)
    }

    /// What the next value is; [`Kind::End`] when there is none in what is open. Nothing is read.
    ///
    /// # Errors
    /// No token is there.
    pub fn peek(&mut self) -> Result<Kind, Error> {
        self.grammar.kind(self.input)
    }

    /// Whether another value is in what is open; outside of everything, whether bytes are left.
    ///
    /// # Errors
    /// The bytes end within what is open.
    #[inline]
    pub fn more(&mut self) -> Result<bool, Error> {
        match self.grammar.first(self.input) {
            Some(b']' | b'}' | b'>' | b'$') => Ok(self.depth() == 0),
            Some(_) => Ok(true),
            None if self.depth() == 0 => Ok(false),
            None => self.grammar.scan(self.input).map(|_| true),
        }
    }

    /// Reads one value with all it holds and gives its bytes: what a signature is over, or what is passed on as it came.
    ///
    /// # Errors
    /// No value is there, something in it is wrong, or it passes a limit.
    pub fn raw_value(&mut self) -> Result<Raw<'a>, Error> {
        let start = self.mark();
        self.skip_value()?;
        Ok(Raw(self.since(start)))
    }

    /// Reads one value with all it holds.
    ///
    /// # Errors
    /// No value is there, something in it is wrong, or it passes a limit.
    pub fn skip_value(&mut self) -> Result<(), Error> {
        let depth = self.depth();
        let first = self.scan("a value", |token| token.kind() != Kind::End)?;
        self.commit(&first)?;
        while self.depth() > depth {
            self.next_token()?;
        }
        Ok(())
    }

    /// Where the next value begins.
    pub fn mark(&mut self) -> Mark {
        self.grammar.first(self.input);
        Mark(self.offset())
    }

    /// The bytes read since.
    #[must_use]
    pub fn since(&self, mark: Mark) -> &'a [u8] {
        self.input.get(mark.0..self.offset()).unwrap_or_default()
    }

    /// Reads a boolean.
    ///
    /// # Errors
    /// Another value is there.
    pub fn bool(&mut self) -> Result<bool, Error> {
        self.take("a boolean", |token| match token {
            Token::Bool(value) => Some(value),
            _ => None,
        })
    }

    /// Reads an integer of any size.
    ///
    /// # Errors
    /// Another value is there.
    pub fn int(&mut self) -> Result<IntToken<'a>, Error> {
        self.take("an integer", |token| match token {
            Token::Int(int) => Some(int),
            _ => None,
        })
    }

    /// Reads an integer of 64 bits.
    ///
    /// # Errors
    /// Another value is there, or one that does not fit.
    pub fn i64(&mut self) -> Result<i64, Error> {
        self.take("an integer of 64 bits", |token| match token {
            Token::Int(int) => int.to_i64(),
            _ => None,
        })
    }

    /// Reads an integer from 0 on, of 64 bits.
    ///
    /// # Errors
    /// Another value is there, or one that does not fit.
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.take("an integer from 0 on, of 64 bits", |token| match token {
            Token::Int(int) => int.to_u64(),
            _ => None,
        })
    }

    /// Reads a float.
    ///
    /// # Errors
    /// Another value is there.
    pub fn f64(&mut self) -> Result<f64, Error> {
        self.take("a float", |token| match token {
            Token::F64(float) => Some(float),
            _ => None,
        })
    }

    /// Reads a byte array.
    ///
    /// # Errors
    /// Another value is there.
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        self.take("a byte array", |token| match token {
            Token::Bytes(bytes) => Some(bytes),
            _ => None,
        })
    }

    /// Reads a byte array of `N` bytes.
    ///
    /// # Errors
    /// Another value is there, or one of another length.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let scanned = self.grammar.scan(self.input)?;
        match scanned.token {
            Token::Bytes(bytes) => match bytes.try_into() {
                Ok(array) => self.commit(&scanned).map(|()| array),
                Err(_) => Err(self.unexpected(&format!("{N} bytes"), &scanned)),
            },
            _ => Err(self.unexpected(&format!("{N} bytes"), &scanned)),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// Another value is there.
    pub fn str(&mut self) -> Result<&'a str, Error> {
        self.take("a string", |token| match token {
            Token::Str(text) => Some(text),
            _ => None,
        })
    }

    /// Reads a symbol.
    ///
    /// # Errors
    /// Another value is there.
    pub fn symbol(&mut self) -> Result<&'a str, Error> {
        self.take("a symbol", |token| match token {
            Token::Symbol(text) => Some(text),
            _ => None,
        })
    }

    /// Reads the symbol `name`.
    ///
    /// # Errors
    /// Another value is there.
    pub fn expect_symbol(&mut self, name: &str) -> Result<(), Error> {
        let scanned = self.grammar.scan(self.input)?;
        match scanned.token {
            Token::Symbol(text) if text == name => self.commit(&scanned),
            _ => Err(self.unexpected(&format!("the symbol {name}"), &scanned)),
        }
    }

    /// Goes into a list.
    ///
    /// # Errors
    /// Another value is there.
    pub fn list(&mut self) -> Result<(), Error> {
        self.token("a list", Token::ListStart, b'[', Place::List)
    }

    /// Goes into a struct, where keys and values take turns.
    ///
    /// # Errors
    /// Another value is there.
    pub fn entries(&mut self) -> Result<(), Error> {
        self.token("a struct", Token::StructStart, b'{', Place::Key)
    }

    /// Goes into a set.
    ///
    /// # Errors
    /// Another value is there.
    pub fn set(&mut self) -> Result<(), Error> {
        let scanned = self.scan("a set", |token| *token == Token::SetStart)?;
        self.commit(&scanned)
    }

    /// Goes into a record and reads its label.
    ///
    /// # Errors
    /// Another value is there, or a record whose label is no symbol.
    pub fn record(&mut self) -> Result<&'a str, Error> {
        self.labeled("a record labeled with a symbol", |_| true)
    }

    /// Goes into a record labeled with the symbol `label`.
    ///
    /// # Errors
    /// Another value is there, or a record with another label.
    pub fn expect_record(&mut self, label: &str) -> Result<(), Error> {
        self.labeled(label, |found| found == label).map(drop)
    }

    /// Goes out of what is open.
    ///
    /// # Errors
    /// Another value is in it.
    #[inline]
    pub fn end(&mut self) -> Result<(), Error> {
        if self.grammar.leave(self.input) {
            return Ok(());
        }
        let scanned = self.scan("no more values", |token| token.kind() == Kind::End)?;
        self.commit(&scanned)
    }

    /// Goes out of what is open, past all that is left in it.
    ///
    /// # Errors
    /// Something in it is wrong, or passes a limit.
    pub fn skip_rest(&mut self) -> Result<(), Error> {
        while self.more()? {
            self.skip_value()?;
        }
        self.end()
    }

    /// Reads `f` as nothing, anything else as `body` does.
    ///
    /// # Errors
    /// Those of `body`.
    pub fn optional<T>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        // Nothing else begins so.
        if self.grammar.first(self.input) == Some(b'f') {
            return self.next_token().map(|_| None);
        }
        body(self).map(Some)
    }

    /// Checks that every value was read to its end, and that nothing follows.
    ///
    /// # Errors
    /// Something is open, or bytes are left.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.depth() > 0 {
            let scanned = self.grammar.scan(self.input)?;
            return Err(self.unexpected("the end of the message", &scanned));
        }
        match self.grammar.first(self.input) {
            None => Ok(()),
            Some(_) => {
                let left = self.input.len() - self.offset();
                Err(Error::new(self.offset(), ErrorKind::Trailing(left)))
            }
        }
    }

    /// For a token that is not the expected one. What may not stand here at all is reported as that.
    #[cold]
    fn unexpected(&self, expected: &str, scanned: &Scanned<'_>) -> Error {
        if let Err(error) = self.grammar.clone().commit(self.input, scanned) {
            return error;
        }
        let found = scanned.token.describe();
        Error::new(scanned.start, ErrorKind::Unexpected { expected: expected.into(), found })
    }

    #[inline]
    fn commit(&mut self, scanned: &Scanned<'_>) -> Result<(), Error> {
        self.grammar.commit(self.input, scanned)
    }

    #[inline]
    fn scan(&mut self, expected: &str, fits: impl FnOnce(&Token<'a>) -> bool) -> Result<Scanned<'a>, Error> {
        let scanned = self.grammar.scan(self.input)?;
        if fits(&scanned.token) { Ok(scanned) } else { Err(self.unexpected(expected, &scanned)) }
    }

    #[inline]
    fn labeled(&mut self, expected: &str, fits: impl FnOnce(&str) -> bool) -> Result<&'a str, Error> {
        let before = self.grammar.place();
        let start = self.mark().0;
        self.token(expected, Token::RecordStart, b'<', Place::Label)?;
        let label = self.take(expected, |token| match token {
            Token::Symbol(label) if fits(label) => Some(label),
            _ => None,
        });
        label.map_err(|error| {
            self.grammar.unopen(start, before);
            match error.kind() {
                ErrorKind::Unexpected { found, .. } => {
                    let found = format!("a record labeled with {found}");
                    Error::new(error.offset(), ErrorKind::Unexpected { expected: expected.into(), found })
                }
                _ => error,
            }
        })
    }

    #[inline]
    fn token(&mut self, expected: &str, wanted: Token<'_>, opener: u8, inner: Place) -> Result<(), Error> {
        if self.grammar.enter(self.input, opener, inner)? {
            return Ok(());
        }
        let scanned = self.scan(expected, |token| *token == wanted)?;
        self.commit(&scanned)
    }

    /// Reads one token, if something can be made of it.
    #[inline]
    pub(crate) fn take<T>(
        &mut self,
        expected: &str,
        made: impl FnOnce(Token<'a>) -> Option<T>,
    ) -> Result<T, Error> {
        let scanned = self.grammar.scan(self.input)?;
        match made(scanned.token) {
            Some(value) => self.commit(&scanned).map(|()| value),
            None => Err(self.unexpected(expected, &scanned)),
        }
    }
}

//! Where in a value one is, apart from the bytes: so that reading can go on when more of them have come.
//!
//! Whoever holds a [`Grammar`] gives it the same bytes each time, or the same and more. What is wrong leaves it where it was.

use crate::error::{Error, ErrorKind};
use crate::limits::{DEPTH_MAX, Limits, Mode};
use crate::token::{IntToken, Kind, SMALL_DIGITS, Token};

/// What the next token may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Outside of everything.
    Top,
    List,
    Set,
    /// After `<`.
    Label,
    /// After the label.
    Fields,
    /// After `{` or a value of a struct.
    Key,
    /// After a key.
    Value,
}

/// A token and where it is. It counts only when it was committed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanned<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) start: usize,
    end: usize,
}

/// Where a key is.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

/// What was read so far, as far as it matters for what comes.
#[derive(Debug, Clone)]
pub(crate) struct Grammar {
    mode: Mode,
    limits: Limits,
    /// The next byte to look at.
    at: usize,
    /// How many bytes from `at` on are known to be digits.
    digits: usize,
    values: usize,
    depth: usize,
    place: Place,
    /// The places that the open containers are in, but for the innermost.
    outer: [Place; DEPTH_MAX],
    /// Keys of the open structs: all of them, or in canonical mode the last of each. Each struct begins with one that
    /// says where the keys of the struct around it begin.
    keys: Vec<Span>,
    /// Where the keys of the innermost struct begin.
    keys_from: usize,
}

impl Grammar {
    pub(crate) fn new(mode: Mode, limits: Limits) -> Self {
        Self {
            mode,
            limits: Limits { depth: limits.depth.min(DEPTH_MAX), ..limits },
            at: 0,
            digits: 0,
            values: 0,
            depth: 0,
            place: Place::Top,
            outer: [Place::Top; DEPTH_MAX],
            keys: Vec::new(),
            keys_from: 0,
        }
    }

    /// What may stand between tokens.
    #[inline]
    pub(crate) fn is_space(byte: u8) -> bool {
        matches!(byte, b' ' | b'\t'..=b'\r')
    }

    /// The next byte to look at.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How many containers are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Goes to the next token and says what it begins with, if there is one.
    #[inline]
    pub(crate) fn first(&mut self, input: &[u8]) -> Option<u8> {
        loop {
            let first = *input.get(self.at)?;
            if self.mode == Mode::Canonical || !Self::is_space(first) {
                return Some(first);
            }
            self.at += 1;
        }
    }

    /// What comes next, without reading it.
    pub(crate) fn kind(&mut self, input: &[u8]) -> Result<Kind, Error> {
        Ok(match self.first(input) {
            Some(b't' | b'f') => Kind::Bool,
            Some(b'D' | b'F') => Kind::F64,
            Some(b'[') => Kind::List,
            Some(b'{') => Kind::Struct,
            Some(b'<') => Kind::Record,
            Some(b'#') => Kind::Set,
            Some(b']' | b'}' | b'>' | b'$') => Kind::End,
            _ => self.scan(input)?.token.kind(),
        })
    }

    /// The next token, without going past it.
    #[inline]
    pub(crate) fn scan<'a>(&mut self, input: &'a [u8]) -> Result<Scanned<'a>, Error> {
        let Some(first) = self.first(input) else { return Err(self.missing(input, self.at, 0)) };
        let start = self.at;
        let token = match first {
            b'0'..=b'9' => return self.number(input),
            b't' => Token::Bool(true),
            b'f' => Token::Bool(false),
            b'D' => return self.double(input),
            b'F' => return self.single(input),
            b'[' => Token::ListStart,
            b']' => Token::ListEnd,
            b'{' => Token::StructStart,
            b'}' => Token::StructEnd,
            b'<' => Token::RecordStart,
            b'>' => Token::RecordEnd,
            b'#' if self.mode == Mode::Canonical => return Err(Error::new(start, ErrorKind::Set)),
            b'#' => Token::SetStart,
            b'$' => Token::SetEnd,
            space if Self::is_space(space) => return Err(Error::new(start, ErrorKind::Whitespace)),
            other => return Err(Error::new(start, ErrorKind::Byte(other))),
        };
        Ok(Scanned { token, start, end: start + 1 })
    }

    /// Goes past `[`, `{` or `<`, if that is what comes: the same as scanning and committing it, with less in between.
    #[inline]
    pub(crate) fn enter(&mut self, input: &[u8], opener: u8, inner: Place) -> Result<bool, Error> {
        if self.first(input) != Some(opener) || self.at >= self.limits.bytes {
            return Ok(false);
        }
        self.open(self.at, inner)?;
        self.at += 1;
        Ok(true)
    }

    /// Goes past what closes the innermost list or record, if that is what comes.
    #[inline]
    pub(crate) fn leave(&mut self, input: &[u8]) -> bool {
        let closes = match self.first(input) {
            Some(b'>') => self.place == Place::Fields,
            Some(b']') => self.place == Place::List,
            _ => false,
        };
        if closes && self.at < self.limits.bytes {
            self.close();
            self.at += 1;
            return true;
        }
        false
    }

    /// Goes past a token, if it may stand here.
    #[inline]
    pub(crate) fn commit(&mut self, input: &[u8], scanned: &Scanned<'_>) -> Result<(), Error> {
        if scanned.end > self.limits.bytes {
            return Err(over(scanned.start, "bytes", self.limits.bytes));
        }
        match scanned.token {
            Token::Bool(_) | Token::Int(_) | Token::Bytes(_) | Token::Str(_) | Token::Symbol(_) => {
                self.value(scanned.start)?;
                match self.place {
                    Place::Top | Place::List | Place::Set | Place::Fields => {}
                    Place::Label => self.place = Place::Fields,
                    Place::Value => self.place = Place::Key,
                    Place::Key => {
                        self.key(input, Span { start: scanned.start, end: scanned.end })?;
                        self.place = Place::Value;
                    }
                }
                self.values += 1;
            }
            Token::F64(_) => {
                self.place = self.composite(scanned.start)?;
                self.values += 1;
            }
            Token::ListStart => self.open(scanned.start, Place::List)?,
            Token::StructStart => self.open(scanned.start, Place::Key)?,
            Token::RecordStart => self.open(scanned.start, Place::Label)?,
            Token::SetStart => self.open(scanned.start, Place::Set)?,
            Token::ListEnd if self.place == Place::List => self.close(),
            Token::SetEnd if self.place == Place::Set => self.close(),
            Token::RecordEnd if self.place == Place::Fields => self.close(),
            Token::RecordEnd if self.place == Place::Label => {
                return Err(Error::new(scanned.start, ErrorKind::NoLabel));
            }
            Token::StructEnd if self.place == Place::Key => {
                self.close_struct(input)?;
                self.close();
            }
            Token::StructEnd if self.place == Place::Value => {
                return Err(Error::new(scanned.start, ErrorKind::NoValue));
            }
            Token::ListEnd | Token::StructEnd | Token::RecordEnd | Token::SetEnd => {
                let closer = input.get(scanned.start).copied().unwrap_or_default();
                return Err(Error::new(scanned.start, ErrorKind::Closer(closer)));
            }
        }
        self.at = scanned.end;
        self.digits = 0;
        Ok(())
    }

    /// Whether one more value is within the limit.
    #[inline]
    fn value(&self, start: usize) -> Result<(), Error> {
        if self.values < self.limits.values { Ok(()) } else { Err(over(start, "values", self.limits.values)) }
    }

    /// Where one is after a value that is no key and no label.
    #[inline]
    fn composite(&self, start: usize) -> Result<Place, Error> {
        self.value(start)?;
        match self.place {
            Place::Value => Ok(Place::Key),
            Place::Key => Err(Error::new(start, ErrorKind::Key)),
            Place::Label => Err(Error::new(start, ErrorKind::Label)),
            place => Ok(place),
        }
    }

    #[inline]
    fn open(&mut self, start: usize, inner: Place) -> Result<(), Error> {
        let after = self.composite(start)?;
        if self.depth >= self.limits.depth {
            return Err(over(start, "depth", self.limits.depth));
        }
        if let Some(outer) = self.outer.get_mut(self.depth) {
            *outer = after;
        }
        self.depth += 1;
        self.values += 1;
        self.place = inner;
        if inner == Place::Key {
            self.keys.push(Span { start: self.keys_from, end: 0 });
            self.keys_from = self.keys.len();
        }
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.place = self.outer.get(self.depth).copied().unwrap_or(Place::Top);
    }

    /// For [`unopen`](Self::unopen).
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Takes back that the record at `start` was opened, directly after it was; `before` is where one was before that.
    pub(crate) fn unopen(&mut self, start: usize, before: Place) {
        self.depth = self.depth.saturating_sub(1);
        self.values = self.values.saturating_sub(1);
        self.place = before;
        self.at = start;
        self.digits = 0;
    }

    fn key(&mut self, input: &[u8], span: Span) -> Result<(), Error> {
        if self.mode == Mode::Liberal {
            self.keys.push(span);
            return Ok(());
        }
        match self.keys.get_mut(self.keys_from) {
            None => self.keys.push(span),
            Some(last) => match bytes(input, *last).cmp(bytes(input, span)) {
                std::cmp::Ordering::Less => *last = span,
                std::cmp::Ordering::Equal => return Err(Error::new(span.start, ErrorKind::DuplicateKey)),
                std::cmp::Ordering::Greater => return Err(Error::new(span.start, ErrorKind::Unsorted)),
            },
        }
        Ok(())
    }

    /// Forgets the keys of the innermost struct, if no two are the same.
    fn close_struct(&mut self, input: &[u8]) -> Result<(), Error> {
        let keys = self.keys.get_mut(self.keys_from..).unwrap_or_default();
        if !keys.is_sorted_by(|a, b| bytes(input, *a) < bytes(input, *b)) {
            keys.sort_unstable_by(|a, b| bytes(input, *a).cmp(bytes(input, *b)).then(a.start.cmp(&b.start)));
            let mut pairs = keys.iter().zip(keys.iter().skip(1));
            if let Some((_, second)) = pairs.find(|(a, b)| bytes(input, **a) == bytes(input, **b)) {
                return Err(Error::new(second.start, ErrorKind::DuplicateKey));
            }
        }
        self.keys.truncate(self.keys_from);
        self.keys_from = self.keys.pop().map_or(0, |outer| outer.start);
        Ok(())
    }

    /// An integer, or what begins with a length.
    #[inline]
    fn number<'a>(&mut self, input: &'a [u8]) -> Result<Scanned<'a>, Error> {
        let start = self.at;
        let rest = input.get(start..).unwrap_or_default();
        let most = self.limits.digits.max(SMALL_DIGITS + 1);
        let (mut count, mut small) = (self.digits, 0u64);
        for byte in rest.get(count..).unwrap_or_default() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 || count > most {
                break;
            }
            small = small.wrapping_mul(10).wrapping_add(digit.into());
            count += 1;
        }
        if count > SMALL_DIGITS {
            small = u64::MAX;
        }
        let digits = rest.get(..count).unwrap_or_default();
        if count > 1 && digits.first() == Some(&b'0') {
            return Err(Error::new(start, ErrorKind::LeadingZero));
        }
        if count > most {
            return Err(over(start, "digits", self.limits.digits));
        }
        let Some(after) = rest.get(count) else {
            // What fits into a word is gone through again, and then as a whole.
            self.digits = if count > SMALL_DIGITS { count } else { 0 };
            return Err(self.missing(input, input.len(), 1));
        };
        let body = start + count + 1;
        let (token, end) = match after {
            b'+' | b'-' => {
                if count > self.limits.digits {
                    return Err(over(start, "digits", self.limits.digits));
                }
                let negative = *after == b'-';
                if negative && digits == b"0" {
                    return Err(Error::new(start, ErrorKind::NegativeZero));
                }
                (Token::Int(IntToken::new(negative, digits, small)), body)
            }
            b':' => {
                let (bytes, end) = self.body(input, body, small)?;
                (Token::Bytes(bytes), end)
            }
            b'"' => {
                let (bytes, end) = self.body(input, body, small)?;
                (Token::Str(utf8(bytes, body)?), end)
            }
            b'\'' => {
                let (bytes, end) = self.body(input, body, small)?;
                (Token::Symbol(utf8(bytes, body)?), end)
            }
            other => return Err(Error::new(start + count, ErrorKind::Byte(*other))),
        };
        Ok(Scanned { token, start, end })
    }

    /// The `len` bytes from `from` on.
    #[inline]
    fn body<'a>(&self, input: &'a [u8], from: usize, len: u64) -> Result<(&'a [u8], usize), Error> {
        // What does not fit into the limit is never waited for.
        let end = usize::try_from(len).ok().and_then(|len| from.checked_add(len));
        let Some(end) = end.filter(|end| *end <= self.limits.bytes) else {
            return Err(over(self.at, "bytes", self.limits.bytes));
        };
        match input.get(from..end) {
            Some(bytes) => Ok((bytes, end)),
            None => Err(self.missing(input, input.len(), end.saturating_sub(input.len()))),
        }
    }

    fn double<'a>(&self, input: &'a [u8]) -> Result<Scanned<'a>, Error> {
        let bits = u64::from_be_bytes(self.fixed(input)?);
        let mut float = f64::from_bits(bits);
        if float.is_nan() {
            if self.mode == Mode::Canonical && bits != NAN {
                return Err(Error::new(self.at, ErrorKind::Nan));
            }
            float = f64::from_bits(NAN);
        }
        Ok(Scanned { token: Token::F64(float), start: self.at, end: self.at + 9 })
    }

    fn single<'a>(&self, input: &'a [u8]) -> Result<Scanned<'a>, Error> {
        if self.mode == Mode::Canonical {
            return Err(Error::new(self.at, ErrorKind::Single));
        }
        let float = f32::from_be_bytes(self.fixed(input)?);
        let float = if float.is_nan() { f64::from_bits(NAN) } else { f64::from(float) };
        Ok(Scanned { token: Token::F64(float), start: self.at, end: self.at + 5 })
    }

    /// The bytes after the letter of a float.
    fn fixed<const N: usize>(&self, input: &[u8]) -> Result<[u8; N], Error> {
        let rest = input.get(self.at + 1..).unwrap_or_default();
        match rest.first_chunk() {
            Some(bytes) => Ok(*bytes),
            None => Err(self.missing(input, input.len(), N - rest.len())),
        }
    }

    /// The input ends within a token that lacks `token` bytes, or with 0 before one.
    #[cold]
    fn missing(&self, input: &[u8], at: usize, token: usize) -> Error {
        // What is open must be closed, and first a key needs a value, a record its label.
        let owed = match (self.place, token) {
            (Place::Label | Place::Value, 0) | (Place::Key, 1..) => 1,
            (Place::Top, 0) => 1,
            _ => 0,
        };
        let more = token.saturating_add(owed).saturating_add(self.depth);
        match input.len().checked_add(more) {
            Some(needed) if needed <= self.limits.bytes => Error::new(at, ErrorKind::Incomplete { more }),
            _ => over(at, "bytes", self.limits.bytes),
        }
    }
}

/// The bits of the one NaN.
pub(crate) const NAN: u64 = 0x7ff8_0000_0000_0000;

#[inline]
fn utf8(bytes: &[u8], at: usize) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| Error::new(at + error.valid_up_to(), ErrorKind::Utf8))
}

#[inline]
fn bytes(input: &[u8], span: Span) -> &[u8] {
    input.get(span.start..span.end).unwrap_or_default()
}

#[cold]
fn over(at: usize, limit: &'static str, max: usize) -> Error {
    Error::new(at, ErrorKind::Limit { limit, max })
}

//! A value as a tree that owns what it holds: for tests and tools. What has to be fast uses a [`Reader`] and a [`Writer`].

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use num_bigint::{BigInt, Sign};

use crate::error::{Error, WriteError};
use crate::key::Key;
use crate::limits::{Limits, Mode};
use crate::notation::{Bounded, Printer};
use crate::reader::Reader;
use crate::token::{IntToken, Token};
use crate::writer::{self, Writer};

/// A value.
#[derive(Clone, PartialEq, Eq)]
pub enum Datum {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(BigInt),
    /// A float.
    F64(Float),
    /// A byte array.
    Bytes(Vec<u8>),
    /// A string.
    Str(String),
    /// A symbol.
    Symbol(String),
    /// A list.
    List(Vec<Datum>),
    /// A struct.
    Struct(BTreeMap<Atom, Datum>),
    /// A record: its label and its fields.
    Record(Atom, Vec<Datum>),
    /// A set, in the order in which it came. It is read and not written.
    Set(Vec<Datum>),
}

/// A key of a struct or the label of a record. They are ordered by their encoded bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Atom {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(BigInt),
    /// A byte array.
    Bytes(Vec<u8>),
    /// A string.
    Str(String),
    /// A symbol.
    Symbol(String),
}

/// A float, equal to what is written the same: NaN to itself, `0.0` not to `-0.0`.
#[derive(Debug, Clone, Copy)]
pub struct Float(pub f64);

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits() || (self.0.is_nan() && other.0.is_nan())
    }
}

impl Eq for Float {}

impl Atom {
    fn as_key(&self) -> Key<'_> {
        match self {
            Self::Bool(value) => Key::Bool(*value),
            Self::Int(value) => Key::BigInt(value),
            Self::Bytes(value) => Key::Bytes(value),
            Self::Str(value) => Key::Str(value),
            Self::Symbol(value) => Key::Symbol(value),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        writer::key(&mut out, self.as_key());
        out
    }
}

impl Ord for Atom {
    fn cmp(&self, other: &Self) -> Ordering {
        self.encoded().cmp(&other.encoded())
    }
}

impl PartialOrd for Atom {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Atom> for Datum {
    fn from(atom: Atom) -> Self {
        match atom {
            Atom::Bool(value) => Self::Bool(value),
            Atom::Int(value) => Self::Int(value),
            Atom::Bytes(value) => Self::Bytes(value),
            Atom::Str(value) => Self::Str(value),
            Atom::Symbol(value) => Self::Symbol(value),
        }
    }
}

impl Datum {
    /// A record with a symbol for a label.
    #[must_use]
    pub fn record(label: &str, fields: Vec<Self>) -> Self {
        Self::Record(Atom::Symbol(label.into()), fields)
    }

    /// An integer.
    #[must_use]
    pub fn int(value: impl Into<BigInt>) -> Self {
        Self::Int(value.into())
    }

    /// Reads bytes that are one value.
    ///
    /// # Errors
    /// They are not, or pass a limit.
    pub fn decode(bytes: &[u8], mode: Mode, limits: Limits) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, mode, limits);
        let datum = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(datum)
    }

    /// Reads the next value.
    ///
    /// # Errors
    /// There is none, something in it is wrong, or it passes a limit.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let begun = reader.take("a value", |token| {
            Some(match token {
                Token::Bool(value) => Begun::Whole(Self::Bool(value)),
                Token::Int(int) => Begun::Whole(Self::Int(int.to_bigint())),
                Token::F64(float) => Begun::Whole(Self::F64(Float(float))),
                Token::Bytes(bytes) => Begun::Whole(Self::Bytes(bytes.into())),
                Token::Str(text) => Begun::Whole(Self::Str(text.into())),
                Token::Symbol(text) => Begun::Whole(Self::Symbol(text.into())),
                Token::ListStart => Begun::List,
                Token::SetStart => Begun::Set,
                Token::RecordStart => Begun::Record,
                Token::StructStart => Begun::Struct,
                Token::ListEnd | Token::StructEnd | Token::RecordEnd | Token::SetEnd => return None,
            })
        })?;
        Ok(match begun {
            Begun::Whole(datum) => datum,
            Begun::List => Self::List(rest(reader)?),
            Begun::Set => Self::Set(rest(reader)?),
            Begun::Record => Self::Record(atom(reader)?, rest(reader)?),
            Begun::Struct => {
                let mut entries = BTreeMap::new();
                while reader.more()? {
                    entries.insert(atom(reader)?, Self::read(reader)?);
                }
                reader.end()?;
                Self::Struct(entries)
            }
        })
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// A set is in it.
    pub fn encode(&self) -> Result<Vec<u8>, WriteError> {
        writer::encode(|w| self.write(w))
    }

    /// Writes the value.
    pub fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Bool(value) => w.bool(*value),
            Self::Int(value) => w.bigint(value),
            Self::F64(value) => w.f64(value.0),
            Self::Bytes(value) => w.bytes(value),
            Self::Str(value) => w.str(value),
            Self::Symbol(value) => w.symbol(value),
            Self::List(values) => w.list(|w| values.iter().for_each(|value| value.write(w))),
            Self::Record(label, fields) => {
                w.record_of(label.as_key(), |w| fields.iter().for_each(|field| field.write(w)));
            }
            Self::Struct(entries) => w.entries(|e| {
                for (key, value) in entries {
                    e.entry(key.as_key(), |w| value.write(w));
                }
            }),
            Self::Set(_) => w.refuse(WriteError::Set),
        }
    }

    /// The value in the notation of OCapN's documents, at most `max` characters of it.
    #[must_use]
    pub fn notation(&self, max: usize) -> String {
        let mut out = Bounded::new(max);
        // What does not fit ends the printing.
        let _ = self.print(&mut Printer::new(&mut out));
        out.finish()
    }

    fn print<W: fmt::Write>(&self, printer: &mut Printer<W>) -> fmt::Result {
        let (values, end) = match self {
            Self::F64(value) => return printer.token(&Token::F64(value.0)),
            Self::Bool(value) => return printer.token(&Token::Bool(*value)),
            Self::Int(value) => return print_int(value, printer),
            Self::Bytes(value) => return printer.token(&Token::Bytes(value)),
            Self::Str(value) => return printer.token(&Token::Str(value)),
            Self::Symbol(value) => return printer.token(&Token::Symbol(value)),
            Self::Struct(entries) => {
                printer.token(&Token::StructStart)?;
                for (key, value) in entries {
                    key.print(printer)?;
                    value.print(printer)?;
                }
                return printer.token(&Token::StructEnd);
            }
            Self::List(values) => {
                printer.token(&Token::ListStart)?;
                (values, Token::ListEnd)
            }
            Self::Set(values) => {
                printer.token(&Token::SetStart)?;
                (values, Token::SetEnd)
            }
            Self::Record(label, fields) => {
                printer.token(&Token::RecordStart)?;
                label.print(printer)?;
                (fields, Token::RecordEnd)
            }
        };
        for value in values {
            value.print(printer)?;
        }
        printer.token(&end)
    }
}

impl Atom {
    fn print<W: fmt::Write>(&self, printer: &mut Printer<W>) -> fmt::Result {
        match self {
            Self::Bool(value) => printer.token(&Token::Bool(*value)),
            Self::Int(value) => print_int(value, printer),
            Self::Bytes(value) => printer.token(&Token::Bytes(value)),
            Self::Str(value) => printer.token(&Token::Str(value)),
            Self::Symbol(value) => printer.token(&Token::Symbol(value)),
        }
    }
}

fn print_int<W: fmt::Write>(value: &BigInt, printer: &mut Printer<W>) -> fmt::Result {
    let digits = value.magnitude().to_string();
    printer.token(&Token::Int(IntToken::of(value.sign() == Sign::Minus, digits.as_bytes())))
}

/// The notation, all of it.
impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(&mut Printer::new(f))
    }
}

/// The notation.
impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(&mut Printer::new(f))
    }
}

/// What the first token says.
enum Begun {
    Whole(Datum),
    List,
    Set,
    Record,
    Struct,
}

fn rest(reader: &mut Reader<'_>) -> Result<Vec<Datum>, Error> {
    let mut values = Vec::new();
    while reader.more()? {
        values.push(Datum::read(reader)?);
    }
    reader.end()?;
    Ok(values)
}

fn atom(reader: &mut Reader<'_>) -> Result<Atom, Error> {
    reader.take("a key or a label", |token| {
        Some(match token {
            Token::Bool(value) => Atom::Bool(value),
            Token::Int(int) => Atom::Int(int.to_bigint()),
            Token::Bytes(bytes) => Atom::Bytes(bytes.into()),
            Token::Str(text) => Atom::Str(text.into()),
            Token::Symbol(text) => Atom::Symbol(text.into()),
            _ => return None,
        })
    })
}

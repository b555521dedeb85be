//! Syrup, read: what the host writes, which is canonical and well formed. What is not is refused all the same.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Cap, Turn, Value, problem};

type Read<T> = Result<T, Value>;

/// Levels that are followed; the host's values have fewer.
const DEPTH_MAX: u32 = 128;

pub(crate) fn turn(bytes: &[u8]) -> Read<Turn> {
    let mut r = Reader { bytes, depth: 0 };
    r.open("turn")?;
    let me = r.value()?.as_cap().ok_or_else(bad)?;
    let state = r.value()?;
    let Value::List(args) = r.value()? else { return Err(bad()) };
    r.expect(b'>')?;
    Ok(Turn { me, state, args })
}

pub(crate) fn upgrade(bytes: &[u8]) -> Read<(u32, Value)> {
    let mut r = Reader { bytes, depth: 0 };
    r.open("upgrade")?;
    let from = r.value()?.as_int().and_then(|from| u32::try_from(from).ok()).ok_or_else(bad)?;
    let state = r.value()?;
    r.expect(b'>')?;
    Ok((from, state))
}

pub(crate) fn value(bytes: &[u8]) -> Read<Value> {
    Reader { bytes, depth: 0 }.value()
}

struct Reader<'a> {
    bytes: &'a [u8],
    depth: u32,
}

enum Number<'a> {
    Int(i128),
    Str(&'a str),
    Symbol(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Read<Value> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(bad());
        }
        let value = match self.peek()? {
            b't' => self.skip(Value::Bool(true)),
            b'f' => self.skip(Value::Bool(false)),
            b'D' => {
                self.next()?;
                let bytes = self.take(8)?.try_into().map_err(|_| bad())?;
                Value::Float(f64::from_be_bytes(bytes))
            }
            b'[' => {
                self.next()?;
                Value::List(self.until(b']', Self::value)?)
            }
            b'{' => {
                self.next()?;
                Value::Struct(self.until(b'}', |r| Ok((String::from(r.text()?), r.value()?)))?)
            }
            b'<' => {
                self.next()?;
                let value = self.record()?;
                self.expect(b'>')?;
                value
            }
            _ => match self.number()? {
                Number::Int(it) => Value::Int(it),
                Number::Str(it) => Value::Str(it.into()),
                Number::Symbol(it) => Value::Symbol(it.into()),
                Number::Bytes(it) => Value::Bytes(it.into()),
            },
        };
        self.depth -= 1;
        Ok(value)
    }

    fn record(&mut self) -> Read<Value> {
        Ok(match self.text()? {
            "void" => Value::Undefined,
            "null" => Value::Null,
            "desc:cap" => match self.number()? {
                Number::Int(it) => Value::Cap(Cap(u64::try_from(it).map_err(|_| bad())?)),
                _ => return Err(bad()),
            },
            "desc:tagged" => Value::Tagged(self.text()?.into(), Box::new(self.value()?)),
            "desc:error" => {
                let message = self.text()?.into();
                let rule = if self.peek()? == b'>' { "error" } else { self.text()? };
                Value::Error { rule: rule.into(), message }
            }
            _ => return Err(bad()),
        })
    }

    fn open(&mut self, label: &str) -> Read<()> {
        self.expect(b'<')?;
        if self.text()? == label { Ok(()) } else { Err(bad()) }
    }

    fn text(&mut self) -> Read<&'a str> {
        match self.number()? {
            Number::Str(it) | Number::Symbol(it) => Ok(it),
            _ => Err(bad()),
        }
    }

    fn number(&mut self) -> Read<Number<'a>> {
        let mut number: u128 = 0;
        let mut some = false;
        loop {
            let byte = self.next()?;
            let length = || usize::try_from(number).map_err(|_| bad());
            match byte {
                b'0'..=b'9' => {
                    some = true;
                    let digit = u128::from(byte - b'0');
                    number = number.checked_mul(10).and_then(|it| it.checked_add(digit)).ok_or_else(bad)?;
                }
                _ if !some => return Err(bad()),
                b'+' => return Ok(Number::Int(i128::try_from(number).map_err(|_| bad())?)),
                b'-' => return Ok(Number::Int(0_i128.checked_sub_unsigned(number).ok_or_else(bad)?)),
                b':' => return Ok(Number::Bytes(self.take(length()?)?)),
                b'"' => return Ok(Number::Str(utf8(self.take(length()?)?)?)),
                b'\'' => return Ok(Number::Symbol(utf8(self.take(length()?)?)?)),
                _ => return Err(bad()),
            }
        }
    }

    fn until<T>(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut items = Vec::new();
        while self.peek()? != end {
            items.push(item(self)?);
        }
        self.next()?;
        Ok(items)
    }

    fn skip(&mut self, value: Value) -> Value {
        self.bytes = self.bytes.get(1..).unwrap_or_default();
        value
    }

    fn expect(&mut self, wanted: u8) -> Read<()> {
        if self.next()? == wanted { Ok(()) } else { Err(bad()) }
    }

    fn peek(&self) -> Read<u8> {
        self.bytes.first().copied().ok_or_else(bad)
    }

    fn next(&mut self) -> Read<u8> {
        let (first, rest) = self.bytes.split_first().ok_or_else(bad)?;
        self.bytes = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(bad)?;
        self.bytes = rest;
        Ok(taken)
    }
}

fn utf8(bytes: &[u8]) -> Read<&str> {
    core::str::from_utf8(bytes).map_err(|_| bad())
}

#[cold]
fn bad() -> Value {
    problem("bad-message", "the message is none that this actor can read")
}

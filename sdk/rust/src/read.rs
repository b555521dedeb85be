//! Syrup, read: what the host writes, which is canonical. Anything else is refused, with a reason and without a trap.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::write::{self, NAN_BITS};
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
    r.finish()?;
    Ok(Turn { me, state, args })
}

pub(crate) fn upgrade(bytes: &[u8]) -> Read<(u32, Value)> {
    let mut r = Reader { bytes, depth: 0 };
    r.open("upgrade")?;
    let from = r.value()?.as_int().and_then(|from| u32::try_from(from).ok()).ok_or_else(bad)?;
    let state = r.value()?;
    r.expect(b'>')?;
    r.finish()?;
    Ok((from, state))
}

pub(crate) fn value(bytes: &[u8]) -> Read<Value> {
    let mut r = Reader { bytes, depth: 0 };
    let value = r.value()?;
    r.finish()?;
    Ok(value)
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
        let first = self.peek()?;
        if self.depth == DEPTH_MAX {
            return Err(limit("depth limit exceeded: 128 allowed"));
        }
        self.depth += 1;
        let value = match first {
            b't' => self.skip(Value::Bool(true)),
            b'f' => self.skip(Value::Bool(false)),
            b'D' => {
                self.next()?;
                let bytes = self.take(8)?.try_into().map_err(|_| bad())?;
                let float = f64::from_be_bytes(bytes);
                // There is one NaN.
                if float.is_nan() && float.to_bits() != NAN_BITS {
                    return Err(bad());
                }
                Value::Float(float)
            }
            b'[' => {
                self.next()?;
                Value::List(self.until(b']', Self::value)?)
            }
            b'{' => {
                self.next()?;
                let mut last = None;
                Value::Struct(self.until(b'}', |r| {
                    let name = r.str()?;
                    if last.replace(name).is_some_and(|last| key_order(last, name) != Ordering::Less) {
                        return Err(bad());
                    }
                    Ok((String::from(name), r.value()?))
                })?)
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
        Ok(match self.symbol()? {
            "void" => Value::Undefined,
            "null" => Value::Null,
            "desc:cap" => match self.number()? {
                Number::Int(it) if it > 0 => Value::Cap(Cap(u64::try_from(it).map_err(|_| bad())?)),
                _ => return Err(bad()),
            },
            "desc:tagged" => Value::Tagged(self.symbol()?.into(), Box::new(self.value()?)),
            "desc:error" => {
                let message = self.str()?.into();
                Value::Error { rule: self.symbol()?.into(), message }
            }
            _ => return Err(bad()),
        })
    }

    fn open(&mut self, label: &str) -> Read<()> {
        self.expect(b'<')?;
        if self.symbol()? == label { Ok(()) } else { Err(bad()) }
    }

    fn finish(&self) -> Read<()> {
        if self.bytes.is_empty() { Ok(()) } else { Err(bad()) }
    }

    fn str(&mut self) -> Read<&'a str> {
        if let Number::Str(it) = self.number()? { Ok(it) } else { Err(bad()) }
    }

    fn symbol(&mut self) -> Read<&'a str> {
        if let Number::Symbol(it) = self.number()? { Ok(it) } else { Err(bad()) }
    }

    fn number(&mut self) -> Read<Number<'a>> {
        // None: it has more than 128 bits.
        let mut number: Option<u128> = Some(0);
        let begin = self.bytes;
        let digits = begin.iter().take_while(|byte| byte.is_ascii_digit());
        for (byte, rest) in digits.zip((1..).map_while(|from| begin.get(from..))) {
            let digit = u128::from(byte - b'0');
            number = number.and_then(|it| it.checked_mul(10)?.checked_add(digit));
            self.bytes = rest;
        }
        let count = begin.len() - self.bytes.len();
        if count == 0 || (count > 1 && begin.first() == Some(&b'0')) {
            return Err(bad());
        }
        let wide = || limit("integer-bits limit exceeded: 128 allowed");
        let length = || number.and_then(|it| usize::try_from(it).ok()).ok_or_else(bad);
        match self.next()? {
            b'+' => Ok(Number::Int(number.and_then(|it| i128::try_from(it).ok()).ok_or_else(wide)?)),
            b'-' if number == Some(0) => Err(bad()),
            b'-' => Ok(Number::Int(number.and_then(|it| 0_i128.checked_sub_unsigned(it)).ok_or_else(wide)?)),
            b':' => Ok(Number::Bytes(self.take(length()?)?)),
            b'"' => Ok(Number::Str(utf8(self.take(length()?)?)?)),
            b'\'' => Ok(Number::Symbol(utf8(self.take(length()?)?)?)),
            _ => Err(bad()),
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

/// How keys of structs are ordered: as they are written, so the length counts first, digit by digit, and `"` is before digits.
pub(crate) fn key_order(a: &str, b: &str) -> Ordering {
    if a.len() == b.len() {
        return a.cmp(b);
    }
    let written = |text: &str| {
        let mut key = Vec::new();
        write::digits(&mut key, text.len() as u128);
        key.push(b'"');
        key
    };
    written(a).cmp(&written(b))
}

#[cold]
fn limit(message: &str) -> Value {
    problem("limit", message)
}

#[cold]
fn bad() -> Value {
    problem("bad-message", "the message is none that this actor can read")
}

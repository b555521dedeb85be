//! Writing values in their one canonical form.
//!
//! What is opened is closed by the same call, so nothing is unbalanced; entries of a struct are put in order when the last
//! was written, so nothing is unsorted. What cannot be right (a key twice, a key without a value) is found by
//! [`Writer::finish`], which then leaves nothing.

use num_bigint::{BigInt, Sign};

use crate::error::WriteError;
use crate::escape;
use crate::grammar::NAN;
use crate::key::Key;
use crate::reader::Raw;

/// Writes what `body` says.
///
/// # Errors
/// A struct was given a key twice, or an entry not exactly one value.
pub fn encode(body: impl FnOnce(&mut Writer<'_>)) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    body(&mut writer);
    writer.finish()?;
    Ok(out)
}

/// Writes values at the end of a buffer, one after another.
#[derive(Debug)]
#[must_use = "what is written counts when `finish` says so"]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    /// How many values were written directly in what is open.
    values: usize,
    /// Entries of the open structs.
    entries: Vec<Entry>,
    /// The first thing that was wrong.
    fault: Option<WriteError>,
}

/// Where an entry of a struct is.
#[derive(Debug, Clone, Copy)]
struct Entry {
    key: usize,
    value: usize,
    end: usize,
}

impl<'b> Writer<'b> {
    /// Writes behind what `out` holds.
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start, values: 0, entries: Vec::new(), fault: None }
    }

    /// Says whether what was written is right.
    ///
    /// # Errors
    /// A struct was given a key twice, or an entry not exactly one value. The buffer is as it was before then.
    pub fn finish(self) -> Result<(), WriteError> {
        match self.fault {
            None => Ok(()),
            Some(fault) => {
                self.out.truncate(self.start);
                Err(fault)
            }
        }
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) {
        self.values += 1;
        self.out.push(if value { b't' } else { b'f' });
    }

    /// Writes an integer.
    #[inline]
    pub fn int(&mut self, value: impl Into<i128>) {
        self.values += 1;
        int(self.out, value.into());
    }

    /// Writes an integer of any size.
    pub fn bigint(&mut self, value: &BigInt) {
        self.values += 1;
        bigint(self.out, value);
    }

    /// Writes a float. There is one NaN.
    pub fn f64(&mut self, value: f64) {
        self.values += 1;
        let bits = if value.is_nan() { NAN } else { value.to_bits() };
        self.out.push(b'D');
        self.out.extend_from_slice(&bits.to_be_bytes());
    }

    /// Writes a byte array.
    pub fn bytes(&mut self, value: &[u8]) {
        self.values += 1;
        sized(self.out, b':', value);
    }

    /// Writes a string.
    pub fn str(&mut self, value: &str) {
        self.values += 1;
        sized(self.out, b'"', value.as_bytes());
    }

    /// Writes a symbol.
    pub fn symbol(&mut self, value: &str) {
        self.values += 1;
        sized(self.out, b'\'', value.as_bytes());
    }

    /// Writes a value as it came. It is canonical if it was.
    pub fn raw(&mut self, value: Raw<'_>) {
        self.values += 1;
        self.out.extend_from_slice(value.as_bytes());
    }

    /// Writes a list of what `body` writes.
    pub fn list<R>(&mut self, body: impl FnOnce(&mut Self) -> R) -> R {
        self.out.push(b'[');
        self.inside(b']', body)
    }

    /// Writes a record with a symbol for a label and the fields that `body` writes.
    pub fn record<R>(&mut self, label: &str, body: impl FnOnce(&mut Self) -> R) -> R {
        self.record_of(Key::Symbol(label), body)
    }

    /// Writes a record with the fields that `body` writes.
    pub fn record_of<R>(&mut self, label: Key<'_>, body: impl FnOnce(&mut Self) -> R) -> R {
        self.out.push(b'<');
        key(self.out, label);
        self.inside(b'>', body)
    }

    /// Writes a struct of the entries that `body` gives, in any order.
    pub fn entries<R>(&mut self, body: impl FnOnce(&mut Entries<'_, 'b>) -> R) -> R {
        self.values += 1;
        self.out.push(b'{');
        let from = self.entries.len();
        let result = body(&mut Entries { writer: self });
        self.sort(from);
        self.out.push(b'}');
        result
    }

    /// Says that a value cannot be written.
    pub(crate) fn refuse(&mut self, why: WriteError) {
        self.fault.get_or_insert(why);
    }

    #[inline]
    fn inside<R>(&mut self, closer: u8, body: impl FnOnce(&mut Self) -> R) -> R {
        let values = self.values + 1;
        let result = body(self);
        self.values = values;
        self.out.push(closer);
        result
    }

    /// Puts the entries of the innermost struct in order and forgets them.
    fn sort(&mut self, from: usize) {
        let Self { out, entries, fault, .. } = self;
        let own = entries.get_mut(from..).unwrap_or_default();
        if !own.is_sorted_by(|a, b| key_of(out, a) < key_of(out, b)) {
            let start = own.first().map_or(out.len(), |first| first.key);
            let written = out.split_off(start);
            let moved = |entry: &Entry| Entry {
                key: entry.key - start,
                value: entry.value - start,
                end: entry.end - start,
            };
            own.sort_by(|a, b| key_of(&written, &moved(a)).cmp(key_of(&written, &moved(b))));
            let mut last: Option<&[u8]> = None;
            for entry in own.iter().map(moved) {
                let key = key_of(&written, &entry);
                if last == Some(key) {
                    fault.get_or_insert_with(|| WriteError::DuplicateKey { key: shown(key) });
                    continue;
                }
                last = Some(key);
                out.extend_from_slice(written.get(entry.key..entry.end).unwrap_or_default());
            }
        }
        entries.truncate(from);
    }
}

/// The entries of a struct that is being written.
#[derive(Debug)]
pub struct Entries<'w, 'b> {
    writer: &'w mut Writer<'b>,
}

impl<'b> Entries<'_, 'b> {
    /// Writes an entry: its key, and the one value that `body` writes.
    pub fn entry<'k, R>(&mut self, key: impl Into<Key<'k>>, body: impl FnOnce(&mut Writer<'b>) -> R) -> R {
        let writer = &mut *self.writer;
        let start = writer.out.len();
        self::key(writer.out, key.into());
        let value = writer.out.len();
        let values = std::mem::replace(&mut writer.values, 0);
        let result = body(writer);
        let entry = Entry { key: start, value, end: writer.out.len() };
        let written = std::mem::replace(&mut writer.values, values);
        if written != 1 {
            let key = shown(key_of(writer.out, &entry));
            writer.fault.get_or_insert(WriteError::EntryValues { key, values: written });
        }
        writer.entries.push(entry);
        result
    }
}

#[inline]
fn key_of<'a>(out: &'a [u8], entry: &Entry) -> &'a [u8] {
    out.get(entry.key..entry.value).unwrap_or_default()
}

#[cold]
fn shown(key: &[u8]) -> String {
    let mut text = String::new();
    // A `String` takes everything.
    if !escape::bytes(&mut text, key, escape::SHOWN).unwrap_or(true) {
        text.push('…');
    }
    text
}

pub(crate) fn key(out: &mut Vec<u8>, key: Key<'_>) {
    match key {
        Key::Bool(value) => out.push(if value { b't' } else { b'f' }),
        Key::Int(value) => int(out, value),
        Key::BigInt(value) => bigint(out, value),
        Key::Bytes(value) => sized(out, b':', value),
        Key::Str(value) => sized(out, b'"', value.as_bytes()),
        Key::Symbol(value) => sized(out, b'\'', value.as_bytes()),
    }
}

#[inline]
fn sized(out: &mut Vec<u8>, mark: u8, value: &[u8]) {
    length(out, value.len());
    out.push(mark);
    out.extend_from_slice(value);
}

/// Writes a length in decimal.
#[inline]
pub(crate) fn length(out: &mut Vec<u8>, length: usize) {
    match u64::try_from(length) {
        Ok(length) => decimal(out, length),
        Err(_) => out.extend_from_slice(length.to_string().as_bytes()),
    }
}

#[inline]
fn int(out: &mut Vec<u8>, value: i128) {
    match u64::try_from(value.unsigned_abs()) {
        Ok(magnitude) => decimal(out, magnitude),
        Err(_) => out.extend_from_slice(value.unsigned_abs().to_string().as_bytes()),
    }
    out.push(if value < 0 { b'-' } else { b'+' });
}

fn bigint(out: &mut Vec<u8>, value: &BigInt) {
    out.extend_from_slice(value.magnitude().to_string().as_bytes());
    out.push(if value.sign() == Sign::Minus { b'-' } else { b'+' });
}

#[inline]
fn decimal(out: &mut Vec<u8>, value: u64) {
    if value < 10 {
        out.push(digit(value));
        return;
    }
    let mut digits = [0; 20];
    let (mut left, mut from) = (value, digits.len());
    for place in digits.iter_mut().rev() {
        *place = digit(left % 10);
        left /= 10;
        from -= 1;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(from..).unwrap_or_default());
}

/// The digit of a number below 10.
#[inline]
fn digit(value: u64) -> u8 {
    let [low, ..] = value.to_le_bytes();
    b'0' | low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: impl FnOnce(&mut Writer<'_>), expected: &str) {
        assert_eq!(encode(body).unwrap().escape_ascii().to_string(), expected);
    }

    #[test]
    fn numbers() {
        for value in [0, 1, 9, 10, 99, 100, 12345, i64::MAX] {
            check(|w| w.int(value), &format!("{value}+"));
        }
        check(|w| w.int(-1), "1-");
        check(|w| w.int(i64::MIN), "9223372036854775808-");
        check(|w| w.int(u64::MAX), "18446744073709551615+");
        check(|w| w.int(i128::MIN), "170141183460469231731687303715884105728-");
        check(|w| w.bigint(&BigInt::from(0)), "0+");
        check(|w| w.bigint(&(BigInt::from(i128::MIN) - 1)), "170141183460469231731687303715884105729-");
    }

    #[test]
    fn there_is_one_nan() {
        for nan in [f64::NAN, -f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001)] {
            check(|w| w.f64(nan), "D\\x7f\\xf8\\x00\\x00\\x00\\x00\\x00\\x00");
        }
        check(|w| w.f64(-0.0), "D\\x80\\x00\\x00\\x00\\x00\\x00\\x00\\x00");
    }

    #[test]
    fn keys_are_sorted_by_their_bytes() {
        let write = |keys: &[&str]| {
            encode(|w| {
                w.entries(|e| {
                    for key in keys {
                        e.entry(*key, |w| w.str(key));
                    }
                });
            })
        };
        // `1"` before `10"` before `2"`, as `"` is before every digit.
        let sorted = b"{1\"b1\"b10\"aaaaaaaaaa10\"aaaaaaaaaa2\"aa2\"aa9\"ccccccccc9\"ccccccccc}".to_vec();
        let keys = ["b", "aa", "ccccccccc", "aaaaaaaaaa"];
        assert_eq!(write(&keys), Ok(sorted.clone()));
        assert_eq!(write(&["b", "aaaaaaaaaa", "aa", "ccccccccc"]), Ok(sorted.clone()));
        assert_eq!(write(&["ccccccccc", "aa", "aaaaaaaaaa", "b"]), Ok(sorted));
        assert_eq!(write(&[]), Ok(b"{}".to_vec()));
        let twice = || Err(WriteError::DuplicateKey { key: "1\\\"b".into() });
        assert_eq!(write(&["b", "b"]), twice());
        assert_eq!(write(&["b", "aa", "b"]), twice());
    }

    #[test]
    fn structs_within_structs_are_sorted_too() {
        check(
            |w| {
                w.entries(|e| {
                    e.entry("b", |w| {
                        w.entries(|e| {
                            e.entry(Key::Symbol("y"), |w| w.int(1));
                            e.entry(Key::Int(3), |w| w.list(|_| ()));
                        });
                    });
                    e.entry("a", |w| w.entries(|_| ()));
                });
            },
            "{1\\\"a{}1\\\"b{1\\'y1+3+[]}}",
        );
    }

    #[test]
    fn an_entry_has_one_value() {
        let write = |count: usize| {
            encode(|w| {
                w.bool(true);
                w.entries(|e| {
                    e.entry("a", |w| {
                        for _ in 0..count {
                            w.list(|w| w.bool(true));
                        }
                    });
                });
            })
        };
        assert_eq!(write(1), Ok(b"t{1\"a[t]}".to_vec()));
        for values in [0, 2] {
            assert_eq!(write(values), Err(WriteError::EntryValues { key: "1\\\"a".into(), values }));
        }
    }

    #[test]
    fn what_is_wrong_leaves_the_buffer_as_it_was() {
        let mut out = b"before".to_vec();
        let mut writer = Writer::new(&mut out);
        writer.int(1);
        writer.entries(|e| e.entry("a", |_| ()));
        assert!(writer.finish().is_err());
        assert_eq!(out, b"before");
    }
}

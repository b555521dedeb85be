//! Extended headers: `LENGTH KEY=VALUE` lines about the next object, or about all.
//!
//! A length is that of its whole line in decimal, so that values may have anything in them, line ends too.

use crate::fs::image::ImageError;

/// Digits of a length, or of a fraction that is kept.
const DIGITS_MAX: usize = 9;

/// What extended headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) target: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    /// In nanoseconds since 1970, and 0 for before.
    pub(super) time: Option<u64>,
}

impl Pax {
    /// Adds what a header says that begins at byte `at` of the archive. Keys that change nothing here are read over.
    pub(super) fn add(&mut self, mut text: &[u8], at: u64) -> Result<(), ImageError> {
        let wrong = |what| ImageError::Format { at, what };
        while !text.is_empty() {
            let (key, value, rest) = record(text).ok_or(wrong("a line of an extended header has no form"))?;
            let number = || decimal(value).ok_or(wrong("an extended header has a number that is none"));
            let small = || {
                let number = number()?;
                u32::try_from(number).map_err(|_| wrong("an extended header has a number beyond 32 bits"))
            };
            // An empty value takes back what was said before.
            let said = !value.is_empty();
            match key {
                b"path" => self.path = said.then(|| value.to_vec()),
                b"linkpath" => self.target = said.then(|| value.to_vec()),
                b"size" => self.size = if said { Some(number()?) } else { None },
                b"uid" => self.uid = if said { Some(small()?) } else { None },
                b"gid" => self.gid = if said { Some(small()?) } else { None },
                b"mtime" => {
                    let time = if said { time(value).map(Some) } else { Some(None) };
                    self.time = time.ok_or(wrong("an extended header has a time that is none"))?;
                }
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(wrong("sparse files are not read; make the archive without `--sparse`"));
                }
                _ => {}
            }
            text = rest;
        }
        Ok(())
    }

    /// Whether it says only what can hold for all objects.
    pub(super) fn is_general(&self) -> bool {
        self.path.is_none() && self.target.is_none() && self.size.is_none()
    }
}

/// The first line: its key, its value, and what follows it.
fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = text.iter().take(DIGITS_MAX + 1).position(|byte| *byte == b' ')?;
    let len = usize::try_from(decimal(text.get(..blank)?)?).ok()?;
    let (line, rest) = text.split_at_checked(len)?;
    let line = line.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (line.get(..equals)?, line.get(equals + 1..)?);
    (!key.is_empty()).then_some((key, value, rest))
}

fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

/// Seconds with a fraction, in nanoseconds.
fn time(text: &[u8]) -> Option<u64> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let (seconds, fraction) = text.split_at(point);
    let seconds = decimal(seconds)?;
    let mut nanoseconds = 0;
    if let Some(digits) = fraction.strip_prefix(b".") {
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let digits = digits.iter().copied().chain(std::iter::repeat(b'0')).take(DIGITS_MAX);
        nanoseconds = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    }
    let all = seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds);
    Some(if negative { 0 } else { all })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Option<Pax> {
        let mut pax = Pax::default();
        pax.add(text, 0).ok().map(|()| pax)
    }

    #[test]
    fn lines_are_as_long_as_they_say() {
        let path = |path: &[u8]| Some(Pax { path: Some(path.into()), ..Pax::default() });
        assert_eq!(read(b""), read(b"15 comment=abc\n"));
        assert_eq!(read(b"10 path=a\n"), path(b"a"));
        assert_eq!(read(b"12 path=a\n\n\n"), path(b"a\n\n"));
        assert_eq!(read(b"12 path=a=b\n10 comm=x\n"), path(b"a=b"));
        assert_eq!(read(b"10 path=a\n8 path=\n"), Some(Pax::default()));
        for wrong in [
            "8 path=a\n",
            "11 path=a\n",
            "10 path=a",
            "x path=a\n",
            " path=a\n",
            "-1 path=a\n",
            "10 pathaa\n",
            "0 \n",
            "3 \n",
            "5 =a\n",
            "99999999999999999999 path=a\n",
            "10 size=x\n",
            "10 size=\n\n",
            "9 uid=-1\n",
            "18 uid=4294967296\n",
            "11 mtime=.\n",
            "12 mtime=1x\n",
            "19 GNU.sparse.a=1\n",
        ] {
            assert_eq!(read(wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    #[test]
    fn times_have_fractions() {
        let check = |text: &str, want: Option<u64>| assert_eq!(time(text.as_bytes()), want, "{text}");
        check("1", Some(1_000_000_000));
        check("1.5", Some(1_500_000_000));
        check("1.0123456789", Some(1_012_345_678));
        check("-1.5", Some(0));
        check("99999999999999999", Some(u64::MAX));
        check("", None);
        check("1.x", None);
        check("1.5.5", None);
    }
}

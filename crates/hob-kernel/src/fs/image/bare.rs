//! Reading BARE, the encoding of a package's manifest and index.
//!
//! Stops: a length that is larger than what there is; a number in more bytes than it needs, so that two encodings mean one
//! thing.

use super::ImageError;

/// Bytes of a number of variable length.
const UINT_BYTES_MAX: u32 = 10;

/// What is left of a message.
#[derive(Debug)]
pub(super) struct Bare<'a> {
    rest: &'a [u8],
    /// Where `rest` begins in the archive.
    at: u64,
}

impl<'a> Bare<'a> {
    /// A message that begins at byte `at` of the archive.
    pub(super) fn new(bytes: &'a [u8], at: u64) -> Self {
        Self { rest: bytes, at }
    }

    pub(super) fn wrong<T>(&self, what: &'static str) -> Result<T, ImageError> {
        Err(ImageError::Format { at: self.at, what })
    }

    /// The end of the message.
    pub(super) fn end(self) -> Result<(), ImageError> {
        if self.rest.is_empty() { Ok(()) } else { self.wrong("there is more than belongs there") }
    }

    pub(super) fn u8(&mut self) -> Result<u8, ImageError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, ImageError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, ImageError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, ImageError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, ImageError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(super) fn uint(&mut self) -> Result<u64, ImageError> {
        let mut value = 0u64;
        for index in 0..UINT_BYTES_MAX {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            let shifted = part << (7 * index);
            if shifted >> (7 * index) != part {
                return self.wrong("the number does not fit in 64 bits");
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                if byte == 0 && index > 0 {
                    return self.wrong("the number has more bytes than it needs");
                }
                return Ok(value);
            }
        }
        self.wrong("the number does not fit in 64 bits")
    }

    pub(super) fn text(&mut self) -> Result<&'a str, ImageError> {
        let len = self.uint()?;
        let Some(bytes) = usize::try_from(len).ok().and_then(|len| self.take(len)) else {
            return self.wrong("the text is longer than what there is");
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(_) => self.wrong("the text before this byte is not UTF-8"),
        }
    }

    pub(super) fn bool(&mut self) -> Result<bool, ImageError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => self.wrong("the byte before this one is neither 0 nor 1"),
        }
    }

    /// A value that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<T, ImageError>,
    ) -> Result<Option<T>, ImageError> {
        Ok(if self.bool()? { Some(value(self)?) } else { None })
    }

    /// As many values as it says; each takes at least one byte, so there are never more than bytes.
    pub(super) fn each(
        &mut self,
        mut value: impl FnMut(&mut Self) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let count = self.uint()?;
        if usize::try_from(count).map_or(true, |count| count > self.rest.len()) {
            return self.wrong("the list is longer than what there is");
        }
        for _ in 0..count {
            value(self)?;
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        match self.take(N).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => Ok(bytes),
            None => self.wrong("it ends early"),
        }
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        self.at = self.at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_encoding() {
        let check = |bytes: &[u8], want: Option<u64>| {
            assert_eq!(Bare::new(bytes, 0).uint().ok(), want, "{bytes:x?}");
        };
        check(&[0], Some(0));
        check(&[0x7f], Some(0x7f));
        check(&[0x80, 1], Some(0x80));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Some(u64::MAX));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], None);
        check(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], None);
        check(&[0x80, 0], None);
        check(&[0x80], None);
        check(&[], None);
    }

    #[test]
    fn lengths_are_held_against_what_there_is() {
        assert_eq!(Bare::new(b"\x02ab", 0).text().ok(), Some("ab"));
        for wrong in [b"\x03ab".as_slice(), b"\x01\xff", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"] {
            assert!(Bare::new(wrong, 0).text().is_err());
        }
        let mut seen = 0;
        let mut count = |bytes: &[u8]| {
            Bare::new(bytes, 0).each(|bare| {
                seen += 1;
                bare.u8().map(drop)
            })
        };
        assert!(count(&[2, 0, 0]).is_ok());
        assert!(count(&[3, 0, 0]).is_err());
        assert_eq!(seen, 2);
        let error = Bare::new(&[2, 7], 40).optional(Bare::u8).unwrap_err();
        assert!(error.to_string().starts_with("byte 41:"), "{error}");
    }
}

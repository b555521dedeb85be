//! The block of 512 bytes before each object of a tar.

use crate::fs::image::ImageError;

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: u64 = 512;

/// Where the sum of a header's bytes stands in it; it counts as spaces.
const SUM: std::ops::Range<usize> = 148..156;

/// Permission bits of a mode.
const PERMISSIONS: u64 = 0o7777;

/// What a header stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    File,
    HardLink,
    Link,
    Character,
    Block,
    Directory,
    Fifo,
    /// More about the next object.
    Extended,
    /// More about all objects from here on.
    Global,
    /// GNU: the path of the next object.
    LongName,
    /// GNU: the target of the next object.
    LongTarget,
}

/// A header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: Type,
    pub(super) path: Vec<u8>,
    pub(super) target: Vec<u8>,
    pub(super) mode: u16,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    /// When it was written, in seconds since 1970, and 0 for before.
    pub(super) seconds: u64,
    /// The major and minor number of a device.
    pub(super) device: (u32, u32),
}

impl Header {
    /// Reads the block at byte `at` of the archive.
    pub(super) fn read(block: &[u8; BLOCK], at: u64) -> Result<Self, ImageError> {
        let wrong = |offset: u64, what| ImageError::Format { at: at.saturating_add(offset), what };
        let field =
            |start: usize, len: usize| block.get(start..start.saturating_add(len)).unwrap_or_default();
        let number = |start: u16, len: usize| match number(field(start.into(), len)) {
            Some(number) => Ok(number),
            None => Err(wrong(start.into(), "this is no number as tar has them")),
        };
        let small = |start: u16| {
            u32::try_from(number(start, 8)?)
                .map_err(|_| wrong(start.into(), "the number does not fit in 32 bits"))
        };
        let sum: u64 = (0..)
            .zip(block)
            .map(|(index, byte)| u64::from(if SUM.contains(&index) { b' ' } else { *byte }))
            .sum();
        if number(148, 8)? != sum {
            return Err(wrong(148, "the sum of the header is wrong: it is no tar, or it is damaged"));
        }
        let kind = match field(156, 1) {
            b"0" | b"\0" | b"7" => Type::File,
            b"1" => Type::HardLink,
            b"2" => Type::Link,
            b"3" => Type::Character,
            b"4" => Type::Block,
            b"5" => Type::Directory,
            b"6" => Type::Fifo,
            b"x" => Type::Extended,
            b"g" => Type::Global,
            b"L" => Type::LongName,
            b"K" => Type::LongTarget,
            b"S" => return Err(wrong(156, "sparse files are not read; make the archive without `--sparse`")),
            _ => return Err(wrong(156, "this type of object is not read")),
        };
        let posix = field(257, 6) == b"ustar\0";
        let known = posix || field(257, 8) == b"ustar  \0" || field(257, 8).iter().all(|byte| *byte == 0);
        if !known {
            return Err(wrong(257, "the format is none of the old one, ustar, GNU's and POSIX's"));
        }
        let name = text(field(0, 100));
        let path = match text(field(345, 155)) {
            prefix if posix && !prefix.is_empty() => [prefix, b"/", name].concat(),
            _ => name.to_vec(),
        };
        let device = match kind {
            Type::Character | Type::Block => (small(329)?, small(337)?),
            _ => (0, 0),
        };
        let seconds = if field(136, 1) == b"\xff" { 0 } else { number(136, 12)? };
        Ok(Self {
            kind,
            path,
            target: text(field(157, 100)).to_vec(),
            mode: u16::try_from(number(100, 8)? & PERMISSIONS).unwrap_or(0),
            uid: small(108)?,
            gid: small(116)?,
            size: number(124, 12)?,
            seconds,
            device,
        })
    }
}

/// What stands before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number: octal digits between spaces and NULs, nothing for 0; or, marked by the first bit, the bytes of one.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, bytes)) = field.split_first() {
        return bytes.iter().try_fold(0u64, |sum, byte| Some(sum.checked_mul(256)? | u64::from(*byte)));
    }
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let field = field.split_at(start).1;
    let end = field.iter().position(|byte| matches!(byte, b' ' | 0)).unwrap_or(field.len());
    let (digits, rest) = field.split_at(end);
    if rest.iter().any(|byte| !matches!(byte, b' ' | 0)) {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_marked() {
        let check = |field: &[u8], want: Option<u64>| {
            assert_eq!(number(field), want, "{}", field.escape_ascii());
        };
        check(b"0000644\0", Some(0o644));
        check(b"   644 \0", Some(0o644));
        check(b"77777777777\0", Some(0o77_777_777_777));
        check(b"777777777777", Some(0o777_777_777_777));
        check(b"\0\0\0\0", Some(0));
        check(b"", Some(0));
        check(b"8", None);
        check(b"-1", None);
        check(b"12 3", None);
        check(b"12\x003", None);
        check(b"\x80\0\0\0\0\0\0\0\0\0\x01\x02", Some(258));
        check(b"\x80\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff", None);
        check(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None);
        check(b"1777777777777777777777", Some(u64::MAX));
        check(b"2000000000000000000000", None);
    }
}

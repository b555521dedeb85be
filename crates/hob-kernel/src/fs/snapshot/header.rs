//! The header block of a tar entry.

use super::length;

/// The kinds of entries there are.
pub(super) mod kind {
    pub(in super::super) const FILE: u8 = b'0';
    pub(in super::super) const HARD: u8 = b'1';
    pub(in super::super) const LINK: u8 = b'2';
    pub(in super::super) const CHARACTER: u8 = b'3';
    pub(in super::super) const BLOCK: u8 = b'4';
    pub(in super::super) const DIRECTORY: u8 = b'5';
    pub(in super::super) const FIFO: u8 = b'6';
    pub(in super::super) const RECORDS: u8 = b'x';
}

/// Bytes of the name, and of the target of a link.
pub(super) const NAME_BYTES: usize = 100;
/// The largest numbers of seven and of eleven octal digits.
pub(super) const SMALL_MAX: u64 = (1 << 21) - 1;
pub(super) const LARGE_MAX: u64 = (1 << 33) - 1;

/// What a header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) mode: u64,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) size: u64,
    pub(super) modified: u64,
    pub(super) kind: u8,
    pub(super) target: Vec<u8>,
    pub(super) major: u64,
    pub(super) minor: u64,
}

impl Header {
    /// The block. What does not fit must be in records before it, and is left out here.
    pub(super) fn block(&self) -> Vec<u8> {
        let sum = self.with_sum(b"        ").iter().map(|byte| u64::from(*byte)).sum::<u64>();
        self.with_sum(format!("{sum:06o}\0 ").as_bytes())
    }

    fn with_sum(&self, sum: &[u8]) -> Vec<u8> {
        let mut block = Vec::with_capacity(512);
        let mut put = |bytes: &[u8], len: usize| {
            let end = block.len() + len;
            block.extend(bytes.iter().take(len));
            block.resize(end, 0);
        };
        let small = |number: u64| format!("{:07o}", if number > SMALL_MAX { 0 } else { number });
        let large = |number: u64| format!("{:011o}", if number > LARGE_MAX { 0 } else { number });
        put(&self.name, NAME_BYTES);
        put(small(self.mode).as_bytes(), 8);
        put(small(self.uid).as_bytes(), 8);
        put(small(self.gid).as_bytes(), 8);
        put(large(self.size).as_bytes(), 12);
        put(large(self.modified).as_bytes(), 12);
        put(sum, 8);
        put(&[self.kind], 1);
        put(&self.target, NAME_BYTES);
        put(b"ustar\x0000", 8);
        put(b"", 64);
        put(small(self.major).as_bytes(), 8);
        put(small(self.minor).as_bytes(), 8);
        put(b"", 167);
        block
    }

    /// Reads a block. Errors: the rule it breaks.
    pub(super) fn parse(block: &[u8; 512]) -> Result<Self, &'static str> {
        let mut rest = block.as_slice();
        let mut take = |len: usize| {
            let (field, after) = rest.split_at_checked(len).unwrap_or_default();
            rest = after;
            field
        };
        let name = text(take(NAME_BYTES));
        let (mode, uid, gid) = (octal(take(8))?, octal(take(8))?, octal(take(8))?);
        let (size, modified) = (octal(take(12))?, octal(take(12))?);
        let sum = take(8);
        let [kind] = take(1) else { return Err("a header has 512 bytes") };
        let target = text(take(NAME_BYTES));
        if take(8) != b"ustar\x0000" {
            return Err("an entry begins with a header of POSIX tar");
        }
        take(64);
        let (major, minor) = (octal(take(8))?, octal(take(8))?);
        let prefix = text(take(155));

        let all: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        let own: u64 = sum.iter().map(|byte| u64::from(*byte)).sum();
        if octal(sum)? != all - own + 8 * u64::from(b' ') {
            return Err("the checksum of a header is that of its bytes");
        }
        let name = if prefix.is_empty() { name } else { [prefix, b"/".to_vec(), name].concat() };
        let kind = if *kind == 0 { kind::FILE } else { *kind };
        Ok(Self { name, mode, uid, gid, size, modified, kind, target, major, minor })
    }
}

/// A field of text: up to the first NUL.
fn text(field: &[u8]) -> Vec<u8> {
    field.iter().copied().take_while(|byte| *byte != 0).collect()
}

/// A field of octal digits, ended by NULs and spaces.
fn octal(field: &[u8]) -> Result<u64, &'static str> {
    let digits = field.iter().take_while(|byte| (b'0'..=b'7').contains(*byte));
    let count = digits.clone().count();
    if field.iter().skip(count).any(|byte| !matches!(byte, 0 | b' ')) {
        return Err("numbers in a header are octal digits");
    }
    // Twelve digits at most.
    Ok(digits.fold(0, |number, digit| number << 3 | u64::from(digit - b'0')))
}

/// How many bytes fill the last block.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(super::BLOCK) - size
}

/// A number of a device as its two parts, if those are all of it.
pub(super) fn device_parts(device: u64) -> Option<(u64, u64)> {
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00);
    (device_of(major, minor) == Some(device)).then_some((major, minor))
}

/// The number of a device.
pub(super) fn device_of(major: u64, minor: u64) -> Option<u64> {
    let (major, minor) = (u32::try_from(major).ok()?, u32::try_from(minor).ok()?);
    (major <= 0xfff && minor <= 0xf_ffff).then(|| crate::fs::dev::device_number(major, minor))
}

/// Whether a text fits into its field.
pub(super) fn fits(text: &[u8]) -> bool {
    length(text) <= 100 && !text.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_and_no_other_sum_is_taken() {
        let header = Header {
            name: vec![b'n'; 100],
            mode: 0o7777,
            uid: SMALL_MAX,
            gid: 1,
            size: LARGE_MAX,
            modified: 12,
            kind: b'3',
            target: b"to".to_vec(),
            major: 0xfff,
            minor: 0xf_ffff,
        };
        let block: [u8; 512] = header.block().try_into().unwrap();
        assert_eq!(Header::parse(&block).as_ref(), Ok(&header));
        for at in (0..500).filter(|at| !(148..156).contains(at)) {
            let mut block = block;
            block[at] ^= 1;
            assert!(Header::parse(&block).is_err(), "byte {at}");
        }
    }

    #[test]
    fn devices_have_two_parts_or_none() {
        assert_eq!(device_parts(crate::fs::dev::URANDOM), Some((1, 9)));
        assert_eq!(device_parts(crate::fs::dev::device_number(136, 70_000)), Some((136, 70_000)));
        assert_eq!(device_parts(u64::MAX), None);
        assert_eq!(device_of(1 << 12, 0), None);
    }
}

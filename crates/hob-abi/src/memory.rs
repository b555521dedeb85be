//! A guest's memory, read and written only through checks.
//!
//! Every pointer and length a guest hands over is hostile until it has been here: a range past the end, a sum that wraps
//! in 32 bits, a length of −1 all give [`OutOfBounds`], never a panic and never a byte outside. Values are copied out
//! before they are looked at, so that a guest cannot change them between the check and the use.

use std::ops::Range;

/// A pointer or length that does not lie in the guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes at {at} do not lie in the guest's memory of {size} bytes")]
pub struct OutOfBounds {
    /// Where the guest pointed.
    pub at: u32,
    /// How many bytes it claimed are there.
    pub len: u64,
    /// How large its memory is.
    pub size: usize,
}

/// The bytes `[at, at + len)`.
///
/// # Errors
///
/// When they do not all lie in `memory`. An empty range may begin right at the end, and not past it.
pub fn bytes(memory: &[u8], at: u32, len: u32) -> Result<&[u8], OutOfBounds> {
    let range = range(memory.len(), at, u64::from(len))?;
    memory.get(range).ok_or(OutOfBounds { at, len: u64::from(len), size: memory.len() })
}

/// The bytes `[at, at + len)`, to be written.
///
/// # Errors
///
/// As [`bytes`].
pub fn bytes_mut(memory: &mut [u8], at: u32, len: u32) -> Result<&mut [u8], OutOfBounds> {
    let size = memory.len();
    let range = range(size, at, u64::from(len))?;
    memory.get_mut(range).ok_or(OutOfBounds { at, len: u64::from(len), size })
}

/// Copies `data` to `at`.
///
/// # Errors
///
/// As [`bytes`]; nothing is written then.
pub fn write(memory: &mut [u8], at: u32, data: &[u8]) -> Result<(), OutOfBounds> {
    let size = memory.len();
    let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
    let range = range(size, at, len)?;
    let target = memory.get_mut(range).ok_or(OutOfBounds { at, len, size })?;
    target.copy_from_slice(data);
    Ok(())
}

/// The `N` bytes at `at`, copied.
///
/// # Errors
///
/// As [`bytes`].
pub fn array<const N: usize>(memory: &[u8], at: u32) -> Result<[u8; N], OutOfBounds> {
    let len = u64::try_from(N).unwrap_or(u64::MAX);
    let wrong = OutOfBounds { at, len, size: memory.len() };
    let range = range(memory.len(), at, len)?;
    memory.get(range).and_then(|bytes| bytes.try_into().ok()).ok_or(wrong)
}

fn range(size: usize, at: u32, len: u64) -> Result<Range<usize>, OutOfBounds> {
    let wrong = OutOfBounds { at, len, size };
    let end = u64::from(at).checked_add(len).ok_or(wrong)?;
    let start = usize::try_from(at).map_err(|_| wrong)?;
    let end = usize::try_from(end).map_err(|_| wrong)?;
    if end <= size { Ok(start..end) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_at_the_end_and_not_past_it() {
        let memory = [0; 16];
        let check = |at, len, fits| assert_eq!(bytes(&memory, at, len).is_ok(), fits, "{at}+{len}");
        check(0, 16, true);
        check(0, 17, false);
        check(16, 0, true);
        check(17, 0, false);
        check(15, 1, true);
        check(15, 2, false);
        check(u32::MAX, 1, false);
        check(u32::MAX, u32::MAX, false);
        check(1, u32::MAX, false);
    }

    #[test]
    fn arrays_and_writes_follow_the_same_rule() {
        let mut memory = [1; 8];
        assert_eq!(array::<4>(&memory, 4), Ok([1; 4]));
        assert!(array::<4>(&memory, 5).is_err());
        assert!(write(&mut memory, 5, &[9; 4]).is_err());
        assert_eq!(memory, [1; 8]);
        assert!(write(&mut memory, 4, &[9; 4]).is_ok());
        assert!(bytes_mut(&mut memory, 0, 9).is_err());
    }
}

//! A guest's memory, read and written only through checks.
//!
//! Every pointer and length a guest hands over is hostile until it has been here: a range past the end, a sum that wraps
//! in 32 bits, a length of −1 all give [`OutOfBounds`], never a panic and never a byte outside. Because nothing else
//! touches a guest's memory during a host call, this is also where a [`Recorder`] learns what the host looked at and what
//! it wrote.

use std::ops::Range;

use crate::boundary::{Recorder, Written};
use crate::touched::Touched;

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

/// A guest's memory, as a host function sees it.
///
/// ```
/// use hob_engine::Memory;
/// let mut bytes = [0; 8];
/// let mut memory = Memory::new(&mut bytes);
/// memory.write(4, b"abcd")?;
/// assert_eq!(memory.array::<2>(5)?, *b"bc");
/// assert!(memory.bytes(5, 4).is_err());
/// # Ok::<(), hob_engine::OutOfBounds>(())
/// ```
pub struct Memory<'a> {
    bytes: &'a mut [u8],
    trace: Option<Trace<'a>>,
    touched: Option<&'a mut Touched>,
}

/// Who is told of accesses.
pub(crate) struct Trace<'a> {
    pub(crate) recorder: &'a mut dyn Recorder,
    /// Ranges handed out to be written; what was written there is known when the next thing happens.
    pub(crate) written: &'a mut Written,
}

impl<'a> Memory<'a> {
    /// The checks over plain bytes.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, trace: None, touched: None }
    }

    pub(crate) fn traced(
        bytes: &'a mut [u8],
        trace: Option<Trace<'a>>,
        touched: Option<&'a mut Touched>,
    ) -> Self {
        Self { bytes, trace, touched }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Fails unless the bytes `[at, at + len)` all lie in memory. An empty range may begin right at the end, and not past
    /// it.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`].
    pub fn check(&self, at: u32, len: u32) -> Result<(), OutOfBounds> {
        range(self.bytes.len(), at, u64::from(len)).map(drop)
    }

    /// The bytes `[at, at + len)`.
    ///
    /// # Errors
    ///
    /// As [`Memory::check`].
    #[inline]
    pub fn bytes(&mut self, at: u32, len: u32) -> Result<&[u8], OutOfBounds> {
        let range = range(self.bytes.len(), at, u64::from(len))?;
        self.settle();
        let wrong = OutOfBounds { at, len: u64::from(len), size: self.bytes.len() };
        let bytes = self.bytes.get(range).ok_or(wrong)?;
        if let Some(trace) = &mut self.trace {
            trace.recorder.read(at, bytes);
        }
        Ok(bytes)
    }

    /// Two ranges of bytes at once.
    ///
    /// # Errors
    ///
    /// As [`Memory::check`].
    pub fn pair(&mut self, a: (u32, u32), b: (u32, u32)) -> Result<(&[u8], &[u8]), OutOfBounds> {
        self.bytes(a.0, a.1)?;
        self.bytes(b.0, b.1)?;
        let size = self.bytes.len();
        let get = |(at, len): (u32, u32)| {
            let len = u64::from(len);
            self.bytes.get(range(size, at, len)?).ok_or(OutOfBounds { at, len, size })
        };
        Ok((get(a)?, get(b)?))
    }

    /// Lets `f` fill the bytes `[at, at + len)` from their beginning; it returns how many it filled.
    ///
    /// # Errors
    ///
    /// As [`Memory::check`], and what `f` fails with.
    pub fn fill<E: From<OutOfBounds>>(
        &mut self,
        at: u32,
        len: u32,
        f: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let filled = f(self.bytes_mut(at, len)?)?;
        if let Some(trace) = &mut self.trace {
            trace.written.shorten(u32::try_from(filled).unwrap_or(len).min(len));
        }
        Ok(filled)
    }

    /// The bytes `[at, at + len)`, to be written.
    ///
    /// # Errors
    ///
    /// As [`Memory::check`].
    #[inline]
    pub fn bytes_mut(&mut self, at: u32, len: u32) -> Result<&mut [u8], OutOfBounds> {
        let size = self.bytes.len();
        let range = range(size, at, u64::from(len))?;
        if let Some(trace) = &mut self.trace {
            trace.written.push(at, len);
        }
        if let Some(touched) = &mut self.touched {
            touched.push(range.clone());
        }
        self.bytes.get_mut(range).ok_or(OutOfBounds { at, len: u64::from(len), size })
    }

    /// Copies `data` to `at`.
    ///
    /// # Errors
    ///
    /// As [`Memory::check`]; nothing is written then.
    #[inline]
    pub fn write(&mut self, at: u32, data: &[u8]) -> Result<(), OutOfBounds> {
        let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let wrong = OutOfBounds { at, len, size: self.bytes.len() };
        let len = u32::try_from(len).map_err(|_| wrong)?;
        self.bytes_mut(at, len)?.copy_from_slice(data);
        Ok(())
    }

    /// The `N` bytes at `at`, copied, so that a guest cannot change them between a check and their use.
    ///
    /// # Errors
    ///
    /// As [`Memory::check`].
    pub fn array<const N: usize>(&mut self, at: u32) -> Result<[u8; N], OutOfBounds> {
        let len = u64::try_from(N).unwrap_or(u64::MAX);
        let wrong = OutOfBounds { at, len, size: self.bytes.len() };
        let len = u32::try_from(len).map_err(|_| wrong)?;
        self.bytes(at, len)?.try_into().map_err(|_| wrong)
    }

    /// Tells the recorder what was written to the ranges handed out so far.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.trace.is_some() {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let Some(trace) = &mut self.trace else { return };
        for (at, len) in trace.written.take() {
            let range = range(self.bytes.len(), at, u64::from(len)).ok();
            if let Some(bytes) = range.and_then(|range| self.bytes.get(range)) {
                trace.recorder.wrote(at, bytes);
            }
        }
    }
}

#[inline]
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
        let mut bytes = [0; 16];
        let mut memory = Memory::new(&mut bytes);
        let mut check = |at, len, fits| {
            assert_eq!(memory.bytes(at, len).is_ok(), fits, "{at}+{len}");
            assert_eq!(memory.bytes_mut(at, len).is_ok(), fits, "{at}+{len}");
            assert_eq!(memory.check(at, len).is_ok(), fits, "{at}+{len}");
        };
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
        let mut bytes = [1; 8];
        let mut memory = Memory::new(&mut bytes);
        assert_eq!(memory.array::<4>(4), Ok([1; 4]));
        assert!(memory.array::<4>(5).is_err());
        assert!(memory.write(5, &[9; 4]).is_err());
        assert_eq!(memory.bytes(0, 8), Ok(&[1; 8][..]));
        assert!(memory.write(4, &[9; 4]).is_ok());
        assert!(memory.bytes_mut(0, 9).is_err());
    }
}

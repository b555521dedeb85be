//! Bytes that lie somewhere and are read there: a part of an open file of the host, or of memory.
//!
//! What reads an archive and what shows its files both go through [`Stored`], so an archive of any size is never in memory
//! as a whole. A part never reaches beyond what it is a part of.
//!
//! The same bytes are called by the same number ([`Stored::immutable`]) however often they are opened, and no other bytes
//! ever are: numbers are counted, never computed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hob_os::{Errno, FileVersion, HeldFile, Result};

use super::File;

/// Parts that a number is remembered for. Beyond, the same bytes are called by a new number each time.
const REMEMBERED_MAX: usize = 1 << 16;

/// A run of bytes.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    place: Place,
    start: u64,
    size: u64,
}

#[derive(Clone, Debug)]
enum Place {
    Held(Arc<HeldFile>),
    Memory(Memory),
}

/// Bytes in memory, with a number of their own.
#[derive(Clone)]
struct Memory {
    bytes: Arc<[u8]>,
    number: u64,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// What a number is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Held(FileVersion, u64, u64),
    Memory(u64, u64, u64),
}

static NUMBERS: Mutex<BTreeMap<Known, u64>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Stored {
    /// All bytes of a file.
    pub(crate) fn held(file: HeldFile) -> Self {
        let size = file.size();
        Self { place: Place::Held(Arc::new(file)), start: 0, size }
    }

    /// Bytes in memory.
    pub(crate) fn memory(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { place: Place::Memory(Memory { bytes, number }), start: 0, size }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.size
    }

    /// A part of them; `None` when it reaches beyond the end.
    pub(crate) fn part(&self, start: u64, size: u64) -> Option<Self> {
        let end = start.checked_add(size)?;
        (end <= self.size).then(|| Self { place: self.place.clone(), start: self.start + start, size })
    }

    /// `size` bytes from `start` on. Errors: [`Errno::Io`] when there are fewer.
    pub(crate) fn exactly(&self, start: u64, size: u64) -> Result<Vec<u8>> {
        if start.checked_add(size).is_none_or(|end| end > self.size) {
            return Err(Errno::Io.into());
        }
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| Errno::Nomem)?];
        self.fill(&mut bytes, start)?;
        Ok(bytes)
    }

    /// The bytes from `start` on, as many as fit. Errors: [`Errno::Io`] when there are fewer.
    pub(crate) fn fill(&self, buf: &mut [u8], start: u64) -> Result<()> {
        let (mut rest, mut at) = (buf, start);
        while !rest.is_empty() {
            let read = self.read_at(rest, at)?;
            if read == 0 {
                return Err(Errno::Io.into());
            }
            rest = rest.split_at_mut_checked(read).ok_or(Errno::Io)?.1;
            at += u64::try_from(read).map_err(|_| Errno::Overflow)?;
        }
        Ok(())
    }

    /// Whether they begin with these.
    pub(crate) fn begins_with(&self, bytes: &[u8]) -> Result<bool> {
        let size = u64::try_from(bytes.len()).map_err(|_| Errno::Overflow)?;
        Ok(self.size >= size && self.exactly(0, size)? == bytes)
    }

    /// What they are called for ever, unless somebody still writes them.
    pub(crate) fn immutable(&self) -> Option<u64> {
        let known = match &self.place {
            Place::Held(file) => Known::Held(file.settled().ok()??, self.start, self.size),
            Place::Memory(memory) => Known::Memory(memory.number, self.start, self.size),
        };
        let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = numbers.get(&known) {
            return Some(*number);
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        if numbers.len() < REMEMBERED_MAX {
            numbers.insert(known, number);
        }
        Some(number)
    }
}

impl File for Stored {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let left = self.size.saturating_sub(offset);
        let most = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(buf) = buf.get_mut(..most).filter(|buf| !buf.is_empty()) else { return Ok(0) };
        let at = self.start.checked_add(offset).ok_or(Errno::Overflow)?;
        match &self.place {
            Place::Held(file) => file.read_at(buf, at),
            Place::Memory(memory) => {
                let at = usize::try_from(at).map_err(|_| Errno::Overflow)?;
                let from = memory.bytes.get(at..).and_then(|rest| rest.get(..buf.len())).ok_or(Errno::Io)?;
                buf.copy_from_slice(from);
                Ok(buf.len())
            }
        }
    }

    fn size(&self) -> Result<u64> {
        Ok(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_never_reaches_beyond_what_it_is_a_part_of() {
        let all = Stored::memory(*b"0123456789");
        let part = all.part(2, 5).unwrap();
        assert_eq!(part.exactly(0, 5).unwrap(), b"23456");
        let mut buf = [b'-'; 8];
        assert_eq!(part.read_at(&mut buf, 3), Ok(2));
        assert_eq!(&buf, b"56------");
        assert_eq!((part.read_at(&mut buf, 5), part.read_at(&mut buf, u64::MAX)), (Ok(0), Ok(0)));
        assert_eq!(part.exactly(1, 5), Err(Errno::Io.into()));
        assert_eq!(part.exactly(u64::MAX, 2), Err(Errno::Io.into()));
        assert_eq!(part.part(1, 3).unwrap().exactly(0, 3).unwrap(), b"345");
        assert!(part.part(1, 5).is_none() && part.part(u64::MAX, 1).is_none() && part.part(5, 0).is_some());
        assert!(part.write_at(b"x", 0).is_err() && part.resize(0).is_err());
    }

    #[test]
    fn one_number_stands_for_the_same_bytes_only() {
        let all = Stored::memory(*b"0123456789");
        let number = |start, size| all.part(start, size).unwrap().immutable().unwrap();
        assert_eq!(number(0, 3), number(0, 3));
        assert_ne!(number(0, 3), number(0, 4));
        assert_ne!(number(0, 3), number(1, 3));
        assert_ne!(all.immutable(), Stored::memory(*b"0123456789").immutable());
    }
}

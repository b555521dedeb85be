//! What the host wrote to the memory of an instance that is to be put back.
//!
//! The guest's own stores are noted by its code ([`crate::module::track`]); what host functions and callers write comes
//! past here. Few ranges are kept exactly; when there are too many, all memory counts as written.

use std::ops::Range;

/// Ranges that are kept.
const RANGES_MAX: usize = 64;

/// Ranges of memory that were handed out to be written.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    ranges: Vec<Range<usize>>,
    all: bool,
}

impl Touched {
    /// The bytes `[at, at + len)`, which lie in memory.
    #[inline]
    pub(crate) fn push(&mut self, range: Range<usize>) {
        if self.all || range.is_empty() {
            return;
        }
        if let Some(last) = self.ranges.last_mut()
            && range.start <= last.end
            && last.start <= range.end
        {
            *last = last.start.min(range.start)..last.end.max(range.end);
        } else if self.ranges.len() < RANGES_MAX {
            self.ranges.push(range);
        } else {
            self.all();
        }
    }

    /// All of memory.
    pub(crate) fn all(&mut self) {
        self.ranges.clear();
        self.all = true;
    }

    /// Whether all of memory counts as written; otherwise [`Touched::ranges`] says what.
    #[inline]
    pub(crate) fn is_all(&self) -> bool {
        self.all
    }

    #[inline]
    pub(crate) fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.ranges.clear();
        self.all = false;
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_and_too_many_become_all() {
        let mut touched = Touched::default();
        touched.push(10..20);
        touched.push(20..30);
        touched.push(5..10);
        touched.push(7..7);
        assert_eq!(touched.ranges(), [5..30]);
        touched.push(31..32);
        assert_eq!(touched.ranges(), [5..30, 31..32]);
        (0..RANGES_MAX - 2).for_each(|at| touched.push(100 + 2 * at..101 + 2 * at));
        assert_eq!((touched.ranges().len(), touched.is_all()), (RANGES_MAX, false));
        touched.push(1000..1001);
        assert!(touched.is_all() && touched.ranges().is_empty());
        touched.clear();
        assert!(!touched.is_all());
    }
}

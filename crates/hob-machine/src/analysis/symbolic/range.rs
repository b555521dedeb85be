//! Values in an order, and which of them are left.

/// Between two ends, or one of a list, and none of another list.
#[derive(Clone, Debug)]
pub(crate) struct Range<T> {
    /// The lower end, and whether it is in.
    pub(crate) low: Option<(T, bool)>,
    /// The upper end, and whether it is in.
    pub(crate) high: Option<(T, bool)>,
    /// Nothing but these.
    pub(crate) only: Option<Vec<T>>,
    /// None of these.
    pub(crate) except: Vec<T>,
}

impl<T: PartialOrd + Clone> Range<T> {
    /// Everything.
    pub(crate) fn all() -> Self {
        Self { low: None, high: None, only: None, except: Vec::new() }
    }

    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self { only: Some(Vec::new()), ..Self::all() }
    }

    pub(crate) fn below(&mut self, end: &T, inclusive: bool) {
        let tighter = |(high, included): &(T, bool)| *end < *high || (*end == *high && *included);
        if self.high.as_ref().is_none_or(tighter) {
            self.high = Some((end.clone(), inclusive));
        }
    }

    pub(crate) fn above(&mut self, end: &T, inclusive: bool) {
        let tighter = |(low, included): &(T, bool)| *end > *low || (*end == *low && *included);
        if self.low.as_ref().is_none_or(tighter) {
            self.low = Some((end.clone(), inclusive));
        }
    }

    pub(crate) fn among(&mut self, these: &[T]) {
        self.only = Some(match self.only.take() {
            Some(only) => only.into_iter().filter(|value| these.contains(value)).collect(),
            None => these.to_vec(),
        });
    }

    pub(crate) fn without(&mut self, value: &T) {
        self.except.push(value.clone());
    }

    /// Whether a value is left.
    pub(crate) fn has(&self, value: &T) -> bool {
        let above = |(low, included): &(T, bool)| value > low || (*included && value == low);
        let below = |(high, included): &(T, bool)| value < high || (*included && value == high);
        self.low.as_ref().is_none_or(above)
            && self.high.as_ref().is_none_or(below)
            && self.only.as_ref().is_none_or(|only| only.contains(value))
            && !self.except.contains(value)
    }

    /// Whether surely nothing is left. What lies between two ends is taken to be there.
    pub(crate) fn is_empty(&self) -> bool {
        if let Some(only) = &self.only {
            return !only.iter().any(|value| self.has(value));
        }
        match (&self.low, &self.high) {
            (Some((low, _)), Some((high, _))) if low == high => !self.has(low),
            (Some((low, _)), Some((high, _))) => low > high,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left() {
        let check = |narrow: &dyn Fn(&mut Range<i64>), empty: bool, has_five: bool| {
            let mut range = Range::all();
            narrow(&mut range);
            assert_eq!((range.is_empty(), range.has(&5)), (empty, has_five), "{range:?}");
        };
        check(&|_| {}, false, true);
        check(&|range| range.above(&5, true), false, true);
        check(&|range| range.above(&5, false), false, false);
        check(
            &|range| {
                range.above(&5, true);
                range.below(&5, true);
            },
            false,
            true,
        );
        check(
            &|range| {
                range.above(&5, true);
                range.below(&5, true);
                range.below(&5, false);
            },
            true,
            false,
        );
        check(
            &|range| {
                range.above(&7, true);
                range.below(&3, true);
            },
            true,
            false,
        );
        check(
            &|range| {
                range.among(&[5, 6]);
                range.among(&[5, 7]);
            },
            false,
            true,
        );
        check(
            &|range| {
                range.among(&[5]);
                range.without(&5);
            },
            true,
            false,
        );
        assert!(Range::<i64>::nothing().is_empty());
    }
}

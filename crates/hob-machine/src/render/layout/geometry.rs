//! Points, rectangles, and the one optimisation that all placing comes down to.

/// A place, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::render) struct Point {
    pub(in crate::render) x: f64,
    pub(in crate::render) y: f64,
}

impl Point {
    pub(in crate::render) fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    pub(super) fn moved(self, by: Self) -> Self {
        Self::new(self.x + by.x, self.y + by.y)
    }
}

/// A rectangle, by its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(in crate::render) struct Rect {
    pub(in crate::render) x: f64,
    pub(in crate::render) y: f64,
    pub(in crate::render) w: f64,
    pub(in crate::render) h: f64,
}

impl Rect {
    pub(in crate::render) fn right(self) -> f64 {
        self.x + self.w
    }

    pub(in crate::render) fn bottom(self) -> f64 {
        self.y + self.h
    }
}

/// What wants to be somewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Where.
    pub(super) at: f64,
    /// How much it matters.
    pub(super) weight: f64,
    /// How far from the one before it must be.
    pub(super) gap: f64,
}

/// Places in a row, in this order, at least their gaps apart, and all in all as near to where they want to be as that allows:
/// the least sum of weighted squares. Linear: neighbours that push each other move as one block.
pub(super) fn spread(wishes: &[Wish]) -> Vec<f64> {
    struct Block {
        sum: f64,
        weight: f64,
        count: usize,
    }
    let mut blocks: Vec<Block> = Vec::new();
    let mut shift = 0.0;
    for (number, wish) in wishes.iter().enumerate() {
        shift += if number == 0 { 0.0 } else { wish.gap };
        let mut block = Block { sum: (wish.at - shift) * wish.weight, weight: wish.weight, count: 1 };
        while let Some(last) = blocks.last() {
            if last.sum * block.weight <= block.sum * last.weight {
                break;
            }
            block.sum += last.sum;
            block.weight += last.weight;
            block.count += last.count;
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut places = Vec::with_capacity(wishes.len());
    let mut shift = 0.0;
    let at = blocks.iter().flat_map(|block| std::iter::repeat_n(block.sum / block.weight, block.count));
    for (number, (at, wish)) in at.zip(wishes).enumerate() {
        shift += if number == 0 { 0.0 } else { wish.gap };
        places.push(at + shift);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wishes: &[(f64, f64)], expected: &[f64]) {
        let wishes: Vec<Wish> =
            wishes.iter().map(|(at, weight)| Wish { at: *at, weight: *weight, gap: 10.0 }).collect();
        assert_eq!(spread(&wishes), expected);
    }

    #[test]
    fn neighbours_push_each_other() {
        check(&[], &[]);
        check(&[(3.0, 1.0)], &[3.0]);
        check(&[(0.0, 1.0), (50.0, 1.0)], &[0.0, 50.0]);
        check(&[(0.0, 1.0), (0.0, 1.0)], &[-5.0, 5.0]);
        check(&[(0.0, 3.0), (0.0, 1.0)], &[-2.5, 7.5]);
        check(&[(0.0, 1.0), (0.0, 1.0), (0.0, 1.0)], &[-10.0, 0.0, 10.0]);
        check(&[(20.0, 1.0), (0.0, 1.0), (100.0, 1.0)], &[5.0, 15.0, 100.0]);
    }
}

//! Values of every kind that goes over the wire, by chance, for tests.

use crate::bare::Map;

/// Chance, from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number of splitmix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// What can be made by chance.
pub(crate) trait Sample {
    fn sample(dice: &mut Dice) -> Self;
}

macro_rules! integers {
    ($($int:ty),*) => { $(
        impl Sample for $int {
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "any bits do")]
            fn sample(dice: &mut Dice) -> Self {
                dice.next() as Self
            }
        }
    )* };
}

integers!(u16, u32, u64, i32, i64);

impl Sample for bool {
    fn sample(dice: &mut Dice) -> Self {
        dice.below(2) == 1
    }
}

impl Sample for String {
    fn sample(dice: &mut Dice) -> Self {
        let len = if dice.below(20) == 0 { 200 } else { dice.below(6) };
        (0..len).map(|_| ['a', '/', '\0', 'é', '☃', '🦀'][dice.below(6)]).collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(dice: &mut Dice) -> Self {
        bool::sample(dice).then(|| T::sample(dice))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(dice: &mut Dice) -> Self {
        (0..dice.below(4)).map(|_| T::sample(dice)).collect()
    }
}

impl<T: Sample> Sample for Map<T> {
    fn sample(dice: &mut Dice) -> Self {
        Self((0..dice.below(4)).map(|key| (format!("key {key}"), T::sample(dice))).collect())
    }
}

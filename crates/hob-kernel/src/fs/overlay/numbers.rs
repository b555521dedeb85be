//! A number of some layer and that layer's own, as one number: for inodes, and for places in a listing.
//!
//! Numbers of 52 bits take the layer's in front. A layer may use larger ones, as a directory of the host does; those are
//! remembered, and a number for the memory stands for them. So no two are ever mixed up.

use std::collections::HashMap;

const BITS: u32 = 52;
/// Stands in the place of a layer for numbers that are remembered.
const REMEMBERED: u64 = 0x7ff;

/// Numbers too large to be told with their layer's.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    index: HashMap<(u64, u64), u64>,
    large: Vec<(u64, u64)>,
}

impl Numbers {
    pub(super) fn pack(&mut self, layer: u64, number: u64) -> u64 {
        if number >> BITS == 0 {
            return layer << BITS | number;
        }
        let large = &mut self.large;
        let index = *self.index.entry((layer, number)).or_insert_with(|| {
            large.push((layer, number));
            u64::try_from(large.len()).unwrap_or(u64::MAX)
        });
        REMEMBERED << BITS | index
    }

    pub(super) fn unpack(&self, packed: u64) -> Option<(u64, u64)> {
        let (layer, number) = (packed >> BITS, packed & ((1 << BITS) - 1));
        if layer != REMEMBERED {
            return Some((layer, number));
        }
        self.large.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_none_is_another() {
        let mut numbers = Numbers::default();
        let mut packed = Vec::new();
        for layer in [0, 1, 1024] {
            for number in [0, 3, (1 << 52) - 1, 1 << 52, u64::MAX] {
                packed.push(numbers.pack(layer, number));
                assert_eq!(numbers.pack(layer, number), packed[packed.len() - 1]);
                assert_eq!(numbers.unpack(packed[packed.len() - 1]), Some((layer, number)));
            }
        }
        packed.sort_unstable();
        packed.dedup();
        assert_eq!(packed.len(), 15);
        assert_eq!(numbers.unpack(u64::MAX), Some((0xfff, (1 << 52) - 1)));
        assert_eq!(numbers.unpack(REMEMBERED << BITS | 7), None);
        assert_eq!(numbers.unpack(REMEMBERED << BITS), None);
    }
}

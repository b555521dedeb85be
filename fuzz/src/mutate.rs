//! Seeded mutation of byte strings.

/// A small generator of numbers; the same seed gives the same run.
pub(crate) struct Random(u64);

/// The longest input.
pub(crate) const BYTES_MAX: usize = 4096;

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 when there is none.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        usize::try_from(self.next().checked_rem(limit).unwrap_or(0)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Numbers at which things break.
const EDGES: [u32; 10] = [0, 1, 7, 8, 0xff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// Changes an input in one to eight places; now and then it is made anew.
pub(crate) fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if random.below(16) == 0 {
        *bytes = (0..random.below(256)).map(|_| random.byte()).collect();
    }
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            1 => bytes.insert(at, random.byte()),
            2 => {
                let end = (at + random.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let edge = EDGES.get(random.below(EDGES.len())).copied().unwrap_or(0);
                for (to, from) in bytes.iter_mut().skip(at).zip(edge.to_le_bytes()) {
                    *to = from;
                }
            }
            4 => {
                let from = random.below(other.len() + 1);
                let piece: Vec<u8> = other.iter().skip(from).take(random.below(64)).copied().collect();
                bytes.splice(at..at, piece);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.byte();
                }
            }
        }
    }
    bytes.truncate(BYTES_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_stay_bounded_and_runs_repeat() {
        let run = |seed| {
            let mut random = Random::new(seed);
            let mut bytes = vec![0; 10];
            (0..2000)
                .map(|_| {
                    let other = bytes.clone();
                    mutate(&mut bytes, &other, &mut random);
                    assert!(bytes.len() <= BYTES_MAX);
                    bytes.clone()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }
}

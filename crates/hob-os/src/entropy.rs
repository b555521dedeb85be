//! Random bytes for a guest.
//!
//! *Real* bytes are the host's. *Seeded* bytes are the SplitMix64 stream of the seed: the same on every
//! run and every engine, and **not secret**. *None* refuses. The bytes of one stream do not depend on how
//! a guest cuts its requests.

use hob_cap::RandomGrant;

use crate::wait::Waiter;
use crate::{Errno, Result};

/// How many bytes are made between two looks at the stop token.
const CHUNK_BYTES: usize = 64 * 1024;

/// The entropy of one guest.
#[derive(Debug)]
pub struct Entropy {
    grant: RandomGrant,
    state: u64,
    /// Bytes of the last word of the stream that nobody has had yet, least significant first.
    rest: u64,
    rest_len: u32,
}

impl Entropy {
    /// Entropy of the given kind.
    pub fn new(grant: RandomGrant) -> Self {
        let state = match grant {
            RandomGrant::Seeded(seed) => seed,
            _ => 0,
        };
        Self { grant, state, rest: 0, rest_len: 0 }
    }

    /// Which kind it is.
    pub fn grant(&self) -> RandomGrant {
        self.grant
    }

    /// Fills all of `buf`. Errors: no grant, or the guest was stopped.
    pub fn fill(&mut self, buf: &mut [u8], waiter: &Waiter) -> Result<()> {
        if self.grant == RandomGrant::None {
            return Err(Errno::NotCapable.into());
        }
        for chunk in buf.chunks_mut(CHUNK_BYTES) {
            waiter.check()?;
            match self.grant {
                RandomGrant::None => {}
                RandomGrant::Seeded(_) => chunk.iter_mut().for_each(|byte| *byte = self.next_byte()),
                RandomGrant::Real => getrandom::fill(chunk).map_err(|_| Errno::Io)?,
            }
        }
        Ok(())
    }

    fn next_byte(&mut self) -> u8 {
        if self.rest_len == 0 {
            self.rest = self.next_word();
            self.rest_len = u64::BITS / u8::BITS;
        }
        let [byte, ..] = self.rest.to_le_bytes();
        self.rest >>= u8::BITS;
        self.rest_len -= 1;
        byte
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next_word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use hob_cap::StopToken;

    use super::*;

    fn bytes(grant: RandomGrant, cuts: &[usize]) -> Vec<u8> {
        let waiter = Waiter::new(StopToken::never());
        let mut entropy = Entropy::new(grant);
        let mut all = Vec::new();
        for &len in cuts {
            let mut buf = vec![0; len];
            entropy.fill(&mut buf, &waiter).unwrap();
            all.extend(buf);
        }
        all
    }

    #[test]
    fn a_seed_gives_one_stream_however_it_is_cut() {
        let whole = bytes(RandomGrant::Seeded(7), &[100_000]);
        assert_eq!(bytes(RandomGrant::Seeded(7), &[1, 7, 8, 9, 75, 99_900]), whole);
        assert_ne!(bytes(RandomGrant::Seeded(8), &[100_000]), whole);
    }

    #[test]
    fn seed_zero_is_the_published_stream() {
        assert_eq!(bytes(RandomGrant::Seeded(0), &[8]), 0xe220_a839_7b1d_cdaf_u64.to_le_bytes());
    }

    #[test]
    fn no_grant_gives_nothing_and_a_real_one_fills_large_buffers() {
        let waiter = Waiter::new(StopToken::never());
        let mut buf = [0u8; 4];
        let refused = Entropy::new(RandomGrant::None).fill(&mut buf, &waiter);
        assert_eq!(refused, Err(Errno::NotCapable.into()));
        let real = bytes(RandomGrant::Real, &[300_000]);
        assert!(real.chunks(1000).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    }
}

//! What time it is for a guest.
//!
//! A clock is a side channel and a source of nondeterminism, so it is granted in four strengths. *Real*
//! is the host's, at full resolution. *Coarse* is the host's rounded down to a millisecond. *Virtual*
//! starts at a fixed moment and advances by a millisecond with every reading and by its length with
//! every sleep, which waits for nothing: the same guest sees the same times on every run. *None* is one
//! constant. The monotonic clock starts at 0, so it does not tell how long the host has been up; the one that is a constant
//! stands at a millisecond, because runtimes take a clock that is 0 for a broken one and give up (Go's does).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hob_cap::ClockGrant;

use crate::ClockId;

/// Where the virtual and the absent realtime clock start: 2022-01-01T00:00:00Z, in nanoseconds.
pub const VIRTUAL_EPOCH_NS: u64 = 1_640_995_200_000_000_000;

/// How far one reading moves a virtual clock, and the resolution of every clock but the real: 1 ms.
pub const VIRTUAL_STEP_NS: u64 = 1_000_000;

/// The clocks of one guest.
#[derive(Debug)]
pub struct Clock {
    grant: ClockGrant,
    started: Instant,
    /// How far the virtual clocks have moved, in nanoseconds.
    moved: u64,
}

impl Clock {
    /// Clocks of the given strength, starting now.
    pub fn new(grant: ClockGrant) -> Self {
        Self { grant, started: Instant::now(), moved: 0 }
    }

    /// How strong the clocks are.
    pub fn grant(&self) -> ClockGrant {
        self.grant
    }

    /// The resolution in nanoseconds.
    pub fn resolution(&self, _clock: ClockId) -> u64 {
        match self.grant {
            ClockGrant::Real => 1,
            _ => VIRTUAL_STEP_NS,
        }
    }

    /// A reading in nanoseconds; moves a virtual clock.
    pub fn read(&mut self, clock: ClockId) -> u64 {
        let now = self.peek(clock);
        if self.grant == ClockGrant::Virtual {
            self.advance(VIRTUAL_STEP_NS);
        }
        now
    }

    /// The reading that comes next, without moving anything.
    pub fn peek(&self, clock: ClockId) -> u64 {
        let exact = match (self.grant, clock) {
            (ClockGrant::None, ClockId::Realtime) => VIRTUAL_EPOCH_NS,
            (ClockGrant::None, ClockId::Monotonic) => VIRTUAL_STEP_NS,
            (ClockGrant::Virtual, ClockId::Realtime) => VIRTUAL_EPOCH_NS.saturating_add(self.moved),
            (ClockGrant::Virtual, ClockId::Monotonic) => self.moved,
            (_, ClockId::Realtime) => {
                nanoseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
            }
            (_, ClockId::Monotonic) => nanoseconds(self.started.elapsed()),
        };
        match self.grant {
            ClockGrant::Coarse => exact - exact % VIRTUAL_STEP_NS,
            _ => exact,
        }
    }

    /// Moves a virtual clock forward.
    pub fn advance(&mut self, by: u64) {
        self.moved = self.moved.saturating_add(by);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_advances_with_every_reading_and_is_the_same_on_every_run() {
        let mut clock = Clock::new(ClockGrant::Virtual);
        assert_eq!(clock.read(ClockId::Realtime), VIRTUAL_EPOCH_NS);
        assert_eq!(clock.read(ClockId::Monotonic), VIRTUAL_STEP_NS);
        assert_eq!(clock.read(ClockId::Realtime), VIRTUAL_EPOCH_NS + 2 * VIRTUAL_STEP_NS);
        clock.advance(u64::MAX);
        assert_eq!(clock.read(ClockId::Monotonic), u64::MAX);
    }

    #[test]
    fn no_clock_is_one_constant() {
        let mut clock = Clock::new(ClockGrant::None);
        for _ in 0..3 {
            assert_eq!(clock.read(ClockId::Realtime), VIRTUAL_EPOCH_NS);
            assert_eq!(clock.read(ClockId::Monotonic), VIRTUAL_STEP_NS);
        }
    }

    #[test]
    fn a_coarse_clock_shows_no_more_than_milliseconds() {
        let mut clock = Clock::new(ClockGrant::Coarse);
        std::thread::sleep(Duration::from_micros(1_700));
        assert_eq!(clock.read(ClockId::Realtime) % 1_000_000, 0);
        assert_eq!(clock.read(ClockId::Monotonic) % 1_000_000, 0);
        assert_eq!(clock.resolution(ClockId::Monotonic), 1_000_000);
    }

    #[test]
    fn a_real_monotonic_clock_starts_near_zero_and_never_goes_back() {
        let mut clock = Clock::new(ClockGrant::Real);
        let first = clock.read(ClockId::Monotonic);
        assert!(first < 1_000_000_000);
        assert!(clock.read(ClockId::Monotonic) >= first);
        assert!(clock.read(ClockId::Realtime) > VIRTUAL_EPOCH_NS);
    }
}

//! How many instances of one engine are in use, and how many wait to be used again.
//!
//! A pool has a slot for each instance that may be in use at once, and [`IDLE_MAX`](crate::IDLE_MAX) more for those that
//! wait: they take no place from anyone. Both numbers are one atomic, so that an instance that comes or goes is one
//! operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::IDLE_MAX;
use crate::fault::Fault;

const USED: u64 = 1;
const IDLE: u64 = 1 << 32;

/// The places of one engine: those in use in the lower half, those that wait in the upper.
pub(crate) struct Places {
    slots: Option<u32>,
    taken: AtomicU64,
}

/// The place of one instance, until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    idle: bool,
}

impl Places {
    /// As many places as there are slots, or as many as anyone wants.
    pub(crate) fn new(slots: Option<u32>) -> Self {
        Self { slots, taken: AtomicU64::new(0) }
    }

    /// A place for an instance in use.
    pub(crate) fn take(self: &Arc<Self>) -> Result<Place, Fault> {
        self.change(|taken| self.has_room(taken).then(|| taken + USED)).map_err(|()| self.full())?;
        Ok(Place { places: Arc::clone(self), idle: false })
    }

    #[inline]
    fn has_room(&self, taken: u64) -> bool {
        self.slots.is_none_or(|slots| taken % IDLE < u64::from(slots)) && taken % IDLE < IDLE - 1
    }

    #[inline]
    fn change(&self, change: impl Fn(u64) -> Option<u64>) -> Result<(), ()> {
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Relaxed, change).map(drop).map_err(drop)
    }

    #[cold]
    fn full(&self) -> Fault {
        let slots = self.slots.unwrap_or(u32::MAX);
        Fault::host(format!("all {slots} instances of the pool are in use"))
    }
}

impl Place {
    /// Waits from now on; `false` when too many do already.
    #[inline]
    pub(crate) fn rest(&mut self) -> bool {
        let few = |taken: u64| taken / IDLE < u64::from(IDLE_MAX);
        if !self.idle {
            self.idle = self.places.change(|taken| few(taken).then(|| taken - USED + IDLE)).is_ok();
        }
        self.idle
    }

    /// Is in use again.
    #[inline]
    pub(crate) fn wake(&mut self) -> Result<(), Fault> {
        if self.idle {
            let places = &self.places;
            places
                .change(|taken| places.has_room(taken).then(|| taken - IDLE + USED))
                .map_err(|()| places.full())?;
            self.idle = false;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(if self.idle { IDLE } else { USED }, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_in_use_as_there_are_slots_and_as_many_wait_as_may() {
        let places = Arc::new(Places::new(Some(2)));
        let (mut first, second) = (places.take().ok().unwrap(), places.take().ok().unwrap());
        assert!(places.take().is_err());
        assert!(first.rest() && first.rest());
        let third = places.take().ok().unwrap();
        assert!(first.wake().is_err(), "its place was taken");
        drop(second);
        assert!(first.wake().is_ok() && first.wake().is_ok());
        assert!(places.take().is_err());
        drop((first, third));
        let mut waiting = Vec::new();
        for _ in 0..IDLE_MAX {
            let mut place = places.take().ok().unwrap();
            assert!(place.rest());
            waiting.push(place);
        }
        let mut over = places.take().ok().unwrap();
        assert!(!over.rest());
        waiting.pop();
        assert!(over.rest());
        drop((over, waiting));
        assert_eq!(places.taken.load(Ordering::Relaxed), 0);
    }
}

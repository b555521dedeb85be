//! The one way to end a guest.
//!
//! Whoever serves a guest (the engine between instructions, a host call that waits) holds a clone of one [`StopToken`].
//! Looking at it is one atomic load. A deadline is part of the token, so that a loop, a sleep and a blocked read all end
//! at the same moment and for the same reason.
//!
//! A guest can also be paused: it then stands still at the next place where it would notice a stop, until it is resumed
//! or ended. Its deadline goes on.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Why a guest was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// Its hard deadline passed.
    HardDeadline,
    /// Someone stopped it.
    Killed,
    /// The host is shutting down.
    HostShutdown,
}

/// Stops a guest. Clones stop the same guest.
#[derive(Clone)]
pub struct StopToken(Arc<Shared>);

struct Shared {
    reason: AtomicU8,
    soft: Option<Instant>,
    hard: Option<Instant>,
    wakers: Mutex<Wakers>,
    paused: AtomicBool,
    resumed: Condvar,
}

#[derive(Default)]
struct Wakers {
    next: u64,
    list: Vec<(u64, Arc<dyn Fn() + Send + Sync>)>,
}

/// Keeps a callback registered; dropping it takes the callback away.
#[must_use = "dropping it takes the callback away"]
pub struct Wake {
    token: StopToken,
    id: u64,
}

impl StopToken {
    /// A token that stops at `hard`, and asks waits to end early from `soft` on.
    #[must_use]
    pub fn new(soft: Option<Instant>, hard: Option<Instant>) -> Self {
        Self(Arc::new(Shared {
            reason: AtomicU8::new(0),
            soft,
            hard,
            wakers: Mutex::default(),
            paused: AtomicBool::new(false),
            resumed: Condvar::new(),
        }))
    }

    /// Begins anew with these deadlines, as if just made. `false`, and nothing changes, when anyone else holds a clone or
    /// waits on it: they would be stopped by what is no longer theirs.
    #[inline]
    pub fn restart(&mut self, soft: Option<Instant>, hard: Option<Instant>) -> bool {
        let Some(shared) = Arc::get_mut(&mut self.0) else { return false };
        *shared.reason.get_mut() = 0;
        *shared.paused.get_mut() = false;
        (shared.soft, shared.hard) = (soft, hard);
        shared.wakers.get_mut().unwrap_or_else(PoisonError::into_inner).list.clear();
        true
    }

    /// A token without a deadline: only [`StopToken::stop`] stops.
    #[must_use]
    pub fn never() -> Self {
        Self::new(None, None)
    }

    /// Stops the guest. The first reason stays.
    pub fn stop(&self, reason: StopReason) {
        let first =
            self.0.reason.compare_exchange(0, code(reason), Ordering::AcqRel, Ordering::Acquire).is_ok();
        if first {
            let wakers = std::mem::take(&mut self.wakers().list);
            self.0.resumed.notify_all();
            for (_, wake) in wakers {
                wake();
            }
        }
    }

    /// Why the guest was stopped, if it was. One atomic load; does not look at a clock.
    #[must_use]
    #[inline]
    pub fn reason(&self) -> Option<StopReason> {
        match self.0.reason.load(Ordering::Acquire) {
            0 => None,
            1 => Some(StopReason::HardDeadline),
            2 => Some(StopReason::Killed),
            _ => Some(StopReason::HostShutdown),
        }
    }

    /// As [`StopToken::reason`], and stops the guest if its deadline lies at or before `now`.
    #[must_use]
    pub fn check_at(&self, now: Instant) -> Option<StopReason> {
        if self.0.hard.is_some_and(|hard| now >= hard) {
            self.stop(StopReason::HardDeadline);
        }
        self.reason()
    }

    /// Lets the guest stand still when it next looks, until it is resumed.
    pub fn pause(&self) {
        self.0.paused.store(true, Ordering::Release);
    }

    /// Lets a paused guest go on.
    pub fn resume(&self) {
        let _guard = self.wakers();
        self.0.paused.store(false, Ordering::Release);
        self.0.resumed.notify_all();
    }

    /// Whether the guest was paused and not resumed.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Acquire)
    }

    /// As [`StopToken::check_at`], and waits first while the guest is paused, no longer than its deadline.
    #[must_use]
    pub fn pass_at(&self, now: Instant) -> Option<StopReason> {
        if !self.is_paused() {
            return self.check_at(now);
        }
        let mut now = now;
        let mut guard = self.wakers();
        while self.is_paused() && self.reason().is_none() {
            let left = self.0.hard.map(|hard| hard.saturating_duration_since(now));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            guard = match left {
                None => self.0.resumed.wait(guard).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.0.resumed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            now = Instant::now();
        }
        drop(guard);
        self.check_at(now)
    }

    /// When the guest is stopped.
    #[must_use]
    pub fn hard_deadline(&self) -> Option<Instant> {
        self.0.hard
    }

    /// From when on waits end early, so that the guest can finish in order.
    #[must_use]
    pub fn soft_deadline(&self) -> Option<Instant> {
        self.0.soft
    }

    /// Calls `wake` once when the guest is stopped, or now if it already is. A deadline that passes calls nobody: who
    /// waits must wait no longer than [`StopToken::hard_deadline`].
    pub fn on_stop(&self, wake: Arc<dyn Fn() + Send + Sync>) -> Wake {
        let mut wakers = self.wakers();
        let id = wakers.next;
        wakers.next = wakers.next.wrapping_add(1);
        if self.reason().is_some() {
            drop(wakers);
            wake();
        } else {
            wakers.list.push((id, wake));
        }
        Wake { token: self.clone(), id }
    }

    /// A token with the same deadlines that stops when this one does, for the same reason, as long as the [`Wake`] is
    /// kept. Who stops or pauses it does so to nobody else, and a pause of this one is none of it.
    pub fn child(&self) -> (Self, Wake) {
        let child = Self::new(self.0.soft, self.0.hard);
        let (parent, own) = (Arc::downgrade(&self.0), child.clone());
        let wake = self.on_stop(Arc::new(move || {
            // Who calls this holds the parent, so there is a reason.
            let reason = parent.upgrade().and_then(|parent| Self(parent).reason());
            own.stop(reason.unwrap_or(StopReason::Killed));
        }));
        (child, wake)
    }

    fn wakers(&self) -> std::sync::MutexGuard<'_, Wakers> {
        self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.token.wakers().list.retain(|(id, _)| *id != self.id);
    }
}

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wake").field("token", &self.token).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StopToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StopToken")
            .field("reason", &self.reason())
            .field("hard", &self.0.hard)
            .finish_non_exhaustive()
    }
}

fn code(reason: StopReason) -> u8 {
    match reason {
        StopReason::HardDeadline => 1,
        StopReason::Killed => 2,
        StopReason::HostShutdown => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_nobody_else_holds_begins_anew() {
        let now = Instant::now();
        let mut token = StopToken::new(None, Some(now));
        assert_eq!(token.check_at(now), Some(StopReason::HardDeadline));
        token.pause();
        let other = token.clone();
        assert!(!token.restart(None, None));
        assert_eq!(token.reason(), Some(StopReason::HardDeadline));
        drop(other);
        assert!(token.restart(Some(now), None));
        assert_eq!((token.reason(), token.is_paused()), (None, false));
        assert_eq!((token.soft_deadline(), token.hard_deadline()), (Some(now), None));
    }
}

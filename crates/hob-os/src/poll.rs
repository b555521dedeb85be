//! Waiting for several things at once.
//!
//! A file is always ready. A stream or socket of the host is waited for with the kernel, together with
//! the stop token. A virtual clock is not waited for: if nothing else is ready its time comes at once,
//! and the clock moves there. Without a clock, every time has come.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use hob_cap::ClockGrant;
use rustix::event::PollFlags;

use crate::descriptor::{Descriptor, Object};
use crate::wait::Watch;
use crate::{Errno, Event, EventKind, Interest, Result, Rights, Subscription, World};

/// The most subscriptions of one wait.
pub const SUBSCRIPTIONS_MAX: usize = 1024;

impl World {
    /// Waits until at least one subscription has an event, and appends all events there are.
    ///
    /// A subscription that cannot be served, for example for a closed descriptor, is an event with an
    /// error. Errors: [`Errno::Inval`] for no subscription or more than [`SUBSCRIPTIONS_MAX`]; the guest
    /// was stopped.
    pub fn poll(&mut self, subscriptions: &[Subscription], events: &mut Vec<Event>) -> Result<()> {
        self.waiter.check()?;
        if subscriptions.is_empty() || subscriptions.len() > SUBSCRIPTIONS_MAX {
            return Err(Errno::Inval.into());
        }
        if subscriptions.iter().any(|sub| matches!(sub.what, Interest::Clock { .. })) {
            self.audit.first_clock(&self.clock)?;
        }
        let started = Instant::now();
        let before = events.len();
        let times: Vec<Option<u64>> = subscriptions.iter().map(|sub| self.time_left(sub)).collect();
        let first = times.iter().flatten().min().copied();
        self.at_once(subscriptions, events);
        let until = match (self.clock.grant(), first) {
            _ if events.len() > before => Some(started),
            (_, None) => None,
            (ClockGrant::None | ClockGrant::Virtual, Some(_)) => Some(started),
            // A time beyond what the host can express never comes.
            (_, Some(left)) => started.checked_add(Duration::from_nanos(left)),
        };
        self.streams(subscriptions, until, events)?;
        let passed = match self.clock.grant() {
            ClockGrant::None => u64::MAX,
            ClockGrant::Virtual if events.len() > before => 0,
            ClockGrant::Virtual => {
                let left = first.unwrap_or(0);
                self.clock.advance(left);
                left
            }
            _ => u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        };
        for (sub, left) in subscriptions.iter().zip(times) {
            if left.is_some_and(|left| left <= passed) {
                events.push(Event::of(sub, EventKind::Clock));
            }
        }
        Ok(())
    }

    /// How many nanoseconds it is until the time of a subscription.
    fn time_left(&self, subscription: &Subscription) -> Option<u64> {
        let Interest::Clock { clock, timeout, absolute } = subscription.what else { return None };
        Some(match (self.clock.grant(), absolute) {
            (ClockGrant::None, _) => 0,
            (_, true) => timeout.saturating_sub(self.clock.peek(clock)),
            (_, false) => timeout,
        })
    }

    /// Events of what needs no waiting: files, bytes in memory, and errors.
    fn at_once(&self, subscriptions: &[Subscription], events: &mut Vec<Event>) {
        for sub in subscriptions {
            let kind = match sub.what {
                Interest::Clock { .. } => continue,
                Interest::Read(_) => EventKind::Read,
                Interest::Write(_) => EventKind::Write,
            };
            match self.waited_for(sub) {
                Err(error) => events.push(Event { error: Some(error.errno()), ..Event::of(sub, kind) }),
                Ok(descriptor) if stream(descriptor).is_none() => {
                    let bytes = if kind == EventKind::Read { ready_bytes(descriptor) } else { 0 };
                    events.push(Event { bytes, ..Event::of(sub, kind) });
                }
                Ok(_) => {}
            }
        }
    }

    /// Waits for streams of the host until one is ready or `until` has come.
    fn streams(
        &self,
        subscriptions: &[Subscription],
        until: Option<Instant>,
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let mut waiting = Vec::new();
        let mut watches = Vec::new();
        for sub in subscriptions {
            let Ok(descriptor) = self.waited_for(sub) else { continue };
            let Some(fd) = stream(descriptor) else { continue };
            let (kind, watch) = match sub.what {
                Interest::Write(_) => (EventKind::Write, Watch::writable(fd.as_fd())),
                _ => (EventKind::Read, Watch::readable(fd.as_fd())),
            };
            waiting.push((sub, descriptor, kind));
            watches.push(watch);
        }
        self.waiter.wait(&mut watches, until)?;
        for ((sub, descriptor, kind), watch) in waiting.into_iter().zip(&watches) {
            if !watch.ready.is_empty() {
                let bytes = if kind == EventKind::Read { ready_bytes(descriptor) } else { 0 };
                let hangup = watch.ready.intersects(PollFlags::HUP | PollFlags::ERR);
                events.push(Event { bytes, hangup, ..Event::of(sub, kind) });
            }
        }
        Ok(())
    }

    /// The descriptor a subscription waits for, with the rights for it.
    fn waited_for(&self, subscription: &Subscription) -> Result<&Descriptor> {
        let (fd, right) = match subscription.what {
            Interest::Read(fd) => (fd, Rights::FD_READ),
            Interest::Write(fd) => (fd, Rights::FD_WRITE),
            Interest::Clock { .. } => return Err(Errno::Inval.into()),
        };
        let descriptor = self.table.get(fd)?;
        descriptor.carries(right)?;
        descriptor.need(Rights::POLL_FD_READWRITE)?;
        Ok(descriptor)
    }
}

impl Event {
    fn of(subscription: &Subscription, kind: EventKind) -> Self {
        Self { userdata: subscription.userdata, kind, error: None, bytes: 0, hangup: false }
    }
}

/// The host stream behind a descriptor that may have to be waited for.
fn stream(descriptor: &Descriptor) -> Option<&OwnedFd> {
    match &descriptor.object {
        Object::Input(input) => input.stream(),
        Object::Output(output) => output.stream(),
        Object::Listener(fd) | Object::Socket(fd) => Some(fd),
        Object::File(_) | Object::Dir(_) => None,
    }
}

/// How many bytes can be read at once, as far as that is known.
fn ready_bytes(descriptor: &Descriptor) -> u64 {
    match &descriptor.object {
        Object::Input(input) => input.ready_bytes(),
        Object::Socket(fd) => rustix::io::ioctl_fionread(fd).unwrap_or(0),
        Object::File(file) => {
            let size = rustix::fs::fstat(&file.fd).map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
            size.saturating_sub(rustix::fs::tell(&file.fd).unwrap_or(size))
        }
        _ => 0,
    }
}

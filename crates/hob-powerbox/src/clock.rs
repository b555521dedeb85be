//! A clock as an actor. Time is asked for, and the answer is recorded; nobody waits in a turn.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hob_cap::{ClockGrant, StopToken};
use hob_os::{ClockId, Interest, OsError, Subscription, World};
use hob_vat::{Problem, Value};

use crate::answer::failed_stream;
use crate::desk::{Desk, wrong};
use crate::lanes::{Class, LaneId};
use crate::limits::exceeded;
use crate::object::{Ask, Done, Thing, whole};

pub(crate) struct Clock {
    world: Mutex<World>,
    grant: ClockGrant,
    lane: LaneId,
    furthest: Duration,
}

const METHODS: &[&str] = &["now", "monotonic", "after NANOSECONDS", "until NANOSECONDS", "methods"];

/// The steps of a coarse clock.
const COARSE: Duration = Duration::from_millis(1);

impl Clock {
    pub(crate) fn new(desk: &Desk, grant: ClockGrant) -> Result<Self, Problem> {
        let world = bare(desk, |world| world.clock(grant))?;
        Ok(Self { world: Mutex::new(world), grant, lane: desk.lane(), furthest: desk.limits.timer_time })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, clock: ClockId) -> Result<u64, Problem> {
        self.world().clock_now(clock).map_err(told)
    }

    /// Answers when so much time has passed.
    fn wait(&self, ask: &Ask, nanoseconds: u64) -> Done {
        let length = Duration::from_nanos(nanoseconds);
        if length > self.furthest {
            return Err(exceeded("timer-time", format_args!("{} s", self.furthest.as_secs())));
        }
        match self.grant {
            // Time that nobody waits for has come; a virtual clock is moved there.
            ClockGrant::None | ClockGrant::Virtual => {
                let what =
                    Interest::Clock { clock: ClockId::Monotonic, timeout: nanoseconds, absolute: false };
                let subscription = Subscription { userdata: 0, what };
                self.world().poll(&[subscription], &mut Vec::new()).map_err(told)?;
                Ok(().into())
            }
            ClockGrant::Real | ClockGrant::Coarse => {
                // It is written down that a clock was used.
                self.read(ClockId::Monotonic)?;
                let length = if self.grant == ClockGrant::Coarse { length.max(COARSE) } else { length };
                let when = Instant::now().checked_add(length);
                ask.answer_at(when.ok_or_else(|| exceeded("timer-time", "less"))?, Value::Undefined)
            }
        }
    }
}

impl Thing for Clock {
    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }

    fn lane(&self) -> (LaneId, Class) {
        (self.lane, Class::Quick)
    }

    fn call(&self, ask: &Ask, method: &str, args: &[Value]) -> Done {
        match (method, args) {
            ("now", []) => Ok(Value::from(self.read(ClockId::Realtime)?).into()),
            ("monotonic", []) => Ok(Value::from(self.read(ClockId::Monotonic)?).into()),
            ("after", [length]) => self.wait(ask, whole(length, "NANOSECONDS")?),
            ("until", [time]) => {
                let time = whole(time, "NANOSECONDS")?;
                let now = self.read(ClockId::Realtime)?;
                self.wait(ask, time.saturating_sub(now))
            }
            _ => Err(wrong()),
        }
    }

    fn end(&self) {}
}

fn told(error: OsError) -> Problem {
    failed_stream("the clock", &error)
}

/// A world without streams.
pub(crate) fn bare(
    desk: &Desk,
    with: impl FnOnce(hob_os::WorldBuilder) -> hob_os::WorldBuilder,
) -> Result<World, Problem> {
    stopped_by(desk, &StopToken::never(), with)
}

/// A world without streams that ends with a token.
pub(crate) fn stopped_by(
    desk: &Desk,
    stop: &StopToken,
    with: impl FnOnce(hob_os::WorldBuilder) -> hob_os::WorldBuilder,
) -> Result<World, Problem> {
    let made = with(desk.world(stop)).build().and_then(|mut world| {
        (0..3).try_for_each(|stream| world.close(stream))?;
        Ok(world)
    });
    made.map_err(|error| failed_stream("what was to be given", &error))
}

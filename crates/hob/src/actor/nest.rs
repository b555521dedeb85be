//! Guests inside each other: a guest that calls an actor that is a guest too, and so on.
//!
//! Each of them may use as much native stack as the engine allows one guest, and the stack of whatever thread the first one
//! runs on is not known. So only the first runs there; what it calls goes on on a thread whose stack was made for as many guests as
//! may be nested at all. A thread that was made so from the beginning ([`with_room_for_guests`]) needs no other.
//!
//! All guests of a nest share one ledger and one deadline: a guest does not get more of either by calling another.

use std::cell::RefCell;
use std::sync::Arc;

use hob_cap::{Ledger, Limits, StopToken};
use hob_engine::Bounds;
use hob_vat::Problem;

use crate::seat::bounds;

/// Guests that may be inside each other.
const GUESTS_MAX: u32 = 16;

/// Stack for one guest, with what the host needs between it and the next.
const GUEST_STACK_BYTES: usize = 3 << 19;

/// Guests that any thread has stack for.
const ROOM_ANYWHERE: u32 = 1;

/// What surrounds a guest.
#[derive(Clone)]
pub(super) struct Nest {
    ledger: Arc<Ledger>,
    stop: StopToken,
    depth: u32,
}

/// What of that a thread knows.
struct Here {
    nest: Option<Nest>,
    /// Guests that the rest of the stack is enough for.
    room: u32,
}

thread_local! {
    static HERE: RefCell<Here> = const { RefCell::new(Here { nest: None, room: ROOM_ANYWHERE }) };
}

impl Nest {
    pub(super) fn bounds(&self, fuel: u64) -> Bounds {
        Bounds { ledger: Arc::clone(&self.ledger), stop: self.stop.clone(), fuel: Some(fuel) }
    }

    fn begin(limits: &Limits) -> Self {
        let Bounds { ledger, stop, .. } = bounds(limits, None);
        Self { ledger, stop, depth: 0 }
    }
}

/// Runs a guest inside those that are running.
pub(super) fn within<R: Send>(
    limits: &Limits,
    guest: impl FnOnce(&Nest) -> Result<R, Problem> + Send,
) -> Result<R, Problem> {
    let (outer, room) = HERE.with_borrow(|here| (here.nest.clone(), here.room));
    let mut nest = outer.unwrap_or_else(|| Nest::begin(limits));
    if nest.depth >= GUESTS_MAX {
        return Err(Problem::rule("limit", format!("guest-depth limit exceeded: {GUESTS_MAX} allowed")));
    }
    nest.depth += 1;
    if room > 0 {
        let _here = Visit::begin(Here { nest: Some(nest.clone()), room: room - 1 });
        guest(&nest)
    } else {
        elsewhere(|| {
            let _here = Visit::begin(Here { nest: Some(nest.clone()), room: GUESTS_MAX - 1 });
            guest(&nest)
        })?
    }
}

/// Runs `f` on a thread whose stack has room for as many actors as may call each other, so that they need not look for one:
/// what a thread that runs turns begins with.
///
/// ```
/// use hob::vat::Actormap;
///
/// let population = hob::with_room_for_guests(|| Actormap::new().population())?;
/// assert_eq!(population, 0);
/// # Ok::<(), hob::Error>(())
/// ```
///
/// # Errors
///
/// When the system gives no thread.
pub fn with_room_for_guests<R: Send>(f: impl FnOnce() -> R + Send) -> Result<R, crate::Error> {
    let done = elsewhere(|| {
        let _here = Visit::begin(Here { nest: None, room: GUESTS_MAX });
        f()
    });
    done.map_err(|problem| hob_engine::Fault::host(problem.to_string()).into())
}

fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> Result<R, Problem> {
    let stack = GUEST_STACK_BYTES.saturating_mul(usize::try_from(GUESTS_MAX).unwrap_or(usize::MAX));
    let builder = std::thread::Builder::new().name("hob-guests".into()).stack_size(stack);
    std::thread::scope(|scope| {
        let thread = builder.spawn_scoped(scope, f);
        let thread =
            thread.map_err(|error| Problem::rule("host", format!("no thread to run on: {error}")))?;
        thread.join().or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What a thread knows, until it ends.
struct Visit(Option<Here>);

impl Visit {
    fn begin(here: Here) -> Self {
        Self(Some(HERE.replace(here)))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            HERE.set(before);
        }
    }
}

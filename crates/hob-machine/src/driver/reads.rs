//! What a step reads that does not follow from anything: dice, the world outside.
//!
//! A guard, an action or a change of the context that needs such a value asks a [`Reads`] that its closure holds. What was
//! read is written down with the input that led to it, and a replay hands out what was written down.
//! Stops: a machine that decides otherwise when it is replayed.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::binding::Failure;
use crate::weight::{VALUE_DEPTH_MAX, nests_within};

/// How much the steps of one input may read.
pub const READS_MAX: usize = 10_000;

/// One thing that was read: what it is called, and the value, or why there was none.
pub(crate) type Read = (String, Result<Value, String>);

type Source = dyn FnMut(&str) -> Result<Value, Failure> + Send;

struct State {
    source: Box<Source>,
    taken: Vec<Read>,
    given: Option<VecDeque<Read>>,
    diverged: bool,
}

/// Where steps read from. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Reads(Arc<Mutex<State>>);

impl Reads {
    /// One that asks `source`, by the name of what is read.
    #[must_use]
    pub fn new(source: impl FnMut(&str) -> Result<Value, Failure> + Send + 'static) -> Self {
        let state = State { source: Box::new(source), taken: Vec::new(), given: None, diverged: false };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Reads. Errors: what the source says, values that nest deeper than [`VALUE_DEPTH_MAX`], more than [`READS_MAX`] for one input,
    /// and in a replay anything else than was read before.
    pub fn read(&self, what: &str) -> Result<Value, Failure> {
        let mut state = self.lock();
        if state.taken.len() >= READS_MAX {
            return Err(Failure(format!("the steps of one input read at most {READS_MAX} times")));
        }
        let result = match &mut state.given {
            None => (state.source)(what).map_err(|failure| failure.0).and_then(|value| {
                if nests_within(&value, VALUE_DEPTH_MAX) {
                    Ok(value)
                } else {
                    Err(format!("{what:?} nests deeper than {VALUE_DEPTH_MAX}"))
                }
            }),
            Some(given) => match given.pop_front() {
                Some((before, result)) if before == what => result,
                _ => {
                    state.diverged = true;
                    Err(format!("{what:?} was not read here before"))
                }
            },
        };
        state.taken.push((what.into(), result.clone()));
        result.map_err(Failure)
    }

    /// From here on what is read is written down; in a replay it is what is given.
    pub(crate) fn open(&self, given: Option<VecDeque<Read>>) {
        let mut state = self.lock();
        state.taken.clear();
        state.given = given;
        state.diverged = false;
    }

    /// What was read, and whether a replay read what was given, all of it.
    pub(crate) fn close(&self) -> (Vec<Read>, bool) {
        let mut state = self.lock();
        let same = !state.diverged && state.given.as_ref().is_none_or(VecDeque::is_empty);
        state.given = None;
        (std::mem::take(&mut state.taken), same)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reads")
    }
}

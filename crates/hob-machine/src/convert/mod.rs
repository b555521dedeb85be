//! Machines of other formats: SCXML, and the JSON of XState, version 5.
//!
//! Each direction is one function. It returns what came of it and a note for everything that does not map as it stands: where
//! in the source, what, and what became of it. Nothing is left out in silence, nothing is fetched, and no text is run: an
//! expression of another language becomes the parameter of a guard or an action that the host may bind, or not.
//!
//! | in the other format | here |
//! |---|---|
//! | several targets | `to` is the first, `meta["hob.targets"]` all of them |
//! | several initial states | `initialChild` is the first, `meta["hob.initial"]` all of them |
//! | actions of an initial transition | `meta["hob.onInitial"]` |
//! | what a parallel state remembers | a region with history states alone |
//! | expressions and executable content of SCXML | guards and actions whose names begin with `scxml.` |
//! | initial context | `meta["hob.context"]` |
//!
//! Stops: text that is too large or nests too deeply, and a document that means something else than it did.

mod any;
mod leftover;
mod make;
pub mod scxml;
pub mod xstate;

pub use any::{Format, read};

use crate::problem::Problem;

/// How many bytes the text of another format may have.
pub const BYTES_MAX: usize = 4 << 20;

/// How deep elements or objects may nest in each other.
pub const DEPTH_MAX: usize = 96;

/// How many notes a report has; after that only their number counts.
const NOTES_MAX: usize = 10_000;

/// What came of a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted<T> {
    /// The machine in the other format.
    pub result: T,
    /// What did not map as it stands, in the order of the source. Of SCXML a place is a line and a column, of JSON a pointer.
    pub notes: Vec<Problem>,
}

/// A report while it is written.
#[derive(Default)]
pub(crate) struct Notes {
    notes: Vec<Problem>,
    more: usize,
}

impl Notes {
    pub(crate) fn add(&mut self, note: Problem) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(note);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Problem> {
        if self.more > 0 {
            self.notes.push(Problem::warning("more", "", format!("there are {} notes more", self.more)));
        }
        self.notes
    }
}

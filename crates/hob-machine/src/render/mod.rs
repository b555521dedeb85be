//! Machines as pictures: Mermaid and DOT for other programs to draw, and SVG that needs none.
//!
//! The same chart and the same active states give the same bytes. Names come from documents that nobody vouches for: in each
//! language they are escaped, so that a name can be no markup, and in SVG neither a script, a style nor a reference.
//!
//! Mermaid and DOT grow with the machine and no faster. An SVG is laid out here, with bounded work: beyond [`ALL_MAX`] states or
//! transitions guards, actions and what states do are left out, beyond [`NAMES_MAX`] the words on arrows; beyond [`STATES_MAX`]
//! there is none. Of very many long arrows inside one state the longest are drawn straight, across what is in between.

mod dot;
mod label;
mod layout;
mod mermaid;
mod sketch;
mod svg;
mod text;
mod words;

use std::fmt;

use crate::chart::Chart;
use crate::name::Name;

pub use svg::STYLE;

/// Up to how many states, and how many transitions, an SVG shows everything.
pub const ALL_MAX: usize = 1_000;
/// Up to how many it shows the words on arrows.
pub const NAMES_MAX: usize = 3_000;
/// How many there may be in an SVG.
pub const STATES_MAX: usize = 10_000;

/// A machine that is too large to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// How many states it has.
    pub states: usize,
    /// How many transitions.
    pub transitions: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, transitions } = self;
        write!(
            f,
            "the machine has {states} states and {transitions} transitions; an SVG has at most {STATES_MAX} of each \
             (Mermaid and DOT have no limit)"
        )
    }
}

impl std::error::Error for TooLarge {}

/// How an SVG is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Svg {
    /// Whether it brings its own [`STYLE`]. A page whose policy forbids that links the style itself.
    pub style: bool,
}

impl Default for Svg {
    fn default() -> Self {
        Self { style: true }
    }
}

/// A `stateDiagram-v2`. `active` are the states to highlight; those around them are, too.
#[must_use]
pub fn mermaid(chart: &Chart, active: &[Name]) -> String {
    mermaid::write(&sketch::Sketch::new(chart, active))
}

/// A graph for Graphviz, with clusters for states that have others inside, and for regions.
#[must_use]
pub fn dot(chart: &Chart, active: &[Name]) -> String {
    dot::write(&sketch::Sketch::new(chart, active))
}

/// A picture, complete in itself. Errors: a machine over [`STATES_MAX`].
///
/// Each state is an element of class `state` (or `region`), each transition one of class `transition`; both say in `data-at` where
/// they stand in the document, as a JSON pointer. A transition says its event in `data-event`. What is active has the
/// class `active`.
pub fn svg(chart: &Chart, active: &[Name], how: Svg) -> Result<String, TooLarge> {
    let sketch = sketch::Sketch::new(chart, active);
    let (states, transitions) = (sketch.shapes.len() - 1, sketch.transitions());
    // A transition may have several targets; beginnings are arrows too.
    let size = states.max(transitions).max(sketch.arrows.len() / 2);
    let detail = match size {
        _ if size <= ALL_MAX => words::Detail::All,
        _ if size <= NAMES_MAX => words::Detail::Names,
        _ if size <= STATES_MAX => words::Detail::States,
        _ => return Err(TooLarge { states, transitions }),
    };
    let words = words::Words::new(&sketch, detail);
    let layout = layout::Layout::new(&sketch, &words);
    Ok(svg::write(&sketch, &words, &layout, how))
}

//! Through which borders an arrow goes, and on which side of each.

use super::cycles::reversed;
use crate::chart::Kind;
use crate::render::sketch::{From, Sketch};

/// Which border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Top,
    Bottom,
}

/// Which part of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// From its source, or a box around that, to the border.
    Out,
    /// Between two boxes that stand beside each other.
    Across,
    /// From the border to its target, or a box around that.
    In,
}

/// A part of an arrow inside one shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) arrow: usize,
    pub(super) role: Role,
    /// The child at the source's end, when there is one; a dot otherwise.
    pub(super) source: Option<usize>,
    /// The child at the target's end.
    pub(super) target: Option<usize>,
    /// Of `Out` and `In`: which border.
    pub(super) side: Side,
    /// Of `Across`: the target is above.
    pub(super) upward: bool,
    /// Whether the words stand here.
    pub(super) worded: bool,
}

/// The parts of all arrows, by the shapes that they are inside of.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) parts: Vec<Vec<Part>>,
}

impl Plan {
    #[expect(
        clippy::indexing_slicing,
        reason = "shapes and arrows are numbered by their positions in the sketch"
    )]
    pub(super) fn new(sketch: &Sketch) -> Self {
        let mut across: Vec<Vec<(usize, usize, usize)>> = vec![Vec::new(); sketch.shapes.len()];
        let mut first = vec![None; sketch.shapes.len()];
        for (number, arrow) in sketch.arrows.iter().enumerate() {
            match arrow.from {
                From::Start(shape) => {
                    first[shape] = first[shape].or(child_toward(sketch, shape, arrow.to));
                }
                From::Shape(from) => {
                    let common = common(sketch, from, arrow.to);
                    let ends = (child_toward(sketch, common, from), child_toward(sketch, common, arrow.to));
                    if let (Some(a), Some(b)) = ends {
                        across[common].push((number, a, b));
                    }
                }
            }
        }
        let mut upward = vec![false; sketch.arrows.len()];
        for (shape, across) in across.iter().enumerate().filter(|(_, across)| !across.is_empty()) {
            let children = &sketch.shapes[shape].children;
            let place = |child: usize| children.binary_search(&child).unwrap_or(0);
            let pairs: Vec<(usize, usize)> = across.iter().map(|(_, a, b)| (place(*a), place(*b))).collect();
            let flags = reversed(children.len(), &pairs, first[shape].map(place));
            for ((arrow, ..), flag) in across.iter().zip(flags) {
                upward[*arrow] = flag;
            }
        }
        let mut plan = Self { parts: vec![Vec::new(); sketch.shapes.len()] };
        for (number, arrow) in sketch.arrows.iter().enumerate() {
            plan.add(sketch, number, arrow.from, arrow.to, upward[number]);
        }
        plan
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "shapes and arrows are numbered by their positions in the sketch"
    )]
    fn add(&mut self, sketch: &Sketch, arrow: usize, from: From, to: usize, upward: bool) {
        // The shape that has both ends inside, or is one of them.
        let (around, source) = match from {
            From::Start(shape) => (shape, None),
            From::Shape(shape) if shape == to => return,
            From::Shape(shape) => (common(sketch, shape, to), Some(shape)),
        };
        let is_row = sketch.shapes[around].kind == Kind::Parallel;
        let begins = source == Some(around);
        let ends = to == around;
        let across = !begins && !ends;
        // Regions stand side by side: between them arrows go below.
        let (out, into) = match (across && is_row, upward) {
            (true, _) => (Side::Bottom, Side::Bottom),
            (false, true) => (Side::Top, Side::Bottom),
            (false, false) => (Side::Bottom, Side::Top),
        };
        // Words stand where there is room for them: between boxes in layers.
        let mut worded = false;
        let mut place = |shape: usize, wanted: bool| {
            let here = !worded && wanted && sketch.shapes[shape].kind != Kind::Parallel;
            worded |= here;
            here
        };
        if let Some(source) = source.filter(|_| !begins) {
            for (child, inside) in borders(sketch, source, around, ends) {
                let nearest = sketch.shapes[inside].parent == around || inside == around;
                let worded = place(inside, (ends || is_row) && nearest);
                let part = Part {
                    arrow,
                    role: Role::Out,
                    source: Some(child),
                    target: None,
                    side: out,
                    upward,
                    worded,
                };
                self.parts[inside].push(part);
            }
        }
        if across {
            let (a, b) = (source.and_then(|shape| child_toward(sketch, around, shape)), to);
            let worded = place(around, true);
            let target = child_toward(sketch, around, b);
            let part = Part { arrow, role: Role::Across, source: a, target, side: out, upward, worded };
            self.parts[around].push(part);
        }
        if !ends {
            for (child, inside) in borders(sketch, to, around, begins) {
                let nearest = sketch.shapes[inside].parent == around || inside == around;
                let worded = place(inside, begins && nearest);
                let part = Part {
                    arrow,
                    role: Role::In,
                    source: None,
                    target: Some(child),
                    side: into,
                    upward,
                    worded,
                };
                self.parts[inside].push(part);
            }
        }
    }
}

/// The shapes whose borders are between `shape` and `around`, from the inside out, each with its child toward `shape`.
#[expect(clippy::indexing_slicing, reason = "shapes are numbered by their positions in the sketch")]
fn borders(sketch: &Sketch, shape: usize, around: usize, with: bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut child = shape;
    while child != around {
        let inside = sketch.shapes[child].parent;
        if inside != around || with {
            found.push((child, inside));
        }
        child = inside;
    }
    found
}

/// The innermost shape that both are within, one of the two perhaps.
#[expect(clippy::indexing_slicing, reason = "shapes are numbered by their positions in the sketch")]
fn common(sketch: &Sketch, a: usize, b: usize) -> usize {
    let mut common = a;
    while !sketch.is_within(b, common) {
        common = sketch.shapes[common].parent;
    }
    common
}

/// The child of `around` that `shape` is within; `None` when there is none.
#[expect(clippy::indexing_slicing, reason = "shapes are numbered by their positions in the sketch")]
fn child_toward(sketch: &Sketch, around: usize, shape: usize) -> Option<usize> {
    let children = &sketch.shapes[around].children;
    let child = *children.get(children.partition_point(|child| *child <= shape).checked_sub(1)?)?;
    sketch.is_within(shape, child).then_some(child)
}

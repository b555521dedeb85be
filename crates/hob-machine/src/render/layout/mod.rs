//! Where everything goes: each state that has others inside is laid out by itself, from the inside out.
//!
//! An arrow between levels is cut where it crosses the border of a state: inside it leads to a port on the border, outside it
//! goes on from there. Which side the port is on follows from who is above whom around it, which needs no sizes and is
//! decided first (`route`). Then sizes come from the inside out (`inside`, `row`), and places from the outside in.

mod cycles;
mod geometry;
mod inside;
mod layered;
mod route;
mod row;

pub(super) use geometry::{Point, Rect};

use super::sketch::{From, Sketch};
use super::words::{Pill, Words};
use route::{Plan, Role};

/// Space between a border and what is inside.
pub(super) const PAD: f64 = 18.0;
/// How far a self transition reaches beside its box, words not counted.
pub(super) const LOOP: f64 = 26.0;
/// How large the dot is that says where a state begins.
pub(super) const DOT: f64 = 12.0;

/// A picture with places.
#[derive(Debug)]
pub(super) struct Layout {
    /// One for each shape; that of the machine is the canvas.
    pub(super) boxes: Vec<Rect>,
    /// How high the part of a box is that has its name and lines.
    pub(super) heads: Vec<f64>,
    /// Where shapes begin: the number of the shape, and the middle of the dot.
    pub(super) dots: Vec<(usize, Point)>,
    /// One for each arrow.
    pub(super) lines: Vec<Line>,
}

/// An arrow with places.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// From where it begins to where it ends; empty when it goes round its own box.
    pub(super) points: Vec<Point>,
    /// Where its words are.
    pub(super) label: Option<Rect>,
}

/// A part of an arrow, in the coordinates of the shape that it is inside of.
struct Piece {
    arrow: usize,
    inside: usize,
    role: Role,
    /// From top to bottom, when `forward` as the arrow goes.
    points: Vec<Point>,
    forward: bool,
    label: Option<Point>,
}

/// What is known while sizes are worked out.
struct Work<'a> {
    sketch: &'a Sketch,
    words: &'a Words,
    plan: Plan,
    /// The size of each box, and where it is inside the one around it.
    boxes: Vec<Rect>,
    heads: Vec<f64>,
    dots: Vec<(usize, Point)>,
    pieces: Vec<Piece>,
    /// For each arrow and each of its ends, where it comes out of the box that is laid out so far.
    ports: Vec<[Option<f64>; 2]>,
    /// The words of the transition from each shape to itself.
    loops: Vec<Option<usize>>,
}

impl Layout {
    #[expect(
        clippy::indexing_slicing,
        reason = "shapes and arrows are numbered by their positions in the sketch"
    )]
    pub(super) fn new(sketch: &Sketch, words: &Words) -> Self {
        let count = sketch.shapes.len();
        let mut loops = vec![None; count];
        for (number, arrow) in sketch.arrows.iter().enumerate() {
            if arrow.from == From::Shape(arrow.to) {
                loops[arrow.to] = Some(number);
            }
        }
        let mut work = Work {
            sketch,
            words,
            plan: Plan::new(sketch),
            boxes: vec![Rect::default(); count],
            heads: vec![0.0; count],
            dots: Vec::new(),
            pieces: Vec::new(),
            ports: vec![[None; 2]; sketch.arrows.len()],
            loops,
        };
        // What is inside has a greater number.
        for shape in (0..count).rev() {
            work.shape(shape);
        }
        work.finish()
    }
}

impl Work<'_> {
    /// How much room a shape needs in the one around it: its box and a transition to itself beside.
    fn footprint(&self, shape: usize) -> (f64, f64) {
        let (w, h) = self.boxes.get(shape).map_or((0.0, 0.0), |rect| (rect.w, rect.h));
        let caption = self.words.caption(shape);
        match self.loop_words(shape) {
            Some(pill) => (w + LOOP + pill.w + 4.0, h.max(pill.h)),
            None if caption > 0.0 => (w + 6.0 + caption, h),
            None => (w, h),
        }
    }

    fn loop_words(&self, shape: usize) -> Option<&Pill> {
        let arrow = self.loops.get(shape).copied().flatten()?;
        self.words.pill(arrow)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "shapes and arrows are numbered by their positions in the sketch"
    )]
    fn finish(mut self) -> Layout {
        for shape in 1..self.boxes.len() {
            let around = self.boxes[self.sketch.shapes[shape].parent];
            self.boxes[shape].x += around.x;
            self.boxes[shape].y += around.y;
        }
        let corner = |shape: usize| Point::new(self.boxes[shape].x, self.boxes[shape].y);
        let mut lines = vec![Line::default(); self.sketch.arrows.len()];
        // Out of the source from the inside, across, into the target from the outside.
        let order = |piece: &Piece| match piece.role {
            Role::Out => (0, usize::MAX - piece.inside),
            Role::Across => (1, 0),
            Role::In => (2, piece.inside),
        };
        self.pieces.sort_by_key(|piece| (piece.arrow, order(piece)));
        for piece in &self.pieces {
            let line = &mut lines[piece.arrow];
            let corner = corner(piece.inside);
            let points = piece.points.iter().map(|point| point.moved(corner));
            match piece.forward {
                true => line.points.extend(points),
                false => line.points.extend(points.rev()),
            }
            if let (Some(middle), Some(pill)) = (piece.label, self.words.pill(piece.arrow)) {
                let middle = middle.moved(corner);
                line.label = Some(around(middle, pill));
            }
        }
        for (shape, arrow) in self.loops.iter().enumerate() {
            let Some(arrow) = arrow else { continue };
            let Some(pill) = self.words.pill(*arrow) else { continue };
            let rect = self.boxes[shape];
            let middle = Point::new(rect.right() + LOOP + pill.w / 2.0, self.loop_height(shape, pill));
            lines[*arrow].label = Some(around(middle, pill));
        }
        lines.iter_mut().for_each(|line| tidy(&mut line.points));
        let dots = self.dots.iter().map(|(shape, dot)| (*shape, dot.moved(corner(*shape)))).collect();
        Layout { dots, lines, heads: self.heads, boxes: self.boxes }
    }

    /// Where beside a box its transition to itself is.
    fn loop_height(&self, shape: usize, pill: &Pill) -> f64 {
        let rect = self.boxes.get(shape).copied().unwrap_or_default();
        let (_, room) = self.footprint(shape);
        // Words that are higher than the box are as far above its middle as below.
        let top = rect.y + rect.h / 2.0 - room / 2.0;
        (top + pill.h / 2.0).max(rect.y + rect.h.min(60.0) / 2.0).round()
    }
}

fn around(middle: Point, pill: &Pill) -> Rect {
    Rect { x: (middle.x - pill.w / 2.0).round(), y: (middle.y - pill.h / 2.0).round(), w: pill.w, h: pill.h }
}

/// Points that are where the one before is, or on the way to the next, say nothing.
fn tidy(points: &mut Vec<Point>) {
    let near = |a: f64, b: f64| (a - b).abs() < 0.5;
    let mut kept: Vec<Point> = Vec::with_capacity(points.len());
    for point in points.iter().copied() {
        match kept.as_mut_slice() {
            [.., last] if near(last.x, point.x) && near(last.y, point.y) => {}
            [.., before, last] if near(before.x, last.x) && near(last.x, point.x) => *last = point,
            _ => kept.push(point),
        }
    }
    *points = kept;
}

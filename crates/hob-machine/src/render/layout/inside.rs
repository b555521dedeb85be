//! The inside of one shape, and with it its size.

use super::geometry::{Point, Rect};
use super::layered::{self, Edge, Pin, Vertex};
use super::route::{Part, Role, Side};
use super::{DOT, PAD, Piece, Work};
use crate::chart::Kind;

impl Work<'_> {
    #[expect(clippy::indexing_slicing, reason = "shapes are numbered by their positions in the sketch")]
    pub(super) fn shape(&mut self, shape: usize) {
        let (w, h) = self.words.size(shape);
        match self.sketch.shapes[shape].kind {
            Kind::Atomic | Kind::Final | Kind::History(_) => {
                self.boxes[shape] = Rect { x: 0.0, y: 0.0, w, h };
                self.heads[shape] = h;
            }
            Kind::Parallel => self.row(shape, w, h),
            Kind::Root | Kind::Compound | Kind::Region => self.layers(shape, w, h),
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "shapes and arrows are numbered by their positions in the sketch"
    )]
    fn layers(&mut self, shape: usize, head_w: f64, head_h: f64) {
        let children = &self.sketch.shapes[shape].children;
        let parts = std::mem::take(&mut self.plan.parts[shape]);
        let mut vertices: Vec<Vertex> = children
            .iter()
            .map(|child| {
                let (w, h) = self.footprint(*child);
                Vertex { w, h, body: self.boxes[*child].w, pin: Pin::No }
            })
            .collect();
        let title = Vertex { w: head_w - PAD, h: head_h, body: 0.0, pin: Pin::Title };
        vertices.push(title);
        let dot = vertices.len();
        if parts.iter().any(|part| part.role == Role::Across && part.source.is_none()) {
            vertices.push(Vertex { w: DOT, h: DOT, body: DOT, pin: Pin::No });
        }
        let place = |child: usize| children.binary_search(&child).unwrap_or(0);
        let mut edges = Vec::with_capacity(parts.len());
        for part in &parts {
            let port = vertices.len();
            if part.role != Role::Across {
                let pin = if part.side == Side::Top { Pin::First } else { Pin::Last };
                vertices.push(Vertex { w: 0.0, h: 0.0, body: 0.0, pin });
            }
            let [source_x, target_x] = self.ports[part.arrow];
            let source = match (part.role, part.source) {
                (Role::In, _) => (port, None),
                (_, Some(child)) => (place(child), source_x),
                (_, None) => (dot, None),
            };
            let target = part.target.map_or((port, None), |child| (place(child), target_x));
            let (above, below) = if is_forward(part) { (source, target) } else { (target, source) };
            let label = self.words.pill(part.arrow).filter(|_| part.worded).map(|pill| (pill.w, pill.h));
            edges.push(Edge { from: above.0, to: below.0, from_x: above.1, to_x: below.1, label });
        }
        let placed = layered::lay_out(&vertices, &edges);
        let shift = Point::new(PAD, 0.0);
        for (child, rect) in children.iter().zip(&placed.boxes) {
            let (_, room) = self.footprint(*child);
            let child = &mut self.boxes[*child];
            (child.x, child.y) = (rect.x + PAD, (rect.y + (room - child.h) / 2.0).round());
        }
        if let Some(rect) = placed.boxes.get(dot).filter(|_| vertices[dot].w == DOT && dot < vertices.len()) {
            let middle = Point::new(rect.x + DOT / 2.0 + PAD, rect.y + DOT / 2.0);
            self.dots.push((shape, middle));
        }
        let below = parts.iter().any(|part| part.role != Role::Across && part.side == Side::Bottom);
        let h = placed.h + if below { 0.0 } else { PAD };
        self.boxes[shape] = Rect { x: 0.0, y: 0.0, w: placed.w.max(head_w) + 2.0 * PAD, h };
        self.heads[shape] = head_h;
        for (part, route) in parts.iter().zip(placed.routes) {
            let mut points: Vec<Point> = route.points.into_iter().map(|point| point.moved(shift)).collect();
            self.reach(part, &mut points);
            self.keep(shape, part, points, route.label.map(|point| point.moved(shift)));
        }
    }

    /// A box that is lower than the room it has, because of what is beside it, is further away.
    #[expect(clippy::indexing_slicing, reason = "shapes are numbered by their positions in the sketch")]
    fn reach(&self, part: &Part, points: &mut [Point]) {
        let (above, below) =
            if is_forward(part) { (part.source, part.target) } else { (part.target, part.source) };
        if let (Some(child), Some(first)) = (above, points.first_mut()) {
            first.y = self.boxes[child].bottom();
        }
        if let (Some(child), Some(last)) = (below, points.last_mut()) {
            last.y = self.boxes[child].y;
        }
    }

    /// Keeps a part of an arrow, and where it meets the border.
    #[expect(
        clippy::indexing_slicing,
        reason = "shapes and arrows are numbered by their positions in the sketch"
    )]
    pub(super) fn keep(&mut self, shape: usize, part: &Part, mut points: Vec<Point>, label: Option<Point>) {
        let end = match part.role {
            Role::Across => None,
            Role::Out => Some(0),
            Role::In => Some(1),
        };
        let port = if part.side == Side::Top { points.first() } else { points.last() };
        if let (Some(end), Some(port)) = (end, port) {
            self.ports[part.arrow][end] = Some(port.x);
        }
        // What begins at the border of its own source begins below the name.
        let begins = self.sketch.arrows[part.arrow].from == super::From::Shape(shape);
        if part.role == Role::In && begins && points.len() > 2 {
            points.remove(0);
        }
        let forward = is_forward(part);
        self.pieces.push(Piece { arrow: part.arrow, inside: shape, role: part.role, points, forward, label });
    }
}

/// Whether from top to bottom is as the arrow goes.
pub(super) fn is_forward(part: &Part) -> bool {
    match part.role {
        Role::Across => !part.upward,
        Role::Out => part.side == Side::Bottom,
        Role::In => part.side == Side::Top,
    }
}

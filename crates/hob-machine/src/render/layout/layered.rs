//! Boxes in layers: every arrow leads down, and what it says is a box of its own, halfway.
//!
//! The method of Sugiyama, Tagawa and Toda in its usual four steps: layers (`rank`), an order in each with few crossings
//! (`order`), places that keep arrows straight (`place`), and the lines (`route`). Layers of boxes have even numbers, layers
//! of words odd ones; an arrow that passes through a layer has a place of its own there, so that no line crosses a box.

mod order;
mod place;
mod rank;
mod route;

use super::geometry::{Point, Rect};

/// How many places of passing arrows are made at most; the longest arrows beyond are drawn straight, over whatever is there.
const PASSING_MAX: usize = 20_000;

/// Where a box must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    No,
    /// In a layer above all others, before everything else there.
    Title,
    /// In that layer.
    First,
    /// In a layer below all others.
    Last,
}

/// A box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    pub(super) w: f64,
    pub(super) h: f64,
    /// How much of the width, from the left, arrows may touch.
    pub(super) body: f64,
    pub(super) pin: Pin,
}

/// An arrow from a box above to one below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Where it leaves, from the left edge of the box; anywhere when `None`.
    pub(super) from_x: Option<f64>,
    /// Where it arrives.
    pub(super) to_x: Option<f64>,
    /// How much room its words need.
    pub(super) label: Option<(f64, f64)>,
}

/// Where everything is.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) boxes: Vec<Rect>,
    pub(super) routes: Vec<Route>,
    pub(super) w: f64,
    pub(super) h: f64,
}

/// A line, from top to bottom.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub(super) points: Vec<Point>,
    /// The middle of its words.
    pub(super) label: Option<Point>,
}

/// One box in one layer: of the graph, of an arrow's words, or of an arrow that passes.
#[derive(Clone, Copy, Debug)]
struct Cell {
    w: f64,
    h: f64,
    layer: usize,
    title: bool,
    /// A part of an arrow.
    passing: bool,
}

/// A part of an arrow, from one layer to the next.
#[derive(Clone, Copy, Debug)]
struct Link {
    from: usize,
    to: usize,
    /// Where it touches, from the middle of each.
    from_off: f64,
    to_off: f64,
    weight: f64,
}

/// The graph with all its layers.
struct Layers {
    cells: Vec<Cell>,
    links: Vec<Link>,
    /// The links that each cell has upwards and downwards.
    up: Vec<Vec<usize>>,
    down: Vec<Vec<usize>>,
    /// Cells from left to right, layer by layer.
    rows: Vec<Vec<usize>>,
    /// The cells of each edge between its ends; `None` of an edge that is drawn straight.
    chains: Vec<Option<Vec<usize>>>,
    /// The first and the last link of each edge that has any.
    ends: Vec<Option<(usize, usize)>>,
    /// Which of the cells of an edge has its words.
    worded: Vec<Option<usize>>,
}

/// Lays out a graph without cycles.
pub(super) fn lay_out(vertices: &[Vertex], edges: &[Edge]) -> Placed {
    let ranks = rank::ranks(vertices, edges);
    let mut layers = expand(vertices, edges, &ranks);
    order::order(&mut layers);
    let mut xs = place::places(&layers);
    // Where arrows touch depends on where everything is, and where everything is best on where arrows touch.
    for _ in 0..2 {
        route::touch(vertices, edges, &mut layers, &xs);
        place::again(&layers, &mut xs);
    }
    route::finish(vertices, edges, &layers, &xs)
}

#[expect(
    clippy::indexing_slicing,
    reason = "edges name vertices by the caller's numbers, cells are numbered here"
)]
fn expand(vertices: &[Vertex], edges: &[Edge], ranks: &[usize]) -> Layers {
    let count = vertices.len();
    let cell = |vertex: &Vertex, rank: &usize| Cell {
        w: vertex.w,
        h: vertex.h,
        layer: rank * 2,
        title: vertex.pin == Pin::Title,
        passing: false,
    };
    let mut layers = Layers {
        cells: vertices.iter().zip(ranks).map(|(vertex, rank)| cell(vertex, rank)).collect(),
        links: Vec::new(),
        up: vec![Vec::new(); count],
        down: vec![Vec::new(); count],
        rows: Vec::new(),
        chains: vec![None; edges.len()],
        ends: vec![None; edges.len()],
        worded: vec![None; edges.len()],
    };
    let span = |edge: &Edge| (ranks[edge.to] * 2).saturating_sub(ranks[edge.from] * 2 + 1);
    let mut by_span: Vec<usize> = (0..edges.len()).collect();
    by_span.sort_by_key(|edge| span(&edges[*edge]));
    let mut room = PASSING_MAX;
    let mut near = vec![false; edges.len()];
    for number in by_span {
        let needed = span(&edges[number]);
        near[number] = needed > 0 && needed <= room;
        room = if near[number] { room - needed } else { 0 };
    }
    for (number, edge) in edges.iter().enumerate().filter(|(number, _)| near[*number]) {
        let (top, bottom) = (ranks[edge.from] * 2, ranks[edge.to] * 2);
        // The layer of words nearest to the middle.
        let middle = usize::midpoint(top, bottom);
        let middle = if middle % 2 == 0 { middle - 1 } else { middle };
        let mut chain = Vec::new();
        for layer in top + 1..bottom {
            let words = edge.label.filter(|_| layer == middle);
            if words.is_some() {
                layers.worded[number] = Some(layers.cells.len());
            }
            let (w, h) = words.unwrap_or((0.0, 0.0));
            chain.push(layers.cells.len());
            layers.cells.push(Cell { w, h, layer, title: false, passing: true });
        }
        layers.up.resize(layers.cells.len(), Vec::new());
        layers.down.resize(layers.cells.len(), Vec::new());
        let ends: Vec<usize> =
            std::iter::once(edge.from).chain(chain.iter().copied()).chain(std::iter::once(edge.to)).collect();
        let last = ends.len() - 2;
        for (place, pair) in ends.windows(2).enumerate() {
            let off = |vertex: &Vertex, x: Option<f64>| x.unwrap_or(vertex.body / 2.0) - vertex.w / 2.0;
            let link = Link {
                from: pair[0],
                to: pair[1],
                from_off: if place == 0 { off(&vertices[edge.from], edge.from_x) } else { 0.0 },
                to_off: if place == last { off(&vertices[edge.to], edge.to_x) } else { 0.0 },
                weight: match (place == 0 || place == last, last) {
                    (false, _) => 8.0,
                    // What leads to the next layer is kept straighter than what comes from far.
                    (true, 0..=1) => 2.0,
                    (true, _) => 0.7,
                },
            };
            layers.down[link.from].push(layers.links.len());
            layers.up[link.to].push(layers.links.len());
            layers.links.push(link);
        }
        layers.ends[number] = Some((layers.links.len() - 1 - last, layers.links.len() - 1));
        layers.chains[number] = Some(chain);
    }
    layers
}

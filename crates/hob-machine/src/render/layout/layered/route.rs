//! How high everything is, and the lines.

#![expect(
    clippy::indexing_slicing,
    reason = "cells, links and layers are numbered by their positions in these tables"
)]

use super::super::geometry::{Point, Rect, Wish, spread};
use super::{Edge, Layers, Pin, Placed, Route, Vertex};

/// Between two layers at least.
const BETWEEN: f64 = 20.0;
/// Between two layers of boxes with no words in between.
const BETWEEN_BOXES: f64 = 34.0;
/// How far two arrows on one side of a box are apart, if there is room.
const APART: f64 = 20.0;

/// A layer, from top to bottom.
#[derive(Clone, Copy)]
struct Band {
    top: f64,
    bottom: f64,
}

/// Between the layer of the title and what follows.
const BELOW_TITLE: f64 = 12.0;

/// Tells the links where on their boxes they end.
pub(super) fn touch(vertices: &[Vertex], edges: &[Edge], layers: &mut Layers, xs: &[f64]) {
    let lefts: Vec<f64> = (0..vertices.len()).map(|vertex| xs[vertex] - vertices[vertex].w / 2.0).collect();
    let ends = ends(vertices, edges, layers, &lefts, xs);
    for ((edge, (from, to)), links) in edges.iter().zip(ends).zip(&layers.ends) {
        if let Some((first, last)) = links {
            layers.links[*first].from_off = from - xs[edge.from];
            layers.links[*last].to_off = to - xs[edge.to];
        }
    }
}

pub(super) fn finish(vertices: &[Vertex], edges: &[Edge], layers: &Layers, xs: &[f64]) -> Placed {
    let left = (0..layers.cells.len())
        .map(|cell| xs[cell] - layers.cells[cell].w / 2.0)
        .fold(f64::INFINITY, f64::min);
    let left = if left.is_finite() { left } else { 0.0 };
    let xs: Vec<f64> = xs.iter().map(|x| (x - left).round()).collect();
    let bands = bands(layers, &xs);
    let boxes: Vec<Rect> = vertices
        .iter()
        .enumerate()
        .map(|(cell, vertex)| {
            let band = bands[layers.cells[cell].layer];
            let y = match vertex.pin {
                Pin::No => f64::midpoint(band.top, band.bottom) - vertex.h / 2.0,
                Pin::Title | Pin::First => band.top,
                Pin::Last => band.bottom - vertex.h,
            };
            Rect { x: xs[cell] - vertex.w / 2.0, y: y.round(), w: vertex.w, h: vertex.h }
        })
        .collect();
    let lefts: Vec<f64> = boxes.iter().map(|rect| rect.x).collect();
    let ends = ends(vertices, edges, layers, &lefts, &xs);
    let routes = edges.iter().enumerate().map(|(number, edge)| {
        let (from, to) = ends[number];
        let mut points = vec![Point::new(from, boxes[edge.from].bottom())];
        if let Some(chain) = &layers.chains[number] {
            points.push(Point::new(from, bands[layers.cells[edge.from].layer].bottom));
            for cell in chain {
                let band = bands[layers.cells[*cell].layer];
                // A layer without height is no reason to bend.
                if band.bottom > band.top {
                    points.push(Point::new(xs[*cell], band.top));
                    points.push(Point::new(xs[*cell], band.bottom));
                }
            }
            points.push(Point::new(to, bands[layers.cells[edge.to].layer].top));
        }
        points.push(Point::new(to, boxes[edge.to].y));
        points.dedup();
        let label = layers.worded[number].map(|cell| {
            let band = bands[layers.cells[cell].layer];
            Point::new(xs[cell], f64::midpoint(band.top, band.bottom))
        });
        Route { points, label }
    });
    let routes = routes.collect();
    let w = (0..layers.cells.len()).map(|cell| xs[cell] + layers.cells[cell].w / 2.0).fold(0.0, f64::max);
    Placed { boxes, routes, w, h: bands.last().map_or(0.0, |band| band.bottom) }
}

fn bands(layers: &Layers, xs: &[f64]) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    let mut bottom = 0.0;
    for (number, row) in layers.rows.iter().enumerate() {
        let h = row.iter().map(|cell| layers.cells[*cell].h).fold(0.0, f64::max);
        // Lines that go far sideways need height to bend.
        let links = row.iter().flat_map(|cell| &layers.up[*cell]).map(|link| layers.links[*link]);
        let reach = links
            .map(|link| (xs[link.from] + link.from_off - xs[link.to] - link.to_off).abs())
            .fold(0.0, f64::max);
        let top = match number {
            0 => 0.0,
            // A title alone needs little room below, arrows beside it need it to bend.
            1 if h == 0.0 && layers.rows[0].len() == 1 => bottom + BELOW_TITLE - BETWEEN,
            _ if number % 2 == 1 && h == 0.0 => bottom + BETWEEN_BOXES - BETWEEN,
            _ => bottom + BETWEEN + (0.06 * reach).min(36.0),
        };
        bottom = (top + h).round();
        bands.push(Band { top: top.round(), bottom });
    }
    bands
}

/// Where each edge leaves and arrives: where it must, or near where it comes from.
fn ends(vertices: &[Vertex], edges: &[Edge], layers: &Layers, lefts: &[f64], xs: &[f64]) -> Vec<(f64, f64)> {
    let middle = |of: usize, x: Option<f64>| lefts[of] + x.unwrap_or(vertices[of].body / 2.0);
    let mut ends: Vec<(f64, f64)> =
        edges.iter().map(|edge| (middle(edge.from, edge.from_x), middle(edge.to, edge.to_x))).collect();
    let mut below: Vec<Vec<(f64, usize)>> = vec![Vec::new(); vertices.len()];
    let mut above: Vec<Vec<(f64, usize)>> = vec![Vec::new(); vertices.len()];
    for (number, edge) in edges.iter().enumerate() {
        let chain = layers.chains[number].as_deref().unwrap_or_default();
        let next = chain.iter().find(|cell| layers.cells[**cell].h > 0.0).or(chain.last());
        let before = chain.iter().rev().find(|cell| layers.cells[**cell].h > 0.0).or(chain.first());
        if edge.from_x.is_none() {
            let toward = next.filter(|_| chain.len() > 1 || layers.cells[chain[0]].h > 0.0);
            below[edge.from].push((toward.map_or(ends[number].1, |cell| xs[*cell]), number));
        }
        if edge.to_x.is_none() {
            let toward = before.filter(|_| chain.len() > 1 || layers.cells[chain[0]].h > 0.0);
            above[edge.to].push((toward.map_or(ends[number].0, |cell| xs[*cell]), number));
        }
    }
    for vertex in 0..vertices.len() {
        for (down, side) in [(true, &mut below[vertex]), (false, &mut above[vertex])] {
            side.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let (left, body) = (lefts[vertex], vertices[vertex].body);
            let margin = (body / 2.0).min(14.0);
            let count = f64::from(u32::try_from(side.len()).unwrap_or(u32::MAX));
            let gap = APART.min((body - 2.0 * margin) / (count - 1.0).max(1.0));
            let wishes: Vec<Wish> = side
                .iter()
                .map(|(x, _)| Wish { at: x.min(left + body - margin).max(left + margin), weight: 1.0, gap })
                .collect();
            let places = spread(&wishes);
            // All within the box, even when one side is crowded.
            let over = places.last().map_or(0.0, |x| (x - (left + body - margin)).max(0.0));
            let under = places.first().map_or(0.0, |x| ((left + margin) - x).max(0.0));
            for ((_, edge), x) in side.iter().zip(places) {
                let end = &mut ends[*edge];
                let x = x - over + under;
                if down { end.0 = x } else { end.1 = x }
            }
        }
    }
    ends
}

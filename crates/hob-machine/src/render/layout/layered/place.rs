//! How far from the left each cell is: near the middle of its neighbours in the layers beside, and apart from its own.

#![expect(
    clippy::indexing_slicing,
    reason = "cells and links are numbered by their positions in these tables"
)]

use super::super::geometry::{Wish, spread};
use super::Layers;

/// Where a cell wants to be that has no neighbours: where it is.
const IDLE: f64 = 1e-6;

/// The middle of each cell.
pub(super) fn places(layers: &Layers) -> Vec<f64> {
    let mut xs = vec![0.0; layers.cells.len()];
    for row in &layers.rows {
        let mut x = 0.0;
        let mut before = None;
        for cell in row {
            x += before.map_or(0.0, |before| gap(layers, before, *cell));
            xs[*cell] = x;
            before = Some(*cell);
        }
        let middle = x / 2.0;
        row.iter().for_each(|cell| xs[*cell] -= middle);
    }
    rounds(layers, &mut xs, if layers.cells.len() < 3_000 { 30 } else { 6 });
    xs
}

/// After arrows have come to touch boxes elsewhere.
pub(super) fn again(layers: &Layers, xs: &mut [f64]) {
    rounds(layers, xs, if layers.cells.len() < 3_000 { 12 } else { 2 });
    for row in &layers.rows {
        for (place, cell) in row.iter().enumerate().filter(|(_, cell)| layers.cells[**cell].title) {
            // A title is as far left as everything, or as far as its neighbour lets it be.
            let others = (0..xs.len()).filter(|other| other != cell);
            let left =
                others.map(|other| xs[other] - layers.cells[other].w / 2.0).fold(f64::INFINITY, f64::min);
            let next = row.get(place + 1).map_or(f64::INFINITY, |next| xs[*next] - gap(layers, *cell, *next));
            let x = next.min(left + layers.cells[*cell].w / 2.0);
            xs[*cell] = if x.is_finite() { x } else { 0.0 };
        }
    }
}

fn rounds(layers: &Layers, xs: &mut [f64], rounds: usize) {
    let rows = layers.rows.len();
    for round in 0..rounds {
        (0..rows).for_each(|row| settle(layers, row, xs, true, false));
        (0..rows).rev().for_each(|row| settle(layers, row, xs, false, true));
        if round % 3 == 2 || round + 1 == rounds {
            (0..rows).for_each(|row| settle(layers, row, xs, true, true));
            (0..rows).rev().for_each(|row| settle(layers, row, xs, true, true));
        }
    }
}

fn settle(layers: &Layers, row: usize, xs: &mut [f64], up: bool, down: bool) {
    let row = &layers.rows[row];
    let mut wishes = Vec::with_capacity(row.len());
    let mut before = None;
    for cell in row {
        let (mut sum, mut weight) = (0.0, 0.0);
        if up {
            for link in layers.up[*cell].iter().map(|link| layers.links[*link]) {
                sum += (xs[link.from] + link.from_off - link.to_off) * link.weight;
                weight += link.weight;
            }
        }
        if down {
            for link in layers.down[*cell].iter().map(|link| layers.links[*link]) {
                sum += (xs[link.to] + link.to_off - link.from_off) * link.weight;
                weight += link.weight;
            }
        }
        let (at, weight) = if weight > 0.0 { (sum / weight, weight) } else { (xs[*cell], IDLE) };
        let gap = before.map_or(0.0, |before| gap(layers, before, *cell));
        wishes.push(Wish { at, weight, gap });
        before = Some(*cell);
    }
    for (cell, x) in row.iter().zip(spread(&wishes)) {
        xs[*cell] = x;
    }
}

/// How far the middles of two neighbours must be apart.
fn gap(layers: &Layers, left: usize, right: usize) -> f64 {
    let (left, right) = (&layers.cells[left], &layers.cells[right]);
    let between = match (left.passing, right.passing) {
        (false, false) => 36.0,
        (true, true) if left.w > 0.0 && right.w > 0.0 => 14.0,
        (true, true) => 18.0,
        _ => 24.0,
    };
    f64::midpoint(left.w, right.w) + between
}

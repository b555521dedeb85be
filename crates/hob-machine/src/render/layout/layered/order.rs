//! The order in each layer: every cell goes to the middle of its neighbours, layer by layer, down and up, and the order with
//! the fewest crossings is kept. How often depends on how much there is.

#![expect(
    clippy::indexing_slicing,
    reason = "cells and links are numbered by their positions in these tables"
)]

use super::Layers;

pub(super) fn order(layers: &mut Layers) {
    begin(layers);
    let size = layers.links.len();
    let sweeps = match size {
        0..2_000 => 24,
        2_000..20_000 => 8,
        _ => 3,
    };
    let mut places = vec![0; layers.cells.len()];
    let mut best = (crossings(layers, &mut places), layers.rows.clone());
    for sweep in 0..sweeps {
        if best.0 == 0 {
            break;
        }
        let count = layers.rows.len();
        for step in 1..count {
            let row = if sweep % 2 == 0 { step } else { count - 1 - step };
            arrange(layers, row, sweep % 2 == 0, &mut places);
        }
        if size < 2_000 {
            exchange(layers, &mut places);
        }
        let found = crossings(layers, &mut places);
        if found < best.0 {
            best = (found, layers.rows.clone());
        }
    }
    layers.rows = best.1;
}

/// As a walk along the arrows comes to them.
fn begin(layers: &mut Layers) {
    let count = layers.cells.iter().map(|cell| cell.layer + 1).max().unwrap_or(0);
    layers.rows = vec![Vec::new(); count];
    let mut seen = vec![false; layers.cells.len()];
    let mut starts: Vec<usize> =
        (0..layers.cells.len()).filter(|cell| !layers.cells[*cell].passing).collect();
    starts.sort_by_key(|cell| (!layers.cells[*cell].title, layers.cells[*cell].layer, *cell));
    for start in starts {
        let mut walk = vec![start];
        while let Some(cell) = walk.pop() {
            if std::mem::replace(&mut seen[cell], true) {
                continue;
            }
            layers.rows[layers.cells[cell].layer].push(cell);
            walk.extend(layers.down[cell].iter().rev().map(|link| layers.links[*link].to));
        }
    }
}

fn number(row: &[usize], places: &mut [usize]) {
    for (place, cell) in row.iter().enumerate() {
        places[*cell] = place;
    }
}

/// Where on a cell a link ends, as a part of one place.
fn at(layers: &Layers, places: &[usize], cell: usize, off: f64) -> f64 {
    let w = layers.cells[cell].w.max(1.0);
    let place = u32::try_from(places[cell]).unwrap_or(u32::MAX);
    f64::from(place) + 0.8 * (off / w).clamp(-0.5, 0.5)
}

fn arrange(layers: &mut Layers, row: usize, down: bool, places: &mut [usize]) {
    let beside = if down { row.checked_sub(1) } else { Some(row + 1) };
    if let Some(beside) = beside.and_then(|beside| layers.rows.get(beside)) {
        number(beside, places);
    }
    number(&layers.rows[row], places);
    let key = |cell: usize| {
        let links = if down { &layers.up[cell] } else { &layers.down[cell] };
        if layers.cells[cell].title {
            return -1.0;
        }
        let (mut sum, mut count) = (0.0, 0.0);
        for link in links.iter().map(|link| layers.links[*link]) {
            sum += match down {
                true => at(layers, places, link.from, link.from_off) - 0.2 * sign(link.to_off),
                false => at(layers, places, link.to, link.to_off) - 0.2 * sign(link.from_off),
            };
            count += 1.0;
        }
        if count > 0.0 { sum / count } else { at(layers, places, cell, 0.0) }
    };
    let mut keyed: Vec<(f64, usize)> = layers.rows[row].iter().map(|cell| (key(*cell), *cell)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    layers.rows[row] = keyed.into_iter().map(|(_, cell)| cell).collect();
}

fn sign(value: f64) -> f64 {
    if value.abs() < 0.5 { 0.0 } else { value.signum() }
}

/// Swaps neighbours as long as that removes crossings.
fn exchange(layers: &mut Layers, places: &mut [usize]) {
    for row in &layers.rows {
        number(row, places);
    }
    for _ in 0..4 {
        let mut better = false;
        for row in 0..layers.rows.len() {
            for place in 1..layers.rows[row].len() {
                let (left, right) = (layers.rows[row][place - 1], layers.rows[row][place]);
                if layers.cells[left].title {
                    continue;
                }
                let (now, then) =
                    (between(layers, places, left, right), between(layers, places, right, left));
                if then < now {
                    layers.rows[row].swap(place - 1, place);
                    places[left] = place;
                    places[right] = place - 1;
                    better = true;
                }
            }
        }
        if !better {
            return;
        }
    }
}

/// Crossings of the links of two neighbours in one layer.
fn between(layers: &Layers, places: &[usize], left: usize, right: usize) -> usize {
    let ends = |cell: usize, down: bool| -> Vec<f64> {
        let links = if down { &layers.down[cell] } else { &layers.up[cell] };
        let end = |link: &usize| {
            let link = layers.links[*link];
            if down {
                at(layers, places, link.to, link.to_off)
            } else {
                at(layers, places, link.from, link.from_off)
            }
        };
        links.iter().map(end).collect()
    };
    let count = |down: bool| {
        let (left, right) = (ends(left, down), ends(right, down));
        left.iter().map(|l| right.iter().filter(|r| *r < l).count()).sum::<usize>()
    };
    count(false) + count(true)
}

fn crossings(layers: &Layers, places: &mut [usize]) -> usize {
    for row in &layers.rows {
        number(row, places);
    }
    let mut total = 0;
    for row in &layers.rows {
        let mut ends: Vec<(f64, f64)> = row
            .iter()
            .flat_map(|cell| &layers.down[*cell])
            .map(|link| layers.links[*link])
            .map(|link| {
                (at(layers, places, link.from, link.from_off), at(layers, places, link.to, link.to_off))
            })
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut ends: Vec<f64> = ends.into_iter().map(|(_, to)| to).collect();
        total += inversions(&mut ends);
    }
    total
}

/// How many pairs stand the wrong way round; sorts by merging, from the bottom up.
fn inversions(values: &mut [f64]) -> usize {
    let mut count = 0;
    let mut width = 1;
    while width < values.len() {
        for chunk in values.chunks_mut(width * 2) {
            if chunk.len() <= width {
                continue;
            }
            let (left, right) = chunk.split_at(width);
            let mut merged = Vec::with_capacity(chunk.len());
            let (mut l, mut r) = (0, 0);
            while l < left.len() || r < right.len() {
                if r == right.len() || (l < left.len() && left[l] <= right[r]) {
                    merged.push(left[l]);
                    l += 1;
                } else {
                    count += left.len() - l;
                    merged.push(right[r]);
                    r += 1;
                }
            }
            chunk.copy_from_slice(&merged);
        }
        width *= 2;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_stand_the_wrong_way_round() {
        let check = |values: &[f64], expected| assert_eq!(inversions(&mut values.to_vec()), expected);
        check(&[], 0);
        check(&[1.0, 2.0, 3.0], 0);
        check(&[3.0, 2.0, 1.0], 3);
        check(&[2.0, 2.0, 1.0, 5.0, 4.0], 3);
    }
}

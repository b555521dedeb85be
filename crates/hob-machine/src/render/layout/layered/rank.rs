//! Which layer each box is in: as far down as the longest way to it, and no layer much wider than the picture is high.

#![expect(
    clippy::indexing_slicing,
    reason = "edges name vertices by the caller's numbers, and all tables have their length"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Edge, Pin, Vertex};

/// How wide a layer may always be.
const WIDTH_MIN: f64 = 760.0;
/// Space beside a box.
const BESIDE: f64 = 36.0;

pub(super) fn ranks(vertices: &[Vertex], edges: &[Edge]) -> Vec<usize> {
    let free = |vertex: usize| vertices[vertex].pin == Pin::No;
    let pinned = vertices.iter().any(|vertex| matches!(vertex.pin, Pin::Title | Pin::First));
    let top = usize::from(pinned);
    let needs = needs(vertices, edges);
    let area: f64 = vertices.iter().zip(&needs).map(|(vertex, w)| w * (vertex.h + 70.0)).sum();
    let width_max = WIDTH_MIN.max(1.25 * area.sqrt());

    let mut below: Vec<Vec<usize>> = vec![Vec::new(); vertices.len()];
    let mut waiting = vec![0_usize; vertices.len()];
    for edge in edges.iter().filter(|edge| free(edge.from) && free(edge.to)) {
        below[edge.from].push(edge.to);
        waiting[edge.to] += 1;
    }
    let sources: Vec<bool> = waiting.iter().map(|count| *count == 0).collect();
    let mut ranks = vec![top; vertices.len()];
    let mut widths: Vec<f64> = Vec::new();
    // The highest first; of those as the caller has them.
    let mut ready: BinaryHeap<Reverse<(usize, usize)>> = (0..vertices.len())
        .filter(|each| free(*each) && sources[*each])
        .map(|each| Reverse((top, each)))
        .collect();
    while let Some(Reverse((at_least, vertex))) = ready.pop() {
        let mut rank = at_least;
        while widths.get(rank).is_some_and(|used| *used > 0.0 && used + needs[vertex] > width_max) {
            rank += 1;
        }
        widths.resize(widths.len().max(rank + 1), 0.0);
        widths[rank] += needs[vertex];
        ranks[vertex] = rank;
        for next in &below[vertex] {
            ranks[*next] = ranks[*next].max(rank + 1);
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.push(Reverse((ranks[*next], *next)));
            }
        }
    }
    // What nothing leads to stands right above what it leads to.
    for vertex in (0..vertices.len()).filter(|each| free(*each) && sources[*each]) {
        if let Some(nearest) = below[vertex].iter().map(|next| ranks[*next]).min() {
            let rank = nearest.saturating_sub(1).max(ranks[vertex]);
            if vertices[vertex].w < BESIDE || widths[rank] + needs[vertex] <= width_max {
                widths[ranks[vertex]] -= needs[vertex];
                widths[rank] += needs[vertex];
                ranks[vertex] = rank;
            }
        }
    }
    let bottom =
        (0..vertices.len()).filter(|each| free(*each)).map(|each| ranks[each] + 1).max().unwrap_or(top);
    for (vertex, rank) in vertices.iter().zip(&mut ranks) {
        match vertex.pin {
            Pin::No => {}
            Pin::Title | Pin::First => *rank = 0,
            Pin::Last => *rank = bottom,
        }
    }
    ranks
}

/// How much of a layer a box takes: its own width, or that of the words on the arrows that come to it.
fn needs(vertices: &[Vertex], edges: &[Edge]) -> Vec<f64> {
    let mut words = vec![0.0; vertices.len()];
    for edge in edges {
        words[edge.to] += edge.label.map_or(0.0, |(w, _)| w + BESIDE / 2.0);
    }
    vertices.iter().zip(words).map(|(vertex, words)| (vertex.w + BESIDE).max(words)).collect()
}

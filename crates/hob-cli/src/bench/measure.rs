//! Timing two things beside each other: batches in turn, and of each the fastest, for noise only ever adds.

use std::time::Instant;

/// How many batches, and how many calls in each.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    pub(super) batches: u32,
    pub(super) calls: u32,
}

impl Effort {
    /// Less of it for a smoke test.
    pub(super) fn new(calls: u32, quick: bool) -> Self {
        if quick { Self { batches: 3, calls: (calls / 50).max(1) } } else { Self { batches: 40, calls } }
    }
}

/// Nanoseconds a call of each, at best.
pub(super) fn beside(
    effort: Effort,
    mut ours: impl FnMut() -> Result<(), String>,
    mut bare: impl FnMut() -> Result<(), String>,
) -> Result<(f64, f64), String> {
    let (mut best, mut best_bare) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..=effort.batches {
        best = best.min(batch(effort.calls, &mut ours)?);
        best_bare = best_bare.min(batch(effort.calls, &mut bare)?);
    }
    Ok((best, best_bare))
}

/// Nanoseconds a call, at best.
pub(super) fn alone(effort: Effort, mut ours: impl FnMut() -> Result<(), String>) -> Result<f64, String> {
    beside(effort, &mut ours, || Ok(())).map(|(best, _)| best)
}

fn batch(calls: u32, work: &mut impl FnMut() -> Result<(), String>) -> Result<f64, String> {
    let began = Instant::now();
    for _ in 0..calls {
        work()?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e9 / f64::from(calls))
}

/// The middle one.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

//! Turns that are durable: many vats, one wait for the disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hob::store::Store;
use hob::vat::{Append, Kinds, Peer, Ref, TurnStore, Value, Vat, library::CELL};

use super::super::{Row, Rows};
use super::text;

/// Nanoseconds: twenty thousand durable turns a second.
const TURN: f64 = 1e9 / 2e4;
const SOON: Duration = Duration::from_secs(120);
const VATS: u32 = 16;

pub(super) fn rows(quick: bool) -> Rows {
    let folder = std::env::temp_dir().join(format!("hob-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(text)?;
    let measured = measure(&folder, quick);
    std::fs::remove_dir_all(&folder).map_err(text)?;
    measured
}

fn measure(folder: &std::path::Path, quick: bool) -> Rows {
    let alone = one_by_one(folder, quick)?;
    let together = together(folder, quick)?;
    Ok(vec![
        Row::amount("one record made durable alone (what the disk takes)", alone, "ns", f64::INFINITY),
        Row::amount("durable turn, 16 vats committed together", together, "ns", TURN),
    ])
}

/// What it takes to make one small record durable.
fn one_by_one(folder: &std::path::Path, quick: bool) -> Result<f64, String> {
    let store = Store::open(folder.join("alone")).map_err(text)?;
    let claim = TurnStore::claim(&store, "two").map_err(text)?;
    let count: u32 = if quick { 3 } else { 50 };
    let mut all = Vec::new();
    for number in 0..count {
        let began = Instant::now();
        let at = claim.next.saturating_add(number.into());
        let entry = Append { stream: "two", fence: claim.fence, at, record: &[7; 64] };
        TurnStore::append(&store, &[entry]).into_iter().collect::<Result<Vec<()>, _>>().map_err(text)?;
        all.push(began.elapsed().as_secs_f64() * 1e9);
    }
    Ok(super::super::measure::median(all))
}

/// What a turn takes of many vats that all have something to do.
fn together(folder: &std::path::Path, quick: bool) -> Result<f64, String> {
    let turns: u32 = if quick { 50 } else { 5000 };
    let store = Store::open(folder.join("together")).map_err(text)?;
    let peer =
        Peer::builder().threads(2).store(Arc::new(store)).kinds(Kinds::library()).build().map_err(text)?;
    let vats: Vec<(Vat, Ref)> = (0..VATS)
        .map(|number| {
            let vat = peer.vat(&number.to_string())?;
            let cell = vat.run(|turn| turn.spawn(&CELL, 0.into()))?;
            Ok((vat, cell))
        })
        .collect::<Result<_, _>>()
        .map_err(|problem: hob::vat::Problem| problem.to_string())?;
    let began = Instant::now();
    for number in 0..turns {
        for (vat, cell) in &vats {
            vat.send_only(*cell, [number.into()]).map_err(text)?;
        }
    }
    if !peer.settle(SOON) {
        return Err("the vats did not become quiet".into());
    }
    let took = began.elapsed().as_secs_f64() * 1e9;
    for (vat, cell) in &vats {
        let last: Value = vat.ask(*cell, [], SOON).map_err(text)?;
        if last != (turns - 1).into() {
            return Err(format!("a cell has {last}"));
        }
    }
    Ok(took / f64::from(turns * VATS))
}

//! Prints what it sees of the world: both clocks twice, randomness, and how a hash map orders itself.

use std::collections::HashMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

fn main() {
    let wall = || SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_nanos()).unwrap_or(0);
    println!("wall {} {}", wall(), wall());
    let start = Instant::now();
    println!("later {}", start.elapsed().as_nanos());
    let map: HashMap<u32, u32> = (0..8).map(|n| (n, n)).collect();
    println!("map {:?}", map.keys().collect::<Vec<_>>());
    println!("nan {:x}", (std::hint::black_box(0.0_f64) / std::hint::black_box(0.0)).to_bits());
}

//! Machines that survive, over random machines and random inputs: restored they go on as if nothing had been, replayed they do
//! the same again, and a process that ends anywhere loses nothing and does nothing twice.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test may fail loudly"
)]

mod crash;
mod properties;
mod random;

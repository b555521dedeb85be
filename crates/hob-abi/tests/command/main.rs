//! The functions of the command contract, one by one, in a process of a real kernel and on both engines: used as they are
//! meant to be, with pointers and descriptors that are none, at and past their limits, and without what they need.
//!
//! What is called is in `rows`, as text; the wrong uses are made from those rows and from what the manifest says of each
//! parameter, so that a function without a row, or one that does something before it fails, is found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod bench;
mod descriptors;
mod drift;
mod grants;
mod lay;
mod limits;
mod look;
mod play;
mod pointers;
mod row;
mod setup;
mod valid;
mod world;

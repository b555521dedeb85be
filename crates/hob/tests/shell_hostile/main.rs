//! Commands that do their worst in a session end at a limit with a name, and neither the host nor another session nor
//! another command notices.
//!
//! The programs are in the text format, each a few lines next to what it must not achieve; [`guest`] gives them the whole
//! contract to misuse.

#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod bombs;
mod ends;
mod floods;
mod guest;
mod lab;
mod permits;
mod races;
mod signals;
mod walls;

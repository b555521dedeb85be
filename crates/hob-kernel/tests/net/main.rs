//! Sockets as programs use them: inside the session, and outside by grant.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;
mod datagrams;
mod inside;
mod local;
mod model;
mod outside;

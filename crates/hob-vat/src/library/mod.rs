//! Actors that most programs want: small, tested, and made of nothing but turns.

mod cell;

pub use cell::CELL;

//! Actors that most programs want: small, tested, and made of nothing but turns.

mod cell;

pub use cell::CELL;

use crate::kind::KindRef;

/// The kinds of the library.
pub fn kinds() -> impl Iterator<Item = KindRef> {
    [KindRef::from(&CELL)].into_iter()
}

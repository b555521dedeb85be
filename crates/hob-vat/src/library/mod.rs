//! Actors that most programs want: small, tested, and made of nothing but turns.

mod caretaker;
mod cell;
mod clock;
mod counter;
mod facet;
mod join;
mod membrane;
mod parts;
mod seal;
mod sip;
mod swap;
mod table;
#[cfg(test)]
mod tests;

pub use caretaker::{caretaker, caretaker_until};
pub use cell::{CELL, Cell, reader, writer};
pub use clock::clock;
pub use counter::{COUNTER, Counter, counter};
pub use facet::facet;
pub use join::{JOINER, Joiner, all_of, race};
pub use membrane::membrane;
pub use parts::forward;
pub use seal::sealers;
pub use swap::swappable;
pub use table::{TABLE, Table, table};

use crate::kind::{Kind, KindRef};

/// Every kind that actors of the library have, and those of [`Turn::on`](crate::Turn::on): what a store needs to find them by name.
pub fn kinds() -> impl Iterator<Item = KindRef> {
    KINDS.iter().map(|kind| KindRef::Static(*kind))
}

static KINDS: &[&dyn Kind] = &[
    &crate::on::ON,
    &caretaker::FRONT,
    &caretaker::GATE,
    &caretaker::OPENER,
    &caretaker::REVOKER,
    &cell::CELL,
    &cell::READER,
    &cell::WRITER,
    &clock::CLOCK,
    &clock::DRAWER,
    &clock::DRIVER,
    &clock::WORKS,
    &counter::COUNTER,
    &facet::FACET,
    &join::ALL_OF,
    &join::JOINER,
    &join::PART,
    &join::RACE,
    &join::STARTING,
    &membrane::CORE,
    &membrane::RELAY,
    &membrane::REVOKER,
    &membrane::WRAPPER,
    &seal::BRAND,
    &seal::CHECK,
    &seal::SEALER,
    &seal::UNSEALER,
    &swap::PROXY,
    &swap::SWAPPER,
    &table::NODE,
    &table::TABLE,
];

//! Actors that most programs want: small, tested, and made of nothing but turns.

mod caretaker;
mod cell;
mod clock;
mod counter;
mod facet;
mod inbox;
mod join;
mod membrane;
mod mint;
mod parts;
mod pubsub;
mod queue;
mod seal;
mod sip;
mod swap;
mod table;
#[cfg(test)]
mod tests;
mod ticker;

pub use caretaker::{caretaker, caretaker_until};
pub use cell::{CELL, Cell, reader, writer};
pub use clock::clock;
pub use counter::{COUNTER, Counter, counter};
pub use facet::facet;
pub use inbox::inbox;
pub use join::{JOINER, Joiner, all_of, race};
pub use membrane::membrane;
pub use mint::mint;
pub use parts::forward;
pub use pubsub::pubsub;
pub use queue::{queue, ring};
pub use seal::sealers;
pub use swap::swappable;
pub use table::{TABLE, Table, table};
pub use ticker::ticker;

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
    &inbox::INBOX,
    &inbox::IN,
    &inbox::OUT,
    &inbox::STOP,
    &mint::LEDGER,
    &mint::MINT,
    &mint::PURSE,
    &pubsub::TOPIC,
    &queue::MIDDLE,
    &queue::QUEUE,
    &queue::RING,
    &ticker::TICKER,
    &ticker::TICKY,
    &seal::BRAND,
    &seal::CHECK,
    &seal::SEALER,
    &seal::UNSEALER,
    &swap::PROXY,
    &swap::SWAPPER,
    &table::NODE,
    &table::TABLE,
];

//! Actors that most programs want: small, tested, and made of nothing but turns.
//!
//! Each keeps all it has in its state, so that it is taken back, stored, collected and looked back at like any other; none has
//! references in its code. Where an actor has several sides, each is a reference of its own and none leads to what they share.
//!
//! | made by | what it is |
//! |---|---|
//! | [`CELL`], [`reader`], [`writer`] | a place for a value, and the halves of the right to it |
//! | [`COUNTER`], [`counter`](counter()) | a number that is counted up |
//! | [`forward`] | a call of what is near, a message to what is not: no actor, but what most proxies do |
//! | [`facet`](facet()) | some methods of an actor and no others |
//! | [`swappable`] | a reference whose target can be changed, and the right to |
//! | [`caretaker`](caretaker()), [`caretaker_until`] | a reference that can be taken back, and the right to; with an end by the clock |
//! | [`membrane`](membrane()) | the same for everything that is reached through it |
//! | [`sealers`] | who puts values into boxes, who opens them, who tells them from others |
//! | [`warding_pair`] | who gives actors a private side, and who reaches it |
//! | [`all_of`], [`race`], [`JOINER`] | many promises as one |
//! | [`queue`](queue()), [`ring`] | first in, first out; the last few |
//! | [`inbox`](inbox()) | one side puts in, the other takes out or waits |
//! | [`pubsub`](pubsub()) | one says, many hear |
//! | [`ticker`](ticker()) | actors that are called together again and again |
//! | [`TABLE`], [`table`](table()) | values by value, very many if need be |
//! | [`mint`](mint()) | money: a mint, purses and payments |
//! | [`clock`](clock()) | time as a capability: what it is, promises of later, and the right to move it |
//! | [`rate_limiter`] | so many messages in a time |
//! | [`quota`](quota()), [`metered`] | so many calls and bytes, shared and divided |
//! | [`entropy`](entropy()) | randomness as a capability |
//! | [`nonce_registry`] | objects by numbers that nobody guesses |
//! | [`supervisor`](supervisor()) | children that are made again when they fail |
//! | [`MAKER`] | an actor that makes all these, for actors that are not written in Rust |
//!
//! A near call that fails takes back all that was done in it. An actor here that must count what fails ([`rate_limiter`], [`metered`], a
//! child that is watched) sends therefore, also to what is near.

pub mod caretaker;
pub mod cell;
pub mod clock;
pub mod counter;
pub mod entropy;
pub mod facet;
pub mod inbox;
pub mod join;
pub mod maker;
pub mod membrane;
pub mod mint;
pub mod nonce;
mod parts;
pub mod pubsub;
pub mod queue;
pub mod quota;
pub mod rate;
pub mod seal;
mod sip;
pub mod supervisor;
pub mod swap;
pub mod table;
#[cfg(test)]
mod tests;
pub mod ticker;
pub mod ward;

pub use caretaker::{caretaker, caretaker_until};
pub use cell::{CELL, Cell, reader, writer};
pub use clock::clock;
pub use counter::{COUNTER, Counter, counter};
pub use entropy::entropy;
pub use facet::facet;
pub use inbox::inbox;
pub use join::{JOINER, Joiner, all_of, race};
pub use maker::{MAKER, Maker};
pub use membrane::membrane;
pub use mint::mint;
pub use nonce::nonce_registry;
pub use parts::forward;
pub use pubsub::pubsub;
pub use queue::{queue, ring};
pub use quota::{metered, quota};
pub use rate::rate_limiter;
pub use seal::sealers;
pub use supervisor::{Patience, Restart, supervisor};
pub use swap::swappable;
pub use table::{TABLE, Table, table};
pub use ticker::ticker;
pub use ward::warding_pair;

use crate::kind::{Kind, KindRef};

/// Every kind that actors of the library have, and those of [`Turn::on`](crate::Turn::on): what a store needs to find them by name.
pub fn kinds() -> impl Iterator<Item = KindRef> {
    KINDS.iter().map(|kind| KindRef::Static(*kind))
}

static KINDS: &[&dyn Kind] = &[
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
    &crate::on::ON,
    &entropy::ENTROPY,
    &facet::FACET,
    &inbox::IN,
    &inbox::INBOX,
    &inbox::OUT,
    &inbox::STOP,
    &join::ALL_OF,
    &join::JOINER,
    &join::PART,
    &join::RACE,
    &join::STARTING,
    &maker::MAKER,
    &membrane::CORE,
    &membrane::RELAY,
    &membrane::REVOKER,
    &membrane::WRAPPER,
    &mint::LEDGER,
    &mint::MINT,
    &mint::PURSE,
    &nonce::REGISTRY,
    &pubsub::TOPIC,
    &queue::MIDDLE,
    &queue::QUEUE,
    &queue::RING,
    &quota::METERED,
    &quota::QUOTA,
    &rate::LIMITER,
    &seal::BRAND,
    &seal::CHECK,
    &seal::SEALER,
    &seal::UNSEALER,
    &supervisor::CORE,
    &supervisor::REPORTER,
    &supervisor::SUPERVISOR,
    &supervisor::WATCH,
    &supervisor::WATCHED,
    &swap::PROXY,
    &swap::SWAPPER,
    &table::NODE,
    &table::TABLE,
    &ticker::TICKER,
    &ticker::TICKY,
    &ward::ENCHANTED,
    &ward::INCANTER,
    &ward::LATER,
    &ward::WARDED,
    &ward::WARDEN,
];

#[cfg(test)]
mod listed {
    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let mut names: Vec<String> = super::kinds().map(|kind| kind.name().to_owned()).collect();
        assert!(names.iter().all(|name| name.starts_with("hob.")), "{names:?}");
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn code_keeps_nothing() {
        for kind in super::KINDS {
            assert_eq!(size_of_val(*kind), 0, "{} has fields", kind.name());
        }
    }
}

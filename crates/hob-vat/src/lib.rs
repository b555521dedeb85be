//! Actors in vats: objects that hold and pass capabilities, in turns that happen as a whole or not at all.
//!
//! Vocabulary, from the outside in: a *peer* has vats; a *vat* runs one turn at a time over an actormap; an *actormap* holds
//! actors and promises; an *actor* is a *kind* (code) and a state (a [`Value`]). Actors of one vat are *near* each other and
//! can be called; all others are *far* and can be sent to. A *turn* handles one message. A *churn* is a turn and the turns of all
//! near messages it leads to; it is what is committed.
//!
//! ```text
//! message ──▶ Actormap::turn ──▶ Kind::call(Turn, Me, args) ──▶ Answer ──▶ state, queue, outbox
//!                                    │   ▲
//!                                    └───┘ near calls
//! ```
//!
//! What this crate must not know: networks, CapTP, WebAssembly, databases, clocks. A session to another machine is a number
//! that messages are addressed to; a guest is a [`Kind`]; a store is a trait.
//!
//! What it promises: a reference is got by creation, parenthood, endowment or introduction, and in no other way; a turn that fails
//! leaves nothing behind; messages of one sender to one target arrive in the order they were sent; the same messages lead to the
//! same state.

mod actormap;
mod codec;
mod collect;
pub mod history;
mod kind;
mod kinds;
pub mod library;
mod limits;
mod log;
mod message;
mod on;
mod peer;
#[doc(hidden)]
pub mod probe;
mod problem;
mod queue;
pub mod record;
mod reference;
mod roots;
mod session;
mod settle;
mod space;
mod store;
mod turn;
mod upgrade;
mod value;

pub use actormap::{Actormap, Holds, Outcome, Report};
pub use codec::{
    ENCODED_DEPTH_MAX, Names, NoNames, decode, encode, not_syrup, read_list, read_value, write_list,
    write_value,
};
pub use kind::{Answer, Kind, KindRef, Me, kind_fn, maker};
pub use kinds::Kinds;
pub use limits::{Limits, MESSAGE_BYTES_MAX, TURN_BYTES_MAX, VALUE_DEPTH_MAX, WAITING_BYTES_MAX};
pub use message::{Body, Message};
pub use on::On;
pub use peer::{Entrance, Peer, PeerBuilder, Room, Undelivered, Vat};
pub use problem::Problem;
pub use reference::{Ref, VatId};
pub use session::{FarSide, Session};
pub use store::{
    Append, Claim, Extent, MemoryStore, RECORD_BYTES_MAX, STREAM_NAME_MAX, StoreError, TurnStore,
    check_append,
};
pub use turn::{Standing, Turn};
pub use upgrade::Upgraded;
pub use value::{ErrorValue, Int, List, Sealed, Struct, Tagged, Value};

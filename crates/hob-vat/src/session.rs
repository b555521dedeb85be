//! Ways out of a peer: to other machines, and to the program that the peer is part of.
//!
//! A session is a number that references carry and a place where messages to such references go, after the turn that sent them was
//! committed. It makes references of its own number only, so it can lend what is behind it and nothing else.
//!
//! Who is responsible for what:
//!
//! * *The peer* refuses whatever a session says of references that it was never handed ([`Peer::deliver`](crate::Peer::deliver)), what is
//!   larger than a message may be, and what finds no room. A vat sees none of it. The number of a session is written down before it is
//!   used and never given out again, so that what a store remembers of an old session never means something behind a new one.
//! * *The session* says what the bytes of its wire mean. It keeps the table from the wire's numbers to references, and that is the
//!   only way to come from the one to the other: a reference cannot be made of numbers, except of its own. What the peer cannot know
//!   is whether the other side has been told of something yet, or has dropped it since: a session that keeps one table for two
//!   connections mixes up their rights, and only it can see to that.

use crate::message::Message;
use crate::reference::{Facet, Ref, VatId};

/// Where messages for another machine go.
pub trait Session: Send + Sync + 'static {
    /// Messages in the order they were sent, after the turns that sent them were committed.
    ///
    /// It hands them over and returns. Nothing in it may wait for a vat of this peer: whoever calls it may be the one that is
    /// waited for. It may also be the thread that is just delivering something of this session, when that is refused: what is
    /// locked here must not be locked there.
    ///
    /// From now on the session may name what these messages name, but for what is in sealed boxes. A resolver in them can be used
    /// once; it is given again when it is handed over again.
    ///
    /// A message `to` a promise of a vat of this peer is meant for the answer that the promise stands for.
    fn deliver(&self, messages: Vec<Message>);
}

/// The right to make references to what is behind one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FarSide(VatId);

impl FarSide {
    pub(crate) fn new(id: VatId) -> Self {
        Self(id)
    }

    /// The number of the session.
    #[must_use]
    pub fn id(self) -> VatId {
        self.0
    }

    /// An object behind the session. Positions and births are the session's to choose; one pair means one thing.
    #[must_use]
    pub fn object(self, position: u32, birth: u64) -> Ref {
        Ref::new(self.0, position, birth, Facet::Object)
    }

    /// A promise behind the session.
    #[must_use]
    pub fn promise(self, position: u32, birth: u64) -> Ref {
        Ref::new(self.0, position, birth, Facet::Promise)
    }

    /// Position and birth of a reference of this session.
    #[must_use]
    pub fn position(self, reference: Ref) -> Option<(u32, u64)> {
        (reference.vat() == self.0).then(|| (reference.index(), reference.birth()))
    }
}

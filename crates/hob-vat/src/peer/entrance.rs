//! The way into a peer for who serves a session on threads of its own.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};

use super::cell::Inbound;
use super::{Shared, gone};
use crate::limits::Limits;
use crate::message::Message;
use crate::problem::Problem;
use crate::reference::VatId;
use crate::session::FarSide;
use crate::value::Value;

/// Hands in messages of one session, and ends it. It does not keep the peer: when that is gone, nothing arrives.
#[derive(Clone)]
pub struct Entrance {
    shared: Weak<Shared>,
    far: FarSide,
}

/// A message that was not handed in.
#[derive(Debug)]
pub enum Undelivered {
    /// The receiver has too much already; later it may have room.
    Full(Message, Room),
    /// It cannot be handed in, now or later.
    Refused(Message, Problem),
}

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// `mailbox`: messages.
    Messages,
    /// `mailbox-bytes`: what they take.
    Bytes,
}

impl Undelivered {
    pub(super) fn message(&self) -> &Message {
        match self {
            Self::Full(message, _) | Self::Refused(message, _) => message,
        }
    }

    /// Why.
    pub(super) fn problem(&self, limits: &Limits) -> Problem {
        match self {
            Self::Full(_, Room::Messages) => Problem::limit("mailbox", limits.mailbox.into()),
            Self::Full(_, Room::Bytes) => Problem::limit("mailbox-bytes", limits.mailbox_bytes),
            Self::Refused(_, problem) => problem.clone(),
        }
    }
}

impl Entrance {
    pub(super) fn new(shared: &Arc<Shared>, far: FarSide) -> Self {
        Self { shared: Arc::downgrade(shared), far }
    }

    /// Hands in a message that came over the session, as [`Peer::deliver`](super::Peer::deliver) does.
    ///
    /// # Errors
    ///
    /// [`Undelivered::Full`]: there is no room for it now; [`Undelivered::Refused`]: it was refused, and nobody could be told.
    pub fn deliver(&self, message: Message) -> Result<(), Undelivered> {
        let Some(shared) = self.shared.upgrade() else {
            let gone = gone(message.to.vat());
            return Err(Undelivered::Refused(message, gone));
        };
        shared.hand_in_over(self.far, message)
    }

    /// Ends the session, as [`Peer::sever`](super::Peer::sever) does.
    pub fn sever(&self, reason: &Value) {
        if let Some(shared) = self.shared.upgrade() {
            shared.sever(self.far.id(), reason);
        }
    }

    /// Tells one vat that what it waits for from this session will not come: its promises that wait for it are broken with
    /// this reason. The session goes on, for all.
    pub fn sever_from(&self, vat: VatId, reason: &Value) {
        if let Some(shared) = self.shared.upgrade() {
            shared.deliver(vat, vec![Inbound::Severed { session: self.far.id(), reason: reason.clone() }]);
        }
    }
}

impl std::fmt::Debug for Entrance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entrance").field(&self.far).finish()
    }
}

impl Shared {
    pub(super) fn sever(&self, session: VatId, reason: &Value) {
        // Dropped when no lock is held: it may be the last that keeps who serves it.
        let ended = self.sessions.write().unwrap_or_else(PoisonError::into_inner).remove(&session);
        let cells: Vec<_> =
            self.cells.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        // One that sleeps finds out when it wakes.
        for cell in cells.into_iter().filter(|cell| !cell.asleep.load(Ordering::SeqCst)) {
            self.deliver(cell.id, vec![Inbound::Severed { session, reason: reason.clone() }]);
        }
        drop(ended);
    }
}

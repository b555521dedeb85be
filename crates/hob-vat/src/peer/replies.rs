//! Answers for the program that the peer is part of: whoever asks waits here, outside of all vats.
//!
//! An answer is a message like any other, so it leaves its vat when the turn that gave it is durable, and not before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use crate::message::{Body, Message};
use crate::reference::{Ref, VatId};
use crate::value::Value;

pub(crate) struct Replies {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, SyncSender<Reply>>>,
}

/// The value, or the reason that there is none.
pub(crate) type Reply = Result<Value, Value>;

impl Replies {
    /// The vat that resolvers of the program say they are of.
    pub(crate) const VAT: VatId = VatId::PROGRAM;

    /// Numbers of one start of a peer are not those of another: an answer to an earlier one reaches nobody.
    pub(crate) fn new(epoch: u64) -> Self {
        Self { next: AtomicU64::new(epoch << 32), waiting: Mutex::default() }
    }

    /// A resolver, and where what it is told arrives.
    pub(crate) fn expect(&self) -> (Ref, Receiver<Reply>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (send, receive) = sync_channel(1);
        self.lock().insert(number, send);
        (super::reply_to(number), receive)
    }

    /// Nobody waits any more.
    pub(crate) fn forget(&self, resolver: Ref) {
        self.lock().remove(&resolver.birth());
    }

    pub(crate) fn settle(&self, message: Message) {
        let reply = match message.body {
            Body::Fulfill(value) => Ok(value),
            Body::Break(reason) => Err(reason),
            Body::Args(_) | Body::Listen { .. } => return,
        };
        if let Some(waits) = self.lock().remove(&message.to.birth()) {
            // Who has stopped waiting has stopped listening.
            let _ = waits.try_send(reply);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, SyncSender<Reply>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

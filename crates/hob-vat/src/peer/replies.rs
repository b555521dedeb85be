//! Answers for the program that the peer is part of: whoever asks waits here, outside of all vats.
//!
//! An answer is a message like any other, so it leaves its vat when the turn that gave it is durable, and not before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use crate::message::{Body, Message};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};
use crate::value::Value;

pub(crate) struct Replies {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, (VatId, SyncSender<Reply>)>>,
}

/// Births of references have 62 bits: a store that was opened more often than this begins again.
const EPOCH_MASK: u64 = (1 << 30) - 1;

/// The value, or why there is none.
pub(crate) type Reply = Result<Value, Problem>;

impl Replies {
    /// The vat that resolvers of the program say they are of.
    pub(crate) const VAT: VatId = VatId::PROGRAM;

    /// Numbers of one start of a peer are not those of another: an answer to an earlier one reaches nobody.
    pub(crate) fn new(epoch: u64) -> Self {
        Self { next: AtomicU64::new((epoch & EPOCH_MASK) << 32), waiting: Mutex::default() }
    }

    /// A resolver, and where what it is told arrives. It is `vat` that will tell.
    pub(crate) fn promise(&self, vat: VatId) -> (Ref, Receiver<Reply>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (send, receive) = sync_channel(1);
        self.lock().insert(number, (vat, send));
        (Ref::new(Self::VAT, 0, number, Facet::Resolver), receive)
    }

    /// Nobody waits any more.
    pub(crate) fn forget(&self, resolver: Ref) {
        self.lock().remove(&resolver.birth());
    }

    pub(crate) fn settle(&self, message: Message) {
        let reply = match message.body {
            Body::Fulfill(value) => Ok(value),
            Body::Break(reason) => Err(Problem::refused(reason)),
            Body::Args(_) | Body::Listen { .. } => return,
        };
        if let Some((_, waits)) = self.lock().remove(&message.to.birth()) {
            // Who has stopped waiting has stopped listening.
            let _ = waits.try_send(reply);
        }
    }

    /// A vat will tell nobody anything any more.
    pub(crate) fn fail(&self, vat: VatId, problem: &Problem) {
        self.lock().retain(|_, (from, waits)| {
            if *from != vat {
                return true;
            }
            let _ = waits.try_send(Err(problem.clone()));
            false
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, (VatId, SyncSender<Reply>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

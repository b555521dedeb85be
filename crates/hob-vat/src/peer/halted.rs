//! What is sent to a vat that has halted is kept by its sender until the next start; but not without end.
//!
//! As many messages to one such vat are kept as may wait in front of a vat. Of one more the sender is told at once, in the same
//! commit: it is not sent, so it will not happen later either. Answers may be twice as many, since who they are for waits for them.
//! That a promise follows one of the halted vat is always said: it fails nothing, what it waits for may have happened already, and there
//! are no more of those than promises.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::actormap::Actormap;
use crate::message::{Body, Message};
use crate::problem::Problem;
use crate::record::Sent;
use crate::reference::{Facet, VatId};
use crate::turn::Out;

/// Which vats have halted.
#[derive(Default)]
pub(crate) struct Halted {
    /// Asked before the lock is taken: most peers have none.
    any: AtomicBool,
    vats: RwLock<HashSet<VatId>>,
}

impl Halted {
    pub(crate) fn add(&self, vat: VatId) {
        self.vats.write().unwrap_or_else(PoisonError::into_inner).insert(vat);
        self.any.store(true, Ordering::SeqCst);
    }

    /// Which there are, if there are any.
    pub(crate) fn vats(&self) -> Option<impl std::ops::Deref<Target = HashSet<VatId>>> {
        self.any.load(Ordering::SeqCst).then(|| self.vats.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many messages a vat keeps for each that has halted.
pub(crate) type Kept = HashMap<VatId, usize>;

/// Whether a promise asks in its own name what becomes of another.
fn follows(message: &Message) -> bool {
    matches!(message.body, Body::Listen { listener, .. } if listener.facet() == Facet::Follower)
}

/// Takes back what the vat would send to one that has halted beyond what is kept for it, and tells who waits for it. Says whether there
/// was any.
pub(crate) fn turn_away(
    map: &mut Actormap,
    halted: &HashSet<VatId>,
    kept: &mut Kept,
    unacknowledged: &VecDeque<Sent>,
) -> bool {
    let own = map.vat();
    if !map.outbox.iter().any(|out| halted.contains(&out.to)) {
        return false;
    }
    let allowed = map.turn.limits().mailbox;
    let many = usize::try_from(allowed).unwrap_or(usize::MAX);
    let mut todo: VecDeque<Out> = std::mem::take(&mut map.outbox).into();
    let mut any = false;
    while let Some(out) = todo.pop_front() {
        // Of one that ends with the process nothing is kept.
        if !halted.contains(&out.to) || !out.to.is_durable() || follows(&out.message) {
            map.outbox.push(out);
            continue;
        }
        let count = kept
            .entry(out.to)
            .or_insert_with(|| unacknowledged.iter().filter(|sent| sent.to == out.to).count());
        let many = if out.message.is_answer() { many.saturating_mul(2) } else { many };
        if *count < many {
            *count += 1;
            map.outbox.push(out);
            continue;
        }
        any = true;
        let Some(waits) = out.message.waits() else { continue };
        let reason = Problem::limit("mailbox", allowed.into()).reason();
        let message = Message { to: waits, body: Body::Break(reason), resolver: None };
        if waits.vat() == own {
            map.queue.push_back(message);
        } else {
            todo.push_back(Out { to: waits.vat(), message });
        }
    }
    any
}

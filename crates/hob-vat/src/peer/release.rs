//! Where messages go that have left a vat: to another vat, to a session, to who waits for a reply.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::border::Border;
use super::cell::{Cell, Inbound};
use super::{Replies, Shared, gone};
use crate::message::{Body, Message};
use crate::problem::Problem;
use crate::record::Sent;
use crate::reference::VatId;

impl Shared {
    /// Lets messages out, in their order.
    pub(crate) fn release(&self, from: &Cell, sent: impl Iterator<Item = Sent>) {
        let mut group: Vec<Inbound> = Vec::new();
        let mut to = None;
        for sent in sent {
            if to != Some(sent.to) {
                self.release_to(from, to, std::mem::take(&mut group));
                to = Some(sent.to);
            }
            group.push(Inbound::Message { from: from.id, seq: sent.seq, message: sent.message });
        }
        self.release_to(from, to, group);
    }

    fn release_to(&self, from: &Cell, to: Option<VatId>, group: Vec<Inbound>) {
        let Some(to) = to else { return };
        self.deliver(to, group);
        if to != from.id && self.cell(to).is_some_and(|cell| cell.is_overfull(&self.config.limits)) {
            from.ahead_of.store(to.number(), Ordering::SeqCst);
        }
    }

    /// A message from outside the vats: refused when it is too large, or the vat has too many already.
    pub(crate) fn hand_in(&self, from: VatId, message: Message) -> Result<(), Problem> {
        message.check(&self.config.limits)?;
        let to = message.to.vat();
        let cell = self.cell(to).ok_or_else(|| gone(to))?;
        let put = cell.put_if_room(from, message, &self.config.limits);
        put.map_err(|refused| refused.problem(&self.config.limits))?;
        self.ready.schedule(&cell);
        Ok(())
    }

    /// Puts messages in front of a vat, a session, or who waits for a reply.
    pub(crate) fn deliver(&self, to: VatId, messages: Vec<Inbound>) {
        if let Some(cell) = self.cell(to) {
            match cell.put(messages) {
                Ok(()) => self.ready.schedule(&cell),
                Err((problem, messages)) => self.refuse(to, &problem, messages),
            }
        } else if to == Replies::VAT {
            messages
                .into_iter()
                .filter_map(Inbound::into_message)
                .for_each(|message| self.replies.settle(message));
        } else if let Some(border) = self.border(to) {
            border.deliver(self, messages.into_iter().filter_map(Inbound::into_message).collect());
        } else {
            self.refuse(to, &gone(to), messages);
        }
    }

    /// Nobody is there: who waits for an answer is told so. What a durable vat sent to another is dropped without a word: it is
    /// kept by its sender and comes again when the peer is started anew.
    pub(crate) fn refuse(&self, to: VatId, why: &Problem, messages: Vec<Inbound>) {
        let lost = messages.into_iter().filter_map(Inbound::unless_kept).filter_map(Inbound::into_message);
        for message in lost {
            // A resolver of the same place would be refused as well, without end.
            if let Some(waits) = message.waits().filter(|waits| waits.vat() != to) {
                let message = Message { to: waits, body: Body::Break(why.reason()), resolver: None };
                self.deliver(waits.vat(), vec![Inbound::Message { from: to, seq: 0, message }]);
            }
        }
    }

    pub(crate) fn border(&self, id: VatId) -> Option<Arc<Border>> {
        self.sessions.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&id).cloned()
    }

    /// Whether nothing that this number stood for is there any more: a session or a vat that ended, perhaps with an earlier process.
    pub(crate) fn is_gone(&self, vat: VatId) -> bool {
        if vat.is_session() {
            self.border(vat).is_none()
        } else {
            vat != VatId::PROGRAM && self.cell(vat).is_none()
        }
    }
}

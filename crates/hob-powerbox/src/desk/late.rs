//! Handing messages in, and those that a vat has no room for yet.
//!
//! An answer is not lost because a vat has much to do: it waits, and is handed in again after a while. What waits counts: its bytes as
//! those of all answers, and its number against `late-answers`. Refusals are answers too. Stops: an actor that lets its own vat fill up, and
//! goes on asking for what is refused, until the refusals take all memory. When there are too many, or nothing to wake them, the session
//! ends, which tells everybody at once and takes no room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hob_cap::Limit;
use hob_vat::{Body, Message, Ref, Undelivered};

use super::{Desk, Leaving, broken, weight};
use crate::limits::exceeded;
use crate::object::no_thread;

/// How long a message waits until it is handed in again to a vat that had no room for it.
const AGAIN: Duration = Duration::from_millis(10);

/// A message that waits for room.
struct Late {
    message: Message,
    /// What it is the answer to, if that is still pending.
    answers: Option<u64>,
    /// What it holds of the ledger.
    held: u64,
}

impl Desk {
    pub(super) fn hand_in_all(self: &Arc<Self>, leaving: Leaving) {
        let count = leaving.0.len();
        leaving.0.into_iter().for_each(|message| self.hand_in(message, None));
        if count > 0 {
            let mut state = self.lock();
            state.leaving = state.leaving.saturating_sub(count);
        }
    }

    /// Hands a message in, now or when there is room, and then finishes what it is the answer to.
    pub(super) fn hand_in(self: &Arc<Self>, message: Message, answers: Option<u64>) {
        match self.offer(message) {
            Some(message) => self.hand_in_later(message, answers),
            None => self.handed_in(answers),
        }
    }

    fn handed_in(self: &Arc<Self>, answers: Option<u64>) {
        if let Some(number) = answers {
            self.finish(number);
        }
    }

    /// Hands a message in. Gives back what there is no room for now.
    fn offer(&self, message: Message) -> Option<Message> {
        let (_, entrance) = self.line.get()?;
        let mut message = message;
        loop {
            message = match entrance.deliver(message) {
                Ok(()) => return None,
                Err(Undelivered::Full(message)) => return Some(message),
                Err(Undelivered::Refused(Message { body: Body::Break(_), .. }, _)) => return None,
                // What is too large is not answered; that it was is.
                Err(Undelivered::Refused(message, problem)) => broken(waits(&message)?, &problem),
            };
        }
    }

    /// Hands a message in again after a while.
    fn hand_in_later(self: &Arc<Self>, message: Message, answers: Option<u64>) {
        let most = self.limits.late_answers;
        let is_full = {
            let mut state = self.lock();
            let is_full = state.late >= most;
            state.late += usize::from(!is_full);
            is_full
        };
        if is_full {
            self.end(&exceeded("late-answers", most));
            self.handed_in(answers);
        } else {
            self.wait(message, answers);
        }
    }

    /// A message that was counted as late waits for a while.
    fn wait(self: &Arc<Self>, message: Message, answers: Option<u64>) {
        let Some((message, held)) = self.hold(message) else {
            self.late_no_more(answers);
            return;
        };
        let (desk, late) = (Arc::clone(self), Late { message, answers, held });
        if self.timers.at(Instant::now() + AGAIN, Box::new(move || desk.again(late))).is_none() {
            // The message is gone with what should have handed it in. Who waits for it learns that by the end of the session.
            self.ledger.release(Limit::HostBuffer, held);
            self.end(&no_thread());
            self.late_no_more(answers);
        }
    }

    /// Takes what a message weighs of the ledger. If that is too much, who waits for it is told so, which is short. None if nobody does.
    fn hold(&self, message: Message) -> Option<(Message, u64)> {
        let held = weight(&message);
        match self.charge(held) {
            Ok(()) => Some((message, held)),
            Err(problem) => Some((broken(waits(&message)?, &problem), 0)),
        }
    }

    fn again(self: &Arc<Self>, late: Late) {
        self.ledger.release(Limit::HostBuffer, late.held);
        match self.offer(late.message) {
            Some(message) => self.wait(message, late.answers),
            None => self.late_no_more(late.answers),
        }
    }

    /// It was handed in, or is not to be any more.
    fn late_no_more(self: &Arc<Self>, answers: Option<u64>) {
        self.handed_in(answers);
        let mut state = self.lock();
        state.late = state.late.saturating_sub(1);
    }
}

/// Who is told what comes of a message.
fn waits(message: &Message) -> Option<Ref> {
    match message.body {
        Body::Fulfill(_) | Body::Break(_) => Some(message.to),
        Body::Args(_) => message.resolver,
        Body::Listen { .. } => None,
    }
}

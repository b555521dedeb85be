//! Handing messages in, and those that a vat has no room for yet.
//!
//! An answer is not lost because a vat has much to do: it waits, and is handed in again after a while. What waits for a vat waits in a
//! line, so that nothing overtakes it; vats do not wait for each other. What waits counts: its bytes as those of all answers, and its
//! number against `late-answers`. Refusals are answers too. Stops: an actor that lets its own vat fill up, and goes on asking for what is
//! refused, until the refusals take all memory. When there are too many, all that this vat waits for is broken at once, which takes no
//! room. When there is nothing to wake them, the session ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hob_cap::Limit;
use hob_vat::{Body, Message, Problem, Ref, Undelivered, VatId};

use super::{Desk, Leaving, broken, weight};
use crate::limits::exceeded;
use crate::object::no_thread;

/// How long a message waits until it is handed in again to a vat that had no room for it.
const AGAIN: Duration = Duration::from_millis(10);

/// What waits for room in one vat, in order.
pub(super) type Line = VecDeque<Late>;

/// A message that waits for room.
pub(super) struct Late {
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
        let vat = message.to.vat();
        let waits = self.lock().lines.contains_key(&vat);
        match if waits { Some(message) } else { self.offer(message) } {
            Some(message) => self.hand_in_later(vat, message, answers),
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
                Err(Undelivered::Full(message, _)) => return Some(message),
                Err(Undelivered::Refused(Message { body: Body::Break(_), .. }, _)) => return None,
                // What is too large is not answered; that it was is.
                Err(Undelivered::Refused(message, problem)) => broken(waits(&message)?, &problem),
            };
        }
    }

    /// Puts a message at the end of the line of its vat.
    fn hand_in_later(self: &Arc<Self>, vat: VatId, message: Message, answers: Option<u64>) {
        let most = self.limits.late_answers;
        let queued = {
            let mut state = self.lock();
            let waiting = state.lines.get(&vat).map_or(0, Line::len);
            if waiting >= most {
                Err(exceeded("late-answers", most))
            } else {
                self.hold(message).map(|(message, held)| {
                    let is_first = !state.lines.contains_key(&vat);
                    state.lines.entry(vat).or_default().push_back(Late { message, answers, held });
                    state.late += 1;
                    is_first
                })
            }
        };
        match queued {
            Ok(true) => self.wake(vat),
            Ok(false) => {}
            Err(problem) => {
                self.cut(vat, &problem);
                self.handed_in(answers);
            }
        }
    }

    /// Takes what a message weighs of the ledger. If that is too much, who waits for it is told so, which is short. Errors: nobody does.
    fn hold(&self, message: Message) -> Result<(Message, u64), Problem> {
        let held = weight(&message);
        match self.charge(held) {
            Ok(()) => Ok((message, held)),
            Err(problem) => match waits(&message) {
                Some(to) => Ok((broken(to, &problem), 0)),
                None => Err(problem),
            },
        }
    }

    /// Hands a line in after a while.
    fn wake(self: &Arc<Self>, vat: VatId) {
        let desk = Arc::clone(self);
        if self.timers.at(Instant::now() + AGAIN, Box::new(move || desk.again(vat))).is_none() {
            // Who waits learns it by the end of the session.
            self.end(&no_thread());
            self.clear(vat);
        }
    }

    /// Hands in what waits for a vat, as far as there is room. What is not handed in stays the first of its line.
    fn again(self: &Arc<Self>, vat: VatId) {
        loop {
            let first = {
                let mut state = self.lock();
                let first = state.lines.get_mut(&vat).and_then(Line::pop_front);
                if first.is_none() {
                    state.lines.remove(&vat);
                }
                first
            };
            let Some(Late { message, answers, held }) = first else { return };
            // Given back before: whoever is answered has it again.
            self.ledger.release(Limit::HostBuffer, held);
            let Some(message) = self.offer(message) else {
                self.late_no_more(answers);
                continue;
            };
            // It was counted when it came. If somebody else has the bytes now, it waits without.
            let held = weight(&message);
            let held = self.charge(held).map_or(0, |()| held);
            let mut state = self.lock();
            match state.lines.get_mut(&vat) {
                Some(line) => {
                    line.push_front(Late { message, answers, held });
                    drop(state);
                    self.wake(vat);
                }
                // It was cut off meanwhile.
                None => {
                    drop(state);
                    self.ledger.release(Limit::HostBuffer, held);
                    self.late_no_more(answers);
                }
            }
            return;
        }
    }

    /// Breaks all that a vat waits for, which tells it all at once. It may go on asking.
    fn cut(self: &Arc<Self>, vat: VatId, problem: &Problem) {
        self.clear(vat);
        if let Some((_, entrance)) = self.line.get() {
            entrance.sever_from(vat, &problem.reason());
        }
    }

    /// Nothing of a line is handed in.
    fn clear(self: &Arc<Self>, vat: VatId) {
        let line = self.lock().lines.remove(&vat).unwrap_or_default();
        for Late { answers, held, .. } in line {
            self.ledger.release(Limit::HostBuffer, held);
            self.late_no_more(answers);
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

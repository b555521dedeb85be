//! Messages that wait for their turn, and which of them are new since the last commit.
//!
//! What was there at the last commit stays in one piece: messages leave it at its front, and new ones come before and after it.
//! So a commit has to look at new ones only, however many wait.

use std::collections::VecDeque;

use crate::message::Message;

#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    messages: VecDeque<Message>,
    /// What all of them take in a record, at most.
    bytes: u64,
    /// New ones in front of the old.
    ahead: usize,
    /// Old ones that are left.
    old: usize,
    /// Old ones that are gone.
    taken: usize,
}

impl Queue {
    pub(crate) fn push_back(&mut self, message: Message) {
        self.bytes = self.bytes.saturating_add(message.cost());
        self.messages.push_back(message);
    }

    pub(crate) fn push_front(&mut self, message: Message) {
        self.ahead += 1;
        self.bytes = self.bytes.saturating_add(message.cost());
        self.messages.push_front(message);
    }

    pub(crate) fn pop_front(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes = self.bytes.saturating_sub(message.cost());
        if self.ahead > 0 {
            self.ahead -= 1;
        } else if self.old > 0 {
            self.old -= 1;
            self.taken += 1;
        }
        Some(message)
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }

    /// New ones that come before the old.
    pub(crate) fn front(&self) -> impl Iterator<Item = &Message> {
        self.messages.range(..self.ahead)
    }

    /// New ones that come after the old.
    pub(crate) fn back(&self) -> impl Iterator<Item = &Message> {
        self.messages.range(self.ahead + self.old..)
    }

    /// Old ones that are gone since the last commit.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// From now on all that is there is old.
    pub(crate) fn settle(&mut self) {
        (self.ahead, self.old, self.taken) = (0, self.messages.len(), 0);
    }
}

impl FromIterator<Message> for Queue {
    /// All of them old.
    fn from_iter<I: IntoIterator<Item = Message>>(messages: I) -> Self {
        let messages: VecDeque<_> = messages.into_iter().collect();
        let bytes = messages.iter().map(Message::cost).fold(0, u64::saturating_add);
        Self { ahead: 0, old: messages.len(), taken: 0, messages, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Body;
    use crate::reference::{Facet, Ref, VatId};

    fn message(number: u32) -> Message {
        let to = Ref::new(VatId::new(1), number, 0, Facet::Object);
        Message { to, body: Body::Fulfill(().into()), resolver: None }
    }

    #[test]
    fn new_ones_are_told_from_old_ones() {
        let mut queue: Queue = (0..4).map(message).collect();
        let numbers = |messages: Vec<&Message>| messages.iter().map(|it| it.to.index()).collect::<Vec<_>>();
        queue.push_front(message(10));
        queue.push_front(message(11));
        queue.push_back(message(20));
        assert_eq!(numbers(queue.front().collect()), [11, 10]);
        assert_eq!(numbers(queue.back().collect()), [20]);
        for _ in 0..4 {
            queue.pop_front();
        }
        assert_eq!((queue.taken(), numbers(queue.front().collect())), (2, vec![]));
        for _ in 0..2 {
            queue.pop_front();
        }
        assert_eq!((queue.taken(), numbers(queue.back().collect())), (4, vec![20]));
        queue.settle();
        assert_eq!((queue.taken(), queue.back().count(), queue.len()), (0, 0, 1));
    }
}

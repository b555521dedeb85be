//! Events that a machine raised for itself, first in, first out.

use serde_json::Value;
use smallvec::SmallVec;

use crate::name::Name;
use crate::origin::{EventKind, Origin};

/// An event that the machine raised for itself.
pub(super) struct Raised {
    pub(super) event: Name,
    pub(super) data: Option<Value>,
    pub(super) origin: Origin,
}

impl Raised {
    pub(super) fn new(event: Name, data: Option<Value>, kind: EventKind) -> Self {
        Self { event, data, origin: Origin::of_kind(kind) }
    }
}

/// Those that wait. One or two, as nearly always, take no allocation; of many, each costs the same.
#[derive(Default)]
pub(super) struct Queue {
    /// The next is the last of these.
    next: Vec<Raised>,
    /// What came after all of them.
    more: SmallVec<[Raised; 2]>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.next.len() + self.more.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&mut self, raised: Raised) {
        self.more.push(raised);
    }

    pub(super) fn pop(&mut self) -> Option<Raised> {
        if self.next.is_empty() {
            if self.more.len() <= 2 {
                return (!self.more.is_empty()).then(|| self.more.remove(0));
            }
            self.next.extend(self.more.drain(..).rev());
        }
        self.next.pop()
    }

    pub(super) fn clear(&mut self) {
        self.next.clear();
        self.more.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_raised_first_comes_first(pushes in prop::collection::vec(any::<bool>(), 0..60)) {
            let (mut queue, mut model) = (Queue::default(), VecDeque::new());
            for (number, push) in pushes.into_iter().enumerate() {
                if push {
                    queue.push(Raised::new(number.to_string().into(), None, EventKind::Internal));
                    model.push_back(number.to_string());
                } else {
                    prop_assert_eq!(queue.pop().map(|raised| raised.event.to_string()), model.pop_front());
                }
                prop_assert_eq!((queue.len(), queue.is_empty()), (model.len(), model.is_empty()));
            }
        }
    }
}

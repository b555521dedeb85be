//! The last answers of something that answers the same question the same way.

/// How many are kept.
const KEPT_MAX: usize = 16;

/// The last answers, with their questions. One that was found again stays longer than one that was not.
pub(crate) struct Kept<A> {
    /// A short sum of each question, beside it so that few questions are compared.
    sums: [u64; KEPT_MAX],
    entries: Vec<Entry<A>>,
    /// Which is the next to go.
    next: usize,
}

struct Entry<A> {
    question: Vec<u8>,
    answer: A,
    found: bool,
}

impl<A> Default for Kept<A> {
    fn default() -> Self {
        Self { sums: [0; KEPT_MAX], entries: Vec::new(), next: 0 }
    }
}

impl<A: Clone> Kept<A> {
    /// The answer to a question, if it is there.
    pub(crate) fn find(&mut self, question: &[u8]) -> Option<A> {
        let wanted = sum(question);
        for (have, entry) in self.sums.iter().zip(&mut self.entries) {
            if *have == wanted && entry.question == question {
                entry.found = true;
                return Some(entry.answer.clone());
            }
        }
        None
    }

    /// Keeps an answer, in the place of one that was not found again lately.
    pub(crate) fn keep(&mut self, question: &[u8], answer: &A) {
        if self.entries.len() < KEPT_MAX {
            if let Some(place) = self.sums.get_mut(self.entries.len()) {
                *place = sum(question);
            }
            self.entries.push(Entry { question: question.to_vec(), answer: answer.clone(), found: false });
            return;
        }
        // After one round all have been passed over once.
        for _ in 0..=KEPT_MAX {
            let at = self.next;
            self.next = (at + 1) % KEPT_MAX;
            let (Some(entry), Some(place)) = (self.entries.get_mut(at), self.sums.get_mut(at)) else {
                return;
            };
            if !std::mem::take(&mut entry.found) {
                *place = sum(question);
                entry.question.clear();
                entry.question.extend_from_slice(question);
                entry.answer = answer.clone();
                return;
            }
        }
    }
}

/// Tells most questions apart; which are the same is decided by comparing them.
fn sum(question: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = question.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    words.iter().chain([&last]).fold(u64::try_from(question.len()).unwrap_or(0), |sum, word| {
        (sum.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_until_sixteen_others_came_and_longer_when_it_is_asked_for() {
        let mut kept = Kept::default();
        let question = |number: usize| format!("question {number}").into_bytes();
        assert_eq!(kept.find(&question(0)), None);
        for number in 0..KEPT_MAX {
            kept.keep(&question(number), &number);
        }
        assert!((0..KEPT_MAX).all(|number| kept.find(&question(number)) == Some(number)));
        kept.keep(&question(100), &100);
        assert_eq!(kept.find(&question(100)), Some(100));
        assert_eq!(
            (0..KEPT_MAX).filter(|number| kept.find(&question(*number)).is_some()).count(),
            KEPT_MAX - 1
        );
        for number in 200..1000 {
            kept.keep(&question(number), &number);
            assert_eq!(kept.find(&question(100)), Some(100), "{number}");
        }
        (2000..2040).for_each(|number| kept.keep(&question(number), &number));
        assert_eq!(kept.find(&question(100)), None);
        assert_eq!(kept.entries.len(), KEPT_MAX);
    }

    #[test]
    fn questions_that_differ_in_one_byte_or_in_length_are_different() {
        let mut kept = Kept::default();
        kept.keep(b"", &0);
        kept.keep(b"\0", &1);
        kept.keep(b"\0\0\0\0\0\0\0\0", &8);
        assert_eq!(kept.find(b""), Some(0));
        assert_eq!(kept.find(b"\0"), Some(1));
        assert_eq!(kept.find(b"\0\0"), None);
        assert_eq!(kept.find(b"\0\0\0\0\0\0\0\0"), Some(8));
    }
}

//! The last answers of something that answers the same question the same way.
//!
//! Looking costs little, and less than asking; but who always asks something new should not pay for it each time. So when
//! many questions in a row were new ones, only some of those that follow are looked for and kept, until one is found again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many are kept.
const KEPT_MAX: usize = 16;

/// How many bytes a request or an answer that is kept may have.
pub(crate) const KEPT_BYTES_MAX: usize = 8 << 10;

/// After so many new questions in a row one of [`EVERY`] is looked for.
const NEW_MAX: u32 = 64;
const EVERY: u32 = 8;

/// The last answers, for whoever asks.
pub(crate) struct Lately<A> {
    /// New questions in a row; from [`NEW_MAX`] on it goes round.
    new: AtomicU32,
    kept: Mutex<Kept<A>>,
}

impl<A> Default for Lately<A> {
    fn default() -> Self {
        Self { new: AtomicU32::new(0), kept: Mutex::default() }
    }
}

impl<A: Clone> Lately<A> {
    /// What was answered lately, or what `ask` answers now, with its size in bytes.
    pub(crate) fn answer<E>(
        &self,
        question: &[u8],
        ask: impl FnOnce() -> Result<(A, usize), E>,
    ) -> Result<A, E> {
        // Who counts at the same time may count one less, which changes nothing that is answered.
        let new = self.new.load(Ordering::Relaxed);
        let next = if new + 1 < NEW_MAX + EVERY { new + 1 } else { NEW_MAX };
        if new > NEW_MAX {
            self.new.store(next, Ordering::Relaxed);
            return ask().map(|(answer, _)| answer);
        }
        let sum = sum(question);
        if let Some(answer) = self.kept().find(sum, question) {
            self.new.store(0, Ordering::Relaxed);
            return Ok(answer);
        }
        self.new.store(next, Ordering::Relaxed);
        let (answer, bytes) = ask()?;
        if question.len().max(bytes) <= KEPT_BYTES_MAX {
            self.kept().keep(sum, question, &answer);
        }
        Ok(answer)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept<A>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last answers, with their questions. One that was found again stays longer than one that was not.
struct Kept<A> {
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
    fn find(&mut self, sum: u64, question: &[u8]) -> Option<A> {
        for (have, entry) in self.sums.iter().zip(&mut self.entries) {
            if *have == sum && entry.question == question {
                entry.found = true;
                return Some(entry.answer.clone());
            }
        }
        None
    }

    /// Keeps an answer, in the place of one that was not found again lately.
    fn keep(&mut self, sum: u64, question: &[u8], answer: &A) {
        if self.entries.len() < KEPT_MAX {
            if let Some(place) = self.sums.get_mut(self.entries.len()) {
                *place = sum;
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
                *place = sum;
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

    /// A memory with shorter words.
    #[derive(Default)]
    struct Short(Kept<usize>);

    impl Short {
        fn find(&mut self, question: &[u8]) -> Option<usize> {
            self.0.find(sum(question), question)
        }

        fn keep(&mut self, question: &[u8], answer: usize) {
            self.0.keep(sum(question), question, &answer);
        }
    }

    fn question(number: usize) -> Vec<u8> {
        format!("question {number}").into_bytes()
    }

    #[test]
    fn an_answer_is_found_until_sixteen_others_came_and_longer_when_it_is_asked_for() {
        let mut kept = Short::default();
        assert_eq!(kept.find(&question(0)), None);
        for number in 0..KEPT_MAX {
            kept.keep(&question(number), number);
        }
        assert!((0..KEPT_MAX).all(|number| kept.find(&question(number)) == Some(number)));
        kept.keep(&question(100), 100);
        assert_eq!(kept.find(&question(100)), Some(100));
        assert_eq!(
            (0..KEPT_MAX).filter(|number| kept.find(&question(*number)).is_some()).count(),
            KEPT_MAX - 1
        );
        for number in 200..1000 {
            kept.keep(&question(number), number);
            assert_eq!(kept.find(&question(100)), Some(100), "{number}");
        }
        (2000..2040).for_each(|number| kept.keep(&question(number), number));
        assert_eq!(kept.find(&question(100)), None);
        assert_eq!(kept.0.entries.len(), KEPT_MAX);
    }

    #[test]
    fn questions_that_differ_in_one_byte_or_in_length_are_different() {
        let mut kept = Short::default();
        kept.keep(b"", 0);
        kept.keep(b"\0", 1);
        kept.keep(b"\0\0\0\0\0\0\0\0", 8);
        assert_eq!(kept.find(b""), Some(0));
        assert_eq!(kept.find(b"\0"), Some(1));
        assert_eq!(kept.find(b"\0\0"), None);
        assert_eq!(kept.find(b"\0\0\0\0\0\0\0\0"), Some(8));
    }

    /// How many of these questions are asked.
    fn asked(lately: &Lately<usize>, questions: impl IntoIterator<Item = usize>) -> usize {
        let mut asked = 0;
        for number in questions {
            let answer = lately.answer(&question(number), || {
                asked += 1;
                Ok::<_, ()>((number, 8))
            });
            assert_eq!(answer, Ok(number));
        }
        asked
    }

    #[test]
    fn what_was_asked_is_not_asked_again_and_after_many_new_questions_soon_not_again() {
        let lately = Lately::default();
        assert_eq!(asked(&lately, [1, 2, 1, 2, 1, 2]), 2);
        assert_eq!(asked(&lately, 100..1100), 1000);
        // One of eight is looked for: the first such is kept and the next is found, and then all are.
        let again = asked(&lately, std::iter::repeat_n(7, 100));
        let every = usize::try_from(EVERY).unwrap_or(0);
        assert!((1..=2 * every).contains(&again), "{again}");
        assert_eq!(asked(&lately, [7, 8, 7, 8]), 1);
    }

    #[test]
    fn a_failure_is_not_kept_nor_what_is_too_long() {
        let lately = Lately::<usize>::default();
        assert_eq!(lately.answer(b"q", || Err("no")), Err("no"));
        assert_eq!(lately.answer(b"q", || Ok::<_, ()>((1, KEPT_BYTES_MAX + 1))), Ok(1));
        assert_eq!(lately.answer(b"q", || Ok::<_, ()>((2, KEPT_BYTES_MAX))), Ok(2));
        assert_eq!(lately.answer(b"q", || Ok::<_, ()>((3, 1))), Ok(2));
        let long = |length| vec![0; length];
        for (length, want) in [(KEPT_BYTES_MAX, 4), (KEPT_BYTES_MAX + 1, 5)] {
            assert_eq!(lately.answer(&long(length), || Ok::<_, ()>((4, 1))), Ok(4));
            assert_eq!(lately.answer(&long(length), || Ok::<_, ()>((5, 1))), Ok(want));
        }
    }
}

//! What a resident module keeps between turns, memory and globals, as a value.
//!
//! Memory is cut into blocks, blocks are gathered in branches. A turn makes new ones only of what it wrote; all else is shared
//! with the value before. So keeping every state of an actor costs what its turns wrote, and going back to one is nothing but
//! having it.
//!
//! | part | value |
//! |---|---|
//! | a state | `<desc:tagged 'resident [state image]>`: what the guest says it keeps, and what it keeps besides |
//! | an image | `[size globals [branch …]]`: bytes of memory; 16 bytes for each global, little-endian |
//! | a branch | `[block …]`, at most 64 |
//! | a block | 4096 bytes; undefined when they are all zero |

use std::ops::Range;

use hob_vat::{List, Problem, Value};

const TAG: &str = "resident";

const BLOCK_BYTES: usize = 4096;
const BRANCH_BLOCKS: usize = 64;
const BRANCH_BYTES: usize = BLOCK_BYTES * BRANCH_BLOCKS;

/// An image, kept as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image(List);

/// What the guest says it keeps, and the image, when there is one yet.
pub(super) fn split(state: &Value) -> (&Value, Option<Image>) {
    let parts = match state {
        Value::Tagged(tagged) if tagged.tag == TAG => tagged.value.as_list(),
        _ => None,
    };
    match parts {
        Some([state, Value::List(image)]) => (state, Some(Image(image.clone()))),
        _ => (state, None),
    }
}

/// The state of an actor that keeps both.
pub(super) fn join(state: Value, image: Image) -> Value {
    Value::tagged(TAG, Value::List(List::from([state, Value::List(image.0)])))
}

impl Image {
    /// Of memory and globals as they are now. `before` is an image that differs from it only in the ranges `dirty`, which are
    /// in order.
    pub(super) fn of(memory: &[u8], globals: &[u128], before: Option<&Self>, dirty: &[Range<usize>]) -> Self {
        let globals: Vec<u8> = globals.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let size = u64::try_from(memory.len()).unwrap_or(u64::MAX);
        let before = before.filter(|before| before.size() == Some(memory.len()));
        let known = |at: usize| before.and_then(|before| before.branches()?.get(at));
        let branches = memory.chunks(BRANCH_BYTES).enumerate().map(|(at, bytes)| {
            let start = at * BRANCH_BYTES;
            let touched = |start: usize, length: usize| {
                dirty.iter().any(|range| range.start < start + length && start < range.end)
            };
            match known(at) {
                Some(branch) if !touched(start, bytes.len()) => branch.clone(),
                known => {
                    let blocks = known.and_then(Value::as_list).unwrap_or_default();
                    Value::list(bytes.chunks(BLOCK_BYTES).enumerate().map(
                        |(at, bytes)| match blocks.get(at) {
                            Some(block) if !touched(start + at * BLOCK_BYTES, bytes.len()) => block.clone(),
                            _ if bytes.iter().all(|byte| *byte == 0) => Value::Undefined,
                            _ => Value::bytes(bytes),
                        },
                    ))
                }
            }
        });
        let branches = Value::list(branches);
        Self(List::from([size.into(), Value::bytes(&globals), branches]))
    }

    /// Memory and globals again.
    ///
    /// # Errors
    ///
    /// `bad-state`: who made the state made no image.
    pub(super) fn unfold(&self) -> Result<(Vec<u8>, Vec<u128>), Problem> {
        let bad = || Problem::rule("bad-state", "the state holds no image of a resident module".into());
        let size = self.size().ok_or_else(bad)?;
        let branches = self.branches().ok_or_else(bad)?;
        if branches.len() != size.div_ceil(BRANCH_BYTES) {
            return Err(bad());
        }
        let mut memory = vec![0; size];
        for (place, branch) in memory.chunks_mut(BRANCH_BYTES).zip(branches) {
            let blocks = branch.as_list().ok_or_else(bad)?;
            if blocks.len() != place.len().div_ceil(BLOCK_BYTES) {
                return Err(bad());
            }
            for (place, block) in place.chunks_mut(BLOCK_BYTES).zip(blocks) {
                match block {
                    Value::Undefined => {}
                    Value::Bytes(bytes) if bytes.len() == place.len() => place.copy_from_slice(bytes),
                    _ => return Err(bad()),
                }
            }
        }
        let globals = self.0.get(1).and_then(Value::as_bytes).ok_or_else(bad)?;
        let (globals, rest) = globals.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(bad());
        }
        Ok((memory, globals.iter().map(|bits| u128::from_le_bytes(*bits)).collect()))
    }

    /// Bytes of memory; None when it is no image.
    pub(super) fn size(&self) -> Option<usize> {
        usize::try_from(self.0.first()?.as_i64()?).ok().filter(|size| *size <= SIZE_MAX)
    }

    fn branches(&self) -> Option<&[Value]> {
        self.0.get(2)?.as_list()
    }
}

/// What a memory can have at most.
const SIZE_MAX: usize = 4 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_unfolded_to_what_it_was_made_of() {
        for size in [0, 1, BLOCK_BYTES, BRANCH_BYTES - 1, BRANCH_BYTES, BRANCH_BYTES + BLOCK_BYTES + 7] {
            let mut memory = vec![0; size];
            memory.iter_mut().step_by(5001).for_each(|byte| *byte = 7);
            let image = Image::of(&memory, &[1, u128::MAX], None, &[]);
            assert_eq!(image.unfold(), Ok((memory, vec![1, u128::MAX])), "{size}");
        }
    }

    #[test]
    fn what_was_not_written_is_shared() {
        let mut memory = vec![1; 3 * BRANCH_BYTES];
        let before = Image::of(&memory, &[], None, &[]);
        let at = BRANCH_BYTES + 5 * BLOCK_BYTES + 3;
        memory[at] = 9;
        let dirty = at..at + 1;
        let after = Image::of(&memory, &[], Some(&before), std::slice::from_ref(&dirty));
        assert_eq!(after.unfold().unwrap().0, memory);
        assert_eq!(before.unfold().unwrap().0, vec![1; 3 * BRANCH_BYTES]);
        let block = |image: &Image, branch: usize, block: usize| {
            image.branches().unwrap()[branch].as_list().unwrap()[block].as_bytes().unwrap().as_ptr()
        };
        for branch in 0..3 {
            for at in 0..BRANCH_BLOCKS {
                let same = block(&before, branch, at) == block(&after, branch, at);
                assert_eq!(same, (branch, at) != (1, 5));
            }
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let good = Image::of(&[1; 10], &[], None, &[]);
        let with = |at: usize, value: Value| {
            let mut parts = good.0.to_vec();
            parts[at] = value;
            Image(List::from(parts)).unfold()
        };
        assert!(good.unfold().is_ok());
        assert!(with(0, 11.into()).is_err());
        assert!(with(0, (-1).into()).is_err());
        assert!(with(0, i64::MAX.into()).is_err());
        assert!(with(1, Value::bytes(&[0; 17])).is_err());
        assert!(with(2, ().into()).is_err());
        assert!(with(2, Value::list([Value::list([1.into()])])).is_err());
        assert!(with(2, Value::list([Value::list([])])).is_err());
        assert!(Image(List::empty()).unfold().is_err());
    }
}

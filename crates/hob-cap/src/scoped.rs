//! Handles that all end together: those of one turn of an actor.
//!
//! As in [`HandleTable`](crate::HandleTable) a handle is an index and a generation. Here the generation is that of the whole
//! table, and its owner says when the next one begins; so ending a thousand handles costs no more than ending one, and a number
//! that a guest kept from an earlier generation is refused as stale, whatever stands at its index now. Closed places are not
//! used again before the next generation.

use crate::handle::{Handle, HandleError};

/// The handles of one generation.
///
/// ```
/// use hob_cap::{HandleError, ScopedHandles};
///
/// let mut table = ScopedHandles::new(8);
/// table.begin(1);
/// let handle = table.insert("a door")?;
/// assert_eq!(table.get(handle), Ok(&"a door"));
/// table.begin(2);
/// assert_eq!(table.get(handle), Err(HandleError::Stale(handle)));
/// # Ok::<(), HandleError>(())
/// ```
#[derive(Debug)]
pub struct ScopedHandles<T> {
    slots: Vec<Option<T>>,
    generation: u32,
    capacity: u32,
}

/// Generations that there are: a handle is positive when it is read as a signed number.
const GENERATIONS: u64 = (1 << 31) - 1;

impl<T> ScopedHandles<T> {
    /// A table for at most `capacity` handles in one generation.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self { slots: Vec::new(), generation: 1, capacity }
    }

    /// Ends every handle. From now on handles are of another generation: `number`, as long as there are fewer than 2^31 of
    /// them, and from 1 again then.
    pub fn begin(&mut self, number: u64) {
        self.slots.clear();
        let generation = number.saturating_sub(1) % GENERATIONS + 1;
        self.generation = u32::try_from(generation).unwrap_or(1);
    }

    /// How many handles more may be given out.
    #[must_use]
    pub fn room(&self) -> u32 {
        self.capacity.saturating_sub(u32::try_from(self.slots.len()).unwrap_or(u32::MAX))
    }

    /// Gives out a handle.
    ///
    /// # Errors
    ///
    /// [`HandleError::Full`].
    pub fn insert(&mut self, value: T) -> Result<Handle, HandleError> {
        let index = u32::try_from(self.slots.len()).ok().filter(|index| *index < self.capacity);
        let index = index.ok_or(HandleError::Full(self.capacity))?;
        self.slots.push(Some(value));
        Ok(Handle::new(index, self.generation))
    }

    /// What a handle stands for.
    ///
    /// # Errors
    ///
    /// [`HandleError::Stale`], [`HandleError::Unknown`].
    pub fn get(&self, handle: Handle) -> Result<&T, HandleError> {
        let at = self.place(handle)?;
        self.slots.get(at).and_then(Option::as_ref).ok_or(HandleError::Stale(handle))
    }

    /// Ends one handle, and gives back what it stood for.
    ///
    /// # Errors
    ///
    /// As [`ScopedHandles::get`].
    pub fn close(&mut self, handle: Handle) -> Result<T, HandleError> {
        let at = self.place(handle)?;
        self.slots.get_mut(at).and_then(Option::take).ok_or(HandleError::Stale(handle))
    }

    /// Every open handle and what it stands for, in the order they were given out.
    pub fn iter(&self) -> impl Iterator<Item = (Handle, &T)> {
        (0..).zip(&self.slots).filter_map(|(index, slot)| {
            slot.as_ref().map(|value| (Handle::new(index, self.generation), value))
        })
    }

    /// How many handles were given out in this generation, closed ones among them.
    #[must_use]
    pub fn given(&self) -> usize {
        self.slots.len()
    }

    fn place(&self, handle: Handle) -> Result<usize, HandleError> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match handle.generation().cmp(&self.generation) {
            // There is no generation 0: zeroed memory of a guest is no handle.
            Less if handle.generation() > 0 => Err(HandleError::Stale(handle)),
            Less | Greater => Err(HandleError::Unknown(handle)),
            Equal => {
                let at = usize::try_from(handle.index()).unwrap_or(usize::MAX);
                if at < self.slots.len() { Ok(at) } else { Err(HandleError::Unknown(handle)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_refused_for_what_it_is_not() {
        let mut table = ScopedHandles::new(4);
        table.begin(7);
        let a = table.insert("a").unwrap();
        assert_eq!(a.to_bits(), 7 << 32);
        let check = |bits: u64, want: fn(Handle) -> HandleError| {
            let handle = Handle::from_bits(bits);
            assert_eq!(table.get(handle), Err(want(handle)), "{bits:#x}");
        };
        check(0, HandleError::Unknown);
        check(1, HandleError::Unknown);
        check(a.to_bits() + 1, HandleError::Unknown);
        check(8 << 32, HandleError::Unknown);
        check(6 << 32, HandleError::Stale);
        check((6 << 32) + 1000, HandleError::Stale);
        check(u64::MAX, HandleError::Unknown);
    }

    #[test]
    fn what_was_closed_stays_closed() {
        let mut table = ScopedHandles::new(4);
        table.begin(1);
        let a = table.insert("a").unwrap();
        assert_eq!(table.close(a), Ok("a"));
        assert_eq!(table.close(a), Err(HandleError::Stale(a)));
        let again = table.insert("a").unwrap();
        assert_ne!(a, again);
        assert_eq!(table.get(a), Err(HandleError::Stale(a)));
        assert_eq!(table.iter().collect::<Vec<_>>(), [(again, &"a")]);
    }

    #[test]
    fn a_table_holds_its_capacity_and_not_one_more() {
        let mut table = ScopedHandles::new(2);
        table.begin(1);
        assert!(table.insert(0).is_ok() && table.insert(1).is_ok());
        assert_eq!((table.room(), table.insert(2)), (0, Err(HandleError::Full(2))));
        table.begin(2);
        assert_eq!(table.room(), 2);
        assert!(table.insert(2).is_ok());
    }

    #[test]
    fn generations_begin_again_when_they_are_used_up() {
        let mut table = ScopedHandles::new(1);
        let mut generation = |number| {
            table.begin(number);
            table.insert(()).unwrap().to_bits() >> 32
        };
        assert_eq!(generation(GENERATIONS), GENERATIONS);
        assert_eq!(generation(GENERATIONS + 1), 1);
        assert_eq!(generation(0), 1);
    }
}

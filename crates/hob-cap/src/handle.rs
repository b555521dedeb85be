//! Handles: what a guest holds instead of the thing itself.
//!
//! A handle is an index, a generation and nothing else; what it may be used for stands in the table. Forging one, keeping
//! one past its end, or using one whose slot was given to something else is a named error and reaches nothing. A handle
//! derived from another has at most its rights and ends with it.

use std::collections::HashMap;
use std::fmt;

/// A handle as a guest sees it: a number with no meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle {
    index: u32,
    generation: u32,
}

/// What a handle may be used for: a set of bits that the owner of the table gives meaning to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct HandleRights(u32);

/// Why a handle was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// No handle of that number was ever given out.
    #[error("unknown handle {0}")]
    Unknown(Handle),
    /// It was closed, and its slot may serve another by now.
    #[error("stale handle {0}: it was closed")]
    Stale(Handle),
    /// It was revoked by who gave it.
    #[error("revoked handle {0}")]
    Revoked(Handle),
    /// It does not carry the right.
    #[error("handle {handle} lacks rights {missing:#x}")]
    MissingRight {
        /// The handle.
        handle: Handle,
        /// The rights it lacks, as bits.
        missing: u32,
    },
    /// The table is full.
    #[error("handles limit exceeded: {0} allowed")]
    Full(u32),
}

/// The handles of one guest.
#[derive(Debug)]
pub struct HandleTable<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    capacity: u32,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    state: State<T>,
}

/// Not 0, so that zeroed memory of a guest is no handle.
const FIRST_GENERATION: u32 = 1;

#[derive(Debug)]
enum State<T> {
    Open {
        rights: HandleRights,
        parent: Option<Handle>,
        value: T,
    },
    /// Closed, or, once every generation was used, closed for good.
    Closed,
    /// Revoked and not yet closed by the guest.
    Revoked,
}

impl Handle {
    pub(crate) fn new(index: u32, generation: u32) -> Self {
        Self { index, generation }
    }

    pub(crate) fn index(self) -> u32 {
        self.index
    }

    pub(crate) fn generation(self) -> u32 {
        self.generation
    }

    /// The number a guest is given.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// The handle a number claims to be. Whether it is one, the table decides.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = bits.to_le_bytes();
        Self { index: u32::from_le_bytes([a, b, c, d]), generation: u32::from_le_bytes([e, f, g, h]) }
    }
}

impl HandleRights {
    /// No right.
    pub const NONE: Self = Self(0);
    /// Every right.
    pub const ALL: Self = Self(u32::MAX);

    /// These bits.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether every right of `other` is here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// The rights in both.
    #[must_use]
    pub const fn meet(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl<T> HandleTable<T> {
    /// A table for at most `capacity` handles at once.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), capacity }
    }

    /// How many handles are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot.state, State::Open { .. })).count()
    }

    /// Whether no handle is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives out a handle to `value`.
    ///
    /// # Errors
    ///
    /// When the table is full.
    pub fn insert(&mut self, value: T, rights: HandleRights) -> Result<Handle, HandleError> {
        self.put(value, rights, None)
    }

    /// What a handle stands for, if it may be used for `need`. Allocates nothing.
    ///
    /// # Errors
    ///
    /// Why the handle is refused.
    pub fn get(&self, handle: Handle, need: HandleRights) -> Result<&T, HandleError> {
        let slot = self.slot(handle)?;
        match &slot.state {
            State::Open { rights, value, .. } if rights.contains(need) => Ok(value),
            State::Open { rights, .. } => {
                Err(HandleError::MissingRight { handle, missing: need.bits() & !rights.bits() })
            }
            State::Closed => Err(HandleError::Stale(handle)),
            State::Revoked => Err(HandleError::Revoked(handle)),
        }
    }

    /// As [`HandleTable::get`], to change it.
    ///
    /// # Errors
    ///
    /// Why the handle is refused.
    pub fn get_mut(&mut self, handle: Handle, need: HandleRights) -> Result<&mut T, HandleError> {
        self.get(handle, need)?;
        match self.slot_mut(handle).map(|slot| &mut slot.state) {
            Some(State::Open { value, .. }) => Ok(value),
            _ => Err(HandleError::Unknown(handle)),
        }
    }

    /// Gives out a second handle to a copy of what `handle` stands for, with at most its rights. It ends when `handle` is
    /// revoked.
    ///
    /// # Errors
    ///
    /// Why the handle is refused, or that the table is full.
    pub fn derive(&mut self, handle: Handle, rights: HandleRights) -> Result<Handle, HandleError>
    where
        T: Clone,
    {
        let value = self.get(handle, HandleRights::NONE)?.clone();
        let State::Open { rights: own, .. } = &self.slot(handle)?.state else {
            return Err(HandleError::Unknown(handle));
        };
        let rights = own.meet(rights);
        self.put(value, rights, Some(handle))
    }

    /// Revokes a handle and every handle derived from it, at whatever distance, also through handles that were closed
    /// meanwhile. They stay refused as revoked until they are closed. Takes time in proportion to the table.
    ///
    /// # Errors
    ///
    /// When there is no such open handle.
    pub fn revoke(&mut self, handle: Handle) -> Result<(), HandleError> {
        self.get(handle, HandleRights::NONE)?;
        let mut children: HashMap<Handle, Vec<Handle>> = HashMap::new();
        for (index, slot) in (0_u32..).zip(&self.slots) {
            if let State::Open { parent: Some(parent), .. } = slot.state {
                children.entry(parent).or_default().push(Handle { index, generation: slot.generation });
            }
        }
        let mut ended = vec![handle];
        while let Some(parent) = ended.pop() {
            ended.extend(children.remove(&parent).unwrap_or_default());
            if let Some(slot) = self.slot_mut(parent) {
                slot.state = State::Revoked;
            }
        }
        Ok(())
    }

    /// Closes a handle and gives back what it stood for; `None` if it was revoked. Handles derived from it live on, and
    /// from then on count as derived from what it was derived from: whoever could revoke them still can.
    ///
    /// # Errors
    ///
    /// When the handle is unknown or was closed before.
    pub fn close(&mut self, handle: Handle) -> Result<Option<T>, HandleError> {
        match self.get(handle, HandleRights::NONE) {
            Ok(_) | Err(HandleError::Revoked(_)) => {}
            Err(error) => return Err(error),
        }
        let Some(slot) = self.slot_mut(handle) else { return Err(HandleError::Unknown(handle)) };
        let state = std::mem::replace(&mut slot.state, State::Closed);
        // A slot whose generations are used up is never used again: an old handle must not fit a new thing.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(handle.index);
        }
        let State::Open { value, parent, .. } = state else { return Ok(None) };
        for slot in &mut self.slots {
            if let State::Open { parent: of, .. } = &mut slot.state
                && *of == Some(handle)
            {
                *of = parent;
            }
        }
        Ok(Some(value))
    }

    fn put(&mut self, value: T, rights: HandleRights, parent: Option<Handle>) -> Result<Handle, HandleError> {
        let state = State::Open { rights, parent, value };
        if let Some(index) = self.free.pop() {
            let at = usize::try_from(index).unwrap_or(usize::MAX);
            let Some(slot) = self.slots.get_mut(at) else { return Err(HandleError::Full(self.capacity)) };
            slot.state = state;
            return Ok(Handle { index, generation: slot.generation });
        }
        let index = u32::try_from(self.slots.len()).ok().filter(|index| *index < self.capacity);
        let index = index.ok_or(HandleError::Full(self.capacity))?;
        self.slots.push(Slot { generation: FIRST_GENERATION, state });
        Ok(Handle { index, generation: FIRST_GENERATION })
    }

    fn slot(&self, handle: Handle) -> Result<&Slot<T>, HandleError> {
        let at = usize::try_from(handle.index).unwrap_or(usize::MAX);
        let slot = self.slots.get(at).ok_or(HandleError::Unknown(handle))?;
        match handle.generation.cmp(&slot.generation) {
            std::cmp::Ordering::Equal
                if matches!(slot.state, State::Closed) && slot.generation < u32::MAX =>
            {
                Err(HandleError::Unknown(handle))
            }
            std::cmp::Ordering::Equal => Ok(slot),
            std::cmp::Ordering::Less => Err(HandleError::Stale(handle)),
            std::cmp::Ordering::Greater => Err(HandleError::Unknown(handle)),
        }
    }

    fn slot_mut(&mut self, handle: Handle) -> Option<&mut Slot<T>> {
        let at = usize::try_from(handle.index).ok()?;
        self.slots.get_mut(at).filter(|slot| slot.generation == handle.generation)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: HandleRights = HandleRights::new(1);
    const WRITE: HandleRights = HandleRights::new(2);

    #[test]
    fn a_handle_is_refused_for_what_it_is_not() {
        let mut table = HandleTable::new(10);
        let handle = table.insert("a", READ).unwrap();
        assert_eq!(table.get(handle, READ), Ok(&"a"));
        assert_eq!(table.get(handle, WRITE), Err(HandleError::MissingRight { handle, missing: 2 }));
        let forged = Handle::from_bits(7);
        assert_eq!(table.get(forged, READ), Err(HandleError::Unknown(forged)));
        let future = Handle::from_bits(handle.to_bits() + (1 << 32));
        assert_eq!(table.get(future, READ), Err(HandleError::Unknown(future)));
        assert_eq!(table.close(handle), Ok(Some("a")));
        assert_eq!(table.close(handle), Err(HandleError::Stale(handle)));
        let reused = table.insert("b", READ).unwrap();
        assert_ne!(reused, handle);
        assert_eq!(table.get(handle, READ), Err(HandleError::Stale(handle)));
        assert_eq!(table.get(reused, READ), Ok(&"b"));
    }

    #[test]
    fn derived_handles_have_fewer_rights_and_end_with_their_origin() {
        let mut table = HandleTable::new(10);
        let origin = table.insert("a", HandleRights::new(3)).unwrap();
        let child = table.derive(origin, READ).unwrap();
        let grandchild = table.derive(child, HandleRights::ALL).unwrap();
        assert!(table.get(grandchild, WRITE).is_err());
        assert!(table.get(grandchild, READ).is_ok());
        table.revoke(origin).unwrap();
        for handle in [origin, child, grandchild] {
            assert_eq!(table.get(handle, READ), Err(HandleError::Revoked(handle)));
        }
        assert_eq!(table.close(child), Ok(None));
        assert!(table.is_empty());
    }

    #[test]
    fn a_table_holds_its_capacity_and_not_one_more() {
        let mut table = HandleTable::new(3);
        let handles: Vec<Handle> = (0..3).map(|n| table.insert(n, READ).unwrap()).collect();
        assert_eq!(table.insert(3, READ), Err(HandleError::Full(3)));
        table.close(handles[1]).unwrap();
        assert!(table.insert(3, READ).is_ok());
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_retired() {
        let mut table = HandleTable::new(1);
        let first = table.insert(0, READ).unwrap();
        table.slots[0].generation = u32::MAX;
        let last = Handle { index: first.index, generation: u32::MAX };
        assert_eq!(table.close(last), Ok(Some(0)));
        assert_eq!(table.get(last, READ), Err(HandleError::Stale(last)));
        assert_eq!(table.insert(1, READ), Err(HandleError::Full(1)));
    }
}

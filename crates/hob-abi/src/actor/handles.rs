//! What a guest calls the references and boxes that it holds.
//!
//! A handle is looked up in the table of its turn and nowhere else: a number that was made up is unknown, one of an earlier turn
//! or one that was dropped is stale, and both reach nothing. One reference has one handle in a turn, so that a guest can tell
//! whether two are the same.

use std::collections::HashMap;

use hob_cap::{Handle, HandleError, ScopedHandles};
use hob_syrup::{Reader, Writer};
use hob_vat::{Names, Problem, Ref, Value};

/// The label of the record that names a handle.
const CAP: &str = "desc:cap";

/// As long as there are no more handles than these, looking at each of them is the fastest way to find one.
const SCANNED_MAX: usize = 32;

/// The handles of one turn.
#[derive(Debug)]
pub struct Handles {
    table: ScopedHandles<Value>,
    /// Handles of references; empty as long as there are few.
    known: HashMap<Ref, Handle>,
}

impl Handles {
    /// None yet; at most `capacity` in a turn.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self { table: ScopedHandles::new(capacity), known: HashMap::new() }
    }

    /// Ends every handle; `turn` is the number of the turn that begins. See [`ScopedHandles::begin`].
    pub fn begin(&mut self, turn: u64) {
        self.table.begin(turn);
        if !self.known.is_empty() {
            self.known = HashMap::new();
        }
    }

    /// The handle of a reference, or one for a box.
    ///
    /// # Errors
    ///
    /// `limit`: handles.
    pub fn name(&mut self, value: &Value) -> Result<Handle, Problem> {
        let reference = value.as_ref();
        if let Some(found) = reference.and_then(|reference| self.find(reference)) {
            return Ok(found);
        }
        let handle = self.table.insert(value.clone()).map_err(problem)?;
        let indexed = self.table.given() > SCANNED_MAX;
        if let Some(reference) = reference.filter(|_| indexed) {
            if self.known.is_empty() {
                let named = self.table.iter().filter_map(|(handle, value)| Some((value.as_ref()?, handle)));
                self.known = named.collect();
            } else {
                self.known.insert(reference, handle);
            }
        }
        Ok(handle)
    }

    /// What a handle stands for.
    ///
    /// # Errors
    ///
    /// `unknown-handle`, `stale-handle`.
    pub fn get(&self, bits: u64) -> Result<&Value, Problem> {
        self.table.get(Handle::from_bits(bits)).map_err(problem)
    }

    /// Ends one handle.
    ///
    /// # Errors
    ///
    /// As [`Handles::get`].
    pub fn drop(&mut self, bits: u64) -> Result<(), Problem> {
        let value = self.table.close(Handle::from_bits(bits)).map_err(problem)?;
        if let Some(reference) = value.as_ref() {
            self.known.remove(&reference);
        }
        Ok(())
    }

    fn find(&self, reference: Ref) -> Option<Handle> {
        if self.known.is_empty() {
            let mut open = self.table.iter();
            open.find(|(_, value)| value.as_ref() == Some(reference)).map(|(handle, _)| handle)
        } else {
            self.known.get(&reference).copied()
        }
    }
}

impl Names for Handles {
    fn write(&mut self, value: &Value, w: &mut Writer<'_>) -> Result<(), Problem> {
        let handle = self.name(value)?;
        w.record(CAP, |w| w.int(handle.to_bits()));
        Ok(())
    }

    fn read(&mut self, label: &str, r: &mut Reader<'_>) -> Result<Option<Value>, Problem> {
        if label != CAP {
            return Ok(None);
        }
        let bits = r.u64().map_err(hob_vat::not_syrup)?;
        self.get(bits).cloned().map(Some)
    }
}

#[cold]
fn problem(error: HandleError) -> Problem {
    match error {
        HandleError::Stale(handle) => Problem::rule(
            "stale-handle",
            format!("the handle {} was dropped, or was of an earlier turn", handle.to_bits()),
        ),
        HandleError::Full(allowed) => {
            Problem::rule("limit", format!("handles limit exceeded: {allowed} allowed"))
        }
        HandleError::Unknown(handle)
        | HandleError::Revoked(handle)
        | HandleError::MissingRight { handle, .. } => Problem::rule(
            "unknown-handle",
            format!("the handle {} was never given to this actor in this turn", handle.to_bits()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use hob_vat::{Actormap, kind_fn};

    use super::*;

    fn refs(count: usize) -> Vec<Value> {
        let mut map = Actormap::new();
        let kind = kind_fn("none", |_, _, _| Ok(().into()));
        map.poke(|turn| (0..count).map(|_| turn.spawn(kind.clone(), ().into()).map(Value::Ref)).collect())
            .unwrap()
    }

    #[test]
    fn one_reference_has_one_handle_however_many_there_are() {
        for count in [1, SCANNED_MAX - 1, SCANNED_MAX, SCANNED_MAX + 1, 3 * SCANNED_MAX] {
            let refs = refs(count);
            let mut handles = Handles::new(1000);
            handles.begin(1);
            let given: Vec<Handle> = refs.iter().map(|it| handles.name(it).unwrap()).collect();
            let again: Vec<Handle> = refs.iter().map(|it| handles.name(it).unwrap()).collect();
            assert_eq!(given, again);
            assert_eq!(handles.table.given(), count);
            for (handle, value) in given.iter().zip(&refs) {
                assert_eq!(handles.get(handle.to_bits()), Ok(value));
                handles.drop(handle.to_bits()).unwrap();
                assert_eq!(handles.get(handle.to_bits()).unwrap_err().rule_name(), Some("stale-handle"));
                assert_ne!(handles.name(value), Ok(*handle));
            }
            handles.begin(2);
            let next = handles.name(&refs[0]).unwrap();
            assert_ne!(next, given[0]);
            assert_eq!(handles.get(given[0].to_bits()).unwrap_err().rule_name(), Some("stale-handle"));
            assert_eq!(handles.get(7).unwrap_err().rule_name(), Some("unknown-handle"));
        }
    }

    #[test]
    fn a_turn_has_its_handles_and_not_one_more() {
        let refs = refs(3);
        let mut handles = Handles::new(2);
        handles.begin(1);
        assert!(refs[..2].iter().all(|it| handles.name(it).is_ok()));
        assert_eq!(
            handles.name(&refs[2]).unwrap_err().to_string(),
            "limit: handles limit exceeded: 2 allowed"
        );
    }
}
